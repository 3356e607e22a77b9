/* SPDX-License-Identifier: BSD-3-Clause */
/* Every method on a fake gateway, and what is no request: JSON-RPC 2.0 sections 4 to 6.  Long
 * because there are so many methods, and the answer of each is held whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/core/log.h"
#include "control/oper/audit.h"
#include "dataplane/api/layout.h"
#include "dataplane/api/port.h"
#include "tests/unit/oper/ask.h"
#include "tests/unit/oper/fake_gateway.h"
#include "tests/unit/oper/host.h"

struct room {
	struct rpc_context ctx;
	bool bad;
};

static int
enter(void **state)
{
	struct room *room = calloc(1, sizeof(*room));

	room->ctx = ask_context(5);
	*state = room;
	return 0;
}

static int
leave(void **state)
{
	struct room *room = *state;

	fake_gateway_free(room->ctx.gateway);
	free(room);
	return 0;
}

/* The response to a line, or NULL when none is due. */
static json_t *
say(struct room *room, const char *line)
{
	return ask(&room->ctx, line, strlen(line), &room->bad);
}

static json_t *
call(struct room *room, const char *method, const char *params)
{
	char line[1024];

	snprintf(line, sizeof(line),
		"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"%s\",\"params\":%s}", method, params);
	json_t *response = say(room, line);
	assert_int_equal(json_integer_value(json_object_get(response, "id")), 5);
	return response;
}

/* The result, which must be there. */
static json_t *
result(struct room *room, const char *method, const char *params)
{
	json_t *response = call(room, method, params);
	json_t *r = json_incref(json_object_get(response, "result"));

	assert_non_null(r);
	json_decref(response);
	return r;
}

static void
refused(struct room *room, const char *method, const char *params, int code, const char *text)
{
	json_t *response = call(room, method, params);
	const char *message =
		json_string_value(json_object_get(json_object_get(response, "error"), "message"));

	assert_int_equal(error_code(response), code);
	assert_non_null(strstr(message, text));
	assert_null(json_object_get(response, "result"));
	json_decref(response);
}

static json_int_t
num(const json_t *o, const char *name)
{
	assert_true(json_is_integer(json_object_get(o, name)));
	return json_integer_value(json_object_get(o, name));
}

static const char *
str(const json_t *o, const char *name)
{
	assert_true(json_is_string(json_object_get(o, name)));
	return json_string_value(json_object_get(o, name));
}

static void
test_not_a_request(void **state)
{
	static const struct {
		const char *line;
		int code;
	} cases[] = {
		{"{", RPC_PARSE_ERROR},
		{"", RPC_PARSE_ERROR},
		{"{\"a\":1,\"a\":2}", RPC_PARSE_ERROR},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"} x", RPC_PARSE_ERROR},
		{"\"\xc3\"", RPC_PARSE_ERROR},
		{"17", RPC_INVALID_REQUEST},
		{"null", RPC_INVALID_REQUEST},
		{"[]", RPC_INVALID_REQUEST},
		{"{}", RPC_INVALID_REQUEST},
		{"{\"id\":1,\"method\":\"status\"}", RPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"status\"}", RPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":2}", RPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"status\"}", RPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":3}",
			RPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"statsu\"}", RPC_UNKNOWN_METHOD},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":[1]}",
			RPC_INVALID_PARAMS},
	};
	struct room *room = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *r = say(room, cases[i].line);
		assert_int_equal(error_code(r), cases[i].code);
		assert_int_equal(room->bad, cases[i].code <= RPC_INVALID_REQUEST &&
						    cases[i].code != RPC_UNKNOWN_METHOD &&
						    cases[i].code != RPC_INVALID_PARAMS);
		json_decref(r);
	}
	/* Deep nesting ends in an error, not on the stack. */
	char deep[60001];
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	json_t *r = say(room, deep);
	assert_int_equal(error_code(r), RPC_PARSE_ERROR);
	json_decref(r);
}

static void
test_notification_is_not_executed(void **state)
{
	struct room *room = *state;

	assert_null(
		say(room, "{\"jsonrpc\":\"2.0\",\"method\":\"disconnect\",\"params\":{\"id\":1}}"));
	assert_false(room->bad);
	json_decref(result(room, "session", "{\"id\":1}"));
}

static void
test_batch(void **state)
{
	struct room *room = *state;
	char big[4096] = "[1";
	json_t *r = say(room, "[{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"version\"}, 1,"
			      "{\"jsonrpc\":\"2.0\",\"method\":\"version\"},"
			      "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"version\"}]");

	assert_int_equal(json_array_size(r), 3);
	assert_string_equal(str(json_array_get(r, 0), "id"), "a");
	assert_int_equal(error_code(json_array_get(r, 1)), RPC_INVALID_REQUEST);
	assert_int_equal(num(json_array_get(r, 2), "id"), 2);
	json_decref(r);
	assert_null(say(room, "[{\"jsonrpc\":\"2.0\",\"method\":\"version\"}]"));
	for (int i = 0; i < RPC_BATCH_MAX; i++)
		strcat(big, ",1");
	strcat(big, "]");
	r = say(room, big);
	assert_int_equal(error_code(r), RPC_INVALID_REQUEST);
	json_decref(r);
}

/* 16 pages are more than a batch may answer: the rest is not executed. */
static void
test_batch_too_long(void **state)
{
	struct room room = {.ctx = ask_context(FAKE_SESSIONS_MAX)};
	char line[4096] = "[";

	(void)state;
	for (int i = 0; i < RPC_BATCH_MAX - 1; i++)
		strcat(line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sessions\",\"params\":{"
			     "\"limit\":500}},");
	strcat(line,
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"disconnect\",\"params\":{\"id\":1}}]");
	json_t *r = say(&room, line);
	assert_int_equal(json_array_size(r), RPC_BATCH_MAX);
	assert_int_equal(error_code(json_array_get(r, 0)), 0);
	assert_int_equal(error_code(json_array_get(r, RPC_BATCH_MAX - 1)), RPC_LIMIT);
	json_decref(r);
	json_decref(result(&room, "session", "{\"id\":1}"));
	fake_gateway_free(room.ctx.gateway);
}

static void
test_parameters(void **state)
{
	struct room *room = *state;

	refused(room, "status", "{\"x\":1}", RPC_INVALID_PARAMS, "no parameter \"x\"");
	refused(room, "session", "{}", RPC_INVALID_PARAMS, "needs the parameter \"id\"");
	refused(room, "session", "{\"id\":\"1\"}", RPC_INVALID_PARAMS, "must be an integer");
	refused(room, "session", "{\"id\":1.5}", RPC_INVALID_PARAMS, "must be an integer");
	refused(room, "session", "{\"id\":-1}", RPC_INVALID_PARAMS, "must be 0 to 4294967295");
	refused(room, "session", "{\"id\":4294967297}", RPC_INVALID_PARAMS, "must be 0 to");
	refused(room, "sessions", "{\"limit\":501}", RPC_INVALID_PARAMS, "must be 1 to 500");
	refused(room, "sessions", "{\"user\":7}", RPC_INVALID_PARAMS, "must be a string");
	refused(room, "stats", "{\"all\":1}", RPC_INVALID_PARAMS, "must be a boolean");
}

static void
test_status(void **state)
{
	struct room *room = *state;
	json_t *r = result(room, "status", "{}");

	assert_true(json_is_true(json_object_get(r, "healthy")));
	const json_t *pptp = json_object_get(r, "pptp");
	assert_int_equal(num(pptp, "sessions"), 5);
	assert_int_equal(num(pptp, "weak_sessions"), 1);
	assert_string_equal(str(json_object_get(r, "pool"), "first"), "10.99.0.1");
	const json_t *refusals = json_object_get(r, "refusals");
	assert_int_equal(json_array_size(refusals), 1);
	assert_string_equal(str(json_array_get(refusals, 0), "code"), "wrong-password");
	const json_t *adopted = json_object_get(r, "adopted"),
		     *closed = json_object_get(adopted, "closed");
	assert_int_equal(num(adopted, "sessions"), 4);
	assert_int_equal(num(adopted, "tunnels"), 3);
	assert_int_equal(json_array_size(closed), 2);
	assert_string_equal(str(json_array_get(closed, 1), "cause"), "torn");
	assert_int_equal(num(json_array_get(closed, 1), "count"), 2);
	json_decref(r);
	fake_gateway_problem(room->ctx.gateway, "the data plane is \x1b[31mnot there");
	r = result(room, "status", "{}");
	assert_true(json_is_false(json_object_get(r, "healthy")));
	assert_string_equal(str(r, "problem"), "the data plane is \\x1b[31mnot there");
	json_decref(r);
}

static void
test_sessions(void **state)
{
	struct room *room = *state;
	json_t *r = result(room, "sessions", "{\"offset\":1,\"limit\":2}");
	const json_t *list = json_object_get(r, "sessions");

	assert_int_equal(num(r, "total"), 5);
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(str(json_array_get(list, 0), "user"), "bob");
	assert_int_equal(num(json_array_get(list, 1), "id"), 3);
	json_decref(r);
	r = result(room, "sessions", "{\"user\":\"ALICE\"}");
	assert_int_equal(num(r, "total"), 1);
	json_decref(r);
	/* F13: named as for disconnect. */
	r = result(room, "sessions", "{\"user\":\"DOMAIN\\\\Alice\"}");
	assert_int_equal(num(r, "total"), 1);
	json_decref(r);
	r = result(room, "sessions", "{\"user\":\"nobody\"}");
	assert_int_equal(num(r, "total"), 0);
	json_decref(r);
	r = result(room, "session", "{\"id\":2}");
	assert_string_equal(str(r, "peer"), "192.0.2.2");
	assert_int_equal(num(r, "mppe_tx"), 40);
	assert_int_equal(num(r, "gre_lost"), 7);
	assert_true(num(r, "down_bytes") == INT64_MAX);
	json_decref(r);
	refused(room, "session", "{\"id\":99}", RPC_NOT_FOUND, "no session 99");
}

static void
test_disconnect(void **state)
{
	struct room *room = *state;
	json_t *r;

	refused(room, "disconnect", "{}", RPC_INVALID_PARAMS, "either");
	refused(room, "disconnect", "{\"id\":1,\"user\":\"bob\"}", RPC_INVALID_PARAMS, "either");
	refused(room, "disconnect", "{\"id\":99}", RPC_NOT_FOUND, "no session 99");
	refused(room, "disconnect", "{\"user\":\"carol\"}", RPC_NOT_FOUND, "carol");
	r = result(room, "disconnect", "{\"id\":1}");
	assert_int_equal(num(r, "disconnected"), 1);
	json_decref(r);
	refused(room, "session", "{\"id\":1}", RPC_NOT_FOUND, "no session 1");
	r = result(room, "disconnect", "{\"user\":\"DOMAIN\\\\Bob\"}");
	assert_int_equal(num(r, "disconnected"), 1);
	json_decref(r);
}

static void
test_lockouts(void **state)
{
	struct room *room = *state;
	json_t *r = result(room, "lockouts", "{\"offset\":1,\"limit\":1}");
	const json_t *l = json_array_get(json_object_get(r, "lockouts"), 0);

	assert_int_equal(num(r, "total"), 3);
	assert_int_equal(json_array_size(json_object_get(r, "lockouts")), 1);
	assert_string_equal(str(l, "user"), "bob");
	assert_string_equal(str(l, "address"), "");
	assert_int_equal(num(l, "left_ms"), 1000);
	json_decref(r);
	refused(room, "unlock", "{\"user\":\"carol\"}", RPC_NOT_FOUND, "carol");
	refused(room, "unlock", "{\"address\":\"bob\"}", RPC_INVALID_PARAMS, "IPv4");
	refused(room, "unlock", "{\"address\":\"0.0.0.0\"}", RPC_INVALID_PARAMS, "IPv4");
	r = result(room, "unlock", "{\"user\":\"bob\",\"address\":\"198.51.100.2\"}");
	assert_int_equal(num(r, "ended"), 2);
	json_decref(r);
	room->ctx.role = OPER_READ;
	refused(room, "unlock", "{}", RPC_DENIED, "operate");
	json_decref(result(room, "lockouts", "{}"));
}

static void
test_weak_crypto(void **state)
{
	struct room *room = *state;
	json_t *r = result(room, "weak-crypto", "{\"protocol\":\"pptp\"}");

	assert_true(json_is_false(json_object_get(r, "allowed"))); /* off by default (R2) */
	assert_int_equal(num(r, "weak_sessions"), 1);
	json_decref(r);
	refused(room, "weak-crypto", "{}", RPC_INVALID_PARAMS, "protocol");
	refused(room, "weak-crypto", "{\"protocol\":\"sstp\"}", RPC_INVALID_PARAMS, "pptp");
	refused(room, "weak-crypto", "{\"protocol\":\"pptp\",\"sessions\":\"drop\"}",
		RPC_INVALID_PARAMS, "allow");
	refused(room, "weak-crypto", "{\"protocol\":\"pptp\",\"allow\":true,\"sessions\":\"drop\"}",
		RPC_INVALID_PARAMS, "false only");
	refused(room, "weak-crypto",
		"{\"protocol\":\"pptp\",\"allow\":false,\"sessions\":\"kill\"}", RPC_INVALID_PARAMS,
		"keep");
	r = result(room, "weak-crypto", "{\"protocol\":\"pptp\",\"allow\":true}");
	assert_true(json_is_true(json_object_get(r, "allowed")));
	json_decref(r);
	r = result(room, "weak-crypto", "{\"protocol\":\"pptp\",\"allow\":false}");
	assert_int_equal(num(r, "dropped"), 0);
	assert_int_equal(num(r, "weak_sessions"), 1);
	json_decref(r);
	r = result(room, "weak-crypto",
		"{\"protocol\":\"pptp\",\"allow\":false,\"sessions\":\"drop\"}");
	assert_int_equal(num(r, "dropped"), 1);
	assert_int_equal(num(r, "weak_sessions"), 0);
	json_decref(r);
}

static void
test_sas(void **state)
{
	struct room *room = *state;
	json_t *r = result(room, "sas", "{}");

	assert_int_equal(num(r, "total"), 2);
	const json_t *sa = json_array_get(json_object_get(r, "sas"), 1);
	assert_string_equal(str(sa, "encryption"), "des-cbc");
	assert_string_equal(str(sa, "strength"), "weak");
	assert_true(json_is_true(json_object_get(sa, "nat")));
	json_decref(r);
	r = result(room, "sas", "{\"offset\":1,\"limit\":1}");
	assert_int_equal(json_array_size(json_object_get(r, "sas")), 1);
	json_decref(r);
	r = result(room, "sas", "{\"peer\":\"192.0.2.1\"}");
	assert_int_equal(num(r, "total"), 1);
	json_decref(r);
	refused(room, "sas", "{\"peer\":\"client\"}", RPC_INVALID_PARAMS, "IPv4");
	refused(room, "sas", "{\"limit\":501}", RPC_INVALID_PARAMS, "limit");
}

/* R2: the second switch is independent of the first. */
static void
test_weak_crypto_l2tp(void **state)
{
	struct room *room = *state;
	json_t *r = result(room, "weak-crypto", "{\"protocol\":\"l2tp\"}");

	assert_true(json_is_false(json_object_get(r, "allowed")));
	assert_int_equal(num(r, "weak_sessions"), 1);
	json_decref(r);
	refused(room, "weak-crypto", "{\"protocol\":\"l2tp\",\"sessions\":\"drop\"}",
		RPC_INVALID_PARAMS, "allow");
	refused(room, "weak-crypto",
		"{\"protocol\":\"l2tp\",\"allow\":false,\"sessions\":\"kill\"}", RPC_INVALID_PARAMS,
		"rekey");
	r = result(room, "weak-crypto", "{\"protocol\":\"l2tp\",\"allow\":true}");
	assert_true(json_is_true(json_object_get(r, "allowed")));
	json_decref(r);
	r = result(room, "weak-crypto", "{\"protocol\":\"pptp\"}");
	assert_true(json_is_false(json_object_get(r, "allowed")));
	json_decref(r);
	r = result(room, "weak-crypto",
		"{\"protocol\":\"l2tp\",\"allow\":false,\"sessions\":\"drop\"}");
	assert_int_equal(num(r, "dropped"), 1);
	assert_int_equal(num(r, "weak_sessions"), 0);
	json_decref(r);
}

static void
test_readers_only_read(void **state)
{
	struct room *room = *state;

	room->ctx.role = OPER_READ;
	refused(room, "disconnect", "{\"id\":1}", RPC_DENIED, "operate");
	refused(room, "weak-crypto", "{\"protocol\":\"pptp\",\"allow\":true}", RPC_DENIED, "admin");
	refused(room, "weak-crypto", "{\"protocol\":\"l2tp\",\"allow\":true}", RPC_DENIED, "admin");
	json_decref(result(room, "weak-crypto", "{\"protocol\":\"pptp\"}"));
	json_decref(result(room, "status", "{}"));
	json_t *r = result(room, "version", "{}");
	assert_string_equal(str(r, "role"), "read");
	json_decref(r);
}

/* R25: between looking and changing how the gateway works. */
static void
test_operators_end_sessions(void **state)
{
	struct room *room = *state;

	room->ctx.role = OPER_OPERATE;
	json_decref(result(room, "status", "{}"));
	json_t *r = result(room, "version", "{}");
	assert_string_equal(str(r, "role"), "operate");
	json_decref(r);
	r = result(room, "disconnect", "{\"id\":1}");
	assert_int_equal(num(r, "disconnected"), 1);
	json_decref(r);
	refused(room, "weak-crypto", "{\"protocol\":\"pptp\",\"allow\":true}", RPC_DENIED,
		"needs the role admin, yours is operate");
	r = result(room, "weak-crypto", "{\"protocol\":\"pptp\"}");
	assert_true(json_is_false(json_object_get(r, "allowed")));
	json_decref(r);
}

static char trail[65536];

static void
keep_line(void *user, int level, const char *line)
{
	(void)user;
	(void)level;
	size_t at = strlen(trail);
	snprintf(trail + at, sizeof(trail) - at, "%s\n", line);
}

static unsigned int
lines_with(const char *text)
{
	unsigned int n = 0;
	for (const char *at = trail; (at = strstr(at, text)); at++)
		n++;
	return n;
}

/* R25: who tries what he may not leaves a trail, and can't hide that of others (T24). */
static void
r25_denied_requests_are_audited(void **state)
{
	struct room *room = *state;

	trail[0] = '\0';
	log_redirect(keep_line, NULL);
	log_setup(LOG_ERR);
	room->ctx.role = OPER_READ;
	room->ctx.uid = 1000;
	for (unsigned int i = 0; i < 100; i++)
		refused(room, "disconnect", "{\"id\":1}", RPC_DENIED, "operate");
	room->ctx.uid = 1001;
	refused(room, "weak-crypto", "{\"protocol\":\"pptp\",\"allow\":true}", RPC_DENIED, "admin");
	room->ctx.role = OPER_ADMIN;
	room->ctx.uid = 0;
	json_decref(result(room, "disconnect", "{\"id\":1}"));
	usleep(1100000);
	audit_turn();
	log_redirect(NULL, NULL);
	log_setup(LOG_INFO);
	assert_in_range(
		lines_with("action=\"disconnect\" result=denied text=\"disconnect needs the "
			   "role operate, yours is read\" who=\"uid 1000 pid 77\""),
		5, 15);
	assert_int_equal(lines_with("action=\"weak-crypto\" result=denied"), 1);
	assert_true(lines_with("result=denied more=") >= 1);
	assert_int_equal(lines_with("action=disconnect session=1 who=\"uid 0 pid 77\""), 1);
}

static void
test_stats(void **state)
{
	struct room *room = *state;
	json_t *r = result(room, "stats", "{}");
	const json_t *drops = json_object_get(r, "drops"), *nodes = json_object_get(r, "nodes");

	assert_int_equal(json_array_size(nodes), 2); /* one node that worked, on two workers */
	assert_true(json_real_value(json_object_get(
			    json_array_get(nodes, 0), "cycles_per_packet")) == 25.5);
	assert_int_equal(json_array_size(drops), 2);
	assert_string_equal(str(json_array_get(drops, 0), "reason"), "edge_filter");
	assert_int_equal(num(json_array_get(drops, 0), "main"), 1);
	assert_string_equal(str(json_array_get(drops, 1), "reason"), "mppe_late");
	assert_int_equal(num(json_array_get(drops, 1), "packets"), 11);
	const json_t *link = json_object_get(r, "link");
	assert_int_equal(num(link, "waited"), 7);
	assert_int_equal(num(link, "lost"), 8);
	assert_int_equal(num(link, "bad_records"), 9);
	const json_t *bad = json_object_get(r, "refused_records");
	assert_int_equal(json_array_size(bad), 1);
	assert_string_equal(str(json_array_get(bad, 0), "why"), "torn");
	assert_int_equal(num(json_array_get(bad, 0), "records"), 3);
	const json_t *kernels = json_object_get(r, "kernels");
	assert_int_equal(json_array_size(kernels), 2);
	assert_string_equal(str(json_array_get(kernels, 0), "use"), "rc4-on-4");
	assert_string_equal(str(json_array_get(kernels, 0), "kernel"), "wide");
	assert_int_equal(num(json_array_get(kernels, 0), "from"), 256);
	json_decref(r);
	r = result(room, "stats", "{\"all\":true}");
	assert_int_equal(json_array_size(json_object_get(r, "nodes")), 4);
	assert_int_equal(json_array_size(json_object_get(r, "drops")), DROP_COUNT);
	json_decref(r);
	fake_gateway_dataplane(room->ctx.gateway, false);
	refused(room, "stats", "{}", RPC_DATAPLANE_DOWN, "not connected");
}

/* T21: what the data plane wrote is not believed. */
static void
test_stats_of_a_spoilt_segment(void **state)
{
	struct room *room = *state;
	struct segment_header *h = fake_gateway_segment(room->ctx.gateway);

	h->n_ports = h->n_nodes = h->n_kernels = UINT32_MAX;
	memset(h->kernels[0].use, 'a', sizeof(h->kernels[0].use)); /* no end */
	memset(h->ports[0].name, 0xff, sizeof(h->ports[0].name));
	json_t *r = result(room, "stats", "{}");
	const json_t *ports = json_object_get(r, "ports");
	assert_int_equal(json_array_size(ports), SEGMENT_MAX_PORTS);
	assert_memory_equal(str(json_array_get(ports, 0), "name"), "\\xff\\xff", 8);
	const json_t *kernels = json_object_get(r, "kernels");
	assert_int_equal(json_array_size(kernels), SEGMENT_MAX_KERNELS);
	assert_int_equal(strlen(str(json_array_get(kernels, 0), "use")), 16);
	json_decref(r);
	h->node_counters = UINT64_MAX; /* offsets are not read */
	json_decref(result(room, "stats", "{}"));
	h->n_workers = h->max_sessions = UINT32_MAX; /* nor dimensions */
	r = result(room, "stats", "{}");
	assert_int_equal(json_array_size(json_object_get(r, "workers")), 2);
	assert_int_equal(num(r, "max_sessions"), 64);
	json_decref(r);
}

static void
test_explain(void **state)
{
	struct room *room = *state;
	json_t *r = result(room, "explain", "{}");

	assert_int_equal(json_array_size(json_object_get(r, "refusals")), REFUSAL_COUNT);
	json_decref(r);
	r = result(room, "explain", "{\"code\":\"pool-empty\"}");
	const json_t *e = json_array_get(json_object_get(r, "refusals"), 0);
	assert_string_equal(str(e, "text"), refusal_text(REFUSAL_POOL_EMPTY));
	assert_string_equal(str(e, "remedy"), refusal_remedy(REFUSAL_POOL_EMPTY));
	json_decref(r);
	refused(room, "explain", "{\"code\":\"poolempty\"}", RPC_NOT_FOUND, "poolempty");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_not_a_request),
		TEST(test_notification_is_not_executed),
		TEST(test_batch),
		TEST(test_batch_too_long),
		TEST(test_parameters),
		TEST(test_status),
		TEST(test_sessions),
		TEST(test_disconnect),
		TEST(test_lockouts),
		TEST(test_weak_crypto),
		TEST(test_weak_crypto_l2tp),
		TEST(test_sas),
		TEST(test_readers_only_read),
		TEST(test_operators_end_sessions),
		TEST(r25_denied_requests_are_audited),
		TEST(test_stats),
		TEST(test_stats_of_a_spoilt_segment),
		TEST(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
