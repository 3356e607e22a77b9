/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a plaintext says about the key that it was decrypted with.  Private to crypto/.
 *
 * MPPE has no integrity check: this is all there is.  How often octets that a wrong key makes look
 * like it, for a body of 1,400 octets (of 100):
 *
 *	possible	1 in 2.3
 *	likely		1 in 42
 *	strong		1 in 81,000 (1 in 1,350,000)	16 (20) bits
 *
 * Strong adds up from the protocol (8 bits), IP's version (4), the header's length (0.5), and a
 * total length that the body has room for (16 bits, of which the body's size is given away); three
 * protocols have it.  Only strong evidence moves a session's keys, and what goes beyond the next
 * packets needs it twice (docs/adr/0012).
 */
#ifndef ADIT_CRYPTO_MPPE_JUDGE_H
#define ADIT_CRYPTO_MPPE_JUDGE_H

#include <stdint.h>

/* Octets of plaintext that judge() looks at. */
#define PEEK_LEN 8

/* How much the first octets of a plaintext look like what a peer sends. */
enum evidence {
	EVIDENCE_IMPOSSIBLE, /* RFC 3078 section 3: only protocols 0x0021 to 0x00fa are encrypted */
	EVIDENCE_POSSIBLE,
	EVIDENCE_LIKELY, /* a protocol in use */
	EVIDENCE_STRONG, /* and an IP header behind it that fits the packet */
};

/* RFC 791: at least 20 octets, of which the first says so; no more than there are. */
static inline enum evidence
judge_ipv4(const uint8_t *ip, uint32_t len)
{
	if (len < 20 || ip[0] < 0x45 || ip[0] > 0x4f || (uint32_t)(ip[2] << 8 | ip[3]) > len)
		return EVIDENCE_LIKELY;
	return EVIDENCE_STRONG;
}

/* RFC 8200: the length is that of what follows 40 octets of header. */
static inline enum evidence
judge_ipv6(const uint8_t *ip, uint32_t len)
{
	if (len < 40 || ip[0] >> 4 != 6 || (uint32_t)(ip[4] << 8 | ip[5]) > len - 40)
		return EVIDENCE_LIKELY;
	return EVIDENCE_STRONG;
}

/* len is the whole body's; as many octets of it are there as that, or PEEK_LEN. */
static inline enum evidence
judge(const uint8_t *clear, uint32_t len)
{
	/* RFC 1661 section 2: the last octet of a protocol number is odd, the one before it even; a
	 * leading 0 may be compressed away. */
	if (clear[0] == 0 && len > 1) {
		clear++;
		len--;
	}
	switch (clear[0]) {
	case 0x21: /* IPv4 */
	case 0x2f: /* VJ uncompressed TCP: an IPv4 header */
		return judge_ipv4(clear + 1, len - 1);
	case 0x57: /* IPv6 */
		return judge_ipv6(clear + 1, len - 1);
	case 0x2d: /* VJ compressed TCP */
	case 0x2b: /* IPX */
	case 0x3f: /* NetBIOS frames */
		return EVIDENCE_LIKELY;
	default:
		return clear[0] & 1 && clear[0] >= 0x21 && clear[0] <= 0xfa ? EVIDENCE_POSSIBLE
									    : EVIDENCE_IMPOSSIBLE;
	}
}

#endif
