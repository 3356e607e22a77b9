/* SPDX-License-Identifier: BSD-3-Clause */
/* What crosses the shared segment: commands, frames and events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/core/log.h"
#include "control/link/internal.h"
#include "dataplane/api/command_ring.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/session.h"

#define QUEUE_FRAMES_MAX 4096

/* ------------------------------------------------------------------ to the data plane */

static bool
put_command(struct link *l, const void *record, size_t len)
{
	if (!command_put(&l->rec.commands, record, len))
		return false;
	l->stats.commands++;
	l->rec.need_wake = true;
	return true;
}

static bool
put_frame(struct link *l, uint8_t kind, uint32_t handle, const struct sa_outer *outer,
	const uint8_t *frame, size_t len)
{
	struct frame_record *f = ring_produce(&l->rec.injects);
	if (!f)
		return false;
	f->version = RECORD_VERSION;
	f->kind = kind;
	f->length = (uint16_t)len;
	f->handle = handle;
	f->outer = *outer;
	memcpy(f->data, frame, len);
	ring_produced(&l->rec.injects);
	l->stats.injects++;
	l->rec.need_wake = true;
	return true;
}

static struct queued *
queue_add(struct link *l, bool is_command, uint32_t handle, const void *bytes, size_t len)
{
	/* Commands: a few for each session and pair in flight.  Frames: PPP and L2TP repeat what
	 * does not get through. */
	uint32_t limit =
		is_command ? 4 * (l->sessions.size + l->sas.size) + 1024 : QUEUE_FRAMES_MAX;
	uint32_t have =
		is_command ? l->rec.n_queued - l->rec.n_queued_frames : l->rec.n_queued_frames;
	struct queued *q = have < limit ? malloc(sizeof(*q) + len) : NULL;
	if (!q) {
		l->stats.queue_full++;
		return NULL;
	}
	q->is_command = is_command;
	q->handle = handle;
	q->len = (uint16_t)len;
	memcpy(q->bytes, bytes, len);
	STAILQ_INSERT_TAIL(&l->rec.queue, q, next);
	l->rec.n_queued++;
	l->rec.n_queued_frames += !is_command;
	l->stats.ring_full++;
	return q;
}

void
link_queue_retry(struct link *l)
{
	struct queued *q;
	while ((q = STAILQ_FIRST(&l->rec.queue))) {
		bool done = q->is_command
				    ? put_command(l, q->bytes, q->len)
				    : put_frame(l, q->kind, q->handle, &q->outer, q->bytes, q->len);
		if (!done)
			return;
		STAILQ_REMOVE_HEAD(&l->rec.queue, next);
		l->rec.n_queued--;
		l->rec.n_queued_frames -= !q->is_command;
		explicit_bzero(q->bytes, q->len);
		free(q);
	}
}

int
link_command(struct link *l, enum command_type type, struct command *cmd)
{
	if (!l->connected)
		return -ENOTCONN;
	cmd->version = RECORD_VERSION;
	cmd->type = (uint8_t)type;
	cmd->length = command_size((uint8_t)type).most;
	cmd->cookie = (uint64_t)type;
	if (STAILQ_EMPTY(&l->rec.queue) && put_command(l, cmd, cmd->length))
		return 0;
	return queue_add(l, true, cmd->handle, cmd, cmd->length) ? 0 : -ENOBUFS;
}

int
link_send_frame(struct link *l, enum frame_kind kind, uint32_t handle, const struct sa_outer *outer,
	const uint8_t *data, size_t len)
{
	if (STAILQ_EMPTY(&l->rec.queue) && put_frame(l, (uint8_t)kind, handle, outer, data, len))
		return 0;
	struct queued *q = queue_add(l, false, handle, data, len);
	if (!q)
		return -ENOBUFS;
	q->kind = (uint8_t)kind;
	q->outer = *outer;
	return 0;
}

int
link_inject(struct link *l, uint32_t handle, const uint8_t *frame, size_t len)
{
	static const struct sa_outer none;
	if (!l->connected)
		return -ENOTCONN;
	if (len < 2 || len > FRAME_MAX)
		return -EMSGSIZE;
	return link_send_frame(l, FRAME_PPP, handle, &none, frame, len);
}

/* Before the loop sleeps: one wake-up for all that was written since. */
void
link_flush_wake(uv_prepare_t *p)
{
	struct link *l = p->data;
	if (!l->connected || !l->rec.need_wake)
		return;
	uint64_t one = 1;
	l->rec.need_wake = false;
	/* EAGAIN: the counter is full, so the other side is awake. */
	if (write(l->conn.wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_event(LOG_WARNING, "dataplane-wake", "error=\"%s\"", strerror(errno));
}

void
link_queue_clear(struct link *l)
{
	struct queued *q;
	while ((q = STAILQ_FIRST(&l->rec.queue))) {
		STAILQ_REMOVE_HEAD(&l->rec.queue, next);
		explicit_bzero(q->bytes, q->len);
		free(q);
	}
	l->rec.n_queued = l->rec.n_queued_frames = 0;
}

/* ------------------------------------------------------------------ from the data plane */

static void
session_gone(struct link *l, struct slot *s, const struct session_counters *last)
{
	void *owner = s->owner;
	slots_release(l, &l->sessions, s);
	if (owner)
		l->ops->gone(owner, last);
}

/* The slot was refused: a session that an earlier control had still in its ring may sit there. */
static void
close_stranger(struct link *l, const struct slot *s)
{
	const struct session_entry *table = link_part(l, l->map.offsets.sessions);
	uint32_t i = (uint32_t)(s - l->sessions.slot);
	struct command cmd = {.handle = table[i].handle};
	if (cmd.handle && SESSION_SLOT(cmd.handle) == i && SESSION_GEN(cmd.handle) != s->gen)
		link_command(l, COMMAND_SESSION_CLOSE, &cmd);
}

static void
take_ack(struct link *l, const struct event *e)
{
	static const struct session_counters none;
	if (e->cookie < COMMAND_GATEWAY || e->cookie > COMMAND_SA_RELEASE || e->status > 0) {
		l->stats.bad_records++;
		return;
	}
	if (e->cookie == COMMAND_GATEWAY) {
		if (e->status < 0)
			log_event(LOG_ERR, "dataplane-refused", "command=gateway error=\"%s\"",
				strerror(-e->status));
		return;
	}
	if (e->cookie >= COMMAND_SA_ADD) {
		link_sa_ack(l, e);
		return;
	}
	/* An acknowledgement often comes after its session's end. */
	struct slot *s = slots_of_record(l, &l->sessions, e->handle);
	if (!s || e->status == 0)
		return;
	if (e->cookie == COMMAND_SESSION_ADD)
		close_stranger(l, s);
	if (e->cookie == COMMAND_SESSION_CLOSE) {
		if (e->status == -ENOENT && s->state == SLOT_CLOSING)
			session_gone(l, s, &none); /* it never was */
		return;
	}
	if (s->owner && s->state == SLOT_USED)
		l->ops->refused(s->owner, (enum command_type)e->cookie, e->status);
}

static void
take_event(struct link *l, const struct event *e)
{
	struct slot *s;
	if (e->version != RECORD_VERSION || e->length != sizeof(*e)) {
		l->stats.bad_records++;
		return;
	}
	switch (e->type) {
	case EVENT_ACK:
		take_ack(l, e);
		break;
	case EVENT_SESSION_GONE:
		s = slots_of_record(l, &l->sessions, e->handle);
		if (s)
			session_gone(l, s, &e->final);
		break;
	case EVENT_LOST_SYNC:
		s = slots_of_record(l, &l->sessions, e->handle);
		if (s && s->owner && s->state == SLOT_USED)
			l->ops->lost_sync(s->owner);
		break;
	case EVENT_PEER_SEEN:
		s = slots_of_record(l, &l->sessions, e->handle);
		if (s && s->owner && s->state == SLOT_USED)
			l->ops->peer_seen(s->owner);
		break;
	case EVENT_SA_GONE:
	case EVENT_SA_EXPIRE:
	case EVENT_SA_MAPPING:
		link_sa_event(l, e);
		break;
	default:
		l->stats.bad_records++;
	}
}

static void
take_frame(struct link *l, const struct frame_record *f)
{
	if (f->version != RECORD_VERSION || f->length < 2 || f->length > FRAME_MAX ||
		f->kind > FRAME_L2TP) {
		l->stats.bad_records++;
		return;
	}
	if (f->kind == FRAME_L2TP) {
		link_l2tp_frame(l, f);
		return;
	}
	struct slot *s = slots_of_record(l, &l->sessions, f->handle);
	if (s && s->owner && s->state == SLOT_USED)
		l->ops->frame(s->owner, f->data, f->length);
}

/* At most one ring's worth of each, so that a flood can't hold the loop.  True when something may
 * be left. */
bool
link_drain(struct link *l)
{
	bool more = false;
	const void *shared;
	unsigned int n = 0;
	for (; l->connected && n < EVENT_RING_CAPACITY; n++) {
		struct event e;
		if (!(shared = ring_consume(&l->rec.events)))
			break;
		memcpy(&e, shared, sizeof(e));
		ring_consumed(&l->rec.events);
		take_event(l, &e);
	}
	more |= n == EVENT_RING_CAPACITY;
	for (uint32_t w = 0; w < l->map.n_workers; w++) {
		for (n = 0; l->connected && n < PUNT_RING_CAPACITY; n++) {
			struct frame_record f;
			if (!(shared = ring_consume(&l->rec.punts[w])))
				break;
			memcpy(&f, shared, sizeof(f));
			ring_consumed(&l->rec.punts[w]);
			take_frame(l, &f);
		}
		more |= n == PUNT_RING_CAPACITY;
	}
	return more;
}
