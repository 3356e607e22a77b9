/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPPE's receiving side: RFC 3078 sections 7 and 8, and what real links do to it.  What a packet
 * does to its session can depend on the plaintext of those before it, so only packets in sequence,
 * whose effects are certain beforehand, are decrypted in batches.
 */
#include "crypto/mppe.h"
#include "crypto/mppe_chain.h"
#include "crypto/mppe_judge.h"

#include <openssl/crypto.h>
#include <string.h>

/* A burst may skip as many keys as this many packets: n packets of one session cannot cost n *
 * max_rekeys. */
#define BURST_SKIP_PACKETS 4
/* Answers to Reset-Requests that may have been lost since the last good packet (Linux re-keys with
 * each). */
#define LOST_FLUSHES       3
/* Packets out of reach that follow each other within STRAY_STEP counts, before they are believed.
 */
#define STRAY_AGREE        16
#define STRAY_STEP         16
/* Stateful: garbled packets until the key is given up, and wraps of the count searched for a lost
 * one. */
#define GARBLED_MAX        4
#define WRAPS_MAX          4
/* Flag packets in one wrap of the count. */
#define WRAP_FLAGS         (MPPE_COUNT_MOD / 256)
/* Packets of one session in a batch: a multiple of the scalar kernel's lanes below STRAY_AGREE. */
#define MAX_PENDING        12

/* One received packet, and what it may still cost. */
struct packet {
	uint8_t *body; /* behind the header */
	uint32_t len;
	uint16_t count;
	bool flushed;
	unsigned int rekeys_left;
	unsigned int *skip_budget; /* of the burst */
};

static void
advance_key(struct mppe_rx *rx, unsigned int n)
{
	while (n-- > 0)
		mppe_next_key(rx->master, rx->session, rx->key_len, rx->strength);
}

/* The stream goes on. */
static void
decrypt_body(struct rc4_state *rc4, const struct packet *pkt)
{
	rc4_burst(&(struct rc4_stream){.state = rc4, .data = pkt->body, .len = pkt->len}, 1);
}

/* A new stream; rc4, which takes its state, may be NULL. */
static void
decrypt_with(
	const uint8_t *session, uint8_t key_len, struct rc4_state *rc4, uint8_t *data, uint32_t len)
{
	uint8_t key[RC4_KEY_LEN];

	mppe_expand_key(key, session, key_len);
	rc4_burst(&(struct rc4_stream){.key = key, .state = rc4, .data = data, .len = len}, 1);
	explicit_bzero(key, sizeof(key));
}

static void
decrypt_from_start(struct mppe_rx *rx, const struct packet *pkt)
{
	decrypt_with(
		rx->session, rx->key_len, rx->stateless ? NULL : &rx->rc4, pkt->body, pkt->len);
}

/* What does key make of the packet's first octets? */
static enum evidence
try_key(const uint8_t *key, uint8_t key_len, const struct packet *pkt)
{
	uint32_t len = pkt->len < PEEK_LEN ? pkt->len : PEEK_LEN;
	uint8_t clear[PEEK_LEN];
	enum evidence ret;

	memcpy(clear, pkt->body, len);
	decrypt_with(key, key_len, NULL, clear, len);
	ret = judge(clear, len);
	explicit_bzero(clear, sizeof(clear));
	return ret;
}

static unsigned int
least_of(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* The key of a skipped packet is kept for its late arrival, and used once. */
static void
keep_skipped(struct mppe_rx *rx)
{
	unsigned int slot = rx->count % MPPE_SKIPPED;

	memcpy(rx->skipped[slot], rx->session, MPPE_KEY_MAX);
	rx->skipped_count[slot] = rx->count;
	rx->skipped_mask |= (uint16_t)(1u << slot);
}

static void
forget_skipped(struct mppe_rx *rx, unsigned int slot)
{
	OPENSSL_cleanse(rx->skipped[slot], MPPE_KEY_MAX);
	rx->skipped_mask &= (uint16_t) ~(1u << slot);
}

/* A key kept one wrap ago for the count that comes now. */
static void
forget_last_wrap(struct mppe_rx *rx)
{
	if (rx->skipped_count[rx->count % MPPE_SKIPPED] == rx->count)
		forget_skipped(rx, rx->count % MPPE_SKIPPED);
}

/* Do packets out of reach follow each other? True from the STRAY_AGREE-th on. */
static bool
strays_agree(struct mppe_rx *rx, uint16_t count, unsigned int *step)
{
	*step = (unsigned int)(count - rx->stray_count) & MPPE_COUNT_MASK;
	if (*step == 0 || *step > STRAY_STEP)
		rx->stray_run = 0;
	if (rx->stray_run < STRAY_AGREE)
		rx->stray_run++;
	rx->stray_count = count;
	return rx->stray_run == STRAY_AGREE;
}

/*
 * Stateless: a packet that can't be read.  Once such packets agree, the probe
 * chain starts at the live key and runs after them, within the bounds of each packet.
 * Returns true when it has read this one and taken the live key's place.
 */
static bool
follow_stray(struct mppe_rx *rx, struct packet *pkt)
{
	bool following = rx->stray_run == STRAY_AGREE;
	unsigned int step, n;

	if (!strays_agree(rx, pkt->count, &step))
		return false;
	if (following) {
		rx->probe_ahead += step;
	} else {
		memcpy(rx->probe, rx->session, sizeof(rx->probe));
		/* A whole wrap when the live key itself was wrong. */
		rx->probe_ahead = ((unsigned int)(pkt->count - rx->count) & MPPE_COUNT_MASK) + 1;
	}
	n = least_of(rx->probe_ahead, least_of(pkt->rekeys_left, *pkt->skip_budget));
	*pkt->skip_budget -= n;
	rx->probe_ahead -= n;
	while (n-- > 0)
		mppe_next_key(rx->master, rx->probe, rx->key_len, rx->strength);
	if (rx->probe_ahead > 0)
		return false;
	if (try_key(rx->probe, rx->key_len, pkt) != EVIDENCE_STRONG) {
		rx->probe_ahead = MPPE_COUNT_MOD;
		return false;
	}
	memcpy(rx->session, rx->probe, sizeof(rx->session));
	OPENSSL_cleanse(rx->probe, sizeof(rx->probe));
	OPENSSL_cleanse(rx->skipped, sizeof(rx->skipped));
	rx->skipped_mask = 0;
	rx->stray_run = 0;
	rx->count = mppe_count_after(pkt->count, 1);
	decrypt_from_start(rx, pkt);
	return true;
}

static enum mppe_status
decrypt_late(struct mppe_rx *rx, struct packet *pkt)
{
	unsigned int slot = pkt->count % MPPE_SKIPPED;

	if (!(rx->skipped_mask & 1u << slot) || rx->skipped_count[slot] != pkt->count)
		return follow_stray(rx, pkt) ? MPPE_OK : MPPE_LATE;
	decrypt_with(rx->skipped[slot], rx->key_len, NULL, pkt->body, pkt->len);
	forget_skipped(rx, slot);
	return MPPE_OK;
}

/* Stateless: what the plaintext of a packet in sequence shows. */
static enum evidence
look(struct mppe_rx *rx, const struct packet *pkt)
{
	enum evidence e = judge(pkt->body, pkt->len);

	if (e == EVIDENCE_STRONG) /* less is too often seen behind a wrong key */
		rx->stray_run = 0;
	return e;
}

static enum mppe_status
decrypt_stateless(struct mppe_rx *rx, struct packet *pkt)
{
	unsigned int ahead = (unsigned int)(pkt->count - rx->count) & MPPE_COUNT_MASK;

	if (ahead >= MPPE_COUNT_MOD / 2)
		return decrypt_late(rx, pkt);
	if (ahead + 1 > pkt->rekeys_left)
		return follow_stray(rx, pkt) ? MPPE_OK : MPPE_REKEY_BOUND;
	if (ahead > *pkt->skip_budget)
		return MPPE_REKEY_BOUND;
	*pkt->skip_budget -= ahead;
	pkt->rekeys_left -= ahead + 1;
	for (; ahead > 0; ahead--) {
		advance_key(rx, 1);
		keep_skipped(rx);
		rx->count = mppe_count_after(rx->count, 1);
	}
	advance_key(rx, 1);
	forget_last_wrap(rx);
	rx->count = mppe_count_after(rx->count, 1);
	decrypt_from_start(rx, pkt);
	if (look(rx, pkt) != EVIDENCE_IMPOSSIBLE)
		return MPPE_OK;
	decrypt_from_start(rx, pkt); /* back to what was received */
	if (!follow_stray(rx, pkt))
		decrypt_from_start(rx, pkt);
	return MPPE_OK;
}

/*
 * A FLUSHED packet: find the session key.  Outside of flag packets the two readings differ by one
 * key change, and a Linux peer has changed its key with every FLUSHED packet that was lost besides.
 * The plaintext tells. Returns false when no key fits.
 */
static bool
flushed_key(struct mppe_rx *rx, const struct packet *pkt, bool resync)
{
	bool flag = mppe_is_flag(pkt->count);
	unsigned int least = flag || rx->flush_reading == MPPE_FLUSH_REKEY;
	unsigned int most = flag || rx->flush_reading != MPPE_FLUSH_REINIT;
	unsigned int extra = 0, best_n = least;
	enum evidence best = EVIDENCE_IMPOSSIBLE, second = EVIDENCE_IMPOSSIBLE;
	/* Among many keys a wrong one soon looks likely. */
	enum evidence enough = resync && rx->bad_resyncs > 0 ? EVIDENCE_STRONG : EVIDENCE_POSSIBLE;
	uint8_t key[MPPE_KEY_MAX], best_key[MPPE_KEY_MAX];

	if (resync && rx->flush_reading != MPPE_FLUSH_REINIT)
		extra = LOST_FLUSHES;
	if (resync)
		extra += WRAP_FLAGS * rx->bad_resyncs;
	extra = least_of(extra, least_of(pkt->rekeys_left, *pkt->skip_budget));
	*pkt->skip_budget -= extra;
	most += extra;
	memcpy(key, rx->session, sizeof(key));
	memcpy(best_key, key, sizeof(key));
	for (unsigned int n = 0; n <= most && best < EVIDENCE_STRONG; n++) {
		enum evidence e;

		if (n > 0)
			mppe_next_key(rx->master, key, rx->key_len, rx->strength);
		if (n < least)
			continue;
		e = try_key(key, rx->key_len, pkt);
		if (n == least)
			memcpy(rx->session, key, sizeof(key)); /* stays when none fits */
		if (n == least || e > best) {
			second = best;
			best = e;
			best_n = n;
			memcpy(best_key, key, sizeof(key));
		} else if (e > second) {
			second = e;
		}
	}
	if (best >= enough)
		memcpy(rx->session, best_key, sizeof(best_key));
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(best_key, sizeof(best_key));
	if (best < EVIDENCE_LIKELY) /* nothing proved, and what was believed may be wrong */
		rx->flush_reading = MPPE_FLUSH_UNKNOWN;
	else if (!flag && best > second && rx->bad_resyncs == 0)
		rx->flush_reading = best_n == 0 ? MPPE_FLUSH_REINIT : MPPE_FLUSH_REKEY;
	return best >= enough;
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

/* Stateful: the plaintext of a packet in sequence shows whether the key is still the peer's. */
static enum mppe_status
check_sync(struct mppe_rx *rx, const struct packet *pkt)
{
	enum evidence e = judge(pkt->body, pkt->len);

	if (e >= EVIDENCE_LIKELY)
		rx->garbled = 0;
	if (e == EVIDENCE_STRONG)
		rx->bad_resyncs = 0;
	if (e != EVIDENCE_IMPOSSIBLE)
		return MPPE_OK;
	return ++rx->garbled < GARBLED_MAX ? MPPE_OK : lose_sync(rx, true);
}

static enum mppe_status
decrypt_stateful(struct mppe_rx *rx, const struct packet *pkt)
{
	unsigned int ahead = (unsigned int)(pkt->count - rx->count) & MPPE_COUNT_MASK;
	unsigned int missed = ((rx->count & 0xff) + ahead) >> 8; /* flag packets */
	bool flag = mppe_is_flag(pkt->count);
	bool lost = rx->discarding || ahead > 0;
	unsigned int step;

	if (ahead >= MPPE_COUNT_MOD / 2 && !strays_agree(rx, pkt->count, &step))
		return MPPE_LATE;
	rx->stray_run = 0;

	/* RFC 3078 section 7.2: one key change for each flag packet, seen or not. */
	advance_key(rx, missed);
	rx->count = mppe_count_after(pkt->count, 1);
	if (flag && !lost) {
		advance_key(rx, 1);
		decrypt_from_start(rx, pkt);
	} else if (flag || pkt->flushed) {
		rx->discarding = false;
		if (!flushed_key(rx, pkt, lost))
			return lose_sync(rx, lost);
		decrypt_from_start(rx, pkt);
	} else if (lost) {
		return rx->discarding ? MPPE_AWAIT_RESET : lose_sync(rx, false);
	} else {
		decrypt_body(&rx->rc4, pkt);
	}
	return check_sync(rx, pkt);
}

/* False with a status when there is nothing to decrypt. */
static bool
parse(struct mppe_job *job, struct packet *pkt)
{
	uint16_t header;

	job->status = MPPE_SHORT;
	if (job->len < MPPE_HDR_LEN + 1)
		return false;
	job->status = MPPE_NOT_ENCRYPTED;
	header = (uint16_t)(job->data[0] << 8 | job->data[1]);
	if (!(header & MPPE_BIT_ENCRYPTED))
		return false;
	pkt->body = job->data + MPPE_HDR_LEN;
	pkt->len = job->len - MPPE_HDR_LEN;
	pkt->count = header & MPPE_COUNT_MASK;
	pkt->flushed = header & MPPE_BIT_FLUSHED;
	job->status = MPPE_OK;
	return true;
}

static enum mppe_status
decrypt_one(
	struct mppe_rx *rx, struct packet *pkt, unsigned int max_rekeys, unsigned int *skip_budget)
{
	pkt->rekeys_left = max_rekeys;
	pkt->skip_budget = skip_budget;
	return rx->stateless ? decrypt_stateless(rx, pkt) : decrypt_stateful(rx, pkt);
}

/* ------------------------------------------------------------------ batches */

/*
 * A packet in sequence whose outcome is certain before it is decrypted, whatever it and those of
 * its session before it in the batch turn out to be: no search for a key, nothing from the burst's
 * budget.
 */
static bool
is_plain(const struct mppe_rx *rx, const struct packet *pkt)
{
	if (pkt->count != rx->count || rx->turns.pending == MAX_PENDING)
		return false;
	if (rx->stateless)
		return rx->stray_run + rx->turns.pending + 1 < STRAY_AGREE;
	return !rx->discarding && (!pkt->flushed || mppe_is_flag(pkt->count)) &&
	       rx->garbled + rx->turns.pending + 1 < GARBLED_MAX;
}

/* What decrypt_stateless() and decrypt_stateful() do before the key of a plain packet is known...
 */
static void
begin_plain(struct mppe_batch *b, struct mppe_rx *rx, const struct packet *pkt)
{
	if (rx->stateless)
		forget_last_wrap(rx);
	else
		rx->stray_run = 0;
	rx->count = mppe_count_after(rx->count, 1);
	rx->turns.pending++;
	mppe_batch_add_rx(b, rx, rx->stateless || mppe_is_flag(pkt->count), pkt->body, pkt->len);
}

/* ... and after it was decrypted. */
static void
end_plain(struct mppe_rx *rx, const struct packet *pkt)
{
	unsigned int step;

	if (!rx->stateless)
		check_sync(rx, pkt);
	else if (look(rx, pkt) == EVIDENCE_IMPOSSIBLE)
		strays_agree(rx, pkt->count, &step);
}

/*
 * One pass over the jobs of todo[].  Plain packets go into one batch.  Others are decrypted on the
 * spot, except behind pending packets of their session, whose plaintext may matter to them: those
 * wait for the next pass, with the rest of their session, and with all that could cost something of
 * the budget.  Returns how many wait; they are left in todo[] in their order.
 */
static unsigned int
decrypt_pass(struct mppe_job *jobs, uint8_t *todo, unsigned int n, unsigned int max_rekeys,
	unsigned int *skip_budget)
{
	struct packet pending[RC4_BURST_MAX];
	struct mppe_rx *of[RC4_BURST_MAX];
	unsigned int waiting = 0, plain = 0;
	struct mppe_batch batch;

	mppe_batch_start(&batch);
	for (unsigned int k = 0; k < n; k++) {
		struct mppe_job *job = &jobs[todo[k]];
		struct mppe_rx *rx = job->rx;
		struct packet pkt;

		if (!parse(job, &pkt))
			continue;
		if (!rx->turns.deferred && is_plain(rx, &pkt)) {
			begin_plain(&batch, rx, &pkt);
			of[plain] = rx;
			pending[plain++] = pkt;
		} else if (rx->turns.deferred || rx->turns.pending > 0 || waiting > 0) {
			rx->turns.deferred = true;
			todo[waiting++] = todo[k];
		} else {
			job->status = decrypt_one(rx, &pkt, max_rekeys, skip_budget);
		}
	}
	if (plain > 0)
		mppe_batch_run(&batch);
	for (unsigned int k = 0; k < plain; k++)
		end_plain(of[k], &pending[k]);
	for (unsigned int k = 0; k < waiting; k++)
		jobs[todo[k]].rx->turns = (struct mppe_turns){0};
	return waiting;
}

/* Keeps the order of the good ones.  No allocation, and bursts are short. */
static unsigned int
good_first(struct mppe_job *jobs, unsigned int n)
{
	unsigned int good = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct mppe_job job;

		if (jobs[i].status != MPPE_OK)
			continue;
		if (i != good) {
			job = jobs[i];
			memmove(&jobs[good + 1], &jobs[good], (i - good) * sizeof(job));
			jobs[good] = job;
		}
		good++;
	}
	return good;
}

/* Packets of one stateful session have nothing to run beside. */
static bool
is_one_stream(const struct mppe_job *jobs, unsigned int n)
{
	if (jobs[0].rx->stateless)
		return n == 1; /* a lone packet doesn't pay for company */
	for (unsigned int k = 1; k < n; k++)
		if (jobs[k].rx != jobs[0].rx)
			return false;
	return true;
}

static void
decrypt_in_turn(
	struct mppe_job *jobs, unsigned int n, unsigned int max_rekeys, unsigned int *skip_budget)
{
	struct packet pkt;

	for (unsigned int i = 0; i < n; i++)
		if (parse(&jobs[i], &pkt))
			jobs[i].status = decrypt_one(jobs[i].rx, &pkt, max_rekeys, skip_budget);
}

unsigned int
mppe_decrypt_in_turn(struct mppe_job *jobs, unsigned int n, unsigned int max_rekeys)
{
	unsigned int skip_budget = BURST_SKIP_PACKETS * max_rekeys;

	decrypt_in_turn(jobs, n, max_rekeys, &skip_budget);
	return good_first(jobs, n);
}

unsigned int
mppe_decrypt_burst(struct mppe_job *jobs, unsigned int n, unsigned int max_rekeys)
{
	unsigned int skip_budget = BURST_SKIP_PACKETS * max_rekeys;

	if (n == 1) { /* nothing to sort */
		decrypt_in_turn(jobs, 1, max_rekeys, &skip_budget);
		return jobs->status == MPPE_OK;
	}
	for (unsigned int at = 0; at < n; at += RC4_BURST_MAX) {
		unsigned int m = least_of(n - at, RC4_BURST_MAX);
		uint8_t todo[RC4_BURST_MAX];

		if (is_one_stream(&jobs[at], m)) {
			decrypt_in_turn(&jobs[at], m, max_rekeys, &skip_budget);
			continue;
		}
		for (unsigned int k = 0; k < m; k++)
			todo[k] = (uint8_t)k;
		while (m > 0)
			m = decrypt_pass(&jobs[at], todo, m, max_rekeys, &skip_budget);
	}
	return good_first(jobs, n);
}
