/* SPDX-License-Identifier: BSD-3-Clause */
/* Inner IPv4 packets: checks and changes that uplink and downlink share. */
#ifndef ADIT_DATAPLANE_NODES_INNER_H
#define ADIT_DATAPLANE_NODES_INNER_H

#include <netinet/in.h>
#include <string.h>

#include "dataplane/nodes/node.h"

#define TCP_FLAG_SYN 0x02

/* RFC 1624, equation 3: a 16-bit word of what a checksum covers changes from old to new, all in
 * network order. */
static inline rte_be16_t
cksum_update(rte_be16_t cksum, rte_be16_t old, rte_be16_t new)
{
	uint32_t sum = (uint16_t)~cksum + (uint16_t)~old + new;
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return (rte_be16_t)~sum;
}

/* To 16 bits, in ones' complement (RFC 1071). */
static inline uint16_t
cksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* The sum of a header without options, folded: 0xffff if its checksum is right. */
static inline uint16_t
ipv4_sum(const struct rte_ipv4_hdr *ip)
{
	uint32_t word[5];

	memcpy(word, ip, sizeof(word));
	return cksum_fold((uint64_t)word[0] + word[1] + word[2] + word[3] + word[4]);
}

/* hlen: of the header with its options. */
static inline bool
ipv4_sum_is_right(const struct rte_ipv4_hdr *ip, uint32_t hlen)
{
	return likely(hlen == sizeof(*ip)) ? ipv4_sum(ip) == 0xffff
					   : rte_raw_cksum(ip, hlen) == 0xffff;
}

/* Options of a header that is longer than 20 octets: may the packet be forwarded? */
enum ipv4_options { OPTIONS_FORWARD, OPTIONS_SOURCE_ROUTE, OPTIONS_MALFORMED };
enum ipv4_options ipv4_options_read(const struct rte_ipv4_hdr *ip);

/* ip: validated. */
static inline enum ipv4_options
ipv4_options(const struct rte_ipv4_hdr *ip)
{
	return likely(ip->version_ihl == 0x45) ? OPTIONS_FORWARD : ipv4_options_read(ip);
}

/* D5: lower the maximum segment size that a TCP SYN announces (RFC 879, RFC 9293 section 3.2) to
 * mss. */
void tcp_mss_clamp_syn(struct rte_ipv4_hdr *ip, uint32_t len, uint16_t mss);

/* ip: len octets, validated. */
static inline void
tcp_mss_clamp(struct rte_ipv4_hdr *ip, uint32_t len, uint16_t mss)
{
	if (likely(ip->next_proto_id != IPPROTO_TCP || mss == 0))
		return;
	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return;
	uint32_t l4 = rte_ipv4_hdr_len(ip);
	if (len >= l4 + 20 && ((const uint8_t *)ip)[l4 + 13] & TCP_FLAG_SYN)
		tcp_mss_clamp_syn(ip, len, mss);
}

#endif
