/* SPDX-License-Identifier: BSD-3-Clause */
/* What decisions say to those who guess (T1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "asker.h"

/* T1: for a user at an address, and only there. */
static void
user_lockout(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "x"), REFUSAL_WRONG_PASSWORD);
	/* With the right password, too. */
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "user", "clientPass"), REFUSAL_LOCKED_OUT);
	assert_int_equal(decide(PPP_AUTH_PAP, "DOM\\USER", "clientPass"), REFUSAL_LOCKED_OUT);
	assert_int_equal(decide_from(9, PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	now += 59999;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "x"), REFUSAL_LOCKED_OUT);
	now += 1; /* attempts meanwhile did not prolong it */
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	/* A success forgives what the user failed before. */
	decide(PPP_AUTH_MSCHAPV2, "User", "x");
	decide(PPP_AUTH_MSCHAPV2, "User", "x");
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "x"), REFUSAL_WRONG_PASSWORD);
	decide(PPP_AUTH_MSCHAPV2, "User", "x");
	decide(PPP_AUTH_MSCHAPV2, "User", "x");
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "x"), REFUSAL_LOCKED_OUT);
	aaa_settings(aaa)->lockout_failures = 0; /* the operator turns it off */
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
}

/* T1, T24: a neighbour behind the same NAT, or somebody far away, may fail as often as he likes. */
static void
neighbours(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "nobody", "x"), REFUSAL_UNKNOWN_USER);
		decide(PPP_AUTH_MSCHAPV2, "long", "x");
		decide_from(PEER + 1, PPP_AUTH_MSCHAPV2, "User", "x");
	}
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	assert_string_equal(v.user, "User");
}

/* T1: whoever has not proved that he knows the password hears one thing: that he may try again. */
static void
t1_one_outcome(void **state)
{
	static const enum ppp_auth ms[] = {PPP_AUTH_MSCHAPV2, PPP_AUTH_MSCHAPV1};
	unsigned int i;

	(void)state;
	aaa_settings(aaa)->allow_weak_crypto = true;
	aaa_settings(aaa)->lockout_failures = 1;
	for (i = 0; i < 2; i++) {
		uint32_t peer = PEER + i;

		assert_int_equal(decide_from(peer, ms[i], "User", "x"), REFUSAL_WRONG_PASSWORD);
		assert_int_equal(v.outcome, AAA_CONTINUE);
		assert_int_equal(v.next, AAA_NEXT_PROOF);
		assert_int_equal(decide_from(peer, ms[i], "User", "x"), REFUSAL_LOCKED_OUT);
		assert_int_equal(v.outcome, AAA_CONTINUE);
		assert_int_equal(
			decide_from(peer, ms[i], "User", "clientPass"), REFUSAL_LOCKED_OUT);
		assert_int_equal(v.outcome, AAA_CONTINUE);
		assert_int_equal(decide_from(peer, ms[i], "nobody", "x"), REFUSAL_UNKNOWN_USER);
		assert_int_equal(v.outcome, AAA_CONTINUE);
		/* Denied is who has proved it. */
		assert_int_equal(
			decide_from(peer, ms[i], "denied", "clientPass"), REFUSAL_DIALIN_DENIED);
		assert_int_equal(v.outcome, AAA_REFUSE);
	}
	/* These methods know no second try. */
	assert_int_equal(decide_from(9, PPP_AUTH_PAP, "User", "x"), REFUSAL_WRONG_PASSWORD);
	assert_int_equal(v.outcome, AAA_REFUSE);
	assert_int_equal(decide_from(8, PPP_AUTH_CHAP_MD5, "User", "x"), REFUSAL_WRONG_PASSWORD);
	assert_int_equal(v.outcome, AAA_REFUSE);
}

/* T1: whether a user exists, is locked out or is let in on the next try is told by no delay. */
static void
late_answers(void **state)
{
	unsigned int i;

	(void)state;
	aaa_settings(aaa)->lockout_address_failures = 10;
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	for (i = 0; i < 10; i++) {
		decide(PPP_AUTH_MSCHAPV2, "nobody", "x");
		assert_int_equal(v.delay_ms, 0);
	}
	decide(PPP_AUTH_MSCHAPV2, "nobody", "x");
	assert_int_equal(v.delay_ms, GUARD_DELAY_MS);
	decide(PPP_AUTH_MSCHAPV2, "User", "x");
	assert_int_equal(v.delay_ms, GUARD_DELAY_MS);
	decide(PPP_AUTH_MSCHAPV2, "denied", "clientPass");
	assert_int_equal(v.delay_ms, GUARD_DELAY_MS);
	decide_from(PEER + 1, PPP_AUTH_MSCHAPV2, "nobody", "x");
	assert_int_equal(v.delay_ms, 0);
	/* Nobody is refused, and who was let in from there does not even wait. */
	assert_int_equal(decide(PPP_AUTH_MSCHAPV2, "User", "clientPass"), REFUSAL_NONE);
	assert_int_equal(v.delay_ms, 0);
	assert_int_equal(
		decide(PPP_AUTH_MSCHAPV2, "long", "much longer than LM can see"), REFUSAL_NONE);
	assert_int_equal(v.delay_ms, GUARD_DELAY_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(user_lockout, set_up, tear_down),
		cmocka_unit_test_setup_teardown(neighbours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(t1_one_outcome, set_up, tear_down),
		cmocka_unit_test_setup_teardown(late_answers, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
