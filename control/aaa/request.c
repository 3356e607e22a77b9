/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/request.h"

#include <stdlib.h>

#define FIRST_ENTRIES 64
#define NONE          UINT32_MAX

enum state { UNUSED, ASKED, BETWEEN_ROUNDS };

struct entry {
	const struct aaa_provider *provider;
	void *self;
	struct aaa_asker asker;
	struct aaa_asked asked;
	uint32_t generation; /* never 0: nor is an id */
	uint32_t next_free;
	uint16_t round;
	uint8_t state;
};

struct requests {
	struct entry *entries;
	uint32_t n, first_free;
	struct aaa_counts counts;
};

struct requests *
requests_new(void)
{
	struct requests *r = calloc(1, sizeof(*r));

	if (r)
		r->first_free = NONE;
	return r;
}

void
requests_free(struct requests *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->entries[i].state != UNUSED)
			requests_cancel(r, r->entries[i].asker.id);
	free(r->entries);
	free(r);
}

void
requests_counts(const struct requests *r, struct aaa_counts *out)
{
	*out = r->counts;
}

/* ------------------------------------------------------------------ entries */

static bool
grow(struct requests *r)
{
	uint32_t n = r->n ? 2 * r->n : FIRST_ENTRIES;
	struct entry *entries = reallocarray(r->entries, n, sizeof(*entries));

	if (!entries)
		return false;
	for (uint32_t i = n; i-- > r->n;) {
		entries[i] = (struct entry){.generation = 1, .next_free = r->first_free};
		r->first_free = i;
	}
	r->entries = entries;
	r->n = n;
	return true;
}

static uint64_t
id_of(const struct requests *r, const struct entry *e)
{
	return (uint64_t)e->generation << 32 | (uint64_t)(e - r->entries);
}

static struct entry *
find(const struct requests *r, uint64_t id)
{
	uint32_t i = (uint32_t)id;

	if (i >= r->n || r->entries[i].state == UNUSED || r->entries[i].generation != id >> 32)
		return NULL;
	return &r->entries[i];
}

static struct entry *
take(struct requests *r)
{
	struct entry *e;

	if (r->first_free == NONE && !grow(r))
		return NULL;
	e = &r->entries[r->first_free];
	r->first_free = e->next_free;
	e->round = 0;
	if (++r->counts.open > r->counts.most)
		r->counts.most = r->counts.open;
	return e;
}

static void
give_back(struct requests *r, struct entry *e)
{
	*e->asker.id = 0;
	e->state = UNUSED;
	if (++e->generation == 0)
		e->generation = 1;
	e->next_free = r->first_free;
	r->first_free = (uint32_t)(e - r->entries);
	r->counts.open--;
}

/* ------------------------------------------------------------------ a request's life */

bool
requests_ask(struct requests *r, const struct aaa_provider *p, void *self,
	const struct aaa_asker *asker, struct aaa_question *q, uint64_t now_ms)
{
	struct entry *e = *asker->id ? find(r, *asker->id) : take(r);

	if (!e || e->state == ASKED) {
		requests_cancel(r, asker->id);
		return false;
	}
	if (e->state == UNUSED) {
		e->provider = p;
		e->self = self;
	}
	e->state = ASKED;
	e->asker = *asker;
	e->asked = (struct aaa_asked){q->cred->method, q->link->encrypted};
	q->round = e->round++;
	*asker->id = id_of(r, e);
	r->counts.asked++;
	e->provider->ask(e->self, *asker->id, q, now_ms);
	return true;
}

bool
requests_awaits(struct requests *r, uint64_t id, struct aaa_asked *out)
{
	const struct entry *e = find(r, id);

	if (!e || e->state != ASKED) {
		r->counts.stale++;
		return false;
	}
	*out = e->asked;
	return true;
}

void
requests_answer(struct requests *r, uint64_t id, const struct aaa_verdict *v)
{
	struct entry *e = find(r, id);
	struct aaa_asker asker = e->asker;

	if (v->outcome == AAA_CONTINUE) {
		r->counts.continued++;
		e->state = BETWEEN_ROUNDS;
	} else {
		r->counts.accepted += v->outcome == AAA_ACCEPT;
		r->counts.refused += v->outcome == AAA_REFUSE;
		give_back(r, e);
	}
	asker.told(asker.user, v);
}

static void
drop(struct requests *r, struct entry *e)
{
	const struct aaa_provider *p = e->provider;
	uint64_t id = id_of(r, e);
	void *self = e->self;

	give_back(r, e);
	p->cancel(self, id);
}

void
requests_cancel(struct requests *r, uint64_t *id)
{
	struct entry *e = find(r, *id);

	*id = 0;
	if (!e)
		return;
	r->counts.cancelled++;
	drop(r, e);
}

uint64_t
requests_due(const struct requests *r, uint64_t id)
{
	const struct entry *e = find(r, id);

	return e && e->state == ASKED ? e->asker.due : UINT64_MAX;
}

void
requests_timer(struct requests *r, uint64_t id, uint64_t now_ms)
{
	struct entry *e = find(r, id);
	struct aaa_asker asker;

	if (!e || e->state != ASKED || now_ms < e->asker.due)
		return;
	asker = e->asker;
	r->counts.expired++;
	drop(r, e);
	asker.told(asker.user, &(struct aaa_verdict){.refusal = REFUSAL_DECISION_TIMEOUT});
}
