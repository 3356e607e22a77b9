/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/mschap.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdio.h>
#include <string.h>

static struct {
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *legacy, *standard;
	EVP_MD *md4, *md5, *sha1;
	EVP_CIPHER *des;
} ossl;

struct piece {
	const void *data;
	size_t len;
};

void
mschap_fini(void)
{
	EVP_CIPHER_free(ossl.des);
	EVP_MD_free(ossl.sha1);
	EVP_MD_free(ossl.md5);
	EVP_MD_free(ossl.md4);
	if (ossl.standard)
		OSSL_PROVIDER_unload(ossl.standard);
	if (ossl.legacy)
		OSSL_PROVIDER_unload(ossl.legacy);
	OSSL_LIB_CTX_free(ossl.lib);
	memset(&ossl, 0, sizeof(ossl));
}

static int
init_failed(char *err, size_t err_len, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(err, err_len, "OpenSSL: %s: %s", what, reason ? reason : "unknown reason");
	ERR_clear_error();
	mschap_fini();
	return -EIO;
}

int
mschap_init(char *err, size_t err_len)
{
	if (ossl.lib)
		return 0;
	ossl.lib = OSSL_LIB_CTX_new();
	if (!ossl.lib)
		return init_failed(err, err_len, "no library context");
	ossl.legacy = OSSL_PROVIDER_load(ossl.lib, "legacy");
	if (!ossl.legacy)
		return init_failed(err, err_len,
			"the legacy provider, which has MD4 and DES, cannot be loaded");
	ossl.standard = OSSL_PROVIDER_load(ossl.lib, "default");
	if (!ossl.standard)
		return init_failed(err, err_len, "the default provider cannot be loaded");
	ossl.md4 = EVP_MD_fetch(ossl.lib, "MD4", NULL);
	ossl.md5 = EVP_MD_fetch(ossl.lib, "MD5", NULL);
	ossl.sha1 = EVP_MD_fetch(ossl.lib, "SHA1", NULL);
	ossl.des = EVP_CIPHER_fetch(ossl.lib, "DES-ECB", NULL);
	if (!ossl.md4 || !ossl.md5 || !ossl.sha1 || !ossl.des)
		return init_failed(err, err_len, "MD4, MD5, SHA1 or DES-ECB is missing");
	return 0;
}

static int
digest(const EVP_MD *md, const struct piece *pieces, size_t n, uint8_t *out)
{
	EVP_MD_CTX *ctx;
	int ok;

	if (!md)
		return -EIO;
	ctx = EVP_MD_CTX_new();
	ok = ctx && EVP_DigestInit_ex2(ctx, md, NULL);
	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, pieces[i].data, pieces[i].len);
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

/* RFC 2759 section 8.6: the 56 key bits spread over 8 octets; DES ignores the parity bits. */
static int
des_encrypt(const uint8_t clear[8], const uint8_t key[7], uint8_t cipher[8])
{
	EVP_CIPHER_CTX *ctx;
	uint64_t bits = 0;
	uint8_t k[8];
	int n = 0, ok;

	if (!ossl.des)
		return -EIO;
	for (unsigned int i = 0; i < 7; i++)
		bits = bits << 8 | key[i];
	for (unsigned int i = 0; i < 8; i++)
		k[i] = (uint8_t)(bits >> (49 - 7 * i) << 1);
	ctx = EVP_CIPHER_CTX_new();
	ok = ctx && EVP_EncryptInit_ex2(ctx, ossl.des, k, NULL, NULL) &&
	     EVP_CIPHER_CTX_set_padding(ctx, 0) && EVP_EncryptUpdate(ctx, cipher, &n, clear, 8);
	EVP_CIPHER_CTX_free(ctx);
	OPENSSL_cleanse(k, sizeof(k));
	OPENSSL_cleanse(&bits, sizeof(bits));
	return ok && n == 8 ? 0 : -EIO;
}

/* One code point of strict UTF-8 (RFC 3629): the octets taken, 0 when invalid. */
static unsigned int
utf8_decode(const uint8_t *s, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned int n = s[0] < 0x80             ? 1
			 : (s[0] & 0xe0) == 0xc0 ? 2
			 : (s[0] & 0xf0) == 0xe0 ? 3
			 : (s[0] & 0xf8) == 0xf0 ? 4
						 : 0;

	if (n == 0)
		return 0;
	*code = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (unsigned int i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80) /* also ends at NUL */
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (*code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n;
}

int
mschap_nt_hash(const char *password, uint8_t hash[MSCHAP_HASH_LEN])
{
	const uint8_t *s = (const uint8_t *)password;
	uint8_t utf16[2 * MSCHAP_PASSWORD_MAX];
	struct piece whole = {utf16, 0};
	uint32_t code = 0;
	int ret = 0;

	while (*s) {
		unsigned int n = utf8_decode(s, &code);
		unsigned int units = code > 0xffff ? 2 : 1;

		if (n == 0 || whole.len + 2 * units > sizeof(utf16)) {
			ret = -EINVAL;
			break;
		}
		if (units == 2) {
			uint32_t high = 0xd800 + ((code - 0x10000) >> 10);

			utf16[whole.len++] = (uint8_t)high;
			utf16[whole.len++] = (uint8_t)(high >> 8);
			code = 0xdc00 + ((code - 0x10000) & 0x3ff);
		}
		utf16[whole.len++] = (uint8_t)code;
		utf16[whole.len++] = (uint8_t)(code >> 8);
		s += n;
	}
	if (ret == 0)
		ret = digest(ossl.md4, &whole, 1, hash);
	OPENSSL_cleanse(utf16, sizeof(utf16));
	return ret;
}

int
mschap_nt_hash_octets(const char *password, uint8_t hash[MSCHAP_HASH_LEN])
{
	size_t len = strlen(password);
	uint8_t utf16[2 * MSCHAP_PASSWORD_MAX] = {0};
	const struct piece whole = {utf16, 2 * len};
	int ret;

	if (len > MSCHAP_PASSWORD_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		utf16[2 * i] = (uint8_t)password[i];
	ret = digest(ossl.md4, &whole, 1, hash);
	OPENSSL_cleanse(utf16, sizeof(utf16));
	return ret;
}

int
mschap_hash_hash(const uint8_t nt_hash[MSCHAP_HASH_LEN], uint8_t hash_hash[MSCHAP_HASH_LEN])
{
	const struct piece whole = {nt_hash, MSCHAP_HASH_LEN};

	return digest(ossl.md4, &whole, 1, hash_hash);
}

int
mschap_lm_hash(const char *password, uint8_t hash[MSCHAP_HASH_LEN])
{
	static const uint8_t magic[8] = "KGS!@#$%";
	uint8_t upper[14] = {0};
	int ret = 0;

	for (size_t i = 0; password[i]; i++) {
		unsigned char c = (unsigned char)password[i];

		if (c >= 0x80) {
			ret = -EINVAL;
			break;
		}
		if (i < sizeof(upper)) /* what is beyond 14 octets does not count */
			upper[i] = (uint8_t)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
	}
	if (ret == 0)
		ret = des_encrypt(magic, upper, hash);
	if (ret == 0)
		ret = des_encrypt(magic, upper + 7, hash + 8);
	OPENSSL_cleanse(upper, sizeof(upper));
	return ret;
}

int
mschap_challenge_hash(const uint8_t peer_challenge[16], const uint8_t auth_challenge[16],
	const char *user, size_t user_len, uint8_t challenge[8])
{
	const struct piece pieces[] = {
		{peer_challenge, 16}, {auth_challenge, 16}, {user, user_len}};
	uint8_t sha[20];
	int ret = digest(ossl.sha1, pieces, 3, sha);

	if (ret == 0)
		memcpy(challenge, sha, 8);
	return ret;
}

int
mschap_challenge_response(const uint8_t challenge[8], const uint8_t hash[MSCHAP_HASH_LEN],
	uint8_t response[MSCHAP_RESPONSE_LEN])
{
	uint8_t z[21] = {0};
	int ret = 0;

	memcpy(z, hash, MSCHAP_HASH_LEN);
	for (unsigned int i = 0; ret == 0 && i < 3; i++)
		ret = des_encrypt(challenge, z + 7 * i, response + 8 * i);
	OPENSSL_cleanse(z, sizeof(z));
	return ret;
}

static int
v2_challenge(const uint8_t auth_challenge[16], const uint8_t peer_challenge[16], const char *user,
	uint8_t challenge[8])
{
	const char *backslash = strchr(user, '\\');

	if (backslash)
		user = backslash + 1;
	return mschap_challenge_hash(peer_challenge, auth_challenge, user, strlen(user), challenge);
}

int
mschapv2_nt_response(const uint8_t auth_challenge[16], const uint8_t peer_challenge[16],
	const char *user, const uint8_t nt_hash[MSCHAP_HASH_LEN],
	uint8_t response[MSCHAP_RESPONSE_LEN])
{
	uint8_t challenge[8];
	int ret = v2_challenge(auth_challenge, peer_challenge, user, challenge);

	return ret ? ret : mschap_challenge_response(challenge, nt_hash, response);
}

int
mschapv2_authenticator_response(const uint8_t nt_hash[MSCHAP_HASH_LEN],
	const uint8_t nt_response[MSCHAP_RESPONSE_LEN], const uint8_t auth_challenge[16],
	const uint8_t peer_challenge[16], const char *user, char out[MSCHAP_AUTH_RESPONSE_LEN + 1])
{
	static const char magic1[] = "Magic server to client signing constant";
	static const char magic2[] = "Pad to make it do more than one iteration";
	uint8_t hash_hash[MSCHAP_HASH_LEN], challenge[8], sha[20];
	const struct piece first[] = {{hash_hash, sizeof(hash_hash)},
		{nt_response, MSCHAP_RESPONSE_LEN}, {magic1, sizeof(magic1) - 1}};
	const struct piece second[] = {
		{sha, sizeof(sha)}, {challenge, sizeof(challenge)}, {magic2, sizeof(magic2) - 1}};
	int ret = mschap_hash_hash(nt_hash, hash_hash);

	if (ret == 0)
		ret = digest(ossl.sha1, first, 3, sha);
	if (ret == 0)
		ret = v2_challenge(auth_challenge, peer_challenge, user, challenge);
	if (ret == 0)
		ret = digest(ossl.sha1, second, 3, sha);
	if (ret == 0) {
		for (unsigned int i = 0; i < sizeof(sha); i++)
			snprintf(out + 2 * i, 3, "%02X", sha[i]);
	}
	OPENSSL_cleanse(hash_hash, sizeof(hash_hash));
	OPENSSL_cleanse(sha, sizeof(sha));
	return ret;
}

bool
mschapv2_verify(const uint8_t auth_challenge[16], const uint8_t peer_challenge[16],
	const char *user, const uint8_t nt_hash[MSCHAP_HASH_LEN],
	const uint8_t response[MSCHAP_RESPONSE_LEN])
{
	uint8_t right[MSCHAP_RESPONSE_LEN];
	bool ok = mschapv2_nt_response(auth_challenge, peer_challenge, user, nt_hash, right) == 0 &&
		  CRYPTO_memcmp(right, response, sizeof(right)) == 0;

	OPENSSL_cleanse(right, sizeof(right));
	return ok;
}

bool
mschapv1_verify(const uint8_t challenge[8], const uint8_t hash[MSCHAP_HASH_LEN],
	const uint8_t response[MSCHAP_RESPONSE_LEN])
{
	uint8_t right[MSCHAP_RESPONSE_LEN];
	bool ok = mschap_challenge_response(challenge, hash, right) == 0 &&
		  CRYPTO_memcmp(right, response, sizeof(right)) == 0;

	OPENSSL_cleanse(right, sizeof(right));
	return ok;
}

int
chap_md5_response(uint8_t id, const char *password, const uint8_t *challenge, size_t challenge_len,
	uint8_t response[16])
{
	const struct piece pieces[] = {
		{&id, 1}, {password, strlen(password)}, {challenge, challenge_len}};

	return digest(ossl.md5, pieces, 3, response);
}

bool
chap_md5_verify(uint8_t id, const char *password, const uint8_t *challenge, size_t challenge_len,
	const uint8_t response[16])
{
	uint8_t right[16];
	bool ok = chap_md5_response(id, password, challenge, challenge_len, right) == 0 &&
		  CRYPTO_memcmp(right, response, sizeof(right)) == 0;

	OPENSSL_cleanse(right, sizeof(right));
	return ok;
}
