/* SPDX-License-Identifier: BSD-3-Clause */
/* The side that dials, against servers that are not the gateway's.  What it does with that one is
 * in the other tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/l2tp/client.h"
#include "crypto/mschap.h"

static struct l2tp_client client;
static struct l2tp_client_message queue[4];
static struct l2tp_client_session sessions[2];
static struct {
	unsigned int tunnels, ups, downs, overs, n_sent;
	enum refusal_code why;
	unsigned int type; /* of the last that was sent */
	uint16_t result;
} said;
static uint16_t server_ns;

static void
on_send(void *user, const uint8_t *bytes, size_t len)
{
	struct l2tp_header h;
	struct l2tp_message m;

	(void)user;
	assert_int_equal(l2tp_header_decode(&h, bytes, len), 0);
	said.n_sent++;
	said.type = L2TP_ZLB;
	if (len == L2TP_HEADER_LEN)
		return;
	assert_int_equal(l2tp_message_decode(&m, &h, bytes, client.cfg.secret), L2TP_GOOD);
	said.type = m.type;
	said.result = m.result;
}

static void
on_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	memset(buf, 0x5a, len);
}

static void
on_tunnel_up(void *user)
{
	(void)user;
	said.tunnels++;
}

static void
on_session_up(void *user, struct l2tp_client_session *s)
{
	(void)user;
	assert_int_not_equal(s->peer_id, 0);
	said.ups++;
}

static void
on_session_down(void *user, struct l2tp_client_session *s)
{
	(void)user;
	assert_true(s->over);
	said.downs++;
}

static void
on_over(void *user, enum refusal_code why, const char *text)
{
	(void)user;
	assert_non_null(text);
	said.overs++;
	said.why = why;
}

static const struct l2tp_client_ops ops = {.send = on_send,
	.random = on_random,
	.tunnel_up = on_tunnel_up,
	.session_up = on_session_up,
	.session_down = on_session_down,
	.over = on_over};

static void
begin(const struct l2tp_client_config *cfg)
{
	memset(&said, 0, sizeof(said));
	server_ns = 0;
	l2tp_client_init(
		&client, cfg, &(struct l2tp_client_room){queue, 4, sessions, 2}, &ops, NULL);
	l2tp_client_start(&client, 1000);
	assert_int_equal(said.type, L2TP_SCCRQ);
}

static int
setup(void **state)
{
	(void)state;
	begin(&(struct l2tp_client_config){.id = 9});
	return 0;
}

/* The server's next message; it acknowledges all that is under way. */
static void
hear(struct l2tp_message *m)
{
	uint8_t bytes[L2TP_CLIENT_MESSAGE_MAX];
	size_t len;

	m->tunnel_id = 9;
	m->ns = server_ns++;
	m->nr = (uint16_t)(client.ns + (client.n_queued > 0));
	len = l2tp_message_encode(m, NULL, bytes, sizeof(bytes));
	assert_int_not_equal(len, 0);
	l2tp_client_input(&client, bytes, len, client.now);
}

static void
tunnel_up(void)
{
	hear(&(struct l2tp_message){.type = L2TP_SCCRP,
		.has = L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID),
		.assigned_tunnel_id = 70});
	assert_int_equal(said.tunnels, 1);
	assert_int_equal(said.type, L2TP_SCCCN);
}

static void
hear_icrp(uint16_t to, uint16_t id)
{
	hear(&(struct l2tp_message){.type = L2TP_ICRP,
		.session_id = to,
		.has = L2TP_HAS(L2TP_ASSIGNED_SESSION_ID),
		.assigned_session_id = id});
}

static void
test_call(void **state)
{
	struct l2tp_client_session *s;

	(void)state;
	tunnel_up();
	s = l2tp_client_call(&client, 5);
	hear(&(struct l2tp_message){.type = L2TP_HELLO});
	hear_icrp(6, 80); /* of nobody */
	hear_icrp(5, 0);
	assert_int_equal(said.ups, 0);
	hear_icrp(5, 80);
	hear_icrp(5, 81); /* said once */
	assert_int_equal(said.ups, 1);
	assert_int_equal(s->peer_id, 80);
	hear(&(struct l2tp_message){.type = L2TP_CDN,
		.session_id = 5,
		.has = L2TP_HAS(L2TP_RESULT_CODE) | L2TP_HAS(L2TP_ASSIGNED_SESSION_ID),
		.result = L2TP_CDN_ADMIN,
		.assigned_session_id = 80});
	assert_int_equal(said.downs, 1);
	assert_int_equal(s->result, L2TP_CDN_ADMIN);
	assert_non_null(l2tp_client_call(&client, 6));
	assert_null(l2tp_client_call(&client, 7)); /* no room */
	hear(&(struct l2tp_message){.type = L2TP_STOPCCN,
		.has = L2TP_HAS(L2TP_RESULT_CODE) | L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID),
		.result = L2TP_STOP_SHUTDOWN,
		.assigned_tunnel_id = 70});
	assert_true(client.stopped);
	assert_int_equal(said.overs, 1);
	assert_int_equal(client.result, L2TP_STOP_SHUTDOWN);
}

/* The server proves the secret, or is left before it is told anything. */
static void
test_server_must_prove(void **state)
{
	const struct l2tp_client_config cfg = {.id = 9, .secret = "shared", .challenges = true};

	(void)state;
	for (unsigned int how = 0; how < 3; how++) {
		struct l2tp_message m = {.type = L2TP_SCCRP,
			.has = L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID) |
			       (how ? L2TP_HAS(L2TP_CHALLENGE_RESPONSE) : 0),
			.assigned_tunnel_id = 70};

		begin(&cfg);
		chap_md5_response(L2TP_SCCRP, how == 2 ? "shared" : "guessed", client.challenge, 16,
			m.challenge_response);
		hear(&m);
		assert_int_equal(client.proven, how == 2);
		assert_int_equal(said.tunnels, how == 2);
		assert_int_equal(said.type, how == 2 ? L2TP_SCCCN : L2TP_STOPCCN);
		assert_int_equal(said.overs, how != 2);
		if (how != 2)
			assert_int_equal(said.why, REFUSAL_TUNNEL_AUTH_FAILED);
	}
}

static void
test_silence(void **state)
{
	(void)state;
	while (l2tp_client_next_timer(&client) != UINT64_MAX)
		l2tp_client_timer(&client, l2tp_client_next_timer(&client));
	assert_int_equal(said.n_sent, 9);
	assert_true(client.dead);
	assert_int_equal(said.why, REFUSAL_PEER_DEAD);
	begin(&(struct l2tp_client_config){.id = 9, .hello_ms = 60000});
	tunnel_up();
	hear(&(struct l2tp_message){.type = L2TP_HELLO});
	client.now = l2tp_client_next_timer(&client);
	assert_int_equal(client.now, 61000);
	l2tp_client_timer(&client, client.now);
	assert_int_equal(said.type, L2TP_HELLO);
	hear(&(struct l2tp_message){.type = L2TP_HELLO});
	assert_int_equal(said.overs, 0);
	while (said.overs == 0)
		l2tp_client_timer(&client, l2tp_client_next_timer(&client));
	assert_int_equal(said.why, REFUSAL_PEER_DEAD);
}

/* RFC 2661 section 4.1: a mandatory AVP that is not known, of the tunnel and of a session. */
static void
test_unknown_avps(void **state)
{
	uint8_t bytes[] = {0xc8, 2, 0, 26, 0, 9, 0, 0, 0, 0, 0, 1, /* header */
		0x80, 8, 0, 0, 0, 0, 0, 6,                         /* HELLO */
		0x80, 6, 0, 0, 0, 99};

	(void)state;
	tunnel_up();
	bytes[9] = (uint8_t)server_ns;
	bytes[11] = (uint8_t)(client.ns + 1);
	l2tp_client_input(&client, bytes, sizeof(bytes), 1000);
	assert_int_equal(said.overs, 1);
	assert_int_equal(said.why, REFUSAL_PROTOCOL_ERROR);
	assert_int_equal(said.type, L2TP_STOPCCN);
	assert_int_equal(said.result, L2TP_STOP_ERROR);
}

/* Each octet changed, each length, at each step: nothing of it counts as the server's. */
static void
test_malformed(void **state)
{
	struct l2tp_message m = {.type = L2TP_SCCRP,
		.tunnel_id = 9,
		.nr = 1,
		.has = L2TP_HAS(L2TP_PROTOCOL_VERSION) | L2TP_HAS(L2TP_HOST_NAME) |
		       L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID) | L2TP_HAS(L2TP_CHALLENGE),
		.host_name = "server",
		.challenge_len = 16,
		.assigned_tunnel_id = 70};
	uint8_t bytes[L2TP_CLIENT_MESSAGE_MAX];
	size_t len = l2tp_message_encode(&m, NULL, bytes, sizeof(bytes));

	(void)state;
	for (size_t cut = 0; cut <= len; cut++)
		for (unsigned int i = 0; i < 2 * len; i++) {
			uint8_t *exact = malloc(cut ? cut : 1);

			assert_non_null(exact);
			memcpy(exact, bytes, cut);
			if (i < cut)
				exact[i] ^= (uint8_t)(1u << i % 8);
			if (cut >= 4 && i % 2)
				exact[2] = (uint8_t)(cut >> 8), exact[3] = (uint8_t)cut;
			begin(&(struct l2tp_client_config){.id = 9, .secret = "shared"});
			l2tp_client_input(&client, exact, cut, 1000);
			if (cut < L2TP_HEADER_LEN) {
				assert_int_equal(client.malformed, 1);
				assert_int_equal(client.n_received, 0);
			}
			free(exact);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_call, setup),
		cmocka_unit_test_setup(test_server_must_prove, setup),
		cmocka_unit_test_setup(test_silence, setup),
		cmocka_unit_test_setup(test_unknown_avps, setup),
		cmocka_unit_test_setup(test_malformed, setup),
	};

	char err[128];

	if (mschap_init(err, sizeof(err)) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
