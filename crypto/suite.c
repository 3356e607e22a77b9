/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/suite.h"

#include <string.h>

/*
 * T15: collisions of 64-bit blocks (Sweet32) come near 2^32 of them.  2^25 blocks leave a chance of
 * 2^-15 that any two collide, and are what Windows' own rekey of L2TP (250,000 KiB) amounts to.
 */
#define BLOCK64_BYTES (UINT64_C(256) << 20)

/* clang-format off */
#define GCM(icv, bits, class, id) \
	{.name = "aes" #bits "-gcm" #icv, .keyword = "aes" #bits "gcm" #icv, \
	 .kind = SUITE_ENCRYPTION, .strength = class, .algorithm = SUITE_ALG_AES_GCM, \
	 .key_bits = bits, .key_len = (bits) / 8 + 4, .salt_len = 4, .iv_len = 8, .block_len = 1, \
	 .icv_len = icv, .ikev1 = id, .ikev2 = id, .ike_bits = bits}
#define CBC(bits) \
	{.name = "aes" #bits "-cbc", .keyword = "aes" #bits, \
	 .kind = SUITE_ENCRYPTION, .strength = SUITE_STRONG, .algorithm = SUITE_ALG_AES_CBC, \
	 .key_bits = bits, .key_len = (bits) / 8, .iv_len = 16, .block_len = 16, \
	 .ikev1 = 12, .ikev1_ike = 7, .ikev2 = 12, .ike_bits = bits}
#define HMAC(text, key, class, alg, bits, icv, v1, v1_ike, v2) \
	{.name = text, .keyword = key, \
	 .kind = SUITE_INTEGRITY, .strength = class, .algorithm = alg, \
	 .key_bits = bits, .key_len = (bits) / 8, .icv_len = icv, \
	 .ikev1 = v1, .ikev1_ike = v1_ike, .ikev2 = v2}
#define GROUP(text, class, bits, id) \
	{.name = text, .keyword = text, .kind = SUITE_GROUP, .strength = class, \
	 .key_bits = bits, .ikev1 = id, .ikev2 = id}

static const struct suite suites[] = {
	{.name = "mppe-128", .kind = SUITE_MPPE, .strength = SUITE_LEGACY,
	 .algorithm = SUITE_ALG_RC4, .key_bits = 128, .key_len = 16},
	{.name = "mppe-56", .kind = SUITE_MPPE, .strength = SUITE_WEAK,
	 .algorithm = SUITE_ALG_RC4, .key_bits = 56, .key_len = 8},
	{.name = "mppe-40", .kind = SUITE_MPPE, .strength = SUITE_WEAK,
	 .algorithm = SUITE_ALG_RC4, .key_bits = 40, .key_len = 8},

	GCM(16, 256, SUITE_STRONG, 20),
	GCM(16, 192, SUITE_STRONG, 20),
	GCM(16, 128, SUITE_STRONG, 20),
	CBC(256),
	CBC(192),
	CBC(128),
	/* Short tags: RFC 4106 section 6 allows them, RFC 8221 section 5 does not list them. */
	GCM(12, 256, SUITE_LEGACY, 19),
	GCM(12, 128, SUITE_LEGACY, 19),
	GCM(8, 256, SUITE_LEGACY, 18),
	GCM(8, 128, SUITE_LEGACY, 18),
	{.name = "3des-cbc", .keyword = "3des", .kind = SUITE_ENCRYPTION, .strength = SUITE_LEGACY,
	 .algorithm = SUITE_ALG_3DES, .key_bits = 168, .key_len = 24, .iv_len = 8, .block_len = 8,
	 .ikev1 = 3, .ikev1_ike = 5, .ikev2 = 3, .max_bytes = BLOCK64_BYTES},
	{.name = "des-cbc", .keyword = "des", .kind = SUITE_ENCRYPTION, .strength = SUITE_WEAK,
	 .algorithm = SUITE_ALG_DES, .key_bits = 56, .key_len = 8, .iv_len = 8, .block_len = 8,
	 .ikev1 = 2, .ikev1_ike = 1, .ikev2 = 2, .max_bytes = BLOCK64_BYTES},
	{.name = "null", .keyword = "null", .kind = SUITE_ENCRYPTION, .strength = SUITE_WEAK,
	 .algorithm = SUITE_ALG_NULL, .block_len = 1, .ikev1 = 11, .ikev2 = 11},

	HMAC("hmac-sha2-512-256", "sha512", SUITE_STRONG, SUITE_ALG_SHA2_512, 512, 32, 7, 6, 14),
	HMAC("hmac-sha2-384-192", "sha384", SUITE_STRONG, SUITE_ALG_SHA2_384, 384, 24, 6, 5, 13),
	HMAC("hmac-sha2-256-128", "sha256", SUITE_STRONG, SUITE_ALG_SHA2_256, 256, 16, 5, 4, 12),
	/* D3: the truncation of an early draft, which old Android and macOS use under number 5. */
	HMAC("hmac-sha2-256-96", "sha256_96", SUITE_LEGACY, SUITE_ALG_SHA2_256, 256, 12, 0, 4, 1026),
	HMAC("hmac-sha1-96", "sha1", SUITE_LEGACY, SUITE_ALG_SHA1, 160, 12, 2, 2, 2),
	HMAC("hmac-md5-96", "md5", SUITE_WEAK, SUITE_ALG_MD5, 128, 12, 1, 1, 1),

	GROUP("curve25519", SUITE_STRONG, 255, 31),
	GROUP("ecp521", SUITE_STRONG, 521, 21),
	GROUP("ecp384", SUITE_STRONG, 384, 20),
	GROUP("ecp256", SUITE_STRONG, 256, 19),
	GROUP("modp4096", SUITE_STRONG, 4096, 16),
	GROUP("modp3072", SUITE_STRONG, 3072, 15),
	GROUP("modp2048", SUITE_STRONG, 2048, 14),
	GROUP("modp1536", SUITE_LEGACY, 1536, 5),
	GROUP("modp1024", SUITE_LEGACY, 1024, 2),
	GROUP("modp768", SUITE_WEAK, 768, 1),
};
/* clang-format on */

#define N_SUITES (sizeof(suites) / sizeof(suites[0]))

const struct suite *
suite_at(size_t i)
{
	return i < N_SUITES ? &suites[i] : NULL;
}

const struct suite *
suite_by_name(const char *name)
{
	for (size_t i = 0; i < N_SUITES; i++) {
		if (strcmp(suites[i].name, name) == 0)
			return &suites[i];
	}
	return NULL;
}

const struct suite *
suite_by_bits(enum suite_kind kind, unsigned int key_bits)
{
	for (size_t i = 0; i < N_SUITES; i++) {
		if (suites[i].kind == kind && suites[i].key_bits == key_bits)
			return &suites[i];
	}
	return NULL;
}

static bool
number_fits(const struct suite *s, unsigned int number, unsigned int wanted, unsigned int ike_bits)
{
	return number != 0 && number == wanted && (s->ike_bits == 0 || s->ike_bits == ike_bits);
}

const struct suite *
suite_by_ikev2(enum suite_kind kind, unsigned int id, unsigned int ike_bits)
{
	for (size_t i = 0; i < N_SUITES; i++) {
		if (suites[i].kind == kind &&
			number_fits(&suites[i], suites[i].ikev2, id, ike_bits))
			return &suites[i];
	}
	return NULL;
}

bool
suite_is_aead(const struct suite *s)
{
	return s->kind == SUITE_ENCRYPTION && s->icv_len > 0;
}

bool
suite_pair_is_valid(const struct suite *encryption, const struct suite *integrity)
{
	if (!encryption || encryption->kind != SUITE_ENCRYPTION)
		return false;
	if (suite_is_aead(encryption))
		return integrity == NULL;
	return integrity && integrity->kind == SUITE_INTEGRITY;
}

enum suite_class
suite_weaker(const struct suite *a, const struct suite *b)
{
	return b && b->strength < a->strength ? b->strength : a->strength;
}

const char *
suite_class_name(enum suite_class strength)
{
	static const char *const names[] = {
		[SUITE_WEAK] = "weak",
		[SUITE_LEGACY] = "legacy",
		[SUITE_STRONG] = "strong",
	};

	return (size_t)strength < sizeof(names) / sizeof(names[0]) ? names[strength] : "unknown";
}
