/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RC4, four new streams of about one length in step.  Their tables lie side by side, row n holding
 * S[n] of all four, and i is the same for all: the four writes of S[i] go to one cache line and
 * leave the store queue together, where those to tables of their own take a cycle each.  The keys
 * lie in the same way: one load for the four octets of a step.
 */
#include "crypto/rc4_kernel.h"

#ifdef __x86_64__
#include <emmintrin.h>
#include <string.h>

#define GROUP 16   /* octets of keystream collected in a vector register */
#define FEW   8    /* as many octets, or fewer, go one by one */
#define WRAP  1024 /* octets of all rows */

struct rows {
	uint8_t row[256][RC4_ROWS];
	uint8_t key[RC4_KEY_LEN][RC4_ROWS]; /* WRAP octets from the first row */
	__m128i last[RC4_ROWS];             /* keystream of the last group */
} __attribute__((aligned(64)));

/* Templates, not statements: clang-format can't read them. */
/* clang-format off */

/* Stream L has j in a register of its own, a in A_L, b in B_L; its S[i] is `at` octets from [p]. */
#define A_0  "%%eax"
#define A_1  "%%ebx"
#define A_2  "%%ecx"
#define A_3  "%%edx"
#define AL_0 "%%al"
#define AL_1 "%%bl"
#define AL_2 "%%cl"
#define AL_3 "%%dl"
#define AX_0 "%%rax"
#define AX_1 "%%rbx"
#define AX_2 "%%rcx"
#define AX_3 "%%rdx"
#define B_0  "%%r8"
#define B_1  "%%r9"
#define B_2  "%%r10"
#define B_3  "%%r11"

#define ADD_KEYS(n)    "movl 1024+4*" #n "(%[t]), %%r11d\n\t"            \
		       "addb %%r11b, %b[j0]\n\tshrl $8, %%r11d\n\t"    \
		       "addb %%r11b, %b[j1]\n\tshrl $8, %%r11d\n\t"    \
		       "addb %%r11b, %b[j2]\n\tshrl $8, %%r11d\n\t"    \
		       "addb %%r11b, %b[j3]\n\t"
#define LOAD_I(L, at)  "movzbl " at "+" #L "(%[p]), " A_##L "\n\t"
#define LOAD_J(L)      "addb " AL_##L ", %b[j" #L "]\n\t"                \
		       "movzbl " #L "(%[t],%[j" #L "],4), " B_##L "d\n\t"
#define STORE_I(L, at) "movb " B_##L "b, " at "+" #L "(%[p])\n\t"
#define STORE_J(L)     "movb " AL_##L ", " #L "(%[t],%[j" #L "],4)\n\t"
#define OUT(L, n)      "addb " B_##L "b, " AL_##L "\n\t"                 \
		       "pinsrb $" #n ", " #L "(%[t]," AX_##L ",4), %[x" #L "]\n\t"
#define OUT_A(L)       "addb " B_##L "b, " AL_##L "\n\t"                 \
		       "movzbl " #L "(%[t]," AX_##L ",4), " A_##L "\n\t"

#define ALL(M, ...)  M(0, ##__VA_ARGS__) M(1, ##__VA_ARGS__) M(2, ##__VA_ARGS__) M(3, ##__VA_ARGS__)
#define SWAP(at)     ALL(LOAD_I, at) ALL(LOAD_J) ALL(STORE_I, at) ALL(STORE_J)
#define MIX(n)       ADD_KEYS(n) SWAP("4*" #n)
#define STEP(n)      SWAP("4*" #n) ALL(OUT, n)
#define ONE_STEP     SWAP("0") ALL(OUT_A)
#define STEPS_15     STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)     \
		     STEP(8) STEP(9) STEP(10) STEP(11) STEP(12) STEP(13) STEP(14)
/* The last group before i wraps ends at row 0. */
#define LAST_STEP    SWAP("4*15-1024") ALL(OUT, 15)

/* clang-format on */

static void
schedule(struct rows *r)
{
	uintptr_t j0 = 0, j1 = 0, j2 = 0, j3 = 0;
	uint8_t *const t = r->row[0];

	for (uint8_t *p = t; p < t + WRAP; p += GROUP * RC4_ROWS)
		__asm__ volatile(
			MIX(0) MIX(1) MIX(2) MIX(3) MIX(4) MIX(5) MIX(6) MIX(7) MIX(8) MIX(9)
				MIX(10) MIX(11) MIX(12) MIX(13) MIX(14) MIX(15)
			: [j0] "+r"(j0), [j1] "+r"(j1), [j2] "+r"(j2), [j3] "+r"(j3)
			: [p] "r"(p), [t] "r"(t)
			: "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "cc", "memory");
}

static inline void
xor_16(uint8_t *data, __m128i keystream)
{
	__m128i *p = (__m128i *)data;

	_mm_storeu_si128(p, _mm_xor_si128(keystream, _mm_loadu_si128(p)));
}

static uint32_t
least_length(const struct rc4_stream *const *s)
{
	uint32_t len = s[0]->len;

	for (unsigned int k = 1; k < RC4_ROWS; k++)
		if (s[k]->len < len)
			len = s[k]->len;
	return len;
}

#define GROUP_OF(...)                                                                  \
	__asm__ volatile(__VA_ARGS__                                                   \
			 : [j0] "+r"(j0), [j1] "+r"(j1), [j2] "+r"(j2), [j3] "+r"(j3), \
			 [x0] "+x"(x0), [x1] "+x"(x1), [x2] "+x"(x2), [x3] "+x"(x3)    \
			 : [p] "r"(p), [t] "r"(t)                                      \
			 : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "cc", "memory")

/* One octet of each stream, at p; not at the wrap. */
static inline void
one_step(uint8_t *t, const uint8_t *p, uintptr_t j[RC4_ROWS], uint32_t out[RC4_ROWS])
{
	__asm__ volatile(ONE_STEP
			 : [j0] "+r"(j[0]), [j1] "+r"(j[1]), [j2] "+r"(j[2]), [j3] "+r"(j[3]),
			 "=&a"(out[0]), "=&b"(out[1]), "=&c"(out[2]), "=&d"(out[3])
			 : [p] "r"(p), [t] "r"(t)
			 : "r8", "r9", "r10", "r11", "cc", "memory");
}

/* The last octets, if they are few. */
static void
last_steps(uint8_t *t, const uint8_t *p, uintptr_t j[RC4_ROWS], const struct rc4_stream *const *s,
	uint32_t at)
{
	for (; at < s[0]->len; at++, p += RC4_ROWS) {
		uint32_t out[RC4_ROWS];

		one_step(t, p, j, out);
		for (unsigned int k = 0; k < RC4_ROWS; k++)
			if (at < s[k]->len)
				s[k]->data[at] ^= (uint8_t)out[k];
	}
}

/* The group at which the streams end. */
static void
xor_last(const struct rows *r, const struct rc4_stream *const *s, uint32_t at)
{
	for (unsigned int k = 0; k < RC4_ROWS; k++) {
		const uint8_t *keystream = (const uint8_t *)&r->last[k];

		for (uint32_t n = at; n < s[k]->len; n++)
			s[k]->data[n] ^= keystream[n - at];
	}
}

static void
crypt(struct rows *r, const struct rc4_stream *const *s)
{
	uint8_t *const d0 = s[0]->data, *const d1 = s[1]->data, *const d2 = s[2]->data;
	uint8_t *const d3 = s[3]->data, *const t = r->row[0], *p = r->row[1];
	uintptr_t j0 = 0, j1 = 0, j2 = 0, j3 = 0;
	const uint32_t len = s[0]->len, whole = least_length(s) / GROUP * GROUP;

	for (uint32_t at = 0; at < len; at += GROUP) {
		if (len - at <= FEW) { /* the wrap is at the end of a group: far enough away */
			last_steps(t, p, (uintptr_t[RC4_ROWS]){j0, j1, j2, j3}, s, at);
			return;
		}
		__m128i x0 = _mm_setzero_si128(), x1 = x0, x2 = x0, x3 = x0;

		if (p != r->row[241]) {
			GROUP_OF(STEPS_15 STEP(15));
			p += GROUP * RC4_ROWS;
		} else {
			GROUP_OF(STEPS_15 LAST_STEP);
			p = r->row[1];
		}
		if (at < whole) {
			xor_16(d0 + at, x0);
			xor_16(d1 + at, x1);
			xor_16(d2 + at, x2);
			xor_16(d3 + at, x3);
			continue;
		}
		r->last[0] = x0;
		r->last[1] = x1;
		r->last[2] = x2;
		r->last[3] = x3;
		xor_last(r, s, at);
	}
}

bool
rc4_rows_fit(const struct rc4_stream *const *streams)
{
	uint32_t groups = (streams[0]->len + GROUP - 1) / GROUP;

	for (unsigned int k = 0; k < RC4_ROWS; k++)
		if (!streams[k]->key || streams[k]->state ||
			(streams[k]->len + GROUP - 1) / GROUP != groups)
			return false;
	return true;
}

static void
put_keys(struct rows *r, const struct rc4_stream *const *s)
{
	__m128i k0 = _mm_loadu_si128((const __m128i *)s[0]->key);
	__m128i k1 = _mm_loadu_si128((const __m128i *)s[1]->key);
	__m128i k2 = _mm_loadu_si128((const __m128i *)s[2]->key);
	__m128i k3 = _mm_loadu_si128((const __m128i *)s[3]->key);
	__m128i *rows = (__m128i *)r->key[0];
	__m128i low01 = _mm_unpacklo_epi8(k0, k1), low23 = _mm_unpacklo_epi8(k2, k3);
	__m128i high01 = _mm_unpackhi_epi8(k0, k1), high23 = _mm_unpackhi_epi8(k2, k3);

	_mm_store_si128(&rows[0], _mm_unpacklo_epi16(low01, low23));
	_mm_store_si128(&rows[1], _mm_unpackhi_epi16(low01, low23));
	_mm_store_si128(&rows[2], _mm_unpacklo_epi16(high01, high23));
	_mm_store_si128(&rows[3], _mm_unpackhi_epi16(high01, high23));
}

void
rc4_rows_crypt(const struct rc4_stream *const *streams)
{
	struct rows r;
	__m128i n = _mm_set_epi32(0x03030303, 0x02020202, 0x01010101, 0);

	put_keys(&r, streams);
	for (unsigned int row = 0; row < 256; row += 4) {
		_mm_store_si128((__m128i *)r.row[row], n);
		n = _mm_add_epi8(n, _mm_set1_epi8(4));
	}
	schedule(&r);
	crypt(&r, streams);
	explicit_bzero(&r, sizeof(r));
}
#endif
