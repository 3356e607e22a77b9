/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of ordinary interfaces through soft_input: what it cuts, finishes and leaves alone.
 *
 * Input: a head octet, two octets of a length, and a frame from its IPv4 header on.  The head's bits:
 * 0 the LAN's port, 1 the length is how many octets of filling follow, so that a short input makes a
 * frame of 64 KiB, 2 its lengths are made right, 3 its header checksum is, 4 its transport checksum
 * is left unfinished, 5 it is made right, 6 the driver has cut the frame to that length.
 *
 * What comes out is as large as the port's packets can be, and a whole frame with a right checksum
 * comes out as it went in.
 */
#include <netinet/in.h>
#include <stdlib.h>

#include <rte_ether.h>
#include <rte_udp.h>

#include "dataplane/api/counters.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/port.h"
#include "dataplane/api/ring.h"
#include "tests/unit/dataplane/bench.h"

#define MTU        1500
#define FRAME_ROOM 65504

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_suppressions(void);

/* The library's new fragments are written before poison.h can tell of them. */
const char *
__asan_default_suppressions(void)
{
	return "interceptor_via_lib:librte_ip_frag\n";
}

#define MUST(what)                                              \
	do {                                                    \
		if (!(what)) {                                  \
			fprintf(stderr, "not so: %s\n", #what); \
			abort();                                \
		}                                               \
	} while (0)

static struct rte_mempool *frames;
static struct rte_mbuf *pending;
static struct worker_counters counters;
static uint8_t before[FRAME_ROOM];
static unsigned int before_len, n_out; /* before_len 0: it may change */

static uint16_t
feed(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	(void)objs;
	(void)n;
	if (!pending)
		return 0;
	rte_node_enqueue_x1(graph, node, 1, pending);
	pending = NULL;
	return 1;
}

static uint16_t
check(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	(void)graph;
	(void)node;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];
		MUST(m->pool == mbufs && m->nb_segs == 1 && m->pkt_len == m->data_len);
		MUST(m->data_len <= RTE_MBUF_DEFAULT_DATAROOM);
		if (before_len)
			MUST(m->data_len == before_len &&
				memcmp(rte_pktmbuf_mtod(m, const void *), before, before_len) == 0);
		n_out++;
		rte_pktmbuf_free(m);
	}
	return n;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct worker *w = &workers[0];

	(void)argc;
	(void)argv;
	MUST(bench_eal() == 0);
	bench_tables();
	n_ports = 2;
	ports[1] = (struct port){.role = PORT_LAN, .index = 1, .mtu = MTU};
	ports[0].mtu = MTU;
	frames = rte_pktmbuf_pool_create("frames", 4, 0, 0, FRAME_ROOM, SOCKET_ID_ANY);
	void *punts = rte_zmalloc(NULL, RING_BYTES(PUNT_RING_CAPACITY, sizeof(struct frame_record)),
		RTE_CACHE_LINE_SIZE);
	MUST(frames && punts);
	n_workers = 1;
	w->counters = &counters;
	w->mbuf_pool = mbufs;
	ring_attach(&w->punt, punts, PUNT_RING_CAPACITY, sizeof(struct frame_record), true);
	MUST(workers_init() == 0);
	rte_graph_node_get_by_name(w->graph->name, "port_rx")->process = feed;
	rte_graph_node_get_by_name(w->graph->name, "classify")->process = check;
	return 0;
}

/* False: the frame has no room for that. */
static bool
put_checksum(struct rte_ipv4_hdr *ip, uint32_t room, bool right)
{
	uint32_t hlen = rte_ipv4_hdr_len(ip), len = rte_be_to_cpu_16(ip->total_length);
	uint32_t at = hlen + (ip->next_proto_id == IPPROTO_TCP ? 16 : 6);
	uint16_t sum = 0;

	if ((ip->next_proto_id != IPPROTO_TCP && ip->next_proto_id != IPPROTO_UDP) || hlen < 20 ||
		len > room || at + 2 > len ||
		len < hlen + (ip->next_proto_id == IPPROTO_TCP ? 20 : 8))
		return false;
	memcpy((uint8_t *)ip + at, &sum, sizeof(sum));
	sum = right ? rte_ipv4_udptcp_cksum(ip, (uint8_t *)ip + hlen) : rte_ipv4_phdr_cksum(ip, 0);
	memcpy((uint8_t *)ip + at, &sum, sizeof(sum));
	return true;
}

/* The frame as its head says. */
static void
dress(uint8_t head, struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, sizeof(struct rte_ether_hdr));
	uint32_t room = m->data_len - sizeof(struct rte_ether_hdr), hlen;
	bool right = false;

	if (room < sizeof(*ip))
		return;
	if (head & 4) {
		ip->total_length = rte_cpu_to_be_16((uint16_t)room);
		hlen = rte_ipv4_hdr_len(ip);
		if (ip->next_proto_id == IPPROTO_UDP && hlen + 8 <= room)
			((struct rte_udp_hdr *)((uint8_t *)ip + hlen))->dgram_len =
				rte_cpu_to_be_16((uint16_t)(room - hlen));
	}
	if (head & 48)
		right = put_checksum(ip, room, head & 32) && head & 32;
	hlen = rte_ipv4_hdr_len(ip);
	if (head & 8 && hlen >= sizeof(*ip) && hlen <= room) {
		ip->hdr_checksum = 0;
		ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, hlen);
	}
	if (right && room <= MTU) {
		before_len = m->data_len;
		memcpy(before, rte_pktmbuf_mtod(m, const void *), before_len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	uint8_t head = data[0];
	unsigned int number = (unsigned int)data[1] | (unsigned int)data[2] << 8;
	unsigned int len = (unsigned int)size - 3, fill = head & 2 ? number : 0;
	struct rte_mbuf *m = rte_pktmbuf_alloc(frames);

	MUST(m);
	uint8_t *frame = NULL;
	if (sizeof(struct rte_ether_hdr) + len + fill <= UINT16_MAX)
		frame = (uint8_t *)rte_pktmbuf_append(
			m, (uint16_t)(sizeof(struct rte_ether_hdr) + len + fill));
	if (!frame) {
		rte_pktmbuf_free(m);
		return 0;
	}
	const struct rte_ether_hdr eth = {.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4)};
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), data + 3, len);
	memset(frame + sizeof(eth) + len, 0x5a, fill);
	memset(pkt_meta(m), 0, sizeof(struct pkt_meta));
	pkt_meta(m)->port = head & 1;
	before_len = n_out = 0;
	dress(head, m);
	if (head & 64 && number < m->data_len) {
		rte_pktmbuf_trim(m, (uint16_t)(m->data_len - number));
		before_len = 0;
	}
	pending = m;
	rte_graph_walk(workers[0].graph);
	MUST(!before_len || n_out == 1);
	MUST(n_out <= FRAME_ROOM / 536 + 1);
	MUST(rte_mempool_avail_count(frames) == frames->size);
	MUST(rte_mempool_avail_count(mbufs) == mbufs->size);
	return 0;
}
