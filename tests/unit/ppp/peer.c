/* SPDX-License-Identifier: BSD-3-Clause */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/mschap.h"

#define NEVER   UINT64_MAX
#define RESTART 3000 /* unless configured otherwise */

enum {
	CONF_REQ = 1,
	CONF_ACK,
	CONF_NAK,
	CONF_REJ,
	TERM_REQ,
	TERM_ACK,
	CODE_REJ,
	PROT_REJ,
	ECHO_REQ
};

struct options {
	uint8_t buf[256];
	size_t len;
};

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
put(struct options *o, uint8_t type, const void *data, size_t len)
{
	o->buf[o->len++] = type;
	o->buf[o->len++] = (uint8_t)(len + 2);
	if (len > 0)
		memcpy(o->buf + o->len, data, len);
	o->len += len;
}

static void
put32(struct options *o, uint8_t type, uint32_t v)
{
	put(o, type, (uint8_t[]){v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255}, 4);
}

void
peer_packet(
	struct peer *p, uint16_t protocol, uint8_t code, uint8_t id, const void *body, size_t len)
{
	uint8_t f[2048] = {
		protocol >> 8, protocol & 255, code, id, (len + 4) >> 8, (len + 4) & 255};

	if (p->mute)
		return;
	if (len > 0)
		memcpy(f + 6, body, len);
	p->sent++;
	p->send(p->user, f, len + 6);
}

/* ------------------------------------------------------------------ Requests */

static void
lcp_options(struct peer *p, struct options *o)
{
	if (p->cfg.mru != 0)
		put(o, 1, (uint8_t[]){p->cfg.mru >> 8, p->cfg.mru & 255}, 2);
	put32(o, 2, 0);
	if (!p->cfg.no_magic)
		put32(o, 5, p->magic);
	put(o, 7, NULL, 0);
	put(o, 8, NULL, 0);
	if (p->cfg.multilink && !p->multilink_rejected) {
		put(o, 17, (uint8_t[]){5, 220}, 2);
		put(o, 13, (uint8_t[]){6}, 1);
	}
}

static void
ccp_options(struct peer *p, struct options *o)
{
	if (p->cfg.deflate && !p->deflate_rejected)
		put(o, 26, (uint8_t[]){0x78, 0}, 2);
	if (p->mppe_wanted)
		put(o, 18, (uint8_t[]){p->rx_stateless ? H_STATELESS : 0, 0, 0, p->rx_bits}, 4);
}

static void
ipcp_options(struct peer *p, struct options *o)
{
	if (!p->cfg.no_ip_option)
		put32(o, 3, p->ip);
	if (p->asks_vj)
		put(o, 2, (uint8_t[]){0, 0x2d, 15, 1}, 4);
	if (p->ip_asks_dns) {
		put32(o, 129, p->dns[0]);
		put32(o, 131, p->dns[1]);
	}
	if (p->ip_asks_wins) {
		put32(o, 130, p->wins[0]);
		put32(o, 132, p->wins[1]);
	}
}

static void
build(struct peer *p, int which, struct options *o)
{
	o->len = 0;
	if (which == P_LCP)
		lcp_options(p, o);
	else if (which == P_CCP)
		ccp_options(p, o);
	else
		ipcp_options(p, o);
}

static void
request(struct peer *p, int which, bool fresh)
{
	struct negotiation *n = &p->n[which];
	struct options o;

	if (fresh) {
		n->id++;
		n->tries = 0;
	}
	if (++n->tries > 10) { /* RFC 1661 section 4.6, and as pppd without MPPE */
		n->due = NEVER;
		p->failed = true;
		p->n[P_LCP].theirs = false;
		peer_packet(p, 0xc021, TERM_REQ, 201, NULL, 0);
		return;
	}
	n->started = true;
	n->ours = false;
	n->due = p->now + (p->cfg.restart_ms != 0 ? p->cfg.restart_ms : RESTART);
	build(p, which, &o);
	peer_packet(p, n->protocol, CONF_REQ, n->id, o.buf, o.len);
}

static void
begin(struct peer *p, int which)
{
	if (p->n[which].started)
		return;
	request(p, which, true);
}

static void
reset_above_lcp(struct peer *p)
{
	for (int i = P_CCP; i < P_COUNT; i++) {
		p->n[i].started = p->n[i].ours = p->n[i].theirs = false;
		p->n[i].due = NEVER;
	}
	p->authenticated = false;
	p->response_due = NEVER;
	p->deflate_rejected = false;
	p->mppe_wanted = !p->cfg.asks_no_mppe;
	p->rx_bits = p->cfg.mppe_ask ? p->cfg.mppe_ask : p->cfg.mppe;
	p->rx_stateless = !p->cfg.ask_stateful;
	p->ip = p->cfg.ip;
	p->asks_vj = p->cfg.vj;
	p->ip_asks_dns = p->cfg.dns;
	p->ip_asks_wins = p->cfg.wins;
}

static bool
does_mppe(const struct peer *p)
{
	return p->cfg.mppe != 0 || p->cfg.asks_no_mppe;
}

static void
advance(struct peer *p)
{
	if (p->authenticated && does_mppe(p) && !p->cfg.no_ccp && !p->cfg.ignores_ccp)
		begin(p, P_CCP);
	if (p->authenticated &&
		(!does_mppe(p) || p->cfg.no_ccp || p->cfg.ignores_ccp || p->cfg.no_mppe ||
			p->cfg.early_ipcp || (p->n[P_CCP].ours && p->n[P_CCP].theirs)))
		begin(p, P_IPCP);
}

/* --- Answers to the server's requests */

static void
judge_auth(struct peer *p, const uint8_t *o, struct options *nak, struct options *rej)
{
	static const struct {
		unsigned int method;
		uint8_t len, data[3];
	} m[] = {{PPP_AUTH_MSCHAPV2, 3, {0xc2, 0x23, 0x81}},
		{PPP_AUTH_CHAP_MD5, 3, {0xc2, 0x23, 5}}, {PPP_AUTH_MSCHAPV1, 3, {0xc2, 0x23, 0x80}},
		{PPP_AUTH_PAP, 2, {0xc0, 0x23, 0}}};

	for (int i = 0; i < 4; i++) {
		if (o[1] == m[i].len + 2 && memcmp(o + 2, m[i].data, m[i].len) == 0 &&
			(p->cfg.auth & m[i].method)) {
			p->method = m[i].method;
			return;
		}
	}
	for (int i = 0; i < 4 && !p->cfg.auth_rejects; i++) {
		if (p->cfg.auth & m[i].method) {
			put(nak, 3, m[i].data, m[i].len);
			return;
		}
	}
	put(rej, 3, o + 2, o[1] - 2u);
}

static void
judge_mppe(struct peer *p, const uint8_t *o, struct options *nak, struct options *rej)
{
	uint8_t bits = o[5], common = bits & p->cfg.mppe, one;

	if (p->cfg.no_mppe || ((o[2] & 1) == 0 && p->cfg.refuse_stateful)) {
		put(rej, 18, o + 2, 4);
		return;
	}
	if (common == 0)
		common = p->cfg.mppe;
	if (p->cfg.acks_choice && bits == common) {
		p->tx_bits = bits;
		p->tx_stateless = o[2] & 1;
		return;
	}
	one = common & S_128 ? S_128 : common & M_56 ? M_56 : L_40;
	if (one != bits || (p->cfg.insist_mode && (o[2] & 1) == p->cfg.ask_stateful)) {
		bool h = p->cfg.insist_mode ? !p->cfg.ask_stateful : o[2] & 1;

		put(nak, 18, (uint8_t[]){h, 0, 0, one}, 4);
		return;
	}
	p->tx_bits = bits;
	p->tx_stateless = o[2] & 1;
}

static void
judge(struct peer *p, int which, const uint8_t *o, struct options *nak, struct options *rej)
{
	if (which == P_LCP && o[0] == 3)
		judge_auth(p, o, nak, rej);
	else if (which == P_LCP && o[0] == 5 && p->cfg.no_magic)
		put(rej, 5, o + 2, o[1] - 2u);
	else if (which == P_CCP && o[0] == 18)
		judge_mppe(p, o, nak, rej);
	else if (which == P_IPCP && (o[0] != 3 || p->cfg.reject_server_ip))
		put(rej, o[0], o + 2, o[1] - 2u);
}

static void
input_request(struct peer *p, int which, uint8_t id, const uint8_t *body, size_t len)
{
	struct negotiation *n = &p->n[which];
	struct options nak = {.len = 0}, rej = {.len = 0};

	if (which == P_CCP && p->cfg.pppd && n->ours && n->theirs) {
		p->failed = true;
		peer_packet(p, 0xc021, TERM_REQ, 200, NULL, 0);
		return;
	}
	if (n->ours && n->theirs) { /* RFC 1661: from Opened, all over again */
		n->theirs = false;
		if (which == P_LCP) {
			p->magic += 77;
			reset_above_lcp(p);
		}
		request(p, which, true);
	}
	for (size_t i = 0; i + 2 <= len && body[i + 1] >= 2; i += body[i + 1])
		judge(p, which, body + i, &nak, &rej);
	if (rej.len > 0) {
		peer_packet(p, n->protocol, CONF_REJ, id, rej.buf, rej.len);
	} else if (nak.len > 0) {
		peer_packet(p, n->protocol, CONF_NAK, id, nak.buf, nak.len);
	} else {
		n->theirs = true;
		peer_packet(p, n->protocol, CONF_ACK, id, body, len);
	}
	if (!n->started && (which == P_LCP || p->authenticated) &&
		(which != P_CCP || p->cfg.no_mppe == false))
		request(p, which, true);
	advance(p);
}

/* ------------------------------------------------------------------ Answers to ours */

static void
take_nak(struct peer *p, int which, const uint8_t *o)
{
	uint8_t common;

	if (which == P_CCP && o[0] == 18 && o[1] == 6) {
		common = o[5] & p->cfg.mppe;
		if (common == 0 && (p->cfg.stubborn || p->cfg.asks_no_mppe))
			return;
		if (common == 0) { /* pppd: "MPPE required but peer negotiation failed" */
			p->failed = true;
			peer_packet(p, 0xc021, TERM_REQ, 200, NULL, 0);
			return;
		}
		p->mppe_wanted = true;
		p->rx_bits = common;
		if (!p->cfg.insist_mode)
			p->rx_stateless = o[2] & 1;
	} else if (which == P_IPCP && o[1] == 6) {
		if (o[0] == 3 && !p->cfg.ip_insist)
			p->ip = get32(o + 2);
		else if (o[0] == 129 || o[0] == 131)
			p->dns[(o[0] - 129) / 2] = get32(o + 2);
		else if (o[0] == 130 || o[0] == 132)
			p->wins[(o[0] - 130) / 2] = get32(o + 2);
	} else if (which == P_LCP && o[0] == 5) {
		p->magic++;
	} else if (which == P_LCP && o[0] == 1) {
		p->cfg.mru = (uint16_t)(o[2] << 8 | o[3]);
	}
}

static void
take_reject(struct peer *p, int which, const uint8_t *o)
{
	if (which == P_LCP && (o[0] == 17 || o[0] == 13))
		p->multilink_rejected = true;
	else if (which == P_CCP && o[0] == 26)
		p->deflate_rejected = true;
	else if (which == P_IPCP && o[0] == 2)
		p->vj_rejected = true, p->asks_vj = false;
	else if (which == P_IPCP && (o[0] == 129 || o[0] == 131))
		p->ip_asks_dns = false;
	else if (which == P_IPCP && (o[0] == 130 || o[0] == 132))
		p->ip_asks_wins = false;
}

static void
input_answer(struct peer *p, int which, uint8_t code, uint8_t id, const uint8_t *body, size_t len)
{
	struct negotiation *n = &p->n[which];

	if (id != n->id || n->ours || !n->started)
		return;
	if (code == CONF_ACK) {
		n->ours = true;
		n->due = NEVER;
		advance(p);
		return;
	}
	for (size_t i = 0; i + 2 <= len && body[i + 1] >= 2; i += body[i + 1]) {
		if (code == CONF_NAK)
			take_nak(p, which, body + i);
		else
			take_reject(p, which, body + i);
	}
	if (!p->failed)
		request(p, which, true);
}

/* ------------------------------------------------------------------ Authentication */

static void
respond(struct peer *p, uint8_t id, const uint8_t *challenge, size_t challenge_len)
{
	uint8_t body[1 + 49 + 255] = {49}, peer_challenge[16], *value = body + 1;
	const char *password = p->tried_second ? p->cfg.second_password : p->cfg.password;
	size_t user_len = strlen(p->cfg.user), n = 49;

	mschap_nt_hash(password, p->nt_hash);
	if (p->method == PPP_AUTH_MSCHAPV2 && challenge_len == 16) {
		for (int i = 0; i < 16; i++)
			peer_challenge[i] = (uint8_t)(17 * i + id);
		memcpy(value, peer_challenge, 16);
		mschapv2_nt_response(
			challenge, peer_challenge, p->cfg.user, p->nt_hash, value + 24);
		memcpy(p->nt_response, value + 24, 24);
	} else if (p->method == PPP_AUTH_MSCHAPV1 && challenge_len == 8) {
		mschap_challenge_response(challenge, p->nt_hash, value + 24);
		value[48] = 1;
	} else {
		body[0] = 16, n = 16;
		chap_md5_response(id, password, challenge, challenge_len, value);
	}
	memcpy(value + n, p->cfg.user, user_len);
	p->last_response_len = 1 + n + user_len;
	memcpy(p->last_response, body, p->last_response_len);
	p->chap_id = id;
	p->response_due = p->now + RESTART;
	peer_packet(p, 0xc223, 2, id, body, p->last_response_len);
}

static void
input_failure(struct peer *p, const char *text)
{
	const char *c = strstr(text, "C="), *r = strstr(text, "R=1");
	uint8_t challenge[16];
	unsigned int v, n = 0;

	p->response_due = NEVER;
	sscanf(text, "E=%u", &p->error);
	if (c != NULL)
		while (n < 16 && sscanf(c + 2 + 2 * n, "%2x", &v) == 1)
			challenge[n++] = (uint8_t)v;
	if (r == NULL || p->cfg.second_password == NULL) {
		p->failed = true;
		return;
	}
	p->tried_second = true;
	respond(p, (uint8_t)(p->chap_id + 1), challenge, n);
}

static void
input_success(struct peer *p, const uint8_t *challenge_text, size_t len)
{
	(void)len;
	if (p->method == PPP_AUTH_MSCHAPV2 && memcmp(challenge_text, "S=", 2) != 0) {
		p->failed = true;
		return;
	}
	p->authenticated = true;
	p->response_due = NEVER;
	advance(p);
}

static void
input_chap(struct peer *p, uint8_t code, uint8_t id, const uint8_t *body, size_t len)
{
	char text[256] = "";

	memcpy(text, body, len < 255 ? len : 255);
	if (!p->n[P_LCP].ours || !p->n[P_LCP].theirs)
		return;
	if (code == 1 && len > 1u && body[0] < len)
		respond(p, id, body + 1, body[0]);
	else if (code == 3 && id == p->chap_id && p->response_due != NEVER)
		input_success(p, body, len);
	else if (code == 4 && id == p->chap_id && p->response_due != NEVER)
		input_failure(p, text);
}

static void
send_pap(struct peer *p)
{
	uint8_t body[512], u = (uint8_t)strlen(p->cfg.user), w = (uint8_t)strlen(p->cfg.password);

	body[0] = u;
	memcpy(body + 1, p->cfg.user, u);
	body[1 + u] = w;
	memcpy(body + 2 + u, p->cfg.password, w);
	p->response_due = p->now + RESTART;
	peer_packet(p, 0xc023, 1, 7, body, 2u + u + w);
}

/* ------------------------------------------------------------------ Dispatch */

static void
input_lcp_other(struct peer *p, uint8_t code, uint8_t id, const uint8_t *body, size_t len)
{
	const struct negotiation *n = &p->n[P_LCP];
	uint32_t magic = p->cfg.no_magic ? 0 : p->magic;
	uint8_t reply[512] = {magic >> 24, magic >> 16 & 255, magic >> 8 & 255, magic & 255};

	if (code == ECHO_REQ && p->cfg.no_echo && len <= sizeof(reply) - 4) {
		reply[0] = code;
		reply[1] = id;
		reply[2] = (len + 4) >> 8;
		reply[3] = (len + 4) & 255;
		memcpy(reply + 4, body, len);
		peer_packet(p, 0xc021, 7, 88, reply, len + 4);
		return;
	}
	/* RFC 1661 section 5.8: answered in Opened only, with our magic number and the same
	 * data. */
	if (code == ECHO_REQ && n->ours && n->theirs && len >= 4 && len <= sizeof(reply)) {
		memcpy(reply + 4, body + 4, len - 4);
		peer_packet(p, 0xc021, 10, id, reply, len);
	} else if (code == 10)
		p->echo_replies++;
	else if (code == PROT_REJ) {
		p->protocol_rejects++;
		if (len >= 2 && body[0] == 0x80 && body[1] == 0xfd)
			p->n[P_CCP].due = NEVER;
	}
}

static void
input_negotiation(
	struct peer *p, int which, uint8_t code, uint8_t id, const uint8_t *body, size_t len)
{
	struct negotiation *n = &p->n[which];

	if (which == P_CCP && p->cfg.ignores_ccp)
		return;
	if (which != P_LCP && p->cfg.pppd && !p->authenticated)
		return;
	if (which == P_CCP && code == CONF_REQ && p->cfg.late_ccp_ack && !n->ours)
		return;
	if (which == P_CCP && p->cfg.no_ccp) {
		uint8_t rej[300] = {0x80, 0xfd, code, id, (len + 4) >> 8, (len + 4) & 255};

		memcpy(rej + 6, body, len < 200 ? len : 200);
		peer_packet(p, 0xc021, PROT_REJ, 99, rej, 6 + (len < 200 ? len : 200));
		return;
	}
	if (code == CONF_REQ)
		input_request(p, which, id, body, len);
	else if (code <= CONF_REJ)
		input_answer(p, which, code, id, body, len);
	else if (code == TERM_REQ) {
		peer_packet(p, n->protocol, TERM_ACK, id, NULL, 0);
		p->closed |= which == P_LCP;
	} else if (which == P_LCP)
		input_lcp_other(p, code, id, body, len);
	else if (code == 14)
		p->resets++;
	else if (code == 15)
		p->reset_acks++;
	if (which == P_LCP && n->ours && n->theirs && p->method == PPP_AUTH_PAP &&
		!p->authenticated && p->response_due == NEVER)
		send_pap(p);
	if (which == P_LCP && n->ours && n->theirs && code <= CONF_ACK && p->cfg.identify)
		peer_packet(p, 0xc021, 12, 3, "\0\0\0\0MSRASV5.20", 14);
}

void
peer_input(struct peer *p, const uint8_t *f, size_t len, uint64_t now)
{
	unsigned int protocol = f[0] << 8 | f[1], length = f[4] << 8 | f[5];

	p->now = now;
	if (p->mute || p->closed || len < 6 || length < 4 || length + 2 > len)
		return;
	for (int i = 0; i < P_COUNT; i++)
		if (protocol == p->n[i].protocol &&
			(i == P_LCP || (p->n[P_LCP].ours && p->n[P_LCP].theirs)))
			input_negotiation(p, i, f[2], f[3], f + 6, length - 4);
	if (protocol == 0xc223)
		input_chap(p, f[2], f[3], f + 6, length - 4);
	if (protocol == 0xc023 && f[2] == 2) {
		p->authenticated = true;
		p->response_due = NEVER;
		advance(p);
	} else if (protocol == 0xc023) {
		p->failed = true;
		p->response_due = NEVER;
	}
}

void
peer_init(struct peer *p, const struct peer_config *cfg,
	void (*send)(void *user, const uint8_t *frame, size_t len), void *user)
{
	static const uint16_t protocols[P_COUNT] = {0xc021, 0x80fd, 0x8021};

	memset(p, 0, sizeof(*p));
	p->cfg = *cfg;
	p->send = send;
	p->user = user;
	p->magic = 0x5eed0001;
	p->response_due = NEVER;
	for (int i = 0; i < P_COUNT; i++) {
		p->n[i].protocol = protocols[i];
		p->n[i].due = NEVER;
	}
	reset_above_lcp(p);
}

void
peer_start(struct peer *p, uint64_t now)
{
	p->now = now;
	request(p, P_LCP, true);
}

void
peer_renegotiate(struct peer *p, int which, uint64_t now)
{
	p->now = now;
	p->n[which].theirs = false;
	if (which == P_LCP) {
		p->magic += 77;
		reset_above_lcp(p);
	}
	request(p, which, true);
}

void
peer_hang_up(struct peer *p, uint8_t id, uint64_t now)
{
	p->now = now;
	p->n[P_LCP].theirs = false;
	peer_packet(p, 0xc021, TERM_REQ, id, NULL, 0);
}

uint64_t
peer_next_timer(const struct peer *p)
{
	uint64_t next = p->response_due;

	for (int i = 0; i < P_COUNT; i++)
		if (p->n[i].due < next)
			next = p->n[i].due;
	return p->closed || p->mute ? NEVER : next;
}

void
peer_timer(struct peer *p, uint64_t now)
{
	p->now = now;
	for (int i = 0; i < P_COUNT; i++)
		if (p->n[i].due <= now)
			request(p, i, false);
	if (p->response_due <= now) {
		p->response_due = now + RESTART;
		if (p->method == PPP_AUTH_PAP)
			send_pap(p);
		else if (!p->cfg.pppd)
			peer_packet(
				p, 0xc223, 2, p->chap_id, p->last_response, p->last_response_len);
	}
}

bool
peer_is_open(const struct peer *p)
{
	return !p->closed && p->n[P_IPCP].ours && p->n[P_IPCP].theirs;
}
