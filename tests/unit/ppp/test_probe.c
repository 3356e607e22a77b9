/* SPDX-License-Identifier: BSD-3-Clause */
/* T23, T27: what only the peer of a link can answer, and what forged frames do to an open link. */
#include "check.h"

#include "control/ppp/image.h"
#include "control/ppp/link.h"

static uint8_t question[PPP_PROBE_FRAME], answer[64];
static size_t answer_len;

static void
take_answer(void *user, const uint8_t *frame, size_t len)
{
	(void)user;
	assert_true(len <= sizeof(answer));
	memcpy(answer, frame, len);
	answer_len = len;
}

/* By a path of the caller's own: nothing of it passes the link. */
static void
ask_peer(struct ppp_probe *p)
{
	const struct ppp_client_ops *usual = lab.peer.ops;
	struct ppp_client_ops aside = *usual;
	unsigned int frames = lab.server_frames;

	assert_int_equal(ppp_probe_make(lab.link, p, question, sizeof(question)), sizeof(question));
	assert_int_equal(lab.server_frames, frames);
	answer_len = 0;
	aside.send = take_answer;
	lab.peer.ops = &aside;
	ppp_client_input(&lab.peer, question, sizeof(question), lab.now);
	lab.peer.ops = usual;
}

static void
test_probe_is_answered(void **state)
{
	struct ppp_probe p, other;

	(void)state;
	lab_start(&lab, &pc, true);
	assert_int_equal(ppp_probe_make(lab.link, &p, question, sizeof(question)), 0);
	expect_open();
	assert_int_equal(ppp_probe_make(lab.link, &p, question, sizeof(question) - 1), 0);
	ask_peer(&p);
	assert_true(ppp_probe_answered(lab.link, &p, answer, answer_len));
	/* T23: every octet counts; padding does not. */
	for (size_t i = 0; i < answer_len; i++) {
		answer[i] ^= 1;
		assert_false(ppp_probe_answered(lab.link, &p, answer, answer_len));
		answer[i] ^= 1;
		assert_false(ppp_probe_answered(lab.link, &p, answer, i));
	}
	assert_true(ppp_probe_answered(lab.link, &p, answer, answer_len + 9));
	/* The question itself, or an answer to another one. */
	assert_false(ppp_probe_answered(lab.link, &p, question, sizeof(question)));
	ask_peer(&other);
	assert_false(ppp_probe_answered(lab.link, &p, answer, answer_len));
	assert_memory_not_equal(p.nonce, other.nonce, sizeof(p.nonce));
	/* T23: another client on the path answers with a magic number of its own. */
	lab.peer.magic++;
	ask_peer(&p);
	assert_int_equal(answer_len, PPP_PROBE_FRAME);
	assert_false(ppp_probe_answered(lab.link, &p, answer, answer_len));
	lab.peer.magic--;
	/* A client that begins anew has left Opened, and answers nothing. */
	ppp_client_renegotiate(&lab.peer, PPP_CLIENT_LCP, lab.now);
	ask_peer(&p);
	assert_int_equal(answer_len, 0);
}

static void
test_probe_without_magic(void **state)
{
	struct ppp_probe p;

	(void)state;
	pc.habits.no_magic = true;
	lab_start(&lab, &pc, true);
	expect_open();
	ask_peer(&p);
	assert_true(ppp_probe_answered(lab.link, &p, answer, answer_len));
	answer[6] = 1;
	assert_false(ppp_probe_answered(lab.link, &p, answer, answer_len));
}

/* The peer's magic number goes on in another process. */
static void
test_probe_after_restart(void **state)
{
	struct ppp_image image;
	struct ppp_link *old;
	struct ppp_probe p;

	(void)state;
	lab.grant.mppe_policy = PPP_MPPE_FORBID;
	lab_start(&lab, &pc, true);
	expect_open();
	lab_run(&lab, lab.now + 2 * lab.cfg.echo_interval_ms);
	old = lab.link;
	assert_true(ppp_export(old, &image));
	assert_int_equal(image.peer_magic, lab.peer.magic);
	assert_int_equal(image.rtt_ms, 2 * lab.delay_ms);
	lab.link = ppp_import(&lab.cfg, lab_ops, &lab, &image, lab.now);
	ppp_free(old);
	ask_peer(&p);
	assert_true(ppp_probe_answered(lab.link, &p, answer, answer_len));
	answer[8] ^= 1;
	assert_false(ppp_probe_answered(lab.link, &p, answer, answer_len));
}

/* ------------------------------------------------------------------ T27: what anyone can forge */

struct forgery {
	const char *name;
	uint8_t frame[24];
	size_t len;
};

static const struct forgery forgeries[] = {
	{"LCP Terminate-Request", {0xc0, 0x21, 5, 9, 0, 4}, 6},
	{"LCP Terminate-Ack", {0xc0, 0x21, 6, 9, 0, 4}, 6},
	{"LCP Configure-Request", {0xc0, 0x21, 1, 9, 0, 10, 5, 6, 1, 2, 3, 4}, 12},
	{"LCP Configure-Ack", {0xc0, 0x21, 2, 1, 0, 4}, 6},
	{"LCP Configure-Nak", {0xc0, 0x21, 3, 1, 0, 10, 5, 6, 1, 2, 3, 4}, 12},
	{"LCP Configure-Reject", {0xc0, 0x21, 4, 1, 0, 10, 5, 6, 1, 2, 3, 4}, 12},
	{"LCP Code-Reject", {0xc0, 0x21, 7, 9, 0, 8, 1, 1, 0, 4}, 10},
	{"LCP Code-Reject of Echo-Request", {0xc0, 0x21, 7, 9, 0, 8, 9, 1, 0, 4}, 10},
	{"Protocol-Reject of LCP", {0xc0, 0x21, 8, 9, 0, 6, 0xc0, 0x21}, 8},
	{"Protocol-Reject of CCP", {0xc0, 0x21, 8, 9, 0, 6, 0x80, 0xfd}, 8},
	{"Protocol-Reject of MPPE", {0xc0, 0x21, 8, 9, 0, 6, 0x00, 0xfd}, 8},
	{"Protocol-Reject of IPCP", {0xc0, 0x21, 8, 9, 0, 6, 0x80, 0x21}, 8},
	{"Echo-Reply", {0xc0, 0x21, 10, 1, 0, 8, 1, 2, 3, 4}, 10},
	{"CCP Terminate-Request", {0x80, 0xfd, 5, 9, 0, 4}, 6},
	{"CCP Terminate-Ack", {0x80, 0xfd, 6, 9, 0, 4}, 6},
	{"CCP Configure-Request", {0x80, 0xfd, 1, 9, 0, 10, 18, 6, 0, 0, 0, 0x40}, 12},
	{"CCP Code-Reject", {0x80, 0xfd, 7, 9, 0, 8, 1, 1, 0, 4}, 10},
	{"CCP Reset-Request", {0x80, 0xfd, 14, 9, 0, 4}, 6},
	{"IPCP Terminate-Request", {0x80, 0x21, 5, 9, 0, 4}, 6},
	{"IPCP Terminate-Ack", {0x80, 0x21, 6, 9, 0, 4}, 6},
	{"IPCP Configure-Request", {0x80, 0x21, 1, 9, 0, 10, 3, 6, 1, 2, 3, 4}, 12},
	{"IPCP Code-Reject", {0x80, 0x21, 7, 9, 0, 8, 1, 1, 0, 4}, 10},
	{"CHAP Response", {0xc2, 0x23, 2, 1, 0, 6, 1, 1}, 8},
	{"CHAP Challenge", {0xc2, 0x23, 1, 1, 0, 6, 1, 1}, 8},
};
#define FORGERIES (sizeof(forgeries) / sizeof(forgeries[0]))

static void
expect_untouched(const char *name)
{
	if (lab.downs != 0 || lab.lcp_ups != 1 || ppp_phase(lab.link) != PPP_OPEN) {
		print_message("after a forged %s:\n", name);
		lab_print(&lab);
	}
	assert_int_equal(lab.downs, 0);
	assert_int_equal(lab.lcp_ups + lab.auths + lab.ip_ups + lab.mppe_ups, 4);
	assert_int_equal(lab.mppe_downs, 0);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
	assert_true(ppp_client_is_open(&lab.peer));
}

/* The client never hears a Terminate-Ack (it would end it) or a Configure-Request (restart it). */
static void
test_t27_forged_frames_end_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORGERIES; i++) {
		const struct forgery *f = &forgeries[i];

		lab_init(&lab, &pc);
		lab_start(&lab, &pc, true);
		expect_open();
		lab_run(&lab, lab.now + 20000);
		unsigned int requests = lab_count(&lab, "S>C LCP Configure-Request") +
					lab_count(&lab, "S>C IPCP Configure-Request") +
					lab_count(&lab, "S>C CCP Configure-Request");
		for (unsigned int n = 0; n < 120; n++)
			lab_inject(&lab, f->frame, f->len);
		lab_run(&lab, lab.now + 30000);
		expect_untouched(f->name);
		assert_int_equal(lab_count(&lab, "S>C LCP Terminate"), 0);
		assert_int_equal(lab_count(&lab, "S>C CCP Terminate"), 0);
		assert_int_equal(lab_count(&lab, "S>C IPCP Terminate"), 0);
		assert_int_equal(requests, lab_count(&lab, "S>C LCP Configure-Request") +
						   lab_count(&lab, "S>C IPCP Configure-Request") +
						   lab_count(&lab, "S>C CCP Configure-Request"));
		/* It goes on being watched, and noticed when it dies. */
		lab.peer.cfg.habits.mute = true;
		expect_refusal(REFUSAL_PEER_DEAD);
		lab_end(&lab);
	}
}

/* What is ignored is told, once. */
static void
test_t27_forged_frames_are_counted(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	for (unsigned int n = 0; n < 5; n++)
		lab_inject(&lab, forgeries[0].frame, forgeries[0].len);
	assert_int_equal(lab.forged, 0);
	lab_run(&lab, lab.now + 100);
	assert_int_equal(lab.forged, 5);
	lab_run(&lab, lab.now + 10000);
	assert_int_equal(lab.forged, 5);
}

/* A storm of forged frames of all kinds makes no storm of ours, and loss does not help it. */
static void
test_t27_storm(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	unsigned int before = lab.server_frames;
	lab.loss = 20;
	for (unsigned int n = 0; n < 30000; n++) {
		const struct forgery *f = &forgeries[n % FORGERIES];

		ppp_input(lab.link, f->frame, f->len, lab.now);
		lab_run(&lab, lab.now + 1);
	}
	expect_untouched("storm");
	/* In 30 s: Echo-Requests only, and two a second on the average. */
	assert_in_range(lab.server_frames - before, 28, 90);
	assert_in_range(lab.forged, 15000, 30000);
	/* The client hangs up in the middle of it, and is believed. */
	lab.loss = 0;
	ppp_client_hang_up(&lab.peer, 77, lab.now);
	for (unsigned int n = 0; n < 4000 && lab.downs == 0; n++) {
		ppp_input(lab.link, forgeries[n % 12].frame, forgeries[n % 12].len, lab.now);
		lab_run(&lab, lab.now + 1);
	}
	assert_int_equal(lab.downs, 1);
}

/* Too forged to help: Echo-Replies without the nonce keep no dead client, and end no doubt. */
static void
test_t27_forged_echo_replies(void **state)
{
	uint8_t reply[] = {0xc0, 0x21, 10, 0, 0, 8, 1, 2, 3, 4};
	uint64_t died;

	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	lab.peer.cfg.habits.mute = true;
	died = lab.now;
	for (unsigned int n = 0; n < 100000 && lab.downs == 0; n++) {
		reply[2] = n & 1 ? 9 : 10;
		reply[3] = (uint8_t)(n / 2);
		ppp_input(lab.link, reply, sizeof(reply), lab.now);
		lab_run(&lab, lab.now + 1);
	}
	assert_int_equal(lab.downs, 1);
	assert_int_equal(lab.code, REFUSAL_PEER_DEAD);
	assert_true(lab.now - died <= 5 * lab.cfg.echo_interval_ms);
}

/* The client's own Terminate-Request, Configure-Request and so on count after two seconds. */
static void
test_t27_genuine_end(void **state)
{
	uint64_t at;

	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	lab_run(&lab, lab.now + 20000);
	at = lab.now;
	ppp_client_hang_up(&lab.peer, 9, lab.now);
	lab_run(&lab, lab.now + 1900);
	assert_int_equal(lab.downs, 0);
	assert_int_equal(lab_count(&lab, "S>C LCP Terminate-Ack"), 0);
	assert_in_range(lab_count(&lab, "S>C LCP Echo-Request"), 7, 12);
	lab_run(&lab, at + 2100);
	assert_int_equal(lab.downs, 1);
	assert_int_equal(lab.code, REFUSAL_PEER_CLOSED);
	assert_int_equal(lab_count(&lab, "S>C LCP Terminate-Ack id 9"), 1);
	assert_int_equal(lab.forged, 0);
}

/* A client that has hung up has gone, whatever else comes in its name while it is asked for. */
static void
test_t27_end_is_not_displaced(void **state)
{
	(void)state;
	for (size_t i = 1; i < FORGERIES; i++) {
		lab_init(&lab, &pc);
		lab_start(&lab, &pc, true);
		expect_open();
		lab_run(&lab, lab.now + 20000);
		ppp_client_hang_up(&lab.peer, 9, lab.now);
		for (unsigned int n = 0; n < 21 && lab.downs == 0; n++) {
			lab_run(&lab, lab.now + 100);
			ppp_input(lab.link, forgeries[i].frame, forgeries[i].len, lab.now);
		}
		lab_run(&lab, lab.now + 100);
		if (lab.downs != 1 || lab.code != REFUSAL_PEER_CLOSED)
			fail_msg("after a forged %s: downs %u, code %d", forgeries[i].name,
				lab.downs, (int)lab.code);
		lab_end(&lab);
	}
}

/* Inside IPsec nobody forges: at once, as RFC 1661 wants it. */
static void
test_t27_authentic_path(void **state)
{
	(void)state;
	lab.cfg.authentic_path = true;
	lab_start(&lab, &pc, true);
	expect_open();
	ppp_client_hang_up(&lab.peer, 9, lab.now);
	lab_run(&lab, lab.now + 50);
	assert_int_equal(lab.downs, 1);
	assert_int_equal(lab.code, REFUSAL_PEER_CLOSED);
}

/* F3: who begins LCP anew has left Opened: it is followed two seconds later, with a new
 * authentication and new keys. */
static void
test_t27_lcp_anew(void **state)
{
	struct ppp_mppe_result old;

	(void)state;
	for (unsigned int how = 0; how < 2; how++) {
		lab_init(&lab, &pc);
		pc.habits.multilink = how; /* a long request */
		lab_start(&lab, &pc, true);
		expect_open();
		old = lab.keys;
		lab_run(&lab, lab.now + 20000);
		ppp_client_renegotiate(&lab.peer, PPP_CLIENT_LCP, lab.now);
		lab_run(&lab, lab.now + 10000);
		assert_int_equal(lab.downs, 0);
		assert_int_equal(lab.auths, 2);
		assert_int_equal(lab.ip_ups, 2);
		assert_int_equal(lab.mppe_ups, 2);
		assert_memory_not_equal(old.tx.start_key, lab.keys.tx.start_key, 16);
		assert_true(ppp_client_is_open(&lab.peer));
		lab_end(&lab);
	}
}

/* A request that is too long to be kept. */
static void
test_t27_long_request(void **state)
{
	uint8_t request[300] = {0xc0, 0x21, 1, 9, 1, 4};

	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	for (size_t at = 6; at < 262; at += 64) { /* endpoint discriminators */
		request[at] = 19;
		request[at + 1] = 64;
	}
	lab_inject(&lab, request, 262);
	lab_run(&lab, lab.now + 5000);
	expect_untouched("long request");
	assert_int_equal(lab.forged, 1);
	ppp_client_renegotiate(&lab.peer, PPP_CLIENT_LCP, lab.now);
	lab_inject(&lab, request, 262);
	lab_run(&lab, lab.now + 20000);
	assert_int_equal(lab.downs, 0);
	assert_int_equal(lab.ip_ups, 2);
}

/* Three round trips, when these are longer. */
static void
test_t27_slow_path(void **state)
{
	uint64_t at;

	(void)state;
	lab.delay_ms = 1200;
	lab_start(&lab, &pc, true);
	expect_open();
	lab_inject(&lab, forgeries[0].frame, forgeries[0].len);
	lab_run(&lab, lab.now + 30000);
	assert_in_range(lab.link->rtt_ms, 2400, 2500);
	lab_inject(&lab, forgeries[0].frame, forgeries[0].len);
	lab_run(&lab, lab.now + 20000);
	expect_untouched("Terminate-Request on a slow path");
	at = lab.now;
	ppp_client_hang_up(&lab.peer, 9, lab.now);
	lab_run(&lab, at + 7200);
	assert_int_equal(lab.downs, 0);
	lab_run(&lab, at + 9000);
	assert_int_equal(lab.downs, 1);
}

/* A client that knows no Echo-Request says so, with our nonce in it. */
static void
test_t27_client_without_echo(void **state)
{
	(void)state;
	pc.habits.no_echo = true;
	lab_start(&lab, &pc, true);
	expect_open();
	lab_run(&lab, lab.now + 100000);
	lab_inject(&lab, forgeries[0].frame, forgeries[0].len);
	lab_run(&lab, lab.now + 5000);
	expect_untouched("Terminate-Request for a client without echo");
	lab.peer.cfg.habits.mute = true;
	expect_refusal(REFUSAL_PEER_DEAD);
}

static const struct ppp_client_ops *usual_ops;

static void
send_no_chap(void *user, const uint8_t *frame, size_t len)
{
	if (frame[0] != 0xc2 || frame[1] != 0x23)
		usual_ops->send(user, frame, len);
}

/* T24: a client that never authenticates and begins LCP anew every 20 s has its minute, no more. */
static void
test_t24_deadline(void **state)
{
	struct ppp_client_ops ops;

	(void)state;
	lab_start(&lab, &pc, true);
	usual_ops = lab.peer.ops;
	ops = *usual_ops;
	ops.send = send_no_chap;
	lab.peer.ops = &ops;
	for (int i = 0; i < 30 && lab.downs == 0; i++) {
		lab_run(&lab, lab.now + 20000);
		ppp_client_renegotiate(&lab.peer, PPP_CLIENT_LCP, lab.now);
	}
	assert_int_equal(lab.downs, 1);
	assert_int_equal(lab.code, REFUSAL_SETUP_TIMEOUT);
	assert_true(lab.now <= 1000 + lab.cfg.setup_timeout_ms + 20000);
}

/* F7: an echo longer than the client's MRU is answered, cut to it. */
static void
test_long_echo_is_cut(void **state)
{
	uint8_t request[1500] = {0xc0, 0x21, 9, 77, 0x05, 0xda, 1, 2, 3, 4};

	(void)state;
	pc.mru = 1000;
	lab_start(&lab, &pc, true);
	expect_open();
	lab_inject(&lab, request, sizeof(request));
	assert_int_equal(lab_count(&lab, "S>C LCP Echo-Reply id 77 len 1002 "), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_t27_forged_frames_end_nothing),
		LINK_TEST(test_t27_forged_frames_are_counted),
		LINK_TEST(test_t27_storm),
		LINK_TEST(test_t27_forged_echo_replies),
		LINK_TEST(test_t27_genuine_end),
		LINK_TEST(test_t27_end_is_not_displaced),
		LINK_TEST(test_t27_authentic_path),
		LINK_TEST(test_t27_lcp_anew),
		LINK_TEST(test_t27_long_request),
		LINK_TEST(test_t27_slow_path),
		LINK_TEST(test_t27_client_without_echo),
		LINK_TEST(test_long_echo_is_cut),
		LINK_TEST(test_t24_deadline),
		LINK_TEST(test_probe_is_answered),
		LINK_TEST(test_probe_without_magic),
		LINK_TEST(test_probe_after_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
