/* SPDX-License-Identifier: BSD-3-Clause */
/* session_downlink, on the owner.  In: IPv4 packets for meta->session.  Out: PPP frames that fit,
 * counted, clear or to be encrypted. */
#include "dataplane/api/session.h"
#include "dataplane/nodes/inner.h"
#include "dataplane/nodes/ppp.h"
#include "nat/frag.h"

enum {
	EDGE_MPPE_ENCRYPT = OUTPUT_COUNT, /* before it: by session */
	EDGE_ICMP_ERROR,
	EDGE_SESSION_CLOSED,
	EDGE_MPPE_PLAINTEXT,
	EDGE_FRAG_FAILED,
	EDGE_FRAGMENT, /* not an edge of the graph: cut up first */
	EDGE_COUNT = EDGE_FRAGMENT
};

/* Room in front of an inner packet: Ethernet, IPv4, GRE with both numbers, FF 03, MPPE's and the
 * inner protocol. */
static_assert(RTE_PKTMBUF_HEADROOM >= 14 + 20 + 16 + 2 + 2 + 2 + 2, "our headers fit the headroom");
/* The same with L2TP: Ethernet, IPv4, UDP, ESP with its longest IV, UDP, L2TP with numbers. */
static_assert(RTE_PKTMBUF_HEADROOM >= 14 + 20 + 8 + 8 + 16 + 8 + 10 + 2 + 2 + 2 + 2,
	"our headers fit the headroom");

/* Counted, and its PPP protocol written; FF 03 in front unless the peer lets us leave it out. */
static inline rte_edge_t
send_one(struct session *s, struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	s->cfg.counters->down_packets++;
	s->cfg.counters->down_bytes += rte_be_to_cpu_16(ip->total_length);
	pkt_meta(m)->flags = 0;
	if (likely(s->cfg.mppe_tx)) {
		uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, MPPE_HDR_LEN + 2);
		p[2] = PPP_IP >> 8;
		p[3] = PPP_IP;
		return EDGE_MPPE_ENCRYPT;
	}
	ppp_put_header(m, PPP_IP, s->cfg.tx_acfc, s->cfg.tx_pfc);
	return s->cfg.output;
}

static inline rte_edge_t
session_downlink_one(struct worker *w, struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	struct session *s = pkt_meta(m)->session;

	(void)w;
	if (unlikely(s->cfg.state != SESSION_OPEN))
		return session_down_drop(s, EDGE_SESSION_CLOSED);
	if (unlikely(s->cfg.require_mppe && !s->cfg.mppe_tx)) /* T3 */
		return session_down_drop(s, EDGE_MPPE_PLAINTEXT);
	if (unlikely(m->data_len > s->cfg.mtu)) {
		if (!(ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG)))
			return EDGE_FRAGMENT;
		pkt_meta(m)->icmp = ICMP_WORD(3, 4, s->cfg.mtu);
		return session_down_drop(s, EDGE_ICMP_ERROR);
	}
	tcp_mss_clamp(ip, m->data_len, s->cfg.mss);
	return send_one(s, m, ip);
}

static void
send_fragments(struct rte_graph *graph, struct rte_node *node, struct rte_mbuf *m)
{
	struct worker *w = node_worker(node);
	struct pkt_meta meta = *pkt_meta(m);
	struct rte_mbuf *out[FRAG_MAX];
	unsigned int n = frag_ipv4(m, meta.session->cfg.mtu, w->mbuf_pool, out);

	if (n == 0)
		rte_node_enqueue_x1(
			graph, node, session_down_drop(meta.session, EDGE_FRAG_FAILED), m);
	for (unsigned int i = 0; i < n; i++) {
		*pkt_meta(out[i]) = meta;
		rte_edge_t edge = send_one(meta.session, out[i],
			rte_pktmbuf_mtod(out[i], const struct rte_ipv4_hdr *));
		rte_node_enqueue_x1(graph, node, edge, out[i]);
	}
}

static inline void
session_downlink_request(struct rte_mbuf *m)
{
	const struct session *s = pkt_meta(m)->session;

	rte_prefetch0(&s->cfg.counters->down_packets);
	if (s->cfg.sa != 0)
		rte_prefetch0(sa_slot(s->cfg.sa));
}

static uint16_t
session_downlink_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	rte_edge_t next[NODE_CHUNK];

	for (uint16_t at = 0; at < n; at += NODE_CHUNK) {
		uint16_t k = RTE_MIN(n - at, NODE_CHUNK);
		void **o = objs + at;
		bool cut = false;
		node_request(o, k, session_downlink_request);
		for (uint16_t i = 0; i < k; i++) {
			next[i] = session_downlink_one(w, o[i]);
			cut |= next[i] == EDGE_FRAGMENT;
		}
		if (likely(!cut)) {
			node_dispatch(graph, node, o, next, k);
			continue;
		}
		for (uint16_t i = 0; i < k; i++) {
			if (next[i] == EDGE_FRAGMENT)
				send_fragments(graph, node, o[i]);
			else
				rte_node_enqueue_x1(graph, node, next[i], o[i]);
		}
	}
	return n;
}

NODE_REGISTER_INTERMEDIATE(session_downlink, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		OUTPUT_EDGES,
		[EDGE_MPPE_ENCRYPT] = "mppe_encrypt",
		[EDGE_ICMP_ERROR] = "icmp_error",
		[EDGE_SESSION_CLOSED] = "drop_session_closed",
		[EDGE_MPPE_PLAINTEXT] = "drop_mppe_plaintext",
		[EDGE_FRAG_FAILED] = "drop_frag_failed",
	});
