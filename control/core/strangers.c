/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/strangers.h"

#include <stdlib.h>

struct stranger_address {
	LIST_ENTRY(stranger_address) in_bucket, in_addresses;
	struct stranger_list list;
	uint32_t address, n;
};

void
strangers_init(struct strangers *t)
{
	*t = (struct strangers){0};
	TAILQ_INIT(&t->all);
}

static unsigned int
bucket_of(uint32_t address)
{
	return (address * 2654435761u) >> 22; /* 10 bits: STRANGERS_BUCKETS */
}

static struct stranger_address *
find(const struct strangers *t, uint32_t address)
{
	struct stranger_address *a;

	LIST_FOREACH (a, &t->buckets[bucket_of(address)], in_bucket)
		if (a->address == address)
			return a;
	return NULL;
}

bool
strangers_add(struct strangers *t, struct stranger *s, uint32_t address, uint64_t now_ms)
{
	struct stranger_address *a = find(t, address);

	if (a == NULL) {
		a = calloc(1, sizeof(*a));
		if (a == NULL)
			return false;
		a->address = address;
		TAILQ_INIT(&a->list);
		LIST_INSERT_HEAD(&t->buckets[bucket_of(address)], a, in_bucket);
		LIST_INSERT_HEAD(&t->addresses, a, in_addresses);
	}
	s->of = a;
	s->since = now_ms;
	TAILQ_INSERT_TAIL(&a->list, s, in_address);
	TAILQ_INSERT_TAIL(&t->all, s, in_all);
	a->n++;
	t->n++;
	return true;
}

void
strangers_remove(struct strangers *t, struct stranger *s)
{
	struct stranger_address *a = s->of;

	if (a == NULL)
		return;
	TAILQ_REMOVE(&a->list, s, in_address);
	TAILQ_REMOVE(&t->all, s, in_all);
	s->of = NULL;
	t->n--;
	if (--a->n > 0)
		return;
	LIST_REMOVE(a, in_bucket);
	LIST_REMOVE(a, in_addresses);
	free(a);
}

static struct stranger *
tired(const struct stranger_list *list, uint64_t now_ms)
{
	struct stranger *s = TAILQ_FIRST(list);

	return s != NULL && now_ms - s->since >= STRANGERS_GRACE_MS ? s : NULL;
}

/* The oldest of the address that holds most, if that is more than the newcomer's would have. */
static struct stranger *
heaviest(const struct strangers *t, uint32_t than)
{
	const struct stranger_address *a, *most = NULL;

	LIST_FOREACH (a, &t->addresses, in_addresses)
		if (a->n > than && (most == NULL || a->n > most->n))
			most = a;
	return most != NULL ? TAILQ_FIRST(&most->list) : NULL;
}

bool
strangers_admit(const struct strangers *t, const struct stranger_shares *shares, uint32_t left,
	uint32_t address, uint64_t now_ms, struct stranger **out)
{
	const struct stranger_address *own = find(t, address);
	uint32_t n = own != NULL ? own->n : 0;
	uint64_t all_max = (uint64_t)left * shares->all / 100;
	uint64_t own_max = (uint64_t)left * shares->address / 100;

	*out = NULL;
	if (left == 0)
		return false;
	if (own != NULL && n >= own_max)
		*out = tired(&own->list, now_ms);
	if (*out == NULL && t->n >= all_max)
		*out = tired(&t->all, now_ms);
	if (*out != NULL || t->n < left)
		return true;
	*out = heaviest(t, n + 1);
	return *out != NULL;
}
