/* SPDX-License-Identifier: BSD-3-Clause */
/* Who a client is, through the whole gateway: names, guessing, the same user twice. */
#include "fake/dial.h"

#include <errno.h>
#include <string.h>

/* Client i from 127.0.0.source. */
static struct client *
dial_from(unsigned int i, uint8_t source, const char *user, const char *password)
{
	struct peer_config pc = client_config(user, password);
	client_start(&clients[i], &fake, &pc, cfg->pptp_port, source);
	return &clients[i];
}

static bool
failed_once(void *user)
{
	(void)user;
	return logged("event=authentication-failed");
}

/* ------------------------------------------------------------------ names (T22) */

/* Who a session's user is, is not what the client calls itself. */
static void
test_canonical_names(void **state)
{
	(void)state;
	char claimed[80];
	snprintf(claimed, sizeof(claimed), "administrator%50s\\aLICE", "");
	dial_up(0, claimed, "pw-alice");
	struct gateway_session s = first_session();
	assert_string_equal(s.user, "alice");
	assert_string_equal(s.claimed, claimed);
	assert_string_equal(fake_entry(&fake, SESSION_SLOT(s.handle))->user, "alice");
	assert_true(logged("event=session-up session=1 protocol=pptp user=\"alice\" "
			   "claimed=\"administrator"));
	/* Who has proved nothing is nobody, and not ended by the name that he uses. */
	cfg->ppp.auth_retries = 2;
	struct client *c = dial(1, "CORP\\Alice", "wrong");
	assert_true(loop_until(&loop, failed_once, NULL, 2000));
	assert_true(logged("event=authentication-failed session=2 user=\"alice\" "
			   "claimed=\"CORP\\x5cAlice\" peer=127.0.0.2 code=wrong-password"));
	assert_int_equal(gateway_session(gw, 2, &s), 0);
	assert_string_equal(s.user, "");
	assert_string_equal(s.claimed, "CORP\\Alice");
	assert_int_equal(gateway_disconnect_user(gw, "administrator"), 0);
	assert_int_equal(gateway_disconnect_user(gw, ""), 0);
	assert_int_equal(gateway_disconnect_user(gw, claimed), 1);
	assert_false(client_over(c));
}

/* ------------------------------------------------------------------ guessing (T1) */

static void
only_alice(void *user, const struct guard_lockout *l)
{
	assert_string_equal(l->user, "alice");
	assert_int_equal(l->address, 0x7f00000a);
	assert_in_range(l->left_ms, 200000, 300000);
	++*(unsigned int *)user;
}

static void
test_one_answer_for_all(void **state)
{
	(void)state;
	static const char *const names[] = {"alice", "nosuch"};
	for (unsigned int n = 0; n < 2; n++)
		for (unsigned int i = 0; i < 12; i++) {
			struct client *c = dial_from(i, (uint8_t)(10 + n), names[n], "x");
			assert_true(loop_until(&loop, client_over, c, 6000));
			assert_int_equal(c->peer.error, 691);
			client_end(c);
			c->loop = NULL;
		}
	assert_int_equal(status().refusals[REFUSAL_WRONG_PASSWORD], 10);
	assert_int_equal(status().refusals[REFUSAL_LOCKED_OUT], 2);
	assert_int_equal(status().refusals[REFUSAL_UNKNOWN_USER], 12);
	dial_up(20, "alice", "pw-alice"); /* T24: herself, elsewhere */
	unsigned int n = 0;
	gateway_lockouts(gw, only_alice, &n);
	assert_int_equal(n, 1);
	assert_int_equal(gateway_unlock(gw, "nosuch", 0), -ENOENT);
	assert_int_equal(gateway_unlock(gw, "ALICE", 0x7f00000a), 1);
	struct client *c = dial_from(21, 10, "alice", "pw-alice");
	assert_true(loop_until(&loop, client_up, c, 3000));
}

static void
slow_soon(struct config *c)
{
	c->aaa.lockout_address_failures = 1;
}

static int
setup_slow(void **state)
{
	(void)state;
	dial_stage("", slow_soon);
	return 0;
}

/* T24: trying many users from one address takes long; its honest users get in all the same. */
static void
test_answers_late(void **state)
{
	(void)state;
	assert_true(loop_until(&loop, client_over, dial_from(0, 7, "nobody", "x"), 2000));
	uint64_t before = uv_now(&loop);
	dial_from(1, 7, "alice", "pw-alice");
	dial_from(2, 7, "alice", "x");
	dial_from(3, 7, "nobody", "x");
	dial_from(4, 7, "carol", "pw-carol");
	loop_for(&loop, 1500);
	for (unsigned int i = 1; i < 5; i++)
		assert_false(client_over(&clients[i]) || client_is_up(&clients[i]));
	client_end(&clients[4]); /* before its answer: its address is free again */
	clients[4].loop = NULL;
	assert_true(loop_until(&loop, client_up, &clients[1], 6000));
	assert_true(uv_now(&loop) - before >= 3000);
	assert_true(loop_until(&loop, client_over, &clients[2], 6000));
	assert_true(loop_until(&loop, client_over, &clients[3], 6000));
	loop_for(&loop, 100);
	assert_int_equal(status().pool_used, 1);
	/* Who was let in from there before does not wait. */
	assert_true(loop_until(&loop, client_up, dial_from(5, 7, "alice", "pw-alice"), 2000));
	dial_up(20, "carol", "pw-carol");
}

/* ------------------------------------------------------------------ the same user twice (D15) */

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
	assert_int_equal(status().pptp_sessions, 1);
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

/* One waits for the address, until the data plane lets go of it; others don't queue up. */
static void
test_one_waits(void **state)
{
	(void)state;
	dial_up(0, "carol", "pw-carol");
	uint32_t handle = first_session().handle;
	fake.no_gone = true;
	struct client *c = dial(1, "carol", "pw-carol");
	loop_for(&loop, 500);
	assert_true(loop_until(&loop, client_over, dial(2, "carol", "pw-carol"), 1000));
	assert_int_equal(clients[2].peer.error, 738);
	assert_false(client_over(c) || client_is_up(c));
	fake.no_gone = false;
	fake_entry(&fake, SESSION_SLOT(handle))->handle = 0;
	fake_event(&fake, EVENT_SESSION_GONE, handle, 0, 0);
	assert_true(loop_until(&loop, client_up, c, 1000));
	/* Who hangs up while he waits, leaves nothing. */
	fake.no_gone = true;
	handle = fake_handle_of(&fake, TUNNEL_PPTP, c->server_call);
	struct client *gone = dial(3, "carol", "pw-carol");
	loop_for(&loop, 500);
	client_end(gone);
	gone->loop = NULL;
	loop_for(&loop, 200);
	fake.no_gone = false;
	fake_entry(&fake, SESSION_SLOT(handle))->handle = 0;
	fake_event(&fake, EVENT_SESSION_GONE, handle, 0, 0);
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
	assert_int_equal(status().pptp_sessions, 3);
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
	assert_true(loop_until(&loop, client_over, dial(2, "alice", "pw-alice"), 3000));
	assert_int_equal(refused(REFUSAL_USER_LIMIT), 1);
	dial_up(3, "carol", "pw-carol");
	dial_up(4, "carol", "pw-carol"); /* replaces */
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, dial_setup, dial_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_canonical_names),
		TEST(test_one_answer_for_all),
		cmocka_unit_test_setup_teardown(test_answers_late, setup_slow, dial_teardown),
		TEST(test_owner_comes_back),
		TEST(test_one_waits),
		TEST(test_in_turn),
		cmocka_unit_test_setup_teardown(test_refuse, setup_refuse, dial_teardown),
		cmocka_unit_test_setup_teardown(test_replace_oldest, setup_replace, dial_teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup_limit, dial_teardown),
	};
	return STAGE_RUN(tests);
}
