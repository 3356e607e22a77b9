/* SPDX-License-Identifier: BSD-3-Clause */
/* Reliable delivery of control messages: loss, reordering, numbers, windows (RFC 2661 section
 * 5.8). */
#include <string.h>

#include "lab_test.h"

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
		struct l2tp_client *l = lab_lac(&lab,
			&(struct l2tp_client_config){.id = 7, .window = (uint16_t)(seed % 9)},
			seed % 2);
		l2tp_client_start(l, lab.now);
		while (!l->up)
			lab_run(&lab, lab.now + 100);
		for (uint16_t i = 1; i <= 6; i++)
			l2tp_client_call(l, i);
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
			assert_true(l->room.sessions[i].over);
			assert_int_equal(l->room.sessions[i].result, L2TP_CDN_ADMIN);
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
	struct l2tp_client *l = lab_tunnel(&lab, 1);
	for (unsigned int i = 0; i < 33000; i++) {
		l->n_sessions = lab.n_sessions = 0;
		struct l2tp_client_session *s = l2tp_client_call(l, (uint16_t)(i + 1));
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
	struct l2tp_client *l = lab_tunnel(&lab, 1);
	l2tp_client_call(l, 5);
	lab_run(&lab, lab.now + 200);
	l->cfg.habits.mute = true;
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
	struct l2tp_client *l = lab_tunnel(&lab, 1);
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

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, lab_setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_chaos),
		TEST(test_numbers_wrap),
		TEST(test_backoff),
		TEST(test_reordering),
		TEST(test_windows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
