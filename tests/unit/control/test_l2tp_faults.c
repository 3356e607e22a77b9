/* SPDX-License-Identifier: BSD-3-Clause */
/* L2TP through the whole gateway: its ends, limits, and a data plane that dies or refuses. */
#include "dataplane/api/command.h"
#include "dataplane/api/event.h"
#include "dataplane/api/session.h"
#include "fake/call.h"

#include <errno.h>
#include <string.h>

/* PPP, then L2TP, then the SA. */
static void
test_disconnect(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 1), *other = call_up(1, 2);
	assert_int_equal(sessions_disconnect(gateway_sessions(gw), first_session().id), 0);
	assert_true(loop_until(&loop, caller_over, c, 9000));
	loop_for(&loop, 300);
	assert_true(c->peer.closed);
	assert_true(c->session->over);
	assert_true(c->lac.stopped);
	assert_int_equal(closed_peer, 1);
	assert_true(logged("code=admin-disconnect"));
	assert_true(caller_is_up(other));
	assert_int_equal(sessions_disconnect_user(gateway_sessions(gw), "alice"), 1);
	assert_true(loop_until(&loop, no_sessions, NULL, 9000));
}

static void
test_ports(void **state)
{
	(void)state;
	cfg->l2tp_max_sessions = 2;
	call_up(0, 1);
	struct caller *c = call_up(1, 2);
	struct ppp_client_config pc = ppp_client("alice", "pw-alice");
	struct caller *third = call_as(2, 3, &pc);
	assert_true(loop_until(&loop, caller_over, third, 3000));
	assert_true(third->lac.stopped);
	assert_int_equal(status().refusals[REFUSAL_PORTS_FULL], 1);
	assert_true(strstr(status().problem, "all L2TP ports") != NULL);
	/* A tunnel with a session may not have another one either. */
	struct l2tp_client_session *s = l2tp_client_call(&c->lac, 500);
	loop_for(&loop, 100);
	assert_true(s->over);
	assert_int_equal(s->result, L2TP_CDN_NO_FACILITIES_NOW);
	assert_int_equal(status().refusals[REFUSAL_PORTS_FULL], 2);
}

static void
test_dataplane_death(void **state)
{
	(void)state;
	call_up(0, 1);
	fake_die(&fake, false);
	assert_true(loop_until(&loop, dataplane_is, NULL, 1000));
	assert_true(no_sessions(NULL));
	assert_int_equal(figure("l2tp", "tunnels"), 0);
	assert_true(logged("code=dataplane-down"));
	caller_end(&callers[0]);
	fake_listen(&fake);
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
	forget_pairs();
	call_up(1, 2);
}

/* An earlier control's session: closed; its ID is nobody's before that. */
static void
test_orphans(void **state)
{
	(void)state;
	call_up(0, 1);
	uint16_t id = callers[0].session->peer_id;
	caller_end(&callers[0]);
	fake_die(&fake, true);
	assert_true(loop_until(&loop, dataplane_is, NULL, 1000));
	fake.no_gone = true;
	fake_listen(&fake);
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
	loop_for(&loop, 50);
	struct session_info s = first_session();
	assert_int_equal(s.state, PHASE_CLOSING);
	assert_string_equal(s.protocol, "l2tp");
	assert_int_equal(s.local_id, id);
	fake.no_gone = false;
	fake_entry(&fake, SESSION_SLOT(s.handle))->handle = 0;
	fake_event(&fake, EVENT_SESSION_GONE, s.handle, 0, 0);
	assert_true(loop_until(&loop, no_sessions, NULL, 1000));
}

static void
test_refused_commands(void **state)
{
	static const int types[] = {
		COMMAND_SESSION_ADD, COMMAND_SESSION_L2TP, COMMAND_SESSION_OPEN};
	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct ppp_client_config pc = ppp_client("alice", "pw-alice");
		fake.refuse_type = types[i];
		fake.refuse_error = -ENOSPC;
		struct caller *c = call_as(i, 1 + i, &pc);
		assert_true(loop_until(&loop, caller_over, c, 5000));
		assert_int_equal(c->session->result, L2TP_CDN_ERROR);
		assert_int_equal(c->session->error, L2TP_ERROR_RESOURCES);
		assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	}
	fake.refuse_type = 0;
	call_up(5, 7);
}

static bool
look_at_tunnel(void *user, const struct l2tp_tunnel_info *t)
{
	*(struct l2tp_tunnel_info *)user = *t;
	return true;
}

static void
test_tunnels_and_stop(void **state)
{
	(void)state;
	struct l2tp_tunnel_info t = {0};
	struct caller *a = call_up(0, 1), *b = call_up(1, 2);
	l2tp_tunnels(gateway_l2tp(gw), look_at_tunnel, &t);
	assert_int_equal(t.id, b->lac.peer_id);
	assert_int_equal(t.path.peer, 2);
	assert_int_equal(t.sessions, 1);
	assert_string_equal(t.peer_host, "client");
	bool stopped = false;
	gateway_stop(gw, set_true, &stopped);
	assert_true(loop_until(&loop, is_true, &stopped, 6000));
	assert_true(a->lac.stopped && b->lac.stopped);
	assert_int_equal(a->lac.result, L2TP_STOP_SHUTDOWN);
	assert_int_equal(fake_live(&fake), 0);
	gateway_free(gw);
	/* For teardown. */
	char err[256];
	gw = gateway_start(&loop, cfg, err, sizeof(err));
	assert_non_null(gw);
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
}

static void
test_many(void **state)
{
	struct ppp_client_config pc = ppp_client("alice", "pw-alice");
	(void)state;
	for (unsigned int round = 0; round < 5; round++) {
		forget_pairs();
		for (unsigned int i = 0; i < 30; i++) {
			if (current_of[i + 1])
				link_sa_close(gateway_link(gw), current_of[i + 1]);
			call_as(i, i + 1, &pc);
		}
		for (unsigned int i = 0; i < 30; i++)
			assert_true(loop_until(&loop, caller_up, &callers[i], 20000));
		assert_int_equal(carrier("l2tp").sessions, 30);
		for (unsigned int i = 0; i < 30; i++)
			i % 2 ? l2tp_client_stop(&callers[i].lac, L2TP_STOP_CLEAR, "Goodbye!")
			      : l2tp_sa_peer_gone(gateway_l2tp(gw), i + 1);
		assert_true(loop_until(&loop, no_sessions, NULL, 9000));
		for (unsigned int i = 0; i < 30; i++)
			caller_end(&callers[i]);
	}
	assert_int_equal(figure("l2tp", "tunnels"), 0);
	assert_int_equal(status().pool_used, 0);
	assert_int_equal(fake_live(&fake), 0);
	assert_int_equal(figure("l2tp", "sessions_total"), 150);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, call_setup, call_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_disconnect),
		TEST(test_ports),
		TEST(test_dataplane_death),
		TEST(test_orphans),
		TEST(test_refused_commands),
		TEST(test_tunnels_and_stop),
		TEST(test_many),
	};
	return STAGE_RUN(tests);
}
