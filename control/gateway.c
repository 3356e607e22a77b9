/* SPDX-License-Identifier: BSD-3-Clause */
/* The gateway's life, and what operators ask and change. */
#include "control/gateway_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_STEP_MS 50
#define STOP_PPP_MS  1500 /* for LCP Terminate-Acks */
#define STOP_MAX_MS  4500

/* ------------------------------------------------------------------ life */

static void
gateway_discard(struct gateway *g)
{
	call_ids_free(&g->call_ids[TUNNEL_PPTP]);
	call_ids_free(&g->call_ids[TUNNEL_L2TP]);
	aaa_free(g->aaa);
	index_free(g);
	pool_free(g->pool);
	free(g);
}

void
gateway_handle_closed(struct gateway *g)
{
	if (--g->n_handles > 0 || !g->closing)
		return;
	if (g->stopped)
		g->stopped(g->stopped_user);
	else
		gateway_discard(g); /* the start failed */
}

static void
timer_closed(uv_handle_t *h)
{
	gateway_handle_closed(h->data);
}

static void
part_closed(void *user)
{
	gateway_handle_closed(user);
}

/* Closes whatever is still open. */
static void
gateway_teardown(struct gateway *g)
{
	struct conn *c, *next_conn;
	struct session *s;
	g->closing = true;
	gateway_unlisten(g);
	for (c = TAILQ_FIRST(&g->conns); c; c = next_conn) {
		next_conn = TAILQ_NEXT(c, next);
		conn_abort(c);
	}
	while ((s = TAILQ_FIRST(&g->sessions))) {
		if (g->handing_over && s->saved)
			session_leave(s);
		else
			session_forget(s);
	}
	l2tp_teardown(g);
	adopt_link_down(g);
	if (g->ike) {
		ike_free(g->ike, part_closed);
		g->ike = NULL;
	}
	link_free(g->link, part_closed);
	uv_close((uv_handle_t *)&g->stop_timer, timer_closed);
}

struct gateway *
gateway_start(uv_loop_t *loop, const struct config *cfg, char *err, size_t errlen)
{
	struct gateway *g = calloc(1, sizeof(*g));
	if (!g) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	g->loop = loop;
	g->cfg = cfg;
	g->started_ms = uv_now(loop);
	TAILQ_INIT(&g->sessions);
	TAILQ_INIT(&g->conns);
	strangers_init(&g->strangers[TUNNEL_PPTP]);
	strangers_init(&g->strangers[TUNNEL_L2TP]);
	strangers_init(&g->conn_strangers);
	g->pool = pool_new(
		cfg->pool_name, cfg->pool_first, cfg->pool_last, err, (unsigned int)errlen);
	if (!g->pool) {
		gateway_discard(g);
		return NULL;
	}
	g->aaa = aaa_new(cfg->users, g->pool);
	bool indexed = index_init(g, session_limit(g, TUNNEL_PPTP) + session_limit(g, TUNNEL_L2TP));
	g->link = g->aaa && indexed ? link_new(loop, cfg->dataplane_path, &gateway_link_ops, g)
				    : NULL;
	if (!g->link) {
		snprintf(err, errlen, "out of memory");
		gateway_discard(g);
		return NULL;
	}
	*aaa_settings(g->aaa) = cfg->aaa;
	uv_timer_init(loop, &g->stop_timer);
	g->stop_timer.data = g;
	g->n_handles = 2; /* with the link */
	if (cfg->ike.enabled) {
		g->ike = ike_new(loop, &cfg->ike, &gateway_ike_ops, g, err, errlen);
		if (!g->ike) {
			gateway_teardown(g);
			return NULL;
		}
		g->n_handles++;
		ike_set_link(g->ike, g->link);
		gateway_set_ipsec(g, &gateway_ike_answers, g);
	}
	/* R3, R4: nothing listens unless enabled and with room for a session. */
	if ((session_limit(g, TUNNEL_L2TP) > 0 && !l2tp_start(g, err, errlen)) ||
		(session_limit(g, TUNNEL_PPTP) > 0 && !gateway_listen(g, err, errlen))) {
		gateway_teardown(g);
		return NULL;
	}
	return g;
}

/* Sessions that stay. */
static uint32_t
count_left(const struct gateway *g)
{
	const struct session *s;
	uint32_t n = 0;
	if (g->handing_over)
		TAILQ_FOREACH (s, &g->sessions, next)
			n += s->saved;
	return n;
}

static void
stop_step(uv_timer_t *t)
{
	struct gateway *g = t->data;
	uint64_t elapsed = uv_now(g->loop) - g->stop_ms;
	uint32_t left = count_left(g);
	struct conn *c, *next;
	if (g->n_active == left || elapsed >= STOP_PPP_MS) {
		for (c = TAILQ_FIRST(&g->conns); c; c = next) {
			next = TAILQ_NEXT(c, next);
			conn_close(c, REFUSAL_SERVER_STOPPING);
		}
		if (!g->handing_over)
			l2tp_stop(g);
	}
	if ((g->n_sessions == left && g->n_conns == 0 && l2tp_stopping(g) == 0) ||
		elapsed >= STOP_MAX_MS) {
		uv_timer_stop(t);
		gateway_teardown(g);
	}
}

static void
stop(struct gateway *g, bool hand_over, void (*done)(void *user), void *user)
{
	struct session *s;
	if (g->stopping)
		return;
	g->stopping = true;
	g->stopped = done;
	g->stopped_user = user;
	g->stop_ms = uv_now(g->loop);
	g->handing_over = hand_over;
	log_event(LOG_NOTICE, "stopping", "sessions=%u connections=%u left=%u", g->n_active,
		g->n_conns, count_left(g));
	gateway_unlisten(g);
	TAILQ_FOREACH (s, &g->sessions, next)
		if (!hand_over || !s->saved)
			session_close(s, REFUSAL_SERVER_STOPPING, "");
	uv_timer_start(&g->stop_timer, stop_step, 0, STOP_STEP_MS);
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
gateway_free(struct gateway *g)
{
	if (g)
		gateway_discard(g);
}

/* ------------------------------------------------------------------ questions */

static bool
ports_full(const struct gateway *g, uint8_t protocol)
{
	uint32_t limit = session_limit(g, protocol);
	return limit && g->n_active_by[protocol] >= limit;
}

static void
describe_problem(const struct gateway *g, char *out, size_t size)
{
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
	else if (ports_full(g, TUNNEL_PPTP) || ports_full(g, TUNNEL_L2TP))
		snprintf(out, size,
			"all %s ports are in use; raise %s.max_sessions, or disconnect idle "
			"sessions",
			ports_full(g, TUNNEL_PPTP) ? "PPTP" : "L2TP",
			ports_full(g, TUNNEL_PPTP) ? "pptp" : "l2tp");
	else if (g->ike) {
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
	out->uptime_ms = uv_now(g->loop) - g->started_ms;
	out->pptp_sessions = g->n_active_by[TUNNEL_PPTP];
	out->pptp_max_sessions = session_limit(g, TUNNEL_PPTP);
	out->pptp_connections = g->n_conns;
	out->pptp_calls_total = g->calls_total[TUNNEL_PPTP];
	out->l2tp_sessions = g->n_active_by[TUNNEL_L2TP];
	out->l2tp_max_sessions = session_limit(g, TUNNEL_L2TP);
	out->l2tp_requires_ipsec = g->cfg->l2tp_require_ipsec;
	if (g->l2tp)
		l2tp_server_stats(g->l2tp, &out->l2tp);
	out->l2tp_in_clear = g->l2tp_in_clear;
	out->l2tp_strange_sa = g->l2tp_strange_sa;
	out->l2tp_unsent = g->l2tp_unsent;
	out->weak_sessions = g->n_weak;
	out->allow_pptp_weak_crypto = aaa_settings(g->aaa)->allow_weak_crypto;
	out->pool_size = pool_size(g->pool);
	out->pool_used = pool_used(g->pool);
	out->pool_reserved = pool_reserved(g->pool);
	snprintf(out->pool_name, sizeof(out->pool_name), "%s", pool_name(g->pool));
	out->pool_first = g->cfg->pool_first;
	out->pool_last = g->cfg->pool_last;
	out->adoption = g->adoption;
	out->forged_frames = g->forged_frames;
	memcpy(out->refusals, g->refusals, sizeof(out->refusals));
	describe_problem(g, out->problem, sizeof(out->problem));
}

static void
describe_session(const struct session *s, struct gateway_session *out)
{
	memset(out, 0, sizeof(*out));
	out->id = s->id;
	out->handle = s->handle;
	out->state = s->doomed ? GW_CLOSING : s->state;
	if (s->known)
		memcpy(out->user, s->user, sizeof(out->user));
	snprintf(out->claimed, sizeof(out->claimed), "%s",
		s->claimed ? s->claimed
		: s->known ? ""
			   : s->user);
	snprintf(out->auth, sizeof(out->auth), "%s", session_auth_name(s));
	out->peer_ip = s->peer_ip;
	out->server_ip = s->server_ip;
	out->inner_ip = s->inner_ip;
	out->call_id = s->call_id;
	out->peer_call_id = s->peer_call_id;
	out->our_mru = s->framing.our_mru;
	out->peer_mru = s->framing.peer_mru;
	out->mppe_tx = s->mppe_tx;
	out->mppe_rx = s->mppe_rx;
	out->mppe_tx_stateless = s->mppe_tx_stateless;
	out->mppe_rx_stateless = s->mppe_rx_stateless;
	out->age_ms = uv_now(s->g->loop) - s->started_ms;
	out->owner = link_owner_worker(s->g->link, s->handle);
	link_counters(s->g->link, s->handle, &out->counters);
	out->protocol = s->carrier->name;
	s->carrier->describe(s, out);
}

void
gateway_sessions(const struct gateway *g, bool (*each)(void *user, const struct gateway_session *s),
	void *user)
{
	const struct session *s;
	TAILQ_FOREACH (s, &g->sessions, next) {
		struct gateway_session out;
		describe_session(s, &out);
		if (!each(user, &out))
			return;
	}
}

static struct session *
find_session(const struct gateway *g, uint32_t id)
{
	struct session *s;
	TAILQ_FOREACH (s, &g->sessions, next)
		if (s->id == id)
			return s;
	return NULL;
}

int
gateway_session(const struct gateway *g, uint32_t id, struct gateway_session *out)
{
	const struct session *s = find_session(g, id);
	if (!s)
		return -ENOENT;
	describe_session(s, out);
	return 0;
}

void
gateway_lockouts(const struct gateway *g, void (*each)(void *user, const struct guard_lockout *l),
	void *user)
{
	guard_list(aaa_guard(g->aaa), uv_now(g->loop), each, user);
}

bool
gateway_segment(const struct gateway *g, struct link_view *out)
{
	return link_view(g->link, out);
}

void
gateway_link_stats(const struct gateway *g, struct link_stats *out)
{
	link_stats(g->link, out);
}

/* ------------------------------------------------------------------ changes */

int
gateway_disconnect(struct gateway *g, uint32_t id)
{
	struct session *s = find_session(g, id);
	if (!s || s->state == GW_CLOSING || s->doomed)
		return -ENOENT;
	session_close(s, REFUSAL_ADMIN_DISCONNECT, "");
	return 0;
}

unsigned int
gateway_disconnect_user(struct gateway *g, const char *user)
{
	struct session *s, *next;
	unsigned int n = 0;
	for (s = index_first_of_user(g, user); s; s = next) {
		next = index_next_of_user(s);
		if (s->state == GW_CLOSING || s->doomed)
			continue;
		session_close(s, REFUSAL_ADMIN_DISCONNECT, "");
		n++;
	}
	return n;
}

int
gateway_unlock(struct gateway *g, const char *user, uint32_t address)
{
	return guard_unlock(aaa_guard(g->aaa), user, address, uv_now(g->loop));
}

unsigned int
gateway_weak_crypto_pptp(struct gateway *g, bool allow, enum weak_fate fate, const char *who)
{
	struct session *s;
	char name[96];
	unsigned int n = 0;
	uint32_t weak = g->n_weak;
	aaa_settings(g->aaa)->allow_weak_crypto = allow;
	if (!allow && fate == WEAK_DROP) {
		TAILQ_FOREACH (s, &g->sessions, next) {
			if (s->state != GW_UP || s->doomed || !session_weak(s))
				continue;
			session_close(s, REFUSAL_WEAK_CRYPTO_OFF, "weak MPPE was turned off");
			n++;
		}
	}
	log_audit(allow ? LOG_WARNING : LOG_NOTICE,
		"action=weak-crypto-pptp allow=%s fate=%s who=%s weak_sessions=%u dropped=%u",
		allow ? "yes" : "no", fate == WEAK_DROP ? "drop" : "keep",
		log_quote(name, sizeof(name), who ? who : ""), weak, n);
	return n;
}
