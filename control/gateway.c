/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/carrier/l2tp.h"
#include "control/carrier/pptp.h"
#include "control/core/log.h"
#include "control/live.h"
#include "control/session/session.h"

#define STOP_STEP_MS 50
#define STOP_PPP_MS  1500 /* for LCP Terminate-Acks */
#define STOP_MAX_MS  4500

/* What carries sessions: one row each.  They start and stop in this order. */
static struct carrier *(*const carrier_makers[])(struct sessions *all) = {
	pptp_carrier_new,
	l2tp_carrier_new,
};
#define N_CARRIERS (sizeof(carrier_makers) / sizeof(carrier_makers[0]))
static_assert(N_CARRIERS <= GATEWAY_CARRIERS_MAX, "status has room");

struct gateway {
	const struct config *cfg;
	struct pool *pool;
	struct aaa *aaa;
	struct link *link;
	struct ike *ike; /* NULL: IPsec is off */
	struct refusals refusals;
	struct handles handles;
	struct sessions sessions;
	struct carrier *carriers[N_CARRIERS];
	struct l2tp_carrier *l2tp; /* the one of them that IPsec and the link know */
	struct settings *settings; /* NULL: they stay as they are */
	struct live live;
	uint64_t started_ms;
	struct {
		uv_timer_t timer;
		uint64_t begun_ms;
		void (*done)(void *user);
		void *user;
	} stop;
};

static uint64_t
now_ms(const struct gateway *g)
{
	return uv_now(g->refusals.loop);
}

/* Calls ops->op(carrier, ...) of each that has one. */
#define EACH_CARRIER(g, op, ...)                                                              \
	do {                                                                                  \
		for (unsigned int i_ = 0; i_ < N_CARRIERS; i_++)                              \
			if ((g)->carriers[i_]->ops->op)                                       \
				(g)->carriers[i_]->ops->op((g)->carriers[i_], ##__VA_ARGS__); \
	} while (0)

/* Of all carriers together. */
static uint32_t
session_limit(const struct gateway *g)
{
	uint32_t n = 0;
	for (unsigned int i = 0; i < N_CARRIERS; i++)
		n += carrier_limit(g->carriers[i]);
	return n;
}

/* ------------------------------------------------------------------ what the data plane says */

static void
send_edge(const struct gateway *g)
{
	struct command cmd = {.gateway = {.server_ip = pool_server_address(g->pool),
				      .pool_first = g->cfg->pool_first,
				      .pool_last = g->cfg->pool_last}};
	/* R3, R12, T20: the WAN edge lets in what is served, and nothing else. */
	EACH_CARRIER(g, edge, &cmd);
	link_command(g->link, COMMAND_GATEWAY, &cmd);
}

static void
on_link_up(void *user)
{
	struct gateway *g = user;
	uint32_t sessions = session_limit(g);
	send_edge(g);
	if (link_max_sessions(g->link) < sessions)
		log_event(LOG_WARNING, "dataplane-small",
			"text=\"pptp.max_sessions and l2tp.max_sessions are together larger than "
			"sessions.max of the data plane\" max_sessions=%u room=%u",
			sessions, link_max_sessions(g->link));
}

static void *
on_orphan(void *user, const struct session_entry *e)
{
	const struct gateway *g = user;
	for (unsigned int i = 0; i < N_CARRIERS; i++)
		if (g->carriers[i]->tunnel == e->protocol)
			return session_orphan(g->carriers[i], e);
	return NULL;
}

static void
on_adopt(void *user)
{
	struct gateway *g = user;
	sessions_adopt_begin(&g->sessions);
	EACH_CARRIER(g, adopt);
	sessions_adopt(&g->sessions);
}

static void
on_link_down(void *user, const char *why)
{
	struct gateway *g = user;
	(void)why;
	/* First all ends, which may touch each other's connections, then the memory. */
	sessions_end_all(&g->sessions);
	EACH_CARRIER(g, link_down);
	sessions_bury(&g->sessions);
	if (g->ike)
		ike_link_down(g->ike);
}

static void *
on_sa_orphan(void *user, const struct sa_entry *e)
{
	const struct gateway *g = user;
	return g->ike ? ike_sa_orphan(g->ike, e) : NULL;
}

static void
on_l2tp_frame(void *user, uint32_t sa, const struct sa_outer *inner, const struct sa_outer *from,
	const uint8_t *message, size_t len)
{
	const struct gateway *g = user;
	l2tp_frame(g->l2tp, sa, inner, from, message, len);
}

static const struct link_ops link_ops = {
	.up = on_link_up,
	.orphan = on_orphan,
	.adopt = on_adopt,
	.down = on_link_down,
	.frame = session_on_frame,
	.refused = session_on_refused,
	.peer_seen = session_on_peer_seen,
	.lost_sync = session_on_lost_sync,
	.gone = session_on_gone,
	.sa_orphan = on_sa_orphan,
	.sa_done = ike_sa_done,
	.sa_expire = ike_sa_expire,
	.sa_mapping = ike_sa_mapping,
	.sa_gone = ike_sa_gone,
	.l2tp_frame = on_l2tp_frame,
};

/* ------------------------------------------------------------------ start */

void
gateway_free(struct gateway *g)
{
	if (!g)
		return;
	for (unsigned int i = 0; i < N_CARRIERS; i++)
		if (g->carriers[i])
			carrier_free(g->carriers[i]);
	sessions_discard(&g->sessions);
	aaa_free(g->aaa);
	pool_free(g->pool);
	free(g);
}

/* Everything without a handle, and the link.  On failure what there is can be discarded. */
static bool
make_parts(struct gateway *g, uv_loop_t *loop, char *err, size_t errlen)
{
	const struct config *cfg = g->cfg;
	g->pool = pool_new(
		cfg->pool_name, cfg->pool_first, cfg->pool_last, err, (unsigned int)errlen);
	if (!g->pool)
		return false;
	snprintf(err, errlen, "out of memory");
	g->aaa = aaa_new(cfg->users, g->pool);
	if (!g->aaa)
		return false;
	*aaa_settings(g->aaa) = cfg->aaa;
	const struct session_env env = {.loop = loop,
		.cfg = cfg,
		.aaa = g->aaa,
		.refusals = &g->refusals,
		.handles = &g->handles};
	sessions_init(&g->sessions, &env);
	for (unsigned int i = 0; i < N_CARRIERS; i++) {
		if (!(g->carriers[i] = carrier_makers[i](&g->sessions)))
			return false;
		if (carrier_makers[i] == l2tp_carrier_new)
			g->l2tp = (struct l2tp_carrier *)g->carriers[i];
	}
	if (!table_init(&g->sessions.table, session_limit(g)))
		return false;
	g->link = link_new(loop, cfg->dataplane_path, &link_ops, g);
	g->sessions.env.link = g->link;
	return g->link != NULL;
}

static bool
start_ike(struct gateway *g, uv_loop_t *loop, char *err, size_t errlen)
{
	if (!g->cfg->ike.enabled)
		return true;
	g->ike = ike_new(loop, &g->cfg->ike, &l2tp_ike_ops, g->l2tp, err, errlen);
	if (!g->ike)
		return false;
	handles_add(&g->handles, 1);
	ike_set_link(g->ike, g->link);
	l2tp_set_ipsec(g->l2tp, &l2tp_ike_answers, g->ike);
	return true;
}

/* R3, R4: nothing listens unless enabled and with room for a session. */
static bool
start_carriers(struct gateway *g, char *err, size_t errlen)
{
	for (unsigned int i = 0; i < N_CARRIERS; i++) {
		struct carrier *c = g->carriers[i];
		if (carrier_limit(c) > 0 && !c->ops->start(c, err, errlen))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------ end */

static void
timer_closed(uv_handle_t *h)
{
	struct gateway *g = h->data;
	handles_closed(&g->handles);
}

static void
link_closed(void *user)
{
	struct gateway *g = user;
	handles_closed(&g->handles);
}

static void
all_closed(void *user)
{
	struct gateway *g = user;
	if (g->stop.done)
		g->stop.done(g->stop.user);
	else
		gateway_free(g); /* the start failed */
}

/* Closes whatever is still open. */
static void
gateway_teardown(struct gateway *g)
{
	handles_end(&g->handles, all_closed, g);
	EACH_CARRIER(g, abort);
	sessions_teardown(&g->sessions);
	EACH_CARRIER(g, shut);
	if (g->ike) {
		l2tp_set_ipsec(g->l2tp, NULL, NULL);
		ike_free(g->ike, l2tp_ike_closed);
		g->ike = NULL;
	}
	link_free(g->link, link_closed);
	uv_close((uv_handle_t *)&g->stop.timer, timer_closed);
}

struct gateway *
gateway_start(uv_loop_t *loop, const struct config *cfg, char *err, size_t errlen)
{
	struct gateway *g = calloc(1, sizeof(*g));
	if (!g) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	g->cfg = cfg;
	g->refusals.loop = loop;
	g->started_ms = now_ms(g);
	if (!make_parts(g, loop, err, errlen)) {
		gateway_free(g);
		return NULL;
	}
	uv_timer_init(loop, &g->stop.timer);
	g->stop.timer.data = g;
	handles_add(&g->handles, 2); /* with the link */
	if (!start_ike(g, loop, err, errlen) || !start_carriers(g, err, errlen)) {
		gateway_teardown(g);
		return NULL;
	}
	return g;
}

static uint32_t
unfinished(const struct gateway *g)
{
	uint32_t n = 0;
	for (unsigned int i = 0; i < N_CARRIERS; i++)
		if (g->carriers[i]->ops->unfinished)
			n += g->carriers[i]->ops->unfinished(g->carriers[i]);
	return n;
}

/* Sessions first, then what carries them, then the rest. */
static void
stop_step(uv_timer_t *t)
{
	struct gateway *g = t->data;
	const struct sessions *all = &g->sessions;
	uint64_t elapsed = now_ms(g) - g->stop.begun_ms;
	uint32_t staying = sessions_staying(all);
	if (all->n_active == staying || elapsed >= STOP_PPP_MS)
		EACH_CARRIER(g, stop, all->handing_over);
	if ((all->table.n == staying && unfinished(g) == 0) || elapsed >= STOP_MAX_MS) {
		uv_timer_stop(t);
		gateway_teardown(g);
	}
}

static void
stop(struct gateway *g, bool hand_over, void (*done)(void *user), void *user)
{
	struct sessions *all = &g->sessions;
	if (all->stopping)
		return;
	g->stop.done = done;
	g->stop.user = user;
	g->stop.begun_ms = now_ms(g);
	sessions_refuse_new(all, hand_over);
	log_event(LOG_NOTICE, "stopping", "sessions=%u connections=%u left=%u", all->n_active,
		unfinished(g), sessions_staying(all));
	EACH_CARRIER(g, unlisten);
	sessions_close_all(all);
	uv_timer_start(&g->stop.timer, stop_step, 0, STOP_STEP_MS);
}

void
gateway_stop(struct gateway *g, void (*done)(void *user), void *user)
{
	stop(g, false, done, user);
}

void
gateway_hand_over(struct gateway *g, void (*done)(void *user), void *user)
{
	stop(g, true, done, user);
}

void
gateway_log_turn(struct gateway *g)
{
	refuse_turn(&g->refusals);
}

/* ------------------------------------------------------------------ its parts, and questions */

struct sessions *
gateway_sessions(struct gateway *g)
{
	return &g->sessions;
}

struct link *
gateway_link(struct gateway *g)
{
	return g->link;
}

struct l2tp_carrier *
gateway_l2tp(struct gateway *g)
{
	return g->l2tp;
}

struct ike *
gateway_ike(struct gateway *g)
{
	return g->ike;
}

static const struct carrier *
full_carrier(const struct gateway *g)
{
	for (unsigned int i = 0; i < N_CARRIERS; i++)
		if (carrier_full(g->carriers[i]))
			return g->carriers[i];
	return NULL;
}

static void
describe_problem(const struct gateway *g, char *out, size_t size)
{
	const struct carrier *full = full_carrier(g);
	struct link_stats ls;
	link_stats(g->link, &ls);
	const char *why = link_error(g->link);
	*out = '\0';
	if (!link_connected(g->link))
		snprintf(out, size, "the data plane is not connected%s%s; %s", *why ? ": " : "",
			why, refusal_remedy(REFUSAL_DATAPLANE_DOWN));
	else if (ls.unconfirmed)
		snprintf(out, size,
			"the data plane does not confirm the end of %u sessions; look at its log",
			ls.unconfirmed);
	else if (pool_empty(g->pool) && pool_reserved(g->pool) < pool_size(g->pool))
		snprintf(out, size, "the address pool is used up; enlarge pool \"%s\"",
			pool_name(g->pool));
	else if (full)
		snprintf(out, size,
			"all %s ports are in use; raise %s.max_sessions, or disconnect idle "
			"sessions",
			full->label, full->name);
	else {
		struct ike_status is;
		ike_status(g->ike, &is);
		snprintf(out, size, "%s", is.problem);
	}
}

void
gateway_status(const struct gateway *g, struct gateway_status *out)
{
	memset(out, 0, sizeof(*out));
	out->dataplane_connected = link_connected(g->link);
	out->uptime_ms = now_ms(g) - g->started_ms;
	out->n_carriers = N_CARRIERS;
	for (unsigned int i = 0; i < N_CARRIERS; i++)
		carrier_status(g->carriers[i], &out->carriers[i]);
	out->weak_sessions = g->sessions.n_weak;
	out->allow_pptp_weak_crypto = aaa_settings(g->aaa)->allow_weak_crypto;
	out->pool_size = pool_size(g->pool);
	out->pool_used = pool_used(g->pool);
	out->pool_reserved = pool_reserved(g->pool);
	snprintf(out->pool_name, sizeof(out->pool_name), "%s", pool_name(g->pool));
	out->pool_first = g->cfg->pool_first;
	out->pool_last = g->cfg->pool_last;
	out->adoption = g->sessions.adoption;
	out->forged_frames = g->sessions.forged_frames;
	memcpy(out->refusals, g->refusals.counts, sizeof(out->refusals));
	describe_problem(g, out->problem, sizeof(out->problem));
}

/* ------------------------------------------------------------------ settings that change */

static void
tell_edge(void *user)
{
	if (link_connected(((const struct gateway *)user)->link))
		send_edge(user);
}

void
gateway_use_settings(struct gateway *g, struct settings *s)
{
	g->settings = s;
	g->live = (struct live){
		g->cfg, g->aaa, g->ike, &g->sessions, g->carriers, N_CARRIERS, tell_edge, g, {{0}}};
	live_register(&g->live, s);
}

struct settings *
gateway_settings(struct gateway *g)
{
	return g->settings;
}
