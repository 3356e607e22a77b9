/* SPDX-License-Identifier: BSD-3-Clause */
/* to_main.  In: packets for the kernel or for neighbour resolution, with meta->kind.  Out: the ring
 * to the main lcore. */
#include "dataplane/nodes/node.h"

enum { EDGE_TAP_FULL, EDGE_COUNT };

static uint16_t
to_main_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	unsigned int given = rte_ring_sp_enqueue_burst(node_worker(node)->to_main, objs, n, NULL);
	if (unlikely(given < n))
		rte_node_enqueue(graph, node, EDGE_TAP_FULL, objs + given, n - given);
	return n;
}

NODE_REGISTER_INTERMEDIATE(
	to_main, .nb_edges = EDGE_COUNT, .next_nodes = {[EDGE_TAP_FULL] = "drop_tap_full"});
