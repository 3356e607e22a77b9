/* SPDX-License-Identifier: BSD-3-Clause */
/* Who a client is, through the whole gateway: names, guessing. */
#include "dataplane/api/session.h"
#include "fake/dial.h"

#include <errno.h>
#include <string.h>

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
	struct session_info s = first_session();
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
	assert_int_equal(sessions_get(gateway_sessions(gw), 2, &s), 0);
	assert_string_equal(s.user, "");
	assert_string_equal(s.claimed, "CORP\\Alice");
	assert_int_equal(sessions_disconnect_user(gateway_sessions(gw), "administrator"), 0);
	assert_int_equal(sessions_disconnect_user(gateway_sessions(gw), ""), 0);
	assert_int_equal(sessions_disconnect_user(gateway_sessions(gw), claimed), 1);
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
	sessions_lockouts(gateway_sessions(gw), only_alice, &n);
	assert_int_equal(n, 1);
	assert_int_equal(sessions_unlock(gateway_sessions(gw), "nosuch", 0), -ENOENT);
	assert_int_equal(sessions_unlock(gateway_sessions(gw), "ALICE", 0x7f00000a), 1);
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

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, dial_setup, dial_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_canonical_names),
		TEST(test_one_answer_for_all),
		cmocka_unit_test_setup_teardown(test_answers_late, setup_slow, dial_teardown),
	};
	return STAGE_RUN(tests);
}
