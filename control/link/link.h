/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The link to the data plane: client of the shared segment (DESIGN section 4).  Connects, checks
 * and maps the segment, owns the slots of sessions and of pairs of SAs with their generations, and
 * carries commands, frames and events.  What the data plane writes is treated as hostile: copied
 * out, checked, counted when bad. Calling context: adit-control's only thread, in its libuv loop.
 * No callback is made from within a link_*() call except link_free().
 */
#ifndef ADIT_CONTROL_LINK_LINK_H
#define ADIT_CONTROL_LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "control/link/journal.h"
#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/event.h"
#include "dataplane/api/layout.h"
#include "dataplane/api/sa.h"
#include "dataplane/api/session.h"

struct link_ops {
	/* The data plane is there.  What lives since an earlier control process is reported right
	 * after: pairs by sa_orphan(), then sessions by orphan(), then adopt(). */
	void (*up)(void *user);
	/* `entry` is a checked copy.  The result becomes the slot's owner; NULL: it is closed. */
	void *(*orphan)(void *user, const struct session_entry *entry);
	/* All was reported: link_close() what is not to go on.  NULL: every orphan is closed,
	 * gone() follows for each. */
	void (*adopt)(void *user);
	/* The data plane went away: no slot is owned any more, no gone() follows.  The segment is
	 * still readable during the call. */
	void (*down)(void *user, const char *why);
	/* A PPP frame of the session: protocol number and payload. */
	void (*frame)(void *owner, const uint8_t *frame, size_t len);
	/* The data plane refused a command of the session with a negative errno. */
	void (*refused)(void *owner, enum command_type type, int error);
	void (*peer_seen)(void *owner);
	void (*lost_sync)(void *owner);
	/* The session's end is confirmed, its slot free again. */
	void (*gone)(void *owner, const struct session_counters *last);

	/* Pairs of SAs and what comes through them.  Each of these may be NULL. */

	/* A pair that lives since an earlier control process, reported after up() and before
	 * orphan().  `entry` is a checked copy.  The result becomes the slot's owner and the pair
	 * goes on; NULL: it is closed. */
	void *(*sa_orphan)(void *user, const struct sa_entry *entry);
	/* The answer to COMMAND_SA_ADD, OUT or UPDATE, in their order: 0 or a negative errno. */
	void (*sa_done)(void *owner, enum command_type type, int error);
	void (*sa_expire)(void *owner, enum sa_expiry which);
	/* An authentic packet of the pair came from elsewhere. */
	void (*sa_mapping)(void *owner, const struct sa_outer *from);
	/* The pair's end is confirmed, its slot free again. */
	void (*sa_gone)(void *owner, const struct sa_counters *last);
	/* An L2TP message: a control message, or a data message that only control can tell whose
	 * it is (FRAME_L2TP).  sa is the pair that it came through, live and with an owner, or 0
	 * when it came in clear.  `inner` holds the addresses and UDP ports of its datagram;
	 * `from`: where its ESP came from when not from the pair's peer, else NULL. */
	void (*l2tp_frame)(void *user, uint32_t sa, const struct sa_outer *inner,
		const struct sa_outer *from, const uint8_t *message, size_t len);
};

/* Since link_new(). */
struct link_stats {
	uint64_t connects;
	uint64_t bad_records;   /* of the data plane: version, length, type or handle (T21) */
	uint64_t stale_records; /* of a slot's former owner: a race, not an error */
	uint64_t commands, injects;
	uint64_t ring_full;      /* times that a ring had no room: the record waited in the queue */
	uint64_t queue_full;     /* records refused to the caller because the queue was full, too */
	uint64_t close_repeated; /* CLOSE commands repeated because no answer came */
	uint32_t queued;         /* records waiting now */
	uint32_t unconfirmed;    /* sessions and pairs whose end the data plane did not confirm in
				    time, now */
};

/* The mapped segment for readers: its parts by the dimensions that were checked when it was mapped.
 * Whatever stands in it may change and be wrong (T21). */
struct link_view {
	const struct segment_header *header;   /* live: for its counters and ports only */
	const struct worker_counters *workers; /* [n_workers] */
	const struct node_counters *nodes;     /* [worker * SEGMENT_MAX_NODES + node] */
	uint32_t n_workers, max_sessions;
};

struct link;

/* Begins to connect to the data plane's socket and goes on trying.  ops and path are borrowed.
 * NULL: out of memory. */
struct link *link_new(uv_loop_t *loop, const char *path, const struct link_ops *ops, void *user);
/* Closes without down(); closed(user) is called from the loop when the memory is given back. */
void link_free(struct link *l, void (*closed)(void *user));

bool link_connected(const struct link *l);
/* Why there is no connection; "" before the first attempt ended. */
const char *link_error(const struct link *l);
/* Sessions that the data plane has room for; 0 while not connected. */
uint32_t link_max_sessions(const struct link *l);
/* False: not connected.  Valid until the caller returns to the loop. */
bool link_view(const struct link *l, struct link_view *out);
void link_stats(const struct link *l, struct link_stats *out);

/* Takes the slot that is free for longest, with its next generation.  0: none is free, or not
 * connected. */
uint32_t link_take(struct link *l, void *owner);
/* Gives back a slot of which the data plane was told nothing.  0 is allowed. */
void link_untake(struct link *l, uint32_t handle);
/* Sends a command (handle and body set; the rest is filled in).  0, or -ENOTCONN, or -ENOBUFS when
 * ring and queue are full: the session can't go on then.  The command may hold keys: the caller
 * wipes its own copy, this side its. */
int link_command(struct link *l, enum command_type type, struct command *cmd);
/* Ends a session: CLOSE, repeated until the data plane confirms.  gone() follows, unless down()
 * comes before. */
void link_close(struct link *l, uint32_t handle);
/* Sends a PPP frame to the peer, after all commands given before.  0, -ENOTCONN, -EMSGSIZE,
 * -ENOBUFS. */
int link_inject(struct link *l, uint32_t handle, const uint8_t *frame, size_t len);
/* The session's counters as they stand; zeros when unknown. */
void link_counters(const struct link *l, uint32_t handle, struct session_counters *out);
/* A copy of the data plane's entry; false when it has none for this handle. */
bool link_session_entry(const struct link *l, uint32_t handle, struct session_entry *out);
/* The journal's cells in the segment, none without one: of sessions by slot, of tunnels.  Valid
 * until the caller returns to the loop. */
struct journal link_session_journal(const struct link *l);
struct journal link_tunnel_journal(const struct link *l);
/* The worker that owns the session; 0 when unknown. */
uint8_t link_owner_worker(const struct link *l, uint32_t handle);

/* --- pairs of SAs: handles are SPIs, dataplane/api/sa.h */

/* Pairs that the data plane has room for; 0 while not connected, or without IPsec. */
uint32_t link_max_sas(const struct link *l);
/* As link_take() and link_untake(): an SPI before the data plane knows of it. */
uint32_t link_sa_take(struct link *l, void *owner);
void link_sa_untake(struct link *l, uint32_t sa);
/* The peer at this address is told the SPI: what it sends before link_sa_add() may wait. */
void link_sa_reserve(struct link *l, uint32_t sa, uint32_t peer_ip);
/* The owner of a live pair; NULL when there is none of that handle, or it is being closed. */
void *link_sa_owner(const struct link *l, uint32_t sa);
/* 0, -ENOTCONN, -ENOBUFS as link_command(), -ENOENT: no such pair.  sa_done() follows.  The caller
 * wipes its keys. */
int link_sa_add(struct link *l, uint32_t sa, const struct command_sa_add *add);
int link_sa_out(struct link *l, uint32_t sa, const struct command_sa_out *out);
/* peer 0: it stays. */
int link_sa_update(struct link *l, uint32_t sa, const struct sa_outer *outer, uint32_t peer);
/* Ends a pair that was added, repeated until the data plane confirms.  sa_gone() follows, unless
 * down() comes before. */
void link_sa_close(struct link *l, uint32_t sa);
/* Sends an L2TP message through the pair's outbound SA, or in clear with sa 0, after all commands
 * given before.  `inner` is seen from here: server_* is its source.  `to`: where ESP goes this
 * time; NULL: as the pair says.  0, -ENOTCONN, -EMSGSIZE, -ENOBUFS, -ENOENT. */
int link_l2tp_inject(struct link *l, uint32_t sa, const struct sa_outer *inner,
	const struct sa_outer *to, const uint8_t *message, size_t len);
/* The data plane's monotonic clock, in which its times are given; 0 without a segment. */
uint64_t link_now_us(const struct link *l);
/* As they stand; zeros when unknown. */
void link_sa_counters(const struct link *l, uint32_t sa, struct sa_counters *out);
/* A copy of the data plane's entry; false when it has none for this handle. */
bool link_sa_entry(const struct link *l, uint32_t sa, struct sa_entry *out);

#endif
