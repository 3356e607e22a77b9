/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams that no client would send, T6: the classes of CVE-2021-42870, CVE-2022-21972 and
 * CVE-2022-23253. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pptp/peer.h"

static struct peer p;

/* A whole conversation, however TCP cuts it. */
static void
any_split(void **state)
{
	const struct pptp_message conversation[] = {
		{.type = PPTP_SCCRQ, .version = PPTP_VERSION},
		{.type = PPTP_OCRQ, .call_id = 7},
		{.type = PPTP_SLI, .peer_call_id = 100},
		{.type = PPTP_ECHORQ, .identifier = 1},
		{.type = PPTP_CCRQ, .call_id = 7},
		{.type = PPTP_STOPCCRQ, .result = 1},
	};
	static const uint8_t replies[] = {
		PPTP_SCCRP, PPTP_OCRP, PPTP_ECHORP, PPTP_CDN, PPTP_STOPCCRP};
	uint8_t stream[6 * PPTP_MESSAGE_MAX];
	size_t len = 0, step, i;

	(void)state;
	for (i = 0; i < 6; i++)
		len += pptp_message_encode(&conversation[i], stream + len);
	memset(stream + len, 0xff, 8); /* behind the end: ignored */
	len += 8;
	for (step = 1; step <= len; step++) {
		peer_start(&p);
		for (i = 0; i < len; i += step)
			peer_bytes(&p, stream + i, i + step < len ? step : len - i);
		assert_int_equal(p.n_sent, sizeof(replies));
		for (i = 0; i < sizeof(replies); i++)
			assert_int_equal(p.sent[i].type, replies[i]);
		assert_int_equal(p.calls[0].link_info, 1);
		assert_int_equal(p.calls[0].down, 1);
		assert_int_equal(p.closed, 1);
		peer_end(&p);
	}
}

/* Lengths of 0, below the header, below the type's, negative as 16 bits, and beyond: closed, calls
 * taken down once. */
static void
lengths(void **state)
{
	static const uint16_t bad[] = {0, 1, 11, 12, 15, 17, 23, 25, 155, 157, 167, 169, 219, 221,
		0x7fff, 0x8000, 0xfff4, 0xffff};
	unsigned int type, i;

	(void)state;
	for (type = PPTP_SCCRQ; type < PPTP_TYPE_END; type++)
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			uint8_t bytes[PPTP_MESSAGE_MAX] = {0};

			pptp_message_encode(&(struct pptp_message){.type = (uint8_t)type}, bytes);
			bytes[0] = (uint8_t)(bad[i] >> 8);
			bytes[1] = (uint8_t)bad[i];
			peer_call(&p);
			peer_bytes(&p, bytes, sizeof(bytes));
			assert_int_equal(p.closed, 1);
			assert_int_equal(p.why, REFUSAL_PROTOCOL_ERROR);
			assert_int_equal(p.calls[0].down, 1);
			assert_int_equal(peer_next(&p).type, 0);
			peer_end(&p);
		}
}

static void
cookie_and_types(void **state)
{
	static const struct {
		unsigned int offset;
		uint8_t value;
	} bad[] = {{2, 1}, {3, 0}, {3, 2}, {4, 0}, {7, 0x4e}, {8, 1}, {9, 0}, {9, 16}, {9, 255}};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t bytes[PPTP_MESSAGE_MAX];

		pptp_message_encode(&(struct pptp_message){.type = PPTP_ECHORQ}, bytes);
		bytes[bad[i].offset] = bad[i].value;
		peer_call(&p);
		peer_bytes(&p, bytes, 16);
		assert_int_equal(p.why, REFUSAL_PROTOCOL_ERROR);
		peer_end(&p);
	}
	peer_start(&p); /* a scanner is known by its first octets */
	peer_bytes(&p, "GET", 2);
	assert_int_equal(p.closed, 1);
	peer_end(&p);
}

static void
out_of_state(void **state)
{
	static const uint8_t replies[] = {
		PPTP_SCCRP, PPTP_STOPCCRP, PPTP_OCRP, PPTP_ICRP, PPTP_ICCN};
	unsigned int type, i;

	(void)state;
	for (type = PPTP_SCCRP; type < PPTP_TYPE_END; type++) {
		peer_start(&p);
		peer_send(&p, &(struct pptp_message){.type = (uint8_t)type});
		assert_int_equal(p.n_sent, 0);
		assert_int_equal(p.n_calls, 0);
		assert_int_equal(p.closed, 1);
		assert_int_equal(p.why, REFUSAL_PROTOCOL_ERROR);
		peer_end(&p);
	}
	for (i = 0; i < sizeof(replies); i++) {
		peer_call(&p);
		peer_send(&p, &(struct pptp_message){.type = replies[i], .peer_call_id = 100});
		assert_int_equal(p.closed, 1);
		assert_int_equal(p.why, REFUSAL_PROTOCOL_ERROR);
		assert_int_equal(p.calls[0].down, 1);
		peer_end(&p);
	}
}

/* A second request with the identifier of a living call leaves that call alone. */
static void
same_peer_call_id(void **state)
{
	struct pptp_message m;

	(void)state;
	peer_call(&p);
	peer_ocrq(&p, 7);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_OCRP);
	assert_int_equal(m.result, PPTP_RESULT_GENERAL_ERROR);
	assert_int_equal(m.error, PPTP_ERROR_BAD_CALL_ID);
	assert_int_equal(p.n_calls, 1);
	assert_int_equal(p.calls[0].down, 0);
	peer_send(&p, &(struct pptp_message){.type = PPTP_CCRQ, .call_id = 7});
	assert_int_equal(p.calls[0].down, 1);
	peer_end(&p);
	/* A claimed phone number longer than its field. */
	peer_start(&p);
	peer_sccrq(&p);
	peer_send(&p, &(struct pptp_message){.type = PPTP_OCRQ, .phone_len = 65});
	m = peer_next(&p);
	assert_int_equal(m.result, PPTP_RESULT_GENERAL_ERROR);
	assert_int_equal(m.error, PPTP_ERROR_BAD_VALUE);
	assert_int_equal(p.n_calls, 0);
	peer_end(&p);
}

/* The gateway frees, closes or stops from within callbacks. */
static void
ends_inside_callbacks(void **state)
{
	(void)state;
	peer_start(&p);
	peer_sccrq(&p);
	p.free_on_request = true;
	peer_ocrq(&p, 7);
	assert_null(p.conn);
	assert_int_equal(p.n_sent, 1);
	assert_int_equal(p.calls[0].up + p.calls[0].down, 0);

	peer_call(&p);
	peer_ocrq(&p, 8);
	p.free_on_down = true;
	pptp_eof(p.conn, p.now);
	assert_null(p.conn);
	assert_int_equal(p.calls[0].down + p.calls[1].down, 1);
	assert_int_equal(p.closed, 0);

	peer_call(&p);
	p.free_on_closed = true;
	peer_send(&p, &(struct pptp_message){.type = PPTP_STOPCCRQ});
	assert_null(p.conn);
	assert_int_equal(p.closed, 1);

	peer_start(&p);
	peer_sccrq(&p);
	p.close_on_up = true;
	peer_ocrq(&p, 7);
	assert_int_equal(peer_next(&p).type, PPTP_OCRP);
	assert_int_equal(peer_next(&p).type, PPTP_CDN);
	assert_int_equal(p.calls[0].down, 1);
	p.close_on_up = false;
	p.stop_on_request = true;
	peer_ocrq(&p, 8);
	assert_int_equal(peer_next(&p).type, PPTP_STOPCCRQ);
	assert_int_equal(peer_next(&p).type, 0);
	assert_int_equal(p.calls[1].up, 0);
	assert_int_equal(p.calls[1].down, 1);
	peer_end(&p);
}

static void
gateway_gives_a_bad_identifier(void **state)
{
	(void)state;
	peer_call(&p);
	p.next_id = 0;
	peer_ocrq(&p, 8);
	assert_int_equal(peer_next(&p).error, PPTP_ERROR_NO_RESOURCE);
	assert_int_equal(p.calls[1].down, 1);
	p.next_id = 100; /* in use */
	peer_ocrq(&p, 8);
	assert_int_equal(peer_next(&p).error, PPTP_ERROR_NO_RESOURCE);
	assert_int_equal(p.calls[2].down, 1);
	assert_int_equal(p.calls[0].down, 0);
	peer_end(&p);
}

static void
flood(void **state)
{
	struct pptp_message m = {.type = PPTP_ECHORQ};
	unsigned int i;

	(void)state;
	peer_call(&p);
	for (i = 0; i < 200 && !p.closed; i++) {
		p.now += 10;
		peer_send(&p, &m);
	}
	assert_in_range(i, 60, 100);
	assert_int_equal(p.why, REFUSAL_PROTOCOL_ERROR);
	assert_int_equal(p.calls[0].down, 1);
	peer_end(&p);
	peer_call(&p); /* ten a second, for as long as it likes */
	for (i = 0; i < 200; i++) {
		p.now += 100;
		peer_send(&p, &m);
	}
	assert_int_equal(p.closed, 0);
	peer_end(&p);
}

/* A message that never ends keeps nobody alive. */
static void
trickle(void **state)
{
	uint8_t bytes[PPTP_MESSAGE_MAX];
	size_t i, len = pptp_message_encode(&(struct pptp_message){.type = PPTP_SCCRQ}, bytes);

	(void)state;
	peer_start(&p);
	for (i = 0; i < len && !p.closed; i++) {
		peer_bytes(&p, bytes + i, 1);
		peer_at(&p, p.now + 1000);
	}
	assert_int_equal(i, 30);
	assert_int_equal(p.why, REFUSAL_SETUP_TIMEOUT);
	peer_end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_split),
		cmocka_unit_test(lengths),
		cmocka_unit_test(cookie_and_types),
		cmocka_unit_test(out_of_state),
		cmocka_unit_test(same_peer_call_id),
		cmocka_unit_test(ends_inside_callbacks),
		cmocka_unit_test(gateway_gives_a_bad_identifier),
		cmocka_unit_test(flood),
		cmocka_unit_test(trickle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
