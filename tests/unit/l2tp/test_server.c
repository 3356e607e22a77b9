/* SPDX-License-Identifier: BSD-3-Clause */
/* Two peers in one process: what is said, in which order, and what comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "lab.h"

static struct lab lab;

static int
setup(void **state)
{
	(void)state;
	lab_init(&lab);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	lab_end(&lab);
	return 0;
}

static void
expect_steps(const struct lac *l, const char *const *steps, unsigned int n)
{
	for (unsigned int i = 0; i < n && i < l->n_steps; i++)
		assert_string_equal(l->steps[i], steps[i]);
	assert_int_equal(l->n_steps, n);
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
	struct lac_session *s;
	struct l2tp_stats st;

	(void)state;
	lab_start(&lab);
	struct lac *l = lab_lac(&lab, &(struct lac_config){.id = 7, .window = 4}, 1);
	lac_start(l, lab.now);
	lab_run(&lab, 1200);
	s = lac_call(l, 55);
	lab_run(&lab, 1400);
	assert_int_equal(lab.n_sessions, 1);
	assert_int_equal(lab.sessions[0].up, 1);
	assert_int_equal(lab.sessions[0].peer_id, 55);
	assert_int_equal(lab.sessions[0].how.tx_speed, 10000000);
	assert_false(lab.sessions[0].how.sequencing_required);
	assert_int_equal(s->peer_id, lab.sessions[0].our_id);
	lac_hang_up(l, s);
	lab_run(&lab, 1600);
	assert_int_equal(lab.sessions[0].down, 1);
	assert_int_equal(lab.sessions[0].why, REFUSAL_PEER_CLOSED);
	assert_string_equal(lab.sessions[0].text, "CDN, result 3, error 0");
	lac_stop(l);
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
	struct lac *l = lab_lac(&lab, &(struct lac_config){.id = 7}, 0);
	lac_start(l, lab.now);
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

/* ICCN as some phones send it, and with Sequencing Required. */
static void
test_iccn_variants(void **state)
{
	(void)state;
	lab_start(&lab);
	struct lac *a = lab_lac(&lab, &(struct lac_config){.id = 1, .bare_iccn = true}, 1);
	struct lac *b = lab_lac(&lab, &(struct lac_config){.id = 1, .sequencing = true}, 2);
	lac_start(a, lab.now);
	lac_start(b, lab.now);
	lab_run(&lab, 1200);
	lac_call(a, 1);
	lac_call(b, 1);
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
	struct lac *good = lab_lac(&lab,
		&(struct lac_config){
			.id = 1, .secret = "tunnel-secret", .challenges = true, .hides = true},
		1);
	struct lac *bad = lab_lac(&lab,
		&(struct lac_config){.id = 2, .secret = "tunnel-secret", .wrong_response = true},
		2);
	struct lac *none = lab_lac(&lab, &(struct lac_config){.id = 3}, 3);
	lac_start(good, lab.now);
	lac_start(bad, lab.now);
	lac_start(none, lab.now);
	lab_run(&lab, 1300);
	assert_true(good->up && good->proven && !good->stopped);
	assert_true(bad->stopped && none->stopped);
	assert_int_equal(bad->result, L2TP_STOP_NOT_AUTHORIZED);
	assert_int_equal(none->result, L2TP_STOP_NOT_AUTHORIZED);
	assert_int_equal(lab.tunnels_over, 2);
	assert_int_equal(lab.why, REFUSAL_TUNNEL_AUTH_FAILED);
	/* The session's ID is hidden, too. */
	lac_call(good, 4711);
	lab_run(&lab, 1600);
	assert_int_equal(lab.n_sessions, 1);
	assert_int_equal(lab.sessions[0].peer_id, 4711);
	assert_int_equal(lab.sessions[0].up, 1);
}

/* A client that wants proof of a secret that we have not: told so, without a tunnel. */
static void
test_challenge_without_secret(void **state)
{
	(void)state;
	lab_start(&lab);
	struct lac *l =
		lab_lac(&lab, &(struct lac_config){.id = 9, .secret = "x", .challenges = true}, 1);
	lac_start(l, lab.now);
	lab_run(&lab, 1200);
	assert_true(l->stopped);
	assert_int_equal(l->result, L2TP_STOP_NOT_AUTHORIZED);
	assert_int_equal(lab_stats(&lab).tunnels, 0);
	assert_int_equal(lab.why, REFUSAL_TUNNEL_AUTH_FAILED);
}

/* ------------------------------------------------------------------ delivery */

static void
test_chaos(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 60; seed++) {
		lab_init(&lab);
		lab.rng = seed * 0x9e3779b97f4a7c15u;
		lab.loss = 20;
		lab.dup = 15;
		lab.reorder = 20;
		lab_start(&lab);
		struct lac *l = lab_lac(&lab,
			&(struct lac_config){.id = 7, .window = (uint16_t)(seed % 9)}, seed % 2);
		lac_start(l, lab.now);
		while (!l->up)
			lab_run(&lab, lab.now + 100);
		for (uint16_t i = 1; i <= 6; i++)
			lac_call(l, i);
		lab_run(&lab, 100000);
		assert_false(l->dead);
		assert_int_equal(lab.n_sessions, 6);
		for (unsigned int i = 0; i < 6; i++) {
			assert_int_equal(lab.sessions[i].peer_id, i + 1);
			assert_int_equal(lab.sessions[i].up, 1);
			assert_int_equal(lab.sessions[i].down, 0);
		}
		for (unsigned int i = 0; i < 6; i++)
			l2tp_session_close(lab.server, 0xc0000201, lab.sessions[i].tunnel_id,
				lab.sessions[i].our_id, REFUSAL_ADMIN_DISCONNECT, lab.now);
		lab_run(&lab, 160000);
		for (unsigned int i = 0; i < 6; i++) {
			assert_true(l->sessions[i].over);
			assert_int_equal(l->sessions[i].result, L2TP_CDN_ADMIN);
			assert_int_equal(lab.sessions[i].down, 1);
		}
		lab_end(&lab);
	}
	lab_start(&lab);
}

/* More than 65,536 messages in either direction. */
static void
test_numbers_wrap(void **state)
{
	unsigned int repeats;

	(void)state;
	lab.cfg.max_sessions_per_tunnel = 1000;
	lab_start(&lab);
	struct lac *l = lab_tunnel(&lab, 1);
	for (unsigned int i = 0; i < 33000; i++) {
		l->n_sessions = lab.n_sessions = 0;
		struct lac_session *s = lac_call(l, (uint16_t)(i + 1));
		lab_run(&lab, lab.now + 60);
		assert_int_equal(lab.sessions[0].up, 1);
		lab_run(&lab, lab.now + 60);
		l2tp_session_close(lab.server, 0xc0000201, lab.sessions[0].tunnel_id,
			lab.sessions[0].our_id, REFUSAL_ADMIN_DISCONNECT, lab.now);
		lab_run(&lab, lab.now + 60);
		assert_true(s->over);
	}
	repeats = l->repeats;
	assert_int_equal(repeats, 0);
	assert_int_equal(lab_stats(&lab).repeated, 0);
	assert_int_equal(l->nr, (uint16_t)(1 + 2 * 33000));
	assert_int_equal(l->ns, (uint16_t)(2 + 2 * 33000));
}

/* A silent client: 1, 2, 4, 8, 8 s, then it is dead. */
static void
test_backoff(void **state)
{
	(void)state;
	lab.cfg.idle_ms = 0;
	lab_start(&lab);
	struct lac *l = lab_tunnel(&lab, 1);
	lac_call(l, 5);
	lab_run(&lab, lab.now + 200);
	l->cfg.mute = true;
	uint64_t begin = lab.now, last = lab_stats(&lab).sent;
	l2tp_session_close(lab.server, 0xc0000201, lab.sessions[0].tunnel_id,
		lab.sessions[0].our_id, REFUSAL_ADMIN_DISCONNECT, lab.now);
	assert_int_equal(lab_stats(&lab).sent, last + 1);
	static const unsigned int at[] = {1000, 3000, 7000, 15000, 23000};
	for (unsigned int i = 0; i < 5; i++) {
		lab_run(&lab, begin + at[i] - 1);
		assert_int_equal(lab_stats(&lab).repeated, i);
		lab_run(&lab, begin + at[i]);
		assert_int_equal(lab_stats(&lab).repeated, i + 1);
	}
	lab_run(&lab, begin + 30999);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	lab_run(&lab, begin + 31000);
	assert_int_equal(lab_stats(&lab).tunnels, 0);
	assert_int_equal(lab.why, REFUSAL_PEER_DEAD);
	assert_int_equal(lab_stats(&lab).repeated, 5);
}

/* Early messages wait for their turn, within the window; a repeated one is acknowledged again. */
static void
test_reordering(void **state)
{
	(void)state;
	lab_start(&lab);
	struct lac *l = lab_tunnel(&lab, 1);
	struct l2tp_path path = lab.paths[0];
	struct l2tp_message m = {.type = L2TP_ICRQ,
		.tunnel_id = l->peer_id,
		.nr = 1,
		.has = L2TP_HAS(L2TP_ASSIGNED_SESSION_ID)};
	uint8_t bytes[16][64];
	size_t len = 0;

	for (uint16_t i = 0; i < 16; i++) {
		m.ns = (uint16_t)(2 + i);
		m.assigned_session_id = (uint16_t)(10 + i);
		len = l2tp_message_encode(&m, NULL, bytes[i], sizeof(bytes[i]));
	}
	lab_inject(&lab, &path, bytes[2], len); /* early */
	lab_inject(&lab, &path, bytes[1], len);
	lab_inject(&lab, &path, bytes[2], len);  /* twice */
	lab_inject(&lab, &path, bytes[8], len);  /* beyond the window of 8 */
	lab_inject(&lab, &path, bytes[15], len); /* far */
	assert_int_equal(lab.n_sessions, 0);
	assert_int_equal(lab_stats(&lab).outside, 2);
	lab_inject(&lab, &path, bytes[0], len);
	assert_int_equal(lab.n_sessions, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(lab.sessions[i].peer_id, 10 + i);
	uint64_t sent = lab_stats(&lab).sent;
	lab_inject(&lab, &path, bytes[1], len);
	assert_int_equal(lab.n_sessions, 3);
	assert_int_equal(lab_stats(&lab).duplicates, 1);
	assert_int_equal(lab_stats(&lab).sent, sent + 1);
	assert_int_equal(lab.last_len, L2TP_HEADER_LEN);
	assert_int_equal(wire_be16(lab.last + 10), 5);
}

/* Appendix A: the server sends one message at first, and never more than the peer's window. */
static void
test_windows(void **state)
{
	static const unsigned int windows[] = {0, 1, 2, 4, 100};

	(void)state;
	for (unsigned int w = 0; w < 5; w++) {
		lab_init(&lab);
		lab_start(&lab);
		struct l2tp_path path = {1, 1, 2, 1701, 1701};
		struct l2tp_message m = {.type = L2TP_SCCRQ,
			.has = L2TP_HAS(L2TP_ASSIGNED_TUNNEL_ID) | L2TP_HAS(L2TP_RECEIVE_WINDOW),
			.assigned_tunnel_id = 3,
			.receive_window = (uint16_t)windows[w]};
		uint8_t bytes[64];
		lab_inject(&lab, &path, bytes, l2tp_message_encode(&m, NULL, bytes, 64));
		struct l2tp_header h;
		struct l2tp_message r;
		l2tp_header_decode(&h, lab.last, lab.last_len);
		l2tp_message_decode(&r, &h, lab.last, NULL);
		m = (struct l2tp_message){
			.type = L2TP_SCCCN, .tunnel_id = r.assigned_tunnel_id, .ns = 1, .nr = 1};
		lab_inject(&lab, &path, bytes, l2tp_message_encode(&m, NULL, bytes, 64));
		/* Eight calls, whose ICRPs are not acknowledged: as many as slow start allows. */
		uint64_t stray = lab.stray;
		unsigned int zlbs = 0, window = windows[w] ? windows[w] : 1;
		for (uint16_t i = 0; i < 8; i++) {
			m = (struct l2tp_message){.type = L2TP_ICRQ,
				.tunnel_id = r.assigned_tunnel_id,
				.ns = (uint16_t)(2 + i),
				.nr = 1,
				.has = L2TP_HAS(L2TP_ASSIGNED_SESSION_ID),
				.assigned_session_id = (uint16_t)(i + 1)};
			lab_inject(&lab, &path, bytes, l2tp_message_encode(&m, NULL, bytes, 64));
			zlbs += lab.last_len == L2TP_HEADER_LEN;
		}
		unsigned int icrps = (unsigned int)(lab.stray - stray) - zlbs;
		/* SCCRP's acknowledgement opened the window to 2, if the peer's is as large. */
		assert_int_equal(icrps, window < 2 ? window : 2);
		/* All acknowledged, one by one: never more under way than the peer takes. */
		for (uint16_t nr = 2; nr <= 9; nr++) {
			stray = lab.stray;
			m = (struct l2tp_message){
				.tunnel_id = r.assigned_tunnel_id, .ns = 10, .nr = nr};
			lab_inject(&lab, &path, bytes, l2tp_message_encode(&m, NULL, bytes, 64));
			icrps += (unsigned int)(lab.stray - stray);
			assert_true(icrps - (nr - 1u) <= window);
		}
		assert_int_equal(icrps, 8);
		lab_end(&lab);
	}
	lab_start(&lab);
}

/* ------------------------------------------------------------------ life of tunnels */

static void
test_hello(void **state)
{
	(void)state;
	lab_start(&lab);
	struct lac *l = lab_tunnel(&lab, 1);
	lac_call(l, 5);
	lab_run(&lab, lab.now + 100000);
	assert_int_equal(l->hellos, 1);
	lab_run(&lab, lab.now + 600000);
	assert_int_equal(l->hellos, 11);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	l->cfg.mute = true;
	lab_run(&lab, lab.now + 100000);
	assert_int_equal(lab.sessions[0].why, REFUSAL_PEER_DEAD);
	assert_int_equal(lab_stats(&lab).tunnels, 0);
}

static void
test_timeouts(void **state)
{
	(void)state;
	lab_start(&lab);
	/* No SCCCN. */
	struct lac *mute = lab_lac(&lab, &(struct lac_config){.id = 1, .mute = true}, 1);
	lac_start(mute, lab.now);
	mute->due = UINT64_MAX;
	lab_run(&lab, 1100);
	assert_int_equal(lab_stats(&lab).half_open, 1);
	lab_run(&lab, 17000);
	assert_int_equal(lab_stats(&lab).half_open, 0);
	assert_int_equal(lab.why, REFUSAL_SETUP_TIMEOUT);
	/* No call. */
	struct lac *idle = lab_tunnel(&lab, 2);
	lab_run(&lab, lab.now + 31000);
	assert_true(idle->stopped);
	assert_int_equal(idle->result, L2TP_STOP_CLEAR);
	/* No ICCN. */
	struct lac *l = lab_tunnel(&lab, 3);
	struct l2tp_message m = {.type = L2TP_ICRQ,
		.has = L2TP_HAS(L2TP_ASSIGNED_SESSION_ID),
		.assigned_session_id = 9};
	lac_post(l, &m);
	lab_run(&lab, lab.now + 1000);
	assert_int_equal(lab.n_sessions, 1);
	lab_run(&lab, lab.now + 30000);
	assert_int_equal(lab.sessions[0].why, REFUSAL_SETUP_TIMEOUT);
	/* And, its only session gone, the tunnel. */
	lab_run(&lab, lab.now + 31000);
	assert_int_equal(lab_stats(&lab).tunnels, 0);
}

static void
test_stop(void **state)
{
	(void)state;
	lab_start(&lab);
	struct lac *a = lab_tunnel(&lab, 1), *b = lab_tunnel(&lab, 2);
	lac_call(a, 5);
	lab_run(&lab, lab.now + 100);
	b->cfg.mute = true;
	l2tp_server_stop(lab.server, REFUSAL_SERVER_STOPPING, lab.now);
	assert_int_equal(lab.sessions[0].why, REFUSAL_SERVER_STOPPING);
	lab_run(&lab, lab.now + 100);
	assert_true(a->stopped);
	assert_int_equal(a->result, L2TP_STOP_SHUTDOWN);
	assert_int_equal(l2tp_server_stopping(lab.server), 1);
	struct lac *c = lab_lac(&lab, &(struct lac_config){.id = 9}, 3);
	lac_start(c, lab.now);
	lab_run(&lab, lab.now + 100);
	assert_true(c->stopped);
	lab_run(&lab, lab.now + 40000);
	assert_int_equal(l2tp_server_stopping(lab.server), 0);
}

/* An operator ends session and tunnel: CDN, StopCCN, and then the gateway may end the SA. */
static void
test_close_idle(void **state)
{
	(void)state;
	lab_start(&lab);
	struct lac *l = lab_tunnel(&lab, 1);
	struct lac_session *s = lac_call(l, 5);
	lab_run(&lab, lab.now + 100);
	uint16_t id = lab.sessions[0].tunnel_id;
	l2tp_tunnel_close_idle(lab.server, 0xc0000201, id, REFUSAL_ADMIN_DISCONNECT, lab.now);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	l2tp_session_close(lab.server, 0xc0000201, id, lab.sessions[0].our_id,
		REFUSAL_ADMIN_DISCONNECT, lab.now);
	l2tp_tunnel_close_idle(lab.server, 0xc0000201, id, REFUSAL_ADMIN_DISCONNECT, lab.now);
	assert_int_equal(lab.tunnels_stopped, 0);
	lab_run(&lab, lab.now + 100);
	assert_true(s->over && l->stopped);
	assert_int_equal(lab.tunnels_stopped, 1);
	assert_int_equal(lab.stopped_why, REFUSAL_ADMIN_DISCONNECT);
	assert_int_equal(l2tp_server_next_timer(lab.server), L2TP_NEVER);
}

/* A client that lost its memory opens a tunnel with the ID that it had before. */
static void
test_restarted_client(void **state)
{
	(void)state;
	lab_start(&lab);
	struct lac *l = lab_tunnel(&lab, 0);
	lac_call(l, 5);
	lab_run(&lab, lab.now + 50000);
	assert_int_equal(lab.sessions[0].down, 0);
	struct lac_config cfg = l->cfg;
	lac_init(l, &cfg, l->send, l->user);
	lac_start(l, lab.now);
	lab_run(&lab, lab.now + 200);
	assert_true(l->up);
	assert_int_equal(lab.sessions[0].why, REFUSAL_PEER_CLOSED);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	lac_call(l, 5);
	lab_run(&lab, lab.now + 200);
	assert_int_equal(lab.sessions[1].up, 1);
}

/* A client that died without a word and comes back with another ID: its old tunnel is asked at
 * once, and not held for the whole interval of HELLO.  A client with two tunnels keeps both. */
static void
test_earlier_tunnels_are_asked(void **state)
{
	(void)state;
	lab_start(&lab);
	for (unsigned int dead = 0; dead < 2; dead++) {
		struct lac *old = lab_tunnel(&lab, 1 + dead);
		lac_call(old, 5);
		lab_run(&lab, lab.now + 1000);
		old->cfg.mute = dead;
		struct lac *new = lab_lac(&lab, &(struct lac_config){.id = 999}, 1 + dead);
		lab.paths[lab.n_lacs - 1].peer_ip = lab.paths[lab.n_lacs - 2].peer_ip;
		lac_start(new, lab.now);
		lab_run(&lab, lab.now + 100);
		lac_call(new, 5);
		lab_run(&lab, lab.now + 100);
		assert_int_equal(old->hellos, !dead);
		assert_int_equal(lab.sessions[2 * dead].down, 0);
		lab_run(&lab, lab.now + 32000);
		assert_int_equal(lab.sessions[2 * dead].down, dead);
		assert_int_equal(lab.sessions[2 * dead + 1].down, 0);
	}
	assert_int_equal(lab.sessions[2].why, REFUSAL_PEER_DEAD);
}

/* The SA's end takes its tunnels with it, and nobody else's. */
static void
test_peer_gone(void **state)
{
	(void)state;
	lab_start(&lab);
	struct lac *a = lab_tunnel(&lab, 1), *b = lab_tunnel(&lab, 2);
	lac_call(a, 5);
	lac_call(b, 5);
	lab_run(&lab, lab.now + 100);
	l2tp_server_peer_gone(lab.server, 1, REFUSAL_SA_GONE, lab.now);
	assert_int_equal(lab.sessions[0].why, REFUSAL_SA_GONE);
	assert_int_equal(lab.sessions[1].down, 0);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	l2tp_server_peer_gone(lab.server, 0, REFUSAL_SA_GONE, lab.now);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	l2tp_server_abandon(lab.server, REFUSAL_DATAPLANE_DOWN, lab.now);
	assert_int_equal(lab.sessions[1].why, REFUSAL_DATAPLANE_DOWN);
	assert_int_equal(l2tp_server_next_timer(lab.server), L2TP_NEVER);
}

/* ------------------------------------------------------------------ whose tunnel (D1) */

static void
test_bound_to_peer(void **state)
{
	uint8_t bytes[64];
	size_t len;

	(void)state;
	lab_start(&lab);
	struct lac *l = lab_tunnel(&lab, 1);
	struct lac *clear = lab_tunnel(&lab, 0);
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
	struct lac *l = lab_tunnel(&lab, 1);
	lab.paths[0].peer_port = 40000;
	lac_call(l, 5);
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
	struct lac *l = lab_tunnel(&lab, 1);
	for (uint16_t i = 0; i < 5; i++) {
		lab.answer = cases[i].why;
		struct lac_session *s = lac_call(l, (uint16_t)(i + 1));
		lab_run(&lab, lab.now + 100);
		assert_true(s->over);
		assert_int_equal(s->result, cases[i].result);
		assert_int_equal(s->error, cases[i].error);
	}
	assert_int_equal(lab_stats(&lab).sessions_refused, 5);
	lab.answer = REFUSAL_NONE;
	/* The same ID twice, and one more than a tunnel may have. */
	lac_call(l, 7);
	struct lac_session *twice = lac_call(l, 7);
	lab_run(&lab, lab.now + 300);
	assert_int_equal(lab.n_sessions, 1);
	assert_int_equal(twice->result, L2TP_CDN_ERROR);
	assert_int_equal(twice->error, L2TP_ERROR_SESSION_ID);
	for (uint16_t i = 0; i < 15; i++)
		lac_call(l, (uint16_t)(20 + i));
	lab_run(&lab, lab.now + 3000);
	assert_int_equal(lab_stats(&lab).sessions, 16);
	struct lac_session *last = lac_call(l, 40);
	lab_run(&lab, lab.now + 300);
	assert_true(last->over);
	assert_int_equal(last->result, L2TP_CDN_NO_FACILITIES_NOW);
}

static void
test_other_messages(void **state)
{
	(void)state;
	lab_start(&lab);
	struct lac *l = lab_tunnel(&lab, 1);
	/* We dial nobody. */
	struct l2tp_message m = {.type = L2TP_OCRQ,
		.has = L2TP_HAS(L2TP_ASSIGNED_SESSION_ID) | L2TP_HAS(L2TP_CALL_SERIAL),
		.assigned_session_id = 77};
	l->sessions[l->n_sessions++] = (struct lac_session){.id = 77};
	lac_post(l, &m);
	lab_run(&lab, lab.now + 100);
	assert_true(l->sessions[0].over);
	assert_int_equal(l->sessions[0].result, L2TP_CDN_NO_FACILITIES);
	/* WEN and SLI do nothing to a session; an ICRP or a second ICCN ends it. */
	struct lac_session *s = lac_call(l, 5);
	lab_run(&lab, lab.now + 100);
	m = (struct l2tp_message){.type = L2TP_WEN,
		.session_id = s->peer_id,
		.has = L2TP_HAS(L2TP_CALL_ERRORS),
		.call_errors = {1, 2, 3}};
	lac_post(l, &m);
	m = (struct l2tp_message){.type = L2TP_SLI,
		.session_id = s->peer_id,
		.has = L2TP_HAS(L2TP_ACCM),
		.send_accm = 0xffffffff};
	lac_post(l, &m);
	lab_run(&lab, lab.now + 100);
	assert_int_equal(lab_stats(&lab).wan_errors, 1);
	assert_int_equal(lab.sessions[0].down, 0);
	m = (struct l2tp_message){.type = L2TP_ICCN, .session_id = s->peer_id};
	lac_post(l, &m);
	lab_run(&lab, lab.now + 100);
	assert_int_equal(lab.sessions[0].why, REFUSAL_PROTOCOL_ERROR);
	assert_true(s->over);
	/* Messages for a session that is over, and CDN by the client's own ID. */
	lac_post(l, &m);
	s = lac_call(l, 6);
	lab_run(&lab, lab.now + 300);
	m = (struct l2tp_message){.type = L2TP_CDN,
		.has = L2TP_HAS(L2TP_RESULT_CODE) | L2TP_HAS(L2TP_ASSIGNED_SESSION_ID),
		.result = 1,
		.assigned_session_id = 6};
	lac_post(l, &m);
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
	struct lac *a = lab_tunnel(&lab, 1), *b = lab_tunnel(&lab, 2);
	for (uint16_t i = 1; i <= 8; i++)
		lac_call(i % 2 ? a : b, i);
	lab_run(&lab, lab.now + 2000);
	assert_int_equal(lab_stats(&lab).sessions, 1);
	lac_call(a, 100);
	lac_call(b, 100);
	lac_stop(a);
	lac_stop(b);
	lab_run(&lab, lab.now + 100000);
	assert_int_equal(lab_stats(&lab).sessions, 0);
	for (unsigned int i = 0; i < lab.n_sessions; i++)
		assert_int_equal(lab.sessions[i].down, 1);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_session),
		TEST(test_sccrp),
		TEST(test_iccn_variants),
		TEST(test_tunnel_secret),
		TEST(test_challenge_without_secret),
		TEST(test_chaos),
		TEST(test_numbers_wrap),
		TEST(test_backoff),
		TEST(test_reordering),
		TEST(test_windows),
		TEST(test_hello),
		TEST(test_timeouts),
		TEST(test_stop),
		TEST(test_close_idle),
		TEST(test_restarted_client),
		TEST(test_earlier_tunnels_are_asked),
		TEST(test_peer_gone),
		TEST(test_bound_to_peer),
		TEST(test_mapping_changes),
		TEST(test_session_refusals),
		TEST(test_other_messages),
		TEST(test_callbacks_call_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
