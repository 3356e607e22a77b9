/* SPDX-License-Identifier: BSD-3-Clause */
/* Every RC4 kernel that this CPU can run, against OpenSSL. */
#define OPENSSL_API_COMPAT 10101

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/rc4.h>
#include <stdbool.h>
#include <string.h>

#include "crypto/rc4_kernel.h"

#define LEN_MAX 2000
#define ROOM    (LEN_MAX + 80)
#define STREAMS RC4_BURST_MAX

static uint32_t seed;
static uint8_t text[STREAMS][ROOM], want[STREAMS][ROOM];
static uint8_t keys[STREAMS][RC4_KEY_LEN];
static struct rc4_state states[STREAMS];
static RC4_KEY theirs[STREAMS];

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static void
fill(uint8_t *p, size_t len)
{
	while (len-- > 0)
		*p++ = (uint8_t)draw(256);
}

/* A stream of any length at any alignment; it starts with a key or goes on, and its state is
 * wanted or not. */
static struct rc4_stream
make_stream(unsigned int k, uint32_t len)
{
	struct rc4_stream s = {.data = text[k] + draw(65), .len = len};
	unsigned int kind = draw(3);

	fill(keys[k], RC4_KEY_LEN);
	RC4_set_key(&theirs[k], RC4_KEY_LEN, keys[k]);
	if (kind < 2) {
		s.key = keys[k];
		s.state = kind ? &states[k] : NULL;
		return s;
	}
	uint8_t skipped[300] = {0};
	size_t n = draw(sizeof(skipped));

	rc4_init(&states[k], keys[k], RC4_KEY_LEN);
	rc4_crypt(&states[k], skipped, skipped, n);
	RC4(&theirs[k], n, skipped, skipped);
	s.state = &states[k];
	return s;
}

/* What was written, what was left alone around it, and what comes next in each stream. */
static void
check_burst(const struct rc4_stream *streams, unsigned int n)
{
	memcpy(want, text, sizeof(want));
	for (unsigned int k = 0; k < n; k++) {
		uint8_t *p = want[k] + (streams[k].data - text[k]);

		RC4(&theirs[k], streams[k].len, p, p);
	}
	rc4_burst(streams, n);
	for (unsigned int k = 0; k < n; k++) {
		uint8_t a[64] = {0}, b[64] = {0};

		assert_memory_equal(text[k], want[k], ROOM);
		if (!streams[k].state)
			continue;
		rc4_crypt(streams[k].state, a, a, sizeof(a));
		RC4(&theirs[k], sizeof(b), b, b);
		assert_memory_equal(a, b, sizeof(a));
	}
}

static void
test_random(void **state)
{
	const char *name;

	(void)state;
	for (unsigned int i = 0; (name = rc4_kernel_name(i)) != NULL; i++) {
		assert_int_equal(rc4_select(name), 0);
		assert_string_equal(rc4_selected(), name);
		seed = 3;
		fill(&text[0][0], sizeof(text));
		for (unsigned int round = 0; round < 400; round++) {
			struct rc4_stream streams[STREAMS];
			unsigned int n = 1 + draw(STREAMS);
			uint32_t most = round % 3 ? LEN_MAX : 40;

			for (unsigned int k = 0; k < n; k++)
				streams[k] = make_stream(k, draw(most + 1));
			check_burst(streams, n);
		}
	}
}

/* Every number of streams with every length up to a few groups of each kernel, all alike. */
static void
test_short(void **state)
{
	const char *name;

	(void)state;
	for (unsigned int i = 0; (name = rc4_kernel_name(i)) != NULL; i++) {
		assert_int_equal(rc4_select(name), 0);
		seed = 5;
		fill(&text[0][0], sizeof(text));
		for (unsigned int n = 1; n <= 20; n++) {
			for (uint32_t len = 0; len <= 140; len++) {
				struct rc4_stream streams[STREAMS];

				for (unsigned int k = 0; k < n; k++)
					streams[k] = make_stream(k, len);
				check_burst(streams, n);
			}
		}
	}
}

/* Every length, in fewer streams than there are lanes, as many, and more. */
static void
test_lengths(void **state)
{
	static const unsigned int counts[] = {1, 2, 3, 4, 18};
	const char *name;

	(void)state;
	for (unsigned int i = 0; (name = rc4_kernel_name(i)) != NULL; i++) {
		assert_int_equal(rc4_select(name), 0);
		seed = 7;
		fill(&text[0][0], sizeof(text));
		for (uint32_t len = 0; len <= LEN_MAX; len++) {
			const unsigned int n = counts[len % 5];
			struct rc4_stream streams[STREAMS];

			for (unsigned int k = 0; k < n; k++)
				streams[k] = make_stream(k, k == 0 ? len : draw(len + 1));
			check_burst(streams, n);
		}
	}
}

/* A kernel above a length and another below it, and the plan changes between the bursts of streams
 * that go on: no stream notices. */
static void
test_plans(void **state)
{
	static uint8_t mine[STREAMS][300], other[STREAMS][300];
	unsigned int changes = 0;

	(void)state;
	seed = 11;
	for (unsigned int k = 0; k < STREAMS; k++) {
		fill(keys[k], RC4_KEY_LEN);
		rc4_init(&states[k], keys[k], RC4_KEY_LEN);
		RC4_set_key(&theirs[k], RC4_KEY_LEN, keys[k]);
	}
	for (unsigned int round = 0; round < 3000; round++) {
		const unsigned int n = 1 + draw(draw(2) ? STREAMS : 5), first = draw(STREAMS);
		struct rc4_stream streams[STREAMS];
		uint64_t plan = 0;

		for (enum rc4_case c = 0; c < RC4_CASES; c++) {
			enum rc4_kernel_id id = draw(RC4_KERNELS);

			if (!rc4_kernel_at(id) || (c < RC4_MANY_NEW && id == RC4_AVX512))
				id = RC4_PORTABLE;
			plan |= rc4_plan_entry(
				c, id, rc4_kernel_at(RC4_SCALAR) ? draw(RC4_LENGTHS) : 0);
		}
		rc4_set_plan(plan);
		changes++;
		for (unsigned int m = 0; m < n; m++) {
			unsigned int k = (first + m) % STREAMS;

			streams[m] = (struct rc4_stream){.state = &states[k],
				.data = mine[k],
				.len = draw(2) ? draw(300) : draw(80)};
			if (draw(8) == 0) { /* as a flag packet */
				streams[m].key = keys[k];
				RC4_set_key(&theirs[k], RC4_KEY_LEN, keys[k]);
			}
			fill(mine[k], sizeof(mine[k]));
			memcpy(other[k], mine[k], sizeof(mine[k]));
			RC4(&theirs[k], streams[m].len, other[k], other[k]);
		}
		rc4_burst(streams, n);
		for (unsigned int m = 0; m < n; m++) {
			unsigned int k = (first + m) % STREAMS;

			assert_memory_equal(mine[k], other[k], sizeof(mine[k]));
		}
	}
	assert_int_equal(changes, 3000);
}

/* As MPPE derives keys: the key is what is encrypted. */
static void
test_key_in_data(void **state)
{
	const char *name;

	(void)state;
	for (unsigned int i = 0; (name = rc4_kernel_name(i)) != NULL; i++) {
		struct rc4_stream streams[STREAMS];

		assert_int_equal(rc4_select(name), 0);
		for (unsigned int k = 0; k < STREAMS; k++) {
			fill(text[k], RC4_KEY_LEN);
			RC4_set_key(&theirs[k], RC4_KEY_LEN, text[k]);
			streams[k] = (struct rc4_stream){
				.key = text[k], .data = text[k], .len = RC4_KEY_LEN};
		}
		check_burst(streams, STREAMS);
	}
}

/* Who gets what: the mean length decides, and whether all streams are new. */
static void
test_kernel_for(void **state)
{
	struct rc4_stream four[4];
	uint64_t plan = 0;

	(void)state;
	if (!rc4_kernel_at(RC4_SCALAR))
		skip();
	for (enum rc4_case c = 0; c < RC4_MANY_NEW; c++)
		plan |= rc4_plan_entry(c, RC4_SCALAR, 0);
	for (enum rc4_case c = RC4_MANY_NEW; c < RC4_CASES; c++)
		plan |= rc4_plan_entry(c, RC4_NONE, 0);
	plan |= rc4_plan_entry(RC4_FOUR_ON, RC4_WIDE, 2); /* 256 */
	plan |= rc4_plan_entry(RC4_LONE_NEW, RC4_OPENSSL, 1);
	rc4_set_plan(plan);
	for (unsigned int k = 0; k < 4; k++)
		four[k] = (struct rc4_stream){.state = &states[k], .data = text[k], .len = 256};
	assert_string_equal(rc4_kernel_for(four, 4), "wide");
	assert_string_equal(rc4_kernel_for(four, 3), "wide");
	assert_string_equal(rc4_kernel_for(four, 2), "scalar");
	four[0].len = 255;
	assert_string_equal(rc4_kernel_for(four, 4), "scalar");
	four[1].len = 257;
	assert_string_equal(rc4_kernel_for(four, 4), "wide");
	for (unsigned int k = 0; k < 4; k++)
		four[k].key = keys[k];
	assert_string_equal(rc4_kernel_for(four, 4), "scalar");
	assert_string_equal(rc4_kernel_for(four, 1), "openssl");
	four[0].len = 63;
	assert_string_equal(rc4_kernel_for(four, 1), "scalar");
}

static void
test_select(void **state)
{
	(void)state;
	assert_int_equal(rc4_select("no such kernel"), -EINVAL);
	assert_int_equal(rc4_select("auto"), 0);
	assert_non_null(rc4_selected());
	assert_non_null(rc4_kernel_name(0));
	/* The portable one is always there. */
	assert_int_equal(rc4_select("portable"), 0);
	assert_string_equal(rc4_selected(), "portable");
	rc4_burst(NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_key_in_data),
		cmocka_unit_test(test_kernel_for),
		cmocka_unit_test(test_select),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
