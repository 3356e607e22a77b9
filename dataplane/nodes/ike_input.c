/* SPDX-License-Identifier: BSD-3-Clause */
/* ike_input.  In: Ethernet frames with IKE to one of our addresses, UDP 500, or 4500 behind the
 * non-ESP marker.  Out: those within their rates, to the kernel's charon. */
#include <rte_ether.h>
#include <rte_udp.h>

#include "dataplane/answered.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/sa.h"
#include "dataplane/nodes/node.h"
#include "dataplane/source_rate.h"

enum { EDGE_TO_MAIN, EDGE_IKE_RATE, EDGE_IKE_FLOOD, EDGE_COUNT };

/*
 * T13.  A client's whole set-up takes five messages, DPD one every half minute; behind a carrier's
 * NAT are many, and charon makes some three hundred tunnels a second.  IKEv1's responder keeps
 * state from the first message on, so addresses can be forged, and so can cookies: a message is a
 * stranger's unless a pair of SAs leads to its address and port, or it repeats the cookies that
 * charon has sent there.  Strangers have a limit for all together, and leave the others theirs.
 */
#define SOURCE_BURST       400
#define SOURCE_INTERVAL_US 5000
#define NEW_PER_SECOND     1000

static struct source_limits *limits[SEGMENT_MAX_WORKERS]; /* all: strangers */

static bool
is_stranger(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);
	const uint8_t *ike = (const uint8_t *)(udp + 1);

	if (sa_leads_to(ip->src_addr, udp->src_port))
		return false;
	if (udp->dst_port == RTE_BE16(NAT_T_PORT))
		ike += 4;
	if (ike + 16 > rte_pktmbuf_mtod(m, const uint8_t *) + m->data_len)
		return true;
	return !answered_ike(ip->src_addr, ike);
}

static rte_edge_t
ike_input_one(struct worker *w, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(
		m, const struct rte_ipv4_hdr *, sizeof(struct rte_ether_hdr));
	struct source_limits *l = limits[w->index];

	if (!source_rate_take(
		    &l->source, ip->src_addr, w->now_us, SOURCE_BURST, SOURCE_INTERVAL_US))
		return EDGE_IKE_RATE;
	if (is_stranger(m, ip) && !rate_limit_take(&l->all, w->now_us, NEW_PER_SECOND))
		return EDGE_IKE_FLOOD;
	pkt_meta(m)->kind = PUNT_IKE;
	return EDGE_TO_MAIN;
}

static uint16_t
ike_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, prefetch_nothing, ike_input_one);
}

static int
ike_input_init(const struct rte_graph *graph, struct rte_node *node)
{
	int rc = node_init(graph, node);

	return rc != 0 ? rc : source_limits_start(&limits[node_worker(node)->index]);
}

static void
ike_input_fini(const struct rte_graph *graph, struct rte_node *node)
{
	(void)graph;
	source_limits_end(&limits[node_worker(node)->index]);
}

static struct rte_node_register ike_input_node = {
	.name = "ike_input",
	.process = ike_input_process,
	.init = ike_input_init,
	.fini = ike_input_fini,
	.nb_edges = EDGE_COUNT,
	.next_nodes =
		{
			[EDGE_TO_MAIN] = "to_main",
			[EDGE_IKE_RATE] = "drop_ike_rate",
			[EDGE_IKE_FLOOD] = "drop_ike_flood",
		},
};
RTE_NODE_REGISTER(ike_input_node)
