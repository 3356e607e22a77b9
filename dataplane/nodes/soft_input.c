/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * soft_input.  In: frames of ordinary interfaces (port->soft), as the kernel delivers them.  Out:
 * frames as they are on a wire, to classify.
 *
 * A neighbour's kernel leaves work to its interface: checksums, and the cutting of TCP into
 * segments; on a veth, a TAP or in a virtual machine nobody does it.  And the kernel puts fragments
 * together before a packet socket sees them.  No driver of DPDK 22.11 says so, the frame alone is
 * evidence.
 *
 * A checksum counts as unfinished when its field holds the pseudo header's sum, which is where the
 * kernel leaves it.  Finishing makes it what it has to be, and so leaves a right one as it is, also
 * one that has that value by chance; who writes it on purpose could write the right one as well.
 * Headers of the frame itself alone are looked at: what clients send inside of tunnels is theirs.
 */
#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "dataplane/api/port.h"
#include "dataplane/nodes/node.h"
#include "dataplane/port_table.h"
#include "nat/frag.h"

enum { EDGE_CLASSIFY, EDGE_ETH_OVERSIZED, EDGE_NO_BUFFER, EDGE_COUNT };

#define FRAGMENT_BITS RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)
#define TCP_ONCE      (RTE_TCP_SYN_FLAG | RTE_TCP_RST_FLAG) /* nobody cuts these */
#define SEGMENT_MIN   536 /* octets: bounds what one frame can become */

struct out {
	struct worker *w;
	struct rte_graph *graph;
	struct rte_node *node;
};

/* A frame's headers, as far as they are whole. */
struct view {
	struct rte_ether_hdr *eth;
	struct rte_ipv4_hdr *ip; /* NULL: not IPv4, or no whole header */
	uint8_t *l4;
	uint32_t len;    /* of the packet, as it says */
	uint32_t l4_len; /* the same behind its header */
	bool whole;      /* all of it is there, and it is no fragment */
};

static struct view
look(const struct rte_mbuf *m)
{
	struct view v = {.eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *)};

	if (unlikely(m->data_len < sizeof(*v.eth) + sizeof(*v.ip)) ||
		v.eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return v;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(v.eth + 1);
	uint32_t room = m->data_len - sizeof(*v.eth), hlen = rte_ipv4_hdr_len(ip);
	v.len = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(
		    ip->version_ihl >> 4 != 4 || hlen < sizeof(*ip) || hlen > room || v.len < hlen))
		return v;
	v.ip = ip;
	v.l4 = (uint8_t *)ip + hlen;
	v.l4_len = v.len - hlen;
	v.whole = v.len <= room && !(ip->fragment_offset & FRAGMENT_BITS);
	return v;
}

/* Where the checksum of a whole TCP segment or UDP datagram is.  NULL: there is none. */
static uint8_t *
checksum_field(const struct view *v)
{
	if (!v->whole)
		return NULL;
	if (v->ip->next_proto_id == IPPROTO_TCP && v->l4_len >= sizeof(struct rte_tcp_hdr))
		return v->l4 + offsetof(struct rte_tcp_hdr, cksum);
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)v->l4;
	if (v->ip->next_proto_id == IPPROTO_UDP && v->l4_len >= sizeof(*udp) &&
		rte_be_to_cpu_16(udp->dgram_len) == v->l4_len)
		return v->l4 + offsetof(struct rte_udp_hdr, dgram_cksum);
	return NULL;
}

/* The sum is never 0, which in UDP means that there is no checksum. */
static bool
unfinished(const struct view *v, const uint8_t *field)
{
	uint16_t sum = rte_ipv4_phdr_cksum(v->ip, 0);

	return memcmp(field, &sum, sizeof(sum)) == 0;
}

static void
put_checksum(const struct rte_ipv4_hdr *ip, const uint8_t *l4, uint8_t *field)
{
	memset(field, 0, sizeof(uint16_t));
	uint16_t sum = rte_ipv4_udptcp_cksum(ip, l4);
	memcpy(field, &sum, sizeof(sum));
}

static void
finish(struct worker *w, const struct view *v)
{
	uint8_t *field = checksum_field(v);

	if (field != NULL && unlikely(unfinished(v, field))) {
		put_checksum(v->ip, v->l4, field);
		w->counters->checksums_finished++;
	}
}

/* An empty buffer for what is made of m.  NULL: none is left. */
static struct rte_mbuf *
buffer_for(const struct out *o, struct rte_mbuf *m)
{
	struct rte_mbuf *n = rte_pktmbuf_alloc(o->w->mbuf_pool);

	if (likely(n != NULL)) {
		n->port = m->port;
		n->vlan_tci = m->vlan_tci;
		n->ol_flags = m->ol_flags;
		*pkt_meta(n) = *pkt_meta(m);
	}
	return n;
}

static inline void
leave(const struct out *o, rte_edge_t edge, struct rte_mbuf *m)
{
	rte_node_enqueue_x1(o->graph, o->node, edge, m);
}

/* What reaches the destination in one piece.  A frame does not say how long its sender wanted the
 * segments; as long as fits the tunnel is what its MSS allows (D5). */
static uint32_t
mtu_towards(const struct port *p, rte_be32_t dst)
{
	uint32_t v = fib_lookup(dst), index = FIB_INDEX(v), mtu = p->mtu;

	if (FIB_TYPE(v) == FIB_SESSION && sessions.slots[index].cfg.mtu != 0)
		return RTE_MIN(mtu, sessions.slots[index].cfg.mtu);
	if (FIB_TYPE(v) == FIB_NEXTHOP && index != 0) {
		union nexthop nh = nexthop_read(index);
		if (nh.port < n_ports)
			return RTE_MIN(mtu, ports[nh.port].mtu);
	}
	return mtu;
}

/* Octets at..at+size of v's TCP payload, in a frame of their own. */
static struct rte_mbuf *
segment(const struct out *o, struct rte_mbuf *m, const struct view *v, uint32_t at, uint32_t size,
	uint16_t number)
{
	uint32_t ip_len = rte_ipv4_hdr_len(v->ip);
	uint32_t head = sizeof(*v->eth) + ip_len + (v->l4[12] >> 4) * 4;
	bool last = head - sizeof(*v->eth) + at + size == v->len;
	struct rte_mbuf *n = buffer_for(o, m);

	if (unlikely(n == NULL))
		return NULL;
	uint8_t *data = (uint8_t *)rte_pktmbuf_append(n, (uint16_t)(head + size));
	if (unlikely(data == NULL)) {
		rte_pktmbuf_free(n);
		return NULL;
	}
	memcpy(data, v->eth, head);
	memcpy(data + head, (const uint8_t *)v->eth + head + at, size);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(data + sizeof(*v->eth));
	ip->total_length = rte_cpu_to_be_16((uint16_t)(head - sizeof(*v->eth) + size));
	ip->packet_id = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(ip->packet_id) + number));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, ip_len);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)((uint8_t *)ip + ip_len);
	tcp->sent_seq = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->sent_seq) + at);
	if (!last) /* RFC 9293 section 3.8.1: both are about the end of the data */
		tcp->tcp_flags &= (uint8_t) ~(RTE_TCP_FIN_FLAG | RTE_TCP_PSH_FLAG);
	uint16_t urgent = rte_be_to_cpu_16(tcp->tcp_urp); /* counts from the sequence number */
	tcp->tcp_urp = rte_cpu_to_be_16(urgent > at ? (uint16_t)(urgent - at) : 0);
	if (urgent <= at)
		tcp->tcp_flags &= (uint8_t)~RTE_TCP_URG_FLAG;
	if (at > 0) /* RFC 3168 section 6.1.2: said once */
		tcp->tcp_flags &= (uint8_t)~RTE_TCP_CWR_FLAG;
	put_checksum(ip, (uint8_t *)tcp, (uint8_t *)&tcp->cksum);
	return n;
}

/* TCP that its sender left to be cut, or that somebody has joined. */
static void
split_tcp(const struct out *o, const struct port *p, struct rte_mbuf *m, const struct view *v)
{
	uint8_t *field = checksum_field(v);
	uint32_t head = field ? (v->l4[12] >> 4) * 4u : 0;
	uint32_t room = mtu_towards(p, v->ip->dst_addr) - rte_ipv4_hdr_len(v->ip);
	uint16_t number = 0;

	if (head < sizeof(struct rte_tcp_hdr) || head > v->l4_len || v->l4[13] & TCP_ONCE ||
		(!unfinished(v, field) && rte_ipv4_udptcp_cksum_verify(v->ip, v->l4) != 0)) {
		leave(o, EDGE_ETH_OVERSIZED, m);
		return;
	}
	uint32_t size = RTE_MAX(room - head, (uint32_t)SEGMENT_MIN), left;
	for (uint32_t at = 0; (left = v->l4_len - head - at) > 0; at += RTE_MIN(size, left)) {
		struct rte_mbuf *n = segment(o, m, v, at, RTE_MIN(size, left), number++);
		if (unlikely(n == NULL)) {
			leave(o, EDGE_NO_BUFFER, m);
			return;
		}
		leave(o, EDGE_CLASSIFY, n);
	}
	o->w->counters->frames_split++;
	rte_pktmbuf_free(m);
}

/* A datagram that the kernel has put together goes on in fragments, as it came. */
static void
split_datagram(const struct out *o, const struct port *p, struct rte_mbuf *m, const struct view *v)
{
	struct rte_ether_hdr eth = *v->eth;
	struct pkt_meta meta = *pkt_meta(m);
	struct rte_mbuf *out[FRAG_MAX];

	if (v->len > (p->mtu - 60u) * FRAG_MAX) { /* less the longest header */
		leave(o, EDGE_ETH_OVERSIZED, m);
		return;
	}
	v->ip->fragment_offset = 0; /* DF: they had it, and were fragments all the same */
	rte_pktmbuf_adj(m, sizeof(eth));
	rte_pktmbuf_trim(m, (uint16_t)(m->data_len - v->len));
	unsigned int n = frag_ipv4(m, p->mtu, o->w->mbuf_pool, out);
	if (unlikely(n == 0)) {
		leave(o, EDGE_NO_BUFFER, m);
		return;
	}
	o->w->counters->frames_split++;
	for (unsigned int i = 0; i < n; i++) {
		memcpy(rte_pktmbuf_prepend(out[i], sizeof(eth)), &eth, sizeof(eth));
		*pkt_meta(out[i]) = meta;
		leave(o, EDGE_CLASSIFY, out[i]);
	}
}

/* Several UDP datagrams in one, to be cut by their sender's interface: where, the frame does not
 * say.  One that was in fragments has its checksum. */
static bool
joined_udp(const struct view *v)
{
	const uint8_t *field = v->ip->next_proto_id == IPPROTO_UDP ? checksum_field(v) : NULL;

	return field != NULL && unfinished(v, field);
}

static void
split(const struct out *o, const struct port *p, struct rte_mbuf *m, const struct view *v)
{
	bool header_right = rte_raw_cksum(v->ip, rte_ipv4_hdr_len(v->ip)) == 0xffff;

	if (!v->whole || !header_right || joined_udp(v))
		leave(o, EDGE_ETH_OVERSIZED, m);
	else if (v->ip->next_proto_id == IPPROTO_TCP)
		split_tcp(o, p, m, v);
	else
		split_datagram(o, p, m, v);
}

/* Larger than the port's packets can be, and not just a header that lies.  A tunnel's packet whose
 * fragments are together again, and that has room in a buffer, need not be taken apart. */
static bool
oversized(const struct out *o, const struct port *p, const struct rte_mbuf *m, const struct view *v)
{
	if (likely(v->ip == NULL || v->len <= p->mtu) || m->data_len < sizeof(*v->eth) + p->mtu)
		return false;
	return p->role != PORT_WAN || !v->whole || v->ip->next_proto_id == IPPROTO_TCP ||
	       v->len + sizeof(*v->eth) + RTE_PKTMBUF_HEADROOM >
		       rte_pktmbuf_data_room_size(o->w->mbuf_pool);
}

/* The driver's buffers are as large as frames can be, and few (port.h). */
static struct rte_mbuf *
in_small_buffer(const struct out *o, struct rte_mbuf *m)
{
	struct rte_mbuf *n = buffer_for(o, m);
	uint8_t *data = n ? (uint8_t *)rte_pktmbuf_append(n, m->data_len) : NULL;

	if (unlikely(data == NULL)) {
		rte_edge_t why = n ? EDGE_ETH_OVERSIZED : EDGE_NO_BUFFER;
		rte_pktmbuf_free(n);
		leave(o, why, m);
		return NULL;
	}
	memcpy(data, rte_pktmbuf_mtod(m, const void *), m->data_len);
	rte_pktmbuf_free(m);
	return n;
}

static uint16_t
soft_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	const struct out o = {node_worker(node), graph, node};

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];
		const struct port *p = &ports[pkt_meta(m)->port];
		if (unlikely(m->nb_segs > 1)) { /* a NIC's way: its frames are a wire's */
			leave(&o, EDGE_CLASSIFY, m);
			continue;
		}
		struct view v = look(m);
		if (unlikely(oversized(&o, p, m, &v))) {
			split(&o, p, m, &v);
			continue;
		}
		if (v.ip != NULL)
			finish(o.w, &v);
		if (m->pool != o.w->mbuf_pool)
			m = in_small_buffer(&o, m);
		if (likely(m != NULL))
			leave(&o, EDGE_CLASSIFY, m);
	}
	return n;
}

NODE_REGISTER_INTERMEDIATE(soft_input, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_CLASSIFY] = "classify",
		[EDGE_ETH_OVERSIZED] = "drop_eth_oversized",
		[EDGE_NO_BUFFER] = "drop_no_buffer",
	});
