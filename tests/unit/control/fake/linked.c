/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/api/command.h"
#include "dataplane/api/session.h"

#include "linked.h"

#include <string.h>

struct link *lnk;
struct link_said got;

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

const struct link_ops got_ops = {.up = on_up,
	.orphan = on_orphan,
	.down = on_down,
	.frame = on_frame,
	.refused = on_refused,
	.peer_seen = on_seen,
	.lost_sync = on_lost,
	.gone = on_gone};

int
link_setup(void **state)
{
	(void)state;
	memset(&got, 0, sizeof(got));
	stage_open();
	return 0;
}

void
link_closed(void *user)
{
	(void)user;
	lnk = NULL;
}

bool
link_is_closed(void *user)
{
	(void)user;
	return lnk == NULL;
}

int
link_teardown(void **state)
{
	(void)state;
	if (lnk)
		link_free(lnk, link_closed);
	assert_true(loop_until(&loop, link_is_closed, NULL, 1000));
	stage_close();
	return 0;
}

bool
link_is_connected(void *user)
{
	(void)user;
	return link_connected(lnk);
}

bool
link_is_down(void *user)
{
	(void)user;
	return !link_connected(lnk);
}

void
begin(const struct link_ops *ops)
{
	lnk = link_new(&loop, fake.path, ops, NULL);
	assert_non_null(lnk);
}

void
begin_connected(const struct link_ops *ops)
{
	fake_listen(&fake);
	begin(ops);
	assert_true(loop_until(&loop, link_is_connected, NULL, 2000));
}

struct link_stats
stats(void)
{
	struct link_stats s;
	link_stats(lnk, &s);
	return s;
}

uint32_t
add_session(void *owner)
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
