/* SPDX-License-Identifier: BSD-3-Clause */
/* icmp_input.  In: Ethernet frames with ICMP to one of our addresses.  Out: to the main lcore, what
 * is said about tunnels' path MTU apart (D5). */
#include <rte_ether.h>

#include "dataplane/nodes/node.h"
#include "dataplane/pmtu.h"
#include "dataplane/rate.h"

enum { EDGE_TO_MAIN, EDGE_PMTU_RATE, EDGE_COUNT };

static struct {
	struct rate_limit rate;
} __rte_cache_aligned told[SEGMENT_MAX_WORKERS];

static rte_edge_t
icmp_input_one(struct worker *w, struct rte_mbuf *m)
{
	uint32_t at = sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr);
	struct pmtu_quote q;

	pkt_meta(m)->kind = PUNT_TAP;
	if (pmtu_parse(rte_pktmbuf_mtod_offset(m, const uint8_t *, at), m->data_len - at, &q) ==
		QUOTED_OTHER)
		return EDGE_TO_MAIN;
	pkt_meta(m)->kind = PUNT_PMTU;
	return rate_limit_take(&told[w->index].rate, w->now_us, PATH_MTU_PER_SECOND)
		       ? EDGE_TO_MAIN
		       : EDGE_PMTU_RATE;
}

static uint16_t
icmp_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, prefetch_nothing, icmp_input_one);
}

NODE_REGISTER_INTERMEDIATE(icmp_input, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_TO_MAIN] = "to_main",
		[EDGE_PMTU_RATE] = "drop_pmtu_rate",
	});
