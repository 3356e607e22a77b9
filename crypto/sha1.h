/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-1 of many short messages, for MPPE's key changes.  Any thread; nothing is kept. */
#ifndef ADIT_CRYPTO_SHA1_H
#define ADIT_CRYPTO_SHA1_H

#include <stdbool.h>
#include <stdint.h>

#define SHA1_MESSAGE_LEN \
	128 /* two blocks, padding and length included (FIPS 180-4 section 5.1.1) */
#define SHA1_KEY_LEN 16

/* The first 16 octets of the digests of n messages. */
void sha1_keys(const uint8_t (*messages)[SHA1_MESSAGE_LEN], unsigned int n,
	uint8_t (*digests)[SHA1_KEY_LEN]);

/* The two ways, for tests: OpenSSL's compression function, and two messages at a time with the
 * CPU's SHA instructions, if it has them. */
void sha1_keys_openssl(const uint8_t (*messages)[SHA1_MESSAGE_LEN], unsigned int n,
	uint8_t (*digests)[SHA1_KEY_LEN]);
void sha1_keys_ni(const uint8_t (*messages)[SHA1_MESSAGE_LEN], unsigned int n,
	uint8_t (*digests)[SHA1_KEY_LEN]);
bool sha1_ni_supported(void);

/* What sha1_keys() uses: "ni" or "openssl"; never NULL. */
const char *sha1_selected(void);
/* For tests and benchmarks, before others work: false, as on a CPU without the instructions; true,
 * as the CPU can. */
void sha1_allow_ni(bool allowed);

#endif
