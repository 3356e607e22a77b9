/* SPDX-License-Identifier: BSD-3-Clause */
/* Tunnels that outlive the process: out as images, in again. */
#include "control/l2tp/image.h"

#include <string.h>

#include "control/l2tp/tunnel.h"

void
tunnel_save(struct l2tp_tunnel *t)
{
	const struct l2tp_server *s = t->server;
	const struct l2tp_delivery *d = &t->delivery;
	struct l2tp_tunnel_image i = {.peer = t->path.peer,
		.server_ip = t->path.server_ip,
		.peer_ip = t->path.peer_ip,
		.server_port = t->path.server_port,
		.peer_port = t->path.peer_port,
		.id = t->id,
		.peer_id = t->peer_id,
		.first_ns = d->first_ns,
		.unacknowledged = (uint16_t)d->n_queued,
		.nr = d->nr,
		.peer_window = (uint16_t)d->peer_window,
		.opened_ms = t->opened_at,
		.established_ms = t->established_at,
		.had_session = t->had_session};

	if (!s->ops.tunnel_save)
		return;
	memcpy(i.host, t->host, sizeof(i.host));
	s->ops.tunnel_save(s->user, &i, &t->place);
}

void
tunnel_forget(struct l2tp_tunnel *t)
{
	const struct l2tp_server *s = t->server;
	uint32_t place = t->place;

	t->place = 0;
	if (place && s->ops.tunnel_forget)
		s->ops.tunnel_forget(s->user, place);
}

static bool
is_printable(const char *text, size_t size)
{
	size_t i = 0;

	for (; i < size && text[i]; i++)
		if (text[i] < 0x20 || text[i] >= 0x7f)
			return false;
	return i < size;
}

static bool
is_valid(const struct l2tp_server *s, const struct l2tp_tunnel_image *i)
{
	return i->server_ip && i->peer_ip && i->server_port && i->peer_port && i->id &&
	       i->peer_id && i->peer_window >= 1 && i->peer_window <= L2TP_WINDOW_MAX &&
	       i->unacknowledged <= tunnel_queue_max(s) && i->had_session <= 1 &&
	       is_printable(i->host, sizeof(i->host));
}

static uint64_t
spread(struct l2tp_server *s, uint32_t interval_ms)
{
	uint32_t r;

	s->ops.random(s->user, (uint8_t *)&r, sizeof(r));
	return interval_ms ? s->now + 1 + r % interval_ms : L2TP_NEVER;
}

static void
restore_delivery(struct l2tp_tunnel *t, const struct l2tp_tunnel_image *i)
{
	const struct l2tp_delivery_numbers numbers = {i->first_ns, i->unacknowledged, i->nr};
	const struct l2tp_message hello = {.type = L2TP_HELLO, .tunnel_id = t->peer_id};
	uint8_t bytes[64];
	size_t len = l2tp_message_encode(&hello, NULL, bytes, sizeof(bytes));

	delivery_peer_window(&t->delivery, i->peer_window);
	if (!delivery_restore(&t->delivery, &numbers, bytes, len, t->server->now))
		tunnel_drop(t, REFUSAL_NO_RESOURCES, "no memory");
}

bool
l2tp_tunnel_restore(
	struct l2tp_server *s, const struct l2tp_tunnel_image *i, uint32_t place, uint64_t now_ms)
{
	const struct l2tp_path path = {
		i->peer, i->server_ip, i->peer_ip, i->server_port, i->peer_port};
	struct l2tp_tunnel *t;

	if (!is_valid(s, i) || s->stopping || server_tunnel_find(s, i->server_ip, i->id))
		return false;
	server_enter(s, now_ms);
	t = server_tunnel_insert(s, &path, i->id, i->peer_id);
	if (t) {
		t->opened_at = i->opened_ms < now_ms ? i->opened_ms : now_ms;
		t->established_at = i->established_ms < now_ms ? i->established_ms : now_ms;
		t->had_session = i->had_session;
		memcpy(t->host, i->host, sizeof(t->host));
		t->place = place;
		server_tunnel_state(t, TUNNEL_ESTABLISHED);
		t->over_at = l2tp_deadline(s->now, s->cfg.idle_ms);
		t->hello_at = spread(s, s->cfg.hello_interval_ms);
		restore_delivery(t, i);
		server_settle(t);
	}
	s->depth--;
	return t != NULL;
}

/* The tunnel of the image, and of the same peer. */
static struct l2tp_tunnel *
tunnel_of(const struct l2tp_server *s, const struct l2tp_session_image *i)
{
	struct l2tp_tunnel *t = server_tunnel_find(s, i->server_ip, i->tunnel_id);

	return t && t->state == TUNNEL_ESTABLISHED && t->peer_id == i->peer_tunnel_id &&
			       t->path.peer == i->peer
		       ? t
		       : NULL;
}

bool
l2tp_session_restore(struct l2tp_server *s, const struct l2tp_session_image *i, void *session,
	struct l2tp_path *path, uint64_t now_ms)
{
	struct l2tp_tunnel *t = tunnel_of(s, i);
	bool good;

	if (!t)
		return false;
	server_enter(s, now_ms);
	good = sessions_restore(t, i->our_id, i->peer_id, session);
	*path = t->path;
	server_settle(t);
	s->depth--;
	return good;
}

void
l2tp_session_reject(struct l2tp_server *s, const struct l2tp_session_image *i,
	enum refusal_code why, uint64_t now_ms)
{
	struct l2tp_tunnel *t = tunnel_of(s, i);

	if (!t || i->peer_id == 0)
		return;
	server_enter(s, now_ms);
	sessions_reject(t, i->our_id, i->peer_id, why);
	server_settle(t);
	s->depth--;
}
