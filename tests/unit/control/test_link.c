/* SPDX-License-Identifier: BSD-3-Clause */
/* The link: greetings of a data plane that lies, its death and return, what it brings along. */
#include "dataplane/api/command.h"
#include "dataplane/api/layout.h"
#include "dataplane/api/session.h"
#include "fake/linked.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ greetings */

static void
refused_with(const char *why)
{
	fake_listen(&fake);
	begin(&got_ops);
	loop_for(&loop, 60);
	assert_false(link_connected(lnk));
	assert_int_equal(got.ups, 0);
	if (!strstr(link_error(lnk), why))
		fail_msg("\"%s\" instead of \"%s\"", link_error(lnk), why);
	assert_int_equal(link_take(lnk, &got), 0);
	struct link_view view;
	assert_false(link_view(lnk, &view));
}

static void
test_absent(void **state)
{
	(void)state;
	begin(&got_ops);
	loop_for(&loop, 60);
	assert_false(link_connected(lnk));
	assert_true(strstr(link_error(lnk), "No such file") != NULL);
	struct command c = {0};
	assert_int_equal(link_command(lnk, COMMAND_GATEWAY, &c), -ENOTCONN);
	assert_int_equal(link_inject(lnk, 1, (const uint8_t *)"\xc0\x21", 2), -ENOTCONN);
	/* It comes. */
	fake_listen(&fake);
	assert_true(loop_until(&loop, link_is_connected, NULL, 2000));
	assert_int_equal(got.ups, 1);
}

/* The socket is the data plane's control.user's. */
static void
test_user_is_named(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	fake_listen(&fake);
	assert_int_equal(chmod(fake.path, 0600), 0);
	assert_int_equal(chown(fake.path, 1, (gid_t)-1), 0);
	assert_int_equal(chmod(stage_directory, 0711), 0);
	assert_int_equal(seteuid(65534), 0);
	begin(&got_ops);
	loop_for(&loop, 60);
	assert_int_equal(seteuid(0), 0);
	assert_false(link_connected(lnk));
	assert_string_equal(
		link_error(lnk), "control.user is nobody here, but daemon for the data plane");
	assert_true(logged("event=dataplane-unreachable"));
	/* It is set right. */
	assert_int_equal(chown(fake.path, 65534, (gid_t)-1), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_true(loop_until(&loop, link_is_connected, NULL, 2000));
	assert_int_equal(seteuid(0), 0);
}

static void
test_hello_version(void **state)
{
	(void)state;
	fake.hello_version = SEGMENT_VERSION + 1;
	refused_with("another version");
}

static void
test_no_descriptors(void **state)
{
	(void)state;
	fake.no_fds = true;
	refused_with("not a greeting");
}

static void
test_busy(void **state)
{
	(void)state;
	fake.busy = true;
	refused_with("another adit-control");
}

static void
test_unsealed(void **state)
{
	(void)state;
	fake.unsealed = true;
	refused_with("not sealed");
}

static void
test_truncated(void **state)
{
	(void)state;
	fake.truncated = true;
	refused_with("not what was announced");
}

static void
test_size_lie(void **state)
{
	(void)state;
	fake.size_lie = 4096;
	refused_with("not what was announced");
}

static void
test_header_version(void **state)
{
	(void)state;
	fake.header_version = 9;
	refused_with("version is another one");
}

static void
test_dimensions(void **state)
{
	(void)state;
	fake.header_workers = 33;
	refused_with("dimensions");
}

static void
test_more_workers(void **state)
{
	(void)state;
	fake.header_workers = 3;
	refused_with("dimensions");
}

static void
test_layout(void **state)
{
	(void)state;
	fake.offset_lie = 64;
	refused_with("layout is another one");
}

static void
test_magic(void **state)
{
	(void)state;
	fake_make_segment(&fake);
	fake.seg->magic = 0;
	refused_with("no header");
}

static void
test_silent(void **state)
{
	(void)state;
	fake.silent = true;
	fake_listen(&fake);
	begin(&got_ops);
	loop_for(&loop, 5200);
	assert_true(strstr(link_error(lnk), "does not answer") != NULL);
}

/* ------------------------------------------------------------------ death */

static void
test_death_and_return(void **state)
{
	(void)state;
	begin_connected(&got_ops);
	for (unsigned int i = 0; i < 10; i++) {
		add_session(&got);
		fake_die(&fake, false);
		assert_true(loop_until(&loop, link_is_down, NULL, 500));
		assert_int_equal(got.downs, i + 1);
		fake_listen(&fake);
		assert_true(loop_until(&loop, link_is_connected, NULL, 2000));
	}
	assert_int_equal(got.gone, 0);
	assert_int_equal(stats().connects, 11);
}

static void
test_orphans(void **state)
{
	(void)state;
	fake_make_segment(&fake);
	fake_entry(&fake, 3)->handle = session_handle(3, 9);
	fake_entry(&fake, 7)->handle = session_handle(8, 9); /* nonsense: another slot */
	fake_entry(&fake, 9)->handle = 9;                    /* nonsense: generation 0 */
	memset(fake_entry(&fake, 3)->user, 'x', 64);
	begin_connected(&got_ops);
	loop_for(&loop, 30);
	assert_int_equal(got.orphans, 1);
	assert_int_equal(got.gone, 1);
	assert_int_equal(stats().bad_records, 2);
	assert_int_equal(fake.commands[COMMAND_SESSION_CLOSE], 1);
}

/* A session that came from an earlier control's ring after the table was read: its slot is not lost
 * for ever. */
static void
test_stranger(void **state)
{
	(void)state;
	fake.max_sessions = 1;
	begin_connected(&got_ops);
	uint32_t h = link_take(lnk, &got);
	link_untake(lnk, h);
	fake_entry(&fake, 0)->handle = h + (100u << SESSION_SLOT_BITS);
	h = add_session(&got);
	loop_for(&loop, 30);
	assert_int_equal(got.refused, 1);
	assert_int_equal(got.error, -EBUSY);
	assert_int_equal(fake_entry(&fake, 0)->handle, 0);
	link_close(lnk, h);
	loop_for(&loop, 30);
	h = add_session(&got);
	loop_for(&loop, 30);
	assert_int_equal(got.refused, 1);
	assert_int_equal(fake_entry(&fake, 0)->handle, h);
}

/* Stopping in every state of the connection leaves nothing open. */
static void
test_free_any_time(void **state)
{
	(void)state;
	for (unsigned int ms = 0; ms < 8; ms++) {
		fake_listen(&fake);
		begin(&got_ops);
		loop_for(&loop, ms);
		link_free(lnk, link_closed);
		assert_true(loop_until(&loop, link_is_closed, NULL, 1000));
		fake_die(&fake, false);
	}
	assert_int_equal(got.downs, 0);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, link_setup, link_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_absent),
		TEST(test_user_is_named),
		TEST(test_hello_version),
		TEST(test_no_descriptors),
		TEST(test_busy),
		TEST(test_unsealed),
		TEST(test_truncated),
		TEST(test_size_lie),
		TEST(test_header_version),
		TEST(test_dimensions),
		TEST(test_more_workers),
		TEST(test_layout),
		TEST(test_magic),
		TEST(test_silent),
		TEST(test_death_and_return),
		TEST(test_orphans),
		TEST(test_stranger),
		TEST(test_free_any_time),
	};
	return STAGE_RUN(tests);
}
