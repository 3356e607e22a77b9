/* SPDX-License-Identifier: BSD-3-Clause */
/* CHAP as authenticator: MD5 (RFC 1994), MS-CHAPv1 (RFC 2433), MS-CHAPv2 (RFC 2759). */
#include <stdio.h>
#include <string.h>

#include "control/ppp/link.h"

#define MESSAGE_MAX 192
#define FAILURES    3 /* a Failure that asks for another try is repeated that often */

/* E= codes, RFC 2759 section 6; 738 is what Windows shows when a server has no address to give.
 * Whoever has not proved that he knows the password gets 691 whatever the cause is (T1). */
static unsigned int
error_code(enum refusal_code code)
{
	switch (code) {
	case REFUSAL_DIALIN_DENIED:
	case REFUSAL_USER_LIMIT:
		return 649; /* no dial-in permission */
	case REFUSAL_POOL_EMPTY:
	case REFUSAL_ADDRESS_IN_USE:
		return 738;
	default:
		return 691; /* authentication failure */
	}
}

static const char *
error_message(unsigned int error)
{
	switch (error) {
	case 649:
		return "No dial-in permission";
	case 738:
		return "No address available";
	default:
		return "Authentication failed";
	}
}

static void
send_chap(struct ppp_link *l, uint8_t code, uint8_t id, const void *body, size_t len)
{
	uint8_t buf[512];
	struct wire_writer w = wire_write(buf, sizeof(buf));

	wire_put8(&w, code);
	wire_put8(&w, id);
	wire_put16(&w, (uint16_t)(len + 4));
	wire_put(&w, body, len);
	if (!w.full)
		ppp_send(l, PPP_PROTO_CHAP, buf, w.len);
}

static struct chap_asked *
asked(struct chap *c, uint8_t id)
{
	return &c->asked[id % CHAP_KEPT];
}

/* RFC 1994 section 4.1: identifier and value change with every Challenge, also with a repeated one.
 * So the next one waits for the round trip. */
static void
send_challenge(struct ppp_link *l)
{
	struct chap *c = &l->chap;
	struct chap_asked *a = asked(c, ++c->id);
	uint8_t buf[128];
	struct wire_writer w = wire_write(buf, sizeof(buf));

	l->ops->random(l->user, c->challenge, c->challenge_len);
	*a = (struct chap_asked){.at = l->now, .open = true, .id = c->id};
	memcpy(a->value, c->challenge, c->challenge_len);
	c->due = l->now + rtt_patience(l, l->cfg.restart_ms);
	wire_put8(&w, c->challenge_len);
	wire_put(&w, c->challenge, c->challenge_len);
	wire_put(&w, l->cfg.server_name, strnlen(l->cfg.server_name, sizeof(l->cfg.server_name)));
	c->tries--;
	send_chap(l, CHAP_CHALLENGE, c->id, buf, w.len);
}

static void
forget_early(struct chap *c)
{
	explicit_bzero(c->early, sizeof(c->early));
	c->early_len = 0;
	c->early_waits = false;
}

void
chap_begin(struct ppp_link *l)
{
	struct chap *c = &l->chap;

	memset(c->asked, 0, sizeof(c->asked));
	forget_early(c);
	c->state = CHAP_CHALLENGED;
	c->response_len = 0;
	c->tries = (uint8_t)l->cfg.max_configure;
	c->challenge_len = l->lcp.auth == PPP_AUTH_MSCHAPV1 ? 8 : 16;
	send_challenge(l);
}

void
chap_stop(struct ppp_link *l)
{
	struct chap *c = &l->chap;

	c->state = CHAP_IDLE;
	c->due = FSM_NEVER;
	forget_early(c);
	explicit_bzero(c->asked, sizeof(c->asked));
	explicit_bzero(c->challenge, sizeof(c->challenge));
	explicit_bzero(c->response, sizeof(c->response));
	explicit_bzero(c->authenticator_response, sizeof(c->authenticator_response));
}

static void
send_success(struct ppp_link *l)
{
	struct chap *c = &l->chap;
	char text[MESSAGE_MAX];
	int len;

	if (l->lcp.auth == PPP_AUTH_MSCHAPV2)
		len = snprintf(
			text, sizeof(text), "S=%.40s M=Access granted", c->authenticator_response);
	else
		len = snprintf(text, sizeof(text), "Access granted");
	send_chap(l, CHAP_SUCCESS, c->response_id, text, (size_t)len);
}

/* RFC 1994 section 4.1 counts on the peer to repeat its Response when the Success was lost; pppd
 * does not, and discards CCP and IPCP until it has seen one. */
static void
repeat_success(struct ppp_link *l)
{
	l->chap.tries--;
	l->chap.due = l->now + rtt_patience(l, l->cfg.restart_ms);
	send_success(l);
}

void
chap_seen_through(struct ppp_link *l)
{
	if (l->chap.state == CHAP_DONE)
		l->chap.due = FSM_NEVER;
}

static void
send_failure(struct ppp_link *l, bool retry)
{
	struct chap *c = &l->chap;
	char text[MESSAGE_MAX], hex[33] = "";
	const char *message = error_message(c->error);
	int len;

	for (unsigned int i = 0; i < c->challenge_len; i++)
		snprintf(hex + 2 * i, 3, "%02X", c->challenge[i]);
	if (l->lcp.auth == PPP_AUTH_MSCHAPV2)
		len = snprintf(text, sizeof(text), "E=%u R=%d C=%s V=3 M=%s", c->error, retry, hex,
			message);
	else if (l->lcp.auth == PPP_AUTH_MSCHAPV1)
		len = snprintf(text, sizeof(text), "E=%u R=%d C=%s V=2", c->error, retry, hex);
	else
		len = snprintf(text, sizeof(text), "%s", message);
	send_chap(l, CHAP_FAILURE, c->response_id, text, (size_t)len);
}

/* A client that waits for an answer does not repeat its Response either: without another try it
 * would be refused for not having answered. */
static void
repeat_failure(struct ppp_link *l)
{
	l->chap.tries--;
	l->chap.due = l->now + rtt_patience(l, l->cfg.restart_ms);
	send_failure(l, true);
}

void
chap_success(struct ppp_link *l, const char *authenticator_response)
{
	memcpy(l->chap.authenticator_response, authenticator_response, 40);
	l->chap.authenticator_response[40] = '\0';
	l->chap.state = CHAP_DONE;
	l->chap.tries = (uint8_t)l->cfg.max_configure;
	l->chap.due = l->now + rtt_patience(l, l->cfg.restart_first_ms);
	send_success(l);
}

/* What the peer is to answer in its next try. */
static void
new_challenge(struct ppp_link *l, const struct ppp_verdict *v)
{
	struct chap *c = &l->chap;

	if (v->challenge_len == c->challenge_len)
		memcpy(c->challenge, v->challenge, c->challenge_len);
	else
		l->ops->random(l->user, c->challenge, c->challenge_len);
}

bool
chap_failure(struct ppp_link *l, const struct ppp_verdict *v)
{
	struct chap *c = &l->chap;
	bool ms = l->lcp.auth & (PPP_AUTH_MSCHAPV1 | PPP_AUTH_MSCHAPV2);
	bool retry = ms && v->retry && c->retries < l->cfg.auth_retries;

	c->error = (uint16_t)error_code(v->refusal);
	c->state = retry ? CHAP_RETRY : CHAP_DONE;
	if (ms)
		new_challenge(l, v);
	if (retry) {
		c->retries++;
		c->tries = FAILURES;
		c->due = l->now + rtt_patience(l, l->cfg.restart_ms);
	}
	send_failure(l, retry);
	return retry;
}

/* A new Response, or the one that we have answered already (our answer was lost)? */
static bool
is_repeated(const struct chap *c, uint8_t id, const uint8_t *value, uint8_t len)
{
	return c->response_len != 0 && id == c->response_id && len == c->response_len &&
	       memcmp(value, c->response, len) == 0;
}

/* Each Challenge is answered once. */
static bool
take_challenge(struct ppp_link *l, uint8_t id)
{
	struct chap *c = &l->chap;
	struct chap_asked *a = asked(c, id);
	bool open = a->open && a->id == id;

	if (c->state != CHAP_CHALLENGED && c->state != CHAP_RETRY)
		return false;
	if (open)
		a->open = false;
	/* RFC 2759 section 6: a retry answers C= of the Failure; Windows counts the identifier on.
	 * What answers a Challenge was on its way before. */
	if (c->state == CHAP_RETRY)
		return !open && (id == c->response_id || id == (uint8_t)(c->response_id + 1));
	if (!open)
		return false;
	memcpy(c->challenge, a->value, c->challenge_len);
	if (id == c->id)
		rtt_guessed(l, a->at);
	return true;
}

/* It was let in by an earlier answer and has answered another Challenge since: then its keys are
 * not ours, or it waits for another Success. */
static bool
has_gone_past(struct ppp_link *l, uint8_t id)
{
	const struct chap_asked *a = asked(&l->chap, id);

	return l->phase == PPP_NETWORK && l->lcp.auth == PPP_AUTH_MSCHAPV2 && a->open &&
	       a->id == id && (uint8_t)(id - l->chap.response_id) < CHAP_KEPT;
}

/* pppd answers every Challenge anew, takes its MPPE keys from its last Response, and before 2.4.9 a
 * Success for that one only.  So an answer to an earlier Challenge is kept while the one to the
 * last may be under way, and while another Challenge may get one. */
static bool
keep_early(struct ppp_link *l, uint8_t id, struct wire_reader body)
{
	struct chap *c = &l->chap;
	const struct chap_asked *a = asked(c, id), *last = asked(c, c->id);
	uint64_t due;

	if (c->state != CHAP_CHALLENGED || l->lcp.auth != PPP_AUTH_MSCHAPV2 || !a->open ||
		a->id != id || a == last || body.left > sizeof(c->early))
		return false;
	if (c->early_len == 0) {
		rtt_outgrown(l, a->at);
		due = last->at + rtt_patience(l, l->cfg.restart_ms);
		if (due > c->due)
			c->due = due;
	}
	memcpy(c->early, body.at, body.left);
	c->early_len = (uint16_t)body.left;
	c->early_id = id;
	return true;
}

static void
fill_credentials(struct ppp_link *l, struct ppp_credentials *cred, struct wire_reader name)
{
	const struct chap *c = &l->chap;

	memset(cred, 0, sizeof(*cred));
	cred->method = l->lcp.auth;
	cred->again = c->state == CHAP_RETRY;
	memcpy(cred->user, name.at, name.left);
	cred->id = c->response_id;
	cred->challenge_len = c->challenge_len;
	memcpy(cred->challenge, c->challenge, c->challenge_len);
	if (l->lcp.auth == PPP_AUTH_MSCHAPV2) {
		memcpy(cred->peer_challenge, c->response, CHAP_V2_PEER_LEN);
		memcpy(cred->response, c->response + CHAP_NT_OFFSET, CHAP_NT_LEN);
		cred->response_len = CHAP_NT_LEN;
	} else {
		memcpy(cred->response, c->response, c->response_len);
		cred->response_len = c->response_len;
	}
}

static void
input_response(struct ppp_link *l, uint8_t id, struct wire_reader r, bool wait)
{
	struct chap *c = &l->chap;
	const struct wire_reader body = r;
	uint8_t want = l->lcp.auth == PPP_AUTH_CHAP_MD5 ? CHAP_MD5_RESPONSE : CHAP_MS_RESPONSE;
	uint8_t len = wire_get8(&r);
	const uint8_t *value = wire_take(&r, len);
	struct ppp_credentials cred;

	if (value == NULL || len != want)
		return;
	if (is_repeated(c, id, value, len)) {
		if (c->state == CHAP_DONE)
			send_success(l);
		else if (c->state == CHAP_RETRY)
			send_failure(l, true);
		return;
	}
	if (has_gone_past(l, id)) {
		fsm_renegotiate(&l->lcp.fsm);
		return;
	}
	if (l->verdict_owed || (wait && keep_early(l, id, body)) || !take_challenge(l, id))
		return;
	if (r.left == 0 || r.left > PPP_NAME_MAX || memchr(r.at, 0, r.left) != NULL) {
		c->response_id = id;
		chap_failure(l, &(struct ppp_verdict){.refusal = REFUSAL_PROTOCOL_ERROR});
		ppp_fail(l, REFUSAL_PROTOCOL_ERROR, "malformed user name");
		return;
	}
	forget_early(c);
	c->response_id = id;
	c->response_len = len;
	memcpy(c->response, value, len);
	fill_credentials(l, &cred, r);
	c->state = CHAP_PENDING;
	c->due = FSM_NEVER;
	ppp_ask_verdict(l, &cred);
	explicit_bzero(&cred, sizeof(cred));
}

static void
take_early(struct ppp_link *l)
{
	struct chap *c = &l->chap;
	uint8_t body[CHAP_EARLY_MAX];
	size_t len = c->early_len;

	memcpy(body, c->early, len);
	forget_early(c);
	input_response(l, c->early_id, wire_read(body, len), false);
	explicit_bzero(body, sizeof(body));
}

static void
challenge_timer(struct ppp_link *l)
{
	struct chap *c = &l->chap;
	bool early = c->early_len > 0,
	     last = c->early_waits || (uint8_t)(c->id - c->early_id) == CHAP_KEPT - 1;

	if (early && (last || c->tries == 0))
		take_early(l);
	if (c->state != CHAP_CHALLENGED)
		return;
	if (c->tries > 0) {
		c->early_waits = c->early_len > 0;
		send_challenge(l);
	} else {
		ppp_fail(l, REFUSAL_AUTH_TIMEOUT, "no answer to the CHAP Challenge");
	}
}

void
chap_timer(struct ppp_link *l)
{
	struct chap *c = &l->chap;

	if (c->due > l->now)
		return;
	c->due = FSM_NEVER;
	if (c->state == CHAP_CHALLENGED)
		challenge_timer(l);
	else if (c->state == CHAP_DONE && c->tries > 0)
		repeat_success(l);
	else if (c->state == CHAP_RETRY && c->tries > 0)
		repeat_failure(l);
}

void
chap_input(struct ppp_link *l, const uint8_t *packet, size_t len)
{
	struct wire_reader r = wire_read(packet, len);
	uint8_t code = wire_get8(&r), id = wire_get8(&r);
	uint16_t length = wire_get16(&r);

	/* We are never the one who is asked: only Responses count. */
	if (r.bad || length < 4 || length > len || code != CHAP_RESPONSE)
		return;
	input_response(l, id, wire_read(packet + 4, length - 4u), true);
}
