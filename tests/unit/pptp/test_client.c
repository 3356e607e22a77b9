/* SPDX-License-Identifier: BSD-3-Clause */
/* The side that dials: against the server's machine, and against strangers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/pptp/client.h"
#include "tests/unit/pptp/peer.h"

static struct pptp_client client;
static struct {
	unsigned int ups, downs, closed, n_sent;
	enum refusal_code why;
	struct pptp_message sent; /* the last */
} said;

static void
on_send(void *user, const uint8_t *bytes, size_t len)
{
	(void)user;
	said.n_sent++;
	assert_int_equal(pptp_message_decode(&said.sent, bytes, len), 0);
}

static void
on_call_up(void *user, const struct pptp_client *c)
{
	(void)user;
	assert_int_not_equal(c->peer_call_id, 0);
	said.ups++;
}

static void
on_call_down(void *user, enum refusal_code why, const char *text)
{
	(void)user;
	assert_non_null(text);
	said.downs++;
	said.why = why;
}

static void
on_closed(void *user, enum refusal_code why, const char *text)
{
	(void)user;
	assert_non_null(text);
	said.closed++;
	said.why = why;
}

static const struct pptp_client_ops ops = {
	.send = on_send, .call_up = on_call_up, .call_down = on_call_down, .closed = on_closed};

static int
setup(void **state)
{
	(void)state;
	memset(&said, 0, sizeof(said));
	pptp_client_init(&client,
		&(struct pptp_client_config){.host_name = "client",
			.call_id = 7,
			.recv_window = 64,
			.reply_timeout_ms = 5000,
			.echo_interval_ms = 60000,
			.echo_timeout_ms = 10000},
		&ops, NULL);
	return 0;
}

static void
hear(const struct pptp_message *m)
{
	uint8_t bytes[PPTP_MESSAGE_MAX];
	size_t len = pptp_message_encode(m, bytes);

	pptp_client_input(&client, bytes, len, client.now);
}

static void
call_up(void)
{
	pptp_client_start(&client, 1000);
	hear(&(struct pptp_message){.type = PPTP_SCCRP, .version = PPTP_VERSION, .result = 1});
	hear(&(struct pptp_message){
		.type = PPTP_OCRP, .call_id = 100, .peer_call_id = 7, .result = 1});
	assert_int_equal(client.state, PPTP_CLIENT_CALL_UP);
	assert_int_equal(said.ups, 1);
}

/* The gateway's machine answers, its octets cut one by one. */
static void
test_against_the_server(void **state)
{
	struct peer p;
	struct pptp_message m;
	uint8_t bytes[PPTP_MESSAGE_MAX];

	(void)state;
	peer_start(&p);
	pptp_client_start(&client, 1000);
	for (unsigned int i = 0; i < 2; i++) {
		peer_send(&p, &said.sent);
		m = peer_next(&p);
		for (size_t at = 0, len = pptp_message_encode(&m, bytes); at < len; at++)
			pptp_client_input(&client, bytes + at, 1, 1000);
	}
	assert_int_equal(said.ups, 1);
	assert_int_equal(client.peer_call_id, p.calls[0].our_id);
	pptp_client_clear(&client, 1000);
	peer_send(&p, &said.sent);
	m = peer_next(&p);
	hear(&m);
	assert_int_equal(said.downs, 1);
	assert_int_equal(p.calls[0].down, 1);
	pptp_client_stop(&client, 1000);
	peer_send(&p, &said.sent);
	m = peer_next(&p);
	hear(&m);
	assert_int_equal(said.closed, 1);
	assert_int_equal(said.why, REFUSAL_NONE);
	peer_end(&p);
}

static void
test_refusals(void **state)
{
	(void)state;
	pptp_client_start(&client, 1000);
	hear(&(struct pptp_message){.type = PPTP_SCCRP, .version = PPTP_VERSION, .result = 1});
	hear(&(struct pptp_message){.type = PPTP_OCRP, .peer_call_id = 7, .result = 4});
	assert_int_equal(said.downs, 1);
	assert_int_equal(client.state, PPTP_CLIENT_ESTABLISHED);
	/* "Granted", with an ID that is none. */
	assert_true(pptp_client_call(&client, 1000));
	assert_false(pptp_client_call(&client, 1000));
	hear(&(struct pptp_message){.type = PPTP_OCRP, .peer_call_id = 7, .result = 1});
	assert_int_equal(said.downs, 2);
	assert_int_equal(said.ups, 0);
	setup(NULL);
	pptp_client_start(&client, 1000);
	hear(&(struct pptp_message){.type = PPTP_SCCRP, .version = PPTP_VERSION, .result = 4});
	assert_int_equal(said.closed, 1);
	assert_int_equal(said.why, REFUSAL_CALL_REFUSED);
}

/* What belongs to another call, or to none, or was not asked for. */
static void
test_out_of_place(void **state)
{
	(void)state;
	hear(&(struct pptp_message){.type = PPTP_SCCRP, .version = PPTP_VERSION, .result = 1});
	assert_int_equal(client.state, PPTP_CLIENT_IDLE);
	call_up();
	hear(&(struct pptp_message){
		.type = PPTP_OCRP, .call_id = 200, .peer_call_id = 7, .result = 1});
	assert_int_equal(client.peer_call_id, 100);
	hear(&(struct pptp_message){.type = PPTP_CDN, .call_id = 101, .result = 3});
	assert_int_equal(said.downs, 0);
	hear(&(struct pptp_message){.type = PPTP_ICRQ, .call_id = 5});
	assert_int_equal(said.sent.type, PPTP_ICRP);
	assert_int_equal(said.sent.result, PPTP_ICRP_DO_NOT_ACCEPT);
	hear(&(struct pptp_message){.type = PPTP_ECHORQ, .identifier = 0x12345678});
	assert_int_equal(said.sent.type, PPTP_ECHORP);
	assert_int_equal(said.sent.identifier, 0x12345678);
	hear(&(struct pptp_message){.type = PPTP_CDN, .call_id = 100, .result = 3});
	assert_int_equal(said.downs, 1);
	assert_int_equal(client.cdn_result, 3);
	hear(&(struct pptp_message){.type = PPTP_STOPCCRQ, .result = 3});
	assert_int_equal(said.closed, 1);
	hear(&(struct pptp_message){.type = PPTP_ECHORQ, .identifier = 1});
	assert_int_equal(said.sent.type, PPTP_STOPCCRP);
}

static void
test_silence(void **state)
{
	(void)state;
	pptp_client_start(&client, 1000);
	assert_int_equal(pptp_client_next_timer(&client), 6000);
	pptp_client_timer(&client, 6000);
	assert_int_equal(said.why, REFUSAL_SETUP_TIMEOUT);
	setup(NULL);
	call_up();
	assert_int_equal(pptp_client_next_timer(&client), 61000);
	pptp_client_timer(&client, 61000);
	assert_int_equal(said.sent.type, PPTP_ECHORQ);
	pptp_client_timer(&client, 71000);
	assert_int_equal(said.closed, 1);
	assert_int_equal(said.why, REFUSAL_PEER_DEAD);
	assert_int_equal(pptp_client_next_timer(&client), UINT64_MAX);
	setup(NULL);
	call_up();
	pptp_client_eof(&client, 2000);
	pptp_client_eof(&client, 2000);
	assert_int_equal(said.closed, 1);
	assert_int_equal(said.why, REFUSAL_CONTROL_LOST);
}

/* Each octet of each message changed; whatever comes after it is not heard. */
static void
test_malformed(void **state)
{
	uint8_t bytes[PPTP_MESSAGE_MAX];

	(void)state;
	for (unsigned int type = 1; type < PPTP_TYPE_END; type++) {
		struct pptp_message m = {.type = (uint8_t)type, .call_id = 100, .peer_call_id = 7};
		size_t len = pptp_message_encode(&m, bytes);

		for (unsigned int i = 0; i < 256; i++) {
			uint8_t *exact = malloc(len);

			assert_non_null(exact);
			memcpy(exact, bytes, len);
			exact[i % len] ^= (uint8_t)(1 + i);
			setup(NULL);
			call_up();
			pptp_client_input(&client, exact, len, 2000);
			if (i < 8) {
				assert_int_equal(said.closed, 1);
				assert_int_equal(said.why, REFUSAL_PROTOCOL_ERROR);
			}
			free(exact);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_against_the_server, setup),
		cmocka_unit_test_setup(test_refusals, setup),
		cmocka_unit_test_setup(test_out_of_place, setup),
		cmocka_unit_test_setup(test_silence, setup),
		cmocka_unit_test_setup(test_malformed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
