/* SPDX-License-Identifier: BSD-3-Clause */
/* show, set, unset, reload. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/commands.h"
#include "control/cli/table.h"

const char *
given_fate(const struct cli *cli)
{
	unsigned int fate = cli->given & (COMMAND_KEEP | COMMAND_DROP | COMMAND_REKEY);

	if ((fate & (fate - 1)) != 0) {
		usage_error("--keep, --rekey and --drop exclude each other");
		return NULL;
	}
	return fate == COMMAND_DROP ? "drop" : fate == COMMAND_REKEY ? "rekey" : fate ? "keep" : "";
}

static const char *
text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

/* ------------------------------------------------------------------ show */

static const char *
flags_of(const json_t *s)
{
	if (json_is_true(json_object_get(s, "pending")))
		return "not yet: after-restart";
	return text_of(s, "effect");
}

/* One: everything that there is to say of it. */
static void
show_one(const json_t *s)
{
	static const char *const fields[] = {
		"name", "value", "default", "from", "unit", "type", "effect", "text", NULL};
	struct table *t = table_new("|");

	for (const char *const *f = fields; *f != NULL; f++)
		if (*text_of(s, *f) != '\0')
			table_row(t, *f, text_of(s, *f));
	table_row(t, "settable",
		json_is_true(json_object_get(s, "settable")) ? "yes" : "no, in the file only");
	if (json_is_true(json_object_get(s, "pending")))
		table_row(t, "pending", "yes: adit-control has to be started again");
	table_print(t);
}

static void
show_all(const json_t *list)
{
	struct table *t = table_new("SETTING|VALUE|UNIT|DEFAULT|FROM|CHANGE");
	const json_t *s;
	size_t i;

	json_array_foreach((json_t *)list, i, s)
		table_row(t, text_of(s, "name"), text_of(s, "value"), text_of(s, "unit"),
			text_of(s, "default"), text_of(s, "from"), flags_of(s));
	table_print(t);
}

enum exit_code
run_show(struct cli *cli)
{
	json_t *params = json_object();
	enum exit_code code;

	if (cli->n_args > 0)
		json_object_set_new(params, "prefix", json_string(cli->args[0]));
	json_t *r = client_request(cli->fd, "settings.show", params, &code);
	if (r == NULL)
		return code;
	const json_t *list = json_object_get(r, "settings");
	if (printed_json(cli, r)) {
		json_decref(r);
		return EXIT_OK;
	}
	if (json_array_size(list) == 1)
		show_one(json_array_get(list, 0));
	else
		show_all(list);
	printf("revision %" JSON_INTEGER_FORMAT "\n",
		json_integer_value(json_object_get(r, "revision")));
	json_decref(r);
	return EXIT_OK;
}

/* ------------------------------------------------------------------ changes */

static void
print_names(const json_t *r, const char *field, const char *before)
{
	const json_t *list = json_object_get(r, field), *name;
	size_t i;

	json_array_foreach((json_t *)list, i, name) printf("%s%s%s", i ? ", " : before,
		json_string_value(name), i + 1 == json_array_size(list) ? "\n" : "");
}

static enum exit_code
change(struct cli *cli, const char *method, json_t *params)
{
	const char *fate = given_fate(cli);
	enum exit_code code;
	char *end;

	if (fate == NULL) {
		json_decref(params);
		return EXIT_USAGE;
	}
	if (*fate != '\0')
		json_object_set_new(params, "sessions", json_string(fate));
	if (cli->given & COMMAND_FORCE)
		json_object_set_new(params, "force", json_true());
	if (cli->given & COMMAND_TEMPORARY)
		json_object_set_new(params, "temporary", json_true());
	if (cli->given & COMMAND_REVISION) {
		errno = 0;
		long long n = strtoll(cli->revision, &end, 10);
		if (end == cli->revision || *end != '\0' || n < 0 || errno != 0) {
			json_decref(params);
			return usage_error(
				"\"%s\" is no revision: aditctl show ends with it", cli->revision);
		}
		json_object_set_new(params, "if_revision", json_integer(n));
	}
	json_t *r = client_request(cli->fd, method, params, &code);
	if (r == NULL)
		return code;
	if (!printed_json(cli, r)) {
		print_names(r, "applied", "applied: ");
		print_names(r, "after_restart", "after a restart of adit-control: ");
		if (*fate != '\0')
			printf("sessions or SAs concerned: %" JSON_INTEGER_FORMAT "\n",
				json_integer_value(json_object_get(r, "concerned")));
		printf("revision %" JSON_INTEGER_FORMAT "\n",
			json_integer_value(json_object_get(r, "revision")));
	}
	json_decref(r);
	return EXIT_OK;
}

enum exit_code
run_set(struct cli *cli)
{
	json_t *values = json_object();

	if (cli->n_args % 2 != 0) {
		json_decref(values);
		return usage_error("set takes pairs of a name and a value");
	}
	for (int i = 0; i < cli->n_args; i += 2) {
		if (json_object_get(values, cli->args[i]) == NULL &&
			json_object_set_new(values, cli->args[i], json_string(cli->args[i + 1])) ==
				0)
			continue;
		json_decref(values);
		return usage_error("%s: given twice, or not in UTF-8", cli->args[i]);
	}
	return change(cli, "settings.set", json_pack("{s:o}", "settings", values));
}

enum exit_code
run_unset(struct cli *cli)
{
	json_t *names = json_array();

	for (int i = 0; i < cli->n_args; i++)
		json_array_append_new(names, json_string(cli->args[i]));
	return change(cli, "settings.unset", json_pack("{s:o}", "names", names));
}

enum exit_code
run_reload(struct cli *cli)
{
	return change(cli, "settings.reload", json_object());
}
