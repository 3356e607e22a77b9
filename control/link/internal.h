/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by link.c (connection and mapping), slots.c (slots and their ends), records.c
 * (commands, events, frames) and sa.c (pairs of SAs). */
#ifndef ADIT_CONTROL_LINK_INTERNAL_H
#define ADIT_CONTROL_LINK_INTERNAL_H

#include <sys/queue.h>

#include "control/link/link.h"
#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/layout.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/sa.h"

enum slot_state { SLOT_FREE, SLOT_USED, SLOT_CLOSING };

struct slot {
	void *owner;
	uint64_t close_sent_ms;
	uint16_t gen;
	uint8_t state; /* enum slot_state */
	bool overdue;
};

/* The slots of one table of the data plane: sessions, or pairs of SAs.  A handle is slot and
 * generation in both. */
struct slots {
	struct slot *slot;
	uint32_t *free; /* circular, of size */
	uint32_t size, free_head, n_free, n_closing;
	enum command_type close;
};

/* A command or frame that found its ring full.  One queue for both keeps their order. */
struct queued {
	STAILQ_ENTRY(queued) next;
	bool is_command;
	uint8_t kind; /* of a frame: enum frame_kind */
	uint16_t len;
	uint32_t handle;
	struct sa_outer outer; /* of a frame */
	uint8_t bytes[];
};

/* The connection: link.c's alone. */
struct connection {
	const char *path;
	char error[160];
	bool error_logged;
	uv_timer_t tick;
	uv_prepare_t prepare;
	uv_poll_t sock_poll, event_poll;
	bool sock_polled, event_polled; /* handle initialised and not closing */
	unsigned int n_handles;         /* open or closing */
	bool freeing;
	void (*closed)(void *user);
	int sock, event_fd, wake_fd;
	uint64_t next_try_ms, hello_deadline_ms;
};

/* The mapping, and this side's own copies of what is trusted about it.  Written by link.c. */
struct mapping {
	struct segment_header *header; /* NULL: none */
	struct segment_header offsets;
	uint64_t size;
	uint32_t n_workers;
};

/* What crosses it, and what waits for room: records.c's, attached by link.c. */
struct records {
	struct ring commands, injects, events, punts[SEGMENT_MAX_WORKERS];
	bool need_wake;
	STAILQ_HEAD(, queued) queue;
	uint32_t n_queued, n_queued_frames;
};

struct link {
	uv_loop_t *loop;
	const struct link_ops *ops;
	void *user;
	bool connected;
	struct connection conn;
	struct mapping map;
	struct records rec;
	struct slots sessions, sas; /* slots.c's */
	uint64_t next_sweep_ms;
	struct link_stats stats, reported;
};

/* link.c */
/* The connection failed or ended: say so (once per series of failures), and try again later. */
void link_fail(struct link *l, const char *why);
void *link_part(const struct link *l, uint64_t offset);

/* slots.c */
/* True, or false without memory.  size 0 is allowed. */
bool slots_init(struct slots *t, uint32_t size, enum command_type close);
void slots_clear(struct slots *t);
/* NULL unless that generation of the slot is taken. */
struct slot *slots_find(const struct slots *t, uint32_t handle);
uint32_t slots_take(struct slots *t, void *owner);
uint32_t slots_handle(const struct slots *t, const struct slot *s);
/* Makes the slot free; its owner is told nothing. */
void slots_release(struct link *l, struct slots *t, struct slot *s);
/* Begins the slot's end: CLOSE now, and again until it is confirmed. */
void slots_close(struct link *l, struct slots *t, struct slot *s);
/* The slot of a record: NULL and counted when there is none. */
struct slot *slots_of_record(struct link *l, struct slots *t, uint32_t handle);
/* Fills the free lists; what the data plane still has is reported, and closed unless somebody goes
 * on with it. */
void link_adopt_slots(struct link *l);
void link_sweep(struct link *l);

/* records.c */
/* Puts a frame into its ring, or in the queue: 0 or -ENOBUFS. */
int link_send_frame(struct link *l, enum frame_kind kind, uint32_t handle,
	const struct sa_outer *outer, const uint8_t *data, size_t len);
void link_queue_retry(struct link *l);
void link_queue_clear(struct link *l);
void link_flush_wake(uv_prepare_t *p);
/* Takes at most one ring's worth of each kind, so that a flood can't hold the loop.  True when
 * something may be left. */
bool link_drain(struct link *l);

/* sa.c */
void link_sa_slot_gone(struct link *l, struct slot *s, const struct sa_counters *last);
/* An acknowledgement of COMMAND_SA_*; checked as far as its type and status. */
void link_sa_ack(struct link *l, const struct event *e);
/* EVENT_SA_*. */
void link_sa_event(struct link *l, const struct event *e);
void link_l2tp_frame(struct link *l, const struct frame_record *f);

#endif
