/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * OpenSSL's low-level compression function keeps its state on the caller's stack (EVP allocates).
 * It is deprecated since 3.0, hence the older API level here.
 */
#define OPENSSL_API_COMPAT 10101

#include "crypto/sha1.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

bool
sha1_ni_supported(void)
{
#ifdef __x86_64__
	static _Atomic int known; /* 1 no, 2 yes; asking the CPU is slow in a virtual machine */
	int k = atomic_load_explicit(&known, memory_order_relaxed);

	if (k == 0) {
		unsigned int a, b = 0, c, d;

		/* CPUID leaf 7: EBX bit 29, SHA extensions. */
		k = __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & 1u << 29 &&
				    __builtin_cpu_supports("sse4.1")
			    ? 2
			    : 1;
		atomic_store_explicit(&known, k, memory_order_relaxed);
	}
	return k == 2;
#else
	return false;
#endif
}

static _Atomic bool ni_forbidden;

void
sha1_allow_ni(bool allowed)
{
	atomic_store_explicit(&ni_forbidden, !allowed, memory_order_relaxed);
}

static inline bool
use_ni(void)
{
	return sha1_ni_supported() && !atomic_load_explicit(&ni_forbidden, memory_order_relaxed);
}

const char *
sha1_selected(void)
{
	return use_ni() ? "ni" : "openssl";
}

void
sha1_keys_openssl(const uint8_t (*messages)[SHA1_MESSAGE_LEN], unsigned int n,
	uint8_t (*digests)[SHA1_KEY_LEN])
{
	SHA_CTX ctx;

	for (unsigned int k = 0; k < n; k++) {
		SHA1_Init(&ctx);
		SHA1_Transform(&ctx, messages[k]);
		SHA1_Transform(&ctx, messages[k] + SHA_CBLOCK);
		const uint32_t words[] = {ctx.h0, ctx.h1, ctx.h2, ctx.h3};

		for (unsigned int i = 0; i < SHA1_KEY_LEN; i++)
			digests[k][i] = (uint8_t)(words[i / 4] >> (24 - 8 * (i % 4)));
	}
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

void
sha1_keys(const uint8_t (*messages)[SHA1_MESSAGE_LEN], unsigned int n,
	uint8_t (*digests)[SHA1_KEY_LEN])
{
#ifdef __x86_64__
	if (use_ni()) {
		sha1_keys_ni(messages, n, digests);
		return;
	}
#endif
	sha1_keys_openssl(messages, n, digests);
}
