/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers: who is who behind a NAT (D1), moves, and counts of an address (T13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "control/ike/peer.h"

static struct peers ps;

static const struct sa_outer a = {10, 20, 4500, 40000}, b = {10, 20, 4500, 40001},
			     native = {10, 20, 0, 0};

static int
setup(void **state)
{
	(void)state;
	peers_init(&ps);
	return 0;
}

static void
test_ports_tell_clients_apart(void **state)
{
	(void)state;
	struct ike_peer *pa = peers_add(&ps, &a, 0), *pb = peers_add(&ps, &b, 0),
			*pn = peers_add(&ps, &native, 0);
	assert_true(pa->id != pb->id && pb->id != pn->id && pa->id && pb->id && pn->id);
	assert_ptr_equal(peers_find(&ps, &a), pa);
	assert_ptr_equal(peers_find(&ps, &b), pb);
	assert_ptr_equal(peers_find(&ps, &native), pn);
	assert_ptr_equal(peers_by_id(&ps, pb->id), pb);
	assert_int_equal(peers_of_address(&ps, 20), 3);
	struct sa_outer elsewhere = a;
	elsewhere.server_ip = 11;
	assert_null(peers_find(&ps, &elsewhere));
	peers_remove(&ps, pb);
	assert_null(peers_find(&ps, &b));
	assert_int_equal(peers_of_address(&ps, 20), 2);
	peers_remove(&ps, pa);
	peers_remove(&ps, pn);
	assert_int_equal(peers_of_address(&ps, 20), 0);
	assert_int_equal(ps.n, 0);
}

static void
test_move(void **state)
{
	(void)state;
	struct ike_peer *pa = peers_add(&ps, &a, 0), *pb = peers_add(&ps, &b, 0);
	uint32_t id = pa->id;
	struct sa_outer far = {10, 21, 4500, 1};
	peers_move(&ps, pa, &far);
	assert_int_equal(pa->id, id);
	assert_null(peers_find(&ps, &a));
	assert_ptr_equal(peers_find(&ps, &far), pa);
	assert_int_equal(peers_of_address(&ps, 20), 1);
	assert_int_equal(peers_of_address(&ps, 21), 1);
	/* The NAT gave b's port to a: b is known by its number only. */
	peers_move(&ps, pa, &b);
	assert_ptr_equal(peers_find(&ps, &b), pa);
	assert_ptr_equal(peers_by_id(&ps, pb->id), pb);
	peers_remove(&ps, pb);
	assert_ptr_equal(peers_find(&ps, &b), pa);
	peers_remove(&ps, pa);
	assert_int_equal(peers_of_address(&ps, 20) + peers_of_address(&ps, 21), 0);
}

static void
test_given_numbers(void **state)
{
	(void)state;
	ps.next_id = 41;
	struct ike_peer *orphan = peers_add(&ps, &a, 42);
	assert_int_equal(orphan->id, 42);
	assert_null(peers_add(&ps, &b, 42));
	struct ike_peer *next = peers_add(&ps, &b, 0);
	assert_int_equal(next->id, 43);
	peers_remove(&ps, next);
	ps.next_id = UINT32_MAX;
	next = peers_add(&ps, &b, 0);
	assert_int_equal(next->id, 1); /* 0 is nobody's */
	peers_remove(&ps, next);
	peers_remove(&ps, orphan);
}

static void
test_half_open(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		assert_true(half_open_add(&ps, 77));
	assert_int_equal(half_open_of_address(&ps, 77), 5);
	assert_int_equal(half_open_of_address(&ps, 78), 0);
	for (unsigned int i = 0; i < 7; i++)
		half_open_remove(&ps, 77);
	assert_int_equal(half_open_of_address(&ps, 77), 0);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ports_tell_clients_apart),
		T(test_move),
		T(test_given_numbers),
		T(test_half_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
