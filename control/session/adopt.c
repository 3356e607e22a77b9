/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions outlive this process (D7, T19): what a successor needs is written to the journal before
 * the peer or the data plane learn of it, and read by the successor as if a stranger had written it
 * (T21).  docs/adr/0011 says why so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/gateway_internal.h"
#include "control/l2tp/image.h"
#include "control/ppp/image.h"

/* Far from where counting would begin anew. */
#define SESSION_ID_MAX 0xf0000000u

/* What control knows of an open session besides the data plane's entry.  It grows at its end:
 * JOURNAL_VERSION says how. */
struct session_record {
	uint64_t started_ms, up_ms; /* CLOCK_MONOTONIC, as uv_now() */
	uint32_t handle, id;
	uint32_t server_ip, inner_ip, peer;
	uint16_t call_id, peer_call_id, tunnel_id, peer_tunnel_id;
	struct ppp_image ppp;
};
static_assert(sizeof(struct session_record) == 104, "no padding: all of it is shared");
static_assert(sizeof(struct session_record) <= JOURNAL_RECORD_MAX, "fits");
static_assert(sizeof(struct l2tp_tunnel_image) <= JOURNAL_RECORD_MAX, "fits");

static const char *
adopt_fault_text(enum adopt_fault fault)
{
	static const char *const texts[] = {
#define X(e, name, text) text,
		ADOPT_FAULTS(X)
#undef X
	};
	return (unsigned int)fault < ADOPT_FAULT_COUNT ? texts[fault] : "";
}

/* Cell 0 of the tunnels. */
struct head_record {
	uint32_t tunnels_used; /* for whoever looks through their cells */
	uint32_t last_session; /* numbers are not used twice while the data plane lives */
};

/* ------------------------------------------------------------------ what is kept */

static void
write_head(struct gateway *g)
{
	const struct journal cells = link_tunnel_journal(g->link);
	const struct head_record r = {g->places.used, g->places.last_session};
	journal_write(&cells, 0, &r, sizeof(r));
}

void
session_save(struct session *s)
{
	struct session_record r = {.handle = s->handle,
		.id = s->id,
		.server_ip = s->server_ip,
		.inner_ip = s->inner_ip,
		.peer = s->l2tp.peer,
		.call_id = s->call_id,
		.peer_call_id = s->peer_call_id,
		.tunnel_id = s->l2tp.tunnel_id,
		.peer_tunnel_id = s->l2tp.peer_tunnel_id,
		.started_ms = s->started_ms,
		.up_ms = uv_now(s->g->loop)};
	const struct journal cells = link_session_journal(s->g->link);
	if (s->carrier->protocol != TUNNEL_L2TP || s->doomed || !ppp_export(s->ppp, &r.ppp))
		return;
	if (s->id > s->g->places.last_session) {
		s->g->places.last_session = s->id;
		write_head(s->g);
	}
	journal_write(&cells, SESSION_SLOT(s->handle), &r, sizeof(r));
	s->saved = true;
}

void
session_unsave(struct session *s)
{
	const struct journal cells = link_session_journal(s->g->link);
	if (s->saved)
		journal_wipe(&cells, SESSION_SLOT(s->handle));
	s->saved = false;
}

void
tunnel_saved(void *user, const struct l2tp_tunnel_image *image, uint32_t *place)
{
	struct gateway *g = user;
	const struct journal cells = link_tunnel_journal(g->link);
	if (!*place && g->places.n_free)
		*place = g->places.free[--g->places.n_free];
	if (!*place)
		return; /* more tunnels than sessions: it ends with us */
	if (*place > g->places.used) {
		g->places.used = *place;
		write_head(g);
	}
	journal_write(&cells, *place, image, sizeof(*image));
}

void
tunnel_forgotten(void *user, uint32_t place)
{
	struct gateway *g = user;
	const struct journal cells = link_tunnel_journal(g->link);
	journal_wipe(&cells, place);
	if (g->places.free)
		g->places.free[g->places.n_free++] = place;
}

void
adopt_link_down(struct gateway *g)
{
	free(g->places.free);
	g->places = (struct tunnel_places){0};
}

/* ------------------------------------------------------------------ tunnels are read */

static enum adopt_fault
fault_of(enum journal_verdict v)
{
	return v == JOURNAL_GOOD            ? ADOPT_NONE
	       : v == JOURNAL_EMPTY         ? ADOPT_NO_RECORD
	       : v == JOURNAL_OTHER_VERSION ? ADOPT_VERSION
	       : v == JOURNAL_NEWER         ? ADOPT_NEWER
					    : ADOPT_TORN;
}

static enum adopt_fault
adopt_tunnel(struct gateway *g, const struct journal *cells, uint32_t place)
{
	struct l2tp_tunnel_image i;
	enum adopt_fault fault = fault_of(journal_read(cells, place, &i, sizeof(i)));
	if (fault != ADOPT_NONE)
		return fault;
	if (!g->l2tp)
		return ADOPT_PROTOCOL;
	if (!l2tp_path_allowed(g, i.peer))
		return ADOPT_IPSEC;
	return l2tp_restore_tunnel(g, &i, place) ? ADOPT_NONE : ADOPT_INVALID;
}

/* Those that go on keep their places; the others are free, the lowest first in use. */
static void
adopt_tunnels(struct gateway *g)
{
	const struct journal cells = link_tunnel_journal(g->link);
	struct head_record head;
	uint32_t used, top = cells.n ? cells.n - 1 : 0;
	uint8_t *taken = calloc((size_t)top + 1, 1);
	g->places.free = calloc((size_t)top + 1, sizeof(*g->places.free));
	if (!taken || !g->places.free) {
		free(taken);
		adopt_link_down(g);
		return;
	}
	journal_read(&cells, 0, &head, sizeof(head));
	used = head.tunnels_used < top ? head.tunnels_used : top;
	g->places.used = used;
	if (head.last_session <= SESSION_ID_MAX)
		g->places.last_session = head.last_session;
	if (g->next_id < g->places.last_session)
		g->next_id = g->places.last_session;
	for (uint32_t place = 1; place <= used; place++) {
		enum adopt_fault fault = adopt_tunnel(g, &cells, place);
		taken[place] = fault == ADOPT_NONE;
		g->adoption.tunnels += fault == ADOPT_NONE;
		if (fault == ADOPT_NONE || fault == ADOPT_NO_RECORD)
			continue;
		g->adoption.refused[fault]++;
		journal_wipe(&cells, place);
	}
	for (uint32_t place = top; place > 0; place--)
		if (!taken[place])
			g->places.free[g->places.n_free++] = place;
	free(taken);
}

/* ------------------------------------------------------------------ sessions are read */

static bool
fits(const struct session_record *r, const struct session_entry *e)
{
	return r->handle == e->handle && r->server_ip == e->server_ip &&
	       r->inner_ip == e->inner_ip && r->ppp.peer_ip == e->inner_ip && r->peer == e->peer &&
	       r->call_id == e->call_id && r->peer_call_id == e->peer_call_id &&
	       r->tunnel_id == e->tunnel_id && r->peer_tunnel_id == e->peer_tunnel_id;
}

/* May this session go on?  Nothing is changed yet. */
static enum adopt_fault
judge(const struct session *s, const struct session_entry *e, struct session_record *r)
{
	const struct gateway *g = s->g;
	const struct journal cells = link_session_journal(g->link);
	if (e->protocol != TUNNEL_L2TP || !g->l2tp)
		return ADOPT_PROTOCOL;
	if (e->state != SESSION_OPEN)
		return ADOPT_NOT_OPEN;
	if (e->mppe_tx || e->mppe_rx)
		return ADOPT_MPPE;
	enum adopt_fault fault =
		fault_of(journal_read(&cells, SESSION_SLOT(e->handle), r, sizeof(*r)));
	if (fault != ADOPT_NONE)
		return fault;
	if (!fits(r, e))
		return ADOPT_MISMATCH;
	if (r->id == 0 || r->id > SESSION_ID_MAX)
		return ADOPT_INVALID;
	if (!l2tp_path_allowed(g, e->peer))
		return ADOPT_IPSEC;
	return s->call_id && s->address_taken ? ADOPT_NONE : ADOPT_IN_USE;
}

static void
log_adopted(const struct session *s)
{
	char peer[16], address[16], name[96];
	log_event(LOG_INFO, "session-adopted",
		"session=%u protocol=%s user=%s peer=%s address=%s up_s=%llu", s->id,
		s->carrier->name, log_quote(name, sizeof(name), s->user), log_ip(peer, s->peer_ip),
		log_ip(address, s->inner_ip),
		(unsigned long long)((uv_now(s->g->loop) - s->up_ms) / 1000));
}

/* Its user had it from the pool when it was nobody's. */
static void
log_if_reserved(const struct session *s)
{
	const char *owner = aaa_reserved_for(s->g->aaa, s->inner_ip);
	char address[16], name[96], other[96];
	if (owner && !user_name_same(s->user, owner))
		log_event(LOG_WARNING, "address-reserved",
			"session=%u user=%s address=%s reserved_for=%s", s->id,
			log_quote(name, sizeof(name), s->user), log_ip(address, s->inner_ip),
			log_quote(other, sizeof(other), owner));
}

static uint64_t
not_after(uint64_t t, uint64_t now)
{
	return t < now ? t : now;
}

/* From an orphan to a session that is up. */
static enum adopt_fault
adopt_session(struct session *s)
{
	struct gateway *g = s->g;
	struct session_entry e;
	struct session_record r;
	struct session_counters seen;
	uint64_t now = uv_now(g->loop);
	if (!link_session_entry(g->link, s->handle, &e))
		return ADOPT_NOT_OPEN;
	enum adopt_fault fault = judge(s, &e, &r);
	if (fault != ADOPT_NONE)
		return fault;
	struct ppp_config ppp = g->cfg->l2tp_ppp;
	ppp.authentic_path = e.peer != 0;
	s->ppp = ppp_import(&ppp, &session_ppp_ops, s, &r.ppp, now);
	if (!s->ppp)
		return ADOPT_INVALID;
	if (!l2tp_restore_session(s, &e)) {
		ppp_free(s->ppp);
		s->ppp = NULL;
		return ADOPT_TUNNEL;
	}
	s->id = r.id;
	s->started_ms = not_after(r.started_ms, now);
	s->up_ms = not_after(r.up_ms, now);
	s->auth = r.ppp.auth;
	s->framing = (struct ppp_framing){.our_mru = r.ppp.our_mru,
		.peer_mru = r.ppp.peer_mru,
		.tx_acfc = r.ppp.peer_acfc,
		.tx_pfc = r.ppp.peer_pfc};
	/* What came before us does not tell that the client lives now. */
	link_counters(g->link, s->handle, &seen);
	s->ppp_seen = seen.up_ppp_packets;
	s->code = REFUSAL_NONE;
	s->state = GW_UP;
	s->orphan = false;
	s->attached = s->opened = s->saved = true;
	g->n_active++;
	g->n_active_by[s->carrier->protocol]++;
	g->n_up++;
	l2tp_session_user(s, true);
	return ADOPT_NONE;
}

/* It ends here; its client is told, if it can be. */
static void
refuse(struct session *s, enum adopt_fault fault)
{
	const struct journal cells = link_session_journal(s->g->link);
	struct session_entry e;
	s->g->adoption.refused[fault]++;
	snprintf(s->text, sizeof(s->text), "left by an earlier adit-control: %s",
		adopt_fault_text(fault));
	if (link_session_entry(s->g->link, s->handle, &e))
		l2tp_reject_session(s->g, &e);
	journal_wipe(&cells, SESSION_SLOT(s->handle));
	link_close(s->g->link, s->handle);
}

static int
by_id(const void *a, const void *b)
{
	const struct session *const *x = a, *const *y = b;
	return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

/* The list is in order of numbers again.  Who has none, or another's, gets the next one. */
static void
number_sessions(struct gateway *g)
{
	uint32_t n = 0, last = 0;
	struct session *s, *next, **up = calloc(g->n_sessions + 1, sizeof(struct session *));
	TAILQ_FOREACH (s, &g->sessions, next)
		if (s->state == GW_UP && up)
			up[n++] = s;
	if (n > 0)
		qsort(up, n, sizeof(*up), by_id);
	for (uint32_t i = 0; i < n; i++) {
		TAILQ_REMOVE(&g->sessions, up[i], next);
		if (up[i]->id == last)
			up[i]->id = 0;
		else
			last = up[i]->id;
	}
	g->next_id = last > g->next_id ? last : g->next_id;
	for (s = TAILQ_FIRST(&g->sessions); s; s = next) {
		next = TAILQ_NEXT(s, next);
		s->id = ++g->next_id;
	}
	while (n-- > 0) {
		if (up[n]->id != 0) {
			TAILQ_INSERT_HEAD(&g->sessions, up[n], next);
			continue;
		}
		up[n]->id = ++g->next_id;
		TAILQ_INSERT_TAIL(&g->sessions, up[n], next);
	}
	free(up);
}

void
gateway_adopt(void *user)
{
	struct gateway *g = user;
	struct session *s;
	uint32_t left = 0;
	memset(&g->adoption, 0, sizeof(g->adoption));
	adopt_tunnels(g);
	TAILQ_FOREACH (s, &g->sessions, next) {
		enum adopt_fault fault = adopt_session(s);
		if (fault != ADOPT_NONE)
			refuse(s, fault);
		left += fault != ADOPT_NONE;
	}
	number_sessions(g);
	TAILQ_FOREACH (s, &g->sessions, next) {
		if (s->state != GW_UP)
			continue;
		g->adoption.sessions++;
		log_adopted(s);
		log_if_reserved(s);
		l2tp_resume_session(s);
	}
	if (left || g->adoption.sessions || g->adoption.tunnels)
		log_event(LOG_NOTICE, "adopted", "sessions=%u tunnels=%u closed=%u",
			g->adoption.sessions, g->adoption.tunnels, left);
}
