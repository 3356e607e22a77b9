/* SPDX-License-Identifier: BSD-3-Clause */
/* The outer IPv4 header of a tunnel's packet, and its way to the peer. */
#ifndef ADIT_DATAPLANE_NODES_OUTER_H
#define ADIT_DATAPLANE_NODES_OUTER_H

#include "dataplane/nodes/ethernet.h"
#include "dataplane/nodes/inner.h"

/* In this order the first edges of a node that uses outer_send(). */
enum outer_way { OUTER_PORT_TX, OUTER_TO_MAIN, OUTER_NO_ROUTE, OUTER_MTU };

/* The next hop of a FIB value.  False: there is no way. */
static inline bool
outer_nexthop(uint32_t value, union nexthop *nh)
{
	if (unlikely(FIB_TYPE(value) != FIB_NEXTHOP || FIB_INDEX(value) == 0))
		return false;
	*nh = nexthop_read(FIB_INDEX(value));
	return likely((nh->flags & NEXTHOP_USED) && nh->port < n_ports);
}

static inline void
outer_put_ipv4(struct rte_mbuf *m, rte_be32_t from, rte_be32_t to, uint8_t proto, uint16_t id)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)rte_pktmbuf_prepend(m, sizeof(*ip));
	const rte_be16_t length = rte_cpu_to_be_16(m->data_len), id_be = rte_cpu_to_be_16(id);
	const rte_be16_t df = settings.outer_fragmentation ? 0 : RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	uint64_t sum = RTE_BE16(0x4500) + length + id_be + df + rte_cpu_to_be_16(64 << 8 | proto) +
		       (uint64_t)from + to;

	ip->version_ihl = 0x45;
	ip->type_of_service = 0;
	ip->total_length = length;
	ip->packet_id = id_be;
	ip->fragment_offset = df;
	ip->time_to_live = 64;
	ip->next_proto_id = proto;
	ip->hdr_checksum = (rte_be16_t)~cksum_fold(sum);
	ip->src_addr = from;
	ip->dst_addr = to;
}

/* m: the whole outer IPv4 packet; value and nh: as outer_nexthop() had and gave them. */
static inline enum outer_way
outer_send(struct rte_mbuf *m, uint32_t value, const union nexthop *nh)
{
	if (unlikely(m->data_len > ports[nh->port].mtu))
		return OUTER_MTU;
	if (unlikely(!(nh->flags & NEXTHOP_RESOLVED))) {
		pkt_meta(m)->nh = value;
		pkt_meta(m)->kind = PUNT_GLEAN;
		return OUTER_TO_MAIN;
	}
	put_ethernet(m, nh);
	return OUTER_PORT_TX;
}

#endif
