/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SHA-1 with the CPU's SHA instructions, two messages beside each other: each round waits for the
 * one before it, which leaves half of the unit idle.  Compiled for such CPUs alone.
 */
#include "crypto/sha1.h"

#ifdef __x86_64__
#include <immintrin.h>

/*
 * Four rounds of message X (A or B), FIPS 180-4 section 6.1.2: f is the round function, m0 holds
 * the words of these rounds and takes those of four groups later.  old is a, b, c, d four rounds
 * ago: its a is today's e, but for a rotation that sha1nexte does.
 */
#define ROUNDS(X, f, m0, m1, m2, m3)                     \
	e##X = _mm_sha1nexte_epu32(old##X, m0##X);       \
	old##X = abcd##X;                                \
	abcd##X = _mm_sha1rnds4_epu32(abcd##X, e##X, f); \
	m0##X = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(m0##X, m1##X), m2##X), m3##X)
#define BOTH(f, m0, m1, m2, m3)       \
	ROUNDS(A, f, m0, m1, m2, m3); \
	ROUNDS(B, f, m0, m1, m2, m3)

#define DECLARE(X, message)                                \
	const __m128i *in##X = (const __m128i *)(message); \
	__m128i abcd##X = start, old##X = start_e, e##X, p0##X, p1##X, p2##X, p3##X
#define LOAD(X)                                                   \
	p0##X = _mm_shuffle_epi8(_mm_loadu_si128(in##X++), turn); \
	p1##X = _mm_shuffle_epi8(_mm_loadu_si128(in##X++), turn); \
	p2##X = _mm_shuffle_epi8(_mm_loadu_si128(in##X++), turn); \
	p3##X = _mm_shuffle_epi8(_mm_loadu_si128(in##X++), turn)
/* The sums at the end of a block; e is kept turned back by the rotation that is to come. */
#define FINISH(X)                                      \
	abcd##X = _mm_add_epi32(abcd##X, save##X);     \
	e##X = _mm_sha1nexte_epu32(old##X, save_e##X); \
	old##X = _mm_or_si128(_mm_slli_epi32(e##X, 2), _mm_srli_epi32(e##X, 30))

static inline void
two_messages(const uint8_t *a, const uint8_t *b, uint8_t *digest_a, uint8_t *digest_b)
{
	const __m128i turn = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
	const __m128i start =
		_mm_set_epi32(0x67452301, (int)0xefcdab89, (int)0x98badcfe, 0x10325476);
	/* 0xc3d2e1f0, two bits to the left */
	const __m128i start_e = _mm_set_epi32(0x0f4b87c3, 0, 0, 0);
	__m128i save_eA = _mm_set_epi32((int)0xc3d2e1f0, 0, 0, 0), save_eB = save_eA;

	DECLARE(A, a);
	DECLARE(B, b);
	for (unsigned int block = 0; block < 2; block++) {
		__m128i saveA = abcdA, saveB = abcdB;

		LOAD(A);
		LOAD(B);
		BOTH(0, p0, p1, p2, p3);
		BOTH(0, p1, p2, p3, p0);
		BOTH(0, p2, p3, p0, p1);
		BOTH(0, p3, p0, p1, p2);
		BOTH(0, p0, p1, p2, p3);
		BOTH(1, p1, p2, p3, p0);
		BOTH(1, p2, p3, p0, p1);
		BOTH(1, p3, p0, p1, p2);
		BOTH(1, p0, p1, p2, p3);
		BOTH(1, p1, p2, p3, p0);
		BOTH(2, p2, p3, p0, p1);
		BOTH(2, p3, p0, p1, p2);
		BOTH(2, p0, p1, p2, p3);
		BOTH(2, p1, p2, p3, p0);
		BOTH(2, p2, p3, p0, p1);
		BOTH(3, p3, p0, p1, p2);
		BOTH(3, p0, p1, p2, p3);
		BOTH(3, p1, p2, p3, p0);
		BOTH(3, p2, p3, p0, p1);
		BOTH(3, p3, p0, p1, p2);
		FINISH(A);
		FINISH(B);
		save_eA = eA;
		save_eB = eB;
	}
	_mm_storeu_si128((__m128i *)digest_a, _mm_shuffle_epi8(abcdA, turn));
	_mm_storeu_si128((__m128i *)digest_b, _mm_shuffle_epi8(abcdB, turn));
}

void
sha1_keys_ni(const uint8_t (*messages)[SHA1_MESSAGE_LEN], unsigned int n,
	uint8_t (*digests)[SHA1_KEY_LEN])
{
	for (unsigned int k = 0; k < n; k += 2) {
		unsigned int other = k + 1 < n ? k + 1 : k; /* an odd one runs beside itself */

		two_messages(messages[k], messages[other], digests[k], digests[other]);
	}
}
#endif
