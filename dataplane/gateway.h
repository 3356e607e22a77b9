/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel is told about clients: the server's inner address, the pool's way through the
 * inner TUN device, and the addresses for which it answers ARP requests.  Main lcore.  Addresses in
 * host byte order.
 */
#ifndef ADIT_DATAPLANE_GATEWAY_H
#define ADIT_DATAPLANE_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#define GATEWAY_POOL_MAX (1u << 20) /* addresses */

struct gateway_prefix {
	uint32_t ip;
	uint8_t depth;
};
#define GATEWAY_PREFIXES 64 /* a range needs at most 62 */

/* The fewest prefixes that make up first..last. */
unsigned int gateway_prefixes(uint32_t first, uint32_t last, struct gateway_prefix *out);
/* -EINVAL, or what the kernel says. */
int gateway_set(uint32_t server_ip, uint32_t first, uint32_t last);
void gateway_clear(void);
/* A client came or went: ARP is answered for it on those LANs whose subnet it is from, and outside
 * of the pool it needs a route of its own.  Both take the session's *routed: whether that route was
 * added. */
void gateway_client_add(uint32_t ip, bool *routed);
void gateway_client_del(uint32_t ip, bool *routed);

#endif
