/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/verify.h"

#include <openssl/crypto.h>
#include <string.h>

#include "crypto/mschap.h"

#define LM_PASSWORD_MAX 14

struct secrets {
	uint8_t nt_hash[MSCHAP_HASH_LEN], nt_hash_hash[MSCHAP_HASH_LEN], lm_hash[MSCHAP_HASH_LEN];
	char authenticator_response[MSCHAP_AUTH_RESPONSE_LEN + 1];
};

/* A password that is not ASCII has two NT hashes: pppd takes octets for characters. */
typedef int (*nt_hash_reading)(const char *password, uint8_t hash[MSCHAP_HASH_LEN]);

static bool
verify_mschapv2(const struct ppp_credentials *cred, const char *password, nt_hash_reading nt_hash,
	struct secrets *s)
{
	bool ok;

	if (cred->challenge_len != 16 || cred->response_len != 24)
		return false;
	if (nt_hash(password, s->nt_hash) || mschap_hash_hash(s->nt_hash, s->nt_hash_hash))
		return false;
	ok = mschapv2_verify(
		cred->challenge, cred->peer_challenge, cred->user, s->nt_hash, cred->response);
	return !mschapv2_authenticator_response(s->nt_hash, cred->response, cred->challenge,
		       cred->peer_challenge, cred->user, s->authenticator_response) &&
	       ok;
}

/* RFC 2433 section 6: LM response, NT response, and a flag which says that the NT response is to be
 * used. */
static bool
verify_mschapv1(const struct ppp_credentials *cred, const char *password, nt_hash_reading nt_hash,
	struct secrets *s)
{
	bool has_lm, nt_ok, lm_ok;

	if (cred->challenge_len != 8 || cred->response_len != 49)
		return false;
	if (nt_hash(password, s->nt_hash) || mschap_hash_hash(s->nt_hash, s->nt_hash_hash))
		return false;
	/* The LM hash sees the first 14 characters only: it must not vouch for a longer
	 * password. */
	has_lm = mschap_lm_hash(password, s->lm_hash) == 0 && strlen(password) <= LM_PASSWORD_MAX;
	nt_ok = mschapv1_verify(cred->challenge, s->nt_hash, cred->response + 24);
	lm_ok = mschapv1_verify(cred->challenge, s->lm_hash, cred->response) && has_lm;
	return cred->response[48] & 1 ? nt_ok : lm_ok;
}

/* The second reading is tried for every password, so that times do not tell which are ASCII. */
static bool
verify_ms(const struct ppp_credentials *cred, const char *password, struct secrets *s)
{
	bool (*verify)(const struct ppp_credentials *cred, const char *password,
		nt_hash_reading nt_hash, struct secrets *s) =
		cred->method == PPP_AUTH_MSCHAPV2 ? verify_mschapv2 : verify_mschapv1;

	return verify(cred, password, mschap_nt_hash, s) ||
	       verify(cred, password, mschap_nt_hash_octets, s);
}

static bool
verify_pap(const struct ppp_credentials *cred, const char *password)
{
	char given[sizeof(cred->password)] = {0}, known[sizeof(cred->password)] = {0};
	size_t given_len = strnlen(cred->password, sizeof(cred->password));
	size_t known_len = strnlen(password, sizeof(known));
	bool same;

	if (given_len == sizeof(given) || known_len == sizeof(known))
		return false;
	memcpy(given, cred->password, given_len);
	memcpy(known, password, known_len);
	same = CRYPTO_memcmp(given, known, sizeof(given)) == 0;
	explicit_bzero(given, sizeof(given));
	explicit_bzero(known, sizeof(known));
	return same;
}

bool
aaa_verify(const struct ppp_credentials *cred, const char *password, bool keys,
	struct aaa_verdict *verdict)
{
	struct secrets s = {0};
	bool ok = false;

	switch (cred->method) {
	case PPP_AUTH_MSCHAPV2:
	case PPP_AUTH_MSCHAPV1:
		ok = verify_ms(cred, password, &s);
		break;
	case PPP_AUTH_CHAP_MD5:
		ok = cred->response_len == 16 && cred->challenge_len <= sizeof(cred->challenge) &&
		     chap_md5_verify(cred->id, password, cred->challenge, cred->challenge_len,
			     cred->response);
		break;
	case PPP_AUTH_PAP:
		ok = verify_pap(cred, password);
		break;
	}
	if (ok) {
		/* T2: MS-CHAPv1 would give both directions one key. */
		if (keys && cred->method == PPP_AUTH_MSCHAPV2) {
			verdict->keys.len = MPPE_KEY_MAX;
			mppe_keys_mschapv2(s.nt_hash_hash, cred->response, true, MPPE_128,
				verdict->keys.send, verdict->keys.recv);
		}
		memcpy(verdict->authenticator_response, s.authenticator_response,
			sizeof(verdict->authenticator_response));
	}
	explicit_bzero(&s, sizeof(s));
	return ok;
}
