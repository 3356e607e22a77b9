/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs of SAs on the link, and L2TP control messages, against a data plane that lies and dies. */
#include "dataplane/api/command.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"
#include "fake/linked.h"

#include <errno.h>
#include <string.h>

static struct {
	unsigned int orphans, expired, mappings, gone, frames, done;
	bool refuse_orphans;
	void *last_owner;
	enum command_type type;
	int error;
	enum sa_expiry which;
	struct sa_outer from, elsewhere;
	struct sa_entry orphan;
	struct sa_counters counters;
	uint32_t sa;
	size_t len;
	uint8_t first;
	/* What the peer gets. */
	unsigned int sent;
	uint32_t sent_sa;
	struct sa_outer sent_inner;
	size_t sent_len;
} seen;

static void *
on_orphan(void *user, const struct sa_entry *e)
{
	(void)user;
	seen.orphans++;
	seen.orphan = *e;
	return seen.refuse_orphans ? NULL : &seen.orphan;
}

static void
on_done(void *owner, enum command_type type, int error)
{
	seen.done++;
	seen.last_owner = owner;
	seen.type = type;
	seen.error = error;
}

static void
on_expire(void *owner, enum sa_expiry which)
{
	seen.expired++;
	seen.last_owner = owner;
	seen.which = which;
}

static void
on_mapping(void *owner, const struct sa_outer *from)
{
	seen.mappings++;
	seen.last_owner = owner;
	seen.from = *from;
}

static void
on_gone(void *owner, const struct sa_counters *last)
{
	seen.gone++;
	seen.last_owner = owner;
	seen.counters = *last;
}

static void
on_l2tp(void *user, uint32_t sa, const struct sa_outer *inner, const struct sa_outer *from,
	const uint8_t *message, size_t len)
{
	(void)user;
	seen.frames++;
	seen.elsewhere = from ? *from : (struct sa_outer){0};
	seen.sa = sa;
	seen.from = *inner;
	seen.first = message[0];
	seen.len = len;
}

static void
on_sent(void *user, uint32_t sa, const struct sa_outer *inner, const uint8_t *message, size_t len)
{
	(void)user;
	(void)message;
	seen.sent++;
	seen.sent_sa = sa;
	seen.sent_inner = *inner;
	seen.sent_len = len;
}

static struct link_ops ops;

static int
setup(void **state)
{
	link_setup(state);
	memset(&seen, 0, sizeof(seen));
	ops = got_ops;
	ops.sa_orphan = on_orphan;
	ops.sa_done = on_done;
	ops.sa_expire = on_expire;
	ops.sa_mapping = on_mapping;
	ops.sa_gone = on_gone;
	ops.l2tp_frame = on_l2tp;
	fake.max_sas = 64;
	fake.l2tp = on_sent;
	return 0;
}

static const struct command_sa_add some_add = {
	.outer = {.server_ip = 1, .peer_ip = 2, .server_port = 4500, .peer_port = 40000},
	.peer = 7,
	.replay_window = 1024,
	.keys = {.encryption = 3, .integrity = 4, .encryption_len = 16, .integrity_len = 20}};

static uint32_t
add(void *owner)
{
	uint32_t sa = link_sa_take(lnk, owner);
	assert_int_not_equal(sa, 0);
	assert_int_equal(link_sa_add(lnk, sa, &some_add), 0);
	return sa;
}

/* ------------------------------------------------------------------ tests */

static void
test_life(void **state)
{
	(void)state;
	int owner;
	begin_connected(&ops);
	assert_int_equal(link_max_sas(lnk), 64);
	uint32_t sa = add(&owner);
	assert_true(sa >= 256); /* RFC 4303 section 2.1 */
	loop_for(&loop, 30);
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.type, COMMAND_SA_ADD);
	assert_int_equal(seen.error, 0);
	assert_ptr_equal(seen.last_owner, &owner);
	assert_ptr_equal(link_sa_owner(lnk, sa), &owner);
	struct command_sa_out out = {.spi = 0xc0000001};
	assert_int_equal(link_sa_out(lnk, sa, &out), 0);
	struct sa_outer elsewhere = {1, 2, 4500, 40001};
	assert_int_equal(link_sa_update(lnk, sa, &elsewhere, 0), 0);
	loop_for(&loop, 30);
	assert_int_equal(seen.done, 3);
	struct sa_entry e;
	assert_true(link_sa_entry(lnk, sa, &e));
	assert_int_equal(e.out_spi, 0xc0000001);
	assert_int_equal(e.outer.peer_port, 40001);
	assert_int_equal(e.peer, 7);
	fake_sa_counters(&fake, SA_SLOT(sa))->in_packets = 99;
	struct sa_counters c;
	link_sa_counters(lnk, sa, &c);
	assert_int_equal(c.in_packets, 99);
	link_sa_close(lnk, sa);
	link_sa_close(lnk, sa);
	assert_null(link_sa_owner(lnk, sa));
	assert_int_equal(link_sa_out(lnk, sa, &out), -ENOENT);
	loop_for(&loop, 30);
	assert_int_equal(seen.gone, 1);
	assert_int_equal(seen.counters.in_packets, 99);
	assert_int_equal(fake.commands[COMMAND_SA_CLOSE], 1);
	assert_false(link_sa_entry(lnk, sa, &e));
	/* Never announced: closing it finds out that it never was. */
	sa = link_sa_take(lnk, &owner);
	link_sa_close(lnk, sa);
	loop_for(&loop, 30);
	assert_int_equal(seen.gone, 2);
}

/* An SPI that was given back is not used again before all others. */
static void
test_slots(void **state)
{
	(void)state;
	fake.max_sas = 3;
	begin_connected(&ops);
	uint32_t a = link_sa_take(lnk, &seen);
	link_sa_untake(lnk, a);
	link_sa_untake(lnk, a);
	link_sa_untake(lnk, 0);
	uint32_t b = link_sa_take(lnk, &seen), c = link_sa_take(lnk, &seen),
		 d = link_sa_take(lnk, &seen);
	assert_int_equal(SA_SLOT(d), SA_SLOT(a));
	assert_int_not_equal(SA_GEN(d), SA_GEN(a));
	assert_true(b != c && b != 0);
	assert_int_equal(link_sa_take(lnk, &seen), 0);
	/* A session's slots are others. */
	assert_int_not_equal(link_take(lnk, &seen), 0);
}

static void
test_no_ipsec(void **state)
{
	(void)state;
	fake.max_sas = 0;
	begin_connected(&ops);
	assert_int_equal(link_max_sas(lnk), 0);
	assert_int_equal(link_sa_take(lnk, &seen), 0);
	struct sa_counters c;
	struct sa_entry e;
	link_sa_counters(lnk, 1, &c);
	assert_false(link_sa_entry(lnk, 1, &e));
	assert_int_equal(link_sa_add(lnk, 1u << SA_SLOT_BITS, &some_add), -ENOENT);
	uint64_t bad = stats().bad_records;
	fake_event(&fake, EVENT_SA_GONE, 1u << SA_SLOT_BITS, 0, 0);
	loop_for(&loop, 30);
	assert_int_equal(stats().bad_records - bad, 1);
}

/* T24: the data plane knows the SPIs that were given out, and to whom. */
static void
test_reserved(void **state)
{
	(void)state;
	int owner;
	begin_connected(&ops);
	uint32_t sa = link_sa_take(lnk, &owner);
	link_sa_reserve(lnk, sa, 0xcb007105);
	link_sa_reserve(lnk, 0, 0xcb007105);
	loop_for(&loop, 30);
	assert_int_equal(fake.commands[COMMAND_SA_RESERVE], 1);
	assert_int_equal(fake.last[COMMAND_SA_RESERVE].handle, sa);
	assert_int_equal(fake.last[COMMAND_SA_RESERVE].sa_reserve.peer_ip, 0xcb007105);
	assert_int_equal(seen.done, 0); /* the owner has not asked */
	uint64_t stale = stats().stale_records;
	link_sa_untake(lnk, sa);
	loop_for(&loop, 30);
	assert_int_equal(fake.commands[COMMAND_SA_RELEASE], 1);
	assert_int_equal(fake.last[COMMAND_SA_RELEASE].handle, sa);
	assert_int_equal(stats().stale_records, stale);
}

/* Refusals reach the pair's owner (T21: also those of a slot that an earlier control had
 * filled). */
static void
test_refused(void **state)
{
	(void)state;
	int owner;
	fake.max_sas = 1;
	begin_connected(&ops);
	uint32_t sa = link_sa_take(lnk, &owner);
	link_sa_untake(lnk, sa);
	fake_sa(&fake, 0)->handle = sa + (100u << SA_SLOT_BITS);
	sa = add(&owner);
	loop_for(&loop, 30);
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.error, -EBUSY);
	assert_ptr_equal(seen.last_owner, &owner);
	assert_int_equal(fake_sa(&fake, 0)->handle, 0);
	link_sa_close(lnk, sa);
	loop_for(&loop, 30);
	add(&owner);
	loop_for(&loop, 30);
	assert_int_equal(seen.error, 0);
	assert_int_equal(fake_live_sas(&fake), 1);
}

/* Long because it has each answer that a data plane could lie with. */
static void
test_hostile(void **state)
{
	(void)state;
	int owner;
	begin_connected(&ops);
	uint32_t sa = add(&owner);
	loop_for(&loop, 30);
	uint64_t bad = stats().bad_records, stale = stats().stale_records;
	struct event e = {.version = RECORD_VERSION,
		.type = EVENT_SA_MAPPING,
		.length = sizeof(e),
		.handle = sa,
		.mapping = {1, 0, 4500, 40000}};
	fake_raw_event(&fake, &e); /* no peer */
	e.mapping = (struct sa_outer){1, 2, 4500, 0};
	fake_raw_event(&fake, &e); /* half a mapping */
	fake_event(&fake, EVENT_SA_EXPIRE, sa, 0, -1);
	fake_event(&fake, EVENT_SA_EXPIRE, sa, 0, SA_EXPIRE_HARD_OUT + 1);
	fake_event(&fake, EVENT_SA_EXPIRE, SA_SLOT(sa), 0, 0); /* generation 0 */
	fake_event(&fake, EVENT_SA_GONE, sa_handle(64, 1), 0, 0);
	fake_event(&fake, EVENT_ACK, sa, COMMAND_SA_RELEASE + 1, 0);
	fake_event(&fake, EVENT_ACK, 0, COMMAND_SA_OUT, 0);
	struct frame_record f = {.version = RECORD_VERSION, .kind = FRAME_L2TP, .handle = sa};
	struct sa_outer inner = {1, 2, 1701, 1701};
	memcpy(f.data, &inner, sizeof(inner));
	f.length = sizeof(inner) + 11;
	fake_raw_frame(&fake, &f); /* shorter than a header */
	f.length = sizeof(inner) + 12;
	f.kind = FRAME_L2TP + 1;
	fake_raw_frame(&fake, &f);
	f.kind = FRAME_L2TP;
	f.handle = sa_handle(64, 1);
	fake_raw_frame(&fake, &f);
	f.handle = 0;
	memset(f.data, 0, sizeof(inner));
	fake_raw_frame(&fake, &f); /* no addresses */
	loop_for(&loop, 30);
	assert_int_equal(stats().bad_records - bad, 12);
	/* Late, not hostile. */
	fake_event(&fake, EVENT_SA_EXPIRE, sa + (1u << SA_SLOT_BITS), 0, 0);
	fake_punt_l2tp(&fake, sa_handle(40, 3), &inner, f.data, 12);
	loop_for(&loop, 30);
	assert_int_equal(stats().stale_records - stale, 2);
	assert_int_equal(seen.expired + seen.mappings + seen.gone + seen.frames, 0);
	/* The good ones still pass. */
	fake_event(&fake, EVENT_SA_EXPIRE, sa, 0, SA_EXPIRE_HARD_OUT);
	e.mapping.peer_port = 1024;
	fake_raw_event(&fake, &e);
	loop_for(&loop, 30);
	assert_int_equal(seen.which, SA_EXPIRE_HARD_OUT);
	assert_int_equal(seen.from.peer_port, 1024);
	assert_ptr_equal(seen.last_owner, &owner);
	assert_int_equal(seen.expired + seen.mappings, 2);
	/* Nothing more of a pair that is being closed. */
	fake.no_gone = true;
	link_sa_close(lnk, sa);
	fake_raw_event(&fake, &e);
	fake_punt_l2tp(&fake, sa, &inner, f.data, 12);
	loop_for(&loop, 30);
	assert_int_equal(seen.expired + seen.mappings + seen.frames, 2);
}

static void
test_l2tp(void **state)
{
	(void)state;
	begin_connected(&ops);
	uint32_t sa = add(&seen);
	struct sa_outer inner = {0x0a000001, 0x0a000002, 1701, 1702};
	uint8_t message[FRAME_MAX] = {0xc8, 0x02};
	fake_punt_l2tp(&fake, sa, &inner, message, 20);
	loop_for(&loop, 30);
	assert_int_equal(seen.frames, 1);
	assert_int_equal(seen.sa, sa);
	assert_int_equal(seen.len, 20);
	assert_int_equal(seen.first, 0xc8);
	assert_memory_equal(&seen.from, &inner, sizeof(inner));
	fake_punt_l2tp(&fake, 0, &inner, message, 12); /* in clear */
	loop_for(&loop, 30);
	assert_int_equal(seen.frames, 2);
	assert_int_equal(seen.sa, 0);
	/* The way back. */
	assert_int_equal(link_l2tp_inject(lnk, sa, &inner, NULL, message, 11), -EMSGSIZE);
	assert_int_equal(
		link_l2tp_inject(lnk, sa, &inner, NULL, message, FRAME_MAX - sizeof(inner) + 1),
		-EMSGSIZE);
	assert_int_equal(
		link_l2tp_inject(lnk, sa_handle(5, 5), &inner, NULL, message, 20), -ENOENT);
	assert_int_equal(
		link_l2tp_inject(lnk, sa, &inner, NULL, message, FRAME_MAX - sizeof(inner)), 0);
	loop_for(&loop, 30);
	assert_int_equal(seen.sent, 1);
	assert_int_equal(seen.sent_sa, sa);
	assert_int_equal(seen.sent_len, FRAME_MAX - sizeof(inner));
	assert_memory_equal(&seen.sent_inner, &inner, sizeof(inner));
	/* Frames of both kinds keep their order and kind through a full ring. */
	fake.deaf = true;
	for (unsigned int i = 0; i < 2 * INJECT_RING_CAPACITY; i++)
		assert_int_equal(link_l2tp_inject(lnk, 0, &inner, NULL, message, 12), 0);
	fake.deaf = false;
	for (unsigned int i = 0; i < 100 && seen.sent < 1 + 2 * INJECT_RING_CAPACITY; i++)
		loop_for(&loop, 20);
	assert_int_equal(seen.sent, 1 + 2 * INJECT_RING_CAPACITY);
	assert_int_equal(seen.sent_sa, 0);
}

/* T19: what lives in the data plane when control comes back goes on, if its owner wants. */
static void
test_orphans(void **state)
{
	(void)state;
	fake_make_segment(&fake);
	uint32_t sa = sa_handle(5, 77);
	*fake_sa(&fake, 5) = (struct sa_entry){.handle = sa, .peer = 9, .out_spi = 1234};
	fake_sa(&fake, 6)->handle = sa_handle(7, 1); /* nonsense: another slot */
	fake_sa(&fake, 8)->handle = 8;               /* nonsense: generation 0 */
	begin_connected(&ops);
	loop_for(&loop, 30);
	assert_int_equal(seen.orphans, 1);
	assert_int_equal(seen.orphan.peer, 9);
	assert_int_equal(stats().bad_records, 2);
	assert_int_equal(fake.commands[COMMAND_SA_CLOSE], 0);
	assert_ptr_equal(link_sa_owner(lnk, sa), &seen.orphan);
	/* Its slot is not given to another. */
	for (unsigned int i = 0; i < 63; i++)
		assert_int_not_equal(SA_SLOT(link_sa_take(lnk, &seen)), 5);
	assert_int_equal(link_sa_take(lnk, &seen), 0);
	fake_event(&fake, EVENT_SA_EXPIRE, sa, 0, SA_EXPIRE_SOFT_IN);
	loop_for(&loop, 30);
	assert_int_equal(seen.expired, 1);
}

static void
test_orphans_closed(void **state)
{
	(void)state;
	fake_make_segment(&fake);
	fake_sa(&fake, 5)->handle = sa_handle(5, 77);
	seen.refuse_orphans = true;
	begin_connected(&ops);
	loop_for(&loop, 30);
	assert_int_equal(seen.orphans, 1);
	assert_int_equal(fake.commands[COMMAND_SA_CLOSE], 1);
	assert_int_equal(fake_live_sas(&fake), 0);
	assert_int_equal(seen.gone, 0); /* nobody's */
}

static void
test_death(void **state)
{
	(void)state;
	begin_connected(&ops);
	uint32_t sa = add(&seen);
	loop_for(&loop, 30);
	fake_die(&fake, false);
	loop_for(&loop, 50);
	assert_int_equal(got.downs, 1);
	assert_int_equal(seen.gone, 0);
	struct sa_outer o = {1, 2, 0, 0};
	assert_int_equal(link_sa_update(lnk, sa, &o, 0), -ENOTCONN);
	assert_int_equal(
		link_l2tp_inject(lnk, 0, &o, NULL, (const uint8_t *)"123456789012", 12), -ENOTCONN);
	assert_int_equal(link_sa_take(lnk, &seen), 0);
	link_sa_close(lnk, sa);
}

/* Callbacks that are not there: pairs of an earlier control are closed, nothing else happens. */
static void
test_no_callbacks(void **state)
{
	(void)state;
	fake_make_segment(&fake);
	fake_sa(&fake, 5)->handle = sa_handle(5, 77);
	begin_connected(&got_ops);
	uint32_t sa = add(&seen);
	struct sa_outer inner = {1, 2, 1701, 1701};
	fake_punt_l2tp(&fake, sa, &inner, (const uint8_t *)"123456789012", 12);
	fake_event(&fake, EVENT_SA_EXPIRE, sa, 0, 0);
	loop_for(&loop, 30);
	assert_int_equal(fake_sa(&fake, 5)->handle, 0);
	link_sa_close(lnk, sa);
	loop_for(&loop, 30);
	assert_int_equal(fake_live_sas(&fake), 0);
	assert_true(link_connected(lnk));
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, link_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_life),
		TEST(test_slots),
		TEST(test_no_ipsec),
		TEST(test_reserved),
		TEST(test_refused),
		TEST(test_hostile),
		TEST(test_l2tp),
		TEST(test_orphans),
		TEST(test_orphans_closed),
		TEST(test_death),
		TEST(test_no_callbacks),
	};
	return STAGE_RUN(tests);
}
