/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

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

/* What holds for every row, whoever adds one. */
static void
test_walk(void **state)
{
	const struct suite *before = suite_at(0);
	size_t n = 0;

	(void)state;
	for (const struct suite *s; (s = suite_at(n)) != NULL; n++) {
		assert_ptr_equal(suite_by_name(s->name), s);
		assert_true(s->kind > before->kind ||
			    (s->kind == before->kind && s->strength <= before->strength));
		before = s;
		if (s->kind != SUITE_GROUP)
			assert_true(s->key_len * 8 >= s->key_bits);
		assert_true(s->key_len <= SUITE_KEY_MAX);
		assert_true(s->icv_len <= SUITE_ICV_MAX);
		assert_int_equal(s->keyword == NULL, s->kind == SUITE_MPPE);
		if (s->keyword)
			assert_ptr_equal(suite_by_ikev2(s->kind, s->ikev2, s->ike_bits), s);
		if (s->kind == SUITE_ENCRYPTION) {
			assert_true(s->block_len > 0);
			/* T15: blocks of 64 bits, and only they, have a limit. */
			assert_int_equal(s->max_bytes != 0, s->block_len == 8);
		}
	}
	assert_int_equal(n, 3 + 13 + 6 + 10);
	assert_string_equal(suite_class_name(SUITE_WEAK), "weak");
	assert_string_equal(suite_class_name(SUITE_LEGACY), "legacy");
	assert_string_equal(suite_class_name(SUITE_STRONG), "strong");
	assert_string_equal(suite_class_name((enum suite_class)7), "unknown");
}

/* Numbers and sizes against the registries, typed a second time. */
static void
test_registry(void **state)
{
	static const struct {
		const char *keyword;
		unsigned int kind, ikev2, bits, key_len, iv_len, block_len, icv_len, strength;
	} rows[] = {
		{"aes128gcm16", SUITE_ENCRYPTION, 20, 128, 20, 8, 1, 16, SUITE_STRONG},
		{"aes256gcm16", SUITE_ENCRYPTION, 20, 256, 36, 8, 1, 16, SUITE_STRONG},
		{"aes128gcm12", SUITE_ENCRYPTION, 19, 128, 20, 8, 1, 12, SUITE_LEGACY},
		{"aes256gcm8", SUITE_ENCRYPTION, 18, 256, 36, 8, 1, 8, SUITE_LEGACY},
		{"aes128", SUITE_ENCRYPTION, 12, 128, 16, 16, 16, 0, SUITE_STRONG},
		{"aes192", SUITE_ENCRYPTION, 12, 192, 24, 16, 16, 0, SUITE_STRONG},
		{"aes256", SUITE_ENCRYPTION, 12, 256, 32, 16, 16, 0, SUITE_STRONG},
		{"3des", SUITE_ENCRYPTION, 3, 0, 24, 8, 8, 0, SUITE_LEGACY},
		{"des", SUITE_ENCRYPTION, 2, 0, 8, 8, 8, 0, SUITE_WEAK},
		{"null", SUITE_ENCRYPTION, 11, 0, 0, 0, 1, 0, SUITE_WEAK},
		{"sha512", SUITE_INTEGRITY, 14, 0, 64, 0, 0, 32, SUITE_STRONG},
		{"sha384", SUITE_INTEGRITY, 13, 0, 48, 0, 0, 24, SUITE_STRONG},
		{"sha256", SUITE_INTEGRITY, 12, 0, 32, 0, 0, 16, SUITE_STRONG},
		{"sha256_96", SUITE_INTEGRITY, 1026, 0, 32, 0, 0, 12, SUITE_LEGACY},
		{"sha1", SUITE_INTEGRITY, 2, 0, 20, 0, 0, 12, SUITE_LEGACY},
		{"md5", SUITE_INTEGRITY, 1, 0, 16, 0, 0, 12, SUITE_WEAK},
		{"modp2048", SUITE_GROUP, 14, 0, 0, 0, 0, 0, SUITE_STRONG},
		{"modp768", SUITE_GROUP, 1, 0, 0, 0, 0, 0, SUITE_WEAK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct suite *s = suite_by_ikev2(rows[i].kind, rows[i].ikev2, rows[i].bits);

		assert_non_null(s);
		assert_string_equal(s->keyword, rows[i].keyword);
		assert_int_equal(s->key_len, rows[i].key_len);
		assert_int_equal(s->iv_len, rows[i].iv_len);
		assert_int_equal(s->block_len, rows[i].block_len);
		assert_int_equal(s->icv_len, rows[i].icv_len);
		assert_int_equal(s->strength, rows[i].strength);
	}
	assert_null(suite_by_ikev2(SUITE_ENCRYPTION, 12, 0)); /* AES without its key length */
	assert_null(suite_by_ikev2(SUITE_ENCRYPTION, 12, 512));
	assert_null(suite_by_ikev2(SUITE_ENCRYPTION, 0, 0));
	assert_null(suite_by_ikev2(SUITE_MPPE, 0, 0));
	/* A size that comes with an algorithm of one size only is charon's way, and ignored. */
	assert_ptr_equal(suite_by_ikev2(SUITE_INTEGRITY, 2, 160), suite_by_name("hmac-sha1-96"));
	/* IKEv1: RFC 2407 4.4.4 and 4.5.  The 96-bit truncation of SHA2-256 has no number (D3). */
	assert_int_equal(suite_by_name("hmac-sha1-96")->ikev1, 2);
	assert_int_equal(suite_by_name("hmac-sha2-256-128")->ikev1, 5);
	assert_int_equal(suite_by_name("hmac-sha2-256-96")->ikev1, 0);
	assert_int_equal(suite_by_name("aes256-cbc")->ikev1, 12);
}

static void
test_pairs(void **state)
{
	const struct suite *gcm = suite_by_name("aes128-gcm16"), *cbc = suite_by_name("aes128-cbc"),
			   *des = suite_by_name("des-cbc"), *sha1 = suite_by_name("hmac-sha1-96"),
			   *md5 = suite_by_name("hmac-md5-96"), *null = suite_by_name("null");

	(void)state;
	assert_true(suite_pair_is_valid(gcm, NULL));
	assert_false(suite_pair_is_valid(gcm, sha1));
	assert_true(suite_pair_is_valid(cbc, sha1));
	assert_false(suite_pair_is_valid(cbc, NULL));
	assert_false(suite_pair_is_valid(null, NULL));
	assert_true(suite_pair_is_valid(null, sha1));
	assert_false(suite_pair_is_valid(NULL, sha1));
	assert_false(suite_pair_is_valid(sha1, cbc));
	assert_false(suite_pair_is_valid(cbc, cbc));
	assert_false(suite_pair_is_valid(suite_by_name("mppe-128"), NULL));
	/* R2: one weak half makes the pair weak. */
	assert_int_equal(suite_weaker(gcm, NULL), SUITE_STRONG);
	assert_int_equal(suite_weaker(cbc, sha1), SUITE_LEGACY);
	assert_int_equal(suite_weaker(cbc, md5), SUITE_WEAK);
	assert_int_equal(suite_weaker(des, sha1), SUITE_WEAK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mppe_rooms),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_registry),
		cmocka_unit_test(test_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
