/* SPDX-License-Identifier: BSD-3-Clause */
/* The ways of sessions and pairs to their peers, which follow from the routes: a bounded number of
 * them in each turn of the main loop (T24). */
#include <rte_ip.h>

#include "dataplane/neigh.h"
#include "dataplane/route.h"
#include "dataplane/route_internal.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"

#define CHANGED_HOSTS 256
#define TURN_WAYS     4096 /* of sessions and pairs, looked up in one turn of the main loop */

/* What has changed since the last turn: addresses whose own entry is another, or more than that. */
static uint32_t changed_hosts[CHANGED_HOSTS];
static unsigned int n_changed_hosts;
static bool ways_changed;
static uint32_t ways_at, ways_left; /* a round through all slots */

uint64_t route_visits;

/* An address's own entry is the way to those peers alone who have it. */
void
ways_change(uint32_t ip, uint8_t depth)
{
	if (depth == 32 && n_changed_hosts < CHANGED_HOSTS)
		changed_hosts[n_changed_hosts++] = ip;
	else
		ways_changed = true;
}

static void
follow_session(uint32_t slot)
{
	struct session *s = &sessions.slots[slot];
	atomic_store_explicit(
		&s->cfg.outer_nh, fib_lookup(s->cfg.peer_ip_be), memory_order_relaxed);
}

static void
follow_sa(uint32_t slot)
{
	struct sa *sa = &sas.slots[slot];
	atomic_store_explicit(
		&sa->cfg.outer_nh, fib_lookup(sa->cold.peer_ip_be), memory_order_relaxed);
}

/* The sessions or pairs of one address.  False: more than may be visited in this turn. */
static bool
follow_users(
	const struct index *ix, rte_be32_t ip_be, void (*follow)(uint32_t slot), unsigned int *left)
{
	for (uint32_t i = index_first(ix, ip_be); i != INDEX_NONE; i = index_after(ix, i)) {
		if (*left == 0)
			return false;
		--*left;
		route_visits++;
		follow(i);
	}
	return true;
}

static void
follow_hosts(unsigned int *left)
{
	for (; n_changed_hosts > 0; n_changed_hosts--) {
		rte_be32_t ip_be = rte_cpu_to_be_32(changed_hosts[n_changed_hosts - 1]);
		ways_changed |= !follow_users(&sessions.by_ip, ip_be, follow_session, left) ||
				!follow_users(&sas.by_ip, ip_be, follow_sa, left);
	}
}

/* A round through all slots, a part in each turn.  What changes meanwhile gets a round of its own,
 * behind this one. */
static void
follow_all(unsigned int *left)
{
	uint32_t all = sessions.max + sas.max;
	if (ways_left == 0) {
		neigh_mark();
		ways_left = ways_changed ? all : 0;
		ways_changed = false;
	}
	for (; ways_left > 0 && *left > 0; ways_left--, --*left) {
		uint32_t i = ways_at++ % all;
		route_visits++;
		if (i < sessions.max) {
			if (session_handle_of(&sessions.slots[i]) != 0)
				follow_session(i);
		} else if (sa_handle_of(&sas.slots[i - sessions.max]) != 0) {
			follow_sa(i - sessions.max);
		}
	}
	ways_at %= all;
	if (ways_left == 0)
		neigh_settle(); /* nobody names what was given back before the round began */
}

void
ways_turn(void)
{
	unsigned int left = TURN_WAYS / 2;
	follow_hosts(&left);
	left += TURN_WAYS / 2;
	follow_all(&left);
}

void
ways_forget(void)
{
	n_changed_hosts = ways_at = ways_left = 0;
	ways_changed = false;
}
