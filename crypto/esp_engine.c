/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPsec-MB managers.  With few packets of a kind, the widest vectors run mostly empty: a lone
 * 1,408-octet packet costs AVX-512 four times the SHA-1 of SHA-NI, and its SHA-256 is slower on
 * some CPUs however many packets there are.  So there is a second manager, and the start measures
 * from how many packets on the wide one is worth it, on this CPU.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

#include "crypto/esp_internal.h"

#define TUNE_LEN  1024
#define TUNE_RUNS 4

/* One packet's worth of memory for all lanes: only the time matters. */
struct tune {
	uint8_t text[TUNE_LEN];
	uint8_t tag[64];
	struct esp_cbc_keys keys;
};

static uint64_t
time_work(IMB_MGR *m, IMB_JOB *jobs, unsigned int n, unsigned int work)
{
	uint64_t best = UINT64_MAX;

	for (unsigned int run = 0; run < TUNE_RUNS; run++) {
		uint64_t t = __rdtsc();

		if (work < ESP_WORK_HASH)
			esp_cbc_submit(m, jobs, n);
		else
			esp_hash_submit(m, jobs, n, work - ESP_WORK_HASH);
		t = __rdtsc() - t;
		if (t < best)
			best = t;
	}
	return best;
}

static void
tune_jobs(struct esp_engine *e, struct tune *t, unsigned int work, unsigned int len)
{
	for (unsigned int k = 0; k < 2 * ESP_LANES; k++) {
		e->imb[k] = (IMB_JOB){.enc_keys = t->keys.round,
			.dec_keys = t->keys.round,
			.src = t->text,
			.dst = t->text,
			.msg_len_to_cipher_in_bytes = len,
			.msg_len_to_hash_in_bytes = len,
			.iv = t->tag,
			.iv_len_in_bytes = 16,
			.auth_tag_output = t->tag,
			.auth_tag_output_len_in_bytes = 12,
			.cipher_mode = IMB_CIPHER_NULL,
			.cipher_direction = IMB_DIR_ENCRYPT,
			.hash_alg = IMB_AUTH_NULL,
			.chain_order = IMB_ORDER_HASH_CIPHER};
		if (work < ESP_WORK_HASH) {
			e->imb[k].cipher_mode = IMB_CIPHER_CBC;
			e->imb[k].key_len_in_bytes = 16 + 8 * (work - ESP_WORK_CBC_128);
		} else {
			e->imb[k].hash_alg = esp_hash_alg(work - ESP_WORK_HASH);
			e->imb[k].u.HMAC._hashed_auth_key_xor_ipad = t->keys.hmac.states;
			e->imb[k].u.HMAC._hashed_auth_key_xor_opad =
				t->keys.hmac.states + esp_opad_at(work - ESP_WORK_HASH);
		}
	}
}

/* From how many jobs on the wide manager is the faster one. */
static uint8_t
least_wide(struct esp_engine *e, unsigned int work)
{
	static const uint8_t counts[] = {12, 8, 6, 4, 3, 2, 1};
	uint8_t least = ESP_LANES;

	/* Full rounds follow each other without a gap: two of them tell. */
	if (time_work(e->wide, e->imb, 2 * ESP_LANES, work) >
		time_work(e->narrow, e->imb, 2 * ESP_LANES, work))
		return ESP_LANES + 1;
	for (unsigned int i = 0; i < sizeof(counts); i++) {
		if (time_work(e->wide, e->imb, counts[i], work) >
			time_work(e->narrow, e->imb, counts[i], work))
			break;
		least = counts[i];
	}
	return least;
}

static int
tune(struct esp_engine *e)
{
	static const unsigned int lengths[ESP_SIZES] = {80, 256, TUNE_LEN};
	struct tune *t = aligned_alloc(64, (sizeof(*t) + 63) & ~(size_t)63); /* not per packet */

	if (!t)
		return -1;
	memset(t, 0, sizeof(*t));
	for (unsigned int work = 0; work < ESP_WORKS; work++) {
		for (unsigned int size = 0; size < ESP_SIZES; size++) {
			tune_jobs(e, t, work, lengths[size]);
			e->least_wide[work][size] = least_wide(e, work);
		}
	}
	memset(e->imb, 0, sizeof(e->imb));
	free(t); /* not per packet */
	return 0;
}

/* NULL with errno: the CPU or the library lacks it, or no memory. */
static IMB_MGR *
new_manager(enum esp_arch arch)
{
	static const uint64_t needs[] = {
		[ESP_ARCH_AUTO] = IMB_CPUFLAGS_SSE,
		[ESP_ARCH_SSE] = IMB_CPUFLAGS_SSE,
		[ESP_ARCH_AVX] = IMB_CPUFLAGS_AVX,
		[ESP_ARCH_AVX2] = IMB_CPUFLAGS_AVX2,
		[ESP_ARCH_AVX512] = IMB_CPUFLAGS_AVX512,
		[ESP_ARCH_NO_SHA] = 0,
		[ESP_ARCH_NO_AES] = IMB_FEATURE_AESNI,
	};
	IMB_MGR *m = alloc_mb_mgr(arch == ESP_ARCH_NO_SHA   ? IMB_FLAG_SHANI_OFF
				  : arch == ESP_ARCH_NO_AES ? IMB_FLAG_AESNI_OFF
							    : 0);

	if (!m) { /* it refuses a CPU without AES instructions here already */
		errno = imb_get_errno(NULL) == ENOMEM ? ENOMEM : ENOTSUP;
		return NULL;
	}
	if (arch > ESP_ARCH_NO_AES || (m->features & needs[arch]) != needs[arch]) {
		free_mb_mgr(m);
		errno = ENOTSUP;
		return NULL;
	}
	if (arch == ESP_ARCH_AUTO || arch >= ESP_ARCH_NO_SHA)
		init_mb_mgr_auto(m, NULL);
	else if (arch == ESP_ARCH_SSE)
		init_mb_mgr_sse(m);
	else if (arch == ESP_ARCH_AVX)
		init_mb_mgr_avx(m);
	else if (arch == ESP_ARCH_AVX2)
		init_mb_mgr_avx2(m);
	else
		init_mb_mgr_avx512(m);
	if (imb_get_errno(m) != 0) {
		free_mb_mgr(m);
		errno = ENOTSUP;
		return NULL;
	}
	return m;
}

/*
 * How far the library fills in a GCM key, which differs: IPsec-MB 1.3 has behind the round keys (240
 * octets) 48 powers of the hash key with VAES and AVX-512, 8 with AVX2, and 16 halves with SSE and
 * AVX.  What it uses it must have written.
 */
static uint16_t
gcm_keys_size(IMB_MGR *m)
{
	static const uint8_t key[32] = {1};
	struct esp_gcm_keys a, b;
	size_t size = sizeof(a);

	memset(&a, 0, sizeof(a));
	memset(&b, 0xff, sizeof(b));
	IMB_AES256_GCM_PRE(m, key, &a.gcm);
	IMB_AES256_GCM_PRE(m, key, &b.gcm);
	while (size > 0 && ((const uint8_t *)&a)[size - 1] != ((const uint8_t *)&b)[size - 1])
		size--;
	return (uint16_t)((size + 63) & ~(size_t)63);
}

static void
name_kernel(struct esp_engine *e)
{
	static const char *const names[] = {
		[IMB_ARCH_SSE] = "sse",
		[IMB_ARCH_AVX] = "avx",
		[IMB_ARCH_AVX2] = "avx2",
		[IMB_ARCH_AVX512] = "avx512",
	};
	const char *name = NULL;

	if (e->wide->used_arch < sizeof(names) / sizeof(names[0]))
		name = names[e->wide->used_arch];
	snprintf(e->kernel, sizeof(e->kernel), "%s%s%s", name ? name : "other",
		e->wide->used_arch == IMB_ARCH_AVX512 &&
				e->gcm_keys_size == sizeof(struct esp_gcm_keys)
			? "-vaes"
			: "",
		e->narrow != e->wide ? "+avx" : "");
}

struct esp_engine *
esp_engine_create(enum esp_arch arch)
{
	/* not per packet */
	struct esp_engine *e = aligned_alloc(64, (sizeof(*e) + 63) & ~(size_t)63);

	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	e->wide = new_manager(arch);
	e->narrow = e->wide;
	if (e->wide && arch == ESP_ARCH_AUTO && e->wide->used_arch >= IMB_ARCH_AVX2) {
		e->narrow = new_manager(ESP_ARCH_AVX);
		if (!e->narrow || tune(e) < 0) {
			esp_engine_destroy(e);
			errno = ENOMEM;
			return NULL;
		}
	}
	if (!e->wide) {
		esp_engine_destroy(e);
		return NULL;
	}
	e->gcm_keys_size = gcm_keys_size(e->wide);
	if (esp_des_tune(e) < 0) {
		esp_engine_destroy(e);
		errno = ENOMEM;
		return NULL;
	}
	if (esp_iv_init(e) < 0) {
		esp_engine_destroy(e);
		errno = EIO;
		return NULL;
	}
	name_kernel(e);
	return e;
}

void
esp_engine_destroy(struct esp_engine *e)
{
	int saved = errno;

	if (!e)
		return;
	if (e->narrow && e->narrow != e->wide) {
		OPENSSL_cleanse(e->narrow, imb_get_mb_mgr_size());
		free_mb_mgr(e->narrow);
	}
	if (e->wide) {
		OPENSSL_cleanse(e->wide, imb_get_mb_mgr_size());
		free_mb_mgr(e->wide);
	}
	OPENSSL_cleanse(e, sizeof(*e));
	free(e); /* not per packet */
	errno = saved;
}

const char *
esp_engine_kernel(const struct esp_engine *e)
{
	return e->kernel;
}
