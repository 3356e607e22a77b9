/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks of PPTP clients.  Long because each refusal has its own. */
#include "remedy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/api/command.h"
#include "fake/dial.h"

#define CLIENTS 32

/* Client i keeps it: it may be asked for its password again. */
static const char *
password_of(unsigned int i, const char *user)
{
	static char kept[CLIENTS][32];
	assert_true(i < CLIENTS);
	snprintf(kept[i], sizeof(kept[i]), "pw-%s", user);
	return kept[i];
}

static void
in(unsigned int i, const char *user)
{
	dial_up(i, user, password_of(i, user));
}

static struct client *
out(unsigned int i, const char *user)
{
	struct client *c = dial(i, user, password_of(i, user));
	loop_until(&loop, client_over, c, 9000);
	return c;
}

/* ------------------------------------------------------------------ limits */

/* The second client is refused, this setting is raised, and two get in. */
static void
raised(enum refusal_code code, const char *settings, const char *text, const char *remedy,
	const char *after)
{
	walk_dial(settings);
	in(0, "alice");
	out(1, "carol");
	walk_refused(code, text, remedy);
	walk_dial_again(after);
	in(2, "alice");
	in(3, "carol");
	walk_dial_over();
}

static void
ports_full(void)
{
	raised(REFUSAL_PORTS_FULL, "pptp.max_sessions = 1", "(pptp.max_sessions)",
		"pptp.max_sessions", "pptp.max_sessions = 2");
	/* Or: disconnect. */
	walk_dial("pptp.max_sessions = 1");
	in(0, "alice");
	assert_non_null(strstr(status().problem, "all PPTP ports are in use; raise pptp.max_"));
	out(1, "carol");
	walk_refused(REFUSAL_PORTS_FULL, "all 1 ports of PPTP", "disconnect idle sessions");
	assert_int_equal(sessions_disconnect_user(gateway_sessions(gw), "alice"), 1);
	assert_true(loop_until(&loop, no_sessions, NULL, 6000));
	in(2, "carol");
	walk_dial_over();
}

static void
connections_full(void)
{
	raised(REFUSAL_CONNECTIONS_FULL, "pptp.max_connections = 1",
		"pptp.max_connections is reached", "pptp.max_connections",
		"pptp.max_connections = 2");
}

static void
dataplane_full(void)
{
	walk_room = 1;
	walk_dial("");
	in(0, "alice");
	out(1, "carol");
	walk_refused(REFUSAL_DATAPLANE_FULL, "no room for another session",
		"sessions.max in adit-dataplane.conf");
	walk_dial_over();
	walk_room = 2;
	walk_dial("");
	in(0, "alice");
	in(1, "carol");
	walk_dial_over();
	walk_room = 0;
}

static void
no_address_left(void)
{
#define NO_STATIC                                                                        \
	"users = ( { name = \"alice\"; password = \"pw-alice\"; dial_in = \"allow\"; }," \
	" { name = \"carol\"; password = \"pw-carol\"; dial_in = \"allow\"; } )\n"
	raised(REFUSAL_POOL_EMPTY, NO_STATIC "pool.last = \"10.9.0.2\"", "no free address",
		"enlarge the pool", NO_STATIC "pool.last = \"10.9.0.3\"");
}

static void
address_limit(void)
{
	struct ppp_client_config pc = client_config("alice", "pw-alice");
	walk_dial("pptp.max_connections_per_address = 1");
	in(0, "alice");
	client_start(&clients[1], &fake, &pc, cfg->pptp_port, 1);
	walk_refused(REFUSAL_ADDRESS_LIMIT, "pptp.max_connections_per_address is reached",
		"pptp.max_connections_per_address");
	walk_dial_again("pptp.max_connections_per_address = 2");
	in(2, "alice");
	client_start(&clients[3], &fake, &pc, cfg->pptp_port, 3);
	assert_true(loop_until(&loop, client_up, &clients[3], 5000));
	walk_dial_over();
}

static void
second_call(struct client *c)
{
	c->ocrp_result = 0;
	client_send(c, &(struct pptp_message){.type = PPTP_OCRQ,
			       .call_id = 2,
			       .serial = 2,
			       .min_bps = 300,
			       .max_bps = 100000000,
			       .bearer = 3,
			       .framing = 3,
			       .recv_window = 64});
	for (unsigned int i = 0; i < 100 && c->ocrp_result == 0; i++)
		loop_for(&loop, 10);
}

static void
call_limit(void)
{
	walk_dial("");
	in(0, "alice");
	second_call(&clients[0]);
	assert_int_not_equal(clients[0].ocrp_result, PPTP_RESULT_OK);
	walk_refused(REFUSAL_CALL_LIMIT, "pptp.max_calls_per_connection is reached",
		"pptp.max_calls_per_connection");
	walk_dial_again("pptp.max_calls_per_connection = 2");
	in(1, "alice");
	second_call(&clients[1]);
	assert_int_equal(clients[1].ocrp_result, PPTP_RESULT_OK);
	walk_dial_over();
}

/* Two that say nothing hold both ports; a third from elsewhere gets one of them. */
static void
strangers(void)
{
	struct ppp_client_config pc = client_config("alice", "pw-alice");
	walk_dial("pptp.max_sessions = 2");
	for (unsigned int i = 0; i < 2; i++) {
		client_start(&clients[i], &fake, &pc, cfg->pptp_port, 9);
		clients[i].peer.cfg.habits.mute = true;
	}
	loop_for(&loop, 200);
	in(2, "carol");
	walk_refused(REFUSAL_STRANGERS, "others came", "let the client dial again");
	client_end(&clients[0]);
	client_end(&clients[1]);
	in(3, "alice");
	walk_dial_over();
}

/* ------------------------------------------------------------------ users */

static void
wrong_twice(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct client *c = dial_from(i, 1, "alice", "pw-alise");
		assert_true(loop_until(&loop, client_over, c, 9000));
	}
	struct client *c = dial_from(2, 1, "alice", "pw-alice");
	assert_true(loop_until(&loop, client_over, c, 9000));
	walk_refused(REFUSAL_LOCKED_OUT, "failed attempts", "aditctl unlock USER");
}

static void
back_in(void)
{
	struct client *c = dial_from(3, 1, "alice", "pw-alice");
	if (!loop_until(&loop, client_up, c, 5000))
		fail_msg("still locked out:\n%s", stage_log());
	walk_dial_over();
}

static void
locked_out(void)
{
	walk_dial("ppp.lockout_failures = 2");
	wrong_twice();
	assert_int_equal(sessions_unlock(gateway_sessions(gw), "alice", 0), 1);
	back_in();
	/* Or: wait. */
	walk_dial("ppp.lockout_failures = 2\nppp.lockout_time = 1");
	wrong_twice();
	loop_for(&loop, 1100);
	back_in();
}

static void
address_in_use(void)
{
	static const char refuse[] = "sessions.same_user = \"refuse\"\nsessions.max_per_user = 2";
	walk_dial(refuse);
	in(0, "carol");
	out(1, "carol");
	walk_refused(REFUSAL_ADDRESS_IN_USE, "static address", "sessions.same_user to \"allow\"");
	assert_int_equal(sessions_disconnect_user(gateway_sessions(gw), "carol"), 1);
	assert_true(loop_until(&loop, no_sessions, NULL, 6000));
	in(2, "carol");
	walk_dial_again("sessions.same_user = \"allow\"");
	in(3, "carol");
	in(4, "carol");
	walk_dial_over();
}

static void
replaced(void)
{
	walk_dial("sessions.same_user = \"replace\"");
	in(0, "alice");
	in(1, "alice");
	walk_refused(REFUSAL_REPLACED, "", "two devices have two users");
	in(2, "carol");
	loop_for(&loop, 100);
	assert_true(client_is_up(&clients[1]));
	walk_dial_over();
}

static void
user_limit(void)
{
	walk_dial("sessions.max_per_user = 1");
	in(0, "alice");
	out(1, "alice");
	walk_refused(REFUSAL_USER_LIMIT, "as many sessions", "sessions.max_per_user");
	assert_int_equal(sessions_disconnect_user(gateway_sessions(gw), "alice"), 1);
	assert_true(loop_until(&loop, no_sessions, NULL, 6000));
	in(2, "alice");
	walk_dial_again("sessions.max_per_user = 2");
	in(3, "alice");
	in(4, "alice");
	walk_dial_over();
}

/* ------------------------------------------------------------------ paths and clients */

/* What fails is undone at the client's side: it dials again. */
static void
dials_again(unsigned int i)
{
	fake.frame = dial_frame;
	fake.refuse_type = 0;
	in(i, "alice");
	walk_dial_over();
}

/* GRE that is blocked. */
static void
no_frame(void *user, uint32_t handle, const uint8_t *frame, size_t len)
{
	(void)user;
	(void)handle;
	(void)frame;
	(void)len;
}

static void
setup_timeout(void)
{
	walk_dial("ppp.setup_timeout = 1");
	fake.frame = no_frame;
	dial(0, "alice", "pw-alice")->peer.cfg.habits.mute = true;
	walk_refused(REFUSAL_SETUP_TIMEOUT, "", "GRE (IP protocol 47) for PPTP");
	dials_again(1);
}

/* A dialog waits for its user. */
static void
no_challenge(void *user, uint32_t handle, const uint8_t *frame, size_t len)
{
	for (size_t i = 0; i + 1 < len && i < 4; i++)
		if (frame[i] == 0xc2 && frame[i + 1] == 0x23)
			return;
	dial_frame(user, handle, frame, len);
}

static void
auth_timeout(void)
{
	walk_dial("ppp.auth_timeout = 1");
	fake.frame = no_challenge;
	dial(0, "alice", "pw-alice");
	walk_refused(REFUSAL_AUTH_TIMEOUT, "", "a dialog waits for its user");
	dials_again(1);
}

static void
looped(void *user, uint32_t handle, const uint8_t *frame, size_t len)
{
	struct fake *f = user;
	fake_punt(f, handle, frame, len);
}

static void
lcp_failed(void)
{
	walk_dial("");
	fake.frame = looped;
	dial(0, "alice", "pw-alice");
	walk_refused(REFUSAL_LCP_FAILED, "looped back", "LCP options");
	dials_again(1);
}

static void
peer_dead(void)
{
	walk_dial("ppp.echo_interval = 1\nppp.echo_failures = 1");
	in(0, "alice");
	fake.frame = no_frame;
	walk_refused(REFUSAL_PEER_DEAD, "", "check the client's network");
	dials_again(1);
}

static void
peer_closed(void)
{
	walk_dial("");
	in(0, "alice");
	client_clear(&clients[0]);
	walk_refused(REFUSAL_PEER_CLOSED, "", "nothing to do");
	assert_int_equal(walk_count(REFUSAL_SETUP_ABORTED), 0);
	dials_again(1);
}

/* Hanging up before the session is there is no orderly end: it has a cause of its own, and the log
 * says what was under way. */
static void
setup_aborted(void)
{
	static const struct {
		void (*frame)(void *user, uint32_t handle, const uint8_t *frame, size_t len);
		void (*hang_up)(struct client *c);
		const char *text;
	} ends[] = {{no_frame, client_clear, "while LCP was negotiated: Call-Clear"},
		{no_challenge, client_clear, "while it authenticated: Call-Clear"},
		{no_challenge, client_hangup, "while it authenticated: TCP connection closed"}};
	for (unsigned int i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		walk_dial("");
		fake.frame = ends[i].frame;
		struct client *c = dial(0, "alice", "pw-alice");
		loop_for(&loop, 300);
		ends[i].hang_up(c);
		walk_refused(REFUSAL_SETUP_ABORTED, ends[i].text, "what the client itself reports");
		assert_int_equal(walk_count(REFUSAL_PEER_CLOSED), 0);
		assert_int_equal(walk_count(REFUSAL_CONTROL_LOST), 0);
		dials_again(1);
	}
}

static void
link_restarted(void)
{
	walk_dial("");
	in(0, "alice");
	ppp_client_renegotiate(&clients[0].peer, PPP_CLIENT_LCP, uv_now(&loop));
	walk_refused(REFUSAL_LINK_RESTARTED, "", "let the client dial again");
	dials_again(1);
}

static void
control_lost(void)
{
	walk_dial("");
	in(0, "alice");
	client_hangup(&clients[0]);
	walk_refused(REFUSAL_CONTROL_LOST, "", "let the client dial again");
	dials_again(1);
}

static void
protocol_error(void)
{
	walk_dial("");
	in(0, "alice");
	/* An answer to what nobody asked. */
	client_send(&clients[0], &(struct pptp_message){.type = PPTP_OCRP, .call_id = 7});
	walk_refused(REFUSAL_PROTOCOL_ERROR, "unexpected reply", "update the client");
	dials_again(1);
}

static void
call_refused(void)
{
	walk_dial("");
	in(0, "alice");
	client_send(&clients[0], &(struct pptp_message){.type = PPTP_ICRQ, .call_id = 7});
	walk_refused(REFUSAL_CALL_REFUSED, "protocol=pptp", "clients call out");
	dials_again(1);
}

static void
admin_disconnect(void)
{
	walk_dial("");
	in(0, "alice");
	assert_int_equal(sessions_disconnect(gateway_sessions(gw), first_session().id), 0);
	walk_refused(REFUSAL_ADMIN_DISCONNECT, "", "nothing to do");
	dials_again(1);
}

/* ------------------------------------------------------------------ the gateway itself */

static void
no_resources(void)
{
	walk_dial("");
	fake.refuse_type = COMMAND_SESSION_ADD;
	fake.refuse_error = -ENOSPC;
	out(0, "alice");
	walk_refused(REFUSAL_NO_RESOURCES, "the data plane refused command", "text= in the log");
	dials_again(1);
}

static void
dataplane_down(void)
{
	walk_dial("");
	fake_die(&fake, false);
	assert_true(loop_until(&loop, dataplane_is, NULL, 1000));
	out(0, "alice");
	walk_refused(REFUSAL_DATAPLANE_DOWN, "not connected", "start adit-dataplane");
	assert_non_null(strstr(status().problem, refusal_remedy(REFUSAL_DATAPLANE_DOWN)));
	fake_listen(&fake);
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
	dials_again(1);
}

static void
server_stopping(void)
{
	bool stopped = false;
	walk_dial("");
	in(0, "alice");
	gateway_stop(gw, set_true, &stopped);
	walk_refused(REFUSAL_SERVER_STOPPING, "", "connect again later");
	assert_true(loop_until(&loop, is_true, &stopped, 6000));
	gateway_gone();
	walk_begin("");
	dials_again(1);
}

const struct walk walks_limits[] = {
	{REFUSAL_PORTS_FULL, ports_full, NULL, NULL},
	{REFUSAL_CONNECTIONS_FULL, connections_full, NULL, NULL},
	{REFUSAL_DATAPLANE_FULL, dataplane_full, NULL, NULL},
	{REFUSAL_POOL_EMPTY, no_address_left, NULL, NULL},
	{REFUSAL_ADDRESS_LIMIT, address_limit, NULL, NULL},
	{REFUSAL_CALL_LIMIT, call_limit, NULL, NULL},
	{REFUSAL_STRANGERS, strangers, NULL, NULL},
	{REFUSAL_COUNT, NULL, NULL, NULL},
};

const struct walk walks_users[] = {
	{REFUSAL_LOCKED_OUT, locked_out, NULL, NULL},
	{REFUSAL_ADDRESS_IN_USE, address_in_use, NULL, NULL},
	{REFUSAL_REPLACED, replaced, NULL, NULL},
	{REFUSAL_USER_LIMIT, user_limit, NULL, NULL},
	{REFUSAL_COUNT, NULL, NULL, NULL},
};

const struct walk walks_paths[] = {
	{REFUSAL_SETUP_ABORTED, setup_aborted, NULL, NULL},
	{REFUSAL_SETUP_TIMEOUT, setup_timeout, NULL, NULL},
	{REFUSAL_AUTH_TIMEOUT, auth_timeout, NULL, NULL},
	{REFUSAL_LCP_FAILED, lcp_failed, NULL, NULL},
	{REFUSAL_PEER_DEAD, peer_dead, NULL, NULL},
	{REFUSAL_PEER_CLOSED, peer_closed, NULL, NULL},
	{REFUSAL_COUNT, NULL, NULL, NULL},
};

const struct walk walks_gateway[] = {
	{REFUSAL_LINK_RESTARTED, link_restarted, NULL, NULL},
	{REFUSAL_CONTROL_LOST, control_lost, NULL, NULL},
	{REFUSAL_PROTOCOL_ERROR, protocol_error, NULL, NULL},
	{REFUSAL_CALL_REFUSED, call_refused, NULL, NULL},
	{REFUSAL_ADMIN_DISCONNECT, admin_disconnect, NULL, NULL},
	{REFUSAL_NO_RESOURCES, no_resources, NULL, NULL},
	{REFUSAL_DATAPLANE_DOWN, dataplane_down, NULL, NULL},
	{REFUSAL_SERVER_STOPPING, server_stopping, NULL, NULL},
	{REFUSAL_COUNT, NULL, NULL, NULL},
};
