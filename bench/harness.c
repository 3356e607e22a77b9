/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/harness.h"

#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_graph_worker.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_version.h>

#include "bench/bench.h"
#include "bench/source.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/port.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/session.h"
#include "dataplane/pages.h"

#define MAX_NODES  128
#define MAX_COUNTS 8
#define CACHES     (96u << 20) /* octets that leave nothing else in a core's caches */

static const char *only = ""; /* measure cases whose name contains this */
static unsigned int runs = 7, only_bytes, hot;
static uint32_t counts[MAX_COUNTS] = {1, 10000};
static unsigned int n_counts = 2;
static bool nodes;        /* say what each node costs */
static bool round_robin;  /* sessions take turns */
static const char *peers; /* file: what bench/ipsec-secgw measured */
static const char *pages = "thp";
static struct rte_mempool *pool;
uint32_t harness_sessions;
struct session_counters *harness_counters;

/* ------------------------------------------------------------------ set-up */

void
harness_die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, rte_strerror(rte_errno));
	exit(1);
}

static void
start_port(uint8_t index, const char *device)
{
	struct rte_eth_conf conf = {0};
	struct port *p = &ports[index];

	if (rte_eth_dev_get_port_by_name(device, &p->ethdev) != 0 ||
		rte_eth_dev_configure(p->ethdev, n_workers, n_workers, &conf) != 0)
		harness_die(device);
	for (uint16_t q = 0; q < n_workers; q++)
		if (rte_eth_rx_queue_setup(p->ethdev, q, 64, SOCKET_ID_ANY, NULL, pool) != 0 ||
			rte_eth_tx_queue_setup(p->ethdev, q, 64, SOCKET_ID_ANY, NULL) != 0)
			harness_die(device);
	if (rte_eth_dev_start(p->ethdev) != 0)
		harness_die(device);
	snprintf(p->name, sizeof(p->name), "%s", index == WAN ? "wan0" : "lan0");
	p->role = index == WAN ? PORT_WAN : PORT_LAN;
	p->index = index;
	p->mtu = 1500;
	p->n_queues = n_workers;
	p->mac = (struct rte_ether_addr){.addr_bytes = {2, 0, 0, 0, 0, index}};
	p->tap_fd = -1;
}

static void
add_nexthop(uint32_t index, uint8_t port)
{
	union nexthop nh = {.mac = {.addr_bytes = {2, 0, 0, 0, 1, port}},
		.port = port,
		.flags = NEXTHOP_USED | NEXTHOP_RESOLVED};
	uint64_t word;

	memcpy(&word, (const void *)&nh, sizeof(word));
	atomic_store(&nexthops[index].word, word);
}

static void
set_up_worker(unsigned int index, unsigned int lcore)
{
	struct worker *w = &workers[index];

	w->index = (uint8_t)index;
	w->lcore = lcore;
	w->mbuf_pool = pool;
	for (unsigned int p = 0; p < n_ports; p++) {
		w->tx_queues[p] = (uint16_t)index;
		w->tx_worker[p] = (uint8_t)index;
	}
	w->counters = rte_zmalloc(NULL, sizeof(*w->counters), RTE_CACHE_LINE_SIZE);
	void *punt = rte_zmalloc(NULL, RING_BYTES(PUNT_RING_CAPACITY, sizeof(struct frame_record)),
		RTE_CACHE_LINE_SIZE);
	if (!w->counters || !punt)
		harness_die("set-up");
	ring_attach(&w->punt, punt, PUNT_RING_CAPACITY, sizeof(struct frame_record), true);
}

static void
add_routes(void)
{
	bool ok = rte_lpm_add(fib, LAN_HOST, 32, FIB_VALUE(FIB_NEXTHOP, NEXTHOP_LAN)) == 0;

	add_nexthop(NEXTHOP_WAN, WAN);
	add_nexthop(NEXTHOP_LAN, LAN);
	for (uint32_t i = 0; i < harness_sessions; i += IDS_A_SERVER)
		ok = ok && rte_lpm_add(fib, SERVER_IP(i), 32, FIB_VALUE(FIB_LOCAL, WAN)) == 0;
	if (!ok)
		harness_die("rte_lpm_add");
}

static void
set_up(void)
{
	size_t rcu_size = rte_rcu_qsbr_get_memsize(MAX_WORKERS);
	struct rte_rcu_qsbr *rcu = rte_zmalloc(NULL, rcu_size, RTE_CACHE_LINE_SIZE);

	if (!rcu || rte_rcu_qsbr_init(rcu, MAX_WORKERS) != 0 || pkt_meta_register() != 0)
		harness_die("set-up");
	pool = rte_pktmbuf_pool_create(
		"bench", 16383, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	harness_counters = rte_zmalloc(
		NULL, harness_sessions * sizeof(*harness_counters), RTE_CACHE_LINE_SIZE);
	if (!pool || !harness_counters || session_table_init(harness_sessions, rcu) != 0 ||
		route_init(harness_sessions, rcu) != 0 || sa_table_init(harness_sessions, rcu) != 0)
		harness_die("set-up");
	n_ports = 2;
	start_port(WAN, "net_null0");
	start_port(LAN, "net_null1");
	settings.max_rekeys = 256;
	atomic_store(&settings.edge, EDGE_ALLOW_PPTP | EDGE_ALLOW_IPSEC | EDGE_ALLOW_CLEAR_L2TP);
	set_up_worker(0, rte_lcore_id());
	unsigned int lcore, index = 1;
	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		set_up_worker(index++, lcore);
	}
	add_routes();
}

void
harness_ready(void)
{
	worker_source = "bench_rx";
	if (workers_init() != 0)
		harness_die("workers_init");
	bench_machine(rte_version());
}

/* ------------------------------------------------------------------ measuring */

static uint64_t
dropped(void)
{
	uint64_t sum = 0;

	for (unsigned int k = 0; k < n_workers; k++)
		for (unsigned int i = 0; i < DROP_COUNT; i++)
			sum += workers[k].counters->drops[i];
	return sum;
}

static uint64_t
transmitted(void)
{
	struct rte_eth_stats wan, lan;

	rte_eth_stats_get(ports[WAN].ethdev, &wan);
	rte_eth_stats_get(ports[LAN].ethdev, &lan);
	return wan.opackets + lan.opackets;
}

static void
print_lost(const struct graph_case *c, uint64_t sent)
{
	fprintf(stderr, "bench: %s: %u packets in, %lu out, drops:", c->name, plan.count,
		(unsigned long)sent);
	for (unsigned int k = 0; k < n_workers; k++) {
		const uint64_t *drops = workers[k].counters->drops;
#define X(name, text)           \
	if (drops[DROP_##name]) \
		fprintf(stderr, " " #name " %lu", (unsigned long)drops[DROP_##name]);
		DROP_REASONS(X)
#undef X
	}
	fprintf(stderr, "\n");
	exit(1);
}

static atomic_uint waiting;

/* A worker's round over its packets.  They start together. */
static int
worker_round(void *arg)
{
	struct worker *w = arg;
	struct source *source = &sources[w->index];

	source->next = 0;
	atomic_fetch_sub(&waiting, 1);
	while (atomic_load(&waiting) != 0)
		rte_pause();
	while (source->next < source->count) {
		w->now = rte_rdtsc();
		rte_graph_walk(w->graph);
	}
	return 0;
}

/* A sample of the sessions stands for all of them: nothing of it is in the caches, as if the others
 * had come between. */
static void
empty_caches(const struct graph_case *c)
{
	static uint8_t *others;

	if (plan.n_touched == c->sessions || hot)
		return;
	if (!others && !(others = calloc(1, CACHES)))
		harness_die("memory");
	for (size_t i = 0; i < CACHES; i += RTE_CACHE_LINE_SIZE)
		((volatile uint8_t *)others)[i]++;
}

/* One round over all packets; TSC cycles of a worker.  Every packet must come out: a bench of
 * dropped packets is worth nothing. */
static uint64_t
one_round(const struct graph_case *c)
{
	uint64_t drops = dropped(), sent = transmitted();

	for (uint32_t k = 0; source_edge == TO_CLASSIFY && k < plan.n_touched; k++)
		c->reset(c, plan.touched[k]);
	empty_caches(c);
	atomic_store(&waiting, n_workers);
	for (unsigned int i = 1; i < n_workers; i++)
		rte_eal_remote_launch(worker_round, &workers[i], workers[i].lcore);
	uint64_t start = rte_rdtsc_precise();
	worker_round(&workers[0]);
	rte_eal_mp_wait_lcore();
	uint64_t cycles = rte_rdtsc_precise() - start;
	if (dropped() != drops || transmitted() - sent < plan.count)
		print_lost(c, transmitted() - sent);
	return cycles * n_workers;
}

/* TSC cycles of the graph's nodes, for each packet of the case: as many numbers as nodes. */
static void
count_nodes(double *cycles, int sign, double packets)
{
	struct rte_graph *graph = workers[0].graph;
	struct rte_node *node;
	rte_graph_off_t off;
	rte_node_t i;

	rte_graph_foreach_node(i, off, graph, node)
	{
		cycles[i] += sign * (double)node->total_cycles / packets;
	}
}

static void
print_nodes(const double *cycles)
{
	struct rte_graph *graph = workers[0].graph;
	struct rte_node *node;
	rte_graph_off_t off;
	rte_node_t i;
	FILE *to = bench_json ? stderr : stdout;

	fprintf(to, "        ");
	rte_graph_foreach_node(i, off, graph, node)
	{
		if (cycles[i] >= 0.5)
			fprintf(to, " %s %.0f", node->name, cycles[i]);
	}
	fprintf(to, "\n");
}

/* The peer's Mpps for this case; 0: none was measured. */
static double
peer_of(const struct graph_case *c)
{
	char name[64];
	unsigned int bytes, clients;
	double mpps = 0, found = 0;
	FILE *f = peers ? fopen(peers, "r") : NULL;

	while (f && fscanf(f, "%63s %u %u %lf", name, &bytes, &clients, &mpps) == 4)
		if (bytes == c->bytes && clients == c->sessions && strcmp(name, c->name) == 0)
			found = mpps;
	if (f)
		fclose(f);
	return found;
}

static void
measure_one(const struct graph_case *c)
{
	double ours[64], reference[64], ratio[64], per_node[MAX_NODES] = {0};
	unsigned int rounds = c->sessions > 60000 ? 1 : 3;

	source_build(c, hot, round_robin);
	double n = (double)plan.count * rounds;
	for (unsigned int r = 0; r < runs + 1; r++) {
		uint64_t a = 0, b = 0;
		for (unsigned int k = 0; k < rounds; k++) {
			source_edge = TO_CLASSIFY;
			count_nodes(per_node, r ? -1 : 0, n * runs);
			a += one_round(c);
			count_nodes(per_node, r ? 1 : 0, n * runs);
			source_edge = TO_TX;
			b += one_round(c);
		}
		if (r == 0)
			continue; /* warm-up */
		ours[r - 1] = (double)a / n;
		reference[r - 1] = (double)b / n;
		ratio[r - 1] = (double)b / (double)a;
	}
	double cycles = bench_median(ours, runs), ref = bench_median(reference, runs);
	double mhz = (double)rte_get_tsc_hz() / 1e6 * n_workers, peer = peer_of(c);
	bench_report(&(struct bench_result){.bench = "graph",
		.name = c->name,
		.bytes = c->bytes,
		.sessions = c->sessions,
		.unit = "Mpps",
		.value = mhz / cycles,
		.cycles = cycles,
		.peer = peer > 0 ? "ipsec-secgw" : "source-and-tx",
		.peer_value = peer > 0 ? peer : mhz / ref,
		.ratio = peer > 0 ? mhz / cycles / peer : bench_median(ratio, runs),
		.kernel = workers[0].esp ? esp_engine_kernel(workers[0].esp) : rc4_selected(),
		.runs = runs,
		.pages = pages,
		.order = hot           ? "hot"
			 : round_robin ? "round-robin"
				       : "random",
		.workers = n_workers});
	if (nodes)
		print_nodes(per_node);
	source_free();
}

bool
harness_wants(const char *name)
{
	char up[64], down[64];

	snprintf(up, sizeof(up), "uplink-%s", name);
	snprintf(down, sizeof(down), "downlink-%s", name);
	return strstr(up, only) || strstr(down, only);
}

void
harness_measure(const struct graph_case *c)
{
	static const uint16_t sizes[] = {64, 1400};
	struct graph_case one = *c;

	if (!strstr(c->name, only))
		return;
	for (unsigned int s = 0; s < RTE_DIM(sizes); s++) {
		for (unsigned int n = 0; n < n_counts; n++) {
			one.bytes = sizes[s];
			one.sessions = counts[n];
			if (only_bytes == 0 || only_bytes == sizes[s])
				measure_one(&one);
		}
	}
}

static bool
read_counts(char *list)
{
	n_counts = 0;
	for (char *at = strtok(list, ","); at; at = strtok(NULL, ",")) {
		unsigned long n = strtoul(at, NULL, 10);
		if (n == 0 || n > SEGMENT_MAX_SESSIONS || n_counts == MAX_COUNTS)
			return false;
		counts[n_counts++] = (uint32_t)n;
	}
	return n_counts > 0;
}

static bool
read_number(const char *text, unsigned int least, unsigned int most, unsigned int *n)
{
	*n = (unsigned int)strtoul(text, NULL, 10);
	return *n >= least && *n <= most;
}

static bool
read_option(int o, char *value)
{
	switch (o) {
	case 'j':
		return bench_json = true;
	case 'n':
		return nodes = true;
	case 'H':
		return (pages = "hugetlb") != NULL;
	case '4':
		return (pages = "4k") != NULL;
	case 'r':
		return read_number(value, 1, 64, &runs);
	case 'w':
		return read_number(value, 1, MAX_WORKERS, &n_workers);
	case 'b':
		return read_number(value, 64, 1400, &only_bytes) &&
		       (only_bytes == 64 || only_bytes == 1400);
	case 'h':
		return read_number(value, 1, SEGMENT_MAX_SESSIONS, &hot);
	case 's':
		return read_counts(value);
	case 'o':
		only = value;
		return true;
	case 'p':
		peers = value;
		return true;
	case 'O':
		round_robin = strcmp(value, "round-robin") == 0;
		return round_robin || strcmp(value, "random") == 0;
	default:
		return false;
	}
}

static void
read_options(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
		{"runs", required_argument, NULL, 'r'}, {"only", required_argument, NULL, 'o'},
		{"sessions", required_argument, NULL, 's'}, {"order", required_argument, NULL, 'O'},
		{"hot", required_argument, NULL, 'h'}, {"bytes", required_argument, NULL, 'b'},
		{"workers", required_argument, NULL, 'w'}, {"peers", required_argument, NULL, 'p'},
		{"nodes", no_argument, NULL, 'n'}, {"ordinary-pages", no_argument, NULL, '4'},
		{"hugepages", no_argument, NULL, 'H'}, {0}};
	int o;

	n_workers = 1;
	while ((o = getopt_long(argc, argv, "jr:o:s:p:nH", options, NULL)) != -1) {
		if (!read_option(o, optarg)) {
			fprintf(stderr,
				"usage: %s [--json] [--runs 1..64] [--only CASE] [--bytes 64|1400] "
				"[--sessions N,N...] [--order random|round-robin] [--hot N] "
				"[--workers 1..%d] [--peers FILE] [--nodes] [--hugepages | "
				"--ordinary-pages]\n",
				argv[0], MAX_WORKERS);
			exit(2);
		}
	}
	for (unsigned int i = 0; i < n_counts; i++)
		harness_sessions = RTE_MAX(harness_sessions, counts[i]);
}

void
harness_start(int argc, char **argv, size_t session_octets)
{
	static const char *const lcores[MAX_WORKERS + 1] = {"", "1", "0,1", "0-2", "0-3"};
	char megabytes[16];

	read_options(argc, argv);
	snprintf(megabytes, sizeof(megabytes), "%zu",
		512 + ((size_t)harness_sessions * session_octets >> 20));
	const char *eal[] = {argv[0], strcmp(pages, "hugetlb") ? "--no-huge" : "--in-memory", "-m",
		megabytes, "--no-pci", "--no-telemetry", "--log-level", "error", "-l",
		lcores[n_workers], "--main-lcore", "1", "--no-shconf", "--vdev", "net_null0",
		"--vdev", "net_null1", NULL};
	if (rte_eal_init((int)RTE_DIM(eal) - 1, (char **)(uintptr_t)eal) < 0)
		harness_die("rte_eal_init");
	rmdir(rte_eal_get_runtime_dir()); /* empty, and stays so */
	if (strcmp(pages, "thp") == 0 && !pages_replace_eal())
		pages = "4k";
	set_up();
}
