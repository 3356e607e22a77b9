/* SPDX-License-Identifier: BSD-3-Clause */
/* l2tp_input.  In: IPv4 packets with L2TP's UDP, meta->pair and meta->peer.  Out: data at the L2TP
 * header with meta->session, to the owner's l2tp_sequence; control messages. */
#include "dataplane/api/session.h"
#include "dataplane/nodes/l2tp.h"

enum {
	EDGE_L2TP_SEQUENCE,
	EDGE_HANDOFF,
	EDGE_L2TP_PUNT,
	EDGE_L2TP_MALFORMED,
	EDGE_L2TP_UNKNOWN_SESSION,
	EDGE_L2TP_WRONG_PEER,
	EDGE_COUNT
};

#define HEADERS (sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))

/* The datagram's length (RFC 768); 0: wrong. */
static inline uint32_t
udp_payload(const struct rte_mbuf *m, const struct rte_udp_hdr *udp)
{
	uint32_t len = rte_be_to_cpu_16(udp->dgram_len);

	if (unlikely(len < sizeof(*udp) || len > m->data_len - sizeof(struct rte_ipv4_hdr)))
		return 0;
	return len - sizeof(*udp);
}

/* In clear, control's messages are worth their checksum; inside of ESP the integrity check has seen
 * them, and a NAT has made their checksum wrong (RFC 3948 section 3.1.2). */
static bool
checksum_is_bad(const struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);

	return pkt_meta((struct rte_mbuf *)(uintptr_t)m)->pair == 0 && udp->dgram_cksum != 0 &&
	       rte_ipv4_udptcp_cksum_verify(ip, udp) != 0;
}

#define PPP_ADDRESS_CONTROL 0xff03 /* RFC 1662 section 3.1 */
#define LCP_PROTOCOL        0xc021
#define LCP_ECHO_REPLY      10 /* RFC 1661 section 5.8 */

/* What control may have asked for, to learn who or where a peer is. */
static bool
is_echo_reply(const uint8_t *message, const struct l2tp_message *msg)
{
	const uint8_t *p = message + msg->hlen;
	uint32_t len = msg->len - msg->hlen;

	if (len >= 2 && l2tp_word(p) == PPP_ADDRESS_CONTROL) {
		p += 2;
		len -= 2;
	}
	return len >= 3 && l2tp_word(p) == LCP_PROTOCOL && p[2] == LCP_ECHO_REPLY;
}

/* Is it this session that the packet names? */
static inline bool
is_named(const struct session *s, const struct rte_ipv4_hdr *ip, const struct l2tp_message *msg)
{
	return s->cfg.call_id_be == msg->session_id_be &&
	       s->cfg.tunnel_id_be == msg->tunnel_id_be && s->cfg.server_ip_be == ip->dst_addr &&
	       s->cfg.protocol == TUNNEL_L2TP;
}

/* Most pairs carry one session, whose lines esp_input has requested: the table of IDs is left
 * alone. */
static inline struct session *
session_of_pair(const struct rte_mbuf *m, const struct l2tp_message *msg)
{
	const struct pkt_meta *meta = pkt_meta((struct rte_mbuf *)(uintptr_t)m);

	if (meta->pair == 0 || meta->sa->cfg.session == 0)
		return NULL;
	struct session *s = &sessions.slots[meta->sa->cfg.session - 1];
	return session_handle_of(s) != 0 &&
			       is_named(s, rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *), msg)
		       ? s
		       : NULL;
}

/* Everything that can be known from the packet, and where its session stands: an entry of the table
 * of IDs, or NULL with meta->session.  EDGE_COUNT: go on. */
static inline rte_edge_t
l2tp_input_locate(struct rte_mbuf *m, struct l2tp_message *msg, const _Atomic uint32_t **entry)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);

	if (unlikely(m->data_len < HEADERS ||
		     !l2tp_parse((const uint8_t *)(udp + 1), udp_payload(m, udp), msg)))
		return EDGE_L2TP_MALFORMED;
	if (unlikely(msg->flags & L2TP_CONTROL))
		return checksum_is_bad(m) ? EDGE_L2TP_MALFORMED : EDGE_L2TP_PUNT;
	struct session *s = session_of_pair(m, msg);
	*entry = NULL;
	if (likely(s != NULL)) {
		pkt_meta(m)->session = s;
		return EDGE_COUNT;
	}
	*entry = session_id_entry(TUNNEL_L2TP, ip->dst_addr, msg->session_id_be);
	if (unlikely(*entry == NULL))
		return EDGE_L2TP_UNKNOWN_SESSION;
	return EDGE_COUNT;
}

static inline rte_edge_t
l2tp_input_find(struct rte_mbuf *m, const struct l2tp_message *msg, const _Atomic uint32_t *entry)
{
	struct session *s = entry ? session_of_entry(entry) : pkt_meta(m)->session;

	if (unlikely(s == NULL))
		return EDGE_L2TP_UNKNOWN_SESSION;
	if (unlikely(pkt_meta(m)->flags & PKT_ELSEWHERE) &&
		is_echo_reply(rte_pktmbuf_mtod_offset(m, const uint8_t *, HEADERS), msg))
		return EDGE_L2TP_PUNT;
	if (entry)
		rte_prefetch0(&s->cfg);
	if (unlikely(msg->flags & L2TP_SEQUENCE))
		rte_prefetch0(&s->up);
	pkt_meta(m)->session = s;
	return EDGE_COUNT;
}

/* D1: inside of IPsec the SA says who sent it, for addresses and ports can be those of a NAT that
 * many share; in clear they are all there is. */
static inline bool
is_peer(const struct session *s, const struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);

	if (likely(s->cfg.peer != 0))
		return s->cfg.peer == pkt_meta((struct rte_mbuf *)(uintptr_t)m)->peer;
	return pkt_meta((struct rte_mbuf *)(uintptr_t)m)->pair == 0 &&
	       s->cfg.peer_ip_be == ip->src_addr && s->cfg.peer_port_be == udp->src_port;
}

/* Nothing of the session is changed here, and nothing spent, before its peer was
 * compared. */
static inline rte_edge_t
l2tp_input_one(const struct worker *w, struct rte_mbuf *m, const struct l2tp_message *msg,
	const _Atomic uint32_t *entry)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct pkt_meta *meta = pkt_meta(m);
	const struct session *s = meta->session;

	meta->handle = session_handle_of(s);
	if (unlikely(meta->handle == 0 || !is_named(s, ip, msg)))
		return EDGE_L2TP_UNKNOWN_SESSION;
	if (unlikely(!is_peer(s, m)))
		return meta->pair != 0 && is_echo_reply((const uint8_t *)ip + HEADERS, msg)
			       ? EDGE_L2TP_PUNT
			       : EDGE_L2TP_WRONG_PEER;
	rte_pktmbuf_adj(m, HEADERS);
	rte_pktmbuf_trim(m, m->data_len - msg->len);
	if (unlikely(entry != NULL && meta->pair != 0))
		sa_slot(meta->pair)->cfg.session = (uint32_t)(s - sessions.slots) + 1;
	if (unlikely(s->cfg.owner != w->index)) {
		meta->stage = STAGE_L2TP_SEQUENCE;
		meta->owner = s->cfg.owner;
		return EDGE_HANDOFF;
	}
	return EDGE_L2TP_SEQUENCE;
}

static uint16_t
l2tp_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	const struct worker *w = node_worker(node);
	struct l2tp_message msgs[NODE_CHUNK];
	const _Atomic uint32_t *entries[NODE_CHUNK];
	rte_edge_t next[NODE_CHUNK];

	for (uint16_t at = 0; at < n; at += NODE_CHUNK) {
		uint16_t k = RTE_MIN(n - at, NODE_CHUNK);
		void **o = objs + at;
		for (uint16_t i = 0; i < k; i++)
			next[i] = l2tp_input_locate(o[i], &msgs[i], &entries[i]);
		for (uint16_t i = 0; i < k; i++)
			if (likely(next[i] == EDGE_COUNT) && entries[i] != NULL)
				rte_prefetch0((const void *)entries[i]);
		for (uint16_t i = 0; i < k; i++)
			if (likely(next[i] == EDGE_COUNT))
				next[i] = l2tp_input_find(o[i], &msgs[i], entries[i]);
		for (uint16_t i = 0; i < k; i++)
			if (likely(next[i] == EDGE_COUNT))
				next[i] = l2tp_input_one(w, o[i], &msgs[i], entries[i]);
		node_dispatch(graph, node, o, next, k);
	}
	return n;
}

NODE_REGISTER_INTERMEDIATE(l2tp_input, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_L2TP_SEQUENCE] = "l2tp_sequence",
		[EDGE_HANDOFF] = "handoff",
		[EDGE_L2TP_PUNT] = "l2tp_punt",
		[EDGE_L2TP_MALFORMED] = "drop_l2tp_malformed",
		[EDGE_L2TP_UNKNOWN_SESSION] = "drop_l2tp_unknown_session",
		[EDGE_L2TP_WRONG_PEER] = "drop_l2tp_wrong_peer",
	});
