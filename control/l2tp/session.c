/* SPDX-License-Identifier: BSD-3-Clause */
/* Incoming calls as the LNS sees them, RFC 2661 section 7.4. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/l2tp/result.h"
#include "control/l2tp/tunnel.h"

struct l2tp_call {
	TAILQ_ENTRY(l2tp_call) next;
	void *user; /* the gateway's */
	uint16_t our_id, peer_id;
	bool up;             /* ICCN came */
	uint64_t connect_at; /* it has to come by then */
};

static struct l2tp_call *
by_our_id(const struct l2tp_tunnel *t, uint16_t id)
{
	struct l2tp_call *s;

	TAILQ_FOREACH (s, &t->sessions, next)
		if (s->our_id == id)
			return s;
	return NULL;
}

static struct l2tp_call *
by_peer_id(const struct l2tp_tunnel *t, uint16_t id)
{
	struct l2tp_call *s;

	TAILQ_FOREACH (s, &t->sessions, next)
		if (s->peer_id == id)
			return s;
	return NULL;
}

/* Off the list before the callback, so whatever that does, it is told of it once. */
static void
end(struct l2tp_tunnel *t, struct l2tp_call *s, enum refusal_code why, const char *text)
{
	void *user = s->user;

	TAILQ_REMOVE(&t->sessions, s, next);
	t->n_sessions--;
	t->n_waiting -= !s->up;
	t->server->stats.sessions--;
	free(s);
	if (t->n_sessions == 0 && t->state == TUNNEL_ESTABLISHED)
		t->over_at = l2tp_deadline(t->server->now, t->server->cfg.idle_ms);
	t->server->ops.session_down(t->server->user, user, why, text);
}

void
sessions_end(struct l2tp_tunnel *t, enum refusal_code why, const char *text)
{
	struct l2tp_call *s;

	while ((s = TAILQ_FIRST(&t->sessions)))
		end(t, s, why, text);
}

void
sessions_free(struct l2tp_tunnel *t)
{
	struct l2tp_call *s;

	while ((s = TAILQ_FIRST(&t->sessions))) {
		TAILQ_REMOVE(&t->sessions, s, next);
		free(s);
	}
}

/* CDN, section 6.12.  our_id 0: none was assigned. */
static void
post_cdn(struct l2tp_tunnel *t, uint16_t peer_id, uint16_t our_id, struct l2tp_result r,
	const char *text)
{
	struct l2tp_message m = {
		.type = L2TP_CDN,
		.session_id = peer_id,
		.has = L2TP_HAS(L2TP_RESULT_CODE) | L2TP_HAS(L2TP_ASSIGNED_SESSION_ID),
		.result = r.result,
		.error = r.error,
		.has_error = r.error != L2TP_ERROR_NONE,
		.assigned_session_id = our_id,
	};

	snprintf(m.error_text, sizeof(m.error_text), "%s", text);
	tunnel_post(t, &m);
}

static void
end_with_cdn(struct l2tp_tunnel *t, struct l2tp_call *s, enum refusal_code why,
	struct l2tp_result r, const char *text)
{
	uint16_t our_id = s->our_id;

	post_cdn(t, s->peer_id, our_id, r, refusal_name(why));
	s = by_our_id(t, our_id); /* the tunnel may have ended, and it with it */
	if (s)
		end(t, s, why, text);
}

void
session_close_by_us(struct l2tp_tunnel *t, uint16_t our_id, enum refusal_code why)
{
	struct l2tp_call *s = by_our_id(t, our_id);

	if (s)
		end_with_cdn(t, s, why, l2tp_cdn_result(why), "ended by this gateway");
}

bool
sessions_restore(struct l2tp_tunnel *t, uint16_t our_id, uint16_t peer_id, void *user)
{
	struct l2tp_call *s = our_id && peer_id && !by_our_id(t, our_id) && !by_peer_id(t, peer_id)
				      ? calloc(1, sizeof(*s))
				      : NULL;

	if (!s)
		return false;
	s->user = user;
	s->our_id = our_id;
	s->peer_id = peer_id;
	s->up = true;
	TAILQ_INSERT_TAIL(&t->sessions, s, next);
	t->n_sessions++;
	t->had_session = true;
	t->over_at = L2TP_NEVER;
	t->server->stats.sessions++;
	return true;
}

void
sessions_reject(struct l2tp_tunnel *t, uint16_t our_id, uint16_t peer_id, enum refusal_code why)
{
	if (!by_our_id(t, our_id))
		post_cdn(t, peer_id, our_id, l2tp_cdn_result(why), refusal_name(why));
}

static void
refuse(struct l2tp_tunnel *t, uint16_t peer_id, enum refusal_code why, struct l2tp_result r)
{
	t->server->stats.sessions_refused++;
	post_cdn(t, peer_id, 0, r, refusal_name(why));
}

/* Without having asked the gateway, which is told. */
static void
refuse_unasked(struct l2tp_tunnel *t, uint16_t peer_id, enum refusal_code why, struct l2tp_result r,
	const char *text)
{
	const struct l2tp_server *s = t->server;

	if (s->ops.session_refused)
		s->ops.session_refused(s->user, &t->path, why, text);
	refuse(t, peer_id, why, r);
}

/* ------------------------------------------------------------------ messages */

/* Asks the gateway; a session on the list, or NULL and why. */
static struct l2tp_call *
accept_session(struct l2tp_tunnel *t, const struct l2tp_message *m, enum refusal_code *why)
{
	struct l2tp_server *srv = t->server;
	struct l2tp_session_request req = {.path = &t->path,
		.tunnel_id = t->id,
		.peer_tunnel_id = t->peer_id,
		.peer_session_id = m->assigned_session_id,
		.serial = m->serial,
		.peer_host = t->host};
	struct l2tp_call *s = calloc(1, sizeof(*s));

	*why = REFUSAL_NO_RESOURCES;
	if (!s)
		return NULL;
	*why = srv->ops.session_request(srv->user, &req, &s->our_id, &s->user);
	if (*why != REFUSAL_NONE) {
		free(s);
		return NULL;
	}
	s->peer_id = m->assigned_session_id;
	s->connect_at = l2tp_deadline(srv->now, srv->cfg.connect_ms);
	TAILQ_INSERT_TAIL(&t->sessions, s, next);
	t->n_sessions++;
	t->n_waiting++;
	t->had_session = true;
	t->over_at = L2TP_NEVER;
	srv->stats.sessions++;
	srv->stats.sessions_total++;
	return s;
}

static void
on_icrq(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	struct l2tp_message reply = {.type = L2TP_ICRP,
		.session_id = m->assigned_session_id,
		.has = L2TP_HAS(L2TP_ASSIGNED_SESSION_ID)};
	struct l2tp_call *s;
	enum refusal_code why;

	if (m->assigned_session_id == 0) {
		/* Nobody could be told. */
		tunnel_stop(t, REFUSAL_PROTOCOL_ERROR, L2TP_STOP_ERROR, L2TP_ERROR_VALUE,
			"ICRQ without a session ID");
		return;
	}
	if (by_peer_id(t, m->assigned_session_id)) {
		refuse_unasked(t, m->assigned_session_id, REFUSAL_PROTOCOL_ERROR,
			(struct l2tp_result){L2TP_CDN_ERROR, L2TP_ERROR_SESSION_ID},
			"a session with the ID of another one");
		return;
	}
	if (t->n_sessions >= t->server->cfg.max_sessions_per_tunnel) {
		refuse_unasked(t, m->assigned_session_id, REFUSAL_CALL_LIMIT,
			l2tp_cdn_result(REFUSAL_CALL_LIMIT),
			"l2tp.max_sessions_per_tunnel is reached");
		return;
	}
	s = accept_session(t, m, &why);
	if (!s) {
		refuse(t, m->assigned_session_id, why, l2tp_cdn_result(why));
		return;
	}
	reply.assigned_session_id = s->our_id;
	tunnel_post(t, &reply);
}

static void
on_iccn(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	struct l2tp_call *s = by_our_id(t, m->session_id);
	/* Some clients send no Tx Connect Speed, which section 6.8 demands: nothing depends on
	 * it. */
	struct l2tp_connected how = {.tx_speed = m->tx_speed,
		.sequencing_required = m->has & L2TP_HAS(L2TP_SEQUENCING_REQUIRED)};

	if (!s)
		return; /* it crossed our CDN */
	if (s->up) {
		end_with_cdn(t, s, REFUSAL_PROTOCOL_ERROR, l2tp_cdn_result(REFUSAL_PROTOCOL_ERROR),
			"a second ICCN");
		return;
	}
	s->up = true;
	t->n_waiting--;
	t->server->ops.session_up(t->server->user, s->user, &how);
}

static void
on_cdn(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	struct l2tp_call *s = by_our_id(t, m->session_id);
	char text[48];

	/* A client that has not seen our ICRP yet names it by its own ID, section 6.12. */
	if (!s && m->session_id == 0)
		s = by_peer_id(t, m->assigned_session_id);
	if (!s)
		return; /* it crossed ours */
	snprintf(text, sizeof(text), "CDN, result %u, error %u", m->result, m->error);
	end(t, s, REFUSAL_PEER_CLOSED, text);
}

static void
unexpected(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	struct l2tp_call *s = by_our_id(t, m->session_id);
	char text[48];

	if (!s)
		return;
	snprintf(text, sizeof(text), "unexpected %s", l2tp_message_name(m->type));
	end_with_cdn(t, s, REFUSAL_PROTOCOL_ERROR, l2tp_cdn_result(REFUSAL_PROTOCOL_ERROR), text);
}

void
sessions_message(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	switch (m->type) {
	case L2TP_ICRQ:
		on_icrq(t, m);
		break;
	case L2TP_ICCN:
		on_iccn(t, m);
		break;
	case L2TP_CDN:
		on_cdn(t, m);
		break;
	case L2TP_OCRQ:
		/* We dial nobody. */
		if (m->assigned_session_id)
			refuse_unasked(t, m->assigned_session_id, REFUSAL_CALL_REFUSED,
				l2tp_cdn_result(REFUSAL_CALL_REFUSED), "Outgoing-Call-Request");
		break;
	case L2TP_WEN:
		t->server->stats.wan_errors++;
		break;
	case L2TP_SLI:
		break; /* ours to send, section 6.14; nothing depends on it */
	default:
		unexpected(t, m);
	}
}

void
sessions_bad_message(
	struct l2tp_tunnel *t, const struct l2tp_message *m, uint16_t error, const char *text)
{
	struct l2tp_result r = {L2TP_CDN_ERROR, error};
	struct l2tp_call *s = by_our_id(t, m->session_id);

	if (m->type == L2TP_ICRQ || m->type == L2TP_OCRQ) {
		if (m->assigned_session_id)
			refuse_unasked(t, m->assigned_session_id, REFUSAL_PROTOCOL_ERROR, r, text);
	} else if (s) {
		end_with_cdn(t, s, REFUSAL_PROTOCOL_ERROR, r, text);
	}
}

/* ------------------------------------------------------------------ time */

uint64_t
sessions_next_timer(const struct l2tp_tunnel *t)
{
	const struct l2tp_call *s;
	uint64_t due = L2TP_NEVER;

	if (t->n_waiting == 0)
		return due;
	TAILQ_FOREACH (s, &t->sessions, next)
		if (!s->up && s->connect_at < due)
			due = s->connect_at;
	return due;
}

void
sessions_timer(struct l2tp_tunnel *t)
{
	struct l2tp_call *s, *next;

	for (s = TAILQ_FIRST(&t->sessions); s && t->n_waiting > 0; s = next) {
		next = TAILQ_NEXT(s, next);
		if (s->up || t->server->now < s->connect_at)
			continue;
		end_with_cdn(t, s, REFUSAL_SETUP_TIMEOUT, l2tp_cdn_result(REFUSAL_SETUP_TIMEOUT),
			"no ICCN");
		next = TAILQ_FIRST(&t->sessions); /* callbacks may have ended others */
	}
}
