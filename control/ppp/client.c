/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ppp/client.h"

#include <string.h>

#include "control/ppp/client_internal.h"

#define OPTIONS_MAX 256
#define PACKET_MAX  (PPP_FRAME_MAX - 6)
#define ROUNDS_MAX  64 /* of one protocol: a server that Naks for ever is given up */

/* ------------------------------------------------------------------ sending */

void
ppp_client_packet(struct ppp_client *p, uint16_t protocol, uint8_t code, uint8_t id,
	const void *body, size_t len)
{
	uint8_t f[PPP_FRAME_MAX];
	struct wire_writer w = wire_write(f, sizeof(f));

	wire_put16(&w, protocol);
	wire_put8(&w, code);
	wire_put8(&w, id);
	wire_put16(&w, (uint16_t)(len + 4));
	wire_put(&w, body, len);
	if (p->cfg.habits.mute || w.full)
		return;
	p->sent++;
	p->ops->send(p->user, f, w.len);
}

static uint16_t
number_of(enum ppp_client_protocol which)
{
	static const uint16_t numbers[] = {PPP_PROTO_LCP, PPP_PROTO_CCP, PPP_PROTO_IPCP};

	return numbers[which];
}

static void
finish(struct ppp_client *p, enum refusal_code code, const char *text)
{
	for (int i = 0; i < PPP_CLIENT_PROTOCOLS; i++)
		p->n[i].due = CLIENT_NEVER;
	p->response_due = p->echo_due = CLIENT_NEVER;
	if (p->over)
		return;
	p->over = true;
	if (p->ops->down)
		p->ops->down(p->user, code, text);
}

void
client_give_up(struct ppp_client *p, enum refusal_code code, const char *text, bool tell)
{
	bool first = !p->failed;

	p->failed = true;
	if (first && tell) {
		p->n[PPP_CLIENT_LCP].theirs = false;
		ppp_client_packet(p, PPP_PROTO_LCP, FSM_TERMINATE_REQUEST, 200, NULL, 0);
	}
	finish(p, code, text);
}

static void
say_request(struct ppp_client *p, enum ppp_client_protocol which)
{
	static const enum refusal_code codes[] = {
		REFUSAL_SETUP_TIMEOUT, REFUSAL_NO_COMMON_ENCRYPTION, REFUSAL_NO_IP};
	struct ppp_client_negotiation *n = &p->n[which];
	uint8_t buf[OPTIONS_MAX];
	struct wire_writer w = wire_write(buf, sizeof(buf));

	if (++n->tries > CLIENT_TRIES || n->rounds > ROUNDS_MAX) {
		client_give_up(p, codes[which], "the server does not agree", true);
		return;
	}
	n->started = true;
	n->ours = false;
	n->due = p->now + (p->cfg.restart_ms != 0 ? p->cfg.restart_ms : CLIENT_RESTART_MS);
	client_options_write(p, which, &w);
	ppp_client_packet(p, number_of(which), FSM_CONFIGURE_REQUEST, n->id, buf, w.len);
}

static void
new_request(struct ppp_client *p, enum ppp_client_protocol which)
{
	p->n[which].id++;
	p->n[which].rounds++;
	p->n[which].tries = 0;
	say_request(p, which);
}

/* ------------------------------------------------------------------ what comes next */

static bool
is_agreed(const struct ppp_client *p, enum ppp_client_protocol which)
{
	return p->n[which].ours && p->n[which].theirs;
}

bool
client_lcp_is_open(const struct ppp_client *p)
{
	return is_agreed(p, PPP_CLIENT_LCP);
}

static bool
does_ccp(const struct ppp_client *p)
{
	return (p->cfg.mppe != 0 || p->cfg.habits.asks_no_mppe) && !p->cfg.habits.no_ccp &&
	       !p->cfg.habits.ignores_ccp;
}

bool
client_ccp_is_open(const struct ppp_client *p)
{
	return is_agreed(p, PPP_CLIENT_CCP);
}

static void
begin(struct ppp_client *p, enum ppp_client_protocol which)
{
	if (!p->n[which].started)
		new_request(p, which);
}

/* CCP has opened: MPPE in both directions, or none at all. */
static void
ccp_opened(struct ppp_client *p)
{
	bool none = p->tx_strengths == 0 && !p->asks_mppe;

	if (p->keyed || (none && !p->cfg.mppe_required))
		return;
	p->keyed = client_keys(p);
	if (!p->keyed)
		client_give_up(p, REFUSAL_NO_COMMON_ENCRYPTION,
			"CCP has agreed upon no MPPE that keys can be had for", true);
}

void
client_advance(struct ppp_client *p)
{
	const struct ppp_client_habits *h = &p->cfg.habits;

	if (p->failed || !p->authenticated)
		return;
	if (does_ccp(p))
		begin(p, PPP_CLIENT_CCP);
	if (client_ccp_is_open(p))
		ccp_opened(p);
	if (p->failed)
		return;
	if (!does_ccp(p) || h->no_mppe || h->early_ipcp || client_ccp_is_open(p))
		begin(p, PPP_CLIENT_IPCP);
	if (ppp_client_is_open(p) && !p->was_up) {
		p->was_up = true;
		if (p->ops->up)
			p->ops->up(p->user, p);
	}
}

static void
reset_above_lcp(struct ppp_client *p)
{
	for (int i = PPP_CLIENT_CCP; i < PPP_CLIENT_PROTOCOLS; i++) {
		p->n[i].started = p->n[i].ours = p->n[i].theirs = false;
		p->n[i].rounds = 0;
		p->n[i].due = CLIENT_NEVER;
	}
	p->authenticated = p->keyed = p->was_up = false;
	p->response_due = CLIENT_NEVER;
	p->response_len = 0;
	client_options_reset(p);
}

static uint32_t
new_magic(struct ppp_client *p)
{
	uint8_t octets[4];

	if (p->cfg.habits.no_magic)
		return 0;
	p->ops->random(p->user, octets, sizeof(octets));
	return wire_be32(octets) | 1; /* 0 is none */
}

static void
restart(struct ppp_client *p, enum ppp_client_protocol which)
{
	p->n[which].theirs = false;
	if (which == PPP_CLIENT_LCP) {
		p->magic = new_magic(p);
		p->n[which].rounds = 0;
		reset_above_lcp(p);
	} else if (which == PPP_CLIENT_CCP) {
		p->keyed = false;
	}
	new_request(p, which);
}

/* Agreed, or not yet begun: the phase that LCP's opening begins. */
static void
lcp_opened(struct ppp_client *p)
{
	if (p->failed || p->authenticated || p->response_due != CLIENT_NEVER)
		return;
	if (p->cfg.habits.identify)
		ppp_client_packet(
			p, PPP_PROTO_LCP, LCP_IDENTIFICATION, 3, "\0\0\0\0MSRASV5.20", 14);
	if (p->cfg.echo_interval_ms != 0)
		p->echo_due = p->now + p->cfg.echo_interval_ms;
	if (p->method == PPP_AUTH_PAP) {
		p->response_tries = 0;
		client_pap_request(p);
	} else if (p->method == 0 && p->cfg.auth == 0) {
		p->authenticated = true;
		client_advance(p);
	} else if (p->method == 0) {
		client_give_up(
			p, REFUSAL_NO_COMMON_AUTH, "the server asks for no authentication", true);
	}
}

/* ------------------------------------------------------------------ negotiation */

static void
answer(struct ppp_client *p, enum ppp_client_protocol which, uint8_t id, struct wire_reader options)
{
	uint8_t nak_buf[OPTIONS_MAX], reject_buf[OPTIONS_MAX];
	struct wire_writer nak = wire_write(nak_buf, sizeof(nak_buf));
	struct wire_writer reject = wire_write(reject_buf, sizeof(reject_buf));
	uint16_t protocol = number_of(which);

	client_judge(p, which, options, &nak, &reject);
	if (reject.len > 0) {
		ppp_client_packet(p, protocol, FSM_CONFIGURE_REJECT, id, reject_buf, reject.len);
	} else if (nak.len > 0) {
		ppp_client_packet(p, protocol, FSM_CONFIGURE_NAK, id, nak_buf, nak.len);
	} else {
		p->n[which].theirs = true;
		ppp_client_packet(p, protocol, FSM_CONFIGURE_ACK, id, options.at, options.left);
	}
}

/* Of a request whose options fill their room. */
static bool
are_well_formed(struct wire_reader options)
{
	struct wire_option o;

	while (wire_next_option(&options, &o))
		;
	return !options.bad;
}

static void
on_request(struct ppp_client *p, enum ppp_client_protocol which, uint8_t id,
	struct wire_reader options)
{
	bool lcp_was_open = client_lcp_is_open(p);

	if (!are_well_formed(options))
		return;
	if (which == PPP_CLIENT_CCP && is_agreed(p, which) && (p->was_up || p->cfg.habits.pppd)) {
		/* The same keys would start over (T2), and the way to clear is none. */
		client_give_up(p, REFUSAL_PROTOCOL_ERROR, "the server begins CCP anew", true);
		return;
	}
	if (is_agreed(p, which)) /* RFC 1661: from Opened, all over again */
		restart(p, which);
	answer(p, which, id, options);
	if (!p->n[which].started &&
		(which == PPP_CLIENT_LCP || (p->authenticated && !p->cfg.mppe_required)) &&
		(which != PPP_CLIENT_CCP || !p->cfg.habits.no_mppe))
		new_request(p, which);
	if (which == PPP_CLIENT_LCP && !lcp_was_open && client_lcp_is_open(p))
		lcp_opened(p);
	client_advance(p);
}

static bool
is_what_was_asked(
	const struct ppp_client *p, enum ppp_client_protocol which, struct wire_reader options)
{
	uint8_t buf[OPTIONS_MAX];
	struct wire_writer w = wire_write(buf, sizeof(buf));

	client_options_write(p, which, &w);
	return w.len == options.left && memcmp(buf, options.at, w.len) == 0;
}

static void
on_answer(struct ppp_client *p, enum ppp_client_protocol which, uint8_t code, uint8_t id,
	struct wire_reader options)
{
	struct ppp_client_negotiation *n = &p->n[which];

	if (id != n->id || n->ours || !n->started || !are_well_formed(options))
		return;
	if (code == FSM_CONFIGURE_ACK) {
		/* RFC 1661 section 5.2: the options exactly as they were sent. */
		if (!is_what_was_asked(p, which, options))
			return;
		n->ours = true;
		n->due = CLIENT_NEVER;
		if (which == PPP_CLIENT_LCP && client_lcp_is_open(p))
			lcp_opened(p);
		client_advance(p);
		return;
	}
	if (code == FSM_CONFIGURE_NAK)
		client_naked(p, which, options);
	else
		client_rejected(p, which, options);
	if (!p->failed)
		new_request(p, which);
}

/* ------------------------------------------------------------------ dispatch */

static void
on_terminate(struct ppp_client *p, enum ppp_client_protocol which, uint8_t id)
{
	ppp_client_packet(p, number_of(which), FSM_TERMINATE_ACK, id, NULL, 0);
	if (which == PPP_CLIENT_LCP) {
		p->closed = true;
		finish(p, REFUSAL_NONE, "the server has ended the link");
	} else if (is_agreed(p, which)) {
		/* Never from cipher to clear, and nothing to do without an address. */
		client_give_up(p, REFUSAL_PROTOCOL_ERROR,
			which == PPP_CLIENT_CCP ? "the server ends CCP" : "the server ends IPCP",
			true);
	}
}

static bool
is_unheard(const struct ppp_client *p, enum ppp_client_protocol which, uint8_t code)
{
	const struct ppp_client_habits *h = &p->cfg.habits;

	if (which == PPP_CLIENT_LCP)
		return false;
	if (!client_lcp_is_open(p) || (h->pppd && !p->authenticated))
		return true;
	return which == PPP_CLIENT_CCP &&
	       (h->ignores_ccp || (code == FSM_CONFIGURE_REQUEST && h->late_ccp_ack &&
					  !p->n[PPP_CLIENT_CCP].ours));
}

static void
reject_protocol(struct ppp_client *p, const uint8_t *frame, size_t len)
{
	if (client_lcp_is_open(p))
		ppp_client_packet(p, PPP_PROTO_LCP, LCP_PROTOCOL_REJECT, 99, frame,
			len < OPTIONS_MAX ? len : OPTIONS_MAX);
}

static void
on_negotiation(struct ppp_client *p, enum ppp_client_protocol which, uint8_t code, uint8_t id,
	struct wire_reader body)
{
	if (is_unheard(p, which, code))
		return;
	if (code == FSM_CONFIGURE_REQUEST)
		on_request(p, which, id, body);
	else if (code <= FSM_CONFIGURE_REJECT && code != 0)
		on_answer(p, which, code, id, body);
	else if (code == FSM_TERMINATE_REQUEST)
		on_terminate(p, which, id);
	else if (which == PPP_CLIENT_LCP)
		client_lcp_input(p, code, id, body.at, body.left);
	else if (code == CCP_RESET_REQUEST)
		p->resets++;
	else if (code == CCP_RESET_ACK)
		p->reset_acks++;
}

void
ppp_client_input(struct ppp_client *p, const uint8_t *frame, size_t len, uint64_t now_ms)
{
	struct wire_reader r = wire_read(frame, len);
	uint16_t protocol = wire_get16(&r);
	uint8_t code = wire_get8(&r), id = wire_get8(&r);
	uint16_t length = wire_get16(&r);

	p->now = now_ms;
	if (p->cfg.habits.mute || p->closed || r.bad || length < 4 || length - 4u > r.left)
		return;
	r.left = length - 4u;
	p->echo_lost = 0;
	if (p->echo_due != CLIENT_NEVER)
		p->echo_due = now_ms + p->cfg.echo_interval_ms;
	if (p->failed && !(protocol == PPP_PROTO_LCP && code == FSM_TERMINATE_REQUEST))
		return;
	if (protocol == PPP_PROTO_CCP && p->cfg.habits.no_ccp)
		reject_protocol(p, frame, length + 2u);
	else if (protocol == PPP_PROTO_LCP)
		on_negotiation(p, PPP_CLIENT_LCP, code, id, r);
	else if (protocol == PPP_PROTO_CCP)
		on_negotiation(p, PPP_CLIENT_CCP, code, id, r);
	else if (protocol == PPP_PROTO_IPCP)
		on_negotiation(p, PPP_CLIENT_IPCP, code, id, r);
	else if (protocol == PPP_PROTO_CHAP)
		client_chap_input(p, code, id, r.at, r.left);
	else if (protocol == PPP_PROTO_PAP)
		client_pap_input(p, code, id);
	else if (protocol >= 0x8000)
		reject_protocol(p, frame, length + 2u);
}

/* ------------------------------------------------------------------ its user's calls */

void
ppp_client_init(struct ppp_client *p, const struct ppp_client_config *cfg,
	const struct ppp_client_ops *ops, void *user)
{
	memset(p, 0, sizeof(*p));
	p->cfg = *cfg;
	p->ops = ops;
	p->user = user;
	p->server_mru = 1500;
	p->magic = new_magic(p);
	p->n[PPP_CLIENT_LCP].due = p->echo_due = CLIENT_NEVER;
	reset_above_lcp(p);
}

void
ppp_client_wipe(struct ppp_client *p)
{
	explicit_bzero(p, sizeof(*p));
}

void
ppp_client_start(struct ppp_client *p, uint64_t now_ms)
{
	p->now = now_ms;
	begin(p, PPP_CLIENT_LCP);
}

void
ppp_client_renegotiate(struct ppp_client *p, enum ppp_client_protocol which, uint64_t now_ms)
{
	p->now = now_ms;
	restart(p, which);
}

void
ppp_client_hang_up(struct ppp_client *p, uint8_t id, uint64_t now_ms)
{
	p->now = now_ms;
	p->n[PPP_CLIENT_LCP].theirs = false;
	ppp_client_packet(p, PPP_PROTO_LCP, FSM_TERMINATE_REQUEST, id, NULL, 0);
}

uint64_t
ppp_client_next_timer(const struct ppp_client *p)
{
	uint64_t next = p->response_due < p->echo_due ? p->response_due : p->echo_due;

	for (int i = 0; i < PPP_CLIENT_PROTOCOLS; i++)
		if (p->n[i].due < next)
			next = p->n[i].due;
	return p->closed || p->cfg.habits.mute ? CLIENT_NEVER : next;
}

void
ppp_client_timer(struct ppp_client *p, uint64_t now_ms)
{
	p->now = now_ms;
	for (int i = 0; i < PPP_CLIENT_PROTOCOLS; i++)
		if (p->n[i].due <= now_ms)
			say_request(p, (enum ppp_client_protocol)i);
	client_auth_timer(p);
	if (p->echo_due <= now_ms)
		client_echo_timer(p);
}

bool
ppp_client_is_open(const struct ppp_client *p)
{
	return !p->closed && !p->failed && is_agreed(p, PPP_CLIENT_IPCP) &&
	       (!p->cfg.mppe_required || (client_ccp_is_open(p) && p->keyed));
}
