/* SPDX-License-Identifier: BSD-3-Clause */
/* VICI messages, and the requests that configure charon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "control/ike/connection.h"
#include "control/ike/vici.h"

/* The example of the protocol's own description, as a request. */
static void
test_writing(void **state)
{
	(void)state;
	struct vici v;
	vici_begin(&v, "test");
	vici_put(&v, "key1", "value1");
	vici_section(&v, "section1");
	vici_section(&v, "sub-section");
	vici_put(&v, "key2", "value2");
	vici_section_end(&v);
	vici_list(&v, "list1");
	vici_item(&v, "item1");
	vici_item(&v, "item2");
	vici_list_end(&v);
	vici_section_end(&v);
	assert_true(vici_end(&v));
	static const char expected[] = "\0\0\0\x54"
				       "\0\4test"
				       "\3\4key1\0\6value1"
				       "\1\10section1"
				       "\1\13sub-section"
				       "\3\4key2\0\6value2"
				       "\2"
				       "\4\5list1"
				       "\5\0\5item1"
				       "\5\0\5item2"
				       "\6"
				       "\2";
	assert_int_equal(v.len, sizeof(expected) - 1);
	assert_int_equal(v.bytes[3], v.len - 4);
	assert_memory_equal(v.bytes + 4, expected + 4, v.len - 4);
	vici_free(&v);
}

static void
test_too_long(void **state)
{
	(void)state;
	struct vici v;
	char name[300];
	memset(name, 'n', sizeof(name));
	name[299] = '\0';
	vici_begin(&v, "test");
	vici_put(&v, name, "");
	assert_false(vici_end(&v));
	vici_free(&v);
	vici_begin(&v, "test");
	vici_put_bytes(&v, "k", name, 65536);
	assert_false(vici_end(&v));
	vici_free(&v);
}

static bool
parse(const char *bytes, size_t len, struct vici_answer *a)
{
	uint8_t *copy = malloc(len ? len : 1);
	memcpy(copy, bytes, len);
	bool good = vici_parse(copy, len, a);
	free(copy);
	return good;
}

#define PARSE(text, a) parse(text, sizeof(text) - 1, a)

static void
test_reading(void **state)
{
	(void)state;
	struct vici_answer a;
	assert_true(PARSE("\1\3\7success\0\2no\3\6errmsg\0\3bad", &a));
	assert_false(a.success);
	assert_string_equal(a.errmsg, "bad");
	assert_true(PARSE("\1\3\7success\0\3yes", &a));
	assert_true(a.success);
	assert_true(PARSE("\2", &a));
	assert_int_equal(a.type, VICI_UNKNOWN_COMMAND);
	/* Words deeper down are not ours. */
	assert_true(PARSE("\1\1\1s\3\7success\0\2no\2\4\1l\5\0\1i\6", &a));
	assert_true(a.success);
	static const char *const bad[] = {"", "\0", "\7", "\1\3", "\1\3\7succ", "\1\3\1k\0\5abc",
		"\1\1\1s", "\1\2", "\1\4\1l", "\1\5\0\1i", "\1\6", "\1\4\1l\3\1k\0\0\6", "\1\11"};
	static const size_t lens[] = {0, 1, 1, 2, 7, 8, 4, 2, 4, 5, 2, 9, 2};
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i], lens[i], &a))
			fail_msg("%u passes", i);
	/* Deep nesting is bounded. */
	char deep[128] = "\1";
	for (unsigned int i = 0; i < 40; i++)
		memcpy(deep + 1 + 3 * i, "\1\1s", 3);
	assert_false(parse(deep, 121, &a));
	/* A long message is cut, not overrun. */
	char longer[1024] = "\1\3\6errmsg\2\0";
	memset(longer + 11, 'x', 512);
	assert_true(parse(longer, 11 + 512, &a));
	assert_int_equal(strlen(a.errmsg), sizeof(a.errmsg) - 1);
}

static bool
holds(const struct vici *v, const char *text)
{
	return memmem(v->bytes, v->len, text, strlen(text)) != NULL;
}

static struct ike_config
config(void)
{
	struct ike_config c = {.enabled = true,
		.n_psk = 2,
		.min_strength = SUITE_LEGACY,
		.ike_lifetime_s = 86400,
		.sa_lifetime_s = 3600,
		.sa_lifetime_bytes = 1 << 30,
		.dpd_s = 30,
		.replay_window = 1024,
		.n_sha256_96 = 1,
		.sha256_96 = {0xc0000207}};
	strcpy(c.directory, "/run/adit/charon");
	strcpy(c.psk[0].secret, "first-Secret-0123456789");
	strcpy(c.psk[1].secret, "other-Secret-0123456789");
	c.psk[1].peer_ip = 0xc0000205;
	return c;
}

static void
test_requests(void **state)
{
	(void)state;
	struct ike_config c = config();
	struct credential none = {0};
	struct vici v;
	char what[64];
	unsigned int i = 0;
	for (; connection_request(&c, &none, false, i, &v, what); i++) {
		assert_true(vici_end(&v));
		bool secret = holds(&v, "Secret");
		assert_int_equal(secret, i < 2);
		assert_null(strstr(what, "Secret"));
		if (i == 0)
			assert_false(holds(&v, "owners"));
		if (i == 1)
			assert_true(holds(&v, "owners") && holds(&v, "192.0.2.5"));
		if (i >= 2) {
			assert_true(holds(&v, "\3\12aggressive\0\2no") ||
				    memmem(v.bytes, v.len, "\3\12aggressive\0\2no", 16));
			assert_true(holds(&v, "never") && holds(&v, "transport"));
			assert_true(holds(&v, "rekey_bytes") && holds(&v, "life_bytes"));
			assert_false(holds(&v, "des-md5"));
		}
		/* The truncation is this one peer's. */
		if (i == 2)
			assert_true(memmem(v.bytes, v.len, "sha256_96\0\3yes", 14) != NULL &&
				    holds(&v, "192.0.2.7"));
		if (i == 3)
			assert_true(memmem(v.bytes, v.len, "sha256_96\0\2no", 13) != NULL);
		vici_free(&v);
	}
	assert_int_equal(i, 4);
	assert_int_equal(connection_first(&c, &none), 2);
	assert_true(connection_request(&c, &none, true, 3, &v, what));
	assert_true(holds(&v, "des-md5"));
	vici_free(&v);
}

/* R18: the gateway's identity is the certificate's subject, or what ipsec.identity says: never an
 * address that the certificate may not hold. */
static void
test_identity(void **state)
{
	(void)state;
	struct ike_config c = config();
	struct credential cred = {0};
	struct vici v;
	char what[64];
	c.n_psk = c.n_sha256_96 = 0;
	cred.certificate.bytes = (uint8_t *)"certificate";
	cred.certificate.len = 11;
	unsigned int i = connection_first(&c, &cred);
	assert_true(connection_request(&c, &cred, false, i, &v, what));
	assert_true(memmem(v.bytes, v.len, "\4\5certs\5\0\13certificate\6", 22) != NULL);
	assert_null(memmem(v.bytes, v.len, "\2id\0\7vpn.lab", 12));
	vici_free(&v);
	strcpy(c.identity, "vpn.lab");
	assert_true(connection_request(&c, &cred, false, i, &v, what));
	assert_non_null(memmem(v.bytes, v.len, "\2id\0\7vpn.lab", 12));
	vici_free(&v);
}

static void
test_conf(void **state)
{
	(void)state;
	struct ike_config c = config();
	c.max_half_open_per_address = 64;
	c.max_half_open = 4000;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	assert_true(connection_write_conf(&c, "adit", f));
	fclose(f);
	assert_non_null(strstr(text, "kernel-adit! kernel-netlink"));
	assert_non_null(strstr(text, "group = adit\n"));
	assert_non_null(strstr(text, "unix:///run/adit/charon/vici.sock"));
	assert_null(strstr(text, "Secret"));
	/* T12, T13 */
	assert_non_null(strstr(text, "use_aggressive_mode_psk = no\n"));
	assert_non_null(strstr(text, "dos_protection = yes\n"));
	assert_non_null(strstr(text, "half_open_timeout = 15\n"));
	assert_non_null(strstr(text, "init_limit_job_load = 1000\n"));
	assert_non_null(strstr(text, "  block_threshold = 64\n"));
	assert_non_null(strstr(text, "  cookie_threshold = 1000\n"));
	assert_non_null(strstr(text, "  init_limit_half_open = 4000\n"));
	/* T26: what CAs have revoked counts, also without asking anybody. */
	assert_non_null(strstr(text, "x509 revocation constraints socket-default"));
	assert_non_null(strstr(text, "enable_crl = yes\n"));
	assert_non_null(strstr(text, "enable_ocsp = no\n"));
	free(text);
}

static unsigned int
exchanges_kept(uint32_t dpd_s, bool ocsp)
{
	struct ike_config c = config();
	char *text = NULL, *at;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	c.dpd_s = dpd_s;
	c.ocsp = ocsp;
	assert_true(connection_write_conf(&c, "", f));
	fclose(f);
	assert_int_equal(ocsp, strstr(text, "constraints curl socket-default") != NULL);
	assert_int_equal(ocsp, strstr(text, "enable_ocsp = yes\n") != NULL);
	at = strstr(text, "max_ikev1_exchanges = ");
	assert_non_null(at);
	unsigned int n = (unsigned int)strtoul(at + 22, NULL, 10);
	free(text);
	return n;
}

/* F12: dead peer detection in a Quick Mode of 45 s makes 16 exchanges with dpd 10; charon is not to
 * forget the Quick Mode, nor to remember without end. */
static void
test_exchanges(void **state)
{
	(void)state;
	assert_true(exchanges_kept(10, false) >= 2 + 4 * 17);
	assert_true(exchanges_kept(30, true) >= 2 + 4 * 6);
	assert_true(exchanges_kept(5, false) >= 2 + 4 * 33);
	assert_true(exchanges_kept(5, false) <= 160 && exchanges_kept(1, false) <= 160);
	assert_true(exchanges_kept(3600, false) >= 16);
}

/* T26: a client's certificate comes from a CA that is configured, and what is revoked counts as the
 * operator says. */
static void
test_constraints(void **state)
{
	static const char *const words[] = {"relaxed", "ifuri", "strict"};
	(void)state;
	struct ike_config c = config();
	struct credential cred = {.n_ca = 2, .n_crl = 1};
	uint8_t dn[300] = {0x30, 0x0e, 0xab};
	char what[64];
	struct vici v;
	c.n_psk = c.n_sha256_96 = 0;
	cred.certificate = cred.key = cred.ca[0] = cred.ca[1] = cred.crl[0] =
		(struct blob){(uint8_t *)"certificate", 11};
	cred.ca_subject[0] = cred.ca_subject[1] = (struct blob){dn, 16};
	strcpy(cred.ca_name[1], "adit-second");
	assert_int_equal(connection_first(&c, &cred), 5);
	assert_true(connection_request(&c, &cred, false, 1, &v, what));
	assert_true(holds(&v, "load-authority") && holds(&v, "adit-second"));
	vici_free(&v);
	assert_true(connection_request(&c, &cred, false, 2, &v, what));
	assert_true(holds(&v, "load-cert") && holds(&v, "X509_CRL"));
	vici_free(&v);
	/* charon would go on by the CRL that it has in its cache. */
	assert_true(connection_request(&c, &cred, false, 3, &v, what));
	assert_true(holds(&v, "flush-certs"));
	vici_free(&v);
	for (c.revocation = 0; c.revocation < 3; c.revocation++) {
		assert_true(connection_request(&c, &cred, false, 5, &v, what));
		assert_true(holds(&v, "revocation") && holds(&v, words[c.revocation]));
		assert_true(holds(&v, "ca_id") && holds(&v, "asn1dn:#300eab00"));
		vici_free(&v);
	}
	/* Too long for charon's parser: none rather than some. */
	c.revocation = 0;
	cred.ca_subject[1] = (struct blob){dn, sizeof(dn)};
	assert_true(connection_request(&c, &cred, false, 5, &v, what));
	assert_false(holds(&v, "ca_id"));
	vici_free(&v);
	assert_false(connection_wanted(&c, &cred, "l2tp-psk"));
	assert_true(connection_wanted(&c, &cred, "l2tp-certificate"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writing),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_conf),
		cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_constraints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
