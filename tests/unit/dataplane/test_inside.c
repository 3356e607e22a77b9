/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients inside of their tunnels, hosts on the LAN and frames of VLANs, through the real graph
 * (T18, T25). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client.h"

static void
up_to_port(unsigned int i, uint32_t dst, uint8_t proto, uint16_t port)
{
	struct rte_ipv4_hdr *ip = up(i, dst, proto, 0, 20);
	uint8_t *l4 = (uint8_t *)(ip + 1);
	l4[2] = (uint8_t)(port >> 8);
	l4[3] = (uint8_t)port;
	go(ip);
}

static void
up_ping(unsigned int i, uint32_t dst, uint8_t type)
{
	struct rte_ipv4_hdr *ip = up(i, dst, IPPROTO_ICMP, 0, 8);
	*(uint8_t *)(ip + 1) = type;
	go(ip);
}

static void
inside_reaches_ping_and_named_services_only(void **state)
{
	static const uint32_t own[] = {SERVER_IP, LAN_IP, INNER_OWN};
	unsigned int refused = 0;
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(own); i++) {
		settings.n_inside = 0;
		up_ping(0, own[i], 8);
		assert_int_equal(given(PUNT_INNER), 1);
		up_to_port(0, own[i], IPPROTO_TCP, 22);
		up_to_port(0, own[i], IPPROTO_TCP, 1723);
		up_to_port(0, own[i], IPPROTO_UDP, 500);
		up_to_port(0, own[i], IPPROTO_UDP, 4500);
		up_to_port(0, own[i], IPPROTO_GRE, 22);
		struct rte_ipv4_hdr *ip = up(0, own[i], IPPROTO_TCP, 0, 24); /* no ports in it */
		ip->fragment_offset = RTE_BE16(3);
		((uint8_t *)(ip + 1))[3] = 22;
		go(ip);
		assert_int_equal(dropped(DROP_inside_service), refused += 6);
		settings.inside[0] = (struct inside_service){IPPROTO_TCP, 22};
		settings.n_inside = 1;
		up_to_port(0, own[i], IPPROTO_TCP, 22);
		assert_int_equal(given(PUNT_INNER), 1);
		up_to_port(0, own[i], IPPROTO_UDP, 22);
		up_to_port(0, own[i], IPPROTO_TCP, 23);
		go(up(0, own[i], IPPROTO_TCP, 0, 4));
		ip = up(0, own[i], IPPROTO_TCP, 0, 24); /* the first one says for whom it is */
		ip->fragment_offset = RTE_BE16(RTE_IPV4_HDR_MF_FLAG);
		((uint8_t *)(ip + 1))[3] = 23;
		go(ip);
		assert_int_equal(dropped(DROP_inside_service), refused += 4);
		ip = up(0, own[i], IPPROTO_TCP, 0, 24);
		ip->fragment_offset = RTE_BE16(3);
		go(ip);
		ip = up(0, own[i], IPPROTO_ICMP, 0, 24); /* of a long ping */
		ip->fragment_offset = RTE_BE16(3);
		go(ip);
		assert_int_equal(given(PUNT_INNER), 2);
		settings.inside_ping = false;
		up_ping(0, own[i], 8);
		assert_int_equal(dropped(DROP_inside_service), refused += 1);
		up_ping(0, own[i], 0); /* the answer to the gateway's own */
		assert_int_equal(given(PUNT_INNER), 1);
		settings.inside_ping = true;
	}
	for (unsigned int kind = 0; kind < PUNT_COUNT; kind++)
		assert_int_equal(given(kind), 0);
}

/* T24: the flooder has a burst and a rate; his neighbour loses nothing. */
static void
each_client_has_its_share_of_the_gateway(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 200; i++)
		up_ping(0, SERVER_IP, 8);
	assert_int_equal(given(PUNT_INNER), 64);
	assert_int_equal(dropped(DROP_inside_rate), 136);
	for (unsigned int i = 0; i < 10; i++)
		up_ping(1, SERVER_IP, 8);
	assert_int_equal(given(PUNT_INNER), 10);
	settings.inside[0] = (struct inside_service){IPPROTO_UDP, 53};
	settings.n_inside = 1;
	for (unsigned int i = 0; i < 300; i++)
		up_to_port(0, SERVER_IP, IPPROTO_UDP, 53);
	assert_int_equal(given(PUNT_INNER), 256);
	assert_int_equal(dropped(DROP_inside_rate), 136 + 44);
}

static void
lan(uint32_t src, uint32_t dst)
{
	ipv4_on(1, src, dst, IPPROTO_UDP, 16);
	walk();
}

/* T25: neither towards clients nor towards the kernel. */
static void
the_lan_has_no_address_of_ours_or_of_a_client(void **state)
{
	static const uint32_t forged[] = {SERVER_IP, LAN_IP, INNER_OWN, MGMT_IP, INNER(1)};
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(forged); i++) {
		lan(forged[i], INNER(0));
		lan(forged[i], LAN_IP);
	}
	assert_int_equal(dropped(DROP_lan_source), 2 * RTE_DIM(forged));
	assert_int_equal(n_sent + given(PUNT_TAP), 0);
	lan(LAN_HOST, INNER(0));
	lan(0x08080808, INNER(0));
	lan(LAN_HOST, LAN_IP);
	assert_int_equal(n_sent, 2);
	assert_int_equal(given(PUNT_TAP), 1);
	/* What was a client's is nobody's, and so is what was ours. */
	const struct kernel_route mgmt = {
		.ip = MGMT_IP, .depth = 32, .oif = 7, .type = KERNEL_ROUTE_LOCAL};
	route_del_session(INNER(1));
	route_kernel_del(&mgmt);
	lan(INNER(1), INNER(0));
	lan(MGMT_IP, INNER(0));
	assert_int_equal(n_sent, 4);
}

/* T18: the source can be right and the way still the sender's. */
static void
source_routes_end_here(void **state)
{
	static const uint8_t options[][8] = {{131, 7, 4, 198, 51, 100, 7, 0},
		{137, 7, 4, 198, 51, 100, 7, 0}, {1, 1, 1, 131, 3, 4, 0, 0}, {131},
		{7, 7, 4, 0, 0, 0, 0, 137}};
	static const uint8_t bad[][8] = {{7, 1, 131, 3}, {7, 9}, {1, 1, 1, 1, 1, 1, 1, 7}, {7, 0}};
	static const uint8_t good[][8] = {
		{7, 7, 4, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1, 1, 1}, {0, 131}};
	unsigned int n = 0;
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(options); i++) {
		for (unsigned int k = 0; k < 2; k++) {
			struct rte_ipv4_hdr *ip =
				up(0, k ? LAN_HOST : SERVER_IP, IPPROTO_ICMP, 8, 8);
			memcpy(ip + 1, options[i], 8);
			((uint8_t *)(ip + 1))[8] = 8;
			go(ip);
			ip = ipv4_on(1, LAN_HOST, k ? INNER(0) : LAN_IP, IPPROTO_UDP, 16);
			ip->version_ihl = 0x47;
			memcpy(ip + 1, options[i], 8);
			go(ip);
			assert_int_equal(dropped(DROP_ip_source_route), n += 2);
		}
	}
	assert_int_equal(sent_on(1) + given(PUNT_INNER) + given(PUNT_TAP), 0);
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		struct rte_ipv4_hdr *ip = up(0, LAN_HOST, IPPROTO_UDP, 8, 8);
		memcpy(ip + 1, bad[i], 8);
		go(ip);
		assert_int_equal(dropped(DROP_ip_malformed), i + 1);
	}
	for (unsigned int i = 0; i < RTE_DIM(good); i++) {
		struct rte_ipv4_hdr *ip = up(0, LAN_HOST, IPPROTO_UDP, 8, 8);
		memcpy(ip + 1, good[i], 8);
		go(ip);
	}
	assert_int_equal(sent_on(1), RTE_DIM(good)); /* beside our acknowledgements */
}

static void
frames_of_vlans_are_nobodys(void **state)
{
	static const struct {
		uint64_t flags;
		uint16_t tci;
		bool dropped;
	} stripped[] = {
		{RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED, 100, true},
		{RTE_MBUF_F_RX_VLAN, 100, true},
		{RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED, 0x6064, true},
		{RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED, 0x6000, false}, /* a priority */
		{RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED, 0, true},
		{0, 100, false},
	};
	uint64_t n = 0;
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(stripped); i++) {
		for (uint8_t port = 0; port < 2; port++) {
			struct rte_ipv4_hdr *ip =
				port ? ipv4_on(1, LAN_HOST, INNER(0), IPPROTO_UDP, 16)
				     : up(0, LAN_HOST, IPPROTO_UDP, 0, 16);
			pending[0]->ol_flags |= stripped[i].flags;
			pending[0]->vlan_tci = stripped[i].tci;
			go(ip);
			n += stripped[i].dropped;
			assert_int_equal(dropped(DROP_eth_vlan), n);
			assert_int_equal(n_sent, !stripped[i].dropped);
			forget_sent();
		}
	}
	frame_on(0, RTE_BE16(RTE_ETHER_TYPE_VLAN));
	frame_on(1, RTE_BE16(RTE_ETHER_TYPE_QINQ));
	walk();
	assert_int_equal(dropped(DROP_eth_vlan), n + 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, clients_setup, graph_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(inside_reaches_ping_and_named_services_only),
		TEST(each_client_has_its_share_of_the_gateway),
		TEST(the_lan_has_no_address_of_ours_or_of_a_client),
		TEST(source_routes_end_here),
		TEST(frames_of_vlans_are_nobodys),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
