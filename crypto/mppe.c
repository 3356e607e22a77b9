/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/mppe.h"
#include "crypto/mppe_chain.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

const char *
mppe_status_name(uint32_t status)
{
	static const char *const names[MPPE_STATUS_COUNT] = {
		[MPPE_OK] = "ok",
		[MPPE_SHORT] = "short",
		[MPPE_NOT_ENCRYPTED] = "not-encrypted",
		[MPPE_LATE] = "late",
		[MPPE_REKEY_BOUND] = "rekey-bound",
		[MPPE_LOST_SYNC] = "lost-sync",
		[MPPE_AWAIT_RESET] = "await-reset",
	};

	return status < MPPE_STATUS_COUNT ? names[status] : "unknown";
}

void
mppe_reduce_strength(uint8_t *key, uint8_t strength)
{
	if (strength == MPPE_128)
		return;
	key[0] = 0xd1;
	if (strength == MPPE_40) {
		key[1] = 0x26;
		key[2] = 0x9e;
	}
}

static int
first_key(const struct mppe_params *p, uint8_t *master, uint8_t *session, uint8_t *key_len)
{
	if (p->strength != MPPE_40 && p->strength != MPPE_56 && p->strength != MPPE_128)
		return -EINVAL;
	*key_len = p->strength == MPPE_128 ? 16 : 8;
	memcpy(master, p->start_key, *key_len);
	mppe_new_key_from_sha(master, master, *key_len, session);
	mppe_reduce_strength(session, p->strength);
	return 0;
}

int
mppe_tx_init(struct mppe_tx *tx, const struct mppe_params *p)
{
	memset(tx, 0, sizeof(*tx));
	if (first_key(p, tx->master, tx->session, &tx->key_len) < 0)
		return -EINVAL;
	tx->strength = p->strength;
	tx->stateless = p->stateless;
	rc4_init(&tx->rc4, tx->session, tx->key_len);
	return 0;
}

int
mppe_rx_init(struct mppe_rx *rx, const struct mppe_params *p)
{
	memset(rx, 0, sizeof(*rx));
	if (first_key(p, rx->master, rx->session, &rx->key_len) < 0)
		return -EINVAL;
	rx->strength = p->strength;
	rx->stateless = p->stateless;
	rx->budget = MPPE_BUDGET;
	rc4_init(&rx->rc4, rx->session, rx->key_len);
	return 0;
}

void
mppe_tx_wipe(struct mppe_tx *tx)
{
	OPENSSL_cleanse(tx, sizeof(*tx));
}

void
mppe_rx_wipe(struct mppe_rx *rx)
{
	OPENSSL_cleanse(rx, sizeof(*rx));
}

void
mppe_tx_flush(struct mppe_tx *tx)
{
	tx->flush = !tx->stateless;
}

/* Writes the header, moves the count on.  True when the key changes with this packet. */
static bool
put_header(struct mppe_tx *tx, uint8_t *data)
{
	uint16_t header = MPPE_BIT_ENCRYPTED;
	bool rekey;

	if (tx->flush) {
		tx->count |= 0xff;
		tx->flush = false;
	}
	/* RFC 3078 section 7: the key changes for every packet, or for the flag packet.  The first
	 * stateful packet goes without FLUSHED, whatever section 3.1 says: Linux would change its
	 * key, and sends none itself. */
	rekey = tx->stateless || mppe_is_flag(tx->count);
	if (rekey)
		header |= MPPE_BIT_FLUSHED;
	header |= tx->count;
	data[0] = (uint8_t)(header >> 8);
	data[1] = (uint8_t)header;
	tx->count = mppe_count_after(tx->count, 1);
	return rekey;
}

static void
encrypt_one(struct mppe_job *job)
{
	struct mppe_tx *tx = job->tx;
	struct rc4_stream stream = {.state = tx->stateless ? NULL : &tx->rc4,
		.data = job->data + MPPE_HDR_LEN,
		.len = job->len - MPPE_HDR_LEN};
	uint8_t key[RC4_KEY_LEN];

	job->status = MPPE_OK;
	if (!put_header(tx, job->data)) {
		rc4_burst(&stream, 1);
		return;
	}
	mppe_next_key(tx->master, tx->session, tx->key_len, tx->strength);
	mppe_expand_key(key, tx->session, tx->key_len);
	stream.key = key;
	rc4_burst(&stream, 1);
	explicit_bzero(key, sizeof(key));
}

unsigned int
mppe_encrypt_burst(struct mppe_job *jobs, unsigned int n)
{
	struct mppe_batch batch;

	if (n == 1) { /* a lone packet doesn't pay for company */
		encrypt_one(jobs);
		return 1;
	}
	mppe_batch_start(&batch);
	for (unsigned int i = 0; i < n; i++) {
		struct mppe_job *job = &jobs[i];
		bool rekey = put_header(job->tx, job->data);

		mppe_batch_add_tx(
			&batch, job->tx, rekey, job->data + MPPE_HDR_LEN, job->len - MPPE_HDR_LEN);
		job->status = MPPE_OK;
		if (batch.n == RC4_BURST_MAX)
			mppe_batch_run(&batch);
	}
	if (batch.n > 0)
		mppe_batch_run(&batch);
	return n;
}

unsigned int
mppe_encrypt_in_turn(struct mppe_job *jobs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		encrypt_one(&jobs[i]);
	return n;
}
