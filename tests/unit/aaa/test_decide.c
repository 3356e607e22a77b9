/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/mschap.h"

#include "asker.h"

/* RFC 2759 section 9.2. */
static void
rfc2759_vector(void **state)
{
	struct ppp_credentials c = {.method = PPP_AUTH_MSCHAPV2,
		.user = "User",
		.challenge = {0x5B, 0x5D, 0x7C, 0x7D, 0x7B, 0x3F, 0x2F, 0x3E, 0x3C, 0x2C, 0x60,
			0x21, 0x32, 0x26, 0x26, 0x28},
		.challenge_len = 16,
		.peer_challenge = {0x21, 0x40, 0x23, 0x24, 0x25, 0x5E, 0x26, 0x2A, 0x28, 0x29, 0x5F,
			0x2B, 0x3A, 0x33, 0x7C, 0x7E},
		.response = {0x82, 0x30, 0x9E, 0xCD, 0x8D, 0x70, 0x8B, 0x5E, 0xA0, 0x8F, 0xAA, 0x39,
			0x81, 0xCD, 0x83, 0x54, 0x42, 0x33, 0x11, 0x4A, 0x3D, 0x85, 0xD6, 0xDF},
		.response_len = 24};
	/* RFC 3079 section 3.5.3. */
	static const uint8_t send_key[16] = {0x8b, 0x7c, 0xdc, 0x14, 0x9b, 0x99, 0x3a, 0x1b, 0xa1,
		0x18, 0xcb, 0x15, 0x3f, 0x56, 0xdc, 0xcb};

	(void)state;
	ask(&c, PEER, false);
	assert_int_equal(v.outcome, AAA_ACCEPT);
	assert_int_equal(v.keys.len, 16);
	assert_string_equal(v.authenticator_response, "407A5589115FD0D6209F510FE9C04566932CDA56");
	assert_memory_equal(v.keys.send, send_key, 16);
	assert_int_equal(v.grant.local_ip, FIRST);
	assert_int_equal(v.grant.peer_ip, FIRST + 1);
	assert_int_equal(v.grant.dns[0], 0x08080808);
	assert_int_equal(v.grant.wins[1], 0x0a0000fe);
	assert_int_equal(v.grant.mppe_policy, PPP_MPPE_REQUIRE);
	assert_int_equal(v.grant.mppe_mode, PPP_MPPE_PREFER_STATELESS);
	assert_int_equal(v.grant.mppe_strengths, PPP_MPPE_128);
	assert_int_equal(v.grant.mppe_refused_weak, PPP_MPPE_40 | PPP_MPPE_56);
	assert_int_equal(pool_used(pool), 1);
	aaa_release(aaa, v.grant.peer_ip);
	assert_int_equal(pool_used(pool), 0);
}

static void
names_and_passwords(void **state)
{
	(void)state;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "CORP\\uSER", "clientPass"), REFUSAL_NONE);
	assert_string_equal(v.user, "User"); /* T22: as configured */
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "nobody", "clientPass"), REFUSAL_UNKNOWN_USER);
	assert_int_equal(decide_from(2, PPP_AUTH_MSCHAPV2, "", "clientPass"), REFUSAL_UNKNOWN_USER);
	assert_int_equal(decide_from(3, PPP_AUTH_MSCHAPV2, "nobody", "no user has it"),
		REFUSAL_UNKNOWN_USER);
	assert_int_equal(
		decide_from(4, PPP_AUTH_MSCHAPV2, "User", "clientpass"), REFUSAL_WRONG_PASSWORD);
	assert_int_equal(decide_from(5, PPP_AUTH_PAP, "User", "clientPas"), REFUSAL_WRONG_PASSWORD);
	assert_int_equal(decide_from(6, PPP_AUTH_PAP, "long", ""), REFUSAL_WRONG_PASSWORD);
	assert_int_equal(decide_from(7, PPP_AUTH_CHAP_MD5, "long", "x"), REFUSAL_WRONG_PASSWORD);
	assert_int_equal(pool_used(pool), 1);
}

/* pppd takes octets for characters, others take the password for the UTF-8 that it is. */
static void
not_ascii(void **state)
{
	static const enum ppp_auth kinds[] = {PPP_AUTH_MSCHAPV2, PPP_AUTH_MSCHAPV1};
	static const char widened[] = "contrase\xc3\x83\xc2\xb1"
				      "a";
	struct user user = base("jose");
	char password[] = "contrase\xc3\xb1"
			  "a";
	uint8_t hash[16];

	(void)state;
	user.password = password;
	assert_int_equal(users_add(users, &user), 0);
	aaa_settings(aaa)->allow_weak_crypto = true;
	aaa_settings(aaa)->mppe_policy = PPP_MPPE_ALLOW;
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(decide(kinds[i], "jose", password), REFUSAL_NONE);
		assert_int_equal(decide(kinds[i], "jose", widened), REFUSAL_NONE);
		/* The keys are of the hash that the client used. */
		assert_int_equal(mschap_nt_hash(widened, hash), 0);
		assert_int_equal(mschap_hash_hash(hash, hash), 0);
		if (kinds[i] == PPP_AUTH_MSCHAPV2) {
			struct ppp_credentials c = credentials(kinds[i], "jose", widened);
			uint8_t send[16], recv[16];

			mppe_keys_mschapv2(hash, c.response, true, MPPE_128, send, recv);
			assert_memory_equal(v.keys.send, send, 16);
			assert_memory_equal(v.keys.recv, recv, 16);
		}
		assert_int_equal(decide(kinds[i], "jose", "contrasena"), REFUSAL_WRONG_PASSWORD);
	}
}

static void
short_responses(void **state)
{
	static const enum ppp_auth methods[] = {
		PPP_AUTH_MSCHAPV2, PPP_AUTH_MSCHAPV1, PPP_AUTH_CHAP_MD5};
	unsigned int i;

	(void)state;
	aaa_settings(aaa)->lockout_failures = 0;
	for (i = 0; i < 3; i++) {
		struct ppp_credentials c = credentials(methods[i], "User", "clientPass");

		c.response_len--;
		ask(&c, PEER, false);
		assert_int_equal(v.refusal, REFUSAL_WRONG_PASSWORD);
	}
}

/* Permission is told only to whoever knows the password. */
static void
dial_in(void **state)
{
	(void)state;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "denied", "clientPass"), REFUSAL_DIALIN_DENIED);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "denied", "wrong"), REFUSAL_WRONG_PASSWORD);
	assert_int_equal(pool_used(pool), 0);
}

/* Inside IPsec MPPE is not used, so no method is refused for want of its keys, and none are made
 * (T2). */
static void
encrypted_links(void **state)
{
	static const enum ppp_auth kinds[] = {PPP_AUTH_MSCHAPV2, PPP_AUTH_PAP};
	unsigned int i;

	(void)state;
	aaa_settings(aaa)->mppe_policy = PPP_MPPE_REQUIRE;
	for (i = 0; i < 2; i++) {
		struct ppp_credentials c = credentials(kinds[i], i ? "pap" : "User", "clientPass");

		ask(&c, PEER, true);
		assert_int_equal(v.outcome, AAA_ACCEPT);
		assert_int_equal(v.grant.mppe_policy, PPP_MPPE_FORBID);
		assert_int_equal(v.grant.mppe_strengths, 0);
		assert_int_equal(v.keys.len, 0);
		aaa_release(aaa, v.grant.peer_ip);
	}
}

static void
methods(void **state)
{
	(void)state;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "pap", "clientPass"), REFUSAL_NO_COMMON_AUTH);
	assert_int_equal(decide(PPP_AUTH_PAP, "pap", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.keys.len, 0);
	assert_int_equal(v.grant.mppe_policy, PPP_MPPE_FORBID);
	aaa_settings(aaa)->auth = PPP_AUTH_MSCHAPV2;
	assert_int_equal(decide(PPP_AUTH_CHAP_MD5, "User", "clientPass"), REFUSAL_NO_COMMON_AUTH);
}

static void
encryption_needs_keys(void **state)
{
	(void)state;
	assert_int_equal(
		decide(PPP_AUTH_PAP, "User", "clientPass"), REFUSAL_ENCRYPTION_NEEDS_MSCHAP);
	assert_int_equal(
		decide(PPP_AUTH_CHAP_MD5, "User", "clientPass"), REFUSAL_ENCRYPTION_NEEDS_MSCHAP);
	aaa_settings(aaa)->mppe_policy = PPP_MPPE_ALLOW;
	assert_int_equal(decide(PPP_AUTH_CHAP_MD5, "User", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.grant.mppe_policy, PPP_MPPE_FORBID);
	assert_int_equal(v.grant.mppe_strengths, 0);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.grant.mppe_policy, PPP_MPPE_ALLOW);
	assert_int_equal(v.keys.len, 16);
	aaa_settings(aaa)->mppe_policy = PPP_MPPE_FORBID;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.keys.len, 0);
}

/* R2, T16: the switch counts at the moment of the decision. */
static void
weak_switch(void **state)
{
	struct aaa_settings *s = aaa_settings(aaa);

	(void)state;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "weak", "clientPass"), REFUSAL_WEAK_CRYPTO_OFF);
	assert_int_equal(pool_used(pool), 0);
	s->allow_weak_crypto = true;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "weak", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.grant.mppe_strengths, PPP_MPPE_40);
	assert_int_equal(v.grant.mppe_refused_weak, 0);
	assert_int_equal(v.grant.mppe_mode, PPP_MPPE_PREFER_STATEFUL);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.grant.mppe_strengths, ALL);
	s->allow_weak_crypto = false;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "weak", "clientPass"), REFUSAL_WEAK_CRYPTO_OFF);
	s->mppe_policy = PPP_MPPE_ALLOW; /* rather no encryption than weak encryption */
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "weak", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.grant.mppe_policy, PPP_MPPE_FORBID);
	assert_int_equal(v.grant.mppe_strengths, 0);
	s->mppe_policy = PPP_MPPE_REQUIRE;
	s->mppe_strengths = 0;
	assert_int_equal(
		decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NO_COMMON_ENCRYPTION);
}

static void
mschapv1(void **state)
{
	struct ppp_credentials c = credentials(PPP_AUTH_MSCHAPV1, "User", "clientPass");
	uint8_t lm[16];

	(void)state;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV1, "User", "clientPass"), REFUSAL_NO_COMMON_AUTH);
	aaa_settings(aaa)->allow_weak_crypto = true;
	/* T2: it has one key for both directions, so there is no MPPE with it. */
	assert_int_equal(
		decide(PPP_AUTH_MSCHAPV1, "User", "clientPass"), REFUSAL_ENCRYPTION_NEEDS_MSCHAP);
	aaa_settings(aaa)->mppe_policy = PPP_MPPE_ALLOW;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV1, "User", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.keys.len, 0);
	assert_int_equal(v.grant.mppe_policy, PPP_MPPE_FORBID);
	assert_string_equal(v.authenticator_response, "");
	assert_int_equal(mschap_lm_hash("clientPass", lm), 0);
	/* An LM response, flagged as such; and one that the flag does not name. */
	memset(c.response, 0, sizeof(c.response));
	assert_int_equal(mschap_challenge_response(c.challenge, lm, c.response), 0);
	ask(&c, PEER, false);
	assert_int_equal(v.outcome, AAA_ACCEPT);
	c.response[48] = 1;
	ask(&c, PEER, false);
	assert_int_equal(v.refusal, REFUSAL_WRONG_PASSWORD);
	/* LM sees 14 characters: it vouches for no longer password. */
	assert_int_equal(
		decide(PPP_AUTH_MSCHAPV1, "long", "much longer than LM can see"), REFUSAL_NONE);
	c = credentials(PPP_AUTH_MSCHAPV1, "long", "x");
	memset(c.response, 0, sizeof(c.response));
	if (mschap_lm_hash("much longer th", lm) == 0)
		mschap_challenge_response(c.challenge, lm, c.response);
	ask(&c, PEER, false);
	assert_int_equal(v.refusal, REFUSAL_WRONG_PASSWORD);
}

static void
addresses(void **state)
{
	(void)state;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "fixed", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.grant.peer_ip, FIRST + 2);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "fixed", "clientPass"), REFUSAL_ADDRESS_IN_USE);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "outside", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.grant.peer_ip, 0xc6336401);
	assert_int_equal(v.grant.local_ip, FIRST);
	assert_int_equal(
		decide(PPP_AUTH_MSCHAPV2, "outside", "clientPass"), REFUSAL_ADDRESS_IN_USE);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "server", "clientPass"), REFUSAL_ADDRESS_IN_USE);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.grant.peer_ip, FIRST + 1);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.grant.peer_ip, FIRST + 3);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_POOL_EMPTY);
	aaa_release(aaa, FIRST + 1);
	aaa_release(aaa, 0xc6336401);
	aaa_release(aaa, 0xc6336402);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "outside", "clientPass"), REFUSAL_NONE);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.grant.peer_ip, FIRST + 1);
}

/* T24: whoever comes first does not take what is promised to one. */
static void
static_address_is_kept(void **state)
{
	(void)state;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	assert_int_equal(
		decide(PPP_AUTH_MSCHAPV2, "long", "much longer than LM can see"), REFUSAL_NONE);
	assert_int_equal(v.grant.peer_ip, FIRST + 3);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_POOL_EMPTY);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "fixed", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.grant.peer_ip, FIRST + 2);
	aaa_release(aaa, FIRST + 2);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_POOL_EMPTY);
	assert_string_equal(aaa_reserved_for(aaa, FIRST + 2), "fixed");
	assert_null(aaa_reserved_for(aaa, FIRST + 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rfc2759_vector, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_and_passwords, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_ascii, set_up, tear_down),
		cmocka_unit_test_setup_teardown(short_responses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dial_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(encrypted_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(methods, set_up, tear_down),
		cmocka_unit_test_setup_teardown(encryption_needs_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(weak_switch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(mschapv1, set_up, tear_down),
		cmocka_unit_test_setup_teardown(addresses, set_up_small, tear_down),
		cmocka_unit_test_setup_teardown(static_address_is_kept, set_up_small, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
