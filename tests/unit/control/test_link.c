/* SPDX-License-Identifier: BSD-3-Clause */
/* The link against a data plane that lies, is slow, and dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/link.h"
#include "control/log.h"
#include "fake.h"

static uv_loop_t loop;
static struct fake fake;
static struct link *lnk;
static char path[64];

static struct {
	unsigned int ups, downs, orphans, frames, refused, seen, lost, gone;
	void *last_owner;
	int error;
	struct session_counters counters;
	size_t frame_len;
	uint64_t commands_seen;
	uint32_t order[4096];
	unsigned int n_order;
} got;

static void
on_up(void *user)
{
	(void)user;
	got.ups++;
}

static void *
on_orphan(void *user, const struct session_entry *e)
{
	(void)user;
	(void)e;
	got.orphans++;
	return &got;
}

static void
on_down(void *user, const char *why)
{
	(void)user;
	(void)why;
	got.downs++;
}

static void
on_frame(void *owner, const uint8_t *frame, size_t len)
{
	(void)frame;
	got.frames++;
	got.frame_len = len;
	got.last_owner = owner;
}

static void
on_refused(void *owner, enum command_type type, int error)
{
	(void)type;
	got.refused++;
	got.error = error;
	got.last_owner = owner;
}

static void
on_seen(void *owner)
{
	got.seen++;
	got.last_owner = owner;
}

static void
on_lost(void *owner)
{
	got.lost++;
	got.last_owner = owner;
}

static void
on_gone(void *owner, const struct session_counters *last)
{
	got.gone++;
	got.last_owner = owner;
	got.counters = *last;
}

static const struct link_ops ops = {.up = on_up,
	.orphan = on_orphan,
	.down = on_down,
	.frame = on_frame,
	.refused = on_refused,
	.peer_seen = on_seen,
	.lost_sync = on_lost,
	.gone = on_gone};

static void
silence(void *user, int level, const char *line)
{
	(void)user;
	(void)level;
	(void)line;
}

static int
setup(void **state)
{
	(void)state;
	memset(&got, 0, sizeof(got));
	uv_loop_init(&loop);
	fake_init(&fake, &loop, path);
	return 0;
}

static void
closed(void *user)
{
	(void)user;
	lnk = NULL;
}

static bool
is_closed(void *user)
{
	(void)user;
	return lnk == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	if (lnk)
		link_free(lnk, closed);
	assert_true(loop_until(&loop, is_closed, NULL, 1000));
	fake_die(&fake, false);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static bool
is_connected(void *user)
{
	(void)user;
	return link_connected(lnk);
}

static bool
is_down(void *user)
{
	(void)user;
	return !link_connected(lnk);
}

static void
begin(void)
{
	lnk = link_new(&loop, path, &ops, NULL);
	assert_non_null(lnk);
}

static void
begin_connected(void)
{
	fake_listen(&fake);
	begin();
	assert_true(loop_until(&loop, is_connected, NULL, 2000));
}

static struct link_stats
stats(void)
{
	struct link_stats s;
	link_stats(lnk, &s);
	return s;
}

/* A session that the data plane knows. */
static uint32_t
add(void *owner)
{
	uint32_t h = link_take(lnk, owner);
	assert_int_not_equal(h, 0);
	struct command c = {.handle = h,
		.add = {.server_ip = 1,
			.peer_ip = 2,
			.call_id = (uint16_t)(SESSION_SLOT(h) + 1),
			.peer_call_id = 4}};
	assert_int_equal(link_command(lnk, COMMAND_SESSION_ADD, &c), 0);
	return h;
}

/* ------------------------------------------------------------------ greetings */

static void
refused_with(const char *why)
{
	fake_listen(&fake);
	begin();
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
	begin();
	loop_for(&loop, 60);
	assert_false(link_connected(lnk));
	assert_true(strstr(link_error(lnk), "No such file") != NULL);
	struct command c = {0};
	assert_int_equal(link_command(lnk, COMMAND_GATEWAY, &c), -ENOTCONN);
	assert_int_equal(link_inject(lnk, 1, (const uint8_t *)"\xc0\x21", 2), -ENOTCONN);
	/* It comes. */
	fake_listen(&fake);
	assert_true(loop_until(&loop, is_connected, NULL, 2000));
	assert_int_equal(got.ups, 1);
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
	begin();
	loop_for(&loop, 5200);
	assert_true(strstr(link_error(lnk), "does not answer") != NULL);
}

/* ------------------------------------------------------------------ records */

/* T21: what the header says after it was checked is not looked at. */
static void
test_view_keeps_its_dimensions(void **state)
{
	struct link_view before, after;
	(void)state;
	begin_connected();
	assert_true(link_view(lnk, &before));
	fake.seg->n_workers = fake.seg->max_sessions = UINT32_MAX;
	fake.seg->worker_counters = fake.seg->node_counters = UINT64_MAX;
	assert_true(link_view(lnk, &after));
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(after.max_sessions, link_max_sessions(lnk));
}

static void
test_hostile_records(void **state)
{
	(void)state;
	int owner;
	begin_connected();
	uint32_t h = add(&owner);
	loop_for(&loop, 30);
	uint64_t bad = stats().bad_records, stale = stats().stale_records;
	struct event e = {.version = RECORD_VERSION + 1,
		.type = EVENT_SESSION_GONE,
		.length = sizeof(e),
		.handle = h};
	struct frame_record f = {.version = RECORD_VERSION, .length = 1, .handle = h};
	fake_raw_event(&fake, &e);
	e.version = RECORD_VERSION;
	e.length = sizeof(e) - 1;
	fake_raw_event(&fake, &e);
	fake_event(&fake, 0, h, 0, 0);
	fake_event(&fake, 5, h, 0, 0);
	fake_event(&fake, EVENT_ACK, h, 0, 0);
	fake_event(&fake, EVENT_ACK, h, UINT64_MAX, -1);
	fake_event(&fake, EVENT_ACK, h, COMMAND_SESSION_ADD, 1);
	fake_event(&fake, EVENT_SESSION_GONE, 0, 0, 0);
	fake_event(&fake, EVENT_LOST_SYNC, SESSION_SLOT(h), 0, 0); /* generation 0 */
	e.handle = session_handle(fake.max_sessions, 1);
	e.length = sizeof(e);
	fake_raw_event(&fake, &e);
	fake_raw_frame(&fake, &f);
	f.length = FRAME_MAX + 1;
	fake_raw_frame(&fake, &f);
	f.length = UINT16_MAX;
	fake_raw_frame(&fake, &f);
	f.length = 8;
	f.version = 0;
	fake_raw_frame(&fake, &f);
	f.version = RECORD_VERSION;
	f.handle = session_handle(SEGMENT_MAX_SESSIONS - 1, 7);
	fake_raw_frame(&fake, &f);
	loop_for(&loop, 30);
	assert_int_equal(stats().bad_records - bad, 15);
	/* Another generation, and a slot that nobody has: late, not hostile. */
	fake_event(&fake, EVENT_PEER_SEEN, h + (1u << SESSION_SLOT_BITS), 0, 0);
	f.handle = session_handle(100, 1);
	fake_raw_frame(&fake, &f);
	loop_for(&loop, 30);
	assert_int_equal(stats().stale_records - stale, 2);
	assert_int_equal(got.gone + got.frames + got.seen + got.lost + got.refused, 0);
	/* The good ones still pass. */
	f.handle = h;
	fake_raw_frame(&fake, &f);
	fake_event(&fake, EVENT_PEER_SEEN, h, 0, 0);
	fake_event(&fake, EVENT_LOST_SYNC, h, 0, 0);
	fake_event(&fake, EVENT_ACK, h, COMMAND_SESSION_LINK, -EINVAL);
	loop_for(&loop, 30);
	assert_int_equal(got.frames, 1);
	assert_int_equal(got.frame_len, 8);
	assert_int_equal(got.seen, 1);
	assert_int_equal(got.lost, 1);
	assert_int_equal(got.refused, 1);
	assert_int_equal(got.error, -EINVAL);
	assert_ptr_equal(got.last_owner, &owner);
}

/* Counters of a ring that were corrupted: nothing outside of it is touched, nothing hangs. */
static void
test_corrupt_ring(void **state)
{
	(void)state;
	begin_connected();
	add(&got);
	loop_for(&loop, 30);
	atomic_store(&fake.events.shared->head, fake.events.pos + 1000000);
	atomic_store(&fake.punts[1].shared->head, 0x80000000u);
	atomic_store(&fake.command_ring.shared->tail, 12345678);
	uint64_t one = 1;
	assert_int_equal(write(fake.event_fd, &one, sizeof(one)), sizeof(one));
	loop_for(&loop, 60);
	struct command c = {.handle = 1};
	assert_int_equal(link_command(lnk, COMMAND_SESSION_FLUSH, &c), 0);
	assert_int_equal(stats().queued, 1);
	assert_true(link_connected(lnk));
}

static void
test_slots(void **state)
{
	(void)state;
	fake.max_sessions = 4;
	begin_connected();
	uint32_t h[4];
	for (unsigned int i = 0; i < 4; i++) {
		h[i] = add(&h[i]);
		assert_int_equal(SESSION_SLOT(h[i]), i);
	}
	assert_int_equal(link_take(lnk, &got), 0);
	/* First in, first out; another generation. */
	link_close(lnk, h[2]);
	link_close(lnk, h[2]);
	loop_for(&loop, 30);
	assert_int_equal(got.gone, 1);
	assert_ptr_equal(got.last_owner, &h[2]);
	link_close(lnk, h[0]);
	loop_for(&loop, 30);
	uint32_t again = add(&got);
	assert_int_equal(SESSION_SLOT(again), 2);
	assert_int_equal(SESSION_GEN(again), SESSION_GEN(h[2]) % 4095 + 1);
	/* Untouched slots can be given back. */
	uint32_t other = link_take(lnk, &got);
	assert_int_equal(SESSION_SLOT(other), 0);
	link_untake(lnk, other);
	link_untake(lnk, 0);
	assert_int_equal(got.gone, 2);
	/* Generations wrap past 0. */
	for (unsigned int i = 0; i < 4200; i++) {
		uint32_t next = link_take(lnk, &got);
		assert_int_not_equal(SESSION_GEN(next), 0);
		link_untake(lnk, next);
		got.gone = 0;
	}
}

static bool
gone_again(void *user)
{
	(void)user;
	return got.gone == 1;
}

static void
test_close_unconfirmed(void **state)
{
	(void)state;
	begin_connected();
	uint32_t h = add(&got);
	loop_for(&loop, 20);
	fake.no_gone = true;
	link_close(lnk, h);
	loop_for(&loop, 200);
	assert_int_equal(got.gone, 0);
	/* The event was lost, the session is not there: the repeated CLOSE finds out. */
	fake_entry(&fake, SESSION_SLOT(h))->handle = 0;
	assert_true(loop_until(&loop, gone_again, NULL, 13000));
	assert_int_equal(stats().close_repeated, 1);
	assert_int_equal(stats().unconfirmed, 0);
}

/* ------------------------------------------------------------------ back-pressure */

static void
note_order(void *user, const struct command *c)
{
	(void)user;
	got.order[got.n_order++ % 4096] = c->handle;
}

static void
test_full_rings(void **state)
{
	(void)state;
	begin_connected();
	uint32_t h = add(&got);
	loop_for(&loop, 30);
	fake.deaf = true;
	fake.command = note_order;
	uint8_t frame[64] = {0xc0, 0x21};
	for (uint32_t i = 0; i < 2000; i++) {
		struct command c = {.handle = i + 1};
		assert_int_equal(link_command(lnk, COMMAND_SESSION_FLUSH, &c), 0);
	}
	assert_int_equal(stats().queued, 2000 - COMMAND_RING_CAPACITY);
	assert_int_equal(link_inject(lnk, h, frame, sizeof(frame)), 0);
	/* Behind the commands, though its own ring has room. */
	assert_int_equal(stats().queued, 2001 - COMMAND_RING_CAPACITY);
	int rc = 0;
	uint32_t n = 2000;
	for (; rc == 0 && n < 100000; n++) {
		struct command c = {.handle = n + 1};
		rc = link_command(lnk, COMMAND_SESSION_FLUSH, &c);
	}
	assert_int_equal(rc, -ENOBUFS); /* bounded, and not silent */
	assert_int_equal(stats().queue_full, 1);
	n--;
	loop_for(&loop, 50);
	assert_int_equal(got.n_order, 0);
	fake.deaf = false;
	for (unsigned int i = 0; i < 100 && got.n_order < n; i++)
		loop_for(&loop, 20);
	assert_int_equal(got.n_order, n);
	for (uint32_t i = 0; i < n && i < 4096; i++)
		assert_int_equal(got.order[i], i + 1);
	assert_int_equal(fake.frames, 1);
	assert_int_equal(stats().queued, 0);
}

static void
test_frames(void **state)
{
	(void)state;
	begin_connected();
	uint32_t h = add(&got);
	uint8_t frame[FRAME_MAX + 1] = {0xc0, 0x21};
	assert_int_equal(link_inject(lnk, h, frame, 1), -EMSGSIZE);
	assert_int_equal(link_inject(lnk, h, frame, FRAME_MAX + 1), -EMSGSIZE);
	assert_int_equal(link_inject(lnk, h, frame, FRAME_MAX), 0);
	fake.deaf = true;
	int rc = 0;
	unsigned int n = 1;
	for (; rc == 0 && n < 100000; n++)
		rc = link_inject(lnk, h, frame, 100);
	assert_int_equal(rc, -ENOBUFS);
	fake.deaf = false;
	for (unsigned int i = 0; i < 100 && fake.frames < n - 1; i++)
		loop_for(&loop, 20);
	assert_int_equal(fake.frames, n - 1);
}

/* ------------------------------------------------------------------ death */

static void
test_death_and_return(void **state)
{
	(void)state;
	begin_connected();
	for (unsigned int i = 0; i < 10; i++) {
		add(&got);
		fake_die(&fake, false);
		assert_true(loop_until(&loop, is_down, NULL, 500));
		assert_int_equal(got.downs, i + 1);
		fake_listen(&fake);
		assert_true(loop_until(&loop, is_connected, NULL, 2000));
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
	begin_connected();
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
	begin_connected();
	uint32_t h = link_take(lnk, &got);
	link_untake(lnk, h);
	fake_entry(&fake, 0)->handle = h + (100u << SESSION_SLOT_BITS);
	h = add(&got);
	loop_for(&loop, 30);
	assert_int_equal(got.refused, 1);
	assert_int_equal(got.error, -EBUSY);
	assert_int_equal(fake_entry(&fake, 0)->handle, 0);
	link_close(lnk, h);
	loop_for(&loop, 30);
	h = add(&got);
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
		begin();
		loop_for(&loop, ms);
		link_free(lnk, closed);
		assert_true(loop_until(&loop, is_closed, NULL, 1000));
		fake_die(&fake, false);
	}
	assert_int_equal(got.downs, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_absent),
		T(test_hello_version),
		T(test_no_descriptors),
		T(test_busy),
		T(test_unsealed),
		T(test_truncated),
		T(test_size_lie),
		T(test_header_version),
		T(test_dimensions),
		T(test_more_workers),
		T(test_layout),
		T(test_magic),
		T(test_silent),
		T(test_view_keeps_its_dimensions),
		T(test_hostile_records),
		T(test_corrupt_ring),
		T(test_slots),
		T(test_close_unconfirmed),
		T(test_full_rings),
		T(test_frames),
		T(test_death_and_return),
		T(test_orphans),
		T(test_stranger),
		T(test_free_any_time),
	};
	char directory[] = "/tmp/adit-link-XXXXXX";
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/dp.sock", directory);
	log_redirect(silence, NULL);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(directory);
	return rc;
}
