/* SPDX-License-Identifier: BSD-3-Clause */
/* What crosses the shared segment: session slots, commands, frames and events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "control/link_internal.h"
#include "control/log.h"

#define CONFIRM_TIMEOUT_MS 10000 /* CLOSE without EVENT_SESSION_GONE: repeat it */
#define SWEEP_MS           1000
#define GENERATIONS        4095
#define QUEUE_FRAMES_MAX   4096

/* ------------------------------------------------------------------ slots */

static struct slot *
slot_of(const struct link *l, uint32_t handle)
{
	if (!l->connected || handle == 0 || SESSION_SLOT(handle) >= l->max_sessions)
		return NULL;
	struct slot *s = &l->slots[SESSION_SLOT(handle)];
	return s->state != SLOT_FREE && s->gen == SESSION_GEN(handle) ? s : NULL;
}

uint32_t
link_take(struct link *l, void *owner)
{
	if (!l->connected || l->n_free == 0)
		return 0;
	uint32_t i = l->free_slots[l->free_head];
	l->free_head = (l->free_head + 1) % l->max_sessions;
	l->n_free--;
	struct slot *s = &l->slots[i];
	s->gen = (uint16_t)(s->gen % GENERATIONS + 1);
	s->state = SLOT_USED;
	s->owner = owner;
	return session_handle(i, s->gen);
}

static void
slot_gone(struct link *l, struct slot *s, const struct session_counters *last)
{
	void *owner = s->owner;
	uint32_t i = (uint32_t)(s - l->slots);
	if (s->state == SLOT_CLOSING)
		l->n_closing--;
	if (s->overdue)
		l->stats.unconfirmed--;
	s->overdue = false;
	s->owner = NULL;
	s->state = SLOT_FREE;
	l->free_slots[(l->free_head + l->n_free++) % l->max_sessions] = i;
	if (owner)
		l->ops->gone(owner, last);
}

void
link_untake(struct link *l, uint32_t handle)
{
	struct slot *s = slot_of(l, handle);
	if (!s || s->state != SLOT_USED)
		return;
	s->owner = NULL;
	slot_gone(l, s, NULL);
}

static void
send_close(struct link *l, struct slot *s)
{
	struct command cmd = {.handle = session_handle((uint32_t)(s - l->slots), s->gen)};
	/* A full queue is no loss: the sweep comes again. */
	link_command(l, COMMAND_SESSION_CLOSE, &cmd);
	s->close_sent_ms = uv_now(l->loop);
}

void
link_close(struct link *l, uint32_t handle)
{
	struct slot *s = slot_of(l, handle);
	if (!s || s->state == SLOT_CLOSING)
		return;
	s->state = SLOT_CLOSING;
	l->n_closing++;
	send_close(l, s);
}

/* What went wrong since the last time. */
static void
report(struct link *l)
{
	const struct link_stats *now = &l->stats;
	struct link_stats *then = &l->reported;
	if (now->bad_records != then->bad_records)
		log_event(LOG_ERR, "dataplane-bad-records",
			"text=\"invalid records of the data plane were ignored\" records=%llu",
			(unsigned long long)(now->bad_records - then->bad_records));
	if (now->queue_full != then->queue_full)
		log_event(LOG_ERR, "dataplane-overload",
			"text=\"the data plane does not keep up with control\" lost_records=%llu",
			(unsigned long long)(now->queue_full - then->queue_full));
	*then = *now;
}

/* The data plane owes confirmations.  A slot, its call ID and its address stay taken until then:
 * better a port less than two clients with one address. */
void
link_sweep(struct link *l)
{
	uint64_t now = uv_now(l->loop);
	uint32_t repeated = 0;
	if (now < l->next_sweep_ms)
		return;
	l->next_sweep_ms = now + SWEEP_MS;
	report(l);
	for (uint32_t i = 0; l->n_closing && i < l->max_sessions; i++) {
		struct slot *s = &l->slots[i];
		if (s->state != SLOT_CLOSING || now - s->close_sent_ms < CONFIRM_TIMEOUT_MS)
			continue;
		if (!s->overdue)
			l->stats.unconfirmed++;
		s->overdue = true;
		repeated++;
		send_close(l, s);
	}
	if (repeated) {
		l->stats.close_repeated += repeated;
		log_event(LOG_ERR, "dataplane-silent",
			"text=\"the end of sessions is not confirmed; asked again\" sessions=%u",
			repeated);
	}
}

/* Free slots in order; those that the data plane still has are closed first. */
void
link_adopt_slots(struct link *l)
{
	const struct session_entry *table = link_part(l, l->layout.sessions);
	uint16_t first_gen = 1;
	if (getrandom(&first_gen, sizeof(first_gen), 0) == sizeof(first_gen))
		first_gen = (uint16_t)(first_gen % GENERATIONS + 1);
	for (uint32_t i = 0; i < l->max_sessions; i++) {
		struct slot *s = &l->slots[i];
		struct session_entry e;
		memcpy(&e, &table[i], sizeof(e));
		s->gen = first_gen;
		if (e.handle == 0) {
			l->free_slots[l->n_free++] = i;
			continue;
		}
		if (SESSION_SLOT(e.handle) != i || SESSION_GEN(e.handle) == 0) {
			l->stats.bad_records++;
			l->free_slots[l->n_free++] = i;
			continue;
		}
		e.user[sizeof(e.user) - 1] = '\0';
		s->gen = (uint16_t)SESSION_GEN(e.handle);
		s->state = SLOT_USED;
		s->owner = l->ops->orphan(l->user, &e);
		link_close(l, e.handle);
	}
}

/* ------------------------------------------------------------------ to the data plane */

static bool
put_command(struct link *l, const struct command *cmd)
{
	void *e = ring_produce(&l->commands);
	if (!e)
		return false;
	memcpy(e, cmd, sizeof(*cmd));
	ring_produced(&l->commands);
	l->stats.commands++;
	l->need_wake = true;
	return true;
}

static bool
put_frame(struct link *l, uint32_t handle, const uint8_t *frame, size_t len)
{
	struct frame_record *f = ring_produce(&l->injects);
	if (!f)
		return false;
	f->version = RECORD_VERSION;
	f->kind = FRAME_PPP;
	f->length = (uint16_t)len;
	f->handle = handle;
	memcpy(f->data, frame, len);
	ring_produced(&l->injects);
	l->stats.injects++;
	l->need_wake = true;
	return true;
}

static int
queue_add(struct link *l, bool is_command, uint32_t handle, const void *bytes, size_t len)
{
	/* Commands: a few for each session in flight.  Frames: PPP repeats what does not get
	 * through. */
	uint32_t limit = is_command ? 4 * l->max_sessions + 1024 : QUEUE_FRAMES_MAX;
	uint32_t have = is_command ? l->n_queued - l->n_queued_frames : l->n_queued_frames;
	struct queued *q = have < limit ? malloc(sizeof(*q) + len) : NULL;
	if (!q) {
		l->stats.queue_full++;
		return -ENOBUFS;
	}
	q->is_command = is_command;
	q->handle = handle;
	q->len = (uint16_t)len;
	memcpy(q->bytes, bytes, len);
	STAILQ_INSERT_TAIL(&l->queue, q, next);
	l->n_queued++;
	l->n_queued_frames += !is_command;
	l->stats.ring_full++;
	return 0;
}

void
link_queue_retry(struct link *l)
{
	struct queued *q;
	while ((q = STAILQ_FIRST(&l->queue))) {
		struct command cmd;
		bool done;
		if (q->is_command) {
			memcpy(&cmd, q->bytes, sizeof(cmd));
			done = put_command(l, &cmd);
			explicit_bzero(&cmd, sizeof(cmd));
		} else {
			done = put_frame(l, q->handle, q->bytes, q->len);
		}
		if (!done)
			return;
		STAILQ_REMOVE_HEAD(&l->queue, next);
		l->n_queued--;
		l->n_queued_frames -= !q->is_command;
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
	cmd->length = sizeof(*cmd);
	cmd->cookie = (uint64_t)type;
	if (STAILQ_EMPTY(&l->queue) && put_command(l, cmd))
		return 0;
	return queue_add(l, true, cmd->handle, cmd, sizeof(*cmd));
}

int
link_inject(struct link *l, uint32_t handle, const uint8_t *frame, size_t len)
{
	if (!l->connected)
		return -ENOTCONN;
	if (len < 2 || len > FRAME_MAX)
		return -EMSGSIZE;
	if (STAILQ_EMPTY(&l->queue) && put_frame(l, handle, frame, len))
		return 0;
	return queue_add(l, false, handle, frame, len);
}

/* Before the loop sleeps: one wake-up for all that was written since. */
void
link_flush_wake(uv_prepare_t *p)
{
	struct link *l = p->data;
	if (!l->connected || !l->need_wake)
		return;
	uint64_t one = 1;
	l->need_wake = false;
	/* EAGAIN: the counter is full, so the other side is awake. */
	if (write(l->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_event(LOG_WARNING, "dataplane-wake", "error=\"%s\"", strerror(errno));
}

void
link_queue_clear(struct link *l)
{
	struct queued *q;
	while ((q = STAILQ_FIRST(&l->queue))) {
		STAILQ_REMOVE_HEAD(&l->queue, next);
		explicit_bzero(q->bytes, q->len);
		free(q);
	}
	l->n_queued = l->n_queued_frames = 0;
}

/* ------------------------------------------------------------------ from the data plane */

/* The session of a record: NULL and counted when there is none. */
static struct slot *
record_slot(struct link *l, uint32_t handle)
{
	struct slot *s = slot_of(l, handle);
	if (s)
		return s;
	if (handle == 0 || SESSION_GEN(handle) == 0 || SESSION_SLOT(handle) >= l->max_sessions)
		l->stats.bad_records++;
	else
		l->stats.stale_records++;
	return NULL;
}

/* The slot was refused: a session that an earlier control had still in its ring may sit there. */
static void
close_stranger(struct link *l, const struct slot *s)
{
	const struct session_entry *table = link_part(l, l->layout.sessions);
	uint32_t i = (uint32_t)(s - l->slots);
	struct command cmd = {.handle = table[i].handle};
	if (cmd.handle && SESSION_SLOT(cmd.handle) == i && SESSION_GEN(cmd.handle) != s->gen)
		link_command(l, COMMAND_SESSION_CLOSE, &cmd);
}

static void
take_ack(struct link *l, const struct event *e)
{
	static const struct session_counters none;
	if (e->cookie < COMMAND_GATEWAY || e->cookie > COMMAND_SESSION_CLOSE || e->status > 0) {
		l->stats.bad_records++;
		return;
	}
	if (e->cookie == COMMAND_GATEWAY) {
		if (e->status < 0)
			log_event(LOG_ERR, "dataplane-refused", "command=gateway error=\"%s\"",
				strerror(-e->status));
		return;
	}
	/* An acknowledgement often comes after its session's end. */
	struct slot *s = record_slot(l, e->handle);
	if (!s || e->status == 0)
		return;
	if (e->cookie == COMMAND_SESSION_ADD)
		close_stranger(l, s);
	if (e->cookie == COMMAND_SESSION_CLOSE) {
		if (e->status == -ENOENT && s->state == SLOT_CLOSING)
			slot_gone(l, s, &none); /* it never was */
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
		s = record_slot(l, e->handle);
		if (s)
			slot_gone(l, s, &e->final);
		break;
	case EVENT_LOST_SYNC:
		s = record_slot(l, e->handle);
		if (s && s->owner && s->state == SLOT_USED)
			l->ops->lost_sync(s->owner);
		break;
	case EVENT_PEER_SEEN:
		s = record_slot(l, e->handle);
		if (s && s->owner && s->state == SLOT_USED)
			l->ops->peer_seen(s->owner);
		break;
	default:
		l->stats.bad_records++;
	}
}

static void
take_frame(struct link *l, const struct frame_record *f)
{
	if (f->version != RECORD_VERSION || f->length < 2 || f->length > FRAME_MAX) {
		l->stats.bad_records++;
		return;
	}
	struct slot *s = record_slot(l, f->handle);
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
		if (!(shared = ring_consume(&l->events)))
			break;
		memcpy(&e, shared, sizeof(e));
		ring_consumed(&l->events);
		take_event(l, &e);
	}
	more |= n == EVENT_RING_CAPACITY;
	for (uint32_t w = 0; w < l->n_workers; w++) {
		for (n = 0; l->connected && n < PUNT_RING_CAPACITY; n++) {
			struct frame_record f;
			if (!(shared = ring_consume(&l->punts[w])))
				break;
			memcpy(&f, shared, sizeof(f));
			ring_consumed(&l->punts[w]);
			take_frame(l, &f);
		}
		more |= n == PUNT_RING_CAPACITY;
	}
	return more;
}
