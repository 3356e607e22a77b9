/* SPDX-License-Identifier: BSD-3-Clause */
/* SCCRQ: who may open a tunnel, and what the others are told (RFC 2661 section 5.1). */
#include "control/l2tp/result.h"
#include "control/l2tp/server.h"
#include "control/l2tp/tunnel.h"

/* An SCCRQ that comes so late is not a repetition of the one that opened the tunnel. */
#define SCCRQ_REPEATS_MS    40000
/* Refusals that are answered; others are dropped in silence. */
#define REFUSALS_BURST      20
#define REFUSALS_PER_SECOND 50

/* In clear, addresses share limits whatever their ports. */
static bool
same_host(const struct l2tp_path *a, const struct l2tp_path *b)
{
	return a->peer == b->peer && (a->peer != 0 || a->peer_ip == b->peer_ip);
}

/* 0: every ID of this address is in use. */
static uint16_t
new_tunnel_id(struct l2tp_server *s, uint32_t server_ip)
{
	uint16_t id;

	/* T5: one tells nothing of the next.  A tunnel that is over keeps its own while it
	 * lingers. */
	s->ops.random(s->user, (uint8_t *)&id, sizeof(id));
	for (unsigned int i = 0; i <= UINT16_MAX; i++, id++)
		if (id != 0 && !server_tunnel_find(s, server_ip, id))
			return id;
	return 0;
}

static struct l2tp_tunnel *
tunnel_new(struct l2tp_server *s, const struct l2tp_path *from, const struct l2tp_message *sccrq)
{
	uint16_t id = new_tunnel_id(s, from->server_ip);
	struct l2tp_tunnel *t =
		id ? server_tunnel_insert(s, from, id, sccrq->assigned_tunnel_id) : NULL;

	s->stats.tunnels_total += t != NULL;
	return t;
}

static bool
may_answer_refusal(struct l2tp_server *s)
{
	uint64_t ms = s->now - s->tokens_at, most = REFUSALS_BURST * 1000;

	s->tokens = ms > 1000 ? most : s->tokens + ms * REFUSALS_PER_SECOND;
	s->tokens_at = s->now;
	if (s->tokens > most)
		s->tokens = most;
	if (s->tokens < 1000)
		return false;
	s->tokens -= 1000;
	return true;
}

/* T13: without a state of ours, never larger than what it answers, and not many a second. */
static void
refuse(struct l2tp_server *s, const struct l2tp_path *from, const struct l2tp_message *m,
	size_t len, enum refusal_code why, struct l2tp_result r, const char *text)
{
	struct l2tp_message stop = {
		.type = L2TP_STOPCCN,
		.tunnel_id = m->assigned_tunnel_id,
		.nr = 1,
		.has = L2TP_HAS(L2TP_RESULT_CODE) | L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID),
		.result = r.result,
		.error = r.error,
		.has_error = true,
	};
	uint8_t bytes[64];

	s->stats.tunnels_refused++;
	s->ops.tunnel_over(s->user, from, 0, false, why, text);
	if (m->assigned_tunnel_id == 0 || !may_answer_refusal(s))
		return;
	size_t n = l2tp_message_encode(&stop, NULL, bytes, sizeof(bytes));
	if (n == 0 || n > len)
		return;
	s->stats.sent++;
	s->ops.send(s->user, from, bytes, n);
}

/* What the limits say. */
static enum refusal_code
judge(struct l2tp_server *s, const struct l2tp_path *from, const char **text)
{
	const struct l2tp_tunnel *t;
	unsigned int live = 0, half = 0;

	*text = "";
	if (s->stopping)
		return REFUSAL_SERVER_STOPPING;
	if (s->n_tunnels >= s->cfg.max_tunnels) {
		*text = "l2tp.max_tunnels is reached";
		return REFUSAL_CONNECTIONS_FULL;
	}
	LIST_FOREACH (t, server_peers(s, from), by_peer)
		if (tunnel_is_live(t) && same_host(&t->path, from)) {
			live++;
			half += t->state == TUNNEL_HALF_OPEN;
		}
	if (live >= s->cfg.max_tunnels_per_peer || half >= s->cfg.max_half_open_per_peer) {
		*text = live >= s->cfg.max_tunnels_per_peer
				? "l2tp.max_tunnels_per_peer is reached"
				: "l2tp.max_half_open_per_peer is reached";
		return REFUSAL_ADDRESS_LIMIT;
	}
	if (s->half_open[from->peer != 0] >= s->cfg.max_half_open) {
		*text = "l2tp.max_half_open is reached";
		return REFUSAL_CONNECTIONS_FULL;
	}
	return s->ops.tunnel_request(s->user, from);
}

/* A tunnel that this SCCRQ opened already. */
static struct l2tp_tunnel *
opened_by(const struct l2tp_server *s, const struct l2tp_path *from, uint16_t peer_id)
{
	struct l2tp_tunnel *t;

	LIST_FOREACH (t, server_peers(s, from), by_peer) {
		if (t->peer_id != peer_id || !tunnel_same_peer(&t->path, from))
			continue;
		if (t->state == TUNNEL_HALF_OPEN ||
			(t->state == TUNNEL_ESTABLISHED &&
				s->now - t->established_at < SCCRQ_REPEATS_MS))
			return t;
	}
	return NULL;
}

static void
on_repeated_sccrq(struct l2tp_tunnel *t, const struct l2tp_header *h, const uint8_t *bytes)
{
	/* In clear our answer is repeated when asked for only. */
	if (t->state == TUNNEL_HALF_OPEN && !t->delivery.timed_repeats) {
		t->server->stats.duplicates++;
		delivery_repeat(&t->delivery, t->server->now);
	} else {
		tunnel_input(t, h, bytes);
	}
	server_settle(t);
}

static void
open_tunnel(struct l2tp_server *s, const struct l2tp_path *from, const struct l2tp_message *m,
	const struct l2tp_header *h, const uint8_t *bytes)
{
	const char *text;
	enum refusal_code why = judge(s, from, &text);
	struct l2tp_tunnel *t;

	if (why == REFUSAL_NONE && m->has & L2TP_HAS(L2TP_CHALLENGE) && !*s->cfg.secret) {
		why = REFUSAL_TUNNEL_AUTH_FAILED;
		text = "the client wants this gateway to prove a tunnel secret, and there is none";
	}
	if (why == REFUSAL_NONE) {
		t = tunnel_new(s, from, m);
		if (t) {
			for (size_t i = 0; m->host_name[i]; i++)
				t->host[i] = m->host_name[i] >= 0x20 && m->host_name[i] < 0x7f
						     ? m->host_name[i]
						     : '?';
			delivery_arrived(&t->delivery, 0, bytes, h->len);
			tunnel_begin(t, m);
			server_settle(t);
			return;
		}
		why = REFUSAL_NO_RESOURCES;
	}
	refuse(s, from, m, h->len, why, l2tp_stop_result(why), text);
}

/* The peer gives up before it has seen our ID, section 6.4. */
static void
on_early_stopccn(struct l2tp_server *s, const struct l2tp_path *from, const struct l2tp_message *m)
{
	struct l2tp_tunnel *t = opened_by(s, from, m->assigned_tunnel_id);

	if (!t || t->state != TUNNEL_HALF_OPEN)
		return;
	tunnel_drop(t, REFUSAL_PEER_CLOSED, "StopCCN");
	server_settle(t);
}

void
server_first_message(struct l2tp_server *s, const struct l2tp_path *from,
	const struct l2tp_header *h, const uint8_t *bytes)
{
	struct l2tp_message m;
	enum l2tp_verdict verdict = l2tp_message_decode(&m, h, bytes, s->cfg.secret);
	struct l2tp_tunnel *t;

	if (verdict == L2TP_GOOD && m.type == L2TP_STOPCCN) {
		on_early_stopccn(s, from, &m);
		return;
	}
	if (m.type != L2TP_SCCRQ || m.assigned_tunnel_id == 0 || h->ns != 0 ||
		(verdict != L2TP_GOOD && verdict != L2TP_UNKNOWN_AVP &&
			verdict != L2TP_BAD_VALUE)) {
		s->stats.malformed++;
		return;
	}
	t = opened_by(s, from, m.assigned_tunnel_id);
	if (t)
		on_repeated_sccrq(t, h, bytes);
	else if (verdict == L2TP_UNKNOWN_AVP)
		refuse(s, from, &m, h->len, REFUSAL_PROTOCOL_ERROR,
			(struct l2tp_result){L2TP_STOP_ERROR, L2TP_ERROR_UNKNOWN_AVP},
			"an unknown mandatory AVP in SCCRQ");
	else if (verdict == L2TP_BAD_VALUE)
		refuse(s, from, &m, h->len, REFUSAL_PROTOCOL_ERROR,
			(struct l2tp_result){L2TP_STOP_ERROR, L2TP_ERROR_LENGTH},
			"an AVP of a wrong length in SCCRQ, as an empty Host Name");
	else if (m.has & L2TP_HAS(L2TP_PROTOCOL_VERSION) && m.version >> 8 != L2TP_VERSION >> 8)
		/* Section 4.4.2: the error code is the version that we do. */
		refuse(s, from, &m, h->len, REFUSAL_PROTOCOL_ERROR,
			(struct l2tp_result){L2TP_STOP_VERSION, L2TP_VERSION},
			"L2TP version is not 1");
	else
		open_tunnel(s, from, &m, h, bytes);
}
