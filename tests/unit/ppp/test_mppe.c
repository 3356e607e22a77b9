/* SPDX-License-Identifier: BSD-3-Clause */
/* CCP: strengths, modes, refusals by name, resets, and never from cipher to clear. */
#include "check.h"

static void
test_strongest_common(void **state)
{
	static const struct {
		uint8_t server, client;
		unsigned int strength;
	} c[] = {
		{PPP_MPPE_128, PPP_MPPE_128, 128},
		{PPP_MPPE_128, PPP_MPPE_128 | PPP_MPPE_56 | PPP_MPPE_40, 128},
		{PPP_MPPE_128 | PPP_MPPE_56 | PPP_MPPE_40, PPP_MPPE_128 | PPP_MPPE_40, 128},
		{PPP_MPPE_128 | PPP_MPPE_56 | PPP_MPPE_40, PPP_MPPE_56 | PPP_MPPE_40, 56},
		{PPP_MPPE_128 | PPP_MPPE_56 | PPP_MPPE_40, PPP_MPPE_40, 40},
		{PPP_MPPE_40, PPP_MPPE_128 | PPP_MPPE_40, 40},
		{PPP_MPPE_56, PPP_MPPE_128 | PPP_MPPE_56, 56},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		lab_init(&lab, &pc);
		lab.grant.mppe_strengths = c[i].server;
		pc.mppe = c[i].client;
		lab_start(&lab, &pc, true);
		expect_open();
		expect_keys(c[i].strength, true, c[i].strength, true);
		lab_end(&lab);
	}
}

static void
test_mppc_and_obsolete_bits_refused(void **state)
{
	(void)state;
	pc.habits.mppe_ask = PPP_MPPE_128 | 0x10 | 0x01;
	lab_start(&lab, &pc, true);
	expect_open();
	expect_keys(128, true, 128, true);
	assert_int_equal(lab_count(&lab, "S>C CCP Configure-Nak"), 1);
}

/* A peer that acknowledges several strengths is asked for one. */
static void
test_choice_acknowledged(void **state)
{
	(void)state;
	lab.grant.mppe_strengths = PPP_MPPE_128 | PPP_MPPE_40;
	pc.mppe = PPP_MPPE_128 | PPP_MPPE_40;
	pc.habits.acks_choice = true;
	lab_start(&lab, &pc, true);
	expect_open();
	expect_keys(128, true, 128, true);
	assert_int_equal(lab.peer.tx_strengths, PPP_MPPE_128);
}

/* T2: MS-CHAPv1 has one key for both directions: no MPPE with it, whatever the verdict offers. */
static void
test_t2_no_keys_from_mschapv1(void **state)
{
	(void)state;
	lab.cfg.auth = pc.auth = PPP_AUTH_MSCHAPV1;
	lab.grant.mppe_strengths = PPP_MPPE_40 | PPP_MPPE_56 | PPP_MPPE_128;
	lab_start(&lab, &pc, true);
	expect_refusal(REFUSAL_ENCRYPTION_NEEDS_MSCHAP);
	assert_int_equal(lab.mppe_ups, 0);
	lab_end(&lab);
	lab_init(&lab, &pc);
	lab.cfg.auth = pc.auth = PPP_AUTH_MSCHAPV1;
	lab.grant.mppe_policy = PPP_MPPE_ALLOW;
	lab_start(&lab, &pc, true);
	expect_open();
	assert_int_equal(lab.mppe_ups, 0);
}

static void
modes(uint8_t server_mode, bool client_asks_stateful, bool insists, bool refuses, bool tx_stateless,
	bool rx_stateless)
{
	lab_init(&lab, &pc);
	lab.grant.mppe_mode = server_mode;
	pc.habits.ask_stateful = client_asks_stateful;
	pc.habits.insist_mode = insists;
	pc.habits.refuse_stateful = refuses;
	lab_start(&lab, &pc, true);
	expect_open();
	expect_keys(128, tx_stateless, 128, rx_stateless);
	lab_end(&lab);
}

static void
test_modes(void **state)
{
	(void)state;
	modes(PPP_MPPE_STATELESS_ONLY, false, false, false, true, true);
	modes(PPP_MPPE_STATELESS_ONLY, true, false, false, true, true);
	modes(PPP_MPPE_PREFER_STATELESS, false, false, false, true, true);
	modes(PPP_MPPE_PREFER_STATELESS, true, false, false, true, true);
	modes(PPP_MPPE_PREFER_STATELESS, true, true, false, false, false);
	modes(PPP_MPPE_PREFER_STATEFUL, true, false, false, false, false);
	/* pppd with mppe-stateful: asks for stateless, takes ours */
	modes(PPP_MPPE_PREFER_STATEFUL, false, false, false, false, false);
	/* pppd without: rejects a stateful request */
	modes(PPP_MPPE_PREFER_STATEFUL, false, false, true, true, true);
	modes(PPP_MPPE_PREFER_STATEFUL, false, true, false, true, true);
}

static void
test_stateful_refused(void **state)
{
	(void)state;
	pc.habits.ask_stateful = pc.habits.insist_mode = true;
	lab_start(&lab, &pc, true);
	expect_refusal(REFUSAL_NO_COMMON_ENCRYPTION);
	assert_int_equal(lab.ip_ups, 0);
}

static void
test_weak_off(void **state)
{
	(void)state;
	for (int stubborn = 0; stubborn < 2; stubborn++) {
		lab_init(&lab, &pc);
		lab.grant.mppe_refused_weak = PPP_MPPE_40 | PPP_MPPE_56;
		pc.mppe = PPP_MPPE_40;
		pc.habits.stubborn = stubborn; /* else it ends the link itself, as pppd does */
		lab_start(&lab, &pc, true);
		expect_refusal(REFUSAL_WEAK_CRYPTO_OFF);
		assert_int_equal(lab.ip_ups, 0);
		lab_end(&lab);
	}
	lab_init(&lab, &pc); /* not held back by the switch: policy */
	pc.mppe = PPP_MPPE_40;
	lab_start(&lab, &pc, true);
	expect_refusal(REFUSAL_NO_COMMON_ENCRYPTION);
}

static void
test_no_strength_allowed(void **state)
{
	(void)state;
	lab.grant.mppe_strengths = 0;
	lab.grant.mppe_refused_weak = PPP_MPPE_40;
	lab_start(&lab, &pc, true);
	expect_refusal(REFUSAL_WEAK_CRYPTO_OFF);
}

static void
test_needs_mschap(void **state)
{
	(void)state;
	lab.cfg.auth = pc.auth = PPP_AUTH_CHAP_MD5;
	lab_start(&lab, &pc, true);
	expect_refusal(REFUSAL_ENCRYPTION_NEEDS_MSCHAP);
	assert_int_equal(lab_count(&lab, "S>C CCP"), 0);
}

/* Clients without MPPE, four ways; required: refused by name, allowed: in clear. */
static void
test_client_without_mppe(void **state)
{
	(void)state;
	for (int how = 0; how < 4; how++) {
		for (int policy = PPP_MPPE_ALLOW; policy <= PPP_MPPE_REQUIRE; policy++) {
			lab_init(&lab, &pc);
			lab.grant.mppe_policy = policy;
			pc.habits.no_ccp = how == 0;
			pc.habits.no_mppe = how == 1;
			pc.habits.asks_no_mppe = how == 2;
			pc.habits.ignores_ccp = how == 3;
			if (how == 2)
				pc.mppe = 0, pc.habits.no_mppe = true;
			lab_start(&lab, &pc, true);
			if (policy == PPP_MPPE_REQUIRE) {
				expect_refusal(REFUSAL_NO_COMMON_ENCRYPTION);
				assert_int_equal(lab.ip_ups, 0);
			} else {
				expect_open();
				assert_int_equal(lab.mppe_ups, 0);
				assert_true(lab.now < 12000);
			}
			lab_end(&lab);
		}
	}
}

static void
test_allowed_means_encrypted_if_possible(void **state)
{
	(void)state;
	lab.grant.mppe_policy = PPP_MPPE_ALLOW;
	pc.habits.early_ipcp = true;
	lab_start(&lab, &pc, true);
	expect_open();
	expect_keys(128, true, 128, true);
}

static void
test_forbidden(void **state)
{
	(void)state;
	lab.grant.mppe_policy = PPP_MPPE_FORBID;
	pc.habits.early_ipcp = true;
	lab_start(&lab, &pc, true);
	expect_open();
	assert_int_equal(lab.mppe_ups, 0);
	assert_true(lab.peer.protocol_rejects > 0);
	assert_int_equal(lab_count(&lab, "S>C CCP"), 0);
}

static void
open_stateful(void)
{
	lab.grant.mppe_mode = PPP_MPPE_PREFER_STATEFUL;
	lab_start(&lab, &pc, true);
	expect_open();
	expect_keys(128, false, 128, false);
}

/* T3: a storm of Reset-Requests costs at most one flush in 100 ms. */
static void
test_reset_storm(void **state)
{
	(void)state;
	open_stateful();
	for (int i = 0; i < 1000; i++) {
		lab_run(&lab, lab.now + 1);
		ppp_client_packet(&lab.peer, 0x80fd, 14, (uint8_t)i, NULL, 0);
	}
	lab_run(&lab, lab.now + 100);
	assert_in_range(lab.flushes, 9, 11);
	assert_int_equal(lab.peer.reset_acks, lab.flushes);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
}

static void
test_lost_sync(void **state)
{
	(void)state;
	open_stateful();
	for (int i = 0; i < 1000; i++) {
		lab_run(&lab, lab.now + 1);
		ppp_mppe_lost_sync(lab.link, lab.now);
	}
	lab_run(&lab, lab.now + 100);
	assert_in_range(lab.peer.resets, 9, 11);
}

static void
test_stateless_needs_no_reset(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	ppp_mppe_lost_sync(lab.link, lab.now);
	ppp_client_packet(&lab.peer, 0x80fd, 14, 1, NULL, 0);
	lab_run(&lab, lab.now + 100);
	assert_int_equal(lab.peer.resets, 0);
	assert_int_equal(lab.flushes, 0);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
}

/* Whoever ends CCP ends the link; required or not, nothing goes on in clear. */
static void
test_ccp_ended(void **state)
{
	static const uint8_t protocol_reject[] = {0xc0, 0x21, 8, 1, 0, 8, 0x80, 0xfd, 1, 1};
	static const uint8_t terminate_ack[] = {0x80, 0xfd, 6, 1, 0, 4};

	(void)state;
	for (int how = 0; how < 6; how++) {
		lab_init(&lab, &pc);
		lab.grant.mppe_policy = how & 1 ? PPP_MPPE_ALLOW : PPP_MPPE_REQUIRE;
		lab.cfg.authentic_path = true;
		lab_start(&lab, &pc, true);
		expect_open();
		if (how / 2 == 0)
			ppp_client_packet(&lab.peer, 0x80fd, 5, 1, NULL, 0);
		else if (how / 2 == 1)
			lab_inject(&lab, protocol_reject, sizeof(protocol_reject));
		else
			lab_inject(&lab, terminate_ack, sizeof(terminate_ack));
		expect_refusal(REFUSAL_NO_COMMON_ENCRYPTION);
		lab_end(&lab);
	}
}

/* T2: a client that negotiates CCP anew gets new keys, from a new authentication. */
static void
test_ccp_renegotiated(void **state)
{
	struct ppp_mppe_result old;

	(void)state;
	lab.cfg.authentic_path = true;
	lab_start(&lab, &pc, true);
	expect_open();
	old = lab.keys;
	lab_run(&lab, lab.now + 60000);
	ppp_client_renegotiate(&lab.peer, PPP_CLIENT_CCP, lab.now);
	lab_run(&lab, lab.now + 20000);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
	assert_int_equal(lab.auths, 2);
	assert_int_equal(lab.mppe_ups, 2);
	assert_memory_not_equal(old.tx.start_key, lab.keys.tx.start_key, 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_strongest_common),
		LINK_TEST(test_mppc_and_obsolete_bits_refused),
		LINK_TEST(test_choice_acknowledged),
		LINK_TEST(test_t2_no_keys_from_mschapv1),
		LINK_TEST(test_modes),
		LINK_TEST(test_stateful_refused),
		LINK_TEST(test_weak_off),
		LINK_TEST(test_no_strength_allowed),
		LINK_TEST(test_needs_mschap),
		LINK_TEST(test_client_without_mppe),
		LINK_TEST(test_allowed_means_encrypted_if_possible),
		LINK_TEST(test_forbidden),
		LINK_TEST(test_reset_storm),
		LINK_TEST(test_lost_sync),
		LINK_TEST(test_stateless_needs_no_reset),
		LINK_TEST(test_ccp_ended),
		LINK_TEST(test_ccp_renegotiated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
