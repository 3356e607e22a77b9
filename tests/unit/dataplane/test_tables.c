/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions' tables with their staged removal; routes and neighbours as they come from the
 * kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench.h"
#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"
#include "dataplane/gateway.h"
#include "dataplane/neigh.h"

static struct session_counters counters[MAX_SESSIONS];
static unsigned int n_gone;
static uint32_t last_gone;

static void
gone(uint32_t handle, uint64_t cookie, struct session *s)
{
	(void)cookie;
	(void)s;
	n_gone++;
	last_gone = handle;
}

static int
setup(void **state)
{
	(void)state;
	n_gone = 0;
	bench_tables();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	bench_tables_free();
	return 0;
}

static int
add(uint32_t handle, uint16_t call)
{
	const struct session_params p = {.server_ip = SERVER_IP,
		.peer_ip = PEER_IP,
		.call_id = call,
		.peer_call_id = 7,
		.counters = &counters[SESSION_SLOT(handle) % MAX_SESSIONS]};
	return session_add(handle, &p);
}

static void
sessions_are_found_and_bounded(void **state)
{
	(void)state;
	uint32_t h = session_handle(3, 9);
	assert_int_equal(add(0, 5), -EINVAL);
	assert_int_equal(add(session_handle(MAX_SESSIONS, 1), 5), -EINVAL);
	assert_int_equal(add(h, 0), -EINVAL);
	assert_int_equal(add(h, 5), 0);
	assert_int_equal(add(h, 6), -EBUSY);
	assert_int_equal(add(session_handle(4, 1), 5), -EBUSY);
	struct session *s =
		session_by_id(TUNNEL_PPTP, rte_cpu_to_be_32(SERVER_IP), rte_cpu_to_be_16(5));
	assert_ptr_equal(s, session_by_handle(h));
	assert_non_null(s);
	assert_null(session_by_handle(session_handle(3, 8)));
	assert_null(session_by_handle(0xffffffff));
	assert_null(
		session_by_id(TUNNEL_PPTP, rte_cpu_to_be_32(SERVER_IP + 1), rte_cpu_to_be_16(5)));
	assert_int_equal(sessions.live, 1);
}

static int
add_l2tp(uint32_t handle, uint16_t id, uint32_t sa, uint32_t peer)
{
	const struct session_params p = {.server_ip = SERVER_IP,
		.peer_ip = PEER_IP,
		.call_id = id,
		.peer_call_id = 7,
		.protocol = TUNNEL_L2TP,
		.tunnel_id = 8,
		.peer_tunnel_id = 9,
		.server_port = L2TP_PORT,
		.peer_port = L2TP_PORT,
		.sa = sa,
		.peer = peer,
		.counters = &counters[SESSION_SLOT(handle) % MAX_SESSIONS]};
	return session_add(handle, &p);
}

static void
protocols_have_ids_of_their_own(void **state)
{
	(void)state;
	rte_be32_t ip = rte_cpu_to_be_32(SERVER_IP);
	rte_be16_t id = rte_cpu_to_be_16(5);
	assert_int_equal(add(session_handle(1, 1), 5), 0);
	assert_null(session_by_id(TUNNEL_L2TP, ip, id));
	assert_int_equal(add_l2tp(session_handle(2, 1), 5, 0, 0), 0);
	assert_int_equal(add_l2tp(session_handle(3, 1), 5, 0, 0), -EBUSY);
	assert_ptr_equal(session_by_id(TUNNEL_PPTP, ip, id), &sessions.slots[1]);
	assert_ptr_equal(session_by_id(TUNNEL_L2TP, ip, id), &sessions.slots[2]);
	session_remove(&sessions.slots[1], 0);
	assert_null(session_by_id(TUNNEL_PPTP, ip, id));
	assert_ptr_equal(session_by_id(TUNNEL_L2TP, ip, id), &sessions.slots[2]);
	const struct session_params unknown = {.server_ip = SERVER_IP,
		.peer_ip = PEER_IP,
		.call_id = 6,
		.protocol = TUNNEL_PROTOCOLS};
	assert_int_equal(session_add(session_handle(4, 1), &unknown), -EINVAL);
}

static const char *
edge_name(const char *node, rte_edge_t edge)
{
	static char names[64][RTE_NODE_NAMESIZE];
	char *list[64];
	rte_node_t id = rte_node_from_name(node);
	assert_int_not_equal(id, RTE_NODE_ID_INVALID);
	assert_true(rte_node_edge_count(id) <= RTE_DIM(names));
	for (unsigned int i = 0; i < RTE_DIM(names); i++)
		list[i] = names[i];
	rte_node_edge_get(id, list);
	return rte_node_edge_count(id) > edge ? list[edge] : "";
}

/* A session's output is the same edge of each node that sends its frames. */
static void
frames_leave_by_the_sessions_output(void **state)
{
	(void)state;
	static const char *const nodes[] = {"session_downlink", "mppe_encrypt", "worker_rx"};
	assert_int_equal(add(session_handle(1, 1), 5), 0);
	assert_int_equal(add_l2tp(session_handle(2, 1), 5, 0, 0), 0);
	for (unsigned int i = 0; i < RTE_DIM(nodes); i++) {
		assert_string_equal(
			edge_name(nodes[i], sessions.slots[1].cfg.output), "pptp_output");
		assert_string_equal(
			edge_name(nodes[i], sessions.slots[2].cfg.output), "l2tp_output");
	}
}

static struct sa_counters sa_counters[MAX_SAS];
static unsigned int n_sa_gone;

static void
sa_gone(uint32_t handle, uint64_t cookie, struct sa *sa)
{
	assert_int_equal(handle, sa_handle(1, 1));
	assert_int_equal(cookie, 5);
	assert_ptr_equal(sa->cfg.counters, &sa_counters[1]);
	n_sa_gone++;
}

static int
add_sa(uint32_t handle)
{
	const struct command_sa_add c = bench_sa_add();
	return sa_add(handle, &c, 0, &sa_counters[SA_SLOT(handle) % MAX_SAS]);
}

static void
pairs_are_found_and_bounded(void **state)
{
	(void)state;
	uint32_t h = sa_handle(3, 9);
	assert_int_equal(add_sa(0), -EINVAL);
	assert_int_equal(add_sa(3), -EINVAL); /* a generation is part of every SPI */
	assert_int_equal(add_sa(sa_handle(MAX_SAS, 1)), -EINVAL);
	assert_int_equal(add_sa(h), 0);
	assert_string_equal(edge_name("esp_decrypt", sas.slots[SA_SLOT(h)].cfg.exit), "l2tp_input");
	assert_int_equal(add_sa(sa_handle(3, 10)), -EBUSY);
	assert_non_null(sa_by_handle(h));
	assert_ptr_equal(sa_by_handle(h), sa_slot(h));
	assert_null(sa_by_handle(sa_handle(3, 8)));
	assert_null(sa_by_handle(sa_handle(2, 9)));
	assert_null(sa_slot(0));
	assert_null(sa_slot(0xffffffff));
	struct command_sa_out out = {.spi = 0x1234567, .keys = bench_keys()};
	out.keys.integrity_len = 21;
	assert_int_equal(sa_set_outbound(sa_by_handle(h), &out), -EINVAL);
	out.keys.integrity_len = 255;
	assert_int_equal(sa_set_outbound(sa_by_handle(h), &out), -EINVAL);
	out.keys.integrity_len = 20;
	assert_int_equal(sa_set_outbound(sa_by_handle(h), &out), 0);
	assert_int_equal(sa_set_outbound(sa_by_handle(h), &out), -EALREADY);
	assert_int_equal(sas.live, 1);
}

static void
removal_of_a_pair_waits_for_workers(void **state)
{
	(void)state;
	n_sa_gone = 0;
	assert_int_equal(add_sa(sa_handle(1, 1)), 0);
	struct sa *sa = sa_by_handle(sa_handle(1, 1));
	const struct esp_sa *in = sa->cfg.in;
	rte_rcu_qsbr_thread_register(rcu, 0);
	rte_rcu_qsbr_thread_online(rcu, 0);
	sa_remove(sa, 5);
	assert_null(sa_by_handle(sa_handle(1, 1)));
	assert_int_equal(sa_reap(16, sa_gone), 0); /* a worker is in the middle of a burst */
	assert_ptr_equal(sa->cfg.in, in);          /* and its keys are still there */
	assert_int_equal(add_sa(sa_handle(1, 2)), -EBUSY);
	sa_remove(sa, 6); /* twice does no harm */
	rte_rcu_qsbr_quiescent(rcu, 0);
	assert_int_equal(sa_reap(16, sa_gone), 1);
	assert_int_equal(n_sa_gone, 1);
	assert_null(sa->cfg.in);
	assert_int_equal(sa_reap(16, sa_gone), 0);
	assert_int_equal(add_sa(sa_handle(1, 2)), 0);
	rte_rcu_qsbr_thread_offline(rcu, 0);
	rte_rcu_qsbr_thread_unregister(rcu, 0);
}

static void
an_update_moves_the_peer_only(void **state)
{
	(void)state;
	struct command_sa_add c = bench_sa_add();
	c.outer.server_port = 4500, c.outer.peer_port = 40000;
	assert_int_equal(sa_add(sa_handle(1, 1), &c, 3, &sa_counters[1]), 0);
	struct sa *sa = sa_by_handle(sa_handle(1, 1));
	const struct command update = {.type = COMMAND_SA_UPDATE,
		.sa_update.outer = {SERVER_IP, PEER_IP + 1, 4500, 40001}};
	sa_apply(sa, &update);
	assert_int_equal(sa->cfg.peer_ip_be, rte_cpu_to_be_32(PEER_IP + 1));
	assert_int_equal(sa->cfg.peer_port_be, rte_cpu_to_be_16(40001));
	assert_int_equal(sa->cfg.server_ip_be, rte_cpu_to_be_32(SERVER_IP));
	assert_int_equal(sa->cfg.owner, 3);
}

/* What RFC 4303 leaves of an IPv4 packet: IV 16, ICV 12, blocks of 16. */
static void
room_inside_of_esp(void **state)
{
	(void)state;
	struct command_sa_add c = bench_sa_add();
	const struct command_sa_out out = {.spi = 0x1234567, .keys = bench_keys()};
	assert_int_equal(sa_add(sa_handle(1, 1), &c, 0, &sa_counters[1]), 0);
	struct sa *sa = sa_by_handle(sa_handle(1, 1));
	uint32_t unknown = sa_payload_room(sa, 1500);
	assert_int_equal(sa_set_outbound(sa, &out), 0);
	assert_int_equal(sa_payload_room(sa, 1500), (1500 - 20 - 24 - 12) / 16 * 16 - 2);
	assert_true(unknown > 0 && unknown <= sa_payload_room(sa, 1500));
	assert_int_equal(sa_payload_room(sa, 60), 0);
	assert_int_equal(add_l2tp(session_handle(1, 1), 5, sa_handle(1, 1), 77), 0);
	struct session *s = session_by_handle(session_handle(1, 1));
	struct command link = {.type = COMMAND_SESSION_LINK, .link = {1500, 1500, 0, 0}};
	session_apply(s, &link);
	assert_int_equal(s->cfg.mtu, sa_payload_room(sa, 1500) - 8 - 6 - 4);
	struct command l2tp = {.type = COMMAND_SESSION_L2TP, .l2tp = {1, 1}};
	session_apply(s, &l2tp);
	assert_int_equal(s->cfg.mtu, sa_payload_room(sa, 1500) - 8 - 10 - 4);
}

static void
removal_waits_for_workers(void **state)
{
	(void)state;
	uint32_t h = session_handle(1, 1);
	assert_int_equal(add(h, 5), 0);
	struct session *s = session_by_handle(h);
	memset(s->mppe_tx.master, 0x5a, sizeof(s->mppe_tx.master));
	rte_rcu_qsbr_thread_register(rcu, 0);
	rte_rcu_qsbr_thread_online(rcu, 0);
	session_remove(s, 77);
	assert_null(session_by_handle(h));
	assert_null(session_by_id(TUNNEL_PPTP, rte_cpu_to_be_32(SERVER_IP), rte_cpu_to_be_16(5)));
	assert_int_equal(session_reap(16, gone), 0); /* a worker is in the middle of a burst */
	assert_int_equal(add(session_handle(1, 2), 6), -EBUSY);
	rte_rcu_qsbr_quiescent(rcu, 0);
	assert_int_equal(session_reap(16, gone), 1);
	assert_int_equal(last_gone, h);
	for (unsigned int i = 0; i < sizeof(s->mppe_tx.master); i++)
		assert_int_equal(s->mppe_tx.master[i], 0);
	assert_int_equal(session_reap(16, gone), 0);
	assert_int_equal(add(session_handle(1, 2), 5), 0);
	rte_rcu_qsbr_thread_offline(rcu, 0);
	rte_rcu_qsbr_thread_unregister(rcu, 0);
}

static void
mtu_and_mss(void **state)
{
	(void)state;
	uint32_t h = session_handle(1, 1);
	assert_int_equal(add(h, 5), 0);
	struct session *s = session_by_handle(h);
	struct command link = {.type = COMMAND_SESSION_LINK, .link = {1500, 1500, 0, 0}};
	session_apply(s, &link);
	assert_int_equal(s->cfg.mtu, 1500 - 20 - 16 - 4);
	struct command mppe = {.type = COMMAND_SESSION_MPPE,
		.mppe = {.tx = {.strength = 128, .stateless = 1},
			.rx = {.strength = 128, .stateless = 1}}};
	session_apply(s, &mppe);
	assert_int_equal(s->cfg.mtu, 1500 - 20 - 16 - 4 - 4);
	struct command open = {
		.type = COMMAND_SESSION_OPEN, .open = {.inner_ip = 0x0a000001, .clamp_mss = 1}};
	session_apply(s, &open);
	assert_int_equal(s->cfg.mss, s->cfg.mtu - 40);
	assert_int_equal(s->cfg.state, SESSION_OPEN);
}

static void
a_neighbour_is_used_on_its_link_only(void **state)
{
	(void)state;
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	uint32_t on = SERVER_IP - 1, off = 0x08080808;
	assert_int_equal(fib_lookup(rte_cpu_to_be_32(on)), FIB_VALUE(FIB_NEXTHOP, NEIGH_LINK(0)));
	route_neighbour(WAN_IFINDEX, on, mac, false);
	route_neighbour(WAN_IFINDEX, off, mac, false);
	uint32_t v = fib_lookup(rte_cpu_to_be_32(on));
	assert_int_equal(FIB_TYPE(v), FIB_NEXTHOP);
	assert_false(NEIGH_IS_LINK(FIB_INDEX(v)));
	union nexthop nh = nexthop_read(FIB_INDEX(v));
	assert_int_equal(nh.flags, NEXTHOP_USED | NEXTHOP_RESOLVED);
	assert_memory_equal(&nh.mac, mac, 6);
	assert_int_equal(fib_lookup(rte_cpu_to_be_32(off)), FIB_NONE);
	route_neighbour(WAN_IFINDEX, on, NULL, false);
	assert_int_equal(fib_lookup(rte_cpu_to_be_32(on)), FIB_VALUE(FIB_NEXTHOP, NEIGH_LINK(0)));
}

static void
a_default_route_goes_by_its_gateway(void **state)
{
	(void)state;
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	const struct kernel_route def = {
		.gateway = PEER_IP, .oif = WAN_IFINDEX, .type = KERNEL_ROUTE_UNICAST};
	const struct kernel_route elsewhere = {
		.ip = 0x0a000000, .depth = 8, .oif = 7, .type = KERNEL_ROUTE_UNICAST};
	assert_int_equal(add(session_handle(1, 1), 5), 0);
	struct session *s = session_by_handle(session_handle(1, 1));
	route_kernel_add(&def, false);
	route_kernel_add(&elsewhere, false);
	uint32_t v = fib_lookup(rte_cpu_to_be_32(0x08080808));
	assert_int_equal(FIB_TYPE(v), FIB_NEXTHOP);
	assert_int_equal(nexthop_read(FIB_INDEX(v)).flags, NEXTHOP_USED);
	route_neighbour(WAN_IFINDEX, PEER_IP, mac, false);
	assert_int_equal(nexthop_read(FIB_INDEX(v)).flags, NEXTHOP_USED | NEXTHOP_RESOLVED);
	assert_int_equal(fib_lookup(rte_cpu_to_be_32(0x0a000001)), FIB_NONE);
	route_tick(clock_us(rte_rdtsc()));
	assert_int_equal(s->cfg.outer_nh, v);
	route_kernel_del(&def);
	assert_int_equal(fib_lookup(rte_cpu_to_be_32(0x08080808)), FIB_NONE);
}

/* OpenVPN's "def1" and others split the default route without removing it. */
static void
halves_and_the_default_route_are_different(void **state)
{
	(void)state;
	const struct kernel_route def = {
		.gateway = PEER_IP, .oif = WAN_IFINDEX, .type = KERNEL_ROUTE_UNICAST};
	const struct kernel_route low = {
		.ip = 0, .depth = 1, .gateway = PEER_IP + 1, .oif = WAN_IFINDEX};
	const struct kernel_route high = {
		.ip = 0x80000000, .depth = 1, .oif = WAN_IFINDEX, .type = KERNEL_ROUTE_DROP};
	rte_be32_t in_low = rte_cpu_to_be_32(0x08080808), in_high = rte_cpu_to_be_32(0xc8080808);
	uint32_t dst[2] = {0x08080808, 0xc8080808}, v[2];

	route_kernel_add(&def, false);
	uint32_t by_default = fib_lookup(in_low);
	assert_int_equal(FIB_TYPE(by_default), FIB_NEXTHOP);
	route_kernel_add(&low, false);
	route_kernel_add(&high, false);
	uint32_t by_low = fib_lookup(in_low);
	assert_int_equal(FIB_TYPE(by_low), FIB_NEXTHOP);
	assert_int_not_equal(by_low, by_default);
	assert_int_equal(fib_lookup(in_high), FIB_NONE);
	route_kernel_del(&def);
	assert_int_equal(fib_lookup(in_low), by_low);
	route_tick(1); /* its neighbour's index can be used again */
	route_kernel_add(&def, false);
	assert_int_equal(fib_lookup(in_low), by_low);
	route_kernel_del(&low);
	fib_lookup_bulk(dst, v, 2);
	assert_int_equal(v[0], by_default);
	assert_int_equal(v[1], FIB_NONE);
	route_kernel_del(&high);
	fib_lookup_bulk(dst, v, 2);
	assert_int_equal(v[1], by_default);
	route_kernel_del(&def);
	assert_int_equal(fib_lookup(in_low), FIB_NONE);
	assert_int_equal(fib_lookup(in_high), FIB_NONE);
}

static void
sessions_addresses(void **state)
{
	(void)state;
	assert_int_equal(route_add_session(SERVER_IP, 1), -EADDRINUSE);
	assert_int_equal(route_add_session(0x0a000001, 1), 0);
	assert_int_equal(route_add_session(0x0a000001, 2), -EADDRINUSE);
	assert_int_equal(fib_lookup(rte_cpu_to_be_32(0x0a000001)), FIB_VALUE(FIB_SESSION, 1));
	route_del_session(0x0a000001);
	assert_int_equal(fib_lookup(rte_cpu_to_be_32(0x0a000001)), FIB_NONE);
}

/* Our own addresses win over sessions', which win over neighbours and routes, in whatever order
 * they come and go. */
static void
what_wins_for_an_address(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	uint32_t ip = SERVER_IP + 1;
	rte_be32_t ip_be = rte_cpu_to_be_32(ip);
	const struct kernel_route local = {
		.ip = ip, .depth = 32, .oif = WAN_IFINDEX, .type = KERNEL_ROUTE_LOCAL};
	(void)state;
	route_neighbour(WAN_IFINDEX, ip, mac, false);
	uint32_t neighbour = fib_lookup(ip_be);
	assert_int_equal(FIB_TYPE(neighbour), FIB_NEXTHOP);
	assert_false(NEIGH_IS_LINK(FIB_INDEX(neighbour)));
	assert_int_equal(route_add_session(ip, 3), 0);
	assert_int_equal(fib_lookup(ip_be), FIB_VALUE(FIB_SESSION, 3));
	route_kernel_add(&local, false);
	assert_int_equal(fib_lookup(ip_be), FIB_VALUE(FIB_LOCAL, 0));
	route_kernel_del(&local);
	assert_int_equal(fib_lookup(ip_be), FIB_VALUE(FIB_SESSION, 3));
	route_del_session(ip);
	assert_int_equal(fib_lookup(ip_be), neighbour);
	assert_int_equal(route_add_session(ip, 4), 0);
	route_neighbour(WAN_IFINDEX, ip, NULL, false);
	assert_int_equal(fib_lookup(ip_be), FIB_VALUE(FIB_SESSION, 4));
	route_kernel_add(&local, false);
	route_del_session(ip);
	assert_int_equal(fib_lookup(ip_be), FIB_VALUE(FIB_LOCAL, 0));
	route_kernel_del(&local);
	assert_int_equal(fib_lookup(ip_be), FIB_VALUE(FIB_NEXTHOP, NEIGH_LINK(0)));
}

static void
ranges_become_prefixes(void **state)
{
	struct gateway_prefix p[GATEWAY_PREFIXES];
	(void)state;
	assert_int_equal(gateway_prefixes(0x0a000000, 0x0a0000ff, p), 1);
	assert_int_equal(p[0].depth, 24);
	assert_int_equal(gateway_prefixes(0x0a000001, 0x0a000001, p), 1);
	assert_int_equal(p[0].depth, 32);
	assert_int_equal(gateway_prefixes(0x0a000001, 0x0a000006, p), 4); /* 1, 2-3, 4-5, 6 */
	assert_int_equal(gateway_prefixes(1, 0xfffffffe, p), 62);
	assert_int_equal(gateway_prefixes(0, 0xffffffff, p), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sessions_are_found_and_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(protocols_have_ids_of_their_own, setup, teardown),
		cmocka_unit_test_setup_teardown(
			frames_leave_by_the_sessions_output, setup, teardown),
		cmocka_unit_test_setup_teardown(pairs_are_found_and_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(
			removal_of_a_pair_waits_for_workers, setup, teardown),
		cmocka_unit_test_setup_teardown(an_update_moves_the_peer_only, setup, teardown),
		cmocka_unit_test_setup_teardown(room_inside_of_esp, setup, teardown),
		cmocka_unit_test_setup_teardown(removal_waits_for_workers, setup, teardown),
		cmocka_unit_test_setup_teardown(mtu_and_mss, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_neighbour_is_used_on_its_link_only, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_default_route_goes_by_its_gateway, setup, teardown),
		cmocka_unit_test_setup_teardown(
			halves_and_the_default_route_are_different, setup, teardown),
		cmocka_unit_test_setup_teardown(sessions_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(what_wins_for_an_address, setup, teardown),
		cmocka_unit_test(ranges_become_prefixes),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
