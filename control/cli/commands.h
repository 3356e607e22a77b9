/* SPDX-License-Identifier: BSD-3-Clause */
/* aditctl's commands: one table for dispatch, help and (held against it by a test) completion. */
#ifndef ADIT_CONTROL_CLI_COMMANDS_H
#define ADIT_CONTROL_CLI_COMMANDS_H

#include <stdbool.h>

#include "control/cli/client.h"

/* Options besides the general ones, a bit mask; commands.c's users print them. */
enum command_option {
	COMMAND_USER = 1 << 0,      /* --user U */
	COMMAND_ALL = 1 << 1,       /* --all */
	COMMAND_KEEP = 1 << 2,      /* --keep */
	COMMAND_DROP = 1 << 3,      /* --drop */
	COMMAND_REKEY = 1 << 4,     /* --rekey */
	COMMAND_TEMPORARY = 1 << 5, /* --temporary */
	COMMAND_FORCE = 1 << 6,     /* --force */
	COMMAND_REVISION = 1 << 7,  /* --if-revision N */
};

/* A command line, taken apart. */
struct cli {
	const char *socket;
	bool json;
	unsigned int given;   /* mask of enum command_option */
	const char *user;     /* --user */
	const char *revision; /* --if-revision */
	int n_args;           /* behind the command */
	char **args;
	int fd;           /* connected, unless the command is local */
	const char *list; /* --list: words for completion instead of a command; NULL: none */
};

struct cli_command {
	const char *name;
	const char *synopsis; /* what may follow the name */
	const char *help;     /* one line */
	unsigned int options; /* allowed */
	int min_args, max_args;
	bool local; /* needs no gateway */
	enum exit_code (*run)(struct cli *cli);
};

/* Ends with a NULL name. */
extern const struct cli_command cli_commands[];

/* Message and EXIT_USAGE. */
enum exit_code usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* settings.c */
enum exit_code run_show(struct cli *cli);
enum exit_code run_set(struct cli *cli);
enum exit_code run_unset(struct cli *cli);
enum exit_code run_reload(struct cli *cli);

/* With --json: the result, and true. */
bool printed_json(const struct cli *cli, json_t *result);
/* Of --keep, --rekey, --drop: "" for none, NULL after a message when there are several. */
const char *given_fate(const struct cli *cli);

/* list.c: --list WHAT. */
enum exit_code run_list_words(struct cli *cli, const char *what);

/* show.c: the results for people. */
void show_status(const json_t *result);
void show_sessions(const json_t *result);
void show_session(const json_t *result);
void show_sas(const json_t *result);
void show_tunnels(const json_t *result);
void show_lockouts(const json_t *result);
void show_stats(const json_t *result, bool all);
void show_explain(const json_t *result);

#endif
