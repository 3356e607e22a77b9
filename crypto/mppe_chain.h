/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two directions of MPPE share.  Private to crypto/ and its tests. */
#ifndef ADIT_CRYPTO_MPPE_CHAIN_H
#define ADIT_CRYPTO_MPPE_CHAIN_H

#include <string.h>

#include "crypto/mppe.h"

/* One session's key change. */
struct mppe_key_change {
	const uint8_t *master;
	uint8_t *session; /* replaced by the key that follows it */
	uint8_t key_len, strength;
};

/* Packets to encrypt or decrypt together, in the order of each session. */
struct mppe_batch {
	unsigned int n;
	uint8_t changes, rounds;      /* the most of one session */
	uint8_t level[RC4_BURST_MAX]; /* key changes of the session in this batch before the
					 packet's own; MPPE_NO_CHANGE when it has none */
	uint8_t round[RC4_BURST_MAX]; /* packets of the session that the packet waits for */
	struct mppe_batch_item {
		struct mppe_key_change change;
		struct mppe_turns *turns;
		struct rc4_state *rc4; /* NULL: the tables are not needed after the packet */
		uint8_t *body;
		uint32_t len;
	} items[RC4_BURST_MAX];
};
#define MPPE_NO_CHANGE 0xff

/* Before the first packet.  Not the items: they are large. */
static inline void
mppe_batch_start(struct mppe_batch *b)
{
	b->n = b->changes = b->rounds = 0;
}

/* Adds a packet; the batch must not be full. */
void mppe_batch_add_tx(
	struct mppe_batch *b, struct mppe_tx *tx, bool rekey, uint8_t *body, uint32_t len);
void mppe_batch_add_rx(
	struct mppe_batch *b, struct mppe_rx *rx, bool rekey, uint8_t *body, uint32_t len);

/* Derives the keys, and encrypts or decrypts every body; the batch is empty again. */
void mppe_batch_run(struct mppe_batch *b);

/* What this thread has spent since it began: a packet in sequence costs one change at most (T4). */
struct mppe_work {
	uint64_t changes; /* of keys */
	uint64_t tries;   /* of keys, on a packet's first octets */
};
extern _Thread_local struct mppe_work mppe_work;

/* RFC 3078 section 7.3, for at most RC4_BURST_MAX different sessions. */
void mppe_next_keys(const struct mppe_key_change *changes, unsigned int n);
/* The same for one. */
void mppe_next_key(const uint8_t *master, uint8_t *session, uint8_t key_len, uint8_t strength);
/* RFC 3079 GetNewKeyFromSHA for n sessions; 16 octets each, a short key twice over. */
void mppe_new_keys_from_sha(
	const struct mppe_key_change *changes, unsigned int n, uint8_t (*out)[MPPE_KEY_MAX]);
/* RFC 3079 sections 2.1 and 2.2: the octets that reduce a key's strength. */
void mppe_reduce_strength(uint8_t *key, uint8_t strength);

/* The same results as mppe_encrypt_burst() and mppe_decrypt_burst(), one packet after the other:
 * what the batches are tested against. */
/* The thread's budget is full again, at the same time: for what runs twice. */
void mppe_tick_full(void);
unsigned int mppe_encrypt_in_turn(struct mppe_job *jobs, unsigned int n);
unsigned int mppe_decrypt_in_turn(struct mppe_job *jobs, unsigned int n, unsigned int max_rekeys);

/* A session key as rc4_burst() takes it: a short key twice over has the same schedule. */
static inline void
mppe_expand_key(uint8_t out[RC4_KEY_LEN], const uint8_t *session, uint8_t key_len)
{
	memcpy(out, session, 8);
	memcpy(out + 8, key_len == RC4_KEY_LEN ? session + 8 : session, 8);
}

/* RFC 3078 section 7.2. */
static inline bool
mppe_is_flag(uint16_t count)
{
	return (count & 0xff) == 0xff;
}

static inline uint16_t
mppe_count_after(uint16_t count, unsigned int n)
{
	return (uint16_t)((count + n) & MPPE_COUNT_MASK);
}

#endif
