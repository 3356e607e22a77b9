/* SPDX-License-Identifier: BSD-3-Clause */
/* MPPE over links that lose and reorder, with peers of both kinds. */
#include "tests/unit/crypto/mppe_pair.h"

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
	enum { HELD = MPPE_NEAR - 1 };
	uint8_t late[HELD][BODY], again[BODY];
	uint32_t number[HELD];
	struct pair p;

	(void)state;
	start(&p, MPPE_128, true);
	pass(&p, MPPE_COUNT_MOD - 10); /* the late ones straddle the wrap */
	for (int i = 0; i < HELD; i++)
		number[i] = send_packet(&p, late[i]);
	pass(&p, 1);
	memcpy(again, late[14], BODY);
	for (int i = HELD - 1; i >= 1; i--) {
		assert_int_equal(receive(&p, late[i]), MPPE_OK);
		assert_clear(late[i], number[i]);
	}
	assert_int_equal(receive(&p, again), MPPE_LATE); /* each once */
	pass(&p, 1);
	assert_int_equal(receive(&p, late[0]), MPPE_LATE); /* MPPE_NEAR + 1 behind */
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
	assert_int_equal(p.rx.near.known, 0);
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

/* Bad packets until the first good one after an outage; a lost sync is answered with a flush. */
static unsigned int
recover(struct pair *p, unsigned int outage)
{
	uint8_t pkt[BODY], want[BODY];
	unsigned int bad;

	lose(p, outage);
	for (bad = 0; bad < 1000; bad++) {
		uint32_t number = send_packet(p, pkt);
		enum mppe_status status = receive(p, pkt);

		fill(want, number);
		if (status == MPPE_OK && memcmp(pkt + 2, want + 2, BODY - 2) == 0)
			break;
		if (status == MPPE_LOST_SYNC)
			mppe_tx_flush(&p->tx);
	}
	return bad;
}

/* Real outages of any length end, and soon (R1); what the key chain may cost a packet stays
 * bounded. */
static void
test_outage_stateless(void **state)
{
	static const unsigned int outages[] = {MAX_REKEYS, 300, 1000, 2047, 2048, 3000, 4000, 4095,
		4096, 4097, 5000, 6143, 6144, 8192, 10000, 50000};
	struct pair p;

	(void)state;
	for (size_t s = 0; s < 3; s++) {
		start(&p, strengths[s], true);
		for (size_t i = 0; i < sizeof(outages) / sizeof(outages[0]); i++) {
			unsigned int bad;

			pass(&p, 20);
			bad = recover(&p, outages[i]);
			/* Behind a garbled chain, possible plaintexts interrupt the run. */
			assert_in_range(bad, 1, 16 + 40 + 2 * outages[i] / (MAX_REKEYS - 1) + 32);
			pass(&p, 5000);
		}
	}
}

static void
test_outage_stateful(void **state)
{
	static const unsigned int outages[] = {1, 255, 256, 257, 2000, 2047, 2048, 3000, 4000, 4095,
		4096, 4097, 5000, 8192, 10000, 16000};
	struct pair p;

	(void)state;
	for (size_t s = 0; s < 3; s++) {
		start(&p, strengths[s], false);
		for (size_t i = 0; i < sizeof(outages) / sizeof(outages[0]); i++) {
			pass(&p, 20);
			assert_in_range(recover(&p, outages[i]), 1, 200);
			pass(&p, 5000);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stateless_loss),
		cmocka_unit_test(test_stateless_reorder),
		cmocka_unit_test(test_stateless_stale_key),
		cmocka_unit_test(test_stateful_reset),
		cmocka_unit_test(test_flush_readings),
		cmocka_unit_test(test_first_flushed),
		cmocka_unit_test(test_lost_flushes),
		cmocka_unit_test(test_outage_stateless),
		cmocka_unit_test(test_outage_stateful),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
