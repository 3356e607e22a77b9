/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pptp/peer.h"

static struct peer p;

static void
start_and_call(void **state)
{
	struct pptp_message m = {.type = PPTP_SCCRQ, .version = PPTP_VERSION};

	(void)state;
	peer_start(&p);
	strcpy(m.host_name, "cl\nient");
	strcpy(m.vendor, "cananian");
	peer_send(&p, &m);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_SCCRP);
	assert_int_equal(m.version, PPTP_VERSION);
	assert_int_equal(m.result, 1);
	assert_int_equal(m.max_channels, 128);
	assert_string_equal(m.host_name, "gateway");
	assert_string_equal(m.vendor, "Adit");
	peer_ocrq(&p, 7);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_OCRP);
	assert_int_equal(m.result, 1);
	assert_int_equal(m.call_id, 100);
	assert_int_equal(m.peer_call_id, 7);
	assert_int_equal(m.speed, 100000000);
	assert_true(m.recv_window > 0);
	assert_int_equal(p.request.peer_call_id, 7);
	assert_int_equal(p.request.recv_window, 50);
	assert_int_equal(p.calls[0].up, 1);
	assert_int_equal(p.calls[0].down, 0);
	/* Set-Link-Info: for this call, and for one that we don't have. */
	m = (struct pptp_message){.type = PPTP_SLI, .peer_call_id = 100, .send_accm = 0xa0000};
	peer_send(&p, &m);
	m.peer_call_id = 7;
	peer_send(&p, &m);
	assert_int_equal(p.calls[0].link_info, 1);
	assert_int_equal(p.calls[0].send_accm, 0xa0000);
	assert_int_equal(pptp_stats(p.conn)->unknown_call_info, 1);
	peer_end(&p);
	assert_int_equal(p.calls[0].down, 0); /* pptp_free() calls nothing */
}

/* F13: nobody is told what and who we are, unless the operator wants it; clients call all the same.
 */
static void
tells_nothing(void **state)
{
	static const char zero[65];
	struct pptp_message m = {.type = PPTP_SCCRQ, .version = PPTP_VERSION};

	(void)state;
	peer_start_quiet(&p);
	peer_send(&p, &m);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_SCCRP);
	assert_int_equal(m.result, 1);
	assert_memory_equal(m.host_name, zero, sizeof(zero));
	assert_memory_equal(m.vendor, zero, sizeof(zero));
	peer_ocrq(&p, 7);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_OCRP);
	assert_int_equal(m.result, 1);
	peer_end(&p);
}

/* pptp-linux: Call-Clear-Request, Stop-Control-Connection-Request, then the TCP connection ends. */
static void
client_hangs_up(void **state)
{
	struct pptp_message m = {.type = PPTP_CCRQ, .call_id = 7};

	(void)state;
	peer_call(&p);
	peer_send(&p, &m);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_CDN);
	assert_int_equal(m.call_id, 100);
	assert_int_equal(m.result, PPTP_CDN_REQUEST);
	assert_int_equal(p.calls[0].down, 1);
	assert_int_equal(p.calls[0].why, REFUSAL_PEER_CLOSED);
	m = (struct pptp_message){.type = PPTP_CCRQ, .call_id = 7}; /* again: nothing to clear */
	peer_send(&p, &m);
	assert_int_equal(peer_next(&p).type, 0);
	assert_int_equal(pptp_stats(p.conn)->ignored, 1);
	m = (struct pptp_message){.type = PPTP_STOPCCRQ, .result = PPTP_STOP_NONE};
	peer_send(&p, &m);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_STOPCCRP);
	assert_int_equal(m.result, 1);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, REFUSAL_PEER_CLOSED);
	pptp_eof(p.conn, p.now);
	assert_int_equal(p.closed, 1);
	peer_end(&p);
}

static void
call_ids_are_reused(void **state)
{
	struct pptp_message m = {.type = PPTP_CDN, .call_id = 7};
	unsigned int i;

	(void)state;
	peer_call(&p);
	for (i = 1; i < 20; i++) {
		p.now += 1000;
		peer_send(&p, &m);
		assert_int_equal(p.calls[i - 1].down, 1);
		peer_ocrq(&p, 7);
		assert_int_equal(peer_next(&p).call_id, 100 + i);
		assert_int_equal(p.calls[i].up, 1);
	}
	peer_end(&p);
}

static void
lost_connections(void **state)
{
	(void)state;
	peer_call(&p);
	pptp_eof(p.conn, p.now);
	assert_int_equal(p.calls[0].down, 1);
	assert_int_equal(p.calls[0].why, REFUSAL_CONTROL_LOST);
	assert_int_equal(p.why, REFUSAL_CONTROL_LOST);
	peer_end(&p);
	peer_start(&p);
	pptp_eof(p.conn, p.now);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, REFUSAL_PEER_CLOSED);
	peer_end(&p);
}

static void
we_end_a_call(void **state)
{
	struct pptp_message m;

	(void)state;
	peer_call(&p);
	pptp_call_close(p.conn, &p.calls[0], REFUSAL_ADMIN_DISCONNECT, p.now);
	pptp_call_close(p.conn, &p.calls[0], REFUSAL_ADMIN_DISCONNECT, p.now);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_CDN);
	assert_int_equal(m.call_id, 100);
	assert_int_equal(m.result, PPTP_CDN_ADMIN);
	assert_int_equal(peer_next(&p).type, 0);
	assert_int_equal(p.calls[0].down, 1);
	assert_int_equal(p.calls[0].why, REFUSAL_ADMIN_DISCONNECT);
	/* A connection without calls does not stay. */
	peer_at(&p, p.now + 30000);
	assert_int_equal(peer_next(&p).type, PPTP_STOPCCRQ);
	peer_at(&p, p.now + 5000);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, REFUSAL_PEER_CLOSED);
	peer_end(&p);
}

static void
we_end_the_connection(void **state)
{
	struct pptp_message m;

	(void)state;
	peer_call(&p);
	pptp_close(p.conn, REFUSAL_SERVER_STOPPING, p.now);
	pptp_close(p.conn, REFUSAL_ADMIN_DISCONNECT, p.now);
	assert_int_equal(peer_next(&p).type, PPTP_CDN);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_STOPCCRQ);
	assert_int_equal(m.result, PPTP_STOP_LOCAL_SHUTDOWN);
	assert_int_equal(p.calls[0].down, 1);
	assert_int_equal(p.closed, 0);
	peer_ocrq(&p, 9); /* crossed our request */
	assert_int_equal(peer_next(&p).type, 0);
	m = (struct pptp_message){.type = PPTP_STOPCCRP, .result = 1};
	peer_send(&p, &m);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, REFUSAL_SERVER_STOPPING);
	assert_int_equal(pptp_next_timer(p.conn), UINT64_MAX);
	peer_end(&p);

	peer_call(&p); /* both stop at once */
	pptp_close(p.conn, REFUSAL_SERVER_STOPPING, p.now);
	m = (struct pptp_message){.type = PPTP_STOPCCRQ, .result = 1};
	peer_send(&p, &m);
	assert_int_equal(p.sent[p.n_sent - 1].type, PPTP_STOPCCRP);
	assert_int_equal(p.why, REFUSAL_SERVER_STOPPING);
	peer_end(&p);

	peer_start(&p); /* before SCCRQ there is nobody to tell */
	pptp_close(p.conn, REFUSAL_SERVER_STOPPING, p.now);
	assert_int_equal(p.n_sent, 0);
	assert_int_equal(p.closed, 1);
	peer_end(&p);
}

static void
echo(void **state)
{
	struct pptp_message m = {.type = PPTP_ECHORQ, .identifier = 0xdeadbeef};

	(void)state;
	peer_call(&p);
	peer_send(&p, &m);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_ECHORP);
	assert_int_equal(m.identifier, 0xdeadbeef);
	assert_int_equal(m.result, 1);
	peer_at(&p, 1000 + 59999);
	assert_int_equal(peer_next(&p).type, 0);
	peer_at(&p, 1000 + 60000);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_ECHORQ);
	peer_at(&p, p.now + 59999);
	m = (struct pptp_message){.type = PPTP_ECHORP, .identifier = m.identifier, .result = 1};
	peer_send(&p, &m);
	peer_send(&p, &m); /* answers nothing */
	assert_int_equal(pptp_stats(p.conn)->ignored, 1);
	peer_at(&p, p.now + 60000);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_ECHORQ);
	m = (struct pptp_message){.type = PPTP_ECHORP, .identifier = m.identifier + 1, .result = 1};
	peer_send(&p, &m); /* the wrong one */
	peer_at(&p, p.now + 60000);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, REFUSAL_PEER_DEAD);
	assert_int_equal(p.calls[0].why, REFUSAL_PEER_DEAD);
	peer_end(&p);
}

static void
half_open(void **state)
{
	(void)state;
	peer_start(&p);
	assert_int_equal(pptp_next_timer(p.conn), 31000);
	peer_at(&p, 30999);
	assert_int_equal(p.closed, 0);
	peer_at(&p, 31000);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, REFUSAL_SETUP_TIMEOUT);
	assert_int_equal(p.n_sent, 0);
	peer_end(&p);

	peer_start(&p);
	peer_at(&p, 20000);
	peer_sccrq(&p);
	peer_at(&p, 49999);
	assert_int_equal(peer_next(&p).type, 0);
	peer_at(&p, 50000);
	assert_int_equal(peer_next(&p).type, PPTP_STOPCCRQ);
	peer_at(&p, 55000);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, REFUSAL_SETUP_TIMEOUT);
	peer_end(&p);
}

static void
version_mismatch(void **state)
{
	struct pptp_message m = {.type = PPTP_SCCRQ, .version = 0x0200};

	(void)state;
	peer_start(&p);
	peer_send(&p, &m);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_SCCRP);
	assert_int_equal(m.result, PPTP_SCCRP_BAD_VERSION);
	assert_int_equal(m.version, PPTP_VERSION);
	assert_int_equal(p.closed, 1);
	peer_end(&p);
	peer_start(&p); /* a later revision of the same version */
	m = (struct pptp_message){.type = PPTP_SCCRQ, .version = 0x0101};
	peer_send(&p, &m);
	assert_int_equal(peer_next(&p).result, 1);
	peer_end(&p);
}

static void
repeated_start(void **state)
{
	struct pptp_message m = {.type = PPTP_SCCRQ, .version = PPTP_VERSION};

	(void)state;
	peer_start(&p);
	peer_sccrq(&p);
	peer_sccrq(&p);
	peer_ocrq(&p, 7);
	assert_int_equal(peer_next(&p).result, 1);
	peer_send(&p, &m);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_SCCRP);
	assert_int_equal(m.result, PPTP_SCCRP_EXISTS);
	assert_int_equal(p.calls[0].down, 0);
	assert_int_equal(p.closed, 0);
	peer_end(&p);
}

static void
refused_calls(void **state)
{
	static const struct {
		enum refusal_code why;
		uint8_t result, error;
	} cases[] = {
		{REFUSAL_PORTS_FULL, 4, 0},
		{REFUSAL_ADDRESS_LIMIT, 4, 0},
		{REFUSAL_PROTOCOL_DISABLED, 7, 0},
		{REFUSAL_SERVER_STOPPING, 7, 0},
		{REFUSAL_CALL_REFUSED, 7, 0},
		{REFUSAL_LOCKED_OUT, 7, 0},
		{REFUSAL_NO_RESOURCES, 2, 4},
		{REFUSAL_DATAPLANE_DOWN, 2, 4},
	};
	struct pptp_message m;
	unsigned int i;

	(void)state;
	peer_start(&p);
	peer_sccrq(&p);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		p.answer = cases[i].why;
		peer_ocrq(&p, 7);
		m = peer_next(&p);
		assert_int_equal(m.type, PPTP_OCRP);
		assert_int_equal(m.result, cases[i].result);
		assert_int_equal(m.error, cases[i].error);
		assert_int_equal(m.call_id, 0);
		assert_int_equal(m.peer_call_id, 7);
	}
	assert_int_equal(pptp_stats(p.conn)->refused_calls, i);
	assert_int_equal(p.n_calls, 0);
	p.answer = REFUSAL_NONE; /* and the connection goes on */
	peer_ocrq(&p, 7);
	assert_int_equal(peer_next(&p).result, 1);
	peer_ocrq(&p, 8);
	assert_int_equal(peer_next(&p).result, 1);
	peer_ocrq(&p, 9); /* max_calls is 2 */
	m = peer_next(&p);
	assert_int_equal(m.result, PPTP_OCRP_BUSY);
	assert_int_equal(p.n_calls, 2);
	m = (struct pptp_message){.type = PPTP_ICRQ, .call_id = 33};
	peer_send(&p, &m);
	m = peer_next(&p);
	assert_int_equal(m.type, PPTP_ICRP);
	assert_int_equal(m.result, PPTP_ICRP_DO_NOT_ACCEPT);
	assert_int_equal(m.peer_call_id, 33);
	m = (struct pptp_message){.type = PPTP_WEN, .peer_call_id = 100, .crc_errors = 1};
	peer_send(&p, &m);
	assert_int_equal(pptp_stats(p.conn)->wan_errors, 1);
	peer_end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_and_call),
		cmocka_unit_test(tells_nothing),
		cmocka_unit_test(client_hangs_up),
		cmocka_unit_test(call_ids_are_reused),
		cmocka_unit_test(lost_connections),
		cmocka_unit_test(we_end_a_call),
		cmocka_unit_test(we_end_the_connection),
		cmocka_unit_test(echo),
		cmocka_unit_test(half_open),
		cmocka_unit_test(version_mismatch),
		cmocka_unit_test(repeated_start),
		cmocka_unit_test(refused_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
