/* SPDX-License-Identifier: BSD-3-Clause */
/* to_main.  In: packets for the kernel or for neighbour resolution, with meta->kind.  Out: the ring
 * of that kind to the main lcore. */
#include "dataplane/nodes/node.h"

enum { EDGE_TAP_FULL, EDGE_COUNT };

static uint16_t
to_main_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);

	for (uint16_t i = 0, j; i < n; i = j) {
		uint8_t kind = pkt_meta(objs[i])->kind;
		for (j = i + 1; j < n && pkt_meta(objs[j])->kind == kind; j++)
			;
		uint16_t given = (uint16_t)rte_ring_sp_enqueue_burst(
			w->to_main[kind], objs + i, j - i, NULL);
		if (unlikely(given < j - i))
			rte_node_enqueue(
				graph, node, EDGE_TAP_FULL, objs + i + given, j - i - given);
	}
	return n;
}

NODE_REGISTER_INTERMEDIATE(
	to_main, .nb_edges = EDGE_COUNT, .next_nodes = {[EDGE_TAP_FULL] = "drop_tap_full"});
