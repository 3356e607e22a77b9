/* SPDX-License-Identifier: BSD-3-Clause */
/* T24: what a stranger can have searched, at 100,000 sessions: how many entries are looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

#include <cmocka.h>
#include <rte_ip.h>

#define MAX_SESSIONS 100000
#define BENCH_MEMORY "640"
#include "bench.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"
#include "dataplane/index.h"
#include "dataplane/neigh.h"
#include "dataplane/pmtu.h"

#define SERVERS 2 /* of 65,535 call IDs each */
#define SAID    2000

static struct session_counters counters;

/* Whose session i is. */
static uint32_t
peer_of(uint32_t i)
{
	return 0x0a000000 + i / 10; /* ten behind each address */
}

static int
setup(void **state)
{
	(void)state;
	if (bench_worker() != 0)
		return -1;
	for (uint32_t i = 0; i < MAX_SESSIONS; i++) {
		const struct session_params p = {.server_ip = SERVER_IP + i % SERVERS,
			.peer_ip = peer_of(i),
			.call_id = (uint16_t)(1 + i / SERVERS),
			.peer_call_id = (uint16_t)(i % 10),
			.counters = &counters};
		assert_int_equal(session_add(session_handle(i, 1), &p), 0);
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	bench_worker_free();
	return 0;
}

/* "Fragmentation needed" about what session i sent to its peer, or would have, under that call. */
static enum drop_reason
say(uint32_t i, uint16_t call, uint64_t now_us)
{
	struct {
		uint8_t type, code;
		rte_be16_t cksum, unused, mtu;
		struct rte_ipv4_hdr ip;
		rte_be16_t gre[4];
	} __rte_packed icmp = {.type = 3, .code = 4, .mtu = RTE_BE16(1400)};
	struct rte_mbuf *m = rte_pktmbuf_alloc(mbufs);
	uint64_t before[DROP_COUNT];
	icmp.ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
		.total_length = RTE_BE16(1500),
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.next_proto_id = IPPROTO_GRE,
		.src_addr = rte_cpu_to_be_32(SERVER_IP + i % SERVERS),
		.dst_addr = rte_cpu_to_be_32(peer_of(i))};
	icmp.gre[0] = RTE_BE16(0x3001);
	icmp.gre[1] = RTE_BE16(0x880b);
	icmp.gre[3] = rte_cpu_to_be_16(call);
	icmp.cksum = (rte_be16_t)~rte_raw_cksum(&icmp, sizeof(icmp));
	memset(rte_pktmbuf_append(m, 34), 0, 34);
	memcpy(rte_pktmbuf_append(m, sizeof(icmp)), &icmp, sizeof(icmp));
	memcpy(before, segment->main_drops, sizeof(before));
	pmtu_take(m, now_us);
	for (enum drop_reason r = 0; r < DROP_COUNT; r++)
		if (segment->main_drops[r] != before[r])
			return r;
	return DROP_COUNT;
}

/* The owner's turn: the session that is told. */
static const struct session *
told(void)
{
	struct worker_msg *msg = NULL;
	if (rte_ring_sc_dequeue(workers[0].msgs, (void **)&msg) != 0)
		return NULL;
	const struct session *s = msg->session;
	rte_mempool_put(worker_msg_pool, msg);
	return s;
}

static void
a_path_mtu_is_found_at_once(void **state)
{
	unsigned int seed = 3;
	uint64_t now_us = 10000000, most = 0, begun = index_visits;
	(void)state;
	for (unsigned int n = 0; n < SAID; n++) {
		uint32_t i = (uint32_t)rand_r(&seed) % MAX_SESSIONS;
		uint64_t before = index_visits;
		bool true_one = n % 2;
		if (sessions.slots[i].cold.path_mtu != 0)
			continue;
		enum drop_reason r =
			say(i, (uint16_t)(true_one ? i % 10 : 10 + (uint32_t)rand_r(&seed) % 60000),
				now_us += 1000000);
		assert_int_equal(r, true_one ? DROP_pmtu_taken : DROP_pmtu_unknown);
		assert_ptr_equal(told(), true_one ? &sessions.slots[i] : NULL);
		most = RTE_MAX(most, index_visits - before);
	}
	/* About one entry a chain: a search looks at that many, however many sessions there are. */
	assert_true(index_visits - begun < 4 * SAID);
	assert_true(most < 64);
}

/* Next hops, as many as there can be: a LAN's hosts in their order. */
static void
a_neighbour_is_found_at_once(void **state)
{
	const uint32_t n = 60000;
	(void)state;
	for (uint32_t i = 0; i < n; i++)
		assert_int_not_equal(neigh_get(0, 0x0b000000 + i), 0);
	uint64_t begun = neigh_visits, most = 0;
	for (uint32_t i = 0; i < 2 * n; i++) {
		uint64_t before = neigh_visits;
		uint32_t index = neigh_find(0, 0x0b000000 + i);
		assert_int_equal(index != 0, i < n);
		most = RTE_MAX(most, neigh_visits - before);
	}
	assert_true(neigh_visits - begun < 3 * n);
	assert_true(most < 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_mtu_is_found_at_once),
		cmocka_unit_test(a_neighbour_is_found_at_once),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, setup, teardown);
	bench_eal_end();
	return rc;
}
