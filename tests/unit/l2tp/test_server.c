/* SPDX-License-Identifier: BSD-3-Clause */
/* Two peers in one process: what is said, in which order, and what comes of it. */
#include <string.h>

#include "lab_test.h"

static void
expect_steps(const struct l2tp_client *l, const char *const *steps, unsigned int n)
{
	const struct lab_port *port = l->user;

	for (unsigned int i = 0; i < n && i < port->n_steps; i++)
		assert_string_equal(port->steps[i], steps[i]);
	assert_int_equal(port->n_steps, n);
}
#define STEPS(l, ...)                                                        \
	do {                                                                 \
		static const char *const steps_[] = {__VA_ARGS__};           \
		expect_steps(l, steps_, sizeof(steps_) / sizeof(steps_[0])); \
	} while (0)

/* As in the captures of xl2tpd, but with acknowledgements on the replies where there are some. */
static void
test_session(void **state)
{
	struct l2tp_client_session *s;
	struct l2tp_stats st;

	(void)state;
	lab_start(&lab);
	struct l2tp_client *l =
		lab_lac(&lab, &(struct l2tp_client_config){.id = 7, .window = 4}, 1);
	l2tp_client_start(l, lab.now);
	lab_run(&lab, 1200);
	s = l2tp_client_call(l, 55);
	lab_run(&lab, 1400);
	assert_int_equal(lab.n_sessions, 1);
	assert_int_equal(lab.sessions[0].up, 1);
	assert_int_equal(lab.sessions[0].peer_id, 55);
	assert_int_equal(lab.sessions[0].how.tx_speed, 10000000);
	assert_false(lab.sessions[0].how.sequencing_required);
	assert_int_equal(s->peer_id, lab.sessions[0].our_id);
	l2tp_client_hang_up(l, s);
	lab_run(&lab, 1600);
	assert_int_equal(lab.sessions[0].down, 1);
	assert_int_equal(lab.sessions[0].why, REFUSAL_PEER_CLOSED);
	assert_string_equal(lab.sessions[0].text, "CDN, result 3, error 0");
	l2tp_client_stop(l, L2TP_STOP_CLEAR, "Goodbye!");
	lab_run(&lab, 1800);
	STEPS(l, "> SCCRQ 0/0", "< SCCRP 0/1", "> SCCCN 1/1", "< ZLB 1/2", "> ICRQ 2/1",
		"< ICRP 1/3", "> ICCN 3/2", "< ZLB 2/4", "> CDN 4/2", "< ZLB 2/5", "> StopCCN 5/2",
		"< ZLB 2/6");
	assert_int_equal(lab.tunnels_over, 1);
	assert_int_equal(lab.why, REFUSAL_PEER_CLOSED);
	st = lab_stats(&lab);
	assert_int_equal(st.tunnels, 0);
	assert_int_equal(st.sessions, 0);
	assert_int_equal(st.repeated, 0);
	/* Forgotten after a retransmission cycle. */
	lab_run(&lab, 60000);
	assert_int_equal(l2tp_server_next_timer(lab.server), L2TP_NEVER);
}

static void
test_sccrp(void **state)
{
	struct l2tp_header h;
	struct l2tp_message m;

	(void)state;
	lab_start(&lab);
	struct l2tp_client *l = lab_lac(&lab, &(struct l2tp_client_config){.id = 7}, 0);
	l2tp_client_start(l, lab.now);
	lab_run(&lab, 1015);
	assert_int_equal(l2tp_header_decode(&h, lab.last, lab.last_len), 0);
	assert_int_equal(l2tp_message_decode(&m, &h, lab.last, NULL), L2TP_GOOD);
	assert_int_equal(m.type, L2TP_SCCRP);
	assert_int_equal(m.version, 0x0100);
	assert_int_equal(m.framing_capabilities, 3);
	assert_string_equal(m.host_name, "vpn");
	assert_string_equal(m.vendor, "Adit");
	assert_int_equal(m.receive_window, 8);
	assert_int_not_equal(m.assigned_tunnel_id, 0);
	assert_false(m.has & L2TP_HAS(L2TP_CHALLENGE));
}

/* F13: nobody is told what and who we are, unless the operator wants it.  The name must be there.
 */
static void
test_sccrp_tells_nothing(void **state)
{
	struct l2tp_header h;
	struct l2tp_message m;

	(void)state;
	lab.cfg.host_name[0] = lab.cfg.vendor[0] = '\0';
	lab_start(&lab);
	l2tp_client_start(lab_lac(&lab, &(struct l2tp_client_config){.id = 7}, 0), lab.now);
	lab_run(&lab, 1015);
	assert_int_equal(l2tp_header_decode(&h, lab.last, lab.last_len), 0);
	assert_int_equal(l2tp_message_decode(&m, &h, lab.last, NULL), L2TP_GOOD);
	assert_int_equal(m.type, L2TP_SCCRP);
	assert_string_equal(m.host_name, "lns");
	assert_false(m.has & L2TP_HAS(L2TP_VENDOR_NAME));
}

/* ICCN as some phones send it, and with Sequencing Required. */
static void
test_iccn_variants(void **state)
{
	(void)state;
	lab_start(&lab);
	struct l2tp_client *a =
		lab_lac(&lab, &(struct l2tp_client_config){.id = 1, .habits.bare_iccn = true}, 1);
	struct l2tp_client *b =
		lab_lac(&lab, &(struct l2tp_client_config){.id = 1, .sequencing = true}, 2);
	l2tp_client_start(a, lab.now);
	l2tp_client_start(b, lab.now);
	lab_run(&lab, 1200);
	l2tp_client_call(a, 1);
	l2tp_client_call(b, 1);
	lab_run(&lab, 1400);
	assert_int_equal(lab.n_sessions, 2);
	assert_int_equal(lab.sessions[0].up, 1);
	assert_int_equal(lab.sessions[0].how.tx_speed, 0);
	assert_true(lab.sessions[1].how.sequencing_required);
}

/* ------------------------------------------------------------------ authentication */

static void
test_tunnel_secret(void **state)
{
	(void)state;
	strcpy(lab.cfg.secret, "tunnel-secret");
	lab_start(&lab);
	struct l2tp_client *good = lab_lac(&lab,
		&(struct l2tp_client_config){
			.id = 1, .secret = "tunnel-secret", .challenges = true, .hides = true},
		1);
	struct l2tp_client *bad =
		lab_lac(&lab, &(struct l2tp_client_config){.id = 2, .secret = "another-secret"}, 2);
	struct l2tp_client *none = lab_lac(&lab, &(struct l2tp_client_config){.id = 3}, 3);
	l2tp_client_start(good, lab.now);
	l2tp_client_start(bad, lab.now);
	l2tp_client_start(none, lab.now);
	lab_run(&lab, 1300);
	assert_true(good->up && good->proven && !good->stopped);
	assert_true(bad->stopped && none->stopped);
	assert_int_equal(bad->result, L2TP_STOP_NOT_AUTHORIZED);
	assert_int_equal(none->result, L2TP_STOP_NOT_AUTHORIZED);
	assert_int_equal(lab.tunnels_over, 2);
	assert_int_equal(lab.why, REFUSAL_TUNNEL_AUTH_FAILED);
	/* The session's ID is hidden, too. */
	l2tp_client_call(good, 4711);
	lab_run(&lab, 1600);
	assert_int_equal(lab.n_sessions, 1);
	assert_int_equal(lab.sessions[0].peer_id, 4711);
	assert_int_equal(lab.sessions[0].up, 1);
}

static void
test_challenge_declined(void **state)
{
	(void)state;
	strcpy(lab.cfg.secret, "tunnel-secret");
	lab_start(&lab);
	l2tp_client_start(
		lab_lac(&lab,
			&(struct l2tp_client_config){.id = 3, .habits.stops_at_challenge = true},
			1),
		lab.now);
	lab_run(&lab, 1300);
	assert_int_equal(lab.tunnels_over, 1);
	assert_int_equal(lab.why, REFUSAL_TUNNEL_AUTH_FAILED);
}

/* A client that wants proof of a secret that we have not: told so, without a tunnel. */
static void
test_challenge_without_secret(void **state)
{
	(void)state;
	lab_start(&lab);
	struct l2tp_client *l = lab_lac(
		&lab, &(struct l2tp_client_config){.id = 9, .secret = "x", .challenges = true}, 1);
	l2tp_client_start(l, lab.now);
	lab_run(&lab, 1200);
	assert_true(l->stopped);
	assert_int_equal(l->result, L2TP_STOP_NOT_AUTHORIZED);
	assert_int_equal(lab_stats(&lab).tunnels, 0);
	assert_int_equal(lab.why, REFUSAL_TUNNEL_AUTH_FAILED);
}

/* ------------------------------------------------------------------ whose tunnel (D1) */

static void
test_bound_to_peer(void **state)
{
	uint8_t bytes[64];
	size_t len;

	(void)state;
	lab_start(&lab);
	struct l2tp_client *l = lab_tunnel(&lab, 1);
	struct l2tp_client *clear = lab_tunnel(&lab, 0);
	struct l2tp_message m = {.type = L2TP_STOPCCN, .tunnel_id = l->peer_id, .ns = 2, .nr = 1};
	struct l2tp_path path = lab.paths[0];

	len = l2tp_message_encode(&m, NULL, bytes, sizeof(bytes));
	path.peer = 2; /* another client, same address: behind one NAT */
	lab_inject(&lab, &path, bytes, len);
	path.peer = 0; /* in clear */
	lab_inject(&lab, &path, bytes, len);
	assert_int_equal(lab_stats(&lab).wrong_peer, 2);
	path.server_ip++; /* the same ID at another address is another tunnel */
	path.peer = 1;
	lab_inject(&lab, &path, bytes, len);
	assert_int_equal(lab_stats(&lab).unknown_tunnel, 1);
	/* In clear the port counts. */
	m.tunnel_id = clear->peer_id;
	len = l2tp_message_encode(&m, NULL, bytes, sizeof(bytes));
	path = lab.paths[1];
	path.peer_port++;
	lab_inject(&lab, &path, bytes, len);
	path.peer_port--;
	path.peer = 1;
	lab_inject(&lab, &path, bytes, len);
	assert_int_equal(lab_stats(&lab).wrong_peer, 4);
	assert_int_equal(lab_stats(&lab).tunnels, 2);
}

/* Its NAT gives the client another port: the SA is the same, answers go to where it is now. */
static void
test_mapping_changes(void **state)
{
	(void)state;
	lab_start(&lab);
	struct l2tp_client *l = lab_tunnel(&lab, 1);
	lab.paths[0].peer_port = 40000;
	l2tp_client_call(l, 5);
	lab_run(&lab, lab.now + 200);
	assert_int_equal(lab.sessions[0].up, 1);
	assert_int_equal(lab.last_to.peer_port, 40000);
	assert_int_equal(lab.stray, 0);
}

/* ------------------------------------------------------------------ sessions */

static void
test_session_refusals(void **state)
{
	static const struct {
		enum refusal_code why;
		uint16_t result, error;
	} cases[] = {
		{REFUSAL_PORTS_FULL, L2TP_CDN_NO_FACILITIES_NOW, 0},
		{REFUSAL_NO_RESOURCES, L2TP_CDN_ERROR, L2TP_ERROR_RESOURCES},
		{REFUSAL_DATAPLANE_DOWN, L2TP_CDN_ERROR, L2TP_ERROR_RESOURCES},
		{REFUSAL_SERVER_STOPPING, L2TP_CDN_ADMIN, 0},
		{REFUSAL_PROTOCOL_DISABLED, L2TP_CDN_ADMIN, 0},
	};

	(void)state;
	lab_start(&lab);
	struct l2tp_client *l = lab_tunnel(&lab, 1);
	for (uint16_t i = 0; i < 5; i++) {
		lab.answer = cases[i].why;
		struct l2tp_client_session *s = l2tp_client_call(l, (uint16_t)(i + 1));
		lab_run(&lab, lab.now + 100);
		assert_true(s->over);
		assert_int_equal(s->result, cases[i].result);
		assert_int_equal(s->error, cases[i].error);
	}
	assert_int_equal(lab_stats(&lab).sessions_refused, 5);
	lab.answer = REFUSAL_NONE;
	/* The same ID twice, and one more than a tunnel may have. */
	l2tp_client_call(l, 7);
	struct l2tp_client_session *twice = l2tp_client_call(l, 7);
	lab_run(&lab, lab.now + 300);
	assert_int_equal(lab.n_sessions, 1);
	assert_int_equal(twice->result, L2TP_CDN_ERROR);
	assert_int_equal(twice->error, L2TP_ERROR_SESSION_ID);
	for (uint16_t i = 0; i < 15; i++)
		l2tp_client_call(l, (uint16_t)(20 + i));
	lab_run(&lab, lab.now + 3000);
	assert_int_equal(lab_stats(&lab).sessions, 16);
	struct l2tp_client_session *last = l2tp_client_call(l, 40);
	lab_run(&lab, lab.now + 300);
	assert_true(last->over);
	assert_int_equal(last->result, L2TP_CDN_NO_FACILITIES_NOW);
}

static void
test_other_messages(void **state)
{
	(void)state;
	lab_start(&lab);
	struct l2tp_client *l = lab_tunnel(&lab, 1);
	/* We dial nobody. */
	struct l2tp_message m = {.type = L2TP_OCRQ,
		.has = L2TP_HAS(L2TP_ASSIGNED_SESSION_ID) | L2TP_HAS(L2TP_CALL_SERIAL),
		.assigned_session_id = 77};
	l->room.sessions[l->n_sessions++] = (struct l2tp_client_session){.id = 77};
	l2tp_client_post(l, &m);
	lab_run(&lab, lab.now + 100);
	assert_true(l->room.sessions[0].over);
	assert_int_equal(l->room.sessions[0].result, L2TP_CDN_NO_FACILITIES);
	/* WEN and SLI do nothing to a session; an ICRP or a second ICCN ends it. */
	struct l2tp_client_session *s = l2tp_client_call(l, 5);
	lab_run(&lab, lab.now + 100);
	m = (struct l2tp_message){.type = L2TP_WEN,
		.session_id = s->peer_id,
		.has = L2TP_HAS(L2TP_CALL_ERRORS),
		.call_errors = {1, 2, 3}};
	l2tp_client_post(l, &m);
	m = (struct l2tp_message){.type = L2TP_SLI,
		.session_id = s->peer_id,
		.has = L2TP_HAS(L2TP_ACCM),
		.send_accm = 0xffffffff};
	l2tp_client_post(l, &m);
	lab_run(&lab, lab.now + 100);
	assert_int_equal(lab_stats(&lab).wan_errors, 1);
	assert_int_equal(lab.sessions[0].down, 0);
	m = (struct l2tp_message){.type = L2TP_ICCN, .session_id = s->peer_id};
	l2tp_client_post(l, &m);
	lab_run(&lab, lab.now + 100);
	assert_int_equal(lab.sessions[0].why, REFUSAL_PROTOCOL_ERROR);
	assert_true(s->over);
	/* Messages for a session that is over, and CDN by the client's own ID. */
	l2tp_client_post(l, &m);
	s = l2tp_client_call(l, 6);
	lab_run(&lab, lab.now + 300);
	m = (struct l2tp_message){.type = L2TP_CDN,
		.has = L2TP_HAS(L2TP_RESULT_CODE) | L2TP_HAS(L2TP_ASSIGNED_SESSION_ID),
		.result = 1,
		.assigned_session_id = 6};
	l2tp_client_post(l, &m);
	lab_run(&lab, lab.now + 300);
	assert_int_equal(lab.sessions[1].down, 1);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
}

/* The gateway ends sessions from within callbacks. */
static void
test_callbacks_call_back(void **state)
{
	(void)state;
	lab.close_on_request = lab.close_on_down = true;
	lab_start(&lab);
	struct l2tp_client *a = lab_tunnel(&lab, 1), *b = lab_tunnel(&lab, 2);
	for (uint16_t i = 1; i <= 8; i++)
		l2tp_client_call(i % 2 ? a : b, i);
	lab_run(&lab, lab.now + 2000);
	assert_int_equal(lab_stats(&lab).sessions, 1);
	l2tp_client_call(a, 100);
	l2tp_client_call(b, 100);
	l2tp_client_stop(a, L2TP_STOP_CLEAR, "Goodbye!");
	l2tp_client_stop(b, L2TP_STOP_CLEAR, "Goodbye!");
	lab_run(&lab, lab.now + 100000);
	assert_int_equal(lab_stats(&lab).sessions, 0);
	for (unsigned int i = 0; i < lab.n_sessions; i++)
		assert_int_equal(lab.sessions[i].down, 1);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, lab_setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_session),
		TEST(test_sccrp),
		TEST(test_sccrp_tells_nothing),
		TEST(test_iccn_variants),
		TEST(test_tunnel_secret),
		TEST(test_challenge_declined),
		TEST(test_challenge_without_secret),
		TEST(test_bound_to_peer),
		TEST(test_mapping_changes),
		TEST(test_session_refusals),
		TEST(test_other_messages),
		TEST(test_callbacks_call_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
