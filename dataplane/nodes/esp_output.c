/* SPDX-License-Identifier: BSD-3-Clause */
/* esp_output, on the owner of meta->sa.  In: ESP packets.  Out: Ethernet frames for meta->port. */
#include "dataplane/nodes/esp.h"
#include "dataplane/nodes/l2tp.h"
#include "dataplane/nodes/outer.h"

enum {
	EDGE_PORT_TX = OUTER_PORT_TX,
	EDGE_TO_MAIN = OUTER_TO_MAIN,
	EDGE_IP_NO_ROUTE = OUTER_NO_ROUTE,
	EDGE_SESSION_MTU = OUTER_MTU,
	EDGE_COUNT
};

static inline rte_edge_t
esp_output_one(struct worker *w, struct rte_mbuf *m)
{
	struct sa *sa = pkt_meta(m)->sa;
	uint32_t value = atomic_load_explicit(&sa->cfg.outer_nh, memory_order_relaxed);
	rte_be32_t peer = atomic_load_explicit(&sa->cfg.peer_ip_be, memory_order_relaxed);
	rte_be16_t port = sa->cfg.peer_port_be;
	rte_edge_t way = EDGE_IP_NO_ROUTE;
	union nexthop nh;

	if (unlikely(pkt_meta(m)->flags & PKT_DIVERTED)) {
		value = pkt_meta(m)->nh;
		peer = pkt_meta(m)->ip_be;
		port = pkt_meta(m)->port_be;
	}
	(void)w;
	if (likely(outer_nexthop(value, &nh))) {
		/* The sequence number's lower half. */
		const uint8_t *seq = rte_pktmbuf_mtod_offset(m, const uint8_t *, 6);
		uint16_t id = (uint16_t)(seq[0] << 8 | seq[1]);
		bool in_udp = sa_in_udp(sa);
		if (in_udp)
			put_udp(m, sa->cfg.server_port_be, port);
		outer_put_ipv4(
			m, sa->cfg.server_ip_be, peer, in_udp ? IPPROTO_UDP : IPPROTO_ESP, id);
		way = outer_send(m, value, &nh);
	}
	if (unlikely(way == EDGE_IP_NO_ROUTE || way == EDGE_SESSION_MTU))
		sa->cfg.counters->out_dropped++;
	return way;
}

static uint16_t
esp_output_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, prefetch_nothing, esp_output_one);
}

NODE_REGISTER_INTERMEDIATE(esp_output, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PORT_TX] = "port_tx",
		[EDGE_TO_MAIN] = "to_main",
		[EDGE_IP_NO_ROUTE] = "drop_ip_no_route",
		[EDGE_SESSION_MTU] = "drop_session_mtu",
	});
