/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole gateway while its data plane dies, lies or refuses, and when it is stopped. */
#include "dataplane/api/command.h"
#include "dataplane/api/event.h"
#include "dataplane/api/session.h"
#include "fake/dial.h"

#include <errno.h>
#include <string.h>

/* ------------------------------------------------------------------ the data plane */

static void
test_dataplane_death(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	fake_counters(&fake, SESSION_SLOT(first_session().handle))->up_bytes = 4711;
	fake_die(&fake, false);
	assert_true(loop_until(&loop, dataplane_is, NULL, 1000));
	assert_true(loop_until(&loop, client_over, c, 1000));
	assert_true(no_sessions(NULL));
	assert_true(logged("code=dataplane-down"));
	assert_true(logged("bytes_in=4711")); /* what it had counted */
	assert_int_equal(status().pool_used, 0);
	assert_true(strstr(status().problem, "not connected") != NULL);
	struct link_view view;
	assert_false(link_view(gateway_link(gw), &view));
	c = dial(1, "alice", "pw-alice");
	assert_true(loop_until(&loop, client_over, c, 3000));
	assert_int_not_equal(c->ocrp_result, PPTP_RESULT_OK);
	assert_true(status().refusals[REFUSAL_DATAPLANE_DOWN] >= 2);
	/* It comes back. */
	fake_listen(&fake);
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
	assert_string_equal(status().problem, "");
	dial_up(2, "alice", "pw-alice");
}

/* Control dies and comes back: what it left behind is closed, and nobody gets its address
 * before. */
static void
test_orphans(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	uint32_t ip = first_session().inner_ip;
	uint16_t call = c->server_call;
	fake_die(&fake, true);
	assert_true(loop_until(&loop, dataplane_is, NULL, 1000));
	assert_int_equal(fake_live(&fake), 1);
	fake.no_gone = true;
	fake_listen(&fake);
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
	loop_for(&loop, 50);
	struct session_info s = first_session();
	assert_int_equal(s.state, PHASE_CLOSING);
	assert_int_equal(s.inner_ip, ip);
	assert_int_equal(s.local_id, call);
	assert_int_equal(status().pool_used, 1);
	assert_int_equal(fake.commands[COMMAND_SESSION_CLOSE], 1);
	fake.no_gone = false;
	fake_entry(&fake, SESSION_SLOT(s.handle))->handle = 0;
	fake_event(&fake, EVENT_SESSION_GONE, s.handle, 0, 0);
	assert_true(loop_until(&loop, no_sessions, NULL, 1000));
	assert_int_equal(status().pool_used, 0);
}

static void
test_refused_commands(void **state)
{
	(void)state;
	static const int types[] = {COMMAND_SESSION_ADD, COMMAND_SESSION_LINK, COMMAND_SESSION_MPPE,
		COMMAND_SESSION_OPEN};
	for (unsigned int i = 0; i < 4; i++) {
		fake.refuse_type = types[i];
		fake.refuse_error = -ENOSPC;
		struct client *c = dial(i, "alice", "pw-alice");
		assert_true(loop_until(&loop, client_over, c, 5000));
		client_end(c);
		assert_true(loop_until(&loop, no_sessions, NULL, 3000));
		assert_int_equal(status().refusals[REFUSAL_NO_RESOURCES], i + 1);
	}
	fake.refuse_type = 0;
	dial_up(5, "alice", "pw-alice");
}

static void
test_lost_sync_and_hostile_events(void **state)
{
	(void)state;
	dial_up(0, "alice", "pw-alice");
	uint32_t handle = first_session().handle;
	struct event e = {
		.version = 7, .type = EVENT_SESSION_GONE, .length = sizeof(e), .handle = handle};
	fake_raw_event(&fake, &e);
	fake_event(&fake, EVENT_SESSION_GONE, handle + (1u << SESSION_SLOT_BITS), 0, 0);
	fake_event(&fake, 99, handle, 0, 0);
	fake_event(&fake, EVENT_LOST_SYNC, handle, 0, 0);
	fake_event(&fake, EVENT_ACK, handle, 77, -5);
	loop_for(&loop, 30);
	assert_int_equal(first_session().state, PHASE_UP);
	/* Removed by the data plane on its own: the client is told. */
	fake_entry(&fake, SESSION_SLOT(handle))->handle = 0;
	fake_event(&fake, EVENT_SESSION_GONE, handle, 0, 0);
	assert_true(loop_until(&loop, client_over, &clients[0], 1000));
	assert_true(no_sessions(NULL));
}

/* ------------------------------------------------------------------ stopping */

static void
test_stop_tells_clients(void **state)
{
	(void)state;
	struct client *a = dial_up(0, "alice", "pw-alice"), *b = dial_up(1, "carol", "pw-carol");
	bool stopped = false;
	uint64_t begin = uv_hrtime();
	gateway_stop(gw, set_true, &stopped);
	assert_true(loop_until(&loop, is_true, &stopped, 6000));
	assert_true(uv_hrtime() - begin < 5000000000ull);
	assert_int_equal(a->pptp.stops, 1);
	assert_int_equal(b->pptp.stops, 1);
	assert_int_equal(a->pptp.cdns, 1);
	assert_int_equal(fake_live(&fake), 0);
	gateway_free(gw);
	/* For teardown. */
	char err[256];
	gw = gateway_start(&loop, cfg, err, sizeof(err));
	assert_non_null(gw);
}

static void
test_stop_with_deaf_dataplane(void **state)
{
	(void)state;
	dial_up(0, "alice", "pw-alice");
	fake.deaf = true;
}

static void
test_start_fails_whole(void **state)
{
	(void)state;
	char err[256] = "";
	assert_null(gateway_start(&loop, cfg, err, sizeof(err)));
	assert_true(strstr(err, "can't listen on 127.0.0.1") != NULL);
	dial_up(0, "alice", "pw-alice");
}

/* Every part with a handle of its own closes it, IKE without its charon, too. */
static void
test_stop_with_ike(void **state)
{
	char settings[256];
	(void)state;
	dial_open();
	snprintf(settings, sizeof(settings),
		"ipsec: { enabled = true; directory = \"%s\"; psk = \"v9Jb2Lq7Xw4Rt8Yz1Kd6\"; };\n"
		"l2tp: { enabled = true; };\n",
		stage_directory);
	cfg = make_config(settings);
	cfg->pptp_port = dial_port();
	gateway_begin();
	gateway_await_dataplane();
	gateway_end();
	stage_close();
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, dial_setup, dial_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_dataplane_death),
		TEST(test_orphans),
		TEST(test_refused_commands),
		TEST(test_lost_sync_and_hostile_events),
		TEST(test_stop_tells_clients),
		TEST(test_stop_with_deaf_dataplane),
		TEST(test_start_fails_whole),
		cmocka_unit_test(test_stop_with_ike),
	};
	return STAGE_RUN(tests);
}
