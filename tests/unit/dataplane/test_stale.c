/* SPDX-License-Identifier: BSD-3-Clause */
/* What is stored as an index or a pointer may have ended meanwhile, or have a new owner (T8). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rte_ring_elem.h>

#include "bench.h"
#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"
#include "dataplane/neigh.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/writer_internal.h"

#define PAIR_SLOT 3

static struct session_counters counters[MAX_SESSIONS];
static struct sa_counters sa_counters[MAX_SAS];

static void
session_gone(uint32_t handle, uint64_t cookie, struct session *s)
{
	(void)handle;
	(void)cookie;
	(void)s;
}

static void
sa_gone(uint32_t handle, uint64_t cookie, struct sa *sa)
{
	(void)handle;
	(void)cookie;
	(void)sa;
}

/* A worker that is in the middle of a burst. */
static int
setup(void **state)
{
	(void)state;
	if (bench_worker() != 0)
		return -1;
	workers[0].mbuf_pool = mbufs;
	workers[1].index = 1;
	writer_init(mbufs);
	rte_rcu_qsbr_thread_register(rcu, 0);
	rte_rcu_qsbr_thread_online(rcu, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rte_rcu_qsbr_thread_offline(rcu, 0);
	rte_rcu_qsbr_thread_unregister(rcu, 0);
	bench_worker_free();
	return 0;
}

/* A row of the suite table without IV and padding: another room than bench_keys(). */
static struct sa_keys
other_keys(void)
{
	struct sa_keys k = bench_keys();
	k.encryption = 0;
	while (suite_at(k.encryption) != suite_by_name("null"))
		k.encryption++;
	k.encryption_len = 0;
	return k;
}

static struct sa *
add_pair(uint32_t handle, const struct sa_keys *keys)
{
	struct command_sa_add add = bench_sa_add();
	struct command_sa_out out = {.spi = 0x12345678, .keys = *keys};
	add.outer.server_port = add.outer.peer_port = 4500;
	assert_int_equal(sa_add(handle, &add, 0, &sa_counters[PAIR_SLOT]), 0);
	struct sa *sa = sa_by_handle(handle);
	assert_int_equal(sa_set_outbound(sa, &out), 0);
	return sa;
}

static struct session *
add_session_of(uint8_t owner, uint32_t handle, uint8_t protocol, uint32_t sa)
{
	const struct session_params p = {.server_ip = SERVER_IP,
		.peer_ip = PEER_IP,
		.call_id = (uint16_t)(100 + SESSION_SLOT(handle)),
		.peer_call_id = 7,
		.owner = owner,
		.protocol = protocol,
		.tunnel_id = 8,
		.peer_tunnel_id = 9,
		.server_port = L2TP_PORT,
		.peer_port = L2TP_PORT,
		.sa = sa,
		.peer = sa ? 77 : 0,
		.counters = &counters[SESSION_SLOT(handle)]};
	assert_int_equal(session_add(handle, &p), 0);
	return session_by_handle(handle);
}

static struct session *
add_session(uint32_t handle, uint8_t protocol, uint32_t sa)
{
	return add_session_of(0, handle, protocol, sa);
}

/* The data plane died of this: commands about a session whose pair is being wiped. */
static void
a_dying_pair_is_not_read(void **state)
{
	const struct sa_keys keys = bench_keys(), other = other_keys();
	const uint32_t h = sa_handle(PAIR_SLOT, 5);
	struct sa *sa = add_pair(h, &keys);
	struct session *s = add_session(session_handle(2, 1), TUNNEL_L2TP, h);
	(void)state;
	session_set_path_mtu(s, 1400);
	const unsigned int live = s->cfg.mtu;
	assert_in_range(live, 1200, 1400);
	sa_remove(sa, 0);
	assert_int_equal(sa_reap(8, sa_gone), 0);
	esp_sa_wipe(sa_outbound(sa)); /* as sa_reap() does, while workers go on */
	session_set_path_mtu(s, 1400);
	const unsigned int safe = s->cfg.mtu;
	assert_in_range(safe, 1200, live);
	/* Gone; then another's, whose suite leaves more. */
	rte_rcu_qsbr_quiescent(rcu, 0);
	assert_int_equal(sa_reap(8, sa_gone), 1);
	session_set_path_mtu(s, 1400);
	assert_int_equal(s->cfg.mtu, safe);
	add_pair(sa_handle(PAIR_SLOT, 6), &other);
	session_set_path_mtu(s, 1400);
	assert_int_equal(s->cfg.mtu, safe);
	struct command c = {.type = COMMAND_SESSION_SA, .session_sa = {sa_handle(PAIR_SLOT, 6)}};
	session_apply(s, &c);
	assert_in_range(s->cfg.mtu, live + 1, 1400);
}

/* A session that ends in the middle of a burst has handle 0, as an empty slot has: nobody owes for
 * it. */
static void
nobody_acknowledges_for_an_empty_slot(void **state)
{
	struct worker *w = &workers[0];
	struct rte_mbuf *out[4];
	(void)state;
	assert_int_equal(ack_init(w, MAX_SESSIONS), 0);
	struct session *former = add_session(session_handle(0, 1), TUNNEL_PPTP, 0);
	former->up.ack_due = 3;
	session_remove(former, 0);
	rte_rcu_qsbr_quiescent(rcu, 0);
	assert_int_equal(session_reap(8, session_gone), 1);
	struct session *s = add_session(session_handle(2, 1), TUNNEL_PPTP, 0);
	session_remove(s, 0);
	w->now_us = 1000000;
	ack_owe(w, s);
	w->now_us += 2 * ACK_DELAY_US;
	assert_int_equal(ack_due(w, out, RTE_DIM(out)), 0);
	assert_int_equal(former->up.ack_due, 3);
	ack_free(w);
}

/* T21: control gives a slot the same handle again, on another worker.  What the former owner still
 * has of it is not its business any more. */
static void
a_handle_that_came_again_has_its_own_owner(void **state)
{
	const uint32_t h = session_handle(2, 1);
	struct worker *w = &workers[0];
	struct rte_mbuf *out[4];
	(void)state;
	assert_int_equal(ack_init(w, MAX_SESSIONS), 0);
	struct session *s = add_session(h, TUNNEL_PPTP, 0);
	w->now_us = 1000000;
	ack_owe(w, s);
	session_remove(s, 0);
	rte_rcu_qsbr_quiescent(rcu, 0);
	assert_int_equal(session_reap(8, session_gone), 1);
	add_session_of(1, h, TUNNEL_PPTP, 0);
	s->up.ack_due = 3;
	w->now_us += 2 * ACK_DELAY_US;
	assert_int_equal(ack_due(w, out, RTE_DIM(out)), 0);
	assert_false(worker_owns_session(w, s, h));
	assert_true(worker_owns_session(&workers[1], s, h));
	ack_free(w);
	const struct sa_keys keys = bench_keys();
	struct sa *sa = add_pair(sa_handle(PAIR_SLOT, 5), &keys);
	assert_true(worker_owns_sa(w, sa, sa_handle(PAIR_SLOT, 5)));
	sa->cfg.owner = 1;
	assert_false(worker_owns_sa(w, sa, sa_handle(PAIR_SLOT, 5)));
}

/* A next hop's index has no new owner while a session's outer_nh may name the old one, even if
 * every worker has passed a quiescent state in between. */
static void
an_index_rests_while_a_way_names_it(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1}, other[6] = {2, 0, 0, 0, 0, 2};
	struct session *s = add_session(session_handle(2, 1), TUNNEL_PPTP, 0);
	(void)state;
	route_neighbour(WAN_IFINDEX, PEER_IP, mac, false);
	route_tick(1);
	const uint32_t index = FIB_INDEX(s->cfg.outer_nh);
	assert_int_equal(index, neigh_find(0, PEER_IP));
	route_neighbour(WAN_IFINDEX, PEER_IP, NULL, false); /* one turn of the main loop */
	rte_rcu_qsbr_quiescent(rcu, 0);
	route_neighbour(WAN_IFINDEX, PEER_IP + 1, other, false);
	assert_int_equal(FIB_INDEX(s->cfg.outer_nh), index);
	assert_int_equal(nexthop_read(index).flags, 0);
	route_tick(2);
	assert_int_not_equal(FIB_INDEX(s->cfg.outer_nh), index);
	route_neighbour(WAN_IFINDEX, PEER_IP + 2, other, false); /* a worker may have read it */
	assert_int_equal(nexthop_read(index).flags, 0);
	rte_rcu_qsbr_quiescent(rcu, 0);
	route_neighbour(WAN_IFINDEX, PEER_IP + 3, other, false);
	assert_int_equal(neigh_find(0, PEER_IP + 3), index);
}

static void
owner_applies(void)
{
	struct worker_msg *msg;
	while (rte_ring_sc_dequeue(workers[0].msgs, (void **)&msg) == 0) {
		sa_apply(msg->sa, &msg->cmd);
		rte_mempool_put(worker_msg_pool, msg);
	}
}

static uint8_t
next_hop_of(const struct sa *sa)
{
	return nexthop_read(FIB_INDEX(sa->cfg.outer_nh)).mac.addr_bytes[5];
}

/* ESP went to the new address with the old peer's hardware address when routes changed between
 * the command and its owner's turn. */
static void
the_next_hop_follows_an_update(void **state)
{
	static const uint8_t macs[3][6] = {
		{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 3}};
	const uint32_t h = sa_handle(PAIR_SLOT, 5);
	const struct sa_keys keys = bench_keys();
	(void)state;
	route_neighbour(WAN_IFINDEX, PEER_IP, macs[0], false);
	route_neighbour(WAN_IFINDEX, PEER_IP + 1, macs[1], false);
	route_tick(1);
	struct sa *sa = add_pair(h, &keys);
	assert_int_equal(next_hop_of(sa), 1);
	struct command u = {.version = RECORD_VERSION,
		.type = COMMAND_SA_UPDATE,
		.length = sizeof(u),
		.handle = h,
		.sa_update.outer = {SERVER_IP, PEER_IP + 1, 4500, 4501}};
	assert_int_equal(writer_sa_apply(&u, 1), 0);
	const struct kernel_route other = {.ip = 0xcb007100,
		.depth = 24,
		.oif = WAN_IFINDEX,
		.gateway = PEER_IP + 2,
		.type = KERNEL_ROUTE_UNICAST};
	route_neighbour(WAN_IFINDEX, PEER_IP + 2, macs[2], false);
	route_kernel_add(&other, false); /* all ways are looked at again */
	route_tick(2);
	owner_applies();
	assert_int_equal(sa->cfg.peer_ip_be, rte_cpu_to_be_32(PEER_IP + 1));
	assert_int_equal(next_hop_of(sa), 2);
	route_neighbour(WAN_IFINDEX, PEER_IP + 2, NULL, false);
	route_tick(3);
	assert_int_equal(next_hop_of(sa), 2);
}

/* What comes for a pair that ended is late, and never early for the next one in its slot. */
static void
what_is_late_stays_late(void **state)
{
	const struct sa_keys keys = bench_keys();
	const uint32_t h = sa_handle(PAIR_SLOT, 5), next = sa_handle(PAIR_SLOT, 6);
	const rte_be32_t ip = rte_cpu_to_be_32(PEER_IP);
	(void)state;
	assert_int_equal(sa_reserve(h, ip), 0);
	struct sa *sa = add_pair(h, &keys);
	assert_false(sa_is_early(sa, h, ip));
	sa_remove(sa, 0);
	assert_false(sa_is_early(sa, h, ip));
	assert_int_equal(sa_reserve(next, ip), -EBUSY);
	rte_rcu_qsbr_quiescent(rcu, 0);
	assert_int_equal(sa_reap(8, sa_gone), 1);
	assert_false(sa_is_early(sa, h, ip));
	assert_int_equal(sa_reserve(next, ip), 0);
	assert_false(sa_is_early(sa, h, ip));
	assert_true(sa_is_early(sa, next, ip));
	add_pair(next, &keys);
	assert_false(sa_is_early(sa, next, ip));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_dying_pair_is_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
			nobody_acknowledges_for_an_empty_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_handle_that_came_again_has_its_own_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_index_rests_while_a_way_names_it, setup, teardown),
		cmocka_unit_test_setup_teardown(the_next_hop_follows_an_update, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_late_stays_late, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
