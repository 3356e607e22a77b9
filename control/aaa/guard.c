/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/aaa/lockout.h"

struct guard {
	struct users *users; /* each with a record of its own */
	struct lockout_table *pairs, *addresses;
};

struct guard *
guard_new(struct users *users)
{
	struct guard *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->users = users;
	g->pairs = lockout_table_new();
	g->addresses = lockout_table_new();
	if (g->pairs && g->addresses)
		return g;
	guard_free(g);
	return NULL;
}

void
guard_free(struct guard *g)
{
	if (!g)
		return;
	lockout_table_free(g->pairs);
	lockout_table_free(g->addresses);
	free(g);
}

bool
guard_known(const struct guard *g, const struct user *user, uint32_t address)
{
	const struct user_record *r = users_record(g->users, user);

	for (unsigned int i = 0; i < USER_ADDRESSES; i++)
		if (r->addresses[i] == address)
			return true;
	return false;
}

bool
guard_locked(struct guard *g, const struct guard_limits *limits, const struct user *user,
	uint32_t address, uint64_t now_ms)
{
	const struct lockout *here = lockout_table_find(g->pairs, address, user);

	if (!user)
		return false;
	if (limits->pair && here && lockout_active(here, now_ms))
		return true;
	return limits->user && lockout_active(&users_record(g->users, user)->lockout, now_ms) &&
	       !guard_known(g, user, address);
}

bool
guard_slow(struct guard *g, const struct guard_limits *limits, uint32_t address, uint64_t now_ms)
{
	const struct lockout *l = lockout_table_find(g->addresses, address, NULL);

	return limits->address && l && lockout_active(l, now_ms);
}

static void
count(struct lockout_table *t, unsigned int limit, uint32_t ms, const struct user *user,
	uint32_t address, uint64_t now_ms)
{
	if (limit)
		lockout_failure(lockout_table_get(t, address, user, ms, now_ms), limit, ms, now_ms);
}

void
guard_failed(struct guard *g, const struct guard_limits *limits, const struct user *user,
	uint32_t address, uint64_t now_ms)
{
	count(g->addresses, limits->address, limits->ms, NULL, address, now_ms);
	if (!user)
		return;
	count(g->pairs, limits->pair, limits->ms, user, address, now_ms);
	/* A device of his with an old password does not lock him out elsewhere. */
	if (!guard_known(g, user, address))
		lockout_failure(
			&users_record(g->users, user)->lockout, limits->user, limits->ms, now_ms);
}

void
guard_passed(struct guard *g, const struct user *user, uint32_t address)
{
	struct lockout *here = lockout_table_find(g->pairs, address, user);
	struct user_record *r = users_record(g->users, user);
	unsigned int i = 0;

	if (here)
		*here = (struct lockout){0};
	while (i < USER_ADDRESSES - 1 && r->addresses[i] != address)
		i++;
	memmove(&r->addresses[1], &r->addresses[0], i * sizeof(r->addresses[0]));
	r->addresses[0] = address;
}

/* ------------------------------------------------------------------ for operators */

struct list {
	struct guard *g;
	uint64_t now_ms;
	void (*each)(void *arg, const struct guard_lockout *l);
	void *arg;
};

static void
list_one(void *arg, uint32_t address, const struct user *user, struct lockout *l)
{
	const struct list *list = arg;

	if (lockout_active(l, list->now_ms))
		list->each(list->arg, &(struct guard_lockout){user ? user->name : NULL, address,
					      l->until_ms - list->now_ms});
}

static void
list_user(void *arg, const struct user *user)
{
	const struct list *list = arg;

	list_one(arg, 0, user, &users_record(list->g->users, user)->lockout);
}

void
guard_list(struct guard *g, uint64_t now_ms, void (*each)(void *arg, const struct guard_lockout *l),
	void *arg)
{
	struct list list = {g, now_ms, each, arg};

	lockout_table_each(g->addresses, list_one, &list);
	users_each(g->users, list_user, &list);
	lockout_table_each(g->pairs, list_one, &list);
}

struct unlock {
	struct guard *g;
	const struct user *user; /* NULL: any */
	uint32_t address;        /* 0: any */
	uint64_t now_ms;
	int ended;
};

static void
unlock_one(void *arg, uint32_t address, const struct user *user, struct lockout *l)
{
	struct unlock *u = arg;

	if ((u->user && u->user != user) || (u->address && u->address != address))
		return;
	u->ended += lockout_active(l, u->now_ms);
	*l = (struct lockout){0};
}

static void
unlock_user(void *arg, const struct user *user)
{
	const struct unlock *u = arg;

	unlock_one(arg, 0, user, &users_record(u->g->users, user)->lockout);
}

int
guard_unlock(struct guard *g, const char *user, uint32_t address, uint64_t now_ms)
{
	struct unlock u = {.g = g, .address = address, .now_ms = now_ms};

	if (user && !(u.user = users_find(g->users, user)))
		return -ENOENT;
	lockout_table_each(g->pairs, unlock_one, &u);
	if (!user)
		lockout_table_each(g->addresses, unlock_one, &u);
	if (address)
		return u.ended;
	if (user)
		unlock_user(&u, u.user);
	else
		users_each(g->users, unlock_user, &u);
	return u.ended;
}

static void
forget_gone(void *arg, uint32_t address, const struct user *user, struct lockout *l)
{
	const struct guard *g = arg;

	(void)address;
	/* What was forgotten already may be of somebody who is gone for longer. */
	if (user && (l->failures || l->last_ms || l->until_ms) &&
		users_find(g->users, user->name) != user)
		*l = (struct lockout){0};
}

void
guard_forget_gone(struct guard *g)
{
	lockout_table_each(g->pairs, forget_gone, g);
}
