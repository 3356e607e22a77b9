/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions that only the peer can answer, RFC 1661 section 5.8. */
#include "control/ppp/link.h"

#define RTT_PATIENCE_MS 15000 /* the longest that a path makes a restart timer wait */

size_t
ppp_probe_make(struct ppp_link *l, struct ppp_probe *p, uint8_t *frame, size_t size)
{
	struct wire_writer w = wire_write(frame, size);

	if (l->over || l->lcp.fsm.state != FSM_OPENED || size < PPP_PROBE_FRAME)
		return 0;
	p->id = ++l->echo_id;
	l->ops->random(l->user, p->nonce, sizeof(p->nonce));
	wire_put16(&w, PPP_PROTO_LCP);
	wire_put8(&w, LCP_ECHO_REQUEST);
	wire_put8(&w, p->id);
	wire_put16(&w, PPP_PROBE_FRAME - 2);
	wire_put32(&w, l->lcp.magic);
	wire_put(&w, p->nonce, sizeof(p->nonce));
	return w.len;
}

bool
probe_fits(const struct ppp_link *l, const struct ppp_probe *p, uint8_t id, struct wire_reader body)
{
	uint32_t magic = wire_get32(&body);

	return !body.bad && id == p->id && magic == l->lcp.peer_magic &&
	       body.left == sizeof(p->nonce) && memcmp(body.at, p->nonce, sizeof(p->nonce)) == 0;
}

bool
probe_rejected(const struct ppp_link *l, const struct ppp_probe *p, struct wire_reader rest)
{
	uint8_t id = wire_get8(&rest);
	uint16_t length = wire_get16(&rest);
	uint32_t magic = wire_get32(&rest);

	return !rest.bad && id == p->id && length == PPP_PROBE_FRAME - 2 && magic == l->lcp.magic &&
	       rest.left == sizeof(p->nonce) && memcmp(rest.at, p->nonce, sizeof(p->nonce)) == 0;
}

bool
ppp_has_peer_magic(const struct ppp_link *l)
{
	return l->lcp.peer_magic != 0;
}

bool
ppp_probe_answered(
	const struct ppp_link *l, const struct ppp_probe *p, const uint8_t *frame, size_t len)
{
	struct wire_reader r = wire_read(frame, len);
	uint16_t protocol = wire_get16(&r);
	uint8_t code = wire_get8(&r), id = wire_get8(&r);
	uint16_t length = wire_get16(&r);

	if (r.bad || protocol != PPP_PROTO_LCP || code != LCP_ECHO_REPLY || length < 4 ||
		length - 4u > r.left || l->over || l->lcp.fsm.state != FSM_OPENED)
		return false;
	return probe_fits(l, p, id, wire_read(r.at, length - 4u));
}

static uint32_t
elapsed(const struct ppp_link *l, uint64_t sent_at)
{
	uint64_t ms = l->now > sent_at ? l->now - sent_at : 1;

	return ms < PPP_RTT_MAX_MS ? (uint32_t)ms : PPP_RTT_MAX_MS;
}

void
rtt_guessed(struct ppp_link *l, uint64_t sent_at)
{
	uint32_t ms = elapsed(l, sent_at);

	if (l->rtt_ms != 0 && !(l->rtt_rough && ms < l->rtt_ms))
		return;
	l->rtt_ms = ms;
	l->rtt_rough = true;
}

void
rtt_outgrown(struct ppp_link *l, uint64_t sent_at)
{
	uint32_t ms = elapsed(l, sent_at);

	if (ms <= l->rtt_ms)
		return;
	l->rtt_ms = ms;
	l->rtt_rough = true;
}

void
rtt_measured(struct ppp_link *l, uint64_t sent_at)
{
	uint32_t ms = elapsed(l, sent_at);

	if (l->rtt_rough)
		l->rtt_ms = 0;
	l->rtt_rough = false;
	/* Up at once, down slowly: what waits three times as long must not wait too short. */
	l->rtt_ms = ms > l->rtt_ms ? ms : l->rtt_ms - (l->rtt_ms - ms + 7) / 8;
}

uint32_t
rtt_patience(const struct ppp_link *l, uint32_t ms)
{
	uint32_t slow = l->rtt_ms + l->rtt_ms / 2;

	if (slow > RTT_PATIENCE_MS)
		slow = RTT_PATIENCE_MS;
	return slow > ms ? slow : ms;
}
