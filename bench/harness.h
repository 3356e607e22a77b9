/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data plane's own graph on its workers, fed from memory: no NIC, no kernel.  Only port_rx is
 * replaced, and ports are net_null devices that free what they are given.  The reference in the
 * same run is the source and port_tx alone: what is left is Adit.
 */
#ifndef ADIT_BENCH_HARNESS_H
#define ADIT_BENCH_HARNESS_H

#include <rte_ip.h>

#include "dataplane/api/counters.h"
#include "dataplane/port.h"
#include "dataplane/route.h"
#include "dataplane/session.h"
#include "dataplane/worker.h"

#define WAN          0
#define LAN          1
#define SERVER_IP(i) (RTE_IPV4(192, 0, 2, 10) + (i) / IDS_A_SERVER)
#define ID_OF(i)     ((uint16_t)((i) % IDS_A_SERVER + 1))
#define IDS_A_SERVER 65535u
#define PEER_IP(i)   (RTE_IPV4(10, 64, 0, 0) + (i))
#define INNER_IP(i)  (RTE_IPV4(100, 64, 0, 2) + (i))
#define LAN_HOST     RTE_IPV4(198, 51, 100, 100)
#define NEXTHOP_WAN  1
#define NEXTHOP_LAN  2
#define MAX_HEADERS  128 /* octets of a packet beyond its inner one */

/* One figure. */
struct graph_case {
	const char *name;
	bool uplink;
	uint16_t bytes; /* inner packet */
	uint32_t sessions;
	int how; /* the bench's own */
	/* Bring session i to where its packets start: before each round, if it has any. */
	void (*reset)(const struct graph_case *c, uint32_t i);
	/* Write the packet numbered n of session i; its length.  In order of n. */
	uint16_t (*build)(uint8_t *at, const struct graph_case *c, uint32_t i, uint32_t n);
};

/* EAL, tables, ports, workers; the options of usage().  Each session takes so many octets of
 * memory.  Sessions come next, harness_sessions of them, then harness_ready(). */
void harness_start(int argc, char **argv, size_t session_octets);
void harness_ready(void);
/* Does --only leave cases whose names begin so? */
bool harness_wants(const char *name);
/* Measure and print the case with each size and number of sessions; those are filled in. */
void harness_measure(const struct graph_case *c);
void harness_die(const char *what) __attribute__((noreturn));
extern uint32_t harness_sessions;                 /* the most of --sessions */
extern struct session_counters *harness_counters; /* of each */

/* Which worker has session i. */
static inline uint8_t
harness_owner(uint32_t i)
{
	return (uint8_t)(i % n_workers);
}

/* Parts of packets.  put_ether() returns where the next header goes. */
uint8_t *put_ether(uint8_t *at, uint8_t port);
void put_ipv4(uint8_t *at, uint32_t src, uint32_t dst, uint8_t proto, uint16_t total);
void put_be(uint8_t *at, uint32_t v, unsigned int octets);
/* An inner packet of c->bytes, from client i or to it. */
void put_inner(uint8_t *at, const struct graph_case *c, uint32_t i);
/* A frame from the LAN for client i: build() of every downlink case. */
uint16_t build_downlink(uint8_t *at, const struct graph_case *c, uint32_t i, uint32_t n);

#endif
