/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/harness.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_graph.h>
#include <rte_graph_worker.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_version.h>

#include "bench/bench.h"

#define BURST     64
#define MAX_NODES 128

/* The source's packets: built once, copied into fresh mbufs on each round. */
static struct {
	uint8_t *data;
	uint32_t stride, count, next;
	uint32_t distinct; /* in data, taken in turn */
	uint16_t len;
	uint8_t port;
} source;

static const char *only = ""; /* measure cases whose name contains this */
static unsigned int runs = 7;
static bool nodes;        /* say what each node costs */
static const char *peers; /* file: what bench/ipsec-secgw measured */
static struct rte_mempool *pool;
struct session_counters *harness_counters;

/* ------------------------------------------------------------------ source node */

enum { TO_CLASSIFY, TO_TX };
static int source_edge;

static uint16_t
bench_rx(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct rte_mbuf *mbufs[BURST];

	RTE_SET_USED(objs);
	RTE_SET_USED(n);
	uint32_t want = RTE_MIN((uint32_t)BURST, source.count - source.next);
	if (want == 0 || rte_pktmbuf_alloc_bulk(pool, mbufs, want) != 0)
		return 0;
	for (uint32_t i = 0; i < want; i++) {
		struct rte_mbuf *m = mbufs[i];
		memcpy(rte_pktmbuf_mtod(m, void *),
			source.data + (size_t)((source.next + i) % source.distinct) * source.stride,
			source.len);
		m->data_len = source.len;
		m->pkt_len = source.len;
		m->port = source.port;
		pkt_meta(m)->port = source.port;
	}
	source.next += want;
	node->idx = want;
	memcpy(node->objs, mbufs, want * sizeof(mbufs[0]));
	rte_node_next_stream_move(graph, node, source_edge);
	return want;
}

static struct rte_node_register bench_rx_node = {
	.name = "bench_rx",
	.flags = RTE_NODE_SOURCE_F,
	.process = bench_rx,
	.init = node_init,
	.nb_edges = 2,
	.next_nodes = {[TO_CLASSIFY] = "classify", [TO_TX] = "port_tx"},
};
RTE_NODE_REGISTER(bench_rx_node);

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
		rte_eth_dev_configure(p->ethdev, 1, 1, &conf) != 0 ||
		rte_eth_rx_queue_setup(p->ethdev, 0, 64, SOCKET_ID_ANY, NULL, pool) != 0 ||
		rte_eth_tx_queue_setup(p->ethdev, 0, 64, SOCKET_ID_ANY, NULL) != 0 ||
		rte_eth_dev_start(p->ethdev) != 0)
		harness_die(device);
	snprintf(p->name, sizeof(p->name), "%s", index == WAN ? "wan0" : "lan0");
	p->role = index == WAN ? PORT_WAN : PORT_LAN;
	p->index = index;
	p->mtu = 1500;
	p->n_queues = 1;
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
set_up(void)
{
	struct worker *w = &workers[0];
	size_t rcu_size = rte_rcu_qsbr_get_memsize(1);
	struct rte_rcu_qsbr *rcu = rte_zmalloc(NULL, rcu_size, RTE_CACHE_LINE_SIZE);

	if (!rcu || rte_rcu_qsbr_init(rcu, 1) != 0 || pkt_meta_register() != 0)
		harness_die("set-up");
	pool = rte_pktmbuf_pool_create(
		"bench", 16383, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	harness_counters =
		rte_zmalloc(NULL, MAX_SESSIONS * sizeof(*harness_counters), RTE_CACHE_LINE_SIZE);
	if (!pool || !harness_counters || session_table_init(MAX_SESSIONS, rcu) != 0 ||
		route_init(MAX_SESSIONS, rcu) != 0 || sa_table_init(MAX_SESSIONS, rcu) != 0)
		harness_die("set-up");
	start_port(WAN, "net_null0");
	start_port(LAN, "net_null1");
	n_ports = 2;
	settings.max_rekeys = 256;
	atomic_store(&settings.edge, EDGE_ALLOW_PPTP | EDGE_ALLOW_IPSEC | EDGE_ALLOW_CLEAR_L2TP);
	n_workers = 1;
	w->lcore = rte_lcore_id();
	w->mbuf_pool = pool;
	w->counters = rte_zmalloc(NULL, sizeof(*w->counters), RTE_CACHE_LINE_SIZE);
	void *punt = rte_zmalloc(NULL, RING_BYTES(PUNT_RING_CAPACITY, sizeof(struct frame_record)),
		RTE_CACHE_LINE_SIZE);
	if (!w->counters || !punt)
		harness_die("set-up");
	ring_attach(&w->punt, punt, PUNT_RING_CAPACITY, sizeof(struct frame_record), true);

	add_nexthop(NEXTHOP_WAN, WAN);
	add_nexthop(NEXTHOP_LAN, LAN);
	if (rte_lpm_add(fib, LAN_HOST, 32, FIB_VALUE(FIB_NEXTHOP, NEXTHOP_LAN)) != 0 ||
		rte_lpm_add(fib, SERVER_IP, 32, FIB_VALUE(FIB_LOCAL, WAN)) != 0)
		harness_die("rte_lpm_add");
}

void
harness_ready(void)
{
	worker_source = "bench_rx";
	if (workers_init() != 0)
		harness_die("workers_init");
	bench_machine(rte_version());
}

/* ------------------------------------------------------------------ packets */

void
put_ipv4(uint8_t *at, uint32_t src, uint32_t dst, uint8_t proto, uint16_t total)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at;

	memset(ip, 0, sizeof(*ip));
	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16(total);
	ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
	ip->time_to_live = 64;
	ip->next_proto_id = proto;
	ip->src_addr = rte_cpu_to_be_32(src);
	ip->dst_addr = rte_cpu_to_be_32(dst);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

uint8_t *
put_ether(uint8_t *at, uint8_t port)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)at;

	eth->dst_addr = ports[port].mac;
	eth->src_addr = (struct rte_ether_addr){.addr_bytes = {2, 0, 0, 0, 1, port}};
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	return at + sizeof(*eth);
}

void
put_be(uint8_t *at, uint32_t v, unsigned int octets)
{
	while (octets--)
		*at++ = (uint8_t)(v >> octets * 8);
}

void
put_inner(uint8_t *at, const struct graph_case *c, uint32_t i)
{
	uint32_t from = c->uplink ? INNER_IP(i) : LAN_HOST, to = c->uplink ? LAN_HOST : INNER_IP(i);

	put_ipv4(at, from, to, IPPROTO_UDP, c->bytes);
	memset(at + 20, 0x5a, c->bytes - 20);
}

uint16_t
build_downlink(uint8_t *at, const struct graph_case *c, uint32_t i, uint32_t n)
{
	(void)n;
	put_inner(put_ether(at, LAN), c, i);
	return (uint16_t)(14 + c->bytes);
}

/* Packets go round-robin over the sessions, which is the hardest order for caches.  Uplink each has
 * a number of its own; downlink a few that stay in the cache do, as in a NIC's ring. */
static void
build_packets(const struct graph_case *c)
{
	source.stride = c->bytes + MAX_HEADERS;
	source.count = c->bytes > 256 ? 20000 : 60000;
	source.distinct = c->uplink ? source.count : RTE_MAX(c->sessions, 512u);
	source.data = malloc((size_t)source.stride * source.distinct);
	if (!source.data)
		harness_die("memory");
	for (uint32_t n = 0; n < source.distinct; n++)
		source.len = c->build(source.data + (size_t)n * source.stride, c, n % c->sessions,
			n / c->sessions);
	source.port = c->uplink ? WAN : LAN;
}

/* ------------------------------------------------------------------ measuring */

static uint64_t
dropped(void)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < DROP_COUNT; i++)
		sum += workers[0].counters->drops[i];
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

/* One round over all packets; TSC cycles.  Every packet must come out: a bench of dropped packets
 * is worth nothing. */
static uint64_t
one_round(const struct graph_case *c)
{
	struct worker *w = &workers[0];
	uint64_t drops = dropped(), sent = transmitted();

	c->reset(c);
	source.next = 0;
	uint64_t start = rte_rdtsc_precise();
	while (source.next < source.count) {
		w->now = rte_rdtsc();
		rte_graph_walk(w->graph);
	}
	uint64_t cycles = rte_rdtsc_precise() - start;
	if (dropped() != drops || transmitted() - sent < source.count) {
		fprintf(stderr, "bench: %s: %u packets in, %lu out, drops:", c->name, source.count,
			(unsigned long)(transmitted() - sent));
#define X(name, text)                        \
	if (w->counters->drops[DROP_##name]) \
		fprintf(stderr, " " #name " %lu", (unsigned long)w->counters->drops[DROP_##name]);
		DROP_REASONS(X)
#undef X
		fprintf(stderr, "\n");
		exit(1);
	}
	return cycles;
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

void
harness_measure(const struct graph_case *c)
{
	double ours[64], reference[64], ratio[64], per_node[MAX_NODES] = {0};

	if (!strstr(c->name, only))
		return;
	build_packets(c);
	for (unsigned int r = 0; r < runs + 1; r++) {
		unsigned int rounds = 3;
		uint64_t a = 0, b = 0;
		for (unsigned int k = 0; k < rounds; k++) {
			source_edge = TO_CLASSIFY;
			count_nodes(per_node, r ? -1 : 0, (double)source.count * rounds * runs);
			a += one_round(c);
			count_nodes(per_node, r ? 1 : 0, (double)source.count * rounds * runs);
			source_edge = TO_TX;
			b += one_round(c);
		}
		if (r == 0)
			continue; /* warm-up */
		double n = (double)source.count * rounds;
		ours[r - 1] = (double)a / n;
		reference[r - 1] = (double)b / n;
		ratio[r - 1] = (double)b / (double)a;
	}
	double cycles = bench_median(ours, runs), ref = bench_median(reference, runs);
	double mhz = (double)rte_get_tsc_hz() / 1e6, peer = peer_of(c);
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
		.runs = runs});
	if (nodes)
		print_nodes(per_node);
	free(source.data);
}

void
harness_start(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
		{"runs", required_argument, NULL, 'r'}, {"only", required_argument, NULL, 'o'},
		{"peers", required_argument, NULL, 'p'}, {"nodes", no_argument, NULL, 'n'},
		{"hugepages", no_argument, NULL, 'H'}, {0}};
	const char *eal[] = {argv[0], "--no-huge", "-m", "512", "--no-pci", "--no-telemetry",
		"--log-level", "error", "-l", "1", "--no-shconf", "--vdev", "net_null0", "--vdev",
		"net_null1", NULL};
	int o;

	while ((o = getopt_long(argc, argv, "jr:o:p:nH", options, NULL)) != -1) {
		if (o == 'j') {
			bench_json = true;
		} else if (o == 'r' && atoi(optarg) >= 1 && atoi(optarg) <= 64) {
			runs = (unsigned int)atoi(optarg);
		} else if (o == 'o') {
			only = optarg;
		} else if (o == 'p') {
			peers = optarg;
		} else if (o == 'n') {
			nodes = true;
		} else if (o == 'H') {
			eal[1] = "--in-memory";
		} else {
			fprintf(stderr,
				"usage: %s [--json] [--runs 1..64] [--only CASE] [--peers FILE] "
				"[--nodes] [--hugepages]\n",
				argv[0]);
			exit(2);
		}
	}
	if (rte_eal_init((int)RTE_DIM(eal) - 1, (char **)(uintptr_t)eal) < 0)
		harness_die("rte_eal_init");
	set_up();
}
