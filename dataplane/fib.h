/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The forwarding table as packets are looked up in it: IPv4 destinations to FIB values, and the next
 * hops that these name.  One rte_lpm for outer and inner addresses, and in front of it sessions' own
 * addresses (host.h).  Writers, on the main lcore: route.c, and neigh.c for next hops.  Readers:
 * workers under RCU.
 */
#ifndef ADIT_DATAPLANE_FIB_H
#define ADIT_DATAPLANE_FIB_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_lpm.h>
#include <rte_prefetch.h>

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

#endif
