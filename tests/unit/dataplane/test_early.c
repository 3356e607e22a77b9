/* SPDX-License-Identifier: BSD-3-Clause */
/* ESP that comes before its pair of SAs, through the real graph: whose may wait (D4, T24). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/api/command.h"

#include "graph.h"

#define SPI sa_handle(3, 7)

static void
esp(uint32_t source, uint32_t spi, bool in_udp)
{
	uint16_t head = in_udp ? 8 : 0;
	struct rte_ipv4_hdr *ip = ipv4_on(
		0, source, SERVER_IP, in_udp ? IPPROTO_UDP : IPPROTO_ESP, (uint16_t)(head + 48));
	uint8_t *l4 = (uint8_t *)(ip + 1);
	rte_be32_t spi_be = rte_cpu_to_be_32(spi);
	if (in_udp) {
		l4[2] = 4500 >> 8;
		l4[3] = 4500 & 0xff;
		l4[5] = (uint8_t)(head + 48);
	}
	memcpy(l4 + head, &spi_be, sizeof(spi_be));
	walk();
}

static uint64_t
unknown(void)
{
	return worker_counters.drops[DROP_esp_unknown_spi];
}

/* Past the wait, by way of worker_rx. */
static uint64_t
held(void)
{
	uint64_t before = unknown();
	workers[0].now_us += 600000;
	for (unsigned int i = 0; i < 20; i++) {
		walk();
		workers[0].now_us += 2000;
	}
	return unknown() - before;
}

static void
only_for_reserved_spis_of_the_peer(void **state)
{
	(void)state;
	assert_int_equal(sa_reserve(SPI, rte_cpu_to_be_32(PEER_IP)), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		esp(0xcb007100 + i % 4, sa_handle(4, 9), i % 2);    /* free, and nobody's */
		esp(0xcb007100 + i % 4, SPI, i % 2);                /* guessed */
		esp(PEER_IP, sa_handle(3, 6 + 2 * (i % 2)), i % 2); /* of another generation */
	}
	assert_int_equal(unknown(), 3000);
	assert_int_equal(held(), 0);
	/* The peer's wait, in the room that is there. */
	esp(PEER_IP, SPI, false);
	esp(PEER_IP, SPI, true);
	assert_int_equal(unknown(), 3000);
	assert_int_equal(held(), 2);
	sa_release(sa_handle(3, 6));
	esp(PEER_IP, SPI, false);
	assert_int_equal(held(), 1);
	sa_release(SPI);
	uint64_t before = unknown();
	esp(PEER_IP, SPI, false);
	assert_int_equal(unknown(), before + 1);
}

/* Who asks IKE for many SPIs has his address's share. */
static void
one_address_leaves_room(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(sa_reserve(sa_handle(i, 1), rte_cpu_to_be_32(PEER_IP)), 0);
	assert_int_equal(sa_reserve(SPI, rte_cpu_to_be_32(PEER_IP + 1)), 0);
	for (uint32_t i = 0; i < 1000; i++)
		esp(PEER_IP, sa_handle(i % 3, 1), false);
	assert_int_equal(unknown(), 1000 - 64);
	esp(PEER_IP + 1, SPI, false);
	assert_int_equal(unknown(), 1000 - 64);
	assert_int_equal(held(), 65);
}

static void
an_spi_is_reserved_while_its_slot_is_free(void **state)
{
	const struct command_sa_add add = bench_sa_add();
	struct sa_counters counters;
	(void)state;
	assert_int_equal(sa_reserve(0, 1), -EINVAL);
	assert_int_equal(sa_reserve(sa_handle(MAX_SAS, 1), 1), -EINVAL);
	assert_int_equal(sa_reserve(SPI, rte_cpu_to_be_32(PEER_IP)), 0);
	assert_int_equal(sa_add(SPI, &add, 0, &counters), 0);
	assert_int_equal(sa_reserve(sa_handle(3, 8), rte_cpu_to_be_32(PEER_IP)), -EBUSY);
	sa_remove(sa_by_handle(SPI), 0);
	esp(PEER_IP, SPI, false); /* late, not early */
	assert_int_equal(unknown(), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, graph_setup, graph_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_for_reserved_spis_of_the_peer),
		TEST(one_address_leaves_room),
		TEST(an_spi_is_reserved_while_its_slot_is_free),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
