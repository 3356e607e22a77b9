/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "control/core/ids.h"

/* T5: one ID tells nothing of the next, and a former call's late packets find nobody. */
static void
test_t5_random_and_at_rest(void **state)
{
	(void)state;
	struct ids ids = {0};
	uint16_t last = id_take(&ids, 1), freed;
	unsigned int near = 0, high = 0;
	static bool given[65536];
	for (unsigned int i = 0; i < 2000; i++) {
		uint16_t id = id_take(&ids, 1);
		uint16_t step = (uint16_t)(id - last);
		near += step < 1000 || step > 65535 - 1000;
		high += id >> 15;
		last = id;
	}
	assert_in_range(near, 10, 200); /* 61 expected */
	assert_in_range(high, 800, 1200);
	freed = last;
	id_release(&ids, 1, freed);
	for (unsigned int i = 0; i < 16000; i++) {
		uint16_t id = id_take(&ids, 1);
		assert_int_not_equal(id, 0);
		assert_int_not_equal(id, freed);
		assert_false(given[id]);
		given[id] = true;
		id_release(&ids, 1, id);
	}
	/* Whoever comes back to it by right may have it. */
	assert_true(id_take_this(&ids, 1, freed));
	assert_false(id_take_this(&ids, 1, freed));
	ids_free(&ids);
}

static void
test_full(void **state)
{
	(void)state;
	struct ids ids = {0};
	for (unsigned int i = 0; i < 65535; i++)
		assert_int_not_equal(id_take(&ids, 1), 0);
	assert_int_equal(id_take(&ids, 1), 0);
	assert_int_not_equal(id_take(&ids, 2), 0); /* another address, another table */
	id_release(&ids, 1, 40000);
	id_release(&ids, 1, 40000); /* twice does no harm */
	id_release(&ids, 3, 1);
	id_release(&ids, 1, 0);
	assert_int_equal(id_take(&ids, 1), 40000);
	assert_int_equal(id_take(&ids, 1), 0);
	ids_free(&ids);
}

static void
test_given(void **state)
{
	(void)state;
	struct ids ids = {0};
	assert_true(id_take_this(&ids, 1, 1));
	assert_false(id_take_this(&ids, 1, 1));
	assert_false(id_take_this(&ids, 1, 0));
	assert_true(id_take_this(&ids, 2, 1));
	assert_int_not_equal(id_take(&ids, 1), 1);
	ids_free(&ids);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_t5_random_and_at_rest),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
