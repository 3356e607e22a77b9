/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions' own addresses: IPv4 addresses to FIB values, in front of the FIB.  rte_lpm walks all
 * rules of a depth when one is added or deleted, which is too slow for hundreds of thousands of
 * /32; here both cost the same however many there are.
 *
 * Three levels by the address's upper 16 bits, the next 8 and the last 8.  Page 0 and group 0 are
 * always empty, so a look-up has no branch.  Addresses in host byte order.  Writer: main lcore.
 * Readers: workers under RCU, which a group that was given up waits for before it is used again.
 */
#ifndef ADIT_DATAPLANE_HOST_H
#define ADIT_DATAPLANE_HOST_H

#include <stdatomic.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

struct host_page {
	_Atomic uint16_t group[256];
};
struct host_group {
	_Atomic uint32_t value[256]; /* 0: none */
};
struct host_table {
	_Atomic uint16_t page[65536];
	struct host_page *pages;
	struct host_group *groups;
};
extern struct host_table hosts;

/* Where an address's value stands.  Worker or main. */
static inline const _Atomic uint32_t *
host_entry(uint32_t ip)
{
	/* Acquire: each pairs with a release in host_set(), by which what it leads to is there. */
	uint16_t p = atomic_load_explicit(&hosts.page[ip >> 16], memory_order_acquire);
	uint16_t g =
		atomic_load_explicit(&hosts.pages[p].group[ip >> 8 & 255], memory_order_acquire);
	return &hosts.groups[g].value[ip & 255];
}

/* FIB value of a session's address, 0 if it is none.  Worker or main. */
static inline uint32_t
host_lookup(uint32_t ip)
{
	return atomic_load_explicit(host_entry(ip), memory_order_relaxed);
}

/* ------------------------------------------------------------------ main lcore */

/* 0 or a negative errno. */
int host_init(uint32_t max_sessions, struct rte_rcu_qsbr *rcu);
void host_free(void);
/* Value 0 removes, which can't fail.  -ENOSPC: the addresses are spread over too many networks. */
int host_set(uint32_t ip, uint32_t value);

#endif
