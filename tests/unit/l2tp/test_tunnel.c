/* SPDX-License-Identifier: BSD-3-Clause */
/* A tunnel's life: HELLO, time-outs, stopping, clients that come again, SAs that go. */
#include <string.h>

#include "lab_test.h"

static void
test_hello(void **state)
{
	(void)state;
	lab_start(&lab);
	struct l2tp_client *l = lab_tunnel(&lab, 1);
	l2tp_client_call(l, 5);
	lab_run(&lab, lab.now + 100000);
	assert_int_equal(l->hellos, 1);
	lab_run(&lab, lab.now + 600000);
	assert_int_equal(l->hellos, 11);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	l->cfg.habits.mute = true;
	lab_run(&lab, lab.now + 100000);
	assert_int_equal(lab.sessions[0].why, REFUSAL_PEER_DEAD);
	assert_int_equal(lab_stats(&lab).tunnels, 0);
}

static void
test_timeouts(void **state)
{
	(void)state;
	lab_start(&lab);
	/* No SCCCN. */
	struct l2tp_client *mute =
		lab_lac(&lab, &(struct l2tp_client_config){.id = 1, .habits.mute = true}, 1);
	l2tp_client_start(mute, lab.now);
	mute->due = UINT64_MAX;
	lab_run(&lab, 1100);
	assert_int_equal(lab_stats(&lab).half_open, 1);
	lab_run(&lab, 17000);
	assert_int_equal(lab_stats(&lab).half_open, 0);
	assert_int_equal(lab.why, REFUSAL_SETUP_TIMEOUT);
	/* No call. */
	struct l2tp_client *idle = lab_tunnel(&lab, 2);
	lab_run(&lab, lab.now + 31000);
	assert_true(idle->stopped);
	assert_int_equal(idle->result, L2TP_STOP_CLEAR);
	/* No ICCN. */
	struct l2tp_client *l = lab_tunnel(&lab, 3);
	struct l2tp_message m = {.type = L2TP_ICRQ,
		.has = L2TP_HAS(L2TP_ASSIGNED_SESSION_ID),
		.assigned_session_id = 9};
	l2tp_client_post(l, &m);
	lab_run(&lab, lab.now + 1000);
	assert_int_equal(lab.n_sessions, 1);
	lab_run(&lab, lab.now + 30000);
	assert_int_equal(lab.sessions[0].why, REFUSAL_SETUP_TIMEOUT);
	/* And, its only session gone, the tunnel. */
	lab_run(&lab, lab.now + 31000);
	assert_int_equal(lab_stats(&lab).tunnels, 0);
}

static void
test_stop(void **state)
{
	(void)state;
	lab_start(&lab);
	struct l2tp_client *a = lab_tunnel(&lab, 1), *b = lab_tunnel(&lab, 2);
	l2tp_client_call(a, 5);
	lab_run(&lab, lab.now + 100);
	b->cfg.habits.mute = true;
	l2tp_server_stop(lab.server, REFUSAL_SERVER_STOPPING, lab.now);
	assert_int_equal(lab.sessions[0].why, REFUSAL_SERVER_STOPPING);
	lab_run(&lab, lab.now + 100);
	assert_true(a->stopped);
	assert_int_equal(a->result, L2TP_STOP_SHUTDOWN);
	assert_int_equal(l2tp_server_stopping(lab.server), 1);
	struct l2tp_client *c = lab_lac(&lab, &(struct l2tp_client_config){.id = 9}, 3);
	l2tp_client_start(c, lab.now);
	lab_run(&lab, lab.now + 100);
	assert_true(c->stopped);
	lab_run(&lab, lab.now + 40000);
	assert_int_equal(l2tp_server_stopping(lab.server), 0);
}

/* An operator ends session and tunnel: CDN, StopCCN, and then the gateway may end the SA. */
static void
test_close_idle(void **state)
{
	(void)state;
	lab_start(&lab);
	struct l2tp_client *l = lab_tunnel(&lab, 1);
	struct l2tp_client_session *s = l2tp_client_call(l, 5);
	lab_run(&lab, lab.now + 100);
	uint16_t id = lab.sessions[0].tunnel_id;
	l2tp_tunnel_close_idle(lab.server, 0xc0000201, id, REFUSAL_ADMIN_DISCONNECT, lab.now);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	l2tp_session_close(lab.server, 0xc0000201, id, lab.sessions[0].our_id,
		REFUSAL_ADMIN_DISCONNECT, lab.now);
	l2tp_tunnel_close_idle(lab.server, 0xc0000201, id, REFUSAL_ADMIN_DISCONNECT, lab.now);
	assert_int_equal(lab.tunnels_stopped, 0);
	lab_run(&lab, lab.now + 100);
	assert_true(s->over && l->stopped);
	assert_int_equal(lab.tunnels_stopped, 1);
	assert_int_equal(lab.stopped_why, REFUSAL_ADMIN_DISCONNECT);
	assert_int_equal(l2tp_server_next_timer(lab.server), L2TP_NEVER);
}

/* A client that lost its memory opens a tunnel with the ID that it had before. */
static void
test_restarted_client(void **state)
{
	(void)state;
	lab_start(&lab);
	struct l2tp_client *l = lab_tunnel(&lab, 0);
	l2tp_client_call(l, 5);
	lab_run(&lab, lab.now + 50000);
	assert_int_equal(lab.sessions[0].down, 0);
	struct l2tp_client_config cfg = l->cfg;
	l2tp_client_init(l, &cfg, &l->room, l->ops, l->user);
	l2tp_client_start(l, lab.now);
	lab_run(&lab, lab.now + 200);
	assert_true(l->up);
	assert_int_equal(lab.sessions[0].why, REFUSAL_PEER_CLOSED);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	l2tp_client_call(l, 5);
	lab_run(&lab, lab.now + 200);
	assert_int_equal(lab.sessions[1].up, 1);
}

/* A client that died without a word and comes back with another ID: its old tunnel is asked at
 * once, and not held for the whole interval of HELLO.  A client with two tunnels keeps both. */
static void
test_earlier_tunnels_are_asked(void **state)
{
	(void)state;
	lab_start(&lab);
	for (unsigned int dead = 0; dead < 2; dead++) {
		struct l2tp_client *old = lab_tunnel(&lab, 1 + dead);
		l2tp_client_call(old, 5);
		lab_run(&lab, lab.now + 1000);
		old->cfg.habits.mute = dead;
		struct l2tp_client *new =
			lab_lac(&lab, &(struct l2tp_client_config){.id = 999}, 1 + dead);
		lab.paths[lab.n_lacs - 1].peer_ip = lab.paths[lab.n_lacs - 2].peer_ip;
		l2tp_client_start(new, lab.now);
		lab_run(&lab, lab.now + 100);
		l2tp_client_call(new, 5);
		lab_run(&lab, lab.now + 100);
		assert_int_equal(old->hellos, !dead);
		assert_int_equal(lab.sessions[2 * dead].down, 0);
		lab_run(&lab, lab.now + 32000);
		assert_int_equal(lab.sessions[2 * dead].down, dead);
		assert_int_equal(lab.sessions[2 * dead + 1].down, 0);
	}
	assert_int_equal(lab.sessions[2].why, REFUSAL_PEER_DEAD);
}

/* The SA's end takes its tunnels with it, and nobody else's. */
static void
test_peer_gone(void **state)
{
	(void)state;
	lab_start(&lab);
	struct l2tp_client *a = lab_tunnel(&lab, 1), *b = lab_tunnel(&lab, 2);
	l2tp_client_call(a, 5);
	l2tp_client_call(b, 5);
	lab_run(&lab, lab.now + 100);
	l2tp_server_peer_gone(lab.server, 1, REFUSAL_SA_GONE, lab.now);
	assert_int_equal(lab.sessions[0].why, REFUSAL_SA_GONE);
	assert_int_equal(lab.sessions[1].down, 0);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	l2tp_server_peer_gone(lab.server, 0, REFUSAL_SA_GONE, lab.now);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	l2tp_server_abandon(lab.server, REFUSAL_DATAPLANE_DOWN, lab.now);
	assert_int_equal(lab.sessions[1].why, REFUSAL_DATAPLANE_DOWN);
	assert_int_equal(l2tp_server_next_timer(lab.server), L2TP_NEVER);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, lab_setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_hello),
		TEST(test_timeouts),
		TEST(test_stop),
		TEST(test_close_idle),
		TEST(test_restarted_client),
		TEST(test_earlier_tunnels_are_asked),
		TEST(test_peer_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
