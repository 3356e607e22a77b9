/* SPDX-License-Identifier: BSD-3-Clause */
/* How work is divided between the managers, on processors that are not there: a clock of the test's
 * says what each takes.  And how a choice that was disturbed is made later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "crypto/esp_internal.h"
#include "tests/unit/crypto/disturbed.h"
#include "tests/unit/crypto/esp_lab.h"

/* Ticks: of a round in the wide lanes, however full, and of a packet in the narrow ones. */
struct processor {
	double wide, narrow;
	double own; /* times the wide ones; 0: there are none */
	struct disturbance by;
};

static uint64_t
run(void *user, unsigned int work, unsigned int size, unsigned int n, enum esp_way way)
{
	const struct processor *p = user;
	double t = way == ESP_NARROW ? p->narrow * n : p->wide * ((n + ESP_LANES - 1) / ESP_LANES);

	if (way == ESP_OWN)
		t *= p->own;
	(void)work;
	(void)size;
	return disturbed(&p->by, t, 500000);
}

static bool
try(const struct processor *p, struct esp_plan *plan)
{
	runs = 0;
	memset(plan, 0, sizeof(*plan));
	return esp_trial(&(struct esp_clock){run, p->own > 0, (void *)(uintptr_t)p}, plan);
}

static void
assert_all(const struct esp_plan *plan, uint8_t least)
{
	for (unsigned int work = 0; work < ESP_WORKS; work++)
		for (unsigned int size = 0; size < ESP_SIZES; size++)
			assert_int_equal(plan->least_wide[work][size], least);
}

/* Of the hashes that have lanes of ours. */
static void
assert_all_own(const struct esp_plan *plan, bool own)
{
	for (unsigned int hash = 0; hash < ESP_HASHES; hash++)
		for (unsigned int size = 0; size < ESP_SIZES; size++)
			assert_int_equal(
				plan->own_hash[hash][size], own && esp_hash_has_lanes(hash));
}

static void
test_chosen(void **state)
{
	struct processor p = {.wide = 5500, .narrow = 1000, .by.jitter = 0.05};
	struct esp_plan plan;

	(void)state;
	assert_true(try(&p, &plan));
	assert_all(&plan, 6);
	p.own = 0.9;
	assert_true(try(&p, &plan));
	assert_all_own(&plan, true);
	assert_int_equal(plan.least_wide[ESP_WORK_HASH + ESP_SHA1][0], 6);
	p.own = 0.97; /* not clearly */
	assert_true(try(&p, &plan));
	assert_all_own(&plan, false);
	p.own = 0;
	p.wide = 900;
	assert_true(try(&p, &plan));
	assert_all(&plan, 1);
	p.wide = 20000;
	assert_true(try(&p, &plan));
	assert_all(&plan, ESP_LANES + 1);
	p.wide = 15000;
	assert_true(try(&p, &plan));
	assert_all(&plan, ESP_LANES);
}

/* About as fast is no reason to change: no start has another choice than the next. */
static void
test_stable(void **state)
{
	struct processor p = {.wide = 16200, .narrow = 1000, .by.jitter = 0.1, .by.steal = 16};
	struct esp_plan plan;

	(void)state;
	for (unsigned int start = 0; start < 32; start++) {
		seed = start * 77;
		p.wide = 16200;
		assert_true(try(&p, &plan));
		assert_all(&plan, ESP_LANES);
		p.wide = 8000;
		assert_true(try(&p, &plan));
		assert_all(&plan, 12);
	}
}

/* A neighbour that never rests: the default, and it is known not to be a choice. */
static void
test_disturbed(void **state)
{
	struct processor p = {
		.wide = 5500, .narrow = 1000, .by.jitter = 0.05, .by.rampage = UINT32_MAX};
	struct esp_plan plan;

	(void)state;
	for (unsigned int start = 0; start < 8; start++) {
		seed = start;
		assert_false(try(&p, &plan));
	}
	/* It ends before the trial does. */
	p.by.rampage = 24;
	assert_true(try(&p, &plan));
	assert_all(&plan, 6);
}

static struct lab_sa sas[2];

static struct lab_sa *
pick(unsigned int i)
{
	return &sas[i % 2];
}

/* As if the start had been disturbed: what is settled later is taken by each engine between two of
 * its batches, and packets go on. */
static void
test_settles_between_batches(void **state)
{
	struct esp_engine *main_engine = esp_engine_create(ESP_ARCH_AUTO);
	uint64_t base = 1;
	bool settled = false;

	(void)state;
	lab_engine = esp_engine_create(ESP_ARCH_AUTO);
	assert_non_null(main_engine);
	assert_non_null(lab_engine);
	if (lab_engine->narrow == lab_engine->wide)
		skip(); /* nothing to choose */
	reference_init();
	lab_new_by_name(&sas[0], "aes128-cbc", "hmac-sha1-96");
	lab_new_by_name(&sas[1], "3des-cbc", "hmac-md5-96");
	main_engine->undecided = lab_engine->undecided = true;
	memset(lab_engine->least_wide, 3, sizeof(lab_engine->least_wide));
	for (unsigned int calls = 0; calls < 1 << 12 && !settled; calls++) {
		if (atomic_load(&esp_settled) == NULL) {
			lab_both_ways(32, pick, 200, base);
			base += 32;
			assert_true(lab_engine->undecided);
			assert_int_equal(lab_engine->least_wide[0][0], 3);
		}
		settled = esp_settle(main_engine);
	}
	if (!settled)
		skip(); /* a neighbour that never rests */
	assert_false(main_engine->undecided);
	assert_true(esp_settle(main_engine));
	assert_true(lab_engine->undecided); /* it is no batch's business yet */
	lab_both_ways(32, pick, 200, base);
	assert_false(lab_engine->undecided);
	assert_memory_equal(
		lab_engine->least_wide, main_engine->least_wide, sizeof(lab_engine->least_wide));
	lab_end(&sas[0]);
	lab_end(&sas[1]);
	esp_engine_destroy(lab_engine);
	esp_engine_destroy(main_engine);
	reference_fini();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_stable),
		cmocka_unit_test(test_disturbed),
		cmocka_unit_test(test_settles_between_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
