/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers: who is who behind a NAT (D1), moves, and counts of an address (T13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "control/ike/peer.h"
#include "dataplane/api/sa.h"

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

/* D1: a place is no name; an IKE SA is. */
static void
test_places_are_shared(void **state)
{
	(void)state;
	struct ike_peer *pa = peers_add(&ps, &a, 0), *pb = peers_add(&ps, &b, 0),
			*pn = peers_add(&ps, &native, 0), *again = peers_add(&ps, &a, 0);
	assert_true(pa->id != pb->id && pb->id != pn->id && pa->id && pb->id && pn->id);
	assert_true(again->id != pa->id);
	struct ike_peer *first = peers_at(&ps, &a, NULL), *second = peers_at(&ps, &a, first);
	assert_true(first && second && first != second && !peers_at(&ps, &a, second));
	assert_ptr_equal(peers_at(&ps, &b, NULL), pb);
	assert_ptr_equal(peers_at(&ps, &native, NULL), pn);
	assert_ptr_equal(peers_by_id(&ps, pb->id), pb);
	assert_int_equal(peers_of_address(&ps, 20), 4);
	struct sa_outer elsewhere = a;
	elsewhere.server_ip = 11;
	assert_null(peers_at(&ps, &elsewhere, NULL));
	peers_remove(&ps, pb);
	assert_null(peers_at(&ps, &b, NULL));
	assert_int_equal(peers_of_address(&ps, 20), 3);
	peers_remove(&ps, again);
	peers_remove(&ps, pa);
	peers_remove(&ps, pn);
	assert_int_equal(peers_of_address(&ps, 20), 0);
	assert_int_equal(ps.n, 0);
}

static void
test_bonds(void **state)
{
	(void)state;
	struct ike_peer *pa = peers_add(&ps, &a, 0), *pb = peers_add(&ps, &a, 0);
	assert_true(peers_bind(&ps, pa, 1) && peers_bind(&ps, pb, 2));
	/* What is one's can't be bound to another. */
	assert_true(peers_bind(&ps, pb, 1));
	assert_ptr_equal(peers_by_ike(&ps, 1), pa);
	/* What charon says is a claim. */
	peers_claim(&ps, 3, pa->id);
	assert_null(peers_by_ike(&ps, 3));
	assert_int_equal(peers_heir_of(&ps, 3), pa->id);
	peers_claim(&ps, 1, pb->id);
	assert_int_equal(peers_heir_of(&ps, 1), 0);
	peers_unclaim(&ps, 3);
	peers_unclaim(&ps, 1); /* it has a peer */
	assert_int_equal(peers_heir_of(&ps, 3), 0);
	assert_ptr_equal(peers_by_ike(&ps, 1), pa);
	peers_inherit(&ps, pb, pa);
	assert_ptr_equal(peers_by_ike(&ps, 2), pa);
	peers_remove(&ps, pb);
	/* The last ones are kept. */
	for (uint32_t i = 10; i < 10 + 2 * BONDS_PER_PEER; i++)
		assert_true(peers_bind(&ps, pa, i));
	assert_int_equal(pa->n_bonds, BONDS_PER_PEER);
	assert_null(peers_by_ike(&ps, 1));
	assert_ptr_equal(peers_by_ike(&ps, 9 + 2 * BONDS_PER_PEER), pa);
	peers_unbind_all(&ps);
	assert_int_equal(pa->n_bonds, 0);
	peers_remove(&ps, pa);
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
	assert_null(peers_at(&ps, &a, NULL));
	assert_ptr_equal(peers_at(&ps, &far, NULL), pa);
	assert_int_equal(peers_of_address(&ps, 20), 1);
	assert_int_equal(peers_of_address(&ps, 21), 1);
	/* Nobody is displaced. */
	peers_move(&ps, pa, &b);
	assert_ptr_equal(peers_at(&ps, &b, NULL), pa);
	assert_ptr_equal(peers_at(&ps, &b, pa), pb);
	assert_ptr_equal(peers_by_id(&ps, pb->id), pb);
	peers_remove(&ps, pb);
	assert_ptr_equal(peers_at(&ps, &b, NULL), pa);
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
		T(test_places_are_shared),
		T(test_bonds),
		T(test_move),
		T(test_given_numbers),
		T(test_half_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
