/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Run under valgrind's memcheck: all keys and payloads are marked as undefined, so that every
 * branch and every address that depends on them is reported.  What crypto/esp.c may branch on
 * (ESP_PUBLIC) is that a packet is bad, and after authentication its padding's length and its next
 * header.
 *
 *   test-crypto-esp_secret [leak]   leak: compare an ICV as one must not; has to be reported
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/esp_internal.h"

#ifndef ADIT_SECRET_CHECK
#error "without ESP_PUBLIC everything would be reported"
#endif

#define N 18 /* a full round of lanes and a few */

static struct esp_engine *engine;

static void
die(const char *what)
{
	fprintf(stderr, "test_esp_secret: %s\n", what);
	exit(1);
}

static struct esp_sa *
new_sa(const char *encryption, const char *integrity, bool inbound, bool esn)
{
	static uint8_t keys[2][SUITE_KEY_MAX];
	struct esp_sa_config c = {.encryption = suite_by_name(encryption),
		.integrity = integrity ? suite_by_name(integrity) : NULL,
		.encryption_key = keys[0],
		.integrity_key = keys[1],
		.spi = 0x1234,
		.esn = esn,
		.inbound = inbound};
	struct esp_sa *sa;

	for (unsigned int i = 0; i < SUITE_KEY_MAX; i++)
		keys[0][i] = keys[1][i] = (uint8_t)(i * 11 + 1);
	VALGRIND_MAKE_MEM_UNDEFINED(keys, sizeof(keys));
	c.encryption_key_len = c.encryption->key_len;
	c.integrity_key_len = c.integrity ? c.integrity->key_len : 0;
	sa = aligned_alloc(ESP_SA_ALIGN, esp_sa_size(engine, &c));
	if (!sa || esp_sa_init(sa, engine, &c) != ESP_SETUP_OK)
		die("an SA can't be set up");
	return sa;
}

/* Packets there and back; on the wire everything is public.  Every fourth one is spoiled. */
static void
exchange(const char *encryption, const char *integrity, bool esn)
{
	static uint8_t frames[N][512];
	struct esp_sa *out = new_sa(encryption, integrity, false, esn),
		      *in = new_sa(encryption, integrity, true, esn);
	struct esp_job jobs[N];
	unsigned int good;

	for (unsigned int i = 0; i < N; i++) {
		jobs[i] = (struct esp_job){.sa = out,
			.data = frames[i],
			.len = out->header_len + 40 + 7 * i,
			.room = ESP_TRAILER_MAX,
			.next_header = 17};
		VALGRIND_MAKE_MEM_UNDEFINED(frames[i], sizeof(frames[i]));
	}
	if (esp_encapsulate_burst(engine, jobs, N) != N)
		die("encapsulation failed");
	for (unsigned int i = 0; i < N; i++) {
		VALGRIND_MAKE_MEM_DEFINED(frames[i], sizeof(frames[i]));
		frames[i][jobs[i].len - 1] ^= i % 4 == 3;
		jobs[i].sa = in;
	}
	good = esp_decapsulate_burst(engine, jobs, N);
	if (good != N - N / 4)
		die("decapsulation failed");
	esp_sa_wipe(out);
	esp_sa_wipe(in);
	free(out);
	free(in);
}

/* Authentic packets with wrong padding of any length, one octet of it secret as all plaintext. */
static void
padding(void)
{
	static uint8_t text[300];

	for (uint32_t pad = 0; pad < 256; pad++) {
		for (uint32_t i = 0; i < pad; i++)
			text[300 - pad + i] = (uint8_t)(i + 1);
		VALGRIND_MAKE_MEM_UNDEFINED(text, sizeof(text));
		for (unsigned int wrong = 0; wrong < 2; wrong++) {
			uint64_t differs;

			if (pad > 0)
				text[300 - pad / 2 - 1] ^= (uint8_t)wrong;
			differs = esp_padding_differs(text + 300, pad);
			VALGRIND_MAKE_MEM_DEFINED(&differs, sizeof(differs));
			if ((differs != 0) != (pad > 0 && wrong))
				die("padding is misjudged");
		}
	}
}

/* The mistake that this test is there to find. */
static void
leak(void)
{
	static volatile uint8_t computed[16], received[16];
	unsigned int same = 0;

	VALGRIND_MAKE_MEM_UNDEFINED((void *)(uintptr_t)computed, sizeof(computed));
	while (same < 16 && computed[same] == received[same])
		same++;
	printf("%u\n", same == 16);
}

int
main(int argc, char **argv)
{
	static const char *const pairs[][2] = {{"aes128-gcm16", NULL}, {"aes192-gcm16", NULL},
		{"aes256-gcm16", NULL}, {"aes256-gcm12", NULL}, {"aes128-gcm8", NULL},
		{"aes128-cbc", "hmac-sha1-96"}, {"aes192-cbc", "hmac-sha2-384-192"},
		{"aes256-cbc", "hmac-sha2-256-128"}, {"aes256-cbc", "hmac-sha2-256-96"},
		{"aes128-cbc", "hmac-sha2-512-256"}, {"null", "hmac-md5-96"}};

	if (RUNNING_ON_VALGRIND == 0) {
		printf("not under valgrind\n");
		return 77;
	}
	/* Valgrind knows no AVX-512. */
	engine = esp_engine_create(ESP_ARCH_SSE);
	if (!engine) {
		printf("this CPU has not got what IPsec-MB needs\n");
		return 77;
	}
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		for (int esn = 0; esn < 2; esn++)
			exchange(pairs[i][0], pairs[i][1], esn);
	padding();
	if (argc > 1 && strcmp(argv[1], "leak") == 0)
		leak();
	esp_engine_destroy(engine);
	return 0;
}
