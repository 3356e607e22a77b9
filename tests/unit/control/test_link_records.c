/* SPDX-License-Identifier: BSD-3-Clause */
/* The link: records of a data plane that lies or is slow, slots, and rings that are full. */
#include "dataplane/api/command_ring.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/session.h"
#include "fake/linked.h"

#include <errno.h>
#include <unistd.h>

/* ------------------------------------------------------------------ records */

/* T21: what the header says after it was checked is not looked at. */
static void
test_view_keeps_its_dimensions(void **state)
{
	struct link_view before, after;
	(void)state;
	begin_connected(&got_ops);
	assert_true(link_view(lnk, &before));
	fake.seg->n_workers = fake.seg->max_sessions = UINT32_MAX;
	fake.seg->worker_counters = fake.seg->node_counters = UINT64_MAX;
	assert_true(link_view(lnk, &after));
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(after.max_sessions, link_max_sessions(lnk));
}

/* Long because it has a record of each kind. */
static void
test_hostile_records(void **state)
{
	(void)state;
	int owner;
	begin_connected(&got_ops);
	uint32_t h = add_session(&owner);
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
	begin_connected(&got_ops);
	add_session(&got);
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
	begin_connected(&got_ops);
	uint32_t h[4];
	for (unsigned int i = 0; i < 4; i++) {
		h[i] = add_session(&h[i]);
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
	uint32_t again = add_session(&got);
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
	begin_connected(&got_ops);
	uint32_t h = add_session(&got);
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

static uint32_t order[8192];
static unsigned int n_order;

static void
note_order(void *user, const struct command *c)
{
	(void)user;
	order[n_order++ % 8192] = c->handle;
}

static void
test_full_rings(void **state)
{
	(void)state;
	begin_connected(&got_ops);
	uint32_t h = add_session(&got);
	loop_for(&loop, 30);
	fake.deaf = true;
	fake.command = note_order;
	uint8_t frame[64] = {0xc0, 0x21};
	for (uint32_t i = 0; i < 5000; i++) {
		struct command c = {.handle = i + 1};
		assert_int_equal(link_command(lnk, COMMAND_SESSION_FLUSH, &c), 0);
	}
	assert_int_equal(stats().queued, 5000 - COMMAND_RING_CELLS);
	assert_int_equal(link_inject(lnk, h, frame, sizeof(frame)), 0);
	/* Behind the commands, though its own ring has room. */
	assert_int_equal(stats().queued, 5001 - COMMAND_RING_CELLS);
	int rc = 0;
	uint32_t n = 5000;
	for (; rc == 0 && n < 100000; n++) {
		struct command c = {.handle = n + 1};
		rc = link_command(lnk, COMMAND_SESSION_FLUSH, &c);
	}
	assert_int_equal(rc, -ENOBUFS); /* bounded, and not silent */
	assert_int_equal(stats().queue_full, 1);
	n--;
	loop_for(&loop, 50);
	assert_int_equal(n_order, 0);
	fake.deaf = false;
	for (unsigned int i = 0; i < 100 && n_order < n; i++)
		loop_for(&loop, 20);
	assert_int_equal(n_order, n);
	for (uint32_t i = 0; i < n && i < 8192; i++)
		assert_int_equal(order[i], i + 1);
	assert_int_equal(fake.frames, 1);
	assert_int_equal(stats().queued, 0);
}

static void
test_frames(void **state)
{
	(void)state;
	begin_connected(&got_ops);
	uint32_t h = add_session(&got);
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

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, link_setup, link_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_view_keeps_its_dimensions),
		TEST(test_hostile_records),
		TEST(test_corrupt_ring),
		TEST(test_slots),
		TEST(test_close_unconfirmed),
		TEST(test_full_rings),
		TEST(test_frames),
	};
	return STAGE_RUN(tests);
}
