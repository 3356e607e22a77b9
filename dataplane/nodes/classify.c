/* SPDX-License-Identifier: BSD-3-Clause */
/* classify.  In: Ethernet frames of ports.  Out: tunnels' packets at their IPv4 header, packets to
 * forward, frames for the kernel. */
#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_tcp.h>

#include "dataplane/api/port.h"
#include "dataplane/api/sa.h"
#include "dataplane/api/session.h"
#include "dataplane/flow.h"
#include "dataplane/nodes/inner.h"
#include "dataplane/nodes/l2tp.h"
#include "dataplane/port_table.h"

enum {
	EDGE_PPTP_INPUT,
	EDGE_L2TP_INPUT,
	EDGE_ESP_INPUT,
	EDGE_IP_FORWARD,
	EDGE_TO_MAIN,
	EDGE_IKE_INPUT,
	EDGE_TCP_INPUT,
	EDGE_REASSEMBLE,
	EDGE_ICMP_INPUT,
	EDGE_ANSWER_INPUT,
	EDGE_ETH_NOT_OURS,
	EDGE_ETH_MALFORMED,
	EDGE_ETH_VLAN,
	EDGE_EDGE_FILTER,
	EDGE_EDGE_IPV6,
	EDGE_IP_MALFORMED,
	EDGE_IP_CHECKSUM,
	EDGE_IP_FRAGMENT,
	EDGE_IP_OPTIONS,
	EDGE_IP_SOURCE_ROUTE,
	EDGE_LAN_SOURCE,
	EDGE_L2TP_CLEAR,
	EDGE_ESP_KEEPALIVE,
	EDGE_ESP_MALFORMED,
	EDGE_COUNT
};

#define DHCP_CLIENT 68

static rte_edge_t
to_tap(struct rte_mbuf *m, enum punt_kind kind)
{
	pkt_meta(m)->kind = kind;
	return EDGE_TO_MAIN;
}

/* RFC 791, RFC 1812 section 5.2.2.  EDGE_COUNT: in order. */
static rte_edge_t
ipv4_validate(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, uint32_t room)
{
	uint32_t hlen = rte_ipv4_hdr_len(ip);
	uint32_t len = rte_be_to_cpu_16(ip->total_length);
	uint64_t cksum = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;

	if (unlikely(ip->version_ihl >> 4 != 4 || hlen < sizeof(*ip) || len < hlen || len > room))
		return EDGE_IP_MALFORMED;
	if (cksum == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		return EDGE_COUNT;
	if (cksum == RTE_MBUF_F_RX_IP_CKSUM_BAD || !ipv4_sum_is_right(ip, hlen))
		return EDGE_IP_CHECKSUM;
	return EDGE_COUNT;
}

/* R12: answers and errors, which are looked into, and ping by name. */
static bool
icmp_allowed(const uint8_t *icmp, uint32_t len)
{
	if (len < 8)
		return false;
	switch (icmp[0]) {
	case 0:  /* echo reply */
	case 3:  /* destination unreachable, and fragmentation needed */
	case 11: /* time exceeded */
	case 12: /* parameter problem */
		return true;
	case 8:
		return settings.edge_ping;
	default:
		return false;
	}
}

static inline uint16_t
port_at(const uint8_t *l4)
{
	return (uint16_t)(l4[0] << 8 | l4[1]);
}

/* RFC 2637 section 4.1: version 1, protocol type 0x880B. */
static inline rte_edge_t
wan_gre(struct rte_mbuf *m, const uint8_t *gre, uint32_t len, uint32_t edge)
{
	if (unlikely(len < 4 || (gre[1] & 7) != 1 || gre[2] != 0x88 || gre[3] != 0x0b ||
		     !(edge & EDGE_ALLOW_PPTP)))
		return EDGE_EDGE_FILTER;
	rte_pktmbuf_adj(m, sizeof(struct rte_ether_hdr));
	return EDGE_PPTP_INPUT;
}

/* T20.  A look-up of the address, for control messages have no table that would miss it. */
static rte_edge_t
wan_l2tp(struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, uint32_t edge)
{
	if (!is_wan_address(ip->dst_addr))
		return EDGE_EDGE_FILTER;
	if (!(edge & EDGE_ALLOW_CLEAR_L2TP))
		return EDGE_L2TP_CLEAR;
	pkt_meta(m)->pair = pkt_meta(m)->peer = 0;
	rte_pktmbuf_adj(m, sizeof(struct rte_ether_hdr));
	return EDGE_L2TP_INPUT;
}

/* Whoever answers for UDP 500 and 4500 is in the kernel's reach: charon. */
static rte_edge_t
wan_ike(const struct rte_ipv4_hdr *ip)
{
	return is_wan_address(ip->dst_addr) ? EDGE_IKE_INPUT : EDGE_EDGE_FILTER;
}

/* RFC 3948 section 2.2 to 2.4: IKE behind four octets of zero, a keepalive, or ESP. */
static rte_edge_t
wan_nat_t(struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, uint32_t len)
{
	const uint8_t *data = (const uint8_t *)(ip + 1) + sizeof(struct rte_udp_hdr);
	uint32_t spi;

	len -= sizeof(struct rte_udp_hdr);
	if (len == 1 && data[0] == 0xff)
		return EDGE_ESP_KEEPALIVE;
	if (unlikely(len < sizeof(spi)))
		return EDGE_ESP_MALFORMED;
	memcpy(&spi, data, sizeof(spi));
	if (spi == 0)
		return wan_ike(ip);
	rte_pktmbuf_adj(m, sizeof(struct rte_ether_hdr));
	return EDGE_ESP_INPUT;
}

static rte_edge_t
wan_udp(struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, uint32_t len, uint32_t edge)
{
	const uint8_t *udp = (const uint8_t *)(ip + 1);

	if (unlikely(len < sizeof(struct rte_udp_hdr)))
		return EDGE_EDGE_FILTER;
	uint16_t port = port_at(udp + 2);
	if (port == L2TP_PORT)
		return wan_l2tp(m, ip, edge);
	if (unlikely(!(edge & EDGE_ALLOW_IPSEC)))
		return EDGE_ANSWER_INPUT;
	if (likely(port == NAT_T_PORT))
		return wan_nat_t(m, ip, len);
	return port == IKE_PORT ? wan_ike(ip) : EDGE_ANSWER_INPUT;
}

static rte_edge_t
wan_tcp(const struct rte_ipv4_hdr *ip, uint32_t len, uint32_t edge)
{
	if (len < sizeof(struct rte_tcp_hdr))
		return EDGE_EDGE_FILTER;
	if (port_at((const uint8_t *)(ip + 1) + 2) != PPTP_PORT || !(edge & EDGE_ALLOW_PPTP))
		return EDGE_ANSWER_INPUT;
	return is_wan_address(ip->dst_addr) ? EDGE_TCP_INPUT : EDGE_EDGE_FILTER;
}

/* R16: IKE with certificates comes in fragments, and ESP and GRE from clients whose tunnel's MTU
 * does not fit their path.  They are put together before anybody looks at what is in them, and so
 * is what comes from where the kernel has begun something. */
static rte_edge_t
wan_fragment(const struct rte_ipv4_hdr *ip, uint32_t edge, uint64_t now_us)
{
	static const uint32_t by_protocol[256] = {
		[IPPROTO_GRE] = EDGE_ALLOW_PPTP,
		[IPPROTO_ESP] = EDGE_ALLOW_IPSEC,
		[IPPROTO_UDP] = EDGE_ALLOW_IPSEC | EDGE_ALLOW_CLEAR_L2TP,
	};

	if (!(edge & by_protocol[ip->next_proto_id]) && !flow_peer(ip->src_addr, now_us))
		return EDGE_IP_FRAGMENT;
	return is_wan_address(ip->dst_addr) ? EDGE_REASSEMBLE : EDGE_IP_FRAGMENT;
}

/* To a group, or to all: nothing but what a DHCP server says to who has no address yet. */
static rte_edge_t
wan_multicast(const struct rte_ipv4_hdr *ip, uint32_t len)
{
	bool dhcp = ip->version_ihl == 0x45 && ip->next_proto_id == IPPROTO_UDP &&
		    !(ip->fragment_offset &
			    RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) &&
		    len >= sizeof(struct rte_udp_hdr) &&
		    port_at((const uint8_t *)(ip + 1) + 2) == DHCP_CLIENT;

	return dhcp ? EDGE_ANSWER_INPUT : EDGE_EDGE_FILTER;
}

/*
 * A packet on a WAN port goes to one of its addresses or nowhere: nothing is forwarded from the
 * Internet, to clients neither (RRAS drops the same on its Internet interface).  GRE and ESP need
 * no look-up of the address here: sessions and SAs know theirs.
 */
static rte_edge_t
wan_ipv4(const struct worker *w, struct rte_mbuf *m, const struct rte_ether_hdr *eth,
	const struct rte_ipv4_hdr *ip)
{
	const uint8_t *l4 = (const uint8_t *)(ip + 1);
	uint32_t len = rte_be_to_cpu_16(ip->total_length) - sizeof(*ip);
	uint32_t edge = atomic_load_explicit(&settings.edge, memory_order_relaxed);

	if (unlikely(rte_is_multicast_ether_addr(&eth->dst_addr)))
		return wan_multicast(ip, len);
	if (unlikely(ip->version_ihl != 0x45))
		return EDGE_IP_OPTIONS;
	if (unlikely(ip->fragment_offset &
		     RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)))
		return wan_fragment(ip, edge, w->now_us);
	switch (ip->next_proto_id) {
	case IPPROTO_GRE:
		return wan_gre(m, l4, len, edge);
	case IPPROTO_ESP:
		if (unlikely(!(edge & EDGE_ALLOW_IPSEC)))
			return EDGE_EDGE_FILTER;
		rte_pktmbuf_adj(m, sizeof(*eth));
		return EDGE_ESP_INPUT;
	case IPPROTO_UDP:
		return wan_udp(m, ip, len, edge);
	case IPPROTO_TCP:
		return wan_tcp(ip, len, edge);
	case IPPROTO_ICMP:
		return icmp_allowed(l4, len) && is_wan_address(ip->dst_addr) ? EDGE_ICMP_INPUT
									     : EDGE_EDGE_FILTER;
	default:
		return EDGE_EDGE_FILTER;
	}
}

/*
 * T25: a host on the LAN has neither the gateway's addresses nor a client's.  RFC 3704
 * section 2.4's loose check, the other way round: routes may be asymmetric, these sources are never
 * there.
 */
static rte_edge_t
lan_ipv4(struct rte_mbuf *m, const struct rte_ether_hdr *eth, const struct rte_ipv4_hdr *ip)
{
	if (unlikely(host_lookup(rte_be_to_cpu_32(ip->src_addr)) != 0))
		return EDGE_LAN_SOURCE;
	/* Whatever the kernel's accept_source_route says. */
	if (unlikely(ipv4_options(ip) == OPTIONS_SOURCE_ROUTE))
		return EDGE_IP_SOURCE_ROUTE;
	/* Multicast is the kernel's: routing daemons listen there. */
	if (unlikely(rte_is_multicast_ether_addr(&eth->dst_addr)) ||
		FIB_TYPE(fib_lookup(ip->dst_addr)) == FIB_LOCAL)
		return to_tap(m, PUNT_TAP);
	rte_pktmbuf_adj(m, sizeof(*eth));
	return EDGE_IP_FORWARD;
}

/* IEEE 802.1Q: in the frame, or stripped by the device.  VLAN 0 there is a priority alone. */
static inline bool
is_tagged(const struct rte_mbuf *m, rte_be16_t type)
{
	if (unlikely(m->ol_flags & (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED |
					   RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED)))
		return (m->vlan_tci & 0xfff) != 0 ||
		       m->ol_flags & (RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED);
	return type == RTE_BE16(RTE_ETHER_TYPE_VLAN) || type == RTE_BE16(RTE_ETHER_TYPE_QINQ);
}

static inline rte_edge_t
classify_one(struct worker *w, struct rte_mbuf *m)
{
	struct pkt_meta *meta = pkt_meta(m);
	const struct port *port = &ports[meta->port];

	if (unlikely(m->nb_segs > 1) && rte_pktmbuf_linearize(m) < 0)
		return EDGE_ETH_MALFORMED;
	if (unlikely(m->data_len < sizeof(struct rte_ether_hdr)))
		return EDGE_ETH_MALFORMED;
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	if (unlikely(is_tagged(m, eth->ether_type)))
		return EDGE_ETH_VLAN;
	if (unlikely(!rte_is_same_ether_addr(&eth->dst_addr, &port->mac) &&
		     !rte_is_multicast_ether_addr(&eth->dst_addr)))
		return EDGE_ETH_NOT_OURS;
	if (unlikely(eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4))) {
		if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP))
			return to_tap(m, PUNT_ARP);
		return eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6) ? EDGE_EDGE_IPV6
									: EDGE_EDGE_FILTER;
	}
	uint32_t room = m->data_len - sizeof(*eth);
	if (unlikely(room < sizeof(struct rte_ipv4_hdr)))
		return EDGE_ETH_MALFORMED;
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);
	rte_edge_t bad = ipv4_validate(m, ip, room);
	if (unlikely(bad != EDGE_COUNT))
		return bad;
	uint32_t padding = room - rte_be_to_cpu_16(ip->total_length);
	if (padding > 0)
		rte_pktmbuf_trim(m, padding);
	return port->role == PORT_WAN ? wan_ipv4(w, m, eth, ip) : lan_ipv4(m, eth, ip);
}

static inline void
classify_request(struct rte_mbuf *m)
{
	rte_prefetch0(rte_pktmbuf_mtod(m, void *));
}

/* The line of a session's address, which lan_ipv4() and ip_forward look up.  The packet is not yet
 * validated: what is there leads nowhere but into the table. */
static inline void
classify_request_host(struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(
		m, const struct rte_ipv4_hdr *, sizeof(struct rte_ether_hdr));

	if (ports[pkt_meta(m)->port].role == PORT_LAN &&
		likely(m->data_len >= sizeof(struct rte_ether_hdr) + sizeof(*ip)))
		rte_prefetch0((const void *)host_entry(rte_be_to_cpu_32(ip->dst_addr)));
}

static uint16_t
classify_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	node_request(objs, n, classify_request);
	return node_each(graph, node, objs, n, classify_request_host, classify_one);
}

NODE_REGISTER_INTERMEDIATE(classify, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PPTP_INPUT] = "pptp_input",
		[EDGE_L2TP_INPUT] = "l2tp_input",
		[EDGE_ESP_INPUT] = "esp_input",
		[EDGE_IP_FORWARD] = "ip_forward",
		[EDGE_TO_MAIN] = "to_main",
		[EDGE_IKE_INPUT] = "ike_input",
		[EDGE_TCP_INPUT] = "tcp_input",
		[EDGE_REASSEMBLE] = "reassemble",
		[EDGE_ICMP_INPUT] = "icmp_input",
		[EDGE_ANSWER_INPUT] = "answer_input",
		[EDGE_ETH_NOT_OURS] = "drop_eth_not_ours",
		[EDGE_ETH_MALFORMED] = "drop_eth_malformed",
		[EDGE_ETH_VLAN] = "drop_eth_vlan",
		[EDGE_EDGE_FILTER] = "drop_edge_filter",
		[EDGE_EDGE_IPV6] = "drop_edge_ipv6",
		[EDGE_IP_MALFORMED] = "drop_ip_malformed",
		[EDGE_IP_CHECKSUM] = "drop_ip_checksum",
		[EDGE_IP_FRAGMENT] = "drop_ip_fragment",
		[EDGE_IP_OPTIONS] = "drop_ip_options",
		[EDGE_IP_SOURCE_ROUTE] = "drop_ip_source_route",
		[EDGE_LAN_SOURCE] = "drop_lan_source",
		[EDGE_L2TP_CLEAR] = "drop_l2tp_clear",
		[EDGE_ESP_KEEPALIVE] = "drop_esp_keepalive",
		[EDGE_ESP_MALFORMED] = "drop_esp_malformed",
	});
