/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No secret stays behind: neither in a session that was wiped, nor in the stack below the batch
 * functions, which run here on a stack that the test can search.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/mppe_chain.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#define STACK    (512 * 1024)
#define SESSIONS 20
#define LEN      200
#define PIECE    8 /* octets of a secret in a row that count as found */

static uint8_t *stack;
static struct mppe_tx tx[SESSIONS];
static struct mppe_rx rx[SESSIONS];
static uint8_t data[SESSIONS][LEN];

static void *
round_trip(void *arg)
{
	struct mppe_job jobs[SESSIONS];

	(void)arg;
	for (unsigned int k = 0; k < SESSIONS; k++)
		jobs[k] = (struct mppe_job){.tx = &tx[k], .data = data[k], .len = LEN};
	mppe_encrypt_burst(jobs, SESSIONS);
	for (unsigned int k = 0; k < SESSIONS; k++)
		jobs[k] = (struct mppe_job){.rx = &rx[k], .data = data[k], .len = LEN};
	return (void *)(uintptr_t)mppe_decrypt_burst(jobs, SESSIONS, 256);
}

static void *
leave_key(void *arg)
{
	uint8_t deep[8192]; /* the end of the thread uses the stack above */

	(void)arg;
	memcpy(deep, tx[0].session, MPPE_KEY_MAX);
	__asm__ volatile("" : : "r"(deep) : "memory");
	return NULL;
}

static uintptr_t
on_stack(void *(*run)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;
	void *ret;

	memset(stack, 0, STACK);
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstack(&attr, stack, STACK), 0);
	assert_int_equal(pthread_create(&thread, &attr, run, NULL), 0);
	assert_int_equal(pthread_join(thread, &ret), 0);
	pthread_attr_destroy(&attr);
	return (uintptr_t)ret;
}

static bool
is_on_stack(const uint8_t *secret, size_t len)
{
	for (size_t k = 0; k + PIECE <= len; k += PIECE)
		if (memmem(stack, STACK, secret + k, PIECE))
			return true;
	return false;
}

static void
start(bool stateless)
{
	for (unsigned int i = 0; i < SESSIONS; i++) {
		struct mppe_params p = {.strength = MPPE_128, .stateless = stateless};

		for (unsigned int k = 0; k < sizeof(p.start_key); k++)
			p.start_key[k] = (uint8_t)(i * 31 + k * 11 + 7);
		assert_int_equal(mppe_tx_init(&tx[i], &p), 0);
		assert_int_equal(mppe_rx_init(&rx[i], &p), 0);
		memset(data[i], 0, LEN);
		data[i][2] = 0x21;
		data[i][3] = 0x45;
	}
}

static void
check_stack(unsigned int i)
{
	uint8_t interim[MPPE_KEY_MAX], nothing[LEN] = {0};
	struct rc4_state tables;
	struct pair {
		uint8_t session[MPPE_KEY_MAX];
	} before;

	assert_false(is_on_stack(tx[i].master, MPPE_KEY_MAX));
	assert_false(is_on_stack(tx[i].session, MPPE_KEY_MAX));
	if (!tx[i].stateless) {
		assert_false(is_on_stack(tx[i].rc4.s, sizeof(tx[i].rc4.s)));
		return;
	}
	/* The key that came out of SHA-1, and the tables after the packet. */
	mppe_new_key_from_sha(tx[i].master, tx[i].master, tx[i].key_len, before.session);
	mppe_new_key_from_sha(tx[i].master, before.session, tx[i].key_len, interim);
	assert_false(is_on_stack(before.session, MPPE_KEY_MAX));
	assert_false(is_on_stack(interim, MPPE_KEY_MAX));
	rc4_init(&tables, tx[i].session, tx[i].key_len);
	rc4_crypt(&tables, nothing, nothing, LEN - MPPE_HDR_LEN);
	assert_false(is_on_stack(tables.s, sizeof(tables.s)));
}

static void
test_stack(void **state)
{
	const char *name;

	(void)state;
#ifdef SANITIZED
	skip(); /* instrumented code keeps copies of its own */
#endif
	for (unsigned int k = 0; (name = rc4_kernel_name(k)) != NULL; k++) {
		assert_int_equal(rc4_select(name), 0);
		for (int stateless = 0; stateless < 2; stateless++) {
			/* The first call of a library function leaves registers on the stack. */
			start(stateless);
			on_stack(round_trip);
			start(stateless);
			/* The test would see it. */
			on_stack(leave_key);
			assert_true(is_on_stack(tx[0].session, MPPE_KEY_MAX));
			assert_int_equal(on_stack(round_trip), SESSIONS);
			for (unsigned int i = 0; i < SESSIONS; i++)
				check_stack(i);
		}
	}
}

/* A session that lives: kept keys, another place, tables. */
static void
test_session(void **state)
{
	static const uint8_t zero[sizeof(struct mppe_rx)];

	(void)state;
	start(true);
	for (unsigned int i = 0; i < MPPE_NEAR + 40; i++) {
		struct mppe_job job = {.tx = &tx[0], .data = data[0], .len = LEN};

		memset(data[0], 0, LEN);
		memcpy(data[0] + MPPE_HDR_LEN, "\x21\x45", 2);
		mppe_encrypt_burst(&job, 1);
		job.rx = &rx[0];
		if (i + 1 == MPPE_NEAR || i + 1 == MPPE_NEAR + 40)
			assert_int_equal(mppe_decrypt_burst(&job, 1, 256), 1);
	}
	assert_int_equal(rx[0].near.known, 0x7fff);
	assert_int_equal(rx[0].other, MPPE_OTHER_STRONG);
	mppe_tx_wipe(&tx[0]);
	mppe_rx_wipe(&rx[0]);
	assert_memory_equal(&tx[0], zero, sizeof(tx[0]));
	assert_memory_equal(&rx[0], zero, sizeof(rx[0]));
}

static int
set_up(void **state)
{
	(void)state;
	stack = aligned_alloc(4096, STACK);
	return stack ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	free(stack);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_session),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
