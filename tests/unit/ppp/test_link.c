/* SPDX-License-Identifier: BSD-3-Clause */
/* A link from first request to IP, for each authentication method and each MPPE variant. */
#include "check.h"

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

/* Server and client agree on a method by Nak or Reject, from strong to weak. */
static void
test_method_agreed(void **state)
{
	(void)state;
	for (int rejects = 0; rejects < 2; rejects++) {
		for (int method = PPP_AUTH_MSCHAPV2; method <= PPP_AUTH_PAP; method <<= 1) {
			lab_init(&lab, &pc);
			lab.cfg.auth = PPP_AUTH_MSCHAPV2 | PPP_AUTH_CHAP_MD5 | PPP_AUTH_MSCHAPV1 |
				       PPP_AUTH_PAP;
			pc.auth = method;
			pc.habits.auth_rejects = rejects;
			pc.mppe = 0;
			lab.grant.mppe_policy = PPP_MPPE_FORBID;
			lab_start(&lab, &pc, true);
			expect_open();
			assert_int_equal(lab.cred.method, method);
			lab_end(&lab);
		}
	}
}

/* pppd not attached when the first LCP Configure-Request comes: the second follows within
 * restart_first_ms. */
static void
test_first_request_lost(void **state)
{
	(void)state;
	lab_start(&lab, &pc, false);
	lab.peer.cfg.habits.mute = true;
	lab_run(&lab, 1500);
	lab.peer.cfg.habits.mute = false;
	assert_int_equal(lab_count(&lab, "S>C LCP Configure-Request"), 1);
	lab_run(&lab, 2005);
	assert_int_equal(lab_count(&lab, "S>C LCP Configure-Request"), 2);
	expect_open();
	assert_true(lab.now < 2500);
}

/* A NAT let nothing in before the client's first packet. */
static void
test_peer_seen(void **state)
{
	(void)state;
	lab_start(&lab, &pc, false);
	lab.peer.cfg.habits.mute = true;
	lab_run(&lab, 1200);
	lab.peer.cfg.habits.mute = false;
	ppp_peer_seen(lab.link, lab.now);
	assert_int_equal(lab_count(&lab, "S>C LCP Configure-Request"), 2);
	ppp_peer_seen(lab.link, lab.now); /* once */
	assert_int_equal(lab_count(&lab, "S>C LCP Configure-Request"), 2);
	expect_open();
	assert_true(lab.now < 1500);
}

/* R28: multilink and callback rejected; Identification tolerated; VJ rejected; WINS only when there
 * is some. */
static void
test_options(void **state)
{
	(void)state;
	pc.habits.multilink = pc.habits.identify = pc.habits.vj = pc.wins = pc.habits.deflate =
		true;
	lab.grant.wins[0] = 0x0a00002a;
	lab_start(&lab, &pc, true);
	expect_open();
	assert_true(lab.peer.multilink_rejected);
	assert_true(lab.peer.deflate_rejected);
	assert_true(lab.peer.vj_rejected);
	assert_false(lab.peer.asks_wins); /* the second WINS server is 0: rejected */
	assert_int_equal(lab.peer.dns[1], lab.grant.dns[1]);
	assert_int_equal(lab_count(&lab, "Code-Reject"), 0);
}

static void
test_mru(void **state)
{
	(void)state;
	pc.mru = 200; /* below min_peer_mru: Naked */
	lab_start(&lab, &pc, true);
	expect_open();
	assert_int_equal(lab.framing.peer_mru, 576);
	assert_int_equal(lab_count(&lab, "S>C LCP Configure-Nak"), 1);
}

static void
test_no_compression_of_headers(void **state)
{
	(void)state;
	lab.cfg.acfc = lab.cfg.pfc = false;
	pc.mru = 0; /* default */
	lab_start(&lab, &pc, false);
	lab_run(&lab,
		1100); /* the client's options are fixed: let it see the rejection and stop there */
	assert_true(lab_count(&lab, "S>C LCP Configure-Reject") > 0);
}

static void
test_server_address_rejected(void **state)
{
	(void)state;
	pc.habits.reject_server_ip = true;
	lab_start(&lab, &pc, true);
	expect_open();
}

/* Windows sends CCP and IPCP at once: the IPCP request is kept until MPPE is up. */
static void
test_early_ipcp(void **state)
{
	(void)state;
	pc.habits.early_ipcp = true;
	lab_start(&lab, &pc, true);
	expect_open();
	assert_true(lab.now < 1500);
}

static void
test_deferred_verdict(void **state)
{
	(void)state;
	lab.defer = true;
	lab_start(&lab, &pc, true);
	lab_run(&lab, 9000); /* the client repeats its Response */
	assert_int_equal(lab.auths, 1);
	assert_int_equal(ppp_phase(lab.link), PPP_AUTHENTICATE);
	lab_verdict(&lab);
	lab_verdict(&lab); /* not asked for: no effect */
	expect_open();
	assert_int_equal(lab.auths, 1);
}

/* The Success is lost: the same Response again has the same Success, and nobody is asked again. */
static void
test_success_lost(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	while (lab_count(&lab, "S>C CHAP Success") == 0)
		lab_run(&lab, lab.now + 1);
	lab.queued = 0;
	expect_open();
	assert_int_equal(lab.auths, 1);
	assert_int_equal(lab_count(&lab, "S>C CHAP Success"), 2);
}

/* Any single frame lost: the link opens all the same. */
static void
test_each_frame_lost(void **state)
{
	(void)state;
	for (unsigned int lost = 0; lost < 60; lost++) {
		lab_init(&lab, &pc);
		pc.habits.pppd = lost & 1;
		lab_start(&lab, &pc, true);
		lab.lose_step = lost / 2 + 1;
		expect_open();
		assert_in_range(lab.now, 0, 12000);
		lab_end(&lab);
	}
}

/* A client that, like us, acknowledges CCP only when its own request is acknowledged. */
static void
test_ccp_both_wait(void **state)
{
	(void)state;
	pc.habits.late_ccp_ack = true;
	lab_start(&lab, &pc, true);
	expect_open();
	expect_keys(128, true, 128, true);
}

/* The client negotiates LCP anew in the open phase: everything again, with new keys. */
static void
test_lcp_renegotiation(void **state)
{
	struct ppp_mppe_result old;

	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	old = lab.keys;
	lab_run(&lab, lab.now + 1000);
	ppp_client_renegotiate(&lab.peer, PPP_CLIENT_LCP, lab.now);
	lab_run(&lab, lab.now + 20000);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
	assert_int_equal(lab.auths, 2);
	assert_int_equal(lab.mppe_downs, 1);
	assert_int_equal(lab.mppe_ups, 2);
	assert_int_equal(lab.ip_ups, 2);
	assert_memory_not_equal(old.tx.start_key, lab.keys.tx.start_key, 16);
}

/* A verdict for the exchange before renegotiation must not open the new one. */
static void
test_stale_verdict(void **state)
{
	(void)state;
	lab.defer = true;
	lab_start(&lab, &pc, true);
	lab_run(&lab, 1500);
	assert_int_equal(lab.auths, 1);
	ppp_client_renegotiate(&lab.peer, PPP_CLIENT_LCP, lab.now);
	lab_run(&lab, lab.now + 1000);
	lab_verdict(&lab);
	assert_int_equal(lab_count(&lab, "S>C CHAP Success"), 0);
	lab.defer = false;
	expect_open();
	assert_int_equal(lab.auths, 2);
}

static void
test_ipcp_renegotiation(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	lab.peer.asks_dns = false;
	ppp_client_renegotiate(&lab.peer, PPP_CLIENT_IPCP, lab.now);
	lab_run(&lab, lab.now + 5000);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
	assert_int_equal(lab.ip_ups, 1); /* the same address: said once */
	assert_int_equal(lab.mppe_downs, 0);
}

static void
test_echo(void **state)
{
	static const uint8_t request[] = {0xc0, 0x21, 9, 77, 0, 12, 1, 2, 3, 4, 'd', 'a', 't', 'a'};

	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	lab_run(&lab, lab.now + 100000);
	assert_in_range(lab_count(&lab, "S>C LCP Echo-Request"), 9, 10);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
	lab_inject(&lab, request, sizeof(request));
	lab_run(&lab, lab.now + 50);
	assert_int_equal(lab.peer.echo_replies, 1);
	assert_int_equal(lab_count(&lab, "S>C LCP Echo-Reply id 77 len 14"), 1);
	for (int i = 0; i < 30; i++) { /* data passes: no echo */
		lab_run(&lab, lab.now + 5000);
		ppp_traffic_seen(lab.link, lab.now);
	}
	assert_in_range(lab_count(&lab, "S>C LCP Echo-Request"), 9, 11);
}

static void
test_close(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	ppp_close(lab.link, REFUSAL_ADMIN_DISCONNECT, "by hand", lab.now);
	expect_refusal(REFUSAL_ADMIN_DISCONNECT);
	assert_string_equal(lab.text, "by hand");
	assert_int_equal(lab_count(&lab, "S>C LCP Terminate-Request"), 1);
	assert_int_equal(lab_count(&lab, "C>S LCP Terminate-Ack"), 1);
}

static void
test_close_before_start(void **state)
{
	(void)state;
	lab_start(&lab, &pc, false);
	ppp_close(lab.link, REFUSAL_NONE, NULL, lab.now);
	expect_refusal(REFUSAL_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_happy_path),
		LINK_TEST(test_each_method),
		LINK_TEST(test_method_agreed),
		LINK_TEST(test_first_request_lost),
		LINK_TEST(test_peer_seen),
		LINK_TEST(test_options),
		LINK_TEST(test_mru),
		LINK_TEST(test_no_compression_of_headers),
		LINK_TEST(test_server_address_rejected),
		LINK_TEST(test_early_ipcp),
		LINK_TEST(test_deferred_verdict),
		LINK_TEST(test_success_lost),
		LINK_TEST(test_each_frame_lost),
		LINK_TEST(test_ccp_both_wait),
		LINK_TEST(test_lcp_renegotiation),
		LINK_TEST(test_stale_verdict),
		LINK_TEST(test_ipcp_renegotiation),
		LINK_TEST(test_echo),
		LINK_TEST(test_close),
		LINK_TEST(test_close_before_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
