/* SPDX-License-Identifier: BSD-3-Clause */
/* Acknowledgements that no packet to the client carries in time. */
#include <errno.h>

#include <rte_malloc.h>

#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"
#include "dataplane/nodes/gre.h"

/* A queue of sessions in the order of their deadlines, which all lie ACK_DELAY_US ahead.  Each
 * session is in it at most once (up.ack_queued), and a slot's next owner at most once more, so it
 * can't overflow twice the table; a full one acknowledges late. */
struct ack_entry {
	uint32_t handle;
	uint32_t deadline_us; /* low half of worker.now_us */
};
static struct ack_queue {
	struct ack_entry *entries;
	uint32_t mask, head, tail;
} __rte_cache_aligned queues[SEGMENT_MAX_WORKERS];

int
ack_init(struct worker *w, uint32_t max_sessions)
{
	struct ack_queue *q = &queues[w->index];
	uint32_t size = rte_align32pow2(2 * max_sessions);

	q->entries = rte_zmalloc("ack_queue", size * sizeof(*q->entries), RTE_CACHE_LINE_SIZE);
	q->mask = size - 1;
	q->head = q->tail = 0;
	return q->entries ? 0 : -ENOMEM;
}

void
ack_free(struct worker *w)
{
	rte_free(queues[w->index].entries); /* not per packet: the graph is gone */
	queues[w->index].entries = NULL;
}

void
ack_owe(struct worker *w, struct session *s)
{
	struct ack_queue *q = &queues[w->index];

	if (s->up.ack_due < UINT8_MAX)
		s->up.ack_due++;
	if (s->up.ack_queued || q->head - q->tail > q->mask)
		return;
	s->up.ack_queued = 1;
	q->entries[q->head++ & q->mask] = (struct ack_entry){
		.handle = session_handle_of(s),
		.deadline_us = (uint32_t)w->now_us + ACK_DELAY_US,
	};
}

struct rte_mbuf *
ack_make(struct worker *w, struct session *s)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->mbuf_pool);
	if (m == NULL)
		return NULL;
	struct pkt_meta *meta = pkt_meta(m);
	meta->session = s;
	meta->handle = session_handle_of(s);
	meta->flags = PKT_ACK_ONLY;
	return m;
}

unsigned int
ack_due(struct worker *w, struct rte_mbuf **out, unsigned int n)
{
	struct ack_queue *q = &queues[w->index];
	unsigned int made = 0;

	while (made < n && q->tail != q->head) {
		const struct ack_entry *e = &q->entries[q->tail & q->mask];
		if ((int32_t)((uint32_t)w->now_us - e->deadline_us) < 0)
			break;
		q->tail++;
		struct session *s = &sessions.slots[SESSION_SLOT(e->handle)];
		if (!worker_owns_session(w, s, e->handle))
			continue;
		s->up.ack_queued = 0;
		if (s->up.ack_due > 0 && (out[made] = ack_make(w, s)) != NULL)
			made++;
	}
	return made;
}
