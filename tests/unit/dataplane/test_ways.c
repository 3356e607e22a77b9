/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions' and pairs' ways to their peers follow routes and neighbours; how many slots that
 * costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MAX_SESSIONS 20000

#include "bench.h"
#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"
#include "dataplane/neigh.h"

#define NAT_IP   (SERVER_IP + 5) /* on the link */
#define TURN_MAX 4096

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
static const struct kernel_route by_gateway = {
	.gateway = SERVER_IP + 1, .oif = WAN_IFINDEX, .type = KERNEL_ROUTE_UNICAST};
static struct session_counters counters;
static struct sa_counters sa_counters;
static uint64_t most; /* visits of one turn */

/* Turns of the main loop until nothing is left to do: their visits. */
static uint64_t
turns(void)
{
	uint64_t begun = route_visits, before, now_us = 1;
	do {
		before = route_visits;
		route_tick(now_us++);
		most = RTE_MAX(most, route_visits - before);
	} while (route_visits != before);
	return route_visits - begun;
}

/* n sessions from slot first on: at one address, or each at its own. */
static void
add(uint32_t first, uint32_t n, uint32_t ip, bool same)
{
	for (uint32_t i = first; i < first + n; i++) {
		const struct session_params p = {.server_ip = SERVER_IP,
			.peer_ip = same ? ip : ip + i,
			.call_id = (uint16_t)(1 + i),
			.peer_call_id = (uint16_t)i,
			.counters = &counters};
		assert_int_equal(session_add(session_handle(i, 1), &p), 0);
	}
}

static void
all_follow(void)
{
	for (uint32_t i = 0; i < sessions.max; i++) {
		const struct session *s = &sessions.slots[i];
		if (session_handle_of(s) != 0)
			assert_int_equal(s->cfg.outer_nh, fib_lookup(s->cfg.peer_ip_be));
	}
	for (uint32_t i = 0; i < sas.max; i++)
		if (sa_handle_of(&sas.slots[i]) != 0)
			assert_int_equal(sas.slots[i].cfg.outer_nh,
				fib_lookup(sas.slots[i].cold.peer_ip_be));
}

static int
setup(void **state)
{
	const struct command_sa_add pair = bench_sa_add(); /* PEER_IP's, as gateway and client */
	(void)state;
	bench_tables();
	route_kernel_add(&by_gateway, false);
	add(0, 10000, 0x0a000000, false);
	assert_int_equal(sa_add(sa_handle(1, 1), &pair, 0, &sa_counters), 0);
	turns();
	most = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	bench_tables_free();
	return 0;
}

/* T24: who is on the link, and answers ARP or doesn't, makes work for his own sessions only. */
static void
a_neighbour_costs_its_own_sessions(void **state)
{
	(void)state;
	add(15000, 5, NAT_IP, true);
	for (unsigned int k = 0; k < 3; k++) {
		route_neighbour(WAN_IFINDEX, NAT_IP, k % 2 ? NULL : mac, false);
		assert_int_equal(turns(), 5);
		all_follow();
	}
	route_neighbour(WAN_IFINDEX, PEER_IP + 77, mac, false); /* nobody's */
	assert_int_equal(turns(), 0);
	/* The gateway of ten thousand: their next hop is the same, and is known now. */
	route_neighbour(WAN_IFINDEX, SERVER_IP + 1, mac, false);
	assert_int_equal(turns(), 0);
	all_follow();
	route_neighbour(WAN_IFINDEX, PEER_IP, mac, false);
	assert_int_equal(turns(), 1); /* the pair */
	all_follow();
	session_remove(&sessions.slots[15000], 0);
	route_neighbour(WAN_IFINDEX, NAT_IP, NULL, false);
	assert_int_equal(turns(), 4);
}

static void
many_behind_one_address_take_several_turns(void **state)
{
	(void)state;
	add(10000, 9000, NAT_IP, true);
	route_neighbour(WAN_IFINDEX, NAT_IP, mac, false);
	assert_true(turns() >= 9000);
	assert_in_range(most, 1, TURN_MAX);
	all_follow();
}

static void
a_route_takes_several_turns(void **state)
{
	const struct kernel_route wide = {.ip = 0x0a000000,
		.depth = 9,
		.gateway = SERVER_IP + 2,
		.oif = WAN_IFINDEX,
		.type = KERNEL_ROUTE_UNICAST};
	(void)state;
	route_kernel_add(&wide, false);
	turns();
	all_follow();
	/* What changes in the middle of a round. */
	route_kernel_del(&wide);
	route_tick(1);
	route_tick(2);
	route_kernel_add(&wide, false);
	turns();
	all_follow();
	route_kernel_del(&by_gateway);
	route_tick(1);
	route_neighbour(WAN_IFINDEX, PEER_IP, mac, false);
	turns();
	all_follow();
	assert_in_range(most, 1, TURN_MAX);
}

/* More of them in one turn than are noted. */
static void
a_storm_of_neighbours(void **state)
{
	const struct kernel_route net = {
		.ip = 0x0a000000, .depth = 16, .oif = WAN_IFINDEX, .type = KERNEL_ROUTE_UNICAST};
	(void)state;
	route_kernel_add(&net, false);
	turns();
	for (uint32_t i = 0; i < 5000; i++)
		route_neighbour(WAN_IFINDEX, 0x0a000000 + i, mac, false);
	turns();
	all_follow();
	/* They lose their entries with the link, part by part, and get them back. */
	for (unsigned int k = 0; k < 2; k++) {
		if (k)
			route_kernel_add(&net, false);
		else
			route_kernel_del(&net);
		for (unsigned int t = 0; t < 40; t++)
			route_tick(1);
		all_follow();
		uint32_t v = fib_lookup(RTE_BE32(0x0a000007));
		assert_int_equal(FIB_INDEX(v) == neigh_find(0, 0x0a000007), k);
	}
	assert_in_range(most, 1, TURN_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_neighbour_costs_its_own_sessions, setup, teardown),
		cmocka_unit_test_setup_teardown(
			many_behind_one_address_take_several_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(a_route_takes_several_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(a_storm_of_neighbours, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
