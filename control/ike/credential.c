/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ike/credential.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
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
	if (!put_certificate(x, &c->certificate) || !put_key(key, &c->key))
		return fail(err, errlen, path, "can't be encoded");
	return true;
}

static bool
add_ca(struct credential *c, X509 *x)
{
	return c->n_ca < CREDENTIAL_MAX_CA && put_certificate(x, &c->ca[c->n_ca]) && ++c->n_ca;
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
	for (unsigned int i = 0; i < c->n_ca; i++)
		blob_wipe(&c->ca[i]);
	memset(c, 0, sizeof(*c));
}
