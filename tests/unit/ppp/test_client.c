/* SPDX-License-Identifier: BSD-3-Clause */
/* The side that dials, by itself: what it makes of servers that are right, and of others. */
#include <stdlib.h>

#include "check.h"
#include "control/ppp/fsm.h"
#include "control/ppp/number.h"

static struct said {
	unsigned int ups, downs, keys;
	enum refusal_code why;
	struct ppp_client_keys last;
	uint8_t frame[PPP_FRAME_MAX]; /* the last that was sent */
	size_t len;
} said;
static const struct ppp_client_ops *usual;

static void
on_client_up(void *user, const struct ppp_client *p)
{
	(void)user;
	assert_true(ppp_client_is_open(p));
	said.ups++;
}

static void
on_client_down(void *user, enum refusal_code code, const char *text)
{
	(void)user;
	assert_non_null(text);
	said.downs++;
	said.why = code;
}

static void
on_client_keys(void *user, const struct ppp_client_keys *keys)
{
	(void)user;
	said.keys++;
	said.last = *keys;
}

static void
keep(void *user, const uint8_t *frame, size_t len)
{
	(void)user;
	memcpy(said.frame, frame, len);
	said.len = len;
}

static void
begin(void)
{
	static struct ppp_client_ops ops;

	memset(&said, 0, sizeof(said));
	lab_start(&lab, &pc, false);
	usual = lab.peer.ops;
	ops = *usual;
	ops.up = on_client_up;
	ops.down = on_client_down;
	ops.mppe_up = on_client_keys;
	lab.peer.ops = &ops;
	ppp_client_start(&lab.peer, lab.now);
}

/* From now on the server is this file. */
static void
cut_off(void)
{
	static struct ppp_client_ops ops;

	ops = *lab.peer.ops;
	ops.send = keep;
	lab.peer.ops = &ops;
	lab.queued = 0;
}

static void
say(uint16_t protocol, uint8_t code, uint8_t id, const void *body, size_t len)
{
	uint8_t f[600] = {
		protocol >> 8, protocol & 0xff, code, id, (len + 4) >> 8, (len + 4) & 0xff};
	uint8_t *exact;

	if (len > 0)
		memcpy(f + 6, body, len);
	exact = malloc(len + 6);
	assert_non_null(exact);
	memcpy(exact, f, len + 6);
	said.len = 0;
	ppp_client_input(&lab.peer, exact, len + 6, lab.now);
	free(exact);
}

static void
test_both_have_the_same_keys(void **state)
{
	(void)state;
	pc.mppe_required = true;
	begin();
	expect_open();
	assert_int_equal(said.ups, 1);
	assert_int_equal(said.keys, 1);
	assert_int_equal(said.last.tx.strength, 128);
	assert_true(said.last.tx.stateless && said.last.rx.stateless);
	assert_memory_equal(said.last.tx.start_key, lab.keys.rx.start_key, 16);
	assert_memory_equal(said.last.rx.start_key, lab.keys.tx.start_key, 16);
	assert_int_equal(lab.peer.server_ip, lab.grant.local_ip);
	assert_int_equal(lab.peer.dns[0], lab.grant.dns[0]);
	ppp_close(lab.link, REFUSAL_ADMIN_DISCONNECT, "over", lab.now);
	lab_run(&lab, lab.now + 1000);
	assert_int_equal(said.downs, 1);
	assert_int_equal(said.why, REFUSAL_NONE);
}

/* RFC 2759 section 8.7: who has not the password cannot play the server. */
static void
test_server_must_prove(void **state)
{
	uint8_t success[] = "S=0123456789ABCDEF0123456789ABCDEF01234567 M=welcome";

	(void)state;
	for (size_t len = 0; len < sizeof(success); len += 13) {
		lab.defer = true;
		begin();
		lab_run(&lab, lab.now + 100);
		assert_int_equal(lab.auths, 1);
		cut_off();
		say(PPP_PROTO_CHAP, CHAP_SUCCESS, (uint8_t)(lab.peer.chap_id + 1), success, len);
		assert_int_equal(said.downs, 0);
		say(PPP_PROTO_CHAP, CHAP_SUCCESS, lab.peer.chap_id, success, len);
		assert_int_equal(said.downs, 1);
		assert_int_equal(said.why, REFUSAL_WRONG_PASSWORD);
		assert_false(lab.peer.authenticated);
		lab_end(&lab);
		lab_init(&lab, &pc);
	}
	lab.link = NULL;
}

/* A server that would rather have it in clear gets nothing at all. */
static void
test_no_clear_where_mppe_is_required(void **state)
{
	(void)state;
	pc.mppe_required = true;
	lab.grant.mppe_policy = PPP_MPPE_FORBID;
	begin();
	lab_run(&lab, lab.now + 60000);
	assert_int_equal(said.ups, 0);
	assert_int_equal(lab.ip_ups, 0);
	assert_int_equal(said.downs, 1);
	assert_int_equal(said.why, REFUSAL_NO_COMMON_ENCRYPTION);
}

/* T2: neither the same keys again, nor clear. */
static void
test_t2_ccp_ends_or_begins_anew(void **state)
{
	static const struct {
		uint8_t code, body[6];
		size_t len;
	} ends[] = {{FSM_TERMINATE_REQUEST, {0}, 0},
		{FSM_CONFIGURE_REQUEST, {18, 6, 1, 0, 0, 0x40}, 6}};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		begin();
		expect_open();
		cut_off();
		say(PPP_PROTO_CCP, ends[i].code, 77, ends[i].body, ends[i].len);
		assert_int_equal(said.downs, 1);
		assert_int_equal(said.why, REFUSAL_PROTOCOL_ERROR);
		assert_int_equal(said.keys, 1);
		assert_false(ppp_client_is_open(&lab.peer));
		assert_int_equal(said.frame[2], FSM_TERMINATE_REQUEST);
		lab_end(&lab);
		lab_init(&lab, &pc);
	}
	lab.link = NULL;
}

/* RFC 1661 section 5.2. */
static void
test_ack_of_something_else(void **state)
{
	(void)state;
	begin();
	cut_off();
	say(PPP_PROTO_LCP, FSM_CONFIGURE_ACK, lab.peer.n[PPP_CLIENT_LCP].id, "\1\4\5\334", 4);
	assert_false(lab.peer.n[PPP_CLIENT_LCP].ours);
}

static void
test_naks_without_end(void **state)
{
	unsigned int i;

	(void)state;
	begin();
	cut_off();
	for (i = 0; i < 1000 && said.downs == 0; i++)
		say(PPP_PROTO_LCP, FSM_CONFIGURE_NAK, lab.peer.n[PPP_CLIENT_LCP].id, "\5\6\1\2\3\4",
			6);
	assert_in_range(i, 10, 100);
	assert_int_equal(said.downs, 1);
	assert_int_equal(ppp_client_next_timer(&lab.peer), UINT64_MAX);
}

static void
test_silent_servers(void **state)
{
	(void)state;
	pc.echo_interval_ms = 1000;
	pc.echo_failures = 3;
	begin();
	expect_open();
	cut_off();
	while (said.downs == 0 && ppp_client_next_timer(&lab.peer) != UINT64_MAX)
		ppp_client_timer(&lab.peer, ppp_client_next_timer(&lab.peer));
	assert_int_equal(said.why, REFUSAL_PEER_DEAD);
	lab_end(&lab);
	lab_init(&lab, &pc);
	begin();
	cut_off();
	while (said.downs == 0 && ppp_client_next_timer(&lab.peer) != UINT64_MAX)
		ppp_client_timer(&lab.peer, ppp_client_next_timer(&lab.peer));
	assert_int_equal(said.why, REFUSAL_SETUP_TIMEOUT);
	lab.queued = 0;
}

static void
test_servers_that_ask_for_no_password(void **state)
{
	uint8_t own[64];
	size_t len;

	(void)state;
	begin();
	cut_off();
	say(PPP_PROTO_LCP, FSM_CONFIGURE_REQUEST, 1, "\5\6\1\2\3\4", 6);
	assert_int_equal(said.frame[2], FSM_CONFIGURE_ACK);
	ppp_client_renegotiate(&lab.peer, PPP_CLIENT_LCP, lab.now);
	len = said.len - 6;
	memcpy(own, said.frame + 6, len);
	say(PPP_PROTO_LCP, FSM_CONFIGURE_REQUEST, 2, "\5\6\1\2\3\4", 6);
	say(PPP_PROTO_LCP, FSM_CONFIGURE_ACK, lab.peer.n[PPP_CLIENT_LCP].id, own, len);
	assert_int_equal(said.why, REFUSAL_NO_COMMON_AUTH);
}

/* Options that lie about their length, answers cut anywhere, whatever the client waits for. */
static void
test_malformed(void **state)
{
	static const uint16_t protocols[] = {PPP_PROTO_LCP, PPP_PROTO_CHAP, PPP_PROTO_PAP,
		PPP_PROTO_CCP, PPP_PROTO_IPCP, 0x8057, PPP_PROTO_IP};
	uint8_t body[64];

	(void)state;
	for (unsigned int until = 0; until < 200; until += 20) {
		pc.mppe_required = true;
		begin();
		lab_run(&lab, lab.now + until);
		cut_off();
		for (unsigned int i = 0; i < 7 * 16 * 48; i++) {
			memset(body, (int)(i % 5) * 63, sizeof(body));
			body[0] = (uint8_t)i;
			body[1] = (uint8_t)(i / 7);
			say(protocols[i % 7], (uint8_t)(i / 7 % 16), (uint8_t)(i % 3), body,
				i % 48);
		}
		assert_true(said.ups == 0 || said.keys > 0);
		ppp_client_wipe(&lab.peer);
		lab_end(&lab);
		lab_init(&lab, &pc);
	}
	lab.link = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_both_have_the_same_keys),
		LINK_TEST(test_server_must_prove),
		LINK_TEST(test_no_clear_where_mppe_is_required),
		LINK_TEST(test_t2_ccp_ends_or_begins_anew),
		LINK_TEST(test_ack_of_something_else),
		LINK_TEST(test_naks_without_end),
		LINK_TEST(test_silent_servers),
		LINK_TEST(test_servers_that_ask_for_no_password),
		LINK_TEST(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
