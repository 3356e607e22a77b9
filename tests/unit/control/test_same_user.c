/* SPDX-License-Identifier: BSD-3-Clause */
/* The same user twice, through the whole gateway (D15, T24). */
#include "dataplane/api/event.h"
#include "dataplane/api/session.h"
#include "fake/dial.h"

static uint64_t
refused(enum refusal_code code)
{
	return status().refusals[code];
}

/* A client that lost its power is not locked out by its own dead session. */
static void
test_owner_comes_back(void **state)
{
	(void)state;
	struct client *dead = dial_up(0, "carol", "pw-carol");
	uint64_t before = uv_now(&loop);
	struct client *c = dial_up(1, "CAROL", "pw-carol");
	assert_true(uv_now(&loop) - before < 1500);
	assert_int_equal(c->peer.ip, 0x0a09004d);
	assert_true(client_over(dead));
	assert_int_equal(refused(REFUSAL_REPLACED), 1);
	assert_int_equal(refused(REFUSAL_ADDRESS_IN_USE), 0);
	assert_true(logged("code=replaced text=\"by session 2 from 127.0.0.2\""));
	assert_int_equal(carrier("pptp").sessions, 1);
	assert_int_equal(status().pool_used, 1);
	assert_int_equal(fake_live(&fake), 1);
	/* T24: only who has the password replaces. */
	struct client *stranger = dial(2, "carol", "wrong");
	assert_true(loop_until(&loop, client_over, stranger, 3000));
	assert_true(client_is_up(c));
	/* A second device without a static address is nobody's rival. */
	struct client *a = dial_up(3, "alice", "pw-alice"), *b = dial_up(4, "alice", "pw-alice");
	assert_true(client_is_up(a) && client_is_up(b) && client_is_up(c));
	assert_false(logged("replaced-in-turn"));
}

static uint32_t
handle_of(const struct client *c)
{
	return fake_handle_of(&fake, TUNNEL_PPTP, c->server_call);
}

/* The data plane lets go of it at last. */
static void
confirm(uint32_t handle)
{
	fake_entry(&fake, SESSION_SLOT(handle))->handle = 0;
	fake_event(&fake, EVENT_SESSION_GONE, handle, 0, 0);
}

/* One waits for the address, until the data plane lets go of it; others don't queue up. */
static void
test_one_waits(void **state)
{
	(void)state;
	uint32_t holder = handle_of(dial_up(0, "carol", "pw-carol"));
	fake.no_gone = true;
	struct client *c = dial(1, "carol", "pw-carol"), *third;
	loop_for(&loop, 200);
	third = dial(2, "carol", "pw-carol");
	bool over = loop_until(&loop, client_over, third, 500);
	bool waits = !client_over(c) && !client_is_up(c);
	loop_for(&loop, 100);
	fake.no_gone = false;
	confirm(handle_of(third));
	confirm(holder);
	assert_true(over && waits);
	assert_int_equal(third->peer.error, 738);
	assert_true(loop_until(&loop, client_up, c, 1000));
	fake.no_gone = true;
	/* Who hangs up while he waits, leaves nothing. */
	holder = handle_of(c);
	struct client *gone = dial(3, "carol", "pw-carol");
	loop_for(&loop, 200);
	uint32_t handle = handle_of(gone);
	client_end(gone);
	gone->loop = NULL;
	loop_for(&loop, 200);
	confirm(handle);
	confirm(holder);
	fake.no_gone = false;
	dial_up(4, "carol", "pw-carol");
}

/* Two devices that redial by themselves. */
static void
test_in_turn(void **state)
{
	(void)state;
	dial_up(0, "carol", "pw-carol");
	for (unsigned int i = 1; i <= 3; i++)
		dial_up(i, "carol", "pw-carol");
	assert_false(logged("replaced-in-turn"));
	uint64_t before = uv_now(&loop);
	struct client *c = dial(4, "carol", "pw-carol");
	loop_for(&loop, 1500);
	assert_true(client_is_up(&clients[3]));
	assert_true(loop_until(&loop, client_up, c, 3000));
	assert_true(uv_now(&loop) - before >= 2000);
	assert_true(logged("event=replaced-in-turn user=\"carol\" session=5 peer=127.0.0.5 other=4 "
			   "other_peer=127.0.0.4 times=4 wait_s=2"));
	/* The other one ends by itself meanwhile. */
	before = uv_now(&loop);
	dial(5, "carol", "pw-carol");
	loop_for(&loop, 500);
	client_clear(c);
	assert_true(loop_until(&loop, client_up, &clients[5], 1500));
}

static int
setup_refuse(void **state)
{
	(void)state;
	dial_stage("sessions: { same_user = \"refuse\"; };\n", NULL);
	return 0;
}

static void
test_refuse(void **state)
{
	(void)state;
	dial_up(0, "carol", "pw-carol");
	dial_up(1, "alice", "pw-alice");
	assert_true(loop_until(&loop, client_over, dial(2, "carol", "pw-carol"), 3000));
	assert_int_equal(clients[2].peer.error, 738);
	assert_true(loop_until(&loop, client_over, dial(3, "DOM\\Alice", "pw-alice"), 3000));
	assert_int_equal(clients[3].peer.error, 649);
	assert_int_equal(refused(REFUSAL_ADDRESS_IN_USE), 1);
	assert_int_equal(refused(REFUSAL_USER_LIMIT), 1);
	assert_true(client_is_up(&clients[0]) && client_is_up(&clients[1]));
	assert_int_equal(status().pool_used, 2);
	client_clear(&clients[1]);
	loop_for(&loop, 200);
	dial_up(4, "alice", "pw-alice");
}

static int
setup_replace(void **state)
{
	(void)state;
	dial_stage("sessions: { same_user = \"replace\"; max_per_user = 2; };\n", NULL);
	return 0;
}

static void
test_replace_oldest(void **state)
{
	(void)state;
	dial_up(0, "alice", "pw-alice");
	loop_for(&loop, 20);
	dial_up(1, "alice", "pw-alice");
	dial_up(2, "ALICE", "pw-alice");
	assert_true(client_over(&clients[0]));
	assert_true(client_is_up(&clients[1]));
	assert_int_equal(refused(REFUSAL_REPLACED), 1);
	dial_up(3, "carol", "pw-carol");
	dial_up(4, "carol", "pw-carol");
	assert_int_equal(refused(REFUSAL_REPLACED), 2);
	assert_int_equal(carrier("pptp").sessions, 3);
	assert_int_equal(status().pool_used, 3);
}

static int
setup_limit(void **state)
{
	(void)state;
	dial_stage("sessions: { max_per_user = 2; };\n", NULL);
	return 0;
}

/* T24: one user does not take every port. */
static void
test_limit(void **state)
{
	(void)state;
	dial_up(0, "alice", "pw-alice");
	dial_up(1, "alice", "pw-alice");
	assert_true(loop_until(&loop, client_over, dial(2, "alice", "pw-alice"), 1000));
	assert_int_equal(refused(REFUSAL_USER_LIMIT), 1);
	dial_up(3, "carol", "pw-carol");
	dial_up(4, "carol", "pw-carol"); /* replaces */
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, dial_setup, dial_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_owner_comes_back),
		TEST(test_one_waits),
		TEST(test_in_turn),
		cmocka_unit_test_setup_teardown(test_refuse, setup_refuse, dial_teardown),
		cmocka_unit_test_setup_teardown(test_replace_oldest, setup_replace, dial_teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup_limit, dial_teardown),
	};
	return STAGE_RUN(tests);
}
