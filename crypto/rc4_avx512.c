/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RC4, sixteen streams in the lanes of AVX-512 registers: lane L of row n of the table is S[n] of
 * stream L, read with gathers and written with scatters.  Compiled for AVX-512 alone in crypto/;
 * rc4.c decides at run time whether it is used.
 *
 * Streams that go on have different i.  Their tables are turned on the way in, so that all lanes
 * are at row 0: row n is then S[n + i], and j and the index of the output are less by i.
 */
#include "crypto/rc4_kernel.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <string.h>

#define LANES 16
#define BLOCK 64 /* octets of keystream that a lane collects */

struct group {
	__m512i row[256];
	__m512i out[LANES];         /* four octets of keystream a lane, step by step */
	uint8_t turned[LANES][512]; /* tables on the way in and out, twice over */
	uint32_t key[RC4_KEY_LEN][LANES];
	uint8_t *data[LANES];
	uint32_t left[LANES];
	uint32_t start[LANES], end[LANES]; /* i */
	uint32_t j[LANES];                 /* less start[] */
	__mmask16 keyed, stateful;
};

static inline __m512i
gather(const struct group *g, __m512i index, __mmask16 lanes)
{
	const __m512i lane =
		_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

	return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), lanes,
		_mm512_or_si512(_mm512_slli_epi32(index, 4), lane), g->row, 4);
}

static inline void
scatter(struct group *g, __m512i index, __mmask16 lanes, __m512i value)
{
	const __m512i lane =
		_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

	_mm512_mask_i32scatter_epi32(
		g->row, lanes, _mm512_or_si512(_mm512_slli_epi32(index, 4), lane), value, 4);
}

static void
load(struct group *g, const struct rc4_stream *const *streams, unsigned int n)
{
	memset(g->left, 0, sizeof(g->left));
	memset(g->start, 0, sizeof(g->start));
	memset(g->j, 0, sizeof(g->j));
	memset(g->key, 0, sizeof(g->key));
	g->keyed = g->stateful = 0;
	for (unsigned int k = 0; k < n; k++) {
		const struct rc4_stream *s = streams[k];
		const uint8_t *table = s->key ? rc4_identity : s->state->s;

		g->data[k] = s->data;
		g->left[k] = s->len;
		g->keyed |= (__mmask16)((s->key != NULL) << k);
		g->stateful |= (__mmask16)((s->state != NULL) << k);
		memcpy(g->turned[k], table, 256);
		memcpy(g->turned[k] + 256, table, 256);
		if (s->key) {
			for (unsigned int m = 0; m < RC4_KEY_LEN; m++)
				g->key[m][k] = s->key[m];
		} else {
			g->start[k] = s->state->i;
			g->j[k] = (uint8_t)(s->state->j - s->state->i);
		}
	}
	memcpy(g->end, g->start, sizeof(g->end));
}

static inline __m512i
turned_at(const struct group *g)
{
	const __m512i at = _mm512_setr_epi32(0, 512, 1024, 1536, 2048, 2560, 3072, 3584, 4096, 4608,
		5120, 5632, 6144, 6656, 7168, 7680);

	return _mm512_add_epi32(at, _mm512_loadu_si512(g->start));
}

static void
tables_to_rows(struct group *g, __mmask16 lanes)
{
	const __m512i octet = _mm512_set1_epi32(0xff);
	__m512i at = turned_at(g);

	for (unsigned int n = 0; n < 256; n += 4) {
		__m512i four = _mm512_mask_i32gather_epi32(
			_mm512_setzero_si512(), lanes, at, g->turned, 1);

		g->row[n] = _mm512_and_si512(four, octet);
		g->row[n + 1] = _mm512_and_si512(_mm512_srli_epi32(four, 8), octet);
		g->row[n + 2] = _mm512_and_si512(_mm512_srli_epi32(four, 16), octet);
		g->row[n + 3] = _mm512_srli_epi32(four, 24);
		at = _mm512_add_epi32(at, _mm512_set1_epi32(4));
	}
}

static void
rows_to_states(struct group *g, const struct rc4_stream *const *streams, unsigned int lanes)
{
	__m512i at = turned_at(g);

	for (unsigned int n = 0; n < 256; n += 4) {
		__m512i low = _mm512_or_si512(g->row[n], _mm512_slli_epi32(g->row[n + 1], 8));
		__m512i high = _mm512_or_si512(
			_mm512_slli_epi32(g->row[n + 2], 16), _mm512_slli_epi32(g->row[n + 3], 24));

		_mm512_mask_i32scatter_epi32(
			g->turned, g->stateful, at, _mm512_or_si512(low, high), 1);
		at = _mm512_add_epi32(at, _mm512_set1_epi32(4));
	}
	for (unsigned int k = 0; k < lanes; k++) {
		struct rc4_state *st = streams[k]->state;
		uint32_t start = g->start[k];

		if (!st)
			continue;
		memcpy(st->s + start, g->turned[k] + start, 256 - start);
		memcpy(st->s, g->turned[k] + 256, start);
		st->i = (uint8_t)g->end[k];
		st->j = (uint8_t)(g->j[k] + start);
	}
}

/* Key schedules of the lanes that have a key; they start at i = 0, so no turn matters to them. */
static void
schedule(struct group *g)
{
	const __m512i octet = _mm512_set1_epi32(0xff);
	__m512i j = _mm512_setzero_si512();

	for (unsigned int n = 0; n < 256; n++) {
		__m512i a = g->row[n], b;

		j = _mm512_add_epi32(j, _mm512_loadu_si512(g->key[n % RC4_KEY_LEN]));
		j = _mm512_and_si512(_mm512_add_epi32(j, a), octet);
		b = gather(g, j, g->keyed);
		_mm512_mask_store_epi32(&g->row[n], g->keyed, b);
		scatter(g, j, g->keyed, a);
	}
}

/* Some steps, at most BLOCK, of some lanes from row `from` on; the keystream goes to out[]. */
static void
run(struct group *g, unsigned int from, unsigned int steps, __mmask16 lanes)
{
	const __m512i octet = _mm512_set1_epi32(0xff);
	__m512i start = _mm512_loadu_si512(g->start), j = _mm512_loadu_si512(g->j);

	for (unsigned int n = 0; n < steps; n += 4) {
		__m512i four = _mm512_setzero_si512();

		for (unsigned int k = 0; k < 4 && n + k < steps; k++) {
			__m512i *row = &g->row[(from + n + k + 1) & 0xff], a = *row, b, t;

			j = _mm512_mask_and_epi32(j, lanes, _mm512_add_epi32(j, a), octet);
			b = gather(g, j, lanes);
			_mm512_mask_store_epi32(row, lanes, b);
			scatter(g, j, lanes, a);
			t = _mm512_sub_epi32(_mm512_add_epi32(a, b), start);
			four = _mm512_or_si512(four,
				_mm512_sllv_epi32(gather(g, _mm512_and_si512(t, octet), lanes),
					_mm512_set1_epi32((int)(8 * k))));
		}
		g->out[n / 4] = four;
	}
	_mm512_storeu_si512(g->j, j);
}

/* out[k] was octets 4k to 4k + 3 of every lane, and becomes all octets of lane k. */
static void
transpose(__m512i out[LANES])
{
	__m512i t[LANES], u[LANES];

	for (unsigned int k = 0; k < LANES; k += 4) {
		t[k] = _mm512_unpacklo_epi32(out[k], out[k + 1]);
		t[k + 1] = _mm512_unpackhi_epi32(out[k], out[k + 1]);
		t[k + 2] = _mm512_unpacklo_epi32(out[k + 2], out[k + 3]);
		t[k + 3] = _mm512_unpackhi_epi32(out[k + 2], out[k + 3]);
		u[k] = _mm512_unpacklo_epi64(t[k], t[k + 2]);
		u[k + 1] = _mm512_unpackhi_epi64(t[k], t[k + 2]);
		u[k + 2] = _mm512_unpacklo_epi64(t[k + 1], t[k + 3]);
		u[k + 3] = _mm512_unpackhi_epi64(t[k + 1], t[k + 3]);
	}
	for (unsigned int k = 0; k < 4; k++) {
		__m512i a = _mm512_shuffle_i32x4(u[k], u[k + 4], 0x88);
		__m512i b = _mm512_shuffle_i32x4(u[k], u[k + 4], 0xdd);
		__m512i c = _mm512_shuffle_i32x4(u[k + 8], u[k + 12], 0x88);
		__m512i d = _mm512_shuffle_i32x4(u[k + 8], u[k + 12], 0xdd);

		out[k] = _mm512_shuffle_i32x4(a, c, 0x88);
		out[k + 4] = _mm512_shuffle_i32x4(b, d, 0x88);
		out[k + 8] = _mm512_shuffle_i32x4(a, c, 0xdd);
		out[k + 12] = _mm512_shuffle_i32x4(b, d, 0xdd);
	}
}

static __mmask16
lanes_left(const struct group *g)
{
	__m512i left = _mm512_loadu_si512(g->left);

	return _mm512_test_epi32_mask(left, left);
}

/* How far all can go: a lane whose state is needed must stop at its end, another may overrun. */
static unsigned int
steps_at_once(const struct group *g, __mmask16 lanes)
{
	__m512i left = _mm512_loadu_si512(g->left);
	unsigned int most = _mm512_mask_reduce_max_epu32(lanes, left);
	unsigned int least = _mm512_mask_reduce_min_epu32(lanes & g->stateful, left);

	if (least < most)
		most = least;
	return most < BLOCK ? most : BLOCK;
}

static void
crypt(const struct rc4_stream *const *streams, unsigned int n)
{
	unsigned int at = 0, steps;
	struct group g;
	__mmask16 lanes;

	load(&g, streams, n);
	tables_to_rows(&g, (__mmask16)((1u << n) - 1));
	if (g.keyed)
		schedule(&g);
	for (; (lanes = lanes_left(&g)) != 0; at += steps) {
		steps = steps_at_once(&g, lanes);
		run(&g, at, steps, lanes);
		transpose(g.out);
		for (unsigned int k = 0; k < n; k++) {
			unsigned int len = g.left[k] < steps ? g.left[k] : steps;
			__mmask64 octets = len == 0 ? 0 : ~0ull >> (BLOCK - len);
			__m512i data = _mm512_maskz_loadu_epi8(octets, g.data[k]);

			_mm512_mask_storeu_epi8(
				g.data[k], octets, _mm512_xor_si512(data, g.out[k]));
			g.data[k] += len;
			g.left[k] -= len;
			g.end[k] += len;
		}
	}
	if (g.stateful)
		rows_to_states(&g, streams, n);
	explicit_bzero(&g, sizeof(g));
}

static bool
supported(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

/* Loading tables and the sixteen lanes of every step cost the same for fewer streams. */
const struct rc4_kernel rc4_avx512 = {
	.name = "avx512", .lanes = LANES, .supported = supported, .crypt = crypt};
#endif
