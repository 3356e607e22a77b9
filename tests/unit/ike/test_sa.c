/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs and peers between a plugin and the fake data plane. */
#include "plugin.h"

#include <errno.h>
#include <string.h>

#include "control/ike/internal.h"
#include "dataplane/api/command.h"
#include "dataplane/api/event.h"

static void
test_life(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi;
	assert_int_equal(get_spi(host_a, &spi), 0);
	assert_int_not_equal(spi, 0);
	assert_int_equal(fake.last[COMMAND_SA_RESERVE].handle, spi); /* T24 */
	assert_int_equal(fake.last[COMMAND_SA_RESERVE].sa_reserve.peer_ip, host_a.peer_ip);
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, aes_sha1), -ENOENT); /* before inbound */
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, aes_sha1), 0);
	assert_int_equal(got.currents, 0);
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, aes_sha1), -EEXIST);
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, gcm), -EINVAL); /* not the same */
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, aes_sha1), 0);
	assert_int_equal(got.current, spi);
	const struct command_sa_add *c = &fake.last[COMMAND_SA_ADD].sa_add;
	assert_int_equal(c->outer.peer_port, 40001);
	assert_int_equal(c->replay_window, 1024);
	assert_string_equal(suite_at(c->keys.encryption)->name, "aes128-cbc");
	assert_string_equal(suite_at(c->keys.integrity)->name, "hmac-sha1-96");
	assert_int_equal(c->keys.encryption_key[15], 0xe0);
	assert_true(c->lifetime.soft_packets && c->lifetime.hard_packets < UINT32_MAX); /* T14 */
	struct ike_peer *p = ike_peer_of(ike, spi);
	assert_int_equal(ike_peer_id(p), c->peer);
	assert_int_equal(ike_peer_current(p), spi);
	assert_ptr_equal(ike_peer_by_id(ike, c->peer), p);
	/* Usage. */
	fake.seg->now_us = 9000000;
	fake_sa_counters(&fake, SA_SLOT(spi))->in_packets = 5;
	fake_sa_counters(&fake, SA_SLOT(spi))->in_bytes = 500;
	fake_sa_counters(&fake, SA_SLOT(spi))->in_last_seen_us = 7000000;
	struct ike_message q = {.type = IKE_QUERY, .spi = spi};
	assert_int_equal(ask(&q), 0);
	assert_int_equal(answer.answer.bytes, 500);
	assert_int_equal(answer.answer.packets, 5);
	assert_int_equal(answer.answer.idle_ms, 2000);
	/* The end. */
	assert_int_equal(of_pair(IKE_DELETE_OUT, spi), 0);
	assert_int_equal(of_pair(IKE_DELETE_IN, spi), 0);
	assert_int_equal(got.gone, 1);
	loop_for(&loop, 20);
	assert_int_equal(fake_live_sas(&fake), 0);
	assert_int_equal(of_pair(IKE_DELETE_IN, spi), -ENOENT);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_NO_ESP], 0);
	assert_int_equal(status().sas, 0);
}

static void
test_aead_and_64_bit_blocks(void **state)
{
	(void)state;
	start_plugin();
	establish(native, gcm);
	const struct command_sa_add *c = &fake.last[COMMAND_SA_ADD].sa_add;
	assert_string_equal(suite_at(c->keys.encryption)->name, "aes256-gcm16");
	assert_int_equal(c->keys.integrity, 0);
	assert_int_equal(c->keys.encryption_len, 36);
	assert_int_equal(c->lifetime.hard_bytes, 0);
	assert_int_equal(c->outer.peer_port, 0);
	/* T15: whatever charon allows. */
	establish(host_a, tdes_sha1);
	c = &fake.last[COMMAND_SA_ADD].sa_add;
	assert_true(c->lifetime.hard_bytes && c->lifetime.hard_bytes <= UINT64_C(1) << 30);
	assert_true(c->lifetime.soft_bytes && c->lifetime.soft_bytes < c->lifetime.hard_bytes);
	/* What is no suite is refused. */
	uint32_t spi;
	assert_int_equal(get_spi(host_b, &spi), 0);
	const struct alg bad[] = {{99, 2, 16, 20}, {12, 99, 16, 20}, {12, 2, 15, 20},
		{12, 2, 16, 19}, {12, 0, 16, 0}, {20, 2, 36, 20}, {20, 0, 32, 0}};
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(add(IKE_ADD_IN, spi, host_b, bad[i]), -EOPNOTSUPP);
	struct ike_message m = add_message(IKE_ADD_IN, spi, host_b, aes_sha1);
	m.add.transport = 0;
	assert_int_equal(ask(&m), -EOPNOTSUPP);
	assert_int_equal(add(IKE_ADD_IN, spi, host_b, aes_sha1), 0);
}

/* D1: same address, another port. */
static void
test_two_behind_one_nat(void **state)
{
	(void)state;
	start_plugin();
	uint32_t a = establish(host_a, aes_sha1), b = establish(host_b, aes_sha1);
	struct ike_peer *pa = ike_peer_of(ike, a), *pb = ike_peer_of(ike, b);
	assert_ptr_not_equal(pa, pb);
	assert_int_equal(ike_peer_current(pa), a);
	assert_int_equal(ike_peer_current(pb), b);
	of_pair(IKE_DELETE_IN, a);
	assert_int_equal(got.gone, 1);
	assert_int_equal(ike_peer_current(pb), b);
	assert_int_equal(status().peers, 1);
}

/* D4 */
static void
test_rekey(void **state)
{
	(void)state;
	start_plugin();
	uint32_t old = establish(host_a, aes_sha1);
	struct ike_peer *p = ike_peer_of(ike, old);
	uint32_t fresh;
	assert_int_equal(get_spi(host_a, &fresh), 0);
	assert_int_equal(add(IKE_ADD_IN, fresh, host_a, aes_sha1), 0);
	assert_int_equal(ike_peer_current(p), old); /* nothing to send through yet */
	assert_int_equal(add(IKE_ADD_OUT, fresh, host_a, aes_sha1), 0);
	assert_ptr_equal(ike_peer_of(ike, fresh), p);
	assert_int_equal(ike_peer_current(p), old); /* the peer may not have it yet */
	assert_int_equal(of_pair(IKE_DELETE_OUT, old), 0);
	assert_int_equal(ike_peer_current(p), fresh);
	assert_int_equal(fake.commands[COMMAND_SA_CLOSE], 0); /* still received */
	assert_int_equal(fake_live_sas(&fake), 2);
	assert_int_equal(of_pair(IKE_DELETE_IN, old), 0);
	assert_int_equal(got.gone, 0);
	assert_int_equal(ike_peer_current(p), fresh);
	/* The newer one is taken back: the older serves again. */
	uint32_t third = establish(host_a, aes_sha1);
	loop_for(&loop, 2100);
	assert_int_equal(ike_peer_current(p), third);
	of_pair(IKE_DELETE_IN, third);
	assert_int_equal(ike_peer_current(p), fresh);
}

/* D4: a new pair waits until its peer has it, and no longer than the old one serves. */
static void
test_ripe(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi[6];
	spi[0] = establish(host_a, aes_sha1);
	struct ike_peer *p = ike_peer_of(ike, spi[0]);
	assert_int_equal(ike_peer_current(p), spi[0]); /* the first one does not wait */
	spi[1] = establish(host_a, aes_sha1);
	fake_event(&fake, EVENT_SA_EXPIRE, spi[0], 0, SA_EXPIRE_SOFT_OUT);
	hear();
	ike_sweep_pairs(ike);
	assert_int_equal(ike_peer_current(p), spi[0]);
	loop_for(&loop, 2100);
	assert_int_equal(ike_peer_current(p), spi[1]);
	assert_int_equal(got.currents, 2);
	/* A packet tells, and a message to control at once. */
	for (unsigned int i = 0; i < 2; i++) {
		spi[2] = establish(host_a, aes_sha1);
		ike_sweep_pairs(ike);
		assert_ptr_equal(ike_peer_of(ike, spi[2]), p);
		assert_int_equal(ike_peer_current(p), spi[1]);
		fake_sa_counters(&fake, SA_SLOT(spi[2]))->in_packets = 1;
		if (i == 0)
			ike_sweep_pairs(ike);
		else
			assert_ptr_equal(ike_peer_of(ike, spi[2]), p);
		assert_int_equal(ike_peer_current(p), spi[2]);
		if (i == 0)
			of_pair(IKE_DELETE_IN, spi[2]);
	}
	/* The one that serves ends at its hard limit: one that has served is better than a new one,
	 * and a new one better than one that is to end. */
	spi[3] = establish(host_a, aes_sha1);
	fake_event(&fake, EVENT_SA_EXPIRE, spi[2], 0, SA_EXPIRE_HARD_OUT);
	hear();
	assert_int_equal(ike_peer_current(p), spi[1]);
	of_pair(IKE_DELETE_IN, spi[0]);
	fake_event(&fake, EVENT_SA_EXPIRE, spi[1], 0, SA_EXPIRE_HARD_OUT);
	hear();
	assert_int_equal(ike_peer_current(p), spi[3]);
	/* It serves now: a newer one waits.  It is closed: that one does not. */
	spi[4] = establish(host_a, aes_sha1);
	ike_sweep_pairs(ike);
	assert_int_equal(ike_peer_current(p), spi[3]);
	of_pair(IKE_DELETE_IN, spi[3]);
	assert_int_equal(ike_peer_current(p), spi[4]);
	/* charon sends through another one. */
	spi[5] = establish(host_a, aes_sha1);
	assert_int_equal(ike_peer_current(p), spi[4]);
	assert_int_equal(of_pair(IKE_DELETE_OUT, spi[4]), 0);
	assert_int_equal(ike_peer_current(p), spi[5]);
}

/* A peer that re-keys every second keeps a bounded number of pairs. */
static void
test_rekey_flood(void **state)
{
	(void)state;
	start_plugin();
	uint32_t last = 0;
	for (unsigned int i = 0; i < 16; i++)
		last = establish(host_a, aes_sha1);
	uint32_t more;
	assert_int_equal(get_spi(host_a, &more), -EDQUOT);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_SHARE], 1);
	hear();
	unsigned int expired = 0;
	for (unsigned int i = 0; i < got.n_heard; i++) {
		assert_int_equal(got.heard[i].type, IKE_EXPIRE);
		assert_true(got.heard[i].expire.hard && got.heard[i].spi != last);
		assert_int_equal(of_pair(IKE_DELETE_IN, got.heard[i].spi), 0);
		expired++;
	}
	assert_int_equal(expired, 8);
	assert_int_equal(status().sas, 8);
	loop_for(&loop, 2100);
	assert_int_equal(got.current, last);
}

static void
test_expiry(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi = establish(host_a, aes_sha1);
	for (int which = SA_EXPIRE_SOFT_IN; which <= SA_EXPIRE_HARD_OUT; which++)
		fake_event(&fake, EVENT_SA_EXPIRE, spi, 0, which);
	hear();
	assert_int_equal(got.n_heard, 4);
	assert_int_equal(got.heard[0].expire.direction, IKE_INBOUND);
	assert_int_equal(got.heard[0].expire.hard, 0);
	assert_int_equal(got.heard[1].expire.hard, 1);
	assert_int_equal(got.heard[2].expire.direction, IKE_OUTBOUND);
	assert_int_equal(got.heard[3].expire.hard, 1);
	/* The data plane ends one by itself: charon learns it. */
	got.n_heard = 0;
	fake_sa(&fake, SA_SLOT(spi))->handle = 0;
	fake_event(&fake, EVENT_SA_GONE, spi, 0, 0);
	hear();
	assert_int_equal(got.n_heard, 1);
	assert_true(got.heard[0].expire.hard);
	assert_int_equal(got.gone, 1);
	assert_int_equal(of_pair(IKE_DELETE_IN, spi), -ENOENT);
}

/* T16: decided when the SA is installed, whatever was negotiated before. */
static void
test_weak(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi, strong = establish(host_b, aes_sha1);
	assert_int_equal(get_spi(host_a, &spi), 0);
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, des_md5), -EACCES);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_WEAK_CRYPTO_OFF], 1);
	ike_weak_crypto(ike, true, FATE_KEEP);
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, des_md5), 0);
	/* The switch goes off between the two halves. */
	assert_int_equal(ike_weak_crypto(ike, false, FATE_KEEP), 0);
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, des_md5), -EACCES);
	ike_weak_crypto(ike, true, FATE_KEEP);
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, des_md5), 0);
	assert_int_equal(status().weak_sas, 1);
	/* keep, rekey, drop */
	assert_int_equal(ike_weak_crypto(ike, false, FATE_KEEP), 0);
	hear();
	assert_int_equal(got.n_heard, 0);
	assert_int_equal(ike_weak_crypto(ike, false, FATE_REKEY), 1);
	hear();
	assert_int_equal(got.n_heard, 1);
	assert_false(got.heard[0].expire.hard);
	assert_int_equal(got.heard[0].spi, spi);
	assert_int_equal(ike_weak_crypto(ike, false, FATE_DROP), 1);
	hear();
	assert_int_equal(got.n_heard, 2);
	assert_true(got.heard[1].expire.hard);
	of_pair(IKE_DELETE_IN, spi);
	assert_int_equal(status().weak_sas, 0);
	assert_int_equal(ike_peer_current(ike_peer_of(ike, strong)), strong);
}

/* T13 */
static void
test_limits(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi, first;
	assert_int_equal(get_spi(host_a, &first), 0);
	get_spi(host_a, &spi);
	get_spi(host_a, &spi);
	assert_int_equal(get_spi(host_a, &spi), -EDQUOT);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_ADDRESS_LIMIT], 1);
	assert_int_equal(get_spi(native, &spi), 0); /* others are not hit */
	of_pair(IKE_DELETE_IN, first);
	assert_int_equal(get_spi(host_a, &spi), 0);
	of_pair(IKE_DELETE_IN, spi);
	struct ike_outer o = host_a;
	uint32_t spis[4];
	for (unsigned int i = 0; i < 4; i++, o.peer_port++)
		spis[i] = establish(o, aes_sha1);
	assert_int_equal(get_spi(o, &spi), 0);
	assert_int_equal(add(IKE_ADD_IN, spi, o, aes_sha1), -EDQUOT);
	of_pair(IKE_DELETE_IN, spi);
	/* Those that are there may re-key. */
	o.peer_port--;
	uint32_t fresh = establish(o, aes_sha1);
	assert_ptr_equal(ike_peer_of(ike, fresh), ike_peer_of(ike, spis[3]));
	/* The table is full, of clients with users. */
	cfg.max_half_open_per_address = 1000;
	cfg.max_peers_per_address = 1000;
	int rc = 0;
	for (o = native; rc == 0 && o.peer_ip < native.peer_ip + 300; o.peer_ip++) {
		rc = get_spi(o, &spi);
		for (unsigned int i = 0; i < 8 && rc == 0; i++) {
			assert_int_equal(add(IKE_ADD_IN, spi, o, aes_sha1), 0);
			if (i == 0)
				ike_peer_users(ike, ike_peer_of(ike, spi), 1);
			rc = get_spi(o, &spi);
		}
		if (rc == -EDQUOT)
			break;
	}
	for (o = native; rc != -ENOSPC && o.peer_ip < native.peer_ip + 40; o.peer_ip++)
		while ((rc = get_spi(o, &spi)) == 0)
			;
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_FULL], 1);
}

static void
test_causes(void **state)
{
	(void)state;
	start_plugin();
	struct ike_message m = {.type = IKE_ALERT, .alert = {0xc0000211, IKE_ALERT_PSK}};
	say(&m);
	m.alert.code = IKE_ALERT_NO_ESP_PROPOSAL;
	say(&m);
	hear();
	assert_int_equal(got.refusals[REFUSAL_IKE_PSK_MISMATCH], 1);
	assert_int_equal(got.refusals[REFUSAL_ESP_NO_PROPOSAL], 1);
	/* D2: IKE works, ESP does not. */
	uint32_t spi = establish(native, aes_sha1);
	of_pair(IKE_DELETE_IN, spi);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_NO_ESP], 1);
	/* D3: ESP comes and fails its check, or comes only after somebody's forgeries. */
	struct sa_counters *c;
	spi = establish(native, aes_sha1);
	c = fake_sa_counters(&fake, SA_SLOT(spi));
	c->in_auth_failed = 1;
	of_pair(IKE_DELETE_IN, spi);
	assert_int_equal(got.refusals[REFUSAL_ESP_AUTH_FAILED], 1);
	loop_for(&loop, 20);
	spi = establish(native, aes_sha1);
	c = fake_sa_counters(&fake, SA_SLOT(spi));
	c->in_auth_failed = 3;
	loop_for(&loop, 1200);
	assert_int_equal(got.refusals[REFUSAL_ESP_AUTH_FAILED], 2);
	of_pair(IKE_DELETE_IN, spi);
	assert_int_equal(got.refusals[REFUSAL_ESP_AUTH_FAILED], 2);
	loop_for(&loop, 20);
	spi = establish(native, aes_sha1);
	c = fake_sa_counters(&fake, SA_SLOT(spi));
	c->in_auth_failed = 100;
	c->in_packets = 1;
	loop_for(&loop, 1200);
	of_pair(IKE_DELETE_IN, spi);
	assert_int_equal(got.refusals[REFUSAL_ESP_AUTH_FAILED], 2);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_NO_ESP], 1);
}

/* An operator ends a peer: by IKE when charon is there, at once when not. */
static void
test_peer_close(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi = establish(host_a, aes_sha1);
	establish(host_a, aes_sha1);
	ike_peer_close(ike, ike_peer_of(ike, spi));
	hear();
	assert_int_equal(got.n_heard, 2);
	plugin_close();
	ike_peer_close(ike, ike_peer_of(ike, spi));
	loop_for(&loop, 30);
	assert_int_equal(got.gone, 1);
	assert_int_equal(fake_live_sas(&fake), 0);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_life),
		TEST(test_aead_and_64_bit_blocks),
		TEST(test_two_behind_one_nat),
		TEST(test_rekey),
		TEST(test_ripe),
		TEST(test_rekey_flood),
		TEST(test_expiry),
		TEST(test_weak),
		TEST(test_limits),
		TEST(test_causes),
		TEST(test_peer_close),
	};
	return STAGE_RUN(tests);
}
