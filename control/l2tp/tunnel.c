/* SPDX-License-Identifier: BSD-3-Clause */
/* One tunnel: the control connection of RFC 2661 section 7.2 as its responder. */
#include "control/l2tp/tunnel.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "control/l2tp/result.h"
#include "crypto/mschap.h"

#define NO_HOST_NAME    "lns" /* section 4.4.3: the AVP must be there, and not empty */
#define ANSWER_MAX      512   /* octets of any message that we send */
/* A client sends about ten messages to set up a call and hardly any later. */
#define RATE_BURST      64
#define RATE_PER_SECOND 16

uint64_t
l2tp_deadline(uint64_t now, uint32_t ms)
{
	return ms ? now + ms : L2TP_NEVER;
}

/* How long messages may be repeated: section 5.7's full retransmission cycle. */
static uint32_t
retransmission_cycle(const struct l2tp_delivery_config *cfg)
{
	uint32_t ms = 0, interval = cfg->retransmit_ms;

	for (unsigned int i = 0; i <= cfg->max_tries; i++) {
		ms += interval;
		interval = interval < cfg->retransmit_max_ms / 2 ? interval * 2
								 : cfg->retransmit_max_ms;
	}
	return ms;
}

/* ------------------------------------------------------------------ sending */

static void
send_zlb(struct l2tp_tunnel *t)
{
	struct l2tp_delivery *d = &t->delivery;
	struct l2tp_message m = {
		.tunnel_id = t->peer_id, .ns = (uint16_t)(d->first_ns + d->n_queued), .nr = d->nr};
	uint8_t bytes[L2TP_HEADER_LEN];

	d->ack_due = false;
	d->send(d->user, bytes, l2tp_message_encode(&m, NULL, bytes, sizeof(bytes)));
}

unsigned int
tunnel_queue_max(const struct l2tp_server *s)
{
	return 2 * s->cfg.max_sessions_per_tunnel + 16;
}

void
tunnel_post(struct l2tp_tunnel *t, struct l2tp_message *m)
{
	uint8_t bytes[ANSWER_MAX];
	size_t len;

	if (t->state == TUNNEL_DEAD || t->state == TUNNEL_LINGERING)
		return;
	m->tunnel_id = t->peer_id;
	len = l2tp_message_encode(m, NULL, bytes, sizeof(bytes));
	if (len == 0 || !delivery_post(&t->delivery, bytes, len, t->server->now))
		tunnel_drop(t, REFUSAL_NO_RESOURCES, "too many unacknowledged messages");
}

/* ------------------------------------------------------------------ ends */

static bool
is_live(const struct l2tp_tunnel *t)
{
	return t->state == TUNNEL_HALF_OPEN || t->state == TUNNEL_ESTABLISHED;
}

/* The gateway is told once. */
static void
leave(struct l2tp_tunnel *t, enum l2tp_tunnel_state state, enum refusal_code why, const char *text)
{
	bool live = is_live(t);

	server_tunnel_state(t, state);
	sessions_end(t, why, text);
	if (live)
		t->server->ops.tunnel_over(
			t->server->user, &t->path, t->id, t->had_session, why, text);
}

void
tunnel_drop(struct l2tp_tunnel *t, enum refusal_code why, const char *text)
{
	bool stopped = t->state == TUNNEL_STOPPING;

	if (t->state == TUNNEL_DEAD)
		return;
	leave(t, TUNNEL_DEAD, why, text);
	if (stopped)
		t->server->ops.tunnel_stopped(t->server->user, &t->path, t->stop_why);
}

void
tunnel_stop(struct l2tp_tunnel *t, enum refusal_code why, uint16_t result, uint16_t error,
	const char *text)
{
	struct l2tp_message m = {
		.type = L2TP_STOPCCN,
		.has = L2TP_HAS(L2TP_RESULT_CODE) | L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID),
		.result = result,
		.error = error,
		.has_error = error != L2TP_ERROR_NONE,
		.assigned_tunnel_id = t->id,
	};

	if (!is_live(t))
		return;
	snprintf(m.error_text, sizeof(m.error_text), "%s", refusal_name(why));
	t->stop_why = why;
	leave(t, TUNNEL_STOPPING, why, text);
	t->over_at = t->server->now + retransmission_cycle(&t->delivery.cfg);
	tunnel_post(t, &m);
}

static void
on_stopccn(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	/* xl2tpd has no better answer to a Challenge when it has no secret. */
	bool unproven = t->state == TUNNEL_HALF_OPEN && *t->server->cfg.secret;
	char text[64];

	snprintf(text, sizeof(text), "StopCCN, result %u, error %u%s", m->result, m->error,
		unproven ? ", in answer to our challenge" : "");
	leave(t, TUNNEL_LINGERING, unproven ? REFUSAL_TUNNEL_AUTH_FAILED : REFUSAL_PEER_CLOSED,
		text);
	if (t->state != TUNNEL_LINGERING)
		return;
	t->over_at = t->server->now + retransmission_cycle(&t->delivery.cfg);
	t->delivery.retransmit_at = L2TP_NEVER;
}

static void
protocol_error(struct l2tp_tunnel *t, uint16_t result, uint16_t error, const char *text)
{
	tunnel_stop(t, REFUSAL_PROTOCOL_ERROR, result, error, text);
}

/* ------------------------------------------------------------------ messages */

void
tunnel_begin(struct l2tp_tunnel *t, const struct l2tp_message *sccrq)
{
	const struct l2tp_config *cfg = &t->server->cfg;
	struct l2tp_message m = {
		.type = L2TP_SCCRP,
		.has = L2TP_HAS(L2TP_PROTOCOL_VERSION) | L2TP_HAS(L2TP_FRAMING_CAPABILITIES) |
		       L2TP_HAS(L2TP_HOST_NAME) | L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID) |
		       L2TP_HAS(L2TP_RECEIVE_WINDOW),
		.version = L2TP_VERSION,
		.framing_capabilities = L2TP_FRAMING_SYNC | L2TP_FRAMING_ASYNC,
		.assigned_tunnel_id = t->id,
		.receive_window = t->delivery.cfg.receive_window,
	};

	snprintf(m.host_name, sizeof(m.host_name), "%s",
		*cfg->host_name ? cfg->host_name : NO_HOST_NAME);
	snprintf(m.vendor, sizeof(m.vendor), "%s", cfg->vendor);
	if (*cfg->vendor)
		m.has |= L2TP_HAS(L2TP_VENDOR_NAME);
	if (*cfg->secret) {
		t->server->ops.random(t->server->user, t->challenge, sizeof(t->challenge));
		memcpy(m.challenge, t->challenge, sizeof(t->challenge));
		m.challenge_len = sizeof(t->challenge);
		m.has |= L2TP_HAS(L2TP_CHALLENGE);
	}
	if (sccrq->has & L2TP_HAS(L2TP_CHALLENGE)) {
		/* Section 4.4.3: the identifier is the type of the message that answers. */
		if (chap_md5_response(L2TP_SCCRP, cfg->secret, sccrq->challenge,
			    sccrq->challenge_len, m.challenge_response) != 0) {
			tunnel_drop(t, REFUSAL_NO_RESOURCES, "no MD5");
			return;
		}
		m.has |= L2TP_HAS(L2TP_CHALLENGE_RESPONSE);
	}
	if (sccrq->has & L2TP_HAS(L2TP_RECEIVE_WINDOW))
		delivery_peer_window(&t->delivery, sccrq->receive_window);
	/* T13: nobody has proven to be at this address yet; it has to ask for repetitions. */
	t->delivery.timed_repeats = t->path.peer != 0;
	tunnel_post(t, &m);
}

static bool
authentic(const struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	const char *secret = t->server->cfg.secret;
	uint8_t right[sizeof(m->challenge_response)];

	if (!*secret)
		return true;
	return m->has & L2TP_HAS(L2TP_CHALLENGE_RESPONSE) &&
	       chap_md5_response(L2TP_SCCCN, secret, t->challenge, sizeof(t->challenge), right) ==
		       0 &&
	       CRYPTO_memcmp(right, m->challenge_response, sizeof(right)) == 0;
}

static void
on_scccn(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	if (!authentic(t, m)) {
		tunnel_stop(t, REFUSAL_TUNNEL_AUTH_FAILED, L2TP_STOP_NOT_AUTHORIZED, 0,
			m->has & L2TP_HAS(L2TP_CHALLENGE_RESPONSE)
				? "the challenge response is wrong"
				: "SCCCN without a challenge response");
		return;
	}
	server_tunnel_state(t, TUNNEL_ESTABLISHED);
	t->delivery.timed_repeats = true;
	t->established_at = t->server->now;
	t->over_at = l2tp_deadline(t->server->now, t->server->cfg.idle_ms);
	server_replace(t);
}

static void
on_message(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	if (m->type == L2TP_STOPCCN) {
		on_stopccn(t, m);
		return;
	}
	if (t->state == TUNNEL_HALF_OPEN) {
		if (m->type == L2TP_SCCCN)
			on_scccn(t, m);
		else
			protocol_error(t, L2TP_STOP_FSM, 0, "message before SCCCN");
		return;
	}
	if (t->state != TUNNEL_ESTABLISHED)
		return; /* sent before the peer saw the end */
	switch (m->type) {
	case L2TP_HELLO:
		break;
	case L2TP_SCCRQ:
	case L2TP_SCCRP:
	case L2TP_SCCCN:
		protocol_error(t, L2TP_STOP_FSM, 0, "the tunnel is open already");
		break;
	default:
		sessions_message(t, m);
	}
}

/* Section 4.1: whom a message that can't be understood concerns, that ends. */
static void
on_bad_message(
	struct l2tp_tunnel *t, const struct l2tp_message *m, uint16_t error, const char *text)
{
	if (m->type == L2TP_STOPCCN || m->type == L2TP_CDN)
		on_message(t, m); /* what it is about is over anyhow */
	else if (t->state == TUNNEL_ESTABLISHED && m->type >= L2TP_OCRQ)
		sessions_bad_message(t, m, error, text);
	else
		protocol_error(t, L2TP_STOP_ERROR, error, text);
}

static void
in_turn(struct l2tp_tunnel *t, const uint8_t *bytes, size_t len)
{
	struct l2tp_header h;
	struct l2tp_message m;

	if (t->state == TUNNEL_DEAD || l2tp_header_decode(&h, bytes, len) != 0)
		return;
	switch (l2tp_message_decode(&m, &h, bytes, t->server->cfg.secret)) {
	case L2TP_GOOD:
		on_message(t, &m);
		break;
	case L2TP_MALFORMED:
		t->server->stats.malformed++;
		protocol_error(t, L2TP_STOP_ERROR, L2TP_ERROR_LENGTH, "malformed message");
		break;
	case L2TP_BAD_VALUE:
		t->server->stats.malformed++;
		on_bad_message(t, &m, L2TP_ERROR_LENGTH, "an AVP of a wrong length");
		break;
	case L2TP_UNKNOWN_AVP:
		on_bad_message(t, &m, L2TP_ERROR_UNKNOWN_AVP, "an unknown mandatory AVP");
		break;
	case L2TP_UNKNOWN_MESSAGE:
		protocol_error(
			t, L2TP_STOP_ERROR, L2TP_ERROR_UNKNOWN_AVP, "an unknown mandatory message");
		break;
	case L2TP_IGNORE:
		break;
	}
}

static bool
rate_exceeded(struct l2tp_tunnel *t)
{
	uint64_t now = t->server->now, per_tunnel = t->server->cfg.max_sessions_per_tunnel;
	uint64_t most = (RATE_BURST + 4 * per_tunnel) * 1000;
	uint64_t ms = now - t->tokens_at;

	t->tokens = ms > 60000 ? most : t->tokens + ms * (RATE_PER_SECOND + per_tunnel);
	t->tokens_at = now;
	if (t->tokens > most)
		t->tokens = most;
	if (t->tokens < 1000)
		return true;
	t->tokens -= 1000;
	return false;
}

static void
receive(struct l2tp_tunnel *t, const struct l2tp_header *h, const uint8_t *bytes)
{
	struct l2tp_stats *stats = &t->server->stats;
	uint8_t *held;
	size_t len;

	switch (delivery_arrived(&t->delivery, h->ns, bytes, h->len)) {
	case L2TP_NEXT:
		in_turn(t, bytes, h->len);
		while ((held = delivery_next(&t->delivery, &len))) {
			in_turn(t, held, len);
			OPENSSL_clear_free(held, len);
		}
		break;
	case L2TP_HELD:
		break;
	case L2TP_DUPLICATE:
		stats->duplicates++;
		break;
	case L2TP_OUTSIDE:
		stats->outside++;
		break;
	}
}

void
tunnel_input(struct l2tp_tunnel *t, const struct l2tp_header *h, const uint8_t *bytes)
{
	struct l2tp_server *s = t->server;

	if (rate_exceeded(t)) {
		s->stats.flooded++;
		return;
	}
	if (!delivery_acknowledged(&t->delivery, h->nr, s->now)) {
		s->stats.bad_nr++;
		return;
	}
	t->hello_at = l2tp_deadline(s->now, s->cfg.hello_interval_ms);
	if (h->len > L2TP_HEADER_LEN)
		receive(t, h, bytes);
	if (t->delivery.ack_due && t->state != TUNNEL_DEAD)
		send_zlb(t);
	if (t->state == TUNNEL_STOPPING && t->delivery.n_queued == 0)
		tunnel_drop(t, REFUSAL_NONE, ""); /* StopCCN is acknowledged */
}

/* ------------------------------------------------------------------ time */

uint64_t
tunnel_next_timer(const struct l2tp_tunnel *t)
{
	uint64_t due = t->over_at, at;

	if (t->delivery.retransmit_at < due)
		due = t->delivery.retransmit_at;
	if (t->state != TUNNEL_ESTABLISHED)
		return due;
	if (t->hello_at < due)
		due = t->hello_at;
	at = sessions_next_timer(t);
	return at < due ? at : due;
}

static void
over(struct l2tp_tunnel *t)
{
	switch (t->state) {
	case TUNNEL_HALF_OPEN:
		tunnel_drop(t, REFUSAL_SETUP_TIMEOUT, "no SCCCN");
		break;
	case TUNNEL_ESTABLISHED:
		tunnel_stop(t, REFUSAL_PEER_CLOSED, L2TP_STOP_CLEAR, 0, "no session");
		break;
	default:
		tunnel_drop(t, REFUSAL_NONE, "");
	}
}

void
tunnel_timer(struct l2tp_tunnel *t)
{
	uint64_t now = t->server->now;
	struct l2tp_message hello = {.type = L2TP_HELLO};

	if (!delivery_timer(&t->delivery, now)) {
		/* A dead peer answers no StopCCN either. */
		tunnel_drop(t, REFUSAL_PEER_DEAD, "no acknowledgement");
		return;
	}
	if (now >= t->over_at) {
		over(t);
		return;
	}
	if (t->state != TUNNEL_ESTABLISHED)
		return;
	sessions_timer(t);
	if (now < t->hello_at)
		return;
	t->hello_at = l2tp_deadline(now, t->server->cfg.hello_interval_ms);
	/* What is unacknowledged probes the peer just as well. */
	if (t->delivery.n_queued == 0)
		tunnel_post(t, &hello);
}
