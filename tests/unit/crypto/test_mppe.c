/* SPDX-License-Identifier: BSD-3-Clause */
/* MPPE: the batch contract, wraps, bad and hostile input. */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/crypto/mppe_pair.h"

static void
test_init(void **state)
{
	struct mppe_params params = {.strength = 64};
	struct mppe_tx tx;
	struct mppe_rx rx;

	(void)state;
	assert_int_equal(mppe_tx_init(&tx, &params), -EINVAL);
	assert_int_equal(mppe_rx_init(&rx, &params), -EINVAL);
}

/* Every wrap of the coherency count, both modes, all strengths; nothing is ever sent under a key
 * twice (T2). */
static void
test_wraps(void **state)
{
	struct pair p;

	(void)state;
	for (size_t s = 0; s < 3; s++) {
		start(&p, strengths[s], true);
		pass(&p, 2 * MPPE_COUNT_MOD + 300);
		assert_int_equal(p.rx.count, 300);
		start(&p, strengths[s], false);
		pass(&p, 2 * MPPE_COUNT_MOD + 300);
		assert_int_equal(p.rx.count, 300);
	}
}

static int
compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, MPPE_KEY_MAX);
}

/* The key under which a packet was sent, when its tables were new; false when the stream ran on. */
static bool
fresh_key(struct pair *p, uint8_t key[MPPE_KEY_MAX])
{
	struct rc4_state tables = p->tx.rc4, fresh;
	uint32_t number;
	uint8_t pkt[BODY];

	number = send_packet(p, pkt);
	rc4_init(&fresh, p->tx.session, p->tx.key_len);
	if (!p->tx.stateless) { /* its tables are not kept otherwise */
		uint8_t any[BODY] = {0};

		rc4_crypt(&tables, any, any, BODY - MPPE_HDR_LEN);
		if (memcmp(&tables, &p->tx.rc4, sizeof(tables)) == 0)
			return false;
	}
	rc4_crypt(&fresh, pkt + MPPE_HDR_LEN, pkt + MPPE_HDR_LEN, BODY - MPPE_HDR_LEN);
	assert_clear(pkt, number);
	memcpy(key, p->tx.session, MPPE_KEY_MAX);
	return true;
}

/* T2: every initialisation of the tables has a new key, over wraps and answers to resets. */
static void
test_no_key_twice(void **state)
{
	enum { PACKETS = 3 * MPPE_COUNT_MOD };
	static uint8_t keys[PACKETS][MPPE_KEY_MAX];

	(void)state;
	for (size_t s = 0; s < 6; s++) {
		unsigned int n = 0;
		struct pair p;

		start(&p, strengths[s % 3], s < 3);
		for (unsigned int i = 0; i < PACKETS; i++) {
			if (i % 7 == 3)
				mppe_tx_flush(&p.tx);
			n += fresh_key(&p, keys[n]);
		}
		assert_true(n >= PACKETS / 7);
		qsort(keys, n, MPPE_KEY_MAX, compare_keys);
		for (unsigned int i = 1; i < n; i++)
			assert_memory_not_equal(keys[i - 1], keys[i], MPPE_KEY_MAX);
	}
}

static void
test_headers(void **state)
{
	uint8_t pkt[BODY];
	struct pair p;

	(void)state;
	start(&p, MPPE_128, true);
	for (unsigned int i = 0; i < 600; i++) {
		send_packet(&p, pkt);
		assert_int_equal(header(pkt), MPPE_BIT_FLUSHED | MPPE_BIT_ENCRYPTED | i);
	}
	start(&p, MPPE_128, false);
	for (unsigned int i = 0; i < 600; i++) {
		send_packet(&p, pkt);
		assert_int_equal(header(pkt),
			MPPE_BIT_ENCRYPTED | i | ((i & 0xff) == 0xff ? MPPE_BIT_FLUSHED : 0));
	}
}

/* T4: a count far ahead changes nothing, and an honest packet behind it is served. */
static void
test_rekey_bound(void **state)
{
	uint8_t pkt[BODY] = {0};
	struct pair p;
	struct mppe_rx before;

	(void)state;
	start(&p, MPPE_128, true);
	pass(&p, 10);
	before = p.rx;
	pkt[0] = 0x90 | ((10 + MAX_REKEYS) >> 8);
	pkt[1] = (uint8_t)(10 + MAX_REKEYS);
	assert_int_equal(receive(&p, pkt), MPPE_REKEY_BOUND);
	assert_memory_equal(p.rx.session, before.session, MPPE_KEY_MAX);
	assert_int_equal(p.rx.count, before.count);
	assert_int_equal(p.rx.near.known, before.near.known);
	pass(&p, 10);
	/* Behind by half the count's range and more: late, not ahead. */
	pkt[0] = 0x90 | ((20 + MPPE_COUNT_MOD / 2) >> 8);
	pkt[1] = (uint8_t)(20 + MPPE_COUNT_MOD / 2);
	assert_int_equal(receive(&p, pkt), MPPE_LATE);
	pass(&p, 10);
}

static void
test_bad_input(void **state)
{
	uint8_t pkt[BODY] = {0x90, 0};
	struct pair p;

	(void)state;
	for (int stateless = 0; stateless < 2; stateless++) {
		start(&p, MPPE_128, stateless);
		for (uint32_t len = 0; len <= MPPE_HDR_LEN; len++) {
			struct mppe_job job = {.rx = &p.rx, .data = pkt, .len = len};

			assert_int_equal(mppe_decrypt_burst(&job, 1, MAX_REKEYS), 0);
			assert_int_equal(job.status, MPPE_SHORT);
		}
		pkt[0] = 0x80; /* T3: D bit clear */
		assert_int_equal(receive(&p, pkt), MPPE_NOT_ENCRYPTED);
		pkt[0] = 0x90;
		pass(&p, 2);
		/* One octet of payload is the least. */
		struct mppe_job tx = {.tx = &p.tx, .data = pkt, .len = MPPE_HDR_LEN + 1};
		struct mppe_job rx = {.rx = &p.rx, .data = pkt, .len = MPPE_HDR_LEN + 1};

		pkt[2] = 0x21;
		assert_int_equal(mppe_encrypt_burst(&tx, 1), 1);
		assert_int_equal(mppe_decrypt_burst(&rx, 1, MAX_REKEYS), 1);
		assert_int_equal(pkt[2], 0x21);
		pass(&p, 2);
	}
}

/* Good jobs first in their order, bad ones behind, user carried along; two sessions interleaved. */
static void
test_batch_contract(void **state)
{
	enum { N = 12 };
	uint8_t pkts[N][BODY];
	struct mppe_job jobs[N];
	struct pair a, b;
	unsigned int good;

	(void)state;
	start(&a, MPPE_128, true);
	start(&b, MPPE_40, false);
	for (intptr_t i = 0; i < N; i++) {
		struct pair *p = i & 1 ? &b : &a;

		fill(pkts[i], (uint32_t)i);
		jobs[i] = (struct mppe_job){
			.tx = &p->tx, .data = pkts[i], .len = BODY, .user = (void *)i};
	}
	assert_int_equal(mppe_encrypt_burst(jobs, N), N);
	for (int i = 0; i < N; i++)
		jobs[i].rx = i & 1 ? &b.rx : &a.rx;
	jobs[0].len = 1;
	pkts[4][0] &= 0x8f;
	jobs[11].len = 0;
	good = mppe_decrypt_burst(jobs, N, MAX_REKEYS);
	assert_int_equal(good, N - 3);
	for (unsigned int i = 0; i < good; i++) {
		assert_int_equal(jobs[i].status, MPPE_OK);
		assert_clear(jobs[i].data, (uint32_t)(intptr_t)jobs[i].user);
		if (i > 0)
			assert_true((intptr_t)jobs[i].user > (intptr_t)jobs[i - 1].user);
	}
	for (unsigned int i = good; i < N; i++)
		assert_int_not_equal(jobs[i].status, MPPE_OK);
	assert_int_equal(mppe_decrypt_burst(jobs, 0, MAX_REKEYS), 0);
}

/* T4: forged strays that follow each other cost no more a packet, and do not move the live key. */
static void
test_forged_run(void **state)
{
	uint8_t pkt[BODY];
	struct pair p;

	(void)state;
	for (unsigned int at = 10 + MAX_REKEYS; at < 4000; at += 500) {
		uint32_t seed = at;

		start(&p, MPPE_128, true);
		pass(&p, 10);
		for (unsigned int i = 0; i < 60; i++) {
			for (unsigned int k = 0; k < BODY; k++) {
				seed = seed * 1664525 + 1013904223;
				pkt[k] = (uint8_t)(seed >> 24);
			}
			pkt[0] = (uint8_t)(0x90 | (at + i) >> 8);
			pkt[1] = (uint8_t)(at + i);
			assert_int_not_equal(receive(&p, pkt), MPPE_OK);
		}
		assert_int_equal(p.rx.count, 10);
		pass(&p, 300);
	}
}

static void
test_wipe(void **state)
{
	static const uint8_t zero[sizeof(struct mppe_rx)];
	struct pair p;

	(void)state;
	start(&p, MPPE_128, true);
	pass(&p, 3);
	lose(&p, 10);
	pass(&p, 3);
	mppe_tx_wipe(&p.tx);
	mppe_rx_wipe(&p.rx);
	assert_memory_equal(&p.tx, zero, sizeof(p.tx));
	assert_memory_equal(&p.rx, zero, sizeof(p.rx));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_wraps),
		cmocka_unit_test(test_no_key_twice),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_rekey_bound),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_batch_contract),
		cmocka_unit_test(test_forged_run),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
