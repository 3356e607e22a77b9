/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/lockout.h"

#include <stdlib.h>
#include <string.h>

#define SET_BITS 10
#define WAYS     8

struct record {
	uint32_t address; /* 0: free */
	struct lockout lockout;
};

struct lockout_table {
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
	return calloc(1, sizeof(struct lockout_table));
}

void
lockout_table_free(struct lockout_table *t)
{
	free(t);
}

static struct record *
set_of(struct lockout_table *t, uint32_t address)
{
	return t->sets[(address * 2654435761u) >>
		       (32 - SET_BITS)]; /* Knuth's multiplicative hash */
}

struct lockout *
lockout_table_find(struct lockout_table *t, uint32_t address)
{
	struct record *set = set_of(t, address);
	unsigned int i;

	for (i = 0; i < WAYS; i++)
		if (set[i].address == address && address)
			return &set[i].lockout;
	return NULL;
}

/* Whether a matters less than b: free, then not locked, then the older one. */
static bool
lesser(const struct record *a, const struct record *b, uint64_t now_ms)
{
	bool a_locked = lockout_active(&a->lockout, now_ms);
	bool b_locked = lockout_active(&b->lockout, now_ms);

	if (!a->address || !b->address)
		return !a->address && b->address;
	if (a_locked != b_locked)
		return b_locked;
	return a->lockout.last_ms < b->lockout.last_ms;
}

struct lockout *
lockout_table_get(struct lockout_table *t, uint32_t address, uint64_t now_ms)
{
	struct lockout *found = lockout_table_find(t, address);
	struct record *set = set_of(t, address), *least = set;
	unsigned int i;

	if (found)
		return found;
	for (i = 1; i < WAYS; i++)
		if (lesser(&set[i], least, now_ms))
			least = &set[i];
	*least = (struct record){.address = address};
	return &least->lockout;
}
