/* SPDX-License-Identifier: BSD-3-Clause */
/* pptp_output, on the owner.  In: PPP frames, control's frames, acknowledgements to send.  Out:
 * Ethernet frames for meta->port. */
#include <netinet/in.h>

#include "dataplane/nodes/ethernet.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/nodes/ppp.h"
#include "dataplane/port.h"

enum { EDGE_PORT_TX, EDGE_TO_MAIN, EDGE_IP_NO_ROUTE, EDGE_SESSION_MTU, EDGE_COUNT };

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
		s->down.counters->down_ppp_packets++;
	}
	if (ack) {
		g->words[word] = rte_cpu_to_be_32(s->up.rx_highest);
		s->up.ack_due = 0;
	}
}

static inline void
put_ipv4(struct session *s, struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)rte_pktmbuf_prepend(m, sizeof(*ip));

	ip->version_ihl = 0x45;
	ip->type_of_service = 0;
	ip->total_length = rte_cpu_to_be_16(m->data_len);
	ip->packet_id = rte_cpu_to_be_16(s->down.ip_id++);
	ip->fragment_offset = settings.outer_fragmentation ? 0 : RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	ip->time_to_live = 64;
	ip->next_proto_id = IPPROTO_GRE;
	ip->hdr_checksum = 0;
	ip->src_addr = s->cfg.server_ip_be;
	ip->dst_addr = s->cfg.peer_ip_be;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static inline rte_edge_t
pptp_output_one(struct worker *w, struct rte_mbuf *m)
{
	struct pkt_meta *meta = pkt_meta(m);
	struct session *s = meta->session;
	uint32_t value = atomic_load_explicit(&s->cfg.outer_nh, memory_order_relaxed);

	(void)w;
	if (unlikely(FIB_TYPE(value) != FIB_NEXTHOP || FIB_INDEX(value) == 0))
		return session_down_drop(s, EDGE_IP_NO_ROUTE);
	union nexthop nh = nexthop_read(FIB_INDEX(value));
	if (unlikely(!(nh.flags & NEXTHOP_USED) || nh.port >= n_ports))
		return session_down_drop(s, EDGE_IP_NO_ROUTE);
	if (unlikely(meta->flags & PKT_PPP_OUT)) {
		/* Control's frames never use compression that LCP may just be negotiating (RFC 1661
		 * section 6.6). */
		uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, 2);
		p[0] = 0xff;
		p[1] = 0x03;
	}
	put_gre(s, m, !(meta->flags & PKT_ACK_ONLY));
	put_ipv4(s, m);
	if (unlikely(m->data_len > ports[nh.port].mtu))
		return session_down_drop(s, EDGE_SESSION_MTU);
	if (unlikely(!(nh.flags & NEXTHOP_RESOLVED))) {
		meta->nh = value;
		meta->kind = PUNT_GLEAN;
		return EDGE_TO_MAIN;
	}
	put_ethernet(m, &nh);
	return EDGE_PORT_TX;
}

static inline void
pptp_output_ahead(struct rte_mbuf *m)
{
	rte_prefetch0(&pkt_meta(m)->session->up);
}

static uint16_t
pptp_output_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, pptp_output_ahead, pptp_output_one);
}

NODE_REGISTER_INTERMEDIATE(pptp_output, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PORT_TX] = "port_tx",
		[EDGE_TO_MAIN] = "to_main",
		[EDGE_IP_NO_ROUTE] = "drop_ip_no_route",
		[EDGE_SESSION_MTU] = "drop_session_mtu",
	});
