/* SPDX-License-Identifier: BSD-3-Clause */
/* handoff.  In: packets for meta->owner, another worker, with meta->stage and meta->handle.  Out:
 * the owners' rings. */
#include "dataplane/api/counters.h"
#include "dataplane/nodes/node.h"

enum { EDGE_HANDOFF_FULL, EDGE_COUNT };

/* One pass for each owner that occurs keeps a session's packets in order and each ring's cost at
 * one access a chunk. */
static void
handoff_chunk(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	uint8_t owner[NODE_CHUNK];
	uint32_t owners = 0;

	static_assert(SEGMENT_MAX_WORKERS <= 32, "one bit for each worker");
	for (uint16_t i = 0; i < n; i++) {
		owner[i] = pkt_meta((struct rte_mbuf *)objs[i])->owner;
		owners |= 1u << owner[i];
	}
	for (; owners != 0; owners &= owners - 1) {
		unsigned int to = rte_bsf32(owners);
		void *mine[NODE_CHUNK];
		unsigned int k = 0;
		for (uint16_t i = 0; i < n; i++)
			if (owner[i] == to)
				mine[k++] = objs[i];
		unsigned int given = rte_ring_mp_enqueue_burst(workers[to].rx, mine, k, NULL);
		if (unlikely(given < k))
			rte_node_enqueue(graph, node, EDGE_HANDOFF_FULL, mine + given, k - given);
	}
}

static uint16_t
handoff_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	for (uint16_t at = 0; at < n; at += NODE_CHUNK)
		handoff_chunk(graph, node, objs + at, RTE_MIN(n - at, NODE_CHUNK));
	return n;
}

NODE_REGISTER_INTERMEDIATE(
	handoff, .nb_edges = EDGE_COUNT, .next_nodes = {[EDGE_HANDOFF_FULL] = "drop_handoff_full"});
