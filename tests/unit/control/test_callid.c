/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "control/gateway_callid.h"

static void
test_rotation(void **state)
{
	(void)state;
	struct call_ids ids = {0};
	assert_int_equal(call_id_take(&ids, 1), 1);
	call_id_release(&ids, 1, 1);
	assert_int_equal(call_id_take(&ids, 1), 2); /* 1 rests */
	for (unsigned int i = 3; i <= 65535; i++)
		assert_int_equal(call_id_take(&ids, 1), i);
	assert_int_equal(call_id_take(&ids, 1), 1); /* never 0 */
	call_ids_free(&ids);
}

static void
test_full(void **state)
{
	(void)state;
	struct call_ids ids = {0};
	for (unsigned int i = 0; i < 65535; i++)
		assert_int_not_equal(call_id_take(&ids, 1), 0);
	assert_int_equal(call_id_take(&ids, 1), 0);
	assert_int_equal(call_id_take(&ids, 2), 1); /* another address, another table */
	call_id_release(&ids, 1, 40000);
	call_id_release(&ids, 1, 40000); /* twice does no harm */
	call_id_release(&ids, 3, 1);
	call_id_release(&ids, 1, 0);
	assert_int_equal(call_id_take(&ids, 1), 40000);
	assert_int_equal(call_id_take(&ids, 1), 0);
	call_ids_free(&ids);
}

static void
test_given(void **state)
{
	(void)state;
	struct call_ids ids = {0};
	assert_true(call_id_take_this(&ids, 1, 1));
	assert_false(call_id_take_this(&ids, 1, 1));
	assert_false(call_id_take_this(&ids, 1, 0));
	assert_true(call_id_take_this(&ids, 2, 1));
	assert_int_equal(call_id_take(&ids, 1), 2);
	call_ids_free(&ids);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
