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
	void (*send)(void *user, const uint8_t *frame, size_t len) = lab.peer.send;
	unsigned int frames = lab.server_frames;

	assert_int_equal(ppp_probe_make(lab.link, p, question, sizeof(question)), sizeof(question));
	assert_int_equal(lab.server_frames, frames);
	answer_len = 0;
	lab.peer.send = take_answer;
	peer_input(&lab.peer, question, sizeof(question), lab.now);
	lab.peer.send = send;
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
	peer_renegotiate(&lab.peer, P_LCP, lab.now);
	ask_peer(&p);
	assert_int_equal(answer_len, 0);
}

static void
test_probe_without_magic(void **state)
{
	struct ppp_probe p;

	(void)state;
	pc.no_magic = true;
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_probe_is_answered),
		LINK_TEST(test_probe_without_magic),
		LINK_TEST(test_probe_after_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
