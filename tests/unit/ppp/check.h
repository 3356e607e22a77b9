/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of one link share: the lab, its set-up, and the checks that hold for every open
 * link. */
#ifndef ADIT_TESTS_PPP_CHECK_H
#define ADIT_TESTS_PPP_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/mschap.h"
#include "lab.h"

static struct lab lab;
static struct ppp_client_config pc;

static inline int
setup(void **state)
{
	(void)state;
	lab_init(&lab, &pc);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	lab_end(&lab);
	return 0;
}

static inline void
expect_open(void)
{
	lab_settle(&lab, lab.now + 60000);
	if (ppp_phase(lab.link) != PPP_OPEN || !ppp_client_is_open(&lab.peer))
		lab_print(&lab);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
	assert_true(ppp_client_is_open(&lab.peer));
	assert_int_equal(lab.ip_ups, 1);
	assert_int_equal(lab.downs, 0);
	assert_false(lab.clear_leak);
	assert_int_equal(lab.peer.ip, lab.grant.peer_ip);
}

/* Both ends must hold the same keys, crosswise. */
static inline void
expect_keys(
	unsigned int tx_strength, bool tx_stateless, unsigned int rx_strength, bool rx_stateless)
{
	uint8_t send[16], receive[16], unused[16], hash_hash[16];

	assert_int_equal(lab.mppe_ups, 1);
	assert_int_equal(lab.keys.tx.strength, tx_strength);
	assert_int_equal(lab.keys.tx.stateless, tx_stateless);
	assert_int_equal(lab.keys.rx.strength, rx_strength);
	assert_int_equal(lab.keys.rx.stateless, rx_stateless);
	mschap_hash_hash(lab.peer.nt_hash, hash_hash);
	mppe_keys_mschapv2(hash_hash, lab.peer.nt_response, false, rx_strength, send, unused);
	mppe_keys_mschapv2(hash_hash, lab.peer.nt_response, false, tx_strength, unused, receive);
	assert_memory_equal(lab.keys.rx.start_key, send, rx_strength == 128 ? 16 : 8);
	assert_memory_equal(lab.keys.tx.start_key, receive, tx_strength == 128 ? 16 : 8);
}

/* The link ends with this code within a minute of virtual time, and nothing is left behind. */
static inline void
expect_refusal(enum refusal_code code)
{
	lab_run(&lab, lab.now + 120000);
	if (lab.downs != 1 || lab.code != code)
		lab_print(&lab);
	assert_int_equal(lab.downs, 1);
	assert_string_equal(refusal_name(lab.code), refusal_name(code));
	assert_int_equal(lab.mppe_ups, lab.mppe_downs);
	assert_int_equal(ppp_phase(lab.link), PPP_DEAD);
	assert_int_equal(ppp_next_timer(lab.link), UINT64_MAX);
	assert_false(lab.clear_leak);
}

#define LINK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
