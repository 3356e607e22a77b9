/* SPDX-License-Identifier: BSD-3-Clause */
/* L2TP's sessions. */
#include "control/carrier/l2tp.h"

static struct l2tp_session *
mine(struct session *s)
{
	return (struct l2tp_session *)s;
}

static const struct l2tp_session *
mine_const(const struct session *s)
{
	return (const struct l2tp_session *)s;
}

static struct l2tp_carrier *
carrier_of(const struct session *s)
{
	return (struct l2tp_carrier *)s->carrier;
}

/* own: struct l2tp_session_request. */
void
l2tp_session_attach(struct session *s, const void *own)
{
	const struct l2tp_session_request *req = own;
	struct l2tp_carrier *l = carrier_of(s);
	struct l2tp_session *m = mine(s);
	m->tunnel_id = req->tunnel_id;
	m->peer_tunnel_id = req->peer_tunnel_id;
	m->server_port = req->path->server_port;
	m->peer_port = req->path->peer_port;
	m->peer = req->path->peer;
	m->sa = l2tp_current_sa(l, m->peer);
	s->mtu = l->c.ppp->mru;
	if (m->peer)
		LIST_INSERT_HEAD(l2tp_of_peer(l, m->peer), m, by_peer);
}

/* IPsec is told that the session has a user who has proven himself, or none any more. */
static void
tell_user(struct l2tp_session *m, bool has)
{
	const struct l2tp_carrier *l = carrier_of(&m->s);
	if (!m->peer || m->has_user == has)
		return;
	m->has_user = has;
	if (l->ipsec && l->ipsec->users)
		l->ipsec->users(l->ipsec_user, m->peer, has ? 1 : -1);
}

void
l2tp_session_authenticated(struct session *s)
{
	tell_user(mine(s), true);
}

void
l2tp_session_add(const struct session *s, struct command *cmd)
{
	const struct l2tp_session *m = mine_const(s);
	cmd->add.tunnel_id = m->tunnel_id;
	cmd->add.peer_tunnel_id = m->peer_tunnel_id;
	cmd->add.server_port = m->server_port;
	cmd->add.peer_port = m->peer_port;
	cmd->add.sa = m->sa;
	cmd->add.peer = m->peer;
}

void
l2tp_session_ended(struct session *s, bool tell, enum refusal_code why)
{
	struct l2tp_carrier *l = carrier_of(s);
	struct l2tp_session *m = mine(s);
	uint64_t now = session_now(s);
	probes_end(m);
	tell_user(m, false);
	if (!tell || !l->server)
		return;
	l2tp_session_close(l->server, s->server_ip, m->tunnel_id, s->local_id, why, now);
	/* Whoever was disconnected by an operator shall not keep tunnel and SA. */
	if (why == REFUSAL_ADMIN_DISCONNECT)
		l2tp_tunnel_close_idle(l->server, s->server_ip, m->tunnel_id, why, now);
	l2tp_arm(l);
}

void
l2tp_session_detach(struct session *s)
{
	struct l2tp_session *m = mine(s);
	probes_end(m);
	if (!m->peer)
		return;
	tell_user(m, false);
	LIST_REMOVE(m, by_peer);
	m->peer = 0;
}

void
l2tp_session_describe(const struct session *s, struct session_info *out)
{
	const struct l2tp_session *m = mine_const(s);
	out->tunnel_id = m->tunnel_id;
	out->peer_tunnel_id = m->peer_tunnel_id;
	out->peer_port = m->peer_port;
	out->sa = m->sa;
	out->ipsec_peer = m->peer;
}

/* Sessions of this peer behind IPsec that have not authenticated; the oldest of them. */
static unsigned int
strangers_of_peer(const struct l2tp_carrier *l, uint32_t peer, struct l2tp_session **oldest)
{
	struct l2tp_session *m;
	unsigned int n = 0;
	LIST_FOREACH (m, l2tp_of_peer(l, peer), by_peer) {
		if (m->peer != peer || !m->s.stranger.of)
			continue;
		*oldest = m; /* the list begins with the newest */
		n++;
	}
	return n;
}

enum refusal_code
l2tp_session_room(const struct carrier *c, const void *own, struct session **out)
{
	const struct l2tp_carrier *l = (const struct l2tp_carrier *)c;
	const struct l2tp_session_request *req = own;
	struct l2tp_session *oldest = NULL;
	uint32_t peer = req->path->peer;
	if (!peer || strangers_of_peer(l, peer, &oldest) < c->all->env.cfg->strangers_per_peer)
		return REFUSAL_NONE;
	if (l2tp_now(l) - oldest->s.stranger.since < STRANGERS_GRACE_MS)
		return REFUSAL_STRANGERS;
	*out = &oldest->s;
	return REFUSAL_NONE;
}
