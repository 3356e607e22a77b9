/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stateful MPPE, receiving: RFC 3078 sections 7.2 and 8.  The stream runs on from packet to packet,
 * so a packet that proves nothing is taken back: the stream waits before it, and goes on behind it
 * only when the next one proves that it belonged.
 */
#include "crypto/mppe_rx.h"

/* Answers to Reset-Requests that may have been lost since the last good packet (Linux re-keys with
 * each). */
#define LOST_FLUSHES 3
/* Garbled packets until the key is given up, and wraps of the count searched for a lost one. */
#define GARBLED_MAX  4
#define WRAPS_MAX    4
/* Flag packets in one wrap of the count. */
#define WRAP_FLAGS   (MPPE_COUNT_MOD / 256)

void
mppe_wipe_other(struct mppe_rx *rx)
{
	rx->other = MPPE_OTHER_NONE;
	explicit_bzero(rx->other_key, sizeof(rx->other_key));
	if (!rx->stateless)
		explicit_bzero(&rx->full.other, sizeof(rx->full.other));
}

/* The stream goes on. */
static enum evidence
run_on(struct rc4_state *rc4, struct packet *pkt)
{
	rc4_burst(&(struct rc4_stream){.state = rc4, .data = pkt->body, .len = pkt->len}, 1);
	return mppe_judge(pkt);
}

static enum mppe_status
lose_sync(struct mppe_rx *rx, bool bad_resync)
{
	rx->discarding = true;
	rx->garbled = 0;
	if (bad_resync && rx->bad_resyncs < WRAPS_MAX)
		rx->bad_resyncs++;
	return MPPE_LOST_SYNC;
}

/* A packet in sequence that proves nothing.  Too many, and the key is not the peer's. */
static enum mppe_status
doubt(struct mppe_rx *rx, enum evidence e)
{
	if (e >= EVIDENCE_LIKELY)
		rx->garbled = 0;
	if (e != EVIDENCE_IMPOSSIBLE || ++rx->garbled < GARBLED_MAX)
		return MPPE_OK;
	mppe_forget_other(rx);
	return lose_sync(rx, true);
}

/* The stream goes on behind pkt, in rx->rc4. */
static enum mppe_status
move(struct mppe_rx *rx, struct packet *pkt, const uint8_t *key)
{
	if (key) {
		memmove(rx->session, key, MPPE_KEY_MAX);
		explicit_bzero(rx->full.chain, sizeof(rx->full.chain));
		rx->full.n_chain = 0;
	}
	rx->count = mppe_count_after(pkt->count, 1);
	pkt->proven = true;
	mppe_proved(rx);
	return MPPE_OK;
}

static void
remember_other(struct mppe_rx *rx, enum mppe_other other, const uint8_t *key, uint16_t count)
{
	memmove(rx->other_key, key, MPPE_KEY_MAX);
	rx->other_count = mppe_count_after(count, 1);
	rx->other = (uint8_t)other;
}

static enum mppe_status
in_sequence(struct mppe_rx *rx, struct packet *pkt)
{
	enum evidence e = run_on(&rx->rc4, pkt);

	if (e == EVIDENCE_STRONG)
		return move(rx, pkt, NULL);
	if (rx->other != MPPE_OTHER_STRONG) {
		rx->full.other = rx->rc4;
		remember_other(rx, MPPE_OTHER_WEAK, rx->session, pkt->count);
		rx->weak_run = e != EVIDENCE_IMPOSSIBLE;
	}
	rc4_rewind(&rx->rc4, pkt->len);
	return doubt(rx, e);
}

/* Behind the packet that led to the other place. */
static enum mppe_status
in_other_sequence(struct mppe_rx *rx, struct packet *pkt)
{
	enum evidence e;

	if (mppe_is_flag(pkt->count)) {
		mppe_next_key(rx->master, rx->other_key, rx->key_len, rx->strength);
		mppe_crypt_with(rx, rx->other_key, &rx->full.other, pkt->body, pkt->len);
		e = mppe_judge(pkt);
	} else {
		e = run_on(&rx->full.other, pkt);
	}
	rx->weak_run = e == EVIDENCE_IMPOSSIBLE ? 0 : rx->weak_run + 1;
	if (e == EVIDENCE_STRONG || rx->weak_run == WEAK_AGREE) {
		rx->rc4 = rx->full.other;
		return move(rx, pkt, rx->other_key);
	}
	rx->other_count = mppe_count_after(pkt->count, 1);
	return doubt(rx, e);
}

/* The key n changes after the live one's; the first ones are kept, so that hostile packets can't
 * have them derived over and over.  key is that of n - 1. */
static void
chain_key(struct mppe_rx *rx, unsigned int n, uint8_t key[MPPE_KEY_MAX])
{
	if (n > 0 && n <= rx->full.n_chain) {
		memcpy(key, rx->full.chain[n - 1], MPPE_KEY_MAX);
		return;
	}
	if (n > 0)
		mppe_next_key(rx->master, key, rx->key_len, rx->strength);
	if (n == rx->full.n_chain + 1u && n <= MPPE_CHAIN) {
		memcpy(rx->full.chain[n - 1], key, MPPE_KEY_MAX);
		rx->full.n_chain++;
	}
}

/* What a search for the key of a flushed packet has found. */
struct find {
	unsigned int missed;      /* flag packets before it */
	unsigned int least, most; /* key changes to try */
	enum evidence best, second;
	unsigned int best_n;
	uint8_t key[MPPE_KEY_MAX];
};

static void
search(struct mppe_rx *rx, const struct packet *pkt, struct find *f)
{
	uint8_t key[MPPE_KEY_MAX];

	f->best = f->second = EVIDENCE_IMPOSSIBLE;
	memcpy(key, rx->session, sizeof(key));
	for (unsigned int n = 0; n <= f->most && f->best < EVIDENCE_STRONG; n++) {
		enum evidence e;

		chain_key(rx, n, key);
		if (n < f->least)
			continue;
		e = mppe_try(rx, key, pkt);
		if (n == f->least || e > f->best) {
			f->second = f->best;
			f->best = e;
			f->best_n = n;
			memcpy(f->key, key, sizeof(key));
		} else if (e > f->second) {
			f->second = e;
		}
	}
	explicit_bzero(key, sizeof(key));
}

/*
 * Which key changes may lie between the live key and that of a FLUSHED packet, so many counts
 * ahead? One for each flag packet, seen or not (RFC 3078 section 7.2).  Outside of flag packets the
 * two readings differ by one, and a Linux peer has changed its key with every FLUSHED packet that
 * was lost besides.
 */
static void
find_key(
	struct mppe_rx *rx, const struct packet *pkt, bool lost, unsigned int ahead, struct find *f)
{
	bool flag = mppe_is_flag(pkt->count);
	unsigned int wraps;

	f->missed = ((rx->count & 0xff) + ahead) >> 8;
	f->least = f->missed + (flag || rx->flush_reading == MPPE_FLUSH_REKEY);
	f->most = f->missed + (flag || rx->flush_reading != MPPE_FLUSH_REINIT);
	if (lost && rx->flush_reading != MPPE_FLUSH_REINIT)
		f->most += LOST_FLUSHES;
	if (lost && rx->bad_resyncs > 0) {
		wraps = mppe_least(WRAP_FLAGS * rx->bad_resyncs, pkt->max_rekeys);
		wraps = mppe_least(wraps, mppe_budget(rx));
		f->most += mppe_spend(rx, wraps) ? wraps : 0;
	}
	search(rx, pkt, f);
}

/* The plaintext tells how this peer reads the FLUSHED bit. */
static void
learn_reading(struct mppe_rx *rx, const struct packet *pkt, const struct find *f)
{
	if (f->best < EVIDENCE_LIKELY) /* what was believed may be wrong */
		rx->flush_reading = MPPE_FLUSH_UNKNOWN;
	else if (f->best == EVIDENCE_STRONG && f->best > f->second && rx->bad_resyncs == 0 &&
		 !mppe_is_flag(pkt->count))
		rx->flush_reading = f->best_n == f->missed ? MPPE_FLUSH_REINIT : MPPE_FLUSH_REKEY;
}

/* Tables were (re)initialised with this packet.  beyond: the same count, wraps later. */
static enum mppe_status
restart(struct mppe_rx *rx, struct packet *pkt, bool lost, unsigned int ahead, unsigned int beyond)
{
	enum mppe_status ret = MPPE_OK;
	struct find f;

	find_key(rx, pkt, lost, ahead, &f);
	if (f.best < EVIDENCE_STRONG && beyond > ahead && mppe_spend(rx, beyond >> 8))
		find_key(rx, pkt, lost, beyond, &f);
	learn_reading(rx, pkt, &f);
	if (lost && f.best < EVIDENCE_STRONG) {
		ret = lose_sync(rx, true);
	} else if (!lost && f.best == EVIDENCE_STRONG) {
		mppe_crypt_with(rx, f.key, &rx->rc4, pkt->body, pkt->len);
		ret = move(rx, pkt, f.key);
	} else { /* the next packet decides */
		mppe_crypt_with(rx, f.key, &rx->full.other, pkt->body, pkt->len);
		remember_other(rx, lost ? MPPE_OTHER_STRONG : MPPE_OTHER_WEAK, f.key, pkt->count);
		if (lost)
			rx->discarding = false;
		else
			ret = doubt(rx, f.best);
	}
	explicit_bzero(&f, sizeof(f));
	return ret;
}

/* A packet out of sequence.  Is it where the peer can be?  While a reset is waited for, the peer
 * may go around the count: those that follow each other are followed. */
static bool
follow(struct mppe_rx *rx, const struct packet *pkt)
{
	unsigned int ahead = mppe_ahead(pkt->count, rx->count);
	unsigned int step = mppe_ahead(pkt->count, mppe_count_after(rx->count, rx->chase)), any;

	if (step <= STRAY_STEP) {
		rx->stray_run = 0;
		rx->chase += step;
		return true;
	}
	if (mppe_strays_agree(rx, pkt->count, &any)) {
		rx->stray_run = 0;
		rx->chase += step;
		return true;
	}
	return ahead < MPPE_COUNT_MOD / 2 || step < MPPE_COUNT_MOD / 2;
}

enum mppe_status
mppe_decrypt_stateful(struct mppe_rx *rx, struct packet *pkt)
{
	unsigned int ahead = mppe_ahead(pkt->count, rx->count);
	bool fresh = pkt->flushed || mppe_is_flag(pkt->count);
	bool lost = rx->discarding || ahead > 0;
	unsigned int beyond;

	if (rx->other != MPPE_OTHER_NONE && pkt->count == rx->other_count &&
		(!pkt->flushed || mppe_is_flag(pkt->count)))
		return in_other_sequence(rx, pkt);
	if (!fresh && ahead == 0)
		return in_sequence(rx, pkt);
	/* The answer to a reset may be anywhere. */
	if (!follow(rx, pkt) && !(fresh && rx->discarding))
		return MPPE_LATE;
	beyond = rx->chase + mppe_ahead(pkt->count, mppe_count_after(rx->count, rx->chase));
	if (fresh)
		return restart(rx, pkt, lost, ahead, beyond);
	return rx->discarding ? MPPE_AWAIT_RESET : lose_sync(rx, false);
}
