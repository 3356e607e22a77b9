/* SPDX-License-Identifier: BSD-3-Clause */
/* Tunnels outlive control, and sessions with them: session/adopt.h. */
#include <stdlib.h>

#include "control/carrier/l2tp.h"

static_assert(sizeof(struct l2tp_tunnel_image) <= JOURNAL_RECORD_MAX, "fits");

/* ------------------------------------------------------------------ what is kept */

void
l2tp_tunnel_saved(void *user, const struct l2tp_tunnel_image *image, uint32_t *place)
{
	struct l2tp_carrier *l = user;
	struct sessions *all = l->c.all;
	const struct journal cells = link_tunnel_journal(all->env.link);
	if (!*place && l->places.n_free)
		*place = l->places.free[--l->places.n_free];
	if (!*place)
		return; /* more tunnels than sessions: it ends with us */
	if (*place > all->head.tunnels_used) {
		all->head.tunnels_used = *place;
		adopt_write_head(all);
	}
	journal_write(&cells, *place, image, sizeof(*image));
}

void
l2tp_tunnel_forgotten(void *user, uint32_t place)
{
	struct l2tp_carrier *l = user;
	const struct journal cells = link_tunnel_journal(l->c.all->env.link);
	journal_wipe(&cells, place);
	if (l->places.free)
		l->places.free[l->places.n_free++] = place;
}

void
l2tp_places_free(struct l2tp_carrier *l)
{
	free(l->places.free);
	l->places = (struct tunnel_places){0};
}

/* ------------------------------------------------------------------ tunnels are read */

/* May what belongs to this peer go on as settings and SAs are now? */
static bool
path_allowed(const struct l2tp_carrier *l, uint32_t peer)
{
	return peer ? l2tp_current_sa(l, peer) != 0 : !l->c.all->env.cfg->l2tp_require_ipsec;
}

static enum adopt_fault
adopt_tunnel(struct l2tp_carrier *l, const struct journal *cells, uint32_t place)
{
	struct l2tp_tunnel_image i;
	enum adopt_fault fault = adopt_fault_of(journal_read(cells, place, &i, sizeof(i)));
	if (fault != ADOPT_NONE)
		return fault;
	if (!l->server)
		return ADOPT_PROTOCOL;
	if (!path_allowed(l, i.peer))
		return ADOPT_IPSEC;
	bool good = l2tp_tunnel_restore(l->server, &i, place, l2tp_now(l));
	l2tp_arm(l);
	return good ? ADOPT_NONE : ADOPT_INVALID;
}

/* Those that go on keep their places; the others are free, the lowest first in use. */
void
l2tp_adopt(struct carrier *c)
{
	struct l2tp_carrier *l = (struct l2tp_carrier *)c;
	struct sessions *all = c->all;
	const struct journal cells = link_tunnel_journal(all->env.link);
	uint32_t top = cells.n ? cells.n - 1 : 0;
	uint8_t *taken = calloc((size_t)top + 1, 1);
	l->places.free = calloc((size_t)top + 1, sizeof(*l->places.free));
	if (!taken || !l->places.free) {
		free(taken);
		l2tp_places_free(l);
		return;
	}
	if (all->head.tunnels_used > top)
		all->head.tunnels_used = top;
	for (uint32_t place = 1; place <= all->head.tunnels_used; place++) {
		enum adopt_fault fault = adopt_tunnel(l, &cells, place);
		taken[place] = fault == ADOPT_NONE;
		all->adoption.tunnels += fault == ADOPT_NONE;
		if (fault == ADOPT_NONE || fault == ADOPT_NO_RECORD)
			continue;
		all->adoption.refused[fault]++;
		journal_wipe(&cells, place);
	}
	for (uint32_t place = top; place > 0; place--)
		if (!taken[place])
			l->places.free[l->places.n_free++] = place;
	free(taken);
}

/* ------------------------------------------------------------------ sessions go on */

bool
l2tp_adoption_allowed(const struct carrier *c, const struct session_entry *e)
{
	return path_allowed((const struct l2tp_carrier *)c, e->peer);
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
l2tp_adopt_session(struct session *s, const struct session_entry *e)
{
	struct l2tp_carrier *l = (struct l2tp_carrier *)s->carrier;
	const struct l2tp_session_image image = image_of(e);
	struct l2tp_path path;
	if (!l->server || !l2tp_session_restore(l->server, &image, s, &path, l2tp_now(l)))
		return false;
	l2tp_arm(l);
	const struct l2tp_session_request as_if = {
		.path = &path, .tunnel_id = e->tunnel_id, .peer_tunnel_id = e->peer_tunnel_id};
	l2tp_session_attach(s, &as_if);
	((struct l2tp_session *)s)->sa = e->sa; /* what the data plane has */
	return true;
}

/* The pair of SAs that is current now. */
void
l2tp_resume_session(struct session *s)
{
	struct l2tp_carrier *l = (struct l2tp_carrier *)s->carrier;
	uint32_t peer = ((struct l2tp_session *)s)->peer;
	if (peer)
		l2tp_sa_current(l, peer, l2tp_current_sa(l, peer));
}

void
l2tp_reject_session(struct carrier *c, const struct session_entry *e)
{
	struct l2tp_carrier *l = (struct l2tp_carrier *)c;
	const struct l2tp_session_image image = image_of(e);
	if (!l->server)
		return;
	l2tp_session_reject(l->server, &image, REFUSAL_CONTROL_LOST, l2tp_now(l));
	l2tp_arm(l);
}
