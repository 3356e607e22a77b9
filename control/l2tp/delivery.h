/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reliable delivery of control messages: RFC 2661 section 5.8 and appendix A.  Numbers are modulo
 * 65,536.  A pure machine: what is to be sent comes out through a callback.  Times are monotonic
 * milliseconds.
 */
#ifndef ADIT_CONTROL_L2TP_DELIVERY_H
#define ADIT_CONTROL_L2TP_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define L2TP_WINDOW_MAX 32  /* messages that are under way in one direction */
#define L2TP_HELD_MAX   512 /* octets of an early message that is kept: bounds memory */
#define L2TP_NEVER      UINT64_MAX

struct l2tp_delivery_config {
	uint16_t receive_window;    /* 1 to L2TP_WINDOW_MAX: what we announce, and hold */
	uint32_t retransmit_ms;     /* first interval; it doubles each time */
	uint32_t retransmit_max_ms; /* up to this one */
	unsigned int max_tries;     /* repetitions until the peer is given up */
};

struct l2tp_outgoing;

struct l2tp_delivery {
	struct l2tp_delivery_config cfg;
	void (*send)(void *user, const uint8_t *bytes, size_t len);
	void *user;
	/* Sending: messages first_ns .. first_ns + n_queued - 1, of which n_flying are out. */
	STAILQ_HEAD(, l2tp_outgoing) queue;
	uint16_t first_ns;
	unsigned int n_queued, n_flying, max_queued;
	unsigned int peer_window, congestion, threshold, credit; /* appendix A */
	unsigned int tries;
	uint32_t interval_ms;
	uint64_t retransmit_at;
	bool timed_repeats; /* else only delivery_repeat() repeats (T13) */
	/* Receiving. */
	uint16_t nr;  /* next number expected */
	bool ack_due; /* something was taken that no message of ours has acknowledged yet */
	struct {
		uint8_t *bytes; /* NULL: nothing held */
		size_t len;
	} held[L2TP_WINDOW_MAX]; /* a ring: held[first_held] would be number nr */
	unsigned int first_held;
	uint64_t sent, repeated; /* messages */
};

enum l2tp_arrival {
	L2TP_NEXT,      /* in its turn: take it; delivery_next() gives what had to wait for it */
	L2TP_HELD,      /* early: kept */
	L2TP_DUPLICATE, /* acknowledge again */
	L2TP_OUTSIDE    /* beyond the window, too long to keep, or no memory: as if lost */
};

/* max_queued: bound of messages that wait. */
void delivery_init(struct l2tp_delivery *d, const struct l2tp_delivery_config *cfg,
	unsigned int max_queued, void (*send)(void *user, const uint8_t *bytes, size_t len),
	void *user);
void delivery_free(struct l2tp_delivery *d);
/* The peer's Receive Window Size AVP; 0 counts as 1. */
void delivery_peer_window(struct l2tp_delivery *d, uint16_t window);

/* Queues an encoded message, which gets its numbers here, and sends it when the window has room.
 * False: the queue is full, or out of memory. */
bool delivery_post(struct l2tp_delivery *d, const uint8_t *bytes, size_t len, uint64_t now);
/* Where another one stood that came before this one, which has sent nothing yet. */
struct l2tp_delivery_numbers {
	uint16_t first_ns, unacknowledged; /* to be sent again: this one and so many on */
	uint16_t nr;
};
/* Goes on there, with copies of this message in the place of each unacknowledged one.  False: more
 * than may be queued, or out of memory. */
bool delivery_restore(struct l2tp_delivery *d, const struct l2tp_delivery_numbers *numbers,
	const uint8_t *bytes, size_t len, uint64_t now);
/* The peer's Nr.  False: it acknowledges what was never sent. */
bool delivery_acknowledged(struct l2tp_delivery *d, uint16_t nr, uint64_t now);
/* A message with this number came (not a ZLB).  Held ones are copied. */
enum l2tp_arrival delivery_arrived(
	struct l2tp_delivery *d, uint16_t ns, const uint8_t *bytes, size_t len);
/* Takes the message that delivery_arrived() held for this turn: malloc()ed, NULL when there is
 * none. */
uint8_t *delivery_next(struct l2tp_delivery *d, size_t *len);
/* The oldest unacknowledged message is sent again. */
void delivery_repeat(struct l2tp_delivery *d, uint64_t now);
/* False: the peer is given up. */
bool delivery_timer(struct l2tp_delivery *d, uint64_t now);

#endif
