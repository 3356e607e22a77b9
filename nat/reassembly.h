/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv4 reassembly (RFC 791 section 3.2) of packets to ourselves, in a fixed table, by one thread.
 *
 * Fragments are hostile until the whole is there (RFC 1858, RFC 3128, RFC 4963): a datagram with an
 * overlap is dropped as a whole, a first fragment must hold the transport header's ports, and
 * nobody waits for long.  One source has a share of the table: beyond it, it loses its own oldest
 * datagram, not anybody else's.  A full table gives up the oldest of all: fragments of an honest
 * datagram come one after the other, so a flood of forged sources has to replace the whole table
 * between two of them to do harm.
 */
#ifndef ADIT_NAT_REASSEMBLY_H
#define ADIT_NAT_REASSEMBLY_H

#include <stdint.h>

#include <rte_mbuf.h>

#define REASSEMBLY_DATAGRAMS  64
#define REASSEMBLY_PER_SOURCE 8
#define REASSEMBLY_FRAGMENTS  8 /* of one datagram: 11 KiB over Ethernet, more than charon takes */
#define REASSEMBLY_TIMEOUT_US 3000000
#define REASSEMBLY_FIRST_MIN  16 /* octets of payload in a first fragment */

enum reassembly_end {
	REASSEMBLY_WAITING, /* the rest is still to come */
	REASSEMBLY_WHOLE,
	REASSEMBLY_MALFORMED, /* length, offset, too small a first fragment, too many fragments */
	REASSEMBLY_OVERLAP,   /* also the same fragment again; then the others wait on */
	REASSEMBLY_CROWDED,   /* given up for a newer datagram */
	REASSEMBLY_TIMEOUT
};

struct reassembly;

/* A fragment that ends here, for whatever reason; takes m. */
typedef void (*reassembly_drop)(void *user, struct rte_mbuf *m, enum reassembly_end why);

/* NULL: no memory. */
struct reassembly *reassembly_create(void);
/* With what still waits. */
void reassembly_free(struct reassembly *r);
/*
 * One fragment: data at its IPv4 header of 20 octets, no octets behind the packet, header checked.
 * Takes it.  The whole packet, one segment for each fragment, its header as that of the first
 * fragment but for offset, length and checksum; or NULL.  now_us never goes back.
 */
struct rte_mbuf *reassembly_take(struct reassembly *r, struct rte_mbuf *m, uint64_t now_us,
	reassembly_drop drop, void *user);

#endif
