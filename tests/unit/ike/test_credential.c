/* SPDX-License-Identifier: BSD-3-Clause */
/* R18: certificates from PEM files and from PKCS#12; what does not fit is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/ike/credential.h"
#include "tests/unit/temp.h"

static char directory[64], err[256];
static struct ike_config cfg;
static struct credential cred;

static EVP_PKEY *
new_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	assert_non_null(key);
	return key;
}

/* Valid from now on for so many seconds. */
static X509 *
new_certificate(EVP_PKEY *key, const char *name, long seconds)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, n);
	X509_gmtime_adj(X509_getm_notBefore(x), -100000);
	X509_gmtime_adj(X509_getm_notAfter(x), seconds);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static void
path_of(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/%s", directory, name);
}

static void
write_pem(const char *name, X509 *x, EVP_PKEY *key)
{
	char path[128];
	path_of(path, sizeof(path), name);
	FILE *f = fopen(path, "w");
	if (x)
		PEM_write_X509(f, x);
	if (key)
		PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

/* A CRL of ca's that is valid for so many seconds, with its key identifier or without. */
static void
write_crl(const char *name, X509 *ca, EVP_PKEY *key, long seconds, bool with_id)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = X509_gmtime_adj(NULL, -3600);
	char path[128];
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
	X509_CRL_set1_lastUpdate(crl, t);
	X509_gmtime_adj(t, seconds);
	X509_CRL_set1_nextUpdate(crl, t);
	ASN1_TIME_free(t);
	if (with_id) {
		AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();
		id->keyid = ASN1_OCTET_STRING_dup(X509_get0_subject_key_id(ca));
		X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, id, 0, 0);
		AUTHORITY_KEYID_free(id);
	}
	assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
	path_of(path, sizeof(path), name);
	FILE *f = fopen(path, "w");
	PEM_write_X509_CRL(f, crl);
	fclose(f);
	X509_CRL_free(crl);
}

static void
add_key_id(X509 *x, EVP_PKEY *key)
{
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	ASN1_OCTET_STRING_set(id, (const unsigned char *)"identifier", 10);
	X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0, 0);
	ASN1_OCTET_STRING_free(id);
	X509_set_version(x, 2);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
}

static int
make_files(void **state)
{
	(void)state;
	EVP_PKEY *ca_key = new_key(), *key = new_key();
	X509 *ca = new_certificate(ca_key, "CA", 86400 * 100),
	     *x = new_certificate(key, "gateway", 86400 * 20 + 60),
	     *expired = new_certificate(key, "old", -10);
	add_key_id(ca, ca_key);
	write_pem("ca.pem", ca, NULL);
	write_crl("good.crl", ca, ca_key, 86400, true);
	write_crl("old.crl", ca, ca_key, -60, true);
	write_crl("nameless.crl", ca, ca_key, 86400, false);
	write_crl("forged.crl", ca, key, 86400, true);
	write_pem("cert.pem", x, NULL);
	write_pem("key.pem", NULL, key);
	write_pem("other.pem", NULL, ca_key);
	write_pem("expired.pem", expired, NULL);
	STACK_OF(X509) *chain = sk_X509_new_null();
	sk_X509_push(chain, ca);
	PKCS12 *p12 = PKCS12_create("pass-word", "gateway", key, x, chain, 0, 0, 0, 0, 0);
	char path[128];
	path_of(path, sizeof(path), "all.p12");
	FILE *f = fopen(path, "w");
	i2d_PKCS12_fp(f, p12);
	fclose(f);
	PKCS12_free(p12);
	sk_X509_free(chain);
	X509_free(ca);
	X509_free(x);
	X509_free(expired);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	return 0;
}

static int
remove_files(void **state)
{
	static const char *const names[] = {"ca.pem", "cert.pem", "key.pem", "other.pem",
		"expired.pem", "all.p12", "good.crl", "old.crl", "nameless.crl", "forged.crl"};
	char path[128];
	(void)state;
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(path, sizeof(path), names[i]);
		unlink(path);
	}
	return rmdir(directory);
}

static bool
load(const char *certificate, const char *key, const char *ca, const char *p12,
	const char *password)
{
	memset(&cfg, 0, sizeof(cfg));
	err[0] = '\0';
	if (certificate)
		path_of(cfg.certificate, sizeof(cfg.certificate), certificate);
	if (key)
		path_of(cfg.key, sizeof(cfg.key), key);
	if (ca)
		path_of(cfg.ca, sizeof(cfg.ca), ca);
	if (p12)
		path_of(cfg.pkcs12, sizeof(cfg.pkcs12), p12);
	if (password)
		strcpy(cfg.pkcs12_password, password);
	return credential_load(&cfg, &cred, err, sizeof(err));
}

static void
test_pem(void **state)
{
	(void)state;
	if (!load("cert.pem", "key.pem", "ca.pem", NULL, NULL))
		fail_msg("%s", err);
	assert_true(cred.certificate.len > 100 && cred.key.len > 30);
	assert_int_equal(cred.n_ca, 1);
	assert_int_equal(cred.days_left, 20);
	credential_wipe(&cred);
	assert_int_equal(cred.n_ca, 0);
}

static void
test_pkcs12(void **state)
{
	(void)state;
	if (!load(NULL, NULL, NULL, "all.p12", "pass-word"))
		fail_msg("%s", err);
	assert_true(cred.certificate.len > 100 && cred.key.len > 30);
	assert_int_equal(cred.n_ca, 1);
	credential_wipe(&cred);
}

static bool
load_with_crl(const char *crl)
{
	assert_true(load("cert.pem", "key.pem", "ca.pem", NULL, NULL));
	credential_wipe(&cred);
	path_of(cfg.crl, sizeof(cfg.crl), crl);
	return credential_load(&cfg, &cred, err, sizeof(err));
}

/* T26: a CRL that charon would not use, or that is nobody's, is an error, not silence. */
static void
test_crl(void **state)
{
	(void)state;
	assert_true(load_with_crl("good.crl"));
	assert_int_equal(cred.n_crl, 1);
	assert_false(cred.crl_expired);
	assert_true(cred.ca_subject[0].len > 4);
	assert_int_equal(strncmp(cred.ca_name[0], "adit-", 5), 0);
	credential_wipe(&cred);
	assert_true(load_with_crl("old.crl"));
	assert_true(cred.crl_expired);
	credential_wipe(&cred);
	assert_false(load_with_crl("nameless.crl"));
	assert_non_null(strstr(err, "without its CA's key identifier"));
	assert_false(load_with_crl("forged.crl"));
	assert_non_null(strstr(err, "no CA of ipsec.ca has issued"));
	assert_false(load_with_crl("ca.pem"));
	assert_non_null(strstr(err, "no CRL"));
	assert_false(load_with_crl("none.crl"));
	assert_non_null(strstr(err, "can't be read"));
}

static void
test_none(void **state)
{
	(void)state;
	assert_true(load(NULL, NULL, NULL, NULL, NULL));
	assert_int_equal(cred.certificate.len, 0);
}

static void
test_refused(void **state)
{
	(void)state;
	assert_false(load("cert.pem", "other.pem", "ca.pem", NULL, NULL));
	assert_non_null(strstr(err, "don't belong together"));
	assert_false(load("expired.pem", "key.pem", "ca.pem", NULL, NULL));
	assert_non_null(strstr(err, "has expired"));
	assert_false(load("cert.pem", "key.pem", NULL, NULL, NULL));
	assert_non_null(strstr(err, "no CA"));
	assert_false(load("cert.pem", "key.pem", "key.pem", NULL, NULL));
	assert_non_null(strstr(err, "no CA certificates"));
	assert_false(load("key.pem", "key.pem", "ca.pem", NULL, NULL));
	assert_non_null(strstr(err, "no certificate"));
	assert_false(load("cert.pem", "cert.pem", "ca.pem", NULL, NULL));
	assert_non_null(strstr(err, "no private key"));
	assert_false(load("none.pem", "key.pem", "ca.pem", NULL, NULL));
	assert_false(load(NULL, NULL, NULL, "all.p12", "another"));
	assert_non_null(strstr(err, "another password"));
	assert_false(load(NULL, NULL, NULL, "cert.pem", "pass-word"));
	assert_non_null(strstr(err, "not a PKCS#12"));
	assert_int_equal(cred.certificate.len + cred.key.len + cred.n_ca, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pem),
		cmocka_unit_test(test_pkcs12),
		cmocka_unit_test(test_crl),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_refused),
	};
	if (!mkdtemp(temp_name(directory, sizeof(directory), "cert")))
		return 1;
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
