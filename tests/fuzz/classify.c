/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames from the network through the real graph: classify to session_uplink and what follows.
 *
 * Input: up to eight packets, each a head octet, a length octet (two with bit 6, the low one first)
 * and so many octets.  The head says
 * how far the packet is helped along, so that the fuzzer needs no checksum or key: 0 a raw frame, 1
 * an IPv4 packet, 2 GRE, 3 PPP in GRE's next sequence number, 4 the same encrypted, 5 L2TP in
 * clear, 6 a UDP datagram in ESP with the right keys, 7 what follows ESP's SPI; bits 3 and 4 choose
 * the session, the pair of SAs or the port's role.  With bit 5 an IPv4 packet has no header yet: it
 * is a fragment, whose first two octets say which.  With bit 7 the frame comes in two segments.
 *
 * What of a buffer is no packet is poisoned (poison.h).
 */
#include <stdlib.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_ring_elem.h>
#include <rte_udp.h>

#include "crypto/esp.h"
#include "crypto/suite.h"
#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/port.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/session.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/port.h"
#include "dataplane/route.h"

#define SERVER     0xc000020au /* 192.0.2.10 */
#define PEER       0xc0000201u
#define INNER(i)   (0x0a630001u + (i)) /* 10.99.0.1 */
#define CALL(i)    (1000 + (i))
#define SESSIONS   3 /* in clear, MPPE stateless and required, MPPE stateful */
#define L2TPS      2 /* in clear, in IPsec */
#define PAIRS      2 /* native, in UDP */
#define SA_BYTES   2048
#define PACKETS    8
#define PACKET_MAX 1500 /* of what the input gives */

/* 1001 and 1003 are the IDs of L2TP's tunnels and sessions. */
#define L2TP_ID(i) (1001 + 2 * (i))

enum head { RAW, IPV4, GRE, PPP, ENCRYPTED, L2TP, ESP_DATAGRAM, ESP_RAW };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_suppressions(void);

/* The library's new fragments are written before poison.h can tell of them. */
const char *
__asan_default_suppressions(void)
{
	return "interceptor_via_lib:librte_ip_frag\n";
}

static struct session saved[SESSIONS + L2TPS];
static struct sa saved_pairs[PAIRS];
static uint8_t saved_in[PAIRS][SA_BYTES], peer_sa_saved[PAIRS][SA_BYTES];
static _Alignas(ESP_SA_ALIGN) uint8_t peer_sa[PAIRS][SA_BYTES];
static struct esp_engine *peer_engine;
static struct mppe_tx peer_tx[SESSIONS], peer_tx_saved[SESSIONS];
static struct rte_mbuf *pending[PACKETS];
static unsigned int n_pending;

#define MUST(what)                                                     \
	do {                                                           \
		if (!(what)) {                                         \
			fprintf(stderr, "set-up failed: %s\n", #what); \
			exit(1);                                       \
		}                                                      \
	} while (0)

/* Takes the place of port_rx, whose first edge leads to classify. */
static uint16_t
feed(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	(void)objs;
	(void)n;
	if (n_pending > 0)
		rte_node_enqueue(graph, node, 0, (void **)pending, n_pending);
	n = n_pending;
	n_pending = 0;
	return n;
}

static void
make_session(unsigned int i, struct session_counters *counters)
{
	struct command link = {.type = COMMAND_SESSION_LINK, .link = {1400, 1400, 1, 1}};
	struct command mppe = {.type = COMMAND_SESSION_MPPE};
	struct command open = {.type = COMMAND_SESSION_OPEN,
		.open = {.inner_ip = INNER(i), .require_mppe = i == 1, .clamp_mss = 1}};
	struct mppe_params p = {.strength = i == 1 ? MPPE_128 : MPPE_40, .stateless = i == 1};

	const struct session_params params = {.server_ip = SERVER,
		.peer_ip = PEER,
		.call_id = CALL(i),
		.peer_call_id = 2000 + i,
		.counters = counters};

	MUST(session_add(session_handle(i + 1, 1), &params) == 0);
	struct session *s = &sessions.slots[i + 1];
	session_apply(s, &link);
	if (i > 0) {
		mppe.mppe.rx.strength = mppe.mppe.tx.strength = p.strength;
		mppe.mppe.rx.stateless = mppe.mppe.tx.stateless = p.stateless;
		session_apply(s, &mppe);
		MUST(mppe_tx_init(&peer_tx_saved[i], &p) == 0);
	}
	session_apply(s, &open);
	MUST(route_add_session(INNER(i), i + 1) == 0);
	saved[i] = *s;
}

static uint8_t
row_of(const char *name)
{
	uint8_t row = 0;
	while (suite_at(row) != suite_by_name(name))
		row++;
	return row;
}

/* The peer has the same keys the other way round. */
static void
make_pair(unsigned int i, struct sa_counters *counters)
{
	struct command_sa_add add = {.outer = {SERVER, PEER, i ? 4500 : 0, i ? 4500 : 0},
		.peer = 77,
		.replay_window = 64};
	struct command_sa_out out = {.spi = 0x12345678};

	add.keys.encryption = row_of(i ? "aes128-gcm16" : "aes128-cbc");
	add.keys.encryption_len = i ? 20 : 16;
	add.keys.integrity = i ? 0 : row_of("hmac-sha1-96");
	add.keys.integrity_len = i ? 0 : 20;
	memset(add.keys.encryption_key, 0x11, sizeof(add.keys.encryption_key));
	out.keys = add.keys;
	MUST(sa_add(sa_handle(i, 1), &add, 0, counters) == 0);
	MUST(sa_set_outbound(sa_by_handle(sa_handle(i, 1)), &out) == 0);
	struct esp_sa_config c = {.encryption = suite_at(add.keys.encryption),
		.integrity = i ? NULL : suite_at(add.keys.integrity),
		.encryption_key = add.keys.encryption_key,
		.integrity_key = add.keys.integrity_key,
		.encryption_key_len = add.keys.encryption_len,
		.integrity_key_len = add.keys.integrity_len,
		.spi = sa_handle(i, 1)};
	MUST(esp_sa_size(sas.engine, &c) <= SA_BYTES && sas.slots[i].cfg.in->size <= SA_BYTES);
	MUST(esp_sa_init((struct esp_sa *)peer_sa[i], peer_engine, &c) == ESP_SETUP_OK);
	memcpy(peer_sa_saved[i], peer_sa[i], SA_BYTES);
	memcpy(saved_in[i], sas.slots[i].cfg.in, sas.slots[i].cfg.in->size);
	saved_pairs[i] = sas.slots[i];
}

static void
make_l2tp(unsigned int i, struct session_counters *counters)
{
	struct command link = {.type = COMMAND_SESSION_LINK, .link = {1400, 1400, 1, 1}};
	struct command open = {.type = COMMAND_SESSION_OPEN,
		.open = {.inner_ip = INNER(SESSIONS + i), .clamp_mss = 1}};
	const struct session_params params = {.server_ip = SERVER,
		.peer_ip = PEER,
		.call_id = L2TP_ID(i),
		.peer_call_id = 2000 + i,
		.protocol = TUNNEL_L2TP,
		.tunnel_id = L2TP_ID(i),
		.peer_tunnel_id = 3000,
		.server_port = L2TP_PORT,
		.peer_port = L2TP_PORT,
		.sa = i ? sa_handle(0, 1) : 0,
		.peer = i ? 77 : 0,
		.counters = counters};
	uint32_t slot = SESSIONS + 1 + i;

	MUST(session_add(session_handle(slot, 1), &params) == 0);
	session_apply(&sessions.slots[slot], &link);
	session_apply(&sessions.slots[slot], &open);
	MUST(route_add_session(INNER(SESSIONS + i), slot) == 0);
	saved[SESSIONS + i] = sessions.slots[slot];
}

static void
make_worker(void)
{
	static struct worker_counters counters;
	struct worker *w = &workers[0];
	void *punts = rte_zmalloc(NULL, RING_BYTES(PUNT_RING_CAPACITY, sizeof(struct frame_record)),
		RTE_CACHE_LINE_SIZE);

	MUST(punts);
	n_workers = 1;
	w->counters = &counters;
	ring_attach(&w->punt, punts, PUNT_RING_CAPACITY, sizeof(struct frame_record), true);
	w->mbuf_pool = rte_pktmbuf_pool_create(
		"mbufs", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	MUST(w->mbuf_pool);
	MUST(workers_init() == 0);
	rte_graph_node_get_by_name(w->graph->name, "port_rx")->process = feed;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct session_counters counters[SESSIONS + L2TPS];
	static struct sa_counters sa_counters[PAIRS];
	const char *args[] = {"fuzz", "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf",
		"-m", "256", "-l", "0", "--vdev=net_null0", "--log-level=3"};

	(void)argc;
	(void)argv;
	MUST(rte_eal_init(RTE_DIM(args), (char **)(uintptr_t)args) >= 0);
	rmdir(rte_eal_get_runtime_dir()); /* empty, and stays so */
	MUST(pkt_meta_register() == 0);
	struct rte_rcu_qsbr *rcu =
		rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	MUST(rcu && rte_rcu_qsbr_init(rcu, 1) == 0);
	MUST(session_table_init(8, rcu) == 0);
	MUST(sa_table_init(PAIRS, rcu) == 0);
	MUST((peer_engine = esp_engine_create(ESP_ARCH_AUTO)) != NULL);
	MUST(route_init(8, rcu) == 0);
	settings.max_rekeys = 64;
	settings.edge_ping = true;
	atomic_store(&settings.edge, EDGE_ALLOW_PPTP | EDGE_ALLOW_IPSEC | EDGE_ALLOW_CLEAR_L2TP);
	settings.server_inner_ip_be = rte_cpu_to_be_32(INNER(200));

	n_ports = 2;
	for (unsigned int i = 0; i < n_ports; i++) {
		ports[i] = (struct port){.role = i ? PORT_LAN : PORT_WAN, .index = i, .mtu = 1500};
		ports[i].mac.addr_bytes[0] = 2;
	}
	struct rte_eth_conf conf = {0};
	MUST(rte_eth_dev_configure(0, 1, 1, &conf) == 0);
	make_worker();
	MUST(rte_eth_tx_queue_setup(0, 0, 64, SOCKET_ID_ANY, NULL) == 0);
	MUST(rte_eth_rx_queue_setup(0, 0, 64, SOCKET_ID_ANY, NULL, workers[0].mbuf_pool) == 0);
	MUST(rte_eth_dev_start(0) == 0);
	rte_rcu_qsbr_thread_online(rcu, 0);
	for (unsigned int i = 0; i < SESSIONS; i++)
		make_session(i, &counters[i]);
	for (unsigned int i = 0; i < PAIRS; i++)
		make_pair(i, &sa_counters[i]);
	for (unsigned int i = 0; i < L2TPS; i++)
		make_l2tp(i, &counters[SESSIONS + i]);
	MUST(rte_lpm_add(fib, SERVER, 32, FIB_VALUE(FIB_LOCAL, 0)) == 0);
	return 0;
}

static void
put_ipv4(struct rte_mbuf *m, uint8_t proto, uint32_t src, uint32_t dst)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)rte_pktmbuf_prepend(m, sizeof(*ip));
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16(m->data_len),
		.time_to_live = 64,
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(src),
		.dst_addr = rte_cpu_to_be_32(dst)};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static void
put_ethernet(struct rte_mbuf *m, uint8_t port)
{
	struct rte_ether_hdr eth = {
		.dst_addr = ports[port].mac, .ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4)};
	memcpy(rte_pktmbuf_prepend(m, sizeof(eth)), &eth, sizeof(eth));
}

/* One of a datagram with ports, of ESP or of GRE. */
static void
put_fragment(struct rte_mbuf *m, unsigned int i)
{
	static const uint8_t protos[SESSIONS] = {17, 50, 47};
	rte_be16_t field = 0;

	if (m->data_len >= sizeof(field)) {
		memcpy(&field, rte_pktmbuf_mtod(m, const void *), sizeof(field));
		rte_pktmbuf_adj(m, sizeof(field));
	}
	put_ipv4(m, protos[i], PEER, SERVER);
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	ip->fragment_offset = field;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static void
put_gre(struct rte_mbuf *m, unsigned int i, uint32_t seq)
{
	uint16_t len = m->data_len;
	struct gre_hdr *g = (struct gre_hdr *)rte_pktmbuf_prepend(m, sizeof(*g) + 4);
	*g = (struct gre_hdr){.flags = GRE_KEY | GRE_SEQ,
		.version = GRE_VERSION,
		.protocol = RTE_BE16(GRE_PPTP_PROTOCOL),
		.payload_len = rte_cpu_to_be_16(len),
		.call_id = rte_cpu_to_be_16(CALL(i))};
	g->words[0] = rte_cpu_to_be_32(seq);
}

static void
put_udp(struct rte_mbuf *m, uint16_t from, uint16_t to)
{
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)rte_pktmbuf_prepend(m, sizeof(*udp));
	*udp = (struct rte_udp_hdr){.src_port = rte_cpu_to_be_16(from),
		.dst_port = rte_cpu_to_be_16(to),
		.dgram_len = rte_cpu_to_be_16(m->data_len)};
}

static void
seal(struct rte_mbuf *m, unsigned int i)
{
	struct esp_sa *sa = (struct esp_sa *)peer_sa[i];
	uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, sa->header_len);
	struct esp_job job = {.sa = sa,
		.data = p,
		.len = m->data_len,
		.room = rte_pktmbuf_tailroom(m),
		.next_header = 17};
	MUST(esp_encapsulate_burst(peer_engine, &job, 1) == 1);
	m->data_len = m->pkt_len = (uint16_t)job.len;
}

/* An ESP packet of the peer, in what surrounds it. */
static void
put_esp(struct rte_mbuf *m, unsigned int i)
{
	if (i)
		put_udp(m, 4500, 4500);
	put_ipv4(m, i ? 17 : 50, PEER, SERVER);
}

/* The mbuf holds what the fuzzer gave; put in front what head asks for. */
static void
help(struct rte_mbuf *m, uint8_t head, uint32_t seq)
{
	unsigned int i = (head >> 3) % SESSIONS;
	uint8_t *p;

	switch (head & 7) {
	case ENCRYPTED:
		if (i > 0 && m->data_len > 0) {
			p = (uint8_t *)rte_pktmbuf_prepend(m, MPPE_HDR_LEN);
			struct mppe_job job = {.tx = &peer_tx[i], .data = p, .len = m->data_len};
			mppe_encrypt_burst(&job, 1);
			*(uint8_t *)rte_pktmbuf_prepend(m, 1) = 0xfd;
		}
		/* fall through */
	case PPP:
		put_gre(m, i, seq);
		/* fall through */
	case GRE:
		put_ipv4(m, 47, PEER, SERVER);
		/* fall through */
	case IPV4:
		if ((head & 0x27) == (0x20 | IPV4))
			put_fragment(m, i);
		put_ethernet(m, pkt_meta(m)->port);
		break;
	case L2TP:
		put_udp(m, 1701, 1701);
		put_ipv4(m, 17, PEER, SERVER);
		put_ethernet(m, 0);
		break;
	case ESP_DATAGRAM:
		seal(m, i % PAIRS);
		put_esp(m, i % PAIRS);
		put_ethernet(m, 0);
		break;
	case ESP_RAW:
		p = (uint8_t *)rte_pktmbuf_prepend(m, 4);
		memcpy(p, &((struct esp_sa *)peer_sa[i % PAIRS])->spi, 4);
		put_esp(m, i % PAIRS);
		put_ethernet(m, 0);
		break;
	default: /* a whole frame */
		break;
	}
	/* Ports give frames at even addresses. */
	p = rte_pktmbuf_mtod(m, uint8_t *);
	if ((uintptr_t)p & 1) {
		uint16_t len = m->data_len;
		p = (uint8_t *)rte_pktmbuf_prepend(m, 1);
		memmove(p, p + 1, len);
		rte_pktmbuf_trim(m, 1);
	}
}

/* The second half moves to a segment of its own. */
static void
split(struct worker *w, struct rte_mbuf *m)
{
	uint16_t len = m->data_len / 2;
	struct rte_mbuf *second = rte_pktmbuf_alloc(w->mbuf_pool);

	MUST(second);
	memcpy(rte_pktmbuf_append(second, len),
		rte_pktmbuf_mtod_offset(m, const void *, m->data_len - len), len);
	rte_pktmbuf_trim(m, len);
	m->next = second;
	m->nb_segs = 2;
	m->pkt_len += len;
}

static void
drain(struct worker *w)
{
	struct worker_event e;
	void *m;

	for (unsigned int kind = 0; kind < PUNT_COUNT; kind++)
		while (rte_ring_sc_dequeue(w->to_main[kind], &m) == 0)
			rte_pktmbuf_free(m);
	while (rte_ring_sc_dequeue_elem(w->events, &e, sizeof(e)) == 0)
		;
	atomic_store(&w->punt.shared->tail, w->punt.pos);
}

/* What waits for the rest of its datagram has its time, and then gives way to a whole one. */
static void
end_fragments(struct worker *w)
{
	static const uint16_t fields[] = {RTE_IPV4_HDR_MF_FLAG, 2};

	w->now_us += 10000000;
	for (unsigned int i = 0; i < RTE_DIM(fields); i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(w->mbuf_pool);
		MUST(m);
		pkt_meta(m)->port = 0;
		memset(rte_pktmbuf_append(m, 18), 0, 18);
		rte_be16_t field = rte_cpu_to_be_16(fields[i]);
		memcpy(rte_pktmbuf_mtod(m, void *), &field, sizeof(field));
		help(m, 0x20 | IPV4, 0);
		pending[n_pending++] = m;
	}
	rte_graph_walk(w->graph);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker *w = &workers[0];

	for (unsigned int i = 0; i < SESSIONS + L2TPS; i++)
		sessions.slots[i + 1] = saved[i];
	for (unsigned int i = 0; i < PAIRS; i++) {
		sas.slots[i] = saved_pairs[i];
		memcpy(sas.slots[i].cfg.in, saved_in[i], sas.slots[i].cfg.in->size);
	}
	memcpy(peer_sa, peer_sa_saved, sizeof(peer_sa));
	memcpy(peer_tx, peer_tx_saved, sizeof(peer_tx));
	for (uint32_t seq = 0; size >= 2 && seq < PACKETS; seq++) {
		uint8_t head = data[0];
		size_t at = head & 0x40 && size > 2 ? 3 : 2;
		size_t len = data[1] | (at == 3 ? (size_t)data[2] << 8 : 0);
		struct rte_mbuf *m = rte_pktmbuf_alloc(w->mbuf_pool);
		if (m == NULL)
			abort(); /* a node leaks buffers */
		len = RTE_MIN(RTE_MIN(len, size - at), (size_t)PACKET_MAX);
		pkt_meta(m)->port = (head & 7) <= IPV4 ? head >> 3 & 1 : 0;
		pkt_meta(m)->flags = 0;
		memcpy(rte_pktmbuf_append(m, len), data + at, len);
		help(m, head, seq);
		if (head & 0x80 && m->data_len > 1)
			split(w, m);
		pending[n_pending++] = m;
		data += at + len;
		size -= at + len;
	}
	w->now = rte_rdtsc();
	w->now_us += 30000; /* acknowledgements of the packets before fall due */
	rte_graph_walk(w->graph);
	end_fragments(w);
	drain(w);
	if (rte_mempool_avail_count(w->mbuf_pool) != w->mbuf_pool->size)
		abort();
	return 0;
}
