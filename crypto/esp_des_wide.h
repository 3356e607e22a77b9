/* SPDX-License-Identifier: BSD-3-Clause */
/* DES and 3DES of 64 blocks at a time, for CPUs with AVX-512 VBMI.  Private to crypto/ and its
 * tests. */
#ifndef ADIT_CRYPTO_ESP_DES_WIDE_H
#define ADIT_CRYPTO_ESP_DES_WIDE_H

#include <stdbool.h>
#include <stdint.h>

#define ESP_DES_WIDE   64 /* lanes */
#define ESP_DES_ROUNDS 48 /* of 3DES; of DES 16 */

/* Of one key and direction: for each round, in the order in which they are run, an octet for each
 * S-box.  Secret. */
typedef uint8_t esp_des_schedule[ESP_DES_ROUNDS][8];
/* The same of all lanes; in use one line holds an S-box's octet of each.  Secret. */
struct esp_des_wide_keys {
	_Alignas(64) uint8_t octet[ESP_DES_ROUNDS][8][ESP_DES_WIDE];
};

bool esp_des_wide_supported(void);
/* Fills in 16 rounds, or of three keys 48.  key: 8 octets each, with parity. */
void esp_des_wide_expand(
	const uint8_t *key, unsigned int n_keys, bool encrypt, esp_des_schedule schedule);
/* A schedule for each lane. */
void esp_des_wide_load(struct esp_des_wide_keys *keys,
	const esp_des_schedule *const schedules[ESP_DES_WIDE], unsigned int rounds);
/* One block in each lane, as it stands in packets; to may be from. */
void esp_des_wide_crypt(const struct esp_des_wide_keys *keys, unsigned int rounds,
	const uint64_t from[ESP_DES_WIDE], uint64_t to[ESP_DES_WIDE]);

#endif
