/* SPDX-License-Identifier: BSD-3-Clause */
/* PPTP's calls, and the carrier's life. */
#include "control/carrier/pptp.h"

#include <stdlib.h>

#include "control/aaa/decide.h"

static struct pptp_session *
mine(struct session *s)
{
	return (struct pptp_session *)s;
}

static struct pptp_carrier *
carrier_of(struct carrier *c)
{
	return (struct pptp_carrier *)c;
}

static const struct pptp_carrier *
carrier_of_const(const struct carrier *c)
{
	return (const struct pptp_carrier *)c;
}

/* ------------------------------------------------------------------ its sessions */

static void
pptp_attach(struct session *s, const void *own)
{
	mine(s)->conn = (struct conn *)(uintptr_t)own;
}

static void
pptp_authenticated(struct session *s)
{
	struct conn *c = mine(s)->conn;
	if (s->attached)
		strangers_remove(&c->carrier->strangers, &c->stranger);
}

static void
pptp_ended(struct session *s, bool tell, enum refusal_code why)
{
	struct conn *c = mine(s)->conn;
	if (!tell || !c->pptp)
		return;
	pptp_call_close(c->pptp, s, why, session_now(s));
	conn_settle(c);
}

static void
pptp_detach(struct session *s)
{
	mine(s)->conn = NULL;
}

/* ------------------------------------------------------------------ what the machine says */

static enum refusal_code
conn_call_request(
	void *user, const struct pptp_call_request *req, uint16_t *our_call_id, void **call)
{
	struct conn *c = user;
	struct carrier *carrier = &c->carrier->c;
	struct session_origin origin = {.carrier = carrier,
		.own = c,
		.peer_ip = c->peer_ip,
		.server_ip = c->server_ip,
		.remote_id = req->peer_call_id,
		/* However often it calls until it has authenticated. */
		.begun_ms = c->stranger.of ? c->begun_ms : uv_now(carrier->all->env.loop)};
	struct session *s = NULL;
	c->had_call = true;
	enum refusal_code why = session_request(&origin, &s);
	if (why == REFUSAL_NONE) {
		*our_call_id = s->local_id;
		*call = s;
		return why;
	}
	carrier_refuse(carrier, c->peer_ip, why, NULL);
	return why;
}

static void
conn_call_refused(void *user, enum refusal_code why, const char *text)
{
	struct conn *c = user;
	carrier_refuse(&c->carrier->c, c->peer_ip, why, text);
}

static void
conn_call_up(void *user, void *call)
{
	(void)user;
	session_start(call);
}

static void
conn_call_link_info(void *user, void *call, uint32_t send_accm, uint32_t recv_accm)
{
	/* Nothing to do: PPP in GRE is not escaped (RFC 2637 section 4). */
	(void)user;
	(void)call;
	(void)send_accm;
	(void)recv_accm;
}

static void
conn_call_down(void *user, void *call, enum refusal_code why, const char *text)
{
	(void)user;
	session_call_over(call, why, text);
}

const struct pptp_ops conn_ops = {
	.send = conn_send,
	.call_request = conn_call_request,
	.call_up = conn_call_up,
	.call_link_info = conn_call_link_info,
	.call_down = conn_call_down,
	.closed = conn_closed,
	.call_refused = conn_call_refused,
};

/* ------------------------------------------------------------------ life */

static bool
pptp_start_serving(struct carrier *c, char *err, size_t errlen)
{
	struct pptp_carrier *p = carrier_of(c);
	const struct config *cfg = c->all->env.cfg;
	return listeners_open(
		&p->listeners, cfg->pptp_listen, cfg->n_pptp_listen, cfg->pptp_port, err, errlen);
}

/* R3, R4: what is new listens before anything else has changed, what is no more ends with it. */
static bool
pptp_prepare(struct carrier *c, const struct config *next, char *err, size_t errlen)
{
	bool on = next->pptp_enabled && next->pptp_max_sessions > 0;
	return listeners_prepare(&carrier_of(c)->listeners, next->pptp_listen,
		on ? next->n_pptp_listen : 0, c->all->env.cfg->pptp_port, err, errlen);
}

static void
pptp_changed(struct carrier *c)
{
	listeners_change(&carrier_of(c)->listeners, c->all->env.cfg->pptp_port);
}

static void
pptp_unchanged(struct carrier *c)
{
	listeners_abort(&carrier_of(c)->listeners);
}

static void
pptp_edge(const struct carrier *c, struct command *cmd)
{
	/* Who is connected when PPTP is turned off goes on. */
	cmd->gateway.pptp = carrier_limit(c) != 0 || carrier_of_const(c)->n_conns > 0;
}

static void
pptp_unlisten(struct carrier *c)
{
	listeners_close(&carrier_of(c)->listeners);
}

/* Calls do not outlive control: nothing is handed over. */
static void
pptp_stop(struct carrier *c, bool hand_over)
{
	struct conn *conn, *next;
	(void)hand_over;
	for (conn = TAILQ_FIRST(&carrier_of(c)->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, next);
		conn_close(conn, REFUSAL_SERVER_STOPPING);
	}
}

static uint32_t
pptp_unfinished(const struct carrier *c)
{
	return carrier_of_const(c)->n_conns;
}

static void
pptp_abort(struct carrier *c)
{
	struct conn *conn, *next;
	pptp_unlisten(c);
	for (conn = TAILQ_FIRST(&carrier_of(c)->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, next);
		conn_abort(conn);
	}
}

static void
pptp_carrier_free(struct carrier *c)
{
	free(carrier_of(c));
}

static void
pptp_status(const struct carrier *c, struct carrier_status *out)
{
	const struct sessions *all = c->all;
	const struct carrier_figure figures[] = {
		{NULL, "connections", carrier_of_const(c)->n_conns, false},
		{NULL, "calls_total", c->calls_total, false},
		{NULL, "weak_sessions", all->n_weak, false},
		{NULL, "weak_crypto_allowed", aaa_settings(all->env.aaa)->allow_weak_crypto, true},
	};
	carrier_figures(out, figures, sizeof(figures) / sizeof(figures[0]));
}

static const struct carrier_ops ops = {
	.attach = pptp_attach,
	.authenticated = pptp_authenticated,
	.ended = pptp_ended,
	.detach = pptp_detach,
	.start = pptp_start_serving,
	.prepare = pptp_prepare,
	.changed = pptp_changed,
	.unchanged = pptp_unchanged,
	.edge = pptp_edge,
	.unlisten = pptp_unlisten,
	.stop = pptp_stop,
	.unfinished = pptp_unfinished,
	.abort = pptp_abort,
	.free = pptp_carrier_free,
	.status = pptp_status,
};

struct carrier *
pptp_carrier_new(struct sessions *all)
{
	const struct config *cfg = all->env.cfg;
	struct pptp_carrier *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->c = (struct carrier){.ops = &ops,
		.name = "pptp",
		.label = "PPTP",
		.all = all,
		.tunnel = TUNNEL_PPTP,
		.session_size = sizeof(struct pptp_session),
		.ppp = &cfg->ppp,
		.part = PART_PPTP,
		.enabled = &cfg->pptp_enabled,
		.max_sessions = &cfg->pptp_max_sessions};
	carrier_init(&p->c);
	strangers_init(&p->strangers);
	TAILQ_INIT(&p->conns);
	p->listeners = (struct listeners){.loop = all->env.loop,
		.handles = all->env.handles,
		.refusals = all->env.refusals,
		.protocol = p->c.name,
		.ready = conn_accept,
		.user = p};
	return &p->c;
}
