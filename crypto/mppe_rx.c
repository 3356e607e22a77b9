/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPPE's receiving side: what packets may cost, and packets in batches.  What a packet does to its
 * session depends on its plaintext and on that of those before it, so packets in sequence are
 * decrypted in batches as if each would prove itself; where one doesn't, its session's are taken
 * back and decrypted in turn.
 */
#include "crypto/mppe_rx.h"

/* Packets of one session in a batch: a multiple of the scalar kernel's lanes. */
#define MAX_PENDING 12

/* ------------------------------------------------------------------ budgets (T4) */

/* Key changes of searches, a millisecond: of one session and of all of a thread, and what a thread
 * may spend at once.  A key change takes about half a microsecond, so a session's are 0.2 percent
 * of a core, a thread's 6. */
#define SESSION_RATE  4
#define THREAD_RATE   128
#define THREAD_BUDGET 16384

static _Thread_local struct {
	uint32_t now_ms;
	uint32_t left;
} searches = {.left = THREAD_BUDGET};

void
mppe_tick(uint32_t now_ms)
{
	uint32_t passed = now_ms - searches.now_ms;

	searches.now_ms = now_ms;
	if (passed >= THREAD_BUDGET / THREAD_RATE)
		searches.left = THREAD_BUDGET;
	else
		searches.left = mppe_least(searches.left + passed * THREAD_RATE, THREAD_BUDGET);
}

void
mppe_tick_full(void)
{
	searches.left = THREAD_BUDGET;
}

unsigned int
mppe_budget(struct mppe_rx *rx)
{
	uint32_t passed = searches.now_ms - rx->budget_ms;

	rx->budget_ms = searches.now_ms;
	if (passed >= MPPE_BUDGET / SESSION_RATE)
		rx->budget = MPPE_BUDGET;
	else
		rx->budget = (uint16_t)mppe_least(rx->budget + passed * SESSION_RATE, MPPE_BUDGET);
	if (searches.left < THREAD_BUDGET / 2 && rx->budget < MPPE_BUDGET / 2)
		return 0;
	return mppe_least(rx->budget, searches.left);
}

bool
mppe_spend(struct mppe_rx *rx, unsigned int n)
{
	if (n > mppe_budget(rx))
		return false;
	rx->budget -= (uint16_t)n;
	searches.left -= n;
	return true;
}

/* ------------------------------------------------------------------ one packet */

/* False with a status when there is nothing to decrypt. */
static bool
parse(struct mppe_job *job, struct packet *pkt)
{
	uint16_t header;

	job->proven = false;
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
	pkt->proven = false;
	job->status = MPPE_OK;
	return true;
}

static void
decrypt_one(struct mppe_job *job, struct packet *pkt, unsigned int max_rekeys)
{
	struct mppe_rx *rx = job->rx;

	pkt->max_rekeys = max_rekeys;
	job->status =
		rx->stateless ? mppe_decrypt_stateless(rx, pkt) : mppe_decrypt_stateful(rx, pkt);
	job->proven = pkt->proven;
}

static void
decrypt_in_turn(struct mppe_job *jobs, unsigned int n, unsigned int max_rekeys)
{
	struct packet pkt;

	for (unsigned int i = 0; i < n; i++)
		if (parse(&jobs[i], &pkt))
			decrypt_one(&jobs[i], &pkt, max_rekeys);
}

/* ------------------------------------------------------------------ batches */

/* Packets in sequence, decrypted together. */
struct plain {
	unsigned int n;
	struct mppe_job *jobs[RC4_BURST_MAX];
	struct packet pkts[RC4_BURST_MAX];
	uint8_t before[RC4_BURST_MAX][MPPE_KEY_MAX]; /* of each session's first: the live key */
};

/* Is it simply the next one? */
static bool
is_plain(const struct mppe_rx *rx, const struct packet *pkt)
{
	if (pkt->count != rx->count || rx->turns.pending == MAX_PENDING)
		return false;
	if (rx->stateless)
		return rx->near.n_ahead == 0;
	return rx->other == MPPE_OTHER_NONE && !pkt->flushed && !mppe_is_flag(pkt->count);
}

/* What would be done to the session if the packet proves itself, but for what that proves... */
static void
begin_plain(struct mppe_batch *b, struct plain *p, struct mppe_job *job, const struct packet *pkt)
{
	struct mppe_rx *rx = job->rx;

	if (rx->turns.pending++ == 0)
		memcpy(p->before[p->n], rx->session, MPPE_KEY_MAX);
	p->jobs[p->n] = job;
	p->pkts[p->n++] = *pkt;
	rx->count = mppe_count_after(rx->count, 1);
	mppe_batch_add_rx(b, rx, rx->stateless, pkt->body, pkt->len);
}

/* ... and when it did. */
static void
end_plain(struct mppe_job *job, const struct packet *pkt)
{
	struct mppe_rx *rx = job->rx;

	job->proven = true;
	if (rx->stateless)
		mppe_forget_kept(rx, (pkt->count - MPPE_NEAR) & MPPE_COUNT_MASK);
	mppe_proved(rx);
}

/* Is the i-th packet rx's, and not yet done with? */
static bool
is_of(const struct plain *p, unsigned int i, const struct mppe_rx *rx)
{
	return p->jobs[i] && p->jobs[i]->rx == rx;
}

/* Encrypt a session's packets again, beginning with the k-th, and take the session back. */
static void
undo_stateless(struct mppe_rx *rx, const struct plain *p, unsigned int k)
{
	uint16_t first = p->pkts[k].count;

	memcpy(rx->session, p->before[k], MPPE_KEY_MAX);
	for (unsigned int i = k; i < p->n; i++) {
		if (!is_of(p, i, rx))
			continue;
		mppe_next_key(rx->master, rx->session, rx->key_len, rx->strength);
		mppe_crypt_with(rx, rx->session, NULL, p->pkts[i].body, p->pkts[i].len);
	}
	memcpy(rx->session, p->before[k], MPPE_KEY_MAX);
	rx->count = first;
}

static void
undo_stateful(struct mppe_rx *rx, const struct plain *p, unsigned int k)
{
	struct rc4_state rc4;
	size_t len = 0;

	for (unsigned int i = k; i < p->n; i++)
		if (is_of(p, i, rx))
			len += p->pkts[i].len;
	rc4_rewind(&rx->rc4, len);
	rc4 = rx->rc4;
	for (unsigned int i = k; i < p->n; i++)
		if (is_of(p, i, rx))
			rc4_burst(&(struct rc4_stream){.state = &rc4,
					  .data = p->pkts[i].body,
					  .len = p->pkts[i].len},
				1);
	explicit_bzero(&rc4, sizeof(rc4));
	rx->count = p->pkts[k].count;
}

/* Not all of a session's packets have proved themselves: each is decrypted after the one before
 * it, which may have left the session where it was. */
static void
redo(struct plain *p, unsigned int k, unsigned int max_rekeys)
{
	struct mppe_rx *rx = p->jobs[k]->rx;

	if (rx->stateless)
		undo_stateless(rx, p, k);
	else
		undo_stateful(rx, p, k);
	for (unsigned int i = k; i < p->n; i++) {
		if (!is_of(p, i, rx))
			continue;
		decrypt_one(p->jobs[i], &p->pkts[i], max_rekeys);
		p->jobs[i] = NULL;
	}
	rx->turns.doubted = false;
}

static void
end_batch(struct plain *p, unsigned int max_rekeys)
{
	for (unsigned int k = 0; k < p->n; k++)
		if (mppe_judge(&p->pkts[k]) != EVIDENCE_STRONG)
			p->jobs[k]->rx->turns.doubted = true;
	for (unsigned int k = 0; k < p->n; k++) {
		if (p->jobs[k] == NULL)
			continue;
		if (p->jobs[k]->rx->turns.doubted)
			redo(p, k, max_rekeys);
		else
			end_plain(p->jobs[k], &p->pkts[k]);
	}
	explicit_bzero(p->before, p->n * sizeof(p->before[0]));
}

/*
 * One pass over the jobs of todo[].  Plain packets go into one batch.  Others are decrypted on the
 * spot, except behind pending packets of their session: those wait for the next pass, with the rest
 * of their session.  Returns how many wait; they are left in todo[] in their order.
 */
static unsigned int
decrypt_pass(struct mppe_job *jobs, uint8_t *todo, unsigned int n, unsigned int max_rekeys)
{
	struct mppe_batch batch;
	unsigned int waiting = 0;
	struct plain plain;

	plain.n = 0;
	mppe_batch_start(&batch);
	for (unsigned int k = 0; k < n; k++) {
		struct mppe_job *job = &jobs[todo[k]];
		struct mppe_rx *rx = job->rx;
		struct packet pkt;

		if (!parse(job, &pkt))
			continue;
		if (!rx->turns.deferred && is_plain(rx, &pkt)) {
			begin_plain(&batch, &plain, job, &pkt);
		} else if (rx->turns.deferred || rx->turns.pending > 0) {
			rx->turns.deferred = true;
			todo[waiting++] = todo[k];
		} else {
			decrypt_one(job, &pkt, max_rekeys);
		}
	}
	if (plain.n > 0) {
		mppe_batch_run(&batch);
		end_batch(&plain, max_rekeys);
	}
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

unsigned int
mppe_decrypt_in_turn(struct mppe_job *jobs, unsigned int n, unsigned int max_rekeys)
{
	decrypt_in_turn(jobs, n, max_rekeys);
	return good_first(jobs, n);
}

unsigned int
mppe_decrypt_burst(struct mppe_job *jobs, unsigned int n, unsigned int max_rekeys)
{
	if (n == 1) { /* nothing to sort */
		decrypt_in_turn(jobs, 1, max_rekeys);
		return jobs->status == MPPE_OK;
	}
	for (unsigned int at = 0; at < n; at += RC4_BURST_MAX) {
		unsigned int m = mppe_least(n - at, RC4_BURST_MAX);
		uint8_t todo[RC4_BURST_MAX];

		if (is_one_stream(&jobs[at], m)) {
			decrypt_in_turn(&jobs[at], m, max_rekeys);
			continue;
		}
		for (unsigned int k = 0; k < m; k++)
			todo[k] = (uint8_t)k;
		while (m > 0)
			m = decrypt_pass(&jobs[at], todo, m, max_rekeys);
	}
	return good_first(jobs, n);
}
