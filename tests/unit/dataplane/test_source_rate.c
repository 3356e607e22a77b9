/* SPDX-License-Identifier: BSD-3-Clause */
/* A rate for each source (T13): burst and rate, one source's flood and others, many sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/source_rate.h"

#define BURST    400
#define INTERVAL 5000 /* us */

static struct source_rate s;

static int
setup(void **state)
{
	(void)state;
	return source_rate_init(&s);
}

static unsigned int
taken(rte_be32_t source, uint64_t now_us, unsigned int tries)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < tries; i++)
		n += source_rate_take(&s, source, now_us, BURST, INTERVAL);
	return n;
}

static void
a_burst_and_then_a_rate(void **state)
{
	uint64_t now = 1;
	(void)state;
	assert_int_equal(taken(1, now, 1000), BURST);
	assert_int_equal(taken(1, now + INTERVAL - 1, 10), 0);
	for (unsigned int i = 1; i <= 100; i++)
		assert_int_equal(taken(1, now + i * INTERVAL, 10), 1);
	assert_int_equal(taken(1, now + 3600000000u, 1000), BURST); /* and no more after an hour */
}

/* Nobody who shares one cell with a flood is kept out, and hardly anybody shares both. */
static void
a_flood_of_one_leaves_others(void **state)
{
	unsigned int out = 0;
	(void)state;
	for (uint64_t now = 0; now < 2000000; now += 100)
		taken(0x2200c0, now, 3);
	for (uint32_t i = 0; i < 20000; i++)
		out += taken(0x63000000 + i * 77, 2000000, 1) == 0;
	assert_true(out <= 2);
	assert_true(taken(0x2200c0, 2000000, 10) <= 1);
}

static void
secrets_differ(void **state)
{
	struct source_rate other;
	(void)state;
	assert_int_equal(source_rate_init(&other), 0);
	assert_memory_not_equal(s.factor, other.factor, sizeof(s.factor));
	assert_int_not_equal(s.factor[0], s.factor[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_burst_and_then_a_rate, setup),
		cmocka_unit_test_setup(a_flood_of_one_leaves_others, setup),
		cmocka_unit_test_setup(secrets_differ, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
