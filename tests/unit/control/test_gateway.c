/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole gateway in one process and one loop:
 *
 *   client (TCP 127.0.0.x) --- listener, PPTP, PPP, decisions --- link --- fake data plane
 *      |                                                                        |
 *      +------------------------ PPP frames ("GRE") ----------------------------+
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "control/gateway.h"
#include "control/log.h"

#define CLIENTS_MAX 256

static uv_loop_t loop;
static struct fake fake;
static struct config *cfg;
static struct gateway *gw;
static struct client clients[CLIENTS_MAX];
static char directory[] = "/tmp/adit-test-XXXXXX";
static char log_text[1 << 20];
static size_t log_len;

/* ------------------------------------------------------------------ the stage */

static void
log_line(void *user, int level, const char *line)
{
	(void)user;
	(void)level;
	size_t n = strlen(line);
	if (log_len + n + 2 > sizeof(log_text))
		log_len = 0;
	memcpy(log_text + log_len, line, n);
	log_text[log_len + n] = '\n';
	log_len += n + 1;
	log_text[log_len] = '\0';
}

static bool
logged(const char *text)
{
	return strstr(log_text, text) != NULL;
}

static uint16_t
free_port(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

/* Frames go to the client whose call the session carries. */
static void
to_client(void *user, uint32_t handle, const uint8_t *frame, size_t len)
{
	struct fake *f = user;
	const struct session_entry *e = fake_entry(f, SESSION_SLOT(handle));
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (clients[i].loop && !clients[i].closed && clients[i].server_call == e->call_id)
			client_frame(&clients[i], frame, len);
}

static struct config *
make_config(const char *extra)
{
	char path[64], err[256] = "";
	snprintf(path, sizeof(path), "%s/control.conf", directory);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"control: { dataplane = \"%s/dp.sock\"; log_level = \"debug\"; };\n"
		"pptp: { enabled = true; listen = [ \"127.0.0.1\" ]; port = %u;\n"
		"  max_sessions = 200; max_connections_per_address = 300; };\n"
		"ppp: { auth_retries = 0; };\n"
		"pool: { first = \"10.9.0.1\"; last = \"10.9.0.254\"; };\n"
		"users: ( { name = \"alice\"; password = \"pw-alice\"; dial_in = \"allow\"; },\n"
		"  { name = \"bob\"; password = \"pw-bob\"; },\n"
		"  { name = \"carol\"; password = \"pw-carol\"; dial_in = \"allow\";\n"
		"    static_ip = \"10.9.0.77\"; } );\n%s",
		directory, free_port(), extra);
	fclose(f);
	struct config *c = config_load(path, err, sizeof(err));
	if (!c)
		print_error("%s\n", err);
	assert_non_null(c);
	return c;
}

static bool
dataplane_is(void *user)
{
	struct gateway_status st;
	gateway_status(gw, &st);
	return st.dataplane_connected == (user != NULL);
}

static void
stage_start(void)
{
	char err[256] = "", path[64];
	assert_int_equal(uv_loop_init(&loop), 0);
	snprintf(path, sizeof(path), "%s/dp.sock", directory);
	fake_init(&fake, &loop, path);
	fake.frame = to_client;
	fake.user = &fake;
	fake_listen(&fake);
	gw = gateway_start(&loop, cfg, err, sizeof(err));
	if (!gw)
		print_error("%s\n", err);
	assert_non_null(gw);
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
}

static int
setup(void **state)
{
	(void)state;
	memset(clients, 0, sizeof(clients));
	log_len = 0;
	log_text[0] = '\0';
	cfg = make_config("");
	stage_start();
	return 0;
}

static void
set_true(void *user)
{
	*(bool *)user = true;
}

static bool
is_true(void *user)
{
	return *(bool *)user;
}

static void
stage_end(void)
{
	bool stopped = false;
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (clients[i].loop)
			client_end(&clients[i]);
	gateway_stop(gw, set_true, &stopped);
	assert_true(loop_until(&loop, is_true, &stopped, 6000));
	gateway_free(gw);
	fake_die(&fake, false);
	loop_for(&loop, 5);
	assert_int_equal(uv_loop_close(&loop), 0);
	config_free(cfg);
	assert_false(logged("pw-"));
}

static int
teardown(void **state)
{
	(void)state;
	stage_end();
	return 0;
}

static struct gateway_status
status(void)
{
	struct gateway_status st;
	gateway_status(gw, &st);
	return st;
}

static bool
copy_first(void *user, const struct gateway_session *s)
{
	*(struct gateway_session *)user = *s;
	return false;
}

static struct gateway_session
first_session(void)
{
	struct gateway_session s = {0};
	gateway_sessions(gw, copy_first, &s);
	return s;
}

/* ------------------------------------------------------------------ clients */

static struct client *
dial(unsigned int i, const char *user, const char *password)
{
	struct peer_config pc = client_config(user, password);
	client_start(&clients[i], &fake, &pc, cfg->pptp_port, (uint8_t)(1 + i % 250));
	return &clients[i];
}

static bool
is_up(void *user)
{
	return client_is_up(user);
}

static bool
is_over(void *user)
{
	struct client *c = user;
	return c->closed || c->cdns || (c->ocrp_result && c->ocrp_result != PPTP_RESULT_OK);
}

static bool
no_sessions(void *user)
{
	(void)user;
	struct gateway_session s = first_session();
	return s.id == 0;
}

static struct client *
dial_up(unsigned int i, const char *user, const char *password)
{
	struct client *c = dial(i, user, password);
	if (!loop_until(&loop, is_up, c, 5000)) {
		print_error("%s", log_text);
		fail_msg("client %u did not come up", i);
	}
	loop_for(&loop, 10);
	return c;
}

static void
expect_refusal(const char *user, const char *password, enum refusal_code code)
{
	uint64_t before = status().refusals[code];
	struct client *c = dial(0, user, password);
	assert_true(loop_until(&loop, is_over, c, 8000));
	client_end(c);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	char want[64];
	snprintf(want, sizeof(want), "code=%s", refusal_name(code));
	if (!logged(want))
		print_error("%s", log_text);
	assert_true(logged(want));
	assert_true(status().refusals[code] > before);
	c->loop = NULL;
}

/* ------------------------------------------------------------------ tests */

static void
test_session(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	struct gateway_session s = first_session();
	assert_int_equal(s.state, GW_UP);
	assert_string_equal(s.user, "alice");
	assert_string_equal(s.auth, "mschapv2");
	assert_int_equal(s.mppe_tx, 128);
	assert_true(s.mppe_tx_stateless);
	assert_int_equal(s.peer_ip, 0x7f000001);
	assert_int_equal(s.server_ip, 0x7f000001);
	assert_int_equal(s.inner_ip, c->peer.ip);
	const struct session_entry *e = fake_entry(&fake, SESSION_SLOT(s.handle));
	assert_int_equal(e->handle, s.handle);
	assert_int_equal(e->inner_ip, s.inner_ip);
	assert_int_equal(e->mppe_tx, 128);
	assert_string_equal(e->user, "alice");
	assert_int_equal(fake.last[COMMAND_GATEWAY].gateway.server_ip, 0x0a090001);
	assert_int_equal(fake.last[COMMAND_SESSION_OPEN].open.require_mppe, 1);
	assert_int_equal(fake.last[COMMAND_SESSION_LINK].link.our_mru, 1400);
	assert_true(logged("event=session-up"));
	assert_int_equal(status().pptp_sessions, 1);
	assert_int_equal(status().pool_used, 1);

	fake_counters(&fake, SESSION_SLOT(s.handle))->up_bytes = 12345;
	client_clear(c);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_true(logged("bytes_in=12345"));
	assert_int_equal(c->cdns, 1);
	assert_int_equal(status().pool_used, 0);
	assert_int_equal(fake_live(&fake), 0);
}

static void
test_refusals(void **state)
{
	(void)state;
	expect_refusal("alice", "wrong", REFUSAL_WRONG_PASSWORD);
	expect_refusal("nobody", "x", REFUSAL_UNKNOWN_USER);
	expect_refusal("bob", "pw-bob", REFUSAL_DIALIN_DENIED);
	assert_int_equal(status().pool_used, 0);
}

/* Clients that are offered a retry and hang up instead, as pppd does, were refused all the same. */
static void
test_hangs_up_after_refusal(void **state)
{
	(void)state;
	cfg->ppp.auth_retries = 2;
	struct client *c = dial(0, "alice", "wrong");
	for (unsigned int i = 0; i < 200 && !logged("event=authentication-failed"); i++)
		loop_for(&loop, 10);
	assert_false(is_over(c));
	client_end(c);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_int_equal(status().refusals[REFUSAL_WRONG_PASSWORD], 1);
	assert_true(logged("event=session-refused session=1 user=\"alice\" peer=127.0.0.1 "
			   "code=wrong-password"));
}

static void
test_log_escapes_names(void **state)
{
	(void)state;
	expect_refusal("x\nevent=\"forged\"", "x", REFUSAL_UNKNOWN_USER);
	assert_true(logged("user=\"x\\x0aevent=\\x22forged\\x22\""));
}

static void
test_control_connection_lost(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	client_hangup(c);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_int_equal(fake_live(&fake), 0);
	assert_int_equal(status().pptp_connections, 0);
	assert_true(logged("event=session-ended"));
}

static void
test_disconnect(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	assert_int_equal(gateway_disconnect(gw, 999), -ENOENT);
	assert_int_equal(gateway_disconnect_user(gw, "carol"), 0);
	assert_int_equal(gateway_disconnect_user(gw, "DOMAIN\\ALICE"), 1);
	assert_true(loop_until(&loop, no_sessions, NULL, 9000));
	assert_true(logged("code=admin-disconnect"));
	assert_int_equal(c->cdns, 1);
}

/* An address is used again only when the data plane has confirmed the session's end. */
static void
test_address_waits_for_confirmation(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "carol", "pw-carol");
	assert_int_equal(c->peer.ip, 0x0a09004d);
	fake.no_gone = true;
	uint32_t handle = first_session().handle;
	client_end(c);
	loop_for(&loop, 200);
	assert_int_equal(status().pool_used, 1);
	assert_int_equal(status().pptp_sessions, 0);
	c = dial(1, "carol", "pw-carol");
	assert_true(loop_until(&loop, is_over, c, 9000));
	assert_true(logged("code=address-in-use"));
	client_end(c);
	fake.no_gone = false;
	fake_entry(&fake, SESSION_SLOT(handle))->handle = 0;
	fake_event(&fake, EVENT_SESSION_GONE, handle, 0, 0);
	loop_for(&loop, 100);
	dial_up(2, "carol", "pw-carol");
}

static int
setup_small(void **state)
{
	(void)state;
	memset(clients, 0, sizeof(clients));
	log_len = 0;
	cfg = make_config("");
	cfg->pool_last = cfg->pool_first + 2;
	stage_start();
	return 0;
}

static int
setup_ports(void **state)
{
	(void)state;
	memset(clients, 0, sizeof(clients));
	log_len = 0;
	cfg = make_config("");
	cfg->pptp_max_sessions = 3;
	cfg->pptp_max_connections = 6;
	cfg->pptp_max_connections_per_address = 2;
	stage_start();
	return 0;
}

static void
test_pool_empty(void **state)
{
	(void)state;
	dial_up(0, "alice", "pw-alice");
	dial_up(1, "alice", "pw-alice");
	struct client *c = dial(2, "alice", "pw-alice");
	assert_true(loop_until(&loop, is_over, c, 8000));
	assert_int_equal(status().refusals[REFUSAL_POOL_EMPTY], 1);
	assert_true(strstr(status().problem, "pool") != NULL);
}

static void
test_ports_full(void **state)
{
	(void)state;
	struct peer_config pc = client_config("alice", "pw-alice");
	for (unsigned int i = 0; i < 3; i++)
		dial(i, "alice", "pw-alice");
	loop_for(&loop, 100);
	struct client *c = dial(3, "alice", "pw-alice");
	assert_true(loop_until(&loop, is_over, c, 3000));
	assert_int_equal(status().refusals[REFUSAL_PORTS_FULL], 1);
	assert_int_not_equal(c->ocrp_result, PPTP_RESULT_OK);
	/* One address holds two connections at most. */
	for (unsigned int i = 4; i < 6; i++) {
		client_start(&clients[i], &fake, &pc, cfg->pptp_port, 1);
		clients[i].no_call = true;
	}
	loop_for(&loop, 200);
	assert_int_equal(status().refusals[REFUSAL_ADDRESS_LIMIT], 1);
	assert_true(clients[4].closed != clients[5].closed);
	/* All together six. */
	for (unsigned int i = 6; i < 9; i++)
		client_start(&clients[i], &fake, &pc, cfg->pptp_port, (uint8_t)(100 + i)),
			clients[i].no_call = true;
	loop_for(&loop, 200);
	assert_int_equal(status().pptp_connections, 6);
}

static void
test_dataplane_death(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	fake_die(&fake, false);
	assert_true(loop_until(&loop, dataplane_is, NULL, 1000));
	assert_true(loop_until(&loop, is_over, c, 1000));
	assert_true(no_sessions(NULL));
	assert_true(logged("code=dataplane-down"));
	assert_int_equal(status().pool_used, 0);
	assert_true(strstr(status().problem, "not connected") != NULL);
	struct link_view view;
	assert_false(gateway_segment(gw, &view));
	c = dial(1, "alice", "pw-alice");
	assert_true(loop_until(&loop, is_over, c, 3000));
	assert_int_not_equal(c->ocrp_result, PPTP_RESULT_OK);
	assert_true(status().refusals[REFUSAL_DATAPLANE_DOWN] >= 2);
	/* It comes back. */
	fake_listen(&fake);
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
	assert_string_equal(status().problem, "");
	dial_up(2, "alice", "pw-alice");
}

/* Control dies and comes back: what it left behind is closed, and nobody gets its address before.
 */
static void
test_orphans(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	uint32_t ip = first_session().inner_ip;
	uint16_t call = c->server_call;
	fake_die(&fake, true);
	assert_true(loop_until(&loop, dataplane_is, NULL, 1000));
	assert_int_equal(fake_live(&fake), 1);
	fake.no_gone = true;
	fake_listen(&fake);
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
	loop_for(&loop, 50);
	struct gateway_session s = first_session();
	assert_int_equal(s.state, GW_CLOSING);
	assert_int_equal(s.inner_ip, ip);
	assert_int_equal(s.call_id, call);
	assert_int_equal(status().pool_used, 1);
	assert_int_equal(fake.commands[COMMAND_SESSION_CLOSE], 1);
	fake.no_gone = false;
	fake_entry(&fake, SESSION_SLOT(s.handle))->handle = 0;
	fake_event(&fake, EVENT_SESSION_GONE, s.handle, 0, 0);
	assert_true(loop_until(&loop, no_sessions, NULL, 1000));
	assert_int_equal(status().pool_used, 0);
}

static void
test_refused_commands(void **state)
{
	(void)state;
	static const int types[] = {COMMAND_SESSION_ADD, COMMAND_SESSION_LINK, COMMAND_SESSION_MPPE,
		COMMAND_SESSION_OPEN};
	for (unsigned int i = 0; i < 4; i++) {
		fake.refuse_type = types[i];
		fake.refuse_error = -ENOSPC;
		struct client *c = dial(i, "alice", "pw-alice");
		assert_true(loop_until(&loop, is_over, c, 5000));
		client_end(c);
		assert_true(loop_until(&loop, no_sessions, NULL, 3000));
		assert_int_equal(status().refusals[REFUSAL_NO_RESOURCES], i + 1);
	}
	fake.refuse_type = 0;
	dial_up(5, "alice", "pw-alice");
}

static void
test_lost_sync_and_hostile_events(void **state)
{
	(void)state;
	dial_up(0, "alice", "pw-alice");
	uint32_t handle = first_session().handle;
	struct event e = {
		.version = 7, .type = EVENT_SESSION_GONE, .length = sizeof(e), .handle = handle};
	fake_raw_event(&fake, &e);
	fake_event(&fake, EVENT_SESSION_GONE, handle + (1u << SESSION_SLOT_BITS), 0, 0);
	fake_event(&fake, 99, handle, 0, 0);
	fake_event(&fake, EVENT_LOST_SYNC, handle, 0, 0);
	fake_event(&fake, EVENT_ACK, handle, 77, -5);
	loop_for(&loop, 30);
	assert_int_equal(first_session().state, GW_UP);
	/* Removed by the data plane on its own: the client is told. */
	fake_entry(&fake, SESSION_SLOT(handle))->handle = 0;
	fake_event(&fake, EVENT_SESSION_GONE, handle, 0, 0);
	assert_true(loop_until(&loop, is_over, &clients[0], 1000));
	assert_true(no_sessions(NULL));
}

/* ------------------------------------------------------------------ weak crypto (R2, T16) */

static struct client *
dial_weak(unsigned int i)
{
	struct peer_config pc = client_config("alice", "pw-alice");
	pc.mppe = L_40;
	client_start(&clients[i], &fake, &pc, cfg->pptp_port, (uint8_t)(1 + i));
	return &clients[i];
}

static int
setup_weak(void **state)
{
	(void)state;
	memset(clients, 0, sizeof(clients));
	log_len = 0;
	cfg = make_config("mppe: { strengths = [ 128, 56, 40 ]; };\n");
	stage_start();
	return 0;
}

static void
test_weak_crypto(void **state)
{
	(void)state;
	struct client *c = dial_weak(0);
	assert_true(loop_until(&loop, is_over, c, 8000));
	assert_int_equal(status().refusals[REFUSAL_WEAK_CRYPTO_OFF], 1);
	gateway_weak_crypto_pptp(gw, true, WEAK_KEEP, "root \"quoted\"");
	assert_true(logged(
		"action=weak-crypto-pptp allow=yes fate=keep who=\"root \\x22quoted\\x22\""));
	c = dial_weak(1);
	assert_true(loop_until(&loop, is_up, c, 5000));
	dial_up(2, "carol", "pw-carol");
	assert_int_equal(status().weak_sessions, 1);
	assert_int_equal(gateway_weak_crypto_pptp(gw, false, WEAK_KEEP, "root"), 0);
	assert_int_equal(status().pptp_sessions, 2);
	assert_int_equal(gateway_weak_crypto_pptp(gw, false, WEAK_DROP, "root"), 1);
	assert_true(loop_until(&loop, is_over, c, 8000));
	assert_int_equal(status().weak_sessions, 0);
	assert_int_equal(status().pptp_sessions, 1);
	assert_int_equal(status().refusals[REFUSAL_WEAK_CRYPTO_OFF], 2);
}

static void
weak_off_at_mppe(void *user, const struct command *cmd)
{
	(void)user;
	if (cmd->type == COMMAND_SESSION_LINK)
		gateway_weak_crypto_pptp(gw, false, WEAK_KEEP, "race");
}

/* The switch is turned while a client negotiates: no weak session comes of it. */
static void
test_weak_crypto_race(void **state)
{
	(void)state;
	gateway_weak_crypto_pptp(gw, true, WEAK_KEEP, "root");
	fake.command = weak_off_at_mppe;
	struct client *c = dial_weak(0);
	assert_true(loop_until(&loop, is_over, c, 8000));
	assert_int_equal(status().weak_sessions, 0);
	assert_true(status().refusals[REFUSAL_WEAK_CRYPTO_OFF] >= 1);
}

/* ------------------------------------------------------------------ stopping */

static void
test_stop_tells_clients(void **state)
{
	(void)state;
	struct client *a = dial_up(0, "alice", "pw-alice"), *b = dial_up(1, "carol", "pw-carol");
	bool stopped = false;
	uint64_t begin = uv_hrtime();
	gateway_stop(gw, set_true, &stopped);
	assert_true(loop_until(&loop, is_true, &stopped, 6000));
	assert_true(uv_hrtime() - begin < 5000000000ull);
	assert_int_equal(a->stops, 1);
	assert_int_equal(b->stops, 1);
	assert_int_equal(a->cdns, 1);
	assert_int_equal(fake_live(&fake), 0);
	gateway_free(gw);
	/* For teardown. */
	char err[256];
	gw = gateway_start(&loop, cfg, err, sizeof(err));
	assert_non_null(gw);
}

static void
test_stop_with_deaf_dataplane(void **state)
{
	(void)state;
	dial_up(0, "alice", "pw-alice");
	fake.deaf = true;
}

static void
test_start_fails_whole(void **state)
{
	(void)state;
	char err[256] = "";
	assert_null(gateway_start(&loop, cfg, err, sizeof(err)));
	assert_true(strstr(err, "can't listen on 127.0.0.1") != NULL);
	dial_up(0, "alice", "pw-alice");
}

/* ------------------------------------------------------------------ many */

static void
round_of_sessions(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		dial(i, "alice", "pw-alice");
	for (unsigned int i = 0; i < n; i++)
		if (!loop_until(&loop, is_up, &clients[i], 20000))
			fail_msg("client %u did not come up", i);
	assert_int_equal(status().pptp_sessions, n);
	for (unsigned int i = 0; i < n; i++)
		i % 2 ? client_clear(&clients[i]) : client_hangup(&clients[i]);
	assert_true(loop_until(&loop, no_sessions, NULL, 20000));
	for (unsigned int i = 0; i < n; i++)
		client_end(&clients[i]);
	loop_for(&loop, 20);
}

static size_t
memory(void)
{
	return mallinfo2().uordblks;
}

static void
test_ten_thousand_sessions(void **state)
{
	(void)state;
	round_of_sessions(200);
	round_of_sessions(200);
	size_t before = memory();
	for (unsigned int i = 0; i < 50; i++)
		round_of_sessions(200);
	size_t after = memory();
	if (after > before + 65536)
		fail_msg("%zu octets more after 10,000 sessions", after - before);
	assert_int_equal(status().pptp_calls_total, 10400);
	assert_int_equal(status().pool_used, 0);
	assert_int_equal(status().pptp_connections, 0);
	assert_int_equal(fake_live(&fake), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_session, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hangs_up_after_refusal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_escapes_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_control_connection_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disconnect, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_address_waits_for_confirmation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pool_empty, setup_small, teardown),
		cmocka_unit_test_setup_teardown(test_ports_full, setup_ports, teardown),
		cmocka_unit_test_setup_teardown(test_dataplane_death, setup, teardown),
		cmocka_unit_test_setup_teardown(test_orphans, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_commands, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_sync_and_hostile_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_weak_crypto, setup_weak, teardown),
		cmocka_unit_test_setup_teardown(test_weak_crypto_race, setup_weak, teardown),
		cmocka_unit_test_setup_teardown(test_stop_tells_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_with_deaf_dataplane, setup, teardown),
		cmocka_unit_test_setup_teardown(test_start_fails_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ten_thousand_sessions, setup, teardown),
	};
	if (!mkdtemp(directory))
		return 1;
	own_network();
	log_setup(LOG_DEBUG);
	log_redirect(log_line, NULL);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	char path[64];
	snprintf(path, sizeof(path), "%s/control.conf", directory);
	unlink(path);
	rmdir(directory);
	return rc;
}
