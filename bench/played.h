/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A data plane that is played on the shared segment, for benchmarks of control alone: it obeys every
 * command at once and gives control's frames to whoever plays the clients.  For one thread; nothing
 * blocks but played_accept().
 */
#ifndef ADIT_BENCH_PLAYED_H
#define ADIT_BENCH_PLAYED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/api/command.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/layout.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/session.h"

struct played {
	/* Control has added a session. */
	void (*added)(void *user, const struct command *c);
	/* A PPP frame of control for this session: protocol and payload. */
	void (*frame)(void *user, uint32_t handle, const uint8_t *frame, size_t len);
	/* An L2TP control message in clear, to inner->peer_ip and peer_port. */
	void (*l2tp)(void *user, const struct sa_outer *inner, const uint8_t *message, size_t len);
	void *user;
	int wake_fd; /* readable: played_pump() has something to do */
	uint64_t commands, frames, wakes;
	/* Its own. */
	struct segment_header *seg;
	uint64_t size;
	struct ring events, punts, command_ring, injects;
	struct session_entry *entries;
	uint8_t *seen; /* by slot: EVENT_PEER_SEEN was sent */
	int listener, client, memfd, event_fd;
	bool produced; /* control is to be woken */
};

/* A segment for one worker, and a socket at path.  Aborts when it cannot be had. */
void played_listen(struct played *p, const char *path, uint32_t max_sessions);
/* Waits until control has come; false: not within so many milliseconds. */
bool played_accept(struct played *p, int ms);
void played_end(struct played *p);
/* Takes what control wrote, and wakes it if there is something for it. */
void played_pump(struct played *p);
/* To control: woken by the next played_pump() or played_wake().  False: the ring is full. */
bool played_punt(struct played *p, uint32_t handle, const uint8_t *frame, size_t len);
bool played_punt_l2tp(
	struct played *p, const struct sa_outer *inner, const uint8_t *message, size_t len);
void played_wake(struct played *p);

#endif
