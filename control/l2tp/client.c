/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/l2tp/client.h"

#include <stdio.h>
#include <string.h>

#include "crypto/mschap.h"

#define TRIES 8
#define RETRANSMIT_MS \
	1000 /* RFC 2661 section 5.8, without its doubling: simple clients have none */
#define NEVER UINT64_MAX

static void
trace(struct l2tp_client *l, char direction, unsigned int type, uint16_t ns, uint16_t nr)
{
	if (l->ops->trace)
		l->ops->trace(l->user, direction, type, ns, nr);
}

static void
finish(struct l2tp_client *l, enum refusal_code why, const char *text)
{
	if (l->is_over)
		return;
	l->is_over = true;
	l->hello_at = NEVER;
	if (l->ops->over)
		l->ops->over(l->user, why, text);
}

/* ------------------------------------------------------------------ sending */

static unsigned int
type_of(const struct l2tp_client_message *q)
{
	return q->len > L2TP_HEADER_LEN ? wire_be16(q->bytes + L2TP_HEADER_LEN + 6) : L2TP_ZLB;
}

static void
out(struct l2tp_client *l)
{
	struct l2tp_client_message *q = l->room.queue;

	if (l->n_queued == 0) {
		l->due = NEVER;
		return;
	}
	l2tp_message_stamp(q->bytes, l->ns, l->nr);
	/* The tunnel's ID may not have been known when it was queued. */
	q->bytes[4] = (uint8_t)(l->peer_id >> 8);
	q->bytes[5] = (uint8_t)l->peer_id;
	l->due = l->now + RETRANSMIT_MS;
	l->n_sent++;
	trace(l, '>', type_of(q), l->ns, l->nr);
	l->ops->send(l->user, q->bytes, q->len);
}

bool
l2tp_client_post(struct l2tp_client *l, struct l2tp_message *m)
{
	struct l2tp_client_message *q = l->room.queue + l->n_queued;
	uint8_t vector[16];
	struct l2tp_hiding hiding = {l->cfg.secret, vector, sizeof(vector), 3};

	if (l->n_queued == l->room.queue_max)
		return false;
	m->tunnel_id = l->peer_id;
	if (l->cfg.hides && l->cfg.secret) {
		m->hide = m->has &
			  (L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID) | L2TP_HAS(L2TP_ASSIGNED_SESSION_ID));
		l->ops->random(l->user, vector, sizeof(vector));
	}
	q->len = l2tp_message_encode(m, m->hide ? &hiding : NULL, q->bytes, sizeof(q->bytes));
	if (q->len == 0)
		return false;
	if (l->n_queued++ == 0) {
		l->tries = 0;
		out(l);
	}
	return true;
}

static void
zlb(struct l2tp_client *l)
{
	struct l2tp_message m = {
		.tunnel_id = l->peer_id, .ns = (uint16_t)(l->ns + l->n_queued), .nr = l->nr};
	uint8_t bytes[L2TP_HEADER_LEN];

	l2tp_message_encode(&m, NULL, bytes, sizeof(bytes));
	trace(l, '>', L2TP_ZLB, m.ns, m.nr);
	l->ops->send(l->user, bytes, sizeof(bytes));
}

void
l2tp_client_init(struct l2tp_client *l, const struct l2tp_client_config *cfg,
	const struct l2tp_client_room *room, const struct l2tp_client_ops *ops, void *user)
{
	*l = (struct l2tp_client){.cfg = *cfg,
		.room = *room,
		.ops = ops,
		.user = user,
		.due = NEVER,
		.hello_at = NEVER};
}

void
l2tp_client_start(struct l2tp_client *l, uint64_t now_ms)
{
	struct l2tp_message m = {
		.type = L2TP_SCCRQ,
		.has = L2TP_HAS(L2TP_PROTOCOL_VERSION) | L2TP_HAS(L2TP_FRAMING_CAPABILITIES) |
		       L2TP_HAS(L2TP_BEARER_CAPABILITIES) | L2TP_HAS(L2TP_FIRMWARE_REVISION) |
		       L2TP_HAS(L2TP_HOST_NAME) | L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID),
		.version = L2TP_VERSION,
		.framing_capabilities = L2TP_FRAMING_SYNC | L2TP_FRAMING_ASYNC,
		.firmware = 0x690,
		.host_name = "client",
		.assigned_tunnel_id = l->cfg.id,
		.receive_window = l->cfg.window,
	};

	l->now = now_ms;
	if (l->cfg.window)
		m.has |= L2TP_HAS(L2TP_RECEIVE_WINDOW);
	if (l->cfg.challenges) {
		l->ops->random(l->user, l->challenge, sizeof(l->challenge));
		memcpy(m.challenge, l->challenge, sizeof(l->challenge));
		m.challenge_len = sizeof(l->challenge);
		m.has |= L2TP_HAS(L2TP_CHALLENGE);
	}
	l2tp_client_post(l, &m);
}

struct l2tp_client_session *
l2tp_client_call(struct l2tp_client *l, uint16_t session_id)
{
	struct l2tp_message m = {.type = L2TP_ICRQ,
		.has = L2TP_HAS(L2TP_ASSIGNED_SESSION_ID) | L2TP_HAS(L2TP_CALL_SERIAL) |
		       L2TP_HAS(L2TP_BEARER_TYPE),
		.assigned_session_id = session_id,
		.serial = l->n_sessions + 1};
	struct l2tp_client_session *s = l->room.sessions + l->n_sessions;

	if (l->n_sessions == l->room.sessions_max || l->n_queued == l->room.queue_max)
		return NULL;
	l->n_sessions++;
	*s = (struct l2tp_client_session){.id = session_id};
	l2tp_client_post(l, &m);
	return s;
}

void
l2tp_client_hang_up(struct l2tp_client *l, struct l2tp_client_session *s)
{
	struct l2tp_message m = {.type = L2TP_CDN,
		.session_id = s->peer_id,
		.has = L2TP_HAS(L2TP_RESULT_CODE) | L2TP_HAS(L2TP_ASSIGNED_SESSION_ID),
		.result = L2TP_CDN_ADMIN,
		.assigned_session_id = s->id};

	s->over = true;
	l2tp_client_post(l, &m);
}

void
l2tp_client_stop(struct l2tp_client *l, uint16_t result, const char *text)
{
	struct l2tp_message m = {.type = L2TP_STOPCCN,
		.has = L2TP_HAS(L2TP_RESULT_CODE) | L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID),
		.result = result,
		.assigned_tunnel_id = l->cfg.id};

	snprintf(m.error_text, sizeof(m.error_text), "%s", text);
	l2tp_client_post(l, &m);
}

/* ------------------------------------------------------------------ the server's messages */

static bool
proves(const struct l2tp_client *l, const struct l2tp_message *m)
{
	uint8_t right[16], differ = 0;

	if (!(m->has & L2TP_HAS(L2TP_CHALLENGE_RESPONSE)) || !l->cfg.secret ||
		chap_md5_response(
			L2TP_SCCRP, l->cfg.secret, l->challenge, sizeof(l->challenge), right) != 0)
		return false;
	for (unsigned int i = 0; i < sizeof(right); i++)
		differ |= right[i] ^ m->challenge_response[i];
	return differ == 0;
}

static void
on_sccrp(struct l2tp_client *l, const struct l2tp_message *m)
{
	struct l2tp_message reply = {.type = L2TP_SCCCN};

	if (l->up || !(m->has & L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID)) || m->assigned_tunnel_id == 0)
		return;
	l->peer_id = m->assigned_tunnel_id;
	l->proven = l->cfg.challenges && proves(l, m);
	if ((l->cfg.challenges && !l->proven) ||
		(m->has & L2TP_HAS(L2TP_CHALLENGE) && l->cfg.habits.stops_at_challenge)) {
		l2tp_client_stop(l, L2TP_STOP_NOT_AUTHORIZED, "tunnel secret");
		finish(l, REFUSAL_TUNNEL_AUTH_FAILED, "the tunnel secrets differ");
		return;
	}
	l->up = true;
	if (m->has & L2TP_HAS(L2TP_CHALLENGE) && l->cfg.secret &&
		chap_md5_response(L2TP_SCCCN, l->cfg.secret, m->challenge, m->challenge_len,
			reply.challenge_response) == 0)
		reply.has |= L2TP_HAS(L2TP_CHALLENGE_RESPONSE);
	l2tp_client_post(l, &reply);
	if (l->ops->tunnel_up)
		l->ops->tunnel_up(l->user);
}

static void
on_icrp(struct l2tp_client *l, struct l2tp_client_session *s, const struct l2tp_message *m)
{
	struct l2tp_message reply = {.type = L2TP_ICCN,
		.session_id = m->assigned_session_id,
		.has = l->cfg.habits.bare_iccn
			       ? 0
			       : L2TP_HAS(L2TP_TX_SPEED) | L2TP_HAS(L2TP_FRAMING_TYPE),
		.tx_speed = 10000000,
		.framing_type = L2TP_FRAMING_SYNC};

	if (s->up || m->assigned_session_id == 0)
		return;
	s->peer_id = m->assigned_session_id;
	s->up = true;
	if (l->cfg.sequencing)
		reply.has |= L2TP_HAS(L2TP_SEQUENCING_REQUIRED);
	l2tp_client_post(l, &reply);
	if (l->ops->session_up)
		l->ops->session_up(l->user, s);
}

static struct l2tp_client_session *
session_of(struct l2tp_client *l, uint16_t id)
{
	for (unsigned int i = l->n_sessions; i > 0; i--)
		if (l->room.sessions[i - 1].id == id)
			return &l->room.sessions[i - 1];
	return NULL;
}

static void
on_cdn(struct l2tp_client *l, struct l2tp_client_session *s, const struct l2tp_message *m)
{
	bool was_over = s->over;

	s->over = true;
	s->result = m->result;
	s->error = m->error;
	if (!was_over && l->ops->session_down)
		l->ops->session_down(l->user, s);
}

static void
take(struct l2tp_client *l, const struct l2tp_message *m)
{
	struct l2tp_client_session *s = session_of(l, m->session_id);

	switch (m->type) {
	case L2TP_SCCRP:
		on_sccrp(l, m);
		break;
	case L2TP_STOPCCN:
		l->stopped = true;
		l->result = m->result;
		l->error = m->error;
		finish(l, REFUSAL_NONE, "the server has ended the tunnel");
		break;
	case L2TP_HELLO:
		l->hellos++;
		break;
	case L2TP_ICRP:
		if (s && !s->over)
			on_icrp(l, s, m);
		break;
	case L2TP_CDN:
		if (s)
			on_cdn(l, s, m);
		break;
	default:
		break;
	}
}

/* RFC 2661 section 4.1: a mandatory AVP that is not understood ends what it is about. */
static void
breach(struct l2tp_client *l, const struct l2tp_message *m)
{
	struct l2tp_client_session *s = session_of(l, m->session_id);

	l->malformed++;
	if (l->is_over)
		return;
	if (m->session_id != 0 && s) {
		l2tp_client_hang_up(l, s);
		if (l->ops->session_down)
			l->ops->session_down(l->user, s);
		return;
	}
	l2tp_client_stop(l, L2TP_STOP_ERROR, "message not understood");
	finish(l, REFUSAL_PROTOCOL_ERROR, "a message of the server is not understood");
}

/* The oldest message has been acknowledged. */
static bool
acknowledged(struct l2tp_client *l, uint16_t nr)
{
	if (l->n_queued == 0 || nr != (uint16_t)(l->ns + 1))
		return false;
	l->n_queued--;
	memmove(&l->room.queue[0], &l->room.queue[1], l->n_queued * sizeof(l->room.queue[0]));
	l->ns++;
	l->tries = 0;
	l->due = NEVER;
	return l->n_queued > 0;
}

void
l2tp_client_input(struct l2tp_client *l, const uint8_t *bytes, size_t len, uint64_t now_ms)
{
	struct l2tp_header h;
	struct l2tp_message m = {.type = L2TP_ZLB};
	enum l2tp_verdict verdict;
	unsigned int sent = l->n_sent;
	bool ours_next;

	l->now = now_ms;
	if (l->cfg.habits.mute || l->dead)
		return;
	if (l2tp_header_decode(&h, bytes, len) != 0 || h.len != len || h.tunnel_id != l->cfg.id) {
		l->malformed++;
		return;
	}
	verdict = l2tp_message_decode(&m, &h, bytes, l->cfg.secret);
	l->n_received++;
	if (l->cfg.hello_ms && !l->is_over)
		l->hello_at = now_ms + l->cfg.hello_ms;
	trace(l, '<', m.type, h.ns, h.nr);
	ours_next = acknowledged(l, h.nr);
	if (h.len != L2TP_HEADER_LEN && h.ns == l->nr) {
		l->nr++;
		if (verdict == L2TP_GOOD)
			take(l, &m);
		else if (verdict != L2TP_IGNORE)
			breach(l, &m);
	}
	if (ours_next)
		out(l);
	else if (h.len != L2TP_HEADER_LEN && (int16_t)(h.ns - l->nr) < 0 && l->n_sent == sent)
		zlb(l);
}

/* ------------------------------------------------------------------ time */

uint64_t
l2tp_client_next_timer(const struct l2tp_client *l)
{
	return l->due < l->hello_at ? l->due : l->hello_at;
}

static void
repeat(struct l2tp_client *l)
{
	if (l->tries++ == TRIES) {
		l->dead = true;
		l->n_queued = 0;
		l->due = l->hello_at = NEVER;
		finish(l, REFUSAL_PEER_DEAD, "the server acknowledges nothing");
		return;
	}
	l->repeats++;
	out(l);
}

void
l2tp_client_timer(struct l2tp_client *l, uint64_t now_ms)
{
	l->now = now_ms;
	if (l->due <= now_ms)
		repeat(l);
	if (l->hello_at <= now_ms) {
		l->hello_at = now_ms + l->cfg.hello_ms;
		if (l->n_queued == 0)
			l2tp_client_post(l, &(struct l2tp_message){.type = L2TP_HELLO});
	}
}
