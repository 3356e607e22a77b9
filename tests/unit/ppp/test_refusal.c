/* SPDX-License-Identifier: BSD-3-Clause */
/* Links that do not open, each with its name; clients that vanish in every state. */
#include "check.h"

static void
test_no_common_auth(void **state)
{
	(void)state;
	for (int rejects = 0; rejects < 2; rejects++) {
		lab_init(&lab, &pc);
		pc.auth = PPP_AUTH_PAP;
		pc.habits.auth_rejects = rejects;
		lab_start(&lab, &pc, true);
		expect_refusal(REFUSAL_NO_COMMON_AUTH);
		assert_int_equal(lab.auths, 0);
		lab_end(&lab);
	}
}

static void
test_no_auth_configured(void **state)
{
	(void)state;
	lab.cfg.auth = 0;
	lab_start(&lab, &pc, true);
	expect_refusal(REFUSAL_NO_COMMON_AUTH);
}

/* Each method: the failure packet first, then LCP Terminate-Request, then the code. */
static void
test_wrong_password(void **state)
{
	(void)state;
	for (int method = PPP_AUTH_MSCHAPV2; method <= PPP_AUTH_PAP; method <<= 1) {
		lab_init(&lab, &pc);
		lab.cfg.auth = pc.auth = method;
		pc.password = "wrong";
		lab_start(&lab, &pc, true);
		expect_refusal(REFUSAL_WRONG_PASSWORD);
		assert_true(lab.peer.failed);
		assert_true(lab.peer.closed);
		if (method & (PPP_AUTH_MSCHAPV1 | PPP_AUTH_MSCHAPV2))
			assert_int_equal(lab.peer.error, 691);
		assert_true(
			lab_step(&lab, method == PPP_AUTH_PAP ? "Authenticate-Nak" : "CHAP Failure",
				0) < lab_step(&lab, "S>C LCP Terminate-Request", 0));
		lab_end(&lab);
	}
}

static void
test_error_codes(void **state)
{
	static const struct {
		enum refusal_code code;
		unsigned int error;
	} c[] = {
		{REFUSAL_DIALIN_DENIED, 649},
		{REFUSAL_LOCKED_OUT, 691}, /* T1: as a wrong password */
		{REFUSAL_UNKNOWN_USER, 691},
		{REFUSAL_WRONG_PASSWORD, 691},
		{REFUSAL_POOL_EMPTY, 738},
		{REFUSAL_NO_RESOURCES, 691},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		lab_init(&lab, &pc);
		lab.refuse = c[i].code;
		lab_start(&lab, &pc, true);
		expect_refusal(c[i].code);
		assert_int_equal(lab.peer.error, c[i].error);
		lab_end(&lab);
	}
}

/* E=691 R=1 C=...: the second password is right. */
static void
test_retry(void **state)
{
	(void)state;
	for (int method = PPP_AUTH_MSCHAPV2; method <= PPP_AUTH_MSCHAPV1; method <<= 2) {
		lab_init(&lab, &pc);
		lab.cfg.auth = pc.auth = method;
		lab.cfg.auth_retries = 1;
		pc.password = "wrong";
		pc.second_password = "Wonder-Land7";
		if (method == PPP_AUTH_MSCHAPV1) /* T2: it has no keys */
			lab.grant.mppe_policy = PPP_MPPE_ALLOW;
		lab_start(&lab, &pc, true);
		expect_open();
		if (method == PPP_AUTH_MSCHAPV2)
			expect_keys(128, true, 128, true);
		assert_int_equal(lab.auths, 2);
		lab_end(&lab);
	}
}

static void
test_retries_used_up(void **state)
{
	(void)state;
	lab.cfg.auth_retries = 2;
	pc.password = pc.second_password = "wrong";
	lab_start(&lab, &pc, true);
	expect_refusal(REFUSAL_WRONG_PASSWORD);
	assert_int_equal(lab.auths, 3);
}

/* T1: what is wrong before the password is right can't be told apart. */
static void
test_one_answer(void **state)
{
	static const enum refusal_code codes[] = {
		REFUSAL_WRONG_PASSWORD, REFUSAL_UNKNOWN_USER, REFUSAL_LOCKED_OUT};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		lab_init(&lab, &pc);
		lab.refuse = codes[i];
		lab.cfg.auth_retries = 2;
		pc.password = pc.second_password = "wrong";
		lab_start(&lab, &pc, true);
		expect_refusal(codes[i]);
		assert_int_equal(lab.peer.error, 691);
		assert_int_equal(lab.auths, 3);
		lab_end(&lab);
	}
}

/* The Failure asks for an answer to what the verdict brought; the next try says that it is one. */
static void
test_retry_as_the_verdict_says(void **state)
{
	struct ppp_verdict v = {
		.refusal = REFUSAL_WRONG_PASSWORD, .retry = true, .challenge_len = 16};

	(void)state;
	memset(v.challenge, 0x5a, sizeof(v.challenge));
	lab.cfg.auth_retries = 1;
	lab.defer = true;
	pc.password = "wrong";
	pc.second_password = "Wonder-Land7";
	lab_start(&lab, &pc, true);
	while (lab.auths == 0)
		lab_run(&lab, lab.now + 1);
	assert_false(lab.cred.again);
	ppp_auth_result(lab.link, &v, lab.now);
	while (lab.auths == 1)
		lab_run(&lab, lab.now + 1);
	assert_true(lab.cred.again);
	assert_memory_equal(lab.cred.challenge, v.challenge, 16);
	lab.defer = false;
	lab_verdict(&lab);
	expect_open();
	expect_keys(128, true, 128, true);
}

/* A refusal of another kind allows no second try. */
static void
test_no_retry_when_denied(void **state)
{
	(void)state;
	lab.cfg.auth_retries = 2;
	lab.refuse = REFUSAL_DIALIN_DENIED;
	pc.second_password = "Wonder-Land7";
	lab_start(&lab, &pc, true);
	expect_refusal(REFUSAL_DIALIN_DENIED);
	assert_int_equal(lab.auths, 1);
}

static void
test_failure_lost(void **state)
{
	(void)state;
	lab.cfg.auth_retries = 1;
	pc.password = "wrong";
	pc.second_password = "Wonder-Land7";
	lab_start(&lab, &pc, true);
	while (lab_count(&lab, "S>C CHAP Failure") == 0)
		lab_run(&lab, lab.now + 1);
	lab.queued = 0;
	expect_open(); /* the client repeats its Response, and hears the same Failure */
	assert_int_equal(lab.auths, 2);
}

/* T24: a client that repeats nothing does not wait for its time to run out. */
static void
test_failure_lost_unasked(void **state)
{
	uint64_t before;

	(void)state;
	lab.cfg.auth_retries = 1;
	pc.password = "wrong";
	pc.second_password = "Wonder-Land7";
	pc.habits.pppd = true;
	lab_start(&lab, &pc, true);
	while (lab_count(&lab, "S>C CHAP Failure") == 0)
		lab_run(&lab, lab.now + 1);
	lab.queued = 0;
	before = lab.now;
	expect_open();
	assert_int_equal(lab.auths, 2);
	assert_in_range(lab.now - before, 1, 5000);
	assert_int_equal(lab_count(&lab, "S>C CHAP Failure"), 2);
}

/* The Failure with R=1 is never answered. */
static void
test_retry_timeout(void **state)
{
	(void)state;
	lab.cfg.auth_retries = 1;
	pc.password = "wrong";
	lab_start(&lab, &pc, true);
	expect_refusal(REFUSAL_AUTH_TIMEOUT);
	assert_int_equal(lab_count(&lab, "S>C CHAP Failure"), 4);
}

static void
test_verdict_never_comes(void **state)
{
	(void)state;
	lab.defer = true;
	lab_start(&lab, &pc, true);
	expect_refusal(REFUSAL_DECISION_TIMEOUT); /* it is not the client that is slow */
	lab_verdict(&lab);                        /* too late: no effect */
	assert_int_equal(lab.downs, 1);
}

static void
test_insists_on_address(void **state)
{
	(void)state;
	pc.ip = 0xc0a80001;
	pc.habits.ip_insist = true;
	lab_start(&lab, &pc, true);
	expect_refusal(REFUSAL_NO_IP);
	assert_int_equal(lab_count(&lab, "S>C IPCP Configure-Nak"), lab.cfg.max_failure);
	assert_int_equal(lab.ip_ups, 0);
}

static void
test_no_address_option(void **state)
{
	(void)state;
	pc.habits.no_ip_option = true;
	lab_start(&lab, &pc, true);
	expect_refusal(REFUSAL_NO_IP);
}

static void
test_loop(void **state)
{
	(void)state;
	lab.reflect = true;
	lab_start(&lab, &pc, false);
	expect_refusal(REFUSAL_LCP_FAILED);
	assert_string_equal(lab.text, "the link is looped back");
}

/* The client falls silent after the n-th frame, for every n: the link always ends, by a timer. */
static void
test_vanish_everywhere(void **state)
{
	(void)state;
	for (unsigned int n = 1; n < 30; n++) {
		lab_init(&lab, &pc);
		lab.vanish_step = n;
		lab_start(&lab, &pc, true);
		lab_run(&lab, lab.now + 200000);
		if (lab.downs != 1 || lab.code == REFUSAL_NO_COMMON_ENCRYPTION)
			lab_print(&lab);
		assert_int_equal(lab.downs, 1);
		assert_true(lab.code == REFUSAL_SETUP_TIMEOUT || lab.code == REFUSAL_PEER_DEAD ||
			    lab.code == REFUSAL_AUTH_TIMEOUT);
		assert_int_equal(ppp_next_timer(lab.link), UINT64_MAX);
		lab_end(&lab);
	}
}

static void
test_never_there(void **state)
{
	(void)state;
	lab_start(&lab, &pc, false);
	lab.peer.cfg.habits.mute = true;
	expect_refusal(REFUSAL_SETUP_TIMEOUT);
	assert_int_equal(lab_count(&lab, "S>C LCP Configure-Request"), 10);
}

static void
test_peer_dead(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	lab.peer.cfg.habits.mute = true;
	expect_refusal(REFUSAL_PEER_DEAD);
	assert_int_equal(lab_count(&lab, "S>C LCP Echo-Request"), 3);
}

static void
test_peer_closes(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	ppp_client_hang_up(&lab.peer, 9, lab.now);
	expect_refusal(REFUSAL_PEER_CLOSED);
	assert_int_equal(lab_count(&lab, "S>C LCP Terminate-Ack id 9"), 1);
}

static void
test_close_unanswered(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	lab.peer.cfg.habits.mute = true;
	ppp_close(lab.link, REFUSAL_SERVER_STOPPING, "stop", lab.now);
	expect_refusal(REFUSAL_SERVER_STOPPING);
	assert_int_equal(lab_count(&lab, "S>C LCP Terminate-Request"), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_no_common_auth),
		LINK_TEST(test_no_auth_configured),
		LINK_TEST(test_wrong_password),
		LINK_TEST(test_error_codes),
		LINK_TEST(test_retry),
		LINK_TEST(test_retries_used_up),
		LINK_TEST(test_one_answer),
		LINK_TEST(test_no_retry_when_denied),
		LINK_TEST(test_retry_as_the_verdict_says),
		LINK_TEST(test_failure_lost),
		LINK_TEST(test_failure_lost_unasked),
		LINK_TEST(test_retry_timeout),
		LINK_TEST(test_verdict_never_comes),
		LINK_TEST(test_insists_on_address),
		LINK_TEST(test_no_address_option),
		LINK_TEST(test_loop),
		LINK_TEST(test_vanish_everywhere),
		LINK_TEST(test_never_there),
		LINK_TEST(test_peer_dead),
		LINK_TEST(test_peer_closes),
		LINK_TEST(test_close_unanswered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
