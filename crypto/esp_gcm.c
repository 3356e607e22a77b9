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

void
esp_gcm_seal(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher)
{
	const aes_gcm_enc_dec_t seal = seal_function(e->wide, cipher);
	const struct esp_list *list = &e->cipher[cipher];

	for (unsigned int k = 0; k < list->n; k++) {
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

	for (unsigned int k = 0; k < list->n; k++) {
		const struct esp_job *job = &jobs[list->at[k]];
		struct esp_scratch *s = &e->scratch[list->at[k]];
		const struct esp_sa *sa = job->sa;
		uint8_t *text = job->data + sa->header_len;
		const uint8_t *icv = job->data + job->len - sa->icv_len;

		open_packet(key_of(sa), &e->gcm, text, text, (uint64_t)(icv - text), s->nonce,
			s->aad, sa->esn ? 12 : 8, s->tag, sa->icv_len);
	}
}
