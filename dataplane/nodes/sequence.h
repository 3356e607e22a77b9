/* SPDX-License-Identifier: BSD-3-Clause */
/* What PPTP's and L2TP's uplink share: the window of sequence numbers (docs/adr/0006), and that
 * something of a session was received. */
#ifndef ADIT_DATAPLANE_NODES_SEQUENCE_H
#define ADIT_DATAPLANE_NODES_SEQUENCE_H

#include "dataplane/nodes/node.h"

#define SEQUENCE_WINDOW 64 /* late packets accepted behind the highest number */
#define SEQUENCE_MAX_AHEAD \
	16384 /* further ahead is not believed (T5) before SEQUENCE_RESYNC in a row say so */
#define SEQUENCE_RESYNC 32

enum sequence_verdict { SEQUENCE_NEW, SEQUENCE_DUPLICATE, SEQUENCE_LATE, SEQUENCE_FAR };

static inline void
sequence_restart(struct session_uplink *u, uint32_t seq)
{
	u->rx_any = 1;
	u->rx_highest = seq;
	u->rx_window = 1;
}

/* ahead: seq - u->rx_highest, in the width of the protocol's numbers. */
static inline enum sequence_verdict
sequence_accept(struct session_uplink *u, uint32_t seq, int32_t ahead)
{
	if (unlikely(!u->rx_any)) {
		sequence_restart(u, seq);
	} else if (unlikely(ahead > SEQUENCE_MAX_AHEAD || ahead < -SEQUENCE_MAX_AHEAD)) {
		/* Not believed before many in a row say so; packets of the real peer between them
		 * start the count again. */
		if (++u->far_ahead < SEQUENCE_RESYNC)
			return SEQUENCE_FAR;
		sequence_restart(u, seq);
	} else if (likely(ahead > 0)) {
		u->counters->gre_lost += ahead - 1;
		u->rx_window = ahead < SEQUENCE_WINDOW ? u->rx_window << ahead | 1 : 1;
		u->rx_highest = seq;
	} else if (-ahead >= SEQUENCE_WINDOW) {
		return SEQUENCE_LATE;
	} else {
		uint64_t bit = 1ull << -ahead;
		if (u->rx_window & bit)
			return SEQUENCE_DUPLICATE;
		u->rx_window |= bit;
		if (u->counters->gre_lost > 0)
			u->counters->gre_lost--;
	}
	u->far_ahead = 0;
	return SEQUENCE_NEW;
}

/* A PPP frame of the session was accepted. */
static inline void
session_heard(struct worker *w, struct session *s, uint32_t handle)
{
	s->up.counters->up_last_seen_us = w->now_us;
	s->up.counters->up_ppp_packets++;
	if (unlikely(!s->cfg.peer_seen))
		s->cfg.peer_seen = worker_event_send(w, handle, EVENT_PEER_SEEN);
}

#endif
