/* SPDX-License-Identifier: BSD-3-Clause */
/* From how many packets on the wide manager is worth it, on this CPU; and what else engines find
 * out by measuring. */
#include <stdlib.h>
#include <x86intrin.h>

#include "crypto/duel.h"
#include "crypto/esp_internal.h"

#define LEN_MAX 1024
#define STRIDE  (LEN_MAX + 192) /* no power of two: lanes would share a few cache sets */

static const unsigned int lengths[ESP_SIZES] = {80, 256, LEN_MAX};

struct pair {
	const struct esp_clock *clock;
	unsigned int work, size, n;
	enum esp_way way[2];
};

static uint64_t
run(const void *user, unsigned int who)
{
	const struct pair *p = user;

	return p->clock->run(p->clock->user, p->work, p->size, p->n, p->way[who]);
}

static uint8_t
least_wide(const struct esp_clock *clock, unsigned int work, unsigned int size, enum esp_way wide,
	bool *calm)
{
	static const uint8_t counts[] = {12, 8, 6, 4, 3, 2, 1};
	uint8_t least = ESP_LANES;
	/* Full rounds follow each other without a gap: two of them tell. */
	struct pair p = {clock, work, size, 2 * ESP_LANES, {wide, ESP_NARROW}};

	if (duel_won(&(struct duel){run, &p}, calm))
		return ESP_LANES + 1;
	p.way[DUEL_HOLDER] = ESP_NARROW;
	p.way[DUEL_CHALLENGER] = wide;
	for (unsigned int i = 0; i < sizeof(counts); i++) {
		p.n = counts[i];
		if (!duel_won(&(struct duel){run, &p}, calm))
			break;
		least = counts[i];
	}
	return least;
}

static bool
own_wins(const struct esp_clock *clock, unsigned int work, unsigned int size, bool *calm)
{
	const struct pair p = {clock, work, size, 2 * ESP_LANES, {ESP_WIDE, ESP_OWN}};

	return clock->has_own && work >= ESP_WORK_HASH &&
	       esp_hash_has_lanes(work - ESP_WORK_HASH) && duel_won(&(struct duel){run, &p}, calm);
}

bool
esp_trial(const struct esp_clock *clock, struct esp_plan *plan)
{
	bool calm = true;

	for (unsigned int work = 0; work < ESP_WORKS; work++) {
		for (unsigned int size = 0; size < ESP_SIZES; size++) {
			const bool own = own_wins(clock, work, size, &calm);

			if (work >= ESP_WORK_HASH)
				plan->own_hash[work - ESP_WORK_HASH][size] = own;
			plan->least_wide[work][size] =
				least_wide(clock, work, size, own ? ESP_OWN : ESP_WIDE, &calm);
		}
	}
	return calm;
}

/* --- Here ------------------------------------------------------------------------------------ */

/* A packet's worth of memory for each job. */
struct bench {
	struct esp_engine *e;
	uint8_t text[2 * ESP_LANES][STRIDE], tag[2 * ESP_LANES][64];
	struct esp_cbc_keys keys;
};

static void
set_jobs(struct bench *b, unsigned int work, unsigned int size, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		IMB_JOB *j = &b->e->imb[k];

		*j = (IMB_JOB){.enc_keys = b->keys.round,
			.dec_keys = b->keys.round,
			.src = b->text[k],
			.dst = b->text[k],
			.msg_len_to_cipher_in_bytes = lengths[size],
			.msg_len_to_hash_in_bytes = lengths[size],
			.iv = b->tag[k],
			.iv_len_in_bytes = 16,
			.auth_tag_output = b->tag[k],
			.auth_tag_output_len_in_bytes = 12,
			.cipher_mode = IMB_CIPHER_NULL,
			.cipher_direction = IMB_DIR_ENCRYPT,
			.hash_alg = IMB_AUTH_NULL,
			.chain_order = IMB_ORDER_HASH_CIPHER};
		if (work < ESP_WORK_HASH) {
			j->cipher_mode = IMB_CIPHER_CBC;
			j->key_len_in_bytes = 16 + 8 * (work - ESP_WORK_CBC_128);
			continue;
		}
		j->hash_alg = esp_hash_alg(work - ESP_WORK_HASH);
		j->u.HMAC._hashed_auth_key_xor_ipad = b->keys.hmac.states;
		j->u.HMAC._hashed_auth_key_xor_opad =
			b->keys.hmac.states + esp_opad_at(work - ESP_WORK_HASH);
	}
}

static uint64_t
run_here(void *user, unsigned int work, unsigned int size, unsigned int n, enum esp_way way)
{
	struct bench *b = user;
	uint64_t t;

	set_jobs(b, work, size, n);
	t = __rdtsc();
	if (work < ESP_WORK_HASH)
		esp_cbc_submit(way == ESP_NARROW ? b->e->narrow : b->e->wide, b->e->imb, n);
	else
		esp_hash_submit(b->e, way, b->e->imb, n, work - ESP_WORK_HASH);
	return __rdtsc() - t;
}

/* -1: out of memory; 0: disturbed. */
static int
measure(struct esp_engine *e, struct esp_plan *plan)
{
	/* not per packet */
	struct bench *b = aligned_alloc(64, (sizeof(*b) + 63) & ~(size_t)63);
	bool calm;

	if (!b)
		return -1;
	memset(b, 0, sizeof(*b));
	b->e = e;
	calm = esp_trial(&(struct esp_clock){run_here, esp_has_own(e), b}, plan);
	memset(e->imb, 0, sizeof(e->imb));
	free(b); /* not per packet */
	if (esp_des_tune(e) < 0)
		return -1;
	memcpy(plan->des, e->des, sizeof(plan->des));
	return calm;
}

static struct esp_plan first, second;
static int is_calm = -1; /* first: not measured */
const struct esp_plan *_Atomic esp_settled;

void
esp_plan_take(struct esp_engine *e, const struct esp_plan *plan)
{
	memcpy(e->least_wide, plan->least_wide, sizeof(e->least_wide));
	memcpy(e->own_hash, plan->own_hash, sizeof(e->own_hash));
	memcpy(e->des, plan->des, sizeof(e->des));
	e->undecided = false;
}

int
esp_plan_start(struct esp_engine *e)
{
	if (is_calm < 0)
		is_calm = measure(e, &first);
	if (is_calm < 0)
		return -1;
	e->des_wide = e->wide->used_arch == IMB_ARCH_AVX512 && esp_des_wide_supported();
	esp_plan_take(e, &first);
	e->undecided = !is_calm;
	esp_plan_renew(e);
	return 0;
}

bool
esp_settle(struct esp_engine *e)
{
	static uint32_t calls;

	esp_plan_renew(e);
	if (!e->undecided)
		return true;
	calls++;
	if (calls & (calls - 1)) /* more and more rarely */
		return false;
	/* Written once: others may be reading it from then on. */
	if (measure(e, &second) <= 0)
		return false;
	atomic_store_explicit(&esp_settled, &second, memory_order_release);
	esp_plan_take(e, &second);
	return true;
}
