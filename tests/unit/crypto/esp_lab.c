/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/crypto/esp_lab.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct esp_engine *lab_engine;

static int
run_on(enum esp_arch arch, int (*group)(void))
{
	int failed;

	lab_engine = esp_engine_create(arch);
	if (!lab_engine) {
		printf("arch %d: this CPU has not got it\n", arch);
		return arch == ESP_ARCH_AUTO || errno != ENOTSUP;
	}
	printf("arch %d: %s\n", arch, esp_engine_kernel(lab_engine));
	failed = group();
	esp_engine_destroy(lab_engine);
	return failed;
}

int
lab_on_each_arch(int (*group)(void))
{
	int failed = 0;

	reference_init();
	for (int arch = ESP_ARCH_AUTO; arch <= ESP_ARCH_NO_SHA; arch++)
		failed += run_on(arch, group);
	reference_fini();
	return failed;
}

uint64_t
lab_random(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15u;

	x ^= x << 13, x ^= x >> 7, x ^= x << 17;
	return x * 0x2545f4914f6cdd1du;
}

void
lab_fill(void *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)p)[i] = (uint8_t)(lab_random() >> 40);
}

void
lab_config(struct lab_sa *l, const struct suite *encryption, const struct suite *integrity)
{
	memset(l, 0, sizeof(*l));
	lab_fill(&l->keys, sizeof(l->keys));
	l->config = (struct esp_sa_config){.encryption = encryption,
		.integrity = integrity,
		.encryption_key = l->keys.encryption,
		.encryption_key_len = encryption->key_len,
		.integrity_key = l->keys.integrity,
		.integrity_key_len = integrity ? integrity->key_len : 0,
		.spi = 0x1000 + (uint32_t)(lab_random() >> 33),
		.inbound = true};
}

void
lab_start(struct lab_sa *l)
{
	struct esp_sa_config out = l->config;

	out.inbound = false;
	l->in = aligned_alloc(ESP_SA_ALIGN, esp_sa_size(lab_engine, &l->config));
	l->out = aligned_alloc(ESP_SA_ALIGN, esp_sa_size(lab_engine, &out));
	assert_non_null(l->in);
	assert_non_null(l->out);
	assert_int_equal(esp_sa_init(l->in, lab_engine, &l->config), ESP_SETUP_OK);
	assert_int_equal(esp_sa_init(l->out, lab_engine, &out), ESP_SETUP_OK);
}

void
lab_new(struct lab_sa *l, unsigned int pair)
{
	const struct suite *encryption, *integrity;

	assert_true(reference_pair(pair, &encryption, &integrity));
	lab_config(l, encryption, integrity);
	lab_start(l);
}

void
lab_new_by_name(struct lab_sa *l, const char *encryption, const char *integrity)
{
	assert_non_null(suite_by_name(encryption));
	lab_config(l, suite_by_name(encryption), integrity ? suite_by_name(integrity) : NULL);
	lab_start(l);
}

void
lab_end(struct lab_sa *l)
{
	esp_sa_wipe(l->in);
	esp_sa_wipe(l->out);
	free(l->in);
	free(l->out);
}

void
lab_sealed(struct esp_job *job, struct lab_sa *l, uint64_t seq, const uint8_t *payload,
	uint32_t len, uint8_t next_header)
{
	const struct suite *s = l->config.encryption;
	uint32_t align = s->block_len < 4 ? 4 : s->block_len;
	static uint8_t packet[70000];
	uint8_t iv[16];

	lab_fill(iv, sizeof(iv));
	memset(job, 0, sizeof(*job));
	job->sa = l->in;
	job->len = reference_seal(&l->config, seq, iv, payload, len, -(len + 2) & (align - 1),
		next_header, NULL, packet);
	job->user = malloc(job->len);
	job->data = job->user;
	memcpy(job->data, packet, job->len);
}

void
lab_clear(struct esp_job *job, struct lab_sa *l, const uint8_t *payload, uint32_t len,
	uint8_t next_header)
{
	memset(job, 0, sizeof(*job));
	job->sa = l->out;
	job->len = l->out->header_len + len;
	job->room = ESP_TRAILER_MAX;
	job->next_header = next_header;
	job->user = malloc(job->len + job->room);
	job->data = job->user;
	memcpy(job->data + l->out->header_len, payload, len);
}

void
lab_free(struct esp_job *jobs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		free(jobs[i].user);
}

void
lab_check_sealed(const struct lab_sa *l, const struct esp_job *job, const uint8_t *text,
	uint32_t len, uint8_t next_header)
{
	static uint8_t clear[70000];
	uint32_t clear_len, pad;

	assert_true(reference_open(&l->config, job->seq, job->data, job->len, clear, &clear_len));
	assert_true(clear_len >= len + 2);
	pad = clear_len - len - 2;
	assert_memory_equal(clear, text, len);
	assert_int_equal(clear[clear_len - 1], next_header);
	assert_int_equal(clear[clear_len - 2], pad);
	assert_true(pad < job->sa->align);
	for (uint32_t i = 0; i < pad; i++)
		assert_int_equal(clear[len + i], i + 1);
	assert_int_equal(clear_len % job->sa->align, 0);
}

void
lab_both_ways(unsigned int n, struct lab_sa *(*pick)(unsigned int), uint32_t max, uint64_t base)
{
	static uint8_t payload[LAB_BATCH][65536];
	struct esp_job jobs[LAB_BATCH];
	struct lab_sa *of[LAB_BATCH];
	uint32_t len[LAB_BATCH];

	for (unsigned int i = 0; i < n; i++) {
		of[i] = pick(i);
		len[i] = (uint32_t)(lab_random() % (max + 1));
		lab_fill(payload[i], len[i]);
		lab_clear(&jobs[i], of[i], payload[i], len[i], (uint8_t)i);
	}
	assert_int_equal(esp_encapsulate_burst(lab_engine, jobs, n), n);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(jobs[i].status, ESP_OK);
		assert_ptr_equal(jobs[i].sa, of[i]->out);
		lab_check_sealed(of[i], &jobs[i], payload[i], len[i], (uint8_t)i);
	}
	lab_free(jobs, n);

	for (unsigned int i = 0; i < n; i++)
		lab_sealed(&jobs[i], of[i], base + i, payload[i], len[i], (uint8_t)i);
	assert_int_equal(esp_decapsulate_burst(lab_engine, jobs, n), n);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(jobs[i].status, ESP_OK);
		assert_int_equal(jobs[i].len, len[i]);
		assert_int_equal(jobs[i].next_header, (uint8_t)i);
		assert_memory_equal(jobs[i].data, payload[i], len[i]);
		assert_true(jobs[i].seq == base + i);
	}
	lab_free(jobs, n);
}
