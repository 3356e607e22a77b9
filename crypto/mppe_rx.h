/* SPDX-License-Identifier: BSD-3-Clause */
/* What MPPE's receiving side is made of: packets, evidence, strays, budgets.  Private to
 * crypto/. */
#ifndef ADIT_CRYPTO_MPPE_RX_H
#define ADIT_CRYPTO_MPPE_RX_H

#include "crypto/mppe.h"
#include "crypto/mppe_chain.h"
#include "crypto/mppe_judge.h"

/* Packets out of reach that follow each other within STRAY_STEP counts, before they are
 * believed. */
#define STRAY_AGREE 16
#define STRAY_STEP  16
/* Packets in sequence of which none is impossible: together they prove the key, as 1 in 800,000
 * such runs would by chance.  So a peer that sends no IP is followed as well. */
#define WEAK_AGREE  16

/* One received packet, and what it may still cost. */
struct packet {
	uint8_t *body; /* behind the header */
	uint32_t len;
	uint16_t count;
	bool flushed;
	bool proven; /* out */
	unsigned int max_rekeys;
};

enum mppe_status mppe_decrypt_stateless(struct mppe_rx *rx, struct packet *pkt);
enum mppe_status mppe_decrypt_stateful(struct mppe_rx *rx, struct packet *pkt);

/* Take n key changes of a search out of the session's and the thread's budget: all or nothing. */
bool mppe_spend(struct mppe_rx *rx, unsigned int n);
/* How many could be taken. */
unsigned int mppe_budget(struct mppe_rx *rx);

static inline unsigned int
mppe_least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static inline unsigned int
mppe_ahead(uint16_t count, uint16_t of)
{
	return (unsigned int)(count - of) & MPPE_COUNT_MASK;
}

static inline enum evidence
mppe_judge(const struct packet *pkt)
{
	return judge(pkt->body, pkt->len);
}

/* A new stream; rc4, which takes its state, may be NULL. */
static inline void
mppe_crypt_with(const struct mppe_rx *rx, const uint8_t *session, struct rc4_state *rc4,
	uint8_t *data, uint32_t len)
{
	uint8_t key[RC4_KEY_LEN];

	mppe_expand_key(key, session, rx->key_len);
	rc4_burst(&(struct rc4_stream){.key = key, .state = rc4, .data = data, .len = len}, 1);
	explicit_bzero(key, sizeof(key));
}

/* What does key make of the packet's first octets? */
static inline enum evidence
mppe_try(const struct mppe_rx *rx, const uint8_t *key, const struct packet *pkt)
{
	uint8_t clear[PEEK_LEN] = {0};
	uint32_t len = mppe_least(pkt->len, PEEK_LEN);
	enum evidence ret;

	mppe_work.tries++;
	memcpy(clear, pkt->body, len);
	mppe_crypt_with(rx, key, NULL, clear, len);
	ret = judge(clear, pkt->len);
	explicit_bzero(clear, sizeof(clear));
	return ret;
}

/* Of the other place, when it is given up: its key, and the table that only the stateful have. */
void mppe_wipe_other(struct mppe_rx *rx);

/* The other place is given up. */
static inline void
mppe_forget_other(struct mppe_rx *rx)
{
	if (rx->other != MPPE_OTHER_NONE)
		mppe_wipe_other(rx);
}

/* A plaintext has proved that the session is where the peer is. */
static inline void
mppe_proved(struct mppe_rx *rx)
{
	rx->stray_run = 0;
	rx->weak_run = 0;
	rx->garbled = 0;
	rx->bad_resyncs = 0;
	rx->discarding = false;
	rx->chase = 0;
	mppe_forget_other(rx);
	rx->budget += rx->budget < MPPE_BUDGET;
}

/* Do packets out of reach follow each other? True from the STRAY_AGREE-th on. */
static inline bool
mppe_strays_agree(struct mppe_rx *rx, uint16_t count, unsigned int *step)
{
	*step = mppe_ahead(count, rx->stray_count);
	if (*step == 0 || *step > STRAY_STEP)
		rx->stray_run = 0;
	if (rx->stray_run < STRAY_AGREE)
		rx->stray_run++;
	rx->stray_count = count;
	return rx->stray_run == STRAY_AGREE;
}

/* Stateless: the key kept for a count that leaves what is near behind. */
static inline void
mppe_forget_kept(struct mppe_rx *rx, uint16_t count)
{
	unsigned int slot = count % (2 * MPPE_NEAR);

	if (!(rx->near.known & 1u << slot))
		return;
	rx->near.known &= ~(1u << slot);
	explicit_bzero(rx->near.key[slot], MPPE_KEY_MAX);
}

#endif
