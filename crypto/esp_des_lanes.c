/* SPDX-License-Identifier: BSD-3-Clause */
/* CBC in the lanes of crypto/esp_des_wide.c: a packet, or a piece of one, in each. */
#include <openssl/crypto.h>

#include "crypto/esp_internal.h"

static inline void
store64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* One block of each of the first n pieces. */
static inline void
encrypt_step(struct esp_engine *e, struct esp_des_piece *pieces, unsigned int n,
	unsigned int rounds, uint64_t block[ESP_DES_WIDE])
{
	for (unsigned int k = 0; k < n; k++)
		block[k] = esp_load64(pieces[k].text) ^ pieces[k].chain;
	esp_des_wide_crypt(&e->des_keys, rounds, block, block);
	for (unsigned int k = 0; k < n; k++) {
		pieces[k].chain = block[k];
		store64(pieces[k].text, block[k]);
		pieces[k].text += sizeof(block[k]);
	}
}

static inline void
decrypt_step(struct esp_engine *e, struct esp_des_piece *pieces, unsigned int n,
	unsigned int rounds, uint64_t block[ESP_DES_WIDE])
{
	uint64_t clear[ESP_DES_WIDE];

	for (unsigned int k = 0; k < n; k++)
		block[k] = esp_load64(pieces[k].text);
	esp_des_wide_crypt(&e->des_keys, rounds, block, clear);
	for (unsigned int k = 0; k < n; k++) {
		store64(pieces[k].text, clear[k] ^ pieces[k].chain);
		pieces[k].chain = block[k];
		pieces[k].text += sizeof(block[k]);
	}
}

void
esp_des_pieces(struct esp_engine *e, struct esp_des_piece *pieces, unsigned int n,
	enum esp_cipher cipher, bool encrypt)
{
	const unsigned int rounds = cipher == ESP_DES ? 16 : ESP_DES_ROUNDS;
	const esp_des_schedule *schedules[ESP_DES_WIDE];
	uint64_t block[ESP_DES_WIDE] = {0};

	for (unsigned int k = 0; k < ESP_DES_WIDE; k++) {
		const struct esp_sa *sa = pieces[k < n ? k : 0].sa;

		schedules[k] = &((const struct esp_des_keys *)(const void *)sa->keys)->wide;
	}
	esp_des_wide_load(&e->des_keys, schedules, rounds);
	for (uint32_t step = 0; n > 0; step++) {
		if (encrypt)
			encrypt_step(e, pieces, n, rounds, block);
		else
			decrypt_step(e, pieces, n, rounds, block);
		while (n > 0 && pieces[n - 1].blocks <= step + 1)
			n--;
	}
	OPENSSL_cleanse(e->des_keys.octet, rounds * sizeof(e->des_keys.octet[0]));
}
