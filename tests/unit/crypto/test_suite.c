/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/mppe.h"
#include "crypto/suite.h"

static void
test_mppe_rooms(void **state)
{
	(void)state;
	/* R2: 40 and 56 bits only behind the weak switch. */
	assert_int_equal(suite_by_bits(SUITE_MPPE, MPPE_40)->strength, SUITE_WEAK);
	assert_int_equal(suite_by_bits(SUITE_MPPE, MPPE_56)->strength, SUITE_WEAK);
	assert_int_equal(suite_by_bits(SUITE_MPPE, MPPE_128)->strength, SUITE_LEGACY);
	assert_null(suite_by_bits(SUITE_MPPE, 64));
	assert_ptr_equal(suite_by_name("mppe-128"), suite_by_bits(SUITE_MPPE, 128));
	assert_null(suite_by_name("mppe"));
}

static void
test_walk(void **state)
{
	size_t n = 0;

	(void)state;
	for (const struct suite *s; (s = suite_at(n)) != NULL; n++) {
		assert_ptr_equal(suite_by_name(s->name), s);
		assert_true(s->key_len * 8 >= s->key_bits);
	}
	assert_int_equal(n, 3);
	assert_string_equal(suite_class_name(SUITE_WEAK), "weak");
	assert_string_equal(suite_class_name(SUITE_LEGACY), "legacy");
	assert_string_equal(suite_class_name(SUITE_STRONG), "strong");
	assert_string_equal(suite_class_name((enum suite_class)7), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mppe_rooms),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
