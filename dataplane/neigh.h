/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbours: an address on a port's link, its entry in nexthops[], and the packets that wait for
 * its hardware address. The index in neighbours is that in nexthops[].  Main lcore.  Addresses in
 * host byte order.
 */
#ifndef ADIT_DATAPLANE_NEIGH_H
#define ADIT_DATAPLANE_NEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/api/port.h"

/* nexthops[1 + port]: any address on the link of this port.  Never resolved itself. */
#define NEIGH_LINK(port)   ((port) + 1u)
#define NEIGH_IS_LINK(idx) ((idx) >= 1 && (idx) <= SEGMENT_MAX_PORTS)
#define NEIGH_HELD         3 /* packets that wait for one neighbour */

/*
 * Those that the kernel is asked for are few, and a scan of a subnet must not take them all (T24):
 * next hops of routes, what we send ourselves, clients and other hosts have a part each.  Of the
 * latter two parts one asker has a share, and when a part is full who has most gives way to who has
 * less.
 */
enum neigh_part { NEIGH_GATEWAYS, NEIGH_OURS, NEIGH_CLIENTS, NEIGH_OTHERS, NEIGH_PARTS };
#define NEIGH_ASKER_SHARE 16

/* Whose packet it is. */
struct neigh_asker {
	enum neigh_part part;
	rte_be32_t ip_be; /* 0: no share is counted */
};

struct neighbour {
	uint32_t ip;
	uint8_t port;
	bool used;
	bool known;     /* the kernel has a usable hardware address */
	bool routed;    /* its /32 is in the FIB */
	bool resolving; /* the kernel was asked; until deadline_us */
	bool failed;    /* it gave up: nothing is sent until deadline_us */
	uint8_t n_held;
	uint8_t generation; /* of the dump that told of it */
	uint8_t mac[6];
	uint8_t part;      /* while deadline_us is not 0: who asked */
	rte_be32_t asker;  /* the same */
	uint32_t gateways; /* kernel routes that go by it */
	uint32_t next;     /* in its hash chain, or in the list of free ones */
	uint64_t deadline_us, rcu_token;
	struct rte_mbuf *held[NEIGH_HELD];
};

int neigh_init(struct rte_rcu_qsbr *rcu);
void neigh_free(void);
/* How many neighbours were looked at to find one. */
extern uint64_t neigh_visits;
/* Index of the neighbour, 0 if there is none, or no room for a new one. */
uint32_t neigh_find(uint8_t port, uint32_t ip);
uint32_t neigh_get(uint8_t port, uint32_t ip);
struct neighbour *neigh_at(uint32_t index);
/* Set or clear its hardware address in nexthops[]; held packets go out, or are dropped when
 * failed. */
void neigh_resolved(uint32_t index, const uint8_t *mac, uint64_t now_us);
void neigh_lost(uint32_t index, bool failed, uint64_t now_us);
/* Give it back if nothing needs it any more.  Its index rests until neigh_settle(), and from then
 * on until every worker has passed a quiescent state. */
void neigh_put(uint32_t index);
/* From neigh_mark() to neigh_settle() all ways to peers (outer_nh) were looked up in the FIB: none
 * names an index that was given back before. */
void neigh_mark(void);
void neigh_settle(void);
/* Send m (an IPv4 packet) by it, or hold m while the kernel resolves.  Takes m. */
void neigh_send(uint32_t index, struct rte_mbuf *m, struct neigh_asker who, uint64_t now_us);
void neigh_tick(uint64_t now_us);
/* Index of the next one in use after this (0: the first), 0 at the end. */
uint32_t neigh_next(uint32_t index);
/* All indices in use are below. */
uint32_t neigh_end(void);

#endif
