/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RC4, one to four streams beside each other in general registers: what the kernels of a width of
 * entries share (rc4_scalar.c: octets; rc4_wide.c: words).  To be included once by each, with
 *
 *	RC4_TABLE            struct of the table: s[256], i, j
 *	RC4_SCALE            of an index in an address
 *	RC4_LOAD             mnemonic, an entry into 32 bits
 *	RC4_STORE_A, _B      mnemonic and register: eax's entry, ecx's
 *
 * A step costs three loads, two stores and a few additions; compilers turn the same in C into twice
 * as many operations (zero extensions and partial registers), hence the assembler.  Several streams
 * are limited by the two stores of each octet, one alone by the way from j to the next j.
 */
#include <emmintrin.h>
#include <string.h>

#include "crypto/rc4_kernel.h"

#define LANES 4
#define GROUP 16 /* octets of keystream collected in a vector register */

struct lanes {
	RC4_TABLE *st[LANES];
	uint8_t *data[LANES];
	size_t left[LANES];
	uint8_t key[LANES][RC4_KEY_LEN];
	RC4_TABLE own[LANES];
};

/* Templates, not statements: clang-format can't read them. */
/* clang-format off */

/* a = S[++i]; j += a; b = S[j]; S[i] = b; S[j] = a; eax = a + b, where the keystream's octet is. */
#define STEP(L)                                         \
	"incb %b[i" #L "]\n\t"                          \
	RC4_LOAD "(%[s" #L "],%[i" #L "]" RC4_SCALE "), %%eax\n\t"     \
	"addb %%al, %b[j" #L "]\n\t"                    \
	RC4_LOAD "(%[s" #L "],%[j" #L "]" RC4_SCALE "), %%ecx\n\t"     \
	RC4_STORE_B ", (%[s" #L "],%[i" #L "]" RC4_SCALE ")\n\t"        \
	RC4_STORE_A ", (%[s" #L "],%[j" #L "]" RC4_SCALE ")\n\t"        \
	"addb %%cl, %%al\n\t"
/* The octet goes to place n of the lane's vector, to place L of one vector, to an integer's top. */
#define INSERT(L, n) STEP(L) "pinsrb $" #n ", (%[s" #L "],%%rax" RC4_SCALE "), %[x" #L "]\n\t"
#define GATHER(L)    STEP(L) "pinsrb $" #L ", (%[s" #L "],%%rax" RC4_SCALE "), %[out]\n\t"
#define ROTATE(n)    STEP(0) "movb (%[s0],%%rax" RC4_SCALE "), %b[out]\n\trorq $8, %[out]\n\t"

/* One octet of a key schedule, but for i: j += S[i] + key[n]; swap. */
#define MIX(L, n)                                               \
	RC4_LOAD "(%[s" #L "],%[i]" RC4_SCALE "), %%eax\n\t"                   \
	"addb " #n "+16*" #L "(%[key]), %b[j" #L "]\n\t"        \
	"addb %%al, %b[j" #L "]\n\t"                            \
	RC4_LOAD "(%[s" #L "],%[j" #L "]" RC4_SCALE "), %%ecx\n\t"             \
	RC4_STORE_B ", (%[s" #L "],%[i]" RC4_SCALE ")\n\t"                      \
	RC4_STORE_A ", (%[s" #L "],%[j" #L "]" RC4_SCALE ")\n\t"

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

#define TABLE(L)     void *const s##L = l->st[L]->s;
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
crypt_1(RC4_TABLE *st, uint8_t *data, size_t len)
{
	uintptr_t i0 = st->i, j0 = st->j;
	void *const s0 = st->s;
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
		__asm__ volatile(STEP(0) "movb (%[s0],%%rax" RC4_SCALE
					 "), %%al\n\txorb %%al, %[data]"
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

/* All streams of n lanes to their ends. */
static void
run_lanes(struct lanes *l, unsigned int n)
{
	while (n > 0) {
		size_t step = l->left[0];

		for (unsigned int k = 1; k < n; k++)
			if (l->left[k] < step)
				step = l->left[k];
		crypt_lanes(l, n, step);
		for (unsigned int k = n; k-- > 0;) {
			l->left[k] -= step;
			if (l->left[k] > 0)
				continue;
			n--; /* the last lane takes the place of this one */
			l->st[k] = l->st[n];
			l->data[k] = l->data[n];
			l->left[k] = l->left[n];
		}
	}
}
