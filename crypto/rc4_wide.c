/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RC4 on tables of words, widened before a packet and packed behind it: some processors forward a
 * word from a store to a load several times as fast as an octet.  A lone stream can also run with
 * OpenSSL's RC4(), whose table (RC4_KEY) is of words as well.
 */
#define OPENSSL_API_COMPAT 10101

#ifdef __x86_64__
#include <openssl/rc4.h>
#include <stddef.h>
#include <stdint.h>

/* As RC4_KEY. */
struct wide_table {
	uint32_t i, j;
	uint32_t s[256];
};
_Static_assert(sizeof(struct wide_table) == sizeof(RC4_KEY) &&
		       offsetof(struct wide_table, s) == offsetof(RC4_KEY, data) &&
		       offsetof(struct wide_table, j) == offsetof(RC4_KEY, y),
	"OpenSSL's table");

#define RC4_TABLE   struct wide_table
#define RC4_SCALE   ",4"
#define RC4_LOAD    "movl "
#define RC4_STORE_A "movl %%eax"
#define RC4_STORE_B "movl %%ecx"
#include "crypto/rc4_lanes.h"

static void
widen(uint32_t *to, const uint8_t *from)
{
	const __m128i zero = _mm_setzero_si128();
	__m128i *out = (__m128i *)to;

	for (unsigned int n = 0; n < 256; n += 16, out += 4) {
		__m128i octets = _mm_loadu_si128((const __m128i *)(from + n));
		__m128i low = _mm_unpacklo_epi8(octets, zero);
		__m128i high = _mm_unpackhi_epi8(octets, zero);

		_mm_storeu_si128(&out[0], _mm_unpacklo_epi16(low, zero));
		_mm_storeu_si128(&out[1], _mm_unpackhi_epi16(low, zero));
		_mm_storeu_si128(&out[2], _mm_unpacklo_epi16(high, zero));
		_mm_storeu_si128(&out[3], _mm_unpackhi_epi16(high, zero));
	}
}

static void
pack(uint8_t *to, const uint32_t *from)
{
	const __m128i *in = (const __m128i *)from;

	for (unsigned int n = 0; n < 256; n += 16, in += 4) {
		__m128i low = _mm_packs_epi32(_mm_loadu_si128(&in[0]), _mm_loadu_si128(&in[1]));
		__m128i high = _mm_packs_epi32(_mm_loadu_si128(&in[2]), _mm_loadu_si128(&in[3]));

		_mm_storeu_si128((__m128i *)(to + n), _mm_packus_epi16(low, high));
	}
}

/* Faster than a call for so little, and as sure. */
static inline void
wipe(uint32_t *table)
{
	__m128i *p = (__m128i *)table;

	for (unsigned int n = 0; n < 256 / 4; n++)
		_mm_storeu_si128(p + n, _mm_setzero_si128());
	__asm__ volatile("" : : "r"(table) : "memory");
}

/* Lane k takes stream s; its key schedule, if it has one, is still to come. */
static void
load(struct lanes *l, unsigned int k, const struct rc4_stream *s)
{
	struct wide_table *t = &l->own[k];

	l->data[k] = s->data;
	l->left[k] = s->len;
	l->st[k] = t;
	widen(t->s, s->key ? rc4_identity : s->state->s);
	t->i = s->key ? 0 : s->state->i;
	t->j = s->key ? 0 : s->state->j;
	if (s->key)
		memcpy(l->key[k], s->key, sizeof(l->key[k]));
}

static void
unload(struct wide_table *t, const struct rc4_stream *s)
{
	if (s->state) {
		pack(s->state->s, t->s);
		s->state->i = (uint8_t)t->i;
		s->state->j = (uint8_t)t->j;
	}
	wipe(t->s);
}

static void
crypt(const struct rc4_stream *const *streams, unsigned int n)
{
	unsigned int keyed = 0;
	struct lanes l;

	for (unsigned int k = 0; k < n; k++) {
		load(&l, k, streams[k]);
		keyed += streams[k]->key != NULL;
	}
	schedule_lanes(&l, keyed);
	run_lanes(&l, n);
	for (unsigned int k = 0; k < n; k++)
		unload(&l.own[k], streams[k]);
	if (keyed > 0)
		explicit_bzero(l.key, keyed * sizeof(l.key[0]));
}

static bool
supported(void)
{
	return __builtin_cpu_supports("sse4.1");
}

const struct rc4_kernel rc4_wide = {
	.name = "wide", .lanes = LANES, .supported = supported, .crypt = crypt};

/* The key schedule is ours: OpenSSL's may choose a table of octets.  RC4() tells that by an entry
 * that no table of words has. */
static void
crypt_openssl(const struct rc4_stream *const *streams, unsigned int n)
{
	const struct rc4_stream *s = streams[0];
	struct lanes l;

	(void)n;
	load(&l, 0, s);
	if (s->key) {
		schedule_1(&l);
		explicit_bzero(l.key[0], sizeof(l.key[0]));
	}
	RC4((RC4_KEY *)(void *)&l.own[0], s->len, s->data, s->data);
	unload(&l.own[0], s);
}

const struct rc4_kernel rc4_openssl = {
	.name = "openssl", .lanes = 1, .supported = supported, .crypt = crypt_openssl};
#endif
