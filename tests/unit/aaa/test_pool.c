/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/aaa/addresses.h"
#include "control/aaa/pool.h"

#define FIRST 0x0a000001u

static void
bad_ranges(void **state)
{
	static const uint32_t bad[][2] = {
		{FIRST, FIRST},                                     /* one address */
		{FIRST, FIRST - 1},                                 /* backwards */
		{0, 10},                                            /* "this network" */
		{0x7effffff, 0x7f000002},                           /* into loopback */
		{0x7fffffff, 0x80000002}, {0xdfffffff, 0xe0000001}, /* into multicast */
		{0xfffffff0, 0xffffffff}, {0x0a000000, 0x0b000000}, /* too large */
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char err[128] = "";

		assert_null(pool_new("p", bad[i][0], bad[i][1], err, sizeof(err)));
		assert_non_null(strstr(err, "pool p: "));
	}
}

static void
server_takes_the_first(void **state)
{
	char err[128];
	struct pool *p = pool_new("default", FIRST, FIRST + 3, err, sizeof(err));

	(void)state;
	assert_non_null(p);
	assert_string_equal(pool_name(p), "default");
	assert_int_equal(pool_server_address(p), FIRST);
	assert_int_equal(pool_last(p), FIRST + 3);
	assert_int_equal(pool_size(p), 3);
	assert_int_equal(pool_take(p), FIRST + 1);
	assert_int_equal(pool_take(p), FIRST + 2);
	assert_int_equal(pool_take(p), FIRST + 3);
	assert_int_equal(pool_used(p), 3);
	assert_int_equal(pool_take(p), 0);
	assert_int_equal(pool_used(p), 3);
	pool_release(p, FIRST); /* the server's is never free */
	assert_int_equal(pool_take(p), 0);
	pool_free(p);
}

static void
least_recently_released_first(void **state)
{
	char err[128];
	struct pool *p = pool_new("default", FIRST, FIRST + 4, err, sizeof(err));

	(void)state;
	while (pool_take(p))
		;
	pool_release(p, FIRST + 3);
	pool_release(p, FIRST + 1);
	pool_release(p, FIRST + 4);
	pool_release(p, FIRST + 3); /* twice: no effect */
	pool_release(p, FIRST + 9); /* not ours */
	assert_int_equal(pool_used(p), 1);
	assert_int_equal(pool_take(p), FIRST + 3);
	pool_release(p, FIRST + 3);
	assert_int_equal(pool_take(p), FIRST + 1);
	assert_int_equal(pool_take(p), FIRST + 4);
	assert_int_equal(pool_take(p), FIRST + 3);
	assert_int_equal(pool_take(p), 0);
	pool_free(p);
}

static void
static_addresses(void **state)
{
	char err[128];
	struct pool *p = pool_new("default", FIRST, FIRST + 3, err, sizeof(err));

	(void)state;
	assert_int_equal(pool_take_address(p, FIRST), -ERANGE);
	assert_int_equal(pool_take_address(p, FIRST - 1), -ERANGE);
	assert_int_equal(pool_take_address(p, FIRST + 4), -ERANGE);
	assert_int_equal(pool_take_address(p, FIRST + 2), 0);
	assert_int_equal(pool_take_address(p, FIRST + 2), -EBUSY);
	assert_int_equal(pool_take(p), FIRST + 1);
	assert_int_equal(pool_take(p), FIRST + 3);
	assert_int_equal(pool_take(p), 0);
	pool_release(p, FIRST + 2);
	assert_int_equal(pool_take_address(p, FIRST + 2), 0);
	pool_free(p);
}

/* T24: what is reserved goes to nobody by chance, in use or not. */
static void
reserved_addresses(void **state)
{
	char err[128];
	struct pool *p = pool_new("default", FIRST, FIRST + 4, err, sizeof(err));

	(void)state;
	assert_int_equal(pool_reserve(p, FIRST), -ERANGE);
	assert_int_equal(pool_reserve(p, FIRST + 5), -ERANGE);
	assert_int_equal(pool_reserve(p, FIRST + 2), 0);
	assert_int_equal(pool_reserve(p, FIRST + 2), 0);
	assert_int_equal(pool_reserved(p), 1);
	assert_int_equal(pool_take(p), FIRST + 1);
	assert_int_equal(pool_take(p), FIRST + 3);
	assert_int_equal(pool_reserve(p, FIRST + 3), 0); /* while somebody has it */
	assert_int_equal(pool_take(p), FIRST + 4);
	assert_int_equal(pool_take(p), 0);
	assert_true(pool_empty(p));
	pool_release(p, FIRST + 3);
	assert_int_equal(pool_take(p), 0);
	assert_int_equal(pool_take_address(p, FIRST + 3), 0);
	assert_int_equal(pool_take_address(p, FIRST + 3), -EBUSY);
	assert_int_equal(pool_take_address(p, FIRST + 2), 0);
	assert_int_equal(pool_used(p), 4);
	pool_release(p, FIRST + 2);
	pool_release(p, FIRST + 2); /* twice: no effect */
	assert_int_equal(pool_used(p), 3);
	assert_int_equal(pool_take(p), 0);
	pool_release(p, FIRST + 4);
	assert_int_equal(pool_take(p), FIRST + 4);
	assert_int_equal(pool_take_address(p, FIRST + 2), 0);
	pool_free(p);
}

/* A large pool under random takes and releases never gives an address twice. */
static void
never_twice(void **state)
{
	enum { N = 5000 };
	static bool held[N + 1];
	char err[128];
	struct pool *p = pool_new("default", FIRST, FIRST + N, err, sizeof(err));
	unsigned int i, used = 0, seed = 1;

	(void)state;
	for (i = 0; i < 100000; i++) {
		uint32_t a;

		seed = seed * 1103515245u + 12345;
		a = 1 + (seed >> 8) % N;
		if (held[a]) {
			pool_release(p, FIRST + a);
			held[a] = false;
			used--;
			continue;
		}
		if (seed & 0x10000000)
			assert_int_equal(pool_take_address(p, FIRST + a), 0);
		else
			a = pool_take(p) - FIRST;
		assert_in_range(a, 1, N);
		assert_false(held[a]);
		held[a] = true;
		assert_int_equal(pool_used(p), ++used);
	}
	pool_free(p);
}

static void
sets_of_addresses(void **state)
{
	struct addresses a = {0};
	uint32_t i;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_int_equal(addresses_add(&a, i * 7919 % 1009), 0);
	assert_int_equal(addresses_add(&a, 7919 % 1009), -EEXIST);
	for (i = 1; i < a.count; i++)
		assert_true(a.sorted[i - 1] < a.sorted[i]);
	addresses_remove(&a, 5000);
	assert_int_equal(a.count, 1000);
	addresses_remove(&a, 7919 % 1009);
	assert_int_equal(a.count, 999);
	assert_int_equal(addresses_add(&a, 7919 % 1009), 0);
	addresses_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_ranges),
		cmocka_unit_test(server_takes_the_first),
		cmocka_unit_test(least_recently_released_first),
		cmocka_unit_test(static_addresses),
		cmocka_unit_test(reserved_addresses),
		cmocka_unit_test(never_twice),
		cmocka_unit_test(sets_of_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
