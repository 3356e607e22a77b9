/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers that break the protocol (T7), and floods (T13). */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "lab_test.h"

/* An SCCRQ as small as can be. */
static size_t
sccrq(uint16_t id, uint8_t *out)
{
	struct l2tp_message m = {.type = L2TP_SCCRQ,
		.has = L2TP_HAS(L2TP_PROTOCOL_VERSION) | L2TP_HAS(L2TP_FRAMING_CAPABILITIES) |
		       L2TP_HAS(L2TP_HOST_NAME) | L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID),
		.version = L2TP_VERSION,
		.framing_capabilities = 3,
		.host_name = "x",
		.assigned_tunnel_id = id};

	return l2tp_message_encode(&m, NULL, out, 128);
}

static struct l2tp_path
path_of(uint32_t peer, uint32_t peer_ip)
{
	return (struct l2tp_path){peer, 0xc0000201, peer_ip, 1701, 1701};
}

/* ------------------------------------------------------------------ no state before its time */

static void
test_not_an_sccrq(void **state)
{
	uint8_t bytes[128];
	struct l2tp_path from = path_of(0, 7);

	(void)state;
	lab_start(&lab);
	for (unsigned int type = 0; type < 20; type++) {
		struct l2tp_message m = {.type = (uint16_t)type,
			.has = L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID),
			.assigned_tunnel_id = type == L2TP_SCCRQ ? 0 : 9};
		lab_inject(&lab, &from, bytes, l2tp_message_encode(&m, NULL, bytes, 128));
	}
	struct l2tp_message late = {.type = L2TP_SCCRQ,
		.ns = 1,
		.has = L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID),
		.assigned_tunnel_id = 9};
	lab_inject(&lab, &from, bytes, l2tp_message_encode(&late, NULL, bytes, 128));
	size_t len = sccrq(9, bytes);
	for (size_t cut = 0; cut < len; cut++)
		lab_inject(&lab, &from, bytes, cut);
	bytes[3]--; /* its last AVP is cut */
	lab_inject(&lab, &from, bytes, len - 1);
	for (unsigned int id = 1; id < 65536; id += 37) { /* no tunnel has such an ID */
		struct l2tp_message m = {.type = L2TP_ICRQ, .tunnel_id = (uint16_t)id};
		lab_inject(&lab, &from, bytes, l2tp_message_encode(&m, NULL, bytes, 128));
	}
	assert_int_equal(lab_stats(&lab).tunnels_total, 0);
	assert_int_equal(lab_stats(&lab).sent, 0);
	assert_int_equal(l2tp_server_next_timer(lab.server), L2TP_NEVER);
}

/* Refusals are stateless, and smaller than what they answer. */
static void
test_refused_sccrq(void **state)
{
	uint8_t bytes[128];
	struct l2tp_path from = path_of(1, 7);
	struct l2tp_header h;
	struct l2tp_message m;

	(void)state;
	lab_start(&lab);
	size_t len = sccrq(9, bytes);
	lab.tunnel_answer = REFUSAL_DATAPLANE_DOWN;
	lab_inject(&lab, &from, bytes, len);
	assert_int_equal(l2tp_header_decode(&h, lab.last, lab.last_len), 0);
	assert_int_equal(l2tp_message_decode(&m, &h, lab.last, NULL), L2TP_GOOD);
	assert_int_equal(m.type, L2TP_STOPCCN);
	assert_int_equal(m.tunnel_id, 9);
	assert_int_equal(m.nr, 1);
	assert_int_equal(m.result, L2TP_STOP_ERROR);
	assert_int_equal(m.error, L2TP_ERROR_RESOURCES);
	/* Another version: told which one we do. */
	lab.tunnel_answer = REFUSAL_NONE;
	bytes[L2TP_HEADER_LEN + 8 + 6] = 2;
	lab_inject(&lab, &from, bytes, len);
	l2tp_header_decode(&h, lab.last, lab.last_len);
	l2tp_message_decode(&m, &h, lab.last, NULL);
	assert_int_equal(m.result, L2TP_STOP_VERSION);
	assert_int_equal(m.error, L2TP_VERSION);
	assert_true(lab.octets_out < lab.octets_in);
	assert_int_equal(lab_stats(&lab).tunnels_total, 0);
	assert_int_equal(lab.tunnels_over, 2);
	/* A mandatory AVP that nobody knows. */
	bytes[L2TP_HEADER_LEN + 8 + 6] = 1;
	memcpy(bytes + len, "\x80\x06\x00\x00\x00\x63", 6);
	bytes[3] = (uint8_t)(len + 6);
	lab_inject(&lab, &from, bytes, len + 6);
	l2tp_header_decode(&h, lab.last, lab.last_len);
	l2tp_message_decode(&m, &h, lab.last, NULL);
	assert_int_equal(m.error, L2TP_ERROR_UNKNOWN_AVP);
	assert_int_equal(lab_stats(&lab).tunnels_total, 0);
}

/* F9: an empty Host Name (section 4.4.3: at least one octet) is answered, without a tunnel. */
static void
test_t13_empty_host_name(void **state)
{
	enum { AT = L2TP_HEADER_LEN + 8 + 8 + 10 }; /* behind type, version and framing */
	uint8_t bytes[128];
	struct l2tp_path from = path_of(0, 7);
	struct l2tp_header h;
	struct l2tp_message m;

	(void)state;
	lab_start(&lab);
	size_t len = sccrq(9, bytes);
	assert_memory_equal(bytes + AT, "\x80\x07\x00\x00\x00\x07x", 7);
	bytes[AT + 1]--;
	memmove(bytes + AT + 6, bytes + AT + 7, len - AT - 7);
	bytes[3] = (uint8_t)--len;
	lab_inject(&lab, &from, bytes, len);
	assert_int_equal(l2tp_header_decode(&h, lab.last, lab.last_len), 0);
	assert_int_equal(l2tp_message_decode(&m, &h, lab.last, NULL), L2TP_GOOD);
	assert_int_equal(m.type, L2TP_STOPCCN);
	assert_int_equal(m.tunnel_id, 9);
	assert_int_equal(m.error, L2TP_ERROR_LENGTH);
	assert_true(lab.octets_out < lab.octets_in);
	assert_int_equal(lab_stats(&lab).tunnels_total, 0);
	assert_int_equal(lab.tunnels_over, 1);
}

/* ------------------------------------------------------------------ in an established tunnel */

/* What stands behind the header, and what becomes of session and tunnel. */
static const struct {
	const char *what, *avps;
	bool for_session, session_lives, tunnel_lives;
	uint16_t result, error;
} breaches[] = {
	{"a length that lies",
		"8008000000000006"
		"0005000000"
		"0a",
		false, false, false, L2TP_STOP_ERROR, L2TP_ERROR_LENGTH},
	{"no Message Type",
		"800800000009"
		"0001",
		false, false, false, L2TP_STOP_ERROR, L2TP_ERROR_LENGTH},
	{"unknown mandatory AVP for the tunnel",
		"8008000000000006"
		"800600000063",
		false, false, false, L2TP_STOP_ERROR, L2TP_ERROR_UNKNOWN_AVP},
	{"unknown mandatory AVP for the session",
		"800800000000000c"
		"800600000063",
		true, false, true, L2TP_CDN_ERROR, L2TP_ERROR_UNKNOWN_AVP},
	{"a vendor's mandatory AVP for the session",
		"800800000000000f"
		"800600090001",
		true, false, true, L2TP_CDN_ERROR, L2TP_ERROR_UNKNOWN_AVP},
	{"an AVP of a wrong length for the session",
		"8008000000000010"
		"800800000023aaaa",
		true, false, true, L2TP_CDN_ERROR, L2TP_ERROR_LENGTH},
	{"an AVP of a wrong length for the tunnel",
		"8008000000000006"
		"800700000009aa",
		false, false, false, L2TP_STOP_ERROR, L2TP_ERROR_LENGTH},
	{"hidden without a secret",
		"800800000000000c"
		"80070000002472"
		"c00a00000018aabbccdd",
		true, false, true, L2TP_CDN_ERROR, L2TP_ERROR_UNKNOWN_AVP},
	{"an unknown mandatory message", "8008000000000063", true, false, false, L2TP_STOP_ERROR,
		L2TP_ERROR_UNKNOWN_AVP},
	{"an unknown message", "0008000000000063", true, true, true, 0, 0},
	{"unknown AVPs",
		"800800000000000f"
		"000600000063"
		"000800090001aaaa",
		true, true, true, 0, 0},
	{"SCCRP", "8008000000000002", false, false, false, L2TP_STOP_FSM, 0},
	{"SCCCN again", "8008000000000003", false, false, false, L2TP_STOP_FSM, 0},
	{"SCCRQ in a tunnel",
		"8008000000000001"
		"8008000000090009",
		false, false, false, L2TP_STOP_FSM, 0},
	{"ICRQ without a session ID", "800800000000000a", false, false, false, L2TP_STOP_ERROR,
		L2TP_ERROR_VALUE},
	{"ICRP", "800800000000000b", true, false, true, L2TP_CDN_ERROR, L2TP_ERROR_VALUE},
	{"OCRP", "8008000000000008", true, false, true, L2TP_CDN_ERROR, L2TP_ERROR_VALUE},
	{"CDN with an unknown mandatory AVP",
		"800800000000000e"
		"800600000063",
		true, false, true, 0, 0},
};

static size_t
put(uint8_t *bytes, const struct l2tp_client *l, uint16_t session_id, const char *avps)
{
	struct wire_writer w = wire_write(bytes, 256);
	size_t n = strlen(avps) / 2;

	wire_put16(&w, 0xc802);
	wire_put16(&w, (uint16_t)(L2TP_HEADER_LEN + n));
	wire_put16(&w, l->peer_id);
	wire_put16(&w, session_id);
	wire_put16(&w, l->ns);
	wire_put16(&w, l->nr);
	for (size_t i = 0; i < n; i++) {
		char hex[3] = {avps[2 * i], avps[2 * i + 1], 0};
		wire_put8(&w, (uint8_t)strtoul(hex, NULL, 16));
	}
	return w.len;
}

static void
test_breaches(void **state)
{
	uint8_t bytes[256];

	(void)state;
	for (unsigned int i = 0; i < sizeof(breaches) / sizeof(breaches[0]); i++) {
		lab_init(&lab);
		lab_start(&lab);
		struct l2tp_client *l = lab_tunnel(&lab, 1);
		struct l2tp_client_session *s = l2tp_client_call(l, 5);
		lab_run(&lab, lab.now + 200);
		size_t len =
			put(bytes, l, breaches[i].for_session ? s->peer_id : 0, breaches[i].avps);
		lab_inject(&lab, &lab.paths[0], bytes, len);
		l->ns++; /* the client sent it */
		lab_run(&lab, lab.now + 100);
		if (lab.sessions[0].down != !breaches[i].session_lives ||
			(lab_stats(&lab).tunnels == 1) != breaches[i].tunnel_lives)
			fail_msg("%s: session %u, tunnels %u", breaches[i].what,
				!lab.sessions[0].down, lab_stats(&lab).tunnels);
		uint16_t result = breaches[i].tunnel_lives ? s->result : l->result;
		uint16_t error = breaches[i].tunnel_lives ? s->error : l->error;
		if (result != breaches[i].result || error != breaches[i].error)
			fail_msg("%s: result %u, error %u", breaches[i].what, result, error);
		lab_end(&lab);
	}
	lab_start(&lab);
}

static void
test_before_scccn(void **state)
{
	static const char *const early[] = {"8008000000000006", "800800000000000a80080000000e0005",
		"800800000000000e", "8008000000000002"};
	uint8_t bytes[256];

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		lab_init(&lab);
		lab_start(&lab);
		struct l2tp_client *l = lab_lac(
			&lab, &(struct l2tp_client_config){.id = 7, .habits.mute = true}, 1);
		l2tp_client_start(l, lab.now);
		lab_run(&lab, 1100);
		l->peer_id = wire_be16(lab.last + L2TP_HEADER_LEN); /* overwritten below */
		struct l2tp_header h;
		struct l2tp_message m;
		l2tp_header_decode(&h, lab.last, lab.last_len);
		l2tp_message_decode(&m, &h, lab.last, NULL);
		l->peer_id = m.assigned_tunnel_id;
		l->ns = l->nr = 1;
		lab_inject(&lab, &lab.paths[0], bytes, put(bytes, l, 0, early[i]));
		assert_int_equal(lab_stats(&lab).tunnels, 0);
		assert_int_equal(lab.n_sessions, 0);
		assert_int_equal(lab.why, REFUSAL_PROTOCOL_ERROR);
		lab_end(&lab);
	}
	lab_start(&lab);
}

static void
test_numbers_that_lie(void **state)
{
	uint8_t bytes[256];

	(void)state;
	lab_start(&lab);
	struct l2tp_client *l = lab_tunnel(&lab, 1);
	struct l2tp_path *from = &lab.paths[0];
	size_t len = put(bytes, l, 0, "8008000000000004"); /* StopCCN */
	uint16_t ns = l->ns, nr = l->nr;
	for (unsigned int d = 1; d < 0x8000; d += 7) { /* acknowledges what was never sent */
		l2tp_message_stamp(bytes, ns, (uint16_t)(nr + d));
		lab_inject(&lab, from, bytes, len);
	}
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	lab.now += 100000;
	lab_end(&lab);
	lab_init(&lab);
	lab_start(&lab);
	l = lab_tunnel(&lab, 1);
	for (unsigned int d = 1; d < 65536; d += 1500) { /* any number but the next */
		l2tp_message_stamp(bytes, (uint16_t)(l->ns + d), l->nr);
		lab.now += 1000;
		lab_inject(&lab, &lab.paths[0], bytes, len);
	}
	assert_int_equal(lab_stats(&lab).tunnels_total, 1);
	assert_int_equal(lab.tunnels_over, 0);
}

/* ------------------------------------------------------------------ floods (T13) */

static void
test_flood_in_clear(void **state)
{
	uint8_t bytes[128];

	(void)state;
	lab_start(&lab);
	struct l2tp_client *secured = lab_tunnel(&lab, 1);
	l2tp_client_call(secured, 5);
	lab_run(&lab, lab.now + 200);
	size_t before = mallinfo2().uordblks;
	lab.octets_in = lab.octets_out = 0;
	for (unsigned int i = 0; i < 200000; i++) { /* forged addresses */
		struct l2tp_path from = path_of(0, 0x0a000000 + i);
		lab_inject(&lab, &from, bytes, sccrq((uint16_t)(1 + i % 65535), bytes));
		if (i % 100 == 0)
			lab.now++;
	}
	assert_true(lab_stats(&lab).half_open <= 64);
	assert_int_equal(lab_stats(&lab).tunnels_refused, 200000 - 64);
	assert_true(mallinfo2().uordblks - before < 300000);
	assert_true(lab.octets_out < lab.octets_in / 10);
	/* Behind IPsec there is room all the while. */
	struct l2tp_client *other = lab_tunnel(&lab, 2);
	assert_true(other->up);
	/* And when it is over, there is in clear. */
	lab_run(&lab, lab.now + 16000);
	assert_int_equal(lab_stats(&lab).half_open, 0);
	assert_true(lab_tunnel(&lab, 0)->up);
	assert_int_equal(lab.sessions[0].down, 0);
}

/* Nobody who forges an address makes us send much to it. */
static void
test_no_amplification(void **state)
{
	uint8_t bytes[128];
	struct l2tp_path from = path_of(0, 7);
	size_t len = sccrq(9, bytes);

	(void)state;
	strcpy(lab.cfg.secret, "secret");
	lab_start(&lab);
	lab_inject(&lab, &from, bytes, len);
	lab_run(&lab, lab.now + 60000);
	assert_int_equal(lab_stats(&lab).tunnels, 0);
	assert_true(lab.octets_out < 3 * lab.octets_in);
	uint64_t once = lab.octets_out;
	/* Repeated ones are answered one for one. */
	for (unsigned int i = 0; i < 5; i++) {
		lab_inject(&lab, &from, bytes, len);
		lab_run(&lab, lab.now + 1000);
	}
	assert_int_equal(lab.octets_out, 6 * once);
	lab_run(&lab, lab.now + 60000);
	assert_int_equal(lab.octets_out, 6 * once);
}

static void
test_one_peer_has_limits(void **state)
{
	uint8_t bytes[128];

	(void)state;
	lab_start(&lab);
	for (uint32_t peer = 0; peer < 2; peer++) {
		struct l2tp_path from = path_of(peer, 7);
		uint64_t total = lab_stats(&lab).tunnels_total;
		for (uint16_t i = 1; i < 100; i++) {
			from.peer_port++; /* in clear, ports don't make a host */
			lab_inject(&lab, &from, bytes, sccrq(i, bytes));
		}
		assert_int_equal(lab_stats(&lab).tunnels_total - total, 4);
		assert_int_equal(lab.why, REFUSAL_ADDRESS_LIMIT);
	}
	lab_run(&lab, lab.now + 20000);
	assert_int_equal(lab_stats(&lab).tunnels, 0);
	/* Established ones. */
	for (unsigned int i = 0; i < 9; i++) {
		struct l2tp_client *l =
			lab_lac(&lab, &(struct l2tp_client_config){.id = (uint16_t)(i + 1)}, 3);
		l2tp_client_start(l, lab.now);
		lab_run(&lab, lab.now + 200);
		assert_int_equal(l->up, i < 8);
	}
	assert_int_equal(lab_stats(&lab).tunnels, 8);
}

/* A tunnel's own peer: its messages are dropped beyond a rate, and what waits for it is bounded. */
static void
test_flood_in_a_tunnel(void **state)
{
	uint8_t bytes[256];

	(void)state;
	lab_start(&lab);
	for (unsigned int round = 0; round < 2; round++) {
		struct l2tp_client *l = lab_tunnel(&lab, 1 + round);
		struct l2tp_message m = {.type = round ? L2TP_ICRQ : L2TP_HELLO,
			.tunnel_id = l->peer_id,
			.ns = l->ns,
			.nr = l->nr,
			.has = L2TP_HAS(L2TP_ASSIGNED_SESSION_ID)};
		size_t before = mallinfo2().uordblks;
		l->cfg.habits.mute = true;
		for (unsigned int i = 0; i < 10000; i++) {
			uint64_t flooded = lab_stats(&lab).flooded;
			m.assigned_session_id = (uint16_t)(1 + i);
			lab_inject(&lab, &lab.paths[round], bytes,
				l2tp_message_encode(&m, NULL, bytes, 256));
			m.ns += lab_stats(&lab).flooded == flooded;
			lab.n_queue = 0;
		}
		assert_true(mallinfo2().uordblks < before + 100000);
	}
	assert_in_range(lab_stats(&lab).flooded, 9800, 9999);
	assert_int_equal(lab.why, REFUSAL_NO_RESOURCES);
	for (unsigned int i = 0; i < lab.n_sessions; i++)
		assert_int_equal(lab.sessions[i].down, 1);
}

/* StopCCN in a loop: those that linger are bounded, too. */
static void
test_churn(void **state)
{
	(void)state;
	lab.cfg.max_tunnels = 16;
	lab_start(&lab);
	struct l2tp_client *l = lab_lac(&lab, &(struct l2tp_client_config){.id = 1}, 1);
	size_t before = 0;
	for (unsigned int i = 0; i < 2000; i++) {
		struct l2tp_client_config cfg = {.id = (uint16_t)(i + 1)};
		l2tp_client_init(l, &cfg, &l->room, l->ops, l->user);
		l2tp_client_start(l, lab.now);
		lab_run(&lab, lab.now + 100);
		assert_true(l->up);
		l2tp_client_call(l, 1);
		lab_run(&lab, lab.now + 100);
		l2tp_client_stop(l, L2TP_STOP_CLEAR, "Goodbye!");
		lab_run(&lab, lab.now + 100);
		lab.n_sessions = 0;
		if (i == 100)
			before = mallinfo2().uordblks;
	}
	assert_true(mallinfo2().uordblks < before + 20000);
	assert_int_equal(lab_stats(&lab).tunnels, 0);
	lab_run(&lab, lab.now + 60000);
	assert_int_equal(l2tp_server_next_timer(lab.server), L2TP_NEVER);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, lab_setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_t13_empty_host_name),
		TEST(test_not_an_sccrq),
		TEST(test_refused_sccrq),
		TEST(test_breaches),
		TEST(test_before_scccn),
		TEST(test_numbers_that_lie),
		TEST(test_flood_in_clear),
		TEST(test_no_amplification),
		TEST(test_one_peer_has_limits),
		TEST(test_flood_in_a_tunnel),
		TEST(test_churn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
