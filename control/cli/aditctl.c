/* SPDX-License-Identifier: BSD-3-Clause */
/* aditctl: the operator's command line, a client of adit-control's socket like any other. */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/cli/commands.h"
#include "dataplane/api/conf_text.h"

static const struct cli_command *
find_command(const char *name)
{
	const char *names[32];
	size_t n = 0;

	for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
		names[n++] = c->name;
	}
	names[n] = NULL;
	const char *like = conf_nearest(name, names);
	if (like != NULL)
		usage_error("no command \"%s\": did you mean \"%s\"?", name, like);
	else
		usage_error("no command \"%s\": aditctl help lists them", name);
	return NULL;
}

/* Options, wherever they stand.  -1: go on; else an exit code. */
static int
parse_options(int argc, char **argv, struct cli *cli, bool *help)
{
	static int flag; /* of enum command_option, where getopt_long() gives 0 */
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{"user", required_argument, NULL, 'u'},
		{"all", no_argument, &flag, COMMAND_ALL},
		{"keep", no_argument, &flag, COMMAND_KEEP},
		{"drop", no_argument, &flag, COMMAND_DROP},
		{"rekey", no_argument, &flag, COMMAND_REKEY},
		{"temporary", no_argument, &flag, COMMAND_TEMPORARY},
		{"force", no_argument, &flag, COMMAND_FORCE},
		{"if-revision", required_argument, NULL, 'n'},
		{"list", required_argument, NULL, 'l'},
		{NULL, 0, NULL, 0},
	};
	int o;

	while ((o = getopt_long(argc, argv, "s:hV", options, NULL)) != -1)
		switch (o) {
		case 's':
			cli->socket = optarg;
			break;
		case 'j':
			cli->json = true;
			break;
		case 'h':
			*help = true;
			break;
		case 'V':
			puts("aditctl " ADIT_VERSION);
			return EXIT_OK;
		case 'u':
			cli->user = optarg;
			cli->given |= COMMAND_USER;
			break;
		case 'n':
			cli->revision = optarg;
			cli->given |= COMMAND_REVISION;
			break;
		case 'l':
			cli->list = optarg;
			break;
		case 0:
			cli->given |= (unsigned int)flag;
			break;
		default:
			return usage_error("aditctl help tells what there is");
		}
	return -1;
}

static enum exit_code
run(const struct cli_command *c, struct cli *cli)
{
	if ((cli->given & ~c->options) != 0 || cli->n_args < c->min_args ||
		cli->n_args > c->max_args)
		return usage_error("usage: aditctl %s %s", c->name, c->synopsis);
	if (c->local)
		return c->run(cli);
	cli->fd = client_connect(cli->socket);
	if (cli->fd < 0)
		return EXIT_UNREACHABLE;
	enum exit_code code = c->run(cli);
	close(cli->fd);
	return code;
}

int
main(int argc, char **argv)
{
	const char *from_environment = getenv("ADIT_SOCKET");
	struct cli cli = {.socket = CLIENT_DEFAULT_SOCKET, .fd = -1};
	bool help = false;

	if (from_environment != NULL && from_environment[0] != '\0')
		cli.socket = from_environment;
	setlocale(LC_CTYPE, "");
	int code = parse_options(argc, argv, &cli, &help);
	if (code >= 0)
		return code;
	if (cli.list != NULL)
		return run_list_words(&cli, cli.list);
	if (optind == argc && !help) {
		return usage_error("which command? aditctl help lists them");
	}
	const struct cli_command *c = find_command(optind < argc && !help ? argv[optind] : "help");
	if (c == NULL)
		return EXIT_USAGE;
	cli.args = argv + optind + !help;
	cli.n_args = argc - optind - !help;
	code = run(c, &cli);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("aditctl: standard output");
		return EXIT_REQUEST_FAILED;
	}
	return code;
}
