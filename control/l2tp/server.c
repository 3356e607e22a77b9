/* SPDX-License-Identifier: BSD-3-Clause */
/* Which tunnel a message is for, who may open one, and the tunnels' memory and time. */
#include "control/l2tp/server.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/l2tp/result.h"
#include "control/l2tp/tunnel.h"

/* An SCCRQ that comes so late is not a repetition of the one that opened the tunnel. */
#define SCCRQ_REPEATS_MS    40000
/* Refusals that are answered; others are dropped in silence. */
#define REFUSALS_BURST      20
#define REFUSALS_PER_SECOND 50

/* ------------------------------------------------------------------ tables */

static struct l2tp_tunnel_bucket *
id_bucket(const struct l2tp_server *s, uint32_t server_ip, uint16_t id)
{
	return &s->by_id[((server_ip * 2654435761u) ^ (id * 40503u)) & (s->n_buckets - 1)];
}

static struct l2tp_tunnel_bucket *
peer_bucket(const struct l2tp_server *s, const struct l2tp_path *p)
{
	uint32_t key = p->peer ? p->peer : p->peer_ip;

	return &s->by_peer[(key * 2654435761u >> 8) & (s->n_buckets - 1)];
}

struct l2tp_tunnel *
server_tunnel_find(const struct l2tp_server *s, uint32_t server_ip, uint16_t id)
{
	struct l2tp_tunnel *t;

	LIST_FOREACH (t, id_bucket(s, server_ip, id), by_id)
		if (t->id == id && t->path.server_ip == server_ip)
			return t;
	return NULL;
}

/* D1: behind IPsec it is the SA that tells who it is, whatever its address is by now. */
static bool
same_peer(const struct l2tp_path *a, const struct l2tp_path *b)
{
	if (a->server_ip != b->server_ip || a->peer != b->peer)
		return false;
	return a->peer != 0 || (a->peer_ip == b->peer_ip && a->peer_port == b->peer_port);
}

/* In clear, addresses share limits whatever their ports. */
static bool
same_host(const struct l2tp_path *a, const struct l2tp_path *b)
{
	return a->peer == b->peer && (a->peer != 0 || a->peer_ip == b->peer_ip);
}

static bool
is_live(const struct l2tp_tunnel *t)
{
	return t->state == TUNNEL_HALF_OPEN || t->state == TUNNEL_ESTABLISHED;
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

void
server_tunnel_state(struct l2tp_tunnel *t, enum l2tp_tunnel_state state)
{
	struct l2tp_server *s = t->server;
	bool was_live = is_live(t);

	s->half_open[t->path.peer != 0] -= t->state == TUNNEL_HALF_OPEN;
	s->n_stopping -= t->state == TUNNEL_STOPPING;
	s->n_lingering -= t->state == TUNNEL_LINGERING;
	/* Bounded memory: whoever has no place to linger in is forgotten at once. */
	if ((state == TUNNEL_STOPPING || state == TUNNEL_LINGERING) &&
		s->n_stopping + s->n_lingering >= s->cfg.max_tunnels)
		state = TUNNEL_DEAD;
	/* What this side says from now on is not for a successor to go on with. */
	if (state != TUNNEL_ESTABLISHED)
		tunnel_forget(t);
	t->state = state;
	s->half_open[t->path.peer != 0] += state == TUNNEL_HALF_OPEN;
	s->n_stopping += state == TUNNEL_STOPPING;
	s->n_lingering += state == TUNNEL_LINGERING;
	s->n_tunnels -= was_live && !is_live(t);
}

static void
tunnel_send(void *user, const uint8_t *bytes, size_t len)
{
	struct l2tp_tunnel *t = user;

	/* First what it tells the peer is noted, then it is told: whoever comes after us never
	 * knows less than the peer. */
	if (t->state == TUNNEL_ESTABLISHED)
		tunnel_save(t);
	t->server->stats.sent++;
	t->server->ops.send(t->server->user, &t->path, bytes, len);
}

struct l2tp_tunnel *
server_tunnel_insert(
	struct l2tp_server *s, const struct l2tp_path *path, uint16_t id, uint16_t peer_id)
{
	struct l2tp_tunnel *t = l2tp_timers_room(s) ? calloc(1, sizeof(*t)) : NULL;

	if (!t)
		return NULL;
	t->server = s;
	t->path = *path;
	t->id = id;
	t->peer_id = peer_id;
	t->slot = UINT_MAX;
	t->opened_at = s->now;
	t->over_at = l2tp_deadline(s->now, s->cfg.half_open_ms);
	t->hello_at = L2TP_NEVER;
	t->tokens_at = s->now;
	t->tokens = 64000;
	TAILQ_INIT(&t->sessions);
	delivery_init(&t->delivery, &s->cfg.delivery, tunnel_queue_max(s), tunnel_send, t);
	TAILQ_INSERT_TAIL(&s->tunnels, t, next);
	LIST_INSERT_HEAD(id_bucket(s, path->server_ip, id), t, by_id);
	LIST_INSERT_HEAD(peer_bucket(s, path), t, by_peer);
	t->state = TUNNEL_HALF_OPEN;
	s->half_open[path->peer != 0]++;
	s->n_tunnels++;
	s->n_all++;
	return t;
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

static void
tunnel_free(struct l2tp_tunnel *t)
{
	l2tp_timers_set(t->server, t, L2TP_NEVER);
	TAILQ_REMOVE(&t->server->tunnels, t, next);
	LIST_REMOVE(t, by_id);
	LIST_REMOVE(t, by_peer);
	t->server->stats.repeated += t->delivery.repeated;
	t->server->n_all--;
	delivery_free(&t->delivery);
	OPENSSL_cleanse(t, sizeof(*t));
	free(t);
}

/* After each call into a tunnel from outside of all callbacks. */
void
server_settle(struct l2tp_tunnel *t)
{
	if (t->state == TUNNEL_DEAD)
		tunnel_free(t);
	else
		l2tp_timers_set(t->server, t, tunnel_next_timer(t));
}

void
server_replace(struct l2tp_tunnel *t)
{
	struct l2tp_tunnel *other;

	LIST_FOREACH (other, peer_bucket(t->server, &t->path), by_peer) {
		if (other == t || !is_live(other) || !same_peer(&other->path, &t->path))
			continue;
		if (other->peer_id == t->peer_id)
			tunnel_drop(other, REFUSAL_PEER_CLOSED, "the client began anew");
		else if (other->state == TUNNEL_ESTABLISHED)
			other->hello_at = t->server->now;
		/* Its own time does the rest: it may be below us on the stack. */
		l2tp_timers_set(t->server, other, t->server->now);
	}
}

/* ------------------------------------------------------------------ SCCRQ */

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
	LIST_FOREACH (t, peer_bucket(s, from), by_peer)
		if (is_live(t) && same_host(&t->path, from)) {
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

	LIST_FOREACH (t, peer_bucket(s, from), by_peer) {
		if (t->peer_id != peer_id || !same_peer(&t->path, from))
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

/* Tunnel ID 0. */
static void
on_first_message(struct l2tp_server *s, const struct l2tp_path *from, const struct l2tp_header *h,
	const uint8_t *bytes)
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

/* ------------------------------------------------------------------ entry points */

struct l2tp_server *
l2tp_server_new(const struct l2tp_config *cfg, const struct l2tp_ops *ops, void *user)
{
	struct l2tp_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->cfg = *cfg;
	s->ops = *ops;
	s->user = user;
	TAILQ_INIT(&s->tunnels);
	for (s->n_buckets = 64; s->n_buckets < cfg->max_tunnels && s->n_buckets < 1u << 20;)
		s->n_buckets *= 2;
	s->by_id = calloc(s->n_buckets, sizeof(*s->by_id));
	s->by_peer = calloc(s->n_buckets, sizeof(*s->by_peer));
	if (!s->by_id || !s->by_peer) {
		l2tp_server_free(s);
		return NULL;
	}
	return s;
}

void
l2tp_server_free(struct l2tp_server *s)
{
	struct l2tp_tunnel *t;

	if (!s)
		return;
	while ((t = TAILQ_FIRST(&s->tunnels))) {
		sessions_free(t);
		tunnel_free(t);
	}
	free(s->by_id);
	free(s->by_peer);
	free(s->heap);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

void
server_enter(struct l2tp_server *s, uint64_t now)
{
	s->depth++;
	if (now > s->now)
		s->now = now;
}

static void
for_tunnel(struct l2tp_server *s, const struct l2tp_path *from, const struct l2tp_header *h,
	const uint8_t *bytes)
{
	struct l2tp_tunnel *t = server_tunnel_find(s, from->server_ip, h->tunnel_id);

	if (!t || t->state == TUNNEL_DEAD) {
		s->stats.unknown_tunnel++;
		return;
	}
	if (!same_peer(&t->path, from)) {
		s->stats.wrong_peer++;
		return;
	}
	/* Behind IPsec the peer's mapping may change: answers follow it. */
	t->path = *from;
	tunnel_input(t, h, bytes);
	server_settle(t);
}

void
l2tp_server_input(struct l2tp_server *s, const struct l2tp_path *from, const uint8_t *bytes,
	size_t len, uint64_t now_ms)
{
	struct l2tp_header h;

	server_enter(s, now_ms);
	s->stats.received++;
	if (l2tp_header_decode(&h, bytes, len) != 0)
		s->stats.malformed++;
	else if (h.tunnel_id == 0)
		on_first_message(s, from, &h, bytes);
	else
		for_tunnel(s, from, &h, bytes);
	s->depth--;
}

void
l2tp_server_peer_gone(struct l2tp_server *s, uint32_t peer, enum refusal_code why, uint64_t now_ms)
{
	const struct l2tp_path path = {.peer = peer};
	struct l2tp_tunnel *t, *next;

	server_enter(s, now_ms);
	for (t = peer ? LIST_FIRST(peer_bucket(s, &path)) : NULL; t; t = next) {
		next = LIST_NEXT(t, by_peer);
		if (t->path.peer != peer)
			continue;
		tunnel_drop(t, why, "");
		server_settle(t);
	}
	s->depth--;
}

bool
l2tp_server_hello(struct l2tp_server *s, uint32_t peer, struct l2tp_asked *asked, uint64_t now_ms)
{
	const struct l2tp_path path = {.peer = peer};
	struct l2tp_message hello = {.type = L2TP_HELLO};
	struct l2tp_tunnel *t;

	server_enter(s, now_ms);
	LIST_FOREACH (t, peer_bucket(s, &path), by_peer)
		if (t->path.peer == peer && t->state == TUNNEL_ESTABLISHED &&
			t->delivery.n_queued == 0)
			break;
	if (t) {
		tunnel_post(t, &hello);
		*asked = (struct l2tp_asked){.server_ip = t->path.server_ip,
			.tunnel_id = t->id,
			.nr = (uint16_t)(t->delivery.first_ns + 1)};
		server_settle(t);
	}
	s->depth--;
	return t != NULL;
}

void
l2tp_server_hasten(struct l2tp_server *s, uint32_t peer, uint64_t now_ms)
{
	const struct l2tp_path path = {.peer = peer};
	struct l2tp_tunnel *t;

	server_enter(s, now_ms);
	LIST_FOREACH (t, peer_bucket(s, &path), by_peer)
		if (t->path.peer == peer && t->state == TUNNEL_ESTABLISHED) {
			t->hello_at = s->now;
			l2tp_timers_set(s, t, s->now);
		}
	s->depth--;
}

void
l2tp_server_stop(struct l2tp_server *s, enum refusal_code why, uint64_t now_ms)
{
	struct l2tp_result r = l2tp_stop_result(why);
	struct l2tp_tunnel *t, *next;

	server_enter(s, now_ms);
	s->stopping = true;
	for (t = TAILQ_FIRST(&s->tunnels); t; t = next) {
		next = TAILQ_NEXT(t, next);
		tunnel_stop(t, why, r.result, r.error, "ended by this gateway");
		server_settle(t);
	}
	s->depth--;
}

void
l2tp_server_abandon(struct l2tp_server *s, enum refusal_code why, uint64_t now_ms)
{
	struct l2tp_tunnel *t, *next;

	server_enter(s, now_ms);
	for (t = TAILQ_FIRST(&s->tunnels); t; t = next) {
		next = TAILQ_NEXT(t, next);
		tunnel_drop(t, why, "");
		server_settle(t);
	}
	s->depth--;
}

/* From within a callback the tunnel may be in use below us: then its time comes at once. */
static void
settle_later(struct l2tp_tunnel *t)
{
	if (t->server->depth == 1)
		server_settle(t);
	else
		l2tp_timers_set(t->server, t, t->server->now);
}

void
l2tp_session_close(struct l2tp_server *s, uint32_t server_ip, uint16_t tunnel_id, uint16_t our_id,
	enum refusal_code why, uint64_t now_ms)
{
	struct l2tp_tunnel *t = server_tunnel_find(s, server_ip, tunnel_id);

	if (!t)
		return;
	server_enter(s, now_ms);
	session_close_by_us(t, our_id, why);
	settle_later(t);
	s->depth--;
}

void
l2tp_tunnel_close_idle(struct l2tp_server *s, uint32_t server_ip, uint16_t tunnel_id,
	enum refusal_code why, uint64_t now_ms)
{
	struct l2tp_tunnel *t = server_tunnel_find(s, server_ip, tunnel_id);
	struct l2tp_result r = l2tp_stop_result(why);

	if (!t || t->n_sessions > 0)
		return;
	server_enter(s, now_ms);
	tunnel_stop(t, why, r.result, r.error, "ended by this gateway");
	settle_later(t);
	s->depth--;
}

uint64_t
l2tp_server_next_timer(const struct l2tp_server *s)
{
	return s->n_heap > 0 ? s->heap[0]->due : L2TP_NEVER;
}

void
l2tp_server_timer(struct l2tp_server *s, uint64_t now_ms)
{
	server_enter(s, now_ms);
	while (s->n_heap > 0 && s->heap[0]->due <= s->now) {
		struct l2tp_tunnel *t = s->heap[0];

		if (t->state != TUNNEL_DEAD)
			tunnel_timer(t);
		server_settle(t);
	}
	s->depth--;
}

void
l2tp_server_stats(const struct l2tp_server *s, struct l2tp_stats *out)
{
	const struct l2tp_tunnel *t;

	*out = s->stats;
	out->tunnels = s->n_tunnels;
	out->half_open = s->half_open[0] + s->half_open[1];
	TAILQ_FOREACH (t, &s->tunnels, next)
		out->repeated += t->delivery.repeated;
}

void
l2tp_server_tunnels(const struct l2tp_server *s, uint64_t now_ms,
	bool (*each)(void *user, const struct l2tp_tunnel_info *t), void *user)
{
	const struct l2tp_tunnel *t;

	TAILQ_FOREACH (t, &s->tunnels, next) {
		struct l2tp_tunnel_info info = {.path = t->path,
			.id = t->id,
			.peer_id = t->peer_id,
			.peer_host = t->host,
			.established = t->state == TUNNEL_ESTABLISHED,
			.sessions = t->n_sessions,
			.age_ms = now_ms - t->opened_at,
			.sent = t->delivery.sent,
			.repeated = t->delivery.repeated};

		if (is_live(t) && !each(user, &info))
			return;
	}
}

unsigned int
l2tp_server_stopping(const struct l2tp_server *s)
{
	return s->n_stopping;
}
