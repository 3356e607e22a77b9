/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions by their user, of those who have proved to be him, and by their inner address. */
#include <stdlib.h>

#include "control/gateway_internal.h"

#define BUCKETS_MIN 64
#define BUCKETS_MAX (1u << 20)

bool
index_init(struct gateway *g, uint32_t sessions)
{
	struct session_index *x = &g->index;
	x->n = BUCKETS_MIN;
	while (x->n < sessions && x->n < BUCKETS_MAX)
		x->n *= 2;
	x->by_user = calloc(x->n, sizeof(*x->by_user));
	x->by_address = calloc(x->n, sizeof(*x->by_address));
	return x->by_user && x->by_address;
}

void
index_free(struct gateway *g)
{
	free(g->index.by_user);
	free(g->index.by_address);
}

static struct session_bucket *
user_bucket(const struct gateway *g, const char *user)
{
	return &g->index.by_user[user_name_hash(user) & (g->index.n - 1)];
}

/* Addresses of one pool follow each other. */
static struct session_bucket *
address_bucket(const struct gateway *g, uint32_t address)
{
	return &g->index.by_address[address & (g->index.n - 1)];
}

void
index_add_user(struct session *s)
{
	if (!s->in_user_index)
		LIST_INSERT_HEAD(user_bucket(s->g, s->user), s, by_user);
	s->in_user_index = true;
}

void
index_remove_user(struct session *s)
{
	if (s->in_user_index)
		LIST_REMOVE(s, by_user);
	s->in_user_index = false;
}

void
index_add_address(struct session *s)
{
	if (!s->in_address_index)
		LIST_INSERT_HEAD(address_bucket(s->g, s->inner_ip), s, by_address);
	s->in_address_index = true;
}

void
index_remove_address(struct session *s)
{
	if (s->in_address_index)
		LIST_REMOVE(s, by_address);
	s->in_address_index = false;
}

static struct session *
of_user(struct session *s, const char *user)
{
	while (s && !user_name_same(s->user, user))
		s = LIST_NEXT(s, by_user);
	return s;
}

struct session *
index_first_of_user(const struct gateway *g, const char *user)
{
	return of_user(LIST_FIRST(user_bucket(g, user)), user);
}

struct session *
index_next_of_user(const struct session *s)
{
	return of_user(LIST_NEXT(s, by_user), s->user);
}

struct session *
index_of_address(const struct gateway *g, uint32_t address)
{
	struct session *s = LIST_FIRST(address_bucket(g, address));
	while (s && s->inner_ip != address)
		s = LIST_NEXT(s, by_address);
	return s;
}
