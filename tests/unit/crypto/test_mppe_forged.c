/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * T4, T27: what forged packets and hostile sessions cost.  Every victim loses packets of its own;
 * work is counted in key changes and tries of keys, not in time.
 */
#include "tests/unit/crypto/mppe_pair.h"

#include "crypto/mppe_chain.h"

static uint32_t seed;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)seed * below) >> 32);
}

/* What somebody sends who knows everything but the key. */
static void
forge(uint8_t pkt[BODY], uint16_t count, bool flushed)
{
	for (unsigned int k = 0; k < BODY; k++)
		pkt[k] = (uint8_t)draw(256);
	pkt[0] = (uint8_t)((flushed ? 0x90 : 0x10) | (count & MPPE_COUNT_MASK) >> 8);
	pkt[1] = (uint8_t)count;
}

/* One packet of the peer's own: was it delivered as it was sent? */
static bool
arrives(struct pair *p)
{
	uint8_t pkt[BODY], want[BODY];
	uint32_t number = send_packet(p, pkt);
	enum mppe_status status = receive(p, pkt);

	fill(want, number);
	if (status == MPPE_LOST_SYNC)
		mppe_tx_flush(&p->tx);
	return status == MPPE_OK && memcmp(pkt + 2, want + 2, BODY - 2) == 0;
}

/* T27: one forged packet, wherever it claims to be, flushed or not, costs nothing. */
static void
test_one_forged_packet_moves_no_key(void **state)
{
	uint8_t pkt[BODY];
	struct pair p;

	(void)state;
	for (int stateless = 0; stateless < 2; stateless++)
		for (unsigned int ahead = 0; ahead < MPPE_COUNT_MOD; ahead += ahead < 300 ? 1 : 97)
			for (int flushed = 0; flushed < 2; flushed++) {
				seed = ahead;
				start(&p, MPPE_128, stateless);
				pass(&p, 250); /* a flag packet is not far */
				forge(pkt, (uint16_t)(p.tx.count + ahead), flushed);
				receive(&p, pkt);
				pass(&p, 20);
			}
}

/* T4, T27: a flood with each count, near, far, behind, in order or not: the peer loses what it
 * loses without, and a bit of stateful mode's. */
static void
flood(bool stateless, bool sweep, bool flushed)
{
	enum { PACKETS = 3000, FORGED = 40 };
	unsigned int arrived = 0, sent = 0;
	uint16_t count = 0;
	struct pair p;

	start(&p, MPPE_128, stateless);
	seed = 5;
	pace_ms = 0;
	for (unsigned int i = 0; i < PACKETS; i++) {
		uint8_t pkt[BODY];

		for (unsigned int k = 0; k < FORGED; k++) {
			count = sweep ? count + 1 : (uint16_t)(p.tx.count + draw(300) - 20);
			forge(pkt, count, flushed && draw(2));
			receive(&p, pkt);
		}
		if (stateless && draw(10) == 0) /* the victim's own losses */
			lose(&p, 1 + draw(10));
		clock_ms++;
		sent++;
		arrived += arrives(&p);
	}
	pace_ms = 100;
	assert_in_range(arrived, sent - sent / 100, sent);
}

static void
test_flood_beside_a_peer(void **state)
{
	(void)state;
	for (int how = 0; how < 8; how++)
		flood(how & 1, how & 2, how & 4);
}

/* T4: the work for hostile packets, of who has no keys and of who has. */
static uint64_t
work(void)
{
	return mppe_work.changes + mppe_work.tries;
}

static void
test_work_is_bounded(void **state)
{
	enum { N = 5000 };
	uint8_t pkt[BODY];
	struct pair p;
	uint64_t before;

	(void)state;
	pace_ms = 0;
	for (int stateless = 0; stateless < 2; stateless++)
		for (unsigned int ahead = 1; ahead < MPPE_COUNT_MOD; ahead += 41) {
			start(&p, MPPE_128, stateless);
			pass(&p, 10);
			mppe_tick_full();
			before = work();
			for (unsigned int i = 0; i < N; i++) {
				forge(pkt, (uint16_t)(p.rx.count + ahead), true);
				receive(&p, pkt);
				/* Stateful: a search through what is kept, with each. */
				assert_in_range(work() - before, 0,
					2 * MPPE_BUDGET + i * (stateless ? 0 : 6));
			}
		}
	/* The session's owner: as far ahead as is allowed, again and again. */
	start(&p, MPPE_128, true);
	mppe_tick_full();
	before = work();
	for (unsigned int i = 0; i < N; i++) {
		send_packet(&p, pkt);
		receive(&p, pkt);
		lose(&p, 254);
	}
	pace_ms = 100;
	/* Its sender's work is in it. */
	assert_in_range(work() - before - N * 255ull, 0, N * 4 + 2 * MPPE_BUDGET);
}

/* T4: a hostile session's counts cost a session in the same bursts, which loses packets,
 * nothing. */
static void
test_budgets_are_not_shared(void **state)
{
	enum { BURSTS = 2000, HOSTILE = 20, EACH = 5, JOBS = HOSTILE * EACH + 1 };
	static struct pair hostile[HOSTILE];
	static uint8_t pkts[JOBS][BODY];
	unsigned int lost = 0, far = 0;
	struct pair victim;

	(void)state;
	seed = 3;
	start(&victim, MPPE_128, true);
	for (unsigned int h = 0; h < HOSTILE; h++)
		start(&hostile[h], MPPE_128, true);
	mppe_tick_full();
	for (unsigned int b = 0; b < BURSTS; b++) {
		struct mppe_job jobs[JOBS];

		for (unsigned int k = 0; k < JOBS - 1; k++) {
			struct pair *p = &hostile[k % HOSTILE];

			forge(pkts[k], (uint16_t)(p->rx.count + 200 + draw(55)), true);
			jobs[k] = (struct mppe_job){.rx = &p->rx, .data = pkts[k], .len = BODY};
		}
		if (draw(8) == 0)
			lose(&victim, 1 + draw(MPPE_NEAR - 1));
		if (b % 400 == 399) { /* as much as the other places are for */
			lose(&victim, 200);
			far++;
		}
		send_packet(&victim, pkts[JOBS - 1]);
		jobs[JOBS - 1] = (struct mppe_job){
			.rx = &victim.rx, .data = pkts[JOBS - 1], .len = BODY, .user = &victim};
		mppe_tick(++clock_ms);
		mppe_decrypt_burst(jobs, JOBS, MAX_REKEYS);
		for (unsigned int k = 0; k < JOBS; k++)
			lost += jobs[k].user && jobs[k].status != MPPE_OK;
	}
	assert_int_equal(far, 5);
	assert_int_equal(lost, 0);
}

/* T4: when hostile sessions have the thread's half, a session that spends little has the other. */
static void
test_share_of_the_quiet(void **state)
{
	enum { HOSTILE = 17 };
	static struct pair hostile[HOSTILE];
	uint8_t pkt[BODY];
	struct pair quiet;

	(void)state;
	seed = 4;
	pace_ms = 0;
	mppe_tick_full();
	start(&quiet, MPPE_128, true);
	pass(&quiet, 1);
	for (unsigned int h = 0; h < HOSTILE; h++) {
		start(&hostile[h], MPPE_128, true);
		for (unsigned int k = 0; k < 4; k++) {
			forge(pkt, 240, true);
			receive(&hostile[h], pkt);
		}
	}
	lose(&quiet, 254);
	pass(&quiet, 2);
	pace_ms = 100;
}

/* Losses of 255 in a row are survived now and then, by the first packet. */
static void
test_honest_losses(void **state)
{
	struct pair p;

	(void)state;
	mppe_tick_full();
	start(&p, MPPE_128, true);
	pace_ms = 1;
	for (unsigned int i = 0; i < 20; i++) {
		lose(&p, 254);
		pass(&p, 200);
	}
	pace_ms = 100;
}

/* What proves nothing is delivered and moves nothing; a run of it is believed (R1: not all is
 * IP). */
static void
test_other_protocols(void **state)
{
	(void)state;
	for (int stateless = 0; stateless < 2; stateless++) {
		struct pair p;

		start(&p, MPPE_128, stateless);
		pass(&p, 5);
		for (unsigned int i = 0; i < 600; i++) {
			uint8_t pkt[BODY] = {[2] = 0x2b, [3] = (uint8_t)i};
			struct mppe_job job = {.tx = &p.tx, .data = pkt, .len = BODY};

			mppe_encrypt_burst(&job, 1);
			assert_int_equal(receive(&p, pkt), MPPE_OK);
			assert_int_equal(pkt[2], 0x2b);
			assert_int_equal(pkt[3], (uint8_t)i);
		}
		pass(&p, 300);
	}
}

/* T27: half of a header is no evidence: an IP packet longer than its frame moves nothing. */
static void
test_length_is_evidence(void **state)
{
	static const struct {
		uint8_t head[6];
		bool proves;
	} cases[] = {
		{{0x21, 0x45, 0, 0, BODY - 3}, true},
		{{0x21, 0x45, 0, 0, BODY - 2}, false},
		{{0x21, 0x45, 0, 1, 0}, false},
		{{0x00, 0x21, 0x45, 0, 0, 20}, true},
		{{0x21, 0x44, 0, 0, 20}, false},
		{{0x21, 0x65, 0, 0, 20}, false},
		{{0x57, 0x60, 0, 0, 0, 0}, true},
		{{0x57, 0x60, 0, 0, 0, 6}, false},
		{{0x2b, 0x45, 0, 0, 20}, false},
	};

	(void)state;
	for (int stateless = 0; stateless < 2; stateless++)
		for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
			uint8_t pkt[BODY] = {0};
			struct mppe_job job = {.data = pkt, .len = BODY};
			struct pair p;

			start(&p, MPPE_128, stateless);
			memcpy(pkt + MPPE_HDR_LEN, cases[k].head, sizeof(cases[k].head));
			job.tx = &p.tx;
			mppe_encrypt_burst(&job, 1);
			job.rx = &p.rx;
			assert_int_equal(mppe_decrypt_burst(&job, 1, MAX_REKEYS), 1);
			assert_int_equal(job.proven, cases[k].proves);
			assert_int_equal(p.rx.count, cases[k].proves);
		}
}

/* A stream is taken back exactly. */
static void
test_rewind(void **state)
{
	struct rc4_state a, b;
	uint8_t data[700] = {0};

	(void)state;
	rc4_init(&a, (const uint8_t *)"0123456789abcdef", 16);
	for (size_t len = 0; len < sizeof(data); len += 13) {
		b = a;
		rc4_crypt(&b, data, data, len);
		rc4_rewind(&b, len);
		assert_memory_equal(&a, &b, sizeof(a));
		rc4_crypt(&a, data, data, 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_forged_packet_moves_no_key),
		cmocka_unit_test(test_flood_beside_a_peer),
		cmocka_unit_test(test_work_is_bounded),
		cmocka_unit_test(test_budgets_are_not_shared),
		cmocka_unit_test(test_share_of_the_quiet),
		cmocka_unit_test(test_honest_losses),
		cmocka_unit_test(test_other_protocols),
		cmocka_unit_test(test_length_is_evidence),
		cmocka_unit_test(test_rewind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
