/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ike/peer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void
peers_init(struct peers *ps)
{
	memset(ps, 0, sizeof(*ps));
	/* A restarted control does not name a new peer as an old one whose packets are on the way.
	 */
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
	if (a->peers || a->half_open)
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

/* ------------------------------------------------------------------ peers */

struct ike_peer *
peers_find(const struct peers *ps, const struct sa_outer *outer)
{
	struct ike_peer *p;
	LIST_FOREACH (p, &ps->by_key[key_bucket(outer)], by_key)
		if (same_key(&p->outer, outer))
			return p;
	return NULL;
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

/* Into the table by key; whoever is there is found by id only from now on. */
static void
key_insert(struct peers *ps, struct ike_peer *p)
{
	struct ike_peer *other = peers_find(ps, &p->outer);
	if (other) {
		LIST_REMOVE(other, by_key);
		other->keyed = false;
	}
	LIST_INSERT_HEAD(&ps->by_key[key_bucket(&p->outer)], p, by_key);
	p->keyed = true;
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
	key_insert(ps, p);
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
	if (p->keyed)
		LIST_REMOVE(p, by_key);
	p->keyed = false;
	if (p->outer.peer_ip != outer->peer_ip) {
		struct ike_address *a = address_get(ps, outer->peer_ip);
		/* Without memory it stays counted where it was. */
		if (a) {
			a->peers++;
			address_leave(ps, p->outer.peer_ip);
		}
	}
	p->outer = *outer;
	key_insert(ps, p);
}

void
peers_remove(struct peers *ps, struct ike_peer *p)
{
	if (p->keyed)
		LIST_REMOVE(p, by_key);
	LIST_REMOVE(p, by_id);
	address_leave(ps, p->outer.peer_ip);
	ps->n--;
	free(p);
}
