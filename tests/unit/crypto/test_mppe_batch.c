/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPPE in bursts against MPPE one packet after the other: whatever a network does to the packets of
 * many sessions, every status, every octet and every session's state must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "crypto/mppe_chain.h"
#include "crypto/sha1.h"

#define SESSIONS 12
#define BURST    200
#define ROOM     1504

struct world {
	struct mppe_tx tx[SESSIONS], tx_in_turn[SESSIONS];
	struct mppe_rx rx[SESSIONS], rx_in_turn[SESSIONS];
	unsigned int sessions;
	unsigned int trouble; /* percent of packets */
};

/* A packet on its way. */
struct flight {
	unsigned int session;
	uint32_t len;
	uint8_t data[ROOM];
};

static uint32_t seed, now;
static struct world world;
static struct flight flights[BURST], copies[BURST], held[SESSIONS];
static bool is_held[SESSIONS];
static unsigned int seen[MPPE_STATUS_COUNT];

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static void
start(struct world *w, unsigned int sessions, unsigned int trouble)
{
	static const uint8_t strengths[] = {MPPE_40, MPPE_56, MPPE_128};

	memset(w, 0, sizeof(*w));
	memset(is_held, 0, sizeof(is_held));
	w->sessions = sessions;
	w->trouble = trouble;
	for (unsigned int i = 0; i < sessions; i++) {
		struct mppe_params p = {.strength = strengths[draw(3)], .stateless = draw(2) != 0};

		for (unsigned int k = 0; k < sizeof(p.start_key); k++)
			p.start_key[k] = (uint8_t)draw(256);
		assert_int_equal(mppe_tx_init(&w->tx[i], &p), 0);
		assert_int_equal(mppe_rx_init(&w->rx[i], &p), 0);
		w->tx_in_turn[i] = w->tx[i];
		w->rx_in_turn[i] = w->rx[i];
	}
}

static void
fill(struct flight *f, unsigned int session)
{
	f->session = session;
	f->len = 3 + draw(draw(8) ? 90 : ROOM - 2);
	for (uint32_t k = 0; k < f->len; k++)
		f->data[k] = (uint8_t)draw(256);
	if (draw(10) > 0) { /* mostly IP, else any protocol, and any nonsense */
		f->data[2] = draw(8) ? 0x21 : (uint8_t)draw(256);
		f->data[3 < f->len ? 3 : 2] |= 1;
		if (f->len > 6 && f->data[2] == 0x21)
			memcpy(f->data + 3, "\x45\0\0\x14", 4);
	}
}

/* An IPv4 packet. */
static void
fill_ip(struct flight *f, unsigned int session)
{
	f->session = session;
	f->len = 30 + draw(ROOM - 30);
	for (uint32_t k = 0; k < f->len; k++)
		f->data[k] = (uint8_t)draw(256);
	memcpy(f->data + 2, "\x21\x45\0\0\x14", 5);
}

static void
assert_same_tx(const struct mppe_tx *a, const struct mppe_tx *b)
{
	struct mppe_tx x = *a, y = *b;

	if (x.stateless) /* its tables are nobody's concern after the packet */
		x.rc4 = y.rc4 = (struct rc4_state){{0}, 0, 0};
	assert_memory_equal(&x, &y, sizeof(x));
}

static void
assert_same_rx(const struct mppe_rx *a, const struct mppe_rx *b)
{
	struct mppe_rx x = *a, y = *b;

	if (x.stateless)
		x.rc4 = y.rc4 = (struct rc4_state){{0}, 0, 0};
	assert_memory_equal(&x, &y, sizeof(x));
}

static void
encrypt(struct world *w, unsigned int n)
{
	struct mppe_job jobs[BURST], in_turn[BURST];

	memcpy(copies, flights, n * sizeof(flights[0]));
	for (unsigned int k = 0; k < n; k++) {
		jobs[k] = (struct mppe_job){.tx = &w->tx[flights[k].session],
			.data = flights[k].data,
			.len = flights[k].len};
		in_turn[k] = (struct mppe_job){.tx = &w->tx_in_turn[copies[k].session],
			.data = copies[k].data,
			.len = copies[k].len};
	}
	assert_int_equal(mppe_encrypt_burst(jobs, n), n);
	assert_int_equal(mppe_encrypt_in_turn(in_turn, n), n);
	for (unsigned int k = 0; k < n; k++) {
		assert_int_equal(jobs[k].status, MPPE_OK);
		assert_memory_equal(flights[k].data, copies[k].data, flights[k].len);
	}
	for (unsigned int i = 0; i < w->sessions; i++)
		assert_same_tx(&w->tx[i], &w->tx_in_turn[i]);
}

/* An outage: the sender goes on alone. */
static void
outage(struct world *w, unsigned int session, unsigned int n)
{
	while (n-- > 0) {
		uint8_t data[3] = {0};
		struct mppe_job job = {.tx = &w->tx[session], .data = data, .len = sizeof(data)};

		mppe_encrypt_burst(&job, 1);
	}
	w->tx_in_turn[session] = w->tx[session];
}

/* What the network does to a packet; false when it loses it. */
static bool
damage(struct flight *f)
{
	switch (draw(9)) {
	case 0:
		return false;
	case 1:
		f->data[draw(f->len)] ^= (uint8_t)(1u << draw(8));
		return true;
	case 2: /* the coherency count of a forger */
		f->data[0] = (uint8_t)(0x90 | draw(16));
		f->data[1] = (uint8_t)draw(256);
		return true;
	case 3: /* one step off */
		f->data[1] = (uint8_t)(f->data[1] + draw(5));
		return true;
	case 4:
		f->len = draw(4);
		return true;
	case 5:
		f->data[0] &= 0xef; /* D bit */
		return true;
	case 6:
		f->data[0] ^= 0x80; /* FLUSHED */
		return true;
	case 7: { /* swapped with the one held back, if any */
		struct flight other = held[f->session];
		bool swap = is_held[f->session];

		held[f->session] = *f;
		is_held[f->session] = true;
		*f = swap ? other : *f;
		return swap;
	}
	default: /* garbled behind the header */
		for (uint32_t k = 2; k < f->len; k++)
			f->data[k] = (uint8_t)draw(256);
		return true;
	}
}

static unsigned int
transmit(struct world *w, unsigned int n)
{
	unsigned int kept = 0;

	for (unsigned int k = 0; k < n; k++) {
		struct flight *f = &flights[kept];

		if (kept != k)
			*f = flights[k];
		kept += draw(100) >= w->trouble || damage(f);
	}
	return kept;
}

static void
decrypt(struct world *w, unsigned int n, unsigned int max_rekeys)
{
	struct mppe_job jobs[BURST], in_turn[BURST];
	unsigned int good;

	memcpy(copies, flights, n * sizeof(flights[0]));
	for (unsigned int k = 0; k < n; k++) {
		jobs[k] = (struct mppe_job){.rx = &w->rx[flights[k].session],
			.data = flights[k].data,
			.len = flights[k].len,
			.user = &flights[k]};
		in_turn[k] = (struct mppe_job){.rx = &w->rx_in_turn[copies[k].session],
			.data = copies[k].data,
			.len = copies[k].len,
			.user = &flights[k]};
	}
	mppe_tick(now += draw(20));
	mppe_tick_full();
	good = mppe_decrypt_burst(jobs, n, max_rekeys);
	mppe_tick_full();
	assert_int_equal(good, mppe_decrypt_in_turn(in_turn, n, max_rekeys));
	for (unsigned int k = 0; k < n; k++) {
		assert_int_equal(jobs[k].status, in_turn[k].status);
		assert_int_equal(jobs[k].proven, in_turn[k].proven);
		assert_ptr_equal(jobs[k].user, in_turn[k].user);
		assert_memory_equal(flights[k].data, copies[k].data, flights[k].len);
		seen[jobs[k].status]++;
	}
	for (unsigned int i = 0; i < w->sessions; i++)
		assert_same_rx(&w->rx[i], &w->rx_in_turn[i]);
	/* A reset is asked for, and answered, most of the time. */
	for (unsigned int k = good; k < n; k++)
		if (jobs[k].status == MPPE_LOST_SYNC && draw(4)) {
			unsigned int i = ((struct flight *)jobs[k].user)->session;

			mppe_tx_flush(&w->tx[i]);
			mppe_tx_flush(&w->tx_in_turn[i]);
		}
}

static void
live(struct world *w, unsigned int bursts)
{
	static const unsigned int bounds[] = {2, 17, 256};
	unsigned int max_rekeys = bounds[draw(3)];

	for (unsigned int b = 0; b < bursts; b++) {
		unsigned int n = 1 + draw(draw(3) ? BURST : 8), run = 1;

		for (unsigned int k = 0; k < n; k++) {
			/* Runs of one session now and then. */
			if (--run == 0)
				run = 1 + (draw(4) ? 0 : draw(40));
			fill(&flights[k],
				run > 1 && k > 0 ? flights[k - 1].session : draw(w->sessions));
		}
		encrypt(w, n);
		decrypt(w, transmit(w, n), max_rekeys);
		if (w->trouble > 0 && draw(20) == 0)
			outage(w, draw(w->sessions), draw(draw(2) ? 40 : 5000));
	}
}

static void
each_kernel(unsigned int sessions, unsigned int trouble, unsigned int worlds)
{
	const char *name;

	for (unsigned int i = 0; (name = rc4_kernel_name(i)) != NULL; i++) {
		assert_int_equal(rc4_select(name), 0);
		for (unsigned int k = 0; k < worlds; k++) {
			seed = 1000 * k + sessions + trouble;
			start(&world, sessions, trouble);
			live(&world, 40);
		}
	}
}

static void
test_calm(void **state)
{
	(void)state;
	memset(seen, 0, sizeof(seen));
	each_kernel(1, 0, 3);
	each_kernel(SESSIONS, 0, 3);
	/* Nonsense from a peer may end a stateful stream, nothing else may happen. */
	assert_true(seen[MPPE_OK] > 1000);
	assert_int_equal(seen[MPPE_LATE] + seen[MPPE_SHORT] + seen[MPPE_NOT_ENCRYPTED], 0);
}

/* A machine without SHA instructions, and one without SSE 4.1. */
static void
test_old_machine(void **state)
{
	(void)state;
	sha1_allow_ni(false);
	assert_string_equal(sha1_selected(), "openssl");
	memset(seen, 0, sizeof(seen));
	each_kernel(SESSIONS, 0, 1);
	each_kernel(SESSIONS, 16, 2);
	assert_true(seen[MPPE_OK] > 1000);
	sha1_allow_ni(true);
}

static void
test_trouble(void **state)
{
	(void)state;
	memset(seen, 0, sizeof(seen));
	for (unsigned int trouble = 1; trouble <= 64; trouble *= 4) {
		each_kernel(1, trouble, 4);
		each_kernel(3, trouble, 6);
		each_kernel(SESSIONS, trouble, 8);
	}
	for (unsigned int i = 0; i < MPPE_STATUS_COUNT; i++)
		assert_true(seen[i] > 50);
}

/* Bursts across two wraps of the count, with a key kept from before the first. */
static void
test_wraps(void **state)
{
	const char *name;

	(void)state;
	for (unsigned int i = 0; (name = rc4_kernel_name(i)) != NULL; i++) {
		assert_int_equal(rc4_select(name), 0);
		for (unsigned int k = 0; k < 4; k++) {
			unsigned int passed = 0;

			seed = k;
			start(&world, 3, 0);
			for (unsigned int s = 0; s < 3; s++)
				outage(&world, s, 1);
			while (passed < 3 * (2 * MPPE_COUNT_MOD + 300)) {
				unsigned int n = 2 + draw(60);

				for (unsigned int f = 0; f < n; f++)
					fill_ip(&flights[f], passed++ % 3);
				encrypt(&world, n);
				decrypt(&world, n, 256);
			}
			for (unsigned int s = 0; s < 3; s++)
				assert_true(!world.rx[s].stateless || world.rx[s].near.known == 0);
		}
	}
}

/* T4: a session whose packets must be looked at one by one doesn't keep the others from their
 * batch: their order and results stand. */
static void
test_one_hostile(void **state)
{
	enum { N = 96 };
	struct mppe_job jobs[N];

	(void)state;
	assert_int_equal(rc4_select("auto"), 0);
	seed = 9;
	start(&world, SESSIONS, 0);
	for (unsigned int k = 0; k < N; k++)
		fill_ip(&flights[k], k % SESSIONS);
	encrypt(&world, N);
	for (unsigned int k = 0; k < N; k++) {
		if (k % SESSIONS == 5) { /* far ahead, each elsewhere */
			flights[k].data[0] = 0x90;
			flights[k].data[1] = (uint8_t)(k * 37);
		}
		jobs[k] = (struct mppe_job){.rx = &world.rx[k % SESSIONS],
			.data = flights[k].data,
			.len = flights[k].len,
			.user = (void *)(uintptr_t)(k % SESSIONS)};
	}
	mppe_decrypt_burst(jobs, N, 8);
	for (unsigned int k = 0; k < N; k++)
		if ((uintptr_t)jobs[k].user != 5)
			assert_true(jobs[k].status == MPPE_OK || jobs[k].status == MPPE_LOST_SYNC ||
				    jobs[k].status == MPPE_AWAIT_RESET);
	for (unsigned int i = 0; i < SESSIONS; i++)
		if (i != 5)
			assert_int_equal(world.rx[i].count, N / SESSIONS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calm),
		cmocka_unit_test(test_old_machine),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_wraps),
		cmocka_unit_test(test_one_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
