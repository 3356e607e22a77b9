/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A data plane made from segment.h alone, in the test's own loop: it obeys commands, and lies on
 * demand.
 */
#ifndef ADIT_TESTS_CONTROL_FAKE_DATAPLANE_H
#define ADIT_TESTS_CONTROL_FAKE_DATAPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/layout.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/sa.h"
#include "dataplane/api/session.h"

struct fake {
	uv_loop_t *loop;
	char path[108];
	uint32_t n_workers, max_sessions, max_sas;
	/* Lies, set before control connects: */
	uint32_t hello_version, header_version, header_workers;
	uint64_t size_lie; /* added to the announced size */
	bool unsealed, truncated, no_fds, busy, silent;
	uint64_t offset_lie; /* added to the event ring's offset */
	/* Lies, at any time: */
	bool deaf;                     /* does not read its rings */
	bool no_gone;                  /* never confirms an end */
	int refuse_type, refuse_error; /* this command is answered with this errno */

	/* A frame from control for the peer. */
	void (*frame)(void *user, uint32_t handle, const uint8_t *frame, size_t len);
	/* An L2TP control message from control, through a pair or in clear. */
	void (*l2tp)(void *user, uint32_t sa, const struct sa_outer *inner, const uint8_t *message,
		size_t len);
	/* Each command as it is taken. */
	void (*command)(void *user, const struct command *cmd);
	void *user;
	struct sa_outer to; /* where ESP of the last L2TP message was to go, 0: as its pair says */

	unsigned int commands[16], frames, accepted;
	struct command last[16]; /* by type */

	struct segment_header *seg;
	uint64_t size;
	struct ring events, punts[SEGMENT_MAX_WORKERS], command_ring, injects;
	int listener, client, memfd, event_fd, wake_fd;
	uv_poll_t listen_poll, wake_poll, client_poll;
	uv_timer_t tick;
	bool listening, connected, peer_seen[1 << 16];
	unsigned int n_handles;
};

/* Listen at path. The segment is made when control connects. */
void fake_init(struct fake *f, uv_loop_t *loop, const char *path);
void fake_listen(struct fake *f);
/* As if it had died: sockets closed; the segment is gone unless keep. */
void fake_die(struct fake *f, bool keep_segment);
/* A segment with entries of an earlier control's sessions: call before control connects. */
void fake_make_segment(struct fake *f);
struct session_entry *fake_entry(struct fake *f, uint32_t slot);
struct session_counters *fake_counters(struct fake *f, uint32_t slot);
unsigned int fake_live(struct fake *f);
/* The session of a call, 0 when none. */
uint32_t fake_handle_of(struct fake *f, enum tunnel_protocol protocol, uint16_t call_id);
struct sa_entry *fake_sa(struct fake *f, uint32_t slot);
struct sa_counters *fake_sa_counters(struct fake *f, uint32_t slot);
unsigned int fake_live_sas(struct fake *f);
/* To control.  False when the ring is full. */
bool fake_punt(struct fake *f, uint32_t handle, const uint8_t *frame, size_t len);
bool fake_punt_l2tp(struct fake *f, uint32_t sa, const struct sa_outer *inner,
	const uint8_t *message, size_t len);
/* The same, its ESP from elsewhere than the pair's peer. */
bool fake_punt_l2tp_from(struct fake *f, uint32_t sa, const struct sa_outer *inner,
	const struct sa_outer *from, const uint8_t *message, size_t len);
bool fake_event(struct fake *f, uint8_t type, uint32_t handle, uint64_t cookie, int status);
bool fake_raw_event(struct fake *f, const struct event *e);
bool fake_raw_frame(struct fake *f, const struct frame_record *r);
/* Take what control wrote. */
void fake_pump(struct fake *f);

#endif
