/* SPDX-License-Identifier: BSD-3-Clause */
/* What the data plane says. */
#include <stdio.h>
#include <string.h>

#include "control/gateway_internal.h"

static uint64_t
now_ms(const struct session *s)
{
	return uv_now(s->g->loop);
}

static void
on_link_up(void *user)
{
	struct gateway *g = user;
	struct command cmd = {.gateway = {.server_ip = pool_server_address(g->pool),
				      .pool_first = g->cfg->pool_first,
				      .pool_last = g->cfg->pool_last}};
	uint32_t pptp = session_limit(g, TUNNEL_PPTP), l2tp = session_limit(g, TUNNEL_L2TP);
	/* R3, R12, T20: the WAN edge lets in what is served, and nothing else. */
	cmd.gateway.pptp = pptp != 0;
	cmd.gateway.ipsec = g->ipsec != NULL;
	cmd.gateway.clear_l2tp = l2tp != 0 && !g->cfg->l2tp_require_ipsec;
	link_command(g->link, COMMAND_GATEWAY, &cmd);
	if (link_max_sessions(g->link) < pptp + l2tp)
		log_event(LOG_WARNING, "dataplane-small",
			"text=\"pptp.max_sessions and l2tp.max_sessions are together larger than "
			"sessions.max of the data plane\" max_sessions=%u room=%u",
			pptp + l2tp, link_max_sessions(g->link));
}

/* A session of an earlier control process: gateway_adopt() goes on with it, or ends it.  Its
 * address and call ID are taken, until the data plane has confirmed its end. */
static void *
on_orphan(void *user, const struct session_entry *e)
{
	struct gateway *g = user;
	struct session *s = session_new(g);
	if (!s)
		return NULL;
	const struct user *account = users_find(g->cfg->users, e->user);
	s->carrier = e->protocol == TUNNEL_L2TP ? &l2tp_carrier : &pptp_carrier;
	s->orphan = true;
	s->state = GW_CLOSING;
	s->code = REFUSAL_CONTROL_LOST;
	snprintf(s->user, sizeof(s->user), "%s", account ? account->name : e->user);
	s->known = true;
	index_add_user(s);
	s->handle = e->handle;
	s->peer_ip = e->peer_ip;
	s->server_ip = e->server_ip;
	s->peer_call_id = e->peer_call_id;
	if (call_id_take_this(&g->call_ids[s->carrier->protocol], e->server_ip, e->call_id))
		s->call_id = e->call_id;
	s->inner_ip = e->inner_ip;
	s->address_taken = e->inner_ip && aaa_take(g->aaa, e->inner_ip) == 0;
	if (s->address_taken)
		index_add_address(s);
	return s;
}

static void
on_link_down(void *user, const char *why)
{
	struct gateway *g = user;
	struct session *s;
	(void)why;
	/* First all ends, which may touch each other's connections, then the memory. */
	TAILQ_FOREACH (s, &g->sessions, next) {
		link_counters(g->link, s->handle, &s->last);
		session_end(s, REFUSAL_DATAPLANE_DOWN, "");
	}
	l2tp_link_down(g);
	adopt_link_down(g);
	while ((s = TAILQ_FIRST(&g->sessions)))
		session_release(s);
	if (g->ike)
		ike_link_down(g->ike);
}

static void *
on_sa_orphan(void *user, const struct sa_entry *e)
{
	struct gateway *g = user;
	return g->ike ? ike_sa_orphan(g->ike, e) : NULL;
}

static void
on_frame(void *owner, const uint8_t *frame, size_t len)
{
	struct session *s = owner;
	if (s->state == GW_CLOSING || gateway_probe_frame(s, frame, len))
		return;
	ppp_input(s->ppp, frame, len, now_ms(s));
	session_settle(s);
}

static void
on_refused(void *owner, enum command_type type, int error)
{
	struct session *s = owner;
	char text[96];
	if (s->state == GW_CLOSING)
		return;
	snprintf(text, sizeof(text), "the data plane refused command %u: %s", (unsigned int)type,
		strerror(-error));
	session_end(s, REFUSAL_NO_RESOURCES, text);
}

static void
on_peer_seen(void *owner)
{
	struct session *s = owner;
	if (s->state == GW_CLOSING)
		return;
	ppp_peer_seen(s->ppp, now_ms(s));
	session_settle(s);
}

static void
on_lost_sync(void *owner)
{
	struct session *s = owner;
	if (s->state == GW_CLOSING)
		return;
	ppp_mppe_lost_sync(s->ppp, now_ms(s));
	session_settle(s);
}

static void
on_gone(void *owner, const struct session_counters *last)
{
	struct session *s = owner;
	session_end(s, REFUSAL_DATAPLANE_DOWN, "the data plane removed the session");
	s->last = *last;
	session_release(s);
}

const struct link_ops gateway_link_ops = {
	.up = on_link_up,
	.orphan = on_orphan,
	.adopt = gateway_adopt,
	.down = on_link_down,
	.frame = on_frame,
	.refused = on_refused,
	.peer_seen = on_peer_seen,
	.lost_sync = on_lost_sync,
	.gone = on_gone,
	.sa_orphan = on_sa_orphan,
	.sa_done = ike_sa_done,
	.sa_expire = ike_sa_expire,
	.sa_mapping = ike_sa_mapping,
	.sa_gone = ike_sa_gone,
	.l2tp_frame = l2tp_frame,
};
