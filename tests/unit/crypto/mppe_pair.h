/* SPDX-License-Identifier: BSD-3-Clause */
/* Two ends of one direction, with a link between them that the test decides about. */
#ifndef ADIT_TESTS_UNIT_CRYPTO_MPPE_PAIR_H
#define ADIT_TESTS_UNIT_CRYPTO_MPPE_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "crypto/mppe.h"

#define BODY       48
#define MAX_REKEYS 256

static const enum mppe_strength strengths[] = {MPPE_40, MPPE_56, MPPE_128};

/* The clock of budgets, and how far it goes with each packet received: 0 for floods. */
static uint32_t clock_ms, pace_ms = 100;

struct pair {
	struct mppe_tx tx;
	struct mppe_rx rx;
	uint32_t sent;
};

static inline void
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
static inline void
fill(uint8_t pkt[BODY], uint32_t number)
{
	memset(pkt, 0, BODY);
	pkt[2] = 0x21;
	pkt[3] = 0x45;
	memcpy(pkt + 7, &number, sizeof(number));
}

static inline uint32_t
send_packet(struct pair *p, uint8_t pkt[BODY])
{
	struct mppe_job job = {.tx = &p->tx, .data = pkt, .len = BODY};

	fill(pkt, p->sent);
	assert_int_equal(mppe_encrypt_burst(&job, 1), 1);
	return p->sent++;
}

static inline enum mppe_status
receive(struct pair *p, uint8_t pkt[BODY])
{
	struct mppe_job job = {.rx = &p->rx, .data = pkt, .len = BODY};
	unsigned int good;

	mppe_tick(clock_ms += pace_ms);
	good = mppe_decrypt_burst(&job, 1, MAX_REKEYS);

	assert_int_equal(good, job.status == MPPE_OK);
	return job.status;
}

static inline void
assert_clear(const uint8_t pkt[BODY], uint32_t number)
{
	uint8_t want[BODY];

	fill(want, number);
	assert_memory_equal(pkt + MPPE_HDR_LEN, want + MPPE_HDR_LEN, BODY - MPPE_HDR_LEN);
}

static inline uint16_t
header(const uint8_t *pkt)
{
	return (uint16_t)(pkt[0] << 8 | pkt[1]);
}

static inline void
pass(struct pair *p, unsigned int n)
{
	uint8_t pkt[BODY];

	while (n-- > 0) {
		uint32_t number = send_packet(p, pkt);

		assert_int_equal(receive(p, pkt), MPPE_OK);
		assert_clear(pkt, number);
	}
}

static inline void
lose(struct pair *p, unsigned int n)
{
	uint8_t pkt[BODY];

	while (n-- > 0)
		send_packet(p, pkt);
}

#endif
