/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CBC ciphers and HMACs in two passes: the library's cipher and hash bursts measured faster than
 * chained jobs, and authentication is over before anything is decrypted.  DES, 3DES and MD5 have no
 * bursts in IPsec-MB 1.3: MD5 goes through its jobs, DES through crypto/esp_des.c.  With AVX-512 the
 * wide lanes of MD5, SHA-1 and SHA-256 are our own (esp_hmac_wide.c), which have no queue to keep.
 */
#include "crypto/esp_internal.h"

#define HASH_BLOCK 64

IMB_HASH_ALG
esp_hash_alg(enum esp_hash hash)
{
	static const IMB_HASH_ALG alg[ESP_HASHES] = {
		[ESP_SHA1] = IMB_AUTH_HMAC_SHA_1,
		[ESP_SHA256] = IMB_AUTH_HMAC_SHA_256,
		[ESP_SHA384] = IMB_AUTH_HMAC_SHA_384,
		[ESP_SHA512] = IMB_AUTH_HMAC_SHA_512,
		[ESP_MD5] = IMB_AUTH_MD5,
	};

	return alg[hash];
}

/* The truncations that IPsec-MB knows; whatever else it is asked for, it writes a whole digest. */
static unsigned int
tag_len(enum esp_hash hash)
{
	static const uint8_t len[ESP_HASHES] = {
		[ESP_SHA1] = 12,
		[ESP_SHA256] = 16,
		[ESP_SHA384] = 24,
		[ESP_SHA512] = 32,
		[ESP_MD5] = 12,
	};

	return len[hash];
}

/* Copies of the jobs through the manager's own queue, until all are done. */
static void
submit_jobs(IMB_MGR *m, const IMB_JOB *jobs, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		*IMB_GET_NEXT_JOB(m) = jobs[k];
		IMB_SUBMIT_JOB_NOCHECK(m);
		while (IMB_GET_COMPLETED_JOB(m))
			;
	}
	while (IMB_FLUSH_JOB(m))
		;
}

void
esp_cbc_submit(IMB_MGR *m, IMB_JOB *jobs, unsigned int n)
{
	if (n == 0)
		return;
	IMB_SUBMIT_CIPHER_BURST_NOCHECK(
		m, jobs, n, IMB_CIPHER_CBC, jobs[0].cipher_direction, jobs[0].key_len_in_bytes);
}

void
esp_hash_submit(struct esp_engine *e, enum esp_way way, const IMB_JOB *jobs, unsigned int n,
	enum esp_hash hash)
{
	IMB_MGR *m = way == ESP_NARROW ? e->narrow : e->wide;

	if (n == 0)
		return;
	if (way == ESP_OWN) {
		esp_hmac_wide(jobs, n, esp_hash_alg(hash));
		esp_wipe_stack();
	} else if (hash == ESP_MD5) {
		submit_jobs(m, jobs, n);
	} else {
		IMB_SUBMIT_HASH_BURST_NOCHECK(m, (IMB_JOB *)(uintptr_t)jobs, n, esp_hash_alg(hash));
	}
}

static unsigned int
size_of(unsigned int n, uint64_t bytes)
{
	return (bytes > (uint64_t)n * ESP_SMALL) + (bytes > (uint64_t)n * ESP_MIDDLE);
}

/* How many of n jobs the wide manager takes. */
static unsigned int
wide_share(const struct esp_engine *e, unsigned int work, unsigned int n, uint64_t bytes)
{
	unsigned int least = e->least_wide[work][size_of(n, bytes)];
	unsigned int rest = n % ESP_LANES;

	if (least > ESP_LANES)
		return 0;
	return rest >= least ? n : n - rest;
}

static void
set_cipher(IMB_JOB *j, const struct esp_sa *sa, enum esp_cipher cipher, IMB_CIPHER_DIRECTION dir)
{
	j->cipher_direction = dir;
	j->chain_order = IMB_ORDER_CIPHER_HASH;
	j->hash_alg = IMB_AUTH_NULL;
	j->iv_len_in_bytes = sa->iv_len;
	j->status = IMB_STATUS_BEING_PROCESSED;
	j->cipher_mode = IMB_CIPHER_CBC;
	j->key_len_in_bytes = 16 + 8 * (cipher - ESP_CBC_128);
	j->enc_keys = ((const struct esp_cbc_keys *)(const void *)sa->keys)->round;
	j->dec_keys = j->enc_keys;
}

/* The list's indexes in the order of submission: more packets than lanes by their length in blocks
 * of a hash, which is exact enough, unless all are alike. */
static const uint8_t *
order_jobs(const struct esp_engine *e, unsigned int work, const struct esp_job *jobs,
	const struct esp_list *list, uint8_t sorted[ESP_CHUNK])
{
	const uint32_t first = jobs[list->at[0]].len;
	struct esp_order order;
	uint32_t differ = 0;

	if (list->n <= ESP_LANES || e->least_wide[work][ESP_SIZES - 1] > ESP_LANES)
		return list->at;
	for (unsigned int k = 1; k < list->n; k++)
		differ |= jobs[list->at[k]].len ^ first;
	if (differ < HASH_BLOCK)
		return list->at;
	order.n = 0;
	for (unsigned int k = 0; k < list->n; k++)
		esp_order_add(&order, jobs[list->at[k]].len / HASH_BLOCK);
	esp_order_sort(&order);
	for (unsigned int k = 0; k < list->n; k++)
		sorted[k] = list->at[esp_order_index(&order, k)];
	return sorted;
}

/* Fills in e->imb for the list, ordered when encrypting; returns the octets. */
static uint64_t
set_ciphers(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher,
	IMB_CIPHER_DIRECTION dir)
{
	const struct esp_list *list = &e->cipher[cipher];
	const uint8_t *at = list->at;
	uint8_t sorted[ESP_CHUNK];
	uint64_t bytes = 0;

	if (dir == IMB_DIR_ENCRYPT)
		at = order_jobs(e, ESP_WORK_CBC_128 + (cipher - ESP_CBC_128), jobs, list, sorted);
	for (unsigned int k = 0; k < list->n; k++) {
		const struct esp_job *job = &jobs[at[k]];
		uint8_t *text = job->data + job->sa->header_len;
		IMB_JOB *j = &e->imb[k];

		set_cipher(j, job->sa, cipher, dir);
		j->src = text;
		j->dst = text;
		j->msg_len_to_cipher_in_bytes = job->len - job->sa->header_len - job->sa->icv_len;
		j->iv = job->data + ESP_HDR_LEN;
		bytes += j->msg_len_to_cipher_in_bytes;
	}
	return bytes;
}

void
esp_cbc_encrypt(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher)
{
	uint64_t bytes = set_ciphers(e, jobs, cipher, IMB_DIR_ENCRYPT);
	unsigned int n = e->cipher[cipher].n;
	unsigned int share = wide_share(e, ESP_WORK_CBC_128 + (cipher - ESP_CBC_128), n, bytes);

	esp_cbc_submit(e->wide, e->imb, share);
	esp_cbc_submit(e->narrow, e->imb + share, n - share);
}

/* Blocks of one packet are independent here: no lanes to fill. */
void
esp_cbc_decrypt(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher)
{
	set_ciphers(e, jobs, cipher, IMB_DIR_DECRYPT);
	esp_cbc_submit(e->wide, e->imb, e->cipher[cipher].n);
}

void
esp_hash_compute(struct esp_engine *e, const struct esp_job *jobs, enum esp_hash hash)
{
	const struct esp_list *list = &e->hash[hash];
	const IMB_HASH_ALG alg = esp_hash_alg(hash);
	const unsigned int len = tag_len(hash);
	uint8_t sorted[ESP_CHUNK];
	const uint8_t *at = order_jobs(e, ESP_WORK_HASH + hash, jobs, list, sorted);
	unsigned int share;
	uint64_t bytes = 0;

	for (unsigned int k = 0; k < list->n; k++) {
		const struct esp_job *job = &jobs[at[k]];
		const struct esp_hmac_keys *keys = (const void *)job->sa->keys;
		IMB_JOB *j = &e->imb[k];

		j->cipher_mode = IMB_CIPHER_NULL;
		j->cipher_direction = IMB_DIR_ENCRYPT;
		j->chain_order = IMB_ORDER_HASH_CIPHER;
		j->hash_alg = alg;
		j->src = job->data;
		j->msg_len_to_hash_in_bytes =
			job->len - job->sa->icv_len + (job->sa->esn ? 4u : 0u);
		j->auth_tag_output = e->scratch[at[k]].tag;
		j->auth_tag_output_len_in_bytes = len;
		j->u.HMAC._hashed_auth_key_xor_ipad = keys->states;
		j->u.HMAC._hashed_auth_key_xor_opad = keys->states + esp_opad_at(hash);
		j->status = IMB_STATUS_BEING_PROCESSED;
		bytes += j->msg_len_to_hash_in_bytes;
	}
	share = wide_share(e, ESP_WORK_HASH + hash, list->n, bytes);
	esp_hash_submit(e, e->own_hash[hash][size_of(list->n, bytes)] ? ESP_OWN : ESP_WIDE, e->imb,
		share, hash);
	esp_hash_submit(e, ESP_NARROW, e->imb + share, list->n - share, hash);
}
