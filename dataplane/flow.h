/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the gateway's kernel has begun itself, on WAN ports and towards clients, so that the answers
 * may come in (R12, T25): TCP connections that it opens, UDP that it sends, pings, DHCP.
 *
 * Told by the main lcore, of what the kernel sends, so no stranger makes an entry: answers of the
 * kernel (TCP without a SYN of its own, echo replies, ICMP errors) make none, neither does UDP from
 * ports at which strangers reach something.  Nothing that comes in keeps an entry alive either
 * (RFC 4787 section 4.3).  Fixed memory: where it is full, what would end first gives way, so
 * established TCP does last.
 */
#ifndef ADIT_DATAPLANE_FLOW_H
#define ADIT_DATAPLANE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

/* Seconds of the kernel's silence after which an entry has ended, at most one less. */
#define FLOW_TCP_BEGUN       60   /* our SYN; each repetition counts anew */
#define FLOW_TCP_ESTABLISHED 7440 /* RFC 5382 section 5 */
#define FLOW_TCP_CLOSING     120  /* our FIN */
#define FLOW_TCP_RESET       10
#define FLOW_UDP             30
#define FLOW_UDP_STREAM      180 /* the kernel has gone on sending */
#define FLOW_ECHO            30
#define FLOW_DHCP            60

/* At the start: forgets everything.  0 or -EIO. */
int flow_init(void);

/* ------------------------------------------------------------------ main lcore */

/* All that the kernel sends, len octets, not validated: an Ethernet frame on its way to a WAN port;
 * an IPv4 packet out of the inner TUN device. */
void flow_note_port(uint8_t port, const uint8_t *frame, uint32_t len, uint64_t now_us);
void flow_note_inner(const uint8_t *packet, uint32_t len, uint64_t now_us);

/* ------------------------------------------------------------------ any lcore */

/* Does this packet answer the kernel?  ip: len octets, a validated header; no for later fragments.
 * inside: out of a client's tunnel, whose source is proven.  An entry that changes at that moment
 * may be missed. */
bool flow_answers(const struct rte_ipv4_hdr *ip, uint32_t len, bool inside, uint64_t now_us);
/* Is this ICMP error (len octets) about what the kernel has begun on a WAN port? */
bool flow_quoted(const uint8_t *icmp, uint32_t len, uint64_t now_us);
/* RFC 2131: does this datagram of a DHCP server (len octets from its UDP header) repeat a
 * transaction ID of a client on this port, which has no address yet? */
bool flow_dhcp(uint8_t port, const uint8_t *udp, uint32_t len, uint64_t now_us);
/* Has the kernel begun something with that address, so that its fragments may be put together?  A
 * sketch: some others' pass, too. */
bool flow_peer(rte_be32_t address, uint64_t now_us);

#endif
