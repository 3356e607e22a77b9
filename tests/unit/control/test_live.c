/* SPDX-License-Identifier: BSD-3-Clause */
/* The file is read again, and listeners come and go, while PPTP clients are connected. */
#include "fake/dial.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALICE "{ name = \"alice\"; password = \"pw-alice\"; dial_in = \"allow\"; }"
#define CAROL                                                                            \
	"{ name = \"carol\"; password = \"pw-carol\"; dial_in = \"allow\"; static_ip = " \
	"\"10.9.0.77\"; }"
#define DAVE "{ name = \"dave\"; password = \"pw-dave\"; dial_in = \"allow\"; }"

/* What dial_stage() wrote. */
static char file[1024];

static void
remember(struct config *c)
{
	snprintf(file, sizeof(file),
		"pptp: { enabled = true; listen = [ \"127.0.0.1\" ]; port = %u;\n"
		"  max_sessions = 200; max_connections_per_address = 300; };\n"
		"ppp: { auth_retries = 0; };\n",
		c->pptp_port);
}

static int
enter(void **state)
{
	(void)state;
	dial_stage("", remember);
	return 0;
}

/* Somebody listens there. */
static bool
is_open(const char *address)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(cfg->pptp_port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	inet_pton(AF_INET, address, &sa.sin_addr);
	bool open = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
	close(fd);
	loop_for(&loop, 20);
	return open;
}

static bool
refused(const char *name, const char *value, const char *why)
{
	static struct settings_result r;
	const struct settings_value v = {name, value};
	const struct settings_change c = {.values = &v, .n = 1, .who = "root", .temporary = true};
	bool ok = !settings_change(live, &c, &r) && strstr(r.why, why);
	if (!ok)
		print_error("%s = %s: %s\n", name, value, r.why);
	return ok;
}

/* ------------------------------------------------------------------ users */

static bool
only_dave(void *user)
{
	(void)user;
	return strcmp(first_session().user, "dave") == 0;
}

/* T26: who is no longer there, or may no longer come, ends with --drop; the others, and what they
 * have, are not touched. */
static void
test_drop_ends_who_may_not_come(void **state)
{
	(void)state;
	struct client *alice = dial_up(0, "alice", "pw-alice"),
		      *again = dial_up(1, "DOMAIN\\Alice", "pw-alice"),
		      *carol = dial_up(2, "carol", "pw-carol");
	assert_int_equal(carrier("pptp").sessions, 3);
	/* Kept, though she is gone; her next login is not. */
	assert_true(reload_with(file, ALICE, FATE_KEEP));
	loop_for(&loop, 200);
	assert_int_equal(carrier("pptp").sessions, 3);
	assert_true(client_is_up(carol));
	assert_true(logged("event=users-changed added=0 removed=2 changed=0 sessions_ended=0"));
	client_end(carol);
	carol = dial(2, "carol", "pw-carol");
	assert_true(loop_until(&loop, client_over, carol, 8000));
	assert_int_equal(status().refusals[REFUSAL_UNKNOWN_USER], 1);
	client_end(carol);
	/* She is back, and denied, with --drop. */
	assert_true(reload_with(file, ALICE "," CAROL, FATE_KEEP));
	carol = dial_up(3, "carol", "pw-carol");
	assert_int_equal(carrier("pptp").sessions, 3);
	assert_true(reload_with(file,
		ALICE ", { name = \"CAROL\"; password = \"pw-carol\"; dial_in = \"deny\"; }," DAVE,
		FATE_DROP));
	assert_true(loop_until(&loop, client_over, carol, 8000));
	assert_int_equal(carrier("pptp").sessions, 2);
	assert_true(client_is_up(alice) && client_is_up(again));
	dial_up(4, "dave", "pw-dave");
	/* Both of hers, under whatever name she came. */
	assert_true(reload_with(file, DAVE, FATE_DROP));
	assert_true(loop_until(&loop, client_over, alice, 8000));
	assert_true(loop_until(&loop, client_over, again, 8000));
	assert_int_equal(carrier("pptp").sessions, 1);
	assert_true(loop_until(&loop, only_dave, NULL, 8000));
}

/* Nothing that is wrong ends anybody. */
static void
test_refused_reload_ends_nobody(void **state)
{
	(void)state;
	char wrong[sizeof(file) + 64];
	struct client *alice = dial_up(0, "alice", "pw-alice");
	snprintf(wrong, sizeof(wrong), "%smppe: { policy = \"maybe\"; };\n", file);
	assert_false(reload_with(wrong, DAVE, FATE_DROP));
	assert_false(reload_with(file, ALICE "," ALICE, FATE_DROP));
	assert_false(reload_with(file, "{ name = \"dave\"; }", FATE_DROP));
	/* Everything is right but the listener, which is tried first. */
	snprintf(wrong, sizeof(wrong),
		"pptp: { enabled = true; listen = [ \"127.0.0.1\", \"0.0.0.0\" ]; port = %u; };\n",
		cfg->pptp_port);
	assert_false(reload_with(wrong, DAVE, FATE_DROP));
	loop_for(&loop, 200);
	assert_true(client_is_up(alice));
	assert_int_equal(carrier("pptp").sessions, 1);
	assert_int_equal(cfg->pptp_max_sessions, 200);
	dial_up(1, "alice", "pw-alice");
}

/* A file with another password and fewer ports, and who is up goes on. */
static void
test_reload_of_a_changed_user(void **state)
{
	(void)state;
	struct client *alice = dial_up(0, "alice", "pw-alice");
	assert_true(reload_with(file,
		"{ name = \"alice\"; password = \"pw-changed\"; dial_in = \"allow\"; }",
		FATE_DROP));
	assert_true(logged("removed=2 changed=1 sessions_ended=0"));
	struct client *again = dial(1, "alice", "pw-alice");
	assert_true(loop_until(&loop, client_over, again, 8000));
	assert_int_equal(status().refusals[REFUSAL_WRONG_PASSWORD], 1);
	dial_up(2, "alice", "pw-changed");
	assert_true(client_is_up(alice));
}

/* ------------------------------------------------------------------ listeners */

/* R3, R4: nothing listens where PPTP is off; who is connected goes on. */
static void
test_listeners_come_and_go(void **state)
{
	(void)state;
	struct client *alice = dial_up(0, "alice", "pw-alice");
	assert_true(is_open("127.0.0.1") && !is_open("127.0.0.2"));
	set_live("pptp.listen", "127.0.0.2,127.0.0.3", FATE_KEEP);
	assert_false(is_open("127.0.0.1"));
	assert_true(is_open("127.0.0.2") && is_open("127.0.0.3"));
	assert_true(logged("event=not-listening protocol=pptp address=127.0.0.1"));
	set_live("pptp.listen", "127.0.0.3,127.0.0.1", FATE_KEEP);
	assert_true(is_open("127.0.0.1") && !is_open("127.0.0.2") && is_open("127.0.0.3"));
	set_live("pptp.enabled", "false", FATE_KEEP);
	assert_false(is_open("127.0.0.1") || is_open("127.0.0.3"));
	/* The data plane still lets those through who are connected. */
	assert_true(client_is_up(alice));
	assert_int_equal(fake.last[COMMAND_GATEWAY].gateway.pptp, 1);
	client_end(alice);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	loop_for(&loop, 50);
	assert_int_equal(fake.last[COMMAND_GATEWAY].gateway.pptp, 0);
	set_live("pptp.enabled", "true", FATE_KEEP);
	loop_for(&loop, 20);
	assert_int_equal(fake.last[COMMAND_GATEWAY].gateway.pptp, 1);
	dial_up(1, "alice", "pw-alice");
	/* 0 ports are none, too. */
	set_live("pptp.max_sessions", "0", FATE_KEEP);
	assert_false(is_open("127.0.0.1"));
	set_live("pptp.max_sessions", "10", FATE_KEEP);
	assert_true(is_open("127.0.0.1"));
}

/* Somebody has the port: nothing changes, and what was bound meanwhile is given back. */
static void
test_listener_taken(void **state)
{
	(void)state;
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(cfg->pptp_port)};
	int taken = socket(AF_INET, SOCK_STREAM, 0);
	inet_pton(AF_INET, "127.0.0.9", &sa.sin_addr);
	assert_int_equal(bind(taken, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(taken, 1), 0);
	assert_true(refused("pptp.listen", "127.0.0.8,127.0.0.9", "can't listen on 127.0.0.9"));
	assert_true(is_open("127.0.0.1"));
	assert_false(is_open("127.0.0.8"));
	assert_true(refused("pptp.listen", "127.0.0.1,0.0.0.0", "has to be started again"));
	close(taken);
	set_live("pptp.listen", "127.0.0.8,127.0.0.9", FATE_KEEP);
	assert_true(is_open("127.0.0.8") && is_open("127.0.0.9") && !is_open("127.0.0.1"));
}

/* As often as somebody likes: no descriptor is left over. */
static void
test_listeners_leak_nothing(void **state)
{
	(void)state;
	int before = dup(0), after;
	close(before);
	for (unsigned int i = 0; i < 100; i++) {
		set_live("pptp.listen", i % 2 ? "127.0.0.1" : "127.0.0.2,127.0.0.3", FATE_KEEP);
		set_live("pptp.enabled", i % 3 ? "true" : "false", FATE_KEEP);
		assert_true(i % 3 == 0 || refused("pptp.listen", "127.0.0.4,0.0.0.0", "listen"));
		loop_for(&loop, 1);
	}
	set_live("pptp.enabled", "true", FATE_KEEP);
	set_live("pptp.listen", "127.0.0.1", FATE_KEEP);
	loop_for(&loop, 20);
	after = dup(0);
	close(after);
	assert_in_range(after, 0, before + 1);
	dial_up(0, "alice", "pw-alice");
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, enter, dial_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_drop_ends_who_may_not_come),
		TEST(test_refused_reload_ends_nobody),
		TEST(test_reload_of_a_changed_user),
		TEST(test_listeners_come_and_go),
		TEST(test_listener_taken),
		TEST(test_listeners_leak_nothing),
	};
	return STAGE_RUN(tests);
}
