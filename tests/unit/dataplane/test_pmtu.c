/* SPDX-License-Identifier: BSD-3-Clause */
/* Path MTU of tunnels (D5): what an ICMP error says, whom it concerns, and who may not say it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

#include <cmocka.h>
#include <rte_ip.h>

#include "bench.h"
#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"
#include "dataplane/pmtu.h"

#define OUT_SPI 0xc0ffee01u

static struct session_counters session_counters[4];
static struct sa_counters sa_counters[2];
static uint8_t icmp[128];
static uint64_t now_us;

enum { PPTP, ON_SA, ON_SA_TOO, IN_CLEAR };

static void
add_session(unsigned int i, uint8_t protocol, uint32_t sa, uint32_t peer)
{
	const struct session_params p = {.server_ip = SERVER_IP,
		.peer_ip = PEER_IP,
		.call_id = (uint16_t)(100 + i),
		.peer_call_id = (uint16_t)(200 + i),
		.protocol = protocol,
		.tunnel_id = 7,
		.peer_tunnel_id = 300,
		.server_port = 1701,
		.peer_port = 1701,
		.sa = sa,
		.peer = peer,
		.counters = &session_counters[i]};
	assert_int_equal(session_add(session_handle(i, 1), &p), 0);
}

static int
setup(void **state)
{
	(void)state;
	now_us += 10000000;
	if (bench_worker() != 0)
		return -1;
	for (unsigned int i = 0; i < 2; i++) {
		struct command_sa_add add = bench_sa_add();
		add.outer.server_port = 4500;
		add.outer.peer_port = (uint16_t)(40000 + i);
		add.peer = 77 + i;
		assert_int_equal(sa_add(sa_handle(i, 1), &add, 0, &sa_counters[i]), 0);
		struct command_sa_out out = {.spi = OUT_SPI + i, .keys = bench_keys()};
		assert_int_equal(sa_set_outbound(sa_by_handle(sa_handle(i, 1)), &out), 0);
	}
	add_session(PPTP, TUNNEL_PPTP, 0, 0);
	add_session(ON_SA, TUNNEL_L2TP, sa_handle(0, 1), 77);
	add_session(ON_SA_TOO, TUNNEL_L2TP, sa_handle(1, 1), 78);
	add_session(IN_CLEAR, TUNNEL_L2TP, 0, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	bench_worker_free();
	assert_int_equal(rte_mempool_avail_count(mbufs), mbufs->size);
	return 0;
}

static void
put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void
put32(uint8_t *at, uint32_t v)
{
	put16(at, (uint16_t)(v >> 16));
	put16(at + 2, (uint16_t)v);
}

/* "Fragmentation needed" about a packet of 1500 octets; the quoted transport header follows. */
static uint8_t *
about(uint8_t proto, uint16_t mtu)
{
	struct rte_ipv4_hdr ip = {.version_ihl = 0x45,
		.total_length = RTE_BE16(1500),
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(SERVER_IP),
		.dst_addr = rte_cpu_to_be_32(PEER_IP)};
	memset(icmp, 0, sizeof(icmp));
	icmp[0] = 3;
	icmp[1] = 4;
	put16(icmp + 6, mtu);
	memcpy(icmp + 8, &ip, sizeof(ip));
	return icmp + 8 + sizeof(ip);
}

static void
about_gre(uint16_t call, uint16_t mtu)
{
	uint8_t *gre = about(IPPROTO_GRE, mtu);
	put16(gre, 0x3001);
	put16(gre + 2, 0x880b);
	put16(gre + 6, call);
}

static void
about_esp(uint32_t spi, uint16_t mtu)
{
	uint8_t *udp = about(IPPROTO_UDP, mtu);
	put16(udp, 4500);
	put16(udp + 2, 40000);
	put32(udp + 8, spi);
}

static void
about_l2tp(uint16_t tunnel, uint16_t session, uint16_t mtu)
{
	uint8_t *udp = about(IPPROTO_UDP, mtu);
	put16(udp, 1701);
	put16(udp + 2, 1701);
	put16(udp + 8, 2);
	put16(udp + 10, tunnel);
	put16(udp + 12, session);
}

static void
sum(uint32_t len)
{
	put16(icmp + 2, 0);
	rte_be16_t cksum = (rte_be16_t)~rte_raw_cksum(icmp, len);
	memcpy(icmp + 2, &cksum, sizeof(cksum));
}

/* As the main lcore gets it: what became of it. */
static enum drop_reason
say_len(uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mbufs);
	uint64_t before[DROP_COUNT];
	memcpy(before, segment->main_drops, sizeof(before));
	sum(len);
	memset(rte_pktmbuf_append(m, 34), 0, 34);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), icmp, len);
	pmtu_take(m, now_us);
	for (enum drop_reason r = 0; r < DROP_COUNT; r++)
		if (segment->main_drops[r] != before[r])
			return r;
	return DROP_COUNT;
}

static enum drop_reason
say(void)
{
	return say_len(8 + 20 + 24);
}

/* The owner's turn; how many sessions changed. */
static unsigned int
owner_hears(void)
{
	struct worker_msg *msg;
	unsigned int n = 0;
	while (rte_ring_sc_dequeue(workers[0].msgs, (void **)&msg) == 0) {
		assert_int_equal(msg->cmd.type, WORKER_PATH_MTU);
		session_set_path_mtu(msg->session, (uint16_t)msg->path_mtu);
		rte_mempool_put(worker_msg_pool, msg);
		n++;
	}
	return n;
}

static unsigned int
mtu_of(unsigned int i)
{
	session_set_path_mtu(&sessions.slots[i], sessions.slots[i].cfg.path_mtu);
	return sessions.slots[i].cfg.mtu;
}

static void
whom_it_concerns(void **state)
{
	unsigned int before[4];
	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		before[i] = mtu_of(i);
	about_gre(200, 1400);
	assert_int_equal(say(), DROP_pmtu_taken);
	assert_int_equal(owner_hears(), 1);
	assert_int_equal(mtu_of(PPTP), before[PPTP] - 100);
	about_esp(OUT_SPI, 1300);
	assert_int_equal(say(), DROP_pmtu_taken);
	assert_int_equal(owner_hears(), 1);
	assert_in_range(before[ON_SA] - mtu_of(ON_SA), 192, 208); /* whole blocks */
	about_l2tp(300, 203, 1200);
	assert_int_equal(say(), DROP_pmtu_taken);
	assert_int_equal(owner_hears(), 1);
	assert_int_equal(before[IN_CLEAR] - mtu_of(IN_CLEAR), 300);
	assert_int_equal(mtu_of(ON_SA_TOO), before[ON_SA_TOO]); /* behind the same address */
	/* Less once more, but not more, and not below the least. */
	about_gre(200, 1450);
	assert_int_equal(say(), DROP_pmtu_taken);
	assert_int_equal(owner_hears(), 0);
	about_gre(200, 68);
	assert_int_equal(say(), DROP_pmtu_taken);
	assert_int_equal(owner_hears(), 1);
	assert_int_equal(mtu_of(PPTP), before[PPTP] - (1500 - PATH_MTU_MIN));
	/* A rekey leaves it. */
	sessions.slots[ON_SA].cfg.sa = sa_handle(0, 1);
	assert_in_range(before[ON_SA] - mtu_of(ON_SA), 192, 208);
}

static void
who_may_not_say_it(void **state)
{
	static const struct {
		unsigned int at;
		uint8_t value;
	} change[] = {
		{0, 11}, {1, 1},                         /* of another kind */
		{8, 0x46}, {14, 0}, {14, 0x20}, {15, 1}, /* not as we send */
		{23, 0xc0 ^ 0xff}, {24, 1}, /* from another address (a byte of the source) */
		{20, 10}, {17, 6}, {28, 0}, {29, 1}, /* UDP ports */
		{36, 0}, {39, 9},                    /* SPI */
	};
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(change); i++) {
		about_esp(OUT_SPI, 1300);
		icmp[change[i].at] = change[i].value;
		enum drop_reason r = say();
		assert_int_equal(r, DROP_pmtu_unknown);
		now_us += 1000000;
	}
	about_gre(205, 1300);
	assert_int_equal(say(), DROP_pmtu_unknown);
	about_gre(201, 1300); /* an L2TP session's */
	assert_int_equal(say(), DROP_pmtu_unknown);
	about_l2tp(300, 201, 1300); /* it sends in ESP */
	assert_int_equal(say(), DROP_pmtu_unknown);
	about_l2tp(301, 203, 1300);
	assert_int_equal(say(), DROP_pmtu_unknown);
	about_l2tp(300, 203, 1300);
	icmp[36] = 0x80; /* a control message */
	assert_int_equal(say(), DROP_pmtu_unknown);
	about_l2tp(300, 203, 1300);
	put16(icmp + 8 + 20 + 2, 1702);
	assert_int_equal(say(), DROP_pmtu_unknown);
	/* What would have fitted. */
	about_esp(OUT_SPI, 1500);
	assert_int_equal(say(), DROP_pmtu_unknown);
	/* Cut off at every place. */
	for (uint32_t len = 0; len < 8 + 20 + 14; len++) {
		now_us += 1000000;
		about_esp(OUT_SPI, 1300);
		assert_int_equal(say_len(len), DROP_pmtu_unknown);
	}
	/* A checksum that is wrong. */
	struct pmtu_quote q;
	about_esp(OUT_SPI, 1300);
	sum(52);
	assert_int_equal(pmtu_parse(icmp, 52, &q), QUOTED_ESP);
	icmp[51] ^= 1;
	assert_int_equal(pmtu_parse(icmp, 52, &q), QUOTED_OTHER);
	/* Where we let routers fragment, none has a reason. */
	settings.outer_fragmentation = true;
	about_esp(OUT_SPI, 1300);
	assert_int_equal(say(), DROP_pmtu_unknown);
	settings.outer_fragmentation = false;
	assert_int_equal(owner_hears(), 0);
}

/* T24: what is about nobody has a rate, and takes nothing from what is about somebody. */
static void
misses_alone_have_a_rate(void **state)
{
	unsigned int found = 0, refused = 0;
	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		about_esp(0x11110000 + i, 1300);
		enum drop_reason r = say();
		found += r == DROP_pmtu_unknown;
		refused += r == DROP_pmtu_rate;
	}
	assert_int_equal(found, PATH_MTU_PER_SECOND);
	assert_int_equal(refused, 1000 - PATH_MTU_PER_SECOND);
	about_esp(OUT_SPI, 1300);
	assert_int_equal(say(), DROP_pmtu_taken);
	about_gre(200, 1300);
	assert_int_equal(say(), DROP_pmtu_taken);
	about_l2tp(300, 203, 1300);
	assert_int_equal(say(), DROP_pmtu_taken);
	assert_int_equal(owner_hears(), 3);
}

static void
forgotten(void **state)
{
	unsigned int before = mtu_of(ON_SA);
	(void)state;
	about_esp(OUT_SPI, 1300);
	assert_int_equal(say(), DROP_pmtu_taken);
	owner_hears();
	pmtu_tick(now_us + PATH_MTU_LIFETIME_US);
	assert_int_equal(owner_hears(), 0);
	pmtu_tick(now_us + PATH_MTU_LIFETIME_US + 1);
	assert_int_equal(owner_hears(), 1);
	assert_int_equal(mtu_of(ON_SA), before);
	pmtu_tick(now_us + PATH_MTU_LIFETIME_US + 2);
	assert_int_equal(owner_hears(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whom_it_concerns, setup, teardown),
		cmocka_unit_test_setup_teardown(who_may_not_say_it, setup, teardown),
		cmocka_unit_test_setup_teardown(misses_alone_have_a_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(forgotten, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
