/* SPDX-License-Identifier: BSD-3-Clause */
/* L2TP: what the machine and the data plane say, and the carrier's life. */
#include "control/carrier/l2tp.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/core/log.h"
#include "control/core/random.h"
#include "control/core/timer.h"
#include "control/l2tp/message.h"

#define BUCKETS_MIN 64
#define BUCKETS_MAX (1u << 20)

static struct l2tp_carrier *
carrier_of(struct carrier *c)
{
	return (struct l2tp_carrier *)c;
}

static const struct l2tp_carrier *
carrier_of_const(const struct carrier *c)
{
	return (const struct l2tp_carrier *)c;
}

static const struct session_env *
env_of(const struct l2tp_carrier *l)
{
	return &l->c.all->env;
}

static void
l2tp_timer(uv_timer_t *t)
{
	struct l2tp_carrier *l = t->data;
	l->timer_due = UINT64_MAX;
	l2tp_server_timer(l->server, l2tp_now(l));
	l2tp_arm(l);
}

void
l2tp_arm(struct l2tp_carrier *l)
{
	timer_arm(&l->timer, &l->timer_due, l2tp_server_next_timer(l->server), l2tp_timer);
}

struct l2tp_bucket *
l2tp_of_peer(const struct l2tp_carrier *l, uint32_t peer)
{
	uint32_t hash = peer * 2654435761u;
	return &l->by_peer[(hash ^ hash >> 15) & (l->n_buckets - 1)];
}

uint32_t
l2tp_current_sa(const struct l2tp_carrier *l, uint32_t peer)
{
	return peer && l->ipsec ? l->ipsec->current(l->ipsec_user, peer) : 0;
}

/* ------------------------------------------------------------------ what the machine says */

static void
on_send(void *user, const struct l2tp_path *to, const uint8_t *bytes, size_t len)
{
	struct l2tp_carrier *l = user;
	const struct sa_outer inner = {to->server_ip, to->peer_ip, to->server_port, to->peer_port};
	const struct sa_outer *divert_to = l->probes.divert_to;
	uint32_t sa = divert_to ? l->probes.divert_sa : l2tp_current_sa(l, to->peer);
	/* Never in clear what belongs to a peer behind IPsec. */
	if ((to->peer && !sa) ||
		link_l2tp_inject(env_of(l)->link, sa, &inner, divert_to, bytes, len) != 0)
		l->unsent++;
}

static enum refusal_code
on_tunnel_request(void *user, const struct l2tp_path *from)
{
	const struct l2tp_carrier *l = user;
	(void)from;
	if (l->c.all->stopping)
		return REFUSAL_SERVER_STOPPING;
	if (!link_connected(env_of(l)->link))
		return REFUSAL_DATAPLANE_DOWN;
	return carrier_left(&l->c) ? REFUSAL_NONE : REFUSAL_PORTS_FULL;
}

static void
on_tunnel_over(void *user, const struct l2tp_path *path, uint16_t id, bool had_session,
	enum refusal_code why, const char *text)
{
	const struct l2tp_carrier *l = user;
	char peer[16], own[96];
	if (had_session || why == REFUSAL_NONE || why == REFUSAL_PEER_CLOSED ||
		why == REFUSAL_SERVER_STOPPING || why == REFUSAL_ADMIN_DISCONNECT) {
		log_event(LOG_DEBUG, "tunnel-closed", "tunnel=%u peer=%s code=%s", id,
			log_ip(peer, path->peer_ip), refusal_name(why));
		return;
	}
	refuse(env_of(l)->refusals, why, path->peer_ip, "tunnel-refused",
		*text ? text : carrier_refusal_text(&l->c, why, own),
		"protocol=%s tunnel=%u peer=%s port=%u ipsec=%s", l->c.name, id,
		log_ip(peer, path->peer_ip), path->peer_port, path->peer ? "yes" : "no");
}

static void
on_tunnel_stopped(void *user, const struct l2tp_path *path, enum refusal_code why)
{
	const struct l2tp_carrier *l = user;
	if (why == REFUSAL_ADMIN_DISCONNECT && path->peer && l->ipsec)
		l->ipsec->close(l->ipsec_user, path->peer);
}

static enum refusal_code
on_session_request(
	void *user, const struct l2tp_session_request *req, uint16_t *our_id, void **session)
{
	struct l2tp_carrier *l = user;
	struct session_origin origin = {.carrier = &l->c,
		.own = req,
		.peer_ip = req->path->peer_ip,
		.server_ip = req->path->server_ip,
		.remote_id = req->peer_session_id,
		.begun_ms = l2tp_now(l),
		.ipsec = req->path->peer != 0};
	struct session *s = NULL;
	/* Without an outbound SA the data plane would be told to send in clear. */
	enum refusal_code why = req->path->peer && !l2tp_current_sa(l, req->path->peer)
					? REFUSAL_SA_GONE
					: session_request(&origin, &s);
	if (why == REFUSAL_NONE) {
		*our_id = s->local_id;
		*session = s;
		return why;
	}
	carrier_refuse(&l->c, req->path->peer_ip, why, NULL);
	return why;
}

static void
on_session_refused(
	void *user, const struct l2tp_path *path, enum refusal_code why, const char *text)
{
	struct l2tp_carrier *l = user;
	carrier_refuse(&l->c, path->peer_ip, why, text);
}

static void
on_session_up(void *user, void *session, const struct l2tp_connected *how)
{
	const struct l2tp_carrier *l = user;
	struct session *s = session;
	struct command cmd = {.handle = s->handle};
	/* RFC 2661 section 5.4: who asks for numbers gets them, and has to send some. */
	cmd.l2tp.send_sequence = how->sequencing_required || s->env->cfg->l2tp_sequencing;
	cmd.l2tp.require_sequence = how->sequencing_required;
	if (link_command(env_of(l)->link, COMMAND_SESSION_L2TP, &cmd) != 0)
		session_end(s, REFUSAL_NO_RESOURCES, "the data plane does not keep up");
	else
		session_start(s);
}

static void
on_session_down(void *user, void *session, enum refusal_code why, const char *text)
{
	(void)user;
	session_call_over(session, why, text);
}

static void
on_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	random_octets(buf, len);
}

const struct l2tp_ops l2tp_machine_ops = {
	.send = on_send,
	.tunnel_request = on_tunnel_request,
	.tunnel_over = on_tunnel_over,
	.tunnel_stopped = on_tunnel_stopped,
	.session_request = on_session_request,
	.session_up = on_session_up,
	.session_down = on_session_down,
	.random = on_random,
	.tunnel_save = l2tp_tunnel_saved,
	.tunnel_forget = l2tp_tunnel_forgotten,
	.session_refused = on_session_refused,
};

/* ------------------------------------------------------------------ what the data plane says */

/* Whom it is from; false: it is dropped. */
static bool
find_peer(struct l2tp_carrier *l, uint32_t sa, struct l2tp_path *from)
{
	if (sa) {
		from->peer = l->ipsec ? l->ipsec->peer_of(l->ipsec_user, sa) : 0;
		l->strange_sa += !from->peer;
		return from->peer != 0;
	}
	if (!env_of(l)->cfg->l2tp_require_ipsec)
		return true;
	/* T20: the edge drops it already, unless it has not heard yet. */
	l->in_clear++;
	carrier_refuse(&l->c, from->peer_ip, REFUSAL_IPSEC_REQUIRED, NULL);
	return false;
}

void
l2tp_frame(struct l2tp_carrier *l, uint32_t sa, const struct sa_outer *inner,
	const struct sa_outer *from_where, const uint8_t *message, size_t len)
{
	struct l2tp_path from = {.server_ip = inner->server_ip,
		.peer_ip = inner->peer_ip,
		.server_port = inner->server_port,
		.peer_port = inner->peer_port};
	struct l2tp_header h;
	bool good = l2tp_header_decode(&h, message, len) == 0;
	if (!l->server) {
		if (sa && good && h.tunnel_id == 0 && h.ns == 0)
			carrier_refuse(&l->c, inner->peer_ip, REFUSAL_PROTOCOL_DISABLED,
				"l2tp.enabled is off");
		return;
	}
	if (sa && !(message[0] & 0x80)) {
		probe_data(l, sa, inner->server_ip, from_where, message, len);
		return;
	}
	if (!find_peer(l, sa, &from))
		return;
	/* Who is new shall find our successor. */
	if (l->c.all->handing_over && good && h.tunnel_id == 0)
		return;
	if (sa && from_where && good)
		probe_control(l, sa, from_where, &h, inner->server_ip);
	l2tp_server_input(l->server, &from, message, len, l2tp_now(l));
	l2tp_arm(l);
}

/* ------------------------------------------------------------------ what IPsec says */

void
l2tp_set_ipsec(struct l2tp_carrier *l, const struct l2tp_ipsec *ipsec, void *user)
{
	l->ipsec = ipsec;
	l->ipsec_user = user;
}

void
l2tp_sa_current(struct l2tp_carrier *l, uint32_t peer, uint32_t sa)
{
	struct l2tp_session *m, *next;
	for (m = LIST_FIRST(l2tp_of_peer(l, peer)); m; m = next) {
		next = LIST_NEXT(m, by_peer);
		if (m->peer != peer || m->s.state == PHASE_CLOSING || m->sa == sa)
			continue;
		struct command cmd = {.handle = m->s.handle, .session_sa = {.sa = sa}};
		m->sa = sa;
		/* Without an outbound SA the data plane is silent by itself. */
		if (sa && link_command(env_of(l)->link, COMMAND_SESSION_SA, &cmd) != 0)
			session_end(&m->s, REFUSAL_NO_RESOURCES, "the data plane does not keep up");
	}
}

void
l2tp_sa_peer_gone(struct l2tp_carrier *l, uint32_t peer)
{
	if (!l->server)
		return;
	l2tp_server_peer_gone(l->server, peer, REFUSAL_SA_GONE, l2tp_now(l));
	l2tp_arm(l);
}

/* ------------------------------------------------------------------ life */

static bool
l2tp_start_serving(struct carrier *c, char *err, size_t errlen)
{
	struct l2tp_carrier *l = carrier_of(c);
	const struct session_env *env = env_of(l);
	l->server = l2tp_server_new(&env->cfg->l2tp, &l2tp_machine_ops, l);
	if (!l->server) {
		snprintf(err, errlen, "out of memory");
		return false;
	}
	l->timer_due = UINT64_MAX;
	uv_timer_init(env->loop, &l->timer);
	l->timer.data = l;
	handles_add(env->handles, 1);
	log_event(LOG_INFO, "listening", "protocol=%s ipsec=%s", c->name,
		env->cfg->l2tp_require_ipsec ? "required" : "optional");
	return true;
}

/* What its machine needs is made when it starts. */
static bool
l2tp_prepare(struct carrier *c, const struct config *next, char *err, size_t errlen)
{
	if (carrier_of(c)->server || next->l2tp_max_sessions == 0 || !next->l2tp_enabled)
		return true;
	snprintf(err, errlen,
		"l2tp.max_sessions: from 0 to more adit-control has to be started again");
	return false;
}

static void
l2tp_changed(struct carrier *c)
{
	const struct l2tp_carrier *l = carrier_of(c);
	if (l->server)
		l2tp_server_change(l->server, &env_of(l)->cfg->l2tp);
}

/* R3, R12, T20 */
static void
l2tp_edge(const struct carrier *c, struct command *cmd)
{
	const struct l2tp_carrier *l = carrier_of_const(c);
	cmd->gateway.ipsec = l->ipsec != NULL;
	cmd->gateway.clear_l2tp = carrier_limit(c) != 0 && !env_of(l)->cfg->l2tp_require_ipsec;
}

static void
l2tp_link_down(struct carrier *c)
{
	struct l2tp_carrier *l = carrier_of(c);
	if (l->server) {
		l2tp_server_abandon(l->server, REFUSAL_DATAPLANE_DOWN, l2tp_now(l));
		l2tp_arm(l);
	}
	l2tp_places_free(l);
}

/* Tunnels that are handed over stay as they are. */
static void
l2tp_stop(struct carrier *c, bool hand_over)
{
	struct l2tp_carrier *l = carrier_of(c);
	if (!l->server || hand_over)
		return;
	l2tp_server_stop(l->server, REFUSAL_SERVER_STOPPING, l2tp_now(l));
	l2tp_arm(l);
}

static uint32_t
l2tp_unfinished(const struct carrier *c)
{
	const struct l2tp_carrier *l = carrier_of_const(c);
	return l->server ? l2tp_server_stopping(l->server) : 0;
}

static void
timer_closed(uv_handle_t *h)
{
	const struct l2tp_carrier *l = h->data;
	handles_closed(env_of(l)->handles);
}

static void
l2tp_shut(struct carrier *c)
{
	struct l2tp_carrier *l = carrier_of(c);
	l2tp_places_free(l);
	if (!l->server)
		return;
	probes_free(l);
	l2tp_server_free(l->server);
	l->server = NULL;
	uv_close((uv_handle_t *)&l->timer, timer_closed);
}

static void
l2tp_carrier_free(struct carrier *c)
{
	struct l2tp_carrier *l = carrier_of(c);
	free(l->by_peer);
	free(l);
}

static void
l2tp_status(const struct carrier *c, struct carrier_status *out)
{
	const struct l2tp_carrier *l = carrier_of_const(c);
	struct l2tp_stats st = {0};
	if (l->server)
		l2tp_server_stats(l->server, &st);
	const struct carrier_figure figures[] = {
		{NULL, "ipsec_required", env_of(l)->cfg->l2tp_require_ipsec, true},
		{NULL, "sessions_total", st.sessions_total, false},
		{NULL, "sessions_refused", st.sessions_refused, false},
		{NULL, "tunnels", st.tunnels, false},
		{NULL, "half_open", st.half_open, false},
		{NULL, "tunnels_total", st.tunnels_total, false},
		{NULL, "tunnels_refused", st.tunnels_refused, false},
		{"messages", "received", st.received, false},
		{"messages", "sent", st.sent, false},
		{"messages", "repeated", st.repeated, false},
		{"messages", "duplicates", st.duplicates, false},
		{"messages", "malformed", st.malformed, false},
		{"messages", "unknown_tunnel", st.unknown_tunnel, false},
		{"messages", "wrong_peer", st.wrong_peer, false},
		{"messages", "bad_nr", st.bad_nr, false},
		{"messages", "outside_window", st.outside, false},
		{"messages", "flooded", st.flooded, false},
		{"messages", "in_clear", l->in_clear, false},
		{"messages", "strange_sa", l->strange_sa, false},
		{"messages", "unsent", l->unsent, false},
	};
	carrier_figures(out, figures, sizeof(figures) / sizeof(figures[0]));
}

void
l2tp_tunnels(const struct l2tp_carrier *l,
	bool (*each)(void *user, const struct l2tp_tunnel_info *t), void *user)
{
	if (l->server)
		l2tp_server_tunnels(l->server, l2tp_now(l), each, user);
}

static const struct carrier_ops ops = {
	.attach = l2tp_session_attach,
	.add = l2tp_session_add,
	.authenticated = l2tp_session_authenticated,
	.frame = probe_frame,
	.ended = l2tp_session_ended,
	.detach = l2tp_session_detach,
	.describe = l2tp_session_describe,
	.room = l2tp_session_room,
	.adopt = l2tp_adopt,
	.allowed = l2tp_adoption_allowed,
	.restore = l2tp_adopt_session,
	.resume = l2tp_resume_session,
	.reject = l2tp_reject_session,
	.start = l2tp_start_serving,
	.prepare = l2tp_prepare,
	.changed = l2tp_changed,
	.edge = l2tp_edge,
	.link_down = l2tp_link_down,
	.stop = l2tp_stop,
	.unfinished = l2tp_unfinished,
	.shut = l2tp_shut,
	.free = l2tp_carrier_free,
	.status = l2tp_status,
};

struct carrier *
l2tp_carrier_new(struct sessions *all)
{
	const struct config *cfg = all->env.cfg;
	struct l2tp_carrier *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->n_buckets = BUCKETS_MIN;
	while (l->n_buckets < cfg->l2tp_max_sessions && l->n_buckets < BUCKETS_MAX)
		l->n_buckets *= 2;
	l->by_peer = calloc(l->n_buckets, sizeof(*l->by_peer));
	if (!l->by_peer) {
		free(l);
		return NULL;
	}
	l->c = (struct carrier){.ops = &ops,
		.name = "l2tp",
		.label = "L2TP",
		.all = all,
		.tunnel = TUNNEL_L2TP,
		.session_size = sizeof(struct l2tp_session),
		.ppp = &cfg->l2tp_ppp,
		.part = PART_L2TP,
		.enabled = &cfg->l2tp_enabled,
		.max_sessions = &cfg->l2tp_max_sessions};
	carrier_init(&l->c);
	return &l->c;
}
