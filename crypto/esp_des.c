/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DES and 3DES.  With AVX-512 VBMI they run in 64 lanes of our own (esp_des_wide.c), with AVX-512
 * alone in IPsec-MB's 16: a round costs the same however many lanes are in use.  Without, IPsec-MB
 * has a kernel in C with constant time, sixty times slower than OpenSSL's tables.  So each batch is
 * divided between the lanes and OpenSSL (scalar), by the lengths of its packets and by what either
 * was measured to cost when the engine was made.
 *
 * Encryption: packets are indivisible, the longest go to the lanes first, so that lanes that run
 * together are about as long.  Decryption: the blocks of a packet are independent of each other,
 * so packets are cut and all lanes get the same.
 *
 * OpenSSL's functions of one call each are deprecated since 3.0 (hence the older API level here):
 * those that took their place allocate, and set up keys for each packet.
 */
#define OPENSSL_API_COMPAT 10101

#include <stdlib.h>
#include <x86intrin.h>

#include "crypto/esp_internal.h"

#define BLOCK      8
#define STACK_USED 6144 /* several times what OpenSSL 3.0 and the lanes of hashes use */
#define TUNE_JOBS  6    /* about where encryption in lanes becomes the faster */
#define TUNE_LEN   10
#define TUNE_FEW   2
#define TUNE_MAX   64
#define TUNE_RUNS  8

static inline uint32_t
job_blocks(const struct esp_job *job)
{
	return (job->len - job->sa->header_len - job->sa->icv_len) / BLOCK;
}

/* OpenSSL's functions leave key schedules on the stack below their caller, which calls this after
 * them. */
__attribute__((noinline)) void
esp_wipe_stack(void)
{
	uint8_t dead[STACK_USED];

	memset(dead, 0, sizeof(dead));
	__asm__ volatile("" : : "r"(dead) : "memory"); /* it is used */
}

void
esp_des_expand(const struct esp_engine *e, struct esp_sa *sa, const uint8_t *key)
{
	struct esp_des_keys *keys = (void *)sa->keys;
	const unsigned int n = sa->cipher == ESP_DES ? 1 : 3;

	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *one = key + (size_t)BLOCK * i;

		if (!e->des_wide)
			IMB_DES_KEYSCHED(e->wide, keys->schedule[i], one);
		keys->three[i] = keys->schedule[i];
		DES_set_key_unchecked((const_DES_cblock *)(uintptr_t)one, &keys->scalar[i]);
	}
	if (e->des_wide)
		esp_des_wide_expand(key, n, !sa->inbound, keys->wide);
	esp_wipe_stack();
}

static inline void
run_scalar(const struct esp_job *job, int enc)
{
	/* The functions take what they only read as if they wrote it. */
	struct esp_des_keys *keys = (void *)job->sa->keys;
	uint8_t *text = job->data + job->sa->header_len;
	const long len = (long)job_blocks(job) * BLOCK;
	DES_cblock iv;

	memcpy(iv, job->data + ESP_HDR_LEN, sizeof(iv));
	if (job->sa->cipher == ESP_DES)
		DES_ncbc_encrypt(text, text, len, &keys->scalar[0], &iv, enc);
	else
		DES_ede3_cbc_encrypt(text, text, len, &keys->scalar[0], &keys->scalar[1],
			&keys->scalar[2], &iv, enc);
}

/* Which packets, longest first, go to the lanes: [from, to). */
struct span {
	unsigned int from, to;
};

/* All packets but those that go to the lanes.  Not inlined: its frame is to be small, for what is
 * left on the stack to be where esp_wipe_stack() wipes. */
static __attribute__((noinline)) void
all_scalar(const struct esp_job *jobs, const struct esp_list *list, const struct esp_order *p,
	struct span lanes, int enc)
{
	for (unsigned int k = 0; k < p->n; k++) {
		if (k < lanes.from || k >= lanes.to)
			run_scalar(&jobs[list->at[esp_order_index(p, k)]], enc);
	}
	esp_wipe_stack();
}

/* Into the lanes.  Whatever of the slot is not set here is of no meaning to this cipher. */
static inline void
submit(struct esp_engine *e, const struct esp_sa *sa, IMB_CIPHER_DIRECTION dir, uint8_t *text,
	uint32_t blocks, const void *iv)
{
	const struct esp_des_keys *keys = (const void *)sa->keys;
	const bool single = sa->cipher == ESP_DES;
	IMB_JOB *j = IMB_GET_NEXT_JOB(e->wide);

	j->enc_keys = single ? (const void *)keys->schedule[0] : keys->three;
	j->dec_keys = j->enc_keys;
	j->key_len_in_bytes = single ? 8 : 24;
	j->src = text;
	j->dst = text;
	j->cipher_start_src_offset_in_bytes = 0;
	j->msg_len_to_cipher_in_bytes = (uint64_t)blocks * BLOCK;
	j->iv = iv;
	j->iv_len_in_bytes = BLOCK;
	j->cipher_mode = single ? IMB_CIPHER_DES : IMB_CIPHER_DES3;
	j->cipher_direction = dir;
	j->hash_alg = IMB_AUTH_NULL;
	j->chain_order = IMB_ORDER_CIPHER_HASH;
	IMB_SUBMIT_JOB_NOCHECK(e->wide);
	while (IMB_GET_COMPLETED_JOB(e->wide))
		;
}

static void
finish_lanes(struct esp_engine *e)
{
	while (IMB_FLUSH_JOB(e->wide))
		;
}

/*
 * The lanes take rounds of so many, each as long as its first.  Worth the scalar way can be a few that
 * are much longer than all others, and what would fill the last round too little.
 */
static struct span
choose(const struct esp_des_costs *c, const struct esp_order *p, unsigned int lanes)
{
	struct span best = {0, 0};
	uint64_t sum[ESP_CHUNK + 1], least;

	sum[0] = 0;
	for (unsigned int k = 0; k < p->n; k++)
		sum[k + 1] = sum[k] + (uint64_t)esp_order_len(p, k) * ESP_DES_SCALAR_COST;
	least = sum[p->n];
	for (unsigned int from = 0; from < p->n && from < ESP_LANES; from++) {
		uint64_t cost = sum[from] + c->start;
		unsigned int to = from;

		if (from > 0 && esp_order_len(p, from) == esp_order_len(p, from - 1))
			continue;
		while (to < p->n) {
			uint64_t round = (uint64_t)esp_order_len(p, to) * c->round;
			uint64_t rest = sum[p->n] - sum[to];

			if (p->n - to <= lanes && rest < round) {
				cost += rest;
				break;
			}
			cost += round;
			to = to + lanes < p->n ? to + lanes : p->n;
		}
		if (cost < least) {
			least = cost;
			best = (struct span){from, to};
		}
	}
	return best;
}

/* Fills in whole packets, longest first; returns their blocks. */
static uint32_t
whole_packets(struct esp_order *p, const struct esp_job *jobs, const struct esp_list *list)
{
	uint32_t blocks = 0;

	p->n = 0;
	for (unsigned int k = 0; k < list->n; k++) {
		uint32_t of_job = job_blocks(&jobs[list->at[k]]);

		esp_order_add(p, of_job);
		blocks += of_job;
	}
	esp_order_sort(p);
	return blocks;
}

static void
whole_in_lanes(struct esp_engine *e, const struct esp_job *jobs, const struct esp_list *list,
	const struct esp_order *p, struct span lanes, IMB_CIPHER_DIRECTION dir)
{
	if (lanes.from == lanes.to)
		return;
	for (unsigned int k = lanes.from; k < lanes.to; k++) {
		const struct esp_job *job = &jobs[list->at[esp_order_index(p, k)]];

		submit(e, job->sa, dir, job->data + job->sa->header_len, esp_order_len(p, k),
			job->data + ESP_HDR_LEN);
	}
	finish_lanes(e);
}

static inline void
set_piece(struct esp_des_piece *piece, const struct esp_job *job, uint32_t first, uint32_t blocks)
{
	uint8_t *text = job->data + job->sa->header_len + (size_t)first * BLOCK;

	*piece = (struct esp_des_piece){job->sa, text, esp_load64(text - BLOCK), blocks};
}

/* At most ESP_CHUNK, for which there are lanes. */
static void
whole_in_wide(struct esp_engine *e, const struct esp_job *jobs, const struct esp_list *list,
	const struct esp_order *p, struct span lanes, enum esp_cipher cipher)
{
	struct esp_des_piece pieces[ESP_DES_WIDE];

	if (lanes.from == lanes.to)
		return;
	for (unsigned int k = lanes.from; k < lanes.to; k++)
		set_piece(&pieces[k - lanes.from], &jobs[list->at[esp_order_index(p, k)]], 0,
			esp_order_len(p, k));
	esp_des_pieces(e, pieces, lanes.to - lanes.from, cipher, true);
}

void
esp_des_encrypt(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher)
{
	const struct esp_list *list = &e->cipher[cipher];
	struct esp_order p;
	struct span lanes;

	whole_packets(&p, jobs, list);
	lanes = choose(&e->des[cipher - ESP_3DES], &p, e->des_wide ? ESP_DES_WIDE : ESP_LANES);
	if (e->des_wide)
		whole_in_wide(e, jobs, list, &p, lanes, cipher);
	else
		whole_in_lanes(e, jobs, list, &p, lanes, IMB_DIR_ENCRYPT);
	if (lanes.to - lanes.from < p.n)
		all_scalar(jobs, list, &p, lanes, DES_ENCRYPT);
}

/* All the packets laid end to end, and cut where a lane has its share. */
static void
cut_in_lanes(struct esp_engine *e, const struct esp_job *jobs, const struct esp_list *list,
	uint32_t share)
{
	struct {
		const struct esp_sa *sa;
		uint8_t *text;
		uint64_t iv; /* in place: the block before is no more when it is needed */
	} of[ESP_PIECES];
	struct esp_order p;
	uint32_t left = share;

	p.n = 0;
	for (unsigned int k = 0; k < list->n; k++) {
		const struct esp_job *job = &jobs[list->at[k]];
		uint8_t *text = job->data + job->sa->header_len; /* the IV is before it */
		uint32_t blocks = job_blocks(job), take;

		for (; blocks > 0; blocks -= take, text += (size_t)take * BLOCK) {
			take = blocks < left ? blocks : left;
			of[p.n].sa = job->sa;
			of[p.n].text = text;
			of[p.n].iv = esp_load64(text - BLOCK);
			esp_order_add(&p, take);
			left = left == take ? share : left - take;
		}
	}
	esp_order_sort(&p);
	for (unsigned int k = 0; k < p.n; k++) {
		unsigned int i = esp_order_index(&p, k);

		submit(e, of[i].sa, IMB_DIR_DECRYPT, of[i].text, esp_order_len(&p, k), &of[i].iv);
	}
	finish_lanes(e);
}

static unsigned int
pieces_of(const struct esp_order *p, uint32_t longest)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < p->n; k++)
		n += (esp_order_len(p, k) + longest - 1) / longest;
	return n;
}

/* A piece a lane, none longer than it must be. */
static void
cut_in_wide(struct esp_engine *e, const struct esp_job *jobs, const struct esp_list *list,
	const struct esp_order *p, uint32_t blocks, enum esp_cipher cipher)
{
	struct esp_des_piece cut[ESP_DES_WIDE], pieces[ESP_DES_WIDE];
	uint32_t longest = (blocks + ESP_DES_WIDE - 1) / ESP_DES_WIDE;
	struct esp_order order = {.n = 0};

	while (pieces_of(p, longest) > ESP_DES_WIDE)
		longest += 1 + longest / 8;
	for (unsigned int k = 0; k < list->n; k++) {
		const struct esp_job *job = &jobs[list->at[k]];
		const uint32_t of_job = job_blocks(job);

		for (uint32_t at = 0; at < of_job; at += longest) {
			const uint32_t left = of_job - at;

			set_piece(&cut[order.n], job, at, left < longest ? left : longest);
			esp_order_add(&order, cut[order.n].blocks);
		}
	}
	esp_order_sort(&order);
	for (unsigned int k = 0; k < order.n; k++)
		pieces[k] = cut[esp_order_index(&order, k)];
	esp_des_pieces(e, pieces, order.n, cipher, false);
}

void
esp_des_decrypt(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher)
{
	/* Fifteen jobs more cost as much as so many blocks in all lanes. */
	const uint32_t cuts = cipher == ESP_DES ? 5 : 2;
	const struct esp_list *list = &e->cipher[cipher];
	struct esp_order p;
	uint32_t blocks = whole_packets(&p, jobs, list);
	uint32_t share = (blocks + ESP_LANES - 1) / ESP_LANES, whole = 0;

	if (blocks < e->des[cipher - ESP_3DES].least_blocks) {
		all_scalar(jobs, list, &p, (struct span){0, 0}, DES_DECRYPT);
		return;
	}
	if (e->des_wide) {
		cut_in_wide(e, jobs, list, &p, blocks, cipher);
		return;
	}
	for (unsigned int k = 0; k < p.n; k += ESP_LANES)
		whole += esp_order_len(&p, k);
	if (whole >= share + cuts)
		cut_in_lanes(e, jobs, list, share);
	else
		whole_in_lanes(e, jobs, list, &p, (struct span){0, p.n}, IMB_DIR_DECRYPT);
}

static const struct esp_des_costs only_lanes = {0, 0, 0}, only_scalar = {UINT32_MAX, 0, UINT32_MAX};

void
esp_engine_force_des(struct esp_engine *e, enum esp_des how)
{
	e->des[0] = e->des[1] = how == ESP_DES_SCALAR ? only_scalar : only_lanes;
	e->des_wide = e->des_wide && how != ESP_DES_IPSEC_MB;
}

/* --- Measuring ------------------------------------------------------------------------------- */

/* An SA, and one packet's worth of memory for all: only the time matters. */
struct tune {
	_Alignas(64) uint8_t sa[sizeof(struct esp_sa) + sizeof(struct esp_des_keys)];
	uint8_t packet[ESP_HEADER_MAX + TUNE_MAX * BLOCK];
	struct esp_job jobs[TUNE_JOBS];
};

static uint64_t
time_des(
	struct esp_engine *e, const struct tune *t, const struct esp_des_costs *costs, bool encrypt)
{
	const enum esp_cipher cipher = t->jobs[0].sa->cipher;
	uint64_t best = UINT64_MAX;

	e->des[cipher - ESP_3DES] = *costs;
	for (unsigned int run = 0; run < TUNE_RUNS; run++) {
		uint64_t start = __rdtsc(), took;

		if (encrypt)
			esp_des_encrypt(e, t->jobs, cipher);
		else
			esp_des_decrypt(e, t->jobs, cipher);
		took = __rdtsc() - start;
		if (took < best)
			best = took;
	}
	return best;
}

static void
tune_jobs(struct esp_engine *e, struct tune *t, unsigned int n, uint32_t blocks)
{
	struct esp_sa *sa = (void *)t->sa;

	e->cipher[sa->cipher].n = 0;
	for (unsigned int i = 0; i < n; i++) {
		t->jobs[i] = (struct esp_job){
			.sa = sa, .data = t->packet, .len = sa->header_len + blocks * BLOCK};
		esp_list_add(&e->cipher[sa->cipher], i);
	}
}

static struct esp_des_costs
measure(struct esp_engine *e, struct tune *t)
{
	/* Lengths of one packet, in blocks. */
	static const uint32_t lengths[] = {2, 4, 8, 12, 16, 24, 32, 48, TUNE_MAX};
	struct esp_des_costs costs = only_scalar;
	uint64_t lanes, few, scalar;

	tune_jobs(e, t, TUNE_JOBS, TUNE_FEW);
	few = time_des(e, t, &only_lanes, true);
	tune_jobs(e, t, TUNE_JOBS, TUNE_LEN);
	lanes = time_des(e, t, &only_lanes, true);
	scalar = time_des(e, t, &only_scalar, true) / (TUNE_JOBS * TUNE_LEN) + 1;
	/* What grows with the length, and what does not. */
	lanes = lanes > few ? (lanes - few) / (TUNE_LEN - TUNE_FEW) + 1 : lanes / TUNE_LEN;
	costs.round = (uint32_t)(lanes * ESP_DES_SCALAR_COST / scalar) + 1;
	if (few > lanes * TUNE_FEW)
		costs.start = (uint32_t)((few - lanes * TUNE_FEW) * ESP_DES_SCALAR_COST / scalar);
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		tune_jobs(e, t, 1, lengths[i]);
		if (time_des(e, t, &only_lanes, false) < time_des(e, t, &only_scalar, false)) {
			costs.least_blocks = lengths[i];
			break;
		}
	}
	return costs;
}

int
esp_des_tune(struct esp_engine *e)
{
	static const uint8_t key[24] = {0};
	struct esp_sa *sa;
	struct tune *t;

	e->des[0] = e->des[1] = only_scalar;
	if (e->wide->used_arch != IMB_ARCH_AVX512)
		return 0;
	e->des_wide = esp_des_wide_supported();
	t = aligned_alloc(64, (sizeof(*t) + 63) & ~(size_t)63); /* not per packet */
	if (!t)
		return -1;
	memset(t, 0, sizeof(*t));
	sa = (void *)t->sa;
	sa->header_len = ESP_HDR_LEN + BLOCK;
	for (enum esp_cipher cipher = ESP_3DES; cipher <= ESP_DES; cipher++) {
		sa->cipher = (uint8_t)cipher;
		esp_des_expand(e, sa, key);
		e->des[cipher - ESP_3DES] = measure(e, t);
	}
	free(t); /* not per packet */
	return 0;
}
