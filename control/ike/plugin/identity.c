/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identity.h"

#include <daemon.h>

struct identity {
	listener_t listener;
	void (*tell)(void *user, struct ike_message *m);
	void *user;
};

static void
migrate(struct identity *i, ike_sa_t *from, uint32_t to, bool proven)
{
	struct ike_message m = {.type = IKE_MIGRATE, .ike_sa = to};

	m.migrate.from = from->get_unique_id(from);
	m.migrate.proven = proven;
	if (to && m.migrate.from && to != m.migrate.from)
		i->tell(i->user, &m);
}

/* IKEv1's reauthentication: a new IKE SA of the same identity and address takes over the CHILD_SAs.
 * Called for the old one with the number of the new one, and for the new one without. */
static bool
on_children_migrate(listener_t *listener, ike_sa_t *ike_sa, ike_sa_id_t *new, uint32_t unique)
{
	if (ike_sa && new)
		migrate((struct identity *)listener, ike_sa, unique, false);
	return true;
}

/* IKEv2 only: agreed on under the keys of the old one. */
static bool
on_ike_rekey(listener_t *listener, ike_sa_t *old, ike_sa_t *new)
{
	migrate((struct identity *)listener, old, new->get_unique_id(new), true);
	return true;
}

static bool
on_ike_updown(listener_t *listener, ike_sa_t *ike_sa, bool up)
{
	struct identity *i = (struct identity *)listener;
	struct ike_message m = {.type = IKE_DOWN, .ike_sa = ike_sa->get_unique_id(ike_sa)};

	if (!up && m.ike_sa)
		i->tell(i->user, &m);
	return true;
}

struct identity *
identity_create(void (*tell)(void *user, struct ike_message *m), void *user)
{
	struct identity *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->listener.children_migrate = on_children_migrate;
	i->listener.ike_rekey = on_ike_rekey;
	i->listener.ike_updown = on_ike_updown;
	i->tell = tell;
	i->user = user;
	charon->bus->add_listener(charon->bus, &i->listener);
	return i;
}

void
identity_destroy(struct identity *i)
{
	if (!i)
		return;
	charon->bus->remove_listener(charon->bus, &i->listener);
	free(i);
}
