/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbours whose hardware address is asked for: whose share, and who pays (T24). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_ip.h>

#include "bench.h"
#include "dataplane/neigh.h"

#define LINK (SERVER_IP & 0xffffff00)

static uint64_t now_us = 1;

static int
setup(void **state)
{
	const struct kernel_route wide = {
		.ip = 0x0a000000, .depth = 8, .oif = WAN_IFINDEX, .type = KERNEL_ROUTE_UNICAST};
	(void)state;
	n_workers = 1;
	if (segment_create(1, MAX_SESSIONS, MAX_SAS) != 0)
		return -1;
	bench_tables();
	route_kernel_add(&wide, false);
	workers[0].from_main = rte_ring_create("from", 1024, SOCKET_ID_ANY, 0);
	return 0;
}

static int
teardown(void **state)
{
	void *m;
	(void)state;
	while (rte_ring_dequeue(workers[0].from_main, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(workers[0].from_main);
	bench_tables_free();
	segment_free();
	assert_int_equal(rte_mempool_avail_count(mbufs), mbufs->size);
	return 0;
}

/* As a worker hands it over.  True: it waits, and nobody had to give way. */
static bool
ask(uint32_t src, uint32_t dst, uint8_t flags)
{
	uint64_t before = segment->main_drops[DROP_ip_neighbour];
	struct rte_mbuf *m = rte_pktmbuf_alloc(mbufs);
	struct rte_ipv4_hdr ip = {.version_ihl = 0x45,
		.src_addr = rte_cpu_to_be_32(src),
		.dst_addr = rte_cpu_to_be_32(dst)};
	assert_non_null(m);
	memset(pkt_meta(m), 0, sizeof(struct pkt_meta));
	pkt_meta(m)->flags = flags;
	memcpy(rte_pktmbuf_append(m, sizeof(ip)), &ip, sizeof(ip));
	route_glean(m);
	return segment->main_drops[DROP_ip_neighbour] == before;
}

static bool
client(unsigned int i, uint32_t dst)
{
	return ask(0x0a630000 + i, dst, PKT_INSIDE);
}

static bool
waits(uint32_t dst)
{
	const struct neighbour *n = neigh_at(neigh_find(0, dst));
	return n && n->n_held > 0;
}

static unsigned int
n_waiting(void)
{
	unsigned int n = 0;
	for (uint32_t i = neigh_next(0); i; i = neigh_next(i))
		n += neigh_at(i)->n_held > 0;
	return n;
}

/* What waits for dst goes out as soon as the kernel knows. */
static void
resolves(uint32_t dst)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	unsigned int before = rte_ring_count(workers[0].from_main);
	assert_true(waits(dst));
	route_neighbour(WAN_IFINDEX, dst, mac, false);
	assert_int_equal(rte_ring_count(workers[0].from_main), before + 1);
}

static void
a_scan_is_one_clients_share(void **state)
{
	unsigned int waiting = 0;
	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		waiting += client(1, 0x0a000000 + i);
	assert_int_equal(waiting, NEIGH_ASKER_SHARE);
	assert_true(client(2, LINK + 7));
	resolves(LINK + 7);
	/* What has been answered, or has had its time, counts no more. */
	route_tick(now_us += 1);
	assert_false(client(1, 0x0a010000));
	for (unsigned int k = 0; k < 2; k++)
		route_tick(clock_us(rte_rdtsc()) + 10000000);
	assert_true(client(1, 0x0a010000));
}

/* Twenty of them take all there is for clients; who comes then with less gets in, and who has most
 * pays. */
static void
many_scans_leave_room_for_who_has_less(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		for (unsigned int c = 1; c <= 20; c++)
			client(c, 0x0a000000 + c * 65536 + i);
	assert_int_equal(n_waiting(), 128);
	for (unsigned int c = 30; c < 35; c++) {
		client(c, LINK + c);
		for (uint32_t i = 0; i < 100; i++)
			for (unsigned int k = 1; k <= 20; k++)
				client(k, 0x0b000000 - 1 - k * 65536 - i);
		resolves(LINK + c);
	}
}

/* Hosts on the LAN can invent sources; that part is theirs alone. */
static void
forged_sources_leave_clients_and_ourselves_theirs(void **state)
{
	unsigned int waiting = 0;
	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		waiting += ask(0x0c000000 + i, 0x0a000000 + i, 0);
	assert_in_range(waiting, 16, 128);
	assert_true(client(2, LINK + 7));
	resolves(LINK + 7);
	assert_true(ask(SERVER_IP, LINK + 8, 0)); /* a tunnel's packet */
	resolves(LINK + 8);
	assert_true(ask(0x0a630001, LINK + 9, PKT_LOCAL)); /* our ICMP */
	resolves(LINK + 9);
}

static void
next_hops_of_routes_are_everybodys(void **state)
{
	const struct kernel_route def = {
		.gateway = PEER_IP, .oif = WAN_IFINDEX, .type = KERNEL_ROUTE_UNICAST};
	(void)state;
	route_kernel_add(&def, false);
	for (uint32_t i = 0; i < 100; i++) {
		for (unsigned int c = 1; c <= 20; c++)
			client(c, 0x0a000000 + c * 65536 + i);
		ask(0x0c000000 + i, 0x0a200000 + i, 0);
		ask(SERVER_IP, 0x0a210000 + i, 0);
	}
	assert_true(client(1, 0x08080808)); /* whose own share is used up */
	resolves(PEER_IP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_scan_is_one_clients_share, setup, teardown),
		cmocka_unit_test_setup_teardown(
			many_scans_leave_room_for_who_has_less, setup, teardown),
		cmocka_unit_test_setup_teardown(
			forged_sources_leave_clients_and_ourselves_theirs, setup, teardown),
		cmocka_unit_test_setup_teardown(
			next_hops_of_routes_are_everybodys, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
