/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers: found by where their ESP comes from, and by number.  Policy and link are sa.c's. */
#ifndef ADIT_CONTROL_IKE_PEER_H
#define ADIT_CONTROL_IKE_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "dataplane/api/sa.h"

struct ike_pair;
TAILQ_HEAD(pair_list, ike_pair);

struct ike_peer {
	LIST_ENTRY(ike_peer) by_key, by_id;
	uint32_t id; /* not 0 */
	struct sa_outer outer;
	bool keyed;             /* false: another peer has taken its place behind this mapping */
	struct pair_list pairs; /* oldest first */
	uint32_t n_pairs;
	uint32_t current; /* SPI, 0: none */
	void *user;
};

LIST_HEAD(peer_bucket, ike_peer);

/* What is counted of an address (T13); lives while a count is above 0. */
struct ike_address {
	LIST_ENTRY(ike_address) next;
	uint32_t ip, peers, half_open;
};
LIST_HEAD(address_bucket, ike_address);

#define PEER_BUCKETS 4096u

struct peers {
	struct peer_bucket by_key[PEER_BUCKETS], by_id[PEER_BUCKETS];
	struct address_bucket addresses[PEER_BUCKETS];
	uint32_t n, next_id;
};

void peers_init(struct peers *ps);
/* NULL when nobody is there. */
struct ike_peer *peers_find(const struct peers *ps, const struct sa_outer *outer);
struct ike_peer *peers_by_id(const struct peers *ps, uint32_t id);
/* A new peer there, with this id or (0) a free one; it displaces who is there.  NULL: out of
 * memory, or the id is taken. */
struct ike_peer *peers_add(struct peers *ps, const struct sa_outer *outer, uint32_t id);
/* Its mapping changed: it keeps its id. */
void peers_move(struct peers *ps, struct ike_peer *p, const struct sa_outer *outer);
/* It has no pairs left. */
void peers_remove(struct peers *ps, struct ike_peer *p);
/* Peers and half-open exchanges of an address. */
uint32_t peers_of_address(const struct peers *ps, uint32_t ip);
uint32_t half_open_of_address(const struct peers *ps, uint32_t ip);
/* False: out of memory. */
bool half_open_add(struct peers *ps, uint32_t ip);
void half_open_remove(struct peers *ps, uint32_t ip);

#endif
