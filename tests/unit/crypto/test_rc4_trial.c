/* SPDX-License-Identifier: BSD-3-Clause */
/* The choice of RC4 kernels, on processors that are not there: a clock of the test's says what each
 * kernel takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "crypto/rc4_kernel.h"
#include "tests/unit/crypto/disturbed.h"

/* Ticks of one octet, by streams beside each other, and of each packet before its first octet. */
struct processor {
	struct {
		double lone, two, four, many, packet;
	} of[RC4_KERNELS];
	struct disturbance by;
};

static uint64_t
run(void *user, const struct rc4_kernel *kernel, enum rc4_case c, uint32_t len)
{
	const struct processor *p = user;
	enum rc4_kernel_id id = 0;
	double t;

	while (rc4_kernel_at(id) != kernel)
		id++;
	t = c <= RC4_LONE_ON   ? p->of[id].lone
	    : c <= RC4_TWO_ON  ? p->of[id].two
	    : c <= RC4_FOUR_ON ? p->of[id].four
			       : p->of[id].many;
	t = 16 * (t * len + p->of[id].packet);
	return disturbed(&p->by, t, 50000);
}

static bool
try(const struct processor *p, uint64_t *plan)
{
	runs = 0;
	return rc4_trial(&(struct rc4_clock){run, (void *)(uintptr_t)p}, plan);
}

/* Zen 3: a word is forwarded seven times as fast as an octet. */
static const struct processor zen3 = {.of = {[RC4_SCALAR] = {5.2, 3.8, 2.7, 2.7, 0},
					      [RC4_WIDE] = {2.9, 2.1, 1.8, 1.8, 100},
					      [RC4_OPENSSL] = {3.1, 3.1, 3.1, 3.1, 100},
					      [RC4_AVX512] = {5, 5, 5, 5, 1000}},
	.by.jitter = 0.05};
/* Zen 5. */
static const struct processor zen5 = {.of = {[RC4_SCALAR] = {2.5, 1.8, 1.05, 1.05, 0},
					      [RC4_WIDE] = {2.8, 1.9, 1.1, 1.1, 100},
					      [RC4_OPENSSL] = {3.1, 3.1, 3.1, 3.1, 100},
					      [RC4_AVX512] = {9, 9, 9, 2, 1000}},
	.by.jitter = 0.05};

static void
assert_entry(uint64_t plan, enum rc4_case c, enum rc4_kernel_id id, uint32_t from)
{
	assert_int_equal(rc4_plan_kernel(plan, c), id);
	assert_int_equal(rc4_plan_from(plan, c), from);
}

static void
test_words(void **state)
{
	uint64_t plan;

	(void)state;
	assert_true(try(&zen3, &plan));
	assert_entry(plan, RC4_LONE_ON, RC4_WIDE, 64);
	assert_entry(plan, RC4_TWO_ON, RC4_WIDE, 256);
	assert_entry(plan, RC4_FOUR_ON, RC4_WIDE, 256);
	assert_entry(plan, RC4_MANY_ON, RC4_NONE, 0);
}

static void
test_octets(void **state)
{
	uint64_t plan;

	(void)state;
	assert_true(try(&zen5, &plan));
	assert_true(plan == rc4_plan_of(RC4_SCALAR));
}

/* OpenSSL's, where it is the fastest for a lone stream; and only there. */
static void
test_openssl(void **state)
{
	struct processor p = zen3;
	uint64_t plan;

	(void)state;
	p.of[RC4_OPENSSL].lone = p.of[RC4_OPENSSL].two = p.of[RC4_OPENSSL].four = 1.2;
	assert_true(try(&p, &plan));
	assert_entry(plan, RC4_LONE_NEW, RC4_OPENSSL, 64);
	assert_entry(plan, RC4_LONE_ON, RC4_OPENSSL, 64);
	assert_entry(plan, RC4_TWO_ON, RC4_WIDE, 256);
}

static void
test_vectors(void **state)
{
	struct processor p = zen5;
	uint64_t plan;

	(void)state;
	if (!rc4_kernel_at(RC4_AVX512))
		skip();
	p.of[RC4_AVX512].many = 0.5;
	p.of[RC4_AVX512].packet = 60;
	assert_true(try(&p, &plan));
	assert_entry(plan, RC4_MANY_ON, RC4_AVX512, 256);
	assert_entry(plan, RC4_MANY_NEW, RC4_AVX512, 256);
	assert_entry(plan, RC4_FOUR_ON, RC4_SCALAR, 0);
}

/* About as fast is no reason to change, whichever way the wind blows: the same at every start. */
static void
test_stable(void **state)
{
	struct processor p = zen3;
	uint64_t plan, first;

	(void)state;
	p.by.jitter = 0.1;
	p.by.steal = 16;
	for (unsigned int start = 0; start < 8; start++) {
		seed = start * 77;
		assert_true(try(&p, &plan));
		if (start == 0)
			first = plan;
		assert_true(plan == first);
	}
	p.of[RC4_WIDE] = p.of[RC4_OPENSSL] = p.of[RC4_SCALAR];
	p.of[RC4_WIDE].lone *= 0.97;
	p.of[RC4_WIDE].four *= 0.97;
	for (unsigned int start = 0; start < 64; start++) {
		seed = start * 77;
		assert_true(try(&p, &plan));
		assert_true(plan == rc4_plan_of(RC4_SCALAR));
	}
}

/* A neighbour that never rests: the default, and it is known not to be a choice. */
static void
test_disturbed(void **state)
{
	struct processor p = zen3;
	uint64_t plan;

	(void)state;
	p.by.rampage = UINT32_MAX;
	for (unsigned int start = 0; start < 8; start++) {
		seed = start;
		assert_false(try(&p, &plan));
	}
	/* It ends before the trial does. */
	p.by.rampage = 24;
	assert_true(try(&p, &plan));
	assert_entry(plan, RC4_FOUR_ON, RC4_WIDE, 256);
}

/* On this processor: whatever it is, it ends with a kernel for each case. */
static void
test_here(void **state)
{
	struct rc4_choice choices[RC4_CHOICES];
	unsigned int n;

	(void)state;
	assert_int_equal(rc4_select("auto"), 0);
	n = rc4_choices(choices);
	assert_in_range(n, 6, RC4_CHOICES);
	for (unsigned int k = 0; k < n; k++)
		printf("%s: %s from %u octets\n", choices[k].use, choices[k].kernel,
			choices[k].from);
	rc4_settle();
	assert_int_equal(rc4_select("portable"), 0);
	assert_true(rc4_settle());
	assert_string_equal(rc4_selected(), "portable");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_openssl),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_stable),
		cmocka_unit_test(test_disturbed),
		cmocka_unit_test(test_here),
	};

	if (!rc4_kernel_at(RC4_SCALAR))
		return 77; /* nothing to choose */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
