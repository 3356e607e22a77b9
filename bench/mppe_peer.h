/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPPE-128 with OpenSSL, one packet after the other, as the Linux kernel works: SHA1_Transform(),
 * RC4_set_key() and RC4(), the library's fastest calls.  Define OPENSSL_API_COMPAT as 10101 first.
 */
#ifndef ADIT_BENCH_MPPE_PEER_H
#define ADIT_BENCH_MPPE_PEER_H

#include <openssl/rc4.h>

#include "crypto/mppe.h"

/* The peer's direction of one session. */
struct peer {
	RC4_KEY rc4;
	uint8_t master[16], session[16];
	uint16_t count;
	bool stateless;
} __attribute__((aligned(64)));

void peer_start(struct peer *p, const struct mppe_params *params);
/* data: header, then protocol field and payload. */
void peer_encrypt(struct peer *p, uint8_t *data, uint32_t len);
void peer_decrypt(struct peer *p, uint8_t *data, uint32_t len);

/* The stages of a key change: RFC 3079's SHA-1, and that with the RC4 step behind it. */
void peer_new_key(uint8_t out[16], const uint8_t master[16], const uint8_t session[16]);
void peer_next_key(struct peer *p);

#endif
