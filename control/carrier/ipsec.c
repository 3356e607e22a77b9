/* SPDX-License-Identifier: BSD-3-Clause */
/* control/ike as L2TP's IPsec. */
#include "control/carrier/ipsec.h"

#include "control/carrier/l2tp.h"
#include "control/core/log.h"

static void
on_current(void *user, struct ike_peer *peer, uint32_t sa)
{
	char ip[16];
	const struct sa_outer *o = ike_peer_outer(peer);
	log_event(LOG_INFO, "ipsec-current", "peer=%u address=%s port=%u spi=%08x",
		ike_peer_id(peer), log_ip(ip, o->peer_ip), o->peer_port, sa);
	l2tp_sa_current(user, ike_peer_id(peer), sa);
}

static void
on_peer_gone(void *user, struct ike_peer *peer)
{
	char ip[16];
	const struct sa_outer *o = ike_peer_outer(peer);
	log_event(LOG_INFO, "ipsec-peer-gone", "peer=%u address=%s port=%u", ike_peer_id(peer),
		log_ip(ip, o->peer_ip), o->peer_port);
	l2tp_sa_peer_gone(user, ike_peer_id(peer));
}

static bool
on_probe(void *user, struct ike_peer *peer, uint32_t sa, const struct sa_outer *to)
{
	return l2tp_probe(user, ike_peer_id(peer), sa, to);
}

static void
on_refused(void *user, enum refusal_code code, uint32_t peer_ip)
{
	const struct l2tp_carrier *l = user;
	char ip[16];
	refuse(l->c.all->env.refusals, code, peer_ip, "ipsec-refused", NULL, "address=%s",
		log_ip(ip, peer_ip));
}

const struct ike_ops l2tp_ike_ops = {
	.current = on_current, .peer_gone = on_peer_gone, .probe = on_probe, .refused = on_refused};

void
l2tp_ike_closed(void *carrier)
{
	const struct l2tp_carrier *l = carrier;
	handles_closed(l->c.all->env.handles);
}

static uint32_t
peer_of(void *user, uint32_t sa)
{
	const struct ike_peer *p = ike_peer_of(user, sa);
	return p ? ike_peer_id(p) : 0;
}

static uint32_t
current(void *user, uint32_t peer)
{
	const struct ike_peer *p = ike_peer_by_id(user, peer);
	return p ? ike_peer_current(p) : 0;
}

static void
close_peer(void *user, uint32_t peer)
{
	struct ike_peer *p = ike_peer_by_id(user, peer);
	if (p)
		ike_peer_close(user, p);
}

static void
answered(void *user, uint32_t peer, uint32_t sa, const struct sa_outer *from)
{
	ike_answered(user, peer, sa, from);
}

static void
users(void *user, uint32_t peer, int change)
{
	struct ike_peer *p = ike_peer_by_id(user, peer);
	if (p)
		ike_peer_users(user, p, change);
}

const struct l2tp_ipsec l2tp_ike_answers = {.peer_of = peer_of,
	.current = current,
	.close = close_peer,
	.answered = answered,
	.users = users};
