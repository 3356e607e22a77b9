/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ESP against OpenSSL: every pair of suites, every instruction set of this CPU, random lengths and
 * mixtures, with and without extended sequence numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/crypto/esp_lab.h"

#define PAIRS_MAX 64
#define LEN_MAX   2000

static struct lab_sa sas[PAIRS_MAX];
static unsigned int n_pairs;
static uint8_t payload[65536];

static unsigned int only;

static struct lab_sa *
pick_only(unsigned int i)
{
	(void)i;
	return &sas[only];
}

static struct lab_sa *
pick_any(unsigned int i)
{
	(void)i;
	return &sas[lab_random() % n_pairs];
}

static void
start_all(bool esn)
{
	const struct suite *encryption, *integrity;

	for (n_pairs = 0; reference_pair(n_pairs, &encryption, &integrity); n_pairs++) {
		assert_true(n_pairs < PAIRS_MAX);
		lab_config(&sas[n_pairs], encryption, integrity);
		sas[n_pairs].config.esn = esn;
		lab_start(&sas[n_pairs]);
	}
	assert_int_equal(n_pairs, 7 + 6 * 6);
}

static void
end_all(void)
{
	for (unsigned int i = 0; i < n_pairs; i++)
		lab_end(&sas[i]);
}

static void
every_pair(bool esn)
{
	/* Counts around the lanes of each manager, and one batch of several chunks. */
	static const unsigned int counts[] = {1, 2, 5, 15, 16, 17, 33, 63, 65, LAB_BATCH};
	uint64_t base = 1;

	start_all(esn);
	for (only = 0; only < n_pairs; only++) {
		bool slow = sas[only].config.encryption->block_len == 8;

		for (unsigned int k = 0; k < (slow ? 5 : 10); k++) {
			lab_both_ways(counts[k], pick_only, slow ? 200 : LEN_MAX, base);
			base += counts[k];
		}
	}
	for (int round = 0; round < 8; round++) {
		lab_both_ways(LAB_BATCH, pick_any, round < 4 ? 100 : LEN_MAX / 2, base);
		base += LAB_BATCH;
	}
	end_all();
}

static void
test_every_pair(void **state)
{
	(void)state;
	every_pair(false);
}

static void
test_every_pair_esn(void **state)
{
	(void)state;
	every_pair(true);
}

/* Every payload length near the block boundaries, zero included, and every alignment of the
 * buffer. */
static void
test_lengths_and_alignments(void **state)
{
	static const uint32_t longest[] = {0, 1500, 9000};

	(void)state;
	start_all(false);
	for (only = 0; only < n_pairs; only++) {
		struct lab_sa *l = &sas[only];
		uint8_t *room = malloc(512), text[96];

		lab_fill(text, sizeof(text));
		for (uint32_t len = 0; len <= 80; len++) {
			struct esp_job out = {.sa = l->out,
				.data = room + len % 64,
				.len = l->out->header_len + len,
				.room = ESP_TRAILER_MAX,
				.next_header = 17};
			struct esp_job in;

			memcpy(out.data + l->out->header_len, text, len);
			assert_int_equal(esp_encapsulate_burst(lab_engine, &out, 1), 1);
			lab_check_sealed(l, &out, text, len, 17);
			in = out;
			in.sa = l->in;
			assert_int_equal(esp_decapsulate_burst(lab_engine, &in, 1), 1);
			assert_int_equal(in.len, len);
			assert_memory_equal(in.data, text, len);
		}
		free(room);
		for (unsigned int k = 0; k < 3; k++) {
			struct esp_job out, in;
			uint32_t len = longest[k];

			/* DES takes its time: once will do. */
			if (l->config.encryption->block_len == 8 &&
				l->config.integrity->algorithm != SUITE_ALG_SHA1)
				break;
			if (k == 0) { /* the longest that fits */
				len = ESP_PACKET_MAX - l->out->header_len - l->out->icv_len;
				len = len / l->out->align * l->out->align - 2;
			}
			lab_fill(payload, len);
			lab_clear(&out, l, payload, len, 4);
			assert_int_equal(esp_encapsulate_burst(lab_engine, &out, 1), 1);
			lab_check_sealed(l, &out, payload, len, 4);
			in = out;
			in.sa = l->in;
			assert_int_equal(esp_decapsulate_burst(lab_engine, &in, 1), 1);
			assert_int_equal(in.len, len);
			assert_memory_equal(in.data, payload, len);
			lab_free(&out, 1);
		}
	}
	end_all();
}

/* A full batch of the longest packets: lengths in lanes have 16 bits. */
static void
test_longest_in_all_lanes(void **state)
{
	static const char *const pairs[][2] = {{"aes128-gcm16", NULL},
		{"aes128-cbc", "hmac-sha1-96"}, {"aes256-cbc", "hmac-sha2-256-128"},
		{"null", "hmac-sha2-512-256"}, {"null", "hmac-md5-96"}};

	(void)state;
	n_pairs = 1;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		uint32_t len;
		struct esp_job jobs[17];

		lab_new_by_name(&sas[0], pairs[i][0], pairs[i][1]);
		len = ESP_PACKET_MAX - sas[0].out->header_len - sas[0].out->icv_len;
		len = len / sas[0].out->align * sas[0].out->align - 2;
		lab_fill(payload, len);
		for (unsigned int k = 0; k < 17; k++)
			lab_clear(&jobs[k], &sas[0], payload, len, 4);
		assert_int_equal(esp_encapsulate_burst(lab_engine, jobs, 17), 17);
		for (unsigned int k = 0; k < 17; k++) {
			lab_check_sealed(&sas[0], &jobs[k], payload, len, 4);
			jobs[k].sa = sas[0].in;
		}
		assert_int_equal(esp_decapsulate_burst(lab_engine, jobs, 17), 17);
		for (unsigned int k = 0; k < 17; k++)
			assert_memory_equal(jobs[k].data, payload, len);
		lab_free(jobs, 17);
		lab_end(&sas[0]);
	}
}

/* CBC's IVs: no two alike, none the packet's number, no pattern under one key. */
static void
test_ivs(void **state)
{
	static const char *const names[] = {"aes128-cbc", "3des-cbc", "aes128-gcm16"};
	static uint8_t ivs[200][16];

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct lab_sa l;
		bool gcm = k == 2;

		lab_new_by_name(&l, names[k], gcm ? NULL : "hmac-sha1-96");
		for (unsigned int i = 0; i < 200; i++) {
			struct esp_job job;

			lab_clear(&job, &l, (const uint8_t *)"same", 4, 17);
			assert_int_equal(esp_encapsulate_burst(lab_engine, &job, 1), 1);
			memcpy(ivs[i], job.data + ESP_HDR_LEN, l.out->iv_len);
			for (unsigned int j = 0; j < i; j++)
				assert_memory_not_equal(ivs[i], ivs[j], l.out->iv_len);
			/* GCM's is the number itself, RFC 4106 section 3.1. */
			assert_int_equal(memcmp(ivs[i], "\0\0\0\0\0\0\0", 7) == 0, gcm);
			lab_free(&job, 1);
		}
		lab_end(&l);
	}
}

static int
run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_every_pair_esn),
		cmocka_unit_test(test_lengths_and_alignments),
		cmocka_unit_test(test_longest_in_all_lanes),
		cmocka_unit_test(test_ivs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int
main(void)
{
	return lab_on_each_arch(run);
}
