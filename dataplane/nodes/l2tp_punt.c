/* SPDX-License-Identifier: BSD-3-Clause */
/* l2tp_punt.  In: IPv4 packets with L2TP control messages, or LCP Echo-Replies that only control
 * can judge, meta->pair.  Out: frame records in the worker's punt ring, for control. */
#include "dataplane/api/counters.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/ring.h"
#include "dataplane/nodes/l2tp.h"
#include "dataplane/nodes/punt.h"
#include "dataplane/source_rate.h"

enum { EDGE_PUNT_FULL, EDGE_L2TP_PUNT_RATE, EDGE_L2TP_MALFORMED, EDGE_COUNT };

/* T13: what may knock at control: the peer of one pair of SAs; in clear each address, and everybody
 * together in a second, for each worker. */
#define PEER_BURST       64
#define PEER_INTERVAL_US 5000
#define CLEAR_PER_SECOND 1000

#define HEADERS (sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))

static struct source_limits *clear[SEGMENT_MAX_WORKERS];

static bool
rate_allows(struct worker *w, const struct pkt_meta *meta, rte_be32_t source)
{
	uint32_t burst = punt_burst(&w->punt, PEER_BURST);
	struct source_limits *c = clear[w->index];

	/* This worker owns the pair: esp_decrypt was here. */
	if (meta->pair != 0)
		return bucket_take(&sas.slots[SA_SLOT(meta->pair)].run.punt_at_us, w->now_us, burst,
			PEER_INTERVAL_US);
	return source_rate_take(&c->source, source, w->now_us, burst, PEER_INTERVAL_US) &&
	       rate_limit_take(&c->all, w->now_us, CLEAR_PER_SECOND);
}

/* Addresses and ports of the datagram in front, in host byte order. */
static void
put_outer(uint8_t *at, const struct rte_ipv4_hdr *ip)
{
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);
	struct sa_outer outer = {.server_ip = rte_be_to_cpu_32(ip->dst_addr),
		.peer_ip = rte_be_to_cpu_32(ip->src_addr),
		.server_port = rte_be_to_cpu_16(udp->dst_port),
		.peer_port = rte_be_to_cpu_16(udp->src_port)};
	memcpy(at, &outer, sizeof(outer));
}

/* Where its ESP came from when that is not where its SA says. */
static struct sa_outer
from_where(const struct pkt_meta *meta, const struct rte_ipv4_hdr *ip)
{
	const struct sa *sa = meta->pair ? &sas.slots[SA_SLOT(meta->pair)] : NULL;

	if (!sa || !(meta->flags & PKT_ELSEWHERE))
		return (struct sa_outer){0};
	return (struct sa_outer){.server_ip = rte_be_to_cpu_32(ip->dst_addr),
		.peer_ip = rte_be_to_cpu_32(ip->src_addr),
		.server_port = rte_be_to_cpu_16(sa->cfg.server_port_be),
		.peer_port = rte_be_to_cpu_16(meta->port_be)};
}

/* EDGE_COUNT: copied. */
static rte_edge_t
l2tp_punt_one(struct worker *w, struct rte_mbuf *m)
{
	const struct pkt_meta *meta = pkt_meta(m);
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct l2tp_message msg;

	if (!l2tp_parse((const uint8_t *)ip + HEADERS, m->data_len - HEADERS, &msg) ||
		msg.len > FRAME_MAX - sizeof(struct sa_outer))
		return EDGE_L2TP_MALFORMED;
	if (!rate_allows(w, meta, ip->src_addr))
		return EDGE_L2TP_PUNT_RATE;
	struct frame_record *r = ring_produce(&w->punt);
	if (r == NULL) {
		w->counters->punt_lost++;
		return EDGE_PUNT_FULL;
	}
	r->version = RECORD_VERSION;
	r->kind = FRAME_L2TP;
	r->length = (uint16_t)(sizeof(struct sa_outer) + msg.len);
	r->handle = meta->pair;
	r->outer = from_where(meta, ip);
	put_outer(r->data, ip);
	memcpy(r->data + sizeof(struct sa_outer), (const uint8_t *)ip + HEADERS, msg.len);
	ring_produced(&w->punt);
	w->counters->punted++;
	return EDGE_COUNT;
}

static uint16_t
l2tp_punt_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);

	for (uint16_t i = 0; i < n; i++) {
		rte_edge_t edge = l2tp_punt_one(w, objs[i]);
		if (edge == EDGE_COUNT)
			rte_pktmbuf_free(objs[i]);
		else
			rte_node_enqueue_x1(graph, node, edge, objs[i]);
	}
	return n;
}

static int
l2tp_punt_init(const struct rte_graph *graph, struct rte_node *node)
{
	int rc = node_init(graph, node);

	return rc != 0 ? rc : source_limits_start(&clear[node_worker(node)->index]);
}

static void
l2tp_punt_fini(const struct rte_graph *graph, struct rte_node *node)
{
	(void)graph;
	source_limits_end(&clear[node_worker(node)->index]);
}

static struct rte_node_register l2tp_punt_node = {
	.name = "l2tp_punt",
	.process = l2tp_punt_process,
	.init = l2tp_punt_init,
	.fini = l2tp_punt_fini,
	.nb_edges = EDGE_COUNT,
	.next_nodes =
		{
			[EDGE_PUNT_FULL] = "drop_punt_full",
			[EDGE_L2TP_PUNT_RATE] = "drop_l2tp_punt_rate",
			[EDGE_L2TP_MALFORMED] = "drop_l2tp_malformed",
		},
};
RTE_NODE_REGISTER(l2tp_punt_node)
