/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/session/table.h"

#include <stdlib.h>

#include "control/aaa/name.h"
#include "control/session/session.h"

#define BUCKETS_MIN 64
#define BUCKETS_MAX (1u << 20)

/* Eight digits; without printf(), as every set-up asks for it. */
static char *
put_hex(char *to, uint32_t v)
{
	for (int shift = 28; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[v >> shift & 15];
	return to;
}

const char *
acct_id_text(const struct acct_id *id, char buf[ACCT_ID_TEXT])
{
	char *at = put_hex(buf, id->node);
	*at = '-';
	at = put_hex(at + 1, id->boot);
	*at = '-';
	at = put_hex(at + 1, id->counter);
	*at = '\0';
	return buf;
}

bool
table_init(struct session_table *t, uint32_t sessions)
{
	TAILQ_INIT(&t->list);
	t->n_buckets = BUCKETS_MIN;
	while (t->n_buckets < sessions && t->n_buckets < BUCKETS_MAX)
		t->n_buckets *= 2;
	for (unsigned int by = 0; by < SESSION_INDEXES; by++) {
		t->buckets[by] = calloc(t->n_buckets, sizeof(*t->buckets[by]));
		if (!t->buckets[by])
			return false;
	}
	return true;
}

void
table_free(struct session_table *t)
{
	for (unsigned int by = 0; by < SESSION_INDEXES; by++)
		free(t->buckets[by]);
}

/* ------------------------------------------------------------------ buckets */

static struct session_bucket *
bucket(const struct session_table *t, enum session_index by, uint32_t hash)
{
	return &t->buckets[by][hash & (t->n_buckets - 1)];
}

/* Numbers and the addresses of a pool follow each other: they are their own hash. */
static uint32_t
spread(uint32_t v)
{
	v *= 2654435761u;
	return v ^ v >> 15;
}

static uint32_t
user_hash(const char *user)
{
	uint64_t h = user_name_hash(user);
	return (uint32_t)(h ^ h >> 32);
}

static uint32_t
hash_of(const struct session *s, enum session_index by)
{
	switch (by) {
	case BY_ID:
		return s->id;
	case BY_USER:
		return user_hash(s->user);
	case BY_ADDRESS:
		return s->inner_ip;
	case BY_OUTER:
		return spread(s->peer_ip);
	case BY_ACCT:
		return s->acct.counter;
	case SESSION_INDEXES:
		break;
	}
	return 0;
}

static struct session *
session_at(struct session_place *place, enum session_index by)
{
	return (struct session *)((char *)(place - by) - offsetof(struct session, places));
}

/* The first in this place or after it of whom same() holds. */
static struct session *
search(struct session_table *t, struct session_place *place, enum session_index by,
	bool (*same)(const struct session *s, const void *key), const void *key)
{
	for (; place; place = LIST_NEXT(place, beside)) {
		struct session *s = session_at(place, by);
		t->steps++;
		if (same(s, key))
			return s;
	}
	return NULL;
}

/* ------------------------------------------------------------------ changes */

void
table_index(struct session_table *t, struct session *s, enum session_index by)
{
	struct session_place *place = &s->places[by];
	if (!place->beside.le_prev)
		LIST_INSERT_HEAD(bucket(t, by, hash_of(s, by)), place, beside);
}

void
table_unindex(struct session_table *t, struct session *s, enum session_index by)
{
	struct session_place *place = &s->places[by];
	(void)t;
	if (!place->beside.le_prev)
		return;
	LIST_REMOVE(place, beside);
	place->beside.le_prev = NULL;
}

void
table_add(struct session_table *t, struct session *s)
{
	if (++t->last_id == 0)
		t->last_id = 1;
	s->id = t->last_id;
	TAILQ_INSERT_TAIL(&t->list, s, next);
	t->n++;
	table_index(t, s, BY_ID);
	if (s->peer_ip)
		table_index(t, s, BY_OUTER);
	if (s->acct.counter)
		table_index(t, s, BY_ACCT);
}

void
table_remove(struct session_table *t, struct session *s)
{
	for (unsigned int by = 0; by < SESSION_INDEXES; by++)
		table_unindex(t, s, by);
	TAILQ_REMOVE(&t->list, s, next);
	t->n--;
}

void
table_renumber(struct session_table *t, struct session *s, uint32_t id)
{
	table_unindex(t, s, BY_ID);
	s->id = id;
	table_index(t, s, BY_ID);
}

/* ------------------------------------------------------------------ look-ups */

static bool
same_id(const struct session *s, const void *key)
{
	return s->id == *(const uint32_t *)key;
}

struct session *
table_of_id(struct session_table *t, uint32_t id)
{
	return search(t, LIST_FIRST(bucket(t, BY_ID, id)), BY_ID, same_id, &id);
}

static bool
same_address(const struct session *s, const void *key)
{
	return s->inner_ip == *(const uint32_t *)key;
}

struct session *
table_of_address(struct session_table *t, uint32_t inner_ip)
{
	return search(t, LIST_FIRST(bucket(t, BY_ADDRESS, inner_ip)), BY_ADDRESS, same_address,
		&inner_ip);
}

static bool
same_acct(const struct session *s, const void *key)
{
	const struct acct_id *id = key;
	return s->acct.node == id->node && s->acct.boot == id->boot &&
	       s->acct.counter == id->counter;
}

struct session *
table_of_acct(struct session_table *t, const struct acct_id *id)
{
	return search(t, LIST_FIRST(bucket(t, BY_ACCT, id->counter)), BY_ACCT, same_acct, id);
}

static bool
same_user(const struct session *s, const void *key)
{
	return user_name_same(s->user, key);
}

struct session *
table_first_of_user(struct session_table *t, const char *user)
{
	return search(t, LIST_FIRST(bucket(t, BY_USER, user_hash(user))), BY_USER, same_user, user);
}

struct session *
table_next_of_user(struct session_table *t, const struct session *s)
{
	return search(t, LIST_NEXT(&s->places[BY_USER], beside), BY_USER, same_user, s->user);
}

static bool
same_outer(const struct session *s, const void *key)
{
	return s->peer_ip == *(const uint32_t *)key;
}

struct session *
table_first_of_outer(struct session_table *t, uint32_t peer_ip)
{
	return search(t, LIST_FIRST(bucket(t, BY_OUTER, spread(peer_ip))), BY_OUTER, same_outer,
		&peer_ip);
}

struct session *
table_next_of_outer(struct session_table *t, const struct session *s)
{
	return search(
		t, LIST_NEXT(&s->places[BY_OUTER], beside), BY_OUTER, same_outer, &s->peer_ip);
}
