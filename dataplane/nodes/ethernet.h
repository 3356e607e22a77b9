/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef ADIT_DATAPLANE_NODES_ETHERNET_H
#define ADIT_DATAPLANE_NODES_ETHERNET_H

#include <string.h>

#include <rte_ether.h>

#include "dataplane/nodes/node.h"
#include "dataplane/port_table.h"

/* An Ethernet header in front of an IPv4 packet for a next hop; meta->port is where it goes out.
 * PPP headers of odd length leave packets at odd addresses: hence the copies.  In words made in
 * registers: a struct that is copied at once is read before what it is made of is written. */
static inline void
put_ethernet(struct rte_mbuf *m, const union nexthop *nh)
{
	const uint8_t *from = ports[nh->port].mac.addr_bytes;
	uint8_t *eth = (uint8_t *)rte_pktmbuf_prepend(m, sizeof(struct rte_ether_hdr));
	uint64_t first;
	uint32_t rest;
	uint16_t two, type = RTE_BE16(RTE_ETHER_TYPE_IPV4);

	memcpy(&first, (const void *)nh, sizeof(first));
	memcpy(&two, from, sizeof(two));
	memcpy(&rest, from + 2, sizeof(rest));
	first = (first & 0xffffffffffff) | (uint64_t)two << 48; /* little-endian */
	memcpy(eth, &first, sizeof(first));
	memcpy(eth + 8, &rest, sizeof(rest));
	memcpy(eth + 12, &type, sizeof(type));
	pkt_meta(m)->port = nh->port;
}

#endif
