/* SPDX-License-Identifier: BSD-3-Clause */
/* aditctl as an operator runs it: output, exit codes, completion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/cli/commands.h"
#include "dataplane/api/counters.h"
#include "tests/unit/oper/host.h"

/* Output of the last command, standard error included. */
static char output[65536];

/* The exit code of a shell command in which "aditctl" is ours. */
static int
shell(const char *command)
{
	char line[2048];

	snprintf(line, sizeof(line), "aditctl() { \"$ADITCTL\" \"$@\"; }\n{ %s\n} 2>&1", command);
	setenv("ADIT_TEST_LINE", line, 1);
	FILE *f = popen("exec bash -c \"$ADIT_TEST_LINE\"", "r");
	assert_non_null(f);
	output[fread(output, 1, sizeof(output) - 1, f)] = '\0';
	return WEXITSTATUS(pclose(f));
}

static void
expect(const char *command, int code, const char *text)
{
	int got = shell(command);

	if (got != code || strstr(output, text) == NULL)
		fail_msg("%s: exit %d, not %d, or without \"%s\":\n%s", command, got, code, text,
			output);
}

static int
enter(void **state)
{
	struct host *h = calloc(1, sizeof(*h));

	host_start(h, 5, NULL, "", NULL);
	setenv("ADIT_SOCKET", h->path, 1);
	*state = h;
	return 0;
}

static int
leave(void **state)
{
	host_stop(*state);
	free(*state);
	return 0;
}

static void
test_status(void **state)
{
	struct host sick;

	(void)state;
	expect("aditctl status", EXIT_OK, "state         healthy\n");
	expect("aditctl status", EXIT_OK, "5 of 128 sessions");
	expect("aditctl status", EXIT_OK,
		"1 of 64 sessions, 2 tunnels (1 half open), 77 sessions since start, IPsec "
		"required");
	expect("aditctl status", EXIT_OK, "up 1d01h");
	expect("aditctl status", EXIT_OK,
		"taken over    4 sessions, 3 tunnels of an earlier adit-control; 7 ended\n");
	expect("aditctl status", EXIT_OK, "wrong-password       12  the password is wrong\n");
	host_start(&sick, 0, NULL, "the data plane is gone: start adit-dataplane", NULL);
	char command[256];
	snprintf(command, sizeof(command), "aditctl -s %s status", sick.path);
	expect(command, EXIT_UNHEALTHY,
		"state         the data plane is gone: start adit-dataplane\n");
	snprintf(command, sizeof(command), "aditctl --socket=%s --json status", sick.path);
	expect(command, EXIT_UNHEALTHY, "\"healthy\": false");
	host_stop(&sick);
}

static void
test_sessions(void **state)
{
	(void)state;
	expect("aditctl sessions", EXIT_OK,
		"ID  USER    PROTOCOL  STATE  PEER       ADDRESS    MPPE  IPSEC    AGE       UP    "
		" DOWN\n"
		" 1  alice   pptp      up     192.0.2.1  10.99.0.2  128   no     1h02m  1.5 KiB  "
		"8.0 "
		"EiB\n");
	/* Encrypted, though not by MPPE. */
	expect("aditctl sessions", EXIT_OK, "l2tp      up     192.0.2.3  10.99.0.4  none  yes ");
	expect("aditctl session 3", EXIT_OK, "11, the client's 12, UDP port 1701");
	expect("aditctl session 3", EXIT_OK, "peer 5, SPI 00100abc");
	expect("aditctl sessions", EXIT_OK, "5 sessions\n");
	expect("aditctl sessions --user BOB", EXIT_OK, "1 sessions\n");
	expect("aditctl session 2", EXIT_OK, "MPPE from client  40 bits, stateful\n");
	expect("aditctl session 2", EXIT_OK, "7 GRE packets lost");
	expect("aditctl session 2", EXIT_OK, "calls itself      CORP\\Bob\n");
	expect("aditctl session 99", EXIT_REQUEST_FAILED, "aditctl: no session 99\n");
	expect("aditctl session", EXIT_USAGE, "usage: aditctl session ID");
	expect("aditctl session two", EXIT_USAGE, "not a session ID");
	expect("aditctl session 1 2", EXIT_USAGE, "usage: aditctl session ID");
}

static void
test_tunnels(void **state)
{
	(void)state;
	expect("aditctl tunnels", EXIT_OK,
		"TUNNEL  CLIENT'S  PEER        PORT  IPSEC PEER  HOST        STATE        SESSIONS "
		" "
		"  AGE  SENT  REPEATED\n");
	expect("aditctl tunnels", EXIT_OK,
		"laptop\\x1b  established         1  1m01s     4         1\n");
	expect("aditctl tunnels", EXIT_OK, "40000  in clear                half-open");
	expect("aditctl tunnels", EXIT_OK, "2 tunnels\n");
	expect("aditctl tunnels 5", EXIT_USAGE, "usage: aditctl tunnels");
}

static void
test_lockouts(void **state)
{
	(void)state;
	expect("aditctl lockouts", EXIT_OK,
		"USER  ADDRESS       FOR                                STILL\n");
	expect("aditctl lockouts", EXIT_OK,
		"any   198.51.100.1  answers are late                   1m01s\n");
	expect("aditctl lockouts", EXIT_OK,
		"bob   any           locked out, but for own addresses     1s\n");
	expect("aditctl lockouts", EXIT_OK, "3 lock-outs\n");
	expect("aditctl unlock carol", EXIT_REQUEST_FAILED, "aditctl: no user \"carol\"\n");
	expect("aditctl unlock bob", EXIT_OK, "2 lock-outs ended\n");
	expect("aditctl unlock 198.51.100.1", EXIT_OK, "1 lock-outs ended\n");
	expect("aditctl unlock bob 198.51.100.1", EXIT_USAGE, "usage: aditctl unlock");
	expect("aditctl unlock", EXIT_OK, "3 lock-outs ended\n");
	expect("aditctl lockouts", EXIT_OK, "0 lock-outs\n");
}

/* More than one page. */
static void
test_many_sessions(void **state)
{
	struct host h;
	char command[256];

	(void)state;
	host_start(&h, 1234, NULL, "", NULL);
	snprintf(command, sizeof(command), "aditctl -s %s sessions | tail -2", h.path);
	expect(command, EXIT_OK, "user-1234");
	expect(command, EXIT_OK, "1234 sessions\n");
	host_stop(&h);
}

static void
test_json(void **state)
{
	json_error_t why;
	json_t *r;

	(void)state;
	assert_int_equal(shell("aditctl sessions --json"), EXIT_OK);
	r = json_loads(output, 0, &why);
	assert_int_equal(json_array_size(json_object_get(r, "sessions")), 5);
	json_decref(r);
	assert_int_equal(shell("aditctl --json stats --all"), EXIT_OK);
	r = json_loads(output, 0, &why);
	assert_int_equal(json_array_size(json_object_get(r, "drops")), DROP_COUNT);
	json_decref(r);
}

static void
test_disconnect(void **state)
{
	(void)state;
	expect("aditctl disconnect", EXIT_USAGE, "either");
	expect("aditctl disconnect 1 --user bob", EXIT_USAGE, "either");
	expect("aditctl disconnect 3", EXIT_OK, "1 disconnected\n");
	expect("aditctl disconnect 3", EXIT_REQUEST_FAILED, "no session 3");
	expect("aditctl disconnect --user bob", EXIT_OK, "1 disconnected\n");
	expect("aditctl disconnect --user carol", EXIT_REQUEST_FAILED, "carol");
	char who[64];
	snprintf(who, sizeof(who), "action=disconnect session=3 who=\"uid %u pid ",
		(unsigned int)getuid());
	assert_true(host_logged(*state, who));
}

static void
test_stats(void **state)
{
	(void)state;
	expect("aditctl stats", EXIT_OK,
		"classify       0     10      100      10.0           25.5\n");
	expect("aditctl stats", EXIT_OK,
		"mppe_late         11  0 + 5 6         coherency count behind\n");
	expect("aditctl stats", EXIT_OK, "packet buffers 30000 of 32768 free");
	expect("aditctl stats", EXIT_OK, "50 commands and 60 frames to the data plane");
	expect("aditctl stats", EXIT_OK, "9 invalid and 3 late records from it");
	expect("aditctl stats", EXIT_OK,
		"decisions: 41 open, 42 at most, 1000 asked: 900 accepted");
	expect("aditctl stats", EXIT_OK, "45 given up, 46 too late");
	expect("aditctl stats", EXIT_OK, "kernels: rc4-on-4 wide from 256 octets, esp avx2");
	expect("aditctl stats --all", EXIT_OK, "gre_malformed");
	expect("aditctl stats --user bob", EXIT_USAGE, "usage: aditctl stats [--all]");
}

static void
test_weak_crypto(void **state)
{
	(void)state;
	expect("aditctl weak-crypto", EXIT_OK, "MPPE for PPTP: off\nweak sessions: 1\n");
	expect("aditctl weak-crypto pptp on", EXIT_OK, "MPPE for PPTP: allowed\n");
	expect("aditctl weak-crypto pptp off --keep", EXIT_OK,
		"off\nweak sessions: 1\ndropped: 0\n");
	expect("aditctl weak-crypto pptp off --drop", EXIT_OK,
		"off\nweak sessions: 0\ndropped: 1\n");
	expect("aditctl weak-crypto pptp on --drop", EXIT_USAGE, "go with off");
	expect("aditctl weak-crypto pptp off --drop --keep", EXIT_USAGE, "exclude");
	expect("aditctl weak-crypto pptp maybe", EXIT_USAGE, "neither on nor off");
	expect("aditctl weak-crypto pptp off --rekey", EXIT_USAGE, "goes with l2tp");
	expect("aditctl weak-crypto l2tp", EXIT_OK, "MD5 for L2TP/IPsec: off\nweak sessions: 1\n");
	expect("aditctl weak-crypto l2tp on", EXIT_OK, "L2TP/IPsec: allowed\n");
	expect("aditctl weak-crypto l2tp off --rekey", EXIT_OK, "to be re-keyed: 1\n");
	expect("aditctl weak-crypto l2tp off --drop", EXIT_OK, "weak sessions: 0\ndropped: 1\n");
	expect("aditctl weak-crypto sstp", EXIT_REQUEST_FAILED, "or \"l2tp\"");
}

static void
test_explain(void **state)
{
	(void)state;
	expect("aditctl explain", EXIT_OK, "call-refused");
	expect("aditctl explain pool-empty", EXIT_OK, "remedy  enlarge the pool\n");
	expect("aditctl explain pool-emtpy", EXIT_REQUEST_FAILED, "did you mean \"pool-empty\"?");
	expect("aditctl explain xyzzy", EXIT_REQUEST_FAILED, "lists all codes");
	/* When nothing runs, above all. */
	expect("ADIT_SOCKET=/nonexistent aditctl explain dataplane-down", EXIT_OK, "remedy  ");
	expect("ADIT_SOCKET=/nonexistent aditctl --json explain pool-empty", EXIT_OK,
		"\"code\": \"pool-empty\"");
}

static void
test_help(void **state)
{
	(void)state;
	expect("aditctl version", EXIT_OK, "your role: admin");
	expect("aditctl --version", EXIT_OK, "aditctl " ADIT_VERSION "\n");
	expect("aditctl", EXIT_USAGE, "which command?");
	expect("aditctl sesions", EXIT_USAGE, "did you mean \"sessions\"?");
	expect("aditctl frobnicate", EXIT_USAGE, "aditctl help lists them");
	expect("aditctl --frobnicate", EXIT_USAGE, "aditctl help");
	for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
		char command[128];
		expect("ADIT_SOCKET=/nonexistent aditctl --help", EXIT_OK, c->help);
		snprintf(command, sizeof(command), "aditctl help %s", c->name);
		expect(command, EXIT_OK, c->synopsis);
	}
	expect("aditctl help sttaus", EXIT_USAGE, "did you mean status?");
}

static void
test_not_reachable(void **state)
{
	const struct host *h = *state;

	(void)state;
	expect("aditctl -s /nonexistent/socket status", EXIT_UNREACHABLE,
		"is adit-control running?");
	expect("aditctl -s / status", EXIT_UNREACHABLE, "nobody listens there");
	expect("aditctl -s $(printf %0200d) status", EXIT_UNREACHABLE, "1 to 107 octets");
	if (geteuid() != 0)
		return;
	/* Somebody who may not open the socket file: told who may. */
	assert_int_equal(chmod(h->path, 0660), 0);
	expect("cp $ADITCTL ${ADIT_SOCKET%/*}/aditctl && setpriv --reuid=65534 --regid=65534 "
	       "--clear-groups "
	       "${ADIT_SOCKET%/*}/aditctl status; code=$?; rm ${ADIT_SOCKET%/*}/aditctl; exit "
	       "$code",
		EXIT_UNREACHABLE, "a member of the group \"root\"");
}

/* What the shell offers for a line whose last word is to be completed. */
static void
complete(const char *words)
{
	char command[512];

	snprintf(command, sizeof(command),
		"source $ADIT_SOURCE/control/cli/aditctl.bash; COMP_WORDS=(%s); "
		"COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _aditctl; echo \" ${COMPREPLY[*]} \"",
		words);
	assert_int_equal(shell(command), 0);
}

static bool
offered(const char *word)
{
	char spaced[64];

	snprintf(spaced, sizeof(spaced), " %s ", word);
	return strstr(output, spaced) != NULL;
}

static void
test_completion_of_commands(void **state)
{
	static const char *const options[] = {"--user", "--all", "--keep", "--drop", "--rekey"};
	char words[128];

	(void)state;
	for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
		complete("aditctl ''");
		assert_true(offered(c->name));
		complete("aditctl help ''");
		assert_true(offered(c->name));
		/* Its options, and no others. */
		snprintf(words, sizeof(words), "aditctl %s %s ''", c->name,
			strcmp(c->name, "weak-crypto") == 0 ? "pptp off" : "");
		complete(words);
		for (unsigned int i = 0; i < 5; i++)
			if (offered(options[i]) != ((c->options >> i & 1) != 0))
				fail_msg("%s: completion of %s", c->name, options[i]);
	}
	complete("aditctl ''");
	unsigned int n = 0, commands = 0;
	for (const char *at = output; *at != '\0'; at++)
		n += at[0] == ' ' && at[1] >= 'a' && at[1] <= 'z';
	while (cli_commands[commands].name != NULL)
		commands++;
	assert_int_equal(n, commands); /* nothing that is no command */
}

static void
test_completion_of_arguments(void **state)
{
	(void)state;
	complete("aditctl --json sess");
	assert_string_equal(output, " sessions session \n");
	complete("aditctl session ''");
	assert_string_equal(output, " 1 2 3 4 5 \n");
	complete("aditctl disconnect --user al");
	assert_string_equal(output, " alice \n");
	complete("aditctl weak-crypto pptp o");
	assert_string_equal(output, " on off \n");
	complete("aditctl unlock ''");
	assert_string_equal(output, " 198.51.100.1 bob 198.51.100.2 \n");
	complete("aditctl explain pool");
	assert_string_equal(output, " pool-empty \n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_status),
		TEST(test_sessions),
		TEST(test_tunnels),
		TEST(test_lockouts),
		TEST(test_many_sessions),
		TEST(test_json),
		TEST(test_disconnect),
		TEST(test_stats),
		TEST(test_weak_crypto),
		TEST(test_explain),
		TEST(test_help),
		TEST(test_not_reachable),
		TEST(test_completion_of_commands),
		TEST(test_completion_of_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
