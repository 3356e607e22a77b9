/* SPDX-License-Identifier: BSD-3-Clause */
/* What the gateway's kernel begins is answered, and nobody else comes in (R12, T25). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/api/command.h"

#include "kernel.h"

#define OTHER_IP (SERVER_IP + 1) /* also the gateway's */

static void
answers_come_in(void **state)
{
	uint64_t filtered = 0;
	(void)state;
	kernel_tcp(40000, PEER_IP, 80, SYN);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40000, SYN | ACK), 1);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40000, RST), 1);
	kernel_udp(40000, PEER_IP, 53);
	assert_int_equal(udp_comes_in(PEER_IP, 53, 40000), 1);
	kernel_ping(PEER_IP, 77);
	assert_int_equal(icmp_comes_in(PEER_IP, 0, 77), 1);
	assert_int_equal(dropped(DROP_edge_filter), filtered);
	/* Nobody else, at no other port, by no other protocol. */
	assert_int_equal(tcp_comes_in(PEER_IP + 1, 80, 40000, ACK), 0);
	assert_int_equal(tcp_comes_in(PEER_IP, 81, 40000, ACK), 0);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40001, ACK), 0);
	assert_int_equal(udp_comes_in(PEER_IP + 1, 53, 40000), 0);
	assert_int_equal(udp_comes_in(PEER_IP, 54, 40000), 0);
	assert_int_equal(udp_comes_in(PEER_IP, 53, 40001), 0);
	assert_int_equal(udp_comes_in(PEER_IP, 80, 40000), 0);
	assert_int_equal(tcp_comes_in(PEER_IP, 53, 40000, ACK), 0);
	assert_int_equal(icmp_comes_in(PEER_IP + 1, 0, 77), 0);
	assert_int_equal(icmp_comes_in(PEER_IP, 0, 78), 0);
	assert_int_equal(icmp_comes_in(PEER_IP, 13, 77), 0);
	make_udp(PEER_IP, 53, OTHER_IP, 40000);
	assert_int_equal(come_in(), 0);
	assert_int_equal(dropped(DROP_edge_filter), filtered + 12);
	/* Who is asked may not ask back. */
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40000, SYN), 0);
	for (unsigned int kind = 0; kind < PUNT_COUNT; kind++)
		assert_int_equal(given(kind), 0);
}

/* With everything off that control could let in, too. */
static void
answers_need_no_switch(void **state)
{
	(void)state;
	atomic_store(&settings.edge, 0);
	settings.edge_ping = false;
	kernel_tcp(40000, PEER_IP, 80, SYN);
	kernel_udp(40000, PEER_IP, 53);
	kernel_ping(PEER_IP, 77);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40000, SYN | ACK), 1);
	assert_int_equal(udp_comes_in(PEER_IP, 53, 40000), 1);
	assert_int_equal(icmp_comes_in(PEER_IP, 0, 77), 1);
	assert_int_equal(icmp_comes_in(PEER_IP, 8, 77), 0);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 1723, SYN), 0);
	assert_int_equal(udp_comes_in(PEER_IP, 500, 500), 0);
}

/* R12, T24: what the kernel answers, forwards or says to many is nothing that it begins. */
static void
strangers_make_no_entry(void **state)
{
	static const uint8_t flags[] = {SYN | ACK, ACK, RST, RST | ACK, FIN | ACK};
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(flags); i++)
		kernel_tcp(22, PEER_IP, 4242, flags[i]);
	assert_int_equal(tcp_comes_in(PEER_IP, 4242, 22, ACK), 0);
	kernel_udp(500, PEER_IP, 500);
	kernel_udp(4500, PEER_IP, 40000);
	atomic_store(&settings.edge, EDGE_ALLOW_PPTP);
	assert_int_equal(udp_comes_in(PEER_IP, 500, 500), 0);
	assert_int_equal(udp_comes_in(PEER_IP, 40000, 4500), 0);
	make_icmp(SERVER_IP, PEER_IP, 0, 77);
	kernel_has_sent();
	make_icmp(SERVER_IP, PEER_IP, 3, 77);
	kernel_has_sent();
	assert_int_equal(icmp_comes_in(PEER_IP, 0, 77), 0);
	make_udp(LAN_HOST, 53, PEER_IP, 53);
	kernel_has_sent();
	struct rte_ipv4_hdr *ip = ipv4_on(0, PEER_IP, LAN_HOST, IPPROTO_UDP, 16);
	put_ports(ip + 1, 53, 53);
	assert_false(flow_answers(ip, 36, false, workers[0].now_us));
	assert_int_equal(come_in(), 0);
	make_udp(SERVER_IP, 5353, 0xe00000fb, 5353);
	*rte_pktmbuf_mtod(pending[0], uint8_t *) = 1; /* a group */
	kernel_has_sent();
	assert_int_equal(udp_comes_in(0xe00000fb, 5353, 5353), 0);
	ip = ipv4_on(0, SERVER_IP, PEER_IP, IPPROTO_UDP, 16);
	ip->fragment_offset = RTE_BE16(2);
	put_ports(ip + 1, 7, 7);
	kernel_has_sent();
	assert_int_equal(udp_comes_in(PEER_IP, 7, 7), 0);
	make_udp(SERVER_IP, 8, PEER_IP, 8);
	rte_pktmbuf_trim(pending[0], 12); /* cut off */
	kernel_has_sent();
	assert_int_equal(udp_comes_in(PEER_IP, 8, 8), 0);
}

/* Nothing that comes in keeps an entry. */
static void
entries_end(void **state)
{
	(void)state;
	kernel_udp(40000, PEER_IP, 53);
	kernel_ping(PEER_IP, 77);
	seconds_pass(FLOW_UDP - 1);
	assert_int_equal(udp_comes_in(PEER_IP, 53, 40000), 1);
	assert_int_equal(icmp_comes_in(PEER_IP, 0, 77), 1);
	seconds_pass(1);
	assert_int_equal(udp_comes_in(PEER_IP, 53, 40000), 0);
	assert_int_equal(icmp_comes_in(PEER_IP, 0, 77), 0);
	kernel_udp(40001, PEER_IP, 123); /* goes on */
	seconds_pass(10);
	kernel_udp(40001, PEER_IP, 123);
	seconds_pass(FLOW_UDP_STREAM - 1);
	assert_int_equal(udp_comes_in(PEER_IP, 123, 40001), 1);
	kernel_udp(40001, PEER_IP, 123);
	seconds_pass(FLOW_UDP_STREAM);
	assert_int_equal(udp_comes_in(PEER_IP, 123, 40001), 0);
}

static void
connections_end(void **state)
{
	(void)state;
	kernel_tcp(40000, PEER_IP, 80, SYN);
	seconds_pass(FLOW_TCP_BEGUN - 1);
	kernel_tcp(40000, PEER_IP, 80, SYN); /* again */
	seconds_pass(FLOW_TCP_BEGUN - 1);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40000, SYN | ACK), 1);
	kernel_tcp(40000, PEER_IP, 80, RST); /* about a forged answer: T27 */
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40000, SYN | ACK), 1);
	kernel_tcp(40000, PEER_IP, 80, ACK);
	seconds_pass(FLOW_TCP_ESTABLISHED - 1);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40000, ACK), 1);
	kernel_tcp(40000, PEER_IP, 80, FIN | ACK);
	seconds_pass(FLOW_TCP_CLOSING - 1);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40000, ACK), 1);
	kernel_tcp(40000, PEER_IP, 80, ACK); /* of their data, or their FIN */
	seconds_pass(FLOW_TCP_CLOSING - 1);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40000, FIN | ACK), 1);
	seconds_pass(1);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40000, ACK), 0);
	kernel_tcp(40000, PEER_IP, 80, ACK); /* begins nothing */
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40000, ACK), 0);
	kernel_tcp(40001, PEER_IP, 80, SYN);
	kernel_tcp(40001, PEER_IP, 80, ACK);
	kernel_tcp(40001, PEER_IP, 80, RST | ACK);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40001, ACK), 1);
	seconds_pass(FLOW_TCP_RESET);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40001, ACK), 0);
	kernel_tcp(40002, PEER_IP, 80, SYN);
	seconds_pass(FLOW_TCP_BEGUN);
	assert_int_equal(tcp_comes_in(PEER_IP, 80, 40002, SYN | ACK), 0);
}

/* An error about a packet of ours to PEER_IP, from a router on the way. */
static uint8_t *
quote(uint8_t proto, uint16_t sport, uint16_t dport)
{
	struct rte_ipv4_hdr ip = {.version_ihl = 0x45,
		.total_length = RTE_BE16(500),
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(SERVER_IP),
		.dst_addr = rte_cpu_to_be_32(PEER_IP)};
	uint8_t *icmp = (uint8_t *)(ipv4_on(0, PEER_IP + 9, SERVER_IP, IPPROTO_ICMP, 8 + 28) + 1);
	icmp[0] = 3;
	icmp[1] = 1;
	memcpy(icmp + 8, &ip, sizeof(ip));
	put_ports(icmp + 28, sport, dport);
	return icmp;
}

static void
errors_about_what_we_sent_come_in(void **state)
{
	uint64_t bad = 0;
	(void)state;
	kernel_tcp(40000, PEER_IP, 80, SYN);
	kernel_udp(40000, PEER_IP, 53);
	kernel_ping(PEER_IP, 77);
	quote(IPPROTO_TCP, 40000, 80);
	assert_int_equal(come_in(), 1);
	quote(IPPROTO_UDP, 40000, 53);
	assert_int_equal(come_in(), 1);
	quote(IPPROTO_UDP, 40000, 53)[1] = 4; /* fragmentation needed, of the kernel's own */
	assert_int_equal(come_in(), 1);
	uint8_t *icmp = quote(IPPROTO_ICMP, 8 << 8, 0);
	put_ports(icmp + 32, 77, 1);
	assert_int_equal(come_in(), 1);
	assert_int_equal(dropped(DROP_icmp_quote), bad);
	quote(IPPROTO_TCP, 40001, 80);
	quote(IPPROTO_UDP, 40000, 80);
	quote(IPPROTO_UDP, 40000, 54);
	quote(IPPROTO_GRE, 40000, 53);
	quote(IPPROTO_UDP, 40000, 53)[8] = 0x46;
	quote(IPPROTO_UDP, 40000, 53)[8 + 7] = 1;         /* a later fragment */
	quote(IPPROTO_UDP, 40000, 53)[8 + 15] ^= 1;       /* from another address of ours */
	quote(IPPROTO_UDP, 40000, 53)[8 + 19] ^= 1;       /* to somebody else */
	put_ports(quote(IPPROTO_ICMP, 0, 0) + 32, 77, 1); /* our echo reply */
	quote(IPPROTO_UDP, 40000, 53);
	rte_pktmbuf_trim(pending[n_pending - 1], 1);
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(
		pending[n_pending - 1], struct rte_ipv4_hdr *, sizeof(struct rte_ether_hdr));
	ip->total_length = RTE_BE16(20 + 35);
	ipv4_sum(ip);
	assert_int_equal(come_in(), 0);
	assert_int_equal(dropped(DROP_icmp_quote), bad + 10);
	assert_int_equal(given(PUNT_TAP), 0);
}

/* PPTP's connections are begun by others, so is IKE. */
static void
errors_about_services_come_in(void **state)
{
	(void)state;
	quote(IPPROTO_TCP, 1723, 4242);
	walk();
	assert_int_equal(given(PUNT_TAP), 0);
	kernel_tcp(1723, PEER_IP, 4242, ACK);
	quote(IPPROTO_TCP, 1723, 4242);
	quote(IPPROTO_UDP, 500, 500);
	quote(IPPROTO_UDP, 4500, 40000);
	walk();
	assert_int_equal(given(PUNT_TAP), 3);
	/* T24: the forger's room ends, an established peer's does not. */
	struct command_sa_add add = bench_sa_add();
	struct sa_counters counters;
	add.outer = (struct sa_outer){SERVER_IP, PEER_IP, 4500, 40000};
	assert_int_equal(sa_add(sa_handle(2, 1), &add, 0, &counters), 0);
	for (unsigned int i = 0; i < 1200; i++) {
		quote(IPPROTO_UDP, 500, (uint16_t)i);
		walk();
		given(PUNT_TAP);
	}
	assert_in_range(dropped(DROP_icmp_quote), 200, 210);
	quote(IPPROTO_UDP, 4500, 40000);
	quote(IPPROTO_TCP, 1723, 4242);
	quote(IPPROTO_UDP, 500, 500);
	walk();
	assert_int_equal(given(PUNT_TAP), 2);
}

/* T17: fragments of strangers stay out when no tunnel could need them. */
static void
fragmented_answers_come_in(void **state)
{
	(void)state;
	atomic_store(&settings.edge, 0);
	kernel_udp(40000, PEER_IP, 53);
	for (uint32_t who = 0; who < 2; who++) {
		for (uint16_t i = 0; i < 3; i++) {
			struct rte_ipv4_hdr *ip =
				ipv4_on(0, PEER_IP + who, SERVER_IP, IPPROTO_UDP, 1000);
			ip->packet_id = RTE_BE16(7);
			ip->fragment_offset = rte_cpu_to_be_16(
				(uint16_t)(i * 125 | (i < 2 ? RTE_IPV4_HDR_MF_FLAG : 0)));
			if (i == 0)
				put_ports(ip + 1, 53, 40000);
			ipv4_sum(ip);
		}
		/* More than one buffer holds. */
		assert_int_equal(come_in(), who == 0);
		assert_int_equal(dropped(DROP_ip_fragment), who * 3);
	}
	/* Whole, but no answer. */
	for (uint16_t i = 0; i < 2; i++) {
		struct rte_ipv4_hdr *ip = ipv4_on(0, PEER_IP, SERVER_IP, IPPROTO_TCP, 400);
		ip->packet_id = RTE_BE16(8);
		ip->fragment_offset = i ? RTE_BE16(50) : RTE_BE16(RTE_IPV4_HDR_MF_FLAG);
		put_ports(ip + 1, 53, 40000);
		ipv4_sum(ip);
	}
	assert_int_equal(come_in(), 0);
	assert_int_equal(dropped(DROP_edge_filter), 1);
}

/* BOOTP of 300 octets, RFC 2131. */
static struct rte_ipv4_hdr *
dhcp(uint32_t src, uint32_t dst, uint8_t op, uint32_t xid)
{
	struct rte_ipv4_hdr *ip = ipv4_on(0, src, dst, IPPROTO_UDP, 308);
	uint8_t *udp = (uint8_t *)(ip + 1);
	put_ports(udp, op == 1 ? 68 : 67, op == 1 ? 67 : 68);
	udp[8] = op;
	memcpy(udp + 12, &xid, sizeof(xid));
	return ip;
}

static void
to_all(void)
{
	memset(rte_pktmbuf_mtod(pending[n_pending - 1], void *), 0xff, 6);
}

/* A client has no address yet; whoever does not know what it has asked gets no answer in. */
static void
dhcp_answers_come_in(void **state)
{
	(void)state;
	dhcp(PEER_IP, UINT32_MAX, 2, 0x1234);
	to_all();
	assert_int_equal(come_in(), 0);
	dhcp(0, UINT32_MAX, 1, 0x1234);
	to_all();
	kernel_has_sent();
	dhcp(PEER_IP, UINT32_MAX, 2, 0x1234);
	to_all();
	assert_int_equal(come_in(), 1);
	dhcp(PEER_IP, SERVER_IP + 77, 2, 0x1234);
	assert_int_equal(come_in(), 1);
	dhcp(PEER_IP, UINT32_MAX, 2, 0x1235);
	to_all();
	dhcp(PEER_IP, UINT32_MAX, 1, 0x1234);
	to_all();
	dhcp(PEER_IP, UINT32_MAX, 2, 0x1234)->next_proto_id = IPPROTO_TCP;
	to_all();
	put_ports(dhcp(PEER_IP, UINT32_MAX, 2, 0x1234) + 1, 67, 69);
	to_all();
	make_udp(PEER_IP, 67, UINT32_MAX, 68); /* too short */
	to_all();
	assert_int_equal(come_in(), 0);
	seconds_pass(FLOW_DHCP);
	dhcp(PEER_IP, UINT32_MAX, 2, 0x1234);
	to_all();
	assert_int_equal(come_in(), 0);
}

/* T25: what the kernel opens towards a client is answered, and that alone. */
static void
clients_answer_the_kernel(void **state)
{
	static const uint16_t ports_of[] = {80, 81};
	(void)state;
	make_tcp(INNER_OWN, 40000, INNER(0), 80, SYN);
	kernel_sends_to_client();
	for (unsigned int i = 0; i < 2; i++) {
		for (unsigned int k = 0; k < 2; k++) {
			struct rte_ipv4_hdr *ip = up(i, INNER_OWN, IPPROTO_TCP, 0, 20);
			put_ports(ip + 1, ports_of[k], 40000);
			((uint8_t *)(ip + 1))[13] = SYN | ACK;
			go(ip);
			assert_int_equal(given(PUNT_INNER), i == 0 && k == 0);
		}
	}
	assert_int_equal(dropped(DROP_inside_service), 3);
	struct rte_ipv4_hdr *ip = up(0, INNER_OWN, IPPROTO_TCP, 0, 20);
	put_ports(ip + 1, 80, 40000);
	((uint8_t *)(ip + 1))[13] = SYN;
	go(ip);
	assert_int_equal(dropped(DROP_inside_service), 4);
	/* Later fragments of who is asked, RFC 791. */
	for (unsigned int i = 0; i < 2; i++) {
		ip = up(i, INNER_OWN, IPPROTO_UDP, 0, 24);
		ip->fragment_offset = RTE_BE16(3);
		go(ip);
		assert_int_equal(given(PUNT_INNER), i == 0);
	}
	/* A named service's answers begin nothing. */
	settings.inside[0] = (struct inside_service){IPPROTO_UDP, 53};
	settings.n_inside = 1;
	make_udp(INNER_OWN, 53, INNER(1), 4242);
	kernel_sends_to_client();
	settings.n_inside = 0;
	ip = up(1, INNER_OWN, IPPROTO_UDP, 0, 16);
	put_ports(ip + 1, 4242, 53);
	go(ip);
	assert_int_equal(given(PUNT_INNER), 0);
}

/* T18: what is begun towards a client is not answered from the Internet in his name. */
static void
the_internet_is_no_client(void **state)
{
	(void)state;
	make_udp(SERVER_IP, 40000, INNER(0), 80);
	kernel_sends_to_client();
	assert_int_equal(udp_comes_in(INNER(0), 80, 40000), 0);
	struct rte_ipv4_hdr *ip = up(0, SERVER_IP, IPPROTO_UDP, 0, 16);
	put_ports(ip + 1, 80, 40000);
	go(ip);
	assert_int_equal(given(PUNT_INNER), 1);
}

/* The kernel would perhaps forward it. */
static void
an_address_that_is_gone_has_no_answers(void **state)
{
	const struct kernel_route local = {
		.ip = SERVER_IP, .depth = 32, .oif = WAN_IFINDEX, .type = KERNEL_ROUTE_LOCAL};
	(void)state;
	kernel_udp(40000, PEER_IP, 53);
	route_kernel_del(&local);
	assert_int_equal(udp_comes_in(PEER_IP, 53, 40000), 0);
	route_kernel_add(&local, false);
	assert_int_equal(udp_comes_in(PEER_IP, 53, 40000), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, clients_setup, graph_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_come_in),
		TEST(answers_need_no_switch),
		TEST(strangers_make_no_entry),
		TEST(entries_end),
		TEST(connections_end),
		TEST(errors_about_what_we_sent_come_in),
		TEST(errors_about_services_come_in),
		TEST(fragmented_answers_come_in),
		TEST(dhcp_answers_come_in),
		TEST(clients_answer_the_kernel),
		TEST(the_internet_is_no_client),
		TEST(an_address_that_is_gone_has_no_answers),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
