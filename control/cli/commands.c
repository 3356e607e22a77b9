/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/commands.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/table.h"
#include "control/core/refusal.h"
#include "dataplane/api/conf_text.h"

#define PAGE 500

/* Ask; NULL after a message. */
static json_t *
ask(struct cli *cli, const char *method, json_t *params, enum exit_code *code)
{
	return client_request(cli->fd, method, params, code);
}

/* With --json: print, free, done. */
bool
printed_json(const struct cli *cli, json_t *result)
{
	if (!cli->json)
		return false;
	json_dumpf(result, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
	return true;
}

/* A session ID; false after a message. */
static bool
get_id(const char *text, json_int_t *id)
{
	char *end;

	*id = strtoll(text, &end, 10);
	if (end != text && *end == '\0' && *id >= 0 && *id <= UINT32_MAX)
		return true;
	usage_error("\"%s\" is not a session ID: aditctl sessions shows them", text);
	return false;
}

static enum exit_code
run_status(struct cli *cli)
{
	enum exit_code code;
	json_t *r = ask(cli, "status", NULL, &code);

	if (r == NULL)
		return code;
	if (!printed_json(cli, r))
		show_status(r);
	code = json_is_true(json_object_get(r, "healthy")) ? EXIT_OK : EXIT_UNHEALTHY;
	json_decref(r);
	return code;
}

/* All pages in one result.  What comes or goes meanwhile may be missed or seen twice. */
static json_t *
all_pages(struct cli *cli, const char *method, enum exit_code *code)
{
	json_t *all = json_array();
	json_int_t total = 0;

	for (;;) {
		json_t *params = json_pack(
			"{s:I, s:i}", "offset", (json_int_t)json_array_size(all), "limit", PAGE);
		if (cli->given & COMMAND_USER)
			json_object_set_new(params, "user", json_string(cli->user));
		json_t *r = ask(cli, method, params, code);
		if (r == NULL) {
			json_decref(all);
			return NULL;
		}
		/* The list is called as the method is. */
		const json_t *page = json_object_get(r, method);
		size_t got = json_array_size(page);
		total = json_integer_value(json_object_get(r, "total"));
		json_array_extend(all, (json_t *)page);
		json_decref(r);
		if (got == 0 || (json_int_t)json_array_size(all) >= total)
			break;
	}
	return json_pack("{s:I, s:o}", "total", total, method, all);
}

static enum exit_code
run_list(struct cli *cli, const char *method, void (*show)(const json_t *result))
{
	enum exit_code code;
	json_t *r = all_pages(cli, method, &code);

	if (r == NULL)
		return code;
	if (!printed_json(cli, r))
		show(r);
	json_decref(r);
	return EXIT_OK;
}

static enum exit_code
run_sessions(struct cli *cli)
{
	return run_list(cli, "sessions", show_sessions);
}

static enum exit_code
run_tunnels(struct cli *cli)
{
	return run_list(cli, "tunnels", show_tunnels);
}

static enum exit_code
run_lockouts(struct cli *cli)
{
	return run_list(cli, "lockouts", show_lockouts);
}

static enum exit_code
run_unlock(struct cli *cli)
{
	json_t *params = json_object();
	enum exit_code code;
	struct in_addr a;

	if (cli->n_args > 0) {
		bool ip = inet_pton(AF_INET, cli->args[0], &a) == 1;
		json_object_set_new(params, ip ? "address" : "user", json_string(cli->args[0]));
	}
	json_t *r = ask(cli, "unlock", params, &code);
	if (r == NULL)
		return code;
	if (!printed_json(cli, r))
		printf("%" JSON_INTEGER_FORMAT " lock-outs ended\n",
			json_integer_value(json_object_get(r, "ended")));
	json_decref(r);
	return EXIT_OK;
}

static enum exit_code
run_session(struct cli *cli)
{
	enum exit_code code;
	json_int_t id;

	if (!get_id(cli->args[0], &id))
		return EXIT_USAGE;
	json_t *r = ask(cli, "session", json_pack("{s:I}", "id", id), &code);
	if (r == NULL)
		return code;
	if (!printed_json(cli, r))
		show_session(r);
	json_decref(r);
	return EXIT_OK;
}

static enum exit_code
run_disconnect(struct cli *cli)
{
	enum exit_code code;
	json_t *params;
	json_int_t id;

	if ((cli->n_args == 1) == ((cli->given & COMMAND_USER) != 0))
		return usage_error("disconnect needs either a session ID or --user, not both");
	if (cli->n_args == 0)
		params = json_pack("{s:s}", "user", cli->user);
	else if (get_id(cli->args[0], &id))
		params = json_pack("{s:I}", "id", id);
	else
		return EXIT_USAGE;
	json_t *r = ask(cli, "disconnect", params, &code);
	if (r == NULL)
		return code;
	if (!printed_json(cli, r))
		printf("%" JSON_INTEGER_FORMAT " disconnected\n",
			json_integer_value(json_object_get(r, "disconnected")));
	json_decref(r);
	return EXIT_OK;
}

static enum exit_code
run_stats(struct cli *cli)
{
	bool all = cli->given & COMMAND_ALL;
	enum exit_code code;
	json_t *r = ask(cli, "stats", json_pack("{s:b}", "all", all), &code);

	if (r == NULL)
		return code;
	if (!printed_json(cli, r))
		show_stats(r, all);
	json_decref(r);
	return EXIT_OK;
}

static enum exit_code
run_sas(struct cli *cli)
{
	json_t *all = json_array();
	json_int_t total = 0;
	enum exit_code code;

	for (;;) {
		json_t *params = json_pack(
			"{s:I, s:i}", "offset", (json_int_t)json_array_size(all), "limit", PAGE);
		if (cli->n_args > 0)
			json_object_set_new(params, "peer", json_string(cli->args[0]));
		json_t *r = ask(cli, "sas", params, &code);
		if (r == NULL) {
			json_decref(all);
			return code;
		}
		size_t got = json_array_size(json_object_get(r, "sas"));
		total = json_integer_value(json_object_get(r, "total"));
		json_array_extend(all, json_object_get(r, "sas"));
		json_decref(r);
		if (got == 0 || (json_int_t)json_array_size(all) >= total)
			break;
	}
	json_t *r = json_pack("{s:I, s:o}", "total", total, "sas", all);
	if (!printed_json(cli, r))
		show_sas(r);
	json_decref(r);
	return EXIT_OK;
}

/* The parameters of weak-crypto; NULL after a message. */
static json_t *
weak_crypto_params(const struct cli *cli)
{
	const char *protocol = cli->n_args > 0 ? cli->args[0] : "pptp";
	const char *word = cli->n_args > 1 ? cli->args[1] : NULL;
	const char *fate = given_fate(cli);

	if (fate == NULL)
		return NULL;
	if (word != NULL && strcmp(word, "on") != 0 && strcmp(word, "off") != 0)
		usage_error("weak-crypto %s: \"%s\" is neither on nor off", protocol, word);
	else if (strcmp(fate, "rekey") == 0 && strcmp(protocol, "l2tp") != 0)
		usage_error("weak-crypto: --rekey goes with l2tp");
	else if (*fate != '\0' && (word == NULL || strcmp(word, "off") != 0))
		usage_error("weak-crypto: --keep, --rekey and --drop go with off: what happens to "
			    "running weak sessions");
	else {
		json_t *params = json_pack("{s:s}", "protocol", protocol);
		if (word != NULL)
			json_object_set_new(params, "allow", json_boolean(strcmp(word, "on") == 0));
		if (*fate != '\0')
			json_object_set_new(params, "sessions", json_string(fate));
		return params;
	}
	return NULL;
}

static enum exit_code
run_weak_crypto(struct cli *cli)
{
	enum exit_code code;
	json_t *params = weak_crypto_params(cli);

	if (params == NULL)
		return EXIT_USAGE;
	json_t *r = ask(cli, "weak-crypto", params, &code);
	if (r == NULL)
		return code;
	if (!printed_json(cli, r)) {
		bool l2tp = strcmp(json_string_value(json_object_get(r, "protocol")), "l2tp") == 0;
		printf("%s: %s\n",
			l2tp ? "DES and MD5 for L2TP/IPsec" : "40- and 56-bit MPPE for PPTP",
			json_is_true(json_object_get(r, "allowed")) ? "allowed" : "off");
		printf("weak sessions: %" JSON_INTEGER_FORMAT "\n",
			json_integer_value(json_object_get(r, "weak_sessions")));
		if (cli->n_args > 1)
			printf(cli->given & COMMAND_REKEY ? "to be re-keyed: %" JSON_INTEGER_FORMAT
							    "\n"
							  : "dropped: %" JSON_INTEGER_FORMAT "\n",
				json_integer_value(json_object_get(r, "dropped")));
	}
	json_decref(r);
	return EXIT_OK;
}

static json_t *
describe_refusal(int i)
{
	return json_pack("{s:s, s:s, s:s}", "code", refusal_name(i), "text", refusal_text(i),
		"remedy", refusal_remedy(i));
}

/* There is no such code: is there one like it? */
static enum exit_code
no_such_code(const char *code)
{
	const char *words[REFUSAL_COUNT + 1];

	for (int i = 0; i < REFUSAL_COUNT; i++)
		words[i] = refusal_name(i);
	words[REFUSAL_COUNT] = NULL;
	const char *like = conf_nearest(code, words);
	char *clean = clean_text(code);
	fprintf(stderr, "aditctl: no refusal code \"%s\"\n", clean);
	free(clean);
	if (like != NULL)
		fprintf(stderr, "did you mean \"%s\"?\n", like);
	else
		fputs("aditctl explain lists all codes\n", stderr);
	return EXIT_REQUEST_FAILED;
}

/* As the method `explain` has it, but from our own table: also when nothing runs. */
static enum exit_code
run_explain(struct cli *cli)
{
	const char *code = cli->n_args > 0 ? cli->args[0] : NULL;
	json_t *list = json_array();

	for (int i = 0; i < REFUSAL_COUNT; i++)
		if (code == NULL || strcmp(code, refusal_name(i)) == 0)
			json_array_append_new(list, describe_refusal(i));
	if (json_array_size(list) == 0) {
		json_decref(list);
		return no_such_code(code);
	}
	json_t *r = json_pack("{s:o}", "refusals", list);
	if (!printed_json(cli, r))
		show_explain(r);
	json_decref(r);
	return EXIT_OK;
}

static enum exit_code
run_version(struct cli *cli)
{
	enum exit_code code;
	json_t *r = ask(cli, "version", NULL, &code);

	if (r == NULL)
		return code;
	if (!printed_json(cli, r))
		printf("aditctl " ADIT_VERSION
		       "\nadit-control %s, segment version %" JSON_INTEGER_FORMAT
		       ", your role: %s\n",
			json_string_value(json_object_get(r, "version")),
			json_integer_value(json_object_get(r, "segment_version")),
			json_string_value(json_object_get(r, "role")));
	json_decref(r);
	return EXIT_OK;
}

static enum exit_code
run_help(struct cli *cli)
{
	const char *names[32];
	size_t n = 0;

	if (cli->n_args == 0)
		puts("usage: aditctl [-s SOCKET] [--json] COMMAND ...\n");
	for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
		names[n++] = c->name;
		if (cli->n_args == 0)
			printf("  %-12s %s\n", c->name, c->help);
		else if (strcmp(c->name, cli->args[0]) == 0)
			return printf("usage: aditctl [-s SOCKET] [--json] %s %s\n%s\n", c->name,
				       c->synopsis, c->help),
			       EXIT_OK;
	}
	names[n] = NULL;
	if (cli->n_args > 0) {
		const char *like = conf_nearest(cli->args[0], names);
		return usage_error("no command \"%s\"%s%s%s", cli->args[0],
			like != NULL ? ": did you mean " : "", like != NULL ? like : "",
			like != NULL ? "?" : "");
	}
	puts("\n  -s, --socket SOCKET  adit-control's socket (else $ADIT_SOCKET, "
	     "else " CLIENT_DEFAULT_SOCKET ")\n"
	     "  --json               print the result as JSON (docs/rpc.md)\n"
	     "  --list WHAT          users, sessions, settings or codes, one a line, for "
	     "completion\n"
	     "  -h, --help           this text\n"
	     "  -V, --version        aditctl's version\n\n"
	     "exit codes: 0 done, 1 request failed, 2 usage, 3 gateway not reachable, 4 gateway "
	     "unhealthy");
	return EXIT_OK;
}

/* clang-format off */
const struct cli_command cli_commands[] = {
	{"status", "", "is the gateway healthy; sessions, pool, refusals", 0, 0, 0, false, run_status},
	{"sessions", "[--user U]", "list sessions", COMMAND_USER, 0, 0, false, run_sessions},
	{"session", "ID", "one session with its counters", 0, 1, 1, false, run_session},
	{"tunnels", "", "list L2TP tunnels", 0, 0, 0, false, run_tunnels},
	{"disconnect", "ID | --user U", "end a session, or all of a user", COMMAND_USER, 0, 1, false, run_disconnect},
	{"lockouts", "", "list who is locked out after failed logins", 0, 0, 0, false, run_lockouts},
	{"unlock", "[USER | ADDRESS]", "end lock-outs: of a user, from an address, or all", 0, 0, 1, false, run_unlock},
	{"stats", "[--all]", "data plane: nodes, drops, ports; --all: workers and zeros too", COMMAND_ALL, 0, 0, false, run_stats},
	{"sas", "[PEER]", "list pairs of IPsec SAs", 0, 0, 1, false, run_sas},
	{"weak-crypto", "[pptp | l2tp [on | off [--keep | --rekey | --drop]]]", "show or change whether weak algorithms are allowed",
		COMMAND_KEEP | COMMAND_DROP | COMMAND_REKEY, 0, 2, false, run_weak_crypto},
	{"show", "[PREFIX]", "settings: values, where they come from, what a change does", 0, 0, 1, false, run_show},
	{"set", "NAME VALUE ... [--keep | --rekey | --drop] [--temporary] [--force] [--if-revision N]", "set settings live, all of them or none",
		COMMAND_KEEP | COMMAND_DROP | COMMAND_REKEY | COMMAND_TEMPORARY | COMMAND_FORCE | COMMAND_REVISION, 2, 256, false, run_set},
	{"unset", "NAME ... [--keep | --rekey | --drop] [--force] [--if-revision N]", "return settings to what the file says",
		COMMAND_KEEP | COMMAND_DROP | COMMAND_REKEY | COMMAND_FORCE | COMMAND_REVISION, 1, 128, false, run_unset},
	{"reload", "[--keep | --drop]", "read the file again; --drop ends users who may no longer come", COMMAND_KEEP | COMMAND_DROP, 0, 0, false, run_reload},
	{"explain", "[CODE]", "what a refusal code means, and its remedy; needs no gateway", 0, 0, 1, true, run_explain},
	{"version", "", "versions of aditctl and adit-control", 0, 0, 0, false, run_version},
	{"help", "[COMMAND]", "this text, or a command's usage", 0, 0, 1, true, run_help},
	{NULL, NULL, NULL, 0, 0, 0, false, NULL},
};
/* clang-format on */
