/* SPDX-License-Identifier: BSD-3-Clause */
/* l2tp_output, on the owner.  In: PPP frames, control's frames to send.  Out: UDP datagrams for
 * the session's SA; in clear, Ethernet frames for meta->port. */
#include <netinet/in.h>

#include "dataplane/nodes/l2tp.h"
#include "dataplane/nodes/outer.h"
#include "dataplane/nodes/ppp.h"

enum {
	EDGE_PORT_TX = OUTER_PORT_TX,
	EDGE_TO_MAIN = OUTER_TO_MAIN,
	EDGE_IP_NO_ROUTE = OUTER_NO_ROUTE,
	EDGE_SESSION_MTU = OUTER_MTU,
	EDGE_ESP_ENCRYPT,
	EDGE_HANDOFF,
	EDGE_ESP_NO_SA,
	EDGE_COUNT
};

/* RFC 2661 section 3.1: no length, which data messages may leave out as UDP has one; numbers when
 * they were asked for.  Nr is reserved in data messages. */
static inline void
put_l2tp(struct session *s, struct rte_mbuf *m)
{
	bool seq = s->cfg.send_sequence;
	uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, seq ? L2TP_HDR_SEQ : L2TP_HDR_MIN);

	p[0] = seq ? L2TP_SEQUENCE >> 8 : 0;
	p[1] = 2;
	memcpy(p + 2, &s->cfg.peer_tunnel_id_be, 2);
	memcpy(p + 4, &s->cfg.peer_call_id_be, 2);
	if (unlikely(seq)) {
		p[6] = s->down.tx_seq >> 8;
		p[7] = s->down.tx_seq;
		p[8] = p[9] = 0;
		s->down.tx_seq++;
	}
}

/* Without IPsec. */
static inline rte_edge_t
send_clear(struct session *s, struct rte_mbuf *m)
{
	uint32_t value = atomic_load_explicit(&s->cfg.outer_nh, memory_order_relaxed);
	union nexthop nh;

	if (unlikely(!outer_nexthop(value, &nh)))
		return session_down_drop(s, EDGE_IP_NO_ROUTE);
	outer_put_ipv4(m, s->cfg.server_ip_be, s->cfg.peer_ip_be, IPPROTO_UDP, s->down.ip_id++);
	rte_edge_t way = outer_send(m, value, &nh);
	return unlikely(way == EDGE_SESSION_MTU) ? session_down_drop(s, way) : way;
}

/* Through its pair of SAs, on that one's owner. */
static inline rte_edge_t
send_protected(const struct worker *w, struct session *s, struct rte_mbuf *m)
{
	struct pkt_meta *meta = pkt_meta(m);
	struct sa *sa = sa_by_handle(s->cfg.sa);

	if (unlikely(!sa))
		return session_down_drop(s, EDGE_ESP_NO_SA);
	meta->sa = sa;
	meta->handle = s->cfg.sa;
	if (unlikely(sa->cfg.owner != w->index)) {
		meta->stage = STAGE_ESP_OUT;
		meta->owner = sa->cfg.owner;
		return EDGE_HANDOFF;
	}
	return EDGE_ESP_ENCRYPT;
}

static inline rte_edge_t
l2tp_output_one(struct worker *w, struct rte_mbuf *m)
{
	struct session *s = pkt_meta(m)->session;

	if (unlikely(pkt_meta(m)->flags & PKT_PPP_OUT))
		ppp_put_address(m);
	put_l2tp(s, m);
	put_udp(m, s->cfg.server_port_be, s->cfg.peer_port_be);
	s->cfg.counters->down_ppp_packets++;
	return likely(s->cfg.peer != 0) ? send_protected(w, s, m) : send_clear(s, m);
}

static inline void
l2tp_output_request(struct rte_mbuf *m)
{
	const struct session *s = pkt_meta(m)->session;

	if (unlikely(s->cfg.send_sequence))
		rte_prefetch0(&s->down);
	const struct sa *sa = sa_by_handle(s->cfg.sa);
	if (unlikely(sa == NULL))
		return;
	const struct esp_sa *out = sa_outbound(sa);
	rte_prefetch0(out);
	rte_prefetch0((const uint8_t *)out + (sa->cfg.keys_lines - 1) * RTE_CACHE_LINE_SIZE);
	rte_prefetch0(&sa->cfg.counters->out_packets);
}

static uint16_t
l2tp_output_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, l2tp_output_request, l2tp_output_one);
}

NODE_REGISTER_INTERMEDIATE(l2tp_output, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PORT_TX] = "port_tx",
		[EDGE_TO_MAIN] = "to_main",
		[EDGE_IP_NO_ROUTE] = "drop_ip_no_route",
		[EDGE_SESSION_MTU] = "drop_session_mtu",
		[EDGE_ESP_ENCRYPT] = "esp_encrypt",
		[EDGE_HANDOFF] = "handoff",
		[EDGE_ESP_NO_SA] = "drop_esp_no_sa",
	});
