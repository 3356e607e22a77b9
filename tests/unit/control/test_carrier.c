/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A carrier that the gateway does not know of: sessions ask nothing of what carries them but what
 * session/carrier.h says, so a new one is a file of its own and a row.
 */
#include <stdlib.h>
#include <string.h>

#include "control/session/session.h"
#include "fake/dial.h"

#define SERVER 0xc0000201u
#define CLIENT 0xc6336401u

struct string_session {
	struct session s;
	const char *color; /* what this carrier alone knows */
};

static struct {
	unsigned int attached, ended, told, detached;
	uint16_t commanded; /* tunnel ID of the command */
	enum refusal_code why;
} seen;

static bool enabled;
static unsigned int max_sessions;

static void
string_attach(struct session *s, const void *own)
{
	((struct string_session *)s)->color = own;
	seen.attached++;
}

static void
string_add(const struct session *s, struct command *cmd)
{
	cmd->add.tunnel_id =
		strcmp(((const struct string_session *)s)->color, "red") == 0 ? 17 : 18;
	seen.commanded = cmd->add.tunnel_id;
}

static void
string_authenticated(struct session *s)
{
	(void)s;
}

static void
string_ended(struct session *s, bool tell, enum refusal_code why)
{
	assert_string_equal(((struct string_session *)s)->color, "red");
	seen.ended++;
	seen.told += tell;
	seen.why = why;
}

static void
string_detach(struct session *s)
{
	assert_non_null(((struct string_session *)s)->color);
	seen.detached++;
}

static void
string_describe(const struct session *s, struct session_info *out)
{
	(void)s;
	out->peer_port = 4711;
}

static void
string_status(const struct carrier *c, struct carrier_status *out)
{
	const struct carrier_figure knots[] = {{"knots", "tied", c->calls_total, false}};
	carrier_figures(out, knots, 1);
}

static const struct carrier_ops ops = {
	.attach = string_attach,
	.add = string_add,
	.authenticated = string_authenticated,
	.ended = string_ended,
	.detach = string_detach,
	.describe = string_describe,
	.status = string_status,
};

static struct carrier string;

static int
setup(void **state)
{
	dial_setup(state);
	memset(&seen, 0, sizeof(seen));
	enabled = true;
	max_sessions = 1;
	string = (struct carrier){.ops = &ops,
		.name = "string",
		.label = "String",
		.all = gateway_sessions(gw),
		.tunnel = TUNNEL_PPTP, /* the data plane is to believe something */
		.session_size = sizeof(struct string_session),
		.ppp = &cfg->ppp,
		.enabled = &enabled,
		.max_sessions = &max_sessions};
	carrier_init(&string);
	return 0;
}

static int
teardown(void **state)
{
	dial_teardown(state);
	ids_free(&string.ids);
	return 0;
}

static enum refusal_code
ask(struct session **s)
{
	const struct session_origin origin = {.carrier = &string,
		.own = "red",
		.peer_ip = CLIENT,
		.server_ip = SERVER,
		.remote_id = 99,
		.begun_ms = uv_now(&loop)};
	return session_request(&origin, s);
}

static void
test_third_carrier(void **state)
{
	struct session *s = NULL, *second = NULL;
	struct carrier_status st;
	(void)state;
	assert_int_equal(ask(&s), REFUSAL_NONE);
	assert_int_equal(seen.attached, 1);
	assert_int_equal(seen.commanded, 17);
	session_start(s);
	/* Operators see it beside the others. */
	struct session_info info = first_session();
	assert_string_equal(info.protocol, "string");
	assert_int_equal(info.peer_port, 4711);
	assert_int_equal(info.remote_id, 99);
	assert_int_equal(info.local_id, s->local_id);
	carrier_status(&string, &st);
	assert_int_equal(st.sessions, 1);
	assert_int_equal(st.max_sessions, 1);
	assert_string_equal(st.figures[0].name, "tied");
	assert_int_equal(carrier("pptp").sessions, 0);
	/* Its limit is its own: another client of its kind is refused, one of PPTP is not. */
	assert_int_equal(ask(&second), REFUSAL_PORTS_FULL);
	carrier_refuse(&string, CLIENT, REFUSAL_PORTS_FULL, NULL);
	assert_true(logged("event=call-refused protocol=string"));
	assert_true(logged("all 1 ports of String are in use (string.max_sessions)"));
	dial_up(0, "alice", "pw-alice");
	/* Ended by us: the peer is to be told. */
	assert_int_equal(sessions_disconnect(gateway_sessions(gw), info.id), 0);
	loop_for(&loop, 100);
	assert_int_equal(seen.ended, 1);
	assert_int_equal(seen.told, 1);
	assert_int_equal(seen.why, REFUSAL_ADMIN_DISCONNECT);
	loop_for(&loop, 300);
	assert_int_equal(seen.detached, 1);
	carrier_status(&string, &st);
	assert_int_equal(st.sessions, 0);
	assert_int_equal(carrier("pptp").sessions, 1);
}

/* The call is over at its other end: nobody is to be told. */
static void
test_call_over(void **state)
{
	struct session *s = NULL;
	(void)state;
	assert_int_equal(ask(&s), REFUSAL_NONE);
	session_call_over(s, REFUSAL_PEER_CLOSED, "it hung up");
	assert_int_equal(seen.ended, 1);
	assert_int_equal(seen.told, 0);
	loop_for(&loop, 300);
	assert_int_equal(seen.detached, 1);
	assert_true(no_sessions(NULL));
	assert_true(logged("event=session-refused session=1 protocol=string"));
}

/* R4: what is off takes nobody, and what is changed counts for the next one. */
static void
test_switched_off(void **state)
{
	struct session *s = NULL;
	(void)state;
	enabled = false;
	assert_int_equal(carrier_limit(&string), 0);
	assert_int_equal(ask(&s), REFUSAL_PORTS_FULL);
	enabled = true;
	assert_int_equal(ask(&s), REFUSAL_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_third_carrier, setup, teardown),
		cmocka_unit_test_setup_teardown(test_call_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_switched_off, setup, teardown),
	};
	return STAGE_RUN(tests);
}
