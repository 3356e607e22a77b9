/* SPDX-License-Identifier: BSD-3-Clause */
/* T11, R25: hostile requests to settings.*: nothing changes, nothing breaks, and what is refused is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/core/log.h"
#include "control/settings/change.h"
#include "tests/unit/oper/ask.h"
#include "tests/unit/oper/fake_gateway.h"
#include "tests/unit/oper/host.h"

static char trail[1 << 20];

struct room {
	struct rpc_context ctx;
	json_t *before; /* all settings */
};

static void
keep_line(void *user, int level, const char *line)
{
	(void)user;
	(void)level;
	size_t at = strlen(trail);
	snprintf(trail + at, sizeof(trail) - at, "%s\n", line);
}

static json_t *
say(struct room *room, const char *line, size_t n)
{
	bool bad;
	json_t *response = ask(&room->ctx, line, n, &bad);
	assert_non_null(response);
	return response;
}

static json_t *
call(struct room *room, const char *method, const char *params)
{
	size_t n = strlen(params) + 200;
	char *line = malloc(n);
	assert_non_null(line);
	n = (size_t)snprintf(line, n,
		"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"settings.%s\",\"params\":%s}", method,
		params);
	json_t *response = say(room, line, n);
	free(line);
	return response;
}

static json_t *
all_settings(struct room *room)
{
	enum oper_role role = room->ctx.role;
	room->ctx.role = OPER_READ;
	json_t *r = call(room, "show", "{}");
	room->ctx.role = role;
	assert_int_equal(error_code(r), 0);
	return r;
}

static int
enter(void **state)
{
	struct room *room = calloc(1, sizeof(*room));
	room->ctx = ask_context(5);
	room->before = all_settings(room);
	*trail = '\0';
	log_redirect(keep_line, NULL);
	*state = room;
	return 0;
}

static int
leave(void **state)
{
	struct room *room = *state;
	log_redirect(NULL, NULL);
	json_decref(room->before);
	fake_gateway_free(room->ctx.gateway);
	free(room);
	return 0;
}

static void
refused(struct room *room, const char *method, const char *params, int code, const char *text)
{
	json_t *r = call(room, method, params);
	const char *message =
		json_string_value(json_object_get(json_object_get(r, "error"), "message"));
	if (error_code(r) != code || (message && !strstr(message, text)))
		fail_msg("%.200s: %d, %s", params, error_code(r), message ? message : "done");
	json_decref(r);
}

/* Settings, where they come from and their revision are as they were. */
static void
nothing_changed(struct room *room)
{
	json_t *now = all_settings(room);
	assert_true(json_equal(now, room->before));
	assert_int_equal(settings_revision(gateway_settings(room->ctx.gateway)), 0);
	json_decref(now);
}

static void
t11_wrong_types(void **state)
{
	static const char *const values[] = {"null", "1.5", "1e3", "{}", "[]", "[1400]",
		"{\"value\":1400}", "{\"ppp.mru\":1400}"};
	struct room *room = *state;
	char params[200];
	for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(params, sizeof(params),
			"{\"settings\":{\"ppp.echo_interval\":7,\"ppp.mru\":%s}}", values[i]);
		refused(room, "set", params, RPC_INVALID_PARAMS, "ppp.mru: a string, an integer");
		snprintf(params, sizeof(params), "{\"names\":[\"ppp.mru\",%s]}", values[i]);
		refused(room, "unset", params, RPC_INVALID_PARAMS, "names are strings");
	}
	refused(room, "set", "{}", RPC_INVALID_PARAMS, "needs the parameter \"settings\"");
	refused(room, "set", "{\"settings\":[\"ppp.mru\",1400]}", RPC_INVALID_PARAMS, "an object");
	refused(room, "set", "{\"settings\":{}}", RPC_INVALID_PARAMS, "settings expected");
	refused(room, "unset", "{\"names\":[]}", RPC_INVALID_PARAMS, "names expected");
	refused(room, "unset", "{\"names\":\"ppp.mru\"}", RPC_INVALID_PARAMS, "an array");
	refused(room, "reload", "{\"sessions\":true}", RPC_INVALID_PARAMS, "a string");
	refused(room, "reload", "{\"sessions\":\"kill\"}", RPC_INVALID_PARAMS, "must be \"keep\"");
	refused(room, "reload", "{\"file\":\"/etc/shadow\"}", RPC_INVALID_PARAMS, "no parameter");
#define SET "{\"settings\":{\"ppp.mru\":1350},"
	refused(room, "set", SET "\"sessions\":\"all\"}", RPC_INVALID_PARAMS, "must be \"keep\"");
	refused(room, "set", SET "\"force\":1}", RPC_INVALID_PARAMS, "a boolean");
	refused(room, "set", SET "\"temporary\":\"yes\"}", RPC_INVALID_PARAMS, "a boolean");
	refused(room, "set", SET "\"if_revision\":\"0\"}", RPC_INVALID_PARAMS, "an integer");
	refused(room, "set", SET "\"if_revision\":-1}", RPC_INVALID_PARAMS, "must be 0 to");
	refused(room, "set", SET "\"if_revision\":9223372036854775807}", RPC_REFUSED,
		"somebody was first");
	nothing_changed(room);
}

static void
t11_values_beyond_bounds(void **state)
{
	static const char *const values[] = {"9223372036854775807", "-9223372036854775808", "-1",
		"0", "4294968696", "\"4294968696\"", "\"99999999999999999999999999\"", "\"\"",
		"\" 1400\"", "\"1400 \"", "\"0x578\"", "\"+1400\"", "\"--1\"", "true"};
	struct room *room = *state;
	char params[200], *big = malloc(70000);
	for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(params, sizeof(params), "{\"settings\":{\"ppp.mru\":%s}}", values[i]);
		refused(room, "set", params, RPC_INVALID_PARAMS, "nothing has changed: ppp.mru: ");
	}
	/* Longer than any value, and than any name. */
	assert_non_null(big);
	for (unsigned int n = 60; n < 60000; n = n * 5 / 4) {
		snprintf(big, 70000, "{\"settings\":{\"pptp.host_name\":\"%0*d\"}}", (int)n, 1);
		if (n > 63)
			refused(room, "set", big, RPC_INVALID_PARAMS, "pptp.host_name: ");
		snprintf(big, 70000, "{\"settings\":{\"%0*d\":\"x\"}}", (int)n, 1);
		refused(room, "set", big, RPC_NOT_FOUND, "no setting \"0000");
		snprintf(big, 70000, "{\"names\":[\"%0*d\"]}", (int)n, 1);
		refused(room, "unset", big, RPC_NOT_FOUND, "no setting \"0000");
		snprintf(big, 70000, "{\"settings\":{\"pptp.listen\":\"%0*d\"}}", (int)n, 1);
		refused(room, "set", big, RPC_INVALID_PARAMS, "pptp.listen: ");
	}
	/* Of a list, too many. */
	strcpy(big, "{\"settings\":{\"pptp.listen\":\"10.0.0.1");
	for (unsigned int i = 2; i < 100; i++)
		sprintf(big + strlen(big), ",10.0.0.%u", i);
	strcat(big, "\"}}");
	refused(room, "set", big, RPC_INVALID_PARAMS, "elements expected");
	free(big);
	nothing_changed(room);
}

static void
t11_unknown_names(void **state)
{
	static const char *const names[] = {"", ".", "*", "ppp", "ppp.", ".mru", "ppp.mru ",
		" ppp.mru", "PPP.MRU", "ppp.mru.x", "ppp..mru", "users", "users[].name",
		"users[0].password", "ipsec.peers[].psk", "%s%s%s%n", "../../etc/shadow",
		"\\u001b[2J", "\\u00e9"};
	struct room *room = *state;
	char params[200];
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(params, sizeof(params),
			"{\"settings\":{\"ppp.echo_interval\":7,\"%s\":\"1\"}}", names[i]);
		json_t *r = call(room, "set", params);
		if (error_code(r) != RPC_NOT_FOUND && error_code(r) != RPC_REFUSED)
			fail_msg("%s: %d", params, error_code(r));
		json_decref(r);
		snprintf(params, sizeof(params), "{\"names\":[\"ppp.echo_interval\",\"%s\"]}",
			names[i]);
		r = call(room, "unset", params);
		if (error_code(r) != RPC_NOT_FOUND && error_code(r) != RPC_REFUSED)
			fail_msg("%s: %d", params, error_code(r));
		json_decref(r);
	}
	/* T22: no line of the log is theirs. */
	assert_null(strchr(trail, '\x1b'));
	nothing_changed(room);
}

/* Many pairs, all of them unknown but the first: PAIR(i) is printed for each. */
static char *
many(const char *begin, const char *each, const char *end, unsigned int n)
{
	size_t size = strlen(begin) + strlen(end) + n * (strlen(each) + 12) + 1;
	char *all = malloc(size), *at = all;
	assert_non_null(all);
	at += sprintf(at, "%s", begin);
	for (unsigned int i = 0; i < n; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		at += sprintf(at, each, i);
#pragma GCC diagnostic pop
	}
	sprintf(at, "%s", end);
	return all;
}

static void
t11_thousands_of_pairs(void **state)
{
	struct room *room = *state;
	for (unsigned int n = SETTINGS_MAX - 1; n < 6000; n = n < SETTINGS_MAX ? n + 1 : n * 3) {
		int code = n + 1 > SETTINGS_MAX ? RPC_INVALID_PARAMS : RPC_NOT_FOUND;
		const char *text = n + 1 > SETTINGS_MAX ? "expected" : "no setting \"a0\"";
		char *params = many("{\"settings\":{\"ppp.mru\":1350", ",\"a%u\":1", "}}", n);
		refused(room, "set", params, code, text);
		free(params);
		params = many("{\"names\":[\"ppp.mru\"", ",\"a%u\"", "]}", n);
		refused(room, "unset", params, code, text);
		free(params);
	}
	nothing_changed(room);
}

static void
t11_duplicates_and_control_characters(void **state)
{
	static const char *const octets[] = {"\\n", "\\t", "\\r", "\\u0001", "\\u001b", "\\u007f"};
	struct room *room = *state;
	char params[200];
	refused(room, "set", "{\"settings\":{\"ppp.mru\":1350,\"ppp.mru\":1360}}", RPC_PARSE_ERROR,
		"");
	refused(room, "set", "{\"settings\":{\"ppp.mru\":1350},\"settings\":{}}", RPC_PARSE_ERROR,
		"");
	refused(room, "unset", "{\"names\":[\"ppp.mru\",\"ppp.mru\"]}", RPC_INVALID_PARAMS,
		"is given twice");
	refused(room, "set", "{\"settings\":{\"ppp.mru\\u0000x\":1350}}", RPC_PARSE_ERROR, "");
	refused(room, "set", "{\"settings\":{\"pptp.vendor\":\"a\\u0000b\"}}", RPC_PARSE_ERROR, "");
	refused(room, "unset", "{\"names\":[\"ppp.mru\\u0000x\"]}", RPC_PARSE_ERROR, "");
	refused(room, "set", "{\"settings\":{\"pptp.vendor\":\"\xc3\"}}", RPC_PARSE_ERROR, "");
	for (unsigned int i = 0; i < sizeof(octets) / sizeof(octets[0]); i++) {
		snprintf(params, sizeof(params),
			"{\"settings\":{\"ppp.mru\":1350,\"pptp.vendor\":\"a%sppp.mru\"}}",
			octets[i]);
		refused(room, "set", params, RPC_INVALID_PARAMS, "no control characters");
	}
	nothing_changed(room);
}

/* What is accepted is kept as it is, and read again as the same. */
static void
test_strange_values_are_kept(void **state)
{
	struct room *room = *state;
	static struct settings_view v;
	json_t *r = call(room, "set",
		"{\"settings\":{\"pptp.vendor\":\"end \xc3\xa9 0 # \\\\ \\\" ; }\","
		"\"pptp.host_name\":\"\"}}");
	assert_int_equal(error_code(r), 0);
	json_decref(r);
	const struct settings *s = gateway_settings(room->ctx.gateway);
	settings_view(s, setting_find("pptp.vendor"), &v);
	assert_string_equal(v.value, "end \xc3\xa9 0 # \\ \" ; }");
	settings_view(s, setting_find("control.overlay"), &v);
	static struct overlay o;
	char err[300];
	if (!overlay_load(&o, v.value, err, sizeof(err)))
		fail_msg("%s", err);
	assert_string_equal(o.entries[setting_number(setting_find("pptp.vendor"))].value,
		"end \xc3\xa9 0 # \\ \" ; }");
	assert_int_equal(o.revision, 1);
}

/* R25: who only looks, or only ends sessions, changes nothing, whatever he says. */
static void
r25_only_admins_change_settings(void **state)
{
	struct room *room = *state;
	for (enum oper_role role = OPER_READ; role <= OPER_OPERATE; role++) {
		room->ctx.role = role;
		refused(room, "set", SET "\"force\":true}", RPC_DENIED, "needs the role admin");
		refused(room, "set", "{\"settings\":{\"no.such\":{}}}", RPC_DENIED, "admin");
		refused(room, "set", SET "\"temporary\":true}", RPC_DENIED, "admin");
		refused(room, "unset", "{\"names\":[\"ppp.mru\"]}", RPC_DENIED, "admin");
		refused(room, "reload", "{}", RPC_DENIED, "admin");
		refused(room, "reload", "{\"sessions\":\"drop\"}", RPC_DENIED, "admin");
	}
	nothing_changed(room);
	/* The admin's reload would have. */
	room->ctx.role = OPER_ADMIN;
	json_t *r = call(room, "reload", "{}");
	assert_int_equal(error_code(r), 0);
	assert_int_equal(settings_revision(gateway_settings(room->ctx.gateway)), 1);
	json_decref(r);
}

/* A secret that somebody tries to set is neither set, nor told, nor logged. */
static void
r25_secrets_are_not_repeated(void **state)
{
	struct room *room = *state;
	json_t *r = call(room, "set", "{\"settings\":{\"ipsec.psk\":\"hunter2hunter2hunter2\"}}");
	char *text = json_dumps(r, 0);
	assert_int_equal(error_code(r), RPC_REFUSED);
	assert_null(strstr(text, "hunter2"));
	assert_null(strstr(trail, "hunter2"));
	assert_non_null(strstr(trail, "setting=ipsec.psk result=refused"));
	free(text);
	json_decref(r);
	nothing_changed(room);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(t11_wrong_types),
		TEST(t11_values_beyond_bounds),
		TEST(t11_unknown_names),
		TEST(t11_thousands_of_pairs),
		TEST(t11_duplicates_and_control_characters),
		TEST(test_strange_values_are_kept),
		TEST(r25_only_admins_change_settings),
		TEST(r25_secrets_are_not_repeated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
