/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whom the gateway's kernel has answered on WAN ports (T13).  An address can be forged, what was
 * sent there can not be repeated by who didn't get it: the cookie pair of an IKE exchange (RFC 2408
 * section 3.1), a TCP segment's acknowledgement.  Who repeats it is no stranger.
 *
 * Fixed memory, which nobody can fill: what floods begin pushes out the oldest of what was begun,
 * and never a TCP connection that was established.  Told by the main lcore, asked by any.
 */
#ifndef ADIT_DATAPLANE_ANSWERED_H
#define ADIT_DATAPLANE_ANSWERED_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

/* At the start: forgets everything.  0 or -EIO. */
int answered_init(void);
/* An Ethernet frame of len octets, from the kernel to a WAN port.  Main lcore. */
void answered_note(const uint8_t *frame, uint32_t len);
/* cookies: 16 octets, the initiator's and the responder's. */
bool answered_ike(rte_be32_t peer, const uint8_t *cookies);
/* A segment from peer to our port 1723: is it of a connection that is established, or does it
 * acknowledge our SYN? */
bool answered_tcp(rte_be32_t peer, const struct rte_tcp_hdr *tcp);
/* How many connections to our port 1723 have come to be established, since the start: each counts
 * once, when the kernel says something on it that is no SYN and no RST. */
uint64_t answered_established(void);
/* Is there a connection from peer's port (network byte order) to our 1723? */
bool answered_connection(rte_be32_t peer, rte_be16_t port);

#endif
