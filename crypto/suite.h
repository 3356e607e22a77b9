/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The suite table: the single place that lists an algorithm with its key sizes, its IKE names and
 * its strength class.  Policy, the weak-crypto switches (R2), IKE proposals and aditctl read it.
 *
 * One row is one algorithm, as IKE negotiates them: what an ESP SA uses is an encryption row and,
 * unless that one authenticates too, an integrity row; suite_weaker() gives the class of the pair.
 * A proposal of strongSwan is keywords joined by "-": encryption, integrity, group.
 *
 * Constant data: any thread, any process.
 */
#ifndef ADIT_CRYPTO_SUITE_H
#define ADIT_CRYPTO_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum suite_kind {
	SUITE_MPPE,       /* PPTP: RFC 3078 */
	SUITE_ENCRYPTION, /* ESP and IKE: confidentiality, or both in one (AEAD) */
	SUITE_INTEGRITY,  /* ESP and IKE: authentication */
	SUITE_GROUP,      /* IKE: Diffie-Hellman groups */
};

/* weak: only behind a weak-crypto switch; legacy: broken or ageing, allowed by default; strong. */
enum suite_class { SUITE_WEAK, SUITE_LEGACY, SUITE_STRONG };

/* What computes it: several rows may share one. */
enum suite_algorithm {
	SUITE_ALG_NONE, /* nothing in crypto/'s packet code: groups */
	SUITE_ALG_RC4,
	SUITE_ALG_AES_GCM,  /* RFC 4106 */
	SUITE_ALG_AES_CBC,  /* RFC 3602 */
	SUITE_ALG_3DES,     /* RFC 2451 */
	SUITE_ALG_DES,      /* RFC 2405 */
	SUITE_ALG_NULL,     /* RFC 2410 */
	SUITE_ALG_SHA2_512, /* HMAC: RFC 4868 */
	SUITE_ALG_SHA2_384,
	SUITE_ALG_SHA2_256,
	SUITE_ALG_SHA1, /* HMAC: RFC 2404 */
	SUITE_ALG_MD5,  /* HMAC: RFC 2403 */
};

/* Longest of all rows, in octets. */
#define SUITE_KEY_MAX 64
#define SUITE_ICV_MAX 32

/* Numbers of IKE are 0 where the registry has none. */
struct suite {
	const char *name;    /* stable: configuration, control socket, metrics */
	const char *keyword; /* in a proposal of strongSwan; NULL: not IKE's */
	uint8_t kind;        /* enum suite_kind */
	uint8_t strength;    /* enum suite_class */
	uint8_t algorithm;   /* enum suite_algorithm */
	uint16_t key_bits;   /* effective bits of the key: 40, 56, 128; of a group: its size */
	uint8_t key_len;     /* octets of key material held, salt included */
	uint8_t salt_len;    /* of these, at the end: RFC 4106 section 8.1 */
	uint8_t iv_len;      /* octets of IV in a packet */
	uint8_t block_len;   /* octets the ciphertext is a multiple of (before ESP's own 4) */
	uint8_t icv_len;     /* octets of ICV in a packet; encryption rows: 0 unless AEAD */
	uint16_t ikev1;      /* RFC 2407: ESP transform ID (4.4.4), authentication algorithm
				attribute (4.5); RFC 2409 group description; 0: none */
	uint16_t ikev1_ike;  /* RFC 2409 appendix A: encryption or hash algorithm of phase 1 */
	uint16_t ikev2;      /* IANA: transform ID of type 1, 3 or 4.  1024 and up: private, as
				strongSwan numbers them */
	uint16_t ike_bits;   /* key length attribute that goes with the number; 0: none is sent */
	uint64_t max_bytes;  /* octets that one key may encrypt, 0: no limit worth naming (T15) */
};

/* Row i, in order of kind, then from strong to weak; NULL past the end. */
const struct suite *suite_at(size_t i);
/* NULL when unknown. */
const struct suite *suite_by_name(const char *name);
/* The first row of this size; for MPPE there is one.  NULL when no such suite. */
const struct suite *suite_by_bits(enum suite_kind kind, unsigned int key_bits);
/* By IKEv2 transform ID and key length attribute (0: absent), as charon hands down SAs, those of
 * IKEv1 too.  The attribute is ignored where the algorithm has one size only.  NULL when unknown.
 */
const struct suite *suite_by_ikev2(enum suite_kind kind, unsigned int id, unsigned int ike_bits);
/* Encryption and integrity in one. */
bool suite_is_aead(const struct suite *s);
/* May these two protect an ESP SA?  integrity is NULL with an AEAD, and must be there otherwise:
 * unauthenticated encryption is never allowed. */
bool suite_pair_is_valid(const struct suite *encryption, const struct suite *integrity);
/* The weaker class of the two; b may be NULL. */
enum suite_class suite_weaker(const struct suite *a, const struct suite *b);
/* "weak", "legacy", "strong"; never NULL. */
const char *suite_class_name(enum suite_class strength);

#endif
