/* SPDX-License-Identifier: BSD-3-Clause */
/* What we say by ICMP, and what is said to us, through the real graph: everybody has a share
 * (T24). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/api/command.h"

#include "client.h"

#define OUT_SPI 0xc0ffee00u

static void
up_ttl_1(unsigned int i)
{
	struct rte_ipv4_hdr *ip = up(i, LAN_HOST, IPPROTO_UDP, 0, 16);
	ip->time_to_live = 1;
	go(ip);
}

static void
too_big_for_client(uint32_t from, unsigned int i)
{
	struct rte_ipv4_hdr *ip = ipv4_on(1, from, INNER(i), IPPROTO_UDP, 1430);
	ip->fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	go(ip);
}

/* Errors that went to the LAN. */
static unsigned int
told(void)
{
	unsigned int n = sent_on(1);
	forget_sent();
	return n;
}

static void
a_flood_of_errors_leaves_others_theirs(void **state)
{
	uint64_t refused;
	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		up_ttl_1(0);
		forget_sent();
	}
	assert_int_equal(dropped(DROP_ip_ttl), 2000);
	assert_int_equal(refused = dropped(DROP_icmp_rate), 1950);
	for (unsigned int i = 0; i < 5; i++) {
		too_big_for_client(LAN_HOST, 1);
		up_ttl_1(1);
	}
	assert_int_equal(told(), 5);
	assert_int_equal(dropped(DROP_icmp_rate), refused);
}

/* All of as many hosts as can be invented: path MTU discovery goes on. */
static void
errors_of_all_kinds_leave_path_mtu_its_own(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		struct rte_ipv4_hdr *ip =
			ipv4_on(1, 0x0a000000 + i * 65537, INNER(0), IPPROTO_UDP, 16);
		ip->time_to_live = 1;
		go(ip);
		forget_sent();
	}
	assert_int_equal(dropped(DROP_icmp_rate), 1000);
	too_big_for_client(LAN_HOST, 1);
	assert_int_equal(told(), 1);
}

/* "Fragmentation needed" about a packet of ours with this ID or SPI. */
static void
quote(uint8_t proto, uint32_t peer, uint32_t id)
{
	struct rte_ipv4_hdr *ip = ipv4_on(0, 0xc00002fe, SERVER_IP, IPPROTO_ICMP, 8 + 20 + 8);
	uint8_t *icmp = (uint8_t *)(ip + 1), *l4 = icmp + 28;
	struct rte_ipv4_hdr quoted = {.version_ihl = 0x45,
		.total_length = RTE_BE16(1500),
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(SERVER_IP),
		.dst_addr = rte_cpu_to_be_32(peer)};
	icmp[0] = 3;
	icmp[1] = 4;
	icmp[6] = 1400 >> 8;
	icmp[7] = 1400 & 0xff;
	memcpy(icmp + 8, &quoted, sizeof(quoted));
	if (proto == IPPROTO_GRE) {
		memcpy(l4, "\x30\x01\x88\x0b", 4);
		l4[6] = (uint8_t)(id >> 8);
		l4[7] = (uint8_t)id;
	} else {
		rte_be32_t spi = rte_cpu_to_be_32(id);
		memcpy(l4, &spi, sizeof(spi));
	}
	rte_be16_t cksum = (rte_be16_t)~rte_raw_cksum(icmp, 36);
	memcpy(icmp + 2, &cksum, sizeof(cksum));
	walk();
}

static void
forged_path_mtu_leaves_honest_ones_theirs(void **state)
{
	struct command_sa_add add = bench_sa_add();
	struct command_sa_out out = {.spi = OUT_SPI, .keys = bench_keys()};
	struct sa_counters counters;
	(void)state;
	assert_int_equal(sa_add(sa_handle(1, 1), &add, 0, &counters), 0);
	assert_int_equal(sa_set_outbound(sa_by_handle(sa_handle(1, 1)), &out), 0);
	for (uint32_t i = 0; i < 3000; i++) {
		quote(IPPROTO_ESP, PEER_IP, OUT_SPI + 1 + i);
		quote(IPPROTO_ESP, PEER_IP + 1, OUT_SPI);
		quote(IPPROTO_GRE, PEER_IP, 8 + i);
	}
	assert_int_equal(given(PUNT_PMTU), 0);
	assert_int_equal(dropped(DROP_pmtu_unknown), 20);
	assert_int_equal(dropped(DROP_pmtu_rate), 9000 - 20);
	quote(IPPROTO_ESP, PEER_IP, OUT_SPI);
	quote(IPPROTO_GRE, PEER_IP, 7);
	assert_int_equal(given(PUNT_PMTU), 2);
	/* Who knows one peer's ID has that peer's share. */
	for (unsigned int i = 0; i < 1000; i++)
		quote(IPPROTO_GRE, PEER_IP, 7);
	assert_int_equal(given(PUNT_PMTU), 19);
	quote(IPPROTO_ESP, PEER_IP, OUT_SPI);
	assert_int_equal(given(PUNT_PMTU), 1);
	sa_remove(sa_by_handle(sa_handle(1, 1)), 0);
	quote(IPPROTO_ESP, PEER_IP, OUT_SPI);
	assert_int_equal(given(PUNT_PMTU), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, clients_setup, graph_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_flood_of_errors_leaves_others_theirs),
		TEST(errors_of_all_kinds_leave_path_mtu_its_own),
		TEST(forged_path_mtu_leaves_honest_ones_theirs),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
