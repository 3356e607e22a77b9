/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/index.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <rte_common.h>
#include <rte_malloc.h>

#define LOOK_MAX 64 /* slots that another lcore looks at */

uint64_t index_visits;

int
index_init(struct index *ix, uint32_t slots)
{
	unsigned int bits = 4;

	memset(ix, 0, sizeof(*ix));
	while (bits < 32 && 1u << bits < slots)
		bits++;
	ix->slots = slots;
	ix->shift = 64 - bits;
	if (getrandom(&ix->factor, sizeof(ix->factor), 0) != (ssize_t)sizeof(ix->factor))
		return -EIO;
	ix->factor |= 1;
	ix->head = rte_zmalloc("index", sizeof(*ix->head) << bits, RTE_CACHE_LINE_SIZE);
	ix->entry =
		rte_zmalloc("index", RTE_MAX(slots, 1u) * sizeof(*ix->entry), RTE_CACHE_LINE_SIZE);
	return ix->head && ix->entry ? 0 : -ENOMEM;
}

void
index_free(struct index *ix)
{
	rte_free(ix->head);
	rte_free(ix->entry);
	memset(ix, 0, sizeof(*ix));
}

static uint64_t
key_of(const struct index *ix, uint32_t slot)
{
	return atomic_load_explicit(&ix->entry[slot].key, memory_order_relaxed);
}

/* Multiply-shift of both halves, folded. */
static _Atomic uint32_t *
chain(const struct index *ix, uint64_t key)
{
	uint64_t x = key * ix->factor;

	x = (x ^ x >> 32) * ix->factor;
	return &ix->head[x >> ix->shift];
}

static void
take_out(struct index *ix, uint32_t slot)
{
	struct index_entry *e = &ix->entry[slot];
	uint32_t next = atomic_load_explicit(&e->next, memory_order_relaxed);
	_Atomic uint32_t *at = e->prev ? &ix->entry[e->prev - 1].next : chain(ix, key_of(ix, slot));

	atomic_store_explicit(at, next, memory_order_release);
	if (next)
		ix->entry[next - 1].prev = e->prev;
	/* e->next stays: who looks at this slot now goes on. */
	atomic_store_explicit(&e->key, 0, memory_order_relaxed);
}

void
index_put(struct index *ix, uint32_t slot, uint64_t key)
{
	struct index_entry *e = &ix->entry[slot];
	_Atomic uint32_t *head = chain(ix, key);

	if (key_of(ix, slot) == key)
		return;
	if (key_of(ix, slot) != 0)
		take_out(ix, slot);
	if (key == 0)
		return;
	uint32_t first = atomic_load_explicit(head, memory_order_relaxed);
	e->prev = 0;
	atomic_store_explicit(&e->key, key, memory_order_relaxed);
	atomic_store_explicit(&e->next, first, memory_order_relaxed);
	if (first)
		ix->entry[first - 1].prev = slot + 1;
	/* Release: pairs with the acquire in index_has(). */
	atomic_store_explicit(head, slot + 1, memory_order_release);
}

/* From at (slot + 1) on. */
static uint32_t
same_key(const struct index *ix, uint32_t at, uint64_t key)
{
	for (; at; at = atomic_load_explicit(&ix->entry[at - 1].next, memory_order_relaxed)) {
		index_visits++;
		if (key_of(ix, at - 1) == key)
			return at - 1;
	}
	return INDEX_NONE;
}

uint32_t
index_first(const struct index *ix, uint64_t key)
{
	return same_key(ix, atomic_load_explicit(chain(ix, key), memory_order_relaxed), key);
}

uint32_t
index_after(const struct index *ix, uint32_t slot)
{
	uint32_t next = atomic_load_explicit(&ix->entry[slot].next, memory_order_relaxed);

	return same_key(ix, next, key_of(ix, slot));
}

bool
index_has(const struct index *ix, uint64_t key)
{
	if (ix->slots == 0)
		return false;
	uint32_t at = atomic_load_explicit(chain(ix, key), memory_order_acquire);

	for (unsigned int n = 0; at && n < LOOK_MAX; n++) {
		if (key_of(ix, at - 1) == key)
			return true;
		at = atomic_load_explicit(&ix->entry[at - 1].next, memory_order_acquire);
	}
	return false;
}
