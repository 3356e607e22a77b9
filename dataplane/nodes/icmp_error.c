/* SPDX-License-Identifier: BSD-3-Clause */
/* icmp_error.  In: IPv4 packets with meta->icmp.  Out: the ICMP error about each (RFC 792, 1191,
 * 1812), to ip_forward. */
#include <netinet/in.h>

#include <rte_icmp.h>

#include "dataplane/api/counters.h"
#include "dataplane/nodes/node.h"
#include "dataplane/source_rate.h"

enum {
	EDGE_IP_FORWARD,
	EDGE_ICMP_RATE,
	EDGE_IP_TTL,
	EDGE_SESSION_MTU,
	EDGE_IP_NO_ROUTE,
	EDGE_COUNT
};

#define ICMP_QUOTE       548  /* octets of the original: RFC 1812 section 4.3.2.3, 576 in all */
#define ICMP_PER_SECOND  1000 /* "too big", and all others; on each worker */
#define ICMP_BURST       50   /* to one host, and then 100 a second */
#define ICMP_INTERVAL_US 10000

static struct limits {
	struct source_limits *host; /* all: of what is not "too big" */
	struct rate_limit too_big;
} limits[SEGMENT_MAX_WORKERS];

/* Why the packet ends here: it counts as dropped for that reason, whether an error is sent or
 * not. */
static rte_edge_t
edge_of(uint32_t icmp)
{
	if (icmp >> 24 == 11)
		return EDGE_IP_TTL;
	return (icmp >> 16 & 0xff) == 4 ? EDGE_SESSION_MTU : EDGE_IP_NO_ROUTE;
}

static enum drop_reason
reason_of(rte_edge_t edge)
{
	return edge == EDGE_IP_TTL        ? DROP_ip_ttl
	       : edge == EDGE_SESSION_MTU ? DROP_session_mtu
					  : DROP_ip_no_route;
}

/* RFC 1812 section 4.3.2.7: never about an ICMP error, a fragment other than the first, a
 * broadcast, or for no single host. */
static bool
may_answer(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	uint32_t hlen = rte_ipv4_hdr_len(ip);
	uint32_t src = rte_be_to_cpu_32(ip->src_addr), dst = rte_be_to_cpu_32(ip->dst_addr);

	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return false;
	if (src >> 24 == 0 || src >> 24 == 127 || src >> 24 >= 224 || dst >> 24 >= 224)
		return false;
	if (ip->next_proto_id != IPPROTO_ICMP)
		return true;
	if (m->data_len <= hlen)
		return false;
	uint8_t type = ((const uint8_t *)ip)[hlen];
	return type == RTE_IP_ICMP_ECHO_REQUEST || type == RTE_IP_ICMP_ECHO_REPLY;
}

/*
 * RFC 1812 section 4.3.2.8, and T24: each host to whom we have to say something has a share; what
 * path MTU discovery needs does not stand behind what a traceroute, or a flood like one, asks for.
 */
static bool
take_token(struct worker *w, rte_be32_t to, rte_edge_t why)
{
	struct limits *l = &limits[w->index];

	return source_rate_take(&l->host->source, to, w->now_us, ICMP_BURST, ICMP_INTERVAL_US) &&
	       rate_limit_take(why == EDGE_SESSION_MTU ? &l->too_big : &l->host->all, w->now_us,
		       ICMP_PER_SECOND);
}

/* Make the error in place: the quoted packet stays where it is, the headers go in front. */
static void
make_error(struct rte_mbuf *m, rte_be32_t source)
{
	struct pkt_meta *meta = pkt_meta(m);
	rte_be32_t to = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *)->src_addr;
	uint8_t tos = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *)->type_of_service;

	if (m->data_len > ICMP_QUOTE)
		rte_pktmbuf_trim(m, m->data_len - ICMP_QUOTE);
	uint8_t *icmp = (uint8_t *)rte_pktmbuf_prepend(m, 8);
	icmp[0] = meta->icmp >> 24;
	icmp[1] = meta->icmp >> 16;
	memset(icmp + 2, 0, 4);
	icmp[6] = meta->icmp >> 8; /* RFC 1191 section 4: next-hop MTU */
	icmp[7] = meta->icmp;
	rte_be16_t cksum = ~rte_raw_cksum(icmp, m->data_len);
	memcpy(icmp + 2, &cksum, sizeof(cksum));

	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)rte_pktmbuf_prepend(m, sizeof(*ip));
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.type_of_service = (tos & 0x1e) | 0xc0, /* RFC 1812 section 4.3.2.5 */
		.total_length = rte_cpu_to_be_16(m->data_len),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_ICMP,
		.src_addr = source,
		.dst_addr = to,
	};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	meta->flags = PKT_LOCAL;
}

static rte_edge_t
icmp_error_one(struct worker *w, struct rte_mbuf *m)
{
	rte_edge_t why = edge_of(pkt_meta(m)->icmp);
	rte_be32_t source =
		atomic_load_explicit(&settings.server_inner_ip_be, memory_order_relaxed);

	if (source == 0 || !may_answer(m, rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *)))
		return why;
	w->counters->drops[reason_of(why)]++;
	if (!take_token(w, rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *)->src_addr, why))
		return EDGE_ICMP_RATE;
	make_error(m, source);
	return EDGE_IP_FORWARD;
}

static uint16_t
icmp_error_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, prefetch_nothing, icmp_error_one);
}

static int
icmp_error_init(const struct rte_graph *graph, struct rte_node *node)
{
	int rc = node_init(graph, node);

	return rc != 0 ? rc : source_limits_start(&limits[node_worker(node)->index].host);
}

static void
icmp_error_fini(const struct rte_graph *graph, struct rte_node *node)
{
	struct limits *l = &limits[node_worker(node)->index];

	(void)graph;
	source_limits_end(&l->host);
	memset(l, 0, sizeof(*l));
}

static struct rte_node_register icmp_error_node = {
	.name = "icmp_error",
	.process = icmp_error_process,
	.init = icmp_error_init,
	.fini = icmp_error_fini,
	.nb_edges = EDGE_COUNT,
	.next_nodes =
		{
			[EDGE_IP_FORWARD] = "ip_forward",
			[EDGE_ICMP_RATE] = "drop_icmp_rate",
			[EDGE_IP_TTL] = "drop_ip_ttl",
			[EDGE_SESSION_MTU] = "drop_session_mtu",
			[EDGE_IP_NO_ROUTE] = "drop_ip_no_route",
		},
};
RTE_NODE_REGISTER(icmp_error_node)
