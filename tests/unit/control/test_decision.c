/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole gateway and somebody else who decides, in his own time. */
#include "fake/dial.h"

#include <stdio.h>
#include <string.h>

#include "control/aaa/decide.h"
#include "control/aaa/verify.h"
#include "control/session/session.h"

#define ASKED_MAX 2048
#define MANY      500

static struct slow {
	unsigned int n, cancelled;
	struct {
		uint64_t id;
		struct ppp_credentials cred;
		uint32_t peer;
		char acct[32];
		unsigned int round;
		bool cancelled;
	} asked[ASKED_MAX];
} slow;

static void
slow_ask(void *self, uint64_t id, const struct aaa_question *q, uint64_t now_ms)
{
	struct slow *s = self;
	(void)now_ms;
	assert_true(s->n < ASKED_MAX);
	assert_string_equal(q->link->carrier, "pptp");
	assert_false(q->link->encrypted);
	s->asked[s->n].id = id;
	s->asked[s->n].cred = *q->cred;
	s->asked[s->n].peer = q->link->peer_ip;
	strcpy(s->asked[s->n].acct, q->link->accounting_id);
	s->asked[s->n++].round = q->round;
}

static void
slow_cancel(void *self, uint64_t id)
{
	struct slow *s = self;
	s->cancelled++;
	for (unsigned int i = 0; i < s->n; i++)
		s->asked[i].cancelled |= s->asked[i].id == id;
}

static const struct aaa_provider slow_provider = {slow_ask, slow_cancel};

static void
begin(void)
{
	slow = (struct slow){0};
	aaa_set_provider(gateway_sessions(gw)->env.aaa, &slow_provider, &slow);
}

static void
stage(const char *settings)
{
	dial_stage(settings, NULL);
	begin();
}

static int
setup(void **state)
{
	(void)state;
	stage("");
	return 0;
}

static struct aaa_counts
counts(void)
{
	struct aaa_counts c;
	sessions_decisions(gateway_sessions(gw), &c);
	return c;
}

static bool
is_asked(void *user)
{
	return slow.n >= *(unsigned int *)user;
}

static void
await_questions(unsigned int n)
{
	if (!loop_until(&loop, is_asked, &n, 8000))
		fail_msg("%u questions, not %u:\n%s", slow.n, n, stage_log());
}

/* What is true of question i, as a RADIUS server would know it. */
static struct aaa_verdict
judge(unsigned int i, const char *password)
{
	struct aaa_verdict v = {.outcome = AAA_REFUSE, .refusal = REFUSAL_WRONG_PASSWORD};
	if (!aaa_verify(&slow.asked[i].cred, password, true, &v))
		return v;
	v.outcome = AAA_ACCEPT;
	v.refusal = REFUSAL_NONE;
	snprintf(v.user, sizeof(v.user), "Alice Liddell");
	v.grant.mppe_policy = PPP_MPPE_REQUIRE;
	v.grant.mppe_strengths = PPP_MPPE_128;
	return v;
}

static void
answer(unsigned int i, const struct aaa_verdict *v)
{
	aaa_answer(gateway_sessions(gw)->env.aaa, slow.asked[i].id, v);
}

/* ------------------------------------------------------------------ late verdicts */

/* Nothing waits for it but its client; then it is up, under the name that the verdict gives. */
static void
accepted_later(void **state)
{
	(void)state;
	struct client *c = dial(0, "cheshire", "pw-cat");
	await_questions(1);
	loop_for(&loop, 1500);
	assert_false(client_over(c) || client_is_up(c));
	assert_int_equal(status().pool_used, 0);
	struct aaa_verdict v = judge(0, "pw-cat");
	answer(0, &v);
	assert_true(loop_until(&loop, client_up, c, 3000));
	struct session_info s = first_session();
	assert_string_equal(s.user, "Alice Liddell");
	assert_string_equal(s.claimed, "cheshire");
	assert_string_equal(s.acct, slow.asked[0].acct);
	assert_int_equal(s.mppe_tx, 128);
	answer(0, &v); /* once more */
	loop_for(&loop, 50);
	assert_true(client_is_up(c));
	assert_int_equal(counts().stale, 1);
	assert_int_equal(counts().open, 0);
	assert_int_equal(sessions_disconnect_user(gateway_sessions(gw), "alice liddell"), 1);
}

static void
refused_later(void **state)
{
	(void)state;
	struct client *c = dial(0, "alice", "x");
	await_questions(1);
	loop_for(&loop, 1000);
	struct aaa_verdict v = {.refusal = REFUSAL_DIALIN_DENIED, .why = "not on a Sunday"};
	answer(0, &v);
	assert_true(loop_until(&loop, client_over, c, 5000));
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_int_equal(c->peer.error, 649);
	assert_true(logged("code=dialin-denied text=\"not on a Sunday\""));
}

/* MS-CHAP's retry: two wrong tries and a right one are three rounds of one request. */
static void
continued_twice(void **state)
{
	static const uint8_t challenge[16] = {0xc3, 0x5a, 1, 2, 3};
	(void)state;
	cfg->ppp.auth_retries = 2;
	struct ppp_client_config pc = client_config("alice", "wrong");
	pc.second_password = "wrong, too";
	client_start(&clients[0], &fake, &pc, cfg->pptp_port, 1);
	for (unsigned int i = 0; i < 2; i++) {
		await_questions(i + 1);
		assert_int_equal(slow.asked[i].round, i);
		assert_int_equal(slow.asked[i].id, slow.asked[0].id);
		loop_for(&loop, 300);
		struct aaa_verdict v = {.outcome = AAA_CONTINUE,
			.next = AAA_NEXT_PROOF,
			.refusal = REFUSAL_WRONG_PASSWORD,
			.challenge_len = 16};
		memcpy(v.challenge, challenge, 16);
		clients[0].peer.cfg.second_password = i == 0 ? "wrong, too" : "pw-alice";
		answer(i, &v);
	}
	await_questions(3);
	assert_memory_equal(slow.asked[2].cred.challenge, challenge, 16);
	struct aaa_verdict v = judge(2, "pw-alice");
	assert_int_equal(v.outcome, AAA_ACCEPT);
	answer(2, &v);
	assert_true(loop_until(&loop, client_up, &clients[0], 3000));
	assert_int_equal(counts().continued, 2);
	assert_int_equal(counts().open, 0);
	assert_int_equal(slow.cancelled, 0);
}

/* PPP speaks no EAP: whoever is to go on with it can't, for the reason that the verdict gives. */
static void
continued_in_another_tongue(void **state)
{
	(void)state;
	struct client *c = dial(0, "alice", "pw-alice");
	await_questions(1);
	answer(0, &(struct aaa_verdict){.outcome = AAA_CONTINUE,
			  .next = AAA_NEXT_EAP,
			  .refusal = REFUSAL_NO_COMMON_AUTH});
	assert_true(loop_until(&loop, client_over, c, 5000));
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_int_equal(status().refusals[REFUSAL_NO_COMMON_AUTH], 1);
	assert_int_equal(slow.cancelled, 1);
	assert_int_equal(counts().open, 0);
}

static void
client_leaves(void **state)
{
	(void)state;
	dial(0, "alice", "pw-alice");
	await_questions(1);
	client_end(&clients[0]);
	clients[0].loop = NULL;
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_int_equal(slow.cancelled, 1);
	struct aaa_verdict v = judge(0, "pw-alice");
	answer(0, &v);
	loop_for(&loop, 50);
	assert_int_equal(status().pool_used, 0);
	assert_int_equal(counts().stale, 1);
}

/* It is being told that it has to go when the verdict comes. */
static void
accepted_while_ending(void **state)
{
	(void)state;
	dial(0, "alice", "pw-alice");
	await_questions(1);
	clients[0].peer.cfg.habits.mute = true;
	assert_int_equal(sessions_disconnect(gateway_sessions(gw), 1), 0);
	struct aaa_verdict v = judge(0, "pw-alice");
	answer(0, &v);
	loop_for(&loop, 100);
	assert_int_equal(status().pool_used, 0);
	client_end(&clients[0]);
	clients[0].loop = NULL;
	assert_true(loop_until(&loop, no_sessions, NULL, 8000));
	assert_int_equal(status().refusals[REFUSAL_ADMIN_DISCONNECT], 1);
}

/* ------------------------------------------------------------------ remedies */

static int
setup_short(void **state)
{
	(void)state;
	stage("");
	cfg->ppp.auth_timeout_ms = 1000;
	return 0;
}

/* walked decision-timeout: it needs longer, and is given longer. */
static void
never_answered(void **state)
{
	(void)state;
	struct client *c = dial(0, "alice", "pw-alice");
	await_questions(1);
	uint64_t before = uv_now(&loop);
	assert_true(loop_until(&loop, client_over, c, 5000));
	assert_in_range(uv_now(&loop) - before, 300, 3000);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_int_equal(c->peer.error, 691); /* it has heard it */
	assert_int_equal(status().refusals[REFUSAL_DECISION_TIMEOUT], 1);
	assert_true(logged("code=decision-timeout"));
	assert_int_equal(slow.cancelled, 1);
	cfg->ppp.auth_timeout_ms = 10000;
	c = dial(1, "alice", "pw-alice");
	await_questions(2);
	loop_for(&loop, 700);
	struct aaa_verdict v = judge(1, "pw-alice");
	answer(1, &v);
	assert_true(loop_until(&loop, client_up, c, 3000));
}

/* walked grant-unsupported */
static void
limits_nobody_enforces(void **state)
{
	(void)state;
	struct client *c = dial(0, "alice", "pw-alice");
	await_questions(1);
	struct aaa_verdict v = judge(0, "pw-alice");
	strcpy(v.filter_in, "guests");
	answer(0, &v);
	assert_true(loop_until(&loop, client_over, c, 5000));
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_true(
		logged("code=grant-unsupported text=\"the verdict on the user brings a filter\""));
	assert_int_equal(status().pool_used, 0);
	c = dial(1, "alice", "pw-alice");
	await_questions(2);
	v = judge(1, "pw-alice");
	answer(1, &v);
	assert_true(loop_until(&loop, client_up, c, 3000));
}

/* ------------------------------------------------------------------ many */

static int
setup_few_ports(void **state)
{
	(void)state;
	dial_stage("", NULL);
	cfg->pptp_max_sessions = 8;
	begin();
	return 0;
}

/* T24: who fills them, and who pays?  Each is a port of somebody who has not authenticated: the
 * flood's own go, and with them their questions. */
static void
t24_flood_from_one_address(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 40; i++)
		dial_from(i, 99, "nobody", "x");
	loop_for(&loop, 1000);
	assert_in_range(counts().open, 1, 8);
	unsigned int before = slow.n;
	struct client *c = dial_from(50, 1, "alice", "pw-alice");
	await_questions(before + 1);
	assert_int_equal(slow.asked[before].peer, 0x7f000001);
	/* The flood goes on while he waits. */
	for (unsigned int i = 60; i < 90; i++)
		dial_from(i, 99, "nobody", "x");
	loop_for(&loop, 500);
	assert_false(slow.asked[before].cancelled);
	struct aaa_verdict v = judge(before, "pw-alice");
	answer(before, &v);
	assert_true(loop_until(&loop, client_up, c, 3000));
	assert_in_range(counts().open, 1, 8);
	assert_int_equal(counts().open + slow.cancelled + 1, slow.n);
}

static void
many(struct config *c)
{
	fake.max_sessions = c->pptp_max_sessions = c->pptp_max_connections = MANY;
}

static int
setup_many(void **state)
{
	(void)state;
	dial_stage("", many);
	begin();
	return 0;
}

/* Open when control stops: each is cancelled, and nothing is left (gateway_end()). */
static void
open_at_the_end(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		dial(i, "alice", "pw-alice");
		if (i % 25 == 24)
			loop_for(&loop, 10);
	}
	await_questions(MANY);
	assert_int_equal(counts().open, MANY);
	assert_int_equal(counts().most, MANY);
}

static int
teardown_many(void **state)
{
	for (unsigned int i = 0; i < MANY; i++)
		clients[i].peer.cfg.habits.mute = true;
	gateway_end();
	assert_int_equal(slow.cancelled, MANY);
	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		client_end(&clients[i]);
	stage_close();
	return 0;
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, dial_teardown)
	const struct CMUnitTest tests[] = {
		TEST(accepted_later),
		TEST(refused_later),
		TEST(continued_twice),
		TEST(continued_in_another_tongue),
		TEST(client_leaves),
		TEST(accepted_while_ending),
		cmocka_unit_test_setup_teardown(never_answered, setup_short, dial_teardown),
		TEST(limits_nobody_enforces),
		cmocka_unit_test_setup_teardown(
			t24_flood_from_one_address, setup_few_ports, dial_teardown),
		cmocka_unit_test_setup_teardown(open_at_the_end, setup_many, teardown_many),
	};
	return STAGE_RUN(tests);
}
