/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_malloc.h>

#define PAGES 1024 /* networks of 16 bits that have sessions */

struct host_table hosts;

/* The writer's side of a group: in use, or given up and in a list, the oldest first. */
struct group {
	uint16_t used; /* addresses */
	uint16_t next; /* 0: the last */
	uint64_t rcu_token;
};
static struct group *state;
static struct rte_rcu_qsbr *readers;
static uint32_t n_pages, n_groups, max_groups;
static uint16_t left_first, left_last;

int
host_init(uint32_t max_sessions, struct rte_rcu_qsbr *rcu)
{
	max_groups = RTE_MIN(65536u, 1024 + max_sessions / 16);
	n_pages = n_groups = 1;
	left_first = left_last = 0;
	readers = rcu;
	memset(hosts.page, 0, sizeof(hosts.page));
	state = calloc(max_groups, sizeof(*state));
	hosts.pages = rte_zmalloc("hosts", PAGES * sizeof(*hosts.pages), RTE_CACHE_LINE_SIZE);
	hosts.groups =
		rte_zmalloc("hosts", max_groups * sizeof(*hosts.groups), RTE_CACHE_LINE_SIZE);
	return state && hosts.pages && hosts.groups ? 0 : -ENOMEM;
}

void
host_free(void)
{
	free(state);
	rte_free(hosts.pages);
	rte_free(hosts.groups);
	state = NULL;
	hosts.pages = NULL;
	hosts.groups = NULL;
}

/* An empty group, or 0. */
static uint16_t
take_group(void)
{
	uint16_t g = left_first;
	if (g && rte_rcu_qsbr_check(readers, state[g].rcu_token, false) == 1) {
		left_first = state[g].next;
		if (!left_first)
			left_last = 0;
		return g;
	}
	return n_groups < max_groups ? (uint16_t)n_groups++ : 0;
}

/* A worker may be looking into it. */
static void
leave_group(uint16_t g)
{
	state[g].rcu_token = rte_rcu_qsbr_start(readers);
	state[g].next = 0;
	if (left_last)
		state[left_last].next = g;
	else
		left_first = g;
	left_last = g;
}

static struct host_page *
get_page(uint32_t ip)
{
	uint16_t p = atomic_load_explicit(&hosts.page[ip >> 16], memory_order_relaxed);
	if (p == 0 && n_pages < PAGES) {
		p = (uint16_t)n_pages++;
		/* Release: pairs with host_lookup()'s acquire. */
		atomic_store_explicit(&hosts.page[ip >> 16], p, memory_order_release);
	}
	return p ? &hosts.pages[p] : NULL;
}

static int
add(uint32_t ip, uint32_t value)
{
	struct host_page *page = get_page(ip);
	if (!page)
		return -ENOSPC;
	_Atomic uint16_t *at = &page->group[ip >> 8 & 255];
	uint16_t g = atomic_load_explicit(at, memory_order_relaxed);
	if (g == 0) {
		g = take_group();
		if (g == 0)
			return -ENOSPC;
		/* Release: pairs with host_lookup()'s acquire. */
		atomic_store_explicit(at, g, memory_order_release);
	}
	_Atomic uint32_t *v = &hosts.groups[g].value[ip & 255];
	state[g].used += atomic_load_explicit(v, memory_order_relaxed) == 0;
	atomic_store_explicit(v, value, memory_order_relaxed);
	return 0;
}

int
host_set(uint32_t ip, uint32_t value)
{
	if (value != 0)
		return add(ip, value);
	if (host_lookup(ip) == 0)
		return 0;
	uint16_t p = atomic_load_explicit(&hosts.page[ip >> 16], memory_order_relaxed);
	_Atomic uint16_t *at = &hosts.pages[p].group[ip >> 8 & 255];
	uint16_t g = atomic_load_explicit(at, memory_order_relaxed);
	atomic_store_explicit(&hosts.groups[g].value[ip & 255], 0, memory_order_relaxed);
	if (--state[g].used == 0) {
		atomic_store_explicit(at, 0, memory_order_relaxed);
		leave_group(g);
	}
	return 0;
}
