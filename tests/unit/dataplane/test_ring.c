/* SPDX-License-Identifier: BSD-3-Clause */
/* The shared ring, counters of a hostile peer included (T21). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/api/ring.h"

#define CAPACITY 8
#define GUARD    64

struct fixture {
	uint8_t *memory;
	struct ring producer, consumer;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->memory = aligned_alloc(64, RING_BYTES(CAPACITY, 64) + GUARD);
	memset(f->memory, 0, RING_BYTES(CAPACITY, 64));
	memset(f->memory + RING_BYTES(CAPACITY, 64), 0xa5, GUARD);
	ring_attach(&f->producer, f->memory, CAPACITY, 64, true);
	ring_attach(&f->consumer, f->memory, CAPACITY, 64, false);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	for (unsigned int i = 0; i < GUARD; i++)
		assert_int_equal(f->memory[RING_BYTES(CAPACITY, 64) + i], 0xa5);
	free(f->memory);
	free(f);
	return 0;
}

static void
in_order_over_the_wrap(void **state)
{
	struct fixture *f = *state;
	/* Free-running counters wrap at 2^32. */
	atomic_store(&f->producer.shared->head, UINT32_MAX - 3);
	atomic_store(&f->producer.shared->tail, UINT32_MAX - 3);
	ring_attach(&f->producer, f->memory, CAPACITY, 64, true);
	ring_attach(&f->consumer, f->memory, CAPACITY, 64, false);
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t *p = ring_produce(&f->producer);
		assert_non_null(p);
		*p = i;
		ring_produced(&f->producer);
		const uint32_t *c = ring_consume(&f->consumer);
		assert_non_null(c);
		assert_int_equal(*c, i);
		ring_consumed(&f->consumer);
	}
	assert_null(ring_consume(&f->consumer));
}

static void
full_and_empty(void **state)
{
	struct fixture *f = *state;
	for (unsigned int i = 0; i < CAPACITY; i++) {
		assert_non_null(ring_produce(&f->producer));
		ring_produced(&f->producer);
	}
	assert_null(ring_produce(&f->producer));
	for (unsigned int i = 0; i < CAPACITY; i++) {
		assert_non_null(ring_consume(&f->consumer));
		ring_consumed(&f->consumer);
	}
	assert_null(ring_consume(&f->consumer));
}

static void
hostile_counters_stay_inside(void **state)
{
	struct fixture *f = *state;
	static const uint32_t values[] = {
		0, 1, 7, 8, 9, 0x7fffffff, 0x80000000, 0xfffffff7, UINT32_MAX};
	const uint8_t *first = f->producer.shared->elems, *end = first + CAPACITY * 64;
	for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		for (unsigned int k = 0; k < 3 * CAPACITY; k++) {
			atomic_store(&f->producer.shared->tail, values[i]);
			uint8_t *p = ring_produce(&f->producer);
			if (p) {
				assert_true(p >= first && p + 64 <= end);
				memset(p, 0xff, 64);
				ring_produced(&f->producer);
			}
			atomic_store(&f->consumer.shared->head, values[i]);
			const uint8_t *c = ring_consume(&f->consumer);
			if (c) {
				assert_true(c >= first && c + 64 <= end);
				ring_consumed(&f->consumer);
			}
		}
	}
}

#define BESIDE 20000000 /* turns of both, so that a busy machine lets them meet */

static _Atomic bool over;
static _Atomic unsigned int turns;

static void *
another_thread(void *r)
{
	while (!atomic_load(&over)) {
		ring_republish(r);
		atomic_fetch_add(&turns, 1);
	}
	return NULL;
}

/* The main lcore says again where a worker's ring stands, while the worker publishes: nothing is
 * taken back (T21). */
static void
republished_beside_its_producer(void **state)
{
	struct fixture *f = *state;
	struct ring *r = &f->producer;
	unsigned int taken_back = 0;
	pthread_t other;
	/* What a hostile control left there is corrected. */
	atomic_store(&r->shared->head, 0xdeadbeef);
	ring_republish(r);
	assert_int_equal(r->shared->head, 0);
	atomic_store(&over, false);
	assert_int_equal(pthread_create(&other, NULL, another_thread, r), 0);
	uint32_t i = 0;
	while (i < BESIDE || atomic_load(&turns) < BESIDE) {
		assert_non_null(ring_produce(r));
		ring_produced(r);
		taken_back += atomic_load(&r->shared->head) != ++i;
		atomic_store(&r->shared->tail, i);
	}
	atomic_store(&over, true);
	pthread_join(other, NULL);
	assert_int_equal(taken_back, 0);
	assert_int_equal(r->shared->head, i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order_over_the_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(full_and_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_counters_stay_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(republished_beside_its_producer, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
