/* SPDX-License-Identifier: BSD-3-Clause */
/* Batches: headers, trailers, checks, and the order of the passes. */
#include "crypto/esp.h"

#include <arpa/inet.h>
#include <endian.h>

#include "crypto/esp_internal.h"

/* How many jobs ahead SAs are requested. */
#define AHEAD_SA 8

const char *
esp_status_name(uint32_t status)
{
	static const char *const names[ESP_STATUS_COUNT] = {
		[ESP_OK] = "ok",
		[ESP_SHORT] = "short",
		[ESP_TOO_LONG] = "too-long",
		[ESP_UNALIGNED] = "unaligned",
		[ESP_WRONG_SPI] = "wrong-spi",
		[ESP_SEQUENCE_ZERO] = "sequence-zero",
		[ESP_REPLAY_OLD] = "replay-old",
		[ESP_REPLAYED] = "replayed",
		[ESP_BAD_ICV] = "bad-icv",
		[ESP_BAD_PADDING] = "bad-padding",
		[ESP_NO_ROOM] = "no-room",
		[ESP_SEQUENCE_EXHAUSTED] = "sequence-exhausted",
		[ESP_BYTE_LIMIT] = "byte-limit",
		[ESP_PACKET_LIMIT] = "packet-limit",
	};

	return status < ESP_STATUS_COUNT ? names[status] : "unknown";
}

/* Good jobs to the front, in their order. */
static unsigned int
good_first(struct esp_job *jobs, unsigned int n)
{
	unsigned int good = 0;

	while (good < n && jobs[good].status == ESP_OK)
		good++;
	for (unsigned int i = good + 1; i < n; i++) {
		if (jobs[i].status == ESP_OK) {
			struct esp_job job = jobs[i];

			jobs[i] = jobs[good];
			jobs[good++] = job;
		}
	}
	return good;
}

static void
empty_lists(struct esp_engine *e)
{
	for (unsigned int c = 0; c < ESP_CIPHERS; c++)
		e->cipher[c].n = 0;
	for (unsigned int h = 0; h < ESP_HASHES; h++)
		e->hash[h].n = 0;
}

/*
 * What a chunk needs of memory is requested in stages: SAs; what they say where it is, before the
 * first packet is looked at; GCM's keys while the packets before are worked on (esp_gcm.c).
 */
static void
request_chunk(const struct esp_job *jobs, unsigned int n)
{
	const struct esp_sa *last = NULL;

	for (unsigned int i = 0; i < n; i++) {
		const struct esp_sa *sa = jobs[i].sa;

		if (i + AHEAD_SA < n)
			esp_request(jobs[i + AHEAD_SA].sa);
		if (sa == last)
			continue;
		last = sa;
		if (sa->inbound)
			esp_request(esp_sa_replay(sa));
		if (!ESP_CIPHER_IS_GCM(sa->cipher))
			esp_request_lines(sa->keys, esp_cbc_lines(sa));
	}
}

/* RFC 4106 section 4: salt and IV; section 5: SPI and all of the sequence number. */
static inline void
set_nonce(struct esp_scratch *s, const struct esp_sa *sa, uint64_t iv, uint64_t seq)
{
	const uint32_t high = htonl((uint32_t)(seq >> 32)), low = htonl((uint32_t)seq);

	memcpy(s->nonce, sa->salt, 4);
	memcpy(s->nonce + 4, &iv, 8);
	memcpy(s->aad, &sa->spi, 4);
	if (sa->esn) {
		memcpy(s->aad + 4, &high, 4);
		memcpy(s->aad + 8, &low, 4);
	} else {
		memcpy(s->aad + 4, &low, 4);
	}
}

/* The IV field of an outbound packet, see esp_encapsulate_burst(). */
static inline void
set_iv(struct esp_engine *e, const struct esp_sa *sa, uint8_t *p, uint64_t seq_be)
{
	if (ESP_CIPHER_IS_GCM(sa->cipher))
		memcpy(p, &seq_be, 8);
	else if (sa->iv_len == 16)
		memcpy(p, esp_iv_next(e), 16);
	else if (sa->iv_len == 8)
		memcpy(p, esp_iv_next(e), 8);
}

static enum esp_status
limit_reached(const struct esp_sa *sa)
{
	if (sa->bytes >= sa->hard_bytes)
		return ESP_BYTE_LIMIT;
	return sa->seq == (sa->esn ? UINT64_MAX : UINT32_MAX) ? ESP_SEQUENCE_EXHAUSTED
							      : ESP_PACKET_LIMIT;
}

/* Everything of an outbound packet but what is computed from keys.  On any error nothing has
 * changed: no number is taken. */
static enum esp_status
build_packet(struct esp_engine *e, struct esp_job *job, struct esp_scratch *s)
{
	static const uint8_t padding[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct esp_sa *sa = job->sa;
	uint8_t *end;
	uint32_t clear, pad, total, seq_be;
	uint64_t seq64_be;

	if (job->len < sa->header_len)
		return ESP_SHORT;
	clear = job->len - sa->header_len;
	pad = -(clear + 2) & (sa->align - 1u);
	total = job->len + pad + 2 + sa->icv_len;
	if (job->len > ESP_PACKET_MAX || total > ESP_PACKET_MAX)
		return ESP_TOO_LONG;
	if (job->room < ESP_TRAILER_MAX)
		return ESP_NO_ROOM;
	if (!esp_sa_in_life(sa) && (sa->bytes >= sa->hard_bytes || sa->packets >= sa->hard_packets))
		return limit_reached(sa);
	end = job->data + job->len;
	sa->packets++;
	sa->bytes += clear + pad + 2;
	job->seq = ++sa->seq;
	seq_be = htonl((uint32_t)job->seq);
	seq64_be = htobe64(job->seq);
	memcpy(job->data, &sa->spi, 4);
	memcpy(job->data + 4, &seq_be, 4);
	set_iv(e, sa, job->data + ESP_HDR_LEN, seq64_be);
	memcpy(end, padding, sizeof(padding)); /* the rest is overwritten or room */
	end[pad] = (uint8_t)pad;
	end[pad + 1] = job->next_header;
	job->len = total;
	if (ESP_CIPHER_IS_GCM(sa->cipher))
		set_nonce(s, sa, seq64_be, job->seq);
	else if (sa->esn) /* implicit, for the ICV: RFC 4303 section 2.2.1; the ICV's place */
		memcpy(end + pad + 2, &seq64_be, 4);
	return ESP_OK;
}

static void
put_icvs(struct esp_engine *e, const struct esp_job *jobs, enum esp_hash hash)
{
	const struct esp_list *list = &e->hash[hash];

	for (unsigned int k = 0; k < list->n; k++) {
		const struct esp_job *job = &jobs[list->at[k]];

		esp_copy_icv(job->data + job->len - job->sa->icv_len, e->scratch[list->at[k]].tag,
			job->sa->icv_len);
	}
}

static void
encapsulate_chunk(struct esp_engine *e, struct esp_job *jobs, unsigned int n)
{
	empty_lists(e);
	request_chunk(jobs, n);
	for (unsigned int i = 0; i < n; i++) {
		jobs[i].status = build_packet(e, &jobs[i], &e->scratch[i]);
		if (jobs[i].status != ESP_OK)
			continue;
		esp_list_add(&e->cipher[jobs[i].sa->cipher], i);
		if (!ESP_CIPHER_IS_GCM(jobs[i].sa->cipher))
			esp_list_add(&e->hash[jobs[i].sa->hash], i);
	}
	for (unsigned int c = 0; c < ESP_NULL; c++) {
		if (e->cipher[c].n == 0)
			continue;
		if (ESP_CIPHER_IS_GCM(c))
			esp_gcm_seal(e, jobs, c);
		else if (c == ESP_3DES || c == ESP_DES)
			esp_des_encrypt(e, jobs, c);
		else
			esp_cbc_encrypt(e, jobs, c);
	}
	for (unsigned int h = 0; h < ESP_HASHES; h++) {
		if (e->hash[h].n == 0)
			continue;
		esp_hash_compute(e, jobs, h);
		put_icvs(e, jobs, h);
	}
}

static enum esp_status
replay_status(enum replay_verdict verdict)
{
	switch (verdict) {
	case REPLAY_NEW:
		return ESP_OK;
	case REPLAY_ZERO:
		return ESP_SEQUENCE_ZERO;
	case REPLAY_OLD:
		return ESP_REPLAY_OLD;
	default:
		return ESP_REPLAYED;
	}
}

/* All that can be said before authentication; changes nothing of the SA. */
static enum esp_status
check_packet(struct esp_job *job)
{
	const struct esp_sa *sa = job->sa;
	uint32_t spi, seq, text;

	if (job->len < (uint32_t)sa->header_len + sa->align + sa->icv_len)
		return ESP_SHORT;
	if (job->len > ESP_PACKET_MAX)
		return ESP_TOO_LONG;
	text = job->len - sa->header_len - sa->icv_len;
	if (text & (sa->align - 1u))
		return ESP_UNALIGNED;
	memcpy(&spi, job->data, 4);
	memcpy(&seq, job->data + 4, 4);
	if (spi != sa->spi)
		return ESP_WRONG_SPI;
	if (!esp_sa_in_life(sa)) {
		if (sa->bytes >= sa->hard_bytes)
			return ESP_BYTE_LIMIT;
		if (sa->packets >= sa->hard_packets)
			return ESP_PACKET_LIMIT;
	}
	job->seq = sa->esn ? replay_esn(esp_sa_replay(sa), ntohl(seq)) : ntohl(seq);
	return replay_status(replay_check(esp_sa_replay(sa), job->seq));
}

/* What authentication needs.  With ESN the high bits take the ICV's place: it is set aside. */
static inline void
prepare_open(const struct esp_job *job, struct esp_scratch *s)
{
	const struct esp_sa *sa = job->sa;
	uint8_t *icv = job->data + job->len - sa->icv_len;

	if (ESP_CIPHER_IS_GCM(sa->cipher)) {
		set_nonce(s, sa, esp_load64(job->data + ESP_HDR_LEN), job->seq);
		return;
	}
	esp_copy_icv(s->icv, icv, sa->icv_len);
	if (sa->esn) {
		const uint32_t high = htonl((uint32_t)(job->seq >> 32));

		memcpy(icv, &high, 4);
	}
}

/* The ICV, and only if that is right, the window (it looks again: two packets of one batch may have
 * the same number) and the counters. */
static inline enum esp_status
accept_packet(const struct esp_job *job, const uint8_t *computed, const uint8_t *received)
{
	struct esp_sa *sa = job->sa;
	uint64_t differs = esp_icv_differs(computed, received, sa->icv_len);
	enum replay_verdict verdict;

	ESP_PUBLIC(&differs, sizeof(differs)); /* that a packet is dropped is seen by all */
	if (differs)
		return ESP_BAD_ICV;
	verdict = replay_update(esp_sa_replay(sa), job->seq);
	if (verdict != REPLAY_NEW)
		return replay_status(verdict);
	sa->packets++;
	sa->bytes += job->len - sa->header_len - sa->icv_len;
	return ESP_OK;
}

/* RFC 4303 section 2.4, on decrypted and authentic octets.  Pad length and next header become the
 * packet's length and kind, which are no secrets; the padding itself is compared without a branch
 * on it. */
static inline enum esp_status
strip_trailer(struct esp_job *job)
{
	const struct esp_sa *sa = job->sa;
	uint32_t text = job->len - sa->header_len - sa->icv_len, pad;
	uint8_t *end = job->data + sa->header_len + text - 2;
	uint64_t differs;

	ESP_PUBLIC(end, 2);
	pad = end[0];
	if (pad + 2 > text)
		return ESP_BAD_PADDING;
	differs = esp_padding_differs(end, pad);
	ESP_PUBLIC(&differs, sizeof(differs));
	if (differs)
		return ESP_BAD_PADDING;
	job->next_header = end[1];
	job->data += sa->header_len;
	job->len = text - pad - 2;
	return ESP_OK;
}

/* GCM has decrypted while it authenticated: a packet that is not accepted goes no further. */
static void
finish_gcm(struct esp_engine *e, struct esp_job *jobs, const struct esp_list *list)
{
	for (unsigned int k = 0; k < list->n; k++) {
		struct esp_job *job = &jobs[list->at[k]];
		const uint8_t *received = job->data + job->len - job->sa->icv_len;

		job->status = accept_packet(job, e->scratch[list->at[k]].tag, received);
		if (job->status == ESP_OK)
			job->status = strip_trailer(job);
	}
}

/* The accepted go on to be decrypted. */
static void
accept_hashed(struct esp_engine *e, struct esp_job *jobs, const struct esp_list *list)
{
	for (unsigned int k = 0; k < list->n; k++) {
		const struct esp_scratch *s = &e->scratch[list->at[k]];
		struct esp_job *job = &jobs[list->at[k]];

		job->status = accept_packet(job, s->tag, s->icv);
		if (job->status == ESP_OK)
			esp_list_add(&e->cipher[job->sa->cipher], list->at[k]);
	}
}

static void
decapsulate_chunk(struct esp_engine *e, struct esp_job *jobs, unsigned int n)
{
	empty_lists(e);
	request_chunk(jobs, n);
	for (unsigned int i = 0; i < n; i++) {
		const struct esp_sa *sa = jobs[i].sa;

		jobs[i].status = check_packet(&jobs[i]);
		if (jobs[i].status != ESP_OK)
			continue;
		prepare_open(&jobs[i], &e->scratch[i]);
		if (ESP_CIPHER_IS_GCM(sa->cipher))
			esp_list_add(&e->cipher[sa->cipher], i);
		else
			esp_list_add(&e->hash[sa->hash], i);
	}
	for (unsigned int c = ESP_GCM_128; c <= ESP_GCM_256; c++) {
		if (e->cipher[c].n == 0)
			continue;
		esp_gcm_open(e, jobs, c);
		finish_gcm(e, jobs, &e->cipher[c]);
	}
	for (unsigned int h = 0; h < ESP_HASHES; h++) {
		if (e->hash[h].n == 0)
			continue;
		esp_hash_compute(e, jobs, h);
		accept_hashed(e, jobs, &e->hash[h]);
	}
	for (unsigned int c = ESP_CBC_128; c < ESP_CIPHERS; c++) {
		const struct esp_list *list = &e->cipher[c];

		if (list->n == 0)
			continue;
		if (c == ESP_3DES || c == ESP_DES)
			esp_des_decrypt(e, jobs, c);
		else if (c != ESP_NULL)
			esp_cbc_decrypt(e, jobs, c);
		for (unsigned int k = 0; k < list->n; k++)
			jobs[list->at[k]].status = strip_trailer(&jobs[list->at[k]]);
	}
}

unsigned int
esp_encapsulate_burst(struct esp_engine *e, struct esp_job *jobs, unsigned int n)
{
	esp_plan_renew(e);
	for (unsigned int i = 0; i < n; i += ESP_CHUNK)
		encapsulate_chunk(e, jobs + i, n - i < ESP_CHUNK ? n - i : ESP_CHUNK);
	return good_first(jobs, n);
}

unsigned int
esp_decapsulate_burst(struct esp_engine *e, struct esp_job *jobs, unsigned int n)
{
	esp_plan_renew(e);
	for (unsigned int i = 0; i < n; i += ESP_CHUNK)
		decapsulate_chunk(e, jobs + i, n - i < ESP_CHUNK ? n - i : ESP_CHUNK);
	return good_first(jobs, n);
}
