/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AES-GCM (RFC 4106) by the library's direct functions: one packet fills the pipelines by itself,
 * and they measured faster than jobs.
 */
#include "crypto/esp_internal.h"

static inline aes_gcm_enc_dec_t
seal_function(const IMB_MGR *m, enum esp_cipher cipher)
{
	return cipher == ESP_GCM_128   ? m->gcm128_enc
	       : cipher == ESP_GCM_192 ? m->gcm192_enc
				       : m->gcm256_enc;
}

static inline aes_gcm_enc_dec_t
open_function(const IMB_MGR *m, enum esp_cipher cipher)
{
	return cipher == ESP_GCM_128   ? m->gcm128_dec
	       : cipher == ESP_GCM_192 ? m->gcm192_dec
				       : m->gcm256_dec;
}

static inline const struct gcm_key_data *
key_of(const struct esp_sa *sa)
{
	return &((const struct esp_gcm_keys *)(const void *)sa->keys)->gcm;
}

#define GCM_LINES      16 /* with VAES and AVX-512 */
#define GCM_KEY_LINES  4  /* round keys; the powers of the hash key follow, the lowest last */
#define GCM_LONG_LINES 7  /* powers: from so many on a packet may use all */
#define AHEAD          12 /* packets whose keys are on their way */

/* With many powers, a packet uses as many as it has blocks; with few, all. */
static inline void
request_keys(const struct esp_engine *e, const struct esp_sa *sa, uint32_t len)
{
	unsigned int powers = len / 64 + 1, lines = e->gcm_keys_size / 64;

	if (lines < GCM_LINES || powers >= GCM_LONG_LINES) {
		esp_request_lines(sa->keys, lines);
		return;
	}
	esp_request_lines(sa->keys, sa->cipher == ESP_GCM_128 ? GCM_KEY_LINES - 1 : GCM_KEY_LINES);
	esp_request_lines(sa->keys + (size_t)(GCM_LINES - powers) * 64, powers);
}

/* Keys of the list's packet k, unless the one before has the same. */
static inline void
request_ahead(const struct esp_engine *e, const struct esp_job *jobs, const struct esp_list *list,
	unsigned int k)
{
	if (k >= list->n)
		return;
	const struct esp_job *job = &jobs[list->at[k]];
	if (k == 0 || job->sa != jobs[list->at[k - 1]].sa)
		request_keys(e, job->sa, job->len);
}

void
esp_gcm_seal(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher)
{
	const aes_gcm_enc_dec_t seal = seal_function(e->wide, cipher);
	const struct esp_list *list = &e->cipher[cipher];

	for (unsigned int k = 0; k < AHEAD; k++)
		request_ahead(e, jobs, list, k);
	for (unsigned int k = 0; k < list->n; k++) {
		request_ahead(e, jobs, list, k + AHEAD);
		const struct esp_job *job = &jobs[list->at[k]];
		const struct esp_scratch *s = &e->scratch[list->at[k]];
		const struct esp_sa *sa = job->sa;
		uint8_t *text = job->data + sa->header_len;
		uint8_t *icv = job->data + job->len - sa->icv_len;

		seal(key_of(sa), &e->gcm, text, text, (uint64_t)(icv - text), s->nonce, s->aad,
			sa->esn ? 12 : 8, icv, sa->icv_len);
	}
}

void
esp_gcm_open(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher)
{
	const aes_gcm_enc_dec_t open_packet = open_function(e->wide, cipher);
	const struct esp_list *list = &e->cipher[cipher];

	for (unsigned int k = 0; k < AHEAD; k++)
		request_ahead(e, jobs, list, k);
	for (unsigned int k = 0; k < list->n; k++) {
		request_ahead(e, jobs, list, k + AHEAD);
		const struct esp_job *job = &jobs[list->at[k]];
		struct esp_scratch *s = &e->scratch[list->at[k]];
		const struct esp_sa *sa = job->sa;
		uint8_t *text = job->data + sa->header_len;
		const uint8_t *icv = job->data + job->len - sa->icv_len;

		open_packet(key_of(sa), &e->gcm, text, text, (uint64_t)(icv - text), s->nonce,
			s->aad, sa->esn ? 12 : 8, s->tag, sa->icv_len);
	}
}
