/* SPDX-License-Identifier: BSD-3-Clause */
/* R27: what a configuration names is looked at before it is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/settings/check.h"
#include "control/settings/secret.h"
#include "tests/unit/temp.h"

#define ROOT "control: { user = \"nobody\"; };\n"
#define POOL "pool: { first = \"10.0.0.1\"; last = \"10.0.1.9\"; };\n"
#define PPTP "pptp: { enabled = true; };\n"
#define KEY  "psk = \"qX7-vT2m_Kd9:Zp4wRb6\";"

static char path[64], other[72], found[8192];

static void
each(void *user, enum check_weight weight, const char *text)
{
	static const char *const names[] = {"fatal", "certificate", "error", "warning"};
	size_t at = strlen(found);
	(void)user;
	assert_memory_equal(text, path, strlen(path));
	snprintf(found + at, sizeof(found) - at, "%s%s\n", names[weight], text + strlen(path));
}

static void
write_file(const char *to, const char *text)
{
	FILE *f = fopen(to, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
check_with(const char *text, const char *dataplane)
{
	static char err[8192];
	err[0] = found[0] = '\0';
	write_file(path, text);
	assert_int_equal(chmod(path, 0600), 0);
	struct config *c = config_load(path, err, sizeof(err));
	if (!c)
		fail_msg("%s", err);
	if (dataplane)
		write_file(other, dataplane);
	config_check(c, path, dataplane ? other : NULL, each, NULL);
	config_free(c);
}

static void
finds(const char *text, const char *want)
{
	check_with(text, NULL);
	if (strstr(found, want) == NULL || (*want == '\0' && *found != '\0'))
		fail_msg("%s\nhas \"%s\", not \"%s\"", text, found, want);
}

static void
nothing_to_say(void **state)
{
	(void)state;
	finds(ROOT POOL PPTP "ipsec: { enabled = true; " KEY " };\n"
			     "users: ( { name = \"alice\"; password = \"Wonder-Land7\"; dial_in = "
			     "\"allow\"; } );\n",
		"");
}

static void
names(void **state)
{
	(void)state;
	finds("control: {\n user = \"no-such-user\"; };\n" POOL PPTP,
		":2: control.user: there is no user \"no-such-user\"");
	finds("control: { user = \"root\"; };\n" POOL PPTP, ":1: control.user: is root");
	finds("control: { user = \"nobody\";\nsocket_group = \"no-such\"; };\n" POOL PPTP,
		"fatal:2: control.socket_group: there is no group \"no-such\"");
	finds("control: { user = \"nobody\";\noperate_group = \"no-such\"; };\n" POOL PPTP,
		"fatal:2: control.operate_group: there is no group \"no-such\"");
	finds(ROOT POOL PPTP "ipsec: { enabled = true; charon_user = \"no-such\"; " KEY " };\n",
		"error:4: ipsec.charon_user: there is no user \"no-such\"");
	finds(ROOT POOL PPTP "ipsec: { enabled = true; certificate = \"/nonexistent\"; key = "
			     "\"/nonexistent\"; };\n",
		"certificate:4: ipsec.certificate: /nonexistent: ");
}

/* A certificate with its key in one file: valid from then on for a day, with these names. */
static void
write_certificate(const char *to, long from, const char *alt)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	X509_set_version(x, 2);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)"vpn", -1, -1, 0);
	X509_set_issuer_name(x, n);
	X509_gmtime_adj(X509_getm_notBefore(x), from);
	X509_gmtime_adj(X509_getm_notAfter(x), from + 40 * 86400);
	X509_set_pubkey(x, key);
	if (alt) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
		assert_non_null(e);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	FILE *f = fopen(to, "w");
	assert_non_null(f);
	PEM_write_X509(f, x);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	assert_int_equal(chmod(to, 0600), 0);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void
certificates(void **state)
{
	(void)state;
	static const struct {
		long from;
		const char *alt, *want;
	} cases[] = {{-3600, "DNS:vpn.example.org,IP:192.0.2.10", ""},
		{-3600, NULL, "has no DNS name and no address in subjectAltName"},
		{-3600, "email:a@example.org", "has no DNS name and no address in subjectAltName"},
		{-3600, "DNS:vpn.example.org",
			"ipsec.certificate: 192.0.2.10 (ipsec.listen) is not in the certificate's"},
		{3600, "IP:192.0.2.10",
			"error:4: ipsec.certificate: the certificate is not valid yet"},
		{-50 * 86400, "IP:192.0.2.10", "certificate:4: ipsec.certificate: "}};
	char pem[96], text[640];
	snprintf(pem, sizeof(pem), "%s.pem", path);
	snprintf(text, sizeof(text),
		ROOT POOL PPTP "ipsec: { enabled = true; listen = [ \"192.0.2.10\" ]; "
			       "certificate = \"%s\"; key = \"%s\"; ca = \"%s\"; };\n",
		pem, pem, pem);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_certificate(pem, cases[i].from, cases[i].alt);
		finds(text, cases[i].want);
	}
	/* Expired stops what needs it, and says so. */
	assert_non_null(strstr(found, "the certificate has expired"));
	unlink(pem);
}

/* A fault in one place hides nothing in another. */
static void
beside_faults(void **state)
{
	static char err[8192];
	(void)state;
	found[0] = '\0';
	write_file(path, ROOT POOL "pptp: { enabled = true; max_session = 5; };\n"
				   "users: ( { name = \"alice\"; password = \"alice1\"; dial_in = "
				   "\"allow\"; } );\n");
	struct config *c = config_load_all(path, err, sizeof(err));
	assert_non_null(c);
	assert_non_null(strstr(err, "did you mean \"max_sessions\"?"));
	config_check(c, path, NULL, each, NULL);
	assert_non_null(strstr(found, "is on every guesser's list"));
	config_free(c);
	write_file(path, "pptp: {");
	assert_null(config_load_all(path, err, sizeof(err)));
	assert_non_null(strstr(err, "syntax error"));
}

static void
secrets(void **state)
{
	(void)state;
	finds(ROOT POOL PPTP "users: ( { name = \"alice\"; password = \"change-me\"; dial_in = "
			     "\"allow\"; } );\n",
		"fatal:4: users: the password of \"alice\" stands in published examples");
	finds(ROOT POOL PPTP "users: ( { name = \"alice\"; password = \"Alice1\"; dial_in = "
			     "\"allow\"; } );\n",
		"error:4: users: the password of \"alice\" is on every guesser's list");
	finds(ROOT POOL PPTP "users: ( { name = \"alice\"; password = \"a\\tbcdefg\"; } );\n",
		"error:4: users: the password of \"alice\" holds control characters");
	assert_null(strstr(found, "bcdefg"));
	finds(ROOT POOL PPTP "ipsec: { enabled = true; psk = \"CHANGE-me: 24 random ones\"; };\n",
		"fatal:4: psk: stands in published examples");
	finds(ROOT POOL PPTP
		"ipsec: { enabled = true; psk = \"Sunshine Mountain Garden Window\"; };\n",
		"error:4: psk: made of words");
	/* Who may not dial in, and IPsec that is off, are nobody's way in. */
	finds(ROOT POOL PPTP "users: ( { name = \"alice\"; password = \"alice1\"; } );\n", "");
	check_with(ROOT POOL PPTP "ipsec: { psk = \"CHANGE-me: 24 random ones\"; };\n", NULL);
	assert_null(strstr(found, "fatal"));
	/* Readable by everybody. */
	check_with(ROOT POOL PPTP, NULL);
	static char err[256];
	struct config *c = config_load(path, err, sizeof(err));
	chmod(path, 0644);
	config_check(c, path, NULL, each, NULL);
	assert_non_null(strstr(found, "everybody may read it"));
	config_free(c);
}

static void
bits_of_secrets(void **state)
{
	(void)state;
	assert_true(secret_bits("correct horse battery staple") < 80);
	assert_true(secret_bits("correcthorsebatterystaple") < 80);
	assert_true(secret_bits("aaaaaaaaaaaaaaaaaaaaaaaaaaaaa") < 80);
	assert_true(secret_bits("kqzvxwpfjhtrmnbdgcls") >= 80);
	assert_true(secret_bits("qX7-vT2m_Kd9:Zp4wRb6") >= 80);
}

static void
fits_together(void **state)
{
	(void)state;
	finds(ROOT POOL, "error:1: no protocol is on");
	finds(ROOT "pool: { first = \"10.0.0.1\"; last = \"10.0.0.9\"; };\n" PPTP,
		"warning:2: pool: 8 addresses for clients, but 128 ports");
	finds(ROOT POOL PPTP "dns = [ \"192.0.2.1\", \"192.0.2.1\" ];\n",
		"warning:4: dns: 192.0.2.1 stands here twice");
	finds(ROOT POOL PPTP "dns = [ \"10.0.0.1\" ];\n", "warning:4: dns: that is the gateway's");
	finds(ROOT POOL "l2tp: { enabled = true; };\n", "error:3: l2tp.require_ipsec is on");
	check_with(ROOT POOL PPTP,
		"control: { user = \"other\"; socket = \"/run/x\"; }; sessions: { max = 4; };");
	assert_non_null(strstr(found, "error:1: control.user: \"nobody\", but \"other\" in "));
	assert_non_null(strstr(found, "control.dataplane: \"/run/adit/dataplane.sock\", but "));
	assert_non_null(strstr(found, "128 ports, but sessions.max = 4"));
	/* An address that no port has gets nothing. */
	check_with(ROOT POOL "pptp: { enabled = true;\nlisten = [ \"192.0.2.10\", \"192.0.2.1\" ]; "
			     "};\n",
		"ports: ( { addresses = [ \"192.0.2.10/24\" ]; } );");
	assert_non_null(strstr(found, "error:4: pptp.listen: no port in "));
	assert_non_null(strstr(found, " has the address 192.0.2.1\n"));
	assert_null(strstr(found, " has the address 192.0.2.10\n"));
	/* Two files that say nothing agree, but for what both need. */
	check_with(POOL PPTP, "");
	assert_null(strstr(found, "but \""));
	unlink(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_say),
		cmocka_unit_test(names),
		cmocka_unit_test(certificates),
		cmocka_unit_test(beside_faults),
		cmocka_unit_test(secrets),
		cmocka_unit_test(bits_of_secrets),
		cmocka_unit_test(fits_together),
	};
	int fd = mkstemp(temp_name(path, sizeof(path), "check"));
	if (fd < 0)
		return 1;
	close(fd);
	snprintf(other, sizeof(other), "%s-", path);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}
