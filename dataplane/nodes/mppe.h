/* SPDX-License-Identifier: BSD-3-Clause */
/* Which lines of a session's MPPE state a packet needs. */
#ifndef ADIT_DATAPLANE_NODES_MPPE_H
#define ADIT_DATAPLANE_NODES_MPPE_H

#include "crypto/mppe.h"
#include "dataplane/nodes/node.h"

static __rte_always_inline void
mppe_request_lines(const void *state, size_t from, size_t to)
{
	for (size_t at = RTE_ALIGN_FLOOR(from, RTE_CACHE_LINE_SIZE); at < to;
		at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0((const uint8_t *)state + at);
}

/* Stateless packets have keys of their own and leave RC4's table alone. */
static inline void
mppe_request_rx(const struct session *s)
{
	size_t from = s->cfg.mppe_stateful & MPPE_STATEFUL_RX ? 0 : sizeof(struct rc4_state);

	mppe_request_lines(&s->mppe_rx, from, offsetof(struct mppe_rx, near.key));
}

static inline void
mppe_request_tx(const struct session *s)
{
	size_t from = s->cfg.mppe_stateful & MPPE_STATEFUL_TX ? 0 : sizeof(struct rc4_state);

	mppe_request_lines(&s->mppe_tx, from, sizeof(struct mppe_tx));
}

#endif
