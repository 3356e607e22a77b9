/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPPE decapsulation under hostile packets, and beside honest traffic, of several sessions in both
 * modes; bursts must give what the same packets give one by one.
 * Input: one octet of modes, then records of an operation and its session, two octets (a header, or
 * a number) and, for hostile packets, a length octet and that much body.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/mppe_chain.h"

#define BURST    24
#define SESSIONS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum op { OP_HONEST, OP_LOSE, OP_HOSTILE, OP_FLUSH, OP_FLIP, OPS };

struct world {
	struct mppe_tx tx[SESSIONS];
	struct mppe_rx rx[SESSIONS], in_turn[SESSIONS];
	unsigned int at; /* session of the operation at hand */
	unsigned int max_rekeys;
	uint32_t now_ms;
	struct mppe_job jobs[BURST];
	unsigned int n;
	unsigned int work_left; /* lost and huge packets, in packets: keeps runs short */
};

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* Copies of the queued packets, decrypted one by one. */
static void
deliver_in_turn(struct world *w, struct mppe_job jobs[BURST])
{
	for (unsigned int i = 0; i < w->n; i++) {
		jobs[i] = w->jobs[i];
		jobs[i].rx = &w->in_turn[w->jobs[i].rx - w->rx];
		jobs[i].data = malloc(jobs[i].len ? jobs[i].len : 1);
		check(jobs[i].data != NULL);
		memcpy(jobs[i].data, w->jobs[i].data, jobs[i].len);
	}
	mppe_decrypt_in_turn(jobs, w->n, w->max_rekeys);
}

static void
check_sessions(const struct world *w)
{
	for (unsigned int i = 0; i < SESSIONS; i++) {
		check(w->rx[i].count < MPPE_COUNT_MOD);
		check(memcmp(&w->rx[i], &w->in_turn[i], sizeof(w->rx[i])) == 0);
	}
}

/* The batch contract, whatever came in. */
static void
deliver(struct world *w)
{
	struct mppe_job in_turn[BURST];
	unsigned int seen = 0, good;

	for (unsigned int i = 0; i < w->n; i++)
		w->jobs[i].user = (void *)(uintptr_t)i;
	mppe_tick(w->now_ms += 50);
	mppe_tick_full();
	deliver_in_turn(w, in_turn);
	mppe_tick_full();
	good = mppe_decrypt_burst(w->jobs, w->n, w->max_rekeys);
	check(good <= w->n);
	for (unsigned int i = 0; i < w->n; i++) {
		check(w->jobs[i].status < MPPE_STATUS_COUNT);
		check((w->jobs[i].status == MPPE_OK) == (i < good));
		check(i == 0 || i >= good || w->jobs[i].user > w->jobs[i - 1].user);
		check(w->jobs[i].status == in_turn[i].status);
		check(w->jobs[i].proven == in_turn[i].proven);
		check(!w->jobs[i].proven || i < good);
		check(w->jobs[i].user == in_turn[i].user);
		check(memcmp(w->jobs[i].data, in_turn[i].data, in_turn[i].len) == 0);
		seen |= 1u << (uintptr_t)w->jobs[i].user;
		free(w->jobs[i].data);
		free(in_turn[i].data);
	}
	check(seen == (1u << w->n) - 1);
	check_sessions(w);
	w->n = 0;
}

/* Exactly len octets, so that a read beyond them is noticed. */
static uint8_t *
queue(struct world *w, size_t len)
{
	uint8_t *p;

	if (w->n == BURST)
		deliver(w);
	p = malloc(len ? len : 1);
	check(p != NULL);
	w->jobs[w->n++] = (struct mppe_job){.rx = &w->rx[w->at], .data = p, .len = (uint32_t)len};
	return p;
}

static void
honest(struct world *w, bool lost, uint8_t flip)
{
	uint8_t pkt[24] = {0, 0, 0x21, 0x45};
	struct mppe_job job = {.tx = &w->tx[w->at], .data = pkt, .len = sizeof(pkt)};

	check(mppe_encrypt_burst(&job, 1) == 1);
	pkt[flip % sizeof(pkt)] ^= flip;
	if (!lost)
		memcpy(queue(w, sizeof(pkt)), pkt, sizeof(pkt));
}

/* A hostile packet: a header and up to 255 octets, or one of the greatest length. */
static size_t
hostile(struct world *w, const uint8_t header[2], const uint8_t *rest, size_t size)
{
	size_t len = size > 0 ? rest[0] : 0;
	uint8_t *p;

	if (len == 255 && w->work_left >= 256) {
		w->work_left -= 256;
		p = queue(w, 65535);
		memset(p, header[1], 65535);
		memcpy(p, header, 2);
		return 1;
	}
	if (len > size - (size > 0))
		len = size - (size > 0);
	if (len < 2) { /* shorter than a header */
		p = queue(w, len);
		memcpy(p, header, len);
		return size > 0;
	}
	p = queue(w, len + 2);
	memcpy(p, header, 2);
	memcpy(p + 2, rest + 1, len);
	return 1 + len;
}

static void
run(struct world *w, const uint8_t *data, size_t size)
{
	while (size >= 3) {
		const uint8_t *arg = data + 1;
		size_t used = 3;

		w->at = data[0] / OPS % SESSIONS;
		switch (data[0] % OPS) {
		case OP_HONEST:
			honest(w, false, 0);
			used = 1;
			break;
		case OP_LOSE:
			for (unsigned int n = arg[0] << 8 | arg[1]; n > 0 && w->work_left > 0;
				n--) {
				honest(w, true, 0);
				w->work_left--;
			}
			break;
		case OP_HOSTILE:
			used += hostile(w, arg, data + 3, size - 3);
			break;
		case OP_FLUSH:
			deliver(w);
			mppe_tx_flush(&w->tx[w->at]);
			used = 1;
			break;
		case OP_FLIP:
			honest(w, false, arg[0]);
			break;
		}
		data += used;
		size -= used;
	}
	deliver(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t strengths[] = {MPPE_40, MPPE_56, MPPE_128};
	static const uint16_t bounds[] = {2, 17, 64, 256};
	struct mppe_params params = {.start_key = "sixteen octets.."};
	struct world w;

	if (size < 1 || size > 256)
		return 0;
	memset(&w, 0, sizeof(w));
	w.work_left = data[0] & 0x08 ? 4200 : 300;
	w.max_rekeys = bounds[data[0] >> 6];
	for (unsigned int i = 0; i < SESSIONS; i++) {
		params.start_key[0] = (uint8_t)('s' + i);
		params.stateless = (data[0] + i) & 1;
		params.strength = strengths[((data[0] >> 1) + i) % 3];
		check(mppe_tx_init(&w.tx[i], &params) == 0);
		check(mppe_rx_init(&w.rx[i], &params) == 0);
		w.in_turn[i] = w.rx[i];
	}
	run(&w, data + 1, size - 1);
	return 0;
}
