/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by link.c (connection and mapping) and link_records.c (slots, commands, events, frames).
 */
#ifndef ADIT_CONTROL_LINK_INTERNAL_H
#define ADIT_CONTROL_LINK_INTERNAL_H

#include <sys/queue.h>

#include "control/link.h"

enum slot_state { SLOT_FREE, SLOT_USED, SLOT_CLOSING };

struct slot {
	void *owner;
	uint64_t close_sent_ms;
	uint16_t gen;
	uint8_t state; /* enum slot_state */
	bool overdue;
};

/* A command or frame that found its ring full.  One queue for both keeps their order. */
struct queued {
	STAILQ_ENTRY(queued) next;
	bool is_command;
	uint16_t len;
	uint32_t handle;
	uint8_t bytes[];
};

struct link {
	uv_loop_t *loop;
	const struct link_ops *ops;
	void *user;
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
	uint64_t next_try_ms, hello_deadline_ms, next_sweep_ms;
	bool connected, need_wake;

	/* The mapping, and this side's own copies of what is trusted about it. */
	struct segment_header *seg;
	struct segment_header layout;
	uint64_t seg_size;
	uint32_t n_workers, max_sessions, max_sas;
	struct ring commands, injects, events, punts[SEGMENT_MAX_WORKERS];

	struct slot *slots;
	uint32_t *free_slots; /* circular, of max_sessions */
	uint32_t free_head, n_free;
	uint32_t n_closing;

	STAILQ_HEAD(, queued) queue;
	uint32_t n_queued, n_queued_frames;
	struct link_stats stats, reported;
};

/* link.c */
/* The connection failed or ended: say so (once per series of failures), and try again later. */
void link_fail(struct link *l, const char *why);
void *link_part(const struct link *l, uint64_t offset);

/* link_records.c */
/* Fills the free list; sessions that the data plane still has are reported and closed. */
void link_adopt_slots(struct link *l);
void link_sweep(struct link *l);
void link_queue_retry(struct link *l);
void link_queue_clear(struct link *l);
void link_flush_wake(uv_prepare_t *p);
/* Takes at most one ring's worth of each kind, so that a flood can't hold the loop.  True when
 * something may be left. */
bool link_drain(struct link *l);

#endif
