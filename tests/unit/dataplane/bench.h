/* SPDX-License-Identifier: BSD-3-Clause */
/* The main lcore's tables without ports, workers' loops or a kernel: EAL in memory, one WAN address
 * 192.0.2.10. */
#ifndef ADIT_TESTS_UNIT_DATAPLANE_BENCH_H
#define ADIT_TESTS_UNIT_DATAPLANE_BENCH_H

#include <stdio.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "crypto/suite.h"
#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/sa.h"
#include "dataplane/clock.h"
#include "dataplane/port.h"
#include "dataplane/route.h"
#include "dataplane/sa.h"
#include "dataplane/segment.h"
#include "dataplane/session.h"
#include "dataplane/worker.h"
#include "dataplane/writer.h"

#define SERVER_IP     0xc000020au
#define PEER_IP       0xc0000201u
#define WAN_IFINDEX   1000001 /* no interface of this machine */
#define INNER_IFINDEX 1000002
#ifndef MAX_SESSIONS
#define MAX_SESSIONS 16
#endif
#define MAX_SAS 8
#ifndef BENCH_MEMORY
#define BENCH_MEMORY "128" /* MiB */
#endif

static struct rte_rcu_qsbr *rcu __rte_unused;
static struct rte_mempool *mbufs __rte_unused;

static inline int
bench_eal(void)
{
	char prefix[32];
	snprintf(prefix, sizeof(prefix), "adit-test-%d", (int)getpid());
	const char *words[] = {"test", "--no-huge", "--no-shconf", "--no-telemetry", "--no-pci",
		"-m", BENCH_MEMORY, "--lcores", "0@0", "--log-level=error", "--file-prefix",
		prefix};
	char text[RTE_DIM(words)][32], *args[RTE_DIM(words) + 1] = {NULL};
	for (unsigned int i = 0; i < RTE_DIM(words); i++) {
		snprintf(text[i], sizeof(text[i]), "%s", words[i]);
		args[i] = text[i];
	}
	int rc = rte_eal_init((int)RTE_DIM(words), args);
	rmdir(rte_eal_get_runtime_dir()); /* empty, and stays so */
	if (rc < 0 || pkt_meta_register() != 0)
		return -1;
	clock_init();
	mbufs = rte_pktmbuf_pool_create(
		"mbufs", 2048, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	rcu = rte_zmalloc(
		"rcu", rte_rcu_qsbr_get_memsize(SEGMENT_MAX_WORKERS), RTE_CACHE_LINE_SIZE);
	return mbufs && rcu && rte_rcu_qsbr_init(rcu, SEGMENT_MAX_WORKERS) == 0 ? 0 : -1;
}

static inline void
bench_eal_end(void)
{
	rte_eal_cleanup();
}

/* AES-128-CBC with HMAC-SHA1, without limits. */
static inline struct sa_keys
bench_keys(void)
{
	struct sa_keys k = {.encryption_len = 16, .integrity_len = 20};
	while (suite_at(k.encryption) != suite_by_name("aes128-cbc"))
		k.encryption++;
	while (suite_at(k.integrity) != suite_by_name("hmac-sha1-96"))
		k.integrity++;
	memset(k.encryption_key, 0x5a, sizeof(k.encryption_key));
	memset(k.integrity_key, 0xa5, sizeof(k.integrity_key));
	return k;
}

static inline struct command_sa_add
bench_sa_add(void)
{
	return (struct command_sa_add){.outer = {.server_ip = SERVER_IP, .peer_ip = PEER_IP},
		.peer = 77,
		.replay_window = 64,
		.keys = bench_keys()};
}

static inline void
bench_tables(void)
{
	n_ports = 1;
	ports[0] = (struct port){.name = "wan0", .mtu = 1500, .tap_fd = -1, .ifindex = WAN_IFINDEX};
	route_inner_ifindex = INNER_IFINDEX;
	if (route_init(MAX_SESSIONS, rcu) != 0 || session_table_init(MAX_SESSIONS, rcu) != 0 ||
		sa_table_init(MAX_SAS, rcu) != 0)
		rte_panic("tables\n");
	const struct kernel_route local = {
		.ip = SERVER_IP, .depth = 32, .oif = WAN_IFINDEX, .type = KERNEL_ROUTE_LOCAL};
	const struct kernel_route link = {.ip = SERVER_IP & 0xffffff00,
		.depth = 24,
		.oif = WAN_IFINDEX,
		.type = KERNEL_ROUTE_UNICAST};
	route_kernel_add(&local, false);
	route_kernel_add(&link, false);
}

static inline void
bench_tables_free(void)
{
	session_table_free();
	sa_table_free();
	route_free();
}

/* The tables, a segment and the messages of one worker, before a test; 0, or -1: no segment. */
static int __rte_unused
bench_worker(void)
{
	n_workers = 1;
	if (segment_create(1, MAX_SESSIONS, MAX_SAS) != 0)
		return -1;
	bench_tables();
	workers[0].msgs = rte_ring_create("msgs", 8, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	worker_msg_pool = rte_mempool_create("msgpool", 63, sizeof(struct worker_msg), 0, 0, NULL,
		NULL, NULL, NULL, SOCKET_ID_ANY, 0);
	return 0;
}

static void __rte_unused
bench_worker_free(void)
{
	rte_ring_free(workers[0].msgs);
	rte_mempool_free(worker_msg_pool);
	bench_tables_free();
	segment_free();
}

#endif
