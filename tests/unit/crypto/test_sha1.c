/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-1 for MPPE's keys: both ways against OpenSSL's whole hash, any number of messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <string.h>

#include "crypto/sha1.h"

#define N 9

typedef void keys_function(const uint8_t (*messages)[SHA1_MESSAGE_LEN], unsigned int n,
	uint8_t (*digests)[SHA1_KEY_LEN]);

/* Two blocks take 56 to 119 octets of text. */
static void
make(uint8_t m[SHA1_MESSAGE_LEN], uint8_t digest[20], unsigned int len, uint32_t seed)
{
	unsigned int n;

	memset(m, 0, SHA1_MESSAGE_LEN);
	for (unsigned int k = 0; k < len; k++) {
		seed = seed * 1664525 + 1013904223;
		m[k] = (uint8_t)(seed >> 24);
	}
	assert_int_equal(EVP_Digest(m, len, digest, &n, EVP_sha1(), NULL), 1);
	m[len] = 0x80;
	m[126] = (uint8_t)(len * 8 >> 8);
	m[127] = (uint8_t)(len * 8);
}

static void
check(keys_function *keys)
{
	for (unsigned int len = 56; len < 120; len++) {
		for (unsigned int n = 0; n <= N; n++) {
			uint8_t messages[N][SHA1_MESSAGE_LEN], want[N][20];
			uint8_t got[N][SHA1_KEY_LEN] = {{0}};

			for (unsigned int k = 0; k < n; k++)
				make(messages[k], want[k], len, len * 100 + k);
			keys((const uint8_t(*)[SHA1_MESSAGE_LEN])messages, n, got);
			for (unsigned int k = 0; k < n; k++)
				assert_memory_equal(got[k], want[k], SHA1_KEY_LEN);
		}
	}
}

static void
test_openssl(void **state)
{
	(void)state;
	check(sha1_keys_openssl);
	check(sha1_keys);
}

static void
test_ni(void **state)
{
	(void)state;
#ifdef __x86_64__
	if (sha1_ni_supported()) {
		check(sha1_keys_ni);
		return;
	}
#endif
	skip();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openssl),
		cmocka_unit_test(test_ni),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
