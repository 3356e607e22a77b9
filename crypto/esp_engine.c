/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPsec-MB managers.  With few packets of a kind, the widest vectors run mostly empty: a lone
 * 1,408-octet packet costs AVX-512 four times the SHA-1 of SHA-NI, and its SHA-256 is slower on
 * some CPUs however many packets there are.  So there is a second manager, and a trial measures from
 * how many packets on the wide one is worth it, on this CPU (esp_trial.c).
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/esp_internal.h"

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
	for (unsigned int hash = 0; e->wide && hash < ESP_HASHES; hash++)
		memset(e->own_hash[hash], esp_hash_has_lanes(hash) && esp_has_own(e),
			sizeof(e->own_hash[hash]));
	if (e->wide && arch == ESP_ARCH_AUTO && e->wide->used_arch >= IMB_ARCH_AVX2) {
		e->narrow = new_manager(ESP_ARCH_AVX);
		if (!e->narrow || esp_plan_start(e) < 0) {
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
	if (e->narrow == e->wide && esp_des_tune(e) < 0) {
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
