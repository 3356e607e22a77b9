/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Unpredictable IVs for CBC (NIST SP 800-38A appendix C, second method): a keystream of AES in
 * counter mode, a few cycles each.  To encrypt a counter under the SA's own key would cost a block
 * of the packet's cipher instead: a tenth of a short packet of 3DES.
 */
#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "crypto/esp_internal.h"

void
esp_iv_refill(struct esp_engine *e)
{
	const uint64_t counter[2] = {htobe64(e->ivs.counter[0]), htobe64(e->ivs.counter[1])};
	IMB_JOB job = {.enc_keys = e->ivs.round,
		.dec_keys = e->ivs.round,
		.key_len_in_bytes = 16,
		.src = e->ivs.iv[0],
		.dst = e->ivs.iv[0],
		.msg_len_to_cipher_in_bytes = sizeof(e->ivs.iv),
		.iv = (const uint8_t *)counter,
		.iv_len_in_bytes = 16,
		.cipher_mode = IMB_CIPHER_CNTR,
		.cipher_direction = IMB_DIR_ENCRYPT,
		.hash_alg = IMB_AUTH_NULL,
		.chain_order = IMB_ORDER_CIPHER_HASH};

	memset(e->ivs.iv, 0, sizeof(e->ivs.iv));
	IMB_SUBMIT_CIPHER_BURST_NOCHECK(
		e->wide, &job, 1, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES);
	/* The lower half starts at 0 and a refill takes ESP_IVS blocks: it does not come round. */
	e->ivs.counter[1] += ESP_IVS;
	e->ivs.left = ESP_IVS;
}

int
esp_iv_init(struct esp_engine *e)
{
	_Alignas(16) uint8_t unused[15 * 16];
	uint8_t key[16];

	if (RAND_bytes(key, sizeof(key)) != 1 ||
		RAND_bytes((uint8_t *)&e->ivs.counter[0], sizeof(e->ivs.counter[0])) != 1)
		return -1;
	IMB_AES_KEYEXP_128(e->wide, key, e->ivs.round, unused);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(unused, sizeof(unused));
	return 0;
}
