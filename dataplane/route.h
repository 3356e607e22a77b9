/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What stands in the forwarding table (fib.h): the kernel's routes and neighbours, mirrored by
 * rtnetlink, and sessions' own addresses.  Main lcore.
 */
#ifndef ADIT_DATAPLANE_ROUTE_H
#define ADIT_DATAPLANE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/fib.h"
#include "dataplane/netlink.h"

int route_init(uint32_t max_sessions, struct rte_rcu_qsbr *rcu);
void route_free(void);
/* Sessions' own addresses. 0 or a negative errno: -EADDRINUSE if the address is our own or another
 * session's. */
int route_add_session(uint32_t ip, uint32_t slot);
void route_del_session(uint32_t ip);

/* What rtnetlink says: netlink.h. */
void route_kernel_add(const struct kernel_route *r, bool replace);
void route_kernel_del(const struct kernel_route *r);
/* mac NULL: not usable (any more); failed: the kernel gave up. */
void route_neighbour(int ifindex, uint32_t ip, const uint8_t *mac, bool failed);
/* Between the two everything is told anew; what was not told is forgotten. */
void route_resync_begin(void);
void route_resync_end(void);
/* Is this interface a TAP twin or the inner TUN device? */
bool route_is_ours(int ifindex);
extern int route_inner_ifindex;

/* PUNT_GLEAN: an IPv4 packet waits here for its next hop's hardware address.  Takes m. */
void route_glean(struct rte_mbuf *m);
/* How often a session's or a pair's slot was visited to look up its way; a change of one address
 * costs those who have it. */
extern uint64_t route_visits;
/* Timeouts, and sessions' and SAs' way to their peers after changes.  Each turn of the main
 * loop. */
void route_tick(uint64_t now_us);

#endif
