/* SPDX-License-Identifier: BSD-3-Clause */
/* answer_input.  In: Ethernet frames of WAN ports that control lets in for nobody: TCP, UDP, echo
 * replies and ICMP errors.  Out: answers to what the kernel has begun, within their rates, by a
 * ring of their own; errors about PPTP's connections and IKE. */
#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_icmp.h>

#include "dataplane/answered.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/sa.h"
#include "dataplane/api/session.h"
#include "dataplane/flow.h"
#include "dataplane/nodes/node.h"
#include "dataplane/port_table.h"
#include "dataplane/source_rate.h"

enum { EDGE_TO_MAIN, EDGE_EDGE_FILTER, EDGE_ANSWER_RATE, EDGE_ICMP_QUOTE, EDGE_COUNT };

/*
 * T13, T24.  Whom the kernel asks may be hostile: he has a rate, and all together leave the main
 * lcore time for IKE and PPTP.  A small share is each one's own, whatever the others send.
 */
#define OWN_BURST          64
#define OWN_INTERVAL_US    2000
#define SOURCE_BURST       2048
#define SOURCE_INTERVAL_US 50
#define ALL_PER_SECOND     40000
#define ERRORS_PER_SECOND  1000

static struct limits {
	struct source_limits *answers;
	struct source_limits *own; /* all: ICMP errors about who has proved nothing */
} limits[SEGMENT_MAX_WORKERS];

static bool
take(struct worker *w, rte_be32_t source)
{
	const struct limits *l = &limits[w->index];
	bool own = source_rate_take(&l->own->source, source, w->now_us, OWN_BURST, OWN_INTERVAL_US);

	return source_rate_take(
		       &l->answers->source, source, w->now_us, SOURCE_BURST, SOURCE_INTERVAL_US) &&
	       (own || rate_limit_take(&l->answers->all, w->now_us, ALL_PER_SECOND));
}

/* PPTP's connections and IKE, which begin elsewhere.  Anybody can quote their ports. */
static bool
about_service(struct worker *w, const struct rte_ipv4_hdr *ip, const uint8_t *icmp, uint32_t len)
{
	const struct rte_ipv4_hdr *quoted = (const struct rte_ipv4_hdr *)(icmp + 8);
	rte_be16_t ends[2];

	if (len < 8 + sizeof(*quoted) + 8 || quoted->version_ihl != 0x45 ||
		quoted->src_addr != ip->dst_addr)
		return false;
	memcpy(ends, quoted + 1, sizeof(ends));
	if (quoted->next_proto_id == IPPROTO_TCP && ends[0] == RTE_BE16(PPTP_PORT))
		return answered_connection(quoted->dst_addr, ends[1]);
	if (quoted->next_proto_id != IPPROTO_UDP ||
		(ends[0] != RTE_BE16(IKE_PORT) && ends[0] != RTE_BE16(NAT_T_PORT)))
		return false;
	return sa_leads_to(quoted->dst_addr, ends[1]) ||
	       rate_limit_take(&limits[w->index].own->all, w->now_us, ERRORS_PER_SECOND);
}

static rte_edge_t
answer(struct worker *w, struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	pkt_meta(m)->kind = PUNT_ANSWER;
	return take(w, ip->src_addr) ? EDGE_TO_MAIN : EDGE_ANSWER_RATE;
}

/* classify has seen eight octets. */
static rte_edge_t
icmp_one(struct worker *w, struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, uint32_t len)
{
	const uint8_t *icmp = (const uint8_t *)(ip + 1);

	if (icmp[0] == RTE_IP_ICMP_ECHO_REPLY)
		return flow_answers(ip, len, false, w->now_us) ? answer(w, m, ip)
							       : EDGE_EDGE_FILTER;
	len -= sizeof(*ip);
	if (flow_quoted(icmp, len, w->now_us))
		return answer(w, m, ip);
	if (!about_service(w, ip, icmp, len))
		return EDGE_ICMP_QUOTE;
	pkt_meta(m)->kind = PUNT_TAP;
	return EDGE_TO_MAIN;
}

static rte_edge_t
answer_input_one(struct worker *w, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(
		m, const struct rte_ipv4_hdr *, sizeof(struct rte_ether_hdr));
	uint32_t len = m->data_len - sizeof(struct rte_ether_hdr);

	if (ip->next_proto_id == IPPROTO_ICMP)
		return icmp_one(w, m, ip, len);
	if (ip->next_proto_id == IPPROTO_UDP &&
		flow_dhcp(
			pkt_meta(m)->port, (const uint8_t *)(ip + 1), len - sizeof(*ip), w->now_us))
		return answer(w, m, ip);
	/* An address that the kernel has lost meanwhile is another's, to whom it might forward. */
	if (!flow_answers(ip, len, false, w->now_us) || !is_wan_address(ip->dst_addr))
		return EDGE_EDGE_FILTER;
	return answer(w, m, ip);
}

static uint16_t
answer_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, prefetch_nothing, answer_input_one);
}

static int
answer_input_init(const struct rte_graph *graph, struct rte_node *node)
{
	int rc = node_init(graph, node);
	struct limits *l = &limits[node_worker(node)->index];

	if (rc == 0)
		rc = source_limits_start(&l->answers);
	return rc != 0 ? rc : source_limits_start(&l->own);
}

static void
answer_input_fini(const struct rte_graph *graph, struct rte_node *node)
{
	struct limits *l = &limits[node_worker(node)->index];

	(void)graph;
	source_limits_end(&l->answers);
	source_limits_end(&l->own);
}

static struct rte_node_register answer_input_node = {
	.name = "answer_input",
	.process = answer_input_process,
	.init = answer_input_init,
	.fini = answer_input_fini,
	.nb_edges = EDGE_COUNT,
	.next_nodes =
		{
			[EDGE_TO_MAIN] = "to_main",
			[EDGE_EDGE_FILTER] = "drop_edge_filter",
			[EDGE_ANSWER_RATE] = "drop_answer_rate",
			[EDGE_ICMP_QUOTE] = "drop_icmp_quote",
		},
};
RTE_NODE_REGISTER(answer_input_node)
