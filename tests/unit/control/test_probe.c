/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions by the path that is to be proved (T23, D1): only that client's answer by that path
 * counts. */
#include "dataplane/api/command.h"
#include "dataplane/api/session.h"
#include "fake/call.h"

#include <string.h>

static const struct sa_outer there = {SERVER_IP, NAT_IP, 4500, 50000},
			     elsewhere = {SERVER_IP, NAT_IP, 4500, 50001};

static bool
has_answer(void *user)
{
	return call_answer.n >= *(unsigned int *)user;
}

static bool
wait_for_answer(void)
{
	unsigned int n = 1;
	return loop_until(&loop, has_answer, &n, 300);
}

/* What a client makes of the question that it was sent, with this magic number. */
static size_t
make_answer(const struct caller *c, uint32_t magic, uint8_t *m)
{
	memcpy(m, c->probe, c->probe_len);
	m[2] = (uint8_t)(c->lac.peer_id >> 8);
	m[3] = (uint8_t)c->lac.peer_id;
	m[4] = (uint8_t)(c->session->peer_id >> 8);
	m[5] = (uint8_t)c->session->peer_id;
	m[10] = 10; /* Echo-Reply */
	for (unsigned int i = 0; i < 4; i++)
		m[14 + i] = (uint8_t)(magic >> (24 - 8 * i));
	return c->probe_len;
}

static void
answer_by(const struct caller *c, uint32_t sa, const struct sa_outer *from, uint32_t magic)
{
	uint8_t m[64];
	size_t n = make_answer(c, magic, m);
	fake_punt_l2tp_from(&fake, sa, &c->inner, from, m, n);
	loop_for(&loop, 30);
}

/* ------------------------------------------------------------------ where */

static void
answer_from_there_counts(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 1);
	assert_int_equal(users_of[1], 1);
	assert_true(l2tp_probe(gateway_l2tp(gw), 1, c->sa, &there));
	assert_true(wait_for_answer());
	assert_memory_equal(&c->probed_to, &there, sizeof(there));
	assert_int_equal(c->probed_sa, c->sa);
	assert_int_equal(call_answer.peer, 1);
	assert_int_equal(call_answer.sa, c->sa);
	assert_memory_equal(&call_answer.from, &there, sizeof(there));
	/* Once. */
	answer_by(c, c->sa, &there, c->peer.magic);
	assert_int_equal(call_answer.n, 1);
	/* Nothing else of the session went elsewhere. */
	assert_true(caller_is_up(c));
	assert_int_equal(fake.commands[COMMAND_SESSION_SA], 0);
}

static void
answer_from_elsewhere_is_none(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 1), *other = call_up(1, 2);
	c->deaf = true;
	assert_true(l2tp_probe(gateway_l2tp(gw), 1, c->sa, &there));
	loop_for(&loop, 50);
	assert_int_equal(c->n_probes, 1);
	answer_by(c, c->sa, &elsewhere, c->peer.magic);
	answer_by(c, c->sa, NULL, c->peer.magic);
	answer_by(c, other->sa, &there, c->peer.magic);
	assert_int_equal(call_answer.n, 0);
	answer_by(c, c->sa, &there, c->peer.magic);
	assert_int_equal(call_answer.n, 1);
}

/* T23: a question to the one who may hold the place goes its session's usual way back. */
static void
holder_answers_as_ever(void **state)
{
	uint8_t m[64];
	(void)state;
	struct caller *c = call_up(0, 1);
	c->deaf = true;
	assert_true(l2tp_probe(gateway_l2tp(gw), 1, c->sa, NULL));
	loop_for(&loop, 50);
	size_t n = make_answer(c, c->peer.magic, m);
	uint32_t handle = fake_handle_of(&fake, TUNNEL_L2TP, c->session->peer_id);
	m[30] ^= 1;
	fake_punt(&fake, handle, m + 8, n - 8);
	loop_for(&loop, 30);
	assert_int_equal(call_answer.n, 0);
	m[30] ^= 1;
	fake_punt(&fake, handle, m + 8, n - 8);
	assert_true(wait_for_answer());
	assert_int_equal(call_answer.from.peer_ip, 0);
	assert_int_equal(call_answer.peer, 1);
}

/* Before LCP is open: HELLO, which is acknowledged from there. */
static void
hello_before_lcp_is_open(void **state)
{
	(void)state;
	struct sa_outer inner = {SERVER_IP, NAT_IP, 1701, 1701};
	struct ppp_client_config pc = ppp_client("alice", "pw-alice");
	uint32_t sa = make_pair(1, 30000);
	current_of[1] = sa;
	caller_start(&callers[0], &fake, &(struct l2tp_client_config){.id = 1}, &pc, sa, &inner);
	callers[0].no_call = true;
	loop_for(&loop, 200);
	assert_true(callers[0].lac.up);
	unsigned int hellos = callers[0].lac.hellos;
	callers[0].closed = true; /* does not hear it: what it says is ours to say */
	assert_true(l2tp_probe(gateway_l2tp(gw), 1, sa, &there));
	loop_for(&loop, 30);
	assert_memory_equal(&fake.to, &there, sizeof(there));
	assert_false(l2tp_probe(gateway_l2tp(gw), 1, sa, &there)); /* one at a time */
	uint8_t zlb[12] = {0xc8, 2, 0, 12, (uint8_t)(callers[0].lac.peer_id >> 8),
		(uint8_t)callers[0].lac.peer_id, 0, 0, 0, 2, 0, 0};
	zlb[11] = (uint8_t)callers[0].lac.nr;
	fake_punt_l2tp_from(&fake, sa, &inner, &there, zlb, 12); /* of what came before */
	zlb[11]++;
	fake_punt_l2tp_from(&fake, sa, &inner, &elsewhere, zlb, 12);
	loop_for(&loop, 30);
	assert_int_equal(call_answer.n, 0);
	callers[0].closed = false;
	(void)hellos;
}

static void
hello_is_answered_from_there(void **state)
{
	(void)state;
	struct sa_outer inner = {SERVER_IP, NAT_IP, 1701, 1701};
	struct ppp_client_config pc = ppp_client("alice", "pw-alice");
	uint32_t sa = make_pair(1, 30000);
	current_of[1] = sa;
	caller_start(&callers[0], &fake, &(struct l2tp_client_config){.id = 1}, &pc, sa, &inner);
	callers[0].no_call = true;
	loop_for(&loop, 200);
	callers[0].closed = true;
	assert_true(l2tp_probe(gateway_l2tp(gw), 1, sa, &there));
	loop_for(&loop, 30);
	uint8_t zlb[12] = {0xc8, 2, 0, 12, (uint8_t)(callers[0].lac.peer_id >> 8),
		(uint8_t)callers[0].lac.peer_id, 0, 0, 0, 2, 0, 0};
	zlb[11] = (uint8_t)(callers[0].lac.nr + 1);
	fake_punt_l2tp_from(&fake, sa, &inner, &there, zlb, 12);
	assert_true(wait_for_answer());
	assert_memory_equal(&call_answer.from, &there, sizeof(there));
	callers[0].closed = false;
}

/* ------------------------------------------------------------------ who */

/* The client comes through a pair that is another peer's still. */
static void
client_proves_itself(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 1);
	uint32_t fresh = make_pair(2, 30001);
	current_of[2] = fresh;
	assert_true(l2tp_probe(gateway_l2tp(gw), 1, fresh, NULL));
	assert_true(wait_for_answer());
	assert_int_equal(c->probed_sa, fresh);
	assert_int_equal(call_answer.peer, 1);
	assert_int_equal(call_answer.sa, fresh);
	assert_int_equal(call_answer.from.peer_ip, 0);
}

/* T23: a neighbour is asked for the victim, and knows all but its magic number: he may guess three
 * times.  Nor does the victim's own answer, by its own way, speak for him. */
static void
neighbor_can_not_answer(void **state)
{
	uint8_t m[64];
	(void)state;
	struct caller *victim = call_up(0, 1);
	uint32_t his = make_pair(2, 30001), magic = victim->peer.magic;
	current_of[2] = his;
	victim->deaf = true;
	assert_true(l2tp_probe(gateway_l2tp(gw), 1, his, NULL));
	loop_for(&loop, 50);
	uint32_t ours = (uint32_t)victim->probe[14] << 24 | (uint32_t)victim->probe[15] << 16 |
			(uint32_t)victim->probe[16] << 8 | victim->probe[17];
	size_t n = make_answer(victim, magic, m);
	fake_punt(
		&fake, fake_handle_of(&fake, TUNNEL_L2TP, victim->session->peer_id), m + 8, n - 8);
	loop_for(&loop, 30);
	answer_by(victim, his, NULL, ours);
	answer_by(victim, his, NULL, 0);
	answer_by(victim, his, NULL, magic ^ 1);
	assert_int_equal(call_answer.n, 0);
	answer_by(victim, his, NULL, magic); /* too many guesses */
	assert_int_equal(call_answer.n, 0);
	assert_true(caller_is_up(victim));
	/* Hostile messages are nothing. */
	for (size_t len = 12; len < n; len++)
		fake_punt_l2tp(&fake, his, &victim->inner, m, len);
	memset(m, 0x7f, sizeof(m));
	m[1] = 2;
	fake_punt_l2tp(&fake, his, &victim->inner, m, sizeof(m));
	loop_for(&loop, 30);
	assert_int_equal(call_answer.n, 0);
}

/* Without a magic number whoever is asked is told all that the answer needs. */
static void
no_magic_no_proof(void **state)
{
	(void)state;
	struct ppp_client_config pc = ppp_client("alice", "pw-alice");
	pc.habits.no_magic = true;
	struct caller *c = call_as(0, 1, &pc);
	assert_true(loop_until(&loop, caller_up, c, 6000));
	uint32_t fresh = make_pair(2, 30001);
	assert_false(l2tp_probe(gateway_l2tp(gw), 1, fresh, NULL));
	assert_true(l2tp_probe(gateway_l2tp(gw), 1, c->sa, &there)); /* where it is, it can say */
	assert_true(wait_for_answer());
}

/* The session ends while it is asked; users are counted down. */
static void
session_ends_meanwhile(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 1);
	c->deaf = true;
	assert_true(l2tp_probe(gateway_l2tp(gw), 1, c->sa, &there));
	loop_for(&loop, 30);
	l2tp_client_hang_up(&c->lac, c->session);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_int_equal(users_of[1], 0);
	answer_by(c, c->sa, &there, c->peer.magic);
	assert_int_equal(call_answer.n, 0);
	assert_false(l2tp_probe(gateway_l2tp(gw), 1, c->sa, NULL));
	assert_false(l2tp_probe(gateway_l2tp(gw), 7, c->sa, &there));
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, call_setup, call_teardown)
	const struct CMUnitTest tests[] = {
		TEST(answer_from_there_counts),
		TEST(answer_from_elsewhere_is_none),
		TEST(holder_answers_as_ever),
		TEST(hello_before_lcp_is_open),
		TEST(hello_is_answered_from_there),
		TEST(client_proves_itself),
		TEST(neighbor_can_not_answer),
		TEST(no_magic_no_proof),
		TEST(session_ends_meanwhile),
	};
	return STAGE_RUN(tests);
}
