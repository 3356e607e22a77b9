/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stateless MPPE, receiving: RFC 3078 section 7.3.  A packet's key depends on its count alone, so
 * keys can be tried, kept, and given up; the session moves when a plaintext proves its key.
 */
#include <assert.h>

#include "crypto/mppe_rx.h"

#define SLOTS       (2 * MPPE_NEAR)
/* Packets that a chase tries where it has caught up. */
#define CHASE_TRIES 4

static void
next_key(const struct mppe_rx *rx, uint8_t *key)
{
	mppe_next_key(rx->master, key, rx->key_len, rx->strength);
}

/* The key of the packet `ahead` counts from the next one.  Derived once: hostile counts can't make
 * a session's keys cost more than the session's own packets would. */
static const uint8_t *
near_key(struct mppe_rx *rx, unsigned int ahead)
{
	while (rx->near.n_ahead <= ahead) {
		unsigned int slot = (rx->count + rx->near.n_ahead) % SLOTS;
		const uint8_t *before = rx->near.n_ahead == 0
						? rx->session
						: rx->near.key[(slot + SLOTS - 1) % SLOTS];

		memcpy(rx->near.key[slot], before, MPPE_KEY_MAX);
		next_key(rx, rx->near.key[slot]);
		rx->near.known |= 1u << slot;
		rx->near.n_ahead++;
	}
	return rx->near.key[(rx->count + ahead) % SLOTS];
}

/* The packet ahead has proved its key.  Keys of those that were skipped stay for their late
 * arrival. */
static void
move_near(struct mppe_rx *rx, unsigned int ahead)
{
	uint16_t count = mppe_count_after(rx->count, ahead);

	memcpy(rx->session, rx->near.key[count % SLOTS], MPPE_KEY_MAX);
	mppe_forget_kept(rx, count);
	rx->near.n_ahead -= (uint8_t)(ahead + 1);
	for (unsigned int k = 0; k <= ahead; k++) {
		mppe_forget_kept(rx, (rx->count - MPPE_NEAR) & MPPE_COUNT_MASK);
		rx->count = mppe_count_after(rx->count, 1);
	}
	mppe_proved(rx);
}

/* The session goes on behind the packet whose key this is. */
static void
move_far(struct mppe_rx *rx, const uint8_t *key, uint16_t count)
{
	memcpy(rx->session, key, MPPE_KEY_MAX);
	rx->count = mppe_count_after(count, 1);
	explicit_bzero(&rx->near, sizeof(rx->near));
	mppe_proved(rx);
}

static void
remember_other(struct mppe_rx *rx, const uint8_t *key, uint16_t count)
{
	memmove(rx->other_key, key, MPPE_KEY_MAX);
	rx->other_count = mppe_count_after(count, 1);
	rx->other = MPPE_OTHER_STRONG;
	rx->stray_run = 0;
}

/*
 * A packet that can't be read.  Once such packets agree, a chain starts at the live key and runs
 * after them, as the budget allows.  tried: the live chain's own key for this count was wrong, so
 * it is a whole wrap away.  Returns true when it has read this one.
 */
static bool
chase(struct mppe_rx *rx, struct packet *pkt, bool tried)
{
	unsigned int step, n;

	rx->garbled = 1;
	if (!mppe_strays_agree(rx, pkt->count, &step)) {
		if (rx->other == MPPE_OTHER_CHASING)
			mppe_forget_other(rx);
		return false;
	}
	if (rx->other == MPPE_OTHER_CHASING) {
		rx->chase += step;
	} else {
		memcpy(rx->other_key, rx->session, MPPE_KEY_MAX);
		rx->other = MPPE_OTHER_CHASING;
		rx->chase = mppe_ahead(pkt->count, rx->count) + 1 + (tried ? MPPE_COUNT_MOD : 0);
		rx->bad_resyncs = 0;
	}
	/* One is what any packet costs; it keeps the chase from falling behind. */
	n = mppe_least(mppe_least(rx->chase, pkt->max_rekeys), 1 + mppe_budget(rx));
	mppe_spend(rx, n - 1);
	for (rx->chase -= n; n > 0; n--)
		next_key(rx, rx->other_key);
	if (rx->chase > 0)
		return false;
	if (mppe_try(rx, rx->other_key, pkt) != EVIDENCE_STRONG) {
		if (++rx->bad_resyncs == CHASE_TRIES) { /* a wrap further, then */
			rx->chase = MPPE_COUNT_MOD;
			rx->bad_resyncs = 0;
		}
		return false;
	}
	remember_other(rx, rx->other_key, pkt->count);
	mppe_crypt_with(rx, rx->other_key, NULL, pkt->body, pkt->len);
	return true;
}

/* With a key that is at hand, for a packet whose count it belongs to. */
static void
read_with(struct mppe_rx *rx, const uint8_t *key, struct packet *pkt)
{
	enum evidence e;
	unsigned int step;

	mppe_crypt_with(rx, key, NULL, pkt->body, pkt->len);
	e = mppe_judge(pkt);
	pkt->proven = e == EVIDENCE_STRONG;
	if (pkt->proven)
		return;
	static_assert(WEAK_AGREE == STRAY_AGREE, "one run counts for both");
	if (rx->stray_run + 1 < STRAY_AGREE) {
		mppe_strays_agree(rx, pkt->count, &step);
		rx->garbled = e == EVIDENCE_IMPOSSIBLE || (rx->garbled && rx->stray_run > 1);
		return;
	}
	if (e != EVIDENCE_IMPOSSIBLE && !rx->garbled) {
		pkt->proven = mppe_strays_agree(rx, pkt->count, &step);
		return;
	}
	mppe_crypt_with(rx, key, NULL, pkt->body, pkt->len); /* back to what was received */
	if (!chase(rx, pkt, true))
		mppe_crypt_with(rx, key, NULL, pkt->body, pkt->len);
}

/* Behind a packet that has proved the key of another place: this one may confirm it. */
static bool
read_other(struct mppe_rx *rx, struct packet *pkt)
{
	unsigned int ahead = mppe_ahead(pkt->count, rx->other_count);
	uint8_t key[MPPE_KEY_MAX];

	if (rx->other != MPPE_OTHER_STRONG || ahead >= MPPE_NEAR || !mppe_spend(rx, ahead + 1))
		return false;
	memcpy(key, rx->other_key, sizeof(key));
	for (unsigned int k = 0; k <= ahead; k++)
		next_key(rx, key);
	pkt->proven = mppe_try(rx, key, pkt) == EVIDENCE_STRONG;
	if (pkt->proven) {
		mppe_crypt_with(rx, key, NULL, pkt->body, pkt->len);
		move_far(rx, key, pkt->count);
	}
	explicit_bzero(key, sizeof(key));
	return pkt->proven;
}

/* More packets were lost than keys are kept for.  One packet alone is read, and moves nothing. */
static bool
read_far(struct mppe_rx *rx, struct packet *pkt, unsigned int ahead)
{
	uint8_t key[MPPE_KEY_MAX];
	bool strong;

	memcpy(key, rx->session, sizeof(key));
	for (unsigned int k = 0; k <= ahead; k++)
		next_key(rx, key);
	strong = mppe_try(rx, key, pkt) == EVIDENCE_STRONG;
	if (strong) {
		mppe_crypt_with(rx, key, NULL, pkt->body, pkt->len);
		remember_other(rx, key, pkt->count);
	}
	explicit_bzero(key, sizeof(key));
	return strong;
}

static enum mppe_status
decrypt_late(struct mppe_rx *rx, struct packet *pkt)
{
	bool kept = mppe_ahead(rx->count, pkt->count) <= MPPE_NEAR &&
		    rx->near.known & 1u << pkt->count % SLOTS;

	if (!kept)
		return read_other(rx, pkt) || chase(rx, pkt, false) ? MPPE_OK : MPPE_LATE;
	read_with(rx, rx->near.key[pkt->count % SLOTS], pkt);
	if (pkt->proven)
		mppe_forget_kept(rx, pkt->count); /* used once */
	return MPPE_OK;
}

enum mppe_status
mppe_decrypt_stateless(struct mppe_rx *rx, struct packet *pkt)
{
	unsigned int ahead = mppe_ahead(pkt->count, rx->count);
	bool tried;

	if (ahead >= MPPE_COUNT_MOD / 2)
		return decrypt_late(rx, pkt);
	if (ahead < mppe_least(MPPE_NEAR, pkt->max_rekeys)) {
		read_with(rx, near_key(rx, ahead), pkt);
		if (pkt->proven)
			move_near(rx, ahead);
		return MPPE_OK;
	}
	if (read_other(rx, pkt))
		return MPPE_OK;
	/* Not beside a chase: it would spend what the chase needs. */
	tried = rx->stray_run < STRAY_AGREE && ahead < pkt->max_rekeys && mppe_spend(rx, ahead + 1);
	if (tried && read_far(rx, pkt, ahead))
		return MPPE_OK;
	return chase(rx, pkt, tried) ? MPPE_OK : MPPE_REKEY_BOUND;
}
