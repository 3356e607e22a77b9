/* SPDX-License-Identifier: BSD-3-Clause */
/* Decisions that take their time, without a gateway and on the test's own clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/aaa/decide.h"

#define MANY 10000

static struct users *users;
static struct pool *pool;
static struct aaa *aaa;
static uint64_t now;

/* Who asks. */
static struct client {
	uint64_t id;
	unsigned int told;
	struct aaa_verdict v;
} clients[MANY];

/* Who decides, when the test says so. */
static struct slow {
	unsigned int asked, cancelled;
	uint64_t last, last_cancelled;
	unsigned int round;
	enum aaa_said said;
	char message[64];
	bool answers_cancel, at_once;
} slow;

static struct ppp_credentials cred = {.method = PPP_AUTH_MSCHAPV2, .user = "alice"};
static const struct aaa_link over = {.peer_ip = 0xc0000201, .carrier = "pptp", .nas_name = "vpn"};

static struct aaa_verdict
accepted(void)
{
	struct aaa_verdict v = {.outcome = AAA_ACCEPT,
		.user = "Alice",
		.grant = {.mppe_policy = PPP_MPPE_REQUIRE,
			.mppe_strengths = PPP_MPPE_40 | PPP_MPPE_56 | PPP_MPPE_128},
		.keys = {.len = 16, .send = {1}, .recv = {2}}};

	return v;
}

static void
slow_ask(void *self, uint64_t id, const struct aaa_question *q, uint64_t now_ms)
{
	struct slow *s = self;
	struct aaa_verdict v = accepted();

	assert_int_equal(now_ms, now);
	s->asked++;
	s->last = id;
	s->round = q->round;
	s->said = q->said;
	snprintf(s->message, sizeof(s->message), "%.*s", (int)q->message_len,
		q->message ? (const char *)q->message : "");
	if (s->at_once)
		aaa_answer(aaa, id, &v);
}

static void
slow_cancel(void *self, uint64_t id)
{
	struct slow *s = self;

	s->cancelled++;
	s->last_cancelled = id;
	if (s->answers_cancel)
		aaa_answer(aaa, id, &(struct aaa_verdict){.refusal = REFUSAL_UNKNOWN_USER});
}

static const struct aaa_provider slow_provider = {slow_ask, slow_cancel};

static void
on_told(void *user, const struct aaa_verdict *v)
{
	struct client *c = user;

	/* The rule: the last word ends it. */
	if (v->outcome == AAA_CONTINUE)
		assert_int_not_equal(c->id, 0);
	else
		assert_int_equal(c->id, 0);
	c->told++;
	c->v = *v;
}

static int
set_up(void **state)
{
	char err[128];

	(void)state;
	users = users_new();
	pool = pool_new("default", 0x0a000001, 0x0a0000fe, err, sizeof(err));
	aaa = aaa_new(users, pool);
	if (!aaa)
		return -1;
	memset(clients, 0, sizeof(clients));
	slow = (struct slow){0};
	aaa_set_provider(aaa, &slow_provider, &slow);
	now = 1000000;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	aaa_free(aaa);
	pool_free(pool);
	users_free(users);
	return 0;
}

static bool
say(struct client *c, enum aaa_said said, const char *message)
{
	const struct aaa_asker asker = {on_told, c, &c->id, now + 5000};
	struct aaa_question q = {.said = said,
		.cred = &cred,
		.message = (const uint8_t *)message,
		.message_len = message ? strlen(message) : 0,
		.link = &over};

	return aaa_ask(aaa, &asker, &q, now);
}

static void
ask(struct client *c)
{
	assert_true(say(c, AAA_SAID_PROOF, NULL));
}

static struct aaa_counts
counts(void)
{
	struct aaa_counts c;

	aaa_counts(aaa, &c);
	return c;
}

/* Seconds later, and just before it would have been too late. */
static void
late_answer(void **state)
{
	struct aaa_verdict v = accepted();
	struct client *c = &clients[0];

	(void)state;
	ask(c);
	assert_int_equal(aaa_due(aaa, c->id), now + 5000);
	now += 4999;
	aaa_timer(aaa, c->id, now);
	assert_int_equal(c->told, 0);
	aaa_answer(aaa, slow.last, &v);
	assert_int_equal(c->told, 1);
	assert_int_equal(c->v.outcome, AAA_ACCEPT);
	assert_string_equal(c->v.user, "Alice");
	assert_int_equal(c->v.keys.recv[0], 2);
	/* T16: whoever grants it, the weak switch holds. */
	assert_int_equal(c->v.grant.mppe_strengths, PPP_MPPE_128);
	assert_int_equal(counts().open, 0);
	assert_int_equal(counts().accepted, 1);
}

static void
answer_inside_the_question(void **state)
{
	(void)state;
	slow.at_once = true;
	ask(&clients[0]);
	assert_int_equal(clients[0].told, 1);
	assert_int_equal(counts().open, 0);
}

/* Only the first answer counts; nor does one meet whoever was given the entry since. */
static void
second_answer(void **state)
{
	struct aaa_verdict v = accepted(), no = {.refusal = REFUSAL_DIALIN_DENIED};
	uint64_t first;

	(void)state;
	ask(&clients[0]);
	first = slow.last;
	aaa_answer(aaa, first, &no);
	aaa_answer(aaa, first, &v);
	assert_int_equal(clients[0].told, 1);
	ask(&clients[1]);
	assert_int_equal((uint32_t)slow.last, (uint32_t)first); /* the same place */
	aaa_answer(aaa, first, &v);
	assert_int_equal(clients[1].told, 0);
	aaa_answer(aaa, 0, &v);
	aaa_answer(aaa, UINT64_MAX, &v);
	assert_int_equal(counts().stale, 4);
	aaa_cancel(aaa, &clients[1].id);
}

static void
answer_after_cancel(void **state)
{
	struct aaa_verdict v = accepted();
	uint64_t id;

	(void)state;
	ask(&clients[0]);
	id = slow.last;
	aaa_cancel(aaa, &clients[0].id);
	assert_int_equal(clients[0].id, 0);
	assert_int_equal(slow.cancelled, 1);
	assert_int_equal(slow.last_cancelled, id);
	aaa_answer(aaa, id, &v);
	assert_int_equal(clients[0].told, 0);
	assert_int_equal(counts().stale, 1);
	aaa_cancel(aaa, &clients[0].id); /* nothing */
	assert_int_equal(slow.cancelled, 1);
	/* A provider that answers what it is told to forget. */
	slow.answers_cancel = true;
	ask(&clients[0]);
	aaa_cancel(aaa, &clients[0].id);
	assert_int_equal(clients[0].told, 0);
	assert_int_equal(counts().stale, 2);
	assert_int_equal(counts().cancelled, 2);
	assert_int_equal(counts().open, 0);
}

static void
never_answered(void **state)
{
	struct aaa_verdict v = accepted();
	struct client *c = &clients[0];

	(void)state;
	ask(c);
	now += 5000;
	aaa_timer(aaa, c->id, now);
	assert_int_equal(c->told, 1);
	assert_int_equal(c->v.outcome, AAA_REFUSE);
	assert_int_equal(c->v.refusal, REFUSAL_DECISION_TIMEOUT);
	assert_int_equal(slow.cancelled, 1);
	aaa_answer(aaa, slow.last, &v);
	assert_int_equal(c->told, 1);
	assert_int_equal(counts().expired, 1);
	assert_int_equal(counts().stale, 1);
}

/* EAP twice, then a new password: one request, one id for whoever keeps State. */
static void
rounds(void **state)
{
	struct aaa_verdict v = accepted(), more = {.outcome = AAA_CONTINUE,
						   .next = AAA_NEXT_EAP,
						   .refusal = REFUSAL_WRONG_PASSWORD,
						   .message = (const uint8_t *)"what then?",
						   .message_len = 10};
	struct client *c = &clients[0];
	uint64_t id;

	(void)state;
	assert_true(say(c, AAA_SAID_EAP, "identity"));
	id = slow.last;
	aaa_answer(aaa, id, &more);
	assert_int_equal(c->v.next, AAA_NEXT_EAP);
	assert_int_equal(c->v.message_len, 10);
	assert_int_equal(aaa_due(aaa, c->id), UINT64_MAX); /* it is the client's turn */
	aaa_answer(aaa, id, &v);                           /* out of turn */
	assert_int_equal(counts().stale, 1);
	now += 60000;
	aaa_timer(aaa, c->id, now);
	assert_true(say(c, AAA_SAID_EAP, "response"));
	assert_int_equal(slow.last, id);
	assert_int_equal(slow.round, 1);
	assert_string_equal(slow.message, "response");
	assert_int_equal(aaa_due(aaa, c->id), now + 5000);
	more.next = AAA_NEXT_PASSWORD;
	aaa_answer(aaa, id, &more);
	assert_true(say(c, AAA_SAID_NEW_PASSWORD, "encrypted"));
	assert_int_equal(slow.said, AAA_SAID_NEW_PASSWORD);
	assert_int_equal(slow.round, 2);
	aaa_answer(aaa, id, &v);
	assert_int_equal(c->told, 3);
	assert_int_equal(c->v.outcome, AAA_ACCEPT);
	assert_int_equal(counts().continued, 2);
	assert_int_equal(counts().open, 0);
}

/* The client leaves between two rounds: what is kept for it goes. */
static void
cancel_between_rounds(void **state)
{
	struct aaa_verdict more = {.outcome = AAA_CONTINUE, .next = AAA_NEXT_EAP};

	(void)state;
	ask(&clients[0]);
	aaa_answer(aaa, slow.last, &more);
	aaa_cancel(aaa, &clients[0].id);
	assert_int_equal(slow.cancelled, 1);
	assert_int_equal(counts().open, 0);
}

/* Asked again while the answer is awaited: the asker has lost count. */
static void
asked_out_of_turn(void **state)
{
	uint64_t other = 77;

	(void)state;
	ask(&clients[0]);
	assert_false(say(&clients[0], AAA_SAID_PROOF, NULL));
	assert_int_equal(clients[0].id, 0);
	assert_int_equal(slow.cancelled, 1);
	clients[0].id = other;
	assert_false(say(&clients[0], AAA_SAID_PROOF, NULL));
	assert_int_equal(clients[0].id, 0);
	assert_int_equal(clients[0].told, 0);
	assert_int_equal(counts().open, 0);
}

/* T24: one who holds many takes nothing from another's. */
static void
many_open(void **state)
{
	struct aaa_verdict v = accepted();
	uint64_t *ids = calloc(MANY, sizeof(*ids));

	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		ask(&clients[i]);
		ids[i] = slow.last;
	}
	assert_int_equal(counts().open, MANY);
	assert_int_equal(counts().most, MANY);
	for (unsigned int i = 0; i < MANY; i += 2)
		aaa_answer(aaa, ids[i], &v);
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(clients[i].told, i % 2 == 0);
	free(ids);
	/* The rest is open when all ends (tear_down). */
	assert_int_equal(counts().open, MANY / 2);
}

static int
all_cancelled(void **state)
{
	unsigned int open = counts().open;

	slow.answers_cancel = true; /* also then */
	tear_down(state);
	assert_int_equal(slow.cancelled, open);
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(clients[i].id, 0);
		assert_in_range(clients[i].told, 0, 1);
	}
	return 0;
}

/* ------------------------------------------------------------------ what is granted (T16) */

static enum refusal_code
granted(const struct aaa_verdict *v)
{
	struct client *c = &clients[0];

	ask(c);
	aaa_answer(aaa, slow.last, v);
	assert_int_equal(c->v.outcome == AAA_ACCEPT, c->v.refusal == REFUSAL_NONE);
	if (c->v.outcome != AAA_ACCEPT) {
		struct aaa_verdict empty = {.refusal = c->v.refusal};

		memcpy(empty.why, c->v.why, sizeof(empty.why));
		assert_memory_equal(&c->v, &empty, sizeof(empty)); /* no key, no address */
	}
	return c->v.refusal;
}

/* T16, T2: no provider lifts what the gateway forbids. */
static void
t16_grants_are_lowered(void **state)
{
	struct aaa_verdict v = accepted();

	(void)state;
	v.grant.mppe_strengths = PPP_MPPE_40 | PPP_MPPE_56;
	assert_int_equal(granted(&v), REFUSAL_WEAK_CRYPTO_OFF);
	v.keys.len = 0;
	assert_int_equal(granted(&v), REFUSAL_ENCRYPTION_NEEDS_MSCHAP);
	v.keys.len = 8;
	assert_int_equal(granted(&v), REFUSAL_ENCRYPTION_NEEDS_MSCHAP);
	v.keys.len = 32; /* EAP-TLS's */
	v.grant.mppe_strengths = PPP_MPPE_128;
	assert_int_equal(granted(&v), REFUSAL_NONE);
	cred.method = PPP_AUTH_MSCHAPV1;
	assert_int_equal(granted(&v), REFUSAL_NO_COMMON_AUTH);
	aaa_settings(aaa)->allow_weak_crypto = true;
	assert_int_equal(granted(&v), REFUSAL_ENCRYPTION_NEEDS_MSCHAP);
	cred.method = PPP_AUTH_MSCHAPV2;
}

/* What limits a user and is not enforced is refused, and named. */
static void
unsupported_grants(void **state)
{
	static const char *const words[] = {
		"routes", "filter", "filter", "time", "time", "interim", "MTU"};

	(void)state;
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct aaa_verdict v = accepted();

		v.n_routes = i == 0;
		strcpy(v.filter_in, i == 1 ? "guests" : "");
		strcpy(v.filter_out, i == 2 ? "guests" : "");
		v.session_s = i == 3;
		v.idle_s = i == 4;
		v.interim_s = i == 5;
		v.mtu = i == 6 ? 1300 : 0;
		assert_int_equal(granted(&v), REFUSAL_GRANT_UNSUPPORTED);
		assert_non_null(strstr(clients[0].v.why, words[i]));
	}
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(late_answer),
		TEST(answer_inside_the_question),
		TEST(second_answer),
		TEST(answer_after_cancel),
		TEST(never_answered),
		TEST(rounds),
		TEST(cancel_between_rounds),
		TEST(asked_out_of_turn),
		cmocka_unit_test_setup_teardown(many_open, set_up, all_cancelled),
		TEST(t16_grants_are_lowered),
		TEST(unsupported_grants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
