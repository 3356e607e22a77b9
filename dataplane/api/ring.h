/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A single-producer single-consumer ring of fixed-size elements between two processes that do not
 * trust each other.
 *
 * Why not rte_ring: it keeps its size, mask and both sides' private indexes in the ring itself, so
 * a hostile or corrupted peer can make the other side read or write outside of the segment (T21;
 * docs/adr/0002).  Here the geometry is private to each process, the shared part is two counters,
 * and whatever they say, at most `capacity` elements inside of the ring are touched.
 *
 * Calling context: one thread per side.  Neither call blocks, allocates or makes a system call.
 */
#ifndef ADIT_DATAPLANE_API_RING_H
#define ADIT_DATAPLANE_API_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The shared part, in the segment, followed by the elements at RING_ELEMS_OFFSET. */
struct ring_shared {
	_Alignas(64) _Atomic uint32_t head; /* free-running; written by the producer */
	_Alignas(64) _Atomic uint32_t tail; /* free-running; written by the consumer */
	_Alignas(64) uint8_t elems[];
};

#define RING_BYTES(capacity, elem_size) \
	(sizeof(struct ring_shared) + (size_t)(capacity) * (elem_size))

/* One process's private view. */
struct ring {
	struct ring_shared *shared;
	uint32_t mask;      /* capacity - 1; capacity is a power of two */
	uint32_t elem_size; /* octets, a multiple of 8 */
	_Atomic uint32_t
		pos; /* own counter: the peer can't move it.  Atomic for ring_republish() */
};

static inline uint32_t
ring_pos(const struct ring *r)
{
	return atomic_load_explicit(&r->pos, memory_order_relaxed);
}

/* pos is taken over from the segment, which lets a restarted process go on where its predecessor
 * stood. */
static inline void
ring_attach(struct ring *r, void *shared, uint32_t capacity, uint32_t elem_size, bool producer)
{
	r->shared = shared;
	r->mask = capacity - 1;
	r->elem_size = elem_size;
	uint32_t pos = atomic_load_explicit(
		producer ? &r->shared->head : &r->shared->tail, memory_order_relaxed);
	atomic_store_explicit(&r->pos, pos, memory_order_relaxed);
}

/* The n-th element from our own counter on, 0 the first; within what ring_room() or ring_count()
 * said. */
static inline void *
ring_element(const struct ring *r, uint32_t n)
{
	return r->shared->elems + (size_t)((ring_pos(r) + n) & r->mask) * r->elem_size;
}

/* Where the next element goes, or NULL when the ring is full (or its counters are corrupt). */
static inline void *
ring_produce(struct ring *r)
{
	/* Acquire: pairs with the release in ring_consumed(), so the element was read before it is
	 * overwritten. */
	uint32_t tail = atomic_load_explicit(&r->shared->tail, memory_order_acquire);
	return ring_pos(r) - tail > r->mask ? NULL : ring_element(r, 0);
}

/* Producer: how many elements there is room for, 0 to the capacity. */
static inline uint32_t
ring_room(const struct ring *r)
{
	/* Acquire: as in ring_produce(). */
	uint32_t used = ring_pos(r) - atomic_load_explicit(&r->shared->tail, memory_order_acquire);
	return used > r->mask ? 0 : r->mask + 1 - used;
}

/* Publish n elements at once: the consumer sees all of them, or none. */
static inline void
ring_produced_many(struct ring *r, uint32_t n)
{
	uint32_t pos = ring_pos(r) + n;
	/* Release: pairs with the acquire in ring_republish(). */
	atomic_store_explicit(&r->pos, pos, memory_order_release);
	/* Release: pairs with the acquire in ring_count(). */
	atomic_store_explicit(&r->shared->head, pos, memory_order_release);
}

/* Publish the element that ring_produce() gave. */
static inline void
ring_produced(struct ring *r)
{
	ring_produced_many(r, 1);
}

/* Consumer: discard what is in the ring.  For a new control process, whose predecessor may have
 * left anything behind. */
static inline void
ring_skip(struct ring *r)
{
	uint32_t pos = atomic_load_explicit(&r->shared->head, memory_order_acquire);
	atomic_store_explicit(&r->pos, pos, memory_order_relaxed);
	/* Release: pairs with the acquire in ring_produce(). */
	atomic_store_explicit(&r->shared->tail, pos, memory_order_release);
}

/* Say again where the producer is, whatever the other side wrote there.  Any thread of the
 * producer's process: what is published meanwhile is not taken back. */
static inline void
ring_republish(struct ring *r)
{
	uint32_t head = atomic_load_explicit(&r->shared->head, memory_order_relaxed), pos;
	do {
		/* Acquire: pairs with the release in ring_produced(). */
		pos = atomic_load_explicit(&r->pos, memory_order_acquire);
		atomic_compare_exchange_strong(&r->shared->head, &head, pos);
	} while (atomic_load(&r->pos) != pos);
}

/* Consumer: how many elements there are, 0 to the capacity. */
static inline uint32_t
ring_count(struct ring *r)
{
	/* Acquire: pairs with the release in ring_produced_many(). */
	uint32_t head = atomic_load_explicit(&r->shared->head, memory_order_acquire);
	uint32_t n = head - ring_pos(r);
	if (n <= r->mask + 1)
		return n;
	ring_skip(r); /* corrupt: begin anew rather than wait for ever */
	return 0;
}

/* The oldest element, or NULL when there is none.  The peer may still change it: copy it out before
 * any check. */
static inline const void *
ring_consume(struct ring *r)
{
	return ring_count(r) ? ring_element(r, 0) : NULL;
}

/* Give n elements back, the oldest ones. */
static inline void
ring_consumed_many(struct ring *r, uint32_t n)
{
	uint32_t pos = ring_pos(r) + n;
	atomic_store_explicit(&r->pos, pos, memory_order_relaxed);
	/* Release: pairs with the acquire in ring_produce(). */
	atomic_store_explicit(&r->shared->tail, pos, memory_order_release);
}

/* Give the element of ring_consume() back. */
static inline void
ring_consumed(struct ring *r)
{
	ring_consumed_many(r, 1);
}

#endif
