/* SPDX-License-Identifier: BSD-3-Clause */
/* L2TP through the whole gateway: inside IPsec, in clear, and with a tunnel secret. */
#include "dataplane/api/command.h"
#include "dataplane/api/session.h"
#include "fake/call.h"

/* ------------------------------------------------------------------ inside IPsec */

static void
test_session(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 1);
	struct session_info s = first_session();
	const struct session_entry *e = fake_entry(&fake, SESSION_SLOT(s.handle));
	assert_string_equal(s.protocol, "l2tp");
	assert_int_equal(s.state, PHASE_UP);
	assert_string_equal(s.user, "alice");
	assert_int_equal(s.mppe_tx, 0);
	assert_int_equal(s.local_id, c->session->peer_id);
	assert_int_equal(s.remote_id, 77);
	assert_int_equal(s.tunnel_id, c->lac.peer_id);
	assert_int_equal(s.peer_tunnel_id, 1);
	assert_int_equal(s.sa, c->sa);
	assert_int_equal(s.ipsec_peer, 1);
	assert_int_equal(e->protocol, TUNNEL_L2TP);
	assert_int_equal(e->tunnel_id, c->lac.peer_id);
	assert_int_equal(e->sa, c->sa);
	assert_int_equal(e->peer, 1);
	assert_int_equal(e->inner_ip, c->peer.ip);
	assert_int_equal(fake.last[COMMAND_SESSION_ADD].add.server_port, 1701);
	assert_int_equal(fake.commands[COMMAND_SESSION_L2TP], 1);
	assert_int_equal(fake.last[COMMAND_SESSION_L2TP].l2tp.send_sequence, 0);
	assert_int_equal(fake.commands[COMMAND_SESSION_MPPE], 0);
	assert_int_equal(fake.last[COMMAND_SESSION_OPEN].open.require_mppe, 0);
	/* The edge: IPsec yes, clear L2TP no (T20), and PPTP is not enabled. */
	assert_int_equal(fake.last[COMMAND_GATEWAY].gateway.pptp, 0);
	assert_int_equal(fake.last[COMMAND_GATEWAY].gateway.ipsec, 1);
	assert_int_equal(fake.last[COMMAND_GATEWAY].gateway.clear_l2tp, 0);
	/* D5: 1,398 octets fit, though the client would take 1,500. */
	assert_int_equal(fake.last[COMMAND_SESSION_LINK].link.our_mru, 1398);
	assert_int_equal(fake.last[COMMAND_SESSION_LINK].link.peer_mru, 1398);
	assert_int_equal(carrier("l2tp").sessions, 1);
	assert_int_equal(carrier("pptp").sessions, 0);
	assert_int_equal(figure("l2tp", "tunnels"), 1);
	assert_int_equal(c->last_sa, c->sa);
	assert_true(logged("event=session-up session=1 protocol=l2tp"));
	/* The client hangs up. */
	l2tp_client_hang_up(&c->lac, c->session);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_true(logged("code=peer-closed"));
	assert_int_equal(status().pool_used, 0);
	assert_int_equal(fake_live(&fake), 0);
}

/* D1: clients behind one NAT address, each through its own SA; nobody's message counts for
 * another. */
static void
test_clients_behind_one_nat(void **state)
{
	(void)state;
	struct caller *a = call_up(0, 1), *b = call_up(1, 2), *c = call_up(2, 3);
	assert_int_equal(carrier("l2tp").sessions, 3);
	assert_int_not_equal(a->peer.ip, b->peer.ip);
	assert_int_not_equal(b->peer.ip, c->peer.ip);
	assert_int_equal(a->last_sa, a->sa);
	assert_int_equal(b->last_sa, b->sa);
	/* b's pair, a's tunnel. */
	uint32_t own = a->sa;
	a->sa = b->sa;
	l2tp_client_stop(&a->lac, L2TP_STOP_CLEAR, "Goodbye!");
	loop_for(&loop, 100);
	assert_int_equal(figure("l2tp", "wrong_peer"), 1);
	assert_int_equal(carrier("l2tp").sessions, 3);
	a->sa = own;
	/* One goes, the others stay; it comes back. */
	l2tp_sa_peer_gone(gateway_l2tp(gw), 2);
	loop_for(&loop, 100);
	assert_int_equal(carrier("l2tp").sessions, 2);
	assert_true(logged("code=sa-gone"));
	caller_end(b);
	call_up(3, 4);
	assert_true(caller_is_up(c));
}

/* D4: IKE re-keys; the session goes on through the new pair. */
static void
test_rekey(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 1);
	call_up(1, 2);
	uint32_t old = c->sa, new = make_pair(1, 30000);
	current_of[1] = new;
	l2tp_sa_current(gateway_l2tp(gw), 1, new);
	l2tp_sa_current(gateway_l2tp(gw), 1, new); /* again: nothing more to say */
	loop_for(&loop, 50);
	assert_int_equal(fake.commands[COMMAND_SESSION_SA], 1);
	assert_int_equal(fake_entry(&fake, SESSION_SLOT(first_session().handle))->sa, new);
	assert_int_equal(first_session().sa, new);
	/* The client still uses the old one, is answered through the new one. */
	assert_int_equal(c->sa, old);
	l2tp_client_call(&c->lac, 99);
	loop_for(&loop, 100);
	assert_int_equal(c->last_sa, new);
	/* No outbound SA for a while: nothing goes out in clear, nothing ends. */
	current_of[1] = 0;
	l2tp_sa_current(gateway_l2tp(gw), 1, 0);
	unsigned int received = c->lac.n_received;
	l2tp_client_call(&c->lac, 100);
	loop_for(&loop, 100);
	assert_int_equal(c->lac.n_received, received);
	assert_true(figure("l2tp", "unsent") > 0);
	assert_int_equal(fake.commands[COMMAND_SESSION_SA], 1);
	assert_int_equal(first_session().state, PHASE_UP);
	assert_int_equal(strays, 0);
}

/* A call while the peer has no outbound SA never becomes a session that would send in clear. */
static void
test_no_outbound_sa(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 1);
	current_of[1] = 0;
	l2tp_sa_current(gateway_l2tp(gw), 1, 0);
	l2tp_client_call(&c->lac, 99);
	loop_for(&loop, 100);
	assert_int_equal(fake.commands[COMMAND_SESSION_ADD], 1);
	assert_int_equal(status().refusals[REFUSAL_SA_GONE], 1);
	assert_int_equal(strays, 0);
}

/* T20: in clear, nothing is answered, and it is counted. */
static void
test_clear_refused(void **state)
{
	(void)state;
	struct ppp_client_config pc = ppp_client("alice", "pw-alice");
	struct caller *c = call_as(0, 0, &pc);
	loop_for(&loop, 200);
	assert_int_equal(c->lac.n_received, 0);
	assert_int_equal(figure("l2tp", "in_clear"), 1);
	assert_int_equal(status().refusals[REFUSAL_IPSEC_REQUIRED], 1);
	assert_int_equal(figure("l2tp", "tunnels_total"), 0);
	/* Nor through a pair of nobody known. */
	uint32_t sa = link_sa_take(gateway_link(gw), &loop);
	struct command_sa_add add = {.outer = {SERVER_IP, NAT_IP, 4500, 1}, .peer = 9};
	link_sa_add(gateway_link(gw), sa, &add);
	fake_pump(&fake);
	uint8_t bytes[12] = {0xc8, 2, 0, 12};
	fake_punt_l2tp(&fake, sa, &c->inner, bytes, sizeof(bytes));
	loop_for(&loop, 50);
	assert_int_equal(figure("l2tp", "strange_sa"), 1);
}

/* Methods without MPPE keys are well enough inside IPsec, whatever mppe.policy says. */
static void
test_methods(void **state)
{
	static const enum ppp_auth methods[] = {PPP_AUTH_CHAP_MD5, PPP_AUTH_PAP};
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct ppp_client_config pc = ppp_client("alice", "pw-alice");
		pc.auth = methods[i];
		pc.mppe = PPP_MPPE_128; /* it asks for MPPE, and is refused it */
		struct caller *c = call_as(i, 1 + i, &pc);
		assert_true(loop_until(&loop, caller_up, c, 6000));
		assert_int_equal(c->peer.tx_strengths, 0);
	}
	assert_int_equal(fake.commands[COMMAND_SESSION_MPPE], 0);
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *user, *password;
		enum refusal_code why;
	} cases[] = {{"alice", "wrong", REFUSAL_WRONG_PASSWORD},
		{"nobody", "x", REFUSAL_UNKNOWN_USER}, {"bob", "pw-bob", REFUSAL_DIALIN_DENIED}};
	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct ppp_client_config pc = ppp_client(cases[i].user, cases[i].password);
		struct caller *c = call_as(i, 1 + i, &pc);
		assert_true(loop_until(&loop, caller_over, c, 9000));
		assert_true(loop_until(&loop, no_sessions, NULL, 3000));
		assert_int_equal(status().refusals[cases[i].why], 1);
		assert_int_equal(c->session->result, L2TP_CDN_ADMIN);
	}
	assert_int_equal(status().pool_used, 0);
}

/* ------------------------------------------------------------------ in clear, when allowed */

static void
test_clear(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 0), *b = call_up(1, 0);
	struct session_info s = first_session();
	assert_int_equal(fake.last[COMMAND_GATEWAY].gateway.clear_l2tp, 1);
	assert_int_equal(s.sa, 0);
	assert_int_equal(s.mppe_tx, 128); /* mppe.policy holds */
	assert_int_equal(s.peer_port, 20000);
	assert_int_equal(c->last_sa, 0);
	/* Inside IPsec at the same time. */
	call_up(2, 1);
	/* Somebody else's port. */
	c->inner.peer_port++;
	l2tp_client_stop(&c->lac, L2TP_STOP_CLEAR, "Goodbye!");
	loop_for(&loop, 100);
	assert_int_equal(figure("l2tp", "wrong_peer"), 1);
	assert_true(caller_is_up(b));
}

static int
setup_secret(void **state)
{
	(void)state;
	call_stage("tunnel_secret = \"tunnel-secret\"; sequencing = true;", "");
	return 0;
}

static void
test_tunnel_secret(void **state)
{
	(void)state;
	struct ppp_client_config pc = ppp_client("alice", "pw-alice");
	struct caller *c = call_as(0, 1, &pc);
	assert_true(loop_until(&loop, caller_over, c, 3000));
	assert_int_equal(c->lac.result, L2TP_STOP_NOT_AUTHORIZED);
	assert_true(logged("code=tunnel-auth-failed"));
	assert_int_equal(status().refusals[REFUSAL_TUNNEL_AUTH_FAILED], 1);
	caller_end(c);
	struct sa_outer inner = {SERVER_IP, NAT_IP, 1701, 1701};
	caller_start(&callers[1], &fake,
		&(struct l2tp_client_config){
			.id = 5, .secret = "tunnel-secret", .challenges = true, .hides = true},
		&pc, c->sa, &inner);
	assert_true(loop_until(&loop, caller_up, &callers[1], 5000));
	assert_true(callers[1].lac.proven);
	assert_int_equal(fake.last[COMMAND_SESSION_L2TP].l2tp.send_sequence, 1);
	assert_int_equal(fake.last[COMMAND_SESSION_L2TP].l2tp.require_sequence, 0);
	assert_false(logged("tunnel-secret"));
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, call_setup, call_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_session),
		TEST(test_clients_behind_one_nat),
		TEST(test_rekey),
		TEST(test_no_outbound_sa),
		TEST(test_clear_refused),
		TEST(test_methods),
		TEST(test_refusals),
		cmocka_unit_test_setup_teardown(test_clear, call_setup_clear, call_teardown),
		cmocka_unit_test_setup_teardown(test_tunnel_secret, setup_secret, call_teardown),
	};
	return STAGE_RUN(tests);
}
