/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Staged removal of what workers may still be looking at: unpublished, then here until every worker
 * has passed a quiescent state, then wiped, freed and acknowledged.  Main lcore.
 */
#ifndef ADIT_DATAPLANE_CLOSING_H
#define ADIT_DATAPLANE_CLOSING_H

#include <stdint.h>

#include <rte_rcu_qsbr.h>

/* Part of what is removed; its owner finds itself by container_of(). */
struct closing {
	struct closing *next;
	uint64_t rcu_token;
	uint64_t cookie;
	uint32_t handle; /* as it was */
};

/* In the order of removal, which is the order in which workers let go. */
struct closing_list {
	struct closing *first, *last;
};

static inline void
closing_add(struct closing_list *list, struct closing *c, struct rte_rcu_qsbr *rcu, uint32_t handle,
	uint64_t cookie)
{
	c->handle = handle;
	c->cookie = cookie;
	c->rcu_token = rte_rcu_qsbr_start(rcu);
	c->next = NULL;
	if (list->first)
		list->last->next = c;
	else
		list->first = c;
	list->last = c;
}

/* Take one that nobody holds any more off the list; NULL: none (yet). */
static inline struct closing *
closing_take(struct closing_list *list, struct rte_rcu_qsbr *rcu)
{
	struct closing *c = list->first;
	if (!c || rte_rcu_qsbr_check(rcu, c->rcu_token, false) != 1)
		return NULL;
	list->first = c->next;
	return c;
}

#endif
