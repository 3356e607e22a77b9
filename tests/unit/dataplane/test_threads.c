/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The main lcore, two workers and a control process that is compromised (T21), each a thread of its
 * own, for some seconds: sessions and pairs of SAs come, change and go while packets pass and ICMP
 * errors, routes and neighbours come in between (T8).  What is left at the end must be all buffers.
 *
 *     test-dataplane-threads [SECONDS [PLANT]]
 *
 * Built with -Db_sanitize=thread it is ThreadSanitizer that judges; PLANT is a race put in on
 * purpose, which it has to report (tests/tsan).
 */
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <rte_ring_elem.h>
#include <rte_udp.h>

#include "bench.h"
#include "crypto/rc4.h"
#include "dataplane/api/command_ring.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/port.h"
#include "dataplane/api/ring.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/pmtu.h"
#include "tests/unit/dataplane/threads.h"

#define WORKERS     2
#define LAN_IFINDEX 1000003

static struct ring commands, events, injects, punts[WORKERS];
static _Atomic bool over;
static enum plant { NONE, STALE_PAIR, NO_GRACE, OWNERS_STATE } plant;
static _Atomic uint64_t frames_out, answered, taken;

/* ------------------------------------------------------------------ a worker */

/* What session.c did: the pair of a session, whoever has its slot now. */
static void
read_stale_pairs(const struct worker *w)
{
	static volatile uint32_t sum[WORKERS];
	for (uint32_t i = 0; i < MAX_SAS; i++)
		sum[w->index] += sas.slots[i].cfg.server_port_be;
}

/* In the place of port_tx: what would be sent. */
static uint16_t
sink(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	(void)graph;
	if (plant == STALE_PAIR)
		read_stale_pairs(node_worker(node));
	rte_pktmbuf_free_bulk((struct rte_mbuf **)objs, n);
	atomic_fetch_add_explicit(&frames_out, n, memory_order_relaxed);
	return n;
}

/* A long burst: what was found at its begin stands until its end, whatever the main lcore does
 * meanwhile. */
static void
hold_on(const struct worker *w)
{
	static volatile uint32_t sum[WORKERS];
	const struct session *found[MAX_SESSIONS];
	unsigned int n = 0;
	for (uint32_t i = 0; i < MAX_SESSIONS; i++)
		if (session_handle_of(&sessions.slots[i]) != 0)
			found[n++] = &sessions.slots[i];
	for (unsigned int i = 0; i < 8; i++)
		sched_yield();
	while (n-- > 0)
		sum[w->index] += found[n]->cfg.server_ip_be;
}

/* In the place of port_rx, whose first edge leads to classify. */
static uint16_t
feed(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct rte_mbuf *m;
	(void)objs;
	if (rte_rdtsc() % 64 == 0)
		hold_on(w);
	for (n = 0; n < 8 && (m = traffic_next(w->index)) != NULL; n++)
		rte_node_enqueue_x1(graph, node, 0, m);
	return n;
}

static void *
worker_thread(void *arg)
{
	struct worker *w = arg;
	rte_rcu_qsbr_thread_online(rcu, w->index);
	while (!atomic_load_explicit(&over, memory_order_relaxed)) {
		if (plant == NO_GRACE)
			rte_rcu_qsbr_thread_offline(rcu, w->index);
		worker_turn(w);
		sched_yield();
	}
	rte_rcu_qsbr_thread_offline(rcu, w->index);
	return NULL;
}

/* ------------------------------------------------------------------ control */

static void *
control_thread(void *arg)
{
	uint64_t x = 88172645463325252ull;
	const void *rec;
	(void)arg;
	while (!atomic_load_explicit(&over, memory_order_relaxed)) {
		bool room;
		do {
			struct command c;
			traffic_command(&c, &x);
			room = command_put(&commands, &c, c.length);
		} while (room && x % 64 != 0);
		for (void *to; (to = ring_produce(&injects)) != NULL && x % 8 != 0;) {
			traffic_frame(to, &x);
			ring_produced(&injects);
		}
		while ((rec = ring_consume(&events)) != NULL) {
			struct event e;
			memcpy(&e, rec, sizeof(e));
			answered += e.type == EVENT_ACK && e.status == 0;
			ring_consumed(&events);
		}
		for (unsigned int i = 0; i < WORKERS; i++) {
			while ((rec = ring_consume(&punts[i])) != NULL) {
				struct frame_record f;
				memcpy(&f, rec, sizeof(f));
				taken += f.length;
				ring_consumed(&punts[i]);
			}
		}
		sched_yield();
	}
	return NULL;
}

/* ------------------------------------------------------------------ the main lcore */

static void
drain_worker(struct worker *w, uint64_t now_us)
{
	void *m;
	for (unsigned int kind = 0; kind < PUNT_COUNT; kind++) {
		for (unsigned int n = 0; n < 32 && rte_ring_sc_dequeue(w->to_main[kind], &m) == 0;
			n++) {
			if (kind == PUNT_PMTU)
				pmtu_take(m, now_us);
			else if (kind == PUNT_GLEAN)
				route_glean(m);
			else
				rte_pktmbuf_free(m);
		}
	}
}

/* Neighbours learn and lose their hardware addresses, and the default route comes and goes. */
static void
kernel_changes(uint64_t *x)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	const struct kernel_route def = {.gateway = PEER_IP + 40 + (*x >> 8 & 1),
		.oif = WAN_IFINDEX,
		.type = KERNEL_ROUTE_UNICAST};
	uint64_t what = traffic_random(x) % 64;
	if (what < 8)
		route_neighbour(WAN_IFINDEX, PEER_IP + (*x >> 16 & 7), *x >> 32 & 1 ? mac : NULL,
			*x >> 33 & 1);
	else if (what == 8)
		route_kernel_add(&def, *x >> 32 & 1);
	else if (what == 9)
		route_kernel_del(&def);
}

/* What the writer did: is the slot free? */
static void
read_owners_state(void)
{
	static volatile uint32_t sum;
	(void)sum;
	for (uint32_t i = 0; plant == OWNERS_STATE && i < MAX_SESSIONS; i++)
		sum += sessions.slots[i].cfg.state;
}

static bool
is_enough(void)
{
	return answered > 200 && taken > 500 && frames_out > 0 && segment->bad_records > 20;
}

/* So long, and on a busy machine up to twenty times as long until enough has happened. */
static void
main_loop(double seconds)
{
	uint64_t x = 362436069362436069ull, began = rte_rdtsc();
	uint64_t least = (uint64_t)(seconds * (double)rte_get_tsc_hz());
	for (uint64_t turn = 1;; turn++) {
		uint64_t passed = rte_rdtsc() - began;
		if (passed > (is_enough() ? least : 20 * least))
			return;
		/* Time runs a thousand times as fast for what has a rate or a lifetime. */
		uint64_t now_us = 1000 * clock_us(rte_rdtsc());
		for (unsigned int i = 0; i < WORKERS; i++)
			drain_worker(&workers[i], now_us);
		writer_turn(now_us);
		kernel_changes(&x);
		route_tick(now_us);
		pmtu_tick(now_us);
		if (turn % 1024 == 0)
			writer_control_connected();
		read_owners_state();
		sched_yield();
	}
}

/* ------------------------------------------------------------------ all of it */

static void
start(void)
{
	n_workers = WORKERS;
	if (segment_create(WORKERS, MAX_SESSIONS, MAX_SAS) != 0)
		rte_panic("segment\n");
	bench_tables();
	ports[1] = (struct port){.name = "lan0",
		.index = 1,
		.role = PORT_LAN,
		.mtu = 1500,
		.tap_fd = -1,
		.ifindex = LAN_IFINDEX};
	n_ports = 2;
	settings.max_rekeys = 64;
	atomic_store(&settings.edge, EDGE_ALLOW_PPTP | EDGE_ALLOW_IPSEC | EDGE_ALLOW_CLEAR_L2TP);
	for (unsigned int i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];
		w->index = (uint8_t)i;
		w->lcore = 1 + i; /* none that runs */
		w->mbuf_pool = mbufs;
		w->counters =
			(struct worker_counters *)segment_part(segment_offsets.worker_counters) + i;
		ring_attach(&w->punt, segment_part(segment_offsets.punt_rings[i]),
			PUNT_RING_CAPACITY, sizeof(struct frame_record), true);
		ring_attach(&punts[i], w->punt.shared, PUNT_RING_CAPACITY,
			sizeof(struct frame_record), false);
	}
	writer_init(mbufs);
	command_ring_attach(&commands, segment_part(segment_offsets.command_ring), true);
	ring_attach(&events, segment_part(segment_offsets.event_ring), EVENT_RING_CAPACITY,
		sizeof(struct event), false);
	ring_attach(&injects, segment_part(segment_offsets.inject_ring), INJECT_RING_CAPACITY,
		sizeof(struct frame_record), true);
	if (workers_init() != 0)
		rte_panic("workers\n");
	for (unsigned int i = 0; i < WORKERS; i++) {
		const char *graph = workers[i].graph->name;
		rte_graph_node_get_by_name(graph, "port_rx")->process = feed;
		rte_graph_node_get_by_name(graph, "port_tx")->process = sink;
	}
}

/* All that was lent has come back, but what lies in rings that nobody reads any more. */
static bool
is_all_there(void)
{
	void *msg;
	for (unsigned int i = 0; i < WORKERS; i++)
		while (rte_ring_sc_dequeue(workers[i].msgs, &msg) == 0)
			rte_mempool_put(worker_msg_pool, msg);
	unsigned int messages = worker_msg_pool->size - rte_mempool_avail_count(worker_msg_pool);
	workers_stop();
	bench_tables_free();
	unsigned int buffers = mbufs->size - rte_mempool_avail_count(mbufs);
	printf("not given back: %u messages, %u buffers\n", messages, buffers);
	return messages == 0 && buffers == 0;
}

int
main(int argc, char **argv)
{
	static const char *const plants[] = {"", "stale-pair", "no-grace", "owners-state"};
	pthread_t threads[WORKERS + 1];
	while (argc > 2 && plant < RTE_DIM(plants) && strcmp(argv[2], plants[plant]) != 0)
		plant++;
	if (bench_eal() != 0)
		return 1;
	rc4_select("auto");
	traffic_tell_sanitizer();
	start();
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, worker_thread, &workers[i]);
	pthread_create(&threads[WORKERS], NULL, control_thread, NULL);
	main_loop(argc > 1 ? atof(argv[1]) : 2);
	atomic_store(&over, true);
	for (unsigned int i = 0; i <= WORKERS; i++)
		pthread_join(threads[i], NULL);
	printf("%lu commands done, %lu octets punted, %lu frames out, %lu records refused\n",
		(unsigned long)atomic_load(&answered), (unsigned long)atomic_load(&taken),
		(unsigned long)atomic_load(&frames_out), (unsigned long)segment->bad_records);
	bool enough = is_enough(), well = is_all_there() && enough;
	segment_free();
	bench_eal_end();
	return well ? 0 : 1;
}
