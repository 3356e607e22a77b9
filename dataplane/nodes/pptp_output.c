/* SPDX-License-Identifier: BSD-3-Clause */
/* pptp_output, on the owner.  In: PPP frames, control's frames, acknowledgements to send.  Out:
 * Ethernet frames for meta->port. */
#include <netinet/in.h>

#include "dataplane/nodes/gre.h"
#include "dataplane/nodes/outer.h"
#include "dataplane/nodes/ppp.h"

enum {
	EDGE_PORT_TX = OUTER_PORT_TX,
	EDGE_TO_MAIN = OUTER_TO_MAIN,
	EDGE_IP_NO_ROUTE = OUTER_NO_ROUTE,
	EDGE_SESSION_MTU = OUTER_MTU,
	EDGE_COUNT
};

/* RFC 2637 section 4.1.  Data takes the next sequence number, and the acknowledgement that is owed
 * along with it. */
static inline void
put_gre(struct session *s, struct rte_mbuf *m, bool data)
{
	bool ack = !data || s->up.ack_due > 0;
	uint16_t payload = data ? m->data_len : 0;
	uint16_t hlen = sizeof(struct gre_hdr) + (data ? 4 : 0) + (ack ? 4 : 0);
	struct gre_hdr *g = (struct gre_hdr *)rte_pktmbuf_prepend(m, hlen);
	unsigned int word = 0;

	g->flags = GRE_KEY | (data ? GRE_SEQ : 0);
	g->version = GRE_VERSION | (ack ? GRE_ACK : 0);
	g->protocol = RTE_BE16(GRE_PPTP_PROTOCOL);
	g->payload_len = rte_cpu_to_be_16(payload);
	g->call_id = s->cfg.peer_call_id_be;
	if (data) {
		g->words[word++] = rte_cpu_to_be_32(s->down.tx_seq++);
		s->cfg.counters->down_ppp_packets++;
	}
	if (ack) {
		g->words[word] = rte_cpu_to_be_32(s->up.rx_ack);
		s->up.ack_due = 0;
	}
}

static inline rte_edge_t
pptp_output_one(struct worker *w, struct rte_mbuf *m)
{
	struct pkt_meta *meta = pkt_meta(m);
	struct session *s = meta->session;
	uint32_t value = atomic_load_explicit(&s->cfg.outer_nh, memory_order_relaxed);
	union nexthop nh;

	(void)w;
	if (unlikely(!outer_nexthop(value, &nh)))
		return session_down_drop(s, EDGE_IP_NO_ROUTE);
	if (unlikely(meta->flags & PKT_PPP_OUT))
		ppp_put_address(m);
	put_gre(s, m, !(meta->flags & PKT_ACK_ONLY));
	outer_put_ipv4(m, s->cfg.server_ip_be, s->cfg.peer_ip_be, IPPROTO_GRE, s->down.ip_id++);
	rte_edge_t way = outer_send(m, value, &nh);
	return unlikely(way == EDGE_SESSION_MTU) ? session_down_drop(s, way) : way;
}

/* Control's frames and acknowledgements alone come here first. */
static inline void
pptp_output_request(struct rte_mbuf *m)
{
	rte_prefetch0(&pkt_meta(m)->session->up);
}

static uint16_t
pptp_output_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, pptp_output_request, pptp_output_one);
}

NODE_REGISTER_INTERMEDIATE(pptp_output, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PORT_TX] = "port_tx",
		[EDGE_TO_MAIN] = "to_main",
		[EDGE_IP_NO_ROUTE] = "drop_ip_no_route",
		[EDGE_SESSION_MTU] = "drop_session_mtu",
	});
