/* SPDX-License-Identifier: BSD-3-Clause */
/* What every graph node uses: registration, dispatch of a vector to edges, session drops. */
#ifndef ADIT_DATAPLANE_NODES_NODE_H
#define ADIT_DATAPLANE_NODES_NODE_H

#include <rte_graph.h>
#include <rte_graph_worker.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "dataplane/worker.h"

#define NODE_CHUNK 256 /* packets that a node looks at in one go */

/* Hand objs[i] to edge next[i], i < n.  Runs of one edge are copied at once. */
static inline void
node_enqueue_runs(struct rte_graph *graph, struct rte_node *node, void **objs,
	const rte_edge_t *next, uint16_t n)
{
	for (uint16_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && next[j] == next[i]; j++)
			;
		rte_node_enqueue(graph, node, next[i], objs + i, j - i);
	}
}

/* The same for a node's whole input or a part of it: one edge for all of it moves the stream,
 * without a copy. */
static inline void
node_dispatch(struct rte_graph *graph, struct rte_node *node, void **objs, const rte_edge_t *next,
	uint16_t n)
{
	uint16_t i = 1;
	while (i < n && next[i] == next[0])
		i++;
	if (likely(i == n) && objs == node->objs && n == node->idx)
		rte_node_next_stream_move(graph, node, next[0]);
	else
		node_enqueue_runs(graph, node, objs, next, n);
}

/* A node's decision about one packet: the edge it leaves by.  The packet may be changed, not
 * freed. */
typedef rte_edge_t (*node_decision)(struct worker *w, struct rte_mbuf *m);

/* Requests the lines that the decision will need. */
typedef void (*node_prefetch)(struct rte_mbuf *m);

static __rte_always_inline void
node_request(void **objs, uint16_t n, node_prefetch request)
{
	for (uint16_t i = 0; i < n; i++)
		request(objs[i]);
}

/* The loop of most nodes.  Inlined into each with its functions: no indirect call is left.  What a
 * burst needs is requested first, so that memory is waited for once. */
static __rte_always_inline uint16_t
node_each(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n,
	node_prefetch request, node_decision decide)
{
	struct worker *w = node_worker(node);
	rte_edge_t next[NODE_CHUNK];

	for (uint16_t at = 0; at < n; at += NODE_CHUNK) {
		uint16_t k = RTE_MIN(n - at, NODE_CHUNK);
		void **o = objs + at;
		node_request(o, k, request);
		for (uint16_t i = 0; i < k; i++)
			next[i] = decide(w, o[i]);
		node_dispatch(graph, node, o, next, k);
	}
	return n;
}

/* What can be known from the packet alone, and where its entry is, whose lines are requested: an
 * edge, or NODE_FOUND to go on with the decision. */
typedef rte_edge_t (*node_lookup)(struct rte_mbuf *m);
#define NODE_FOUND RTE_EDGE_ID_INVALID

/* The loop of nodes that lead packets to their entries: all look-ups come first, so that memory is
 * waited for once. */
static __rte_always_inline uint16_t
node_each_found(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n,
	node_lookup lookup, node_decision decide)
{
	struct worker *w = node_worker(node);
	rte_edge_t next[NODE_CHUNK];

	for (uint16_t at = 0; at < n; at += NODE_CHUNK) {
		uint16_t k = RTE_MIN(n - at, NODE_CHUNK);
		void **o = objs + at;
		for (uint16_t i = 0; i < k; i++)
			next[i] = lookup(o[i]);
		for (uint16_t i = 0; i < k; i++)
			if (likely(next[i] == NODE_FOUND))
				next[i] = decide(w, o[i]);
		node_dispatch(graph, node, o, next, k);
	}
	return n;
}

static inline void
prefetch_nothing(struct rte_mbuf *m)
{
	(void)m;
}

/* Count a drop for its session (owner only), and leave by edge. */
static inline rte_edge_t
session_up_drop(struct session *s, rte_edge_t edge)
{
	s->cfg.counters->up_drops++;
	return edge;
}

static inline rte_edge_t
session_down_drop(struct session *s, rte_edge_t edge)
{
	s->cfg.counters->down_drops++;
	return edge;
}

/* An ICMP error to be made of the packet: meta->icmp, for node icmp_error. */
#define ICMP_WORD(type, code, mtu) ((uint32_t)(type) << 24 | (uint32_t)(code) << 16 | (mtu))

/* In .next_nodes of nodes where a session's output, or a pair's exit, is an edge. */
#define OUTPUT_EDGES [OUTPUT_PPTP] = "pptp_output", [OUTPUT_L2TP] = "l2tp_output"
#define EXIT_EDGES   [SA_EXIT_L2TP] = "l2tp_input"

#define NODE_REGISTER_INTERMEDIATE(ident, ...)                                               \
	static struct rte_node_register ident##_node = {                                     \
		.name = #ident, .process = ident##_process, .init = node_init, __VA_ARGS__}; \
	RTE_NODE_REGISTER(ident##_node)

#endif
