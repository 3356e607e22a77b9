/* SPDX-License-Identifier: BSD-3-Clause */
/* What no honest client sends: lying lengths, packets out of their phase, wrong identifiers,
 * floods. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/ppp/link.h"

#define INJECT(...) \
	lab_inject(&lab, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void
until_step(const char *text)
{
	for (int i = 0; i < 5000 && lab_count(&lab, text) == 0; i++)
		lab_run(&lab, lab.now + 1);
	assert_true(lab_count(&lab, text) > 0);
}

static void
test_size(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	print_message("sizeof(struct ppp_link) = %zu\n", sizeof(struct ppp_link));
	assert_true(sizeof(struct ppp_link) <= 4096);
}

/* Lengths: of frame, packet, option. Nothing answers, nothing changes. */
static void
test_lengths(void **state)
{
	unsigned int before;

	(void)state;
	lab_start(&lab, &pc, false);
	lab.peer.cfg.habits.mute = true;
	before = lab.server_frames;
	INJECT(0xc0);
	INJECT(0xc0, 0x21);
	INJECT(0xc0, 0x21, 1);
	INJECT(0xc0, 0x21, 1, 1, 0);
	INJECT(0xc0, 0x21, 1, 1, 0, 3); /* shorter than its header */
	INJECT(0xc0, 0x21, 1, 1, 0, 5); /* longer than the frame */
	INJECT(0xc0, 0x21, 1, 1, 255, 255, 1, 4);
	INJECT(0xc0, 0x21, 1, 1, 0, 6, 1, 0);    /* option of length 0 */
	INJECT(0xc0, 0x21, 1, 1, 0, 6, 1, 1);    /* ... 1 */
	INJECT(0xc0, 0x21, 1, 1, 0, 7, 1, 4, 5); /* ... beyond the packet */
	INJECT(0xc0, 0x21, 1, 1, 0, 5, 1);       /* half an option header */
	INJECT(0xc0, 0x21, 2, 1, 0, 6, 1, 0);
	INJECT(0xc0, 0x21, 3, 1, 0, 6, 1, 200);
	INJECT(0xc0, 0x21, 4, 1, 0, 6, 1, 1);
	assert_int_equal(lab.server_frames, before);
	/* Right outside, wrong inside: rejected, not believed. */
	INJECT(0xc0, 0x21, 1, 1, 0, 7, 1, 3, 5);
	INJECT(0xc0, 0x21, 1, 2, 0, 6, 5, 2);
	assert_int_equal(lab_count(&lab, "S>C LCP Configure-Reject"), 2);
	/* Padding behind the packet does not count. */
	INJECT(0xc0, 0x21, 1, 3, 0, 4, 0xff, 0xff, 0xff);
	assert_int_equal(lab_count(&lab, "S>C LCP Configure-Ack id 3"), 1);
}

static void
test_out_of_phase(void **state)
{
	unsigned int before;

	(void)state;
	lab_start(&lab, &pc, true);
	before = lab.server_frames;
	/* Before LCP is open. */
	INJECT(0xc2, 0x23, 2, 1, 0, 4);
	INJECT(0xc0, 0x23, 1, 1, 0, 4);
	INJECT(0x80, 0x21, 1, 1, 0, 4);
	INJECT(0x80, 0xfd, 1, 1, 0, 4);
	INJECT(0x80, 0x57, 1, 1, 0, 4);
	INJECT(0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4);
	INJECT(0xc0, 0x21, 8, 1, 0, 6, 0xc0, 0x21);
	assert_int_equal(lab.server_frames, before);
	/* Before authentication: no IPCP, no CCP, no Protocol-Reject. */
	until_step("S>C CHAP Challenge");
	before = lab.server_frames;
	INJECT(0x80, 0x21, 1, 1, 0, 10, 3, 6, 10, 99, 0, 10);
	INJECT(0x80, 0xfd, 1, 1, 0, 10, 18, 6, 1, 0, 0, 0x40);
	INJECT(0x80, 0x57, 1, 1, 0, 4);
	INJECT(0xc0, 0x23, 1, 1, 0, 6, 0, 0); /* PAP was not agreed */
	INJECT(0xc2, 0x23, 3, 1, 0, 4);       /* a Success for us */
	INJECT(0xc2, 0x23, 1, 1, 0, 4);
	assert_int_equal(lab.server_frames, before);
	assert_int_equal(lab.auths, 0);
	expect_open();
	/* Open: unknown protocols are rejected (R28), early data and LCP's unknown codes
	 * handled. */
	INJECT(0x80, 0x57, 1, 1, 0, 4);
	INJECT(0x80, 0x2b, 1, 1, 0, 4);
	INJECT(0x00, 0x21, 0x45);
	INJECT(0x00, 0xfd, 0x90, 0);
	INJECT(0xc0, 0x21, 99, 5, 0, 4);
	INJECT(0xc0, 0x21, 11, 5, 0, 4);
	INJECT(0xc0, 0x21, 13, 5, 0, 12, 0, 0, 0, 0, 0, 0, 0, 9);
	assert_int_equal(lab_count(&lab, "S>C LCP Protocol-Reject"), 2);
	assert_int_equal(lab_count(&lab, "S>C LCP Code-Reject"), 1);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
}

static void
test_identifiers(void **state)
{
	uint8_t response[2 + 4 + 50 + 5] = {0xc2, 0x23, 2, 0, 0, 59, 49};

	(void)state;
	lab_start(&lab, &pc, true);
	/* An Ack with another identifier, or other options, is none. */
	INJECT(0xc0, 0x21, 2, 77, 0, 4);
	INJECT(0xc0, 0x21, 2, 1, 0, 4);
	INJECT(0xc0, 0x21, 4, 77, 0, 9, 3, 5, 0xc2, 0x23, 0x81);
	assert_int_equal(ppp_phase(lab.link), PPP_ESTABLISH);
	until_step("S>C CHAP Challenge");
	memcpy(response + 56, "alice", 5);
	response[3] = 200;
	lab_inject(&lab, response, sizeof(response));
	assert_int_equal(lab.auths, 0);
	expect_open();
	/* Success given: another Response gets nothing. */
	response[3] = lab.peer.chap_id;
	lab_inject(&lab, response, sizeof(response));
	assert_int_equal(lab.auths, 1);
	assert_int_equal(lab_count(&lab, "S>C CHAP Success"), 1);
}

static void
bad_name(const uint8_t *name, size_t len)
{
	uint8_t f[1000] = {0xc2, 0x23, 2, 0, 0, 0, 49};

	lab_init(&lab, &pc);
	lab_start(&lab, &pc, true);
	until_step("S>C CHAP Challenge");
	f[3] = lab.link->chap.id;
	f[4] = (uint8_t)((54 + len) >> 8);
	f[5] = (uint8_t)(54 + len);
	memcpy(f + 56, name, len);
	lab.peer.cfg.habits.mute = true;
	lab_inject(&lab, f, 56 + len);
	assert_int_equal(lab.auths, 0);
	expect_refusal(REFUSAL_PROTOCOL_ERROR);
	lab_end(&lab);
}

static void
test_names(void **state)
{
	uint8_t giant[800];

	(void)state;
	memset(giant, 'a', sizeof(giant));
	bad_name((const uint8_t *)"", 0);
	bad_name((const uint8_t *)"ali\0ce", 6);
	bad_name(giant, 256);
	bad_name(giant, 800);
}

static void
test_response_lengths(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	until_step("S>C CHAP Challenge");
	INJECT(0xc2, 0x23, 2, 1, 0, 4);
	INJECT(0xc2, 0x23, 2, 1, 0, 5, 49);
	INJECT(0xc2, 0x23, 2, 1, 0, 9, 0, 'a', 'l', 'i', 'c');
	INJECT(0xc2, 0x23, 2, 1, 0, 9, 255, 'a', 'l', 'i', 'c');
	INJECT(0xc2, 0x23, 2, 1, 0, 3);
	INJECT(0xc2, 0x23, 2);
	assert_int_equal(lab.auths, 0);
	expect_open();
}

static void
test_pap_lengths(void **state)
{
	(void)state;
	lab.cfg.auth = pc.auth = PPP_AUTH_PAP;
	lab.grant.mppe_policy = PPP_MPPE_FORBID;
	lab_start(&lab, &pc, true);
	until_step("S>C LCP Configure-Ack");
	lab_run(&lab, lab.now + 5);
	lab.peer.cfg.habits.mute = true;
	lab_run(&lab, lab.now + 5);
	assert_int_equal(ppp_phase(lab.link), PPP_AUTHENTICATE);
	INJECT(0xc0, 0x23, 1, 1, 0, 10, 200, 'a', 'l', 'i', 1, 'x');
	assert_int_equal(lab.auths, 0);
	expect_refusal(REFUSAL_PROTOCOL_ERROR);
}

/* Requests without end, each different: answered one for one, bounded in time. */
static void
test_request_flood(void **state)
{
	uint8_t f[12] = {0xc0, 0x21, 1, 0, 0, 10, 5, 6, 0, 0, 0, 0};

	(void)state;
	lab_start(&lab, &pc, false);
	lab.peer.cfg.habits.mute = true;
	for (unsigned int i = 1; i <= 20000; i++) {
		f[3] = (uint8_t)i;
		f[10] = (uint8_t)(i >> 8);
		f[11] = (uint8_t)i;
		lab_inject(&lab, f, sizeof(f));
		lab.queued = 0;
	}
	assert_in_range(lab.server_frames, 20000, 20010);
	expect_refusal(REFUSAL_SETUP_TIMEOUT);
}

/* A Nak for each of our requests, for ever. */
static void
test_nak_flood(void **state)
{
	(void)state;
	lab_start(&lab, &pc, false);
	lab.peer.cfg.habits.mute = true;
	for (unsigned int i = 0; i < 1000 && lab.downs == 0; i++) {
		INJECT(0xc0, 0x21, 3, lab.link->lcp.fsm.id, 0, 10, 5, 6, 1, 2, 3, 4);
		lab.queued = 0;
	}
	assert_int_equal(lab.downs, 1);
	assert_int_equal(lab.code, REFUSAL_LCP_FAILED);
	assert_true(lab.server_frames < 50);
}

static void
test_code_reject(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	expect_open();
	INJECT(0xc0, 0x21, 7, 1, 0, 8, 9, 1, 0, 4); /* not an Echo-Request of ours */
	lab_run(&lab, lab.now + 60000);
	assert_in_range(lab_count(&lab, "S>C LCP Echo-Request"), 5, 6);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
	lab.peer.n[PPP_CLIENT_LCP].theirs = false;  /* it has left Opened */
	INJECT(0xc0, 0x21, 7, 1, 0, 8, 1, 1, 0, 4); /* Configure-Request unknown: hopeless */
	expect_refusal(REFUSAL_LCP_FAILED);
}

static void
test_protocol_rejects(void **state)
{
	(void)state;
	lab_start(&lab, &pc, true);
	until_step("S>C CHAP Challenge");
	INJECT(0xc0, 0x21, 8, 1, 0, 6, 0xc2, 0x23);
	expect_refusal(REFUSAL_NO_COMMON_AUTH);
	lab_end(&lab);
	lab_init(&lab, &pc);
	lab_start(&lab, &pc, true);
	expect_open();
	INJECT(0xc0, 0x21, 8, 1, 0, 6, 0x12, 0x34); /* none of ours */
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
	lab.peer.cfg.habits.mute = true;
	INJECT(0xc0, 0x21, 8, 1, 0, 6, 0x80, 0x21);
	expect_refusal(REFUSAL_NO_IP);
}

/* Random octets in random phases, with real frames bent at one place. */
static void
test_noise(void **state)
{
	static const uint8_t protocols[][2] = {
		{0xc0, 0x21}, {0xc2, 0x23}, {0x80, 0xfd}, {0x80, 0x21}, {0xc0, 0x23}, {0x12, 0x34}};
	uint8_t f[200];

	(void)state;
	srandom(7);
	for (unsigned int run = 0; run < 300; run++) {
		lab_init(&lab, &pc);
		lab_start(&lab, &pc, true);
		lab_run(&lab, lab.now + run % 120);
		for (unsigned int i = 0; i < 200; i++) {
			size_t len = 6 + (size_t)random() % 60;

			for (size_t k = 0; k < len; k++)
				f[k] = (uint8_t)random();
			memcpy(f, protocols[random() % 6], 2);
			f[2] = (uint8_t)(random() % 16);
			f[4] = 0;
			f[5] = (uint8_t)(len - 2);
			if (len > 8 && random() % 2)
				f[7] = 6;
			ppp_input(lab.link, f, len, lab.now);
			lab_run(&lab, lab.now + random() % 50);
		}
		lab_run(&lab, lab.now + 1000);
		assert_true(lab.downs <= 1);
		assert_false(lab.clear_leak);
		lab_end(&lab);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_size),
		LINK_TEST(test_lengths),
		LINK_TEST(test_out_of_phase),
		LINK_TEST(test_identifiers),
		LINK_TEST(test_names),
		LINK_TEST(test_response_lengths),
		LINK_TEST(test_pap_lengths),
		LINK_TEST(test_request_flood),
		LINK_TEST(test_nak_flood),
		LINK_TEST(test_code_reject),
		LINK_TEST(test_protocol_rejects),
		LINK_TEST(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
