/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peers: found by number, and by the IKE SAs that make pairs for them.  Where their ESP comes from
 * is no name: any number of them may be there.  Policy and link are sa.c's and identity.c's.
 */
#ifndef ADIT_CONTROL_IKE_PEER_H
#define ADIT_CONTROL_IKE_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "dataplane/api/sa.h"

struct ike_pair;
TAILQ_HEAD(pair_list, ike_pair);
struct ike_bond;
TAILQ_HEAD(bond_list, ike_bond);

struct ike_peer {
	LIST_ENTRY(ike_peer) by_key, by_id;
	LIST_ENTRY(ike_peer) bereft; /* when it has no pairs */
	uint32_t id;                 /* not 0 */
	struct sa_outer outer;
	struct bond_list bonds; /* oldest first */
	uint32_t n_bonds;
	struct pair_list pairs; /* oldest first */
	uint32_t n_pairs;
	uint32_t current; /* SPI, 0: none */
	uint32_t users;   /* sessions that a user has proven himself in */
	/* Something says that it is there now, and its own word from there is waited for. */
	struct sa_outer claim;
	uint64_t claim_ms, proven_ms; /* 0: not; proven: who holds the place is asked still */
	uint64_t asked_ms, held_ms;   /* asked where it is; answered from there.  0: never */
	/* New: somebody whom it may be is asked through its pairs. */
	uint32_t heir_of; /* whom charon takes it for, 0: nobody */
	uint32_t tries;   /* left */
	uint64_t try_ms;  /* the next one */
	uint64_t over_ms; /* without pairs: when it ends */
};

LIST_HEAD(peer_bucket, ike_peer);

/* An IKE SA whose pairs are this peer's; or before it has a peer, whose heir charon says it is. */
struct ike_bond {
	LIST_ENTRY(ike_bond) by_ike;
	TAILQ_ENTRY(ike_bond) next; /* of the peer */
	struct ike_peer *peer;      /* NULL: none yet */
	uint32_t ike_sa, heir_of;
};
LIST_HEAD(bond_bucket, ike_bond);

/* What is counted of an address (T13); lives while a count is above 0. */
struct ike_address {
	LIST_ENTRY(ike_address) next;
	uint32_t ip, peers, half_open, strangers;
};
LIST_HEAD(address_bucket, ike_address);

#define PEER_BUCKETS   4096u
/* A client that authenticates IKE anew again and again keeps the last ones. */
#define BONDS_PER_PEER 8

struct peers {
	struct peer_bucket by_key[PEER_BUCKETS], by_id[PEER_BUCKETS];
	struct bond_bucket by_ike[PEER_BUCKETS];
	struct address_bucket addresses[PEER_BUCKETS];
	uint32_t n, next_id;
	uint32_t strangers; /* pairs of peers without a user, reserved ones too */
};

void peers_init(struct peers *ps);
struct ike_peer *peers_by_id(const struct peers *ps, uint32_t id);
struct ike_peer *peers_by_ike(const struct peers *ps, uint32_t ike_sa);
/* Those whose ESP comes from there: the first, or the one after p; NULL: no more. */
struct ike_peer *peers_at(
	const struct peers *ps, const struct sa_outer *outer, const struct ike_peer *p);
/* A new peer there, with this id or (0) a free one.  NULL: out of memory, or the id is taken. */
struct ike_peer *peers_add(struct peers *ps, const struct sa_outer *outer, uint32_t id);
/* Its mapping changed: it keeps its id. */
void peers_move(struct peers *ps, struct ike_peer *p, const struct sa_outer *outer);
/* It has no pairs left. */
void peers_remove(struct peers *ps, struct ike_peer *p);

/* The IKE SA's pairs are p's, unless they are another's.  False: out of memory. */
bool peers_bind(struct peers *ps, struct ike_peer *p, uint32_t ike_sa);
/* charon takes the IKE SA for that peer's: what it makes is still nobody's. */
void peers_claim(struct peers *ps, uint32_t ike_sa, uint32_t heir_of);
/* Whose heir; 0: nobody's. */
uint32_t peers_heir_of(const struct peers *ps, uint32_t ike_sa);
/* It is no more: forgotten unless it has a peer. */
void peers_unclaim(struct peers *ps, uint32_t ike_sa);
/* All that is bound to one is bound to the other. */
void peers_inherit(struct peers *ps, struct ike_peer *from, struct ike_peer *to);
/* Another charon, or the same one that tells all anew. */
void peers_unbind_all(struct peers *ps);

/* Peers, half-open exchanges and strangers' pairs of an address. */
uint32_t peers_of_address(const struct peers *ps, uint32_t ip);
uint32_t half_open_of_address(const struct peers *ps, uint32_t ip);
uint32_t strangers_of_address(const struct peers *ps, uint32_t ip);
/* False: out of memory. */
bool half_open_add(struct peers *ps, uint32_t ip);
void half_open_remove(struct peers *ps, uint32_t ip);
bool stranger_add(struct peers *ps, uint32_t ip);
void stranger_remove(struct peers *ps, uint32_t ip);

#endif
