/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets by the path that is to be proved (T23, D1): one goes elsewhere than its pair's, all
 * others as ever; an LCP Echo-Reply from elsewhere, or through another peer's pair, is control's to
 * judge, and everything else of that kind is what it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_udp.h>

#include "bench.h"
#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/port.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/session.h"
#include "dataplane/inject.h"
#include "dataplane/nodes/node.h"

#define PAIR    sa_handle(1, 1)
#define OTHER   sa_handle(2, 1) /* of another peer */
#define NATIVE  sa_handle(3, 1)
#define SESSION session_handle(4, 1)
#define SECOND  session_handle(5, 1)
#define CALL    9
#define TUNNEL  7

static struct worker_counters worker_counters;
static struct sa_counters sa_counters[4];
static struct session_counters session_counters;
static struct rte_mbuf *sent[64];
static unsigned int n_sent;
static struct ring punts;
static const struct sa_outer there = {SERVER_IP, PEER_IP + 5, 4500, 50000};

static uint16_t
nothing(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	(void)graph;
	(void)node;
	(void)objs;
	(void)n;
	return 0;
}

/* Takes the place of to_main, to which packets go whose next hop is not resolved. */
static uint16_t
keep(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	(void)graph;
	(void)node;
	for (uint16_t i = 0; i < n; i++)
		sent[n_sent++] = objs[i];
	return n;
}

/* The same keys and SPI both ways: what a pair sends, it can take. */
static void
add_pair(uint32_t handle, uint32_t peer, uint16_t port)
{
	struct command_sa_add add = bench_sa_add();
	const struct command_sa_out out = {.spi = handle, .keys = bench_keys()};
	add.peer = peer;
	add.outer.peer_port = port;
	add.outer.server_port = port ? 4500 : 0;
	assert_int_equal(sa_add(handle, &add, 0, &sa_counters[SA_SLOT(handle)]), 0);
	assert_int_equal(sa_set_outbound(sa_by_handle(handle), &out), 0);
}

static void
add_session(uint32_t handle, uint16_t call_id, uint32_t pair, uint32_t peer)
{
	const struct session_params p = {.server_ip = SERVER_IP,
		.peer_ip = PEER_IP,
		.call_id = call_id,
		.peer_call_id = 5,
		.protocol = TUNNEL_L2TP,
		.counters = &session_counters,
		.tunnel_id = TUNNEL,
		.peer_tunnel_id = 6,
		.server_port = 1701,
		.peer_port = 1701,
		.sa = pair,
		.peer = peer};
	assert_int_equal(session_add(handle, &p), 0);
}

static int
setup(void **state)
{
	static uint8_t memory[RING_BYTES(
		PUNT_RING_CAPACITY, sizeof(struct frame_record))] __rte_cache_aligned;
	struct worker *w = &workers[0];
	(void)state;
	bench_tables();
	memset(&worker_counters, 0, sizeof(worker_counters));
	memset(sa_counters, 0, sizeof(sa_counters));
	memset(memory, 0, sizeof(memory));
	n_sent = 0;
	n_workers = 1;
	w->counters = &worker_counters;
	w->mbuf_pool = mbufs;
	ring_attach(&w->punt, memory, PUNT_RING_CAPACITY, sizeof(struct frame_record), true);
	ring_attach(&punts, memory, PUNT_RING_CAPACITY, sizeof(struct frame_record), false);
	assert_int_equal(workers_init(), 0);
	rte_graph_node_get_by_name(w->graph->name, "port_rx")->process = nothing;
	rte_graph_node_get_by_name(w->graph->name, "to_main")->process = keep;
	add_pair(PAIR, 77, 40001);
	add_pair(OTHER, 88, 40002);
	add_pair(NATIVE, 77, 0);
	add_session(SESSION, CALL, PAIR, 77);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	while (n_sent > 0)
		rte_pktmbuf_free(sent[--n_sent]);
	workers_stop();
	bench_tables_free();
	assert_int_equal(rte_mempool_avail_count(mbufs), mbufs->size);
	return 0;
}

static struct frame_record
record(uint32_t handle, const struct sa_outer *to, const void *message, size_t len)
{
	const struct sa_outer inner = {SERVER_IP, PEER_IP, 1701, 1701};
	struct frame_record f = {.version = RECORD_VERSION,
		.kind = FRAME_L2TP,
		.handle = handle,
		.length = (uint16_t)(sizeof(inner) + len)};
	if (to)
		f.outer = *to;
	memcpy(f.data, &inner, sizeof(inner));
	memcpy(f.data + sizeof(inner), message, len);
	return f;
}

/* An L2TP data message of the session with this PPP frame of an LCP code. */
static const uint8_t *
data_message(uint8_t code)
{
	static uint8_t m[] = {0, 2, 0, TUNNEL, 0, CALL, 0xff, 0x03, 0xc0, 0x21, 0, 1, 0, 8, 1, 2, 3,
		4, 0, 0, 0, 0};
	m[10] = code;
	return m;
}
#define DATA_LEN 22

static enum inject_result
inject(uint32_t handle, const struct sa_outer *to, const void *message, size_t len)
{
	const struct frame_record f = record(handle, to, message, len);
	enum inject_result is = inject_frame(&f, mbufs);
	rte_graph_walk(workers[0].graph);
	return is;
}

static bool
goes_to(const struct rte_mbuf *m, uint32_t ip, uint16_t port)
{
	const struct rte_ipv4_hdr *h = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(h + 1);
	return h->dst_addr == rte_cpu_to_be_32(ip) && udp->dst_port == rte_cpu_to_be_16(port) &&
	       h->src_addr == rte_cpu_to_be_32(SERVER_IP) && udp->src_port == RTE_BE16(4500);
}

static void
one_goes_elsewhere(void **state)
{
	(void)state;
	assert_int_equal(inject(PAIR, NULL, data_message(9), DATA_LEN), INJECT_DONE);
	assert_int_equal(inject(PAIR, &there, data_message(9), DATA_LEN), INJECT_DONE);
	assert_int_equal(inject(PAIR, NULL, data_message(9), DATA_LEN), INJECT_DONE);
	assert_int_equal(n_sent, 3);
	assert_true(goes_to(sent[0], PEER_IP, 40001));
	assert_true(goes_to(sent[1], there.peer_ip, there.peer_port));
	assert_true(goes_to(sent[2], PEER_IP, 40001));
}

/* T21 */
static void
hostile_diversions_are_refused(void **state)
{
	static const struct sa_outer bad[] = {
		{SERVER_IP + 1, PEER_IP, 4500, 50000},
		{SERVER_IP, PEER_IP, 4501, 50000},
		{SERVER_IP, PEER_IP, 0, 0},
		{SERVER_IP, 0, 4500, 50000},
		{SERVER_IP, 0xe0000001, 4500, 50000},
		{SERVER_IP, 0x7f000001, 4500, 50000},
		{SERVER_IP, PEER_IP, 4500, 0},
	};
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(bad); i++)
		assert_int_equal(inject(PAIR, &bad[i], data_message(9), DATA_LEN), INJECT_BAD);
	assert_int_equal(inject(NATIVE, &there, data_message(9), DATA_LEN), INJECT_BAD);
	ports[0].role = PORT_WAN;
	assert_int_equal(inject(0, &there, data_message(9), DATA_LEN), INJECT_BAD);
	struct frame_record f = record(SESSION, &there, data_message(9), DATA_LEN);
	f.kind = FRAME_PPP;
	assert_int_equal(inject_frame(&f, mbufs), INJECT_BAD);
	assert_int_equal(n_sent, 0);
}

/* What the pair has sent last comes back to it from there. */
static void
comes_back(uint32_t handle, uint32_t ip, uint16_t port)
{
	struct rte_mbuf *m = sent[--n_sent];
	struct rte_ipv4_hdr *h = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(h + 1);
	h->src_addr = rte_cpu_to_be_32(ip);
	h->dst_addr = rte_cpu_to_be_32(SERVER_IP);
	udp->src_port = rte_cpu_to_be_16(port);
	udp->dst_port = RTE_BE16(4500);
	struct pkt_meta *meta = pkt_meta(m);
	memset(meta, 0, sizeof(*meta));
	meta->stage = STAGE_ESP;
	meta->sa = sa_by_handle(handle);
	meta->handle = handle;
	assert_int_equal(rte_ring_mp_enqueue(workers[0].rx, m), 0);
	rte_graph_walk(workers[0].graph);
}

/* Sends a message through the pair and has it come back from there.  What was punted, or NULL. */
static const struct frame_record *
round_trip(uint32_t handle, const void *message, size_t len, uint32_t ip, uint16_t port)
{
	static struct frame_record f;
	assert_int_equal(inject(handle, NULL, message, len), INJECT_DONE);
	comes_back(handle, ip, port);
	const void *shared = ring_consume(&punts);
	if (!shared)
		return NULL;
	memcpy(&f, shared, sizeof(f));
	ring_consumed(&punts);
	return &f;
}

static void
answers_are_told_with_their_way(void **state)
{
	static const struct sa_outer as_ever;
	const struct frame_record *f;
	(void)state;
	/* From where it always is: the session's way. */
	f = round_trip(PAIR, data_message(10), DATA_LEN, PEER_IP, 40001);
	assert_non_null(f);
	assert_int_equal(f->kind, FRAME_PPP);
	assert_int_equal(f->handle, SESSION);
	assert_memory_equal(&f->outer, &as_ever, sizeof(as_ever));
	/* From elsewhere: with where. */
	f = round_trip(PAIR, data_message(10), DATA_LEN, there.peer_ip, there.peer_port);
	assert_non_null(f);
	assert_int_equal(f->kind, FRAME_L2TP);
	assert_int_equal(f->handle, PAIR);
	assert_memory_equal(&f->outer, &there, sizeof(there));
	assert_int_equal(f->length, sizeof(struct sa_outer) + DATA_LEN);
	assert_memory_equal(f->data + sizeof(struct sa_outer), data_message(10), DATA_LEN);
	/* Through another's pair: with that. */
	f = round_trip(OTHER, data_message(10), DATA_LEN, PEER_IP, 40002);
	assert_non_null(f);
	assert_int_equal(f->kind, FRAME_L2TP);
	assert_int_equal(f->handle, OTHER);
	assert_memory_equal(&f->outer, &as_ever, sizeof(as_ever));
	/* Control messages, too. */
	static const uint8_t zlb[] = {0xc8, 2, 0, 12, 0, TUNNEL, 0, 0, 0, 1, 0, 1};
	f = round_trip(PAIR, zlb, sizeof(zlb), there.peer_ip, there.peer_port);
	assert_non_null(f);
	assert_memory_equal(&f->outer, &there, sizeof(there));
	f = round_trip(PAIR, zlb, sizeof(zlb), PEER_IP, 40001);
	assert_non_null(f);
	assert_memory_equal(&f->outer, &as_ever, sizeof(as_ever));
}

/* D1: through another's pair nothing but what control asked for, and even that is not the
 * session's. */
static void
nothing_else_gets_through(void **state)
{
	(void)state;
	for (unsigned int code = 0; code < 256; code++) {
		if (code == 10)
			continue;
		assert_null(
			round_trip(OTHER, data_message((uint8_t)code), DATA_LEN, PEER_IP, 40002));
	}
	assert_int_equal(worker_counters.drops[DROP_l2tp_wrong_peer], 255);
	/* Truncated anywhere. */
	for (size_t len = 6; len < 11; len++)
		assert_null(round_trip(OTHER, data_message(10), len, PEER_IP, 40002));
	assert_int_equal(worker_counters.drops[DROP_l2tp_wrong_peer], 260);
	/* From elsewhere the session's other frames go their way. */
	const struct frame_record *f =
		round_trip(PAIR, data_message(9), DATA_LEN, there.peer_ip, there.peer_port);
	assert_non_null(f);
	assert_int_equal(f->kind, FRAME_PPP);
	assert_int_equal(f->handle, SESSION);
}

/* The pair turns out to be another peer's. */
static void
pair_changes_its_peer(void **state)
{
	struct command c = {
		.type = COMMAND_SA_UPDATE, .sa_update = {{SERVER_IP, PEER_IP, 4500, 40002}, 77}};
	const struct frame_record *f;
	(void)state;
	sa_apply(sa_by_handle(OTHER), &c);
	f = round_trip(OTHER, data_message(10), DATA_LEN, PEER_IP, 40002);
	assert_non_null(f);
	assert_int_equal(f->kind, FRAME_PPP);
	c.sa_update.peer = 0;
	sa_apply(sa_by_handle(OTHER), &c);
	f = round_trip(OTHER, data_message(10), DATA_LEN, PEER_IP, 40002);
	assert_non_null(f);
	assert_int_equal(f->kind, FRAME_PPP);
}

static void
gone(uint32_t handle, uint64_t cookie, struct session *s)
{
	(void)handle;
	(void)cookie;
	(void)s;
}

/* Whose frame came through the pair for this session ID; 0: nobody's. */
static uint32_t
taken_by(uint8_t call_id)
{
	uint8_t m[DATA_LEN];
	memcpy(m, data_message(9), DATA_LEN);
	m[5] = call_id;
	const struct frame_record *f = round_trip(PAIR, m, DATA_LEN, PEER_IP, 40001);
	return f ? f->handle : 0;
}

/* D1: that a pair remembers whose its last packet was decides nothing. */
static void
a_pair_remembers_its_session_as_a_hint_alone(void **state)
{
	(void)state;
	add_session(SECOND, CALL + 1, PAIR, 77);
	assert_int_equal(taken_by(CALL), SESSION);
	assert_int_equal(taken_by(CALL + 1), SECOND);
	assert_int_equal(taken_by(CALL), SESSION);
	assert_int_equal(taken_by(CALL + 2), 0);
	assert_int_equal(taken_by(CALL), SESSION);
	assert_null(round_trip(OTHER, data_message(9), DATA_LEN, PEER_IP, 40002));
	assert_int_equal(sa_by_handle(OTHER)->cfg.session, 0);
	/* It ends, and another peer's has its slot and its ID. */
	session_remove(&sessions.slots[SESSION_SLOT(SESSION)], 0);
	assert_int_equal(taken_by(CALL), 0);
	session_reap(1, gone);
	add_session(session_handle(SESSION_SLOT(SESSION), 2), CALL, OTHER, 88);
	assert_int_equal(taken_by(CALL), 0);
	assert_int_equal(taken_by(CALL + 1), SECOND);
	assert_int_equal(worker_counters.drops[DROP_l2tp_unknown_session], 2);
	assert_int_equal(worker_counters.drops[DROP_l2tp_wrong_peer], 2);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_goes_elsewhere),
		TEST(hostile_diversions_are_refused),
		TEST(answers_are_told_with_their_way),
		TEST(nothing_else_gets_through),
		TEST(pair_changes_its_peer),
		TEST(a_pair_remembers_its_session_as_a_hint_alone),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
