/* SPDX-License-Identifier: BSD-3-Clause */
/* Floods towards the main lcore and towards control, through the real graph: what still gets by
 * (D8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/api/command.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/session.h"
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

/* The datagram as it comes, or turned round as our kernel's; of exchange i, which is new while the
 * responder has not spoken. */
static void
put_ike(struct rte_ipv4_hdr *ip, uint16_t sport, uint16_t dport, uint32_t i, bool new)
{
	uint8_t *udp = (uint8_t *)(ip + 1),
		*msg = udp + 8 + (sport == 4500 || dport == 4500 ? 4 : 0);
	udp[0] = (uint8_t)(sport >> 8);
	udp[1] = (uint8_t)sport;
	udp[2] = (uint8_t)(dport >> 8);
	udp[3] = (uint8_t)dport;
	memcpy(msg, &i, sizeof(i));
	msg[15] = !new; /* the responder's cookie */
}

static void
ike_from(uint32_t source, uint16_t port, uint32_t i, bool new)
{
	struct rte_ipv4_hdr *ip = ipv4_on(0, source, SERVER_IP, IPPROTO_UDP, 8 + 4 + 28);
	put_ike(ip, port, port == 500 ? 500 : 4500, i, new);
}

static void
ike(uint32_t source, bool new)
{
	ike_from(source, 500, source, new);
}

/* What charon sends. */
static void
charon(uint32_t to, uint16_t port, uint32_t i)
{
	struct rte_ipv4_hdr *ip = ipv4_on(0, SERVER_IP, to, IPPROTO_UDP, 8 + 4 + 28);
	struct rte_mbuf *m = pending[--n_pending];
	put_ike(ip, port == 500 ? 500 : 4500, port, i, false);
	answered_note(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
	rte_pktmbuf_free(m);
}

static void
put_tcp(struct rte_ipv4_hdr *ip, uint16_t sport, uint16_t dport, uint8_t flags, uint32_t seq,
	uint32_t ack)
{
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);
	*tcp = (struct rte_tcp_hdr){.src_port = rte_cpu_to_be_16(sport),
		.dst_port = rte_cpu_to_be_16(dport),
		.sent_seq = rte_cpu_to_be_32(seq),
		.recv_ack = rte_cpu_to_be_32(ack),
		.data_off = 0x50,
		.tcp_flags = flags};
}

static void
tcp_from(uint32_t source, uint16_t port, uint8_t flags, uint32_t ack)
{
	put_tcp(ipv4_on(0, source, SERVER_IP, IPPROTO_TCP, 20), port, 1723, flags, 1, ack);
}

/* What the kernel's TCP sends. */
static void
kernel(uint32_t to, uint16_t port, uint8_t flags, uint32_t seq)
{
	put_tcp(ipv4_on(0, SERVER_IP, to, IPPROTO_TCP, 20), 1723, port, flags, seq, 1);
	struct rte_mbuf *m = pending[--n_pending];
	answered_note(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
	rte_pktmbuf_free(m);
}

static void
syn(void)
{
	tcp_from(PEER_IP, 4242, RTE_TCP_SYN_FLAG, 0);
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
		assert_int_equal(rte_ring_count(w->to_main[PUNT_TCP_NEW]), f + 1);
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

/* T13: one address. */
static void
ike_has_a_rate_for_each_source(void **state)
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
}

/* Strangers of as many addresses, until their limit is reached: with cookies of their own
 * making. */
static unsigned int
ike_flood(unsigned int n)
{
	unsigned int passed = 0;
	for (uint32_t i = 0; i < n; i++) {
		ike_from(0x0a000000 + i * 65537, i % 3 ? 500 : 4500, i, i % 2);
		passed += ike_passed();
	}
	return passed;
}

/* T13: whatever the forger writes into his messages. */
static void
ike_of_strangers_has_a_rate_for_all(void **state)
{
	(void)state;
	assert_int_equal(ike_flood(2500), 1000);
	assert_int_equal(worker_counters.drops[DROP_ike_flood], 1500);
	ike(PEER_IP + 2, false);
	assert_int_equal(ike_passed(), 0);
	workers[0].now_us += 1000000;
	ike(PEER_IP + 2, true);
	assert_int_equal(ike_passed(), 1);
}

/* T13: in the flood's middle go on an exchange that charon has answered, and who has an SA. */
static void
a_flood_of_ike_leaves_the_others_theirs(void **state)
{
	struct command_sa_add add = bench_sa_add();
	struct sa_counters counters;
	(void)state;
	assert_int_equal(sa_add(sa_handle(1, 1), &add, 0, &counters), 0);
	add.outer = (struct sa_outer){SERVER_IP, PEER_IP + 1, 4500, 40000};
	assert_int_equal(sa_add(sa_handle(2, 1), &add, 0, &counters), 0);
	charon(PEER_IP + 2, 500, 7);
	charon(PEER_IP + 3, 4500, 8);
	ike_flood(1500);
	for (uint32_t k = 0; k < 20; k++) {
		ike_from(PEER_IP, 500, 100 + k, true); /* a rekey of its IKE SA */
		ike_from(PEER_IP + 1, 40000, 200 + k, k % 2);
		ike_from(PEER_IP + 2, 500, 7, false);
		ike_from(PEER_IP + 2, 4500, 7, false); /* floated, RFC 3947 section 4 */
		ike_from(PEER_IP + 3, 4500, 8, false);
		walk();
	}
	assert_int_equal(ike_passed(), 100);
	/* Others' cookies, ports and addresses are no help. */
	ike_from(PEER_IP + 2, 500, 8, false);
	ike_from(PEER_IP + 2, 500, 7, true);
	ike_from(PEER_IP + 4, 500, 7, false);
	ike_from(PEER_IP + 1, 40001, 200, false);
	ike_from(PEER_IP + 1, 500, 200, false);
	assert_int_equal(ike_passed(), 0);
	/* A pair that moves or ends takes it along. */
	sa_move(sa_by_handle(sa_handle(2, 1)), rte_cpu_to_be_32(PEER_IP + 9), RTE_BE16(40009));
	sa_remove(sa_by_handle(sa_handle(1, 1)), 0);
	ike_from(PEER_IP, 500, 100, false);
	ike_from(PEER_IP + 1, 40000, 200, false);
	assert_int_equal(ike_passed(), 0);
	ike_from(PEER_IP + 9, 40009, 200, false);
	assert_int_equal(ike_passed(), 1);
}

static unsigned int
tcp_flood(unsigned int n, uint8_t flags)
{
	unsigned int passed = 0;
	for (uint32_t i = 0; i < n; i++) {
		tcp_from(0x0a000000 + i * 65537, (uint16_t)i, flags, i);
		walk();
		passed += given(PUNT_TCP_NEW);
	}
	return passed;
}

/* T13: SYNs, and segments of connections that are none. */
static void
tcp_of_strangers_has_rates_and_its_own_ring(void **state)
{
	static const uint8_t flags[] = {RTE_TCP_SYN_FLAG, RTE_TCP_ACK_FLAG, RTE_TCP_RST_FLAG,
		RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG, 0};
	unsigned int passed = 0;
	(void)state;
	for (unsigned int f = 0; f < RTE_DIM(flags); f++) {
		uint64_t before = worker_counters.drops[DROP_tcp_flood];
		assert_int_equal(tcp_flood(1500, flags[f]), 1000);
		assert_int_equal(worker_counters.drops[DROP_tcp_flood] - before, 500);
		workers[0].now_us += 1000000;
	}
	for (unsigned int i = 0; i < 600; i++) {
		tcp_from(PEER_IP, (uint16_t)i, RTE_TCP_SYN_FLAG, 0);
		walk();
		passed += given(PUNT_TCP_NEW);
	}
	assert_int_equal(passed, 400);
	assert_int_equal(worker_counters.drops[DROP_tcp_rate], 200);
	assert_int_equal(given(PUNT_TCP), 0);
}

/* T13: three thousand clients dial in within a second, a flood besides: who connects gives his place
 * back, once, and the flood has no more than its thousand. */
static void
who_connects_gives_his_place_back(void **state)
{
	unsigned int passed = 0, flood = 0;
	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		rte_be32_t ip = 0x0c000000 + i * 65537;
		tcp_from(ip, 4242, RTE_TCP_SYN_FLAG, 0);
		walk();
		passed += given(PUNT_TCP_NEW);
		kernel(ip, 4242, RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG, i);
		for (unsigned int k = 0; k < 3; k++)
			kernel(ip, 4242, RTE_TCP_ACK_FLAG, i + 1);
	}
	assert_int_equal(passed, 3000);
	for (unsigned int k = 0; k < 3; k++) {
		for (uint32_t i = 0; i < 1000; i++)
			kernel(0x0c000000 + i * 65537, 4242, RTE_TCP_ACK_FLAG, i);
		flood += tcp_flood(1000, RTE_TCP_SYN_FLAG);
	}
	assert_in_range(flood, 999, 1020);
}

/* T13: the strangers' ring is full, and our SYNs to them have filled all memory; who is connected,
 * or has answered our SYN, loses nothing. */
static void
a_flood_of_syns_leaves_connections_theirs(void **state)
{
	const uint8_t ack = RTE_TCP_ACK_FLAG, syn_ack = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG;
	(void)state;
	for (uint16_t k = 0; k < 100; k++)
		kernel(PEER_IP, 1000 + k, ack, 5);
	for (uint32_t i = 0; i < 200000; i++)
		kernel(0x0a000000 + i * 65537, (uint16_t)i, syn_ack, i);
	kernel(PEER_IP + 1, 4242, syn_ack, 0xffffffff);
	kernel(PEER_IP + 2, 4242, RTE_TCP_RST_FLAG | ack, 5);
	for (unsigned int n = 0; n <= 1024 / BURST; n++) {
		workers[0].now_us += 1000000;
		for (uint32_t i = 0; i < BURST; i++)
			tcp_from(0x0b000000 + i * 65537, 7, RTE_TCP_SYN_FLAG, 0);
		walk();
	}
	assert_true(rte_ring_full(workers[0].to_main[PUNT_TCP_NEW]));
	for (uint16_t k = 0; k < 100; k++) {
		tcp_from(PEER_IP, 1000 + k, k % 2 ? ack : RTE_TCP_RST_FLAG, 77);
		tcp_from(PEER_IP + 1, 4242, ack, 0);
		walk();
	}
	assert_int_equal(given(PUNT_TCP), 200);
	tcp_from(PEER_IP, 1000, RTE_TCP_SYN_FLAG, 0); /* the port is its own, a SYN is anybody's */
	tcp_from(PEER_IP, 1100, ack, 0);
	tcp_from(PEER_IP + 1, 4242, ack, 1);
	tcp_from(PEER_IP + 1, 4243, ack, 0);
	tcp_from(PEER_IP + 2, 4242, ack, 0);
	tcp_from(PEER_IP + 3, 4242, ack, 0);
	walk();
	assert_int_equal(given(PUNT_TCP), 0);
	given(PUNT_TCP_NEW);
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
		cmocka_unit_test_setup_teardown(
			ike_has_a_rate_for_each_source, graph_setup, graph_teardown),
		cmocka_unit_test_setup_teardown(
			ike_of_strangers_has_a_rate_for_all, graph_setup, graph_teardown),
		cmocka_unit_test_setup_teardown(
			a_flood_of_ike_leaves_the_others_theirs, graph_setup, graph_teardown),
		cmocka_unit_test_setup_teardown(
			tcp_of_strangers_has_rates_and_its_own_ring, graph_setup, graph_teardown),
		cmocka_unit_test_setup_teardown(
			a_flood_of_syns_leaves_connections_theirs, graph_setup, graph_teardown),
		cmocka_unit_test_setup_teardown(
			who_connects_gives_his_place_back, graph_setup, graph_teardown),
		cmocka_unit_test_setup_teardown(a_flood_of_one_kind_leaves_room_for_the_others,
			graph_setup, graph_teardown),
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
