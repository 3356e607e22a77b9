/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forwarding table: IPv4 destinations to FIB values, and the next hops that these name.
 * One rte_lpm for outer and inner addresses, mirrored from the kernel by rtnetlink, and in front of
 * it sessions' own addresses (host.h). Writer: main lcore.  Readers: workers under RCU.
 */
#ifndef ADIT_DATAPLANE_ROUTE_H
#define ADIT_DATAPLANE_ROUTE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_lpm.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/host.h"

/* A FIB value has 24 bits: a type in the upper two, an index below. */
#define FIB_TYPE(v)  ((v) >> 22)
#define FIB_INDEX(v) ((v)&0x3fffff)
enum fib_type {
	FIB_NEXTHOP = 0, /* index in nexthops[]; 0 is never used */
	FIB_SESSION = 1, /* session slot */
	FIB_LOCAL = 2, /* the kernel's: index is the port whose TAP carries it, FIB_LOCAL_INNER the
			  inner TUN device */
	FIB_DROP = 3,
};
#define FIB_VALUE(type, index) ((uint32_t)(type) << 22 | (index))
#define FIB_LOCAL_INNER        0x3fffff
#define FIB_NONE               FIB_VALUE(FIB_DROP, 0) /* no route */

#define MAX_NEXTHOPS 65536

/* Read and replaced in one piece: hardware address (6 octets), port index, flags. */
union nexthop {
	_Atomic uint64_t word;
	struct {
		struct rte_ether_addr mac;
		uint8_t port;
		uint8_t flags;
	};
};
#define NEXTHOP_USED     1
#define NEXTHOP_RESOLVED 2

extern union nexthop nexthops[MAX_NEXTHOPS];
extern struct rte_lpm *fib;
extern _Atomic uint32_t fib_default; /* FIB value of the default route, FIB_NONE without one */

static inline union nexthop
nexthop_read(uint32_t index)
{
	union nexthop nh;
	uint64_t w = atomic_load_explicit(&nexthops[index].word, memory_order_relaxed);
	memcpy((void *)&nh, &w, sizeof(w));
	return nh;
}

/* FIB value for an address in host byte order.  Worker or main. */
static inline uint32_t
fib_value(uint32_t ip)
{
	uint32_t v = host_lookup(ip);
	if (v != 0 || rte_lpm_lookup(fib, ip, &v) == 0)
		return v;
	return atomic_load_explicit(&fib_default, memory_order_relaxed);
}

static inline uint32_t
fib_lookup(rte_be32_t ip_be)
{
	return fib_value(rte_be_to_cpu_32(ip_be));
}

/* The same for n addresses in host byte order.  Worker. */
static inline void
fib_lookup_bulk(const uint32_t *ips, uint32_t *values, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		rte_prefetch0((const void *)host_entry(ips[i]));
	for (unsigned int i = 0; i < n; i++)
		values[i] = i > 0 && ips[i] == ips[i - 1] ? values[i - 1] : fib_value(ips[i]);
}

/* ------------------------------------------------------------------ main lcore */

int route_init(uint32_t max_sessions, struct rte_rcu_qsbr *rcu);
void route_free(void);
/* Sessions' own addresses. 0 or a negative errno: -EADDRINUSE if the address is our own or another
 * session's. */
int route_add_session(uint32_t ip, uint32_t slot);
void route_del_session(uint32_t ip);

/* What rtnetlink says.  All addresses in host byte order. */
enum kernel_route_type { KERNEL_ROUTE_UNICAST, KERNEL_ROUTE_LOCAL, KERNEL_ROUTE_DROP };
struct kernel_route {
	uint32_t ip, gateway; /* gateway 0: on the link */
	uint32_t metric;
	int oif;
	uint8_t depth, tos, type;
};
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
