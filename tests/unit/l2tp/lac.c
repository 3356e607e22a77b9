/* SPDX-License-Identifier: BSD-3-Clause */
#include "lac.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/mschap.h"

#define TRIES 8

static const uint8_t vector[16] = "random vector !!";

void
lac_init(struct lac *l, const struct lac_config *cfg,
	void (*send)(void *user, const uint8_t *bytes, size_t len), void *user)
{
	memset(l, 0, sizeof(*l));
	l->cfg = *cfg;
	l->send = send;
	l->user = user;
	l->due = UINT64_MAX;
}

/* "> SCCRQ 0/0": ours; "< ...": the server's; Ns/Nr. */
static void
step(struct lac *l, char direction, unsigned int type, uint16_t ns, uint16_t nr)
{
	if (l->n_steps < LAC_STEPS)
		snprintf(l->steps[l->n_steps++], sizeof(l->steps[0]), "%c %s %u/%u", direction,
			l2tp_message_name(type), ns, nr);
}

static unsigned int
type_of(const uint8_t *bytes, size_t len)
{
	return len > L2TP_HEADER_LEN ? wire_be16(bytes + L2TP_HEADER_LEN + 6) : L2TP_ZLB;
}

static void
out(struct lac *l)
{
	if (l->n_queued == 0) {
		l->due = UINT64_MAX;
		return;
	}
	l2tp_message_stamp(l->queue[0].bytes, l->ns, l->nr);
	/* The tunnel's ID may not have been known when it was queued. */
	l->queue[0].bytes[4] = (uint8_t)(l->peer_id >> 8);
	l->queue[0].bytes[5] = (uint8_t)l->peer_id;
	l->due = l->now + 1000;
	l->n_sent++;
	step(l, '>', type_of(l->queue[0].bytes, l->queue[0].len), l->ns, l->nr);
	l->send(l->user, l->queue[0].bytes, l->queue[0].len);
}

void
lac_post(struct lac *l, struct l2tp_message *m)
{
	struct l2tp_hiding hiding = {l->cfg.secret, vector, sizeof(vector), 3};

	if (l->n_queued == LAC_QUEUE)
		abort();
	m->tunnel_id = l->peer_id;
	if (l->cfg.hides)
		m->hide = m->has &
			  (L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID) | L2TP_HAS(L2TP_ASSIGNED_SESSION_ID));
	l->queue[l->n_queued].len = l2tp_message_encode(m, m->hide ? &hiding : NULL,
		l->queue[l->n_queued].bytes, sizeof(l->queue[0].bytes));
	if (l->queue[l->n_queued].len == 0)
		abort();
	if (l->n_queued++ == 0) {
		l->tries = 0;
		out(l);
	}
}

void
lac_start(struct lac *l, uint64_t now)
{
	struct l2tp_message m = {
		.type = L2TP_SCCRQ,
		.has = L2TP_HAS(L2TP_PROTOCOL_VERSION) | L2TP_HAS(L2TP_FRAMING_CAPABILITIES) |
		       L2TP_HAS(L2TP_BEARER_CAPABILITIES) | L2TP_HAS(L2TP_FIRMWARE_REVISION) |
		       L2TP_HAS(L2TP_HOST_NAME) | L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID),
		.version = L2TP_VERSION,
		.framing_capabilities = 3,
		.firmware = 0x690,
		.host_name = "client",
		.assigned_tunnel_id = l->cfg.id,
		.receive_window = l->cfg.window,
	};

	l->now = now;
	if (l->cfg.window)
		m.has |= L2TP_HAS(L2TP_RECEIVE_WINDOW);
	if (l->cfg.challenges) {
		memcpy(l->challenge, "0123456789abcdef", sizeof(l->challenge));
		memcpy(m.challenge, l->challenge, sizeof(l->challenge));
		m.challenge_len = sizeof(l->challenge);
		m.has |= L2TP_HAS(L2TP_CHALLENGE);
	}
	lac_post(l, &m);
}

struct lac_session *
lac_call(struct lac *l, uint16_t session_id)
{
	struct l2tp_message m = {.type = L2TP_ICRQ,
		.has = L2TP_HAS(L2TP_ASSIGNED_SESSION_ID) | L2TP_HAS(L2TP_CALL_SERIAL) |
		       L2TP_HAS(L2TP_BEARER_TYPE),
		.assigned_session_id = session_id,
		.serial = l->n_sessions + 1};
	struct lac_session *s = &l->sessions[l->n_sessions++];

	if (l->n_sessions > LAC_SESSIONS)
		abort();
	*s = (struct lac_session){.id = session_id};
	lac_post(l, &m);
	return s;
}

void
lac_hang_up(struct lac *l, struct lac_session *s)
{
	struct l2tp_message m = {.type = L2TP_CDN,
		.session_id = s->peer_id,
		.has = L2TP_HAS(L2TP_RESULT_CODE) | L2TP_HAS(L2TP_ASSIGNED_SESSION_ID),
		.result = L2TP_CDN_ADMIN,
		.assigned_session_id = s->id};

	s->over = true;
	lac_post(l, &m);
}

void
lac_stop(struct lac *l)
{
	struct l2tp_message m = {.type = L2TP_STOPCCN,
		.has = L2TP_HAS(L2TP_RESULT_CODE) | L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID),
		.result = L2TP_STOP_CLEAR,
		.assigned_tunnel_id = l->cfg.id,
		.error_text = "Goodbye!"};

	lac_post(l, &m);
}

/* ------------------------------------------------------------------ the server's messages */

static void
on_sccrp(struct lac *l, const struct l2tp_message *m)
{
	struct l2tp_message reply = {.type = L2TP_SCCCN};
	uint8_t right[16];

	l->up = true;
	l->peer_id = m->assigned_tunnel_id;
	if (l->cfg.challenges && m->has & L2TP_HAS(L2TP_CHALLENGE_RESPONSE) &&
		chap_md5_response(
			L2TP_SCCRP, l->cfg.secret, l->challenge, sizeof(l->challenge), right) == 0)
		l->proven = memcmp(right, m->challenge_response, sizeof(right)) == 0;
	if (m->has & L2TP_HAS(L2TP_CHALLENGE) && l->cfg.stops_at_challenge) {
		lac_stop(l);
		return;
	}
	if (m->has & L2TP_HAS(L2TP_CHALLENGE) && l->cfg.secret) {
		chap_md5_response(L2TP_SCCCN, l->cfg.secret, m->challenge, m->challenge_len,
			reply.challenge_response);
		reply.challenge_response[0] ^= l->cfg.wrong_response;
		reply.has |= L2TP_HAS(L2TP_CHALLENGE_RESPONSE);
	}
	lac_post(l, &reply);
}

static void
on_icrp(struct lac *l, struct lac_session *s, const struct l2tp_message *m)
{
	struct l2tp_message reply = {.type = L2TP_ICCN,
		.session_id = m->assigned_session_id,
		.has = l->cfg.bare_iccn ? 0 : L2TP_HAS(L2TP_TX_SPEED) | L2TP_HAS(L2TP_FRAMING_TYPE),
		.tx_speed = 10000000,
		.framing_type = 1};

	s->peer_id = m->assigned_session_id;
	s->up = true;
	if (l->cfg.sequencing)
		reply.has |= L2TP_HAS(L2TP_SEQUENCING_REQUIRED);
	lac_post(l, &reply);
	if (l->connected)
		l->connected(l->user, s);
}

static void
take(struct lac *l, const struct l2tp_message *m)
{
	struct lac_session *s = NULL;

	for (unsigned int i = 0; i < l->n_sessions; i++)
		if (l->sessions[i].id == m->session_id)
			s = &l->sessions[i];
	switch (m->type) {
	case L2TP_SCCRP:
		on_sccrp(l, m);
		break;
	case L2TP_STOPCCN:
		l->stopped = true;
		l->result = m->result;
		l->error = m->error;
		break;
	case L2TP_HELLO:
		l->hellos++;
		break;
	case L2TP_ICRP:
		if (s && !s->over)
			on_icrp(l, s, m);
		break;
	case L2TP_CDN:
		if (s) {
			s->over = true;
			s->result = m->result;
			s->error = m->error;
		}
		break;
	default:
		break;
	}
}

static void
zlb(struct lac *l)
{
	struct l2tp_message m = {
		.tunnel_id = l->peer_id, .ns = (uint16_t)(l->ns + l->n_queued), .nr = l->nr};
	uint8_t bytes[L2TP_HEADER_LEN];

	l2tp_message_encode(&m, NULL, bytes, sizeof(bytes));
	step(l, '>', L2TP_ZLB, m.ns, m.nr);
	l->send(l->user, bytes, sizeof(bytes));
}

void
lac_input(struct lac *l, const uint8_t *bytes, size_t len, uint64_t now)
{
	struct l2tp_header h;
	struct l2tp_message m;
	bool ours_next = false, new_one;
	unsigned int sent = l->n_sent;

	l->now = now;
	if (l->cfg.mute)
		return;
	if (l2tp_header_decode(&h, bytes, len) != 0 || h.len != len ||
		l2tp_message_decode(&m, &h, bytes, l->cfg.secret) != L2TP_GOOD ||
		h.tunnel_id != l->cfg.id)
		abort();
	l->n_received++;
	step(l, '<', m.type, h.ns, h.nr);
	if (l->n_queued && h.nr == (uint16_t)(l->ns + 1)) {
		l->n_queued--;
		memmove(&l->queue[0], &l->queue[1], l->n_queued * sizeof(l->queue[0]));
		l->ns++;
		l->tries = 0;
		l->due = UINT64_MAX;
		ours_next = l->n_queued > 0;
	}
	new_one = m.type != L2TP_ZLB && h.ns == l->nr;
	if (new_one) {
		l->nr++;
		take(l, &m);
	}
	if (ours_next)
		out(l);
	else if (m.type != L2TP_ZLB && (int16_t)(h.ns - l->nr) < 0 && l->n_sent == sent)
		zlb(l);
}

uint64_t
lac_next_timer(const struct lac *l)
{
	return l->due;
}

void
lac_timer(struct lac *l, uint64_t now)
{
	l->now = now;
	if (now < l->due)
		return;
	if (l->tries++ == TRIES) {
		l->dead = true;
		l->n_queued = 0;
		l->due = UINT64_MAX;
		return;
	}
	l->repeats++;
	out(l);
}
