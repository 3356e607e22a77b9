/* SPDX-License-Identifier: BSD-3-Clause */
#include "remedy.h"

#include <string.h>

#include "fake/call.h"

static struct caller *
begin_call(unsigned int i, uint32_t peer, const char *user, const char *password)
{
	struct ppp_client_config pc = ppp_client(user, password);
	if (peer == 0)
		pc.mppe = PPP_MPPE_128;
	return call_as(i, peer, &pc);
}

static void
in(unsigned int i, uint32_t peer)
{
	struct caller *c = begin_call(i, peer, "alice", "pw-alice");
	if (!loop_until(&loop, caller_up, c, 6000))
		fail_msg("caller %u is not in:\n%s", i, stage_log());
}

static void
out(unsigned int i, uint32_t peer)
{
	loop_until(&loop, caller_over, begin_call(i, peer, "alice", "pw-alice"), 300);
}

static void
raised(enum refusal_code code, const char *settings, const char *text, const char *remedy,
	const char *after)
{
	walk_call(settings);
	in(0, 1);
	out(1, 2);
	walk_refused(code, text, remedy);
	walk_call_again(after);
	in(2, 3);
	in(3, 4);
	walk_call_over();
}

static void
ports_full(void)
{
	raised(REFUSAL_PORTS_FULL, "l2tp.max_sessions = 1", "(l2tp.max_sessions)",
		"l2tp.max_sessions", "l2tp.max_sessions = 2");
}

static void
connections_full(void)
{
	raised(REFUSAL_CONNECTIONS_FULL, "l2tp.max_tunnels = 1", "l2tp.max_tunnels is reached",
		"l2tp.max_tunnels", "l2tp.max_tunnels = 2");
}

/* Two tunnels of one client. */
static void
address_limit(void)
{
	walk_call("l2tp.max_tunnels_per_peer = 1");
	in(0, 1);
	out(1, 1);
	walk_refused(REFUSAL_ADDRESS_LIMIT, "l2tp.max_tunnels_per_peer is reached",
		"l2tp.max_tunnels_per_peer");
	walk_call_again("l2tp.max_tunnels_per_peer = 2");
	in(2, 2);
	in(3, 2);
	walk_call_over();
}

static void
half_open_limit(void)
{
	walk_call("l2tp.max_half_open = 1");
	struct caller *mute = begin_call(0, 1, "alice", "pw-alice");
	mute->lac.cfg.habits.mute = true;
	loop_for(&loop, 100);
	out(1, 2);
	walk_refused(
		REFUSAL_CONNECTIONS_FULL, "l2tp.max_half_open is reached", "l2tp.max_half_open");
	walk_call_again("l2tp.max_half_open = 2");
	mute = begin_call(2, 3, "alice", "pw-alice");
	mute->lac.cfg.habits.mute = true;
	loop_for(&loop, 100);
	in(3, 4);
	walk_call_over();
}

static void
half_open_of_peer(void)
{
	walk_call("l2tp.max_half_open_per_peer = 1");
	struct caller *mute = begin_call(0, 1, "alice", "pw-alice");
	mute->lac.cfg.habits.mute = true;
	loop_for(&loop, 100);
	out(1, 1);
	walk_refused(REFUSAL_ADDRESS_LIMIT, "l2tp.max_half_open_per_peer is reached",
		"l2tp.max_half_open_per_peer");
	walk_call_again("l2tp.max_half_open_per_peer = 2");
	mute = begin_call(2, 2, "alice", "pw-alice");
	mute->lac.cfg.habits.mute = true;
	loop_for(&loop, 100);
	in(3, 2);
	walk_call_over();
}

static void
call_limit(void)
{
	walk_call("l2tp.max_sessions_per_tunnel = 1");
	in(0, 1);
	struct l2tp_client_session *s = l2tp_client_call(&callers[0].lac, 500);
	loop_for(&loop, 100);
	assert_true(s->over);
	walk_refused(REFUSAL_CALL_LIMIT, "l2tp.max_sessions_per_tunnel is reached",
		"l2tp.max_sessions_per_tunnel");
	walk_call_again("l2tp.max_sessions_per_tunnel = 2");
	in(1, 2);
	s = l2tp_client_call(&callers[1].lac, 500);
	loop_for(&loop, 100);
	assert_true(s->up && !s->over);
	walk_call_over();
}

/* A LAC with two clients, of which the first is slow. */
static void
strangers_of_peer(void)
{
	walk_call("ppp.max_unauthenticated_per_peer = 1");
	begin_call(0, 1, "alice", "pw-alice")->peer.cfg.habits.mute = true;
	loop_for(&loop, 200);
	struct l2tp_client_session *s = l2tp_client_call(&callers[0].lac, 500);
	loop_for(&loop, 100);
	assert_true(s->over);
	walk_refused(REFUSAL_STRANGERS, "", "ppp.max_unauthenticated_per_peer for a LAC");
	walk_call_again("ppp.max_unauthenticated_per_peer = 2");
	begin_call(1, 2, "alice", "pw-alice")->peer.cfg.habits.mute = true;
	loop_for(&loop, 200);
	s = l2tp_client_call(&callers[1].lac, 500);
	loop_for(&loop, 100);
	assert_true(s->up && !s->over);
	walk_call_over();
}

static void
protocol_disabled(void)
{
	walk_call("l2tp.enabled = false\npptp.enabled = true\npptp.listen = [ \"127.0.0.1\" ]");
	begin_call(0, 1, "alice", "pw-alice");
	walk_refused(REFUSAL_PROTOCOL_DISABLED, "l2tp.enabled is off", "l2tp.enabled = true");
	walk_call_again("l2tp.enabled = true");
	in(1, 2);
	walk_call_over();
}

static void
tunnel_auth_failed(void)
{
	walk_call("l2tp.tunnel_secret = \"kqzvxwpf\"");
	struct caller *c = begin_call(0, 1, "alice", "pw-alice");
	c->lac.cfg.secret = "another";
	walk_refused(REFUSAL_TUNNEL_AUTH_FAILED, "protocol=l2tp", "l2tp.tunnel_secret");
	/* The client's is set to ours ... */
	c = begin_call(1, 2, "alice", "pw-alice");
	c->lac.cfg.secret = "kqzvxwpf";
	assert_true(loop_until(&loop, caller_up, c, 6000));
	/* ... or both to none. */
	walk_call_again("");
	in(2, 3);
	walk_call_over();
}

static void
ipsec_required(void)
{
	walk_call("");
	begin_call(0, 0, "alice", "pw-alice");
	walk_refused(REFUSAL_IPSEC_REQUIRED, "protocol=l2tp", "l2tp.require_ipsec = false");
	in(1, 1);
	walk_call_again("l2tp.require_ipsec = false");
	in(2, 0);
	walk_call_over();
}

/* IKE ends the pair that the client talks through. */
static void
sa_gone(void)
{
	walk_call("");
	struct caller *c = begin_call(0, 1, "alice", "pw-alice");
	c->no_call = true;
	loop_for(&loop, 100);
	assert_true(c->lac.up);
	current_of[1] = 0;
	l2tp_client_call(&c->lac, 500);
	loop_for(&loop, 100);
	walk_refused(REFUSAL_SA_GONE, "protocol=l2tp", "charon's log");
	in(1, 2);
	walk_call_over();
}

const struct walk walks_l2tp[] = {
	{REFUSAL_PROTOCOL_DISABLED, protocol_disabled, NULL, NULL},
	{REFUSAL_PORTS_FULL, ports_full, NULL, NULL},
	{REFUSAL_CONNECTIONS_FULL, connections_full, NULL, NULL},
	{REFUSAL_CONNECTIONS_FULL, half_open_limit, NULL, NULL},
	{REFUSAL_ADDRESS_LIMIT, address_limit, NULL, NULL},
	{REFUSAL_ADDRESS_LIMIT, half_open_of_peer, NULL, NULL},
	{REFUSAL_CALL_LIMIT, call_limit, NULL, NULL},
	{REFUSAL_STRANGERS, strangers_of_peer, NULL, NULL},
	{REFUSAL_TUNNEL_AUTH_FAILED, tunnel_auth_failed, NULL, NULL},
	{REFUSAL_IPSEC_REQUIRED, ipsec_required, NULL, NULL},
	{REFUSAL_SA_GONE, sa_gone, NULL, NULL},
	{REFUSAL_COUNT, NULL, NULL, NULL},
};
