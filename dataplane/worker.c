/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf_dyn.h>
#include <rte_ring_elem.h>

#include "dataplane/clock.h"
#include "dataplane/config.h"

#define RX_RING_SIZE      4096
#define FROM_MAIN_SIZE    1024
#define MAIN_RING_SIZE    1024 /* each kind */
#define MSG_RING_SIZE     1024
#define EVENT_RING_SIZE   1024
#define MSG_BURST         32
#define IDLE_BEFORE_SLEEP 256 /* walks without a packet */

const char *worker_source = "port_rx";
struct worker workers[SEGMENT_MAX_WORKERS];
unsigned int n_workers;
struct rte_mempool *worker_msg_pool;
struct dataplane_settings settings;
struct dataplane_clock dp_clock;

static struct worker *being_created; /* whose graph rte_graph_create() is building */
static _Atomic bool stopping;

int
pkt_meta_register(void)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "adit_pkt_meta",
		.size = sizeof(struct pkt_meta),
		.align = 8,
	};
	int off = rte_mbuf_dynfield_register_offset(&field, PKT_META_OFFSET);
	return off == PKT_META_OFFSET ? 0 : -EBUSY;
}

int
node_init(const struct rte_graph *graph, struct rte_node *node)
{
	struct worker *w = being_created;
	(void)graph;
	memcpy(node->ctx, &w, sizeof(w));
	return 0;
}

bool
worker_event_send(struct worker *w, uint32_t handle, enum event_type type)
{
	struct worker_event e = {.handle = handle, .type = type};
	return worker_event_post(w, &e);
}

bool
worker_event_post(struct worker *w, const struct worker_event *e)
{
	return rte_ring_sp_enqueue_elem(w->events, (void *)(uintptr_t)e, sizeof(*e)) == 0;
}

static struct rte_ring *
make_ring(const char *what, unsigned int index, unsigned int size, unsigned int flags)
{
	char name[RTE_RING_NAMESIZE];
	snprintf(name, sizeof(name), "%s%u", what, index);
	return rte_ring_create(name, size, SOCKET_ID_ANY, flags);
}

static int
worker_create(struct worker *w)
{
	const char *sources[] = {worker_source, "worker_rx"};
	char name[RTE_GRAPH_NAMESIZE];

	w->rx = make_ring("rx", w->index, RX_RING_SIZE, RING_F_SC_DEQ);
	w->from_main = make_ring("from", w->index, FROM_MAIN_SIZE, RING_F_SP_ENQ | RING_F_SC_DEQ);
	bool made = true;
	for (unsigned int kind = 0; kind < PUNT_COUNT; kind++) {
		w->to_main[kind] = make_ring("main", w->index * PUNT_COUNT + kind, MAIN_RING_SIZE,
			RING_F_SP_ENQ | RING_F_SC_DEQ);
		made &= w->to_main[kind] != NULL;
	}
	w->msgs = make_ring("msgs", w->index, MSG_RING_SIZE, RING_F_SP_ENQ | RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "events%u", w->index);
	w->events = rte_ring_create_elem(name, sizeof(struct worker_event), EVENT_RING_SIZE,
		SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!w->rx || !w->from_main || !made || !w->msgs || !w->events)
		return -ENOMEM;
	if (sas.max > 0 && !(w->esp = esp_engine_create(ESP_ARCH_AUTO)))
		return -errno;

	/* All other nodes are reached from these two along their edges. */
	struct rte_graph_param prm = {
		.socket_id = SOCKET_ID_ANY,
		.nb_node_patterns = RTE_DIM(sources),
		.node_patterns = sources,
	};
	snprintf(name, sizeof(name), "worker%u", w->index);
	being_created = w;
	rte_graph_t id = rte_graph_create(name, &prm);
	being_created = NULL;
	if (id == RTE_GRAPH_ID_INVALID)
		return -rte_errno;
	w->graph = rte_graph_lookup(name);
	return w->graph ? 0 : -ENOENT;
}

static void
apply_message(const struct worker *w, struct worker_msg *msg)
{
	if (msg->cmd.type == WORKER_PATH_MTU) {
		if (worker_owns_session(w, msg->session, msg->handle))
			session_set_path_mtu(msg->session, (uint16_t)msg->path_mtu);
	} else if (msg->cmd.type >= COMMAND_SA_ADD) {
		if (worker_owns_sa(w, msg->sa, msg->handle))
			sa_apply(msg->sa, &msg->cmd);
	} else if (worker_owns_session(w, msg->session, msg->handle)) {
		session_apply(msg->session, &msg->cmd);
	}
	explicit_bzero(&msg->cmd, sizeof(msg->cmd));
}

/* Apply what control says to sessions and SAs of this worker. */
static unsigned int
drain_messages(struct worker *w)
{
	struct worker_msg *msgs[MSG_BURST];
	unsigned int n = rte_ring_sc_dequeue_burst(w->msgs, (void **)msgs, MSG_BURST, NULL);
	for (unsigned int i = 0; i < n; i++)
		apply_message(w, msgs[i]);
	if (n)
		rte_mempool_put_bulk(worker_msg_pool, (void **)msgs, n);
	return n;
}

unsigned int
worker_turn(struct worker *w)
{
	w->now = rte_rdtsc();
	w->now_us = clock_us(w->now);
	unsigned int n = drain_messages(w);
	rte_graph_walk(w->graph);
	rte_rcu_qsbr_quiescent(sessions.rcu, w->index);
	w->counters->iterations++;
	return n;
}

/* Idle: sleep, longer each time.  Offline meanwhile, so that no removal waits for a sleeper. */
static void
idle_sleep(struct worker *w, uint32_t *sleep_us)
{
	struct timespec ts = {.tv_nsec = *sleep_us * 1000L};
	rte_rcu_qsbr_thread_offline(sessions.rcu, w->index);
	nanosleep(&ts, NULL); /* not per packet: nothing has come for a while */
	rte_rcu_qsbr_thread_online(sessions.rcu, w->index);
	w->counters->sleeps++;
	*sleep_us = RTE_MIN(*sleep_us * 2, config.idle_sleep_us);
}

static int
worker_loop(void *arg)
{
	struct worker *w = arg;
	struct rte_node *rx = rte_graph_node_get_by_name(w->graph->name, worker_source);
	struct rte_node *ring = rte_graph_node_get_by_name(w->graph->name, "worker_rx");
	uint32_t empty = 0, sleep_us = 1;
	uint64_t seen = 0;

	prctl(PR_SET_TIMERSLACK, 1000UL);
	rte_rcu_qsbr_thread_online(sessions.rcu, w->index);
	while (!atomic_load_explicit(&stopping, memory_order_relaxed)) {
		unsigned int n = worker_turn(w);
		uint64_t objs = rx->total_objs + ring->total_objs;
		if (n || objs != seen) {
			seen = objs;
			empty = 0;
			sleep_us = 1;
			continue;
		}
		w->counters->idle_iterations++;
		if (!config.busy_poll && ++empty > IDLE_BEFORE_SLEEP)
			idle_sleep(w, &sleep_us);
	}
	rte_rcu_qsbr_thread_offline(sessions.rcu, w->index);
	return 0;
}

int
workers_init(void)
{
	worker_msg_pool = rte_mempool_create("messages", RTE_MAX(4u, n_workers) * MSG_RING_SIZE,
		sizeof(struct worker_msg), 0, 0, NULL, NULL, NULL, NULL, SOCKET_ID_ANY, 0);
	if (!worker_msg_pool)
		return -ENOMEM;
	for (unsigned int i = 0; i < n_workers; i++) {
		int rc = worker_create(&workers[i]);
		if (rc)
			return rc;
		rte_rcu_qsbr_thread_register(sessions.rcu, i);
	}
	return 0;
}

int
workers_launch(void)
{
	atomic_store(&stopping, false);
	for (unsigned int i = 0; i < n_workers; i++) {
		workers[i].counters->lcore = workers[i].lcore;
		int rc = rte_eal_remote_launch(worker_loop, &workers[i], workers[i].lcore);
		if (rc)
			return rc;
	}
	return 0;
}

static void
drain_mbufs(struct rte_ring *r)
{
	void *m;
	while (r && rte_ring_sc_dequeue(r, &m) == 0)
		rte_pktmbuf_free(m);
}

void
workers_stop(void)
{
	atomic_store(&stopping, true);
	for (unsigned int i = 0; i < n_workers; i++)
		rte_eal_wait_lcore(workers[i].lcore);
	for (unsigned int i = 0; i < n_workers; i++) {
		struct worker *w = &workers[i];
		void *msg;
		drain_mbufs(w->rx);
		drain_mbufs(w->from_main);
		while (w->msgs && rte_ring_sc_dequeue(w->msgs, &msg) == 0)
			explicit_bzero(msg, sizeof(struct worker_msg));
		if (w->graph)
			rte_graph_destroy(rte_graph_from_name(w->graph->name));
		rte_ring_free(w->rx);
		rte_ring_free(w->from_main);
		for (unsigned int kind = 0; kind < PUNT_COUNT; kind++) {
			drain_mbufs(w->to_main[kind]);
			rte_ring_free(w->to_main[kind]);
			w->to_main[kind] = NULL;
		}
		rte_ring_free(w->msgs);
		rte_ring_free(w->events);
		esp_engine_destroy(w->esp);
		w->graph = NULL;
		w->esp = NULL;
		w->rx = w->from_main = w->msgs = w->events = NULL;
	}
	rte_mempool_free(worker_msg_pool);
	worker_msg_pool = NULL;
}
