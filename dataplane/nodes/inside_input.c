/* SPDX-License-Identifier: BSD-3-Clause */
/* inside_input.  In: clients' IPv4 packets to the gateway itself, at any of its addresses.  Out:
 * ping, the services that are named, and answers to the kernel, within their rates, to the inner
 * TUN device. */
#include <netinet/in.h>

#include "dataplane/api/counters.h"
#include "dataplane/flow.h"
#include "dataplane/nodes/node.h"
#include "dataplane/source_rate.h"

enum { EDGE_TO_MAIN, EDGE_INSIDE_SERVICE, EDGE_INSIDE_RATE, EDGE_COUNT };

/*
 * T25.  Sources are the sessions' own (T18), so that each has its share; ICMP's is small, that of
 * a service lets a file through.  All together leave the main lcore time for others.
 */
#define ICMP_BURST          64
#define ICMP_INTERVAL_US    10000
#define SERVICE_BURST       256
#define SERVICE_INTERVAL_US 1000
#define ALL_PER_SECOND      10000

static struct limits {
	struct source_limits *icmp, *service;
} limits[SEGMENT_MAX_WORKERS];

/* Ping, answers to our own, and errors about what our kernel sends. */
static bool
icmp_allowed(uint8_t type)
{
	switch (type) {
	case 0:  /* echo reply */
	case 3:  /* destination unreachable, and fragmentation needed */
	case 11: /* time exceeded */
	case 12: /* parameter problem */
		return true;
	case 8: /* echo request */
		return settings.inside_ping;
	default:
		return false;
	}
}

static bool
service_allowed(uint8_t proto, uint16_t port)
{
	for (unsigned int i = 0; i < settings.n_inside; i++)
		if (settings.inside[i].proto == proto && settings.inside[i].port == port)
			return true;
	return false;
}

/* First fragments say whom they are for, and without an allowed one the others come to nothing: the
 * protocol and the sender are part of what fragments are put together by (RFC 791). */
static bool
is_allowed(const struct worker *w, const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	uint32_t hlen = rte_ipv4_hdr_len(ip);
	const uint8_t *l4 = (const uint8_t *)ip + hlen;
	bool first = !(ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK));

	if (first && m->data_len < hlen + 8)
		return false;
	if (ip->next_proto_id == IPPROTO_ICMP)
		return !first || icmp_allowed(l4[0]);
	if (ip->next_proto_id != IPPROTO_TCP && ip->next_proto_id != IPPROTO_UDP)
		return false;
	if (!first)
		return settings.n_inside > 0 || flow_peer(ip->src_addr, w->now_us);
	return service_allowed(ip->next_proto_id, (uint16_t)(l4[2] << 8 | l4[3])) ||
	       flow_answers(ip, m->data_len, true, w->now_us);
}

static rte_edge_t
inside_input_one(struct worker *w, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	bool icmp = ip->next_proto_id == IPPROTO_ICMP;
	struct source_limits *l = icmp ? limits[w->index].icmp : limits[w->index].service;

	if (!is_allowed(w, m, ip))
		return EDGE_INSIDE_SERVICE;
	if (!source_rate_take(&l->source, ip->src_addr, w->now_us,
		    icmp ? ICMP_BURST : SERVICE_BURST,
		    icmp ? ICMP_INTERVAL_US : SERVICE_INTERVAL_US) ||
		!rate_limit_take(&l->all, w->now_us, ALL_PER_SECOND))
		return EDGE_INSIDE_RATE;
	pkt_meta(m)->kind = PUNT_INNER;
	return EDGE_TO_MAIN;
}

static uint16_t
inside_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, prefetch_nothing, inside_input_one);
}

static int
inside_input_init(const struct rte_graph *graph, struct rte_node *node)
{
	int rc = node_init(graph, node);
	struct limits *l = &limits[node_worker(node)->index];

	if (rc == 0)
		rc = source_limits_start(&l->icmp);
	return rc != 0 ? rc : source_limits_start(&l->service);
}

static void
inside_input_fini(const struct rte_graph *graph, struct rte_node *node)
{
	struct limits *l = &limits[node_worker(node)->index];

	(void)graph;
	source_limits_end(&l->icmp);
	source_limits_end(&l->service);
}

static struct rte_node_register inside_input_node = {
	.name = "inside_input",
	.process = inside_input_process,
	.init = inside_input_init,
	.fini = inside_input_fini,
	.nb_edges = EDGE_COUNT,
	.next_nodes =
		{
			[EDGE_TO_MAIN] = "to_main",
			[EDGE_INSIDE_SERVICE] = "drop_inside_service",
			[EDGE_INSIDE_RATE] = "drop_inside_rate",
		},
};
RTE_NODE_REGISTER(inside_input_node)
