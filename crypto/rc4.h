/* SPDX-License-Identifier: BSD-3-Clause */
/* RC4 for MPPE: one stream.  Calling context: any thread, one thread per state. */
#ifndef ADIT_CRYPTO_RC4_H
#define ADIT_CRYPTO_RC4_H

#include <stddef.h>
#include <stdint.h>

/* Compact: a session keeps one per direction (DESIGN budget of 2 KiB a session). Secret. */
struct rc4_state {
	uint8_t s[256];
	uint8_t i, j;
};

/* Key schedule; key_len 1..256 octets. */
void rc4_init(struct rc4_state *st, const uint8_t *key, size_t key_len);
/* dst may equal src. */
void rc4_crypt(struct rc4_state *st, uint8_t *dst, const uint8_t *src, size_t len);

#endif
