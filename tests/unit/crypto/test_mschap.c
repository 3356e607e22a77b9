/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "crypto/mschap.h"

/* RFC 2759 section 9.2. */
static const uint8_t auth_challenge[16] = {0x5b, 0x5d, 0x7c, 0x7d, 0x7b, 0x3f, 0x2f, 0x3e, 0x3c,
	0x2c, 0x60, 0x21, 0x32, 0x26, 0x26, 0x28};
static const uint8_t peer_challenge[16] = {0x21, 0x40, 0x23, 0x24, 0x25, 0x5e, 0x26, 0x2a, 0x28,
	0x29, 0x5f, 0x2b, 0x3a, 0x33, 0x7c, 0x7e};
static const uint8_t v2_challenge[8] = {0xd0, 0x2e, 0x43, 0x86, 0xbc, 0xe9, 0x12, 0x26};
static const uint8_t v2_response[24] = {0x82, 0x30, 0x9e, 0xcd, 0x8d, 0x70, 0x8b, 0x5e, 0xa0, 0x8f,
	0xaa, 0x39, 0x81, 0xcd, 0x83, 0x54, 0x42, 0x33, 0x11, 0x4a, 0x3d, 0x85, 0xd6, 0xdf};
static const uint8_t nt_hash[16] = {0x44, 0xeb, 0xba, 0x8d, 0x53, 0x12, 0xb8, 0xd6, 0x11, 0x47,
	0x44, 0x11, 0xf5, 0x69, 0x89, 0xae};
static const uint8_t nt_hash_hash[16] = {0x41, 0xc0, 0x0c, 0x58, 0x4b, 0xd2, 0xd9, 0x1c, 0x40, 0x17,
	0xa2, 0xa1, 0x2f, 0xa5, 0x9f, 0x3f};

static int
setup(void **state)
{
	char err[160];

	(void)state;
	return mschap_init(err, sizeof(err)) || mschap_init(err, sizeof(err));
}

static int
teardown(void **state)
{
	uint8_t out[16];

	(void)state;
	mschap_fini();
	return mschap_nt_hash("x", out) == -EIO ? 0 : -1; /* refused, not crashed */
}

static void
test_hashes(void **state)
{
	static const uint8_t lm[16] = {0x76, 0xa1, 0x52, 0x93, 0x60, 0x96, 0xd7, 0x83, 0x0e, 0x23,
		0x90, 0x22, 0x74, 0x04, 0xaf, 0xd2};
	uint8_t out[16];

	(void)state;
	assert_int_equal(mschap_nt_hash("clientPass", out), 0);
	assert_memory_equal(out, nt_hash, 16);
	assert_int_equal(mschap_hash_hash(nt_hash, out), 0);
	assert_memory_equal(out, nt_hash_hash, 16);
	assert_int_equal(mschap_lm_hash("clientPass", out), 0);
	assert_memory_equal(out, lm, 16);
	assert_int_equal(mschap_lm_hash("CLIENTpass", out), 0);
	assert_memory_equal(out, lm, 16);
	assert_int_equal(mschap_lm_hash("p\xc3\xa4ss", out), -EINVAL);
}

static void
test_utf8(void **state)
{
	/* NT hashes of the empty password and of U+00FC U+20AC U+1F511, by an independent MD4. */
	static const uint8_t empty[16] = {0x31, 0xd6, 0xcf, 0xe0, 0xd1, 0x6a, 0xe9, 0x31, 0xb7,
		0x3c, 0x59, 0xd7, 0xe0, 0xc0, 0x89, 0xc0};
	static const uint8_t wide[16] = {0x48, 0x1c, 0x4a, 0x72, 0x3d, 0x2a, 0xc3, 0xa7, 0xdb, 0x57,
		0xed, 0xc8, 0x86, 0xca, 0xe8, 0xb4};
	static const char *const bad[] = {
		"\x80",             /* lone continuation */
		"a\xc3",            /* cut short */
		"\xe2\x82",         /* cut short */
		"\xc0\xaf",         /* overlong */
		"\xe0\x80\xaf",     /* overlong */
		"\xf0\x80\x80\xaf", /* overlong */
		"\xed\xa0\x80",     /* surrogate */
		"\xf4\x90\x80\x80", /* beyond U+10FFFF */
		"\xff",
		"\xf8\x88\x80\x80\x80",
	};
	char longest[258];
	uint8_t out[16];

	(void)state;
	char long_one[258];
	assert_int_equal(mschap_nt_hash_octets("clientPass", out), 0);
	assert_memory_equal(out, nt_hash, 16);
	memset(long_one, 0xff, sizeof(long_one));
	long_one[257] = '\0';
	assert_int_equal(mschap_nt_hash_octets(long_one, out), -EINVAL);
	long_one[256] = '\0';
	assert_int_equal(mschap_nt_hash_octets(long_one, out), 0);
	assert_int_equal(mschap_nt_hash("", out), 0);
	assert_memory_equal(out, empty, 16);
	assert_int_equal(mschap_nt_hash("\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91", out), 0);
	assert_memory_equal(out, wide, 16);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(mschap_nt_hash(bad[i], out), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[257] = '\0';
	assert_int_equal(mschap_nt_hash(longest, out), -EINVAL);
	longest[256] = '\0';
	assert_int_equal(mschap_nt_hash(longest, out), 0);
	/* A surrogate pair that does not fit in the last unit. */
	memcpy(longest + 255, "\xf0", 2);
	assert_int_equal(mschap_nt_hash(longest, out), -EINVAL);
}

static void
test_mschapv2(void **state)
{
	uint8_t challenge[8], response[24];
	char auth[MSCHAP_AUTH_RESPONSE_LEN + 1];

	(void)state;
	assert_int_equal(
		mschap_challenge_hash(peer_challenge, auth_challenge, "User", 4, challenge), 0);
	assert_memory_equal(challenge, v2_challenge, 8);
	assert_int_equal(
		mschapv2_nt_response(auth_challenge, peer_challenge, "User", nt_hash, response), 0);
	assert_memory_equal(response, v2_response, 24);
	assert_int_equal(mschapv2_authenticator_response(nt_hash, v2_response, auth_challenge,
				 peer_challenge, "User", auth),
		0);
	assert_string_equal(auth, "407A5589115FD0D6209F510FE9C04566932CDA56");

	assert_true(mschapv2_verify(auth_challenge, peer_challenge, "User", nt_hash, response));
	assert_true(
		mschapv2_verify(auth_challenge, peer_challenge, "ACME\\User", nt_hash, response));
	assert_false(mschapv2_verify(auth_challenge, peer_challenge, "user", nt_hash, response));
	assert_false(mschapv2_verify(peer_challenge, auth_challenge, "User", nt_hash, response));
	for (size_t i = 0; i < sizeof(response); i++) {
		response[i] ^= 1;
		assert_false(
			mschapv2_verify(auth_challenge, peer_challenge, "User", nt_hash, response));
		response[i] ^= 1;
	}
}

/* RFC 2433 appendix B.2. */
static void
test_mschapv1(void **state)
{
	static const uint8_t challenge[8] = {0x10, 0x2d, 0xb5, 0xdf, 0x08, 0x5d, 0x30, 0x41};
	static const uint8_t hash[16] = {0xfc, 0x15, 0x6a, 0xf7, 0xed, 0xcd, 0x6c, 0x0e, 0xdd, 0xe3,
		0x33, 0x7d, 0x42, 0x7f, 0x4e, 0xac};
	static const uint8_t right[24] = {0x4e, 0x9d, 0x3c, 0x8f, 0x9c, 0xfd, 0x38, 0x5d, 0x5b,
		0xf4, 0xd3, 0x24, 0x67, 0x91, 0x95, 0x6c, 0xa4, 0xc3, 0x51, 0xab, 0x40, 0x9a, 0x3d,
		0x61};
	uint8_t out[24], nt[16], lm[16];

	(void)state;
	assert_int_equal(mschap_nt_hash("MyPw", nt), 0);
	assert_memory_equal(nt, hash, 16);
	assert_int_equal(mschap_challenge_response(challenge, nt, out), 0);
	assert_memory_equal(out, right, 24);
	assert_true(mschapv1_verify(challenge, nt, right));
	assert_int_equal(mschap_lm_hash("MyPw", lm), 0);
	assert_false(mschapv1_verify(challenge, lm, right));
	assert_int_equal(mschap_challenge_response(challenge, lm, out), 0);
	assert_true(mschapv1_verify(challenge, lm, out));
	out[23] ^= 0x80;
	assert_false(mschapv1_verify(challenge, lm, out));
}

static void
test_chap_md5(void **state)
{
	static const uint8_t challenge[4] = "dcba";
	/* MD5("\x01" "secret" "dcba"), by an independent MD5. */
	static const uint8_t right[16] = {0x76, 0x9e, 0xd8, 0xb4, 0xff, 0xaa, 0x1a, 0x27, 0xca,
		0x37, 0xc6, 0xbe, 0x18, 0xa6, 0x11, 0x53};
	uint8_t out[16];

	(void)state;
	assert_int_equal(chap_md5_response(1, "secret", challenge, 4, out), 0);
	assert_memory_equal(out, right, 16);
	assert_true(chap_md5_verify(1, "secret", challenge, 4, right));
	assert_false(chap_md5_verify(2, "secret", challenge, 4, right));
	assert_false(chap_md5_verify(1, "secreT", challenge, 4, right));
	assert_false(chap_md5_verify(1, "secret", challenge, 3, right));
	assert_int_equal(chap_md5_response(1, "", challenge, 0, out), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_mschapv2),
		cmocka_unit_test(test_mschapv1),
		cmocka_unit_test(test_chap_md5),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
