/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * L2TP through the whole gateway, in one process and one loop:
 *
 *   callers (L2TP, PPP) --- fake data plane --- link --- L2TP server, PPP, decisions
 *                              |                           |
 *                              +------ pairs of SAs -------+ (this file plays IKE)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "control/gateway_internal.h"
#include "control/link_internal.h"

#define CALLERS_MAX 64
#define SERVER_IP   0xc0000201
#define NAT_IP      0xc6336401

static uv_loop_t loop;
static struct fake fake;
static struct config *cfg;
static struct gateway *gw;
static struct caller callers[CALLERS_MAX];
static unsigned int strays; /* messages to nobody */
static char directory[] = "/tmp/adit-test-XXXXXX";
static char log_text[1 << 18];
static size_t log_len;

/* ------------------------------------------------------------------ IKE's part */

static struct {
	uint32_t sa, peer;
} pairs[CALLERS_MAX];
static unsigned int n_pairs;
static uint32_t current_of[CALLERS_MAX]; /* by peer */
static uint32_t closed_peer;

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

static const struct gateway_ipsec ipsec = {peer_of, current, close_peer};

static void
play_ike(void)
{
	static struct link_ops ops;
	ops = gateway_link_ops;
	ops.sa_orphan = NULL;
	ops.sa_done = NULL;
	ops.sa_expire = NULL;
	ops.sa_mapping = NULL;
	ops.sa_gone = NULL;
	gw->link->ops = &ops;
	gateway_set_ipsec(gw, &ipsec, NULL);
}

/* A pair for this peer, known to the data plane. */
static uint32_t
make_pair(uint32_t peer, uint16_t port)
{
	struct command_sa_add add = {
		.outer = {SERVER_IP, NAT_IP, 4500, port}, .peer = peer, .replay_window = 64};
	uint32_t sa = link_sa_take(gw->link, &pairs[n_pairs]);
	assert_int_not_equal(sa, 0);
	assert_int_equal(link_sa_add(gw->link, sa, &add), 0);
	pairs[n_pairs].sa = sa;
	pairs[n_pairs++].peer = peer;
	return sa;
}

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

static struct config *
make_config(const char *l2tp, const char *extra)
{
	char path[64], err[256] = "";
	snprintf(path, sizeof(path), "%s/control.conf", directory);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"control: { dataplane = \"%s/dp.sock\"; log_level = \"debug\"; };\n"
		"l2tp: { enabled = true; max_sessions = 40; %s };\n"
		"ppp: { auth_retries = 0; authentication = [ \"mschapv2\", \"chap-md5\", \"pap\" "
		"]; };\n"
		"pool: { first = \"10.9.0.1\"; last = \"10.9.0.254\"; };\n"
		"users: ( { name = \"alice\"; password = \"pw-alice\"; dial_in = \"allow\"; },\n"
		"  { name = \"bob\"; password = \"pw-bob\"; } );\n%s",
		directory, l2tp, extra);
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
stage(const char *l2tp, const char *extra)
{
	char err[256] = "", path[64];
	memset(callers, 0, sizeof(callers));
	memset(current_of, 0, sizeof(current_of));
	n_pairs = strays = 0;
	closed_peer = 0;
	log_len = 0;
	log_text[0] = '\0';
	cfg = make_config(l2tp, extra);
	assert_int_equal(uv_loop_init(&loop), 0);
	snprintf(path, sizeof(path), "%s/dp.sock", directory);
	fake_init(&fake, &loop, path);
	fake.max_sas = 64;
	fake.frame = to_caller;
	fake.l2tp = message_to_caller;
	fake.user = &fake;
	fake_listen(&fake);
	gw = gateway_start(&loop, cfg, err, sizeof(err));
	if (!gw)
		print_error("%s\n", err);
	assert_non_null(gw);
	play_ike();
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
}

static int
setup(void **state)
{
	(void)state;
	stage("", "");
	return 0;
}

static int
setup_clear(void **state)
{
	(void)state;
	stage("require_ipsec = false;", "");
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

static int
teardown(void **state)
{
	bool stopped = false;
	(void)state;
	gateway_stop(gw, set_true, &stopped);
	assert_true(loop_until(&loop, is_true, &stopped, 6000));
	for (unsigned int i = 0; i < CALLERS_MAX; i++)
		if (callers[i].loop)
			caller_end(&callers[i]);
	gateway_free(gw);
	fake_die(&fake, false);
	loop_for(&loop, 5);
	assert_int_equal(uv_loop_close(&loop), 0);
	config_free(cfg);
	assert_false(logged("pw-"));
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

/* ------------------------------------------------------------------ callers */

static struct peer_config
ppp_client(const char *user, const char *password)
{
	return (struct peer_config){
		.auth = PPP_AUTH_MSCHAPV2, .user = user, .password = password, .mru = 1500};
}

/* Peer 0: in clear.  All of them come from one NAT address. */
static struct caller *
call_as(unsigned int i, uint32_t peer, const struct peer_config *pc)
{
	struct sa_outer inner = {SERVER_IP, NAT_IP, 1701, peer ? 1701 : (uint16_t)(20000 + i)};
	uint32_t sa = peer ? make_pair(peer, (uint16_t)(30000 + i)) : 0;
	if (peer)
		current_of[peer] = sa;
	caller_start(
		&callers[i], &fake, &(struct lac_config){.id = (uint16_t)(i + 1)}, pc, sa, &inner);
	return &callers[i];
}

static bool
is_up(void *user)
{
	return caller_is_up(user);
}

static bool
is_over(void *user)
{
	struct caller *c = user;
	return c->lac.stopped || c->lac.dead || (c->session && c->session->over);
}

static bool
no_sessions(void *user)
{
	(void)user;
	return first_session().id == 0;
}

static struct caller *
call_up(unsigned int i, uint32_t peer)
{
	struct peer_config pc = ppp_client("alice", "pw-alice");
	if (peer == 0)
		pc.mppe = S_128;
	struct caller *c = call_as(i, peer, &pc);
	if (!loop_until(&loop, is_up, c, 6000))
		fail_msg("caller %u did not come up", i);
	return c;
}

/* ------------------------------------------------------------------ inside IPsec */

static void
test_session(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 1);
	struct gateway_session s = first_session();
	const struct session_entry *e = fake_entry(&fake, SESSION_SLOT(s.handle));
	assert_string_equal(s.protocol, "l2tp");
	assert_int_equal(s.state, GW_UP);
	assert_string_equal(s.user, "alice");
	assert_int_equal(s.mppe_tx, 0);
	assert_int_equal(s.call_id, c->session->peer_id);
	assert_int_equal(s.peer_call_id, 77);
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
	assert_int_equal(status().l2tp_sessions, 1);
	assert_int_equal(status().pptp_sessions, 0);
	assert_int_equal(status().l2tp.tunnels, 1);
	assert_int_equal(c->last_sa, c->sa);
	assert_true(logged("event=session-up session=1 protocol=l2tp"));
	/* The client hangs up. */
	lac_hang_up(&c->lac, c->session);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_true(logged("code=peer-closed"));
	assert_int_equal(status().pool_used, 0);
	assert_int_equal(fake_live(&fake), 0);
}

/* D1: clients behind one NAT address, each through its own SA; nobody's message counts for another.
 */
static void
test_clients_behind_one_nat(void **state)
{
	(void)state;
	struct caller *a = call_up(0, 1), *b = call_up(1, 2), *c = call_up(2, 3);
	assert_int_equal(status().l2tp_sessions, 3);
	assert_int_not_equal(a->peer.ip, b->peer.ip);
	assert_int_not_equal(b->peer.ip, c->peer.ip);
	assert_int_equal(a->last_sa, a->sa);
	assert_int_equal(b->last_sa, b->sa);
	/* b's pair, a's tunnel. */
	uint32_t own = a->sa;
	a->sa = b->sa;
	lac_stop(&a->lac);
	loop_for(&loop, 100);
	assert_int_equal(status().l2tp.wrong_peer, 1);
	assert_int_equal(status().l2tp_sessions, 3);
	a->sa = own;
	/* One goes, the others stay; it comes back. */
	gateway_sa_peer_gone(gw, 2);
	loop_for(&loop, 100);
	assert_int_equal(status().l2tp_sessions, 2);
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
	gateway_sa_current(gw, 1, new);
	gateway_sa_current(gw, 1, new); /* again: nothing more to say */
	loop_for(&loop, 50);
	assert_int_equal(fake.commands[COMMAND_SESSION_SA], 1);
	assert_int_equal(fake_entry(&fake, SESSION_SLOT(first_session().handle))->sa, new);
	assert_int_equal(first_session().sa, new);
	/* The client still uses the old one, is answered through the new one. */
	assert_int_equal(c->sa, old);
	lac_call(&c->lac, 99);
	loop_for(&loop, 100);
	assert_int_equal(c->last_sa, new);
	/* No outbound SA for a while: nothing goes out in clear, nothing ends. */
	current_of[1] = 0;
	gateway_sa_current(gw, 1, 0);
	unsigned int received = c->lac.n_received;
	lac_call(&c->lac, 100);
	loop_for(&loop, 100);
	assert_int_equal(c->lac.n_received, received);
	assert_true(status().l2tp_unsent > 0);
	assert_int_equal(fake.commands[COMMAND_SESSION_SA], 1);
	assert_int_equal(first_session().state, GW_UP);
	assert_int_equal(strays, 0);
}

/* A call while the peer has no outbound SA never becomes a session that would send in clear. */
static void
test_no_outbound_sa(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 1);
	current_of[1] = 0;
	gateway_sa_current(gw, 1, 0);
	lac_call(&c->lac, 99);
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
	struct peer_config pc = ppp_client("alice", "pw-alice");
	struct caller *c = call_as(0, 0, &pc);
	loop_for(&loop, 200);
	assert_int_equal(c->lac.n_received, 0);
	assert_int_equal(status().l2tp_in_clear, 1);
	assert_int_equal(status().refusals[REFUSAL_IPSEC_REQUIRED], 1);
	assert_int_equal(status().l2tp.tunnels_total, 0);
	/* Nor through a pair of nobody known. */
	uint32_t sa = link_sa_take(gw->link, &pairs[0]);
	struct command_sa_add add = {.outer = {SERVER_IP, NAT_IP, 4500, 1}, .peer = 9};
	link_sa_add(gw->link, sa, &add);
	fake_pump(&fake);
	uint8_t bytes[12] = {0xc8, 2, 0, 12};
	fake_punt_l2tp(&fake, sa, &c->inner, bytes, sizeof(bytes));
	loop_for(&loop, 50);
	assert_int_equal(status().l2tp_strange_sa, 1);
}

/* Methods without MPPE keys are well enough inside IPsec, whatever mppe.policy says. */
static void
test_methods(void **state)
{
	static const enum ppp_auth methods[] = {PPP_AUTH_CHAP_MD5, PPP_AUTH_PAP};
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct peer_config pc = ppp_client("alice", "pw-alice");
		pc.auth = methods[i];
		pc.mppe = S_128; /* it asks for MPPE, and is refused it */
		struct caller *c = call_as(i, 1 + i, &pc);
		assert_true(loop_until(&loop, is_up, c, 6000));
		assert_int_equal(c->peer.tx_bits, 0);
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
		struct peer_config pc = ppp_client(cases[i].user, cases[i].password);
		struct caller *c = call_as(i, 1 + i, &pc);
		assert_true(loop_until(&loop, is_over, c, 9000));
		assert_true(loop_until(&loop, no_sessions, NULL, 3000));
		assert_int_equal(status().refusals[cases[i].why], 1);
		assert_int_equal(c->session->result, L2TP_CDN_ADMIN);
	}
	assert_int_equal(status().pool_used, 0);
}

/* PPP, then L2TP, then the SA. */
static void
test_disconnect(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 1), *other = call_up(1, 2);
	assert_int_equal(gateway_disconnect(gw, first_session().id), 0);
	assert_true(loop_until(&loop, is_over, c, 9000));
	loop_for(&loop, 300);
	assert_true(c->peer.closed);
	assert_true(c->session->over);
	assert_true(c->lac.stopped);
	assert_int_equal(closed_peer, 1);
	assert_true(logged("code=admin-disconnect"));
	assert_true(caller_is_up(other));
	assert_int_equal(gateway_disconnect_user(gw, "alice"), 1);
	assert_true(loop_until(&loop, no_sessions, NULL, 9000));
}

static void
test_ports(void **state)
{
	(void)state;
	cfg->l2tp_max_sessions = 2;
	call_up(0, 1);
	struct caller *c = call_up(1, 2);
	struct peer_config pc = ppp_client("alice", "pw-alice");
	struct caller *third = call_as(2, 3, &pc);
	assert_true(loop_until(&loop, is_over, third, 3000));
	assert_true(third->lac.stopped);
	assert_int_equal(status().refusals[REFUSAL_PORTS_FULL], 1);
	assert_true(strstr(status().problem, "all L2TP ports") != NULL);
	/* A tunnel with a session may not have another one either. */
	struct lac_session *s = lac_call(&c->lac, 500);
	loop_for(&loop, 100);
	assert_true(s->over);
	assert_int_equal(s->result, L2TP_CDN_NO_FACILITIES_NOW);
	assert_int_equal(status().refusals[REFUSAL_PORTS_FULL], 2);
}

static void
test_dataplane_death(void **state)
{
	(void)state;
	call_up(0, 1);
	fake_die(&fake, false);
	assert_true(loop_until(&loop, dataplane_is, NULL, 1000));
	assert_true(no_sessions(NULL));
	assert_int_equal(status().l2tp.tunnels, 0);
	assert_true(logged("code=dataplane-down"));
	caller_end(&callers[0]);
	fake_listen(&fake);
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
	n_pairs = 0;
	call_up(1, 2);
}

/* An earlier control's session: closed; its ID is nobody's before that. */
static void
test_orphans(void **state)
{
	(void)state;
	call_up(0, 1);
	uint16_t id = callers[0].session->peer_id;
	caller_end(&callers[0]);
	fake_die(&fake, true);
	assert_true(loop_until(&loop, dataplane_is, NULL, 1000));
	fake.no_gone = true;
	fake_listen(&fake);
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
	loop_for(&loop, 50);
	struct gateway_session s = first_session();
	assert_int_equal(s.state, GW_CLOSING);
	assert_string_equal(s.protocol, "l2tp");
	assert_int_equal(s.call_id, id);
	fake.no_gone = false;
	fake_entry(&fake, SESSION_SLOT(s.handle))->handle = 0;
	fake_event(&fake, EVENT_SESSION_GONE, s.handle, 0, 0);
	assert_true(loop_until(&loop, no_sessions, NULL, 1000));
}

static void
test_refused_commands(void **state)
{
	static const int types[] = {
		COMMAND_SESSION_ADD, COMMAND_SESSION_L2TP, COMMAND_SESSION_OPEN};
	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct peer_config pc = ppp_client("alice", "pw-alice");
		fake.refuse_type = types[i];
		fake.refuse_error = -ENOSPC;
		struct caller *c = call_as(i, 1 + i, &pc);
		assert_true(loop_until(&loop, is_over, c, 5000));
		assert_int_equal(c->session->result, L2TP_CDN_ERROR);
		assert_int_equal(c->session->error, L2TP_ERROR_RESOURCES);
		assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	}
	fake.refuse_type = 0;
	call_up(5, 7);
}

static bool
look_at_tunnel(void *user, const struct l2tp_tunnel_info *t)
{
	*(struct l2tp_tunnel_info *)user = *t;
	return true;
}

static void
test_tunnels_and_stop(void **state)
{
	(void)state;
	struct l2tp_tunnel_info t = {0};
	struct caller *a = call_up(0, 1), *b = call_up(1, 2);
	gateway_tunnels(gw, look_at_tunnel, &t);
	assert_int_equal(t.id, b->lac.peer_id);
	assert_int_equal(t.path.peer, 2);
	assert_int_equal(t.sessions, 1);
	assert_string_equal(t.peer_host, "client");
	bool stopped = false;
	gateway_stop(gw, set_true, &stopped);
	assert_true(loop_until(&loop, is_true, &stopped, 6000));
	assert_true(a->lac.stopped && b->lac.stopped);
	assert_int_equal(a->lac.result, L2TP_STOP_SHUTDOWN);
	assert_int_equal(fake_live(&fake), 0);
	gateway_free(gw);
	/* For teardown. */
	char err[256];
	gw = gateway_start(&loop, cfg, err, sizeof(err));
	assert_non_null(gw);
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
}

/* ------------------------------------------------------------------ in clear, when allowed */

static void
test_clear(void **state)
{
	(void)state;
	struct caller *c = call_up(0, 0), *b = call_up(1, 0);
	struct gateway_session s = first_session();
	assert_int_equal(fake.last[COMMAND_GATEWAY].gateway.clear_l2tp, 1);
	assert_int_equal(s.sa, 0);
	assert_int_equal(s.mppe_tx, 128); /* mppe.policy holds */
	assert_int_equal(s.peer_port, 20000);
	assert_int_equal(c->last_sa, 0);
	/* Inside IPsec at the same time. */
	call_up(2, 1);
	/* Somebody else's port. */
	c->inner.peer_port++;
	lac_stop(&c->lac);
	loop_for(&loop, 100);
	assert_int_equal(status().l2tp.wrong_peer, 1);
	assert_true(caller_is_up(b));
}

static int
setup_secret(void **state)
{
	(void)state;
	stage("tunnel_secret = \"tunnel-secret\"; sequencing = true;", "");
	return 0;
}

static void
test_tunnel_secret(void **state)
{
	(void)state;
	struct peer_config pc = ppp_client("alice", "pw-alice");
	struct caller *c = call_as(0, 1, &pc);
	assert_true(loop_until(&loop, is_over, c, 3000));
	assert_int_equal(c->lac.result, L2TP_STOP_NOT_AUTHORIZED);
	assert_true(logged("code=tunnel-auth-failed"));
	assert_int_equal(status().refusals[REFUSAL_TUNNEL_AUTH_FAILED], 1);
	caller_end(c);
	struct sa_outer inner = {SERVER_IP, NAT_IP, 1701, 1701};
	caller_start(&callers[1], &fake,
		&(struct lac_config){
			.id = 5, .secret = "tunnel-secret", .challenges = true, .hides = true},
		&pc, c->sa, &inner);
	assert_true(loop_until(&loop, is_up, &callers[1], 5000));
	assert_true(callers[1].lac.proven);
	assert_int_equal(fake.last[COMMAND_SESSION_L2TP].l2tp.send_sequence, 1);
	assert_int_equal(fake.last[COMMAND_SESSION_L2TP].l2tp.require_sequence, 0);
	assert_false(logged("tunnel-secret"));
}

/* ------------------------------------------------------------------ many */

static void
test_many(void **state)
{
	struct peer_config pc = ppp_client("alice", "pw-alice");
	(void)state;
	for (unsigned int round = 0; round < 5; round++) {
		n_pairs = 0;
		for (unsigned int i = 0; i < 30; i++) {
			if (current_of[i + 1])
				link_sa_close(gw->link, current_of[i + 1]);
			call_as(i, i + 1, &pc);
		}
		for (unsigned int i = 0; i < 30; i++)
			assert_true(loop_until(&loop, is_up, &callers[i], 20000));
		assert_int_equal(status().l2tp_sessions, 30);
		for (unsigned int i = 0; i < 30; i++)
			i % 2 ? lac_stop(&callers[i].lac) : gateway_sa_peer_gone(gw, i + 1);
		assert_true(loop_until(&loop, no_sessions, NULL, 9000));
		for (unsigned int i = 0; i < 30; i++)
			caller_end(&callers[i]);
	}
	assert_int_equal(status().l2tp.tunnels, 0);
	assert_int_equal(status().pool_used, 0);
	assert_int_equal(fake_live(&fake), 0);
	assert_int_equal(status().l2tp.sessions_total, 150);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_session),
		TEST(test_clients_behind_one_nat),
		TEST(test_rekey),
		TEST(test_no_outbound_sa),
		TEST(test_clear_refused),
		TEST(test_methods),
		TEST(test_refusals),
		TEST(test_disconnect),
		TEST(test_ports),
		TEST(test_dataplane_death),
		TEST(test_orphans),
		TEST(test_refused_commands),
		TEST(test_tunnels_and_stop),
		cmocka_unit_test_setup_teardown(test_clear, setup_clear, teardown),
		cmocka_unit_test_setup_teardown(test_tunnel_secret, setup_secret, teardown),
		TEST(test_many),
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
