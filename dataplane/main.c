/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "crypto/rc4.h"
#include "dataplane/answered.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/notify.h"
#include "dataplane/api/ring.h"
#include "dataplane/buffers.h"
#include "dataplane/clock.h"
#include "dataplane/config.h"
#include "dataplane/eal.h"
#include "dataplane/flow.h"
#include "dataplane/lcores.h"
#include "dataplane/netlink.h"
#include "dataplane/pmtu.h"
#include "dataplane/port.h"
#include "dataplane/port_xdp.h"
#include "dataplane/route.h"
#include "dataplane/segment.h"
#include "dataplane/session.h"
#include "dataplane/stats.h"
#include "dataplane/tap.h"
#include "dataplane/worker.h"
#include "dataplane/writer.h"

#define MAIN_BURST        64
#define ANSWERS_WHEN_BUSY 8
#define POLL_US_BUSY      100 /* between turns while packets pass the main lcore */
#define POLL_US_IDLE      1000
#define BUSY_FOR_US       20000

static struct rte_mempool *mbufs;
static struct rte_rcu_qsbr *rcu;
static int epoll_fd = -1, netlink_fd = -1;
static volatile sig_atomic_t ended;

static void
on_signal(int sig)
{
	(void)sig;
	ended = 1;
}

static int
failed(const char *what, int rc)
{
	fprintf(stderr, "adit-dataplane: %s: %s\n", what, strerror(-rc));
	return rc;
}

static bool
has_buffers(unsigned int workers_wanted)
{
	char err[256];
	if (buffers_suffice(&config, workers_wanted, err, sizeof(err)))
		return true;
	fprintf(stderr, "adit-dataplane: %s\n", err);
	return false;
}

/* Lcores behind the first are workers. */
static int
find_workers(void)
{
	unsigned int lcore;
	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		if (n_workers == SEGMENT_MAX_WORKERS)
			return failed("more workers than the segment has room for", -E2BIG);
		workers[n_workers].index = (uint8_t)n_workers;
		workers[n_workers++].lcore = lcore;
	}
	if (n_workers == 0) {
		fprintf(stderr,
			"adit-dataplane: eal.lcores = \"%s\" names only a main lcore; packets need "
			"at least one worker, as in \"0@0,1@1\"\n",
			config.lcores);
		return -EINVAL;
	}
	return has_buffers(n_workers) ? 0 : -EINVAL;
}

static int
create_pool(void)
{
	uint16_t mtu = 0;
	bool xdp = false;
	for (unsigned int i = 0; i < config.n_ports; i++) {
		mtu = RTE_MAX(mtu, config.ports[i].mtu);
		xdp |= xdp_is(config.ports[i].device);
	}
	int frame = RTE_ALIGN(mtu + 64, 64) + (xdp ? XDP_HEADROOM : 0);
	uint16_t room =
		(uint16_t)(RTE_PKTMBUF_HEADROOM + RTE_MAX(RTE_MBUF_DEFAULT_DATAROOM, frame));
	int rc = pkt_meta_register();
	if (rc)
		return failed("packet metadata's place in the mbuf is taken", rc);
	mbufs = rte_pktmbuf_pool_create(
		"mbufs", config.mbufs, MEMPOOL_CACHE, 0, room, SOCKET_ID_ANY);
	return mbufs ? 0 : failed("packet buffers (eal.memory_mb, mempool.mbufs)", -rte_errno);
}

static int
create_tables(void)
{
	size_t size = rte_rcu_qsbr_get_memsize(SEGMENT_MAX_WORKERS);
	rcu = rte_zmalloc("rcu", size, RTE_CACHE_LINE_SIZE);
	if (!rcu || rte_rcu_qsbr_init(rcu, SEGMENT_MAX_WORKERS) != 0)
		return failed("RCU", -ENOMEM);
	int rc = route_init(config.max_sessions, rcu);
	if (rc == 0)
		rc = session_table_init(config.max_sessions, rcu);
	if (rc == 0)
		rc = sa_table_init(config.max_sas, rcu);
	if (rc == -ENOTSUP)
		return failed(
			"this CPU lacks what IPsec takes, the AES instructions (ipsec.max_sas = 0 "
			"does without IPsec)",
			rc);
	if (rc)
		return failed("tables (eal.memory_mb, sessions.max, ipsec.max_sas)", rc);
	rc = segment_create(n_workers, config.max_sessions, config.max_sas);
	if (rc)
		return failed("shared segment", rc);
	for (unsigned int i = 0; i < n_workers; i++) {
		struct worker *w = &workers[i];
		w->mbuf_pool = mbufs;
		w->counters =
			(struct worker_counters *)segment_part(segment_offsets.worker_counters) + i;
		ring_attach(&w->punt, segment_part(segment_offsets.punt_rings[i]),
			PUNT_RING_CAPACITY, sizeof(struct frame_record), true);
	}
	writer_init(mbufs);
	return 0;
}

/*
 * What the kernel's TCP says for control must not be ahead of what control has told us before: else
 * the first frame of a call whose reply has just left finds no session, and its client waits for
 * seconds.
 */
static void
commands_first(void)
{
	writer_commands(clock_us(rte_rdtsc()));
}

static int
start_kernel_side(void)
{
	struct epoll_event ev = {.events = EPOLLIN};
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		return failed("epoll", -errno);
	int rc = taps_open(mbufs);
	if (rc)
		return rc;
	ev.data.fd = netlink_fd = netlink_open();
	if (netlink_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, netlink_fd, &ev) < 0)
		return failed("rtnetlink", netlink_fd < 0 ? netlink_fd : -errno);
	rc = taps_configure(epoll_fd, commands_first);
	if (rc)
		return rc;
	rc = netlink_dump();
	if (rc)
		return failed("routes of the kernel", rc);
	rc = segment_listen(epoll_fd, writer_control_connected);
	if (rc == -EADDRINUSE)
		fprintf(stderr, "adit-dataplane: socket %s: another data plane answers there\n",
			config.socket);
	else if (rc)
		failed(config.socket, rc);
	return rc;
}

static int
start(void)
{
	settings.max_rekeys = config.max_rekeys;
	settings.edge_ping = config.edge_ping;
	settings.inside_ping = config.inside_ping;
	settings.n_inside = (uint8_t)config.n_inside;
	memcpy(settings.inside, config.inside, sizeof(settings.inside));
	settings.outer_fragmentation = config.outer_fragmentation;
	clock_init();
	rc4_select("auto");
	int rc = answered_init();
	if (rc == 0)
		rc = flow_init();
	if (rc == 0)
		rc = find_workers();
	if (rc == 0)
		rc = create_pool();
	if (rc == 0)
		rc = ports_open(mbufs);
	if (rc == 0)
		rc = create_tables();
	if (rc == 0)
		rc = start_kernel_side();
	if (rc)
		return rc;
	rc = workers_init();
	if (rc)
		return failed("packet graph", rc);
	rc = ports_start();
	return rc ? rc : workers_launch();
}

static void
take_punt(enum punt_kind kind, struct rte_mbuf *m, uint64_t now_us)
{
	switch (kind) {
	case PUNT_INNER:
		inner_write(m);
		break;
	case PUNT_PMTU:
		pmtu_take(m, now_us);
		break;
	case PUNT_GLEAN:
		route_glean(m);
		break;
	default:
		tap_write(pkt_meta(m)->port, m);
	}
}

/* What workers hand to this lcore: a burst of each kind, but of answers few when somebody else has
 * as much to say as he may (D8). */
static unsigned int
drain_worker(struct worker *w, uint64_t now_us)
{
	struct rte_mbuf *pkts[MAIN_BURST];
	unsigned int work = 0;
	bool busy = false;
	static_assert(PUNT_ANSWER == PUNT_COUNT - 1, "served last");
	for (unsigned int kind = 0; kind < PUNT_COUNT; kind++) {
		unsigned int n = rte_ring_sc_dequeue_burst(w->to_main[kind], (void **)pkts,
			kind == PUNT_ANSWER && busy ? ANSWERS_WHEN_BUSY : MAIN_BURST, NULL);
		busy |= n == MAIN_BURST;
		for (unsigned int i = 0; i < n; i++)
			take_punt(kind, pkts[i], now_us);
		work += n;
	}
	return work;
}

static unsigned int
handle_events(int timeout_us)
{
	struct epoll_event ev[16];
	struct timespec ts = {.tv_nsec = timeout_us * 1000L};
	unsigned int work = 0;
	int n = epoll_pwait2(epoll_fd, ev, RTE_DIM(ev), &ts, NULL);
	for (int i = 0; i < n; i++) {
		int fd = ev[i].data.fd;
		if (fd == netlink_fd)
			netlink_poll();
		else if (!tap_event(fd, &work))
			segment_event(fd);
	}
	return work;
}

static void
main_loop(void)
{
	uint64_t busy_until = 0, report_at = 0;
	int timeout_us = POLL_US_IDLE;
	while (!ended) {
		unsigned int work = handle_events(timeout_us);
		uint64_t now_us = clock_us(rte_rdtsc());
		for (unsigned int i = 0; i < n_workers; i++)
			work += drain_worker(&workers[i], now_us);
		work += writer_turn(now_us);
		route_tick(now_us);
		pmtu_tick(now_us);
		atomic_store_explicit(&segment->now_us, now_us, memory_order_relaxed);
		segment_wake();
		if (now_us >= report_at) {
			report_at = now_us + 1000000;
			if (work == 0 && rc4_settle() && sas.engine)
				esp_settle(sas.engine);
			stats_report(mbufs);
			notify("WATCHDOG=1");
		}
		if (work)
			busy_until = now_us + BUSY_FOR_US;
		timeout_us = work >= MAIN_BURST    ? 0
			     : now_us < busy_until ? POLL_US_BUSY
						   : POLL_US_IDLE;
	}
}

static void
stop(void)
{
	segment_close();
	workers_stop();
	writer_close();
	taps_close();
	ports_close();
	netlink_close();
	if (fib)
		route_free();
	session_table_free();
	sa_table_free();
	segment_free();
	rte_mempool_free(mbufs);
	if (epoll_fd >= 0)
		close(epoll_fd);
}

static int
usage(FILE *f)
{
	fputs("usage: adit-dataplane [-c FILE] [-t]\n"
	      "  -c FILE    configuration (default /etc/adit/adit-dataplane.conf)\n"
	      "  -t         check the configuration and exit\n"
	      "  --version  print the version and exit\n",
		f);
	return f == stdout ? 0 : 2;
}

static void
print_error(void *user, const char *error)
{
	(void)user;
	fprintf(stderr, "adit-dataplane: %s\n", error);
}

int
main(int argc, char **argv)
{
	const char *file = "/etc/adit/adit-dataplane.conf";
	bool check = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--version") == 0)
			return printf("adit-dataplane %s\n", ADIT_VERSION) < 0;
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return usage(stdout);
		if (strcmp(argv[i], "-t") == 0)
			check = true;
		else if (strcmp(argv[i], "-c") == 0 && i + 1 < argc)
			file = argv[++i];
		else
			return usage(stderr);
	}
	/* What only a check would find, EAL or the kernel refuses later, but for a missing user. */
	bool bad = config_read_all(&config, file, print_error, NULL) != 0;
	if (!config.unreadable && (check || config.no_control_user))
		bad |= config_check(&config, file, print_error, NULL) != 0;
	unsigned int lcores = config.unreadable ? 0 : lcores_read(config.lcores, NULL, NULL);
	if (!config.unreadable && (check || !bad))
		bad |= !has_buffers(lcores > 0 ? lcores - 1 : 0);
	if (bad)
		return EX_CONFIG;
	if (check)
		return 0;

	int rc = ports_claim();
	if (rc == 0)
		rc = eal_start();
	if (rc) {
		ports_close();
		return 1;
	}
	struct sigaction sa = {.sa_handler = on_signal};
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	rc = start();
	if (rc == 0) {
		fprintf(stderr, "adit-dataplane: RC4 kernel %s\nadit-dataplane: ready\n",
			rc4_selected());
		notify("READY=1");
		main_loop();
		notify("STOPPING=1");
	}
	stop();
	eal_end();
	return rc ? 1 : 0;
}
