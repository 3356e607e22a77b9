/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/nodes/inner.h"

#include <string.h>

#define IP_OPTION_END  0
#define IP_OPTION_NOP  1
#define IP_OPTION_LSRR 131
#define IP_OPTION_SSRR 137

enum ipv4_options
ipv4_options_read(const struct rte_ipv4_hdr *ip)
{
	const uint8_t *opt = (const uint8_t *)ip;
	uint32_t hlen = rte_ipv4_hdr_len(ip);

	for (uint32_t at = sizeof(*ip); at < hlen && opt[at] != IP_OPTION_END;) {
		if (opt[at] == IP_OPTION_NOP) {
			at++;
			continue;
		}
		if (opt[at] == IP_OPTION_LSRR || opt[at] == IP_OPTION_SSRR)
			return OPTIONS_SOURCE_ROUTE;
		/* RFC 791 section 3.1: the length covers the type and itself. */
		if (at + 1 >= hlen || opt[at + 1] < 2 || at + opt[at + 1] > hlen)
			return OPTIONS_MALFORMED;
		at += opt[at + 1];
	}
	return OPTIONS_FORWARD;
}

#define TCPOPT_END 0
#define TCPOPT_NOP 1
#define TCPOPT_MSS 2

/* The option need not be aligned to the words that the checksum adds: at an odd offset its octets
 * are swapped. */
static rte_be16_t
word_at(uint16_t value, uint32_t offset)
{
	return offset & 1 ? rte_bswap16(rte_cpu_to_be_16(value)) : rte_cpu_to_be_16(value);
}

void
tcp_mss_clamp_syn(struct rte_ipv4_hdr *ip, uint32_t len, uint16_t mss)
{
	uint32_t l4 = rte_ipv4_hdr_len(ip);
	uint8_t *tcp = (uint8_t *)ip + l4;
	uint32_t hlen = (uint32_t)(tcp[12] >> 4) * 4;

	if (hlen > len - l4)
		return;
	for (uint32_t at = 20; at < hlen;) {
		if (tcp[at] == TCPOPT_END)
			return;
		if (tcp[at] == TCPOPT_NOP) {
			at++;
			continue;
		}
		if (at + 1 >= hlen || tcp[at + 1] < 2 || at + tcp[at + 1] > hlen)
			return;
		if (tcp[at] == TCPOPT_MSS && tcp[at + 1] == 4) {
			uint16_t old = tcp[at + 2] << 8 | tcp[at + 3];
			if (old <= mss)
				return;
			rte_be16_t cksum;
			memcpy(&cksum, tcp + 16, sizeof(cksum));
			cksum = cksum_update(cksum, word_at(old, at), word_at(mss, at));
			memcpy(tcp + 16, &cksum, sizeof(cksum));
			tcp[at + 2] = mss >> 8;
			tcp[at + 3] = mss & 0xff;
			return;
		}
		at += tcp[at + 1];
	}
}
