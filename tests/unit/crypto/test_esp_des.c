/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DES and 3DES in lanes of ours and of IPsec-MB, by OpenSSL's functions, and divided between both in every proportion,
 * against the reference, on every instruction set of this CPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "crypto/esp_internal.h"
#include "tests/unit/crypto/esp_lab.h"

static const char *const pairs[][2] = {{"3des-cbc", "hmac-md5-96"}, {"3des-cbc", "hmac-sha1-96"},
	{"des-cbc", "hmac-md5-96"}, {"des-cbc", "hmac-sha2-256-128"}};
#define N_SAS 4

static struct lab_sa sas[N_SAS];
static uint64_t base;
static uint32_t long_len; /* what the kernels of the lanes do in reasonable time */

static int
start(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < N_SAS; i++) {
		lab_config(&sas[i], suite_by_name(pairs[i][0]), suite_by_name(pairs[i][1]));
		sas[i].config.esn = i == 1;
		lab_start(&sas[i]);
	}
	base = 1;
	long_len = lab_engine->wide->used_arch == IMB_ARCH_AVX512 ? 1500 : 100;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < N_SAS; i++)
		lab_end(&sas[i]);
	return 0;
}

static struct lab_sa *
pick_3des(unsigned int i)
{
	return &sas[i % 2];
}

static struct lab_sa *
pick_des(unsigned int i)
{
	return &sas[2 + i % 2];
}

static struct lab_sa *
pick_any(unsigned int i)
{
	(void)i;
	return &sas[lab_random() % N_SAS];
}

static void
exchange(unsigned int n, struct lab_sa *(*pick)(unsigned int), uint32_t max)
{
	lab_both_ways(n, pick, max, base);
	base += n;
}

static void
exchange_all(uint32_t max)
{
	/* Around the lanes, and batches of several chunks. */
	static const unsigned int counts[] = {1, 2, 3, 5, 15, 16, 17, 31, 33, 64, 65, LAB_BATCH};

	for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
		exchange(counts[k], pick_3des, counts[k] > 17 && max < 1500 ? max / 4 : max);
		exchange(counts[k], pick_des, counts[k] > 17 && max < 1500 ? max / 4 : max);
	}
}

static void
test_lanes(void **state)
{
	(void)state;
	esp_engine_force_des(lab_engine, ESP_DES_LANES);
	exchange_all(long_len);
	exchange_all(7); /* one block or two: less than one for each lane */
}

/* Of CPUs with AVX-512 without VBMI, whose SAs have other keys.  The last: the engine stays so. */
static void
test_lanes_of_ipsec_mb(void **state)
{
	esp_engine_force_des(lab_engine, ESP_DES_IPSEC_MB);
	assert_false(lab_engine->des_wide);
	end(state);
	start(state);
	exchange_all(long_len);
	exchange_all(7);
	for (uint32_t cost = 1; cost < 2000; cost = cost * 5 / 3 + 1) {
		for (unsigned int i = 0; i < 2; i++)
			lab_engine->des[i] = (struct esp_des_costs){
				.round = cost, .least_blocks = (uint32_t)(lab_random() % 200)};
		exchange(1 + (unsigned int)(lab_random() % 40), pick_any, long_len / 2);
	}
}

static void
test_scalar(void **state)
{
	(void)state;
	esp_engine_force_des(lab_engine, ESP_DES_SCALAR);
	exchange_all(1500);
	exchange_all(7);
	exchange(2, pick_any, 60000);
}

/* Costs from "the lanes are for nothing" to "never", so that the line between the two ways is drawn
 * everywhere: among the longest, in the last round, between batches. */
static void
test_divided(void **state)
{
	(void)state;
	for (uint32_t cost = 1; cost < 2000; cost = cost * 5 / 3 + 1) {
		for (unsigned int i = 0; i < 2; i++)
			lab_engine->des[i] = (struct esp_des_costs){.round = cost,
				.start = (uint32_t)(lab_random() % 4 * cost),
				.least_blocks = (uint32_t)(lab_random() % 200)};
		exchange(1 + (unsigned int)(lab_random() % 40), pick_3des, long_len / 2);
		exchange(1 + (unsigned int)(lab_random() % 40), pick_des, long_len / 2);
		exchange(1 + (unsigned int)(lab_random() % 40), pick_any, long_len / 2);
	}
}

/* As outside of tests: the lanes are measured where there are kernels worth it, else unused. */
static void
test_measured(void **state)
{
	const bool lanes = lab_engine->wide->used_arch == IMB_ARCH_AVX512;

	(void)state;
	assert_int_equal(lab_engine->des_wide, lanes && esp_des_wide_supported());
	for (unsigned int i = 0; i < 2; i++) {
		assert_true((lab_engine->des[i].round != UINT32_MAX) == lanes);
		assert_true(lab_engine->des[i].round > 0);
		assert_true(lab_engine->des[i].least_blocks > 1);
		if (!lanes)
			assert_true(lab_engine->des[i].least_blocks == UINT32_MAX);
	}
	exchange_all(1500);
}

static int
run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_measured),
		cmocka_unit_test(test_scalar),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_divided),
		cmocka_unit_test(test_lanes_of_ipsec_mb),
	};

	printf("a round of 3DES for %.1f blocks, of DES %.1f; cut from %u and %u\n",
		(double)lab_engine->des[0].round / ESP_DES_SCALAR_COST,
		(double)lab_engine->des[1].round / ESP_DES_SCALAR_COST,
		lab_engine->des[0].least_blocks, lab_engine->des[1].least_blocks);
	return cmocka_run_group_tests(tests, start, end);
}

int
main(void)
{
	return lab_on_each_arch(run);
}
