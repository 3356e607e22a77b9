/* SPDX-License-Identifier: BSD-3-Clause */
/* drop_<reason>, one node for each of DROP_REASONS.  In: packets that end here for that reason.
 * Out: none. */
#include "dataplane/api/counters.h"
#include "dataplane/nodes/node.h"

static inline uint16_t
drop(struct rte_node *node, void **objs, uint16_t n, enum drop_reason reason)
{
	node_worker(node)->counters->drops[reason] += n;
	rte_pktmbuf_free_bulk((struct rte_mbuf **)objs, n);
	return n;
}

#define X(reason, text)                                                                  \
	static uint16_t drop_##reason##_process(                                         \
		struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n) \
	{                                                                                \
		(void)graph;                                                             \
		return drop(node, objs, n, DROP_##reason);                               \
	}                                                                                \
	NODE_REGISTER_INTERMEDIATE(drop_##reason, .nb_edges = 0);
DROP_REASONS(X)
#undef X
