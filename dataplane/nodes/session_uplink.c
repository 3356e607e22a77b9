/* SPDX-License-Identifier: BSD-3-Clause */
/* session_uplink, on the owner.  In: what a client sent as IPv4.  Out: valid packets with the
 * client's own source, counted. */
#include "dataplane/nodes/inner.h"

enum { EDGE_IP_FORWARD, EDGE_IP_MALFORMED, EDGE_IP_CHECKSUM, EDGE_SESSION_SOURCE, EDGE_COUNT };

static inline rte_edge_t
inner_validate(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	if (unlikely(m->data_len < sizeof(*ip) || ip->version_ihl >> 4 != 4))
		return EDGE_IP_MALFORMED;
	uint32_t hlen = rte_ipv4_hdr_len(ip), len = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(hlen < sizeof(*ip) || len < hlen || len > m->data_len))
		return EDGE_IP_MALFORMED;
	if (unlikely(!ipv4_sum_is_right(ip, hlen)))
		return EDGE_IP_CHECKSUM;
	return EDGE_COUNT;
}

static inline rte_edge_t
session_uplink_one(struct worker *w, struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	struct pkt_meta *meta = pkt_meta(m);
	struct session *s = meta->session;

	(void)w;
	rte_edge_t bad = inner_validate(m, ip);
	if (unlikely(bad != EDGE_COUNT))
		return session_up_drop(s, bad);
	if (unlikely(ip->src_addr != s->cfg.inner_ip_be)) /* T18 */
		return session_up_drop(s, EDGE_SESSION_SOURCE);
	uint32_t len = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(len < m->data_len))
		rte_pktmbuf_trim(m, m->data_len - len);
	tcp_mss_clamp(ip, len, s->cfg.mss);
	s->cfg.counters->up_packets++;
	s->cfg.counters->up_bytes += len;
	meta->flags = PKT_INSIDE;
	return EDGE_IP_FORWARD;
}

static uint16_t
session_uplink_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, prefetch_nothing, session_uplink_one);
}

NODE_REGISTER_INTERMEDIATE(session_uplink, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_IP_FORWARD] = "ip_forward",
		[EDGE_IP_MALFORMED] = "drop_ip_malformed",
		[EDGE_IP_CHECKSUM] = "drop_ip_checksum",
		[EDGE_SESSION_SOURCE] = "drop_session_source",
	});
