/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/users.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "control/aaa/lockout.h"

#define NAME_MAX_OCTETS 255
#define FIRST_BUCKETS   64

struct entry {
	struct user user; /* first: users_find() gives its address */
	struct lockout lockout;
	struct entry *next;
};

struct users {
	struct entry **buckets;
	size_t n_buckets; /* a power of 2 */
	unsigned int count;
};

/* ASCII only, and in no locale: what a name equals must not depend on the environment. */
static unsigned char
fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool
same_name(const char *a, const char *b)
{
	while (*a && fold(*a) == fold(*b)) {
		a++;
		b++;
	}
	return fold(*a) == fold(*b);
}

/* FNV-1a.  Names come from the configuration, so nobody can choose colliding ones. */
static size_t
bucket_of(const char *name, size_t n_buckets)
{
	uint64_t h = 14695981039346656037u;

	for (; *name; name++)
		h = (h ^ fold(*name)) * 1099511628211u;
	return (h ^ h >> 32) & (n_buckets - 1);
}

const char *
user_name_without_domain(const char *name)
{
	const char *backslash = strchr(name, '\\');

	return backslash ? backslash + 1 : name;
}

void
user_name_printable(const char *name, char *out, size_t len)
{
	size_t n = 0;

	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;
		bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';

		if (n + (plain ? 1 : 4) + sizeof("...") > len) {
			memcpy(out + n, "...", 3);
			n += 3;
			break;
		}
		if (plain)
			out[n++] = (char)c;
		else
			n += (size_t)snprintf(out + n, len - n, "\\x%02x", c);
	}
	out[n] = '\0';
}

struct users *
users_new(void)
{
	struct users *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->n_buckets = FIRST_BUCKETS;
	u->buckets = calloc(u->n_buckets, sizeof(*u->buckets));
	if (!u->buckets) {
		free(u);
		return NULL;
	}
	return u;
}

static void
entry_free(struct entry *e)
{
	if (e->user.password)
		OPENSSL_cleanse(e->user.password, strlen(e->user.password));
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
	for (i = 0; i < u->n_buckets; i++) {
		struct entry *e;

		while ((e = u->buckets[i])) {
			u->buckets[i] = e->next;
			entry_free(e);
		}
	}
	free(u->buckets);
	free(u);
}

static struct entry *
find(const struct users *u, const char *name)
{
	struct entry *e = u->buckets[bucket_of(name, u->n_buckets)];

	while (e && !same_name(e->user.name, name))
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
grow(struct users *u)
{
	size_t n = 4 * u->n_buckets, i;
	struct entry **buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return; /* longer chains, still right */
	for (i = 0; i < u->n_buckets; i++) {
		struct entry *e;

		while ((e = u->buckets[i])) {
			size_t b = bucket_of(e->user.name, n);

			u->buckets[i] = e->next;
			e->next = buckets[b];
			buckets[b] = e;
		}
	}
	free(u->buckets);
	u->buckets = buckets;
	u->n_buckets = n;
}

int
users_add(struct users *u, const struct user *user)
{
	struct entry *e;
	size_t b;

	if (!user->name || !valid_name(user->name) || !user->password || !*user->password)
		return -EINVAL;
	if (find(u, user->name))
		return -EEXIST;
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
	b = bucket_of(e->user.name, u->n_buckets);
	e->next = u->buckets[b];
	u->buckets[b] = e;
	u->count++;
	return 0;
}

const struct user *
users_find(const struct users *u, const char *name)
{
	struct entry *e = find(u, user_name_without_domain(name));

	return e ? &e->user : NULL;
}

unsigned int
users_count(const struct users *u)
{
	return u->count;
}

struct lockout *
users_lockout(struct users *u, const struct user *user)
{
	struct entry *e = find(u, user->name);

	return e ? &e->lockout : NULL;
}
