/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths whose round trip is longer than the restart timers: which answer to which Challenge counts,
 * and what the timers do.  F2, D17. */
#include "check.h"

#include "control/ppp/link.h"

#define HELD_UP_MS 1000000 /* nothing arrives by itself */

struct packet {
	size_t len;
	uint8_t data[512];
};

/* Both ways, each client, also those that ask again each second. */
static void
test_slow_paths(void **state)
{
	static const uint32_t one_way[] = {300, 800, 1200, 1750, 2000, 2500, 3000, 4000, 5000};
	static const uint32_t restart[] = {0, 1000};

	(void)state;
	for (unsigned int i = 0; i < 4 * sizeof(one_way) / sizeof(one_way[0]); i++) {
		lab_init(&lab, &pc);
		lab.delay_ms = one_way[i / 4];
		pc.habits.pppd = i & 1;
		pc.restart_ms = restart[i / 2 % 2];
		lab.cfg.setup_timeout_ms = 120000; /* 10 s need more than a minute */
		lab_start(&lab, &pc, true);
		lab_settle(&lab, lab.now + 120000);
		expect_open();
		expect_keys(128, true, 128, true);
		assert_int_equal(lab.auths, 1);
		assert_in_range(lab_count(&lab, "S>C CHAP Challenge"), 1, 2);
		lab_end(&lab);
	}
}

/* The round trip grows once LCP is open: what was measured is of no use. */
static void
test_path_becomes_slow(void **state)
{
	(void)state;
	for (uint32_t delay = 1250; delay <= 5000; delay += 250) {
		for (int pppd = 0; pppd < 2; pppd++) {
			lab_init(&lab, &pc);
			pc.habits.pppd = pppd;
			lab_start(&lab, &pc, true);
			lab_run(&lab, lab.now + 15); /* LCP's first answers are under way */
			lab.delay_ms = delay;
			expect_open();
			expect_keys(128, true, 128, true);
			assert_int_equal(lab.auths, 1);
			lab_end(&lab);
		}
	}
}

/* MPPE that is allowed is not done without because the path is slow. */
static void
test_t2_slow_path_keeps_mppe(void **state)
{
	(void)state;
	lab.delay_ms = 3000;
	lab.grant.mppe_policy = PPP_MPPE_ALLOW;
	lab_start(&lab, &pc, true);
	expect_open();
	expect_keys(128, true, 128, true);
}

/* The n-th (from 1) frame of this kind that is held up. */
static struct packet
held_up(bool to_server, uint16_t protocol, uint8_t code, unsigned int n)
{
	struct packet p = {0};

	for (unsigned int i = 0; i < lab.queued; i++) {
		const struct lab_frame *f = &lab.queue[i];

		if (f->to_server != to_server || (f->data[0] << 8 | f->data[1]) != protocol ||
			f->data[2] != code || --n > 0)
			continue;
		p.len = f->len;
		memcpy(p.data, f->data, f->len);
		return p;
	}
	fail_msg("no such frame");
	return p;
}

/* LCP opens, the answer to the first Challenge is lost, and from then on nothing arrives but what
 * the test delivers: n Challenges are held up. */
static void
challenges_from(uint8_t id, unsigned int n)
{
	lab_start(&lab, &pc, true);
	lab.link->chap.id = (uint8_t)(id - 1);
	while (lab.lcp_ups == 0)
		lab_run(&lab, lab.now + 1);
	lab_run(&lab, lab.now + 10);
	lab.queued = 0;
	lab.delay_ms = HELD_UP_MS;
	for (unsigned int i = 0; i < n; i++)
		lab_run(&lab, lab.link->chap.due);
}

static void
challenges(unsigned int n)
{
	challenges_from(1, n);
}

/* The client's answer to the n-th Challenge that is held up. */
static struct packet
answer(unsigned int n)
{
	struct packet c = held_up(false, 0xc223, 1, n), r;
	unsigned int before = lab.queued;

	ppp_client_input(&lab.peer, c.data, c.len, lab.now);
	assert_int_equal(lab.queued, before + 1);
	r.len = lab.queue[before].len;
	memcpy(r.data, lab.queue[before].data, r.len);
	lab.queued = before;
	lab.peer.response_due = UINT64_MAX;
	return r;
}

static void
deliver(const struct packet *p)
{
	lab_inject(&lab, p->data, p->len);
}

static void
run_timers(unsigned int n)
{
	for (unsigned int i = 0; i < n && lab.link->chap.due != UINT64_MAX; i++)
		lab_run(&lab, lab.link->chap.due);
}

/* T1: of several answers under way, the last counts, once, for the guard of passwords. */
static void
test_t1_answers_count_once(void **state)
{
	struct packet first, second;

	(void)state;
	challenges(2);
	first = answer(1), second = answer(2);
	deliver(&first);
	deliver(&first);
	assert_int_equal(lab.auths, 0); /* pppd's keys come from the second */
	deliver(&second);
	assert_int_equal(lab.auths, 1);
	assert_int_equal(lab.cred.id, second.data[3]);
	assert_int_equal(ppp_phase(lab.link), PPP_NETWORK);
	deliver(&first);
	deliver(&second);
	lab_run(&lab, lab.now + 500);
	assert_int_equal(lab.auths, 1);
	assert_int_equal(ppp_phase(lab.link), PPP_NETWORK);
	/* The repeated one is answered again: our answer was lost. */
	assert_int_equal(lab_count(&lab, "S>C CHAP Success"), 2);
}

/* Who answers no other Challenge is let in by the one that he answered. */
static void
test_early_answer_counts(void **state)
{
	struct packet first;

	(void)state;
	challenges(3);
	first = answer(1);
	deliver(&first);
	run_timers(3);
	assert_int_equal(lab.auths, 1);
	assert_int_equal(lab.cred.id, first.data[3]);
	assert_int_equal(ppp_phase(lab.link), PPP_NETWORK);
}

/* CHAP with MD5 has neither keys nor an answer that depends on the Response: at once. */
static void
test_early_answer_md5(void **state)
{
	struct packet first, second;

	(void)state;
	lab.cfg.auth = pc.auth = PPP_AUTH_CHAP_MD5;
	lab.grant.mppe_policy = PPP_MPPE_FORBID;
	challenges(2);
	first = answer(1), second = answer(2);
	deliver(&first);
	assert_int_equal(lab.auths, 1);
	assert_int_equal(ppp_phase(lab.link), PPP_NETWORK);
	deliver(&second);
	assert_int_equal(lab.auths, 1);
	assert_int_equal(ppp_phase(lab.link), PPP_NETWORK);
}

/* One that is too old or was never sent is nobody's. */
static void
test_only_the_last_few(void **state)
{
	struct packet old;

	(void)state;
	lab.cfg.auth_timeout_ms = lab.cfg.setup_timeout_ms = 600000;
	challenges(CHAP_KEPT + 1);
	old = answer(1);
	deliver(&old);
	old.data[3] += 77;
	deliver(&old);
	assert_int_equal(lab.link->chap.early_len, 0);
	run_timers(3);
	assert_int_equal(lab.auths, 0);
}

static void
test_identifier_wraps(void **state)
{
	struct packet first, last;

	(void)state;
	challenges_from(254, 3);
	first = answer(1), last = answer(3);
	assert_int_equal(first.data[3], 255);
	assert_int_equal(last.data[3], 1);
	deliver(&first);
	deliver(&last);
	assert_int_equal(lab.auths, 1);
	assert_int_equal(lab.cred.id, 1);
}

/* T1: after a Failure that lets try again, an answer that was under way before is no try. */
static void
test_t1_late_answer_is_no_retry(void **state)
{
	struct packet first, second, retry;

	(void)state;
	pc.password = "wrong";
	pc.second_password = "Wonder-Land7";
	lab.cfg.auth_retries = 1;
	challenges(2);
	first = answer(1), second = answer(2);
	deliver(&first);
	run_timers(3);
	assert_int_equal(lab.auths, 1);
	assert_int_equal(lab.cred.id, first.data[3]);
	deliver(&second);
	assert_int_equal(lab.auths, 1);
	/* Windows counts the identifier on: the same as the late one's. */
	lab.peer.chap_id = first.data[3];
	lab.peer.response_due = lab.now + 1;
	retry = held_up(false, 0xc223, 4, 1);
	lab.queued = 0;
	ppp_client_input(&lab.peer, retry.data, retry.len, lab.now);
	retry = held_up(true, 0xc223, 2, 1);
	assert_int_equal(retry.data[3], second.data[3]);
	deliver(&retry);
	assert_int_equal(lab.auths, 2);
	assert_int_equal(ppp_phase(lab.link), PPP_NETWORK);
}

/* Let in by an early answer, the client has answered a later Challenge: its keys are others (T2).
 * All begins anew. */
static void
test_t2_answer_after_success(void **state)
{
	struct packet first, second;

	(void)state;
	challenges(2);
	first = answer(1), second = answer(2);
	deliver(&first);
	run_timers(3);
	assert_int_equal(ppp_phase(lab.link), PPP_NETWORK);
	deliver(&first);
	assert_int_equal(ppp_phase(lab.link), PPP_NETWORK);
	deliver(&second);
	assert_int_equal(ppp_phase(lab.link), PPP_ESTABLISH);
	assert_int_equal(lab.mppe_ups, 0);
}

/* T24: whatever the round trip, the set-up's deadlines hold. */
static void
test_t24_deadlines_hold(void **state)
{
	uint64_t begun;

	(void)state;
	lab.delay_ms = 5000;
	lab_start(&lab, &pc, true);
	while (lab.lcp_ups == 0)
		lab_run(&lab, lab.now + 1);
	begun = lab.now;
	lab.peer.cfg.habits.mute = true;
	while (ppp_phase(lab.link) == PPP_AUTHENTICATE)
		lab_run(&lab, lab.now + 1);
	assert_in_range(lab.now - begun, 29990, 30010);
	expect_refusal(REFUSAL_AUTH_TIMEOUT);
}

/* No round trip makes a timer wait for ever. */
static void
test_t24_patience_is_bounded(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	lab.link->rtt_ms = PPP_RTT_MAX_MS;
	assert_in_range(rtt_patience(lab.link, 3000), 10000, 20000);
	lab.link->rtt_ms = 4000;
	assert_int_equal(rtt_patience(lab.link, 3000), 6000);
	lab.link->rtt_ms = 40;
	assert_int_equal(rtt_patience(lab.link, 3000), 3000);
}

/* An answer that the client repeats says little about the path: what comes next corrects it. */
static void
test_repeated_answer_is_no_measure(void **state)
{
	struct packet first;

	(void)state;
	challenges(2);
	first = answer(1);
	deliver(&first);
	assert_in_range(lab.link->rtt_ms, 3000, 3100);
	lab_run(&lab, lab.now + 1000);
	deliver(&first);
	assert_in_range(lab.link->rtt_ms, 3000, 3100);
	first = answer(2);
	deliver(&first);
	assert_in_range(lab.link->rtt_ms, 1, 1100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_slow_paths),
		LINK_TEST(test_path_becomes_slow),
		LINK_TEST(test_t2_slow_path_keeps_mppe),
		LINK_TEST(test_t1_answers_count_once),
		LINK_TEST(test_early_answer_counts),
		LINK_TEST(test_early_answer_md5),
		LINK_TEST(test_only_the_last_few),
		LINK_TEST(test_identifier_wraps),
		LINK_TEST(test_t1_late_answer_is_no_retry),
		LINK_TEST(test_t2_answer_after_success),
		LINK_TEST(test_t24_deadlines_hold),
		LINK_TEST(test_t24_patience_is_bounded),
		LINK_TEST(test_repeated_answer_is_no_measure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
