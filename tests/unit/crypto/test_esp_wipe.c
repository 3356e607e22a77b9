/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Secrets are gone when the SA is: keys, expanded keys and HMAC states are looked for in all the
 * memory of the process that can be written to, the library's managers and the stack included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/esp_internal.h"
#include "tests/unit/crypto/esp_lab.h"

#ifdef __SANITIZE_ADDRESS__
#define WHOLE_PROCESS false /* the shadow is terabytes: engine and managers only */
#else
#define WHOLE_PROCESS true
#endif

/* Pieces are kept masked, not to be found themselves. */
#define MASK       UINT64_C(0xa5c3965a3cf00f69)
#define PIECES_MAX 256
static uint64_t pieces[PIECES_MAX];
static unsigned int n_pieces;

/* Remembers each 8 octets of a secret, but for what is too plain to be told apart. */
static void
remember(const void *secret, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		/* Masked at once: what stays in this function's own frame would be found too. */
		uint64_t v = esp_load64((const uint8_t *)secret + i) ^ MASK;

		if (v == ~MASK || v >> 32 == MASK >> 32 || (v & UINT32_MAX) == (MASK & UINT32_MAX))
			continue;
		assert_true(n_pieces < PIECES_MAX);
		pieces[n_pieces++] = v;
	}
}

/* How many remembered pieces are in a range, at any multiple of 4. */
__attribute__((noinline)) static unsigned int
count_in(const uint8_t *p, size_t len)
{
	unsigned int found = 0;

	for (size_t i = 0; i + 8 <= len; i += 4) {
		uint64_t v = esp_load64(p + i) ^ MASK;

		for (unsigned int k = 0; k < n_pieces; k++)
			found += v == pieces[k];
	}
	return found;
}

static unsigned int
count_in_process(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned int found = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		uintptr_t from, to;
		char mode[8];

		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 &&
			strncmp(mode, "rw", 2) == 0)
			found += count_in((const uint8_t *)from, to - from);
	}
	fclose(maps);
	return found;
}

static unsigned int
count_all(const struct lab_sa *l)
{
	unsigned int found = count_in((const uint8_t *)lab_engine, sizeof(*lab_engine));

	if (WHOLE_PROCESS)
		return count_in_process();
	found += count_in((const uint8_t *)lab_engine->wide, imb_get_mb_mgr_size());
	found += count_in((const uint8_t *)lab_engine->narrow, imb_get_mb_mgr_size());
	found += count_in((const uint8_t *)l->in, l->in->size);
	return found;
}

/* Packets both ways, in numbers for either manager. */
static void
exercise(struct lab_sa *l)
{
	static const unsigned int counts[] = {1, 16, 21, 1};
	static uint8_t text[200];

	for (unsigned int k = 0; k < 4; k++) {
		struct esp_job jobs[21];

		for (unsigned int i = 0; i < counts[k]; i++)
			lab_clear(&jobs[i], l, text, sizeof(text) - i, 17);
		assert_int_equal(esp_encapsulate_burst(lab_engine, jobs, counts[k]), counts[k]);
		for (unsigned int i = 0; i < counts[k]; i++)
			jobs[i].sa = l->in;
		assert_int_equal(esp_decapsulate_burst(lab_engine, jobs, counts[k]), counts[k]);
		lab_free(jobs, counts[k]);
	}
}

static void
remember_sa(const struct esp_sa *sa)
{
	if (ESP_CIPHER_IS_GCM(sa->cipher)) {
		remember(sa->keys, lab_engine->gcm_keys_size);
	} else {
		remember(sa->keys, sizeof(struct esp_hmac_keys));
		if (sa->cipher <= ESP_CBC_256)
			remember(((const struct esp_cbc_keys *)(const void *)sa->keys)->round,
				15 * 16);
		else if (sa->cipher < ESP_NULL) {
			const struct esp_des_keys *keys = (const void *)sa->keys;

			remember(keys->schedule, sizeof(keys->schedule));
			remember(keys->scalar, sizeof(keys->scalar));
		}
	}
}

/* Transposed, no piece of them would be found. */
static void
check_lanes(void)
{
	const uint8_t *octets = (const uint8_t *)&lab_engine->des_keys;

	for (size_t i = 0; i < sizeof(lab_engine->des_keys); i++)
		assert_int_equal(octets[i], 0);
}

static void
one_pair(const char *encryption, const char *integrity)
{
	unsigned int before, after;
	struct lab_sa l;

	n_pieces = 0;
	lab_new_by_name(&l, encryption, integrity);
	exercise(&l);
	check_lanes();
	remember(l.keys.encryption, l.config.encryption->key_len);
	remember(l.keys.integrity, l.config.integrity_key_len);
	remember_sa(l.in);
	if (n_pieces + 60 < PIECES_MAX) /* GCM's are the same both ways */
		remember_sa(l.out);
	OPENSSL_cleanse(&l.keys, sizeof(l.keys));
	before = count_all(&l);
	assert_true(before >= n_pieces / 2); /* else this test finds nothing, ever */
	esp_sa_wipe(l.in);
	esp_sa_wipe(l.out);
	after = count_all(&l);
	if (after)
		fail_msg("%s %s: %u of %u pieces are still there", encryption,
			integrity ? integrity : "", after, n_pieces);
	free(l.in);
	free(l.out);
}

static void
test_wiped(void **state)
{
	(void)state;
	one_pair("aes128-gcm16", NULL);
	one_pair("aes256-gcm16", NULL);
	one_pair("aes128-cbc", "hmac-sha1-96");
	one_pair("aes192-cbc", "hmac-sha2-256-128");
	one_pair("aes256-cbc", "hmac-sha2-512-256");
	one_pair("3des-cbc", "hmac-md5-96");
	one_pair("des-cbc", "hmac-sha2-384-192");
	one_pair("null", "hmac-sha1-96");
}

/* The last of the tests with this engine: it stays forced. */
static void
test_wiped_des(void **state)
{
	(void)state;
	for (enum esp_des how = ESP_DES_LANES; how <= ESP_DES_SCALAR; how++) {
		esp_engine_force_des(lab_engine, how);
		one_pair("3des-cbc", "hmac-sha1-96");
		one_pair("des-cbc", "hmac-md5-96");
	}
}

/* The key of the IVs goes with the engine. */
static void
test_engine_wiped(void **state)
{
	struct esp_engine *e = esp_engine_create(ESP_ARCH_AUTO);

	(void)state;
	assert_non_null(e);
	n_pieces = 0;
	esp_iv_next(e);
	remember(e->ivs.round, 11 * 16);
	remember(e->ivs.iv, 256);
	assert_true(count_in((const uint8_t *)e, sizeof(*e)) >= n_pieces);
	esp_engine_destroy(e);
	if (WHOLE_PROCESS)
		assert_int_equal(count_in_process(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_wiped_des),
		cmocka_unit_test(test_engine_wiped),
	};
	int failed;

	lab_engine = esp_engine_create(ESP_ARCH_AUTO);
	if (!lab_engine)
		return 1;
	printf("IPsec-MB built with SAFE_DATA: %s\n",
		lab_engine->wide->features & IMB_FEATURE_SAFE_DATA ? "yes" : "no");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	esp_engine_destroy(lab_engine);
	return failed;
}
