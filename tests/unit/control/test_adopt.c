/* SPDX-License-Identifier: BSD-3-Clause */
/* Control dies, or is restarted, and the next one goes on with its sessions (D7, T19). */
#include "fake/call.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/mschap.h"
#include "dataplane/api/command.h"
#include "dataplane/api/journal.h"
#include "dataplane/api/session.h"

#define CLEAR "require_ipsec = false;"
#define PLAIN "mppe: { policy = \"forbid\"; };"

/* A gateway in a process of its own, which can be killed: in clear, for IKE is played here. */
static pid_t
gateway_apart(void)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	uv_loop_t own;
	char err[256];
	close(fake.listener);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* with a test that fails */
	if (uv_loop_init(&own) != 0 || !gateway_start(&own, cfg, err, sizeof(err)))
		_exit(1);
	uv_run(&own, UV_RUN_DEFAULT);
	_exit(1);
}

static bool
connected_to_fake(void *user)
{
	(void)user;
	return fake.connected;
}

/* The stage with a gateway that will be killed. */
static pid_t
stage_apart(const char *settings)
{
	char err[256];
	assert_int_equal(mschap_init(err, sizeof(err)), 0); /* the callers' */
	call_open();
	call_configure(CLEAR, settings);
	fake_listen(&fake);
	pid_t pid = gateway_apart();
	assert_true(loop_until(&loop, connected_to_fake, NULL, 3000));
	return pid;
}

static void
kill_and_follow(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(loop_until(&loop, fake_is_alone, NULL, 2000));
	call_begin();
}

static bool
collect(void *user, const struct session_info *s)
{
	struct session_info *list = user;
	while (list->id)
		list++;
	*list = *s;
	return true;
}

/* The session of this caller, of those that the gateway lists. */
static struct session_info
session_of(const struct caller *c)
{
	struct session_info list[CALLERS_MAX + 1] = {0};
	sessions_each(gateway_sessions(gw), collect, list);
	for (unsigned int i = 0; list[i].id; i++) {
		if (i > 0)
			assert_true(list[i].id > list[i - 1].id);
		if (list[i].local_id == c->session->peer_id)
			return list[i];
	}
	return (struct session_info){0};
}

static bool
answered(void *user)
{
	const struct caller *c = user;
	return c->peer.echo_replies > 0 && c->lac.n_queued == 0;
}

/* LCP echo and L2TP's HELLO. */
static void
expect_answers(struct caller *c)
{
	struct l2tp_message hello = {.type = L2TP_HELLO};
	c->peer.echo_replies = 0;
	l2tp_client_post(&c->lac, &hello);
	ppp_client_packet(&c->peer, 0xc021, 9, 5, "\0\0\0\7", 4);
	assert_true(loop_until(&loop, answered, c, 3000));
}

static void
test_killed(void **state)
{
	struct caller *c[3];
	(void)state;
	pid_t pid = stage_apart(PLAIN);
	for (unsigned int i = 0; i < 3; i++)
		c[i] = call_plain(i, 0);
	uint32_t handle = fake_handle_of(&fake, TUNNEL_L2TP, c[1]->session->peer_id);
	fake_counters(&fake, SESSION_SLOT(handle))->up_packets = 4711;
	loop_for(&loop, 100);
	kill_and_follow(pid);
	assert_int_equal(status().adoption.sessions, 3);
	assert_int_equal(status().adoption.tunnels, 3);
	assert_int_equal(fake.commands[COMMAND_SESSION_CLOSE], 0);
	assert_int_equal(carrier("l2tp").sessions, 3);
	assert_int_equal(figure("l2tp", "tunnels"), 3);
	assert_int_equal(status().pool_used, 3);
	for (unsigned int i = 0; i < 3; i++) {
		struct session_info s = session_of(c[i]);
		assert_int_equal(s.id, i + 1);
		assert_int_equal(s.state, PHASE_UP);
		assert_string_equal(s.user, "alice");
		assert_string_equal(s.auth, "mschapv2");
		assert_string_equal(s.protocol, "l2tp");
		assert_int_equal(s.inner_ip, c[i]->peer.ip);
		assert_int_equal(s.tunnel_id, c[i]->lac.peer_id);
		assert_int_equal(s.peer_port, 20000 + i);
		assert_int_equal(s.our_mru, 1398);
		assert_true(s.age_ms >= 100 && s.age_ms < 60000);
		expect_answers(c[i]);
	}
	assert_int_equal(session_of(c[1]).counters.up_packets, 4711);
	/* A new client gets what is nobody's. */
	struct caller *late = call_plain(3, 0);
	assert_int_equal(session_of(late).id, 4);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_not_equal(late->peer.ip, c[i]->peer.ip);
	/* Either side ends one. */
	assert_int_equal(sessions_disconnect(gateway_sessions(gw), 1), 0);
	assert_true(loop_until(&loop, caller_over, c[0], 3000));
	l2tp_client_hang_up(&c[1]->lac, c[1]->session);
	loop_for(&loop, 200);
	assert_int_equal(carrier("l2tp").sessions, 2);
	assert_int_equal(status().pool_used, 2);
	assert_true(logged("code=admin-disconnect"));
	assert_true(logged("code=peer-closed"));
	assert_true(caller_is_up(c[2]) && caller_is_up(late));
	gateway_end();
	call_close();
}

/* Two deaths in a row, before anything else happens. */
static void
test_killed_twice(void **state)
{
	(void)state;
	pid_t pid = stage_apart(PLAIN);
	struct caller *c = call_plain(0, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(loop_until(&loop, fake_is_alone, NULL, 2000));
	pid = gateway_apart();
	assert_true(loop_until(&loop, connected_to_fake, NULL, 3000));
	loop_for(&loop, 200);
	kill_and_follow(pid);
	assert_int_equal(session_of(c).id, 1);
	expect_answers(c);
	gateway_end();
	call_close();
}

static bool
two_are_live(void *user)
{
	(void)user;
	return fake_live(&fake) == 2;
}

/* Half-built ones are ended, and their clients told; so are those with MPPE. */
static void
test_not_gone_on_with(void **state)
{
	(void)state;
	pid_t pid = stage_apart("");
	struct ppp_client_config pc = ppp_client("alice", "pw-alice");
	struct caller *half = call_as(0, 0, &pc);
	half->peer.cfg.habits.mute = true;
	pc.mppe = PPP_MPPE_128;
	struct caller *mppe = call_as(1, 0, &pc);
	assert_true(loop_until(&loop, caller_up, mppe, 6000));
	assert_true(loop_until(&loop, two_are_live, NULL, 3000));
	kill_and_follow(pid);
	assert_int_equal(status().adoption.sessions, 0);
	assert_int_equal(status().adoption.tunnels, 2);
	assert_int_equal(status().adoption.refused[ADOPT_NOT_OPEN], 1);
	assert_int_equal(status().adoption.refused[ADOPT_MPPE], 1);
	assert_true(loop_until(&loop, caller_over, half, 3000));
	assert_true(loop_until(&loop, caller_over, mppe, 3000));
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_int_equal(fake_live(&fake), 0);
	assert_int_equal(status().pool_used, 0);
	assert_true(
		logged("code=control-lost text=\"left by an earlier adit-control: it was being"));
	gateway_end();
	call_close();
}

/* An orderly restart, through SAs that change meanwhile.  Who goes on keeps his number and his name
 * for accounting (T19). */
static void
test_handed_over(void **state)
{
	(void)state;
	call_stage("", "");
	struct caller *a = call_plain(0, 1), *b = call_plain(1, 2);
	uint32_t next = make_pair(1, 30000);
	const struct session_info before = session_of(a), other = session_of(b);
	assert_string_not_equal(before.acct, other.acct);
	loop_for(&loop, 50);
	call_hand_over();
	assert_true(caller_is_up(a) && caller_is_up(b));
	assert_int_equal(fake_live(&fake), 2);
	assert_int_equal(fake.commands[COMMAND_SESSION_CLOSE], 0);
	assert_int_equal(fake.commands[COMMAND_SA_CLOSE], 0);
	current_of[1] = next;
	call_configure("", "");
	call_begin();
	assert_int_equal(status().adoption.sessions, 2);
	loop_for(&loop, 50);
	assert_int_equal(fake.commands[COMMAND_SESSION_SA], 1);
	assert_int_equal(session_of(a).sa, next);
	assert_int_equal(session_of(b).sa, b->sa);
	assert_int_equal(session_of(b).ipsec_peer, 2);
	assert_int_equal(session_of(a).id, before.id);
	assert_string_equal(session_of(a).acct, before.acct);
	expect_answers(a);
	expect_answers(b);
	assert_int_equal(a->last_sa, next);
	assert_int_equal(b->last_sa, b->sa);
	/* Its SA ends: so does the session. */
	l2tp_sa_peer_gone(gateway_l2tp(gw), 1);
	loop_for(&loop, 100);
	assert_int_equal(carrier("l2tp").sessions, 1);
	expect_answers(b);
	assert_string_equal(session_of(b).acct, other.acct);
	struct caller *late = call_plain(2, 3);
	assert_string_not_equal(session_of(late).acct, before.acct);
	assert_string_not_equal(session_of(late).acct, other.acct);
	call_teardown(NULL);
}

/* What is half-built is ended before; who is new is left to the successor. */
static void
test_handing_over(void **state)
{
	bool done = false;
	(void)state;
	call_stage("", "");
	struct ppp_client_config pc = ppp_client("alice", "pw-alice");
	struct caller *up = call_plain(0, 1), *half = call_as(1, 2, &pc);
	half->peer.cfg.habits.mute = true;
	loop_for(&loop, 200);
	assert_int_equal(carrier("l2tp").sessions, 2);
	fake.no_gone = true; /* it takes a while */
	gateway_hand_over(gw, set_true, &done);
	struct caller *new = call_as(2, 3, &pc);
	loop_for(&loop, 300);
	assert_false(done);
	assert_true(caller_over(half));
	assert_false(new->lac.up || caller_over(new));
	expect_answers(up);
	assert_true(loop_until(&loop, is_true, &done, 6000));
	gateway_over();
	fake.no_gone = false;
	call_configure("", "");
	call_begin();
	assert_int_equal(status().adoption.sessions, 1);
	assert_true(loop_until(&loop, caller_up, new, 10000));
	assert_true(caller_is_up(up));
	call_teardown(NULL);
}

/* Settings and SAs as they are now decide. */
static void
test_changed(void **state)
{
	(void)state;
	call_stage(CLEAR, PLAIN);
	struct caller *clear = call_plain(0, 0), *gone = call_plain(1, 1),
		      *stays = call_plain(2, 2);
	call_hand_over();
	current_of[1] = 0;
	call_configure("", "");
	call_begin();
	assert_int_equal(status().adoption.sessions, 1);
	assert_int_equal(status().adoption.tunnels, 1);
	assert_int_equal(status().adoption.refused[ADOPT_IPSEC], 4);
	loop_for(&loop, 100);
	assert_int_equal(fake_live(&fake), 1);
	assert_false(session_of(clear).id || session_of(gone).id);
	expect_answers(stays);
	/* L2TP is turned off, and the pool is another one: what is up keeps its address. */
	call_hand_over();
	cfg = make_config("l2tp: { enabled = false; };");
	call_begin();
	assert_int_equal(status().adoption.sessions, 0);
	assert_int_equal(status().adoption.refused[ADOPT_PROTOCOL], 2);
	loop_for(&loop, 100);
	assert_int_equal(fake_live(&fake), 0);
	call_teardown(NULL);
}

/* T24: an address that was promised to somebody meanwhile is named; who has it keeps it. */
static void
test_reserved(void **state)
{
	(void)state;
	call_stage("", "");
	struct caller *c = call_plain(0, 1);
	struct session_info s = session_of(c);
	assert_int_equal(s.inner_ip, 0x0a090002);
	call_hand_over();
	call_configure("", "");
	struct user dora = {.name = (char[]){"dora"},
		.password = (char[]){"pw-dora"},
		.dialin = DIALIN_ALLOW,
		.static_ip = s.inner_ip,
		.auth = -1,
		.mppe_policy = -1,
		.mppe_mode = -1,
		.mppe_strengths = -1};
	assert_int_equal(users_add(cfg->users, &dora), 0);
	call_begin();
	assert_int_equal(status().adoption.sessions, 1);
	assert_int_equal(status().pool_reserved, 2);
	assert_true(logged("event=address-reserved session=1 user=\"alice\" address=10.9.0.2 "
			   "reserved_for=\"dora\""));
	expect_answers(c);
	/* Until she comes. */
	struct ppp_client_config pc = ppp_client("dora", "pw-dora");
	struct caller *owner = call_as(1, 2, &pc);
	assert_true(loop_until(&loop, caller_up, owner, 6000));
	assert_int_equal(session_of(owner).inner_ip, s.inner_ip);
	assert_true(caller_over(c));
	assert_true(logged("code=replaced text=\"by session 2: the address is reserved"));
	call_teardown(NULL);
}

/* An orderly end leaves no trace. */
static void
test_stopped(void **state)
{
	(void)state;
	call_stage("", "");
	struct caller *c = call_plain(0, 1);
	const uint8_t *sessions = (const uint8_t *)fake.seg + fake.seg->journal_sessions;
	const uint8_t *tunnels = (const uint8_t *)fake.seg + fake.seg->journal_tunnels;
	size_t slot = SESSION_SLOT(fake_handle_of(&fake, TUNNEL_L2TP, c->session->peer_id));
	static const uint8_t zeros[JOURNAL_CELL];
	assert_memory_not_equal(sessions + slot * JOURNAL_CELL, zeros, JOURNAL_CELL);
	assert_memory_not_equal(tunnels + JOURNAL_CELL, zeros, JOURNAL_CELL);
	gateway_end();
	for (uint32_t i = 0; i < fake.max_sessions; i++) {
		assert_memory_equal(sessions + i * (size_t)JOURNAL_CELL, zeros, JOURNAL_CELL);
		assert_memory_equal(tunnels + (i + 1) * (size_t)JOURNAL_CELL, zeros, JOURNAL_CELL);
	}
	call_configure("", "");
	call_begin();
	assert_int_equal(status().adoption.sessions + status().adoption.tunnels, 0);
	/* Nor is a number used twice. */
	assert_int_equal(session_of(call_plain(1, 1)).id, 2);
	call_teardown(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_killed_twice),
		cmocka_unit_test(test_not_gone_on_with),
		cmocka_unit_test(test_handed_over),
		cmocka_unit_test(test_handing_over),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_stopped),
	};
	return STAGE_RUN(tests);
}
