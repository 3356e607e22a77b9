/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/aaa/lockout.h"

static void
counts_and_forgets(void **state)
{
	struct lockout l = {0};

	(void)state;
	lockout_failure(&l, 3, 1000, 5000);
	lockout_failure(&l, 3, 1000, 5500);
	assert_false(lockout_active(&l, 5500));
	lockout_failure(&l, 3, 1000, 6000);
	assert_true(lockout_active(&l, 6000));
	assert_true(lockout_active(&l, 6999));
	assert_false(lockout_active(&l, 7000));
	/* It begins anew; slow failures never add up. */
	lockout_failure(&l, 3, 1000, 7000);
	lockout_failure(&l, 3, 1000, 7001);
	lockout_failure(&l, 3, 1000, 8002);
	assert_false(lockout_active(&l, 8002));
	lockout_failure(&l, 0, 1000, 8002);
	assert_int_equal(l.failures, 1);
}

/* The table is bounded: a flood from everywhere displaces what is old or counts little, but not
 * what is locked as long as anything else is there. */
static void
bounded(void **state)
{
	struct lockout_table *t = lockout_table_new();
	const struct user *user = (const void *)"only an address";
	uint32_t a;

	(void)state;
	assert_non_null(t);
	assert_null(lockout_table_find(t, 0x01020304, NULL));
	lockout_failure(lockout_table_get(t, 0x01020304, NULL, 1000, 100), 1, 1000000, 100);
	assert_true(lockout_active(lockout_table_find(t, 0x01020304, NULL), 101));
	assert_null(lockout_table_find(t, 0x01020304, user));
	lockout_failure(lockout_table_get(t, 0x01020305, NULL, 1000, 100), 5, 1000000, 100);
	lockout_failure(lockout_table_get(t, 0x01020305, NULL, 1000, 100), 5, 1000000, 100);
	for (a = 0x0a000000; a < 0x0a000000 + 100000; a++)
		lockout_failure(lockout_table_get(t, a, user, 1000, 200), 5, 1000000, 200);
	assert_true(lockout_active(lockout_table_find(t, 0x01020304, NULL), 201));
	assert_int_equal(lockout_table_find(t, 0x01020305, NULL)->failures, 2);
	/* Its time is over. */
	for (a = 0x0c000000; a < 0x0c000000 + 100000; a++)
		lockout_failure(lockout_table_get(t, a, user, 1000, 2000), 5, 1000, 2000);
	assert_null(lockout_table_find(t, 0x01020305, NULL));
	for (a = 0x0b000000; a < 0x0b000000 + 200000; a++)
		lockout_failure(lockout_table_get(t, a, user, 1000, 2300), 1, 1000000, 2300);
	assert_null(lockout_table_find(t, 0x01020304, NULL));
	/* Sets filled with locked records still take the newest. */
	assert_non_null(lockout_table_find(t, 0x0b000000 + 199999, user));
	lockout_table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_forgets),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
