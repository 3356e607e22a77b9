/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What PPTP's and L2TP's uplink share: the window of sequence numbers, and that something of a
 * session was received.
 *
 * Anybody can forge a number (T5, T27; docs/adr/0006).  So a number alone never costs a peer much:
 * what is dropped for its number is bounded in time, and what moves the window is a packet that
 * MPPE has proved, or in clear what follows the window closely, or several that agree while the
 * window is silent.  Control frames, which MPPE never covers, are checked and move nothing.
 */
#ifndef ADIT_DATAPLANE_NODES_SEQUENCE_H
#define ADIT_DATAPLANE_NODES_SEQUENCE_H

#include "dataplane/api/event.h"
#include "dataplane/api/session.h"
#include "dataplane/nodes/node.h"
#include "dataplane/nodes/ppp.h"

#define SEQUENCE_WINDOW    64    /* behind the highest number, each is taken once */
#define SEQUENCE_MAX_AHEAD 16384 /* further ahead, or behind, is dropped at first */
/* In clear: a packet up to so many ahead moves the window; further, packets that follow each other
 * do, when none was inside of the window between them. */
#define SEQUENCE_NEAR      256
#define SEQUENCE_AGREE     8
/* Data packets that a session may lose for their numbers: so many at once, then one a second. */
#define SEQUENCE_DROPS     16
#define SEQUENCE_DROP_US   1000000

enum sequence_verdict { SEQUENCE_NEW, SEQUENCE_DUPLICATE, SEQUENCE_LATE, SEQUENCE_FAR };

/* A packet's number, and how far it is from others, in the width of the protocol's numbers. */
struct sequence {
	uint32_t seq;
	int32_t ahead;   /* of u->rx_highest */
	int32_t step;    /* from u->rx_stray */
	int32_t unacked; /* ahead of u->rx_ack */
};

static inline struct sequence
sequence_of(const struct session *s, uint32_t seq)
{
	const struct session_uplink *u = &s->up;
	struct sequence n = {seq, (int32_t)(seq - u->rx_highest), (int32_t)(seq - u->rx_stray),
		(int32_t)(seq - u->rx_ack)};

	if (s->cfg.protocol == TUNNEL_L2TP) /* RFC 2661 section 5.4: 16 bits */
		n = (struct sequence){seq, (int16_t)n.ahead, (int16_t)n.step, (int16_t)n.unacked};
	return n;
}

/* What a number says; nothing changes. */
static inline enum sequence_verdict
sequence_look(const struct session_uplink *u, int32_t ahead)
{
	if (likely(ahead > 0 && ahead <= SEQUENCE_MAX_AHEAD) || unlikely(!u->rx_any))
		return SEQUENCE_NEW;
	if (ahead > SEQUENCE_MAX_AHEAD || ahead < -SEQUENCE_MAX_AHEAD)
		return SEQUENCE_FAR;
	if (-ahead >= SEQUENCE_WINDOW)
		return SEQUENCE_LATE;
	return u->rx_window & 1ull << -ahead ? SEQUENCE_DUPLICATE : SEQUENCE_NEW;
}

/* May a data packet be dropped for its number?  Whoever forges numbers makes the window wrong, not
 * more than so many packets lost. */
static inline bool
sequence_may_drop(struct session_uplink *u, uint64_t now_us)
{
	if (u->drops_us < now_us)
		u->drops_us = now_us;
	if (u->drops_us - now_us >= SEQUENCE_DROPS * (uint64_t)SEQUENCE_DROP_US)
		return false;
	u->drops_us += SEQUENCE_DROP_US;
	return true;
}

static inline void
sequence_restart(struct session_uplink *u, uint32_t seq)
{
	u->rx_any = 1;
	u->rx_highest = seq;
	u->rx_window = 1;
	u->rx_agree = 0;
}

/* Inside of the window, or ahead of it: its packet is believed. */
static inline void
sequence_move(struct session *s, uint32_t seq, int32_t ahead)
{
	struct session_uplink *u = &s->up;

	u->rx_agree = 0;
	if (likely(ahead > 0)) {
		/* Control frames took numbers too. */
		uint32_t control = RTE_MIN(u->rx_control, (uint32_t)ahead - 1);
		s->cfg.counters->gre_lost += ahead - 1 - control;
		u->rx_control = 0;
		u->rx_window = ahead < SEQUENCE_WINDOW ? u->rx_window << ahead | 1 : 1;
		u->rx_highest = seq;
		return;
	}
	u->rx_window |= 1ull << -ahead;
	if (s->cfg.counters->gre_lost > 0)
		s->cfg.counters->gre_lost--;
}

/* A packet that the peer has sent for certain. */
static inline void
sequence_proven(struct session *s, const struct sequence *n)
{
	struct session_uplink *u = &s->up;

	if (unlikely(!u->rx_any || n->ahead > SEQUENCE_MAX_AHEAD || n->ahead <= -SEQUENCE_WINDOW))
		sequence_restart(u, n->seq);
	else
		sequence_move(s, n->seq, n->ahead);
	u->rx_ack = u->rx_highest;
}

/* A data packet in clear.  False: the window doesn't believe it. */
static inline bool
sequence_clear(struct session *s, const struct sequence *n)
{
	struct session_uplink *u = &s->up;

	if (unlikely(!u->rx_any)) {
		sequence_restart(u, n->seq);
	} else if (likely(n->ahead > -SEQUENCE_WINDOW && n->ahead <= SEQUENCE_NEAR)) {
		uint32_t before = u->rx_highest;
		sequence_move(s, n->seq, n->ahead);
		if (unlikely(n->ahead >= SEQUENCE_WINDOW)) {
			/* One that goes on where it was moves the window back. */
			u->rx_stray = before;
			u->rx_agree = SEQUENCE_AGREE - 1;
		}
	} else {
		if (n->step <= 0 || n->step > SEQUENCE_WINDOW)
			u->rx_agree = 0;
		u->rx_stray = n->seq;
		if (++u->rx_agree < SEQUENCE_AGREE)
			return false;
		if (n->ahead > 0 && n->ahead <= SEQUENCE_MAX_AHEAD)
			sequence_move(s, n->seq, n->ahead);
		else
			sequence_restart(u, n->seq);
	}
	u->rx_ack = u->rx_highest;
	return true;
}

/* A frame that MPPE does not cover: acknowledged when it follows what was acknowledged before. */
static inline void
sequence_control(struct session_uplink *u, const struct sequence *n)
{
	if (n->ahead > 0 && u->rx_control < UINT8_MAX)
		u->rx_control++;
	if (!u->rx_any || (n->unacked > 0 && n->unacked <= SEQUENCE_WINDOW))
		u->rx_ack = n->seq;
}

/*
 * A numbered frame of the session, its PPP protocol taken off.  SEQUENCE_NEW: take it; MPPE's are
 * for sequence_proven() when they have proved themselves.
 */
static inline enum sequence_verdict
sequence_check(
	const struct worker *w, struct session *s, uint16_t ppp_proto, const struct sequence *n)
{
	enum sequence_verdict v = sequence_look(&s->up, n->ahead);

	if (ppp_proto == PPP_MPPE || s->cfg.peer != 0) {
		if (unlikely(v != SEQUENCE_NEW) && sequence_may_drop(&s->up, w->now_us))
			return v;
		if (s->cfg.peer != 0) /* ESP has proved it */
			sequence_proven(s, n);
	} else if (s->cfg.mppe_rx != 0) { /* the window is proven, and this is not */
		if (v != SEQUENCE_NEW)
			return v;
		sequence_control(&s->up, n);
	} else if (ppp_proto >= 0x4000) {
		sequence_control(&s->up, n);
	} else if (v == SEQUENCE_DUPLICATE || !sequence_clear(s, n)) {
		if (v != SEQUENCE_NEW && sequence_may_drop(&s->up, w->now_us))
			return v;
	}
	return SEQUENCE_NEW;
}

/* A PPP frame of the session was accepted. */
static inline void
session_heard(struct worker *w, struct session *s, uint32_t handle)
{
	s->cfg.counters->up_last_seen_us = w->now_us;
	s->cfg.counters->up_ppp_packets++;
	if (unlikely(!s->cfg.peer_seen))
		s->cfg.peer_seen = worker_event_send(w, handle, EVENT_PEER_SEEN);
}

#endif
