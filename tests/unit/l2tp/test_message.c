/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers, AVPs and messages: round trips, what real peers send, and octets that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "control/l2tp/message.h"

static size_t
unhex(const char *text, uint8_t *out)
{
	size_t n = 0;
	unsigned int v;

	for (; sscanf(text, "%2x", &v) == 1; text += 2)
		out[n++] = (uint8_t)v;
	return n;
}

static enum l2tp_verdict
decode(struct l2tp_message *m, const uint8_t *bytes, size_t len, const char *secret)
{
	struct l2tp_header h;

	assert_int_equal(l2tp_header_decode(&h, bytes, len), 0);
	return l2tp_message_decode(m, &h, bytes, secret);
}

/* xl2tpd 1.3.18, from the captures. */
static void
test_xl2tpd(void **state)
{
	static const char *const messages[] = {
		"c8020063000000000000000080080000000000018008000000020100800a0000000300000003800a00"
		"0"
		"00004000000000008000000060690800800000007633100130000000878656c6572616e63652e636f6"
		"d"
		"800800000009619480080000000a0004",
		"c8020014e7430000000100018008000000000003",
		"c802000c6194000000010002",
		"c8020030e743000000020001800800000000000a80080000000ee48f800a0000000f00000001800a00"
		"0"
		"0001200000000",
		"c8020032e74389fe00030002800800000000000c800a0000001800000000800a000000130000000100"
		"0"
		"a0000002600000000",
		"c802002ee7430000000400028008000000000004800800000009619480120000000100010000476f6f"
		"6"
		"462796521",
	};
	static const uint16_t types[] = {
		L2TP_SCCRQ, L2TP_SCCCN, L2TP_ZLB, L2TP_ICRQ, L2TP_ICCN, L2TP_STOPCCN};
	struct l2tp_message m;
	uint8_t bytes[256];

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		size_t len = unhex(messages[i], bytes);
		assert_int_equal(decode(&m, bytes, len, NULL), L2TP_GOOD);
		assert_int_equal(m.type, types[i]);
	}
	assert_int_equal(m.assigned_tunnel_id, 0x6194);
	assert_int_equal(m.result, L2TP_STOP_CLEAR);
	assert_string_equal(m.error_text, "Goodbye!");
	decode(&m, bytes, unhex(messages[0], bytes), NULL);
	assert_string_equal(m.host_name, "c1");
	assert_string_equal(m.vendor, "xelerance.com");
	assert_int_equal(m.firmware, 0x690);
	assert_int_equal(m.receive_window, 4);
}

/* Long because it has each AVP of each message. */
static void
test_round_trip(void **state)
{
	struct l2tp_message in, out;
	uint8_t bytes[1024];
	size_t len;

	(void)state;
	memset(&in, 0, sizeof(in));
	in.type = L2TP_SCCRP;
	in.tunnel_id = 1;
	in.session_id = 2;
	in.ns = 0xffff;
	in.nr = 0x8000;
	in.result = 2;
	in.error = 4;
	in.has_error = true;
	strcpy(in.error_text, "why");
	in.version = 0x0100;
	in.firmware = 3;
	in.framing_capabilities = 0x80000001;
	in.bearer_capabilities = 5;
	in.tie_breaker = 0x0123456789abcdefull;
	strcpy(in.host_name, "host");
	in.assigned_tunnel_id = 0xfffe;
	in.receive_window = 7;
	memset(in.challenge, 9, sizeof(in.challenge));
	in.challenge_len = sizeof(in.challenge);
	memset(in.challenge_response, 8, sizeof(in.challenge_response));
	in.assigned_session_id = 0x1234;
	in.serial = 10;
	in.minimum_bps = 11;
	in.maximum_bps = 12;
	in.bearer_type = 13;
	in.framing_type = 14;
	memset(in.called, 'c', 64);
	strcpy(in.calling, "");
	in.tx_speed = 15;
	in.rx_speed = 16;
	in.physical_channel = 17;
	for (unsigned int i = 0; i < 6; i++)
		in.call_errors[i] = i + 1;
	in.send_accm = 18;
	in.recv_accm = 19;
	for (unsigned int i = 0; i < L2TP_ATTRIBUTE_END; i++)
		in.has |= L2TP_HAS(i);
	len = l2tp_message_encode(&in, NULL, bytes, sizeof(bytes));
	assert_true(len > 0);
	assert_int_equal(decode(&out, bytes, len, NULL), L2TP_GOOD);
	/* Proxy AVPs are never written, and numbers 20 and 40 to 45 are nobody's. */
	in.has = out.has;
	assert_memory_equal(&in, &out, sizeof(in));
	/* Hidden ones, with another secret, with none. */
	static const uint8_t vector[] = "vector";
	struct l2tp_hiding hiding = {"secret", vector, sizeof(vector), 0};
	for (hiding.padding = 0; hiding.padding < 40; hiding.padding++) {
		in.hide = L2TP_HAS(L2TP_CHALLENGE) | L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID) |
			  L2TP_HAS(L2TP_HOST_NAME) | L2TP_HAS(L2TP_SEQUENCING_REQUIRED);
		len = l2tp_message_encode(&in, &hiding, bytes, sizeof(bytes));
		assert_true(len > 0);
		in.hide = 0;
		assert_int_equal(decode(&out, bytes, len, "secret"), L2TP_GOOD);
		in.has = out.has;
		assert_memory_equal(&in, &out, sizeof(in));
		assert_int_equal(decode(&out, bytes, len, NULL), L2TP_UNKNOWN_AVP);
		assert_int_equal(decode(&out, bytes, len, ""), L2TP_UNKNOWN_AVP);
		assert_int_not_equal(decode(&out, bytes, len, "other"), L2TP_MALFORMED);
		assert_int_not_equal(out.has & L2TP_HAS(L2TP_CHALLENGE) ? out.challenge_len : 0,
			sizeof(in.challenge));
	}
	/* Buffers that are too small. */
	for (size_t size = 0; size < len; size++)
		assert_int_equal(l2tp_message_encode(&in, NULL, bytes, size) > size, 0);
}

/* RFC 2661 section 4.3, against the arithmetic done by hand with another implementation (openssl
 * dgst -md5): secret "s", Random Vector "r", Assigned Tunnel ID 0x1234, no padding. */
static void
test_hidden_vector(void **state)
{
	/* MD5(0009 's' 'r') begins with this; 0002 1234 stands under it. */
	static const uint8_t key[4] = {0xcc, 0x12, 0x07, 0xcc};
	static const char text[] = "c8020029000000000000000080080000000000018007000000247"
				   "2c00a00000009";
	uint8_t bytes[64];
	struct l2tp_message m;
	size_t len = unhex(text, bytes);

	(void)state;
	bytes[len++] = key[0] ^ 0x00;
	bytes[len++] = key[1] ^ 0x02;
	bytes[len++] = key[2] ^ 0x12;
	bytes[len++] = key[3] ^ 0x34;
	bytes[3] = (uint8_t)len;
	assert_int_equal(decode(&m, bytes, len, "s"), L2TP_GOOD);
	assert_int_equal(m.assigned_tunnel_id, 0x1234);
	/* T7 (CVE-2020-15173): a deciphered length that goes beyond what was deciphered. */
	for (uint8_t lie = 3; lie <= 4; lie++) {
		bytes[len - 3] = key[1] ^ lie;
		assert_int_equal(decode(&m, bytes, len, "s"), L2TP_UNKNOWN_AVP);
		assert_int_equal(m.assigned_tunnel_id, 0);
	}
}

/* Section 4.3: the Message Type can't be hidden, however well it deciphers. */
static void
test_hidden_type(void **state)
{
	static const uint8_t random = 'r';
	uint8_t bytes[64] = {0xc8, 0x02};
	struct wire_writer w = wire_write(bytes, sizeof(bytes));
	struct l2tp_avp_reader reader;
	struct l2tp_avp avp;

	(void)state;
	l2tp_avp_put(&w, true, L2TP_RANDOM_VECTOR, &random, 1);
	l2tp_avp_put_hidden(
		&w, true, L2TP_MESSAGE_TYPE, (const uint8_t[]){0, 1}, 2, 0, "s", &random, 1);
	assert_false(w.full);
	l2tp_avp_begin(&reader, bytes, w.len, "s");
	assert_int_equal(l2tp_avp_read(&reader, &avp), L2TP_AVP_TAKEN);
	assert_int_equal(l2tp_avp_read(&reader, &avp), L2TP_AVP_UNREADABLE);
	l2tp_avp_end(&reader);
}

static void
test_headers(void **state)
{
	static const struct {
		const char *bytes;
		int rc;
	} cases[] = {
		{"c802000c0001000000000000", 0},
		{"c802000c0001000000000000ffff", 0}, /* octets behind: ignored */
		{"f8f2000c0001000000000000", 0},     /* reserved bits: ignored */
		{"", -1},
		{"c8", -1},
		{"c802000c00010000000000", -1},   /* cut */
		{"4802000c0001000000000000", -1}, /* a data message */
		{"8802000c0001000000000000", -1}, /* no length */
		{"c002000c0001000000000000", -1}, /* no numbers */
		{"ca02000c0001000000000000", -1}, /* offset */
		{"c902000c0001000000000000", -1}, /* priority */
		{"c801000c0001000000000000", -1}, /* L2F */
		{"c803000c0001000000000000", -1}, /* L2TPv3 */
		{"c802000b0001000000000000", -1}, /* shorter than the header */
		{"c80200000001000000000000", -1},
		{"c802000d0001000000000000", -1}, /* longer than the datagram */
		{"c802ffff0001000000000000", -1},
	};
	struct l2tp_header h;
	uint8_t bytes[32];

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = unhex(cases[i].bytes, bytes);
		int rc = l2tp_header_decode(&h, bytes, len);
		if ((rc == 0) != (cases[i].rc == 0))
			fail_msg("%s: %d", cases[i].bytes, rc);
	}
}

/* What stands behind the header; the secret is "s".  T7: CVE-2020-15173 and its like. */
static const struct {
	const char *what, *avps;
	enum l2tp_verdict verdict;
} hostile[] = {
	{"HELLO", "8008000000000006", L2TP_GOOD},
	{"one octet", "80", L2TP_MALFORMED},
	{"half a header", "800800", L2TP_MALFORMED},
	{"no Message Type first", "80080000000900018008000000000006", L2TP_MALFORMED},
	{"length 0", "8000000000000006", L2TP_MALFORMED},
	{"length 5", "8005000000000006", L2TP_MALFORMED},
	{"length 6: a type without a value", "800600000000", L2TP_MALFORMED},
	{"length beyond the rest", "8009000000000006", L2TP_MALFORMED},
	{"length of 1023", "83ff000000000006", L2TP_MALFORMED},
	{"Message Type of 1 octet", "80070000000006", L2TP_MALFORMED},
	{"Message Type of 3 octets", "800900000000000600", L2TP_MALFORMED},
	{"hidden Message Type", "c008000000000006", L2TP_MALFORMED},
	{"a vendor's Message Type", "8008000900000006", L2TP_MALFORMED},
	{"second AVP of length 0", "800800000000000680000000000a0004", L2TP_MALFORMED},
	{"second AVP of length 5", "800800000000000600050000000a", L2TP_MALFORMED},
	{"second AVP cut", "80080000000000068008000000", L2TP_MALFORMED},
	{"second AVP beyond the rest", "8008000000000006000900000006aaaa", L2TP_MALFORMED},
	{"unknown, not mandatory", "8008000000000006000800000063aaaa", L2TP_GOOD},
	{"unknown, mandatory", "8008000000000006800800000063aaaa", L2TP_UNKNOWN_AVP},
	{"number 20, nobody's", "8008000000000006800600000014", L2TP_UNKNOWN_AVP},
	{"a vendor's, not mandatory", "8008000000000006000800090001aaaa", L2TP_GOOD},
	{"a vendor's, mandatory", "8008000000000006800800090001aaaa", L2TP_UNKNOWN_AVP},
	{"reserved bit, not mandatory", "8008000000000006040800000009aaaa", L2TP_GOOD},
	{"reserved bit, mandatory", "8008000000000006a00800000009aaaa", L2TP_UNKNOWN_AVP},
	{"unknown, then a length that lies", "80080000000000068008000000630000ff", L2TP_MALFORMED},
	{"Assigned Tunnel ID of 1 octet", "80080000000000068007000000090a", L2TP_BAD_VALUE},
	{"Assigned Tunnel ID of 3 octets", "8008000000000006800900000009010203", L2TP_BAD_VALUE},
	{"the same, not mandatory", "80080000000000060007000000090a", L2TP_GOOD},
	{"Result Code of 1 octet", "800800000000000480070000000102", L2TP_BAD_VALUE},
	{"Result Code with half an error", "80080000000000048009000000010002ff", L2TP_GOOD},
	{"empty Host Name", "8008000000000001800600000007", L2TP_BAD_VALUE},
	{"empty Challenge", "800800000000000180060000000b", L2TP_BAD_VALUE},
	{"Challenge Response of 15",
		"80080000000000038015000000"
		"0d000102030405060708090a0b0c0d0e",
		L2TP_BAD_VALUE},
	{"Call Errors too short", "800800000000000f800800000022ffff", L2TP_BAD_VALUE},
	{"ACCM too short", "8008000000000010800800000023ffff", L2TP_BAD_VALUE},
	{"hidden without a Random Vector", "8008000000000006c00a00000009aabbccdd",
		L2TP_UNKNOWN_AVP},
	{"the same, not mandatory", "8008000000000006400a00000009aabbccdd", L2TP_GOOD},
	{"hidden Random Vector", "8008000000000006c00a00000024aabbccdd", L2TP_UNKNOWN_AVP},
	{"hidden of 0 octets",
		"80080000000000068007000000247"
		"2c00600000009",
		L2TP_UNKNOWN_AVP},
	{"hidden of 1 octet", "800800000000000680070000002472c00700000009aa", L2TP_UNKNOWN_AVP},
	{"hidden, deciphered length beyond it",
		"800800000000000680070000002472c00a00000009ffffffff", L2TP_UNKNOWN_AVP},
	{"the same in a Challenge",
		"800800000000000180070000002472c0170000000bffffffffffffffffffffffffffffffffff",
		L2TP_UNKNOWN_AVP},
	{"empty Random Vector, then hidden", "8008000000000006800600000024c00a00000009ffffffff",
		L2TP_UNKNOWN_AVP},
	{"unknown message, mandatory", "8008000000000063", L2TP_UNKNOWN_MESSAGE},
	{"unknown message, not mandatory", "0008000000000063", L2TP_IGNORE},
	{"reserved message types", "8008000000000005", L2TP_UNKNOWN_MESSAGE},
	{"message type 0", "8008000000000000", L2TP_UNKNOWN_MESSAGE},
	{"unknown message whose AVPs lie", "000800000000006300000000", L2TP_MALFORMED},
	{"proxy LCP and authentication",
		"800800000000000c000a0000001a010405060006000000"
		"1b0006000000"
		"1c0008000000"
		"1d00020006000000"
		"1e0006000000"
		"1f00080000002000010006000000"
		"21",
		L2TP_GOOD},
};

static void
test_hostile_avps(void **state)
{
	uint8_t bytes[512] = {0xc8, 0x02};
	struct l2tp_message m;

	(void)state;
	for (unsigned int i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		/* At the end of what was allocated, so that a sanitizer sees one octet beyond. */
		size_t len = L2TP_HEADER_LEN + unhex(hostile[i].avps, bytes + L2TP_HEADER_LEN);
		uint8_t *exact = test_malloc(len);
		bytes[2] = (uint8_t)(len >> 8);
		bytes[3] = (uint8_t)len;
		memcpy(exact, bytes, len);
		enum l2tp_verdict v = decode(&m, exact, len, "s");
		if (v != hostile[i].verdict)
			fail_msg("%s: verdict %d, not %d", hostile[i].what, v, hostile[i].verdict);
		test_free(exact);
	}
}

/* Texts are cut, and the first of two AVPs counts. */
static void
test_long_and_double(void **state)
{
	uint8_t bytes[1100] = {0xc8, 0x02};
	struct wire_writer w = wire_write(bytes, sizeof(bytes));
	struct l2tp_message m;
	char text[1000];

	(void)state;
	w.len = L2TP_HEADER_LEN;
	memset(text, 'x', sizeof(text));
	l2tp_avp_put16(&w, true, L2TP_MESSAGE_TYPE, L2TP_SCCRQ);
	l2tp_avp_put(&w, true, L2TP_HOST_NAME, text, sizeof(text));
	l2tp_avp_put16(&w, true, L2TP_ASSIGNED_TUNNEL_ID, 1);
	l2tp_avp_put16(&w, true, L2TP_ASSIGNED_TUNNEL_ID, 2);
	assert_false(w.full);
	bytes[2] = (uint8_t)(w.len >> 8);
	bytes[3] = (uint8_t)w.len;
	assert_int_equal(decode(&m, bytes, w.len, NULL), L2TP_GOOD);
	assert_int_equal(strlen(m.host_name), 64);
	assert_int_equal(m.assigned_tunnel_id, 1);
	/* Longer than an AVP's length field. */
	l2tp_avp_put(&w, true, L2TP_HOST_NAME, bytes, L2TP_AVP_VALUE_MAX + 1);
	assert_true(w.full);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xl2tpd),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_hidden_vector),
		cmocka_unit_test(test_hidden_type),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_hostile_avps),
		cmocka_unit_test(test_long_and_double),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
