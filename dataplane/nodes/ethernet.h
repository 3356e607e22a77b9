/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef ADIT_DATAPLANE_NODES_ETHERNET_H
#define ADIT_DATAPLANE_NODES_ETHERNET_H

#include <string.h>

#include <rte_ether.h>

#include "dataplane/nodes/node.h"
#include "dataplane/port_table.h"

/* An Ethernet header in front of an IPv4 packet for a next hop; meta->port is where it goes out.
 * PPP headers of odd length leave packets at odd addresses: hence the copy. */
static inline void
put_ethernet(struct rte_mbuf *m, const union nexthop *nh)
{
	const struct rte_ether_hdr eth = {.dst_addr = nh->mac,
		.src_addr = ports[nh->port].mac,
		.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4)};
	memcpy(rte_pktmbuf_prepend(m, sizeof(eth)), &eth, sizeof(eth));
	pkt_meta(m)->port = nh->port;
}

#endif
