/* SPDX-License-Identifier: BSD-3-Clause */
/* GCM keys by instruction set: each library's layout takes as much memory as it uses, and no octet
 * behind it is read or written: a page that can't be touched follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "crypto/esp_internal.h"

#define PAGE    4096
#define LEN_MAX 2000

static const char *const names[] = {"aes128-gcm16", "aes192-gcm16", "aes256-gcm16"};
static uint8_t key[SUITE_KEY_MAX], text[LEN_MAX];
static uint8_t wire[LEN_MAX + ESP_HEADER_MAX + ESP_TRAILER_MAX], first[sizeof(wire)];

struct guarded {
	uint8_t *pages;
	struct esp_sa *sa;
};

/* The SA ends where the second page begins. */
static void
make(struct guarded *g, const struct esp_engine *e, unsigned int suite, bool inbound)
{
	const struct suite *of = suite_by_name(names[suite]);
	struct esp_sa_config c = {.encryption = of,
		.encryption_key = key,
		.encryption_key_len = of->key_len,
		.spi = 4711,
		.inbound = inbound};
	size_t size = esp_sa_size(e, &c);

	g->pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(g->pages != MAP_FAILED);
	assert_int_equal(mprotect(g->pages + PAGE, PAGE, PROT_NONE), 0);
	g->sa = (void *)(g->pages + PAGE - size);
	assert_int_equal(esp_sa_init(g->sa, e, &c), ESP_SETUP_OK);
	assert_int_equal(g->sa->size, size);
}

static void
unmake(struct guarded *g)
{
	esp_sa_wipe(g->sa);
	munmap(g->pages, 2 * PAGE);
}

static uint32_t
round_trip(struct esp_engine *e, unsigned int suite, uint32_t len)
{
	struct guarded out, in;
	uint32_t sent;

	make(&out, e, suite, false);
	make(&in, e, suite, true);
	struct esp_job job = {.sa = out.sa,
		.data = wire,
		.len = out.sa->header_len + len,
		.room = ESP_TRAILER_MAX,
		.next_header = 17};

	memcpy(wire + out.sa->header_len, text, len);
	assert_int_equal(esp_encapsulate_burst(e, &job, 1), 1);
	sent = job.len;
	uint8_t copy[sizeof(wire)];

	memcpy(copy, wire, sent);
	job.sa = in.sa;
	assert_int_equal(esp_decapsulate_burst(e, &job, 1), 1);
	assert_int_equal(job.len, len);
	assert_memory_equal(job.data, text, len);
	memcpy(wire, copy, sent);
	unmake(&out);
	unmake(&in);
	return sent;
}

static struct esp_engine *engines[ESP_ARCH_NO_SHA + 1];

/* All engines make the same packet. */
static void
try_length(unsigned int suite, uint32_t len)
{
	bool have = false;

	for (enum esp_arch arch = ESP_ARCH_SSE; arch <= ESP_ARCH_NO_SHA; arch++) {
		uint32_t sent;

		if (!engines[arch])
			continue;
		sent = round_trip(engines[arch], suite, len);
		if (have)
			assert_memory_equal(wire, first, sent);
		memcpy(first, wire, sent);
		have = true;
	}
	assert_true(have);
}

static void
test_layouts(void **state)
{
	/* IPsec-MB 1.3. */
	static const uint16_t most[] = {[ESP_ARCH_SSE] = 512,
		[ESP_ARCH_AVX] = 512,
		[ESP_ARCH_AVX2] = 384,
		[ESP_ARCH_AVX512] = 1024,
		[ESP_ARCH_NO_SHA] = 1024};

	(void)state;
	for (unsigned int k = 0; k < sizeof(text); k++)
		text[k] = (uint8_t)(k * 7);
	for (unsigned int k = 0; k < sizeof(key); k++)
		key[k] = (uint8_t)(k * 13 + 1);
	for (enum esp_arch arch = ESP_ARCH_SSE; arch <= ESP_ARCH_NO_SHA; arch++) {
		engines[arch] = esp_engine_create(arch);
		if (!engines[arch])
			continue;
		printf("%s: %u octets\n", esp_engine_kernel(engines[arch]),
			engines[arch]->gcm_keys_size);
		assert_in_range(engines[arch]->gcm_keys_size, 368, most[arch]);
	}
	for (unsigned int suite = 0; suite < 3; suite++)
		for (uint32_t len = 1; len <= LEN_MAX; len += len < 300 ? 7 : 131)
			try_length(suite, len);
	for (enum esp_arch arch = ESP_ARCH_SSE; arch <= ESP_ARCH_NO_SHA; arch++)
		esp_engine_destroy(engines[arch]);
}

/* Without SHA instructions there is an engine, on which all that is tested on the others is tested;
 * the library has nothing for CPUs without those of AES. */
static void
test_old_machines(void **state)
{
	struct esp_engine *e = esp_engine_create(ESP_ARCH_NO_SHA);

	(void)state;
	assert_non_null(e);
	assert_int_equal(e->wide->features & IMB_FEATURE_SHANI, 0);
	esp_engine_destroy(e);
	errno = 0;
	assert_null(esp_engine_create(ESP_ARCH_NO_AES));
	assert_int_equal(errno, ENOTSUP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old_machines),
		cmocka_unit_test(test_layouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
