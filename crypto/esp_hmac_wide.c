/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MD5 (RFC 1321), SHA-1 and SHA-256 (FIPS 180-4) in 16 lanes, or 32, a word of a state or a message a
 * register, and HMAC (RFC 2104) of them from the states after the key's blocks.  Time depends on
 * lengths alone.  The caller wipes the stack: states are as secret as keys.
 */
#include "crypto/esp_hmac_wide.h"

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define GROUPS 2 /* of lanes, side by side: one waits for its own results most of the time */
#define WIDTH  16
#define LANES  (GROUPS * WIDTH)
#define BLOCK  64
#define INLINE static inline __attribute__((always_inline))

/* a ? b : c; a ^ b ^ c; the majority; b ^ (a | ~c) */
#define CHOOSE(a, b, c) _mm512_ternarylogic_epi32(a, b, c, 0xca)
#define XOR3(a, b, c)   _mm512_ternarylogic_epi32(a, b, c, 0x96)
#define MAJOR(a, b, c)  _mm512_ternarylogic_epi32(a, b, c, 0xe8)
#define ADD(a, b)       _mm512_add_epi32(a, b)
#define ALL(x)          _mm512_set1_epi32((int)(x))
#define EACH(...)                                                         \
	_Pragma("GCC unroll 2") for (unsigned int g = 0; g < groups; g++) \
	{                                                                 \
		__VA_ARGS__;                                              \
	}

bool
esp_hmac_wide_supported(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

/* --- Compressions: s += what w does to s ----------------------------------------------------- */

INLINE void
md5(__m512i s[][8], __m512i w[][16], unsigned int groups)
{
	static const uint32_t k[64] = {0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf,
		0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
		0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51,
		0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6,
		0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942,
		0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
		0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8,
		0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
		0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82,
		0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
	static const uint8_t left[4][4] = {
		{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
	static const uint8_t step[4] = {1, 5, 3, 7}, start[4] = {0, 1, 5, 0};
	__m512i a[GROUPS], b[GROUPS], c[GROUPS], d[GROUPS];

	EACH(a[g] = s[g][0], b[g] = s[g][1], c[g] = s[g][2], d[g] = s[g][3]);
#pragma GCC unroll 64
	for (unsigned int t = 0; t < 64; t++) {
		const unsigned int q = t / 16, from = (step[q] * t + start[q]) % 16;

#pragma GCC unroll 2
		for (unsigned int g = 0; g < groups; g++) {
			const __m512i f =
				q == 0   ? CHOOSE(b[g], c[g], d[g])
				: q == 1 ? CHOOSE(d[g], b[g], c[g])
				: q == 2 ? XOR3(b[g], c[g], d[g])
					 : _mm512_ternarylogic_epi32(b[g], c[g], d[g], 0x39);
			const __m512i x = ADD(ADD(a[g], ADD(w[g][from], ALL(k[t]))), f);

			a[g] = d[g];
			d[g] = c[g];
			c[g] = b[g];
			b[g] = ADD(b[g], _mm512_rolv_epi32(x, ALL(left[q][t % 4])));
		}
	}
	EACH(s[g][0] = a[g], s[g][1] = b[g], s[g][2] = c[g], s[g][3] = d[g]);
}

INLINE void
sha1(__m512i s[][8], __m512i w[][16], unsigned int groups)
{
	static const uint32_t k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
	__m512i a[GROUPS], b[GROUPS], c[GROUPS], d[GROUPS], e[GROUPS];

	EACH(a[g] = s[g][0], b[g] = s[g][1], c[g] = s[g][2], d[g] = s[g][3], e[g] = s[g][4]);
#pragma GCC unroll 80
	for (unsigned int t = 0; t < 80; t++) {
		const unsigned int q = t / 20;

#pragma GCC unroll 2
		for (unsigned int g = 0; g < groups; g++) {
			const __m512i f = q == 0   ? CHOOSE(b[g], c[g], d[g])
					  : q == 2 ? MAJOR(b[g], c[g], d[g])
						   : XOR3(b[g], c[g], d[g]);
			__m512i *const word = &w[g][t % 16], x;

			if (t >= 16)
				*word = _mm512_rol_epi32(
					_mm512_xor_si512(
						*word, XOR3(w[g][(t - 3) % 16], w[g][(t - 8) % 16],
							       w[g][(t - 14) % 16])),
					1);
			x = ADD(ADD(e[g], ADD(*word, ALL(k[q]))), f);
			x = ADD(x, _mm512_rol_epi32(a[g], 5));
			e[g] = d[g];
			d[g] = c[g];
			c[g] = _mm512_rol_epi32(b[g], 30);
			b[g] = a[g];
			a[g] = x;
		}
	}
	EACH(s[g][0] = a[g], s[g][1] = b[g], s[g][2] = c[g], s[g][3] = d[g], s[g][4] = e[g]);
}

/* The sixteen words after these. */
INLINE void
sha256_schedule(__m512i w[][16], unsigned int groups)
{
#pragma GCC unroll 16
	for (unsigned int t = 0; t < 16; t++) {
#pragma GCC unroll 2
		for (unsigned int g = 0; g < groups; g++) {
			const __m512i x = w[g][(t + 1) % 16], y = w[g][(t + 14) % 16];
			const __m512i to_x = XOR3(_mm512_ror_epi32(x, 7), _mm512_ror_epi32(x, 18),
				_mm512_srli_epi32(x, 3));
			const __m512i to_y = XOR3(_mm512_ror_epi32(y, 17), _mm512_ror_epi32(y, 19),
				_mm512_srli_epi32(y, 10));

			w[g][t] = ADD(ADD(w[g][t], to_x), ADD(w[g][(t + 9) % 16], to_y));
		}
	}
}

INLINE void
sha256(__m512i s[][8], __m512i words[][16], unsigned int groups)
{
	static const uint32_t k[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
		0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
		0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6,
		0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d,
		0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
		0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
		0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585,
		0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
		0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa,
		0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
	__m512i r[GROUPS][8], w[GROUPS][16]; /* what nobody else can see is kept in registers */

#pragma GCC unroll 16
	for (unsigned int i = 0; i < 16; i++)
		EACH(w[g][i] = words[g][i]);

#pragma GCC unroll 8
	for (unsigned int i = 0; i < 8; i++)
		EACH(r[g][i] = s[g][i]);
	for (unsigned int q = 0; q < 64; q += 16) { /* no longer: it is to stay in the cache */
		if (q > 0)
			sha256_schedule(w, groups);
#pragma GCC unroll 16
		for (unsigned int t = 0; t < 16; t++) {
/* The registers change their parts: a to h of this round. */
#define R(i) r[g][((i)-t) % 8]
#pragma GCC unroll 2
			for (unsigned int g = 0; g < groups; g++) {
				__m512i x = ADD(ADD(R(7), ADD(w[g][t], ALL(k[q + t]))),
					CHOOSE(R(4), R(5), R(6)));
				const __m512i y = ADD(MAJOR(R(0), R(1), R(2)),
					XOR3(_mm512_ror_epi32(R(0), 2), _mm512_ror_epi32(R(0), 13),
						_mm512_ror_epi32(R(0), 22)));

				x = ADD(x,
					XOR3(_mm512_ror_epi32(R(4), 6), _mm512_ror_epi32(R(4), 11),
						_mm512_ror_epi32(R(4), 25)));
				R(3) = ADD(R(3), x);
				R(7) = ADD(x, y);
			}
#undef R
		}
	}
#pragma GCC unroll 8
	for (unsigned int i = 0; i < 8; i++)
		EACH(s[g][i] = r[g][i]);
}

/* --- Lanes ----------------------------------------------------------------------------------- */

INLINE __m512i
swap_octets(__m512i x)
{
	return _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(_mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4,
					      11, 10, 9, 8, 15, 14, 13, 12)));
}

/* Word i of register k to word k of register i. */
INLINE void
transpose(__m512i r[16])
{
	__m512i t[16];

#pragma GCC unroll 8
	for (unsigned int i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
	}
#pragma GCC unroll 4
	for (unsigned int i = 0; i < 16; i += 4) {
		r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
#pragma GCC unroll 4
	for (unsigned int i = 0; i < 4; i++) {
		t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
		t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
		t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
		t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
	}
#pragma GCC unroll 4
	for (unsigned int i = 0; i < 4; i++) {
		r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
		r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
		r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
		r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
	}
}

INLINE void
compress(__m512i s[][8], __m512i w[][16], unsigned int groups, IMB_HASH_ALG alg, uint32_t active)
{
	const unsigned int words = alg == IMB_AUTH_MD5 ? 4 : alg == IMB_AUTH_HMAC_SHA_1 ? 5 : 8;
	__m512i to[GROUPS][8];

#pragma GCC unroll 8
	for (unsigned int i = 0; i < words; i++)
		EACH(to[g][i] = s[g][i]);
	if (alg == IMB_AUTH_MD5)
		md5(to, w, groups);
	else if (alg == IMB_AUTH_HMAC_SHA_1)
		sha1(to, w, groups);
	else
		sha256(to, w, groups);
#pragma GCC unroll 8
	for (unsigned int i = 0; i < words; i++)
		EACH(s[g][i] = _mm512_mask_add_epi32(
			     s[g][i], (__mmask16)(active >> WIDTH * g), s[g][i], to[g][i]));
}

/* One copy of each, as short as the caches of instructions like it. */
#define COMPRESS(name, groups, alg)                               \
	static __attribute__((noinline)) void name(               \
		__m512i s[][8], __m512i w[][16], uint32_t active) \
	{                                                         \
		compress(s, w, groups, alg, active);              \
	}
COMPRESS(md5_1, 1, IMB_AUTH_MD5)
COMPRESS(md5_2, 2, IMB_AUTH_MD5)
COMPRESS(sha1_1, 1, IMB_AUTH_HMAC_SHA_1)
COMPRESS(sha1_2, 2, IMB_AUTH_HMAC_SHA_1)
COMPRESS(sha256_1, 1, IMB_AUTH_HMAC_SHA_256)
COMPRESS(sha256_2, 2, IMB_AUTH_HMAC_SHA_256)

INLINE void
add_blocks(__m512i s[][8], __m512i w[][16], unsigned int groups, IMB_HASH_ALG alg, uint32_t active)
{
	if (alg == IMB_AUTH_MD5)
		(groups == 1 ? md5_1 : md5_2)(s, w, active);
	else if (alg == IMB_AUTH_HMAC_SHA_1)
		(groups == 1 ? sha1_1 : sha1_2)(s, w, active);
	else
		(groups == 1 ? sha256_1 : sha256_2)(s, w, active);
}

/* A message, and how it ends: the octets behind its last whole block, padded. */
struct lane {
	const uint8_t *data;
	uint32_t whole, blocks;
	_Alignas(64) uint8_t tail[2 * BLOCK];
};

INLINE void
set_lane(struct lane *l, const IMB_JOB *job, bool big_endian)
{
	const uint64_t len = job->msg_len_to_hash_in_bytes, bits = (BLOCK + len) * 8;
	const unsigned int rest = len % BLOCK, end = rest < BLOCK - 8 ? BLOCK - 8 : 2 * BLOCK - 8;
	const uint64_t at_end = big_endian ? __builtin_bswap64(bits) : bits;
	__m512i t;

	l->data = job->src;
	l->whole = (uint32_t)(len / BLOCK);
	l->blocks = l->whole + (end + 8) / BLOCK;
	t = _mm512_maskz_loadu_epi8((UINT64_C(1) << rest) - 1, l->data + len - rest);
	t = _mm512_mask_mov_epi8(t, UINT64_C(1) << rest, _mm512_set1_epi8((char)0x80));
	_mm512_store_si512(l->tail, t);
	_mm512_store_si512(l->tail + BLOCK, _mm512_setzero_si512());
	memcpy(l->tail + end, &at_end, 8);
}

/* States of the lanes, each of 32 octets' room, to registers. */
INLINE void
load_states(__m512i s[][8], const void *const states[LANES], unsigned int groups)
{
#pragma GCC unroll 2
	for (unsigned int g = 0; g < groups; g++) {
		__m512i r[16];

#pragma GCC unroll 16
		for (unsigned int i = 0; i < WIDTH; i++)
			r[i] = _mm512_castsi256_si512(_mm256_loadu_si256(states[WIDTH * g + i]));
		transpose(r);
#pragma GCC unroll 8
		for (unsigned int i = 0; i < 8; i++)
			s[g][i] = r[i];
	}
}

INLINE void
load_blocks(__m512i w[][16], const uint8_t *const at[LANES], unsigned int groups, bool big_endian)
{
#pragma GCC unroll 2
	for (unsigned int g = 0; g < groups; g++) {
#pragma GCC unroll 16
		for (unsigned int i = 0; i < WIDTH; i++)
			w[g][i] = _mm512_loadu_si512(at[WIDTH * g + i]);
		transpose(w[g]);
#pragma GCC unroll 16
		for (unsigned int i = 0; i < WIDTH; i++)
			w[g][i] = big_endian ? swap_octets(w[g][i]) : w[g][i];
	}
}

/* The key's outer half, of what the inner one came to: to the tags. */
INLINE void
finish(__m512i s[][8], const void *const outer[LANES], unsigned int groups, const IMB_JOB *jobs,
	unsigned int n, IMB_HASH_ALG alg)
{
	const bool big_endian = alg != IMB_AUTH_MD5;
	const unsigned int words = alg == IMB_AUTH_MD5 ? 4 : alg == IMB_AUTH_HMAC_SHA_1 ? 5 : 8;
	__m512i w[GROUPS][16];

#pragma GCC unroll 16
	for (unsigned int i = 0; i < 16; i++)
		EACH(w[g][i] = i < words ? s[g][i % 8] : _mm512_setzero_si512());
	EACH(w[g][words] = ALL(big_endian ? 0x80000000 : 0x80),
		w[g][big_endian ? 15 : 14] = ALL((BLOCK + 4 * words) * 8));
	load_states(s, outer, groups);
	add_blocks(s, w, groups, alg, UINT32_MAX);
#pragma GCC unroll 2
	for (unsigned int g = 0; g < groups; g++) {
#pragma GCC unroll 16
		for (unsigned int i = 0; i < 16; i++)
			w[g][i] = i >= 4       ? _mm512_setzero_si512()
				  : big_endian ? swap_octets(s[g][i % 8])
					       : s[g][i % 8];
		transpose(w[g]);
#pragma GCC unroll 16
		for (unsigned int i = 0; i < WIDTH; i++) {
			if (WIDTH * g + i < n)
				_mm_storeu_si128((void *)jobs[WIDTH * g + i].auth_tag_output,
					_mm512_castsi512_si128(w[g][i]));
		}
	}
}

/* 1 to WIDTH * groups jobs. */
INLINE void
hmac(const IMB_JOB *jobs, unsigned int n, unsigned int groups, IMB_HASH_ALG alg)
{
	const bool big_endian = alg != IMB_AUTH_MD5;
	const void *inner[LANES], *outer[LANES];
	const uint8_t *at[LANES];
	struct lane lanes[LANES];
	uint32_t least = UINT32_MAX, most = 0;
	__m512i s[GROUPS][8], w[GROUPS][16];

	for (unsigned int i = 0; i < WIDTH * groups; i++) {
		const IMB_JOB *job = &jobs[i < n ? i : 0];

		inner[i] = job->u.HMAC._hashed_auth_key_xor_ipad;
		outer[i] = job->u.HMAC._hashed_auth_key_xor_opad;
		at[i] = job->src;
		if (i >= n)
			continue; /* as the first */
		set_lane(&lanes[i], job, big_endian);
		if (lanes[i].whole < least)
			least = lanes[i].whole;
		if (lanes[i].blocks > most)
			most = lanes[i].blocks;
	}
	load_states(s, inner, groups);
	for (uint32_t block = 0; block < least; block++) { /* whole ones in all lanes */
		load_blocks(w, at, groups, big_endian);
		add_blocks(s, w, groups, alg, UINT32_MAX);
		for (unsigned int i = 0; i < WIDTH * groups; i++)
			at[i] += BLOCK;
	}
	for (uint32_t block = least; block < most; block++) {
		uint32_t active = 0;

		for (unsigned int i = 0; i < WIDTH * groups; i++) {
			const struct lane *l = &lanes[i < n ? i : 0];

			at[i] = block < l->whole ? l->data + (size_t)block * BLOCK
						 : l->tail + (block > l->whole) * BLOCK;
			active |= (uint32_t)(block < l->blocks) << i;
		}
		load_blocks(w, at, groups, big_endian);
		add_blocks(s, w, groups, alg, active);
	}
	finish(s, outer, groups, jobs, n, alg);
}

/* Not inlined, each with registers for one hash. */
static __attribute__((noinline)) void
hmac_md5(const IMB_JOB *jobs, unsigned int n)
{
	n > WIDTH ? hmac(jobs, n, 2, IMB_AUTH_MD5) : hmac(jobs, n, 1, IMB_AUTH_MD5);
}

static __attribute__((noinline)) void
hmac_sha1(const IMB_JOB *jobs, unsigned int n)
{
	n > WIDTH ? hmac(jobs, n, 2, IMB_AUTH_HMAC_SHA_1) : hmac(jobs, n, 1, IMB_AUTH_HMAC_SHA_1);
}

static __attribute__((noinline)) void
hmac_sha256(const IMB_JOB *jobs, unsigned int n)
{
	n > WIDTH ? hmac(jobs, n, 2, IMB_AUTH_HMAC_SHA_256)
		  : hmac(jobs, n, 1, IMB_AUTH_HMAC_SHA_256);
}

void
esp_hmac_wide(const IMB_JOB *jobs, unsigned int n, IMB_HASH_ALG alg)
{
	for (unsigned int i = 0; i < n; i += LANES) {
		const unsigned int some = n - i < LANES ? n - i : LANES;

		if (alg == IMB_AUTH_MD5)
			hmac_md5(jobs + i, some);
		else if (alg == IMB_AUTH_HMAC_SHA_1)
			hmac_sha1(jobs + i, some);
		else
			hmac_sha256(jobs + i, some);
	}
}
