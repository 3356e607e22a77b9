/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RC4, one to four streams beside each other in general registers, in place on their tables.
 *
 * A step costs three loads, two stores and a few additions; compilers turn the same in C into twice
 * as many operations (zero extensions and partial registers), hence the assembler.  Several streams
 * are limited by the two stores of each octet, one alone by the way from j to the next j.
 */
#include "crypto/rc4_kernel.h"

#ifdef __x86_64__
#include <emmintrin.h>
#include <string.h>

#define LANES 4
#define GROUP 16 /* octets of keystream collected in a vector register */

struct lanes {
	struct rc4_state *st[LANES];
	uint8_t *data[LANES];
	size_t left[LANES];
	uint8_t key[LANES][RC4_KEY_LEN];
	struct rc4_state own[LANES]; /* of streams whose state nobody needs */
};

/* Templates, not statements: clang-format can't read them. */
/* clang-format off */

/* a = S[++i]; j += a; b = S[j]; S[i] = b; S[j] = a; eax = a + b, where the keystream's octet is. */
#define STEP(L)                                         \
	"incb %b[i" #L "]\n\t"                          \
	"movzbl (%[s" #L "],%[i" #L "]), %%eax\n\t"     \
	"addb %%al, %b[j" #L "]\n\t"                    \
	"movzbl (%[s" #L "],%[j" #L "]), %%ecx\n\t"     \
	"movb %%cl, (%[s" #L "],%[i" #L "])\n\t"        \
	"movb %%al, (%[s" #L "],%[j" #L "])\n\t"        \
	"addb %%cl, %%al\n\t"
/* The octet goes to place n of the lane's vector, to place L of one vector, to an integer's top. */
#define INSERT(L, n) STEP(L) "pinsrb $" #n ", (%[s" #L "],%%rax), %[x" #L "]\n\t"
#define GATHER(L)    STEP(L) "pinsrb $" #L ", (%[s" #L "],%%rax), %[out]\n\t"
#define ROTATE(n)    STEP(0) "movb (%[s0],%%rax), %b[out]\n\trorq $8, %[out]\n\t"

/* One octet of a key schedule, but for i: j += S[i] + key[n]; swap. */
#define MIX(L, n)                                               \
	"movzbl (%[s" #L "],%[i]), %%eax\n\t"                   \
	"addb " #n "+16*" #L "(%[key]), %b[j" #L "]\n\t"        \
	"addb %%al, %b[j" #L "]\n\t"                            \
	"movzbl (%[s" #L "],%[j" #L "]), %%ecx\n\t"             \
	"movb %%cl, (%[s" #L "],%[i])\n\t"                      \
	"movb %%al, (%[s" #L "],%[j" #L "])\n\t"

#define EACH_1(M, ...) M(0, ##__VA_ARGS__)
#define EACH_2(M, ...) EACH_1(M, ##__VA_ARGS__) M(1, ##__VA_ARGS__)
#define EACH_3(M, ...) EACH_2(M, ##__VA_ARGS__) M(2, ##__VA_ARGS__)
#define EACH_4(M, ...) EACH_3(M, ##__VA_ARGS__) M(3, ##__VA_ARGS__)
#define TIMES_16(M, N)                                                  \
	M(N, 0) M(N, 1) M(N, 2) M(N, 3) M(N, 4) M(N, 5) M(N, 6) M(N, 7) \
	M(N, 8) M(N, 9) M(N, 10) M(N, 11) M(N, 12) M(N, 13) M(N, 14) M(N, 15)
#define INSERT_ALL(N, n) EACH_##N(INSERT, n)
#define MIX_ALL(N, n)    EACH_##N(MIX, n) "incb %b[i]\n\t"

/* Operands.  Four lanes take 12 general registers, and rax and rcx: all that there are. */
#define TABLES_1  [s0] "r"(s0)
#define TABLES_2  TABLES_1, [s1] "r"(s1)
#define TABLES_3  TABLES_2, [s2] "r"(s2)
#define TABLES_4  TABLES_3, [s3] "r"(s3)
#define INDEXES_1 [i0] "+r"(i0), [j0] "+r"(j0)
#define INDEXES_2 INDEXES_1, [i1] "+r"(i1), [j1] "+r"(j1)
#define INDEXES_3 INDEXES_2, [i2] "+r"(i2), [j2] "+r"(j2)
#define INDEXES_4 INDEXES_3, [i3] "+r"(i3), [j3] "+r"(j3)
#define VECTORS_2 [x0] "+x"(x0), [x1] "+x"(x1)
#define VECTORS_3 VECTORS_2, [x2] "+x"(x2)
#define VECTORS_4 VECTORS_3, [x3] "+x"(x3)
#define JS_1      [j0] "+r"(j0)
#define JS_2      JS_1, [j1] "+r"(j1)
#define JS_3      JS_2, [j2] "+r"(j2)
#define JS_4      JS_3, [j3] "+r"(j3)
#define CLOBBERS  "rax", "rcx", "cc", "memory"

#define TABLE(L)     uint8_t *const s##L = l->st[L]->s;
#define INDEXES(L)   uintptr_t i##L = l->st[L]->i, j##L = l->st[L]->j;
#define ZERO_J(L)    uintptr_t j##L = 0;
#define ZERO_X(L)    __m128i x##L = _mm_setzero_si128();
#define XOR(L)       xor_16(l->data[L] + at, x##L);
#define XOR_OCTET(L) l->data[L][at] ^= (uint8_t)(octets >> 8 * L);
#define SAVE(L)                              \
	l->st[L]->i = (uint8_t)i##L;         \
	l->st[L]->j = (uint8_t)j##L;         \
	l->data[L] += len;

/* The octets from `at` on, one a lane at a time. */
#define TAIL(N)                                                                          \
	for (; at < len; at++) {                                                         \
		__m128i out = _mm_setzero_si128();                                       \
		uint32_t octets;                                                         \
                                                                                         \
		__asm__ volatile(EACH_##N(GATHER)                                        \
			: INDEXES_##N, [out] "+x"(out) : TABLES_##N : CLOBBERS);         \
		octets = (uint32_t)_mm_cvtsi128_si32(out);                               \
		EACH_##N(XOR_OCTET)                                                      \
	}

/* crypt_N(): the next len octets of the first N lanes. */
#define DEFINE_CRYPT(N)                                                                  \
	static void crypt_##N(struct lanes *l, size_t len)                               \
	{                                                                                \
		size_t at = 0;                                                           \
		EACH_##N(TABLE)                                                          \
		EACH_##N(INDEXES)                                                        \
                                                                                         \
		for (; at + GROUP <= len; at += GROUP) {                                 \
			EACH_##N(ZERO_X)                                                 \
			__asm__ volatile(TIMES_16(INSERT_ALL, N)                         \
				: INDEXES_##N, VECTORS_##N : TABLES_##N : CLOBBERS);     \
			EACH_##N(XOR)                                                    \
		}                                                                        \
		TAIL(N)                                                                  \
		EACH_##N(SAVE)                                                           \
	}

/* schedule_N(): the key schedules of the first N lanes. */
#define DEFINE_SCHEDULE(N)                                                               \
	static void schedule_##N(struct lanes *l)                                        \
	{                                                                                \
		uintptr_t i = 0;                                                         \
		EACH_##N(TABLE)                                                          \
		EACH_##N(ZERO_J)                                                         \
                                                                                         \
		for (unsigned int n = 0; n < 256; n += RC4_KEY_LEN)                      \
			__asm__ volatile(TIMES_16(MIX_ALL, N)                            \
				: [i] "+r"(i), JS_##N                                    \
				: TABLES_##N, [key] "r"(l->key)                          \
				: CLOBBERS);                                             \
	}

/* clang-format on */

static inline void
xor_16(uint8_t *data, __m128i keystream)
{
	__m128i *p = (__m128i *)data;

	_mm_storeu_si128(p, _mm_xor_si128(keystream, _mm_loadu_si128(p)));
}

DEFINE_CRYPT(2)
DEFINE_CRYPT(3)
DEFINE_CRYPT(4)
DEFINE_SCHEDULE(1)
DEFINE_SCHEDULE(2)
DEFINE_SCHEDULE(3)
DEFINE_SCHEDULE(4)

/* One stream is faster with its keystream in a general register, for which there is room. */
static void
crypt_1(struct rc4_state *st, uint8_t *data, size_t len)
{
	uintptr_t i0 = st->i, j0 = st->j;
	uint8_t *const s0 = st->s;
	size_t at = 0;

	for (; at + 8 <= len; at += 8) {
		uint64_t out = 0, word;

		__asm__ volatile(ROTATE(0) ROTATE(1) ROTATE(2) ROTATE(3) ROTATE(4) ROTATE(5)
					 ROTATE(6) ROTATE(7)
				 : INDEXES_1, [out] "+r"(out)
				 : TABLES_1
				 : CLOBBERS);
		memcpy(&word, data + at, sizeof(word));
		word ^= out;
		memcpy(data + at, &word, sizeof(word));
	}
	for (; at < len; at++)
		__asm__ volatile(STEP(0) "movb (%[s0],%%rax), %%al\n\txorb %%al, %[data]"
				 : INDEXES_1, [data] "+m"(data[at])
				 : TABLES_1
				 : CLOBBERS);
	st->i = (uint8_t)i0;
	st->j = (uint8_t)j0;
}

static void
crypt_lanes(struct lanes *l, unsigned int n, size_t len)
{
	switch (n) {
	case 1:
		crypt_1(l->st[0], l->data[0], len);
		break;
	case 2:
		crypt_2(l, len);
		break;
	case 3:
		crypt_3(l, len);
		break;
	default:
		crypt_4(l, len);
	}
}

static void
schedule_lanes(struct lanes *l, unsigned int n)
{
	switch (n) {
	case 0:
		break;
	case 1:
		schedule_1(l);
		break;
	case 2:
		schedule_2(l);
		break;
	case 3:
		schedule_3(l);
		break;
	default:
		schedule_4(l);
	}
}

/* Lane k takes stream s; its key schedule, if it has one, is still to come. */
static void
load(struct lanes *l, unsigned int k, const struct rc4_stream *s)
{
	l->data[k] = s->data;
	l->left[k] = s->len;
	l->st[k] = s->state ? s->state : &l->own[k];
	if (!s->key)
		return;
	for (unsigned int n = 0; n < sizeof(rc4_identity); n += sizeof(__m128i))
		_mm_storeu_si128((__m128i *)(l->st[k]->s + n),
			_mm_load_si128((const __m128i *)(rc4_identity + n)));
	l->st[k]->i = l->st[k]->j = 0;
	memcpy(l->key[k], s->key, sizeof(l->key[k]));
}

/* Not inlined: its frame and registers are too much for one stream that goes on. */
static __attribute__((noinline)) void
crypt_any(const struct rc4_stream *const *streams, unsigned int n)
{
	unsigned int keyed = 0, own = 0;
	struct lanes l;

	if (n == RC4_ROWS && rc4_rows_fit(streams)) {
		rc4_rows_crypt(streams);
		return;
	}
	for (unsigned int k = 0; k < n; k++) {
		load(&l, k, streams[k]);
		keyed += streams[k]->key != NULL;
		own += streams[k]->state == NULL;
	}
	schedule_lanes(&l, keyed);
	while (n > 0) {
		size_t step = l.left[0];

		for (unsigned int k = 1; k < n; k++)
			if (l.left[k] < step)
				step = l.left[k];
		crypt_lanes(&l, n, step);
		for (unsigned int k = n; k-- > 0;) {
			l.left[k] -= step;
			if (l.left[k] > 0)
				continue;
			n--; /* the last lane takes the place of this one */
			l.st[k] = l.st[n];
			l.data[k] = l.data[n];
			l.left[k] = l.left[n];
		}
	}
	if (own > 0)
		explicit_bzero(l.own, keyed * sizeof(l.own[0])); /* they have keys, so are first */
	if (keyed > 0)
		explicit_bzero(l.key, keyed * sizeof(l.key[0]));
}

static void
crypt(const struct rc4_stream *const *streams, unsigned int n)
{
	if (n == 1 && !streams[0]->key)
		crypt_1(streams[0]->state, streams[0]->data, streams[0]->len);
	else
		crypt_any(streams, n);
}

static bool
supported(void)
{
	return __builtin_cpu_supports("sse4.1");
}

const struct rc4_kernel rc4_scalar = {
	.name = "scalar", .lanes = LANES, .least = 1, .supported = supported, .crypt = crypt};
#endif
