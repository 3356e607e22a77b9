/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * L2TP: control messages come through the data plane, with the pair of SAs that they arrived on,
 * and leave through the peer's current pair (D1).
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "control/gateway_internal.h"
#include "control/l2tp/image.h"
#include "control/l2tp/message.h"

static void
l2tp_timer(uv_timer_t *t)
{
	struct gateway *g = t->data;
	g->l2tp_due = UINT64_MAX;
	l2tp_server_timer(g->l2tp, uv_now(g->loop));
	l2tp_arm(g);
}

void
l2tp_arm(struct gateway *g)
{
	uint64_t now = uv_now(g->loop), due = l2tp_server_next_timer(g->l2tp);
	if (due == g->l2tp_due)
		return;
	g->l2tp_due = due;
	if (due == UINT64_MAX)
		uv_timer_stop(&g->l2tp_timer);
	else
		uv_timer_start(&g->l2tp_timer, l2tp_timer, due > now ? due - now : 0, 0);
}

/* ------------------------------------------------------------------ sessions of this carrier */

static unsigned int
bucket_of(uint32_t peer)
{
	return (peer * 2654435761u) >> 22; /* 10 bits: PEER_BUCKETS */
}

struct session_bucket *
gateway_peer_bucket(struct gateway *g, uint32_t peer)
{
	return &g->peer_buckets[bucket_of(peer)];
}

static uint32_t
current_sa(const struct gateway *g, uint32_t peer)
{
	return peer && g->ipsec ? g->ipsec->current(g->ipsec_user, peer) : 0;
}

static void
session_attach(struct session *s, const struct session_origin *o)
{
	s->l2tp.tunnel_id = o->tunnel_id;
	s->l2tp.peer_tunnel_id = o->peer_tunnel_id;
	s->l2tp.server_port = o->path->server_port;
	s->l2tp.peer_port = o->path->peer_port;
	s->l2tp.peer = o->path->peer;
	s->l2tp.sa = current_sa(s->g, o->path->peer);
	s->mtu = s->g->cfg->l2tp_ppp.mru;
	if (s->l2tp.peer)
		LIST_INSERT_HEAD(gateway_peer_bucket(s->g, s->l2tp.peer), s, by_peer);
}

void
l2tp_session_user(struct session *s, bool has)
{
	struct gateway *g = s->g;
	if (s->carrier != &l2tp_carrier || !s->l2tp.peer || s->l2tp.has_user == has)
		return;
	s->l2tp.has_user = has;
	if (g->ipsec && g->ipsec->users)
		g->ipsec->users(g->ipsec_user, s->l2tp.peer, has ? 1 : -1);
}

static void
session_add(const struct session *s, struct command *cmd)
{
	cmd->add.tunnel_id = s->l2tp.tunnel_id;
	cmd->add.peer_tunnel_id = s->l2tp.peer_tunnel_id;
	cmd->add.server_port = s->l2tp.server_port;
	cmd->add.peer_port = s->l2tp.peer_port;
	cmd->add.sa = s->l2tp.sa;
	cmd->add.peer = s->l2tp.peer;
}

static void
session_closed(struct session *s, enum refusal_code why)
{
	struct gateway *g = s->g;
	uint64_t now = uv_now(g->loop);
	if (!g->l2tp)
		return;
	l2tp_session_close(g->l2tp, s->server_ip, s->l2tp.tunnel_id, s->call_id, why, now);
	/* Whoever was disconnected by an operator shall not keep tunnel and SA. */
	if (why == REFUSAL_ADMIN_DISCONNECT)
		l2tp_tunnel_close_idle(g->l2tp, s->server_ip, s->l2tp.tunnel_id, why, now);
	l2tp_arm(g);
}

static void
session_released(struct session *s)
{
	gateway_probes_end(s);
	if (s->orphan || !s->l2tp.peer)
		return;
	l2tp_session_user(s, false);
	LIST_REMOVE(s, by_peer);
}

static void
session_describe(const struct session *s, struct gateway_session *out)
{
	out->tunnel_id = s->l2tp.tunnel_id;
	out->peer_tunnel_id = s->l2tp.peer_tunnel_id;
	out->peer_port = s->l2tp.peer_port;
	out->sa = s->l2tp.sa;
	out->ipsec_peer = s->l2tp.peer;
}

static void
session_authenticated(struct session *s)
{
	(void)s;
}

unsigned int
l2tp_strangers(const struct gateway *g, uint32_t peer, struct session **oldest)
{
	struct session *s;
	unsigned int n = 0;
	LIST_FOREACH (s, &g->peer_buckets[bucket_of(peer)], by_peer) {
		if (s->l2tp.peer != peer || !s->stranger.of)
			continue;
		*oldest = s; /* the list begins with the newest */
		n++;
	}
	return n;
}

const struct carrier l2tp_carrier = {
	.name = "l2tp",
	.protocol = TUNNEL_L2TP,
	.attach = session_attach,
	.add = session_add,
	.close = session_closed,
	.release = session_released,
	.describe = session_describe,
	.authenticated = session_authenticated,
};

/* ------------------------------------------------------------------ what the machine says */

static void
on_send(void *user, const struct l2tp_path *to, const uint8_t *bytes, size_t len)
{
	struct gateway *g = user;
	const struct sa_outer inner = {to->server_ip, to->peer_ip, to->server_port, to->peer_port};
	const struct sa_outer *divert_to = g->probes.divert_to;
	uint32_t sa = divert_to ? g->probes.divert_sa : current_sa(g, to->peer);
	/* Never in clear what belongs to a peer behind IPsec. */
	if ((to->peer && !sa) || link_l2tp_inject(g->link, sa, &inner, divert_to, bytes, len) != 0)
		g->l2tp_unsent++;
}

static enum refusal_code
on_tunnel_request(void *user, const struct l2tp_path *from)
{
	struct gateway *g = user;
	(void)from;
	if (g->stopping)
		return REFUSAL_SERVER_STOPPING;
	if (!link_connected(g->link))
		return REFUSAL_DATAPLANE_DOWN;
	return session_left(g, TUNNEL_L2TP) ? REFUSAL_NONE : REFUSAL_PORTS_FULL;
}

static void
on_tunnel_over(void *user, const struct l2tp_path *path, uint16_t id, bool had_session,
	enum refusal_code why, const char *text)
{
	struct gateway *g = user;
	char peer[16], quoted[128], own[96];
	if (had_session || why == REFUSAL_NONE || why == REFUSAL_PEER_CLOSED ||
		why == REFUSAL_SERVER_STOPPING || why == REFUSAL_ADMIN_DISCONNECT) {
		log_event(LOG_DEBUG, "tunnel-closed", "tunnel=%u peer=%s code=%s", id,
			log_ip(peer, path->peer_ip), refusal_name(why));
		return;
	}
	gateway_refusal(g, why);
	if (gateway_may_log(g, why, path->peer_ip))
		log_event(LOG_NOTICE, "tunnel-refused",
			"protocol=l2tp tunnel=%u peer=%s port=%u ipsec=%s code=%s text=%s "
			"remedy=\"%s\"",
			id, log_ip(peer, path->peer_ip), path->peer_port, path->peer ? "yes" : "no",
			refusal_name(why),
			log_quote(quoted, sizeof(quoted),
				*text ? text : session_refusal_text(g, TUNNEL_L2TP, why, own)),
			refusal_remedy(why));
}

static void
on_tunnel_stopped(void *user, const struct l2tp_path *path, enum refusal_code why)
{
	struct gateway *g = user;
	if (why == REFUSAL_ADMIN_DISCONNECT && path->peer && g->ipsec)
		g->ipsec->close(g->ipsec_user, path->peer);
}

static enum refusal_code
on_session_request(
	void *user, const struct l2tp_session_request *req, uint16_t *our_id, void **session)
{
	struct gateway *g = user;
	struct session_origin origin = {.carrier = &l2tp_carrier,
		.ppp = &g->cfg->l2tp_ppp,
		.path = req->path,
		.tunnel_id = req->tunnel_id,
		.peer_tunnel_id = req->peer_tunnel_id,
		.peer_ip = req->path->peer_ip,
		.server_ip = req->path->server_ip,
		.peer_call_id = req->peer_session_id,
		.begun_ms = uv_now(g->loop),
		.authentic = req->path->peer != 0};
	struct session *s = NULL;
	/* Without an outbound SA the data plane would be told to send in clear. */
	enum refusal_code why = req->path->peer && !current_sa(g, req->path->peer)
					? REFUSAL_SA_GONE
					: session_request(g, &origin, &s);
	if (why == REFUSAL_NONE) {
		*our_id = s->call_id;
		*session = s;
		return why;
	}
	session_refused(g, &l2tp_carrier, req->path->peer_ip, why, NULL);
	return why;
}

static void
on_session_refused(
	void *user, const struct l2tp_path *path, enum refusal_code why, const char *text)
{
	session_refused(user, &l2tp_carrier, path->peer_ip, why, text);
}

static void
on_session_up(void *user, void *session, const struct l2tp_connected *how)
{
	struct gateway *g = user;
	struct session *s = session;
	struct command cmd = {.handle = s->handle};
	/* RFC 2661 section 5.4: who asks for numbers gets them, and has to send some. */
	cmd.l2tp.send_sequence = how->sequencing_required || g->cfg->l2tp_sequencing;
	cmd.l2tp.require_sequence = how->sequencing_required;
	if (link_command(g->link, COMMAND_SESSION_L2TP, &cmd) != 0)
		session_end(s, REFUSAL_NO_RESOURCES, "the data plane does not keep up");
	else
		session_start(s);
}

static void
on_session_down(void *user, void *session, enum refusal_code why, const char *text)
{
	struct session *s = session;
	(void)user;
	s->attached = false;
	session_end(s, why, text);
}

static void
on_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	gateway_random(buf, len);
}

static const struct l2tp_ops l2tp_gateway_ops = {
	.send = on_send,
	.tunnel_request = on_tunnel_request,
	.tunnel_over = on_tunnel_over,
	.tunnel_stopped = on_tunnel_stopped,
	.session_request = on_session_request,
	.session_up = on_session_up,
	.session_down = on_session_down,
	.random = on_random,
	.tunnel_save = tunnel_saved,
	.tunnel_forget = tunnel_forgotten,
	.session_refused = on_session_refused,
};

/* ------------------------------------------------------------------ what an earlier process
 * left */

bool
l2tp_path_allowed(const struct gateway *g, uint32_t peer)
{
	return peer ? current_sa(g, peer) != 0 : !g->cfg->l2tp_require_ipsec;
}

bool
l2tp_restore_tunnel(struct gateway *g, const struct l2tp_tunnel_image *image, uint32_t place)
{
	bool good = l2tp_tunnel_restore(g->l2tp, image, place, uv_now(g->loop));
	l2tp_arm(g);
	return good;
}

static struct l2tp_session_image
image_of(const struct session_entry *e)
{
	return (struct l2tp_session_image){.server_ip = e->server_ip,
		.peer = e->peer,
		.tunnel_id = e->tunnel_id,
		.peer_tunnel_id = e->peer_tunnel_id,
		.our_id = e->call_id,
		.peer_id = e->peer_call_id};
}

bool
l2tp_restore_session(struct session *s, const struct session_entry *e)
{
	struct gateway *g = s->g;
	const struct l2tp_session_image image = image_of(e);
	struct l2tp_path path;
	if (!l2tp_session_restore(g->l2tp, &image, s, &path, uv_now(g->loop)))
		return false;
	l2tp_arm(g);
	const struct session_origin origin = {
		.path = &path, .tunnel_id = e->tunnel_id, .peer_tunnel_id = e->peer_tunnel_id};
	session_attach(s, &origin);
	s->l2tp.sa = e->sa; /* what the data plane has */
	return true;
}

void
l2tp_resume_session(struct session *s)
{
	struct gateway *g = s->g;
	session_settle(s);
	if (s->l2tp.peer)
		gateway_sa_current(g, s->l2tp.peer, current_sa(g, s->l2tp.peer));
}

void
l2tp_reject_session(struct gateway *g, const struct session_entry *e)
{
	const struct l2tp_session_image image = image_of(e);
	if (!g->l2tp || e->protocol != TUNNEL_L2TP)
		return;
	l2tp_session_reject(g->l2tp, &image, REFUSAL_CONTROL_LOST, uv_now(g->loop));
	l2tp_arm(g);
}

/* ------------------------------------------------------------------ what the data plane says */

void
l2tp_frame(void *user, uint32_t sa, const struct sa_outer *inner, const struct sa_outer *from_where,
	const uint8_t *message, size_t len)
{
	struct gateway *g = user;
	struct l2tp_path from = {.server_ip = inner->server_ip,
		.peer_ip = inner->peer_ip,
		.server_port = inner->server_port,
		.peer_port = inner->peer_port};
	struct l2tp_header h;
	bool good = l2tp_header_decode(&h, message, len) == 0;
	if (!g->l2tp) {
		if (sa && good && h.tunnel_id == 0 && h.ns == 0)
			session_refused(g, &l2tp_carrier, inner->peer_ip, REFUSAL_PROTOCOL_DISABLED,
				"l2tp.enabled is off");
		return;
	}
	if (sa && !(message[0] & 0x80)) {
		gateway_probe_data(g, sa, inner->server_ip, from_where, message, len);
		return;
	}
	if (sa) {
		from.peer = g->ipsec ? g->ipsec->peer_of(g->ipsec_user, sa) : 0;
		if (!from.peer) {
			g->l2tp_strange_sa++;
			return;
		}
	} else if (g->cfg->l2tp_require_ipsec) {
		/* T20: the edge drops it already, unless it has not heard yet. */
		g->l2tp_in_clear++;
		session_refused(g, &l2tp_carrier, inner->peer_ip, REFUSAL_IPSEC_REQUIRED, NULL);
		return;
	}
	/* Who is new shall find our successor. */
	if (g->handing_over && good && h.tunnel_id == 0)
		return;
	if (sa && from_where && good)
		gateway_probe_control(g, sa, from_where, &h, inner->server_ip);
	l2tp_server_input(g->l2tp, &from, message, len, uv_now(g->loop));
	l2tp_arm(g);
}

void
l2tp_link_down(struct gateway *g)
{
	if (!g->l2tp)
		return;
	l2tp_server_abandon(g->l2tp, REFUSAL_DATAPLANE_DOWN, uv_now(g->loop));
	l2tp_arm(g);
}

/* ------------------------------------------------------------------ what IPsec says */

void
gateway_set_ipsec(struct gateway *g, const struct gateway_ipsec *ipsec, void *user)
{
	g->ipsec = ipsec;
	g->ipsec_user = user;
}

void
gateway_sa_current(struct gateway *g, uint32_t peer, uint32_t sa)
{
	struct session *s, *next;
	for (s = LIST_FIRST(gateway_peer_bucket(g, peer)); s; s = next) {
		next = LIST_NEXT(s, by_peer);
		if (s->l2tp.peer != peer || s->state == GW_CLOSING || s->l2tp.sa == sa)
			continue;
		struct command cmd = {.handle = s->handle, .session_sa = {.sa = sa}};
		s->l2tp.sa = sa;
		/* Without an outbound SA the data plane is silent by itself. */
		if (sa && link_command(g->link, COMMAND_SESSION_SA, &cmd) != 0)
			session_end(s, REFUSAL_NO_RESOURCES, "the data plane does not keep up");
	}
}

void
gateway_sa_peer_gone(struct gateway *g, uint32_t peer)
{
	if (!g->l2tp)
		return;
	l2tp_server_peer_gone(g->l2tp, peer, REFUSAL_SA_GONE, uv_now(g->loop));
	l2tp_arm(g);
}

/* ------------------------------------------------------------------ life */

static void
timer_closed(uv_handle_t *h)
{
	gateway_handle_closed(h->data);
}

bool
l2tp_start(struct gateway *g, char *err, size_t errlen)
{
	g->l2tp = l2tp_server_new(&g->cfg->l2tp, &l2tp_gateway_ops, g);
	if (!g->l2tp) {
		snprintf(err, errlen, "out of memory");
		return false;
	}
	g->l2tp_due = UINT64_MAX;
	uv_timer_init(g->loop, &g->l2tp_timer);
	g->l2tp_timer.data = g;
	g->n_handles++;
	log_event(LOG_INFO, "listening", "protocol=l2tp ipsec=%s",
		g->cfg->l2tp_require_ipsec ? "required" : "optional");
	return true;
}

void
l2tp_stop(struct gateway *g)
{
	if (!g->l2tp)
		return;
	l2tp_server_stop(g->l2tp, REFUSAL_SERVER_STOPPING, uv_now(g->loop));
	l2tp_arm(g);
}

unsigned int
l2tp_stopping(const struct gateway *g)
{
	return g->l2tp ? l2tp_server_stopping(g->l2tp) : 0;
}

void
l2tp_teardown(struct gateway *g)
{
	if (!g->l2tp)
		return;
	gateway_probes_free(g);
	l2tp_server_free(g->l2tp);
	g->l2tp = NULL;
	uv_close((uv_handle_t *)&g->l2tp_timer, timer_closed);
}

void
gateway_tunnels(const struct gateway *g, bool (*each)(void *user, const struct l2tp_tunnel_info *t),
	void *user)
{
	if (g->l2tp)
		l2tp_server_tunnels(g->l2tp, uv_now(g->loop), each, user);
}
