/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet costs through the whole PPTP graph on one worker, from a source node in memory: no
 * NIC, no kernel. The graph is the data plane's own; only port_rx is replaced, and ports are
 * net_null devices that free what they are given. The reference in the same run is the source and
 * port_tx alone: what is left is Adit.
 */
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
#include <rte_ip.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_version.h>

#include "bench/bench.h"
#include "crypto/mppe.h"
#include "dataplane/port.h"
#include "dataplane/route.h"
#include "dataplane/session.h"
#include "dataplane/worker.h"

#define WAN          0
#define LAN          1
#define BURST        64
#define MAX_SESSIONS 10000
#define SERVER_IP    RTE_IPV4(192, 0, 2, 10)
#define PEER_IP(i)   (RTE_IPV4(10, 64, 0, 0) + (i))
#define INNER_IP(i)  (RTE_IPV4(100, 64, 0, 2) + (i))
#define LAN_HOST     RTE_IPV4(198, 51, 100, 100)
#define NEXTHOP_WAN  1
#define NEXTHOP_LAN  2

enum cipher { CLEAR, STATELESS, STATEFUL };

struct graph_case {
	const char *direction;
	enum cipher cipher;
	uint16_t bytes; /* inner packet */
	uint32_t sessions;
};

/* The source's packets: built once, copied into fresh mbufs on each round. */
static struct {
	uint8_t *data;
	uint32_t stride, count, next;
	uint16_t len;
	uint8_t port;
} source;

static const char *only = ""; /* measure cases whose name contains this */
static struct session_counters *counters;
static struct rte_mempool *pool;

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
			source.data + (size_t)(source.next + i) * source.stride, source.len);
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

static void
die(const char *what)
{
	fprintf(stderr, "bench graph: %s: %s\n", what, rte_strerror(rte_errno));
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
		die(device);
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
fill_key(struct command_mppe_dir *d, uint32_t i, uint8_t direction, enum cipher cipher)
{
	memset(d, 0, sizeof(*d));
	if (cipher == CLEAR)
		return;
	for (unsigned int k = 0; k < sizeof(d->start_key); k++)
		d->start_key[k] = (uint8_t)(i * 31 + k * 7 + direction);
	d->strength = MPPE_128;
	d->stateless = cipher == STATELESS;
}

/* Bring session i to the state that the case needs, as control's commands would; also resets
 * sequence and keys between rounds. */
static void
reset_session(uint32_t i, enum cipher cipher)
{
	struct session *s = &sessions.slots[i];
	struct command mppe = {.type = COMMAND_SESSION_MPPE};

	s->up.rx_any = 0;
	s->up.rx_window = 0;
	s->up.ack_due = 0;
	s->up.far_ahead = 0;
	fill_key(&mppe.mppe.rx, i, 0, cipher);
	fill_key(&mppe.mppe.tx, i, 1, cipher);
	session_apply(s, &mppe);
}

static void
add_sessions(void)
{
	struct command link = {.type = COMMAND_SESSION_LINK,
		.link = {.our_mru = 1500, .peer_mru = 1500, .tx_acfc = 1, .tx_pfc = 1}};

	for (uint32_t i = 0; i < MAX_SESSIONS; i++) {
		struct command open = {
			.type = COMMAND_SESSION_OPEN, .open = {.inner_ip = INNER_IP(i)}};
		const struct session_params params = {.server_ip = SERVER_IP,
			.peer_ip = PEER_IP(i),
			.call_id = (uint16_t)(i + 1),
			.peer_call_id = (uint16_t)(i + 1),
			.counters = &counters[i]};
		if (session_add(session_handle(i, 1), &params) != 0)
			die("session_add");
		struct session *s = &sessions.slots[i];
		atomic_store(&s->cfg.outer_nh, FIB_VALUE(FIB_NEXTHOP, NEXTHOP_WAN));
		session_apply(s, &link);
		session_apply(s, &open);
		s->cfg.peer_seen = 1;
		if (route_add_session(INNER_IP(i), i) != 0)
			die("route_add_session");
	}
}

static void
set_up(void)
{
	struct worker *w = &workers[0];
	size_t rcu_size = rte_rcu_qsbr_get_memsize(1);
	struct rte_rcu_qsbr *rcu = rte_zmalloc(NULL, rcu_size, RTE_CACHE_LINE_SIZE);

	if (!rcu || rte_rcu_qsbr_init(rcu, 1) != 0 || pkt_meta_register() != 0)
		die("set-up");
	pool = rte_pktmbuf_pool_create(
		"bench", 16383, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	counters = rte_zmalloc(NULL, MAX_SESSIONS * sizeof(*counters), RTE_CACHE_LINE_SIZE);
	if (!pool || !counters || session_table_init(MAX_SESSIONS, rcu) != 0 ||
		route_init(MAX_SESSIONS, rcu) != 0)
		die("set-up");
	start_port(WAN, "net_null0");
	start_port(LAN, "net_null1");
	n_ports = 2;
	settings.max_rekeys = 256;
	atomic_store(&settings.edge, EDGE_ALLOW_PPTP);
	n_workers = 1;
	w->lcore = rte_lcore_id();
	w->mbuf_pool = pool;
	w->counters = rte_zmalloc(NULL, sizeof(*w->counters), RTE_CACHE_LINE_SIZE);
	void *punt = rte_zmalloc(NULL, RING_BYTES(PUNT_RING_CAPACITY, sizeof(struct frame_record)),
		RTE_CACHE_LINE_SIZE);
	if (!w->counters || !punt)
		die("set-up");
	ring_attach(&w->punt, punt, PUNT_RING_CAPACITY, sizeof(struct frame_record), true);

	add_nexthop(NEXTHOP_WAN, WAN);
	add_nexthop(NEXTHOP_LAN, LAN);
	if (rte_lpm_add(fib, LAN_HOST, 32, FIB_VALUE(FIB_NEXTHOP, NEXTHOP_LAN)) != 0 ||
		rte_lpm_add(fib, SERVER_IP, 32, FIB_VALUE(FIB_LOCAL, WAN)) != 0)
		die("rte_lpm_add");
	add_sessions();
	worker_source = "bench_rx";
	if (workers_init() != 0)
		die("workers_init");
}

/* ------------------------------------------------------------------ packets */

static void
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

static uint8_t *
put_ether(uint8_t *at, uint8_t port)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)at;

	eth->dst_addr = ports[port].mac;
	eth->src_addr = (struct rte_ether_addr){.addr_bytes = {2, 0, 0, 0, 1, port}};
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	return at + sizeof(*eth);
}

static void
put_be(uint8_t *at, uint32_t v, unsigned int octets)
{
	while (octets--)
		*at++ = (uint8_t)(v >> octets * 8);
}

/* GRE/PPP as a Windows or Linux client sends it: sequence and acknowledgement numbers, ACFC and PFC
 * in use. */
static uint16_t
build_uplink(uint8_t *at, const struct graph_case *c, uint32_t i, uint32_t seq, struct mppe_tx *tx)
{
	uint8_t *ip = put_ether(at, WAN), *gre = ip + 20, *ppp = gre + 16;
	uint16_t ppp_len;

	if (c->cipher == CLEAR) {
		ppp[0] = 0x21;
		put_ipv4(ppp + 1, INNER_IP(i), LAN_HOST, IPPROTO_UDP, c->bytes);
		memset(ppp + 21, 0x5a, c->bytes - 20);
		ppp_len = 1 + c->bytes;
	} else {
		struct mppe_job job = {
			.tx = tx, .data = ppp + 1, .len = MPPE_HDR_LEN + 1u + c->bytes};
		ppp[0] = 0xfd;
		ppp[3] = 0x21;
		put_ipv4(ppp + 4, INNER_IP(i), LAN_HOST, IPPROTO_UDP, c->bytes);
		memset(ppp + 24, 0x5a, c->bytes - 20);
		mppe_encrypt_burst(&job, 1);
		ppp_len = (uint16_t)(1 + job.len);
	}
	put_be(gre, 0x3081880b, 4);
	put_be(gre + 4, ppp_len, 2);
	put_be(gre + 6, i + 1, 2);
	put_be(gre + 8, seq, 4);
	put_be(gre + 12, 0, 4);
	put_ipv4(ip, PEER_IP(i), SERVER_IP, 47, (uint16_t)(20 + 16 + ppp_len));
	return (uint16_t)(14 + 20 + 16 + ppp_len);
}

static uint16_t
build_downlink(uint8_t *at, const struct graph_case *c, uint32_t i)
{
	uint8_t *ip = put_ether(at, LAN);

	put_ipv4(ip, LAN_HOST, INNER_IP(i), IPPROTO_UDP, c->bytes);
	memset(ip + 20, 0x5a, c->bytes - 20);
	return (uint16_t)(14 + c->bytes);
}

/* Packets go round-robin over the sessions, which is the hardest order for caches. */
static void
build_packets(const struct graph_case *c)
{
	bool up = strcmp(c->direction, "uplink") == 0;
	struct mppe_tx *tx = calloc(c->sessions, sizeof(*tx));

	source.stride = c->bytes + 64u;
	source.count = c->bytes > 256 ? 20000 : 60000;
	source.data = malloc((size_t)source.stride * source.count);
	if (!source.data || !tx)
		die("memory");
	for (uint32_t i = 0; i < c->sessions && c->cipher != CLEAR; i++) {
		struct command_mppe_dir d;
		struct mppe_params p = {.strength = MPPE_128, .stateless = c->cipher == STATELESS};
		fill_key(&d, i, 0, c->cipher);
		memcpy(p.start_key, d.start_key, sizeof(p.start_key));
		mppe_tx_init(&tx[i], &p);
	}
	for (uint32_t n = 0; n < source.count; n++) {
		uint8_t *at = source.data + (size_t)n * source.stride;
		uint32_t i = n % c->sessions;
		source.len = up ? build_uplink(at, c, i, n / c->sessions, &tx[i])
				: build_downlink(at, c, i);
	}
	source.port = up ? WAN : LAN;
	free(tx);
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

	for (uint32_t i = 0; i < c->sessions; i++)
		reset_session(i, c->cipher);
	source.next = 0;
	uint64_t start = rte_rdtsc_precise();
	while (source.next < source.count) {
		w->now = rte_rdtsc();
		rte_graph_walk(w->graph);
	}
	uint64_t cycles = rte_rdtsc_precise() - start;
	if (dropped() != drops || transmitted() - sent < source.count) {
		fprintf(stderr, "bench graph: %s: %u packets in, %lu out, drops:", c->direction,
			source.count, (unsigned long)(transmitted() - sent));
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

static void
measure(const struct graph_case *c, unsigned int runs)
{
	static const char *const ciphers[] = {"clear", "mppe128-stateless", "mppe128-stateful"};
	double ours[64], reference[64], ratio[64];
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", c->direction, ciphers[c->cipher]);
	if (!strstr(name, only))
		return;
	build_packets(c);
	for (unsigned int r = 0; r < runs + 1; r++) {
		unsigned int rounds = 3;
		uint64_t a = 0, b = 0;
		for (unsigned int k = 0; k < rounds; k++) {
			source_edge = TO_CLASSIFY;
			a += one_round(c);
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
	double mhz = (double)rte_get_tsc_hz() / 1e6;
	bench_report(&(struct bench_result){.bench = "graph",
		.name = name,
		.bytes = c->bytes,
		.sessions = c->sessions,
		.unit = "Mpps",
		.value = mhz / cycles,
		.cycles = cycles,
		.peer = "source-and-tx",
		.peer_value = mhz / ref,
		.ratio = bench_median(ratio, runs),
		.kernel = rc4_selected(),
		.runs = runs});
	free(source.data);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
		{"runs", required_argument, NULL, 'r'}, {"only", required_argument, NULL, 'o'},
		{0}};
	const char *eal[] = {argv[0], "--no-huge", "-m", "512", "--no-pci", "--no-telemetry",
		"--log-level", "error", "-l", "1", "--no-shconf", "--vdev", "net_null0", "--vdev",
		"net_null1", NULL};
	unsigned int runs = 7;
	int o;

	while ((o = getopt_long(argc, argv, "jr:o:", options, NULL)) != -1) {
		if (o == 'j')
			bench_json = true;
		else if (o == 'r' && atoi(optarg) >= 1 && atoi(optarg) <= 64)
			runs = (unsigned int)atoi(optarg);
		else if (o == 'o')
			only = optarg;
		else {
			fprintf(stderr,
				"usage: bench-graph [--json] [--runs 1..64] [--only CASE]\n");
			return 2;
		}
	}
	if (rte_eal_init((int)RTE_DIM(eal) - 1, (char **)(uintptr_t)eal) < 0)
		die("rte_eal_init");
	set_up();
	bench_machine(rte_version());
	static const uint16_t sizes[] = {64, 1400};
	static const uint32_t counts[] = {1, MAX_SESSIONS};
	static const char *const directions[] = {"uplink", "downlink"};
	for (unsigned int d = 0; d < RTE_DIM(directions); d++)
		for (enum cipher cipher = CLEAR; cipher <= STATEFUL; cipher++)
			for (unsigned int s = 0; s < RTE_DIM(sizes); s++)
				for (unsigned int n = 0; n < RTE_DIM(counts); n++)
					measure(&(struct graph_case){directions[d], cipher,
							sizes[s], counts[n]},
						runs);
	return 0;
}
