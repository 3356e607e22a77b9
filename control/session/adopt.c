/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/session/adopt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/aaa/decide.h"
#include "control/aaa/name.h"
#include "control/core/log.h"
#include "control/ppp/image.h"
#include "control/session/session.h"

/* Far from where counting would begin anew. */
#define SESSION_ID_MAX 0xf0000000u

/* What control knows of an open session besides the data plane's entry.  It grows at its end:
 * JOURNAL_VERSION says how. */
struct session_record {
	uint64_t started_ms, up_ms; /* CLOCK_MONOTONIC, as uv_now() */
	uint32_t handle, id;
	uint32_t server_ip, inner_ip, peer;
	uint16_t local_id, remote_id, tunnel_id, peer_tunnel_id;
	struct ppp_image ppp;
	struct acct_id acct;
	uint32_t reserved;
};
static_assert(sizeof(struct session_record) == 120, "no padding: all of it is shared");
static_assert(sizeof(struct session_record) <= JOURNAL_RECORD_MAX, "fits");

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

enum adopt_fault
adopt_fault_of(enum journal_verdict v)
{
	return v == JOURNAL_GOOD            ? ADOPT_NONE
	       : v == JOURNAL_EMPTY         ? ADOPT_NO_RECORD
	       : v == JOURNAL_OTHER_VERSION ? ADOPT_VERSION
	       : v == JOURNAL_NEWER         ? ADOPT_NEWER
					    : ADOPT_TORN;
}

/* ------------------------------------------------------------------ what is kept */

void
adopt_write_head(struct sessions *all)
{
	const struct journal cells = link_tunnel_journal(all->env.link);
	journal_write(&cells, 0, &all->head, sizeof(all->head));
}

static bool
outlives_control(const struct session *s)
{
	return s->carrier->ops->restore != NULL;
}

void
session_save(struct session *s)
{
	const struct journal cells = link_session_journal(s->env->link);
	struct command cmd = {0};
	struct session_record r = {.handle = s->handle,
		.id = s->id,
		.server_ip = s->server_ip,
		.inner_ip = s->inner_ip,
		.local_id = s->local_id,
		.remote_id = s->remote_id,
		.acct = s->acct,
		.started_ms = s->started_ms,
		.up_ms = session_now(s)};
	if (!outlives_control(s) || s->doomed || !ppp_export(s->ppp, &r.ppp))
		return;
	s->carrier->ops->add(s, &cmd);
	r.peer = cmd.add.peer;
	r.tunnel_id = cmd.add.tunnel_id;
	r.peer_tunnel_id = cmd.add.peer_tunnel_id;
	if (s->id > s->all->head.last_session) {
		s->all->head.last_session = s->id;
		adopt_write_head(s->all);
	}
	journal_write(&cells, SESSION_SLOT(s->handle), &r, sizeof(r));
	s->saved = true;
}

void
session_unsave(struct session *s)
{
	const struct journal cells = link_session_journal(s->env->link);
	if (s->saved)
		journal_wipe(&cells, SESSION_SLOT(s->handle));
	s->saved = false;
}

/* ------------------------------------------------------------------ it is read */

void
sessions_adopt_begin(struct sessions *all)
{
	const struct journal cells = link_tunnel_journal(all->env.link);
	struct session_table *t = &all->table;
	memset(&all->adoption, 0, sizeof(all->adoption));
	if (journal_read(&cells, 0, &all->head, sizeof(all->head)) != JOURNAL_GOOD ||
		all->head.last_session > SESSION_ID_MAX)
		all->head.last_session = 0;
	if (t->last_id < all->head.last_session)
		t->last_id = all->head.last_session;
}

static bool
fits(const struct session_record *r, const struct session_entry *e)
{
	return r->handle == e->handle && r->server_ip == e->server_ip &&
	       r->inner_ip == e->inner_ip && r->ppp.peer_ip == e->inner_ip && r->peer == e->peer &&
	       r->local_id == e->call_id && r->remote_id == e->peer_call_id &&
	       r->tunnel_id == e->tunnel_id && r->peer_tunnel_id == e->peer_tunnel_id;
}

/* May this session go on?  Nothing is changed yet. */
static enum adopt_fault
judge(const struct session *s, const struct session_entry *e, struct session_record *r)
{
	const struct journal cells = link_session_journal(s->env->link);
	if (!outlives_control(s) || carrier_limit(s->carrier) == 0)
		return ADOPT_PROTOCOL;
	if (e->state != SESSION_OPEN)
		return ADOPT_NOT_OPEN;
	if (e->mppe_tx || e->mppe_rx)
		return ADOPT_MPPE;
	enum adopt_fault fault =
		adopt_fault_of(journal_read(&cells, SESSION_SLOT(e->handle), r, sizeof(*r)));
	if (fault != ADOPT_NONE)
		return fault;
	if (!fits(r, e))
		return ADOPT_MISMATCH;
	if (r->id == 0 || r->id > SESSION_ID_MAX)
		return ADOPT_INVALID;
	if (!s->carrier->ops->allowed(s->carrier, e))
		return ADOPT_IPSEC;
	return s->local_id && s->address_taken ? ADOPT_NONE : ADOPT_IN_USE;
}

static void
log_adopted(const struct session *s)
{
	char peer[16], address[16], name[96];
	log_event(LOG_INFO, "session-adopted",
		"session=%u protocol=%s user=%s peer=%s address=%s up_s=%llu", s->id,
		s->carrier->name, log_quote(name, sizeof(name), s->user), log_ip(peer, s->peer_ip),
		log_ip(address, s->inner_ip),
		(unsigned long long)((session_now(s) - s->up_ms) / 1000));
}

/* Its user had it from the pool when it was nobody's. */
static void
log_if_reserved(const struct session *s)
{
	const char *owner = aaa_reserved_for(s->env->aaa, s->inner_ip);
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

/* It keeps its name for accounting, and no newcomer gets it.  An older release gave it none. */
static void
restore_acct(struct session *s, const struct acct_id *saved)
{
	struct sessions *all = s->all;
	struct acct_id *last = &all->last_acct;
	if (saved->boot == last->boot && saved->counter > last->counter)
		last->counter = saved->counter;
	s->acct = saved->counter == 0 || table_of_acct(&all->table, saved) ? session_next_acct(all)
									   : *saved;
	table_index(&all->table, s, BY_ACCT);
}

static void
restore(struct session *s, const struct session_record *r)
{
	uint64_t now = session_now(s);
	struct session_counters seen;
	table_renumber(&s->all->table, s, r->id);
	restore_acct(s, &r->acct);
	s->started_ms = not_after(r->started_ms, now);
	s->up_ms = not_after(r->up_ms, now);
	s->auth = r->ppp.auth;
	s->framing = (struct ppp_framing){.our_mru = r->ppp.our_mru,
		.peer_mru = r->ppp.peer_mru,
		.tx_acfc = r->ppp.peer_acfc,
		.tx_pfc = r->ppp.peer_pfc};
	/* What came before us does not tell that the client lives now. */
	link_counters(s->env->link, s->handle, &seen);
	s->ppp_seen = seen.up_ppp_packets;
	s->code = REFUSAL_NONE;
	s->state = PHASE_UP;
	s->orphan = false;
	s->attached = s->opened = s->saved = true;
	s->all->n_active++;
	s->carrier->n_active++;
	s->all->n_up++;
}

/* From an orphan to a session that is up. */
static enum adopt_fault
adopt_session(struct session *s)
{
	struct session_entry e;
	struct session_record r;
	if (!link_session_entry(s->env->link, s->handle, &e))
		return ADOPT_NOT_OPEN;
	enum adopt_fault fault = judge(s, &e, &r);
	if (fault != ADOPT_NONE)
		return fault;
	struct ppp_config ppp = *s->carrier->ppp;
	ppp.authentic_path = s->ipsec = e.peer != 0;
	s->ppp = ppp_import(&ppp, &session_ppp_ops, s, &r.ppp, session_now(s));
	if (!s->ppp)
		return ADOPT_INVALID;
	if (!s->carrier->ops->restore(s, &e)) {
		ppp_free(s->ppp);
		s->ppp = NULL;
		return ADOPT_TUNNEL;
	}
	restore(s, &r);
	s->carrier->ops->authenticated(s);
	return ADOPT_NONE;
}

/* It ends here; its client is told, if it can be. */
static void
refuse_adoption(struct session *s, enum adopt_fault fault)
{
	const struct journal cells = link_session_journal(s->env->link);
	const struct carrier_ops *ops = s->carrier->ops;
	struct session_entry e;
	s->all->adoption.refused[fault]++;
	snprintf(s->text, sizeof(s->text), "left by an earlier adit-control: %s",
		adopt_fault_text(fault));
	if (ops->reject && link_session_entry(s->env->link, s->handle, &e))
		ops->reject(s->carrier, &e);
	journal_wipe(&cells, SESSION_SLOT(s->handle));
	link_close(s->env->link, s->handle);
}

static int
by_id(const void *a, const void *b)
{
	const struct session *const *x = a, *const *y = b;
	return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

/* The list is in order of numbers again.  Who has none, or another's, gets the next one. */
static void
number_sessions(struct session_table *t)
{
	uint32_t n = 0, last = 0;
	struct session *s, **up = calloc(t->n + 1, sizeof(struct session *));
	TAILQ_FOREACH (s, &t->list, next)
		if (s->state == PHASE_UP && up)
			up[n++] = s;
	if (n > 0)
		qsort(up, n, sizeof(*up), by_id);
	for (uint32_t i = 0; i < n; i++) {
		TAILQ_REMOVE(&t->list, up[i], next);
		if (up[i]->id == last)
			table_renumber(t, up[i], 0);
		else
			last = up[i]->id;
	}
	t->last_id = last > t->last_id ? last : t->last_id;
	TAILQ_FOREACH (s, &t->list, next)
		table_renumber(t, s, ++t->last_id);
	while (n-- > 0) {
		if (up[n]->id != 0) {
			TAILQ_INSERT_HEAD(&t->list, up[n], next);
			continue;
		}
		table_renumber(t, up[n], ++t->last_id);
		TAILQ_INSERT_TAIL(&t->list, up[n], next);
	}
	free(up);
}

void
sessions_adopt(struct sessions *all)
{
	struct session *s;
	uint32_t left = 0;
	TAILQ_FOREACH (s, &all->table.list, next) {
		enum adopt_fault fault = adopt_session(s);
		if (fault != ADOPT_NONE)
			refuse_adoption(s, fault);
		left += fault != ADOPT_NONE;
	}
	number_sessions(&all->table);
	TAILQ_FOREACH (s, &all->table.list, next) {
		if (s->state != PHASE_UP)
			continue;
		all->adoption.sessions++;
		log_adopted(s);
		log_if_reserved(s);
		session_settle(s);
		s->carrier->ops->resume(s);
	}
	if (left || all->adoption.sessions || all->adoption.tunnels)
		log_event(LOG_NOTICE, "adopted", "sessions=%u tunnels=%u closed=%u",
			all->adoption.sessions, all->adoption.tunnels, left);
}
