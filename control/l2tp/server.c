/* SPDX-License-Identifier: BSD-3-Clause */
/* Which tunnel a message is for, and the tunnels' memory and time.  Who may open one: opening.c. */
#include "control/l2tp/server.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "control/l2tp/result.h"
#include "control/l2tp/tunnel.h"

/* ------------------------------------------------------------------ tables */

static struct l2tp_tunnel_bucket *
id_bucket(const struct l2tp_server *s, uint32_t server_ip, uint16_t id)
{
	return &s->by_id[((server_ip * 2654435761u) ^ (id * 40503u)) & (s->n_buckets - 1)];
}

struct l2tp_tunnel_bucket *
server_peers(const struct l2tp_server *s, const struct l2tp_path *p)
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

void
server_tunnel_state(struct l2tp_tunnel *t, enum l2tp_tunnel_state state)
{
	struct l2tp_server *s = t->server;
	bool was_live = tunnel_is_live(t);

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
	s->n_tunnels -= was_live && !tunnel_is_live(t);
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
	LIST_INSERT_HEAD(server_peers(s, path), t, by_peer);
	t->state = TUNNEL_HALF_OPEN;
	s->half_open[path->peer != 0]++;
	s->n_tunnels++;
	s->n_all++;
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
	explicit_bzero(t, sizeof(*t));
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

	LIST_FOREACH (other, server_peers(t->server, &t->path), by_peer) {
		if (other == t || !tunnel_is_live(other) ||
			!tunnel_same_peer(&other->path, &t->path))
			continue;
		if (other->peer_id == t->peer_id)
			tunnel_drop(other, REFUSAL_PEER_CLOSED, "the client began anew");
		else if (other->state == TUNNEL_ESTABLISHED)
			other->hello_at = t->server->now;
		/* Its own time does the rest: it may be below us on the stack. */
		l2tp_timers_set(t->server, other, t->server->now);
	}
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
l2tp_server_change(struct l2tp_server *s, const struct l2tp_config *cfg)
{
	s->cfg = *cfg;
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
	explicit_bzero(s, sizeof(*s));
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
	if (!tunnel_same_peer(&t->path, from)) {
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
		server_first_message(s, from, &h, bytes);
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
	for (t = peer ? LIST_FIRST(server_peers(s, &path)) : NULL; t; t = next) {
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
	LIST_FOREACH (t, server_peers(s, &path), by_peer)
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
	LIST_FOREACH (t, server_peers(s, &path), by_peer)
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

		if (tunnel_is_live(t) && !each(user, &info))
			return;
	}
}

unsigned int
l2tp_server_stopping(const struct l2tp_server *s)
{
	return s->n_stopping;
}
