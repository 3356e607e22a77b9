/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/source.h"

#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_graph.h>
#include <rte_graph_worker.h>

#define BURST 64

struct source sources[MAX_WORKERS];
struct plan plan;
int source_edge;

/* ------------------------------------------------------------------ node */

static uint16_t
bench_rx(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	const struct worker *w = node_worker(node);
	struct source *source = &sources[w->index];
	struct rte_mbuf *mbufs[BURST];

	RTE_SET_USED(objs);
	RTE_SET_USED(n);
	uint32_t want = RTE_MIN((uint32_t)BURST, source->count - source->next);
	if (want == 0 || rte_pktmbuf_alloc_bulk(w->mbuf_pool, mbufs, want) != 0)
		return 0;
	for (uint32_t i = 0; i < want; i++) {
		struct rte_mbuf *m = mbufs[i];
		memcpy(rte_pktmbuf_mtod(m, void *),
			source->data +
				(size_t)((source->next + i) % source->distinct) * source->stride,
			source->len);
		m->data_len = source->len;
		m->pkt_len = source->len;
		m->port = source->port;
		pkt_meta(m)->port = source->port;
	}
	source->next += want;
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

static uint32_t
random_below(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*state >> 32) * n >> 32);
}

/*
 * Whose each packet is.  In random order, as a carrier's packets come: a new permutation of the
 * sessions again and again, or of a sample of them where there are more than packets; hardware
 * fetches ahead what comes round-robin.  With hot all packets are those of a few.
 */
static void
make_plan(const struct graph_case *c, unsigned int hot, bool round_robin)
{
	uint32_t n = hot && hot < c->sessions ? hot : c->sessions, *turn;
	uint64_t seed = 1;

	plan.count = c->bytes > 256 ? 20000 : 60000;
	if (n > plan.count)
		plan.count *= 2;
	plan.session = calloc(plan.count, sizeof(uint32_t));
	plan.touched = calloc(plan.count, sizeof(uint32_t));
	plan.packets = calloc(c->sessions, sizeof(uint32_t));
	turn = calloc(n, sizeof(uint32_t));
	if (!plan.session || !plan.touched || !plan.packets || !turn)
		harness_die("memory");
	for (uint32_t i = 0; i < n; i++) /* the hot ones are anywhere */
		turn[i] = (uint32_t)((uint64_t)i * c->sessions / n);
	plan.n_touched = 0;
	for (uint32_t k = 0; k < plan.count; k++) {
		uint32_t at = k % n, with = at + random_below(&seed, n - at);
		uint32_t i = round_robin ? turn[at] : turn[with];
		if (!round_robin) {
			turn[with] = turn[at];
			turn[at] = i;
		}
		plan.session[k] = i;
		if (plan.packets[i]++ == 0)
			plan.touched[plan.n_touched++] = i;
	}
	free(turn);
}

/* Uplink each packet has a number of its own; downlink a few that stay in the cache do, as in a
 * NIC's ring. */
static void
build_worker(const struct graph_case *c, uint8_t worker)
{
	struct source *source = &sources[worker];
	uint32_t most = c->uplink ? plan.count : RTE_MIN(plan.count, RTE_MAX(plan.n_touched, 512u));

	*source = (struct source){.stride = c->bytes + MAX_HEADERS, .port = c->uplink ? WAN : LAN};
	source->data = malloc((size_t)source->stride * most);
	if (!source->data)
		harness_die("memory");
	for (uint32_t k = 0; k < plan.count; k++) {
		uint32_t i = plan.session[k];
		if (harness_owner(i) != worker)
			continue;
		source->count++;
		if (source->distinct == most)
			continue;
		source->len = c->build(source->data + (size_t)source->distinct++ * source->stride,
			c, i, plan.packets[i]++);
	}
}

void
source_build(const struct graph_case *c, unsigned int hot, bool round_robin)
{
	make_plan(c, hot, round_robin);
	memset(plan.packets, 0, c->sessions * sizeof(uint32_t));
	for (uint8_t worker = 0; worker < n_workers; worker++)
		build_worker(c, worker);
}

void
source_free(void)
{
	for (unsigned int i = 0; i < n_workers; i++)
		free(sources[i].data);
	free(plan.session);
	free(plan.touched);
	free(plan.packets);
}
