/* SPDX-License-Identifier: BSD-3-Clause */
/* MPPE over lossy, reordering and hostile links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "crypto/mppe.h"

#define BODY       48
#define MAX_REKEYS 256

struct pair {
	struct mppe_tx tx;
	struct mppe_rx rx;
	uint32_t sent;
};

static void
start(struct pair *p, enum mppe_strength strength, bool stateless)
{
	struct mppe_params params = {.strength = (uint8_t)strength, .stateless = stateless};

	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < sizeof(params.start_key); i++)
		params.start_key[i] = (uint8_t)(i * 7 + strength);
	assert_int_equal(mppe_tx_init(&p->tx, &params), 0);
	assert_int_equal(mppe_rx_init(&p->rx, &params), 0);
}

/* An IPv4 packet behind a compressed protocol field, numbered. */
static void
fill(uint8_t pkt[BODY], uint32_t number)
{
	memset(pkt, 0, BODY);
	pkt[2] = 0x21;
	pkt[3] = 0x45;
	memcpy(pkt + 7, &number, sizeof(number));
}

static uint32_t
send_packet(struct pair *p, uint8_t pkt[BODY])
{
	struct mppe_job job = {.tx = &p->tx, .data = pkt, .len = BODY};

	fill(pkt, p->sent);
	assert_int_equal(mppe_encrypt_burst(&job, 1), 1);
	return p->sent++;
}

static enum mppe_status
receive(struct pair *p, uint8_t pkt[BODY])
{
	struct mppe_job job = {.rx = &p->rx, .data = pkt, .len = BODY};
	unsigned int good = mppe_decrypt_burst(&job, 1, MAX_REKEYS);

	assert_int_equal(good, job.status == MPPE_OK);
	return job.status;
}

static void
assert_clear(const uint8_t pkt[BODY], uint32_t number)
{
	uint8_t want[BODY];

	fill(want, number);
	assert_memory_equal(pkt + MPPE_HDR_LEN, want + MPPE_HDR_LEN, BODY - MPPE_HDR_LEN);
}

static uint16_t
header(const uint8_t *pkt)
{
	return (uint16_t)(pkt[0] << 8 | pkt[1]);
}

static void
pass(struct pair *p, unsigned int n)
{
	uint8_t pkt[BODY];

	while (n-- > 0) {
		uint32_t number = send_packet(p, pkt);

		assert_int_equal(receive(p, pkt), MPPE_OK);
		assert_clear(pkt, number);
	}
}

static void
lose(struct pair *p, unsigned int n)
{
	uint8_t pkt[BODY];

	while (n-- > 0)
		send_packet(p, pkt);
}

static const enum mppe_strength strengths[] = {MPPE_40, MPPE_56, MPPE_128};

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

static void
test_stateless_loss(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned int gap = 0; gap < MAX_REKEYS; gap++) {
		start(&p, MPPE_128, true);
		pass(&p, 3);
		lose(&p, gap);
		pass(&p, 3);
	}
	/* Random loss across two wraps. */
	start(&p, MPPE_56, true);
	for (uint32_t seed = 7, i = 0; i < 2 * MPPE_COUNT_MOD; i++) {
		seed = seed * 1664525 + 1013904223;
		if (seed >> 28 == 0)
			lose(&p, (seed >> 16) % 100);
		pass(&p, 1);
	}
}

static void
test_stateless_reorder(void **state)
{
	uint8_t late[20][BODY], again[BODY];
	uint32_t number[20];
	struct pair p;

	(void)state;
	start(&p, MPPE_128, true);
	pass(&p, MPPE_COUNT_MOD - 10); /* the late ones straddle the wrap */
	for (int i = 0; i < 20; i++)
		number[i] = send_packet(&p, late[i]);
	pass(&p, 1);
	memcpy(again, late[19], BODY);
	/* 16 keys are kept: the four oldest are gone. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(receive(&p, late[i]), MPPE_LATE);
	for (int i = 19; i >= 4; i--) {
		assert_int_equal(receive(&p, late[i]), MPPE_OK);
		assert_clear(late[i], number[i]);
	}
	assert_int_equal(receive(&p, again), MPPE_LATE); /* each once */
	pass(&p, 1);
}

/* A key that was kept, but never used, must not be taken for the packet with the same count one
 * wrap later. */
static void
test_stateless_stale_key(void **state)
{
	uint8_t pkt[BODY], copy[BODY];
	struct pair p;

	(void)state;
	start(&p, MPPE_128, true);
	pass(&p, 5);
	lose(&p, 1);
	pass(&p, MPPE_COUNT_MOD - 1);
	send_packet(&p, pkt); /* count 5 again */
	memcpy(copy, pkt, BODY);
	assert_int_equal(receive(&p, pkt), MPPE_OK);
	assert_int_equal(receive(&p, copy), MPPE_LATE);
	assert_int_equal(p.rx.skipped_mask, 0);
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
	assert_int_equal(p.rx.skipped_mask, before.skipped_mask);
	pass(&p, 10);
	/* Behind by half the count's range and more: late, not ahead. */
	pkt[0] = 0x90 | ((20 + MPPE_COUNT_MOD / 2) >> 8);
	pkt[1] = (uint8_t)(20 + MPPE_COUNT_MOD / 2);
	assert_int_equal(receive(&p, pkt), MPPE_LATE);
	pass(&p, 10);
}

/* T4: the key changes of a whole burst are bounded too. */
static void
test_burst_bound(void **state)
{
	enum { N = 8, MAX = 32 };
	uint8_t pkts[N][BODY];
	struct mppe_job jobs[N];
	struct pair p;

	(void)state;
	start(&p, MPPE_128, true);
	for (int i = 0; i < N; i++) {
		lose(&p, MAX - 1);
		send_packet(&p, pkts[i]);
		jobs[i] = (struct mppe_job){.rx = &p.rx, .data = pkts[i], .len = BODY};
	}
	assert_int_equal(mppe_decrypt_burst(jobs, N, MAX), 4);
	assert_int_equal(jobs[4].status, MPPE_REKEY_BOUND);
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

/* Loss, discard, reset by our own sender; T2: after a flush the keystream is new. */
static void
test_stateful_reset(void **state)
{
	uint8_t pkt[BODY];
	struct pair p;

	(void)state;
	for (unsigned int at = 0; at < 520; at++) {
		for (unsigned int gap = 1; gap < 600; gap += 83) {
			uint8_t before[MPPE_KEY_MAX];
			unsigned int lost = 0, n = 0;

			start(&p, MPPE_128, false);
			pass(&p, at);
			lose(&p, gap);
			while (n++ < 3) {
				send_packet(&p, pkt);
				if (header(pkt) & MPPE_BIT_FLUSHED) {
					assert_int_equal(receive(&p, pkt), MPPE_OK);
					break;
				}
				assert_int_equal(receive(&p, pkt),
					lost++ ? MPPE_AWAIT_RESET : MPPE_LOST_SYNC);
			}
			memcpy(before, p.tx.session, sizeof(before));
			mppe_tx_flush(&p.tx);
			mppe_tx_flush(&p.tx);
			lose(&p, at % 3 == 0); /* the first answer is lost sometimes */
			if (at % 3 == 0)
				mppe_tx_flush(&p.tx);
			uint32_t number = send_packet(&p, pkt);

			assert_int_equal(header(pkt) & 0x80ff, 0x80ff);
			assert_memory_not_equal(before, p.tx.session, sizeof(before));
			assert_int_equal(receive(&p, pkt), MPPE_OK);
			assert_clear(pkt, number);
			assert_false(p.rx.discarding);
			pass(&p, 300);
		}
	}
}

/* A peer that sends FLUSHED outside of flag packets: Linux changes the key, RFC 3078 does not. */
static void
foreign_flush(struct pair *p, bool linux_peer)
{
	uint8_t key[MPPE_KEY_MAX], salted[MPPE_KEY_MAX];
	struct rc4_state rc4;

	if (linux_peer) {
		mppe_new_key_from_sha(p->tx.master, p->tx.session, p->tx.key_len, key);
		rc4_init(&rc4, key, p->tx.key_len);
		rc4_crypt(&rc4, salted, key, p->tx.key_len);
		memcpy(p->tx.session, salted, p->tx.key_len);
	}
	rc4_init(&p->tx.rc4, p->tx.session, p->tx.key_len);
}

static uint32_t
send_flushed(struct pair *p, uint8_t pkt[BODY], bool linux_peer)
{
	uint32_t number;

	if ((p->tx.count & 0xff) != 0xff)
		foreign_flush(p, linux_peer);
	number = send_packet(p, pkt);
	pkt[0] |= MPPE_BIT_FLUSHED >> 8;
	return number;
}

static void
test_flush_readings(void **state)
{
	uint8_t pkt[BODY];
	struct pair p;

	(void)state;
	for (int linux_peer = 0; linux_peer < 2; linux_peer++) {
		start(&p, MPPE_128, false);
		for (unsigned int round = 0; round < 600; round++) {
			uint32_t number;

			pass(&p, round % 5);
			lose(&p, 1 + round % 40);
			send_packet(&p, pkt);
			if (receive(&p, pkt) == MPPE_OK) /* a flag packet resynchronises */
				continue;
			lose(&p, round % 300);
			number = send_flushed(&p, pkt, linux_peer);
			assert_int_equal(receive(&p, pkt), MPPE_OK);
			assert_clear(pkt, number);
			pass(&p, 3);
			/* And without a loss, by a peer that is in doubt. */
			number = send_flushed(&p, pkt, linux_peer);
			assert_int_equal(receive(&p, pkt), MPPE_OK);
			assert_clear(pkt, number);
			assert_int_equal(p.rx.flush_reading,
				linux_peer ? MPPE_FLUSH_REKEY : MPPE_FLUSH_REINIT);
		}
	}
}

/* The first packet of an RFC 3078 sender carries FLUSHED (section 3.1), Linux's does not. */
static void
test_first_flushed(void **state)
{
	uint8_t pkt[BODY];
	struct pair p;

	(void)state;
	start(&p, MPPE_128, false);
	send_packet(&p, pkt);
	pkt[0] |= MPPE_BIT_FLUSHED >> 8;
	assert_int_equal(receive(&p, pkt), MPPE_OK);
	assert_clear(pkt, 0);
	pass(&p, 600);
}

/* Answers to our Reset-Requests get lost too: Linux has changed its key with each. */
static void
test_lost_flushes(void **state)
{
	uint8_t pkt[BODY];
	struct pair p;

	(void)state;
	for (unsigned int lost = 0; lost <= 3; lost++) {
		for (int linux_peer = 0; linux_peer < 2; linux_peer++) {
			uint32_t number;

			start(&p, MPPE_128, false);
			pass(&p, 20);
			lose(&p, 1);
			send_packet(&p, pkt);
			assert_int_equal(receive(&p, pkt), MPPE_LOST_SYNC);
			for (unsigned int i = 0; i < lost; i++) {
				send_flushed(&p, pkt, linux_peer);
				lose(&p, 5);
			}
			number = send_flushed(&p, pkt, linux_peer);
			assert_int_equal(receive(&p, pkt), MPPE_OK);
			assert_clear(pkt, number);
			pass(&p, 600);
		}
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
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_stateless_loss),
		cmocka_unit_test(test_stateless_reorder),
		cmocka_unit_test(test_stateless_stale_key),
		cmocka_unit_test(test_rekey_bound),
		cmocka_unit_test(test_burst_bound),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_batch_contract),
		cmocka_unit_test(test_stateful_reset),
		cmocka_unit_test(test_flush_readings),
		cmocka_unit_test(test_first_flushed),
		cmocka_unit_test(test_lost_flushes),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
