/* SPDX-License-Identifier: BSD-3-Clause */
/* Proposals come from the suite table, strongest first; weak ones with the switch only (R2,
 * D12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "control/ike/config.h"
#include "control/ike/proposal.h"

static struct {
	char text[512][PROPOSAL_MAX];
	unsigned int n;
} all;

static void
take(void *arg, const char *proposal)
{
	(void)arg;
	for (unsigned int i = 0; i < all.n; i++)
		assert_string_not_equal(all.text[i], proposal);
	assert_true(all.n < 512);
	strcpy(all.text[all.n++], proposal);
}

static int
place(const char *proposal)
{
	for (unsigned int i = 0; i < all.n; i++)
		if (strcmp(all.text[i], proposal) == 0)
			return (int)i;
	return -1;
}

static bool
any_has(const char *word)
{
	for (unsigned int i = 0; i < all.n; i++)
		if (strstr(all.text[i], word))
			return true;
	return false;
}

static void
test_esp(void **state)
{
	(void)state;
	all.n = 0;
	proposals_esp(SUITE_LEGACY, false, take, NULL);
	assert_int_equal(place("aes256gcm16"), 0);
	assert_true(place("aes128-sha1") > place("aes128-sha256"));
	assert_true(place("3des-sha1") > 0);
	assert_false(any_has("md5") || any_has("des-") != any_has("3des-") || any_has("null"));
	assert_int_equal(place("des-md5"), -1);
	assert_int_equal(place("des-sha1"), -1);
	assert_int_equal(place("aes128gcm16-sha1"), -1); /* an AEAD stands alone */
	assert_false(any_has("sha256_96"));              /* a setting of the connection's (D3) */
	all.n = 0;
	proposals_esp(SUITE_STRONG, false, take, NULL);
	assert_true(place("aes128-sha256") >= 0);
	assert_false(any_has("sha1") || any_has("3des") || any_has("gcm8"));
	/* The switch lets weak ones in, behind all others. */
	all.n = 0;
	proposals_esp(SUITE_LEGACY, true, take, NULL);
	assert_true(place("des-md5") > place("3des-sha1"));
	assert_true(place("aes128-md5") > place("aes128-sha1"));
	assert_false(any_has("null"));
}

/* F1: clients that ask for PFS (libreswan, RouterOS, NetworkManager-l2tp) get the group they name,
 * as strong as IKE's have to be, and those that don't ask need none. */
static void
test_esp_groups(void **state)
{
	static const char *const ciphers[] = {"aes256gcm16", "aes128-sha1", "3des-sha1"};
	(void)state;
	all.n = 0;
	proposals_esp(SUITE_LEGACY, false, take, NULL);
	for (unsigned int i = 0; i < 3; i++) {
		int plain = place(ciphers[i]);
		const char *with = all.text[plain + 1];
		assert_true(plain >= 0);
		assert_memory_equal(with, ciphers[i], strlen(ciphers[i]));
		assert_non_null(strstr(with, "-ecp256-"));
		assert_non_null(strstr(with, "-modp2048-"));
		assert_non_null(strstr(with, "-modp1024"));
		assert_true(strstr(with, "-modp2048") < strstr(with, "-modp1024"));
	}
	assert_false(any_has("modp768"));
	all.n = 0;
	proposals_esp(SUITE_STRONG, false, take, NULL);
	assert_true(any_has("aes128-sha256-") && any_has("modp2048"));
	assert_false(any_has("modp1024") || any_has("modp1536"));
	all.n = 0;
	proposals_esp(SUITE_LEGACY, true, take, NULL);
	assert_true(any_has("des-md5-") && any_has("-modp768"));
}

static void
test_ike(void **state)
{
	(void)state;
	all.n = 0;
	proposals_ike(SUITE_LEGACY, false, take, NULL);
	assert_true(place("aes256-sha256-modp2048") >= 0);
	assert_true(place("aes128-sha1-modp2048") > place("aes256-sha256-modp2048"));
	assert_true(place("3des-sha1-modp1024") > 0); /* Windows XP */
	assert_true(place("aes256-sha1-ecp384") > 0); /* Windows 10 */
	assert_false(
		any_has("gcm") || any_has("md5") || any_has("modp768") || any_has("sha256_96"));
	all.n = 0;
	proposals_ike(SUITE_STRONG, false, take, NULL);
	assert_false(any_has("sha1") || any_has("3des") || any_has("modp1024"));
	all.n = 0;
	proposals_ike(SUITE_LEGACY, true, take, NULL);
	assert_true(place("des-md5-modp768") > place("3des-sha1-modp1024"));
}

static void
test_psk_bits(void **state)
{
	(void)state;
	assert_int_equal(ike_psk_bits(""), 0);
	assert_int_equal(ike_psk_bits("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 0);
	assert_int_equal(ike_psk_bits("abcabcabcabcabcabcabcabcabcabcabc"), 0);
	assert_true(ike_psk_bits("password123") < IKE_PSK_MIN_BIT);
	assert_true(ike_psk_bits("12345678901234567890") < IKE_PSK_MIN_BIT);
	assert_true(ike_psk_bits("lab-Secret-psk-01") >= IKE_PSK_MIN_BIT);
	assert_true(ike_psk_bits("thequickbrownfoxjumps") >= IKE_PSK_MIN_BIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_esp),
		cmocka_unit_test(test_esp_groups),
		cmocka_unit_test(test_ike),
		cmocka_unit_test(test_psk_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
