/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions' own addresses against a plain list; groups wait for workers before they are used
 * again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench.h"

static int
setup(void **state)
{
	(void)state;
	return host_init(MAX_SESSIONS, rcu);
}

static int
teardown(void **state)
{
	(void)state;
	host_free();
	return 0;
}

static void
corners(void **state)
{
	static const uint32_t ips[] = {0, 0xff, 0x100, 0xffff, 0x10000, 0x0a0000ff, 0xffffffff};
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(ips); i++) {
		assert_int_equal(host_lookup(ips[i]), 0);
		assert_int_equal(host_set(ips[i], 0), 0); /* what isn't there */
		assert_int_equal(host_set(ips[i], i + 1), 0);
	}
	for (unsigned int i = 0; i < RTE_DIM(ips); i++)
		assert_int_equal(host_lookup(ips[i]), i + 1);
	assert_int_equal(host_lookup(0x0a0000fe), 0);
	assert_int_equal(host_lookup(0x0a0100ff), 0);
	assert_int_equal(host_set(0xff, 77), 0);
	assert_int_equal(host_lookup(0xff), 77);
	for (unsigned int i = 0; i < RTE_DIM(ips); i++)
		assert_int_equal(host_set(ips[i], 0), 0);
	for (unsigned int i = 0; i < RTE_DIM(ips); i++)
		assert_int_equal(host_lookup(ips[i]), 0);
}

static void
like_a_list(void **state)
{
	static uint32_t ip[4096], value[4096];
	(void)state;
	srand(11);
	for (unsigned int i = 0; i < RTE_DIM(ip); i++) /* 16 networks of 1024 addresses */
		ip[i] = 0x0a000000 + ((i * 0x3f1u) % 16 << 18) + i;
	for (unsigned int n = 0; n < 200000; n++) {
		unsigned int i = (unsigned int)rand() % RTE_DIM(ip);
		value[i] = rand() % 3 ? (uint32_t)rand() % 0xffffff + 1 : 0;
		assert_int_equal(host_set(ip[i], value[i]), 0);
		i = (unsigned int)rand() % RTE_DIM(ip);
		assert_int_equal(host_lookup(ip[i]), value[i]);
		assert_int_equal(host_lookup(ip[i] ^ 0x80000000), 0);
	}
	for (unsigned int i = 0; i < RTE_DIM(ip); i++)
		assert_int_equal(host_lookup(ip[i]), value[i]);
}

/* As many addresses, each in a network of its own, as fit. */
static unsigned int
fill(uint32_t value)
{
	unsigned int n = 0;
	while (host_set(0x0a000000 + (n << 8), value + n) == 0)
		n++;
	assert_int_equal(host_set(0x0a000000 + (n << 8), 1), -ENOSPC);
	return n;
}

static void
groups_wait_for_workers(void **state)
{
	(void)state;
	rte_rcu_qsbr_thread_register(rcu, 0);
	rte_rcu_qsbr_thread_online(rcu, 0);
	unsigned int n = fill(1);
	assert_in_range(n, 1000, 1100);
	assert_int_equal(host_set(0x0a000001, 5), 0); /* a network that is there has room */
	assert_int_equal(host_set(0x0a000001, 0), 0);
	for (unsigned int i = 0; i < n; i++)
		host_set(0x0a000000 + (i << 8), 0);
	assert_int_equal(host_set(0x14000000, 9), -ENOSPC); /* a worker may look at all of them */
	rte_rcu_qsbr_quiescent(rcu, 0);
	assert_int_equal(host_set(0x14000000, 9), 0);
	assert_int_equal(host_set(0x14000000, 0), 0);
	rte_rcu_qsbr_quiescent(rcu, 0);
	assert_int_equal(fill(1000), n); /* none was lost */
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(host_lookup(0x0a000000 + (i << 8)), 1000 + i);
	rte_rcu_qsbr_thread_offline(rcu, 0);
	rte_rcu_qsbr_thread_unregister(rcu, 0);
}

static void
too_many_large_networks(void **state)
{
	unsigned int n = 0;
	(void)state;
	while (n < 65536 && host_set(n << 16, 1) == 0) {
		assert_int_equal(host_set(n << 16, 0), 0); /* pages stay */
		n++;
	}
	assert_in_range(n, 1000, 1024);
	assert_int_equal(host_set(n << 16, 1), -ENOSPC);
	assert_int_equal(host_lookup(n << 16), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(corners, setup, teardown),
		cmocka_unit_test_setup_teardown(like_a_list, setup, teardown),
		cmocka_unit_test_setup_teardown(groups_wait_for_workers, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_large_networks, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
