/* SPDX-License-Identifier: BSD-3-Clause */
/* Octets that nobody can guess, drawn in small pieces from what is fetched at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/core/random.h"

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

/* T2: no octet is given out twice, at whatever place in the pool a draw begins. */
static void
test_t2_nothing_twice(void **state)
{
	enum { N = 20000 };
	uint8_t(*all)[8] = calloc(N, 8), other[300];

	(void)state;
	assert_non_null(all);
	for (unsigned int i = 0; i < N; i++) {
		random_octets(all[i], 8);
		random_octets(other, i % 29 ? i % 29 : sizeof(other));
	}
	qsort(all, N, 8, compare);
	for (unsigned int i = 1; i < N; i++)
		assert_memory_not_equal(all[i - 1], all[i], 8);
	free(all);
}

/* As a whole, and not its beginning alone. */
static void
test_all_octets(void **state)
{
	uint8_t buf[1200];

	(void)state;
	for (size_t len = 1; len <= sizeof(buf); len += 7) {
		uint8_t seen = 0;

		for (unsigned int i = 0; i < 16; i++) {
			memset(buf, 0, sizeof(buf));
			random_octets(buf, len);
			seen |= buf[len - 1];
			if (len < sizeof(buf))
				assert_int_equal(buf[len], 0);
		}
		assert_int_not_equal(seen, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_t2_nothing_twice),
		cmocka_unit_test(test_all_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
