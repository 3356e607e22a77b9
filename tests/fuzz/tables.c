/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What changes the main lcore's tables from outside of control: rtnetlink messages, and ICMP errors
 * about a tunnel's path MTU (T24), in any order, with sessions and a pair of SAs in between.
 * Input: steps of an octet, a length octet and so many octets.  The octet's low three bits say: 0
 * to 5 an rtnetlink message of a type of its own, the octets are its payload; 6 the octets are
 * messages with their headers; 7 an ICMP error, from its type on.  At the end no buffer may be
 * missing.
 */
#include <stdlib.h>

#include <linux/rtnetlink.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"
#include "dataplane/netlink.h"
#include "dataplane/pmtu.h"
#include "tests/unit/dataplane/bench.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADERS (sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr))

static struct session_counters session_counters[2];
static struct sa_counters sa_counters;
static uint64_t now_us;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
add_session(uint32_t slot, uint8_t protocol, uint32_t sa)
{
	const struct session_params p = {.server_ip = SERVER_IP,
		.peer_ip = PEER_IP,
		.call_id = 100,
		.peer_call_id = 200,
		.protocol = protocol,
		.tunnel_id = 7,
		.peer_tunnel_id = 300,
		.server_port = 1701,
		.peer_port = 1701,
		.sa = sa,
		.peer = sa ? 77 : 0,
		.counters = &session_counters[slot]};
	must(session_add(session_handle(slot, 1), &p) == 0);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	must(bench_eal() == 0 && segment_create(1, MAX_SESSIONS, MAX_SAS) == 0);
	n_workers = 1;
	workers[0].msgs = rte_ring_create("msgs", 64, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	workers[0].from_main =
		rte_ring_create("from", 16, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	worker_msg_pool = rte_mempool_create("msgpool", 63, sizeof(struct worker_msg), 0, 0, NULL,
		NULL, NULL, NULL, SOCKET_ID_ANY, 0);
	must(workers[0].msgs && workers[0].from_main && worker_msg_pool);
	bench_tables();
	struct command_sa_add add = bench_sa_add();
	must(sa_add(sa_handle(0, 1), &add, 0, &sa_counters) == 0);
	struct command_sa_out out = {.spi = 0x01020304, .keys = bench_keys()};
	must(sa_set_outbound(sa_by_handle(sa_handle(0, 1)), &out) == 0);
	add_session(0, TUNNEL_PPTP, 0);
	add_session(1, TUNNEL_L2TP, sa_handle(0, 1));
	return 0;
}

/* At the end of what was allocated, so that a sanitizer sees one octet beyond. */
static void
messages(const uint8_t *data, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	must(exact != NULL);
	memcpy(exact, data, len);
	netlink_input(exact, len);
	free(exact);
}

static void
message(uint8_t how, const uint8_t *data, size_t len)
{
	static const uint16_t types[] = {
		RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWNEIGH, RTM_DELNEIGH, RTM_NEWLINK, RTM_DELADDR};
	uint8_t whole[sizeof(struct nlmsghdr) + 255];
	const struct nlmsghdr h = {.nlmsg_len = (uint32_t)(sizeof(h) + len),
		.nlmsg_type = types[how & 7],
		.nlmsg_flags = how & 8 ? NLM_F_REPLACE : 0};
	memcpy(whole, &h, sizeof(h));
	memcpy(whole + sizeof(h), data, len);
	messages(whole, h.nlmsg_len);
}

/* classify lets in what has an ICMP header. */
static void
icmp(const uint8_t *data, size_t len)
{
	if (len < 8)
		return;
	struct rte_mbuf *m = rte_pktmbuf_alloc(mbufs);
	must(m != NULL);
	memset(pkt_meta(m), 0, sizeof(struct pkt_meta));
	memset(rte_pktmbuf_append(m, HEADERS), 0, HEADERS);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	pmtu_take(m, now_us);
}

static void
turn(void)
{
	void *m;
	now_us += 1000;
	route_tick(now_us);
	pmtu_tick(now_us);
	while (rte_ring_sc_dequeue(workers[0].msgs, &m) == 0) {
		struct worker_msg *msg = m;
		if (msg->cmd.type == WORKER_PATH_MTU)
			session_set_path_mtu(msg->session, (uint16_t)msg->path_mtu);
		rte_mempool_put(worker_msg_pool, m);
	}
	while (rte_ring_sc_dequeue(workers[0].from_main, &m) == 0)
		rte_pktmbuf_free(m);
}

/* As after a loss of messages: the kernel says all that there is. */
static void
routes_anew(void)
{
	const struct kernel_route local = {
		.ip = SERVER_IP, .depth = 32, .oif = WAN_IFINDEX, .type = KERNEL_ROUTE_LOCAL};
	const struct kernel_route link = {.ip = SERVER_IP & 0xffffff00,
		.depth = 24,
		.oif = WAN_IFINDEX,
		.type = KERNEL_ROUTE_UNICAST};
	route_resync_begin();
	route_kernel_add(&local, false);
	route_kernel_add(&link, false);
	route_resync_end();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size >= 2) {
		uint8_t how = data[0];
		size_t len = RTE_MIN((size_t)data[1], size - 2);
		if ((how & 7) == 7)
			icmp(data + 2, len);
		else if ((how & 7) == 6)
			messages(data + 2, len);
		else
			message(how, data + 2, len);
		data += 2 + len;
		size -= 2 + len;
		turn();
	}
	routes_anew();
	turn();
	for (unsigned int i = 0; i < 2; i++)
		must(sessions.slots[i].cfg.mtu <= 1500);
	must(rte_mempool_avail_count(worker_msg_pool) == worker_msg_pool->size);
	must(rte_mempool_avail_count(mbufs) == mbufs->size);
	return 0;
}
