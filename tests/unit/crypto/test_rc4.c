/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <string.h>

#include "crypto/rc4.h"

/* RFC 6229 section 2: keystream at offset 0. */
static void
test_vectors(void **state)
{
	static const struct {
		size_t key_len;
		uint8_t stream[16];
	} vectors[] = {
		{5, {0xb2, 0x39, 0x63, 0x05, 0xf0, 0x3d, 0xc0, 0x27, 0xcc, 0xc3, 0x52, 0x4a, 0x0a,
			    0x11, 0x18, 0xa8}},
		{8, {0x97, 0xab, 0x8a, 0x1b, 0xf0, 0xaf, 0xb9, 0x61, 0x32, 0xf2, 0xf6, 0x72, 0x58,
			    0xda, 0x15, 0xa8}},
		{16, {0x9a, 0xc7, 0xcc, 0x9a, 0x60, 0x9d, 0x1e, 0xf7, 0xb2, 0x93, 0x28, 0x99, 0xcd,
			     0xe4, 0x1b, 0x97}},
	};
	uint8_t key[16], out[16];

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i + 1);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		static const uint8_t zero[16];
		struct rc4_state st;

		rc4_init(&st, key, vectors[i].key_len);
		rc4_crypt(&st, out, zero, sizeof(out));
		assert_memory_equal(out, vectors[i].stream, sizeof(out));
	}
}

static void
test_against_openssl(void **state)
{
	OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(lib, "legacy");
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(lib, "RC4", NULL);
	uint8_t key[16], text[4099], ours[4099], theirs[4099];
	uint32_t seed = 1;

	(void)state;
	assert_non_null(legacy);
	assert_non_null(cipher);
	for (size_t i = 0; i < sizeof(text); i++) {
		seed = seed * 1664525 + 1013904223;
		text[i] = (uint8_t)(seed >> 16);
	}
	for (int round = 0; round < 64; round++) {
		EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
		size_t done = 0, len;
		struct rc4_state st;
		int n = 0;

		memcpy(key, text + 16 * round, sizeof(key));
		assert_int_equal(EVP_EncryptInit_ex2(ctx, cipher, key, NULL, NULL), 1);
		assert_int_equal(EVP_EncryptUpdate(ctx, theirs, &n, text, (int)sizeof(text)), 1);
		EVP_CIPHER_CTX_free(ctx);
		/* In pieces of growing, odd sizes, and in place. */
		rc4_init(&st, key, sizeof(key));
		memcpy(ours, text, sizeof(ours));
		for (len = (size_t)round % 7; done < sizeof(text); done += len, len = 2 * len + 1) {
			if (len > sizeof(text) - done)
				len = sizeof(text) - done;
			rc4_crypt(&st, ours + done, ours + done, len);
		}
		assert_memory_equal(ours, theirs, sizeof(ours));
	}
	EVP_CIPHER_free(cipher);
	OSSL_PROVIDER_unload(legacy);
	OSSL_LIB_CTX_free(lib);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_against_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
