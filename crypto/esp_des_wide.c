/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DES (FIPS 46-3) in 64 lanes, an octet a lane: a permutation of octets (VBMI) is 64 look-ups in a
 * table of 64, which is what an S-box is.  Each S-box's input stands in a register of its own; how
 * bits come from the S-boxes of one round to those of the next without being shifted is said in
 * crypto/esp_des_tables.py.  Tables are in registers and time depends on no data.
 */
#include "crypto/esp_des_wide.h"

#include <immintrin.h>

#include "crypto/esp_des_tables.h"

#define INLINE static inline __attribute__((always_inline))

/* One octet a lane, of each S-box. */
struct half {
	__m512i box[8];
};

typedef uint16_t words __attribute__((vector_size(64)));

bool
esp_des_wide_supported(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vbmi");
}

/* --- Keys ------------------------------------------------------------------------------------ */

/* FIPS 46-3, permuted choices 1 and 2, bits from 1; and rotations. */
static const uint8_t choice_1[56] = {57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2,
	59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46,
	38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4};
static const uint8_t choice_2[48] = {14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26,
	8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34,
	53, 46, 42, 50, 36, 29, 32};
static const uint8_t rotated[16] = {1, 2, 4, 6, 8, 10, 12, 14, 15, 17, 19, 21, 23, 25, 27, 28};

/* Round's key for a box, its bits where the box has its inputs. */
static uint8_t
box_key(const uint8_t *key, unsigned int round, unsigned int box)
{
	unsigned int octet = 0;

	for (unsigned int c = 0; c < 6; c++) {
		const unsigned int q = choice_2[box * 6 + input_at[box * 6 + c]] - 1u;
		const unsigned int half = q < 28 ? 0 : 28;
		const unsigned int bit = choice_1[(q - half + rotated[round]) % 28 + half] - 1u;

		octet |= (key[bit / 8] >> (7 - bit % 8) & 1u) << c;
	}
	return (uint8_t)octet;
}

/* RFC 2451: encryption, decryption and encryption, with the three keys in turn. */
void
esp_des_wide_expand(
	const uint8_t *key, unsigned int n_keys, bool encrypt, esp_des_schedule schedule)
{
	for (unsigned int k = 0; k < n_keys; k++) {
		const unsigned int at = encrypt ? k : n_keys - 1 - k;
		const bool forwards = encrypt == (k % 2 == 0);

		for (unsigned int r = 0; r < 16; r++)
			for (unsigned int box = 0; box < 8; box++)
				schedule[at * 16 + (forwards ? r : 15 - r)][box] =
					box_key(key + 8 * (size_t)k, r, box);
	}
}

/* --- Transposing ----------------------------------------------------------------------------- */

/* Word i of register k to word k of register i. */
INLINE void
transpose_words(__m512i r[8])
{
	static const uint64_t low[3][8] __attribute__((aligned(64))) = {{0, 1, 2, 3, 8, 9, 10, 11},
		{0, 1, 8, 9, 4, 5, 12, 13}, {0, 8, 2, 10, 4, 12, 6, 14}};
	static const uint64_t high[3][8]
		__attribute__((aligned(64))) = {{4, 5, 6, 7, 12, 13, 14, 15},
			{2, 3, 10, 11, 6, 7, 14, 15}, {1, 9, 3, 11, 5, 13, 7, 15}};

#pragma GCC unroll 3
	for (unsigned int step = 0; step < 3; step++) {
		const unsigned int apart = 4 >> step;
		const __m512i to_low = _mm512_load_si512(low[step]);
		const __m512i to_high = _mm512_load_si512(high[step]);

#pragma GCC unroll 8
		for (unsigned int i = 0; i < 8; i++) {
			const __m512i a = r[i], b = r[(i + apart) % 8];

			if (i & apart)
				continue;
			r[i] = _mm512_permutex2var_epi64(a, to_low, b);
			r[i + apart] = _mm512_permutex2var_epi64(a, to_high, b);
		}
	}
}

/* Octet i of word k to octet k of word i. */
INLINE __m512i
transpose_octets(__m512i r)
{
	static const uint8_t from[64] __attribute__((aligned(64))) = {0, 8, 16, 24, 32, 40, 48, 56,
		1, 9, 17, 25, 33, 41, 49, 57, 2, 10, 18, 26, 34, 42, 50, 58, 3, 11, 19, 27, 35, 43,
		51, 59, 4, 12, 20, 28, 36, 44, 52, 60, 5, 13, 21, 29, 37, 45, 53, 61, 6, 14, 22, 30,
		38, 46, 54, 62, 7, 15, 23, 31, 39, 47, 55, 63};

	return _mm512_permutexvar_epi8(_mm512_load_si512(from), r);
}

static void
load_one(struct esp_des_wide_keys *keys, const esp_des_schedule *schedule, unsigned int rounds)
{
	for (unsigned int r = 0; r < rounds; r++)
		for (unsigned int box = 0; box < 8; box++)
			_mm512_store_si512(
				keys->octet[r][box], _mm512_set1_epi8((char)(*schedule)[r][box]));
}

void
esp_des_wide_load(struct esp_des_wide_keys *keys,
	const esp_des_schedule *const schedules[ESP_DES_WIDE], unsigned int rounds)
{
	bool same = true;

	for (unsigned int lane = 1; lane < ESP_DES_WIDE; lane++)
		same = same && schedules[lane] == schedules[0];
	if (same) {
		load_one(keys, schedules[0], rounds);
		return;
	}
	/* Eight rounds of eight lanes at a time. */
	for (unsigned int from = 0; from < rounds; from += 8) {
		for (unsigned int lane = 0; lane < ESP_DES_WIDE; lane += 8) {
			__m512i r[8];

			for (unsigned int i = 0; i < 8; i++)
				r[i] = _mm512_loadu_si512((*schedules[lane + i])[from]);
			transpose_words(r);
			for (unsigned int i = 0; i < 8; i++)
				_mm512_store_si512(
					keys->octet[from + i][lane / 8], transpose_octets(r[i]));
		}
	}
	for (unsigned int round = 0; round < rounds; round++) {
		__m512i r[8];

		for (unsigned int i = 0; i < 8; i++)
			r[i] = _mm512_load_si512(keys->octet[round][i]);
		transpose_words(r);
		for (unsigned int i = 0; i < 8; i++)
			_mm512_store_si512(keys->octet[round][i], r[i]);
	}
}

/* --- Blocks ---------------------------------------------------------------------------------- */

/* Each octet of x with bit `at` moved to bit `to`; other bits are of no meaning. */
INLINE __m512i
move_bit(__m512i x, unsigned int at, unsigned int to)
{
	return at > to ? (__m512i)((words)x >> (at - to)) : (__m512i)((words)x << (to - at));
}

#define XOR_AND 0x78 /* a ^ (b & c) */
INLINE __m512i
add_bit(__m512i x, __m512i from, unsigned int bit)
{
	return _mm512_ternarylogic_epi64(x, from, _mm512_set1_epi8((char)(1u << bit)), XOR_AND);
}

/* Registers of octets to what the S-boxes begin with. */
INLINE struct half
first_half(const __m512i octet[8], const uint8_t bits[48])
{
	struct half h;

#pragma GCC unroll 8
	for (unsigned int box = 0; box < 8; box++) {
		h.box[box] = _mm512_setzero_si512();
#pragma GCC unroll 6
		for (unsigned int c = 0; c < 6; c++) {
			const unsigned int bit = bits[box * 6 + c];

			h.box[box] =
				add_bit(h.box[box], move_bit(octet[bit / 8], 7 - bit % 8, c), c);
		}
	}
	return h;
}

INLINE void
last(const struct half *left, const struct half *right, __m512i octet[8])
{
#pragma GCC unroll 8
	for (unsigned int i = 0; i < 8; i++) {
		octet[i] = _mm512_setzero_si512();
#pragma GCC unroll 8
		for (unsigned int bit = 0; bit < 8; bit++) {
			const unsigned int from = last_bit[i * 8 + bit];
			const struct half *h = from < 48 ? left : right;

			octet[i] = add_bit(octet[i],
				move_bit(h->box[from % 48 / 6], from % 6, 7 - bit), 7 - bit);
		}
	}
}

/* to ^= f(from, key) */
INLINE void
one_round(struct half *to, const struct half *from, const uint8_t (*key)[ESP_DES_WIDE])
{
	__m512i out[8];

#pragma GCC unroll 8
	for (unsigned int box = 0; box < 8; box++)
		out[box] = _mm512_permutexvar_epi8(
			_mm512_xor_si512(from->box[box], _mm512_load_si512(key[box])),
			_mm512_load_si512(sboxes[box]));
#pragma GCC unroll 6
	for (unsigned int c = 0; c < 6; c++) {
#pragma GCC unroll 8
		for (unsigned int box = 0; box < 8; box++)
			to->box[box] = add_bit(to->box[box], out[comes_from[box * 6 + c]], c);
	}
}

INLINE void
sixteen_rounds(struct half *left, struct half *right, const uint8_t (*key)[8][ESP_DES_WIDE])
{
	for (unsigned int r = 0; r < 16; r += 2) {
		one_round(left, right, key[r]);
		one_round(right, left, key[r + 1]);
	}
}

void
esp_des_wide_crypt(const struct esp_des_wide_keys *keys, unsigned int rounds,
	const uint64_t from[ESP_DES_WIDE], uint64_t to[ESP_DES_WIDE])
{
	struct half left, right;
	__m512i r[8];

#pragma GCC unroll 8
	for (unsigned int i = 0; i < 8; i++)
		r[i] = transpose_octets(_mm512_loadu_si512(from + 8 * i));
	transpose_words(r);
	left = first_half(r, first_bit[0]);
	right = first_half(r, first_bit[1]);
	sixteen_rounds(&left, &right, keys->octet);
	if (rounds == ESP_DES_ROUNDS) { /* the last permutation and the first undo each other */
		sixteen_rounds(&right, &left, keys->octet + 16);
		sixteen_rounds(&left, &right, keys->octet + 32);
	}
	last(&right, &left, r);
	transpose_words(r);
#pragma GCC unroll 8
	for (unsigned int i = 0; i < 8; i++)
		_mm512_storeu_si512(to + 8 * i, transpose_octets(r[i]));
}
