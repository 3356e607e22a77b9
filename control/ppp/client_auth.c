/* SPDX-License-Identifier: BSD-3-Clause */
/* CHAP and PAP as the one who is asked: RFC 1994, RFC 2433, RFC 2759, RFC 1334. */
#include <string.h>

#include "control/ppp/client_internal.h"
#include "crypto/mschap.h"

#define SUCCESS_LEN (2 + MSCHAP_AUTH_RESPONSE_LEN) /* "S=" and digits */

static const char *
password(const struct ppp_client *p)
{
	const char *s = p->tried_second ? p->cfg.second_password : p->cfg.password;

	return s ? s : "";
}

static size_t
name_len(const struct ppp_client *p)
{
	return p->cfg.user ? strnlen(p->cfg.user, PPP_NAME_MAX) : 0;
}

static void
say(struct ppp_client *p)
{
	p->response_due = p->now + CLIENT_RESTART_MS;
	ppp_client_packet(
		p, PPP_PROTO_CHAP, CHAP_RESPONSE, p->chap_id, p->response, p->response_len);
}

static bool
fill_v2(struct ppp_client *p, uint8_t *value, const uint8_t *challenge)
{
	memcpy(p->challenge, challenge, sizeof(p->challenge));
	p->ops->random(p->user, p->peer_challenge, sizeof(p->peer_challenge));
	memcpy(value, p->peer_challenge, sizeof(p->peer_challenge));
	if (mschapv2_nt_response(challenge, p->peer_challenge, p->cfg.user ? p->cfg.user : "",
		    p->nt_hash, p->nt_response) != 0)
		return false;
	memcpy(value + CHAP_NT_OFFSET, p->nt_response, CHAP_NT_LEN);
	return true;
}

/* The value of the answer to this challenge and its length; 0: there is none. */
static size_t
fill(struct ppp_client *p, uint8_t *value, uint8_t id, const uint8_t *challenge, size_t len)
{
	bool good;

	memset(value, 0, CHAP_MS_RESPONSE);
	if (p->method == PPP_AUTH_CHAP_MD5)
		return chap_md5_response(id, password(p), challenge, len, value) == 0
			       ? CHAP_MD5_RESPONSE
			       : 0;
	if (mschap_nt_hash(password(p), p->nt_hash) != 0)
		return 0;
	if (p->method == PPP_AUTH_MSCHAPV2) {
		good = len == 16 && fill_v2(p, value, challenge);
	} else {
		good = p->method == PPP_AUTH_MSCHAPV1 && len == 8 &&
		       mschap_challenge_response(challenge, p->nt_hash, value + CHAP_NT_OFFSET) ==
			       0;
		value[CHAP_MS_RESPONSE - 1] = 1; /* the NT response is to be used */
	}
	return good ? CHAP_MS_RESPONSE : 0;
}

static void
respond(struct ppp_client *p, uint8_t id, const uint8_t *challenge, size_t len)
{
	uint8_t *at = p->response;
	size_t n = fill(p, at + 1, id, challenge, len);

	if (n == 0)
		return;
	at[0] = (uint8_t)n;
	memcpy(at + 1 + n, p->cfg.user ? p->cfg.user : "", name_len(p));
	p->response_len = 1 + n + name_len(p);
	p->chap_id = id;
	p->response_tries = 0;
	say(p);
}

/* The same once more, for its answer was lost: so is ours, or it was overtaken. */
static bool
is_repeated(const struct ppp_client *p, uint8_t id, const uint8_t *challenge, size_t len)
{
	return p->method == PPP_AUTH_MSCHAPV2 && p->response_len > 0 && id == p->chap_id &&
	       len == sizeof(p->challenge) && memcmp(challenge, p->challenge, len) == 0;
}

/* The number behind this key of a Failure's message, or 0. */
static unsigned int
number_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	unsigned int n = 0;

	for (at = at ? at + strlen(key) : ""; *at >= '0' && *at <= '9' && n < 100000; at++)
		n = n * 10 + (unsigned int)(*at - '0');
	return n;
}

static int
digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

static size_t
challenge_of(const char *text, uint8_t out[16])
{
	const char *at = strstr(text, "C=");
	size_t n = 0;

	if (!at)
		return 0;
	for (at += 2; n < 16 && digit(at[0]) >= 0 && digit(at[1]) >= 0; at += 2)
		out[n++] = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
	return n;
}

/* RFC 2759 section 6: "E=691 R=1 C=<32 digits> V=3 M=..." */
static void
on_failure(struct ppp_client *p, const uint8_t *body, size_t len)
{
	char text[256] = "";
	uint8_t challenge[16];
	size_t n;

	memcpy(text, body, len < sizeof(text) - 1 ? len : sizeof(text) - 1);
	p->response_due = CLIENT_NEVER;
	p->error = number_of(text, "E=");
	n = challenge_of(text, challenge);
	if (number_of(text, "R=") == 1 && p->cfg.second_password && n > 0) {
		p->tried_second = true;
		respond(p, (uint8_t)(p->chap_id + 1), challenge, n);
		return;
	}
	client_give_up(p, REFUSAL_WRONG_PASSWORD, "the server refuses user and password", false);
}

/* With MS-CHAPv2 it is the server's turn to prove that it knows the password. */
static bool
server_proves(const struct ppp_client *p, const uint8_t *body, size_t len)
{
	char want[MSCHAP_AUTH_RESPONSE_LEN + 1];
	uint8_t differ = 0;

	if (p->method != PPP_AUTH_MSCHAPV2)
		return true;
	if (len < SUCCESS_LEN || memcmp(body, "S=", 2) != 0 ||
		mschapv2_authenticator_response(p->nt_hash, p->nt_response, p->challenge,
			p->peer_challenge, p->cfg.user ? p->cfg.user : "", want) != 0)
		return false;
	for (unsigned int i = 0; i < MSCHAP_AUTH_RESPONSE_LEN; i++)
		differ |= body[2 + i] ^ (uint8_t)want[i];
	return differ == 0;
}

static void
on_success(struct ppp_client *p, const uint8_t *body, size_t len)
{
	p->response_due = CLIENT_NEVER;
	if (!server_proves(p, body, len)) {
		client_give_up(p, REFUSAL_WRONG_PASSWORD,
			"the server does not prove that it knows the password", true);
		return;
	}
	p->authenticated = true;
	client_advance(p);
}

void
client_chap_input(struct ppp_client *p, uint8_t code, uint8_t id, const uint8_t *body, size_t len)
{
	bool awaited = id == p->chap_id && p->response_due != CLIENT_NEVER;

	if (!client_lcp_is_open(p) || p->method == 0 || p->method == PPP_AUTH_PAP)
		return;
	if (code == CHAP_CHALLENGE && len > 1 && body[0] > 0 && body[0] < len) {
		if (is_repeated(p, id, body + 1, body[0]))
			say(p);
		else
			respond(p, id, body + 1, body[0]);
	} else if (code == CHAP_SUCCESS && awaited) {
		on_success(p, body, len);
	} else if (code == CHAP_FAILURE && awaited) {
		on_failure(p, body, len);
	}
}

void
client_pap_request(struct ppp_client *p)
{
	uint8_t buf[2 + 2 * PPP_NAME_MAX];
	struct wire_writer w = wire_write(buf, sizeof(buf));
	const char *secret = password(p);
	uint8_t secret_len = (uint8_t)strnlen(secret, PPP_NAME_MAX);

	wire_put8(&w, (uint8_t)name_len(p));
	wire_put(&w, p->cfg.user, name_len(p));
	wire_put8(&w, secret_len);
	wire_put(&w, secret, secret_len);
	p->response_due = p->now + CLIENT_RESTART_MS;
	ppp_client_packet(p, PPP_PROTO_PAP, PAP_REQUEST, ++p->pap_id, buf, w.len);
	explicit_bzero(buf, sizeof(buf));
}

void
client_pap_input(struct ppp_client *p, uint8_t code, uint8_t id)
{
	if (!client_lcp_is_open(p) || p->method != PPP_AUTH_PAP || id != p->pap_id ||
		p->response_due == CLIENT_NEVER)
		return;
	if (code == PAP_ACK) {
		p->response_due = CLIENT_NEVER;
		p->authenticated = true;
		client_advance(p);
	} else if (code == PAP_NAK) {
		p->response_due = CLIENT_NEVER;
		client_give_up(
			p, REFUSAL_WRONG_PASSWORD, "the server refuses user and password", false);
	}
}

void
client_auth_timer(struct ppp_client *p)
{
	if (p->response_due > p->now)
		return;
	if (++p->response_tries > CLIENT_TRIES) {
		p->response_due = CLIENT_NEVER;
		client_give_up(p, REFUSAL_AUTH_TIMEOUT, "no verdict of the server", true);
	} else if (p->method == PPP_AUTH_PAP) {
		client_pap_request(p);
	} else {
		p->response_due = p->now + CLIENT_RESTART_MS;
		if (!p->cfg.habits.pppd)
			say(p);
	}
}
