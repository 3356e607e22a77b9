/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ike/peer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void
peers_init(struct peers *ps)
{
	memset(ps, 0, sizeof(*ps));
	/* A restarted control does not name a new peer as an old one whose packets are on the
	 * way. */
	if (getrandom(&ps->next_id, sizeof(ps->next_id), 0) != sizeof(ps->next_id))
		ps->next_id = 1;
}

static uint32_t
mix(uint32_t v)
{
	v ^= v >> 16;
	v *= 0x45d9f3bu;
	return v ^ v >> 16;
}

/* Native ESP has port 0.  The server's port says nothing more. */
static uint32_t
key_bucket(const struct sa_outer *o)
{
	return mix(o->peer_ip ^ mix(o->server_ip + o->peer_port)) % PEER_BUCKETS;
}

static bool
same_key(const struct sa_outer *a, const struct sa_outer *b)
{
	return a->server_ip == b->server_ip && a->peer_ip == b->peer_ip &&
	       a->peer_port == b->peer_port;
}

/* ------------------------------------------------------------------ addresses */

static struct ike_address *
address_find(const struct peers *ps, uint32_t ip)
{
	struct ike_address *a;
	LIST_FOREACH (a, &ps->addresses[mix(ip) % PEER_BUCKETS], next)
		if (a->ip == ip)
			return a;
	return NULL;
}

static struct ike_address *
address_get(struct peers *ps, uint32_t ip)
{
	struct ike_address *a = address_find(ps, ip);
	if (a || !(a = calloc(1, sizeof(*a))))
		return a;
	a->ip = ip;
	LIST_INSERT_HEAD(&ps->addresses[mix(ip) % PEER_BUCKETS], a, next);
	return a;
}

static void
address_put(struct ike_address *a)
{
	if (a->peers || a->half_open || a->strangers)
		return;
	LIST_REMOVE(a, next);
	free(a);
}

uint32_t
peers_of_address(const struct peers *ps, uint32_t ip)
{
	const struct ike_address *a = address_find(ps, ip);
	return a ? a->peers : 0;
}

uint32_t
half_open_of_address(const struct peers *ps, uint32_t ip)
{
	const struct ike_address *a = address_find(ps, ip);
	return a ? a->half_open : 0;
}

uint32_t
strangers_of_address(const struct peers *ps, uint32_t ip)
{
	const struct ike_address *a = address_find(ps, ip);
	return a ? a->strangers : 0;
}

bool
half_open_add(struct peers *ps, uint32_t ip)
{
	struct ike_address *a = address_get(ps, ip);
	if (a)
		a->half_open++;
	return a != NULL;
}

void
half_open_remove(struct peers *ps, uint32_t ip)
{
	struct ike_address *a = address_find(ps, ip);
	if (!a)
		return;
	if (a->half_open)
		a->half_open--;
	address_put(a);
}

bool
stranger_add(struct peers *ps, uint32_t ip)
{
	struct ike_address *a = address_get(ps, ip);
	if (!a)
		return false;
	a->strangers++;
	ps->strangers++;
	return true;
}

void
stranger_remove(struct peers *ps, uint32_t ip)
{
	struct ike_address *a = address_find(ps, ip);
	if (!a || a->strangers == 0)
		return;
	a->strangers--;
	ps->strangers--;
	address_put(a);
}

/* ------------------------------------------------------------------ bonds */

static struct ike_bond *
bond_find(const struct peers *ps, uint32_t ike_sa)
{
	struct ike_bond *b;
	LIST_FOREACH (b, &ps->by_ike[mix(ike_sa) % PEER_BUCKETS], by_ike)
		if (b->ike_sa == ike_sa)
			return b;
	return NULL;
}

static struct ike_bond *
bond_get(struct peers *ps, uint32_t ike_sa)
{
	struct ike_bond *b = bond_find(ps, ike_sa);
	if (b || !(b = calloc(1, sizeof(*b))))
		return b;
	b->ike_sa = ike_sa;
	LIST_INSERT_HEAD(&ps->by_ike[mix(ike_sa) % PEER_BUCKETS], b, by_ike);
	return b;
}

static void
bond_leave(struct ike_bond *b)
{
	if (!b->peer)
		return;
	TAILQ_REMOVE(&b->peer->bonds, b, next);
	b->peer->n_bonds--;
	b->peer = NULL;
}

static void
bond_free(struct ike_bond *b)
{
	bond_leave(b);
	LIST_REMOVE(b, by_ike);
	free(b);
}

static void
bond_join(struct ike_bond *b, struct ike_peer *p)
{
	b->peer = p;
	b->heir_of = 0;
	TAILQ_INSERT_TAIL(&p->bonds, b, next);
	if (++p->n_bonds > BONDS_PER_PEER)
		bond_free(TAILQ_FIRST(&p->bonds));
}

struct ike_peer *
peers_by_ike(const struct peers *ps, uint32_t ike_sa)
{
	const struct ike_bond *b = bond_find(ps, ike_sa);
	return b ? b->peer : NULL;
}

bool
peers_bind(struct peers *ps, struct ike_peer *p, uint32_t ike_sa)
{
	struct ike_bond *b = bond_get(ps, ike_sa);
	if (b && !b->peer)
		bond_join(b, p);
	return b != NULL;
}

void
peers_claim(struct peers *ps, uint32_t ike_sa, uint32_t heir_of)
{
	struct ike_bond *b = bond_get(ps, ike_sa);
	if (b && !b->peer)
		b->heir_of = heir_of;
}

uint32_t
peers_heir_of(const struct peers *ps, uint32_t ike_sa)
{
	const struct ike_bond *b = bond_find(ps, ike_sa);
	return b ? b->heir_of : 0;
}

void
peers_unclaim(struct peers *ps, uint32_t ike_sa)
{
	struct ike_bond *b = bond_find(ps, ike_sa);
	if (b && !b->peer)
		bond_free(b);
}

void
peers_inherit(struct peers *ps, struct ike_peer *from, struct ike_peer *to)
{
	struct ike_bond *b;
	(void)ps;
	while ((b = TAILQ_FIRST(&from->bonds))) {
		bond_leave(b);
		bond_join(b, to);
	}
}

void
peers_unbind_all(struct peers *ps)
{
	for (unsigned int i = 0; i < PEER_BUCKETS; i++)
		while (!LIST_EMPTY(&ps->by_ike[i]))
			bond_free(LIST_FIRST(&ps->by_ike[i]));
}

/* ------------------------------------------------------------------ peers */

struct ike_peer *
peers_at(const struct peers *ps, const struct sa_outer *outer, const struct ike_peer *p)
{
	struct ike_peer *next =
		p ? LIST_NEXT(p, by_key) : LIST_FIRST(&ps->by_key[key_bucket(outer)]);
	while (next && !same_key(&next->outer, outer))
		next = LIST_NEXT(next, by_key);
	return next;
}

struct ike_peer *
peers_by_id(const struct peers *ps, uint32_t id)
{
	struct ike_peer *p;
	LIST_FOREACH (p, &ps->by_id[mix(id) % PEER_BUCKETS], by_id)
		if (p->id == id)
			return p;
	return NULL;
}

struct ike_peer *
peers_add(struct peers *ps, const struct sa_outer *outer, uint32_t id)
{
	if (id && peers_by_id(ps, id))
		return NULL;
	struct ike_peer *p = calloc(1, sizeof(*p));
	struct ike_address *a = p ? address_get(ps, outer->peer_ip) : NULL;
	if (!a) {
		free(p);
		return NULL;
	}
	a->peers++;
	p->id = id;
	while (p->id == 0 || (!id && peers_by_id(ps, p->id)))
		p->id = ++ps->next_id;
	p->outer = *outer;
	TAILQ_INIT(&p->pairs);
	TAILQ_INIT(&p->bonds);
	LIST_INSERT_HEAD(&ps->by_key[key_bucket(&p->outer)], p, by_key);
	LIST_INSERT_HEAD(&ps->by_id[mix(p->id) % PEER_BUCKETS], p, by_id);
	ps->n++;
	return p;
}

static void
address_leave(struct peers *ps, uint32_t ip)
{
	struct ike_address *a = address_find(ps, ip);
	if (!a)
		return;
	if (a->peers)
		a->peers--;
	address_put(a);
}

void
peers_move(struct peers *ps, struct ike_peer *p, const struct sa_outer *outer)
{
	LIST_REMOVE(p, by_key);
	if (p->outer.peer_ip != outer->peer_ip) {
		struct ike_address *a = address_get(ps, outer->peer_ip);
		/* Without memory it stays counted where it was. */
		if (a) {
			a->peers++;
			address_leave(ps, p->outer.peer_ip);
		}
	}
	p->outer = *outer;
	LIST_INSERT_HEAD(&ps->by_key[key_bucket(&p->outer)], p, by_key);
}

void
peers_remove(struct peers *ps, struct ike_peer *p)
{
	while (!TAILQ_EMPTY(&p->bonds))
		bond_free(TAILQ_FIRST(&p->bonds));
	LIST_REMOVE(p, by_key);
	LIST_REMOVE(p, by_id);
	address_leave(ps, p->outer.peer_ip);
	ps->n--;
	free(p);
}
