/* SPDX-License-Identifier: BSD-3-Clause */
/* l2tp_punt.  In: IPv4 packets with L2TP control messages, meta->pair.  Out: frame records in the
 * worker's punt ring, for control. */
#include "dataplane/nodes/l2tp.h"
#include "dataplane/rate.h"

enum { EDGE_PUNT_FULL, EDGE_L2TP_PUNT_RATE, EDGE_L2TP_MALFORMED, EDGE_COUNT };

/* T13: what may knock at control in a second: the peer of one pair of SAs, and everybody together
 * in clear, for each worker. */
#define PAIR_PER_SECOND  200
#define CLEAR_PER_SECOND 1000

#define HEADERS (sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))

static struct {
	struct rate_limit rate;
} __rte_cache_aligned clear[SEGMENT_MAX_WORKERS];

static bool
rate_allows(const struct worker *w, const struct pkt_meta *meta)
{
	/* This worker owns the pair: esp_decrypt was here. */
	if (meta->pair != 0)
		return rate_limit_take(
			&sas.slots[SA_SLOT(meta->pair)].run.punts, w->now_us, PAIR_PER_SECOND);
	return rate_limit_take(&clear[w->index].rate, w->now_us, CLEAR_PER_SECOND);
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
	if (!rate_allows(w, meta))
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

NODE_REGISTER_INTERMEDIATE(l2tp_punt, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PUNT_FULL] = "drop_punt_full",
		[EDGE_L2TP_PUNT_RATE] = "drop_l2tp_punt_rate",
		[EDGE_L2TP_MALFORMED] = "drop_l2tp_malformed",
	});
