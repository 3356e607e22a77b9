/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table.h"

#include <stdlib.h>
#include <string.h>

/* By SPI alone: ours are unique, theirs are random. */
#define BUCKETS 16384u

struct table {
	uint64_t last_serial;
	struct sa *bucket[BUCKETS];
};

static struct sa **
bucket_of(struct table *t, uint32_t spi)
{
	return &t->bucket[(spi ^ spi >> 14 ^ spi >> 20) % BUCKETS];
}

struct table *
table_create(void)
{
	return calloc(1, sizeof(struct table));
}

void
table_destroy(struct table *t)
{
	for (unsigned int i = 0; t && i < BUCKETS; i++)
		while (t->bucket[i])
			table_remove(t, t->bucket[i]);
	free(t);
}

void
table_add(struct table *t, struct sa *sa)
{
	struct sa **head = bucket_of(t, sa->spi);
	sa->serial = ++t->last_serial;
	sa->next = *head;
	*head = sa;
}

struct sa *
table_find(struct table *t, uint32_t spi, host_t *dst)
{
	struct sa *near = NULL;
	for (struct sa *sa = *bucket_of(t, spi); sa; sa = sa->next) {
		if (sa->spi != spi || !sa->dst->ip_equals(sa->dst, dst))
			continue;
		if (sa->dst->get_port(sa->dst) == dst->get_port(dst))
			return sa;
		near = sa;
	}
	return near;
}

struct sa *
table_by_serial(struct table *t, uint32_t spi, uint64_t serial)
{
	struct sa *sa = *bucket_of(t, spi);
	while (sa && sa->serial != serial)
		sa = sa->next;
	return sa;
}

struct sa *
table_of_pair(struct table *t, uint32_t pair, bool inbound)
{
	for (unsigned int i = 0; i < BUCKETS; i++) {
		struct sa *sa = inbound ? *bucket_of(t, pair) : t->bucket[i];
		for (; sa; sa = sa->next)
			if (sa->pair == pair && sa->inbound == inbound)
				return sa;
		if (inbound)
			break;
	}
	return NULL;
}

void
table_remove(struct table *t, struct sa *sa)
{
	struct sa **at = bucket_of(t, sa->spi);
	while (*at != sa)
		at = &(*at)->next;
	*at = sa->next;
	sa->dst->destroy(sa->dst);
	free(sa);
}

void
table_each(struct table *t, void (*each)(void *arg, struct sa *sa), void *arg)
{
	for (unsigned int i = 0; i < BUCKETS; i++)
		for (struct sa *sa = t->bucket[i]; sa; sa = sa->next)
			each(arg, sa);
}

struct sa *
table_single(struct table *t, const struct ike_outer *outer, uint32_t reqid)
{
	struct sa *best = NULL;
	for (unsigned int i = 0; i < BUCKETS; i++)
		for (struct sa *sa = t->bucket[i]; sa; sa = sa->next)
			if (sa->inbound && sa->installed && sa->reqid == reqid &&
				memcmp(&sa->outer, outer, sizeof(*outer)) == 0 &&
				(!best || sa->serial > best->serial) &&
				!table_of_pair(t, sa->pair, false))
				best = sa;
	return best;
}
