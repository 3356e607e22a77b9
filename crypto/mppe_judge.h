/* SPDX-License-Identifier: BSD-3-Clause */
/* What a plaintext says about the key that it was decrypted with.  Private to crypto/. */
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
	EVIDENCE_STRONG, /* and an IP header behind it */
};

static inline enum evidence
judge_ip(const uint8_t *ip, uint32_t len, unsigned int version)
{
	if (len == 0 || ip[0] >> 4 != version)
		return EVIDENCE_LIKELY;
	return version == 6 || (ip[0] & 0x0f) >= 5 ? EVIDENCE_STRONG : EVIDENCE_LIKELY;
}

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
		return judge_ip(clear + 1, len - 1, 4);
	case 0x57: /* IPv6 */
		return judge_ip(clear + 1, len - 1, 6);
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
