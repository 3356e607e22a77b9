/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/lockout.h"

#include <stdlib.h>
#include <sys/random.h>

#define SET_BITS 10
#define WAYS     16

struct record {
	uint32_t address; /* 0: free */
	const struct user *user;
	struct lockout lockout;
};

struct lockout_table {
	uint64_t key; /* odd, random: which addresses share a set is nobody's choice */
	struct record sets[1u << SET_BITS][WAYS];
};

bool
lockout_active(const struct lockout *l, uint64_t now_ms)
{
	return now_ms < l->until_ms;
}

void
lockout_failure(struct lockout *l, unsigned int limit, uint32_t lockout_ms, uint64_t now_ms)
{
	if (limit == 0)
		return;
	if (now_ms - l->last_ms > lockout_ms)
		l->failures = 0;
	l->last_ms = now_ms;
	if (++l->failures < limit)
		return;
	l->failures = 0;
	l->until_ms = now_ms + lockout_ms;
}

struct lockout_table *
lockout_table_new(void)
{
	struct lockout_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	if (getrandom(&t->key, sizeof(t->key), 0) != sizeof(t->key)) {
		free(t);
		return NULL;
	}
	t->key |= 1;
	return t;
}

void
lockout_table_free(struct lockout_table *t)
{
	free(t);
}

/* By the address alone.  Multiply-shift hashing, Dietzfelbinger et al. 1997. */
static struct record *
set_of(struct lockout_table *t, uint32_t address)
{
	return t->sets[(address * t->key) >> (64 - SET_BITS)];
}

struct lockout *
lockout_table_find(struct lockout_table *t, uint32_t address, const struct user *user)
{
	struct record *set = set_of(t, address);
	unsigned int i;

	for (i = 0; i < WAYS; i++)
		if (set[i].address == address && set[i].user == user)
			return &set[i].lockout;
	return NULL;
}

/* What would be lost with it. */
static uint32_t
weight(const struct record *r, uint32_t lockout_ms, uint64_t now_ms)
{
	if (r->address == 0)
		return 0;
	if (lockout_active(&r->lockout, now_ms))
		return UINT32_MAX;
	return now_ms - r->lockout.last_ms > lockout_ms ? 0 : r->lockout.failures;
}

struct lockout *
lockout_table_get(struct lockout_table *t, uint32_t address, const struct user *user,
	uint32_t lockout_ms, uint64_t now_ms)
{
	struct lockout *found = lockout_table_find(t, address, user);
	struct record *set = set_of(t, address), *least = set;
	unsigned int i;

	if (found)
		return found;
	for (i = 1; i < WAYS; i++) {
		uint32_t a = weight(&set[i], lockout_ms, now_ms);
		uint32_t b = weight(least, lockout_ms, now_ms);

		if (a < b || (a == b && set[i].lockout.last_ms < least->lockout.last_ms))
			least = &set[i];
	}
	*least = (struct record){.address = address, .user = user};
	return &least->lockout;
}

void
lockout_table_each(struct lockout_table *t,
	void (*each)(void *arg, uint32_t address, const struct user *user, struct lockout *l),
	void *arg)
{
	for (unsigned int set = 0; set < 1u << SET_BITS; set++)
		for (unsigned int i = 0; i < WAYS; i++) {
			struct record *r = &t->sets[set][i];

			if (r->address)
				each(arg, r->address, r->user, &r->lockout);
		}
}
