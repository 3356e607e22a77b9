/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of ordinary interfaces: unfinished checksums, TCP that nobody has cut, datagrams that the
 * kernel has put together (T25: what is inside of tunnels stays as it is; T17).
 * Long because each kind of frame has its good case and its bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rte_tcp.h>
#include <rte_udp.h>

#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"

#include "graph.h"

#define FRAME_ROOM 65504
#define LAN_HOST   0xc6336464u /* 198.51.100.100 */
#define CLIENT     0x0a630063u /* 10.99.0.99, somewhere behind the gateway */
#define OUT_MAX    256

static struct rte_mempool *frames;
static struct rte_mbuf *out[OUT_MAX]; /* what soft_input gave to classify */
static unsigned int n_out;
static rte_node_process_t classify;

static uint16_t
soft_feed(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	(void)objs;
	n = (uint16_t)n_pending;
	rte_node_enqueue(graph, node, 1, (void **)pending, n);
	n_pending = 0;
	return n;
}

static uint16_t
keep_out(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	(void)graph;
	(void)node;
	for (uint16_t i = 0; i < n; i++) {
		assert_true(n_out < OUT_MAX);
		out[n_out++] = objs[i];
	}
	return n;
}

static int
setup(void **state)
{
	graph_setup(state);
	struct rte_graph *g = workers[0].graph;
	rte_graph_node_get_by_name(g->name, "port_rx")->process = soft_feed;
	struct rte_node *node = rte_graph_node_get_by_name(g->name, "classify");
	classify = node->process;
	node->process = keep_out;
	frames = rte_pktmbuf_pool_create("frames", 8, 0, 0, FRAME_ROOM, SOCKET_ID_ANY);
	assert_non_null(frames);
	ports[0].soft = ports[1].soft = true;
	return 0;
}

static void
forget(void)
{
	while (n_out > 0)
		rte_pktmbuf_free(out[--n_out]);
}

static int
teardown(void **state)
{
	forget();
	assert_int_equal(rte_mempool_avail_count(frames), frames->size);
	rte_mempool_free(frames);
	return graph_teardown(state);
}

/* A frame as the driver gives it, len octets behind an IPv4 header of hlen. */
static struct rte_ipv4_hdr *
frame(uint8_t port, uint8_t proto, unsigned int hlen, unsigned int len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(frames);
	assert_non_null(m);
	uint8_t *data = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(14 + hlen + len));
	assert_non_null(data);
	memset(pkt_meta(m), 0, sizeof(struct pkt_meta));
	pkt_meta(m)->port = port;
	struct rte_ether_hdr eth = {
		.dst_addr = ports[port].mac, .ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4)};
	memcpy(data, &eth, sizeof(eth));
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(data + 14);
	memset(ip, 0, hlen);
	ip->version_ihl = (uint8_t)(0x40 | hlen / 4);
	ip->total_length = rte_cpu_to_be_16((uint16_t)(hlen + len));
	ip->packet_id = RTE_BE16(0xffff);
	ip->fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	ip->time_to_live = 64;
	ip->next_proto_id = proto;
	ip->src_addr = rte_cpu_to_be_32(LAN_HOST);
	ip->dst_addr = rte_cpu_to_be_32(CLIENT);
	if (hlen > 20)
		memset(ip + 1, 1, hlen - 20); /* No Operation */
	for (unsigned int i = 0; i < len; i++)
		((uint8_t *)ip)[hlen + i] = (uint8_t)(i * 31 + i / 251);
	if (proto == IPPROTO_TCP && len >= 20) {
		struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)((uint8_t *)ip + hlen);
		tcp->sent_seq = RTE_BE32(0xfffffff0);
		tcp->data_off = 5 << 4;
		tcp->tcp_flags = RTE_TCP_ACK_FLAG;
		tcp->tcp_urp = 0;
	}
	if (proto == IPPROTO_UDP && len >= 8)
		((struct rte_udp_hdr *)((uint8_t *)ip + hlen))->dgram_len =
			rte_cpu_to_be_16((uint16_t)len);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, hlen);
	pending[n_pending++] = m;
	return ip;
}

static uint8_t *
field_of(struct rte_ipv4_hdr *ip)
{
	return (uint8_t *)ip + rte_ipv4_hdr_len(ip) + (ip->next_proto_id == IPPROTO_TCP ? 16 : 6);
}

static uint16_t
checksum_of(struct rte_ipv4_hdr *ip)
{
	uint16_t sum;
	memcpy(&sum, field_of(ip), sizeof(sum));
	return sum;
}

static void
set_checksum(struct rte_ipv4_hdr *ip, uint16_t sum)
{
	memcpy(field_of(ip), &sum, sizeof(sum));
}

/* As a kernel leaves it to its interface. */
static void
leave_unfinished(struct rte_ipv4_hdr *ip)
{
	set_checksum(ip, rte_ipv4_phdr_cksum(ip, 0));
}

static uint16_t
right_checksum(struct rte_ipv4_hdr *ip)
{
	uint16_t kept = checksum_of(ip);
	set_checksum(ip, 0);
	uint16_t right = rte_ipv4_udptcp_cksum(ip, (uint8_t *)ip + rte_ipv4_hdr_len(ip));
	set_checksum(ip, kept);
	return right;
}

static struct rte_ipv4_hdr *
only_out(void)
{
	assert_int_equal(n_out, 1);
	assert_ptr_equal(out[0]->pool, mbufs);
	return rte_pktmbuf_mtod_offset(out[0], struct rte_ipv4_hdr *, 14);
}

static uint64_t
dropped(enum drop_reason reason)
{
	return worker_counters.drops[reason];
}

static void
unfinished_checksums_are_finished(void **state)
{
	static const struct {
		uint8_t port, proto, hlen;
		uint16_t len;
	} rows[] = {{1, IPPROTO_TCP, 20, 20}, {1, IPPROTO_TCP, 20, 21}, {1, IPPROTO_TCP, 20, 1480},
		{1, IPPROTO_TCP, 24, 100}, {1, IPPROTO_TCP, 60, 33}, {1, IPPROTO_UDP, 20, 8},
		{1, IPPROTO_UDP, 20, 9}, {1, IPPROTO_UDP, 60, 777}, {0, IPPROTO_UDP, 20, 333},
		{0, IPPROTO_TCP, 20, 40}};
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct rte_ipv4_hdr *ip =
			frame(rows[i].port, rows[i].proto, rows[i].hlen, rows[i].len);
		leave_unfinished(ip);
		uint16_t right = right_checksum(ip);
		assert_int_not_equal(right, checksum_of(ip));
		walk();
		ip = only_out();
		assert_int_equal(checksum_of(ip), right);
		assert_int_equal(rte_ipv4_udptcp_cksum_verify(ip, (uint8_t *)ip + rows[i].hlen), 0);
		assert_int_equal(worker_counters.checksums_finished, i + 1);
		forget();
	}
}

/* A sum of nothing but ones is written so: 0 would say that there is none. */
static void
a_sum_of_zero_in_udp_is_written_as_ones(void **state)
{
	(void)state;
	struct rte_ipv4_hdr *ip = frame(1, IPPROTO_UDP, 20, 10);
	uint8_t *data = (uint8_t *)ip + 28;
	memset(data, 0, 2);
	uint16_t sum = right_checksum(ip);
	memcpy(data, &sum, sizeof(sum));
	leave_unfinished(ip);
	walk();
	assert_int_equal(checksum_of(only_out()), 0xffff);
}

/* None of these is anybody's to change. */
static void
what_is_finished_or_none_stays(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 10; i++) {
		struct rte_ipv4_hdr *ip = frame(1, i % 2 ? IPPROTO_UDP : IPPROTO_TCP, 20, 100);
		leave_unfinished(ip);
		switch (i) {
		case 0:
		case 1:
			set_checksum(ip, right_checksum(ip));
			break;
		case 2: /* wrong, and nobody's mistake but the sender's */
			set_checksum(ip, (uint16_t)(checksum_of(ip) + 1));
			break;
		case 3: /* RFC 768: the sender makes none */
			set_checksum(ip, 0);
			break;
		case 4: /* fragments: the field may be data, and the rest is elsewhere */
			ip->fragment_offset = RTE_BE16(RTE_IPV4_HDR_MF_FLAG);
			break;
		case 5:
			ip->fragment_offset = RTE_BE16(1);
			break;
		case 6: /* longer than what came */
			ip->total_length = RTE_BE16(121);
			leave_unfinished(ip);
			break;
		case 7: /* UDP's own length is another */
			((struct rte_udp_hdr *)(ip + 1))->dgram_len = RTE_BE16(99);
			leave_unfinished(ip);
			break;
		case 8: /* no transport that we know */
			leave_unfinished(ip);
			ip->next_proto_id = IPPROTO_SCTP;
			break;
		case 9:
			ip->version_ihl = 0x55;
			break;
		}
		uint8_t before[120];
		memcpy(before, ip, sizeof(before));
		walk();
		assert_int_equal(n_out, 1);
		assert_memory_equal(
			rte_pktmbuf_mtod_offset(out[0], uint8_t *, 14), before, sizeof(before));
		forget();
	}
	assert_int_equal(worker_counters.checksums_finished, 0);
}

static void
too_short_for_a_header_is_left_alone(void **state)
{
	(void)state;
	for (unsigned int len = 0; len < 20; len++) {
		struct rte_ipv4_hdr *ip = frame(1, IPPROTO_TCP, 20, len);
		if (len >= 18)
			leave_unfinished(ip);
		ip = frame(1, IPPROTO_UDP, 20, len < 8 ? len : 7);
		walk();
		assert_int_equal(n_out, 2);
		forget();
	}
	assert_int_equal(worker_counters.checksums_finished, 0);
	for (unsigned int len = 1; len < 34; len++) { /* of the frame */
		frame(1, IPPROTO_TCP, 20, 20);
		rte_pktmbuf_trim(pending[0], (uint16_t)(54 - len));
		walk();
		assert_int_equal(n_out, 1);
		assert_int_equal(out[0]->data_len, len);
		forget();
	}
}

/* T25: a field that has this value by chance in a right packet stays what it is; in a wrong one,
 * that is what its sender could have written himself. */
static void
a_right_checksum_that_looks_unfinished_stays(void **state)
{
	(void)state;
	struct rte_ipv4_hdr *ip = frame(1, IPPROTO_UDP, 20, 30);
	uint8_t *data = (uint8_t *)ip + 28;
	memset(data, 0, 2);
	/* What makes the whole sum ~pseudo is in the data. */
	uint16_t pseudo = rte_ipv4_phdr_cksum(ip, 0), right = right_checksum(ip);
	uint32_t fill = (uint32_t)right + (uint16_t)~pseudo;
	fill = (fill & 0xffff) + (fill >> 16);
	uint16_t word = (uint16_t)fill;
	memcpy(data, &word, sizeof(word));
	assert_int_equal(right_checksum(ip), pseudo);
	set_checksum(ip, pseudo);
	walk();
	assert_int_equal(checksum_of(only_out()), pseudo);
}

/* T25: GRE's and ESP's packets of clients are data to this node, whatever is in them. */
static void
what_is_inside_of_a_tunnel_is_not_touched(void **state)
{
	static const uint8_t protos[] = {IPPROTO_GRE, IPPROTO_ESP, IPPROTO_IPIP};
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(protos); i++) {
		struct rte_ipv4_hdr *ip = frame(0, protos[i], 20, 200);
		struct rte_ipv4_hdr *inner = (struct rte_ipv4_hdr *)(ip + 1);
		*inner = *ip;
		inner->next_proto_id = IPPROTO_TCP;
		inner->total_length = RTE_BE16(200);
		leave_unfinished(inner);
		uint8_t before[220];
		memcpy(before, ip, sizeof(before));
		walk();
		assert_memory_equal(only_out(), before, sizeof(before));
		forget();
	}
	assert_int_equal(worker_counters.checksums_finished, 0);
}

static void
check_segments(unsigned int hlen, unsigned int tcp_len, const uint8_t *payload, unsigned int len,
	unsigned int largest)
{
	unsigned int at = 0;
	for (unsigned int i = 0; i < n_out; i++) {
		struct rte_ipv4_hdr *ip =
			rte_pktmbuf_mtod_offset(out[i], struct rte_ipv4_hdr *, 14);
		struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)((uint8_t *)ip + hlen);
		unsigned int total = rte_be_to_cpu_16(ip->total_length);
		unsigned int size = total - hlen - tcp_len;
		bool last = i == n_out - 1;
		assert_true(total <= largest && (last || total + 8 > largest));
		assert_int_equal(out[i]->data_len, 14 + total);
		assert_int_equal(rte_raw_cksum(ip, hlen), 0xffff);
		assert_int_equal(rte_ipv4_udptcp_cksum_verify(ip, tcp), 0);
		assert_int_equal(rte_be_to_cpu_16(ip->packet_id), (uint16_t)(0xffff + i));
		assert_int_equal(rte_be_to_cpu_32(tcp->sent_seq), (uint32_t)(0xfffffff0 + at));
		assert_int_equal(tcp->tcp_flags,
			RTE_TCP_ACK_FLAG | (last ? RTE_TCP_PSH_FLAG | RTE_TCP_FIN_FLAG : 0) |
				(i == 0 ? RTE_TCP_CWR_FLAG | RTE_TCP_URG_FLAG : 0));
		assert_int_equal(rte_be_to_cpu_16(tcp->tcp_urp), i == 0 ? 5 : 0);
		assert_memory_equal((uint8_t *)tcp + tcp_len, payload + at, size);
		assert_int_equal(pkt_meta(out[i])->port, 1);
		at += size;
	}
	assert_int_equal(at, len);
}

static struct rte_ipv4_hdr *
large_tcp(unsigned int hlen, unsigned int tcp_len, unsigned int len)
{
	struct rte_ipv4_hdr *ip = frame(1, IPPROTO_TCP, hlen, tcp_len + len);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)((uint8_t *)ip + hlen);
	tcp->data_off = (uint8_t)(tcp_len / 4 << 4);
	tcp->tcp_flags |= RTE_TCP_PSH_FLAG | RTE_TCP_FIN_FLAG | RTE_TCP_CWR_FLAG | RTE_TCP_URG_FLAG;
	tcp->tcp_urp = RTE_BE16(5);
	leave_unfinished(ip);
	return ip;
}

static void
tcp_that_nobody_cut_becomes_segments(void **state)
{
	static const struct {
		unsigned int hlen, tcp_len, len;
	} rows[] = {{20, 20, 1461}, {20, 32, 5000}, {24, 60, 14601}, {20, 32, 65160}};
	static uint8_t payload[65536];
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct rte_ipv4_hdr *ip = large_tcp(rows[i].hlen, rows[i].tcp_len, rows[i].len);
		memcpy(payload, (uint8_t *)ip + rows[i].hlen + rows[i].tcp_len, rows[i].len);
		walk();
		assert_true(n_out > 1);
		check_segments(rows[i].hlen, rows[i].tcp_len, payload, rows[i].len, 1500);
		assert_int_equal(worker_counters.frames_split, i + 1);
		forget();
	}
}

/* For a session they are as long as its tunnel takes: the frame does not say what its sender meant.
 */
static void
segments_fit_the_tunnel(void **state)
{
	static uint8_t payload[9000];
	struct command open = {
		.type = COMMAND_SESSION_OPEN, .open = {.inner_ip = CLIENT, .clamp_mss = 1}};
	struct command link = {.type = COMMAND_SESSION_LINK, .link = {1300, 1300, 1, 1}};
	const struct session_params params = {.server_ip = SERVER_IP,
		.peer_ip = PEER_IP,
		.call_id = 5,
		.peer_call_id = 6,
		.counters = &session_counters[1]};
	(void)state;
	assert_int_equal(session_add(session_handle(1, 1), &params), 0);
	session_apply(&sessions.slots[1], &link);
	session_apply(&sessions.slots[1], &open);
	assert_int_equal(route_add_session(CLIENT, 1), 0);
	unsigned int mtu = sessions.slots[1].cfg.mtu;
	assert_int_equal(mtu, 1300);
	struct rte_ipv4_hdr *ip = large_tcp(20, 32, sizeof(payload));
	memcpy(payload, (uint8_t *)ip + 52, sizeof(payload));
	walk();
	check_segments(20, 32, payload, sizeof(payload), mtu);
	route_del_session(CLIENT);
}

/* T24: however small the tunnel, one frame becomes no more than it may. */
static void
a_frame_becomes_a_bounded_number_of_segments(void **state)
{
	(void)state;
	ports[1].mtu = 576;
	large_tcp(20, 60, 65000);
	walk();
	assert_in_range(n_out, 2, 65000 / 536 + 1);
}

static void
tcp_of_which_a_part_is_wrong_or_missing_is_dropped_by_name(void **state)
{
	uint64_t n = 0;
	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		struct rte_ipv4_hdr *ip = large_tcp(20, 32, 4000);
		struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);
		switch (i) {
		case 0: /* the driver's frame was too small for it */
			rte_pktmbuf_trim(pending[0], 1);
			break;
		case 1:
			tcp->data_off = 4 << 4;
			break;
		case 2:
			tcp->tcp_flags |= RTE_TCP_SYN_FLAG;
			break;
		case 3: /* neither unfinished nor right: cutting would make it right */
			set_checksum(ip, (uint16_t)(checksum_of(ip) + 1));
			break;
		case 4:
			ip->hdr_checksum++;
			break;
		}
		walk();
		assert_int_equal(n_out, 0);
		assert_int_equal(dropped(DROP_eth_oversized), ++n);
	}
	/* A lie about the length is no large frame. */
	struct rte_ipv4_hdr *ip = frame(1, IPPROTO_TCP, 20, 40);
	ip->total_length = RTE_BE16(9000);
	walk();
	only_out();
	assert_int_equal(dropped(DROP_eth_oversized), n);
}

/* F4, T17: IKE with certificates, a large answer from the LAN: as they came. */
static void
datagrams_go_on_in_fragments(void **state)
{
	(void)state;
	for (uint8_t port = 0; port < 2; port++) {
		static uint8_t sent_data[6000];
		struct rte_ipv4_hdr *ip = frame(port, IPPROTO_UDP, 20, sizeof(sent_data));
		set_checksum(ip, right_checksum(ip));
		memcpy(sent_data, ip + 1, sizeof(sent_data));
		walk();
		assert_int_equal(n_out, 5);
		for (unsigned int i = 0; i < n_out; i++) {
			ip = rte_pktmbuf_mtod_offset(out[i], struct rte_ipv4_hdr *, 14);
			unsigned int offset = rte_be_to_cpu_16(ip->fragment_offset);
			assert_int_equal(offset, (i < 4 ? 0x2000 : 0) | i * 1480 / 8);
			assert_int_equal(rte_raw_cksum(ip, 20), 0xffff);
			assert_int_equal(pkt_meta(out[i])->port, port);
			assert_memory_equal(ip + 1, sent_data + i * 1480,
				rte_be_to_cpu_16(ip->total_length) - 20);
		}
		forget();
	}
	/* A tunnel's packet that has room in a buffer goes on whole, and a client's within. */
	frame(0, IPPROTO_GRE, 20, 1700);
	walk();
	assert_int_equal(rte_be_to_cpu_16(only_out()->total_length), 1720);
	forget();
	/* Where a sender's interface was to cut UDP, nobody can tell. */
	leave_unfinished(frame(1, IPPROTO_UDP, 20, 6000));
	walk();
	assert_int_equal(n_out, 0);
	assert_int_equal(dropped(DROP_eth_oversized), 1);
	assert_int_equal(worker_counters.frames_split, 2);
	assert_int_equal(worker_counters.checksums_finished, 0);
}

/* T17: the whole way of a large datagram to charon. */
static void
large_ike_reaches_the_kernel_whole(void **state)
{
	(void)state;
	rte_graph_node_get_by_name(workers[0].graph->name, "classify")->process = classify;
	struct rte_ipv4_hdr *ip = frame(0, IPPROTO_UDP, 20, 7000);
	ip->src_addr = rte_cpu_to_be_32(PEER_IP);
	ip->dst_addr = rte_cpu_to_be_32(SERVER_IP);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	((struct rte_udp_hdr *)(ip + 1))->dst_port = RTE_BE16(500);
	set_checksum(ip, right_checksum(ip));
	walk();
	assert_int_equal(given(PUNT_IKE), 1);
}

static void
without_buffers_it_is_counted(void **state)
{
	static struct rte_mbuf *all[2048];
	unsigned int n = 0;
	(void)state;
	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(mbufs)) != NULL)
		n++;
	for (unsigned int i = 0; i < 3; i++) /* TCP runs dry half way */
		rte_pktmbuf_free(all[--n]);
	large_tcp(20, 32, 60000);
	walk();
	assert_int_equal(n_out, 3);
	assert_int_equal(dropped(DROP_no_buffer), 1);
	set_checksum(frame(1, IPPROTO_UDP, 20, 6000), 0);
	frame(1, IPPROTO_UDP, 20, 60);
	walk();
	assert_int_equal(dropped(DROP_no_buffer), 3);
	while (n > 0)
		rte_pktmbuf_free(all[--n]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unfinished_checksums_are_finished, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_sum_of_zero_in_udp_is_written_as_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_finished_or_none_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(
			too_short_for_a_header_is_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_right_checksum_that_looks_unfinished_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_inside_of_a_tunnel_is_not_touched, setup, teardown),
		cmocka_unit_test_setup_teardown(
			tcp_that_nobody_cut_becomes_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(segments_fit_the_tunnel, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_frame_becomes_a_bounded_number_of_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(
			tcp_of_which_a_part_is_wrong_or_missing_is_dropped_by_name, setup,
			teardown),
		cmocka_unit_test_setup_teardown(datagrams_go_on_in_fragments, setup, teardown),
		cmocka_unit_test_setup_teardown(
			large_ike_reaches_the_kernel_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(without_buffers_it_is_counted, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests_name("dataplane-soft", tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
