/* SPDX-License-Identifier: BSD-3-Clause */
/* Phases of a link (RFC 1661 section 3), dispatch, timers, and the decision about the user. */
#include "control/ppp/ppp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/ppp/link.h"

void
ppp_forget_secret(struct ppp_link *l)
{
	explicit_bzero(&l->secret, sizeof(l->secret));
}

uint32_t
ppp_random32(struct ppp_link *l)
{
	uint8_t buf[4];

	l->ops->random(l->user, buf, sizeof(buf));
	return wire_be32(buf);
}

void
ppp_send(struct ppp_link *l, uint16_t protocol, const uint8_t *payload, size_t len)
{
	uint8_t frame[PPP_FRAME_MAX];
	struct wire_writer w = wire_write(frame, sizeof(frame));

	wire_put16(&w, protocol);
	wire_put(&w, payload, len);
	if (!w.full && !l->over)
		l->ops->send(l->user, frame, w.len);
}

void
ppp_hold(struct held *h, const uint8_t *packet, size_t len)
{
	if (len == 0 || len > sizeof(h->packet))
		return;
	memcpy(h->packet, packet, len);
	h->len = (uint8_t)len;
}

static uint64_t
after(const struct ppp_link *l, uint32_t ms)
{
	return ms != 0 ? l->now + ms : FSM_NEVER;
}

static void
wipe_secrets(struct ppp_link *l)
{
	chap_stop(l);
	ppp_forget_secret(l);
}

/* ------------------------------------------------------------------ The end */

void
ppp_finish(struct ppp_link *l, enum refusal_code code, const char *text)
{
	if (l->over)
		return;
	if (l->phase != PPP_TERMINATE) {
		l->code = code;
		snprintf(l->text, sizeof(l->text), "%s", text);
	}
	l->phase = PPP_TERMINATE;
	guard_stop(l);
	fsm_event(&l->ccp.fsm, FSM_DOWN);
	fsm_event(&l->ipcp.fsm, FSM_DOWN);
	wipe_secrets(l);
	l->over = true;
	l->phase = PPP_DEAD;
	l->ops->down(l->user, l->code, l->text);
}

void
ppp_fail(struct ppp_link *l, enum refusal_code code, const char *text)
{
	if (l->over || l->phase == PPP_TERMINATE)
		return;
	if (!l->heard) {
		ppp_finish(l, code, text);
		return;
	}
	l->phase = PPP_TERMINATE;
	guard_stop(l);
	l->code = code;
	snprintf(l->text, sizeof(l->text), "%s", text);
	l->setup_due = l->auth_due = FSM_NEVER;
	wipe_secrets(l);
	fsm_event(&l->lcp.fsm, FSM_CLOSE);
	if (l->lcp.fsm.state <= FSM_STOPPED)
		ppp_finish(l, code, text);
}

void
ppp_close(struct ppp_link *l, enum refusal_code code, const char *text, uint64_t now_ms)
{
	l->now = now_ms;
	ppp_fail(l, code, text != NULL ? text : "");
}

/* ------------------------------------------------------------------ Phases */

static void
begin_authentication(struct ppp_link *l)
{
	l->phase = PPP_AUTHENTICATE;
	l->auth_due = after(l, l->cfg.auth_timeout_ms);
	if (l->lcp.auth == PPP_AUTH_PAP)
		pap_begin(l);
	else
		chap_begin(l);
}

void
ppp_lcp_opened(struct ppp_link *l)
{
	const struct ppp_framing framing = {
		.our_mru = l->lcp.mru,
		.peer_mru = l->lcp.peer_mru,
		.tx_acfc = l->lcp.peer_acfc,
		.tx_pfc = l->lcp.peer_pfc,
	};

	l->ops->lcp_up(l->user, &framing);
	begin_authentication(l);
}

/* LCP left Opened: the link ends, or the peer negotiates anew, and then nothing of before holds. */
void
ppp_lcp_lost(struct ppp_link *l)
{
	bool was_open = l->ipcp.up;

	guard_stop(l);
	fsm_event(&l->ipcp.fsm, FSM_DOWN);
	fsm_event(&l->ccp.fsm, FSM_DOWN);
	l->ipcp.up = false;
	l->ipcp.fsm.state = l->ccp.fsm.state = FSM_INITIAL;
	l->ipcp.held.len = l->ccp.held.len = 0;
	l->ccp.give_up_at = FSM_NEVER;
	l->auth_due = FSM_NEVER;
	l->verdict_stale = l->verdict_owed;
	wipe_secrets(l);
	if (l->phase == PPP_TERMINATE)
		return;
	l->phase = PPP_ESTABLISH;
	/* T24: who has never been up gets no more time by beginning anew. */
	if (was_open)
		l->setup_due = after(l, l->cfg.setup_timeout_ms);
	lcp_reset(l);
}

void
ppp_ask_verdict(struct ppp_link *l, const struct ppp_credentials *cred)
{
	l->verdict_owed = true;
	l->ops->auth(l->user, cred);
}

void
ppp_begin_ipcp(struct ppp_link *l)
{
	if (l->phase == PPP_NETWORK)
		ipcp_begin(l);
}

void
ppp_opened(struct ppp_link *l)
{
	l->phase = PPP_OPEN;
	l->setup_due = FSM_NEVER;
	if (l->ipcp.up)
		return;
	l->ipcp.up = true;
	l->ops->ip_up(l->user, l->grant.local_ip, l->grant.peer_ip);
}

static void
begin_network(struct ppp_link *l)
{
	const struct ppp_grant *g = &l->grant;
	bool required = g->mppe_policy == PPP_MPPE_REQUIRE;

	l->phase = PPP_NETWORK;
	l->auth_due = FSM_NEVER;
	l->ccp.off = true;
	if (g->peer_ip == 0) {
		ppp_fail(l, REFUSAL_NO_IP, "no address was granted");
	} else if (required && !l->secret.valid) {
		ppp_fail(l, REFUSAL_ENCRYPTION_NEEDS_MSCHAP,
			"no MPPE keys from this authentication");
	} else if (required && g->mppe_strengths == 0) {
		ppp_fail(l,
			g->mppe_refused_weak ? REFUSAL_WEAK_CRYPTO_OFF
					     : REFUSAL_NO_COMMON_ENCRYPTION,
			"policy requires MPPE and allows no strength");
	} else if (g->mppe_policy == PPP_MPPE_FORBID || !l->secret.valid ||
		   g->mppe_strengths == 0) {
		ppp_forget_secret(l);
		ppp_begin_ipcp(l);
	} else {
		ccp_begin(l);
	}
}

static void
accept_user(struct ppp_link *l, const struct ppp_verdict *v)
{
	l->grant = v->grant;
	l->secret.valid = l->lcp.auth == PPP_AUTH_MSCHAPV2 && v->have_keys;
	memcpy(l->secret.send, v->send_key, sizeof(l->secret.send));
	memcpy(l->secret.recv, v->recv_key, sizeof(l->secret.recv));
	if (l->lcp.auth == PPP_AUTH_PAP)
		pap_answer(l, true);
	else
		chap_success(l, v->authenticator_response);
	begin_network(l);
}

void
ppp_auth_result(struct ppp_link *l, const struct ppp_verdict *v, uint64_t now_ms)
{
	bool stale = l->verdict_stale;

	if (l->over || !l->verdict_owed)
		return;
	l->now = now_ms;
	l->verdict_owed = l->verdict_stale = false;
	if (stale || l->phase != PPP_AUTHENTICATE)
		return;
	if (v->ok) {
		accept_user(l, v);
		return;
	}
	if (l->lcp.auth == PPP_AUTH_PAP)
		pap_answer(l, false);
	else if (chap_failure(l, v))
		return;
	ppp_fail(l, v->refusal, v->text != NULL ? v->text : "");
}

/* ------------------------------------------------------------------ Input */

void
ppp_peer_rejects(struct ppp_link *l, uint16_t protocol)
{
	switch (protocol) {
	case PPP_PROTO_LCP:
		fsm_event(&l->lcp.fsm, FSM_RXJ_BAD);
		break;
	case PPP_PROTO_CHAP:
	case PPP_PROTO_PAP:
		if (l->phase == PPP_AUTHENTICATE)
			ppp_fail(l, REFUSAL_NO_COMMON_AUTH, "Protocol-Reject of authentication");
		break;
	case PPP_PROTO_CCP:
	case PPP_PROTO_MPPE:
		ccp_unknown(l);
		break;
	case PPP_PROTO_IPCP:
	case PPP_PROTO_IP:
		if (l->phase >= PPP_NETWORK)
			ppp_fail(l, REFUSAL_NO_IP, "Protocol-Reject of IP");
		break;
	default:
		break;
	}
}

static void
input_network(struct ppp_link *l, uint16_t protocol, const uint8_t *frame, size_t len)
{
	chap_seen_through(l);
	switch (protocol) {
	case PPP_PROTO_CCP:
		/* Off: only its Terminate-Ack is awaited. */
		if (!l->ccp.off || l->ccp.fsm.state == FSM_CLOSING)
			ccp_input(l, frame + 2, len - 2);
		else
			lcp_reject_protocol(l, frame, len);
		break;
	case PPP_PROTO_IPCP:
		if (l->ipcp.fsm.state == FSM_INITIAL)
			ppp_hold(&l->ipcp.held, frame + 2, len - 2);
		else
			fsm_input(&l->ipcp.fsm, frame + 2, len - 2);
		break;
	case PPP_PROTO_IP: /* data before its time */
	case PPP_PROTO_MPPE:
		break;
	default:
		lcp_reject_protocol(l, frame, len);
	}
}

static void
input_frame(struct ppp_link *l, uint16_t protocol, const uint8_t *frame, size_t len)
{
	bool pap = l->lcp.auth == PPP_AUTH_PAP, control = protocol == PPP_PROTO_LCP ||
							  protocol == PPP_PROTO_CCP ||
							  protocol == PPP_PROTO_IPCP;

	if (control && guard_suspects(l, protocol, frame + 2, len - 2))
		return;
	if (protocol == PPP_PROTO_LCP) {
		fsm_input(&l->lcp.fsm, frame + 2, len - 2);
		return;
	}
	/* RFC 1661 sections 3.4, 3.5: out of its phase, a packet is silently discarded. */
	if (l->phase != PPP_AUTHENTICATE && l->phase != PPP_NETWORK && l->phase != PPP_OPEN)
		return;
	if (!guard_is_on(l))
		l->echo_lost = 0;
	if (protocol == PPP_PROTO_CHAP && !pap)
		chap_input(l, frame + 2, len - 2);
	else if (protocol == PPP_PROTO_PAP && pap)
		pap_input(l, frame + 2, len - 2);
	else if (l->phase != PPP_AUTHENTICATE)
		input_network(l, protocol, frame, len);
}

void
ppp_input(struct ppp_link *l, const uint8_t *frame, size_t len, uint64_t now_ms)
{
	if (l->over || l->phase == PPP_DEAD || len < 2 || len > PPP_FRAME_MAX)
		return;
	l->now = now_ms;
	l->heard = true;
	l->heard_at = now_ms;
	input_frame(l, wire_be16(frame), frame, len);
}

void
ppp_input_trusted(struct ppp_link *l, uint16_t protocol, const uint8_t *packet, size_t len)
{
	if (protocol == PPP_PROTO_LCP)
		fsm_input(&l->lcp.fsm, packet, len);
	else if (protocol == PPP_PROTO_CCP)
		ccp_input(l, packet, len);
	else
		fsm_input(&l->ipcp.fsm, packet, len);
}

void
ppp_peer_seen(struct ppp_link *l, uint64_t now_ms)
{
	if (l->over || l->phase != PPP_ESTABLISH || l->heard || l->peer_seen)
		return;
	l->now = now_ms;
	l->peer_seen = true;
	fsm_repeat_request(&l->lcp.fsm);
}

void
ppp_traffic_seen(struct ppp_link *l, uint64_t now_ms)
{
	l->echo_lost = 0;
	if (!l->over && l->echo_due != FSM_NEVER)
		l->echo_due = now_ms + l->cfg.echo_interval_ms;
}

/* ------------------------------------------------------------------ Life and time */

static unsigned int
count_or(unsigned int count, unsigned int otherwise)
{
	return count == 0 ? otherwise : count > 100 ? 100 : count;
}

static void
normalise(struct ppp_config *cfg)
{
	cfg->max_configure = count_or(cfg->max_configure, 10);
	cfg->max_terminate = count_or(cfg->max_terminate, 2);
	cfg->max_failure = count_or(cfg->max_failure, 5);
	cfg->echo_failures = count_or(cfg->echo_failures, 3);
	if (cfg->mru < 128)
		cfg->mru = PPP_DEFAULT_MRU;
	if (cfg->min_peer_mru < 128)
		cfg->min_peer_mru = 128;
	if (cfg->restart_ms == 0)
		cfg->restart_ms = 3000;
	if (cfg->restart_first_ms == 0)
		cfg->restart_first_ms = cfg->restart_ms;
}

struct ppp_link *
ppp_new(const struct ppp_config *cfg, const struct ppp_ops *ops, void *user)
{
	struct ppp_link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->cfg = *cfg;
	normalise(&l->cfg);
	l->ops = ops;
	l->user = user;
	l->setup_due = l->auth_due = l->echo_due = FSM_NEVER;
	l->chap.due = FSM_NEVER;
	guard_init(l);
	lcp_init(l);
	ccp_init(l);
	ipcp_init(l);
	return l;
}

void
ppp_free(struct ppp_link *l)
{
	if (l == NULL)
		return;
	explicit_bzero(l, sizeof(*l));
	free(l);
}

void
ppp_start(struct ppp_link *l, uint64_t now_ms)
{
	if (l->over || l->phase != PPP_DEAD)
		return;
	l->now = now_ms;
	l->phase = PPP_ESTABLISH;
	l->setup_due = after(l, l->cfg.setup_timeout_ms);
	if (!lcp_reset(l)) {
		ppp_fail(l, REFUSAL_NO_COMMON_AUTH, "no authentication method is allowed");
		return;
	}
	fsm_begin(&l->lcp.fsm);
}

uint64_t
ppp_next_timer(const struct ppp_link *l)
{
	const uint64_t due[] = {l->lcp.fsm.due, l->ccp.fsm.due, l->ipcp.fsm.due, l->ccp.give_up_at,
		l->chap.due, l->setup_due, l->auth_due, l->echo_due, guard_due(l)};
	uint64_t next = FSM_NEVER;

	if (l->over)
		return FSM_NEVER;
	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++)
		if (due[i] < next)
			next = due[i];
	return next;
}

static const char *
unfinished(enum ppp_phase phase)
{
	switch (phase) {
	case PPP_ESTABLISH:
		return "set-up took too long: in LCP";
	case PPP_AUTHENTICATE:
		return "set-up took too long: in authentication";
	default:
		return "set-up took too long: in CCP or IPCP";
	}
}

/* Who waits for a verdict is not the one who is slow. */
static enum refusal_code
overdue(const struct ppp_link *l, enum refusal_code code)
{
	return l->verdict_owed && !l->verdict_stale ? REFUSAL_DECISION_TIMEOUT : code;
}

void
ppp_timer(struct ppp_link *l, uint64_t now_ms)
{
	if (l->over)
		return;
	l->now = now_ms;
	fsm_timer(&l->lcp.fsm);
	ccp_timer(l);
	fsm_timer(&l->ipcp.fsm);
	chap_timer(l);
	guard_timer(l);
	if (l->auth_due <= now_ms) {
		l->auth_due = FSM_NEVER;
		ppp_fail(l, overdue(l, REFUSAL_AUTH_TIMEOUT), "authentication took too long");
	}
	if (l->setup_due <= now_ms) {
		l->setup_due = FSM_NEVER;
		ppp_fail(l, overdue(l, REFUSAL_SETUP_TIMEOUT), unfinished(l->phase));
	}
	if (!l->over && l->echo_due <= now_ms)
		lcp_echo_timer(l);
}

enum ppp_phase
ppp_phase(const struct ppp_link *l)
{
	return l->phase;
}
