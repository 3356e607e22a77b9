/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/stats.h"

#include <string.h>

#include "dataplane/port.h"
#include "dataplane/segment.h"
#include "dataplane/worker.h"

/* The worker goes on counting meanwhile: a torn pair of figures is corrected a second later. */
static uint32_t
report_nodes(const struct worker *w)
{
	struct node_counters *out =
		(struct node_counters *)segment_part(segment_offsets.node_counters) +
		(size_t)w->index * SEGMENT_MAX_NODES;
	const struct rte_node *node;
	rte_graph_off_t off;
	rte_node_t count;
	uint32_t n = 0;

	rte_graph_foreach_node(count, off, w->graph, node)
	{
		if (n == SEGMENT_MAX_NODES)
			break;
		memcpy(out[n].name, node->name, sizeof(out[n].name) - 1);
		out[n].calls = node->total_calls;
		out[n].objs = node->total_objs;
		out[n].cycles = node->total_cycles;
		n++;
	}
	return n;
}

void
stats_report(struct rte_mempool *mbufs)
{
	uint32_t nodes = 0;
	for (unsigned int i = 0; i < n_workers; i++)
		nodes = report_nodes(&workers[i]);
	segment_offsets.n_nodes = segment->n_nodes = nodes;
	segment->mbufs_total = mbufs->size;
	atomic_store_explicit(
		&segment->mbufs_free, rte_mempool_avail_count(mbufs), memory_order_relaxed);
	ports_report(segment);
}
