/* SPDX-License-Identifier: BSD-3-Clause */
/* Words for completion, one a line.  A name that could do anything to a terminal is left out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/commands.h"
#include "control/cli/table.h"
#include "control/core/refusal.h"

static enum exit_code
list_codes(void)
{
	for (int i = 0; i < REFUSAL_COUNT; i++)
		puts(refusal_name(i));
	return EXIT_OK;
}

static bool
is_harmless(const char *name)
{
	char *clean = clean_text(name);
	bool same = name[0] != '\0' && strcmp(clean, name) == 0;

	free(clean);
	return same;
}

static bool
seen_before(const json_t *list, size_t n, const char *user)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(json_string_value(json_object_get(json_array_get(list, i), "user")),
			    user) == 0)
			return true;
	return false;
}

/* What `unlock` may be given. */
static enum exit_code
list_lockouts(struct cli *cli)
{
	enum exit_code code;
	const json_t *list, *l;
	size_t i;
	json_t *r = client_request(cli->fd, "lockouts", json_pack("{s:i}", "limit", 500), &code);

	if (r == NULL)
		return code;
	list = json_object_get(r, "lockouts");
	json_array_foreach(list, i, l)
	{
		const char *user = json_string_value(json_object_get(l, "user"));
		const char *address = json_string_value(json_object_get(l, "address"));

		if (user != NULL && is_harmless(user) && !seen_before(list, i, user))
			puts(user);
		if (address != NULL && *address != '\0')
			puts(address);
	}
	json_decref(r);
	return EXIT_OK;
}

/* Names of settings. */
static enum exit_code
list_settings(struct cli *cli, bool settable)
{
	enum exit_code code;
	const json_t *list, *s;
	size_t i;
	json_t *r = client_request(cli->fd, "settings.show", json_object(), &code);

	if (r == NULL)
		return code;
	list = json_object_get(r, "settings");
	json_array_foreach(
		(json_t *)list, i, s) if (!settable || json_is_true(json_object_get(s, "settable")))
		puts(json_string_value(json_object_get(s, "name")));
	json_decref(r);
	return EXIT_OK;
}

enum exit_code
run_list_words(struct cli *cli, const char *what)
{
	enum exit_code code;
	const json_t *list, *s;
	size_t i;

	if (strcmp(what, "codes") == 0)
		return list_codes();
	bool lockouts = strcmp(what, "lockouts") == 0, settings = strcmp(what, "settings") == 0;
	if (!lockouts && !settings && strcmp(what, "settable") != 0 && strcmp(what, "users") != 0 &&
		strcmp(what, "sessions") != 0)
		return usage_error(
			"--list takes users, sessions, lockouts, settings, settable or codes");
	cli->fd = client_connect(cli->socket);
	if (cli->fd < 0)
		return EXIT_UNREACHABLE;
	if (lockouts)
		return list_lockouts(cli);
	if (settings || strcmp(what, "settable") == 0)
		return list_settings(cli, !settings);
	/* One page: more is not read by anybody who presses a key. */
	json_t *r = client_request(cli->fd, "sessions", json_pack("{s:i}", "limit", 500), &code);
	if (r == NULL)
		return code;
	list = json_object_get(r, "sessions");
	json_array_foreach(list, i, s)
	{
		const char *user = json_string_value(json_object_get(s, "user"));
		if (what[0] == 's')
			printf("%" JSON_INTEGER_FORMAT "\n",
				json_integer_value(json_object_get(s, "id")));
		else if (user != NULL && is_harmless(user) && !seen_before(list, i, user))
			puts(user);
	}
	json_decref(r);
	return EXIT_OK;
}
