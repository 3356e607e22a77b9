/* SPDX-License-Identifier: BSD-3-Clause */
/* T26: what is not configured is not in charon: a round of requests against a model of one that has
 * outlived other configurations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/ike/connection.h"
#include "control/ike/round.h"
#include "tests/unit/ike/charon_model.h"

static struct ike_config cfg;
static struct credential cred;
static struct round r;

static void
psk(unsigned int i, uint32_t ip, const char *secret)
{
	cfg.psk[i].peer_ip = ip;
	strcpy(cfg.psk[i].secret, secret);
	if (cfg.n_psk <= i)
		cfg.n_psk = i + 1;
}

static void
take_configuration(void)
{
	char err[128];
	credential_wipe(&cred);
	assert_true(credential_load(&cfg, &cred, err, sizeof(err)));
}

/* Certificates without files: nobody here looks into them. */
static void
certificates(unsigned int n_ca)
{
	static uint8_t bytes[8] = "\x30\x06nnnnnn";
	cred.certificate = cred.key = (struct blob){bytes, sizeof(bytes)};
	cred.n_ca = n_ca;
	for (unsigned int i = 0; i < n_ca; i++) {
		cred.ca[i] = cred.ca_subject[i] = (struct blob){bytes, sizeof(bytes)};
		snprintf(cred.ca_name[i], sizeof(cred.ca_name[i]), "adit-ca-%u", i);
	}
}

static int
setup(void **state)
{
	(void)state;
	memset(&cred, 0, sizeof(cred));
	model_reset();
	cfg = (struct ike_config){.min_strength = SUITE_STRONG, .dpd_s = 30, .sa_lifetime_s = 3600};
	psk(0, 0, "first-Secret-0123456789");
	take_configuration();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	round_end(&r);
	memset(&cred, 0, sizeof(cred)); /* its octets are not its own */
	return 0;
}

static void
go(void)
{
	round_begin(&r, ROUND_ALL, &cfg, &cred, false);
	model_run(&r);
	assert_int_equal(r.failures, 0);
}

/* The same configuration again: nothing ends, nothing goes. */
static void
test_nothing_changes(void **state)
{
	(void)state;
	go();
	assert_int_equal(model.n[MODEL_PSKS], 1);
	model_sa(CONNECTION_PSK, 1, "198.51.100.1");
	go();
	assert_int_equal(model.n[MODEL_PSKS], 1);
	assert_int_equal(model.n[MODEL_CONNECTIONS], 1);
	assert_int_equal(model.unloads + model.ends, 0);
}

/* The key was taken out of the configuration while control was down. */
static void
test_psk_gone(void **state)
{
	char first[CREDENTIAL_NAME_MAX];
	(void)state;
	strcpy(first, cred.psk_name[0]);
	go();
	model_sa(CONNECTION_PSK, 1, "198.51.100.1");
	psk(0, 0xcb007109, "other-Secret-0123456789");
	take_configuration();
	go();
	assert_false(model_has(MODEL_PSKS, first));
	assert_true(model_has(MODEL_PSKS, cred.psk_name[0]));
	/* Everybody's is gone, and there was no other. */
	assert_true(model_ended(CONNECTION_PSK, 1));
}

/* The same place, another secret: there is no moment with neither, and who had the old one goes. */
static void
test_psk_changes(void **state)
{
	(void)state;
	go();
	model_sa(CONNECTION_PSK, 1, "198.51.100.1");
	psk(0, 0, "other-Secret-0123456789");
	take_configuration();
	go();
	assert_int_equal(model.n[MODEL_PSKS], 1);
	assert_true(model_has(MODEL_PSKS, cred.psk_name[0]));
	assert_int_equal(model.least[MODEL_PSKS], 1);
	assert_true(model_ended(CONNECTION_PSK, 1));
}

/* charon is lost when the old key is unloaded and nobody has been ended yet. */
static void
test_cut_short(void **state)
{
	(void)state;
	go();
	model_sa(CONNECTION_PSK, 1, "198.51.100.1");
	psk(0, 0, "other-Secret-0123456789");
	take_configuration();
	round_begin(&r, ROUND_ALL, &cfg, &cred, false);
	while (model.unloads == 0)
		assert_true(model_step(&r));
	assert_false(model_ended(CONNECTION_PSK, 1));
	go();
	assert_true(model_ended(CONNECTION_PSK, 1));
	/* That is over then. */
	model_sa(CONNECTION_PSK, 2, "198.51.100.1");
	go();
	assert_false(model_ended(CONNECTION_PSK, 2));
}

/* One peer's key goes: the neighbours stay, also with many IKE SAs. */
static void
test_peers_psk_gone(void **state)
{
	(void)state;
	psk(1, 0xc6336401, "alices-Secret-0123456789");
	psk(2, 0xc6336402, "bobs-Secret-01234567890");
	take_configuration();
	go();
	model_sa(CONNECTION_PSK, 1, "198.51.100.1");
	model_sa(CONNECTION_PSK, 2, "198.51.100.2");
	model_sa(CONNECTION_CERTIFICATE, 3, "198.51.100.1");
	for (unsigned int i = 10; i < 110; i++)
		model_sa(CONNECTION_PSK, i, "203.0.113.7");
	cfg.psk[1] = cfg.psk[2];
	cfg.n_psk = 2;
	take_configuration();
	go();
	assert_int_equal(model.n[MODEL_PSKS], 2);
	assert_true(model_ended(CONNECTION_PSK, 1));
	assert_int_equal(model.ends, 1);
	/* Everybody's goes: not bob's. */
	cfg.psk[0] = cfg.psk[1];
	cfg.n_psk = 1;
	take_configuration();
	go();
	assert_false(model_ended(CONNECTION_PSK, 2));
	assert_false(model_ended(CONNECTION_CERTIFICATE, 3));
	assert_true(model_ended(CONNECTION_PSK, 10) && model_ended(CONNECTION_PSK, 109));
}

static void
test_kept(void **state)
{
	(void)state;
	go();
	model_sa(CONNECTION_PSK, 1, "198.51.100.1");
	cfg.revoked_keep = true;
	psk(0, 0, "other-Secret-0123456789");
	take_configuration();
	go();
	assert_int_equal(model.n[MODEL_PSKS], 1);
	assert_int_equal(model.ends, 0);
}

/* A CA goes, then the gateway's key is another, then there are no certificates at all. */
static void
test_certificates_gone(void **state)
{
	(void)state;
	certificates(2);
	go();
	assert_int_equal(model.n[MODEL_AUTHORITIES], 2);
	assert_int_equal(model.n[MODEL_CONNECTIONS], 2);
	model_sa(CONNECTION_PSK, 1, "198.51.100.1");
	model_sa(CONNECTION_CERTIFICATE, 2, "198.51.100.2");
	certificates(1);
	go();
	assert_int_equal(model.n[MODEL_AUTHORITIES], 1);
	assert_true(model_ended(CONNECTION_CERTIFICATE, 2));
	assert_false(model_ended(CONNECTION_PSK, 1));
	strcpy(model.key_id, "0123abcd");
	go();
	assert_int_equal(model.n[MODEL_KEYS], 1);
	assert_true(model_has(MODEL_KEYS, "0123abcd"));
	certificates(0);
	cred.certificate.len = cred.key.len = 0;
	go();
	assert_int_equal(model.n[MODEL_AUTHORITIES] + model.n[MODEL_KEYS], 0);
	assert_int_equal(model.n[MODEL_CONNECTIONS], 1);
	assert_false(model_ended(CONNECTION_PSK, 1));
}

/* A connection that nobody wants, and what another program has put there. */
static void
test_strangers(void **state)
{
	(void)state;
	model_add(MODEL_CONNECTIONS, "home");
	model_add(MODEL_PSKS, "ike-mine");
	model_add(MODEL_PSKS, "adit-00000000");
	model_sa("home", 1, "198.51.100.1");
	go();
	assert_int_equal(model.n[MODEL_CONNECTIONS], 1);
	assert_int_equal(model.n[MODEL_PSKS], 1);
	assert_true(model_ended("home", 1));
}

static void
test_bad_answers(void **state)
{
	struct vici v;
	struct vici_answer a;
	(void)state;
	round_begin(&r, ROUND_ALL, &cfg, &cred, false);
	/* The list of connections is cut short: nothing is taken away by it. */
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(round_next(&r, &v));
		vici_free(&v);
		assert_true(vici_parse((const uint8_t *)"\1", 1, &a));
		assert_null(round_answer(&r, (const uint8_t *)"\1", 1, &a));
	}
	assert_true(round_next(&r, &v));
	vici_free(&v);
	assert_non_null(round_answer(&r, (const uint8_t *)"\1\4\5conns\5\0\1", 11, &a));
	assert_int_equal(r.failures, 1);
	/* An event out of place. */
	round_event(&r, (const uint8_t *)"\7\1x\1", 4);
	model_run(&r);
}

/* The weak switch: proposals only. */
static void
test_connections_only(void **state)
{
	(void)state;
	go();
	model.requests = 0;
	round_begin(&r, ROUND_CONNECTIONS, &cfg, &cred, true);
	model_run(&r);
	assert_int_equal(model.requests, 1);
}

/* The name of a key says that it is another one, and not what it is. */
static void
test_names(void **state)
{
	char first[CREDENTIAL_NAME_MAX];
	uint32_t ip = 1;
	(void)state;
	strcpy(first, cred.psk_name[0]);
	assert_null(strstr(first, "Secret"));
	assert_true(credential_psk_peer(first, &ip));
	assert_int_equal(ip, 0);
	psk(0, 0, "first-Secret-012345678A");
	take_configuration();
	assert_string_not_equal(first, cred.psk_name[0]);
	psk(0, 0xc6336401, "first-Secret-0123456789");
	take_configuration();
	assert_true(credential_psk_peer(cred.psk_name[0], &ip));
	assert_int_equal(ip, 0xc6336401);
	assert_string_not_equal(first + 13, cred.psk_name[0] + 13);
	assert_false(credential_psk_peer("adit-00000000", &ip));
	assert_false(credential_psk_peer("home", &ip));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_nothing_changes),
		T(test_psk_gone),
		T(test_psk_changes),
		T(test_cut_short),
		T(test_peers_psk_gone),
		T(test_kept),
		T(test_certificates_gone),
		T(test_strangers),
		T(test_bad_answers),
		T(test_connections_only),
		T(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
