/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LCP, CCP and IPCP are never encrypted, so on a path that authenticates nothing anyone can forge
 * them (T27).  A frame that would end or restart an open link is kept while the peer is asked
 * whether it is still there: who ended or restarted has left Opened and answers no Echo-Request
 * (RFC 1661 section 5.8), who answers has not sent the frame.
 */
#include "control/ppp/link.h"

#define GUARD_MIN_MS 2000 /* without an answer the frame is believed */
#define GUARD_PROBES 8    /* in that time: some are lost */
#define ROUND_GAP_MS 1000 /* between two beginnings, whatever is forged meanwhile */

void
guard_init(struct ppp_link *l)
{
	l->guard = (struct guard){.until = FSM_NEVER, .next = FSM_NEVER};
}

void
guard_stop(struct ppp_link *l)
{
	uint64_t begun = l->guard.begun;

	guard_init(l);
	l->guard.begun = begun;
}

static const struct fsm *
fsm_of(const struct ppp_link *l, uint16_t protocol)
{
	return protocol == PPP_PROTO_LCP   ? &l->lcp.fsm
	       : protocol == PPP_PROTO_CCP ? &l->ccp.fsm
					   : &l->ipcp.fsm;
}

/* Would it end or restart what is open? */
static bool
is_drastic(const struct fsm *f, uint8_t code, struct wire_reader body)
{
	switch (code) {
	case FSM_CONFIGURE_REQUEST:
		return !fsm_is_repeated(f, body);
	case FSM_TERMINATE_REQUEST:
	case FSM_TERMINATE_ACK:
		return true;
	case FSM_CODE_REJECT:
		return wire_get8(&body) <= FSM_CODE_REJECT && !body.bad;
	case LCP_PROTOCOL_REJECT:
		return f->ops->protocol == PPP_PROTO_LCP;
	default:
		return false;
	}
}

static uint64_t
window(const struct ppp_link *l)
{
	uint64_t ms = 3 * (uint64_t)l->rtt_ms;

	return ms > GUARD_MIN_MS ? ms : GUARD_MIN_MS;
}

static void
ask(struct ppp_link *l)
{
	struct guard *g = &l->guard;

	if (g->frame_len == 0) {
		g->frame_len = ppp_probe_make(l, &g->probe, g->frame, sizeof(g->frame));
		g->begun = l->now;
		g->until = l->now + window(l);
	}
	g->next = l->now + window(l) / GUARD_PROBES;
	l->ops->send(l->user, g->frame, g->frame_len);
}

/* Too long a request is not kept: what it starts is begun, and the peer asks again. */
static void
keep(struct guard *g, uint16_t protocol, const uint8_t *packet, size_t length)
{
	static const uint8_t restart[] = {FSM_TERMINATE_ACK, 0, 0, 4};

	/* Nothing takes the place of the link's end: if it was true, nobody is left to send
	 * more. */
	if (g->protocol == PPP_PROTO_LCP && g->held.len > 0 &&
		g->held.packet[0] == FSM_TERMINATE_REQUEST)
		return;
	g->protocol = protocol;
	if (length > sizeof(g->held.packet) && packet[0] == FSM_CONFIGURE_REQUEST)
		ppp_hold(&g->held, restart, sizeof(restart));
	else
		ppp_hold(&g->held, packet, length);
}

bool
guard_is_on(const struct ppp_link *l)
{
	return !l->cfg.authentic_path && l->ipcp.up && l->phase != PPP_TERMINATE;
}

bool
guard_suspects(struct ppp_link *l, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct guard *g = &l->guard;
	struct wire_reader r = wire_read(packet, len);
	const struct fsm *f = fsm_of(l, protocol);
	uint8_t code = wire_get8(&r);
	uint16_t length;

	wire_get8(&r);
	length = wire_get16(&r);
	if (!guard_is_on(l) || f->state != FSM_OPENED || r.bad || length < 4 || length > len ||
		!is_drastic(f, code, wire_read(r.at, length - 4u)))
		return false;
	keep(g, protocol, packet, length);
	g->frames++;
	if (g->frame_len == 0 && g->next == FSM_NEVER) {
		g->next = g->begun + ROUND_GAP_MS;
		if (g->begun == 0 || g->next <= l->now)
			ask(l);
	}
	return true;
}

static void
is_there(struct ppp_link *l)
{
	unsigned int frames = l->guard.frames;

	guard_stop(l);
	if (l->ops->forged != NULL)
		l->ops->forged(l->user, frames);
}

void
guard_answered(struct ppp_link *l, uint8_t id, struct wire_reader body)
{
	if (l->guard.frame_len != 0 && probe_fits(l, &l->guard.probe, id, body))
		is_there(l);
}

void
guard_rejected(struct ppp_link *l, struct wire_reader rest)
{
	if (l->guard.frame_len != 0 && probe_rejected(l, &l->guard.probe, rest))
		is_there(l);
}

uint64_t
guard_due(const struct ppp_link *l)
{
	return l->guard.next < l->guard.until ? l->guard.next : l->guard.until;
}

void
guard_timer(struct ppp_link *l)
{
	struct guard *g = &l->guard;
	struct held held = g->held;
	uint16_t protocol = g->protocol;

	if (g->until <= l->now) {
		guard_stop(l);
		ppp_input_trusted(l, protocol, held.packet, held.len);
	} else if (g->next <= l->now) {
		ask(l);
	}
}
