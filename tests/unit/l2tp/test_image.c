/* SPDX-License-Identifier: BSD-3-Clause */
/* Tunnels go on in another process: nothing but their images is handed on (D7, T19). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "control/l2tp/image.h"
#include "lab.h"

static struct lab lab;

static int
setup(void **state)
{
	(void)state;
	lab_init(&lab);
	lab.noted_first = true;
	lab_start(&lab);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	lab_end(&lab);
	return 0;
}

/* A client with a tunnel and a call; *mine is the server's side of the call. */
static struct l2tp_client *
call(uint32_t peer, uint16_t id, struct l2tp_client_session **theirs)
{
	struct l2tp_client *l = lab_tunnel(&lab, peer);
	*theirs = l2tp_client_call(l, id);
	lab_run(&lab, lab.now + 200);
	assert_true((*theirs)->up);
	return l;
}

/* The process dies without a word, and another one goes on. */
static void
change_process(void)
{
	lab_restart(&lab);
}

static void
test_goes_on(void **state)
{
	struct l2tp_client_session *first, *second;
	(void)state;
	struct l2tp_client *l = call(1, 55, &first);
	unsigned int sent = l->n_received;
	change_process();
	change_process();
	assert_int_equal(l->n_received, sent);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	assert_int_equal(lab_stats(&lab).sessions, 1);
	assert_int_equal(lab_stats(&lab).half_open, 0);
	/* HELLO within an interval, and no end of it. */
	lab_run(&lab, lab.now + 10 * lab.cfg.hello_interval_ms);
	assert_in_range(l->hellos, 9, 11);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	/* A second call in the same tunnel. */
	second = l2tp_client_call(l, 56);
	lab_run(&lab, lab.now + 500);
	assert_true(second->up && !first->over);
	change_process();
	assert_int_equal(lab_stats(&lab).sessions, 2);
	/* Either side ends one of them. */
	l2tp_session_close(lab.server, lab.sessions[0].server_ip, lab.sessions[0].tunnel_id,
		lab.sessions[0].our_id, REFUSAL_ADMIN_DISCONNECT, lab.now);
	l2tp_client_hang_up(l, second);
	lab_run(&lab, lab.now + 500);
	assert_true(first->over);
	assert_int_equal(lab.sessions[0].down, 1);
	assert_int_equal(lab.sessions[1].down, 1);
	assert_int_equal(lab.sessions[1].why, REFUSAL_PEER_CLOSED);
	l2tp_client_stop(l, L2TP_STOP_CLEAR, "Goodbye!");
	lab_run(&lab, lab.now + 500);
	assert_int_equal(lab_stats(&lab).tunnels, 0);
	assert_int_equal(lab.n_images, 0);
}

/* Its info: as before. */
static bool
check_info(void *user, const struct l2tp_tunnel_info *t)
{
	struct l2tp_tunnel_info *first = user;
	if (!first->id) {
		*first = *t;
		return true;
	}
	assert_int_equal(t->id, first->id);
	assert_int_equal(t->peer_id, first->peer_id);
	assert_int_equal(t->path.peer_port, first->path.peer_port);
	assert_string_equal(t->peer_host, "client");
	assert_true(t->established);
	assert_true(t->age_ms >= first->age_ms);
	return true;
}

static void
test_info(void **state)
{
	struct l2tp_client_session *s;
	struct l2tp_tunnel_info info = {0};
	(void)state;
	call(0, 55, &s);
	l2tp_server_tunnels(lab.server, lab.now, check_info, &info);
	lab_run(&lab, lab.now + 5000);
	change_process();
	assert_int_not_equal(info.id, 0);
	l2tp_server_tunnels(lab.server, lab.now, check_info, &info);
}

/* What was under way when the process died: the client gets acknowledgements and fillers, never a
 * gap. */
static void
test_unacknowledged(void **state)
{
	struct l2tp_client_session *s;
	(void)state;
	struct l2tp_client *l = call(1, 55, &s);
	l->cfg.habits.mute = true; /* nothing of what follows arrives */
	unsigned int lost = lab.n_queue;
	l2tp_session_close(lab.server, lab.sessions[0].server_ip, lab.sessions[0].tunnel_id,
		lab.sessions[0].our_id, REFUSAL_ADMIN_DISCONNECT, lab.now);
	assert_int_equal(lab.images[0].unacknowledged, 1);
	lab.n_queue = lost;
	l->cfg.habits.mute = false;
	change_process();
	assert_int_equal(lab.images[0].unacknowledged, 1);
	unsigned int hellos = l->hellos;
	lab_run(&lab, lab.now + 3000);
	assert_int_equal(l->hellos, hellos + 1);
	assert_int_equal(lab_stats(&lab).tunnels, 1);
	/* The numbers go on behind it, both ways. */
	s = l2tp_client_call(l, 77);
	lab_run(&lab, lab.now + 500);
	assert_true(s->up);
}

/* A session that is not gone on with: its client is told, in the tunnel that is. */
static void
test_rejected(void **state)
{
	struct l2tp_client_session *s;
	(void)state;
	struct l2tp_client *l = call(1, 55, &s);
	lab.keep_sessions = false;
	change_process();
	struct l2tp_session_image i = {.server_ip = lab.sessions[0].server_ip,
		.peer = 1,
		.tunnel_id = lab.sessions[0].tunnel_id,
		.peer_tunnel_id = l->cfg.id,
		.our_id = lab.sessions[0].our_id,
		.peer_id = 55};
	l2tp_session_reject(lab.server, &i, REFUSAL_CONTROL_LOST, lab.now);
	lab_run(&lab, lab.now + 500);
	assert_true(s->over);
	/* None there: nothing happens. */
	i.tunnel_id++;
	l2tp_session_reject(lab.server, &i, REFUSAL_CONTROL_LOST, lab.now);
	/* A tunnel without sessions ends as any other. */
	lab_run(&lab, lab.now + lab.cfg.idle_ms + 1000);
	assert_true(l->stopped);
	assert_int_equal(lab.n_images, 0);
}

/* The client is gone: HELLO finds that out. */
static void
test_dead_client(void **state)
{
	struct l2tp_client_session *s;
	(void)state;
	struct l2tp_client *l = call(1, 55, &s);
	l->cfg.habits.mute = true;
	change_process();
	lab_run(&lab, lab.now + lab.cfg.hello_interval_ms + 60000);
	assert_int_equal(lab.sessions[0].down, 1);
	assert_int_equal(lab.sessions[0].why, REFUSAL_PEER_DEAD);
	assert_int_equal(lab.n_images, 0);
}

/* Half-open and ended tunnels are nobody's to go on with. */
static void
test_only_established(void **state)
{
	struct l2tp_client_session *s;
	(void)state;
	struct l2tp_client *half =
		lab_lac(&lab, &(struct l2tp_client_config){.id = 9, .habits.mute = true}, 2);
	l2tp_client_start(half, lab.now);
	lab_run(&lab, lab.now + 100);
	assert_int_equal(lab_stats(&lab).half_open, 1);
	assert_int_equal(lab.n_images, 0);
	call(1, 55, &s);
	assert_int_equal(lab.n_images, 1);
	l2tp_server_stop(lab.server, REFUSAL_SERVER_STOPPING, lab.now);
	assert_int_equal(lab.n_images, 0);
	lab_run(&lab, lab.now + 500);
}

/* Processes die at any moment, over a network that loses, repeats and reorders: no tunnel is lost,
 * and every call that its client has is the server's. */
static void
test_chaos(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 60; seed++) {
		struct l2tp_client_session *s;
		struct l2tp_client *l[4];
		lab_end(&lab);
		setup(NULL);
		lab.rng = seed * 0x9e3779b97f4a7c15u;
		for (unsigned int i = 0; i < 4; i++)
			l[i] = call(i + 1, 10, &s);
		lab.loss = lab.dup = lab.reorder = 15;
		for (unsigned int i = 0; i < 40; i++) {
			struct l2tp_client *one = l[i % 4];
			if (i % 3 == 0 && one->n_sessions < 8)
				l2tp_client_call(one, (uint16_t)(100 + i));
			else if (i % 3 == 1 && one->n_sessions > 1 &&
				 one->room.sessions[one->n_sessions - 1].up &&
				 !one->room.sessions[one->n_sessions - 1].over)
				l2tp_client_hang_up(one, &one->room.sessions[one->n_sessions - 1]);
			lab_run(&lab, lab.now + (i * 7919 + seed * 104729) % 700);
			change_process();
		}
		lab.loss = lab.dup = lab.reorder = 0;
		lab_run(&lab, lab.now + 60000);
		assert_int_equal(lab_stats(&lab).tunnels, 4);
		assert_int_equal(lab_stats(&lab).bad_nr, 0);
		for (unsigned int i = 0; i < 4; i++) {
			assert_false(l[i]->stopped || l[i]->dead);
			assert_false(l[i]->room.sessions[0].over);
			assert_int_equal(l[i]->n_queued, 0);
		}
		for (unsigned int i = 0; i < 4; i++)
			assert_int_equal(lab.sessions[i].down, 0);
	}
}

/* T21: whatever an image says, it is refused or it is a tunnel that works. */
static void
test_hostile(void **state)
{
	struct l2tp_client_session *s;
	struct l2tp_tunnel_image good, bad;
	struct l2tp_path path;
	(void)state;
	call(1, 55, &s);
	good = lab.images[0];
	/* Twice is once. */
	assert_false(l2tp_tunnel_restore(lab.server, &good, 1, lab.now));
	lab_end(&lab);
	lab_start(&lab);
#define REFUSED(field, value)                                                    \
	do {                                                                     \
		bad = good;                                                      \
		bad.field = value;                                               \
		assert_false(l2tp_tunnel_restore(lab.server, &bad, 1, lab.now)); \
	} while (0)
	REFUSED(server_ip, 0);
	REFUSED(peer_ip, 0);
	REFUSED(server_port, 0);
	REFUSED(peer_port, 0);
	REFUSED(id, 0);
	REFUSED(peer_id, 0);
	REFUSED(peer_window, 0);
	REFUSED(peer_window, L2TP_WINDOW_MAX + 1);
	REFUSED(unacknowledged, 2 * lab.cfg.max_sessions_per_tunnel + 17);
	REFUSED(had_session, 2);
	REFUSED(host[0], '\n');
	bad = good;
	memset(bad.host, 'x', sizeof(bad.host));
	assert_false(l2tp_tunnel_restore(lab.server, &bad, 1, lab.now));
#undef REFUSED
	struct l2tp_session_image si = {.server_ip = good.server_ip,
		.peer = good.peer,
		.tunnel_id = good.id,
		.peer_tunnel_id = good.peer_id,
		.our_id = 1,
		.peer_id = 55};
	assert_false(l2tp_session_restore(lab.server, &si, &lab.sessions[0], &path, lab.now));
	assert_true(l2tp_tunnel_restore(lab.server, &good, 1, lab.now));
	struct l2tp_session_image other = si;
	other.peer = 2; /* another host's (D1) */
	assert_false(l2tp_session_restore(lab.server, &other, &lab.sessions[0], &path, lab.now));
	other = si;
	other.peer_tunnel_id++;
	assert_false(l2tp_session_restore(lab.server, &other, &lab.sessions[0], &path, lab.now));
	other = si;
	other.our_id = 0;
	assert_false(l2tp_session_restore(lab.server, &other, &lab.sessions[0], &path, lab.now));
	assert_true(l2tp_session_restore(lab.server, &si, &lab.sessions[0], &path, lab.now));
	assert_false(l2tp_session_restore(lab.server, &si, &lab.sessions[0], &path, lab.now));
	lab.noted_first = false; /* several tunnels are one now */
	srand(1);
	for (int round = 0; round < 3000; round++) {
		bad = good;
		for (int i = rand() % 5; i >= 0; i--)
			((uint8_t *)&bad)[rand() % (int)sizeof(bad)] = (uint8_t)rand();
		l2tp_tunnel_restore(lab.server, &bad, 0, lab.now);
		l2tp_server_timer(lab.server, lab.now + (uint64_t)(rand() % 1000));
		lab.n_queue = 0;
		if (round % 100 == 99) {
			lab_end(&lab);
			lab_start(&lab);
		}
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_goes_on),
		T(test_info),
		T(test_unacknowledged),
		T(test_rejected),
		T(test_dead_client),
		T(test_only_established),
		T(test_chaos),
		T(test_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
