/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/l2tp/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "control/l2tp/message.h"

struct l2tp_outgoing {
	STAILQ_ENTRY(l2tp_outgoing) next;
	size_t len;
	uint8_t bytes[];
};

void
delivery_init(struct l2tp_delivery *d, const struct l2tp_delivery_config *cfg,
	unsigned int max_queued, void (*send)(void *user, const uint8_t *bytes, size_t len),
	void *user)
{
	memset(d, 0, sizeof(*d));
	d->cfg = *cfg;
	if (d->cfg.receive_window == 0)
		d->cfg.receive_window = 1;
	if (d->cfg.receive_window > L2TP_WINDOW_MAX)
		d->cfg.receive_window = L2TP_WINDOW_MAX;
	d->send = send;
	d->user = user;
	d->max_queued = max_queued;
	d->retransmit_at = L2TP_NEVER;
	d->interval_ms = cfg->retransmit_ms;
	d->timed_repeats = true;
	STAILQ_INIT(&d->queue);
	delivery_peer_window(d, L2TP_DEFAULT_WINDOW);
}

static void
drop_first(struct l2tp_delivery *d)
{
	struct l2tp_outgoing *o = STAILQ_FIRST(&d->queue);

	STAILQ_REMOVE_HEAD(&d->queue, next);
	free(o);
	d->n_queued--;
	d->first_ns++;
	if (d->n_flying > 0)
		d->n_flying--;
}

void
delivery_free(struct l2tp_delivery *d)
{
	while (!STAILQ_EMPTY(&d->queue))
		drop_first(d);
	for (unsigned int i = 0; i < L2TP_WINDOW_MAX; i++) {
		free(d->held[i].bytes);
		d->held[i].bytes = NULL;
	}
	d->retransmit_at = L2TP_NEVER;
}

/* Appendix A: slow start from one message, up to what the peer takes. */
void
delivery_peer_window(struct l2tp_delivery *d, uint16_t window)
{
	d->peer_window = window == 0 ? 1 : window < L2TP_WINDOW_MAX ? window : L2TP_WINDOW_MAX;
	d->threshold = d->peer_window;
	if (d->congestion == 0 || d->congestion > d->peer_window)
		d->congestion = 1;
}

/* ------------------------------------------------------------------ sending */

static void
transmit(struct l2tp_delivery *d, struct l2tp_outgoing *o, uint16_t ns)
{
	l2tp_message_stamp(o->bytes, ns, d->nr);
	d->ack_due = false;
	d->sent++;
	d->send(d->user, o->bytes, o->len);
}

static void
arm(struct l2tp_delivery *d, uint64_t now)
{
	d->retransmit_at = d->n_flying == 0 ? L2TP_NEVER : now + d->interval_ms;
}

/* Sends what the window has room for. */
static void
flush(struct l2tp_delivery *d, uint64_t now)
{
	struct l2tp_outgoing *o = STAILQ_FIRST(&d->queue);
	unsigned int window = d->congestion < d->peer_window ? d->congestion : d->peer_window;
	uint16_t ns = d->first_ns;

	for (unsigned int i = 0; o && i < window; i++, ns++, o = STAILQ_NEXT(o, next)) {
		if (i < d->n_flying)
			continue;
		d->n_flying++;
		transmit(d, o, ns);
	}
	if (d->retransmit_at == L2TP_NEVER)
		arm(d, now);
}

static bool
enqueue(struct l2tp_delivery *d, const uint8_t *bytes, size_t len)
{
	struct l2tp_outgoing *o = d->n_queued < d->max_queued ? malloc(sizeof(*o) + len) : NULL;

	if (!o)
		return false;
	o->len = len;
	memcpy(o->bytes, bytes, len);
	STAILQ_INSERT_TAIL(&d->queue, o, next);
	d->n_queued++;
	return true;
}

bool
delivery_post(struct l2tp_delivery *d, const uint8_t *bytes, size_t len, uint64_t now)
{
	if (!enqueue(d, bytes, len))
		return false;
	flush(d, now);
	return true;
}

bool
delivery_restore(struct l2tp_delivery *d, const struct l2tp_delivery_numbers *numbers,
	const uint8_t *bytes, size_t len, uint64_t now)
{
	d->first_ns = numbers->first_ns;
	d->nr = numbers->nr;
	while (d->n_queued < numbers->unacknowledged)
		if (!enqueue(d, bytes, len))
			return false;
	flush(d, now);
	return true;
}

/* Appendix A: one more message for each acknowledged one, above the threshold one more for each
 * window. */
static void
open_window(struct l2tp_delivery *d)
{
	if (d->congestion < d->threshold) {
		d->congestion++;
		return;
	}
	if (++d->credit < d->congestion)
		return;
	d->credit = 0;
	if (d->congestion < d->peer_window)
		d->congestion++;
}

bool
delivery_acknowledged(struct l2tp_delivery *d, uint16_t nr, uint64_t now)
{
	uint16_t n = (uint16_t)(nr - d->first_ns);

	/* An old Nr comes with what was delayed on its way. */
	if (n == 0 || n >= 0x8000)
		return true;
	/* After a time-out, later messages count as not sent, but they were. */
	if (n > d->n_queued)
		return false;
	for (; n > 0; n--) {
		drop_first(d);
		open_window(d);
	}
	d->tries = 0;
	d->interval_ms = d->cfg.retransmit_ms;
	arm(d, now);
	flush(d, now);
	return true;
}

void
delivery_repeat(struct l2tp_delivery *d, uint64_t now)
{
	struct l2tp_outgoing *o = STAILQ_FIRST(&d->queue);

	if (!o || d->n_flying == 0)
		return;
	d->repeated++;
	transmit(d, o, d->first_ns);
	arm(d, now);
}

bool
delivery_timer(struct l2tp_delivery *d, uint64_t now)
{
	if (now < d->retransmit_at)
		return true;
	if (!d->timed_repeats) {
		d->retransmit_at = L2TP_NEVER;
		return true;
	}
	if (d->tries++ >= d->cfg.max_tries)
		return false;
	/* Appendix A: a lost message halves the threshold, and slow start begins anew. */
	d->threshold = d->congestion / 2 > 1 ? d->congestion / 2 : 1;
	d->congestion = 1;
	d->credit = 0;
	d->n_flying = 1;
	d->interval_ms = d->interval_ms < d->cfg.retransmit_max_ms / 2 ? d->interval_ms * 2
								       : d->cfg.retransmit_max_ms;
	delivery_repeat(d, now);
	return true;
}

/* ------------------------------------------------------------------ receiving */

static void
advance(struct l2tp_delivery *d)
{
	d->nr++;
	d->first_held = (d->first_held + 1) % d->cfg.receive_window;
	d->ack_due = true;
}

enum l2tp_arrival
delivery_arrived(struct l2tp_delivery *d, uint16_t ns, const uint8_t *bytes, size_t len)
{
	uint16_t ahead = (uint16_t)(ns - d->nr);
	unsigned int i;

	if (ahead == 0) {
		advance(d);
		return L2TP_NEXT;
	}
	if (ahead >= 0x8000) {
		d->ack_due = true;
		return L2TP_DUPLICATE;
	}
	if (ahead >= d->cfg.receive_window || len > L2TP_HELD_MAX)
		return L2TP_OUTSIDE;
	i = (d->first_held + ahead) % d->cfg.receive_window;
	if (d->held[i].bytes)
		return L2TP_HELD;
	d->held[i].bytes = malloc(len);
	if (!d->held[i].bytes)
		return L2TP_OUTSIDE;
	memcpy(d->held[i].bytes, bytes, len);
	d->held[i].len = len;
	return L2TP_HELD;
}

uint8_t *
delivery_next(struct l2tp_delivery *d, size_t *len)
{
	uint8_t *bytes = d->held[d->first_held].bytes;

	if (!bytes)
		return NULL;
	*len = d->held[d->first_held].len;
	d->held[d->first_held].bytes = NULL;
	advance(d);
	return bytes;
}
