/* SPDX-License-Identifier: BSD-3-Clause */
/* Slots by key, against a list of keys by slot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench.h"
#include "dataplane/index.h"

#define SLOTS 300

static struct index ix;

static int
setup(void **state)
{
	(void)state;
	return index_init(&ix, SLOTS);
}

static int
teardown(void **state)
{
	(void)state;
	index_free(&ix);
	return 0;
}

static void
finds_what_the_slots_have(void **state)
{
	uint64_t model[SLOTS] = {0};
	unsigned int seed = 7;
	(void)state;
	for (unsigned int n = 0; n < 20000; n++) {
		uint32_t slot = (uint32_t)rand_r(&seed) % SLOTS;
		uint64_t key = (uint64_t)rand_r(&seed) % 40 << (n % 2 ? 32 : 0); /* 0 among them */
		index_put(&ix, slot, key);
		model[slot] = key;
		key = (uint64_t)rand_r(&seed) % 40 << (n % 2 ? 32 : 0);
		if (key == 0)
			continue;
		uint32_t want = 0, got = 0;
		for (uint32_t i = 0; i < SLOTS; i++)
			want += model[i] == key;
		for (uint32_t i = index_first(&ix, key); i != INDEX_NONE; i = index_after(&ix, i)) {
			assert_true(model[i] == key);
			got++;
		}
		assert_int_equal(got, want);
	}
}

static void
answers_others_too(void **state)
{
	(void)state;
	assert_false(index_has(&ix, 5));
	index_put(&ix, 0, 5);
	index_put(&ix, SLOTS - 1, 5);
	assert_int_equal(index_first(&ix, 5), SLOTS - 1);
	assert_true(index_has(&ix, 5));
	assert_false(index_has(&ix, 6));
	index_put(&ix, SLOTS - 1, 6);
	assert_true(index_has(&ix, 5));
	assert_true(index_has(&ix, 6));
	index_put(&ix, 0, 0);
	index_put(&ix, 0, 0);
	assert_false(index_has(&ix, 5));
	/* Without slots there is nothing to find. */
	struct index none;
	assert_int_equal(index_init(&none, 0), 0);
	assert_false(index_has(&none, 5));
	index_free(&none);
	assert_false(index_has(&none, 5));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_what_the_slots_have, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_others_too, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
