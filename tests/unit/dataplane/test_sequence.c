/* SPDX-License-Identifier: BSD-3-Clause */
/* T5, T27: what a forged sequence number costs a peer, which loses packets of its own besides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"
#include "dataplane/nodes/sequence.h"

#define SECOND 1000000u

static struct session_counters counters;
static struct session s;
static struct worker w;
static uint32_t seed;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static void
start(enum tunnel_protocol protocol, bool mppe)
{
	memset(&counters, 0, sizeof(counters));
	memset(&s, 0, sizeof(s));
	s.cfg.protocol = protocol;
	s.cfg.mppe_rx = mppe ? 128 : 0;
	s.cfg.counters = &counters;
	w.now_us = 1000 * SECOND;
	seed = 1;
}

static enum sequence_verdict
check(uint16_t proto, uint32_t seq)
{
	const struct sequence n =
		sequence_of(&s, s.cfg.protocol == TUNNEL_L2TP ? (uint16_t)seq : seq);

	return sequence_check(&w, &s, proto, &n);
}

/* The peer's own packet; MPPE proves it. */
static bool
own(uint32_t seq)
{
	if (check(s.cfg.mppe_rx ? PPP_MPPE : PPP_IP, seq) != SEQUENCE_NEW)
		return false;
	if (s.cfg.mppe_rx) {
		const struct sequence n =
			sequence_of(&s, s.cfg.protocol == TUNNEL_L2TP ? (uint16_t)seq : seq);

		sequence_proven(&s, &n);
	}
	return true;
}

static unsigned int
lost_of(unsigned int packets, uint32_t *seq)
{
	unsigned int lost = 0;

	for (unsigned int k = 0; k < packets; k++) {
		*seq += 1 + (draw(10) == 0);
		w.now_us += 1000;
		lost += !own(*seq);
	}
	return lost;
}

static void
a_window_is_kept(void **state)
{
	(void)state;
	for (int mppe = 0; mppe < 2; mppe++) {
		start(TUNNEL_PPTP, mppe);
		assert_true(own(0) && own(3) && own(1) && own(2));
		assert_int_equal(counters.gre_lost, 0);
		assert_int_equal(check(mppe ? PPP_MPPE : PPP_IP, 2), SEQUENCE_DUPLICATE);
		assert_true(own(200));
		assert_int_equal(check(mppe ? PPP_MPPE : PPP_IP, 120), SEQUENCE_LATE);
		assert_int_equal(check(mppe ? PPP_MPPE : PPP_IP, 1000000), SEQUENCE_FAR);
		assert_true(own(201));
		assert_int_equal(s.up.rx_ack, 201);
	}
}

static void
one_forged_number_costs_next_to_nothing(void **state)
{
	(void)state;
	for (unsigned int how = 0; how < 4; how++)
		for (int64_t ahead = -70000;
			ahead<70000; ahead += ahead> - 300 && ahead < 300 ? 1 : 97) {
			uint32_t seq = 65000;

			start(how & 1 ? TUNNEL_L2TP : TUNNEL_PPTP, how & 2);
			assert_int_equal(lost_of(300, &seq), 0);
			check(how & 2 ? PPP_MPPE : PPP_IP, (uint32_t)(seq + ahead));
			assert_in_range(lost_of(300, &seq), 0, how & 2 ? 0 : 1);
			assert_int_equal(s.up.rx_highest, how & 1 ? (uint16_t)seq : seq);
		}
}

/* Whatever the stream: close to the peer's numbers, in runs, sweeping over them. */
static uint32_t
forged(unsigned int stream, uint32_t seq, uint32_t k)
{
	switch (stream) {
	case 0:
		return seq + draw(128) - 63;
	case 1:
		return 0x40000000 + k;
	case 2:
		return k * 40;
	case 3:
		return seq + 100 + k % 200;
	default:
		return draw(UINT32_MAX);
	}
}

static void
a_forged_stream_leaves_the_peer_its_packets(void **state)
{
	(void)state;
	for (unsigned int how = 0; how < 4; how++)
		for (unsigned int stream = 0; stream < 5; stream++) {
			uint32_t seq = 0, n = 0;
			unsigned int lost = 0;

			start(how & 1 ? TUNNEL_L2TP : TUNNEL_PPTP, how & 2);
			lost_of(10, &seq);
			for (unsigned int k = 0; k < 20000; k++) {
				for (unsigned int f = 0; f < 10; f++)
					check(how & 2 ? PPP_MPPE : PPP_IP,
						forged(stream, seq, n++));
				lost += lost_of(1, &seq);
			}
			/* In 20 seconds. */
			assert_in_range(lost, 0, how & 2 ? 0 : SEQUENCE_DROPS + 20);
		}
}

static void
control_frames_move_nothing(void **state)
{
	(void)state;
	for (int mppe = 0; mppe < 2; mppe++) {
		uint32_t seq = 0;

		start(TUNNEL_PPTP, mppe);
		lost_of(100, &seq);
		for (unsigned int k = 0; k < 200; k++) {
			uint32_t before = s.up.rx_highest;

			check(PPP_LCP, 0x40000000 + k);
			check(PPP_LCP, seq + 1 + k);
			assert_int_equal(s.up.rx_highest, before);
		}
		assert_int_equal(check(PPP_LCP, 0x50000000), mppe ? SEQUENCE_FAR : SEQUENCE_NEW);
		assert_int_equal(lost_of(300, &seq), 0);
		assert_int_equal(s.up.rx_ack, seq);
	}
}

/* What the peer sends before data, and between it, is acknowledged, and is no loss. */
static void
control_frames_are_acknowledged(void **state)
{
	(void)state;
	start(TUNNEL_PPTP, true);
	for (uint32_t k = 0; k < 10; k++) {
		assert_int_equal(check(PPP_LCP, k), SEQUENCE_NEW);
		assert_int_equal(s.up.rx_ack, k);
	}
	assert_true(own(10));
	assert_int_equal(check(PPP_LCP, 11), SEQUENCE_NEW);
	assert_int_equal(s.up.rx_ack, 11);
	assert_true(own(12));
	assert_int_equal(counters.gre_lost, 0);
	assert_true(own(14));
	assert_int_equal(counters.gre_lost, 1);
}

/* A peer that goes on elsewhere is followed: a few packets that agree, or one that MPPE proves. */
static void
the_peer_may_jump(void **state)
{
	(void)state;
	for (int mppe = 0; mppe < 2; mppe++) {
		uint32_t seq = 0;

		start(TUNNEL_PPTP, mppe);
		lost_of(100, &seq);
		seq += 50000000;
		assert_in_range(lost_of(100, &seq), 1, mppe ? SEQUENCE_DROPS + 1 : SEQUENCE_AGREE);
		assert_int_equal(s.up.rx_highest, seq);
	}
}

/* Inside of ESP nobody forges. */
static void
esp_proves_numbers(void **state)
{
	(void)state;
	start(TUNNEL_L2TP, false);
	s.cfg.peer = 5;
	assert_int_equal(check(PPP_IP, 1), SEQUENCE_NEW);
	assert_int_equal(check(PPP_LCP, 3000), SEQUENCE_NEW);
	assert_int_equal(s.up.rx_highest, 3000);
	assert_int_equal(check(PPP_IP, 3000), SEQUENCE_DUPLICATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_is_kept),
		cmocka_unit_test(one_forged_number_costs_next_to_nothing),
		cmocka_unit_test(a_forged_stream_leaves_the_peer_its_packets),
		cmocka_unit_test(control_frames_move_nothing),
		cmocka_unit_test(control_frames_are_acknowledged),
		cmocka_unit_test(the_peer_may_jump),
		cmocka_unit_test(esp_proves_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
