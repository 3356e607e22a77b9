/* SPDX-License-Identifier: BSD-3-Clause */
/* icmp_input.  In: Ethernet frames with ICMP to one of our addresses.  Out: to the main lcore, what
 * is said about tunnels' path MTU apart (D5), or to answer_input. */
#include <rte_ether.h>
#include <rte_icmp.h>

#include "dataplane/api/counters.h"
#include "dataplane/nodes/node.h"
#include "dataplane/pmtu.h"
#include "dataplane/source_rate.h"

enum { EDGE_TO_MAIN, EDGE_ANSWER_INPUT, EDGE_PMTU_UNKNOWN, EDGE_PMTU_RATE, EDGE_COUNT };

/* T24: of what is about one peer a share goes to the main lcore.  What is about nobody ends here,
 * and takes nothing from the others. */
static struct source_limits *limits[SEGMENT_MAX_WORKERS]; /* all: about nobody */

static rte_edge_t
about_tunnel(struct worker *w, const struct pmtu_quote *q)
{
	struct source_limits *l = limits[w->index];
	uint64_t key = pmtu_key(q) * 0x9e3779b97f4a7c15; /* 2^64 by the golden ratio */

	if (!pmtu_is_known(q))
		return rate_limit_take(&l->all, w->now_us, PATH_MTU_PER_SECOND) ? EDGE_PMTU_UNKNOWN
										: EDGE_PMTU_RATE;
	return source_rate_take(&l->source, key >> 32, w->now_us, PATH_MTU_PER_SECOND,
		       1000000 / PATH_MTU_PER_SECOND)
		       ? EDGE_TO_MAIN
		       : EDGE_PMTU_RATE;
}

static rte_edge_t
icmp_input_one(struct worker *w, struct rte_mbuf *m)
{
	uint32_t at = sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr);
	struct pmtu_quote q;

	const uint8_t *icmp = rte_pktmbuf_mtod_offset(m, const uint8_t *, at);

	pkt_meta(m)->kind = PUNT_TAP;
	if (icmp[0] == RTE_IP_ICMP_ECHO_REQUEST)
		return EDGE_TO_MAIN;
	if (pmtu_parse(icmp, m->data_len - at, &q) == QUOTED_OTHER)
		return EDGE_ANSWER_INPUT;
	pkt_meta(m)->kind = PUNT_PMTU;
	return about_tunnel(w, &q);
}

static uint16_t
icmp_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, prefetch_nothing, icmp_input_one);
}

static int
icmp_input_init(const struct rte_graph *graph, struct rte_node *node)
{
	int rc = node_init(graph, node);

	return rc != 0 ? rc : source_limits_start(&limits[node_worker(node)->index]);
}

static void
icmp_input_fini(const struct rte_graph *graph, struct rte_node *node)
{
	(void)graph;
	source_limits_end(&limits[node_worker(node)->index]);
}

static struct rte_node_register icmp_input_node = {
	.name = "icmp_input",
	.process = icmp_input_process,
	.init = icmp_input_init,
	.fini = icmp_input_fini,
	.nb_edges = EDGE_COUNT,
	.next_nodes =
		{
			[EDGE_TO_MAIN] = "to_main",
			[EDGE_ANSWER_INPUT] = "answer_input",
			[EDGE_PMTU_UNKNOWN] = "drop_pmtu_unknown",
			[EDGE_PMTU_RATE] = "drop_pmtu_rate",
		},
};
RTE_NODE_REGISTER(icmp_input_node)
