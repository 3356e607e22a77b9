/* SPDX-License-Identifier: BSD-3-Clause */
/* Security associations: what is checked and computed once, at set-up. */
#include <arpa/inet.h>
#include <openssl/crypto.h>

#include "crypto/esp_internal.h"

/* Limits no counter reaches. */
#define NO_LIMIT UINT64_MAX

const char *
esp_setup_name(uint32_t setup)
{
	static const char *const names[ESP_SETUP_COUNT] = {
		[ESP_SETUP_OK] = "ok",
		[ESP_SETUP_NO_PAIR] = "no-such-pair-of-suites",
		[ESP_SETUP_ENCRYPTION_KEY] = "encryption-key-size",
		[ESP_SETUP_INTEGRITY_KEY] = "integrity-key-size",
		[ESP_SETUP_3DES_DEGENERATE] = "3des-key-is-des",
		[ESP_SETUP_SPI] = "reserved-spi",
		[ESP_SETUP_WINDOW] = "replay-window",
	};

	return setup < ESP_SETUP_COUNT ? names[setup] : "unknown";
}

static enum esp_cipher
cipher_of(const struct suite *s)
{
	switch (s->algorithm) {
	case SUITE_ALG_AES_GCM:
		return ESP_GCM_128 + (s->key_bits - 128) / 64;
	case SUITE_ALG_AES_CBC:
		return ESP_CBC_128 + (s->key_bits - 128) / 64;
	case SUITE_ALG_3DES:
		return ESP_3DES;
	case SUITE_ALG_DES:
		return ESP_DES;
	default:
		return ESP_NULL;
	}
}

static enum esp_hash
hash_of(const struct suite *s)
{
	switch (s->algorithm) {
	case SUITE_ALG_SHA2_256:
		return ESP_SHA256;
	case SUITE_ALG_SHA2_384:
		return ESP_SHA384;
	case SUITE_ALG_SHA2_512:
		return ESP_SHA512;
	case SUITE_ALG_MD5:
		return ESP_MD5;
	default:
		return ESP_SHA1;
	}
}

static unsigned int
window_of(const struct esp_sa_config *c)
{
	return c->replay_window ? c->replay_window : REPLAY_WINDOW_DEFAULT;
}

/* Offset of the window, which is the size of an outbound SA. */
static size_t
keys_end(const struct esp_engine *engine, const struct esp_sa_config *c)
{
	size_t keys = sizeof(struct esp_hmac_keys);

	switch (cipher_of(c->encryption)) {
	case ESP_GCM_128:
	case ESP_GCM_192:
	case ESP_GCM_256:
		keys = engine->gcm_keys_size;
		break;
	case ESP_CBC_128:
	case ESP_CBC_192:
	case ESP_CBC_256:
		keys = sizeof(struct esp_cbc_keys);
		break;
	case ESP_3DES:
	case ESP_DES:
		keys = sizeof(struct esp_des_keys);
		break;
	default:
		break;
	}
	return sizeof(struct esp_sa) + keys;
}

size_t
esp_sa_size(const struct esp_engine *engine, const struct esp_sa_config *c)
{
	size_t size = keys_end(engine, c) + (c->inbound ? replay_size(window_of(c)) : 0);

	return (size + ESP_SA_ALIGN - 1) & ~(size_t)(ESP_SA_ALIGN - 1);
}

/* RFC 2451 section 2.3; parity bits don't count. */
static bool
is_degenerate(const uint8_t key[24])
{
	uint8_t first = 0, second = 0;

	for (unsigned int i = 0; i < 8; i++) {
		first |= (key[i] ^ key[8 + i]) & 0xfe;
		second |= (key[8 + i] ^ key[16 + i]) & 0xfe;
	}
	return first == 0 || second == 0;
}

static enum esp_setup
check_config(const struct esp_sa_config *c)
{
	if (!suite_pair_is_valid(c->encryption, c->integrity))
		return ESP_SETUP_NO_PAIR;
	if (c->encryption_key_len != c->encryption->key_len)
		return ESP_SETUP_ENCRYPTION_KEY;
	if (c->integrity && c->integrity_key_len != c->integrity->key_len)
		return ESP_SETUP_INTEGRITY_KEY;
	if (c->encryption->algorithm == SUITE_ALG_3DES && is_degenerate(c->encryption_key))
		return ESP_SETUP_3DES_DEGENERATE;
	if (c->spi < ESP_SPI_MIN)
		return ESP_SETUP_SPI;
	if (c->inbound && replay_size(window_of(c)) == 0)
		return ESP_SETUP_WINDOW;
	return ESP_SETUP_OK;
}

/* The state after one block of the key with a pad, RFC 2104. */
static void
hmac_state(IMB_MGR *m, enum esp_hash hash, const struct esp_sa_config *c, uint8_t pad,
	uint8_t state[64])
{
	uint8_t block[128];

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < c->integrity_key_len; i++)
		block[i] ^= c->integrity_key[i];
	switch (hash) {
	case ESP_SHA1:
		IMB_SHA1_ONE_BLOCK(m, block, state);
		break;
	case ESP_SHA256:
		IMB_SHA256_ONE_BLOCK(m, block, state);
		break;
	case ESP_SHA384:
		IMB_SHA384_ONE_BLOCK(m, block, state);
		break;
	case ESP_SHA512:
		IMB_SHA512_ONE_BLOCK(m, block, state);
		break;
	default:
		IMB_MD5_ONE_BLOCK(m, block, state);
		break;
	}
	OPENSSL_cleanse(block, sizeof(block));
}

/* Only the direction's own half of the schedule is kept. */
static void
expand_aes(IMB_MGR *m, const struct esp_sa *sa, const uint8_t *key, struct esp_cbc_keys *keys)
{
	_Alignas(16) uint8_t both[2][15 * 16];
	uint8_t *encrypt = both[0], *decrypt = both[1];

	memset(both, 0, sizeof(both));
	if (sa->cipher == ESP_CBC_128)
		IMB_AES_KEYEXP_128(m, key, encrypt, decrypt);
	else if (sa->cipher == ESP_CBC_192)
		IMB_AES_KEYEXP_192(m, key, encrypt, decrypt);
	else
		IMB_AES_KEYEXP_256(m, key, encrypt, decrypt);
	memcpy(keys->round, sa->inbound ? decrypt : encrypt, sizeof(keys->round));
	OPENSSL_cleanse(both, sizeof(both));
}

static void
expand_keys(const struct esp_engine *e, struct esp_sa *sa, const struct esp_sa_config *c)
{
	IMB_MGR *m = e->wide;
	const uint8_t *key = c->encryption_key;
	struct esp_gcm_keys *gcm = (void *)sa->keys;

	switch ((enum esp_cipher)sa->cipher) {
	case ESP_GCM_128:
		IMB_AES128_GCM_PRE(m, key, &gcm->gcm);
		break;
	case ESP_GCM_192:
		IMB_AES192_GCM_PRE(m, key, &gcm->gcm);
		break;
	case ESP_GCM_256:
		IMB_AES256_GCM_PRE(m, key, &gcm->gcm);
		break;
	case ESP_CBC_128:
	case ESP_CBC_192:
	case ESP_CBC_256:
		expand_aes(m, sa, key, (void *)sa->keys);
		break;
	case ESP_3DES:
	case ESP_DES:
		esp_des_expand(e, sa, key);
		break;
	default:
		break;
	}
	if (c->integrity) {
		struct esp_hmac_keys *hmac = (void *)sa->keys;

		hmac_state(m, sa->hash, c, 0x36, hmac->states);
		hmac_state(m, sa->hash, c, 0x5c, hmac->states + esp_opad_at(sa->hash));
	}
}

static uint64_t
limit(uint64_t configured, uint64_t natural)
{
	return configured && configured < natural ? configured : natural;
}

static uint64_t
soft_limit(uint64_t configured, uint64_t hard)
{
	return configured ? configured : hard == NO_LIMIT ? NO_LIMIT : hard - hard / 4;
}

static void
set_limits(struct esp_sa *sa, const struct esp_sa_config *c)
{
	uint64_t last = c->esn ? UINT64_MAX : UINT32_MAX;
	uint64_t by_suite = c->encryption->max_bytes ? c->encryption->max_bytes : NO_LIMIT;

	sa->seq = c->first_seq ? c->first_seq - 1 : 0;
	sa->hard_bytes = limit(c->hard_bytes, by_suite);
	/* As many packets as there are numbers left: T14. */
	sa->hard_packets = limit(c->hard_packets, sa->seq < last ? last - sa->seq : 0);
	sa->soft_bytes = soft_limit(c->soft_bytes, sa->hard_bytes);
	sa->soft_packets = soft_limit(c->soft_packets, sa->hard_packets);
	sa->due_bytes = limit(sa->soft_bytes, sa->hard_bytes);
	sa->due_packets = limit(sa->soft_packets, sa->hard_packets);
}

enum esp_setup
esp_sa_init(struct esp_sa *sa, const struct esp_engine *engine, const struct esp_sa_config *c)
{
	const enum esp_setup checked = check_config(c);
	unsigned int align;

	if (checked != ESP_SETUP_OK)
		return checked;
	memset(sa, 0, esp_sa_size(engine, c));
	sa->size = (uint32_t)esp_sa_size(engine, c);
	sa->encryption = c->encryption;
	sa->integrity = c->integrity;
	sa->spi = htonl(c->spi);
	sa->cipher = cipher_of(c->encryption);
	sa->hash = c->integrity ? hash_of(c->integrity) : ESP_HASHES;
	sa->iv_len = c->encryption->iv_len;
	sa->header_len = ESP_HDR_LEN + sa->iv_len;
	sa->icv_len = c->integrity ? c->integrity->icv_len : c->encryption->icv_len;
	align = c->encryption->block_len;
	sa->align = align < 4 ? 4 : align; /* RFC 4303 section 2.4 */
	sa->esn = c->esn;
	sa->inbound = c->inbound;
	if (c->encryption->salt_len)
		memcpy(sa->salt, c->encryption_key + c->encryption_key_len - sizeof(sa->salt),
			sizeof(sa->salt));
	set_limits(sa, c);
	if (c->inbound) {
		sa->replay_at = (uint16_t)keys_end(engine, c);
		replay_init(esp_sa_replay(sa), window_of(c));
	}
	expand_keys(engine, sa, c);
	return ESP_SETUP_OK;
}

void
esp_sa_wipe(struct esp_sa *sa)
{
	OPENSSL_cleanse(sa, sa->size);
}

enum esp_life
esp_sa_life(const struct esp_sa *sa)
{
	if (esp_sa_in_life(sa))
		return ESP_LIFE_OK;
	return sa->bytes >= sa->hard_bytes || sa->packets >= sa->hard_packets ? ESP_LIFE_HARD
									      : ESP_LIFE_SOFT;
}
