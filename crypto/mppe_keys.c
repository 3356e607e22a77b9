/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 3079.  What is not per packet uses OpenSSL's low-level SHA-1, deprecated since 3.0, hence the
 * older API level here.
 */
#define OPENSSL_API_COMPAT 10101

#include "crypto/mppe.h"
#include "crypto/mppe_chain.h"
#include "crypto/sha1.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

/* RFC 3079 section 3.4: Magic1 to Magic3. */
static const char magic_master[] = "This is the MPPE Master Key";
static const char magic_client_send[] =
	"On the client side, this is the send key; on the server side, it is the receive key.";
static const char magic_client_recv[] =
	"On the client side, this is the receive key; on the server side, it is the send key.";

/* SHSpad1 and SHSpad2, RFC 3079 section 2.6/3.4. */
#define PAD_LEN 40
#define PAD2    0xf2

#define TEN(x) x, x, x, x, x, x, x, x, x, x
#define PAD(x) TEN(x), TEN(x), TEN(x), TEN(x)

/* The message whose SHA-1 is the next key: start, pad 1, session, pad 2; always two blocks. */
static void
put_message(uint8_t m[SHA1_MESSAGE_LEN], const struct mppe_key_change *c)
{
	enum { LONG = 16, SHORT = 8 };
	static const uint8_t with_long[SHA1_MESSAGE_LEN] = {
		[2 * LONG + PAD_LEN] = PAD(PAD2), 0x80, [126] = 0x03, [127] = 0x80};
	static const uint8_t with_short[SHA1_MESSAGE_LEN] = {
		[2 * SHORT + PAD_LEN] = PAD(PAD2), 0x80, [126] = 0x03, [127] = 0x00};

	if (c->key_len == LONG) {
		memcpy(m, with_long, SHA1_MESSAGE_LEN);
		memcpy(m, c->master, LONG);
		memcpy(m + LONG + PAD_LEN, c->session, LONG);
	} else {
		memcpy(m, with_short, SHA1_MESSAGE_LEN);
		memcpy(m, c->master, SHORT);
		memcpy(m + SHORT + PAD_LEN, c->session, SHORT);
	}
}

void
mppe_new_keys_from_sha(
	const struct mppe_key_change *changes, unsigned int n, uint8_t (*out)[MPPE_KEY_MAX])
{
	uint8_t messages[RC4_BURST_MAX][SHA1_MESSAGE_LEN];

	for (unsigned int k = 0; k < n; k++)
		put_message(messages[k], &changes[k]);
	sha1_keys(messages, n, out);
	for (unsigned int k = 0; k < n; k++)
		if (changes[k].key_len < MPPE_KEY_MAX)
			memcpy(out[k] + 8, out[k], 8);
	explicit_bzero(messages, n * sizeof(messages[0]));
}

void
mppe_new_key_from_sha(
	const uint8_t *start, const uint8_t *session, unsigned int key_len, uint8_t *out)
{
	/* The session key is read only. */
	struct mppe_key_change change = {start, (uint8_t *)(uintptr_t)session, (uint8_t)key_len, 0};
	uint8_t key[1][MPPE_KEY_MAX];

	mppe_new_keys_from_sha(&change, 1, key);
	memcpy(out, key[0], key_len);
	explicit_bzero(key, sizeof(key));
}

static unsigned int
start_key_len(enum mppe_strength strength)
{
	return strength == MPPE_128 ? 16 : 8;
}

/* RFC 3079 section 3.4, GetAsymmetricStartKey. */
static void
asymmetric_start_key(const uint8_t master[16], const char *magic, size_t magic_len,
	unsigned int key_len, uint8_t out[MPPE_KEY_MAX])
{
	static const uint8_t pad1[PAD_LEN] = {0};
	uint8_t pad2[PAD_LEN], digest[SHA_DIGEST_LENGTH];
	SHA_CTX ctx;

	memset(pad2, PAD2, sizeof(pad2));
	SHA1_Init(&ctx);
	SHA1_Update(&ctx, master, 16);
	SHA1_Update(&ctx, pad1, sizeof(pad1));
	SHA1_Update(&ctx, magic, magic_len);
	SHA1_Update(&ctx, pad2, sizeof(pad2));
	SHA1_Final(digest, &ctx);
	memset(out, 0, MPPE_KEY_MAX);
	memcpy(out, digest, key_len);
	OPENSSL_cleanse(digest, sizeof(digest));
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

void
mppe_keys_mschapv2(const uint8_t nt_hash_hash[16], const uint8_t nt_response[24], bool is_server,
	enum mppe_strength strength, uint8_t send_start[MPPE_KEY_MAX],
	uint8_t recv_start[MPPE_KEY_MAX])
{
	const unsigned int key_len = start_key_len(strength);
	uint8_t master[SHA_DIGEST_LENGTH];
	SHA_CTX ctx;

	SHA1_Init(&ctx);
	SHA1_Update(&ctx, nt_hash_hash, 16);
	SHA1_Update(&ctx, nt_response, 24);
	SHA1_Update(&ctx, magic_master, sizeof(magic_master) - 1);
	SHA1_Final(master, &ctx);

	asymmetric_start_key(master, magic_client_send, sizeof(magic_client_send) - 1, key_len,
		is_server ? recv_start : send_start);
	asymmetric_start_key(master, magic_client_recv, sizeof(magic_client_recv) - 1, key_len,
		is_server ? send_start : recv_start);
	OPENSSL_cleanse(master, sizeof(master));
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}
