/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forwarding table: IPv4 destinations to FIB values, and the next hops that these name.
 * One rte_lpm for outer and inner addresses, mirrored from the kernel by rtnetlink, plus one /32 for each session.
 * Writer: main lcore.  Readers: workers under RCU.
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
#include <rte_rcu_qsbr.h>

/* A FIB value has 24 bits: a type in the upper two, an index below. */
#define FIB_TYPE(v)    ((v) >> 22)
#define FIB_INDEX(v)   ((v) & 0x3fffff)
enum fib_type {
	FIB_NEXTHOP = 0, /* index in nexthops[]; 0 is never used */
	FIB_SESSION = 1, /* session slot */
	FIB_LOCAL = 2,   /* the kernel's: index is the port whose TAP carries it, FIB_LOCAL_INNER the inner TUN device */
	FIB_DROP = 3,
};
#define FIB_VALUE(type, index) ((uint32_t)(type) << 22 | (index))
#define FIB_LOCAL_INNER 0x3fffff
#define FIB_NONE        FIB_VALUE(FIB_DROP, 0) /* no route */

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

static inline union nexthop
nexthop_read(uint32_t index)
{
	union nexthop nh;
	uint64_t w = atomic_load_explicit(&nexthops[index].word, memory_order_relaxed);
	memcpy((void *)&nh, &w, sizeof(w));
	return nh;
}

/* FIB value for an address.  Worker or main. */
static inline uint32_t
fib_lookup(rte_be32_t ip_be)
{
	uint32_t v;
	return rte_lpm_lookup(fib, rte_be_to_cpu_32(ip_be), &v) == 0 ? v : FIB_NONE;
}

/* --- main lcore ------------------------------------------------------------------------------------- */

int route_init(uint32_t max_sessions, struct rte_rcu_qsbr *rcu);
void route_free(void);
/* Sessions' own addresses. 0 or a negative errno. */
int route_add_session(uint32_t ip, uint32_t slot);
void route_del_session(uint32_t ip);

#endif
