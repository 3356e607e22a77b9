/* SPDX-License-Identifier: BSD-3-Clause */
/* ESP packet by packet with OpenSSL: slow, simple, and independent of crypto/esp*.c. */
#ifndef ADIT_TESTS_ESP_REFERENCE_H
#define ADIT_TESTS_ESP_REFERENCE_H

#include "crypto/esp.h"

/* Loads OpenSSL's legacy provider, for DES. */
void reference_init(void);
void reference_fini(void);

/* A pair of suites, and keys for it. */
struct reference_keys {
	uint8_t encryption[SUITE_KEY_MAX], integrity[SUITE_KEY_MAX];
};
/* Every valid pair of rows, i counting up; false past the end. */
bool reference_pair(
	unsigned int i, const struct suite **encryption, const struct suite **integrity);

/* Builds a packet of the SA: the payload with next_header, pad octets of padding (which must fit
 * the block), iv of the suite's length.  trailer, if not NULL, takes the place of padding, pad
 * length and next header: pad + 2 octets.  Returns the length of the packet at out. */
uint32_t reference_seal(const struct esp_sa_config *c, uint64_t seq, const uint8_t *iv,
	const uint8_t *payload, uint32_t len, uint32_t pad, uint8_t next_header,
	const uint8_t *trailer, uint8_t *out);
/* Opens one: false if its ICV is wrong.  out gets the decrypted payload with padding and trailer,
 * len of them. */
bool reference_open(const struct esp_sa_config *c, uint64_t seq, const uint8_t *packet,
	uint32_t packet_len, uint8_t *out, uint32_t *len);

#endif
