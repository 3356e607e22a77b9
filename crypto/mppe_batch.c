/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPPE packets of many sessions side by side: first the keys, level by level along each session's
 * chain, then the bodies.  The bodies of a stateless session don't wait for each other, those of a
 * stateful one do.
 */
#include <string.h>

#include "crypto/mppe_chain.h"

_Thread_local struct mppe_work mppe_work;

void
mppe_next_keys(const struct mppe_key_change *changes, unsigned int n)
{
	uint8_t interim[RC4_BURST_MAX][MPPE_KEY_MAX];
	struct rc4_stream streams[RC4_BURST_MAX];

	mppe_work.changes += n;
	mppe_new_keys_from_sha(changes, n, interim);
	for (unsigned int k = 0; k < n; k++) {
		memcpy(changes[k].session, interim[k], 8);
		if (changes[k].key_len > 8)
			memcpy(changes[k].session + 8, interim[k] + 8, 8);
		streams[k] = (struct rc4_stream){
			.key = interim[k], .data = changes[k].session, .len = changes[k].key_len};
	}
	rc4_burst(streams, n);
	for (unsigned int k = 0; k < n; k++)
		mppe_reduce_strength(changes[k].session, changes[k].strength);
	explicit_bzero(interim, n * sizeof(interim[0]));
}

void
mppe_next_key(const uint8_t *master, uint8_t *session, uint8_t key_len, uint8_t strength)
{
	mppe_next_keys(&(struct mppe_key_change){master, session, key_len, strength}, 1);
}

static struct mppe_batch_item *
add(struct mppe_batch *b, struct mppe_turns *turns, bool rekey, bool stateless)
{
	unsigned int k = b->n++;

	b->level[k] = rekey ? turns->changes++ : MPPE_NO_CHANGE;
	b->round[k] = stateless ? 0 : turns->rounds++;
	if (turns->changes > b->changes)
		b->changes = turns->changes;
	if (b->round[k] >= b->rounds)
		b->rounds = b->round[k] + 1;
	b->items[k].turns = turns;
	return &b->items[k];
}

void
mppe_batch_add_tx(struct mppe_batch *b, struct mppe_tx *tx, bool rekey, uint8_t *body, uint32_t len)
{
	struct mppe_batch_item *item = add(b, &tx->turns, rekey, tx->stateless);

	item->change = (struct mppe_key_change){tx->master, tx->session, tx->key_len, tx->strength};
	item->rc4 = tx->stateless ? NULL : &tx->rc4;
	item->body = body;
	item->len = len;
}

void
mppe_batch_add_rx(struct mppe_batch *b, struct mppe_rx *rx, bool rekey, uint8_t *body, uint32_t len)
{
	struct mppe_batch_item *item = add(b, &rx->turns, rekey, rx->stateless);

	item->change = (struct mppe_key_change){rx->master, rx->session, rx->key_len, rx->strength};
	item->rc4 = rx->stateless ? NULL : &rx->rc4;
	item->body = body;
	item->len = len;
}

/* The packets step by step, each step's in their order: those of step s are order[begin[s]] and
 * following, up to begin[s + 1].  Packets with MPPE_NO_CHANGE are left out. */
static void
sort_by_step(const uint8_t *step, unsigned int n, unsigned int steps, uint8_t *order,
	uint8_t begin[RC4_BURST_MAX + 1])
{
	uint8_t at[RC4_BURST_MAX];

	memset(begin, 0, steps + 1);
	if (steps == 1) { /* as most are */
		for (unsigned int k = 0; k < n; k++) {
			order[begin[1]] = (uint8_t)k;
			begin[1] += step[k] != MPPE_NO_CHANGE;
		}
		return;
	}
	for (unsigned int k = 0; k < n; k++)
		if (step[k] != MPPE_NO_CHANGE)
			begin[step[k] + 1]++;
	for (unsigned int s = 0; s < steps; s++) {
		at[s] = begin[s];
		begin[s + 1] = (uint8_t)(begin[s + 1] + begin[s]);
	}
	for (unsigned int k = 0; k < n; k++)
		if (step[k] != MPPE_NO_CHANGE)
			order[at[step[k]]++] = (uint8_t)k;
}

/* The key of each packet that changes it; a chain's keys come one after the other. */
static void
derive_keys(const struct mppe_batch *b, uint8_t (*keys)[RC4_KEY_LEN])
{
	struct mppe_key_change changes[RC4_BURST_MAX];
	uint8_t order[RC4_BURST_MAX], begin[RC4_BURST_MAX + 1];

	if (b->changes == 0)
		return;
	sort_by_step(b->level, b->n, b->changes, order, begin);
	for (unsigned int level = 0; level < b->changes; level++) {
		const uint8_t *of = order + begin[level];
		unsigned int n = begin[level + 1] - begin[level];

		for (unsigned int k = 0; k < n; k++)
			changes[k] = b->items[of[k]].change;
		mppe_next_keys(changes, n);
		for (unsigned int k = 0; k < n; k++)
			mppe_expand_key(keys[of[k]], changes[k].session, changes[k].key_len);
	}
}

static void
crypt_bodies(const struct mppe_batch *b, uint8_t (*keys)[RC4_KEY_LEN])
{
	struct rc4_stream streams[RC4_BURST_MAX];
	uint8_t order[RC4_BURST_MAX], begin[RC4_BURST_MAX + 1];

	sort_by_step(b->round, b->n, b->rounds, order, begin);
	for (unsigned int round = 0; round < b->rounds; round++) {
		unsigned int n = 0;

		for (unsigned int m = begin[round]; m < begin[round + 1]; m++) {
			const struct mppe_batch_item *item = &b->items[order[m]];
			bool rekey = b->level[order[m]] != MPPE_NO_CHANGE;

			streams[n++] = (struct rc4_stream){.key = rekey ? keys[order[m]] : NULL,
				.state = item->rc4,
				.data = item->body,
				.len = item->len};
		}
		rc4_burst(streams, n);
	}
}

void
mppe_batch_run(struct mppe_batch *b)
{
	uint8_t keys[RC4_BURST_MAX][RC4_KEY_LEN];

	derive_keys(b, keys);
	crypt_bodies(b, keys);
	for (unsigned int k = 0; k < b->n; k++)
		*b->items[k].turns = (struct mppe_turns){0};
	explicit_bzero(keys, b->n * sizeof(keys[0]));
	mppe_batch_start(b);
}
