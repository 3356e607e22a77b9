/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPPE packets of many sessions side by side: first the keys, level by level along each session's
 * chain, then the bodies.  The bodies of a stateless session don't wait for each other, those of a
 * stateful one do.
 */
#include <string.h>

#include "crypto/mppe_chain.h"

void
mppe_next_keys(const struct mppe_key_change *changes, unsigned int n)
{
	uint8_t interim[RC4_BURST_MAX][MPPE_KEY_MAX];
	struct rc4_stream streams[RC4_BURST_MAX];

	mppe_new_keys_from_sha(changes, n, interim);
	for (unsigned int k = 0; k < n; k++) {
		memcpy(changes[k].session, interim[k], changes[k].key_len);
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
	struct mppe_batch_item *item = &b->items[b->n++];

	item->rekey = rekey;
	item->level = rekey ? turns->changes++ : 0;
	item->round = stateless ? 0 : turns->rounds++;
	if (turns->changes > b->changes)
		b->changes = turns->changes;
	if (item->round >= b->rounds)
		b->rounds = item->round + 1;
	item->turns = turns;
	return item;
}

struct mppe_batch_item *
mppe_batch_add_tx(struct mppe_batch *b, struct mppe_tx *tx, bool rekey, uint8_t *body, uint32_t len)
{
	struct mppe_batch_item *item = add(b, &tx->turns, rekey, tx->stateless);

	item->change = (struct mppe_key_change){tx->master, tx->session, tx->key_len, tx->strength};
	item->rc4 = tx->stateless ? NULL : &tx->rc4;
	item->body = body;
	item->len = len;
	return item;
}

struct mppe_batch_item *
mppe_batch_add_rx(struct mppe_batch *b, struct mppe_rx *rx, bool rekey, uint8_t *body, uint32_t len)
{
	struct mppe_batch_item *item = add(b, &rx->turns, rekey, rx->stateless);

	item->change = (struct mppe_key_change){rx->master, rx->session, rx->key_len, rx->strength};
	item->rc4 = rx->stateless ? NULL : &rx->rc4;
	item->body = body;
	item->len = len;
	return item;
}

/* The key of each packet that changes it; a chain's keys come one after the other. */
static void
derive_keys(struct mppe_batch *b, uint8_t (*keys)[RC4_KEY_LEN])
{
	struct mppe_key_change changes[RC4_BURST_MAX];
	uint8_t of[RC4_BURST_MAX];

	for (unsigned int level = 0; level < b->changes; level++) {
		unsigned int n = 0;

		for (unsigned int k = 0; k < b->n; k++) {
			if (!b->items[k].rekey || b->items[k].level != level)
				continue;
			of[n] = (uint8_t)k;
			changes[n++] = b->items[k].change;
		}
		mppe_next_keys(changes, n);
		for (unsigned int k = 0; k < n; k++)
			mppe_expand_key(keys[of[k]], changes[k].session, changes[k].key_len);
	}
}

void
mppe_batch_run(struct mppe_batch *b)
{
	uint8_t keys[RC4_BURST_MAX][RC4_KEY_LEN];
	struct rc4_stream streams[RC4_BURST_MAX];

	derive_keys(b, keys);
	for (unsigned int round = 0; round < b->rounds; round++) {
		unsigned int n = 0;

		for (unsigned int k = 0; k < b->n; k++) {
			const struct mppe_batch_item *item = &b->items[k];

			if (item->round != round)
				continue;
			streams[n++] = (struct rc4_stream){.key = item->rekey ? keys[k] : NULL,
				.state = item->rc4,
				.data = item->body,
				.len = item->len};
		}
		rc4_burst(streams, n);
	}
	for (unsigned int k = 0; k < b->n; k++)
		*b->items[k].turns = (struct mppe_turns){0};
	explicit_bzero(keys, b->n * sizeof(keys[0]));
	b->n = b->changes = b->rounds = 0;
}
