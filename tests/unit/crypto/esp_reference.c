/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/crypto/esp_reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/provider.h>
#include <string.h>

static OSSL_PROVIDER *legacy, *standard;

void
reference_init(void)
{
	legacy = OSSL_PROVIDER_load(NULL, "legacy");
	standard = OSSL_PROVIDER_load(NULL, "default");
	assert_non_null(legacy);
	assert_non_null(standard);
}

void
reference_fini(void)
{
	OSSL_PROVIDER_unload(legacy);
	OSSL_PROVIDER_unload(standard);
}

bool
reference_pair(unsigned int i, const struct suite **encryption, const struct suite **integrity)
{
	const struct suite *a, *b;

	for (size_t x = 0; (a = suite_at(x)) != NULL; x++) {
		if (suite_pair_is_valid(a, NULL) && i-- == 0) {
			*encryption = a;
			*integrity = NULL;
			return true;
		}
		for (size_t y = 0; (b = suite_at(y)) != NULL; y++) {
			if (suite_pair_is_valid(a, b) && i-- == 0) {
				*encryption = a;
				*integrity = b;
				return true;
			}
		}
	}
	return false;
}

static const EVP_CIPHER *
cipher_of(const struct suite *s)
{
	switch (s->algorithm) {
	case SUITE_ALG_AES_GCM:
		return s->key_bits == 128   ? EVP_aes_128_gcm()
		       : s->key_bits == 192 ? EVP_aes_192_gcm()
					    : EVP_aes_256_gcm();
	case SUITE_ALG_AES_CBC:
		return s->key_bits == 128   ? EVP_aes_128_cbc()
		       : s->key_bits == 192 ? EVP_aes_192_cbc()
					    : EVP_aes_256_cbc();
	case SUITE_ALG_3DES:
		return EVP_des_ede3_cbc();
	case SUITE_ALG_DES:
		return EVP_des_cbc();
	default:
		return NULL;
	}
}

static const EVP_MD *
digest_of(const struct suite *s)
{
	switch (s->algorithm) {
	case SUITE_ALG_SHA2_512:
		return EVP_sha512();
	case SUITE_ALG_SHA2_384:
		return EVP_sha384();
	case SUITE_ALG_SHA2_256:
		return EVP_sha256();
	case SUITE_ALG_SHA1:
		return EVP_sha1();
	default:
		return EVP_md5();
	}
}

static void
put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Encrypts (icv written) or decrypts (icv checked) len octets from in to out. */
static bool
run_cipher(const struct esp_sa_config *c, uint64_t seq, bool encrypt, const uint8_t *iv,
	const uint8_t *in, uint32_t len, uint8_t *out, uint8_t *icv)
{
	const struct suite *s = c->encryption;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[16], aad[12];
	bool ok = true;
	int n, aad_len = 0;

	if (s->algorithm == SUITE_ALG_NULL) {
		memmove(out, in, len);
		EVP_CIPHER_CTX_free(ctx);
		return true;
	}
	memcpy(nonce, iv, s->iv_len);
	if (suite_is_aead(s)) {
		memcpy(nonce, c->encryption_key + s->key_len - 4, 4);
		memcpy(nonce + 4, iv, 8);
		put_be32(aad, c->spi);
		if (c->esn)
			put_be32(aad + 4, (uint32_t)(seq >> 32)), aad_len = 4;
		put_be32(aad + 4 + aad_len, (uint32_t)seq);
		aad_len += 8;
	}
	assert_int_equal(
		EVP_CipherInit_ex(ctx, cipher_of(s), NULL, c->encryption_key, nonce, encrypt), 1);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	if (aad_len)
		assert_int_equal(EVP_CipherUpdate(ctx, NULL, &n, aad, aad_len), 1);
	assert_int_equal(EVP_CipherUpdate(ctx, out, &n, in, (int)len), 1);
	assert_int_equal(n, len);
	if (aad_len && !encrypt)
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, s->icv_len, icv);
	ok = EVP_CipherFinal_ex(ctx, nonce, &n) == 1;
	if (aad_len && encrypt)
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, s->icv_len, icv);
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static void
run_hmac(const struct esp_sa_config *c, uint64_t seq, const uint8_t *packet, uint32_t len,
	uint8_t *icv)
{
	static uint8_t text[70000];
	uint8_t full[EVP_MAX_MD_SIZE];

	memcpy(text, packet, len);
	if (c->esn) {
		put_be32(text + len, (uint32_t)(seq >> 32));
		len += 4;
	}
	assert_non_null(HMAC(digest_of(c->integrity), c->integrity_key, (int)c->integrity_key_len,
		text, len, full, NULL));
	memcpy(icv, full, c->integrity->icv_len);
}

uint32_t
reference_seal(const struct esp_sa_config *c, uint64_t seq, const uint8_t *iv,
	const uint8_t *payload, uint32_t len, uint32_t pad, uint8_t next_header,
	const uint8_t *trailer, uint8_t *out)
{
	static uint8_t clear[70000];
	const struct suite *s = c->encryption;
	uint8_t *text = out + ESP_HDR_LEN + s->iv_len, *icv = text + len + pad + 2;

	memcpy(clear, payload, len);
	for (uint32_t i = 0; i < pad; i++)
		clear[len + i] = (uint8_t)(i + 1);
	clear[len + pad] = (uint8_t)pad;
	clear[len + pad + 1] = next_header;
	if (trailer)
		memcpy(clear + len, trailer, pad + 2);
	put_be32(out, c->spi);
	put_be32(out + 4, (uint32_t)seq);
	memcpy(out + ESP_HDR_LEN, iv, s->iv_len);
	assert_true(run_cipher(c, seq, true, iv, clear, len + pad + 2, text, icv));
	if (c->integrity)
		run_hmac(c, seq, out, (uint32_t)(icv - out), icv);
	return (uint32_t)(icv - out) + (c->integrity ? c->integrity->icv_len : s->icv_len);
}

bool
reference_open(const struct esp_sa_config *c, uint64_t seq, const uint8_t *packet,
	uint32_t packet_len, uint8_t *out, uint32_t *len)
{
	const struct suite *s = c->encryption;
	uint32_t icv_len = c->integrity ? c->integrity->icv_len : s->icv_len;
	const uint8_t *text = packet + ESP_HDR_LEN + s->iv_len,
		      *icv = packet + packet_len - icv_len;
	uint8_t want[SUITE_ICV_MAX];

	*len = (uint32_t)(icv - text);
	memcpy(want, icv, icv_len);
	if (c->integrity) {
		run_hmac(c, seq, packet, packet_len - icv_len, want);
		if (memcmp(want, icv, icv_len) != 0)
			return false;
	}
	return run_cipher(c, seq, false, packet + ESP_HDR_LEN, text, *len, out, want);
}
