/* SPDX-License-Identifier: BSD-3-Clause */
/* The server's timers: a binary heap of tunnels, the earliest first. */
#include <limits.h>
#include <stdlib.h>

#include "control/l2tp/tunnel.h"

static void
place(struct l2tp_server *s, unsigned int i, struct l2tp_tunnel *t)
{
	s->heap[i] = t;
	t->slot = i;
}

static void
sift_up(struct l2tp_server *s, unsigned int i, struct l2tp_tunnel *t)
{
	for (; i > 0 && s->heap[(i - 1) / 2]->due > t->due; i = (i - 1) / 2)
		place(s, i, s->heap[(i - 1) / 2]);
	place(s, i, t);
}

static void
sift_down(struct l2tp_server *s, unsigned int i, struct l2tp_tunnel *t)
{
	for (;;) {
		unsigned int child = 2 * i + 1;

		if (child + 1 < s->n_heap && s->heap[child + 1]->due < s->heap[child]->due)
			child++;
		if (child >= s->n_heap || s->heap[child]->due >= t->due)
			break;
		place(s, i, s->heap[child]);
		i = child;
	}
	place(s, i, t);
}

static void
move(struct l2tp_server *s, unsigned int i, struct l2tp_tunnel *t)
{
	if (i > 0 && s->heap[(i - 1) / 2]->due > t->due)
		sift_up(s, i, t);
	else
		sift_down(s, i, t);
}

bool
l2tp_timers_room(struct l2tp_server *s)
{
	unsigned int size = s->heap_size ? 2 * s->heap_size : 64;
	struct l2tp_tunnel **heap;

	if (s->n_all < s->heap_size)
		return true;
	heap = realloc(s->heap, size * sizeof(*heap));
	if (!heap)
		return false;
	s->heap = heap;
	s->heap_size = size;
	return true;
}

void
l2tp_timers_set(struct l2tp_server *s, struct l2tp_tunnel *t, uint64_t due)
{
	if (t->slot == UINT_MAX) {
		if (due == L2TP_NEVER)
			return;
		t->due = due;
		sift_up(s, s->n_heap++, t);
		return;
	}
	if (due == t->due)
		return;
	t->due = due;
	if (due != L2TP_NEVER) {
		move(s, t->slot, t);
		return;
	}
	unsigned int i = t->slot;
	struct l2tp_tunnel *last = s->heap[--s->n_heap];
	t->slot = UINT_MAX;
	if (last != t)
		move(s, i, last);
}
