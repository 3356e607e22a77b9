/* SPDX-License-Identifier: BSD-3-Clause */
/* One worker's whole graph, fed from memory: frames to a WAN port 0 and a LAN port 1. */
#ifndef ADIT_TESTS_UNIT_DATAPLANE_GRAPH_H
#define ADIT_TESTS_UNIT_DATAPLANE_GRAPH_H

#include <netinet/in.h>

#include <rte_ethdev.h>
#include <rte_ip.h>

#include "bench.h"
#include "dataplane/answered.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/port.h"
#include "dataplane/api/ring.h"
#include "dataplane/flow.h"

#define BURST       32
#define LAN_IFINDEX 1000003
#define LAN_IP      0xc6336401u /* 198.51.100.1/24 */

static struct rte_mbuf *pending[BURST];
static unsigned int n_pending;
static struct worker_counters worker_counters;
static struct session_counters session_counters[MAX_SESSIONS];
static struct ring control; /* its side of the punt ring */

/* Takes the place of port_rx, whose first edge leads to classify. */
static uint16_t
feed(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	(void)objs;
	n = (uint16_t)n_pending;
	rte_node_enqueue(graph, node, 0, (void **)pending, n);
	n_pending = 0;
	return n;
}

/* A port by which frames can leave: what it is given stays in `sent`. */
static struct rte_mbuf *sent[BURST];
static unsigned int n_sent;

static uint16_t
keep(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	(void)graph;
	(void)node;
	for (uint16_t i = 0; i < n; i++) {
		if (n_sent < BURST)
			sent[n_sent++] = (struct rte_mbuf *)objs[i];
		else
			rte_pktmbuf_free((struct rte_mbuf *)objs[i]);
	}
	return n;
}

static inline void
forget_sent(void)
{
	while (n_sent > 0)
		rte_pktmbuf_free(sent[--n_sent]);
}

static inline unsigned int
sent_on(uint8_t port)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < n_sent; i++)
		n += pkt_meta(sent[i])->port == port;
	return n;
}

static inline void
graph_lan_port(void)
{
	const struct kernel_route local = {
		.ip = LAN_IP, .depth = 32, .oif = LAN_IFINDEX, .type = KERNEL_ROUTE_LOCAL};
	const struct kernel_route link = {.ip = LAN_IP & 0xffffff00,
		.depth = 24,
		.oif = LAN_IFINDEX,
		.type = KERNEL_ROUTE_UNICAST};
	ports[1] = (struct port){.name = "lan0",
		.role = PORT_LAN,
		.index = 1,
		.mtu = 1500,
		.tap_fd = -1,
		.ifindex = LAN_IFINDEX};
	ports[1].mac.addr_bytes[0] = 2;
	ports[1].mac.addr_bytes[5] = 1;
	n_ports = 2;
	route_kernel_add(&local, false);
	route_kernel_add(&link, false);
}

static inline int
graph_setup(void **state)
{
	struct worker *w = &workers[0];
	(void)state;
	bench_tables();
	assert_int_equal(answered_init(), 0);
	assert_int_equal(flow_init(), 0);
	graph_lan_port();
	ports[0].mac.addr_bytes[0] = 2;
	ports[0].role = PORT_WAN;
	settings.edge_ping = settings.inside_ping = true;
	settings.n_inside = 0;
	settings.server_inner_ip_be = RTE_BE32(0x0a630001);
	atomic_store(&settings.edge, EDGE_ALLOW_PPTP | EDGE_ALLOW_IPSEC);
	memset(&worker_counters, 0, sizeof(worker_counters));
	memset(session_counters, 0, sizeof(session_counters));
	n_workers = 1;
	w->counters = &worker_counters;
	w->mbuf_pool = mbufs;
	w->now_us = 1000000;
	void *punts = rte_zmalloc(NULL, RING_BYTES(PUNT_RING_CAPACITY, sizeof(struct frame_record)),
		RTE_CACHE_LINE_SIZE);
	assert_non_null(punts);
	ring_attach(&w->punt, punts, PUNT_RING_CAPACITY, sizeof(struct frame_record), true);
	ring_attach(&control, punts, PUNT_RING_CAPACITY, sizeof(struct frame_record), false);
	assert_int_equal(workers_init(), 0);
	rte_graph_node_get_by_name(w->graph->name, "port_rx")->process = feed;
	rte_graph_node_get_by_name(w->graph->name, "port_tx")->process = keep;
	return 0;
}

static inline int
graph_teardown(void **state)
{
	(void)state;
	forget_sent();
	rte_free(workers[0].punt.shared);
	workers_stop();
	bench_tables_free();
	assert_int_equal(rte_mempool_avail_count(mbufs), mbufs->size);
	return 0;
}

static inline void
walk(void)
{
	workers[0].now = rte_rdtsc();
	rte_graph_walk(workers[0].graph);
}

/* A frame to our port, given to the graph in bursts. */
static inline struct rte_mbuf *
frame_on(uint8_t port, rte_be16_t type)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mbufs);
	assert_non_null(m);
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, sizeof(*eth));
	memset(pkt_meta(m), 0, sizeof(struct pkt_meta));
	pkt_meta(m)->port = port;
	*eth = (struct rte_ether_hdr){.dst_addr = ports[port].mac, .ether_type = type};
	pending[n_pending++] = m;
	return m;
}

static inline void
ipv4_sum(struct rte_ipv4_hdr *ip)
{
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* Behind it len octets of zero, to be filled. */
static inline struct rte_ipv4_hdr *
ipv4_on(uint8_t port, uint32_t src, uint32_t dst, uint8_t proto, uint16_t len)
{
	struct rte_mbuf *m = frame_on(port, RTE_BE16(RTE_ETHER_TYPE_IPV4));
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)rte_pktmbuf_append(m, sizeof(*ip) + len);
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16(sizeof(*ip) + len),
		.time_to_live = 64,
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(src),
		.dst_addr = rte_cpu_to_be_32(dst)};
	ipv4_sum(ip);
	memset(ip + 1, 0, len);
	return ip;
}

/* From a stranger to our WAN address. */
static inline uint8_t *
ipv4(uint8_t proto, uint16_t len)
{
	return (uint8_t *)(ipv4_on(0, PEER_IP, SERVER_IP, proto, len) + 1);
}

/* Packets that were given to the main lcore in that ring. */
static inline unsigned int
given(enum punt_kind kind)
{
	unsigned int n = 0;
	void *m;
	while (rte_ring_sc_dequeue(workers[0].to_main[kind], &m) == 0) {
		rte_pktmbuf_free(m);
		n++;
	}
	return n;
}

#endif
