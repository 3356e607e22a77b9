/* SPDX-License-Identifier: BSD-3-Clause */
/* What strangers can do to sessions, and to those who want one, through the whole gateway. */
#include "fake/call.h"
#include "fake/dial.h"

#include <string.h>

static const uint8_t terminate[] = {0xc0, 0x21, 5, 9, 0, 4};

/* T27: an idle PPTP session survives LCP Terminate-Requests in its client's name, and the client's
 * own one ends it two seconds later. */
static void
test_t27_pptp_forged_terminate(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	struct gateway_session s = first_session();
	for (unsigned int i = 0; i < 120; i++)
		assert_true(fake_punt(&fake, s.handle, terminate, sizeof(terminate)));
	loop_for(&loop, 3000);
	assert_int_equal(first_session().state, GW_UP);
	assert_true(client_is_up(c));
	assert_int_equal(status().forged_frames, 120);
	assert_true(logged("event=forged-frames session=1 peer=127.0.0.1 frames=120"));
	peer_hang_up(&c->peer, 7, uv_now(&loop));
	loop_for(&loop, 1000);
	assert_int_equal(first_session().state, GW_UP);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_true(logged("code=peer-closed"));
	assert_int_equal(status().forged_frames, 120);
}

/* T27: while the client is being asked, its control connection is believed at once. */
static void
test_t27_pptp_control_connection_tells(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	peer_hang_up(&c->peer, 7, uv_now(&loop));
	loop_for(&loop, 100);
	assert_int_equal(first_session().state, GW_UP);
	client_clear(c);
	assert_true(loop_until(&loop, no_sessions, NULL, 500));
}

/* F3: its cause has a name of its own. */
static void
test_lcp_anew_has_a_cause(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	peer_renegotiate(&c->peer, P_LCP, uv_now(&loop));
	assert_true(loop_until(&loop, no_sessions, NULL, 9000));
	assert_true(logged("code=link-restarted"));
	assert_int_equal(status().refusals[REFUSAL_LINK_RESTARTED], 1);
	assert_int_equal(status().refusals[REFUSAL_PEER_CLOSED], 0);
}

static int
setup_clear(void **state)
{
	(void)state;
	call_stage("require_ipsec = false;", "");
	return 0;
}

/* T27: inside IPsec the client's word counts at once, in clear it is asked. */
static void
test_t27_l2tp(void **state)
{
	(void)state;
	struct caller *in_clear = call_up(0, 0), *behind = call_up(1, 1);
	assert_true(fake_punt(&fake, first_session().handle, terminate, sizeof(terminate)));
	loop_for(&loop, 2500);
	assert_int_equal(status().l2tp_sessions, 2);
	assert_int_equal(status().forged_frames, 1);
	peer_hang_up(&behind->peer, 7, uv_now(&loop));
	loop_for(&loop, 300);
	assert_int_equal(status().l2tp_sessions, 1);
	peer_hang_up(&in_clear->peer, 7, uv_now(&loop));
	loop_for(&loop, 1500);
	assert_int_equal(status().l2tp_sessions, 1);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
}

int
main(void)
{
#define PPTP(name) cmocka_unit_test_setup_teardown(name, dial_setup, dial_teardown)
	const struct CMUnitTest tests[] = {
		PPTP(test_t27_pptp_forged_terminate),
		PPTP(test_t27_pptp_control_connection_tells),
		PPTP(test_lcp_anew_has_a_cause),
		cmocka_unit_test_setup_teardown(test_t27_l2tp, setup_clear, call_teardown),
	};
	return STAGE_RUN(tests);
}
