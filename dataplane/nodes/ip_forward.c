/* SPDX-License-Identifier: BSD-3-Clause */
/* ip_forward.  In: valid IPv4 packets.  Out: to a session, a neighbour, the kernel (clients' by
 * inside_input), or back as an ICMP error (RFC 1812 section 5). */
#include "dataplane/nodes/ethernet.h"
#include "dataplane/nodes/inner.h"
#include "dataplane/port_table.h"
#include "nat/frag.h"

enum {
	EDGE_PORT_TX,
	EDGE_SESSION_DOWNLINK,
	EDGE_HANDOFF,
	EDGE_TO_MAIN,
	EDGE_ICMP_ERROR,
	EDGE_INSIDE_INPUT,
	EDGE_IP_MARTIAN,
	EDGE_IP_MALFORMED,
	EDGE_IP_SOURCE_ROUTE,
	EDGE_SESSION_CLOSED,
	EDGE_FRAG_FAILED,
	EDGE_FRAGMENT, /* not an edge of the graph: cut up first */
	EDGE_COUNT = EDGE_FRAGMENT
};

/* RFC 1812 section 5.3.7: this network, loopback, multicast and reserved addresses aren't
 * forwarded.  Host byte order. */
static inline bool
is_martian(uint32_t a)
{
	uint32_t net = a >> 24;
	return net == 0 || net == 127 || net >= 224;
}

static inline rte_edge_t
icmp(struct rte_mbuf *m, uint8_t type, uint8_t code, uint16_t mtu)
{
	pkt_meta(m)->icmp = ICMP_WORD(type, code, mtu);
	return EDGE_ICMP_ERROR;
}

static inline rte_edge_t
to_session(const struct worker *w, struct rte_mbuf *m, uint32_t slot)
{
	struct pkt_meta *meta = pkt_meta(m);
	struct session *s = &sessions.slots[slot];

	meta->session = s;
	meta->handle = session_handle_of(s);
	if (unlikely(meta->handle == 0))
		return EDGE_SESSION_CLOSED;
	if (likely(s->cfg.owner == w->index))
		return EDGE_SESSION_DOWNLINK;
	meta->stage = STAGE_DOWNLINK;
	meta->owner = s->cfg.owner;
	return EDGE_HANDOFF;
}

static inline rte_edge_t
to_neighbour(struct rte_mbuf *m, uint32_t value)
{
	struct pkt_meta *meta = pkt_meta(m);
	union nexthop nh = nexthop_read(FIB_INDEX(value));

	if (unlikely(!(nh.flags & NEXTHOP_USED) || nh.port >= n_ports))
		return icmp(m, 3, 0, 0);
	if (unlikely(m->data_len > ports[nh.port].mtu)) {
		const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
		meta->nh = value;
		return ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG)
			       ? icmp(m, 3, 4, ports[nh.port].mtu)
			       : EDGE_FRAGMENT;
	}
	if (unlikely(!(nh.flags & NEXTHOP_RESOLVED))) {
		meta->nh = value;
		meta->kind = PUNT_GLEAN;
		return EDGE_TO_MAIN;
	}
	put_ethernet(m, &nh);
	return EDGE_PORT_TX;
}

/* What comes before the route; EDGE_COUNT: go on. */
static inline rte_edge_t
admit(const struct rte_ipv4_hdr *ip)
{
	enum ipv4_options options = ipv4_options(ip);

	if (unlikely(options != OPTIONS_FORWARD))
		return options == OPTIONS_SOURCE_ROUTE ? EDGE_IP_SOURCE_ROUTE : EDGE_IP_MALFORMED;
	if (unlikely(is_martian(rte_be_to_cpu_32(ip->src_addr)) ||
		     is_martian(rte_be_to_cpu_32(ip->dst_addr))))
		return EDGE_IP_MARTIAN;
	return EDGE_COUNT;
}

static inline void
decrement_ttl(struct rte_ipv4_hdr *ip)
{
	rte_be16_t old, new;
	memcpy(&old, &ip->time_to_live, sizeof(old));
	new = rte_cpu_to_be_16(rte_be_to_cpu_16(old) - 0x100);
	memcpy(&ip->time_to_live, &new, sizeof(new));
	ip->hdr_checksum = cksum_update(ip->hdr_checksum, old, new);
}

static inline rte_edge_t
ip_forward_one(const struct worker *w, struct rte_mbuf *m, uint32_t value)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	struct pkt_meta *meta = pkt_meta(m);

	rte_edge_t bad = admit(ip);
	if (unlikely(bad != EDGE_COUNT))
		return bad;
	if (unlikely(FIB_TYPE(value) == FIB_LOCAL)) {
		/* What the gateway itself says is for its kernel; what others say, perhaps. */
		if (!(meta->flags & PKT_LOCAL))
			return EDGE_INSIDE_INPUT;
		meta->kind = PUNT_INNER;
		return EDGE_TO_MAIN;
	}
	if (unlikely(FIB_TYPE(value) == FIB_DROP))
		return icmp(m, 3, 0, 0);
	if (likely(!(meta->flags & PKT_LOCAL))) {
		if (unlikely(ip->time_to_live <= 1))
			return icmp(m, 11, 0, 0);
		decrement_ttl(ip);
	}
	return FIB_TYPE(value) == FIB_SESSION ? to_session(w, m, FIB_INDEX(value))
					      : to_neighbour(m, value);
}

/* The way out is narrower than the packet: each fragment takes it by itself. */
static void
forward_fragments(struct rte_graph *graph, struct rte_node *node, struct rte_mbuf *m)
{
	struct worker *w = node_worker(node);
	struct pkt_meta meta = *pkt_meta(m);
	struct rte_mbuf *out[FRAG_MAX];
	unsigned int n =
		frag_ipv4(m, ports[nexthop_read(FIB_INDEX(meta.nh)).port].mtu, w->mbuf_pool, out);

	if (n == 0)
		rte_node_enqueue_x1(graph, node, EDGE_FRAG_FAILED, m);
	for (unsigned int i = 0; i < n; i++) {
		*pkt_meta(out[i]) = meta;
		rte_edge_t edge = to_neighbour(out[i], meta.nh);
		rte_node_enqueue_x1(
			graph, node, edge == EDGE_FRAGMENT ? EDGE_FRAG_FAILED : edge, out[i]);
	}
}

static uint16_t
ip_forward_chunk(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	uint32_t dst[NODE_CHUNK], value[NODE_CHUNK];
	rte_edge_t next[NODE_CHUNK];
	bool cut = false;

	for (uint16_t i = 0; i < n; i++)
		dst[i] = rte_be_to_cpu_32(
			rte_pktmbuf_mtod((struct rte_mbuf *)objs[i], struct rte_ipv4_hdr *)
				->dst_addr);
	fib_lookup_bulk(dst, value, n);
	for (uint16_t i = 0; i < n; i++) {
		if (FIB_TYPE(value[i]) == FIB_SESSION) {
			rte_prefetch0(&sessions.slots[FIB_INDEX(value[i])].cfg);
			rte_prefetch0(&sessions.slots[FIB_INDEX(value[i])].up);
		}
	}
	for (uint16_t i = 0; i < n; i++) {
		next[i] = ip_forward_one(w, objs[i], value[i]);
		cut |= next[i] == EDGE_FRAGMENT;
	}
	if (likely(!cut)) {
		node_dispatch(graph, node, objs, next, n);
		return n;
	}
	for (uint16_t i = 0; i < n; i++) {
		if (next[i] == EDGE_FRAGMENT)
			forward_fragments(graph, node, objs[i]);
		else
			rte_node_enqueue_x1(graph, node, next[i], objs[i]);
	}
	return n;
}

static uint16_t
ip_forward_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	for (uint16_t at = 0; at < n; at += NODE_CHUNK)
		ip_forward_chunk(graph, node, objs + at, RTE_MIN(n - at, NODE_CHUNK));
	return n;
}

NODE_REGISTER_INTERMEDIATE(ip_forward, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PORT_TX] = "port_tx",
		[EDGE_SESSION_DOWNLINK] = "session_downlink",
		[EDGE_HANDOFF] = "handoff",
		[EDGE_TO_MAIN] = "to_main",
		[EDGE_ICMP_ERROR] = "icmp_error",
		[EDGE_INSIDE_INPUT] = "inside_input",
		[EDGE_IP_MARTIAN] = "drop_ip_martian",
		[EDGE_IP_MALFORMED] = "drop_ip_malformed",
		[EDGE_IP_SOURCE_ROUTE] = "drop_ip_source_route",
		[EDGE_SESSION_CLOSED] = "drop_session_closed",
		[EDGE_FRAG_FAILED] = "drop_frag_failed",
	});
