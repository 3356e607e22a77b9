/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/stats.h"

#include <stdio.h>
#include <string.h>

#include "crypto/esp.h"
#include "crypto/rc4.h"
#include "dataplane/api/layout.h"
#include "dataplane/eal.h"
#include "dataplane/port.h"
#include "dataplane/sa.h"
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

_Static_assert(SEGMENT_MAX_KERNELS > RC4_CHOICES, "and one of ESP");

static void
set_kernel(struct segment_kernel *k, const char *use, const char *kernel, uint32_t from)
{
	snprintf(k->use, sizeof(k->use), "%s", use);
	snprintf(k->kernel, sizeof(k->kernel), "%s", kernel);
	k->from = from;
}

static void
report_kernels(void)
{
	struct segment_kernel out[SEGMENT_MAX_KERNELS] = {0};
	struct rc4_choice rc4[RC4_CHOICES];
	char pages[sizeof(out[0].kernel)];
	uint32_t n = rc4_choices(rc4);

	for (uint32_t i = 0; i < n; i++)
		set_kernel(&out[i], rc4[i].use, rc4[i].kernel, rc4[i].from);
	if (sas.engine)
		set_kernel(&out[n++], "esp", esp_engine_kernel(sas.engine), 0);
	eal_pages(pages, sizeof(pages));
	set_kernel(&out[n++], "memory", pages, 0);
	memcpy(segment->kernels, out, sizeof(out));
	segment->n_kernels = n;
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
	report_kernels();
}
