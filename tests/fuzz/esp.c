/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ESP decapsulation under hostile packets, beside honest traffic in the same batches.
 * Input: an octet that chooses suites, then records of an operation, an octet that chooses the SA,
 * an argument octet, and for hostile packets a body as long as the argument says.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/esp_internal.h"

#define BURST 20
#define SAS   3
#define ROOM  512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum op { OP_HONEST, OP_FLIP, OP_CUT, OP_AGAIN, OP_LOSE, OP_RAW, OP_AFTER_HEADER, OP_DELIVER, OPS };

struct kept {
	uint8_t data[ROOM];
	uint32_t len;
};

struct world {
	struct esp_engine *engine;
	struct esp_sa *out[SAS], *in[SAS];
	struct kept last[SAS]; /* the last honest packet, to be sent again */
	struct esp_job jobs[BURST];
	bool honest[BURST];
	unsigned int n;
};

static const char *const pairs[][2] = {{"aes128-gcm16", NULL}, {"aes256-gcm12", NULL},
	{"aes128-cbc", "hmac-sha1-96"}, {"aes256-cbc", "hmac-sha2-256-128"},
	{"aes192-cbc", "hmac-sha2-256-96"}, {"3des-cbc", "hmac-md5-96"},
	{"des-cbc", "hmac-sha2-384-192"}, {"null", "hmac-sha2-512-256"}};
#define N_PAIRS (sizeof(pairs) / sizeof(pairs[0]))

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* An honest payload says what it is. */
static void
fill(uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(len ^ i);
}

static void
deliver(struct world *w)
{
	unsigned int good, seen = 0;
	struct esp_job before[BURST];

	for (unsigned int i = 0; i < w->n; i++)
		w->jobs[i].user = (void *)(uintptr_t)i;
	memcpy(before, w->jobs, sizeof(before));
	good = esp_decapsulate_burst(w->engine, w->jobs, w->n);
	check(good <= w->n);
	for (unsigned int i = 0; i < w->n; i++) {
		const struct esp_job *job = &w->jobs[i];
		unsigned int was = (unsigned int)(uintptr_t)job->user;
		uint8_t want[ROOM];

		check(was < w->n && !(seen & 1u << was));
		seen |= 1u << was;
		check(job->status < ESP_STATUS_COUNT && job->status != ESP_BAD_PADDING);
		check((job->status == ESP_OK) == (i < good));
		check(i == 0 || i >= good || job->user > w->jobs[i - 1].user);
		if (job->status == ESP_OK) { /* nothing but what our own sender made */
			check(w->honest[was] && job->len < ROOM && job->next_header == 17);
			fill(want, job->len);
			check(memcmp(want, job->data, job->len) == 0);
		} else if (w->honest[was]) {
			check(job->status == ESP_REPLAYED || job->status == ESP_REPLAY_OLD);
		}
		free(before[was].data);
	}
	w->n = 0;
}

/* A copy of exactly len octets, so that a read beyond them is noticed. */
static void
queue(struct world *w, unsigned int sa, const uint8_t *p, uint32_t len, bool honest)
{
	uint8_t *copy = malloc(len ? len : 1);

	check(copy != NULL);
	if (len)
		memcpy(copy, p, len);
	w->honest[w->n] = honest;
	w->jobs[w->n++] = (struct esp_job){.sa = w->in[sa], .data = copy, .len = len};
	if (w->n == BURST)
		deliver(w);
}

static void
seal(struct world *w, unsigned int sa, uint32_t len)
{
	struct kept *k = &w->last[sa];
	struct esp_job job = {.sa = w->out[sa],
		.data = k->data,
		.len = w->out[sa]->header_len + len,
		.room = ESP_TRAILER_MAX,
		.next_header = 17};

	fill(k->data + w->out[sa]->header_len, len);
	check(esp_encapsulate_burst(w->engine, &job, 1) == 1);
	k->len = job.len;
}

static void
run(struct world *w, const uint8_t *data, size_t size)
{
	while (size >= 3) {
		unsigned int sa = data[1] % SAS, arg = data[2];
		struct kept *k = &w->last[sa];
		uint8_t packet[ROOM];
		size_t body = 0;

		switch (data[0] % OPS) {
		case OP_HONEST:
			seal(w, sa, arg);
			queue(w, sa, k->data, k->len, true);
			break;
		case OP_FLIP:
			seal(w, sa, arg & 63);
			memcpy(packet, k->data, k->len);
			packet[arg % k->len] ^= (uint8_t)(1u << (arg >> 5));
			queue(w, sa, packet, k->len, false);
			break;
		case OP_CUT:
			seal(w, sa, 64);
			queue(w, sa, k->data, arg % k->len, false);
			break;
		case OP_AGAIN:
			if (k->len)
				queue(w, sa, k->data, k->len, true);
			break;
		case OP_LOSE: /* a stretch of numbers */
			w->out[sa]->seq += (uint64_t)arg << (data[1] >> 4);
			break;
		case OP_RAW:
			body = arg < size - 3 ? arg : size - 3;
			queue(w, sa, data + 3, (uint32_t)body, false);
			break;
		case OP_AFTER_HEADER: /* past the first checks: the SA's SPI and a new number */
			body = arg < size - 3 ? arg : size - 3;
			memcpy(packet, &w->in[sa]->spi, 4);
			memset(packet + 4, 0x33, 4);
			memcpy(packet + 8, data + 3, body);
			queue(w, sa, packet, 8 + (uint32_t)body, false);
			break;
		case OP_DELIVER:
			deliver(w);
			break;
		}
		data += 3 + body;
		size -= 3 + body;
	}
	deliver(w);
}

static struct esp_sa *
new_sa(const struct world *w, unsigned int pair, bool inbound, bool esn)
{
	static const uint8_t key[2 * SUITE_KEY_MAX] = "three keys that are not the same";
	struct esp_sa_config c = {.encryption = suite_by_name(pairs[pair][0]),
		.integrity = pairs[pair][1] ? suite_by_name(pairs[pair][1]) : NULL,
		.encryption_key = key,
		.integrity_key = key,
		.spi = 0x11111111u * (pair + 1),
		.esn = esn,
		.inbound = inbound};
	struct esp_sa *sa;

	c.encryption_key_len = c.encryption->key_len;
	c.integrity_key_len = c.integrity ? c.integrity->key_len : 0;
	sa = aligned_alloc(ESP_SA_ALIGN, esp_sa_size(w->engine, &c));
	check(sa && esp_sa_init(sa, w->engine, &c) == ESP_SETUP_OK);
	return sa;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct esp_engine *engine;
	struct world w = {0};

	if (size < 1 || size > 2048)
		return 0;
	if (!engine)
		engine = esp_engine_create(ESP_ARCH_AUTO);
	check(engine != NULL);
	w.engine = engine;
	for (unsigned int i = 0; i < SAS; i++) {
		w.out[i] = new_sa(&w, (data[0] + i) % N_PAIRS, false, data[0] & 0x80);
		w.in[i] = new_sa(&w, (data[0] + i) % N_PAIRS, true, data[0] & 0x80);
	}
	run(&w, data + 1, size - 1);
	for (unsigned int i = 0; i < SAS; i++) {
		esp_sa_wipe(w.out[i]);
		esp_sa_wipe(w.in[i]);
		free(w.out[i]);
		free(w.in[i]);
	}
	return 0;
}
