/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts that the gateway's kernel has asked, as attackers: what they leave to IKE, to PPTP and to
 * each other (T13, T24). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel.h"

/* Datagrams of one who was asked; how many came in. */
static unsigned int
flood(uint32_t who, unsigned int n)
{
	unsigned int in = 0;
	while (n > 0) {
		for (unsigned int i = 0; i < BURST && n > 0; i++, n--)
			make_udp(who, 53, SERVER_IP, 40000);
		in += come_in();
	}
	return in;
}

static void
an_asked_host_has_a_rate(void **state)
{
	(void)state;
	kernel_udp(40000, PEER_IP, 53);
	assert_int_equal(flood(PEER_IP, 3000), 2048);
	assert_int_equal(dropped(DROP_answer_rate), 3000 - 2048);
	workers[0].now_us += 1000;
	assert_int_equal(flood(PEER_IP, 100), 20);
}

/* T24: all rates are used up by many; who is quiet still has his share. */
static void
a_flood_of_answers_leaves_others_theirs(void **state)
{
	unsigned int in = 0;
	(void)state;
	for (uint32_t i = 0; i < 22; i++) {
		kernel_udp(40000, PEER_IP + 100 + i, 53);
		in += flood(PEER_IP + 100 + i, 2048);
	}
	assert_int_equal(in, 22 * 64 + 40000);
	kernel_udp(40000, PEER_IP, 53);
	assert_int_equal(flood(PEER_IP, 50), 50);
}

/* T13: an exchange of IKE, a new PPTP connection and one that is there, in the flood's middle. */
static void
a_flood_of_answers_leaves_ike_and_pptp_theirs(void **state)
{
	struct worker *w = &workers[0];
	(void)state;
	kernel_udp(40000, PEER_IP, 53);
	kernel_tcp(1723, PEER_IP + 1, 4242, ACK);
	for (unsigned int n = 0; n < 2048 / BURST; n++) {
		for (unsigned int i = 0; i < BURST; i++)
			make_udp(PEER_IP, 53, SERVER_IP, 40000);
		walk();
	}
	assert_true(rte_ring_full(w->to_main[PUNT_ANSWER]));
	for (uint16_t i = 0; i < 20; i++) {
		make_udp(PEER_IP, 53, SERVER_IP, 40000);
		make_udp(PEER_IP + 2, 500, SERVER_IP, 500);
		make_tcp(PEER_IP + 3, 1000 + i, SERVER_IP, 1723, SYN);
		make_tcp(PEER_IP + 1, 4242, SERVER_IP, 1723, ACK);
		walk();
	}
	assert_int_equal(given(PUNT_IKE), 20);
	assert_int_equal(given(PUNT_TCP_NEW), 20);
	assert_int_equal(given(PUNT_TCP), 20);
	given(PUNT_ANSWER);
}

/* T24: whoever makes the kernel ask many (a resolver's clients) takes no connection from it. */
static void
a_full_table_keeps_connections(void **state)
{
	(void)state;
	kernel_tcp(40000, PEER_IP, 179, SYN);
	kernel_tcp(40000, PEER_IP, 179, ACK);
	kernel_udp(123, PEER_IP, 123);
	seconds_pass(5);
	kernel_udp(123, PEER_IP, 123);
	for (uint32_t i = 0; i < 300000; i++)
		kernel_udp((uint16_t)(1024 + i % 60000), PEER_IP + 1 + i / 60000, 53);
	assert_int_equal(tcp_comes_in(PEER_IP, 179, 40000, ACK), 1);
	assert_int_equal(udp_comes_in(PEER_IP, 123, 123), 1);
	kernel_udp(999, PEER_IP + 50, 53);
	assert_int_equal(udp_comes_in(PEER_IP + 50, 53, 999), 1);
	/* Of those that were asked just before, none is lost. */
	for (uint32_t i = 0; i < 1000; i++)
		kernel_udp((uint16_t)(2000 + i), PEER_IP + 60, 53);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(udp_comes_in(PEER_IP + 60, 53, (uint16_t)(2000 + i)), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, clients_setup, graph_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_asked_host_has_a_rate),
		TEST(a_flood_of_answers_leaves_others_theirs),
		TEST(a_flood_of_answers_leaves_ike_and_pptp_theirs),
		TEST(a_full_table_keeps_connections),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
