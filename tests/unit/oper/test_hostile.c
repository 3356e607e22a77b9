/* SPDX-License-Identifier: BSD-3-Clause */
/* T22: text of strangers on its way to a shell, a terminal and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/core/text.h"
#include "tests/unit/oper/fake_gateway.h"
#include "tests/unit/oper/host.h"
#include "tests/unit/oper/nasty.h"

static char output[1 << 18];
static size_t output_len;

/* Standard output and error of bash with these lines; "aditctl" is ours, "pwned" is looked for in
 * the server's directory. */
static void
bash(const struct host *h, const char *locale, const char *lines)
{
	char text[4096];

	snprintf(text, sizeof(text),
		"cd %s; export LC_ALL=%s; aditctl() { \"$ADITCTL\" \"$@\"; }\n"
		"source $ADIT_SOURCE/control/cli/aditctl.bash\n%s",
		h->dir, locale, lines);
	setenv("ADIT_TEST_LINE", text, 1);
	FILE *f = popen("exec bash -c \"$ADIT_TEST_LINE\" 2>&1", "r");
	assert_non_null(f);
	output_len = fread(output, 1, sizeof(output) - 1, f);
	output[output_len] = '\0';
	pclose(f);
	snprintf(text, sizeof(text), "%s/pwned", h->dir);
	if (access(text, F_OK) == 0) {
		unlink(text);
		fail_msg("a client's name was run by: %s", lines);
	}
}

static int
enter(void **state)
{
	struct host *h = calloc(1, sizeof(*h));

	fake_gateway_names = nasty;
	host_start(h, N_NASTY, NULL, "", NULL);
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

/* Pressing TAB runs nothing; what is offered is that name for the shell, or is left out. */
static void
test_completion_evaluates_no_name_t22(void **state)
{
	char lines[1024], want[512];

	for (unsigned int i = 0; i < N_NASTY; i++) {
		snprintf(lines, sizeof(lines),
			"COMP_WORDS=(aditctl disconnect --user \"$ADIT_TEST_CUR\"); COMP_CWORD=3; "
			"_aditctl; for w in \"${COMPREPLY[@]}\"; do eval \"set -- $w\"; "
			"printf '%%s %%s\\n' \"$#\" \"$1\"; done");
		setenv("ADIT_TEST_CUR", "", 1);
		bash(*state, i % 2 ? "C" : "C.UTF-8", lines);
		snprintf(want, sizeof(want), "1 %s\n", nasty[i]);
		bool shown = strstr(output, want) != NULL;
		text_printable(want, sizeof(want), nasty[i], SIZE_MAX, i % 2);
		if (shown != (strcmp(want, nasty[i]) == 0))
			fail_msg("\"%s\" is %soffered in\n%s", nasty[i], shown ? "" : "not ",
				output);
		/* What stands on the line already is not evaluated either. */
		setenv("ADIT_TEST_CUR", nasty[i], 1);
		bash(*state, "C.UTF-8", lines);
	}
	/* Each on its own, too: with the others a shell may only find a quote missing. */
	for (unsigned int i = 0; i < N_NASTY; i++) {
		const char *const alone[] = {nasty[i], NULL};
		struct host h;
		fake_gateway_names = alone;
		host_start(&h, 1, NULL, "", NULL);
		setenv("ADIT_SOCKET", h.path, 1);
		setenv("ADIT_TEST_CUR", "", 1);
		bash(&h, "C.UTF-8",
			"COMP_WORDS=(aditctl disconnect --user ''); COMP_CWORD=3; _aditctl");
		host_stop(&h);
	}
	setenv("ADIT_SOCKET", ((struct host *)*state)->path, 1);
	bash(*state, "C.UTF-8",
		"for words in 'sessions' 'session' 'disconnect' 'explain' 'weak-crypto' 'stats'; "
		"do "
		"COMP_WORDS=(aditctl $words ''); COMP_CWORD=2; _aditctl; done");
}

static void
assert_harmless(bool ascii)
{
	for (char *line, *rest = output; (line = strsep(&rest, "\n"));) {
		bool ok = text_is_printable(line);
		for (const char *c = line; ascii && *c; c++)
			ok &= *c >= ' ' && *c <= '~';
		if (!ok)
			fail_msg("a terminal obeys \"%s\"", line);
	}
}

static void
test_nothing_obeyed_by_a_terminal_t22(void **state)
{
	static const char *const commands[] = {"aditctl sessions", "aditctl --json sessions",
		"aditctl tunnels", "aditctl --list users",
		"for i in {1..40}; do aditctl session $i; done",
		"aditctl sessions --user \"$ADIT_TEST_CUR\"",
		"aditctl disconnect --user \"$ADIT_TEST_CUR$ADIT_TEST_CUR\"",
		"aditctl explain \"$ADIT_TEST_CUR\"", "aditctl session \"$ADIT_TEST_CUR\"",
		"aditctl \"a$ADIT_TEST_CUR\"", "aditctl help \"$ADIT_TEST_CUR\"",
		"aditctl weak-crypto \"$ADIT_TEST_CUR\"",
		"aditctl weak-crypto pptp \"$ADIT_TEST_CUR\""};

	for (unsigned int i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		for (unsigned int k = 0; k < (i < 5 ? 1 : N_NASTY); k++) {
			setenv("ADIT_TEST_CUR", nasty[k], 1);
			bash(*state, "C.UTF-8", commands[i]);
			/* Octets from 128 on are C1 for a terminal that is not UTF-8's. */
			assert_harmless(i == 1);
			if (i >= 5 && k % 8)
				continue;
			bash(*state, "C", commands[i]);
			assert_harmless(true);
		}
	bash(*state, "C.UTF-8", "aditctl sessions");
	assert_non_null(strstr(output, "M\xc3\xbcller \xe5\xb1\xb1\xe7\x94\xb0"));
	assert_non_null(strstr(output, "a\\x0aevent=audit"));
}

/* JSON: always well-formed, whatever the octets. */
static void
test_answers_are_json_t22(void **state)
{
	int fd = host_connect(*state);
	const json_t *list, *s;
	size_t i;

	host_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sessions\","
		      "\"params\":{\"limit\":500}}\n");
	json_t *r = host_receive(fd);
	list = json_object_get(json_object_get(r, "result"), "sessions");
	assert_int_equal(json_array_size(list), N_NASTY);
	json_array_foreach(list, i, s)
	{
		const char *user = json_string_value(json_object_get(s, "user"));
		assert_true(text_is_printable(user));
		if (text_is_printable(nasty[i]))
			assert_string_equal(user, nasty[i]);
		else
			assert_non_null(strstr(user, "\\x"));
	}
	json_decref(r);
	close(fd);
}

static void
test_text_printable(void **state)
{
	char out[1024], again[1024], small[8];

	(void)state;
	for (unsigned int i = 0; i < N_NASTY; i++) {
		size_t n = text_printable(out, sizeof(out), nasty[i], SIZE_MAX, false);
		assert_int_equal(n, strlen(out));
		assert_true(text_is_printable(out));
		text_printable(again, sizeof(again), out, SIZE_MAX, false);
		assert_string_equal(out, again);
		text_printable(out, sizeof(out), nasty[i], SIZE_MAX, true);
		for (const char *c = out; *c; c++)
			assert_in_range(*c, ' ', '~');
		/* Cut between characters. */
		for (size_t size = 1; size <= sizeof(small); size++) {
			assert_true(text_printable(small, size, nasty[i], SIZE_MAX, false) < size);
			assert_true(text_is_printable(small));
		}
	}
	text_printable(out, sizeof(out), "a\x1b\xc3\xa9\xff", SIZE_MAX, false);
	assert_string_equal(out, "a\\x1b\xc3\xa9\\xff");
	text_printable(out, sizeof(out), "abc", 2, false);
	assert_string_equal(out, "ab");
	assert_int_equal(text_width("\xe5\xb1\xb1\xc3\xa9x"), 4);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_printable),
		TEST(test_completion_evaluates_no_name_t22),
		TEST(test_nothing_obeyed_by_a_terminal_t22),
		TEST(test_answers_are_json_t22),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
