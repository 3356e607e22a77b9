/* SPDX-License-Identifier: BSD-3-Clause */
/* Floods towards the main lcore and towards control, through the real graph: what still gets by
 * (D8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/nodes/gre.h"
#include "graph.h"

#define CALL 5

static void
arp(void)
{
	rte_pktmbuf_append(frame_on(0, RTE_BE16(RTE_ETHER_TYPE_ARP)), 28);
}

static void
ping(void)
{
	ipv4(IPPROTO_ICMP, 8)[0] = 8;
}

static void
ike(uint32_t source, bool new)
{
	uint8_t *udp = ipv4(IPPROTO_UDP, 36);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)udp - 1;
	ip->src_addr = rte_cpu_to_be_32(source);
	ipv4_sum(ip);
	udp[2] = 500 >> 8;
	udp[3] = 500 & 0xff;
	udp[8 + 15] = !new; /* the responder's cookie */
}

static void
syn(void)
{
	uint8_t *tcp = ipv4(IPPROTO_TCP, 20);
	tcp[2] = 1723 >> 8;
	tcp[3] = 1723 & 0xff;
}

static void
echo(uint16_t call, uint32_t seq)
{
	static const uint8_t lcp[] = {0xff, 0x03, 0xc0, 0x21, 9, 1, 0, 8, 0, 0, 0, 0};
	struct gre_hdr *g = (struct gre_hdr *)ipv4(IPPROTO_GRE, sizeof(*g) + 4 + sizeof(lcp));
	*g = (struct gre_hdr){.flags = GRE_KEY | GRE_SEQ,
		.version = GRE_VERSION,
		.protocol = RTE_BE16(GRE_PPTP_PROTOCOL),
		.payload_len = RTE_BE16(sizeof(lcp)),
		.call_id = rte_cpu_to_be_16(call)};
	g->words[0] = rte_cpu_to_be_32(seq);
	memcpy(&g->words[1], lcp, sizeof(lcp));
}

static void
a_flood_of_one_kind_leaves_room_for_the_others(void **state)
{
	void (*const flood[])(void) = {arp, ping};
	const enum punt_kind kind[] = {PUNT_ARP, PUNT_TAP};
	struct worker *w = &workers[0];
	(void)state;
	for (unsigned int f = 0; f < RTE_DIM(flood); f++) {
		unsigned int size = rte_ring_get_capacity(w->to_main[kind[f]]);
		uint64_t before = worker_counters.drops[DROP_tap_full];
		for (unsigned int n = 0; n < size + BURST; n += BURST) {
			for (unsigned int i = 0; i < BURST; i++)
				flood[f]();
			walk();
		}
		assert_true(rte_ring_full(w->to_main[kind[f]]));
		assert_int_not_equal(worker_counters.drops[DROP_tap_full], before);
		before = worker_counters.drops[DROP_tap_full];
		flood[f]();
		syn(); /* between frames of the flood */
		flood[f]();
		walk();
		assert_int_equal(worker_counters.drops[DROP_tap_full], before + 2);
		assert_int_equal(rte_ring_count(w->to_main[PUNT_TCP]), f + 1);
		void *m;
		while (rte_ring_sc_dequeue(w->to_main[kind[f]], &m) == 0)
			rte_pktmbuf_free(m);
	}
	assert_int_equal(worker_counters.drops[DROP_edge_filter], 0);
}

static unsigned int
ike_passed(void)
{
	walk();
	return given(PUNT_IKE);
}

/* T13: one address, and then forged ones.  Exchanges that go on are left alone by the latter. */
static void
ike_has_a_rate_for_each_source_and_for_new_exchanges(void **state)
{
	unsigned int passed = 0;
	(void)state;
	for (unsigned int i = 0; i < 600; i++) {
		ike(PEER_IP, false);
		passed += ike_passed();
	}
	assert_int_equal(passed, 400);
	assert_int_equal(worker_counters.drops[DROP_ike_rate], 200);
	ike(PEER_IP + 1, true);
	assert_int_equal(ike_passed(), 1);
	workers[0].now_us += 5000;
	ike(PEER_IP, false);
	ike(PEER_IP, false);
	assert_int_equal(ike_passed(), 1);
	passed = 0;
	for (uint32_t i = 0; i < 2000; i++) {
		ike(0x0a000000 + i * 65537, true);
		passed += ike_passed();
	}
	assert_in_range(passed, 990, 1000);
	assert_in_range(worker_counters.drops[DROP_ike_flood], 990, 1001);
	ike(PEER_IP + 2, false);
	assert_int_equal(ike_passed(), 1);
	workers[0].now_us += 1000000;
	ike(PEER_IP + 2, true);
	assert_int_equal(ike_passed(), 1);
}

static void
add_session(unsigned int i)
{
	const struct session_params p = {.server_ip = SERVER_IP,
		.peer_ip = PEER_IP,
		.call_id = (uint16_t)(CALL + i),
		.peer_call_id = 7,
		.counters = &session_counters[i]};
	assert_int_equal(session_add(session_handle(i + 1, 1), &p), 0);
}

/* Echoes, one a walk; how many of them came to control, which takes them at once or not at all. */
static unsigned int
flood(unsigned int session, uint32_t *seq, unsigned int n, bool taken)
{
	uint64_t before = worker_counters.punted;
	while (n-- > 0) {
		echo((uint16_t)(CALL + session), (*seq)++);
		walk();
		if (taken)
			ring_skip(&control);
	}
	return (unsigned int)(worker_counters.punted - before);
}

static void
one_session_sends_control_a_burst_and_then_a_rate(void **state)
{
	uint32_t seq = 0, other = 0;
	(void)state;
	add_session(0);
	add_session(1);
	assert_int_equal(flood(0, &seq, 100, true), 64);
	assert_int_equal(worker_counters.drops[DROP_punt_rate], 36);
	assert_int_equal(session_counters[0].up_drops, 36);
	assert_int_equal(flood(1, &other, 1, true), 1); /* the neighbour has its own */
	workers[0].now_us += 10000;
	assert_int_equal(flood(0, &seq, 2, true), 1);
	/* an hour's silence is worth no more than one burst */
	workers[0].now_us += 3600000000u;
	assert_int_equal(flood(0, &seq, 100, true), 64);
	assert_int_equal(session_counters[1].up_drops, 0);
}

/* All but one flood a control that is slow: there is room for who was quiet. */
static void
many_sessions_leave_room_in_the_ring(void **state)
{
	uint32_t seq[MAX_SESSIONS - 1] = {0};
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(seq); i++)
		add_session(i);
	for (unsigned int round = 0; round < 100; round++)
		for (unsigned int i = 1; i < RTE_DIM(seq); i++)
			flood(i, &seq[i], 1, false);
	assert_true(ring_room(&workers[0].punt) >= PUNT_RING_CAPACITY / 4);
	assert_int_equal(worker_counters.drops[DROP_punt_full], 0);
	assert_int_equal(flood(0, &seq[0], 10, false), 10);
	assert_true(session_counters[1].up_drops > 50);
}

/* D8: what other workers hand over does not crowd out the main lcore's frames. */
static void
data_leaves_the_main_lcore_its_way(void **state)
{
	struct worker *w = &workers[0];
	(void)state;
	while (!rte_ring_full(w->rx)) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(mbufs);
		if (!m)
			break;
		memset(pkt_meta(m), 0, sizeof(struct pkt_meta));
		pkt_meta(m)->stage = STAGE_DOWNLINK; /* of no session */
		if (rte_mempool_avail_count(mbufs) < 64) {
			rte_pktmbuf_free(m);
			break;
		}
		assert_int_equal(rte_ring_mp_enqueue(w->rx, m), 0);
	}
	struct rte_mbuf *m = rte_pktmbuf_alloc(mbufs);
	memset(pkt_meta(m), 0, sizeof(struct pkt_meta));
	pkt_meta(m)->stage = STAGE_ESP_OUT; /* through no pair */
	assert_int_equal(rte_ring_sp_enqueue(w->from_main, m), 0);
	walk();
	assert_int_equal(worker_counters.drops[DROP_esp_no_sa], 1);
	assert_in_range(worker_counters.drops[DROP_session_closed], 32, 64);
	while (rte_ring_count(w->rx) > 0)
		walk();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_flood_of_one_kind_leaves_room_for_the_others,
			graph_setup, graph_teardown),
		cmocka_unit_test_setup_teardown(
			ike_has_a_rate_for_each_source_and_for_new_exchanges, graph_setup,
			graph_teardown),
		cmocka_unit_test_setup_teardown(one_session_sends_control_a_burst_and_then_a_rate,
			graph_setup, graph_teardown),
		cmocka_unit_test_setup_teardown(
			many_sessions_leave_room_in_the_ring, graph_setup, graph_teardown),
		cmocka_unit_test_setup_teardown(
			data_leaves_the_main_lcore_its_way, graph_setup, graph_teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
