/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ike/credential.h"

#include <math.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static bool
fail(char *err, size_t errlen, const char *path, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	snprintf(err, errlen, "%s: %s%s%s", path, what, reason ? ": " : "", reason ? reason : "");
	ERR_clear_error();
	return false;
}

static bool
put_certificate(X509 *x, struct blob *out)
{
	out->bytes = NULL;
	int n = i2d_X509(x, &out->bytes);
	out->len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static bool
put_key(EVP_PKEY *key, struct blob *out)
{
	out->bytes = NULL;
	int n = i2d_PrivateKey(key, &out->bytes);
	out->len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* The certificate and its key belong together, and it is valid now. */
static bool
take(struct credential *c, X509 *x, EVP_PKEY *key, const char *path, char *err, size_t errlen)
{
	int days = 0, seconds = 0;
	if (X509_check_private_key(x, key) != 1)
		return fail(err, errlen, path, "certificate and key don't belong together");
	if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x)))
		return fail(err, errlen, path, "no valid date of expiry");
	if (days < 0 || (days == 0 && seconds <= 0))
		return fail(err, errlen, path, "the certificate has expired");
	c->days_left = days;
	c->early = X509_cmp_current_time(X509_get0_notBefore(x)) > 0;
	if (!put_certificate(x, &c->certificate) || !put_key(key, &c->key))
		return fail(err, errlen, path, "can't be encoded");
	return true;
}

static X509 *
certificate_of(const struct credential *c)
{
	const uint8_t *at = c->certificate.bytes;
	return at ? d2i_X509(NULL, &at, (long)c->certificate.len) : NULL;
}

bool
credential_named(const struct credential *c)
{
	X509 *x = certificate_of(c);
	GENERAL_NAMES *names = x ? X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL) : NULL;
	bool named = false;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		int type = sk_GENERAL_NAME_value(names, i)->type;
		named |= type == GEN_DNS || type == GEN_IPADD;
	}
	GENERAL_NAMES_free(names);
	X509_free(x);
	return named;
}

bool
credential_holds(const struct credential *c, const char *name)
{
	X509 *x = certificate_of(c);
	bool holds = x && (X509_check_ip_asc(x, name, 0) == 1 ||
				  X509_check_host(x, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
					  NULL) == 1);
	X509_free(x);
	return holds;
}

static bool
add_ca(struct credential *c, X509 *x)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int n = c->n_ca;
	if (n == CREDENTIAL_MAX_CA || !put_certificate(x, &c->ca[n]))
		return false;
	c->n_ca++;
	struct blob *subject = &c->ca_subject[n];
	int len = i2d_X509_NAME(X509_get_subject_name(x), &subject->bytes);
	subject->len = len > 0 ? (size_t)len : 0;
	if (len <= 0 || !X509_digest(x, EVP_sha256(), digest, NULL))
		return false;
	int at = snprintf(c->ca_name[n], sizeof(c->ca_name[n]), "adit-");
	for (unsigned int i = 0; i < 16; i++)
		at += snprintf(
			c->ca_name[n] + at, sizeof(c->ca_name[n]) - (size_t)at, "%02x", digest[i]);
	return true;
}

static bool
load_pkcs12(const struct ike_config *cfg, struct credential *c, char *err, size_t errlen)
{
	FILE *f = fopen(cfg->pkcs12, "rb");
	if (!f)
		return fail(err, errlen, cfg->pkcs12, "can't be read");
	PKCS12 *p12 = d2i_PKCS12_fp(f, NULL);
	fclose(f);
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	STACK_OF(X509) *others = NULL;
	bool ok = p12 && PKCS12_parse(p12, cfg->pkcs12_password, &key, &x, &others) == 1;
	PKCS12_free(p12);
	if (!ok)
		return fail(err, errlen, cfg->pkcs12, "not a PKCS#12 file, or another password");
	ok = x && key ? take(c, x, key, cfg->pkcs12, err, errlen)
		      : fail(err, errlen, cfg->pkcs12, "no certificate with its key in it");
	for (int i = 0; ok && i < sk_X509_num(others); i++)
		if (!add_ca(c, sk_X509_value(others, i)))
			ok = fail(err, errlen, cfg->pkcs12, "too many certificates");
	EVP_PKEY_free(key);
	X509_free(x);
	sk_X509_pop_free(others, X509_free);
	return ok;
}

static bool
load_pem(const struct ike_config *cfg, struct credential *c, char *err, size_t errlen)
{
	FILE *f = fopen(cfg->certificate, "r");
	X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	if (f)
		fclose(f);
	if (!x)
		return fail(err, errlen, cfg->certificate, "no certificate in PEM");
	f = fopen(cfg->key, "r");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	if (f)
		fclose(f);
	bool ok = key ? take(c, x, key, cfg->certificate, err, errlen)
		      : fail(err, errlen, cfg->key, "no private key in PEM without password");
	EVP_PKEY_free(key);
	X509_free(x);
	return ok;
}

static bool
load_ca(const struct ike_config *cfg, struct credential *c, char *err, size_t errlen)
{
	FILE *f = fopen(cfg->ca, "r");
	X509 *x;
	bool ok = f != NULL;
	unsigned int before = c->n_ca;
	while (ok && (x = PEM_read_X509(f, NULL, NULL, NULL))) {
		ok = add_ca(c, x);
		X509_free(x);
	}
	if (f)
		fclose(f);
	ERR_clear_error(); /* the end of the file is reported as an error */
	return ok && c->n_ca > before ? true
				      : fail(err, errlen, cfg->ca, "no CA certificates in PEM");
}

static bool
issued_by(X509_CRL *crl, const struct blob *ca)
{
	const uint8_t *at = ca->bytes;
	X509 *x = d2i_X509(NULL, &at, (long)ca->len);
	bool ok = x && X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(x)) == 0 &&
		  X509_CRL_verify(crl, X509_get0_pubkey(x)) == 1;
	X509_free(x);
	ERR_clear_error();
	return ok;
}

/* charon finds a CRL by this alone (RFC 5280 section 5.2.1 wants it): without it whoever is revoked
 * would be let in. */
static bool
has_issuers_key_id(X509_CRL *crl, const struct blob *ca)
{
	const uint8_t *at = ca->bytes;
	X509 *x = d2i_X509(NULL, &at, (long)ca->len);
	AUTHORITY_KEYID *a = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
	const ASN1_OCTET_STRING *own = x ? X509_get0_subject_key_id(x) : NULL;
	bool ok = own && a && a->keyid && ASN1_OCTET_STRING_cmp(own, a->keyid) == 0;
	AUTHORITY_KEYID_free(a);
	X509_free(x);
	return ok;
}

/* NULL, or why not. */
static const char *
add_crl(struct credential *c, X509_CRL *crl)
{
	int days = 0, seconds = 0;
	unsigned int ca = 0;
	while (ca < c->n_ca && !issued_by(crl, &c->ca[ca]))
		ca++;
	if (ca == c->n_ca)
		return "a CRL that no CA of ipsec.ca has issued";
	if (!has_issuers_key_id(crl, &c->ca[ca]))
		return "a CRL without its CA's key identifier: charon can't use it (OpenSSL: "
		       "authorityKeyIdentifier = keyid among crl_extensions)";
	if (c->n_crl == CREDENTIAL_MAX_CRL)
		return "too many CRLs";
	struct blob *out = &c->crl[c->n_crl++];
	int n = i2d_X509_CRL(crl, &out->bytes);
	out->len = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		return "can't be encoded";
	const ASN1_TIME *end = X509_CRL_get0_nextUpdate(crl);
	if (end && ASN1_TIME_diff(&days, &seconds, NULL, end) && (days < 0 || seconds < 0))
		c->crl_expired = true;
	return NULL;
}

static bool
load_crl(const struct ike_config *cfg, struct credential *c, char *err, size_t errlen)
{
	FILE *f = fopen(cfg->crl, "r");
	const char *why = f ? NULL : "can't be read";
	X509_CRL *crl;
	while (!why && (crl = PEM_read_X509_CRL(f, NULL, NULL, NULL))) {
		why = add_crl(c, crl);
		X509_CRL_free(crl);
	}
	if (f)
		fclose(f);
	ERR_clear_error(); /* the end of the file is reported as an error */
	if (!why && c->n_crl == 0)
		why = "no CRL in PEM";
	return why ? fail(err, errlen, cfg->crl, why) : true;
}

/* The name says whether the secret is still the same, and must not help to guess it. */
#define TAG_ROUNDS 4096

static bool
name_psk(const struct ike_psk *psk, char name[CREDENTIAL_NAME_MAX])
{
	uint8_t salt[12] = "adit psk", tag[8];
	memcpy(salt + 8, &psk->peer_ip, sizeof(psk->peer_ip));
	if (PKCS5_PBKDF2_HMAC(psk->secret, -1, salt, sizeof(salt), TAG_ROUNDS, EVP_sha256(),
		    sizeof(tag), tag) != 1)
		return false;
	int at = snprintf(name, CREDENTIAL_NAME_MAX, "adit-%08x-", psk->peer_ip);
	for (unsigned int i = 0; i < sizeof(tag); i++)
		at += snprintf(name + at, CREDENTIAL_NAME_MAX - (size_t)at, "%02x", tag[i]);
	return true;
}

bool
credential_psk_peer(const char *name, uint32_t *peer_ip)
{
	unsigned int ip;
	unsigned long long tag;
	int end = 0;
	if (sscanf(name, "adit-%8x-%16llx%n", &ip, &tag, &end) != 2 || name[end])
		return false;
	*peer_ip = ip;
	return true;
}

bool
credential_load(const struct ike_config *cfg, struct credential *out, char *err, size_t errlen)
{
	memset(out, 0, sizeof(*out));
	bool ok = true;
	if (*cfg->pkcs12)
		ok = load_pkcs12(cfg, out, err, errlen);
	else if (*cfg->certificate)
		ok = load_pem(cfg, out, err, errlen);
	if (ok && *cfg->ca)
		ok = load_ca(cfg, out, err, errlen);
	if (ok && out->certificate.len && out->n_ca == 0)
		ok = fail(err, errlen, *cfg->pkcs12 ? cfg->pkcs12 : cfg->certificate,
			"no CA to check clients with (ipsec.ca)");
	if (ok && *cfg->crl)
		ok = load_crl(cfg, out, err, errlen);
	for (unsigned int i = 0; ok && i < cfg->n_psk; i++)
		if (!name_psk(&cfg->psk[i], out->psk_name[i]))
			ok = fail(err, errlen, "ipsec.psk", "can't be named");
	if (!ok)
		credential_wipe(out);
	return ok;
}

static void
blob_wipe(struct blob *b)
{
	OPENSSL_clear_free(b->bytes, b->len);
	memset(b, 0, sizeof(*b));
}

void
credential_wipe(struct credential *c)
{
	blob_wipe(&c->certificate);
	blob_wipe(&c->key);
	for (unsigned int i = 0; i < c->n_ca; i++) {
		blob_wipe(&c->ca[i]);
		blob_wipe(&c->ca_subject[i]);
	}
	for (unsigned int i = 0; i < c->n_crl; i++)
		blob_wipe(&c->crl[i]);
	memset(c, 0, sizeof(*c));
}

/* T12.  A guesser tries words first; this only says how many there are of that shape. */
unsigned int
ike_psk_bits(const char *secret)
{
	bool seen[256] = {false};
	unsigned int different = 0, alphabet = 0, length = 0;
	bool lower = false, upper = false, digit = false, other = false;
	for (const char *p = secret; *p; p++, length++) {
		unsigned char ch = (unsigned char)*p;
		different += !seen[ch];
		seen[ch] = true;
		lower |= ch >= 'a' && ch <= 'z';
		upper |= ch >= 'A' && ch <= 'Z';
		digit |= ch >= '0' && ch <= '9';
		other |= !((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			   (ch >= '0' && ch <= '9'));
	}
	alphabet = (lower ? 26u : 0) + (upper ? 26u : 0) + (digit ? 10u : 0) + (other ? 32u : 0);
	return different < 8 ? 0 : (unsigned int)(length * log2(alphabet));
}
