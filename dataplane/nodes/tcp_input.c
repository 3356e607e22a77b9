/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_input.  In: Ethernet frames with TCP to port 1723 of one of our addresses.  Out: those of
 * connections that are there, and strangers' within their rates, by a ring of their own, to the
 * kernel. */
#include <rte_ether.h>

#include "dataplane/answered.h"
#include "dataplane/api/counters.h"
#include "dataplane/nodes/node.h"
#include "dataplane/source_rate.h"

enum { EDGE_TO_MAIN, EDGE_TCP_RATE, EDGE_TCP_FLOOD, EDGE_COUNT };

/*
 * T13.  A connection begins with one SYN, and whoever has not answered ours may have forged his
 * address: such segments have a limit for each address, where many clients may be behind a NAT, and
 * one for all together.  Who has connected since gives his place in that one back, so that it
 * bounds those who prove nothing, and not how many may dial in.
 */
#define SOURCE_BURST       400
#define SOURCE_INTERVAL_US 5000
#define NEW_PER_SECOND     1000

static struct source_limits *limits[SEGMENT_MAX_WORKERS];
/* Connections whose places were given back. */
static struct {
	uint64_t n;
} __rte_cache_aligned established[SEGMENT_MAX_WORKERS];

static void
give_places_back(struct worker *w)
{
	uint64_t n = answered_established();

	if (n == established[w->index].n)
		return;
	rate_limit_give_back(&limits[w->index]->all, n - established[w->index].n);
	established[w->index].n = n;
}

static rte_edge_t
tcp_input_one(struct worker *w, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(
		m, const struct rte_ipv4_hdr *, sizeof(struct rte_ether_hdr));
	struct source_limits *l = limits[w->index];

	/* classify has seen that the header is there. */
	pkt_meta(m)->kind = PUNT_TCP;
	if (answered_tcp(ip->src_addr, (const struct rte_tcp_hdr *)(ip + 1)))
		return EDGE_TO_MAIN;
	pkt_meta(m)->kind = PUNT_TCP_NEW;
	if (!source_rate_take(
		    &l->source, ip->src_addr, w->now_us, SOURCE_BURST, SOURCE_INTERVAL_US))
		return EDGE_TCP_RATE;
	give_places_back(w);
	return rate_limit_take(&l->all, w->now_us, NEW_PER_SECOND) ? EDGE_TO_MAIN : EDGE_TCP_FLOOD;
}

static uint16_t
tcp_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, prefetch_nothing, tcp_input_one);
}

static int
tcp_input_init(const struct rte_graph *graph, struct rte_node *node)
{
	int rc = node_init(graph, node);

	if (rc != 0)
		return rc;
	established[node_worker(node)->index].n = answered_established();
	return source_limits_start(&limits[node_worker(node)->index]);
}

static void
tcp_input_fini(const struct rte_graph *graph, struct rte_node *node)
{
	(void)graph;
	source_limits_end(&limits[node_worker(node)->index]);
}

static struct rte_node_register tcp_input_node = {
	.name = "tcp_input",
	.process = tcp_input_process,
	.init = tcp_input_init,
	.fini = tcp_input_fini,
	.nb_edges = EDGE_COUNT,
	.next_nodes =
		{
			[EDGE_TO_MAIN] = "to_main",
			[EDGE_TCP_RATE] = "drop_tcp_rate",
			[EDGE_TCP_FLOOD] = "drop_tcp_flood",
		},
};
RTE_NODE_REGISTER(tcp_input_node)
