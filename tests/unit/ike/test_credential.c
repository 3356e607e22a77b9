/* SPDX-License-Identifier: BSD-3-Clause */
/* R18: certificates from PEM files and from PKCS#12; what does not fit is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
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

static int
make_files(void **state)
{
	(void)state;
	EVP_PKEY *ca_key = new_key(), *key = new_key();
	X509 *ca = new_certificate(ca_key, "CA", 86400 * 100),
	     *x = new_certificate(key, "gateway", 86400 * 20 + 60),
	     *expired = new_certificate(key, "old", -10);
	write_pem("ca.pem", ca, NULL);
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
	static const char *const names[] = {
		"ca.pem", "cert.pem", "key.pem", "other.pem", "expired.pem", "all.p12"};
	char path[128];
	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
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
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_refused),
	};
	if (!mkdtemp(temp_name(directory, sizeof(directory), "cert")))
		return 1;
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
