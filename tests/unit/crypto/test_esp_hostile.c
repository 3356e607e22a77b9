/* SPDX-License-Identifier: BSD-3-Clause */
/* Bad packets, bad neighbours in a batch, limits, and bad configuration.  Long because each is a
 * case of one laboratory's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/esp_internal.h"
#include "tests/unit/crypto/esp_lab.h"

#define N_PAIRS (7 + 6 * 6)

/* Decapsulates one job and wants this status; the SA must be as before, octet for octet. */
static void
refused(struct esp_job *job, enum esp_status status)
{
	struct esp_sa *sa = job->sa;
	uint8_t *before = malloc(sa->size);

	memcpy(before, sa, sa->size);
	assert_int_equal(esp_decapsulate_burst(lab_engine, job, 1), 0);
	assert_string_equal(esp_status_name(job->status), esp_status_name(status));
	assert_memory_equal(before, sa, sa->size);
	free(before);
}

static void
accepted(struct esp_job *job)
{
	assert_int_equal(esp_decapsulate_burst(lab_engine, job, 1), 1);
	assert_int_equal(job->status, ESP_OK);
}

/* Every octet of a packet counts: header, IV, ciphertext and ICV. */
static void
test_every_octet_is_authentic(void **state)
{
	(void)state;
	for (unsigned int pair = 0; pair < N_PAIRS; pair++) {
		struct lab_sa l;
		struct esp_job job;

		lab_new(&l, pair);
		lab_sealed(&job, &l, 5, (const uint8_t *)"payload", 7, 17);
		for (uint32_t at = 8; at < job.len; at++) {
			struct esp_job bad = job;

			bad.data = malloc(job.len);
			memcpy(bad.data, job.data, job.len);
			bad.data[at] ^= (uint8_t)(1u << at % 8);
			refused(&bad, ESP_BAD_ICV);
			free(bad.data);
		}
		/* The number too: 5 becomes 7, which the window would have taken. */
		job.data[7] ^= 2;
		{
			struct esp_job bad = job;

			bad.data = malloc(job.len);
			memcpy(bad.data, job.data, job.len);
			refused(&bad, ESP_BAD_ICV);
			free(bad.data);
		}
		job.data[7] ^= 2;
		accepted(&job); /* and none of these attempts has cost its number */
		lab_free(&job, 1);
		lab_end(&l);
	}
}

/* An ICV that is wrong in any one lane drops that packet alone; then in all lanes but one; in
 * all. */
static void
test_lanes(void **state)
{
	enum { N = 33 };
	static const char *const pairs[][2] = {{"aes128-gcm16", NULL}, {"aes256-gcm8", NULL},
		{"aes128-cbc", "hmac-sha1-96"}, {"aes192-cbc", "hmac-sha2-512-256"},
		{"aes256-cbc", "hmac-sha2-256-128"}, {"aes128-cbc", "hmac-sha2-256-96"},
		{"des-cbc", "hmac-md5-96"}, {"3des-cbc", "hmac-sha2-384-192"},
		{"null", "hmac-sha1-96"}};

	(void)state;
	for (size_t p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++) {
		struct lab_sa l;
		uint64_t seq = 1;

		lab_new_by_name(&l, pairs[p][0], pairs[p][1]);
		for (unsigned int bad = 0; bad <= N + 1; bad++) {
			/* bad < N: that one; N: all but one; N + 1: all */
			struct esp_job jobs[N];
			uint8_t text[N][64];
			uint32_t len[N];
			unsigned int want = bad < N ? N - 1 : bad == N ? 1 : 0, good;

			for (unsigned int i = 0; i < N; i++) {
				bool spoil = bad < N ? i == bad : bad == N ? i != N / 2 : true;

				len[i] = (uint32_t)(lab_random() % 64);
				lab_fill(text[i], len[i]);
				lab_sealed(&jobs[i], &l, seq + i, text[i], len[i], 17);
				if (spoil)
					jobs[i].data[jobs[i].len - 1 - i % jobs[i].sa->icv_len] ^=
						0x80;
			}
			good = esp_decapsulate_burst(lab_engine, jobs, N);
			assert_int_equal(good, want);
			for (unsigned int k = 0; k < N; k++) {
				uint32_t i = (uint32_t)(jobs[k].seq - seq);

				assert_int_equal(jobs[k].status, k < good ? ESP_OK : ESP_BAD_ICV);
				if (k > 0 && k < good)
					assert_true(jobs[k].seq > jobs[k - 1].seq);
				if (k < good) {
					assert_int_equal(jobs[k].len, len[i]);
					assert_memory_equal(jobs[k].data, text[i], len[i]);
				}
			}
			assert_true(l.in->packets <= seq + N);
			lab_free(jobs, N);
			seq += N;
		}
		lab_end(&l);
	}
}

static void
test_lengths(void **state)
{
	(void)state;
	for (unsigned int pair = 0; pair < N_PAIRS; pair++) {
		struct lab_sa l;
		struct esp_job job;
		uint8_t text[100] = {0};
		uint32_t shortest;

		lab_new(&l, pair);
		shortest = l.in->header_len + l.in->align + l.in->icv_len;
		lab_sealed(&job, &l, 1, text, 46, 17);
		for (uint32_t len = 0; len < job.len; len++) {
			struct esp_job cut = job;

			/* Exactly len octets, so that ASan sees a read beyond them. */
			cut.data = malloc(len ? len : 1);
			memcpy(cut.data, job.data, len);
			cut.len = len;
			if (len < shortest)
				refused(&cut, ESP_SHORT);
			else if ((len - shortest) % l.in->align)
				refused(&cut, ESP_UNALIGNED);
			else
				refused(&cut, ESP_BAD_ICV);
			free(cut.data);
		}
		accepted(&job);
		lab_free(&job, 1);

		lab_sealed(&job, &l, 2, text, 10, 17);
		job.len = ESP_PACKET_MAX + 1; /* refused unread */
		refused(&job, ESP_TOO_LONG);
		job.len = UINT32_MAX;
		refused(&job, ESP_TOO_LONG);
		lab_free(&job, 1);
		lab_end(&l);
	}
}

static void
test_wrong_spi(void **state)
{
	struct lab_sa a, b;
	struct esp_job job;

	(void)state;
	lab_new_by_name(&a, "aes128-gcm16", NULL);
	b = a;
	b.config.spi++;
	lab_start(&b);
	lab_sealed(&job, &b, 1, (const uint8_t *)"x", 1, 17);
	job.sa = a.in;
	refused(&job, ESP_WRONG_SPI);
	lab_free(&job, 1);
	lab_end(&a);
	lab_end(&b);
}

/* Authentic packets whose trailer lies. */
static void
test_padding(void **state)
{
	static const char *const pairs[][2] = {
		{"aes128-gcm16", NULL}, {"aes128-cbc", "hmac-sha1-96"}, {"null", "hmac-sha1-96"}};

	(void)state;
	for (size_t p = 0; p < 3; p++) {
		struct lab_sa l;
		uint64_t seq = 0;

		lab_new_by_name(&l, pairs[p][0], pairs[p][1]);
		/* All paddings that RFC 4303 allows, up to 255 octets; then each with one octet
		 * wrong. */
		for (uint32_t pad = 0; pad <= 255; pad++) {
			for (uint32_t wrong = 0; wrong <= pad; wrong++) {
				uint8_t iv[16] = {1}, text[32] = {0}, trailer[300], out[700];
				uint32_t len = -(pad + 2) & 15;
				struct esp_job job = {.sa = l.in, .data = out};

				if (wrong > 20 && wrong < pad)
					continue;
				for (uint32_t i = 0; i < pad; i++)
					trailer[i] = (uint8_t)(i + 1);
				trailer[pad] = (uint8_t)pad;
				trailer[pad + 1] = 41;
				if (wrong > 0)
					trailer[wrong - 1] ^= (uint8_t)(1u << pad % 8);
				job.len = reference_seal(
					&l.config, ++seq, iv, text, len, pad, 41, trailer, out);
				if (wrong > 0) {
					assert_int_equal(
						esp_decapsulate_burst(lab_engine, &job, 1), 0);
					assert_int_equal(job.status, ESP_BAD_PADDING);
					continue;
				}
				accepted(&job);
				assert_int_equal(job.len, len);
				assert_int_equal(job.next_header, 41);
			}
		}
		/* A pad length beyond the packet. */
		for (uint32_t lie = 15; lie < 256; lie++) {
			uint8_t iv[16] = {1}, trailer[16], out[100];
			struct esp_job job = {.sa = l.in, .data = out};

			for (uint32_t i = 0; i < 14; i++)
				trailer[i] = (uint8_t)(lie - 13 + i);
			trailer[14] = (uint8_t)lie;
			trailer[15] = 17;
			job.len = reference_seal(
				&l.config, ++seq, iv, trailer, 0, 14, 17, trailer, out);
			assert_int_equal(esp_decapsulate_burst(lab_engine, &job, 1), 0);
			assert_int_equal(job.status, ESP_BAD_PADDING);
		}
		lab_end(&l);
	}
}

/* T14. */
static void
test_replay(void **state)
{
	(void)state;
	for (unsigned int pair = 0; pair < N_PAIRS; pair++) {
		enum { N = 20 };
		struct lab_sa l;
		struct esp_job jobs[N], again;

		lab_new(&l, pair);
		/* The same packet many times in one batch, before a forged later one: one
		 * passes. */
		for (unsigned int i = 0; i < N; i++)
			lab_sealed(&jobs[i], &l, 7, (const uint8_t *)"same", 4, 17);
		jobs[3].data[jobs[3].len - 1] ^= 1;
		assert_int_equal(esp_decapsulate_burst(lab_engine, jobs, N), 1);
		for (unsigned int i = 1; i < N; i++)
			assert_true(
				jobs[i].status == ESP_REPLAYED || jobs[i].status == ESP_BAD_ICV);
		lab_free(jobs, N);
		lab_sealed(&again, &l, 7, (const uint8_t *)"same", 4, 17);
		refused(&again, ESP_REPLAYED);
		lab_free(&again, 1);
		lab_sealed(&again, &l, 0, (const uint8_t *)"zero", 4, 17);
		refused(&again, ESP_SEQUENCE_ZERO);
		lab_free(&again, 1);
		/* A forged number far ahead does not move the window. */
		lab_sealed(&again, &l, 1000000, (const uint8_t *)"ahead", 5, 17);
		again.data[again.len - 1] ^= 1;
		refused(&again, ESP_BAD_ICV);
		lab_free(&again, 1);
		lab_sealed(&again, &l, 5000, (const uint8_t *)"next", 4, 17);
		accepted(&again);
		lab_free(&again, 1);
		lab_sealed(&again, &l, 5000 - REPLAY_WINDOW_DEFAULT, (const uint8_t *)"old", 3, 17);
		refused(&again, ESP_REPLAY_OLD);
		lab_free(&again, 1);
		lab_end(&l);
	}
}

/* Extended numbers over the wrap of the low half, both ways; without them, no packet after the
 * last. */
static void
test_wrap(void **state)
{
	static const char *const pairs[][2] = {{"aes128-gcm16", NULL},
		{"aes128-cbc", "hmac-sha1-96"}, {"3des-cbc", "hmac-md5-96"},
		{"null", "hmac-sha2-512-256"}};

	(void)state;
	for (unsigned int k = 0; k < 8; k++) {
		bool esn = k % 2;
		uint64_t first = UINT32_MAX - 3ull;
		struct lab_sa l;
		struct esp_job jobs[8];

		assert_non_null(suite_by_name(pairs[k / 2][0]));
		lab_config(&l, suite_by_name(pairs[k / 2][0]),
			pairs[k / 2][1] ? suite_by_name(pairs[k / 2][1]) : NULL);
		l.config.esn = esn;
		l.config.first_seq = first;
		lab_start(&l);
		if (esn) /* as an SA that has come this far */
			esp_sa_replay(l.in)->top = first - 1;
		for (unsigned int i = 0; i < 8; i++)
			lab_clear(&jobs[i], &l, (const uint8_t *)"text", 4, 17);
		assert_int_equal(esp_sa_life(l.out), ESP_LIFE_OK);
		/* Four numbers are left, and no second packet with one of them. */
		assert_int_equal(esp_encapsulate_burst(lab_engine, jobs, 8), esn ? 8 : 4);
		for (unsigned int i = 0; i < 8; i++) {
			if (!esn && i >= 4) {
				assert_int_equal(jobs[i].status, ESP_SEQUENCE_EXHAUSTED);
				continue;
			}
			assert_true(jobs[i].seq == first + i);
			jobs[i].sa = l.in;
		}
		assert_int_equal(esp_sa_life(l.out), esn ? ESP_LIFE_OK : ESP_LIFE_HARD);
		assert_int_equal(esp_decapsulate_burst(lab_engine, jobs, esn ? 8 : 4), esn ? 8 : 4);
		for (unsigned int i = 0; i < (esn ? 8 : 4); i++)
			assert_true(jobs[i].seq == first + i);
		lab_free(jobs, 8);
		lab_end(&l);
	}
}

/* The last of the 64-bit numbers. */
static void
test_last_number(void **state)
{
	struct lab_sa l;
	struct esp_job jobs[3];

	(void)state;
	lab_config(&l, suite_by_name("aes128-gcm16"), NULL);
	l.config.esn = true;
	l.config.first_seq = UINT64_MAX;
	lab_start(&l);
	for (unsigned int i = 0; i < 3; i++)
		lab_clear(&jobs[i], &l, (const uint8_t *)"text", 4, 17);
	assert_int_equal(esp_encapsulate_burst(lab_engine, jobs, 3), 1);
	assert_true(jobs[0].seq == UINT64_MAX);
	assert_int_equal(jobs[1].status, ESP_SEQUENCE_EXHAUSTED);
	assert_int_equal(jobs[2].status, ESP_SEQUENCE_EXHAUSTED);
	lab_free(jobs, 3);
	lab_end(&l);
}

/* T15. */
static void
test_limits_of_suites(void **state)
{
	struct lab_sa l;

	(void)state;
	lab_new_by_name(&l, "3des-cbc", "hmac-sha1-96");
	assert_true(l.out->hard_bytes == suite_by_name("3des-cbc")->max_bytes);
	assert_true(l.out->soft_bytes == l.out->hard_bytes / 4 * 3);
	lab_end(&l);
	lab_new_by_name(&l, "aes128-cbc", "hmac-sha1-96");
	assert_true(l.out->hard_bytes == UINT64_MAX);
	lab_end(&l);
}

/* Limits by configuration: soft before hard, then nothing more. */
static void
test_byte_limits(void **state)
{
	struct lab_sa l;
	struct esp_job job;
	unsigned int sent = 0;
	static uint8_t text[1000];

	(void)state;
	lab_config(&l, suite_by_name("des-cbc"), suite_by_name("hmac-md5-96"));
	l.config.hard_bytes = 20000;
	l.config.soft_bytes = 10000;
	lab_start(&l);
	for (;; sent++) {
		enum esp_life life = sent * 1008 >= 20000   ? ESP_LIFE_HARD
				     : sent * 1008 >= 10000 ? ESP_LIFE_SOFT
							    : ESP_LIFE_OK;

		assert_int_equal(esp_sa_life(l.out), life);
		assert_int_equal(esp_sa_life(l.in), life);
		lab_clear(&job, &l, text, sizeof(text), 17);
		if (esp_encapsulate_burst(lab_engine, &job, 1) == 0)
			break;
		job.sa = l.in;
		accepted(&job);
		lab_free(&job, 1);
	}
	assert_int_equal(job.status, ESP_BYTE_LIMIT);
	assert_int_equal(sent, 20);
	lab_free(&job, 1);
	lab_sealed(&job, &l, 100, text, 8, 17); /* nor does the receiver go on */
	refused(&job, ESP_BYTE_LIMIT);
	lab_free(&job, 1);
	lab_end(&l);
}

static void
test_packet_limits(void **state)
{
	struct lab_sa l;
	struct esp_job job;
	static uint8_t text[8];

	(void)state;
	lab_config(&l, suite_by_name("aes128-gcm16"), NULL);
	l.config.hard_packets = 4;
	lab_start(&l);
	for (unsigned int sent = 0; sent < 4; sent++) {
		assert_int_equal(esp_sa_life(l.out), sent < 3 ? ESP_LIFE_OK : ESP_LIFE_SOFT);
		lab_clear(&job, &l, text, 8, 17);
		assert_int_equal(esp_encapsulate_burst(lab_engine, &job, 1), 1);
		job.sa = l.in;
		accepted(&job);
		lab_free(&job, 1);
	}
	lab_clear(&job, &l, text, 8, 17);
	assert_int_equal(esp_encapsulate_burst(lab_engine, &job, 1), 0);
	assert_int_equal(job.status, ESP_PACKET_LIMIT);
	assert_int_equal(esp_sa_life(l.out), ESP_LIFE_HARD);
	lab_free(&job, 1);
	lab_sealed(&job, &l, 100, text, 8, 17);
	refused(&job, ESP_PACKET_LIMIT);
	lab_free(&job, 1);
	lab_end(&l);
}

/* Jobs that can't be sent: no number is taken, and the others of the batch go out. */
static void
test_bad_encapsulation(void **state)
{
	struct lab_sa l;
	struct esp_job jobs[5];
	static uint8_t text[65536];

	(void)state;
	lab_new_by_name(&l, "aes128-cbc", "hmac-sha2-256-128");
	for (unsigned int i = 0; i < 5; i++)
		lab_clear(&jobs[i], &l, text, i == 3 ? 65500 : 40, 17);
	jobs[1].len = l.out->header_len - 1;
	jobs[2].room = ESP_TRAILER_MAX - 1;
	assert_int_equal(esp_encapsulate_burst(lab_engine, jobs, 5), 2);
	assert_int_equal(jobs[0].seq, 1);
	assert_int_equal(jobs[1].seq, 2);
	assert_int_equal(l.out->packets, 2);
	for (unsigned int i = 2, seen = 0; i < 5; i++) {
		assert_int_equal(seen & 1u << jobs[i].status, 0);
		seen |= 1u << jobs[i].status;
		assert_true(jobs[i].status == ESP_SHORT || jobs[i].status == ESP_NO_ROOM ||
			    jobs[i].status == ESP_TOO_LONG);
	}
	lab_free(jobs, 5);
	lab_end(&l);
	assert_int_equal(esp_encapsulate_burst(lab_engine, NULL, 0), 0);
	assert_int_equal(esp_decapsulate_burst(lab_engine, NULL, 0), 0);
}

static void
setup_refused(const struct esp_sa_config *c, enum esp_setup why)
{
	_Alignas(64) static uint8_t memory[8192];
	static const uint8_t clean[8192];

	memset(memory, 0, sizeof(memory));
	assert_string_equal(
		esp_setup_name(esp_sa_init((void *)memory, lab_engine, c)), esp_setup_name(why));
	if (why != ESP_SETUP_OK)
		assert_memory_equal(memory, clean, sizeof(memory));
}

static void
test_setup(void **state)
{
	const struct suite *encryption, *integrity;
	struct lab_sa l;

	(void)state;
	/* Keys of any other size are refused by name. */
	for (unsigned int i = 0; reference_pair(i, &encryption, &integrity); i++) {
		for (size_t len = 0; len <= SUITE_KEY_MAX; len++) {
			lab_config(&l, encryption, integrity);
			l.config.encryption_key_len = len;
			setup_refused(&l.config, len == encryption->key_len
							 ? ESP_SETUP_OK
							 : ESP_SETUP_ENCRYPTION_KEY);
			lab_config(&l, encryption, integrity);
			l.config.integrity_key_len = len;
			if (integrity)
				setup_refused(&l.config, len == integrity->key_len
								 ? ESP_SETUP_OK
								 : ESP_SETUP_INTEGRITY_KEY);
		}
	}
	lab_config(&l, suite_by_name("aes128-cbc"), NULL);
	setup_refused(&l.config, ESP_SETUP_NO_PAIR);
	lab_config(&l, suite_by_name("aes128-gcm16"), suite_by_name("hmac-sha1-96"));
	setup_refused(&l.config, ESP_SETUP_NO_PAIR);
	lab_config(&l, suite_by_name("mppe-128"), NULL);
	setup_refused(&l.config, ESP_SETUP_NO_PAIR);
	lab_config(&l, suite_by_name("aes128-gcm16"), NULL);
	for (unsigned int spi = 0; spi <= 256; spi++) {
		l.config.spi = spi;
		setup_refused(&l.config, spi < 256 ? ESP_SETUP_SPI : ESP_SETUP_OK);
	}
	l.config.replay_window = REPLAY_WINDOW_MAX + 1;
	setup_refused(&l.config, ESP_SETUP_WINDOW);
	l.config.replay_window = 1;
	setup_refused(&l.config, ESP_SETUP_WINDOW);
	/* 3DES with two equal keys is DES, parity aside. */
	lab_config(&l, suite_by_name("3des-cbc"), suite_by_name("hmac-sha1-96"));
	memcpy(l.keys.encryption + 8, l.keys.encryption, 8);
	l.keys.encryption[8] ^= 1;
	setup_refused(&l.config, ESP_SETUP_3DES_DEGENERATE);
	lab_config(&l, suite_by_name("3des-cbc"), suite_by_name("hmac-sha1-96"));
	memcpy(l.keys.encryption + 16, l.keys.encryption + 8, 8);
	setup_refused(&l.config, ESP_SETUP_3DES_DEGENERATE);
	/* First and last equal is two-key 3DES, and stands. */
	lab_config(&l, suite_by_name("3des-cbc"), suite_by_name("hmac-sha1-96"));
	memcpy(l.keys.encryption + 16, l.keys.encryption, 8);
	setup_refused(&l.config, ESP_SETUP_OK);
	/* DES with a weak key is as weak as DES: the class says so, policy decides. */
	lab_config(&l, suite_by_name("des-cbc"), suite_by_name("hmac-sha1-96"));
	memset(l.keys.encryption, 0x01, 8);
	setup_refused(&l.config, ESP_SETUP_OK);
	assert_int_equal(suite_weaker(l.config.encryption, l.config.integrity), SUITE_WEAK);
}

static void
test_names(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ESP_STATUS_COUNT; i++)
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(esp_status_name(i), esp_status_name(j));
	for (uint32_t i = 0; i < ESP_SETUP_COUNT; i++)
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(esp_setup_name(i), esp_setup_name(j));
	assert_string_equal(esp_status_name(ESP_BAD_ICV), "bad-icv");
	assert_string_equal(esp_status_name(ESP_STATUS_COUNT), "unknown");
	assert_string_equal(esp_setup_name(ESP_SETUP_COUNT), "unknown");
	assert_null(esp_engine_create((enum esp_arch)99));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_octet_is_authentic),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_wrong_spi),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_last_number),
		cmocka_unit_test(test_limits_of_suites),
		cmocka_unit_test(test_byte_limits),
		cmocka_unit_test(test_packet_limits),
		cmocka_unit_test(test_bad_encapsulation),
		cmocka_unit_test(test_setup),
		cmocka_unit_test(test_names),
	};
	int failed;

	reference_init();
	lab_engine = esp_engine_create(ESP_ARCH_AUTO);
	if (!lab_engine)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	esp_engine_destroy(lab_engine);
	reference_fini();
	return failed;
}
