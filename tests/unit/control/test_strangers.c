/* SPDX-License-Identifier: BSD-3-Clause */
/* What strangers can do to sessions, and to those who want one, through the whole gateway. */
#include "fake/call.h"
#include "fake/dial.h"

#include <stdlib.h>
#include <string.h>

#include "control/core/strangers.h"
#include "control/session/session.h"

static const uint8_t terminate[] = {0xc0, 0x21, 5, 9, 0, 4};

/* T27: an idle PPTP session survives LCP Terminate-Requests in its client's name, and the client's
 * own one ends it two seconds later. */
static void
test_t27_pptp_forged_terminate(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	struct session_info s = first_session();
	for (unsigned int i = 0; i < 120; i++)
		assert_true(fake_punt(&fake, s.handle, terminate, sizeof(terminate)));
	loop_for(&loop, 3000);
	assert_int_equal(first_session().state, PHASE_UP);
	assert_true(client_is_up(c));
	assert_int_equal(status().forged_frames, 120);
	assert_true(logged("event=forged-frames session=1 peer=127.0.0.1 frames=120"));
	ppp_client_hang_up(&c->peer, 7, uv_now(&loop));
	loop_for(&loop, 1000);
	assert_int_equal(first_session().state, PHASE_UP);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	assert_true(logged("code=peer-closed"));
	assert_int_equal(status().forged_frames, 120);
}

/* T27: while the client is being asked, its control connection is believed at once. */
static void
test_t27_pptp_control_connection_tells(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	ppp_client_hang_up(&c->peer, 7, uv_now(&loop));
	loop_for(&loop, 100);
	assert_int_equal(first_session().state, PHASE_UP);
	client_clear(c);
	assert_true(loop_until(&loop, no_sessions, NULL, 500));
}

/* F3: its cause has a name of its own. */
static void
test_lcp_anew_has_a_cause(void **state)
{
	(void)state;
	struct client *c = dial_up(0, "alice", "pw-alice");
	ppp_client_renegotiate(&c->peer, PPP_CLIENT_LCP, uv_now(&loop));
	assert_true(loop_until(&loop, no_sessions, NULL, 9000));
	assert_true(logged("code=link-restarted"));
	assert_int_equal(status().refusals[REFUSAL_LINK_RESTARTED], 1);
	assert_int_equal(status().refusals[REFUSAL_PEER_CLOSED], 0);
}

/* T27: inside IPsec the client's word counts at once, in clear it is asked. */
static void
test_t27_l2tp(void **state)
{
	(void)state;
	struct caller *in_clear = call_up(0, 0), *behind = call_up(1, 1);
	assert_true(fake_punt(&fake, first_session().handle, terminate, sizeof(terminate)));
	loop_for(&loop, 2500);
	assert_int_equal(carrier("l2tp").sessions, 2);
	assert_int_equal(status().forged_frames, 1);
	ppp_client_hang_up(&behind->peer, 7, uv_now(&loop));
	loop_for(&loop, 300);
	assert_int_equal(carrier("l2tp").sessions, 1);
	ppp_client_hang_up(&in_clear->peer, 7, uv_now(&loop));
	loop_for(&loop, 1500);
	assert_int_equal(carrier("l2tp").sessions, 1);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
}

/* ------------------------------------------------------------------ T24: who holds the ports */

#define PORTS  2100u
#define HONEST 2000u
#define FLOOD  4000u

/*
 * T24: a stranger at one address asks for a port 200 times a second and never authenticates; 2,000
 * honest clients behind one NAT all dial at once, need a second each, and dial again when they are
 * refused or sent away.  All get in, and soon.
 */
static void
test_t24_honest_crowd_during_a_flood(void **state)
{
	const struct stranger_shares shares = {.all = 50, .address = 25};
	struct stranger *honest = calloc(HONEST, sizeof(*honest)), *out;
	struct stranger *flood = calloc(FLOOD, sizeof(*flood));
	uint64_t *dialed = calloc(HONEST, sizeof(*dialed)), now;
	bool *in = calloc(HONEST, sizeof(*in));
	unsigned int known = 0, asked = 0, sent_away = 0;
	struct strangers t;

	(void)state;
	strangers_init(&t);
	/* The flood was there before, and holds all. */
	for (; asked < PORTS; asked++) {
		assert_true(strangers_admit(&t, &shares, PORTS, 1, 1000, &out));
		assert_null(out);
		assert_true(strangers_add(&t, &flood[asked], 1, 1000));
	}
	for (now = 2000; known < HONEST && now < 12000; now += 5) {
		for (unsigned int i = 0; i < HONEST; i++) {
			if (honest[i].of && now - dialed[i] >= 1000) {
				strangers_remove(&t, &honest[i]);
				in[i] = true;
				known++;
			}
			if (in[i] || honest[i].of || (dialed[i] && now - dialed[i] < 500))
				continue;
			dialed[i] = now;
			if (!strangers_admit(&t, &shares, PORTS - known, 2, now, &out))
				continue;
			if (out) {
				sent_away += out >= honest && out < honest + HONEST;
				strangers_remove(&t, out);
			}
			assert_true(strangers_add(&t, &honest[i], 2, now));
			assert_true(known + t.n <= PORTS);
		}
		if (asked < FLOOD && strangers_admit(&t, &shares, PORTS - known, 1, now, &out)) {
			if (out)
				strangers_remove(&t, out);
			assert_true(strangers_add(&t, &flood[asked++], 1, now));
		}
	}
	assert_int_equal(known, HONEST);
	assert_true(now <= 8000);
	assert_true(sent_away < HONEST / 10);
	while ((out = TAILQ_FIRST(&t.all)))
		strangers_remove(&t, out);
	assert_int_equal(t.n, 0);
	free(honest);
	free(flood);
	free(dialed);
	free(in);
}

/* T24: beyond their share, strangers who take long give way; those who are quick stay. */
static void
test_t24_share(void **state)
{
	const struct stranger_shares shares = {.all = 50, .address = 20};
	struct stranger s[12] = {0}, *out;
	struct strangers t;

	(void)state;
	strangers_init(&t);
	for (unsigned int i = 0; i < 10; i++) /* five addresses hold two each, of twenty ports */
		assert_true(strangers_add(&t, &s[i], i / 2, 1000 + i));
	assert_true(strangers_admit(&t, &shares, 20, 9, 5000, &out));
	assert_null(out);
	assert_true(strangers_admit(&t, &shares, 20, 9, 6500, &out));
	assert_ptr_equal(out, &s[0]); /* the oldest of all */
	assert_true(strangers_admit(&t, &shares, 30, 9, 6500, &out));
	assert_null(out); /* less than half */
	for (unsigned int i = 10; i < 12; i++)
		assert_true(strangers_add(&t, &s[i], 4, 1000 + i));
	assert_true(strangers_admit(&t, &shares, 20, 4, 6500, &out));
	assert_ptr_equal(out, &s[8]); /* the oldest of its own address */
	/* All ports are in use, by nobody for long: whoever holds most gives way, not to
	 * himself. */
	assert_true(strangers_admit(&t, &shares, 12, 9, 2000, &out));
	assert_ptr_equal(out, &s[8]);
	assert_false(strangers_admit(&t, &shares, 12, 4, 2000, &out));
	assert_false(strangers_admit(&t, &shares, 0, 9, 2000, &out));
	while ((out = TAILQ_FIRST(&t.all)))
		strangers_remove(&t, out);
}

static bool
tunnel_up(void *user)
{
	return ((struct caller *)user)->lac.up;
}

/* T24: an IPsec peer without a user (its key is the group's) asks for every L2TP port. */
static void
test_t24_one_peer_leaves_ports(void **state)
{
	struct ppp_client_config pc = ppp_client("x", "x");
	struct caller *c;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		c = call_as(i, 1, &pc);
		c->no_call = c->no_ppp = true;
		assert_true(loop_until(&loop, tunnel_up, c, 3000));
		loop_for(&loop, 50);
		for (unsigned int k = 0; k < 16; k++) {
			l2tp_client_call(&c->lac, (uint16_t)(100 + k));
			loop_for(&loop, 10);
		}
	}
	assert_int_equal(carrier("l2tp").sessions, cfg->strangers_per_peer);
	assert_true(status().refusals[REFUSAL_STRANGERS] >= 16);
	pc = ppp_client("alice", "pw-alice");
	c = call_as(5, 2, &pc);
	assert_true(loop_until(&loop, caller_up, c, 6000));
}

/* In clear there is only the address: the flood's own sessions make room for the others. */
static void
test_t24_one_address_leaves_ports(void **state)
{
	struct ppp_client_config pc = client_config("x", "x");

	(void)state;
	for (unsigned int i = 0; i < 260; i++) {
		client_start(&clients[i], &fake, &pc, cfg->pptp_port, 66);
		clients[i].peer.cfg.habits.mute = true;
	}
	loop_for(&loop, 1500);
	assert_int_equal(carrier("pptp").sessions, 200);
	for (unsigned int i = 400; i < 430; i++)
		dial(i, "alice", "pw-alice");
	for (unsigned int i = 400; i < 430; i++)
		assert_true(loop_until(&loop, client_up, &clients[i], 3000));
	assert_int_equal(carrier("pptp").sessions, 200);
	assert_int_equal(status().refusals[REFUSAL_STRANGERS], 30);
}

static void
crowd(struct config *c)
{
	c->pool_last = 0x0a090ffe;
	c->pptp_max_sessions = 2100;
	c->pptp_max_connections = 2 * 2100 + 16;
	c->pptp_max_connections_per_address = 3000;
	fake.max_sessions = 2200;
}

static int
setup_crowd(void **state)
{
	(void)state;
	dial_stage("", crowd);
	return 0;
}

/* T24, T13: the same crowd of 2,000 with real clients, behind one address, while another address
 * holds and takes ports as fast as it can. */
static void
test_t24_two_thousand_behind_one_nat(void **state)
{
	struct ppp_client_config pc = client_config("alice", "pw-alice"),
				 none = client_config("x", "x");
	unsigned int up = 0, rounds = 0;

	(void)state;
	for (unsigned int i = 2000; i < 2300; i++) {
		client_start(&clients[i], &fake, &none, cfg->pptp_port, 66);
		clients[i].peer.cfg.habits.mute = true;
	}
	for (unsigned int i = 0; i < HONEST; i++)
		client_start(&clients[i], &fake, &pc, cfg->pptp_port, 9);
	for (; up < HONEST && rounds < 300; rounds++) {
		loop_for(&loop, 100);
		up = 0;
		for (unsigned int i = 0; i < 2300; i++) {
			struct client *c = &clients[i];

			up += i < HONEST && client_is_up(c);
			if (client_over(c)) { /* again */
				client_end(c);
				client_start(c, &fake, i < HONEST ? &pc : &none, cfg->pptp_port,
					i < HONEST ? 9 : 66);
				c->peer.cfg.habits.mute = i >= HONEST;
			}
		}
	}
	print_message("%u of 2,000 are in after %u rounds\n", up, rounds);
	assert_int_equal(up, HONEST);
}

static void
short_deadline(struct config *c)
{
	c->ppp.setup_timeout_ms = 2500;
}

static int
setup_deadline(void **state)
{
	(void)state;
	dial_stage("", short_deadline);
	return 0;
}

/* T24: the time to authenticate runs from the control connection's beginning, however late and
 * often it calls. */
static void
test_t24_deadline_from_the_first_octet(void **state)
{
	struct ppp_client_config pc = client_config("x", "x");
	struct client *c = &clients[0];
	uint64_t began = uv_now(&loop);

	(void)state;
	client_start(c, &fake, &pc, cfg->pptp_port, 1);
	c->pptp.cfg.no_call = true;
	c->peer.cfg.habits.mute = true;
	loop_for(&loop, 1400);
	assert_true(c->established);
	assert_true(pptp_client_call(&c->pptp, uv_now(&loop)));
	loop_for(&loop, 200);
	assert_int_equal(carrier("pptp").sessions, 1);
	assert_true(loop_until(&loop, no_sessions, NULL, 2000));
	assert_in_range(uv_now(&loop) - began, 2400, 3000);
	assert_int_equal(status().refusals[REFUSAL_SETUP_TIMEOUT], 1);
}

static void
with_mschapv1(struct config *c)
{
	c->ppp.auth = c->aaa.auth = PPP_AUTH_MSCHAPV2 | PPP_AUTH_MSCHAPV1;
}

static int
setup_mschapv1(void **state)
{
	(void)state;
	dial_stage("", with_mschapv1);
	return 0;
}

/* T16: MS-CHAPv1 is behind the weak switch: not asked for and not taken while that is off.  T2: and
 * when it is on, there is no MPPE with it. */
static void
test_t16_mschapv1_behind_the_switch(void **state)
{
	struct ppp_client_config pc = client_config("alice", "pw-alice");

	(void)state;
	pc.auth = PPP_AUTH_MSCHAPV1;
	client_start(&clients[0], &fake, &pc, cfg->pptp_port, 1);
	assert_true(loop_until(&loop, client_over, &clients[0], 6000));
	assert_int_equal(clients[0].peer.response_len, 0);
	assert_int_equal(status().refusals[REFUSAL_NO_COMMON_AUTH], 1);
	set_live("mppe.allow_weak_crypto", "true", FATE_KEEP);
	client_start(&clients[1], &fake, &pc, cfg->pptp_port, 2);
	assert_true(loop_until(&loop, client_over, &clients[1], 6000));
	assert_int_not_equal(clients[1].peer.response_len, 0);
	assert_int_equal(status().refusals[REFUSAL_ENCRYPTION_NEEDS_MSCHAP], 1);
	/* The remedy leads somewhere. */
	aaa_settings(gateway_sessions(gw)->env.aaa)->mppe_policy = PPP_MPPE_ALLOW;
	client_start(&clients[2], &fake, &pc, cfg->pptp_port, 3);
	assert_true(loop_until(&loop, client_up, &clients[2], 9000));
	assert_int_equal(first_session().mppe_tx, 0);
}

int
main(void)
{
#define PPTP(name) cmocka_unit_test_setup_teardown(name, dial_setup, dial_teardown)
	const struct CMUnitTest tests[] = {
		PPTP(test_t27_pptp_forged_terminate),
		PPTP(test_t27_pptp_control_connection_tells),
		PPTP(test_lcp_anew_has_a_cause),
		cmocka_unit_test(test_t24_honest_crowd_during_a_flood),
		cmocka_unit_test(test_t24_share),
		cmocka_unit_test_setup_teardown(
			test_t24_one_peer_leaves_ports, call_setup, call_teardown),
		PPTP(test_t24_one_address_leaves_ports),
		cmocka_unit_test_setup_teardown(
			test_t24_deadline_from_the_first_octet, setup_deadline, dial_teardown),
		cmocka_unit_test_setup_teardown(
			test_t24_two_thousand_behind_one_nat, setup_crowd, dial_teardown),
		cmocka_unit_test_setup_teardown(
			test_t16_mschapv1_behind_the_switch, setup_mschapv1, dial_teardown),
		cmocka_unit_test_setup_teardown(test_t27_l2tp, call_setup_clear, call_teardown),
	};
	return STAGE_RUN(tests);
}
