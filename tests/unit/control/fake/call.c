/* SPDX-License-Identifier: BSD-3-Clause */
#include "call.h"

#include <stdio.h>
#include <string.h>

#include "control/link/internal.h"
#include "dataplane/api/command.h"
#include "dataplane/api/session.h"

struct caller callers[CALLERS_MAX];
unsigned int strays;
uint32_t current_of[CALLERS_MAX], closed_peer;
int users_of[CALLERS_MAX];
struct call_answered call_answer;

/* ------------------------------------------------------------------ IKE's part */

static struct {
	uint32_t sa, peer;
} pairs[CALLERS_MAX];
static unsigned int n_pairs;

static uint32_t
peer_of(void *user, uint32_t sa)
{
	(void)user;
	for (unsigned int i = 0; i < n_pairs; i++)
		if (pairs[i].sa == sa)
			return pairs[i].peer;
	return 0;
}

static uint32_t
current(void *user, uint32_t peer)
{
	(void)user;
	return current_of[peer];
}

static void
close_peer(void *user, uint32_t peer)
{
	(void)user;
	closed_peer = peer;
}

static void
on_answered(void *user, uint32_t peer, uint32_t sa, const struct sa_outer *from)
{
	(void)user;
	call_answer.n++;
	call_answer.peer = peer;
	call_answer.sa = sa;
	call_answer.from = from ? *from : (struct sa_outer){0};
}

static void
on_users(void *user, uint32_t peer, int change)
{
	(void)user;
	users_of[peer] += change;
}

static const struct l2tp_ipsec ipsec = {peer_of, current, close_peer, on_answered, on_users};

/* A pair that was made for an earlier gateway. */
static void *
sa_orphan(void *user, const struct sa_entry *e)
{
	(void)user;
	for (unsigned int i = 0; i < n_pairs; i++)
		if (pairs[i].sa == e->handle && pairs[i].peer == e->peer)
			return &pairs[i];
	return NULL;
}

static void
play_ike(void)
{
	static struct link_ops ops;
	struct link *l = gateway_link(gw);
	ops = *l->ops;
	ops.sa_orphan = sa_orphan;
	ops.sa_done = NULL;
	ops.sa_expire = NULL;
	ops.sa_mapping = NULL;
	ops.sa_gone = NULL;
	l->ops = &ops;
	l2tp_set_ipsec(gateway_l2tp(gw), &ipsec, NULL);
}

uint32_t
make_pair(uint32_t peer, uint16_t port)
{
	struct command_sa_add add = {
		.outer = {SERVER_IP, NAT_IP, 4500, port}, .peer = peer, .replay_window = 64};
	uint32_t sa = link_sa_take(gateway_link(gw), &pairs[n_pairs]);
	assert_int_not_equal(sa, 0);
	assert_int_equal(link_sa_add(gateway_link(gw), sa, &add), 0);
	pairs[n_pairs].sa = sa;
	pairs[n_pairs++].peer = peer;
	return sa;
}

void
forget_pairs(void)
{
	n_pairs = 0;
}

/* ------------------------------------------------------------------ the stage */

static void
to_caller(void *user, uint32_t handle, const uint8_t *frame, size_t len)
{
	struct fake *f = user;
	const struct session_entry *e = fake_entry(f, SESSION_SLOT(handle));
	for (unsigned int i = 0; i < CALLERS_MAX; i++)
		if (callers[i].loop && caller_frame(&callers[i], e, frame, len))
			return;
}

static void
message_to_caller(
	void *user, uint32_t sa, const struct sa_outer *inner, const uint8_t *message, size_t len)
{
	(void)user;
	for (unsigned int i = 0; i < CALLERS_MAX; i++)
		if (callers[i].loop && caller_message(&callers[i], sa, inner, message, len))
			return;
	strays++;
}

void
call_configure(const char *l2tp, const char *settings)
{
	char all[1024];
	snprintf(all, sizeof(all),
		"l2tp: { enabled = true; max_sessions = 40; %s };\n"
		"ppp: { auth_retries = 0;\n"
		"  authentication = [ \"mschapv2\", \"chap-md5\", \"pap\" ]; };\n%s",
		l2tp, settings);
	cfg = make_config(all);
}

void
call_begin(void)
{
	gateway_begin();
	play_ike();
	gateway_await_dataplane();
}

void
call_open(void)
{
	memset(callers, 0, sizeof(callers));
	memset(current_of, 0, sizeof(current_of));
	memset(users_of, 0, sizeof(users_of));
	memset(&call_answer, 0, sizeof(call_answer));
	n_pairs = strays = 0;
	closed_peer = 0;
	stage_open();
	fake.max_sas = 64;
	fake.frame = to_caller;
	fake.l2tp = message_to_caller;
	fake.user = &fake;
}

void
call_stage(const char *l2tp, const char *settings)
{
	call_open();
	call_configure(l2tp, settings);
	call_begin();
}

void
call_close(void)
{
	for (unsigned int i = 0; i < CALLERS_MAX; i++)
		if (callers[i].loop)
			caller_end(&callers[i]);
	stage_close();
}

bool
fake_is_alone(void *user)
{
	(void)user;
	return !fake.connected;
}

void
gateway_over(void)
{
	gateway_gone();
	assert_true(loop_until(&loop, fake_is_alone, NULL, 2000));
}

void
call_hand_over(void)
{
	bool done = false;
	gateway_hand_over(gw, set_true, &done);
	assert_true(loop_until(&loop, is_true, &done, 6000));
	gateway_over();
}

int
call_setup(void **state)
{
	(void)state;
	call_stage("", "");
	return 0;
}

int
call_setup_clear(void **state)
{
	(void)state;
	call_stage("require_ipsec = false;", "");
	return 0;
}

int
call_teardown(void **state)
{
	(void)state;
	gateway_end();
	call_close();
	return 0;
}

/* ------------------------------------------------------------------ callers */

struct ppp_client_config
ppp_client(const char *user, const char *password)
{
	return (struct ppp_client_config){
		.auth = PPP_AUTH_MSCHAPV2, .user = user, .password = password, .mru = 1500};
}

struct caller *
call_as(unsigned int i, uint32_t peer, const struct ppp_client_config *pc)
{
	struct sa_outer inner = {SERVER_IP, NAT_IP, 1701, peer ? 1701 : (uint16_t)(20000 + i)};
	uint32_t sa = peer ? make_pair(peer, (uint16_t)(30000 + i)) : 0;
	if (peer)
		current_of[peer] = sa;
	caller_start(&callers[i], &fake, &(struct l2tp_client_config){.id = (uint16_t)(i + 1)}, pc,
		sa, &inner);
	return &callers[i];
}

bool
caller_up(void *user)
{
	return caller_is_up(user);
}

bool
caller_over(void *user)
{
	struct caller *c = user;
	return c->lac.stopped || c->lac.dead || (c->session && c->session->over);
}

struct caller *
call_up(unsigned int i, uint32_t peer)
{
	struct ppp_client_config pc = ppp_client("alice", "pw-alice");
	if (peer == 0)
		pc.mppe = PPP_MPPE_128;
	struct caller *c = call_as(i, peer, &pc);
	if (!loop_until(&loop, caller_up, c, 6000))
		fail_msg("caller %u did not come up", i);
	return c;
}

struct caller *
call_plain(unsigned int i, uint32_t peer)
{
	struct ppp_client_config pc = ppp_client("alice", "pw-alice");
	struct caller *c = call_as(i, peer, &pc);
	assert_true(loop_until(&loop, caller_up, c, 6000));
	return c;
}
