/* SPDX-License-Identifier: BSD-3-Clause */
/* PPTP clients of the graph in memory: sessions 0 and 1, and a host on the LAN. */
#ifndef ADIT_TESTS_UNIT_DATAPLANE_CLIENT_H
#define ADIT_TESTS_UNIT_DATAPLANE_CLIENT_H

#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/nodes/ppp.h"
#include "graph.h"

#define INNER(i)  (0x0a630064u + (i)) /* 10.99.0.100 */
#define LAN_HOST  (LAN_IP + 99)
#define MGMT_IP   0xac1f0001u /* of an interface that isn't ours */
#define INNER_OWN 0x0a630001u

static uint32_t seq[MAX_SESSIONS];

static inline void
add_client(unsigned int i)
{
	const struct session_params p = {.server_ip = SERVER_IP,
		.peer_ip = PEER_IP,
		.call_id = (uint16_t)(100 + i),
		.peer_call_id = 7,
		.counters = &session_counters[i]};
	struct command link = {.type = COMMAND_SESSION_LINK, .link = {1400, 1400, 1, 1}};
	struct command open = {.type = COMMAND_SESSION_OPEN, .open = {.inner_ip = INNER(i)}};
	seq[i] = 0;
	assert_int_equal(session_add(session_handle(i, 1), &p), 0);
	session_apply(&sessions.slots[i], &link);
	session_apply(&sessions.slots[i], &open);
	assert_int_equal(route_add_session(INNER(i), i), 0);
}

static inline int
clients_setup(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	const struct kernel_route inner = {
		.ip = INNER_OWN, .depth = 32, .oif = INNER_IFINDEX, .type = KERNEL_ROUTE_LOCAL};
	const struct kernel_route mgmt = {
		.ip = MGMT_IP, .depth = 32, .oif = 7, .type = KERNEL_ROUTE_LOCAL};
	graph_setup(state);
	route_kernel_add(&inner, false);
	route_kernel_add(&mgmt, false);
	route_neighbour(LAN_IFINDEX, LAN_HOST, mac, false);
	route_neighbour(WAN_IFINDEX, PEER_IP, mac, false);
	add_client(0);
	add_client(1);
	return 0;
}

/* What session i's client sends: an IPv4 header with `options` octets of options, len octets. */
static inline struct rte_ipv4_hdr *
up(unsigned int i, uint32_t dst, uint8_t proto, uint16_t options, uint16_t len)
{
	uint16_t inner = (uint16_t)(20 + options + len);
	struct gre_hdr *g =
		(struct gre_hdr *)ipv4(IPPROTO_GRE, (uint16_t)(sizeof(*g) + 4 + 1 + inner));
	*g = (struct gre_hdr){.flags = GRE_KEY | GRE_SEQ,
		.version = GRE_VERSION,
		.protocol = RTE_BE16(GRE_PPTP_PROTOCOL),
		.payload_len = rte_cpu_to_be_16((uint16_t)(1 + inner)),
		.call_id = rte_cpu_to_be_16((uint16_t)(100 + i))};
	g->words[0] = rte_cpu_to_be_32(seq[i]++);
	uint8_t *ppp = (uint8_t *)&g->words[1];
	ppp[0] = PPP_IP;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ppp + 1);
	struct rte_ipv4_hdr h = {.version_ihl = (uint8_t)(0x45 + options / 4),
		.total_length = rte_cpu_to_be_16(inner),
		.time_to_live = 64,
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(INNER(i)),
		.dst_addr = rte_cpu_to_be_32(dst)};
	memcpy(ip, &h, sizeof(h));
	return ip;
}

/* The inner header's checksum, and off it goes. */
static inline void
go(struct rte_ipv4_hdr *ip)
{
	ipv4_sum(ip);
	walk();
}

static inline uint64_t
dropped(enum drop_reason r)
{
	return worker_counters.drops[r];
}

#endif
