/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/pptp/message.h"

/* Section 1.4 and the length of each message, counted in the RFC's figures. */
static const uint16_t lengths[PPTP_TYPE_END] = {
	[PPTP_SCCRQ] = 156,
	[PPTP_SCCRP] = 156,
	[PPTP_STOPCCRQ] = 16,
	[PPTP_STOPCCRP] = 16,
	[PPTP_ECHORQ] = 16,
	[PPTP_ECHORP] = 20,
	[PPTP_OCRQ] = 168,
	[PPTP_OCRP] = 32,
	[PPTP_ICRQ] = 220,
	[PPTP_ICRP] = 24,
	[PPTP_ICCN] = 28,
	[PPTP_CCRQ] = 16,
	[PPTP_CDN] = 148,
	[PPTP_WEN] = 40,
	[PPTP_SLI] = 24,
};

static void
lengths_are_the_rfcs(void **state)
{
	unsigned int t;

	(void)state;
	for (t = 0; t < PPTP_TYPE_END; t++)
		assert_int_equal(pptp_message_length(t), lengths[t]);
	assert_int_equal(pptp_message_length(PPTP_TYPE_END), 0);
	assert_int_equal(pptp_message_length(0xffff), 0);
	assert_string_equal(pptp_message_name(PPTP_SLI), "Set-Link-Info");
	assert_string_equal(pptp_message_name(0), "unknown message");
	assert_string_equal(pptp_message_name(16), "unknown message");
}

/* An Outgoing-Call-Reply as a capture shows it, octet by octet. */
static void
known_octets(void **state)
{
	static const uint8_t wire[32] = {0, 32, 0, 1, 0x1a, 0x2b, 0x3c, 0x4d, 0, 8, 0, 0, 0x12,
		0x34, 0xab, 0xcd, 1, 0, 0, 0, 0x05, 0xf5, 0xe1, 0x00, 0, 64, 0, 0, 0, 0, 0, 9};
	struct pptp_message m;
	uint8_t out[PPTP_MESSAGE_MAX];

	(void)state;
	assert_int_equal(pptp_message_decode(&m, wire, sizeof(wire)), 0);
	assert_int_equal(m.type, PPTP_OCRP);
	assert_int_equal(m.call_id, 0x1234);
	assert_int_equal(m.peer_call_id, 0xabcd);
	assert_int_equal(m.result, 1);
	assert_int_equal(m.speed, 100000000);
	assert_int_equal(m.recv_window, 64);
	assert_int_equal(m.channel, 9);
	assert_int_equal(pptp_message_encode(&m, out), sizeof(wire));
	assert_memory_equal(out, wire, sizeof(wire));
}

/* What is not reserved survives: encode(decode(x)) gives x for every type. */
static void
round_trips(void **state)
{
	unsigned int t, i;

	(void)state;
	for (t = PPTP_SCCRQ; t < PPTP_TYPE_END; t++) {
		struct pptp_message m, again;
		uint8_t bytes[PPTP_MESSAGE_MAX], out[PPTP_MESSAGE_MAX];

		for (i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(i * 7 + t);
		memcpy(bytes,
			(uint8_t[]){0, (uint8_t)lengths[t], 0, 1, 0x1a, 0x2b, 0x3c, 0x4d, 0,
				(uint8_t)t, 0, 0},
			12);
		assert_int_equal(pptp_message_decode(&m, bytes, lengths[t]), 0);
		assert_int_equal(m.type, t);
		assert_int_equal(pptp_message_encode(&m, out), lengths[t]);
		assert_int_equal(pptp_message_decode(&again, out, lengths[t]), 0);
		if (t != PPTP_SCCRQ && t != PPTP_SCCRP) /* names are cut to end in NUL */
			assert_memory_equal(&m, &again, sizeof(m));
		assert_int_equal(m.call_id, again.call_id);
		assert_int_equal(m.firmware, again.firmware);
	}
}

static void
names_without_nul(void **state)
{
	struct pptp_message m;
	uint8_t bytes[PPTP_MESSAGE_MAX];

	(void)state;
	m = (struct pptp_message){.type = PPTP_SCCRQ, .version = PPTP_VERSION};
	pptp_message_encode(&m, bytes);
	memset(bytes + 28, 'h', 64);
	memset(bytes + 92, 'v', 64);
	bytes[92 + 3] = '\0';
	assert_int_equal(pptp_message_decode(&m, bytes, 156), 0);
	assert_int_equal(strlen(m.host_name), 64);
	assert_string_equal(m.vendor, "vvv");
	/* What we send ends in NUL, as section 2.1 does not demand but old clients expect. */
	pptp_message_encode(&m, bytes);
	assert_int_equal(bytes[28 + 63], 0);
}

/* Every wrong length of every type is refused, each as early as its octets allow. */
static void
bad_lengths(void **state)
{
	unsigned int t, len;

	(void)state;
	for (t = 0; t <= PPTP_TYPE_END; t++)
		for (len = 0; len <= 0xffff; len += len < 512 ? 1 : 251) {
			uint8_t bytes[12] = {(uint8_t)(len >> 8), (uint8_t)len, 0, 1, 0x1a, 0x2b,
				0x3c, 0x4d, 0, (uint8_t)t};
			bool good = len && t < PPTP_TYPE_END && len == lengths[t];
			uint16_t got = 0;

			assert_int_equal(pptp_header_check(bytes, 12, &got),
				good ? PPTP_CHECK_OK : PPTP_CHECK_BAD);
			assert_int_equal(got, good ? len : 0);
			if (len < 16 || len > 220)
				assert_int_equal(pptp_header_check(bytes, 2, &got), PPTP_CHECK_BAD);
			else
				assert_int_equal(
					pptp_header_check(bytes, 9, &got), PPTP_CHECK_MORE);
		}
}

static void
bad_headers(void **state)
{
	uint8_t good[16] = {0, 16, 0, 1, 0x1a, 0x2b, 0x3c, 0x4d, 0, PPTP_ECHORQ}, bytes[16];
	struct pptp_message m;
	unsigned int i;

	(void)state;
	assert_int_equal(pptp_message_decode(&m, good, 16), 0);
	assert_int_equal(pptp_message_decode(&m, good, 15), -22);
	assert_int_equal(pptp_message_decode(&m, good, 11), -22);
	for (i = 0; i < 10; i++) {
		memcpy(bytes, good, 16);
		bytes[i] ^= 0x40;
		assert_int_equal(pptp_message_decode(&m, bytes, 16), -22);
	}
	bytes[9] = good[9];
	bytes[10] = 0xff; /* reserved: sent as 0, not looked at */
	assert_int_equal(pptp_message_decode(&m, bytes, 16), 0);
	/* Management messages are undefined. */
	bytes[3] = 2;
	assert_int_equal(pptp_message_decode(&m, bytes, 16), -22);
	m = (struct pptp_message){.type = PPTP_TYPE_END};
	assert_int_equal(pptp_message_encode(&m, (uint8_t[PPTP_MESSAGE_MAX]){0}), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_the_rfcs),
		cmocka_unit_test(known_octets),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(names_without_nul),
		cmocka_unit_test(bad_lengths),
		cmocka_unit_test(bad_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
