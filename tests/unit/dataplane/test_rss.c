/* SPDX-License-Identifier: BSD-3-Clause */
/* Which worker owns a session: what main computes against the hash, key and table of a device.
 * net_null has a redirection table and a key; net_ring has neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include "bench.h"
#include "dataplane/config.h"

#define QUEUES    4
#define N_WORKERS 3

/* Packets by their addresses alone, from the specification of receive-side scaling ("Verifying the
 * RSS Hash Calculation", Microsoft): source, destination, hash. */
static const struct {
	uint32_t peer, server, hash;
} known[] = {
	{RTE_IPV4(66, 9, 149, 187), RTE_IPV4(161, 142, 100, 80), 0x323e8fc2},
	{RTE_IPV4(199, 92, 111, 2), RTE_IPV4(65, 69, 140, 83), 0xd718262a},
	{RTE_IPV4(24, 19, 198, 95), RTE_IPV4(12, 22, 207, 184), 0xd2d0a5de},
	{RTE_IPV4(38, 27, 205, 30), RTE_IPV4(209, 142, 163, 6), 0x82989176},
	{RTE_IPV4(153, 39, 163, 191), RTE_IPV4(202, 188, 127, 2), 0x5d1809c5},
};

/* One port on this device, its addresses the servers of the known packets. */
static void
open_device(const char *device, const char *args)
{
	assert_int_equal(rte_eal_hotplug_add("vdev", device, args), 0);
	memset(&config, 0, sizeof(config));
	config.n_ports = 1;
	struct config_port *cp = &config.ports[0];
	snprintf(cp->name, sizeof(cp->name), "wan0");
	snprintf(cp->device, sizeof(cp->device), "%s", device);
	cp->queues = QUEUES;
	cp->mtu = 1500;
	n_workers = N_WORKERS;
	for (unsigned int i = 0; i < N_WORKERS; i++)
		workers[i] = (struct worker){.index = (uint8_t)i};
	assert_int_equal(ports_open(mbufs), 0);
	assert_int_equal(ports_start(), 0);
	ports[0].ifindex = WAN_IFINDEX;
	for (unsigned int i = 0; i < RTE_DIM(known); i++) {
		const struct kernel_route local = {.ip = known[i].server,
			.depth = 32,
			.oif = WAN_IFINDEX,
			.type = KERNEL_ROUTE_LOCAL};
		route_kernel_add(&local, false);
	}
}

static int
setup(void **state)
{
	(void)state;
	return route_init(MAX_SESSIONS, rcu);
}

static int
teardown(void **state)
{
	(void)state;
	ports_close();
	route_free();
	return 0;
}

static bool
polls(unsigned int worker, uint16_t queue)
{
	for (unsigned int k = 0; k < workers[worker].n_queues; k++)
		if (workers[worker].queues[k].queue == queue)
			return true;
	return false;
}

static void
the_owner_is_where_the_device_puts_the_packet(void **state)
{
	(void)state;
	open_device("net_null0", "");
	assert_int_equal(ports[0].n_queues, QUEUES);

	/* What the device has, asked from the device. */
	struct rte_eth_dev_info info;
	assert_int_equal(rte_eth_dev_info_get(ports[0].ethdev, &info), 0);
	struct rte_eth_rss_reta_entry64 reta[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE];
	for (unsigned int i = 0; i < RTE_DIM(reta); i++)
		reta[i].mask = UINT64_MAX;
	assert_int_equal(rte_eth_dev_rss_reta_query(ports[0].ethdev, reta, info.reta_size), 0);
	uint8_t key[64] = {0};
	struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = info.hash_key_size};
	assert_int_equal(rte_eth_dev_rss_hash_conf_get(ports[0].ethdev, &conf), 0);
	assert_true(conf.rss_hf & RTE_ETH_RSS_IPV4);
	assert_int_equal(key[0], 0x6d); /* the key that the known hashes are for */
	assert_int_equal(key[39], 0xfa);

	bool used[QUEUES] = {false};
	for (unsigned int i = 0; i < info.reta_size; i++)
		used[reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE]] = true;
	for (unsigned int q = 0; q < QUEUES; q++)
		assert_true(used[q]);
	for (unsigned int i = 0; i < RTE_DIM(known); i++) {
		uint32_t at = known[i].hash % info.reta_size;
		uint16_t queue =
			reta[at / RTE_ETH_RETA_GROUP_SIZE].reta[at % RTE_ETH_RETA_GROUP_SIZE];
		uint8_t owner = worker_for_outer(
			rte_cpu_to_be_32(known[i].peer), rte_cpu_to_be_32(known[i].server));
		assert_true(owner < N_WORKERS);
		assert_true(polls(owner, queue));
	}
}

static void
without_a_hash_sessions_are_shared_by_peer(void **state)
{
	unsigned int owned[N_WORKERS] = {0};
	(void)state;
	open_device("net_ring0", "");
	for (uint32_t i = 0; i < 3000; i++)
		owned[worker_for_outer(rte_cpu_to_be_32(RTE_IPV4(10, 64, 0, 0) + i),
			rte_cpu_to_be_32(known[0].server))]++;
	for (unsigned int i = 0; i < N_WORKERS; i++)
		assert_in_range(owned[i], 800, 1200);
}

static void
every_queue_is_polled_and_every_worker_can_send(void **state)
{
	(void)state;
	open_device("net_null1", "");
	for (uint16_t q = 0; q < QUEUES; q++) {
		unsigned int by = 0;
		for (unsigned int i = 0; i < N_WORKERS; i++)
			by += polls(i, q);
		assert_int_equal(by, 1);
	}
	for (unsigned int i = 0; i < N_WORKERS; i++) {
		assert_int_equal(workers[i].tx_worker[0], i);
		assert_int_not_equal(workers[i].tx_queues[0], NO_TX_QUEUE);
		for (unsigned int k = 0; k < i; k++)
			assert_int_not_equal(workers[i].tx_queues[0], workers[k].tx_queues[0]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_owner_is_where_the_device_puts_the_packet, setup, teardown),
		cmocka_unit_test_setup_teardown(
			without_a_hash_sessions_are_shared_by_peer, setup, teardown),
		cmocka_unit_test_setup_teardown(
			every_queue_is_polled_and_every_worker_can_send, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
