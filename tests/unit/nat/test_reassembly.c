/* SPDX-License-Identifier: BSD-3-Clause */
/* Reassembly (T17): whatever the order, the whole comes out or nothing; shares of sources; and
 * random fragments against a plain map of octets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <rte_ip.h>

#include "nat/reassembly.h"
#include "tests/unit/dataplane/bench.h"

#define SIZE 4000 /* of a datagram's payload */

static struct reassembly *r;
static unsigned int dropped[REASSEMBLY_TIMEOUT + 1];
static uint8_t payload[SIZE];

static void
drop(void *user, struct rte_mbuf *m, enum reassembly_end why)
{
	assert_ptr_equal(user, dropped);
	dropped[why]++;
	rte_pktmbuf_free(m);
}

static int
setup(void **state)
{
	(void)state;
	memset(dropped, 0, sizeof(dropped));
	for (unsigned int i = 0; i < SIZE; i++)
		payload[i] = (uint8_t)(i * 7 + i / 251);
	r = reassembly_create();
	return r ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	reassembly_free(r);
	assert_int_equal(rte_mempool_avail_count(mbufs), mbufs->size);
	return 0;
}

static struct rte_mbuf *
give(uint32_t src, uint16_t id, unsigned int at, unsigned int len, bool more, uint64_t now_us)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mbufs);
	struct rte_ipv4_hdr *ip =
		(struct rte_ipv4_hdr *)rte_pktmbuf_append(m, (uint16_t)(sizeof(*ip) + len));
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + len)),
		.packet_id = rte_cpu_to_be_16(id),
		.fragment_offset =
			rte_cpu_to_be_16((uint16_t)((more ? RTE_IPV4_HDR_MF_FLAG : 0) | at / 8)),
		.next_proto_id = 17,
		.src_addr = src,
		.dst_addr = 1};
	memcpy(ip + 1, payload + at % SIZE, RTE_MIN(len, SIZE - at % SIZE));
	return reassembly_take(r, m, now_us, drop, dropped);
}

static void
check_whole(struct rte_mbuf *m, unsigned int size)
{
	uint8_t copy[sizeof(struct rte_ipv4_hdr) + SIZE];
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)copy;

	assert_non_null(m);
	rte_mbuf_sanity_check(m, 1);
	assert_int_equal(m->pkt_len, sizeof(*ip) + size);
	const void *whole = rte_pktmbuf_read(m, 0, m->pkt_len, copy);
	if (whole != copy)
		memcpy(copy, whole, m->pkt_len);
	assert_int_equal(rte_be_to_cpu_16(ip->total_length), m->pkt_len);
	assert_int_equal(ip->fragment_offset, 0);
	assert_int_equal(rte_raw_cksum(ip, sizeof(*ip)), 0xffff);
	assert_memory_equal(ip + 1, payload, size);
	rte_pktmbuf_free(m);
}

static void
every_order(void **state)
{
	static const unsigned int at[5] = {0, 16, 800, 1600, 2400};
	(void)state;
	for (unsigned int order = 0; order < 24; order++) {
		unsigned int left[4] = {0, 1, 2, 3}, n = 4, code = order;
		struct rte_mbuf *m = NULL;
		for (unsigned int i = 0; i < 4; i++) {
			unsigned int pick = code % n, part = left[pick];
			code /= n;
			left[pick] = left[--n];
			assert_null(m);
			m = give(7, (uint16_t)order, at[part], at[part + 1] - at[part], part < 3,
				order);
		}
		check_whole(m, 2400);
	}
	assert_memory_equal(dropped, (unsigned int[REASSEMBLY_TIMEOUT + 1]){0}, sizeof(dropped));
}

static void
shares(void **state)
{
	(void)state;
	assert_null(give(1, 1, 0, 800, true, 0));
	for (unsigned int i = 0; i < 1000; i++) /* one source */
		assert_null(give(2, (uint16_t)i, 0, 800, true, 1 + i));
	assert_int_equal(dropped[REASSEMBLY_CROWDED], 1000 - REASSEMBLY_PER_SOURCE);
	check_whole(give(1, 1, 800, 800, false, 2000), 1600);
	/* its newest are still there, its oldest not */
	check_whole(give(2, 999, 800, 800, false, 2000), 1600);
	assert_null(give(2, 991, 800, 800, false, 2000));
	/* all others: the oldest goes */
	memset(dropped, 0, sizeof(dropped));
	for (unsigned int i = 0; i < 200; i++)
		assert_null(give(100 + i, 1, 0, 800, true, 3000 + i));
	assert_int_equal(
		dropped[REASSEMBLY_CROWDED], 200 + REASSEMBLY_PER_SOURCE - REASSEMBLY_DATAGRAMS);
	check_whole(give(299, 1, 800, 800, false, 4000), 1600);
	assert_null(give(100, 1, 800, 800, false, 4000));
}

static void
time_out(void **state)
{
	(void)state;
	assert_null(give(1, 1, 0, 800, true, 0));
	assert_null(give(1, 1, 800, 800, true, REASSEMBLY_TIMEOUT_US));
	assert_null(give(1, 1, 1600, 800, false, REASSEMBLY_TIMEOUT_US + 1));
	assert_int_equal(dropped[REASSEMBLY_TIMEOUT], 2);
}

/* Where each fragment's octets would go says what must become of the datagram. */
static void
like_a_map(void **state)
{
	(void)state;
	srand(5);
	for (unsigned int run = 0; run < 20000; run++) {
		uint8_t map[SIZE / 8 + 1] = {0};
		unsigned int have = 0, total = 0, n = 0;
		bool over = false;
		while (!over) {
			unsigned int at = (unsigned int)rand() % 6 * 16;
			unsigned int len = (1 + (unsigned int)rand() % 3) * 16;
			bool last = at > 0 && rand() % 4 == 0, clash = false, beyond = false;
			unsigned int before = 0;
			for (enum reassembly_end e = 0; e <= REASSEMBLY_TIMEOUT; e++)
				before += dropped[e];
			for (unsigned int u = at / 8; u < (at + len) / 8; u++)
				clash |= map[u];
			for (unsigned int u = (at + len) / 8; last && u < SIZE / 8; u++)
				beyond |= map[u];
			beyond |= total && (last || at + len > total);
			struct rte_mbuf *m = give(1, (uint16_t)run, at, len, !last, run);
			unsigned int after = 0;
			for (enum reassembly_end e = 0; e <= REASSEMBLY_TIMEOUT; e++)
				after += dropped[e];
			if (clash || beyond) { /* a repeated one alone, or all */
				assert_null(m);
				assert_true(
					after - before == n + 1 || (clash && after - before == 1));
				over = after - before == n + 1;
				continue;
			}
			memset(map + at / 8, 1, len / 8);
			have += len;
			n++;
			if (last)
				total = at + len;
			if (total && have == total) {
				check_whole(m, total);
				over = true;
			} else if (n > REASSEMBLY_FRAGMENTS) {
				assert_null(m);
				over = true;
			} else {
				assert_null(m);
				assert_int_equal(after, before);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_order, setup, teardown),
		cmocka_unit_test_setup_teardown(shares, setup, teardown),
		cmocka_unit_test_setup_teardown(time_out, setup, teardown),
		cmocka_unit_test_setup_teardown(like_a_map, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
