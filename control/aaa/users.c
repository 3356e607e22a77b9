/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_OCTETS 255
#define FIRST_BUCKETS   64

struct entry {
	struct user user; /* first: users_find() gives its address */
	struct user_record record;
	struct entry *next, *next_by_address;
};

struct users {
	struct entry **buckets, **by_address; /* both [n_buckets]; the latter by static_ip */
	size_t n_buckets;                     /* a power of 2 */
	unsigned int count;
};

static size_t
bucket_of(const char *name, size_t n_buckets)
{
	return user_name_hash(name) & (n_buckets - 1);
}

static size_t
bucket_of_address(uint32_t address, size_t n_buckets)
{
	return (address * 11400714819323198485u >> 32) & (n_buckets - 1); /* Fibonacci hashing */
}

struct users *
users_new(void)
{
	struct users *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->n_buckets = FIRST_BUCKETS;
	u->buckets = calloc(u->n_buckets, sizeof(*u->buckets));
	u->by_address = calloc(u->n_buckets, sizeof(*u->by_address));
	if (!u->buckets || !u->by_address) {
		users_free(u);
		return NULL;
	}
	return u;
}

static void
entry_free(struct entry *e)
{
	if (e->user.password)
		explicit_bzero(e->user.password, strlen(e->user.password));
	free(e->user.password);
	free(e->user.name);
	free(e);
}

void
users_free(struct users *u)
{
	size_t i;

	if (!u)
		return;
	for (i = 0; u->buckets && i < u->n_buckets; i++) {
		struct entry *e;

		while ((e = u->buckets[i])) {
			u->buckets[i] = e->next;
			entry_free(e);
		}
	}
	free(u->by_address);
	free(u->buckets);
	free(u);
}

static struct entry *
find(const struct users *u, const char *name)
{
	struct entry *e = u->buckets[bucket_of(name, u->n_buckets)];

	while (e && !user_name_same(e->user.name, name))
		e = e->next;
	return e;
}

static bool
valid_name(const char *name)
{
	const char *p;

	for (p = name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\')
			return false;
	return p != name && p - name <= NAME_MAX_OCTETS;
}

static void
insert(struct users *u, struct entry *e)
{
	struct entry **bucket = &u->buckets[bucket_of(e->user.name, u->n_buckets)];

	e->next = *bucket;
	*bucket = e;
	if (e->user.static_ip == 0)
		return;
	bucket = &u->by_address[bucket_of_address(e->user.static_ip, u->n_buckets)];
	e->next_by_address = *bucket;
	*bucket = e;
}

static void
grow(struct users *u)
{
	struct users old = *u;
	size_t n = 4 * u->n_buckets, i;
	struct entry **buckets = calloc(n, sizeof(*buckets));
	struct entry **by_address = calloc(n, sizeof(*by_address));

	if (!buckets || !by_address) { /* longer chains, still right */
		free(buckets);
		free(by_address);
		return;
	}
	u->buckets = buckets;
	u->by_address = by_address;
	u->n_buckets = n;
	for (i = 0; i < old.n_buckets; i++) {
		struct entry *e;

		while ((e = old.buckets[i])) {
			old.buckets[i] = e->next;
			insert(u, e);
		}
	}
	free(old.buckets);
	free(old.by_address);
}

int
users_add(struct users *u, const struct user *user)
{
	struct entry *e;

	if (!user->name || !valid_name(user->name) || !user->password || !*user->password)
		return -EINVAL;
	if (find(u, user->name))
		return -EEXIST;
	if (user->static_ip && users_find_address(u, user->static_ip))
		return -EADDRINUSE;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->user = *user;
	e->user.name = strdup(user->name);
	e->user.password = strdup(user->password);
	if (!e->user.name || !e->user.password) {
		entry_free(e);
		return -ENOMEM;
	}
	if (u->count >= 2 * u->n_buckets)
		grow(u);
	insert(u, e);
	u->count++;
	return 0;
}

const struct user *
users_find(const struct users *u, const char *name)
{
	struct entry *e = find(u, name);

	return e ? &e->user : NULL;
}

const struct user *
users_find_address(const struct users *u, uint32_t static_ip)
{
	const struct entry *e = u->by_address[bucket_of_address(static_ip, u->n_buckets)];

	while (e && e->user.static_ip != static_ip)
		e = e->next_by_address;
	return e ? &e->user : NULL;
}

unsigned int
users_count(const struct users *u)
{
	return u->count;
}

void
users_each(const struct users *u, void (*each)(void *arg, const struct user *user), void *arg)
{
	for (size_t i = 0; i < u->n_buckets; i++)
		for (const struct entry *e = u->buckets[i]; e; e = e->next)
			each(arg, &e->user);
}

struct user_record *
users_record(const struct users *u, const struct user *user)
{
	return &find(u, user->name)->record;
}

/* --- Another list --------------------------------------------------------------- */

static bool
same_user(const struct user *a, const struct user *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->password, b->password) == 0 &&
	       a->dialin == b->dialin && a->static_ip == b->static_ip && a->auth == b->auth &&
	       a->mppe_policy == b->mppe_policy && a->mppe_mode == b->mppe_mode &&
	       a->mppe_strengths == b->mppe_strengths;
}

static void
take_out(struct users *u, struct entry *e)
{
	struct entry **at = &u->buckets[bucket_of(e->user.name, u->n_buckets)];

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	u->count--;
	if (e->user.static_ip == 0)
		return;
	at = &u->by_address[bucket_of_address(e->user.static_ip, u->n_buckets)];
	while (*at != e)
		at = &(*at)->next_by_address;
	*at = e->next_by_address;
}

/* The old object in the new one's place, which goes. */
static void
stay(struct users *next, struct entry *old, struct entry *new)
{
	struct user had = old->user;

	take_out(next, new);
	old->user = new->user;
	new->user = had;
	insert(next, old);
	next->count++;
	entry_free(new);
}

void
users_replace(struct users *u, struct users *next,
	void (*each)(void *arg, const struct user *was, const struct user *is), void *arg)
{
	struct users had;

	for (size_t i = 0; i < next->n_buckets; i++)
		for (const struct entry *e = next->buckets[i]; e; e = e->next)
			if (!find(u, e->user.name))
				each(arg, NULL, &e->user);
	for (size_t i = 0; i < u->n_buckets; i++) {
		struct entry *e, *after;

		for (e = u->buckets[i]; e; e = after) {
			struct entry *new = find(next, e->user.name);
			after = e->next;
			if (!new) {
				each(arg, &e->user, NULL);
				continue;
			}
			if (!same_user(&e->user, &new->user))
				each(arg, &e->user, &new->user);
			take_out(u, e);
			e->next_by_address = NULL;
			stay(next, e, new);
		}
	}
	had = *u;
	*u = *next;
	*next = had;
}
