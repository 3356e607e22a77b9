/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 fragmentation (RFC 791 section 3.2) of packets that the way out can't carry. */
#ifndef ADIT_NAT_FRAG_H
#define ADIT_NAT_FRAG_H

#include <stdint.h>

#include <rte_mbuf.h>

#define FRAG_MAX 64 /* fragments that one packet may become */

/*
 * Split one packet (data at its IPv4 header, one segment, DF clear) into fragments of at most mtu
 * octets, in order, into out[FRAG_MAX]; their header checksums are filled in. The fragments are new
 * buffers of pool, one segment each. Returns their count and frees the packet; or returns 0, and
 * the packet is still the caller's (no buffers, or mtu too small).
 */
unsigned int frag_ipv4(
	struct rte_mbuf *m, uint16_t mtu, struct rte_mempool *pool, struct rte_mbuf **out);

#endif
