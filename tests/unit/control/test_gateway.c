/* SPDX-License-Identifier: BSD-3-Clause */
/* PPTP through the whole gateway: sessions, refusals, operators. */
#include "dataplane/api/command.h"
#include "dataplane/api/event.h"
#include "dataplane/api/session.h"
#include "fake/dial.h"

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* ------------------------------------------------------------------ sessions */

static void
test_session(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	struct session_info s = first_session();
	assert_int_equal(s.state, PHASE_UP);
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
	assert_int_equal(carrier("pptp").sessions, 1);
	assert_int_equal(status().pool_used, 1);

	fake_counters(&fake, SESSION_SLOT(s.handle))->up_bytes = 12345;
	client_clear(c);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_true(logged("bytes_in=12345"));
	assert_int_equal(c->pptp.cdns, 1);
	assert_int_equal(status().pool_used, 0);
	assert_int_equal(fake_live(&fake), 0);
}

static void
test_refusals(void **state)
{
	(void)state;
	dial_refused("alice", "wrong", REFUSAL_WRONG_PASSWORD);
	dial_refused("nobody", "x", REFUSAL_UNKNOWN_USER);
	dial_refused("bob", "pw-bob", REFUSAL_DIALIN_DENIED);
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
	assert_false(client_over(c));
	client_end(c);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_int_equal(status().refusals[REFUSAL_WRONG_PASSWORD], 1);
	assert_true(logged(
		"event=session-refused session=1 protocol=pptp user=\"alice\" peer=127.0.0.1 "
		"code=wrong-password"));
}

static void
test_log_escapes_names(void **state)
{
	(void)state;
	dial_refused("x\nevent=\"forged\"", "x", REFUSAL_UNKNOWN_USER);
	assert_true(logged("user=\"\" claimed=\"x\\x0aevent=\\x22forged\\x22\""));
}

static void
test_control_connection_lost(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	client_hangup(c);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_int_equal(fake_live(&fake), 0);
	assert_int_equal(figure("pptp", "connections"), 0);
	assert_true(logged("event=session-ended"));
}

static void
test_disconnect(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	assert_int_equal(sessions_disconnect(gateway_sessions(gw), 999), -ENOENT);
	assert_int_equal(sessions_disconnect_user(gateway_sessions(gw), "carol"), 0);
	assert_int_equal(sessions_disconnect_user(gateway_sessions(gw), "DOMAIN\\ALICE"), 1);
	assert_true(loop_until(&loop, no_sessions, NULL, 9000));
	assert_true(logged("code=admin-disconnect"));
	assert_int_equal(c->pptp.cdns, 1);
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
	assert_int_equal(carrier("pptp").sessions, 0);
	c = dial(1, "carol", "pw-carol");
	assert_true(loop_until(&loop, client_over, c, 9000));
	assert_true(logged("code=address-in-use"));
	client_end(c);
	fake.no_gone = false;
	fake_entry(&fake, SESSION_SLOT(handle))->handle = 0;
	fake_event(&fake, EVENT_SESSION_GONE, handle, 0, 0);
	loop_for(&loop, 100);
	dial_up(2, "carol", "pw-carol");
}

/* ------------------------------------------------------------------ limits */

static void
small_pool(struct config *c)
{
	c->pool_last = c->pool_first + 2;
}

static int
setup_small(void **state)
{
	(void)state;
	dial_stage("", small_pool);
	return 0;
}

static void
few_ports(struct config *c)
{
	c->pptp_max_sessions = 3;
	c->pptp_max_connections = 6;
	c->pptp_max_connections_per_address = 2;
}

static int
setup_ports(void **state)
{
	(void)state;
	dial_stage("", few_ports);
	return 0;
}

static void
test_pool_empty(void **state)
{
	(void)state;
	dial_up(0, "alice", "pw-alice");
	dial_up(1, "alice", "pw-alice");
	struct client *c = dial(2, "alice", "pw-alice");
	assert_true(loop_until(&loop, client_over, c, 8000));
	assert_int_equal(status().refusals[REFUSAL_POOL_EMPTY], 1);
	assert_true(strstr(status().problem, "pool") != NULL);
}

static void
test_ports_full(void **state)
{
	(void)state;
	struct ppp_client_config pc = client_config("alice", "pw-alice");
	for (unsigned int i = 0; i < 3; i++)
		dial(i, "alice", "pw-alice");
	loop_for(&loop, 100);
	struct client *c = dial(3, "alice", "pw-alice");
	assert_true(loop_until(&loop, client_over, c, 3000));
	assert_int_equal(status().refusals[REFUSAL_PORTS_FULL], 1);
	assert_int_not_equal(c->ocrp_result, PPTP_RESULT_OK);
	/* One address holds two connections at most. */
	for (unsigned int i = 4; i < 6; i++) {
		client_start(&clients[i], &fake, &pc, cfg->pptp_port, 1);
		clients[i].pptp.cfg.no_call = true;
	}
	loop_for(&loop, 200);
	assert_int_equal(status().refusals[REFUSAL_ADDRESS_LIMIT], 1);
	assert_true(clients[4].closed != clients[5].closed);
	/* All together six. */
	for (unsigned int i = 6; i < 9; i++)
		client_start(&clients[i], &fake, &pc, cfg->pptp_port, (uint8_t)(100 + i)),
			clients[i].pptp.cfg.no_call = true;
	loop_for(&loop, 200);
	assert_int_equal(figure("pptp", "connections"), 6);
}

/* ------------------------------------------------------------------ weak crypto (R2, T16) */

static struct client *
dial_weak(unsigned int i)
{
	struct ppp_client_config pc = client_config("alice", "pw-alice");
	pc.mppe = PPP_MPPE_40;
	client_start(&clients[i], &fake, &pc, cfg->pptp_port, (uint8_t)(1 + i));
	return &clients[i];
}

static int
setup_weak(void **state)
{
	(void)state;
	dial_stage("mppe: { strengths = [ 128, 56, 40 ]; };\n", NULL);
	return 0;
}

static void
test_weak_crypto(void **state)
{
	(void)state;
	struct client *c = dial_weak(0);
	assert_true(loop_until(&loop, client_over, c, 8000));
	assert_int_equal(status().refusals[REFUSAL_WEAK_CRYPTO_OFF], 1);
	set_live("mppe.allow_weak_crypto", "true", FATE_KEEP);
	assert_true(logged("setting=mppe.allow_weak_crypto allow=yes fate=keep"));
	c = dial_weak(1);
	assert_true(loop_until(&loop, client_up, c, 5000));
	dial_up(2, "carol", "pw-carol");
	assert_int_equal(status().weak_sessions, 1);
	assert_int_equal(set_live("mppe.allow_weak_crypto", "false", FATE_KEEP), 0);
	assert_int_equal(carrier("pptp").sessions, 2);
	assert_int_equal(set_live("mppe.allow_weak_crypto", "false", FATE_DROP), 1);
	assert_true(loop_until(&loop, client_over, c, 8000));
	assert_int_equal(status().weak_sessions, 0);
	assert_int_equal(carrier("pptp").sessions, 1);
	assert_int_equal(status().refusals[REFUSAL_WEAK_CRYPTO_OFF], 2);
}

static void
weak_off_at_mppe(void *user, const struct command *cmd)
{
	(void)user;
	if (cmd->type == COMMAND_SESSION_LINK)
		set_live("mppe.allow_weak_crypto", "false", FATE_KEEP);
}

/* The switch is turned while a client negotiates: no weak session comes of it. */
static void
test_weak_crypto_race(void **state)
{
	(void)state;
	set_live("mppe.allow_weak_crypto", "true", FATE_KEEP);
	fake.command = weak_off_at_mppe;
	struct client *c = dial_weak(0);
	assert_true(loop_until(&loop, client_over, c, 8000));
	assert_int_equal(status().weak_sessions, 0);
	assert_true(status().refusals[REFUSAL_WEAK_CRYPTO_OFF] >= 1);
}

/* ------------------------------------------------------------------ many */

static void
round_of_sessions(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		dial(i, "alice", "pw-alice");
	for (unsigned int i = 0; i < n; i++)
		if (!loop_until(&loop, client_up, &clients[i], 20000))
			fail_msg("client %u did not come up", i);
	assert_int_equal(carrier("pptp").sessions, n);
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
	assert_int_equal(figure("pptp", "calls_total"), 10400);
	assert_int_equal(status().pool_used, 0);
	assert_int_equal(figure("pptp", "connections"), 0);
	assert_int_equal(fake_live(&fake), 0);
}

/* The gateway's end of a client's TCP connection; the loop is this process's. */
static int
accepted_socket(const struct client *c)
{
	struct sockaddr_in ours, peer;
	int len = sizeof(ours);
	assert_int_equal(uv_tcp_getsockname(&c->tcp, (struct sockaddr *)&ours, &len), 0);
	for (int fd = 3; fd < 1024; fd++) {
		socklen_t n = sizeof(peer);
		if (getpeername(fd, (struct sockaddr *)&peer, &n) == 0 && n == sizeof(peer) &&
			peer.sin_family == AF_INET && peer.sin_port == ours.sin_port)
			return fd;
	}
	return -1;
}

static int
option(int fd, int level, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);
	assert_int_equal(getsockopt(fd, level, name, &v, &len), 0);
	return v;
}

/* What a connection inherits from its listener. */
static void
test_socket_options(void **state)
{
	(void)state;
	int fd = accepted_socket(dial_up(0, "alice", "pw-alice"));
	assert_true(fd >= 0);
	assert_int_not_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	assert_int_not_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 1);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 10);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, dial_setup, dial_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_session),
		TEST(test_refusals),
		TEST(test_hangs_up_after_refusal),
		TEST(test_log_escapes_names),
		TEST(test_control_connection_lost),
		TEST(test_disconnect),
		TEST(test_socket_options),
		TEST(test_address_waits_for_confirmation),
		cmocka_unit_test_setup_teardown(test_pool_empty, setup_small, dial_teardown),
		cmocka_unit_test_setup_teardown(test_ports_full, setup_ports, dial_teardown),
		cmocka_unit_test_setup_teardown(test_weak_crypto, setup_weak, dial_teardown),
		cmocka_unit_test_setup_teardown(test_weak_crypto_race, setup_weak, dial_teardown),
		TEST(test_ten_thousand_sessions),
	};
	return STAGE_RUN(tests);
}
