/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that a stranger on the WAN can make, each a good one with something changed, through the
 * real graph: which drop counts it (T5, T18, T20, D1, R12).  Each good one passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_udp.h>

#include "dataplane/api/command.h"
#include "dataplane/api/session.h"
#include "dataplane/nodes/gre.h"
#include "graph.h"

#define INNER_IP 0x0a630002u
#define PEER     77
#define PASSES   DROP_COUNT

static struct sa_counters sa_counters[MAX_SAS];

enum { PPTP = 1, IN_CLEAR, ON_SA };

static void
add_session(unsigned int i, uint8_t protocol, uint32_t sa)
{
	const struct session_params p = {.server_ip = SERVER_IP,
		.peer_ip = PEER_IP,
		.call_id = (uint16_t)(0x100 + i),
		.peer_call_id = (uint16_t)(0x200 + i),
		.protocol = protocol,
		.tunnel_id = 7,
		.peer_tunnel_id = 300,
		.server_port = 1701,
		.peer_port = 1701,
		.sa = sa,
		.peer = sa ? PEER : 0,
		.counters = &session_counters[i]};
	assert_int_equal(session_add(session_handle(i, 1), &p), 0);
	struct command open = {.type = COMMAND_SESSION_OPEN, .open = {.inner_ip = INNER_IP + i}};
	session_apply(&sessions.slots[i], &open);
}

static int
setup(void **state)
{
	graph_setup(state);
	atomic_store(&settings.edge, EDGE_ALLOW_PPTP | EDGE_ALLOW_IPSEC | EDGE_ALLOW_CLEAR_L2TP);
	struct command_sa_add add = bench_sa_add();
	assert_int_equal(sa_add(sa_handle(1, 1), &add, 0, &sa_counters[1]), 0);
	add_session(PPTP, TUNNEL_PPTP, 0);
	add_session(IN_CLEAR, TUNNEL_L2TP, 0);
	add_session(ON_SA, TUNNEL_L2TP, sa_handle(1, 1));
	return 0;
}

/* ------------------------------------------------------------------ good frames */

enum { ETH = 0, IP = 14, L4 = 34, GRE_PAYLOAD = L4 + 12, L2TP = L4 + 8, L2TP_PAYLOAD = L2TP + 6 };

static uint8_t buf[512];
static uint16_t len;

static void
put(const void *data, size_t n)
{
	memcpy(buf + len, data, n);
	len += (uint16_t)n;
}

/* What the client of session i sends to an address of the Internet. */
static void
inner(unsigned int i)
{
	struct rte_ipv4_hdr ip = {.version_ihl = 0x45,
		.total_length = RTE_BE16(28),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = rte_cpu_to_be_32(INNER_IP + i),
		.dst_addr = RTE_BE32(0xcb007101)};
	const uint8_t udp[8] = {1, 2, 0, 9, 0, 8, 0, 0};
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	put(&ip, sizeof(ip));
	put(udp, sizeof(udp));
}

static void
make_gre_of(unsigned int i)
{
	const struct gre_hdr g = {.flags = GRE_KEY | GRE_SEQ,
		.version = GRE_VERSION,
		.protocol = RTE_BE16(GRE_PPTP_PROTOCOL),
		.payload_len = RTE_BE16(29),
		.call_id = RTE_BE16(0x100 + PPTP)};
	static uint8_t n;
	const uint8_t sequence[4] = {0, 0, 0, ++n}, ppp = 0x21;
	put(&g, sizeof(g));
	put(sequence, sizeof(sequence));
	put(&ppp, 1);
	inner(i);
}

static void
make_gre(void)
{
	make_gre_of(PPTP);
}

/* T18: the inner source is another client's. */
static void
make_gre_of_another(void)
{
	make_gre_of(IN_CLEAR);
}

static void
make_l2tp_of(unsigned int i)
{
	const uint8_t udp[8] = {1701 >> 8, 1701 & 0xff, 1701 >> 8, 1701 & 0xff, 0, 43},
		      data[6] = {0, 2, 0, 7, 1, (uint8_t)i}, ppp = 0x21;
	put(udp, sizeof(udp));
	put(data, sizeof(data));
	put(&ppp, 1);
	inner(i);
}

static void
make_l2tp(void)
{
	make_l2tp_of(IN_CLEAR);
}

static void
make_l2tp_of_a_pair(void)
{
	make_l2tp_of(ON_SA);
}

static void
make_esp(void)
{
	const uint32_t spi = rte_cpu_to_be_32(sa_handle(1, 1));
	put(&spi, 4);
	len += 4 + 16 + 32 + 12;
}

static void
make_nat_t(void)
{
	const uint8_t udp[8] = {4500 >> 8, 4500 & 0xff, 4500 >> 8, 4500 & 0xff, 0, 76};
	put(udp, sizeof(udp));
	make_esp();
}

static void
make_tcp(void)
{
	const uint8_t tcp[20] = {4, 4, 1723 >> 8, 1723 & 0xff, [12] = 0x50, [13] = 2};
	put(tcp, sizeof(tcp));
}

static void
make_ping(void)
{
	const uint8_t echo[8] = {8};
	put(echo, sizeof(echo));
}

/* ------------------------------------------------------------------ and what is wrong with them */

enum { KEEP_CHECKSUM = 1 };

struct change {
	uint16_t at;
	uint8_t value;
};

static const struct row {
	const char *what;
	uint8_t proto;
	void (*make)(void);
	unsigned int cut; /* octets at the end that are missing, IPv4's length included */
	int flags;
	enum drop_reason want;
	struct change changes[4];
	unsigned int n;
} rows[] = {
#define CHANGES(...) \
	{__VA_ARGS__}, sizeof((const struct change[]){__VA_ARGS__}) / sizeof(struct change)
#define NONE {{0, 0}}, 0
	{"a good GRE packet", IPPROTO_GRE, make_gre, 0, 0, DROP_ip_no_route, NONE},
	{"another station's frame", IPPROTO_GRE, make_gre, 0, 0, DROP_eth_not_ours,
		CHANGES({ETH, 4})},
	{"multicast", IPPROTO_GRE, make_gre, 0, 0, DROP_edge_filter, CHANGES({ETH, 3})},
	{"an unknown Ethernet type", IPPROTO_GRE, make_gre, 0, 0, DROP_edge_filter,
		CHANGES({ETH + 12, 0x88})},
	{"IPv6", IPPROTO_GRE, make_gre, 0, 0, DROP_edge_ipv6,
		CHANGES({ETH + 12, 0x86}, {ETH + 13, 0xdd})},
	{"IP version 5", IPPROTO_GRE, make_gre, 0, 0, DROP_ip_malformed, CHANGES({IP, 0x55})},
	{"a header of 16 octets", IPPROTO_GRE, make_gre, 0, 0, DROP_ip_malformed,
		CHANGES({IP, 0x44})},
	{"longer than its frame", IPPROTO_GRE, make_gre, 0, 0, DROP_ip_malformed,
		CHANGES({IP + 2, 1})},
	{"shorter than its header", IPPROTO_GRE, make_gre, 0, 0, DROP_ip_malformed,
		CHANGES({IP + 3, 19})},
	{"a wrong checksum", IPPROTO_GRE, make_gre, 0, KEEP_CHECKSUM, DROP_ip_checksum,
		CHANGES({IP + 8, 63})},
	{"options", IPPROTO_GRE, make_gre, 0, 0, DROP_ip_options, CHANGES({IP, 0x46})},
	{"another address of ours", IPPROTO_GRE, make_gre, 0, 0, DROP_gre_unknown_call,
		CHANGES({IP + 19, 11})},
	{"GRE version 0", IPPROTO_GRE, make_gre, 0, 0, DROP_edge_filter, CHANGES({L4 + 1, 0})},
	{"another protocol in GRE", IPPROTO_GRE, make_gre, 0, 0, DROP_edge_filter,
		CHANGES({L4 + 3, 0x0c})},
	{"GRE without a key", IPPROTO_GRE, make_gre, 0, 0, DROP_gre_malformed, CHANGES({L4, 0x10})},
	{"GRE with a checksum", IPPROTO_GRE, make_gre, 0, 0, DROP_gre_malformed,
		CHANGES({L4, 0xb0})},
	{"GRE with a source route", IPPROTO_GRE, make_gre, 0, 0, DROP_gre_malformed,
		CHANGES({L4, 0x70})},
	{"GRE data without a number", IPPROTO_GRE, make_gre, 0, 0, DROP_gre_malformed,
		CHANGES({L4, 0x20})},
	{"GRE data without a number, but with an acknowledgement", IPPROTO_GRE, make_gre, 0, 0,
		DROP_gre_malformed, CHANGES({L4, 0x20}, {L4 + 1, 0x81})},
	{"a GRE payload longer than the packet", IPPROTO_GRE, make_gre, 0, 0, DROP_gre_malformed,
		CHANGES({L4 + 5, 30})},
	{"half a GRE header", IPPROTO_GRE, make_gre, 36, 0, DROP_gre_malformed, NONE},
	{"an unknown call", IPPROTO_GRE, make_gre, 0, 0, DROP_gre_unknown_call,
		CHANGES({L4 + 7, 9})},
	{"another peer's call", IPPROTO_GRE, make_gre, 0, 0, DROP_gre_wrong_peer,
		CHANGES({IP + 15, 2})},
	{"another client's address inside", IPPROTO_GRE, make_gre_of_another, 0, 0,
		DROP_session_source, NONE},
	{"an inner packet with a wrong checksum", IPPROTO_GRE, make_gre, 0, 0, DROP_ip_checksum,
		CHANGES({GRE_PAYLOAD + 1 + 8, 63})},
	{"an inner packet longer than its frame", IPPROTO_GRE, make_gre, 0, 0, DROP_ip_malformed,
		CHANGES({GRE_PAYLOAD + 1 + 3, 29})},

	{"a good L2TP packet in clear", IPPROTO_UDP, make_l2tp, 0, 0, DROP_ip_no_route, NONE},
	{"half a UDP header", IPPROTO_UDP, make_l2tp, 39, 0, DROP_edge_filter, NONE},
	{"another port", IPPROTO_UDP, make_l2tp, 0, 0, DROP_edge_filter, CHANGES({L4 + 3, 53})},
	{"a datagram longer than its packet", IPPROTO_UDP, make_l2tp, 0, 0, DROP_l2tp_malformed,
		CHANGES({L4 + 5, 44})},
	{"L2TP version 3", IPPROTO_UDP, make_l2tp, 0, 0, DROP_l2tp_malformed,
		CHANGES({L2TP + 1, 3})},
	{"an L2TP length beyond the datagram", IPPROTO_UDP, make_l2tp, 0, 0, DROP_l2tp_malformed,
		CHANGES({L2TP, 0x40}, {L2TP + 3, 36}, {L2TP + 5, 7})},
	{"an L2TP offset beyond the datagram", IPPROTO_UDP, make_l2tp, 0, 0, DROP_l2tp_malformed,
		CHANGES({L2TP, 0x02}, {L2TP_PAYLOAD, 1})},
	{"an unknown L2TP session", IPPROTO_UDP, make_l2tp, 0, 0, DROP_l2tp_unknown_session,
		CHANGES({L2TP + 5, 9})},
	{"another L2TP tunnel", IPPROTO_UDP, make_l2tp, 0, 0, DROP_l2tp_unknown_session,
		CHANGES({L2TP + 3, 8})},
	{"L2TP of another address", IPPROTO_UDP, make_l2tp, 0, 0, DROP_l2tp_wrong_peer,
		CHANGES({IP + 15, 2})},
	{"L2TP from another port", IPPROTO_UDP, make_l2tp, 0, 0, DROP_l2tp_wrong_peer,
		CHANGES({L4 + 1, 0})},
	{"in clear what belongs to a pair of SAs", IPPROTO_UDP, make_l2tp_of_a_pair, 0, 0,
		DROP_l2tp_wrong_peer, NONE},

	{"forged ESP", IPPROTO_ESP, make_esp, 0, 0, DROP_esp_auth_failed, CHANGES({L4 + 7, 1})},
	{"ESP without a number", IPPROTO_ESP, make_esp, 64, 0, DROP_esp_malformed, NONE},
	{"ESP of another address", IPPROTO_ESP, make_esp, 0, 0, DROP_esp_wrong_peer,
		CHANGES({IP + 15, 2}, {L4 + 7, 1})},
	{"ESP in UDP for a native pair", IPPROTO_UDP, make_nat_t, 0, 0, DROP_esp_wrong_peer, NONE},
	{"an unknown SPI", IPPROTO_ESP, make_esp, 0, 0, DROP_esp_unknown_spi,
		CHANGES({L4 + 3, 0xff})},
	{"a NAT keepalive", IPPROTO_UDP, make_nat_t, 67, 0, DROP_esp_keepalive,
		CHANGES({L4 + 8, 0xff})},
	{"two octets on port 4500", IPPROTO_UDP, make_nat_t, 66, 0, DROP_esp_malformed, NONE},

	{"a SYN", IPPROTO_TCP, make_tcp, 0, 0, PASSES, NONE},
	{"a SYN to SSH", IPPROTO_TCP, make_tcp, 0, 0, DROP_edge_filter,
		CHANGES({L4 + 2, 0}, {L4 + 3, 22})},
	{"half a TCP header", IPPROTO_TCP, make_tcp, 12, 0, DROP_edge_filter, NONE},
	{"a SYN to nobody's address", IPPROTO_TCP, make_tcp, 0, 0, DROP_edge_filter,
		CHANGES({IP + 19, 11})},
	{"a ping", IPPROTO_ICMP, make_ping, 0, 0, PASSES, NONE},
	{"half a ping", IPPROTO_ICMP, make_ping, 4, 0, DROP_edge_filter, NONE},
	{"an ICMP redirect", IPPROTO_ICMP, make_ping, 0, 0, DROP_edge_filter, CHANGES({L4, 5})},
	{"OSPF", 89, make_ping, 0, 0, DROP_edge_filter, NONE},
	{"a fragment of TCP", IPPROTO_TCP, make_tcp, 0, 0, DROP_ip_fragment,
		CHANGES({IP + 6, 0x20})},
};

/* Sends it; the drop that counted it, PASSES for none. */
static enum drop_reason
outcome(const struct row *r)
{
	uint64_t before[DROP_COUNT];

	memset(buf, 0, sizeof(buf));
	memcpy(buf, &ports[0].mac, 6);
	buf[12] = 8;
	len = L4;
	r->make();
	len -= (uint16_t)r->cut;
	struct rte_ipv4_hdr ip = {.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16((uint16_t)(len - IP)),
		.time_to_live = 64,
		.next_proto_id = r->proto,
		.src_addr = rte_cpu_to_be_32(PEER_IP),
		.dst_addr = rte_cpu_to_be_32(SERVER_IP)};
	if (r->flags & KEEP_CHECKSUM)
		ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(buf + IP, &ip, sizeof(ip));
	for (unsigned int i = 0; i < r->n; i++)
		buf[r->changes[i].at] = r->changes[i].value;
	if (!(r->flags & KEEP_CHECKSUM)) {
		unsigned int hlen = (buf[IP] & 15) * 4u;
		uint16_t sum = (uint16_t)~rte_raw_cksum(buf + IP, RTE_MAX(hlen, 20u));
		memcpy(buf + IP + 10, &sum, 2);
	}
	struct rte_mbuf *m = rte_pktmbuf_alloc(mbufs);
	assert_non_null(m);
	memset(pkt_meta(m), 0, sizeof(struct pkt_meta));
	memcpy(rte_pktmbuf_append(m, len), buf, len);
	pending[n_pending++] = m;
	memcpy(before, worker_counters.drops, sizeof(before));
	walk();
	for (unsigned int i = 0; i < DROP_COUNT; i++)
		if (worker_counters.drops[i] != before[i])
			return i;
	return PASSES;
}

static const char *
reason(unsigned int i)
{
	static const char *const names[DROP_COUNT + 1] = {
#define X(name, text) [DROP_##name] = #name,
		DROP_REASONS(X)
#undef X
			[PASSES] = "none",
	};
	return names[i];
}

static void
each_is_dropped_by_its_name(void **state)
{
	unsigned int wrong = 0;
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		enum drop_reason got = outcome(&rows[i]);
		if (got == rows[i].want)
			continue;
		print_error(
			"%s: %s instead of %s\n", rows[i].what, reason(got), reason(rows[i].want));
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* T20, R3: what control does not let in is dropped at the edge. */
static void
what_is_off_stays_outside(void **state)
{
	static const struct {
		uint32_t off;
		struct row row;
	} cases[] = {
		{EDGE_ALLOW_PPTP, {"GRE", IPPROTO_GRE, make_gre, 0, 0, DROP_edge_filter, NONE}},
		{EDGE_ALLOW_PPTP,
			{"TCP 1723", IPPROTO_TCP, make_tcp, 0, 0, DROP_edge_filter, NONE}},
		{EDGE_ALLOW_CLEAR_L2TP,
			{"L2TP in clear", IPPROTO_UDP, make_l2tp, 0, 0, DROP_l2tp_clear, NONE}},
		{EDGE_ALLOW_IPSEC, {"ESP", IPPROTO_ESP, make_esp, 0, 0, DROP_edge_filter, NONE}},
		{EDGE_ALLOW_IPSEC,
			{"UDP 4500", IPPROTO_UDP, make_nat_t, 0, 0, DROP_edge_filter, NONE}},
	};
	const uint32_t all = EDGE_ALLOW_PPTP | EDGE_ALLOW_IPSEC | EDGE_ALLOW_CLEAR_L2TP;
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		atomic_store(&settings.edge, all & ~cases[i].off);
		assert_string_equal(reason(outcome(&cases[i].row)), reason(cases[i].row.want));
	}
	settings.edge_ping = false;
	const struct row ping = {"ping", IPPROTO_ICMP, make_ping, 0, 0, DROP_edge_filter, NONE};
	assert_string_equal(reason(outcome(&ping)), reason(ping.want));
}

/* T3: data in clear where encryption is required; what is no data goes to control. */
static void
clear_text_is_dropped_where_encryption_is_required(void **state)
{
	struct command open = {.type = COMMAND_SESSION_OPEN,
		.open = {.inner_ip = INNER_IP + PPTP, .require_mppe = 1}};
	const struct row data = {"IP", IPPROTO_GRE, make_gre, 0, 0, DROP_mppe_plaintext, NONE},
			 other = {"a data protocol", IPPROTO_GRE, make_gre, 0, 0,
				 DROP_mppe_plaintext, CHANGES({GRE_PAYLOAD, 0x2b})};
	(void)state;
	session_apply(&sessions.slots[PPTP], &open);
	assert_string_equal(reason(outcome(&data)), reason(data.want));
	assert_string_equal(reason(outcome(&other)), reason(other.want));
	sessions.slots[PPTP].cfg.require_mppe = 0;
	sessions.slots[PPTP].cfg.state = SESSION_NEGOTIATING;
	assert_string_equal(reason(outcome(&data)), reason(DROP_session_closed));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_is_dropped_by_its_name, setup, graph_teardown),
		cmocka_unit_test_setup_teardown(what_is_off_stays_outside, setup, graph_teardown),
		cmocka_unit_test_setup_teardown(
			clear_text_is_dropped_where_encryption_is_required, setup, graph_teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
