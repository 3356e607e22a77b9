/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CHAP arithmetic: MS-CHAPv2 (RFC 2759), MS-CHAPv1 (RFC 2433), CHAP-MD5 (RFC 1994), on OpenSSL 3.
 *
 * MD4 and DES live only in OpenSSL's legacy provider: mschap_init() loads it into a library context
 * of our own, so the process's default context stays as the administrator configured it. Calling
 * context: control plane, one thread; allocates inside OpenSSL.  Not for the packet path. Functions
 * that return int give 0, or a negative errno: -EINVAL for bad input, -EIO when OpenSSL refuses.
 * Passwords are UTF-8, NUL-terminated; hashes derived from them are secrets: wipe after use.
 */
#ifndef ADIT_CRYPTO_MSCHAP_H
#define ADIT_CRYPTO_MSCHAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSCHAP_HASH_LEN          16
#define MSCHAP_RESPONSE_LEN      24
#define MSCHAP_AUTH_RESPONSE_LEN 40  /* hexadecimal digits, RFC 2759 section 8.7 */
#define MSCHAP_PASSWORD_MAX      256 /* UTF-16 units, RFC 2759 section 8.3 */

/* Call once before the others; again is harmless.  On failure returns -EIO and, in err, why in one
 * line. */
int mschap_init(char *err, size_t err_len);
void mschap_fini(void);

/* RFC 2759 section 8.3: MD4 of the UTF-16LE password.  -EINVAL: not UTF-8 (overlong forms,
 * surrogates) or too long. */
int mschap_nt_hash(const char *password, uint8_t hash[MSCHAP_HASH_LEN]);
/* The same as pppd does it, each octet of the password a UTF-16 unit: another hash when the
 * password is not ASCII.  -EINVAL: too long. */
int mschap_nt_hash_octets(const char *password, uint8_t hash[MSCHAP_HASH_LEN]);
/* RFC 2759 section 8.4: MD4 of the hash. */
int mschap_hash_hash(const uint8_t nt_hash[MSCHAP_HASH_LEN], uint8_t hash_hash[MSCHAP_HASH_LEN]);
/* RFC 2433 appendix A.3: LM hash.  ASCII only (no code page is guessed): others give -EINVAL. */
int mschap_lm_hash(const char *password, uint8_t hash[MSCHAP_HASH_LEN]);

/* RFC 2759 section 8.2.  user: without a "DOMAIN\" prefix, not NUL-terminated. */
int mschap_challenge_hash(const uint8_t peer_challenge[16], const uint8_t auth_challenge[16],
	const char *user, size_t user_len, uint8_t challenge[8]);
/* RFC 2759 section 8.5: three DES encryptions of the challenge; NT or LM hash. */
int mschap_challenge_response(const uint8_t challenge[8], const uint8_t hash[MSCHAP_HASH_LEN],
	uint8_t response[MSCHAP_RESPONSE_LEN]);
/* RFC 2759 section 8.1.  A "DOMAIN\" prefix of user is left out of the hash (section 4). */
int mschapv2_nt_response(const uint8_t auth_challenge[16], const uint8_t peer_challenge[16],
	const char *user, const uint8_t nt_hash[MSCHAP_HASH_LEN],
	uint8_t response[MSCHAP_RESPONSE_LEN]);
/* RFC 2759 section 8.7, without the leading "S="; NUL-terminated. */
int mschapv2_authenticator_response(const uint8_t nt_hash[MSCHAP_HASH_LEN],
	const uint8_t nt_response[MSCHAP_RESPONSE_LEN], const uint8_t auth_challenge[16],
	const uint8_t peer_challenge[16], const char *user, char out[MSCHAP_AUTH_RESPONSE_LEN + 1]);

/* Verifications in constant time.  True only when the response is right; an OpenSSL failure gives
 * false. */
bool mschapv2_verify(const uint8_t auth_challenge[16], const uint8_t peer_challenge[16],
	const char *user, const uint8_t nt_hash[MSCHAP_HASH_LEN],
	const uint8_t response[MSCHAP_RESPONSE_LEN]);
/* MS-CHAPv1 (RFC 2433 appendix A.1): hash is the NT hash for an NT response, the LM hash for an LM
 * response. */
bool mschapv1_verify(const uint8_t challenge[8], const uint8_t hash[MSCHAP_HASH_LEN],
	const uint8_t response[MSCHAP_RESPONSE_LEN]);

/* RFC 1994 section 4.1: MD5 of identifier, password and challenge. */
int chap_md5_response(uint8_t id, const char *password, const uint8_t *challenge,
	size_t challenge_len, uint8_t response[16]);
bool chap_md5_verify(uint8_t id, const char *password, const uint8_t *challenge,
	size_t challenge_len, const uint8_t response[16]);

#endif
