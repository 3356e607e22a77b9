/* SPDX-License-Identifier: BSD-3-Clause */
/* R17: what IKE refuses after its messages were understood; the remedy is followed, and the client
 * has its SA.  tests/unit/control/test_remedies.c looks for the words "walked CODE" here. */
#include "plugin.h"

#include <errno.h>
#include <string.h>

#include "control/ike/internal.h"

static void
refused(enum refusal_code code, const char *remedy)
{
	if (got.refusals[code] != 1)
		fail_msg("%u times %s", got.refusals[code], refusal_name(code));
	if (strstr(refusal_remedy(code), remedy) == NULL)
		fail_msg("the remedy of %s does not say %s", refusal_name(code), remedy);
}

static void
gets_in(struct ike_outer outer, struct alg alg)
{
	uint32_t spi = establish(outer, alg);
	loop_for(&loop, 20);
	assert_int_equal(ike_peer_current(ike_peer_of(ike, spi)), spi);
}

/* walked ipsec-weak-crypto-off */
static void
weak_crypto_off(void **state)
{
	uint32_t spi;
	(void)state;
	start_plugin();
	assert_int_equal(get_spi(host_a, &spi), 0);
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, des_md5), -EACCES);
	refused(REFUSAL_IPSEC_WEAK_CRYPTO_OFF, "aditctl weak-crypto l2tp on");
	gets_in(host_b, aes_sha1);
	ike_weak_crypto(ike, true, FATE_KEEP);
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, des_md5), 0);
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, des_md5), 0);
}

/* walked ipsec-address-limit */
static void
address_limit(void **state)
{
	struct ike_outer o = host_a;
	uint32_t spi;
	(void)state;
	start_plugin();
	cfg.max_half_open_per_address = 1;
	assert_int_equal(get_spi(o, &spi), 0);
	assert_int_equal(get_spi(o, &spi), -EDQUOT);
	refused(REFUSAL_IPSEC_ADDRESS_LIMIT, "max_half_open_per_address");
	cfg.max_half_open_per_address = 3;
	gets_in(o, aes_sha1);
	got.refusals[REFUSAL_IPSEC_ADDRESS_LIMIT] = 0;
	cfg.max_peers_per_address = 1;
	o.peer_port++;
	assert_int_equal(get_spi(o, &spi), 0);
	assert_int_equal(add(IKE_ADD_IN, spi, o, aes_sha1), -EDQUOT);
	refused(REFUSAL_IPSEC_ADDRESS_LIMIT, "ipsec.max_peers_per_address");
	of_pair(IKE_DELETE_IN, spi);
	cfg.max_peers_per_address = 2;
	gets_in(o, aes_sha1);
}

/* A data plane with room for so many pairs, and everything else at rest. */
static void
with_room(unsigned int max_sas)
{
	teardown(NULL);
	setup_with(max_sas);
	start_plugin();
	cfg.max_half_open_per_address = cfg.max_peers_per_address = 1000;
}

/* Clients of as many addresses, none of which has a user who has logged in. */
static int
strangers(unsigned int n)
{
	struct ike_outer o = native;
	uint32_t spi;
	int rc = 0;
	for (unsigned int i = 0; i < n && rc == 0; i++, o.peer_ip++)
		rc = get_spi(o, &spi);
	return rc;
}

/* walked ipsec-share */
static void
share(void **state)
{
	unsigned int n = 1;
	(void)state;
	start_plugin();
	with_room(16);
	while (strangers(n) == 0) {
		with_room(16);
		n++;
	}
	refused(REFUSAL_IPSEC_SHARE, "ipsec.max_sas of the data plane");
	with_room(256);
	assert_int_equal(strangers(n), 0);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_SHARE], 0);
}

/* One client with a user, and all room that it may have. */
static int
pairs(unsigned int n)
{
	uint32_t spi = establish(native, aes_sha1);
	int rc = 0;
	ike_peer_users(ike, ike_peer_of(ike, spi), 1);
	for (unsigned int i = 1; i < n && rc == 0; i++)
		rc = get_spi(native, &spi);
	return rc;
}

/* walked ipsec-full */
static void
full(void **state)
{
	(void)state;
	start_plugin();
	with_room(4);
	assert_int_equal(pairs(5), -ENOSPC);
	refused(REFUSAL_IPSEC_FULL, "ipsec.max_sas of the data plane");
	with_room(256);
	assert_int_equal(pairs(5), 0);
}

/* walked ipsec-install: the data plane refuses a pair; the log says why. */
static void
install(void **state)
{
	struct ike_message m = {.type = IKE_ALERT, .alert = {host_a.peer_ip, IKE_ALERT_INSTALL}};
	(void)state;
	start_plugin();
	say(&m);
	hear();
	refused(REFUSAL_IPSEC_INSTALL, "the log of adit-control");
	gets_in(host_a, aes_sha1);
}

/* walked ike-malformed: a scanner, and a client beside it.
 * walked ike-peer-dead: it comes back. */
static void
said_by_charon(void **state)
{
	struct ike_message m = {.type = IKE_ALERT, .alert = {host_a.peer_ip, IKE_ALERT_MALFORMED}};
	(void)state;
	start_plugin();
	say(&m);
	hear();
	refused(REFUSAL_IKE_MALFORMED, "update the client");
	gets_in(host_a, aes_sha1);
	m.alert.code = IKE_ALERT_UNANSWERED;
	say(&m);
	hear();
	refused(REFUSAL_IKE_PEER_DEAD, "check the client's network");
	gets_in(native, aes_sha1);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {TEST(weak_crypto_off), TEST(address_limit), TEST(share),
		TEST(full), TEST(install), TEST(said_by_charon)};
	return STAGE_RUN(tests);
}
