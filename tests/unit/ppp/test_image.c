/* SPDX-License-Identifier: BSD-3-Clause */
/* An open link goes on in another process: nothing but its image is handed on (D7, T19). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "control/ppp/image.h"
#include "lab.h"

static struct lab lab;
static struct ppp_client_config pc;

/* Inside IPsec: without MPPE. */
static int
setup(void **state)
{
	(void)state;
	lab_init(&lab, &pc);
	lab.grant.mppe_policy = PPP_MPPE_FORBID;
	lab.cfg.authentic_path = true;
	lab.cfg.auth = PPP_AUTH_MSCHAPV2 | PPP_AUTH_CHAP_MD5 | PPP_AUTH_PAP;
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
bring_up(void)
{
	lab_start(&lab, &pc, true);
	lab_settle(&lab, 20000);
	assert_int_equal(lab.ip_ups, 1);
	/* Silence on the wire. */
	lab_run(&lab, lab.now + 1000);
}

/* The process dies, and another one goes on. */
static void
change_process(void)
{
	struct ppp_image image, again;
	struct ppp_link *old = lab.link;
	assert_true(ppp_export(old, &image));
	lab.link = ppp_import(&lab.cfg, lab_ops, &lab, &image, lab.now);
	assert_non_null(lab.link);
	ppp_free(old);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
	assert_true(ppp_export(lab.link, &again));
	assert_memory_equal(&image, &again, sizeof(image));
}

static void
test_goes_on(void **state)
{
	(void)state;
	bring_up();
	unsigned int frames = lab.server_frames;
	for (int i = 0; i < 3; i++)
		change_process();
	/* Nothing is said because of it, and the client is asked whether it lives. */
	assert_int_equal(lab.server_frames, frames);
	unsigned int echoes = lab_count(&lab, "C>S LCP Echo-Reply");
	lab_run(&lab, lab.now + 10 * lab.cfg.echo_interval_ms);
	assert_true(lab_count(&lab, "C>S LCP Echo-Reply") >= echoes + 9);
	assert_int_equal(lab.downs, 0);
	assert_int_equal(lab.lcp_ups + lab.auths + lab.ip_ups, 3);
	assert_true(ppp_client_is_open(&lab.peer));
}

/* The client's questions are answered as the old process would have. */
static void
test_answers(void **state)
{
	static const uint8_t echo[] = {0xc0, 0x21, 9, 77, 0, 8, 1, 2, 3, 4};
	static const uint8_t strange[] = {0x80, 0x57, 1, 1, 0, 4};
	static const uint8_t ccp[] = {0x80, 0xfd, 1, 1, 0, 4};
	(void)state;
	bring_up();
	change_process();
	unsigned int rejects = lab_count(&lab, "S>C LCP Protocol-Reject");
	lab_inject(&lab, echo, sizeof(echo));
	assert_int_equal(lab_count(&lab, "S>C LCP Echo-Reply id 77"), 1);
	lab_inject(&lab, strange, sizeof(strange));
	lab_inject(&lab, ccp, sizeof(ccp));
	assert_int_equal(lab_count(&lab, "S>C LCP Protocol-Reject"), rejects + 2);
	/* IPCP anew: the same address, and nobody is told a second time. */
	lab.peer.asks_dns = false;
	ppp_client_renegotiate(&lab.peer, PPP_CLIENT_IPCP, lab.now);
	lab_run(&lab, lab.now + 5000);
	assert_int_equal(lab_count(&lab, "S>C IPCP Configure-Request"), 2);
	assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
	assert_int_equal(lab.peer.ip, lab.grant.peer_ip);
	assert_int_equal(lab.downs, 0);
	assert_int_equal(lab.ip_ups, 1);
}

static void
test_ends(void **state)
{
	(void)state;
	bring_up();
	change_process();
	ppp_close(lab.link, REFUSAL_ADMIN_DISCONNECT, "", lab.now);
	lab_run(&lab, lab.now + 1000);
	assert_int_equal(lab.downs, 1);
	assert_int_equal(lab.code, REFUSAL_ADMIN_DISCONNECT);
	assert_int_equal(lab_count(&lab, "C>S LCP Terminate-Ack"), 1);
}

static void
test_client_hangs_up(void **state)
{
	(void)state;
	bring_up();
	change_process();
	ppp_client_packet(&lab.peer, 0xc021, 5, 99, NULL, 0);
	lab_run(&lab, lab.now + 1000);
	assert_int_equal(lab.downs, 1);
	assert_int_equal(lab.code, REFUSAL_PEER_CLOSED);
	assert_int_equal(lab_count(&lab, "S>C LCP Terminate-Ack id 99"), 1);
}

static void
test_dead_client(void **state)
{
	(void)state;
	bring_up();
	change_process();
	lab.peer.cfg.habits.mute = true;
	lab_run(&lab, lab.now + 10 * lab.cfg.echo_interval_ms);
	assert_int_equal(lab.downs, 1);
	assert_int_equal(lab.code, REFUSAL_PEER_DEAD);
}

/* A client that begins LCP anew is authenticated anew. */
static void
test_lcp_anew(void **state)
{
	(void)state;
	bring_up();
	change_process();
	ppp_client_renegotiate(&lab.peer, PPP_CLIENT_LCP, lab.now);
	lab_run(&lab, lab.now + 20000);
	assert_int_equal(lab.lcp_ups, 2);
	assert_int_equal(lab.auths, 2);
}

static void
test_other_methods(void **state)
{
	(void)state;
	for (unsigned int auth = PPP_AUTH_CHAP_MD5; auth; auth = auth == PPP_AUTH_PAP ? 0 : 8) {
		setup(NULL);
		lab.cfg.auth = pc.auth = auth;
		bring_up();
		change_process();
		lab_run(&lab, lab.now + 30000);
		assert_int_equal(lab.downs, 0);
		if (auth == PPP_AUTH_CHAP_MD5)
			lab_end(&lab);
	}
}

/* Echoes of many links that are imported at once are spread over the interval. */
static void
test_spread(void **state)
{
	struct ppp_image image;
	unsigned int early = 0;
	(void)state;
	bring_up();
	assert_true(ppp_export(lab.link, &image));
	for (int i = 0; i < 200; i++) {
		struct ppp_link *l = ppp_import(&lab.cfg, lab_ops, &lab, &image, 5000);
		uint64_t due = ppp_next_timer(l);
		assert_true(due > 5000 && due <= 5000 + lab.cfg.echo_interval_ms);
		early += due < 5000 + lab.cfg.echo_interval_ms / 2;
		ppp_free(l);
	}
	assert_in_range(early, 60, 140);
	lab.cfg.echo_interval_ms = 0;
	struct ppp_link *l = ppp_import(&lab.cfg, lab_ops, &lab, &image, 5000);
	assert_true(ppp_next_timer(l) == UINT64_MAX);
	ppp_free(l);
}

/* Not open, or with keys that would have to be handed on: not exported. */
static void
test_not_exported(void **state)
{
	struct ppp_image image;
	(void)state;
	lab_start(&lab, &pc, true);
	while (ppp_phase(lab.link) != PPP_OPEN) {
		assert_false(ppp_export(lab.link, &image));
		assert_true(lab.now < 20000);
		lab_run(&lab, lab.now + 5);
	}
	assert_true(ppp_export(lab.link, &image));
	ppp_close(lab.link, REFUSAL_NONE, "", lab.now);
	assert_false(ppp_export(lab.link, &image));
	lab_end(&lab);
	lab_init(&lab, &pc); /* MPPE is required there */
	bring_up();
	assert_int_equal(lab.mppe_ups, 1);
	assert_false(ppp_export(lab.link, &image));
}

/* T21: whatever an image says, it is refused or it is a link that works. */
static void
test_hostile(void **state)
{
	struct ppp_image good, bad;
	(void)state;
	bring_up();
	assert_true(ppp_export(lab.link, &good));
#define REFUSED(field, value)                                                    \
	do {                                                                     \
		bad = good;                                                      \
		bad.field = value;                                               \
		assert_null(ppp_import(&lab.cfg, lab_ops, &lab, &bad, lab.now)); \
	} while (0)
	REFUSED(peer_ip, 0);
	REFUSED(our_mru, 127);
	REFUSED(peer_mru, 0);
	REFUSED(auth, 0);
	REFUSED(auth, PPP_AUTH_PAP | PPP_AUTH_CHAP_MD5);
	REFUSED(auth, 1 << 4);
	REFUSED(ask_acfc, 2);
	REFUSED(ask_pfc, 2);
	REFUSED(peer_acfc, 255);
	REFUSED(peer_pfc, 2);
	REFUSED(rtt_ms, 30001);
	REFUSED(zero, 1);
	REFUSED(no_address, 2);
#undef REFUSED
	srand(1);
	for (int round = 0; round < 20000; round++) {
		uint8_t frame[64];
		bad = good;
		for (int i = rand() % 6; i >= 0; i--)
			((uint8_t *)&bad)[rand() % (int)sizeof(bad)] = (uint8_t)rand();
		struct ppp_link *l = ppp_import(&lab.cfg, lab_ops, &lab, &bad, lab.now);
		for (int n = 0; l && n < 8; n++) {
			for (size_t i = 0; i < sizeof(frame); i++)
				frame[i] = (uint8_t)rand();
			frame[0] = rand() % 2 ? 0xc0 : 0x80;
			frame[1] = 0x21;
			frame[2] = (uint8_t)(rand() % 14);
			frame[4] = 0;
			frame[5] = (uint8_t)(rand() % 64);
			ppp_input(l, frame, sizeof(frame), lab.now);
		}
		ppp_free(l);
		lab.queued = 0;
	}
	lab.downs = 0;
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_goes_on),
		T(test_answers),
		T(test_ends),
		T(test_client_hangs_up),
		T(test_dead_client),
		T(test_lcp_anew),
		T(test_other_methods),
		T(test_spread),
		T(test_not_exported),
		T(test_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
