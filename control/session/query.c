/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/session/query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/aaa/decide.h"
#include "control/session/session.h"

static void
describe(const struct session *s, struct session_info *out)
{
	memset(out, 0, sizeof(*out));
	out->id = s->id;
	if (s->acct.counter)
		acct_id_text(&s->acct, out->acct);
	out->handle = s->handle;
	out->state = s->doomed ? PHASE_CLOSING : s->state;
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
	out->local_id = s->local_id;
	out->remote_id = s->remote_id;
	out->our_mru = s->framing.our_mru;
	out->peer_mru = s->framing.peer_mru;
	out->mppe_tx = s->mppe_tx;
	out->mppe_rx = s->mppe_rx;
	out->mppe_tx_stateless = s->mppe_tx_stateless;
	out->mppe_rx_stateless = s->mppe_rx_stateless;
	out->age_ms = session_now(s) - s->started_ms;
	out->owner = link_owner_worker(s->env->link, s->handle);
	link_counters(s->env->link, s->handle, &out->counters);
	out->protocol = s->carrier->name;
	if (s->carrier->ops->describe)
		s->carrier->ops->describe(s, out);
}

void
sessions_each(const struct sessions *all, bool (*each)(void *user, const struct session_info *s),
	void *user)
{
	const struct session *s;
	TAILQ_FOREACH (s, &all->table.list, next) {
		struct session_info out;
		describe(s, &out);
		if (!each(user, &out))
			return;
	}
}

static int
by_id(const void *a, const void *b)
{
	const struct session *const *x = a, *const *y = b;
	return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

void
sessions_of_user(struct sessions *all, const char *name,
	bool (*each)(void *user, const struct session_info *s), void *user)
{
	struct session_table *t = &all->table;
	struct session *s, **found;
	unsigned int n = 0, at = 0;
	for (s = table_first_of_user(t, name); s; s = table_next_of_user(t, s))
		n++;
	if (n == 0 || !(found = calloc(n, sizeof(struct session *))))
		return;
	for (s = table_first_of_user(t, name); s; s = table_next_of_user(t, s))
		found[at++] = s;
	qsort(found, n, sizeof(struct session *), by_id);
	for (at = 0; at < n; at++) {
		struct session_info out;
		describe(found[at], &out);
		if (!each(user, &out))
			break;
	}
	free(found);
}

static int
give(const struct session *s, struct session_info *out)
{
	if (!s)
		return -ENOENT;
	describe(s, out);
	return 0;
}

int
sessions_get(struct sessions *all, uint32_t id, struct session_info *out)
{
	return give(table_of_id(&all->table, id), out);
}

static bool
is_ending(const struct session *s)
{
	return s->state == PHASE_CLOSING || s->doomed;
}

int
sessions_disconnect(struct sessions *all, uint32_t id)
{
	struct session *s = table_of_id(&all->table, id);
	if (!s || is_ending(s))
		return -ENOENT;
	session_close(s, REFUSAL_ADMIN_DISCONNECT, "");
	return 0;
}

unsigned int
sessions_disconnect_user(struct sessions *all, const char *user)
{
	struct session *s, *next;
	unsigned int n = 0;
	for (s = table_first_of_user(&all->table, user); s; s = next) {
		next = table_next_of_user(&all->table, s);
		if (is_ending(s))
			continue;
		session_close(s, REFUSAL_ADMIN_DISCONNECT, "");
		n++;
	}
	return n;
}

void
sessions_lockouts(const struct sessions *all,
	void (*each)(void *user, const struct guard_lockout *l), void *user)
{
	guard_list(aaa_guard(all->env.aaa), uv_now(all->env.loop), each, user);
}

int
sessions_unlock(struct sessions *all, const char *user, uint32_t address)
{
	return guard_unlock(aaa_guard(all->env.aaa), user, address, uv_now(all->env.loop));
}

void
sessions_decisions(const struct sessions *all, struct aaa_counts *out)
{
	aaa_counts(all->env.aaa, out);
}
