/* SPDX-License-Identifier: BSD-3-Clause */
/* T1, T24: guessers pay, and not those beside them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/aaa/guard.h"

#define NAT  0xc6336401u
#define HOME 0xc0000201u

static const struct guard_limits limits = {.pair = 3, .user = 10, .address = 20, .ms = 60000};
static struct users *users;
static struct guard *guard;
static const struct user *alice, *bob;
static uint64_t now;

static int
set_up(void **state)
{
	static char password[] = "p";
	char name[32];

	(void)state;
	users = users_new();
	for (unsigned int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), i == 0 ? "alice" : i == 1 ? "bob" : "user%u", i);
		if (users_add(users, &(struct user){.name = name, .password = password}) != 0)
			return -1;
	}
	alice = users_find(users, "alice");
	bob = users_find(users, "bob");
	guard = guard_new(users);
	now = 1000000;
	return guard ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	guard_free(guard);
	users_free(users);
	return 0;
}

static void
fail_times(unsigned int n, const struct user *user, uint32_t address)
{
	while (n--)
		guard_failed(guard, &limits, user, address, now);
}

static bool
locked(const struct user *user, uint32_t address)
{
	return guard_locked(guard, &limits, user, address, now);
}

static bool
slow(uint32_t address)
{
	return guard_slow(guard, &limits, address, now);
}

static void
a_user_at_an_address(void **state)
{
	(void)state;
	fail_times(2, alice, NAT);
	assert_false(locked(alice, NAT));
	fail_times(1, alice, NAT);
	assert_true(locked(alice, NAT));
	assert_false(locked(alice, HOME)); /* can't be locked out from afar */
	assert_false(locked(bob, NAT));    /* nor by a neighbour */
	now += 59999;
	assert_true(locked(alice, NAT));
	now += 1;
	assert_false(locked(alice, NAT));
	/* A success forgives what was before. */
	fail_times(2, alice, NAT);
	guard_passed(guard, alice, NAT);
	fail_times(2, alice, NAT);
	assert_false(locked(alice, NAT));
}

static void
a_user_from_everywhere(void **state)
{
	(void)state;
	guard_passed(guard, alice, HOME);
	for (uint32_t a = 1; a <= 9; a++)
		fail_times(1, alice, a);
	assert_false(locked(alice, 100));
	/* A success forgives none of the others', or one account would pay for many guesses. */
	guard_passed(guard, alice, HOME);
	fail_times(1, alice, 10);
	assert_true(locked(alice, 100));
	assert_true(locked(alice, 1));
	assert_false(locked(alice, HOME));
	assert_false(locked(bob, 100));
	/* At home, too, guesses count. */
	fail_times(3, alice, HOME);
	assert_true(locked(alice, HOME));
}

/* A device of the user's own with an old password. */
static void
own_failures(void **state)
{
	(void)state;
	guard_passed(guard, alice, HOME);
	for (unsigned int i = 0; i < 10; i++) {
		fail_times(2, alice, HOME);
		guard_passed(guard, alice, HOME);
	}
	assert_false(locked(alice, 100));
}

static void
addresses_of_a_user(void **state)
{
	(void)state;
	assert_false(guard_known(guard, alice, 1));
	for (uint32_t a = 1; a <= 4; a++)
		guard_passed(guard, alice, a);
	guard_passed(guard, alice, 2);
	for (uint32_t a = 1; a <= 4; a++)
		assert_true(guard_known(guard, alice, a));
	guard_passed(guard, alice, 5);
	assert_false(guard_known(guard, alice, 1));
	guard_passed(guard, alice, 5);
	guard_passed(guard, alice, 6);
	assert_false(guard_known(guard, alice, 3));
	assert_true(guard_known(guard, alice, 4) && guard_known(guard, alice, 2));
	assert_false(guard_known(guard, bob, 2));
}

static void
an_address(void **state)
{
	(void)state;
	fail_times(19, NULL, NAT);
	assert_false(slow(NAT));
	fail_times(1, bob, NAT);
	assert_true(slow(NAT));
	assert_false(slow(HOME));
	assert_false(locked(NULL, NAT));
	assert_false(locked(alice, NAT)); /* late, not refused */
	now += 60000;
	assert_false(slow(NAT));
}

static void
off(void **state)
{
	static const struct guard_limits never = {.ms = 60000};

	(void)state;
	fail_times(30, alice, NAT);
	assert_true(locked(alice, NAT) && locked(alice, 1) && slow(NAT));
	assert_false(guard_locked(guard, &never, alice, NAT, now));
	assert_false(guard_slow(guard, &never, NAT, now));
	for (unsigned int i = 0; i < 100; i++)
		guard_failed(guard, &never, bob, NAT, now);
	assert_false(locked(bob, NAT));
}

/* Who fills the table, fills his own share: a lock-out at another address stays. */
static void
shares(void **state)
{
	(void)state;
	fail_times(3, alice, HOME);
	fail_times(3, alice, NAT);
	for (unsigned int round = 0; round < 2; round++)
		for (unsigned int i = 2; i < 200; i++) {
			char name[32];

			snprintf(name, sizeof(name), "user%u", i);
			fail_times(1, users_find(users, name), NAT);
		}
	/* Even there, one failure does not displace what has more. */
	assert_true(locked(alice, NAT));
	assert_true(locked(alice, HOME));
	/* Names of nobody take no place at all. */
	for (unsigned int i = 0; i < 100000; i++)
		guard_failed(guard, &limits, NULL, NAT, now);
	assert_true(locked(alice, NAT));
}

struct seen {
	unsigned int n, pairs, addresses, users;
};

static void
see(void *arg, const struct guard_lockout *l)
{
	struct seen *s = arg;

	s->n++;
	s->pairs += l->user && l->address;
	s->addresses += !l->user;
	s->users += !l->address;
	assert_int_equal(l->left_ms, 60000);
}

static struct seen
list(void)
{
	struct seen s = {0};

	guard_list(guard, now, see, &s);
	return s;
}

static void
lock_all(void)
{
	fail_times(3, alice, HOME);
	fail_times(20, bob, NAT);
	fail_times(10, alice, NAT);
}

static void
unlocking(void **state)
{
	(void)state;
	assert_int_equal(guard_unlock(guard, NULL, 0, now), 0);
	lock_all();
	struct seen s = list();
	assert_int_equal(s.pairs, 3);
	assert_int_equal(s.addresses, 1);
	assert_int_equal(s.users, 2);
	assert_int_equal(guard_unlock(guard, "DOM\\ALICE", 0, now), 3);
	assert_false(locked(alice, HOME) || locked(alice, NAT) || locked(alice, 1));
	assert_true(locked(bob, NAT) && slow(NAT));
	assert_int_equal(guard_unlock(guard, NULL, NAT, now), 2);
	assert_false(slow(NAT));
	assert_true(locked(bob, NAT)); /* from anywhere */
	assert_int_equal(guard_unlock(guard, "nobody", 0, now), -ENOENT);
	lock_all();
	assert_int_equal(guard_unlock(guard, "bob", NAT, now), 1);
	assert_true(locked(bob, NAT)); /* from anywhere, still */
	assert_int_equal(guard_unlock(guard, NULL, 0, now), 5);
	assert_int_equal(list().n, 0);
	/* What has not reached its limit is forgotten, too. */
	fail_times(2, alice, 7);
	assert_int_equal(guard_unlock(guard, "alice", 7, now), 0);
	fail_times(2, alice, 7);
	assert_false(locked(alice, 7));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_user_at_an_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_user_from_everywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(own_failures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(addresses_of_a_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(shares, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unlocking, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
