/* SPDX-License-Identifier: BSD-3-Clause */
/* A link from first request to IP, for each authentication method and each MPPE variant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/mschap.h"
#include "lab.h"

static struct lab lab;
static struct peer_config pc;

static int
setup(void **state)
{
	(void)state;
	lab_init(&lab, &pc);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	lab_end(&lab);
	return 0;
}

static void
expect_open(void)
{
	lab_settle(&lab, lab.now + 60000);
	if (ppp_phase(lab.link) != PPP_OPEN || !peer_is_open(&lab.peer))
		lab_print(&lab);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
	assert_true(peer_is_open(&lab.peer));
	assert_int_equal(lab.ip_ups, 1);
	assert_int_equal(lab.downs, 0);
	assert_false(lab.clear_leak);
	assert_int_equal(lab.peer.ip, lab.grant.peer_ip);
}

/* Both ends must hold the same keys, crosswise. */
static void
expect_keys(
	unsigned int tx_strength, bool tx_stateless, unsigned int rx_strength, bool rx_stateless)
{
	uint8_t send[16], receive[16], unused[16], hash_hash[16], lm[16];

	assert_int_equal(lab.mppe_ups, 1);
	assert_int_equal(lab.keys.tx.strength, tx_strength);
	assert_int_equal(lab.keys.tx.stateless, tx_stateless);
	assert_int_equal(lab.keys.rx.strength, rx_strength);
	assert_int_equal(lab.keys.rx.stateless, rx_stateless);
	mschap_hash_hash(lab.peer.nt_hash, hash_hash);
	mschap_lm_hash(lab.password, lm);
	if (lab.peer.method == PPP_AUTH_MSCHAPV1) {
		mppe_keys_mschapv1(lm, hash_hash, lab.peer.v1_challenge, rx_strength, send);
		mppe_keys_mschapv1(lm, hash_hash, lab.peer.v1_challenge, tx_strength, receive);
	} else {
		mppe_keys_mschapv2(
			hash_hash, lab.peer.nt_response, false, rx_strength, send, unused);
		mppe_keys_mschapv2(
			hash_hash, lab.peer.nt_response, false, tx_strength, unused, receive);
	}
	assert_memory_equal(lab.keys.rx.start_key, send, rx_strength == 128 ? 16 : 8);
	assert_memory_equal(lab.keys.tx.start_key, receive, tx_strength == 128 ? 16 : 8);
}

static void
test_happy_path(void **state)
{
	static const char *const order[] = {"S>C LCP Configure-Request", "S>C LCP Configure-Ack",
		"S>C CHAP Challenge", "C>S CHAP Response", "S>C CHAP Success",
		"S>C CCP Configure-Request", "S>C CCP Configure-Ack", "S>C IPCP Configure-Request",
		"S>C IPCP Configure-Nak", "S>C IPCP Configure-Ack"};

	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	expect_keys(128, true, 128, true);
	for (size_t i = 1; i < sizeof(order) / sizeof(order[0]); i++)
		assert_true(lab_step(&lab, order[i - 1], 0) < lab_step(&lab, order[i], 0));
	assert_int_equal(lab.framing.our_mru, 1400);
	assert_int_equal(lab.framing.peer_mru, 1400);
	assert_true(lab.framing.tx_acfc && lab.framing.tx_pfc);
	assert_int_equal(lab.peer.dns[0], lab.grant.dns[0]);
	assert_int_equal(lab.peer.dns[1], lab.grant.dns[1]);
	assert_true(lab.now < 1500); /* no timer was needed */
}

static void
test_each_method(void **state)
{
	static const enum ppp_auth methods[] = {
		PPP_AUTH_MSCHAPV2, PPP_AUTH_CHAP_MD5, PPP_AUTH_MSCHAPV1, PPP_AUTH_PAP};

	(void)state;
	for (int i = 0; i < 4; i++) {
		lab_init(&lab, &pc);
		lab.cfg.auth = pc.auth = methods[i];
		lab.grant.mppe_policy = PPP_MPPE_FORBID;
		pc.mppe = 0;
		lab_start(&lab, &pc, true);
		expect_open();
		assert_int_equal(lab.cred.method, methods[i]);
		assert_string_equal(lab.cred.user, "alice");
		if (i < 3)
			lab_end(&lab);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_happy_path, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_method, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
