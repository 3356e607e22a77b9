/* SPDX-License-Identifier: BSD-3-Clause */
/* Compression Control Protocol (RFC 1962) for MPPE, RFC 3078 section 2. */
#include "control/ppp/link.h"

#include <string.h>

#define RESET_INTERVAL_MS 100 /* T3 */
#define HELD_REQUESTS     3u  /* of ours, until the peer's is acknowledged all the same */
#define ALLOW_WAIT_MS \
	5000 /* MPPE allowed: how long a peer may stay silent before IPCP goes on in clear */

static uint8_t
bits_of(uint8_t mask)
{
	return (mask & PPP_MPPE_40 ? MPPE_BIT_40 : 0) | (mask & PPP_MPPE_56 ? MPPE_BIT_56 : 0) |
	       (mask & PPP_MPPE_128 ? MPPE_BIT_128 : 0);
}

static uint8_t
strongest(uint8_t bits)
{
	return bits & MPPE_BIT_128  ? MPPE_BIT_128
	       : bits & MPPE_BIT_56 ? MPPE_BIT_56
				    : bits & MPPE_BIT_40;
}

static enum mppe_strength
strength_of(uint8_t bit)
{
	return bit == MPPE_BIT_128 ? MPPE_128 : bit == MPPE_BIT_56 ? MPPE_56 : MPPE_40;
}

static bool
required(const struct ppp_link *l)
{
	return l->grant.mppe_policy == PPP_MPPE_REQUIRE;
}

enum refusal_code
ccp_refusal(const struct ppp_link *l)
{
	uint8_t offers = l->ccp.peer_offers;

	if (offers != 0 && (offers & bits_of(l->grant.mppe_strengths)) == 0 &&
		(offers & bits_of(l->grant.mppe_refused_weak)) != 0)
		return REFUSAL_WEAK_CRYPTO_OFF;
	return REFUSAL_NO_COMMON_ENCRYPTION;
}

bool
ccp_disputed(const struct ppp_link *l)
{
	return required(l) && !l->ccp.up && l->ccp.objected;
}

/* No MPPE: the end when it is required, IPCP in clear when it is only allowed. */
static void
give_up(struct ppp_link *l, enum refusal_code code, const char *text)
{
	struct ccp *c = &l->ccp;

	if (c->off)
		return;
	c->give_up_at = FSM_NEVER;
	if (required(l)) {
		ppp_fail(l, code, text);
		return;
	}
	c->off = true;
	ppp_forget_secret(l);
	fsm_event(&c->fsm, FSM_CLOSE);
	ppp_begin_ipcp(l);
}

static void
put_mppe(struct wire_writer *w, uint8_t bits, bool stateless)
{
	const uint8_t data[CCP_MPPE_LEN] = {stateless ? MPPE_BIT_STATELESS : 0, 0, 0, bits};

	wire_put_option(w, CCP_MPPE, data, sizeof(data));
}

static void
request(struct fsm *f, struct wire_writer *w)
{
	put_mppe(w, f->link->ccp.rx_bits, f->link->ccp.rx_stateless);
}

/* The peer's mode: ours, or its own when it insists and policy lets it. */
static bool
mode_agreed(struct ppp_link *l, bool stateless)
{
	struct ccp *c = &l->ccp;

	if (stateless == c->rx_stateless)
		return true;
	if (l->grant.mppe_mode == PPP_MPPE_STATELESS_ONLY)
		return false;
	if (c->mode_tried)
		return true;
	/* pppd gives up when its wish for stateless mode is Naked before it took our stateful
	 * request: see first what it says to that. */
	if (stateless && !c->fsm.answered)
		c->hold = true;
	else
		c->mode_tried = true;
	return false;
}

/* pppd ends the link when a Configure-Request comes after its CCP has opened, also one that is only
 * sent again because its Ack was lost.  So the last Ack has to be ours: that one the peer asks for
 * again (fsm.c).  A peer that waits in the same way gets its Ack after a few requests. */
static bool
ack_is_early(const struct ppp_link *l)
{
	const struct fsm *f = &l->ccp.fsm;

	return f->state == FSM_REQ_SENT && f->restarts + HELD_REQUESTS >= l->cfg.max_configure;
}

static uint8_t
judge_mppe(struct fsm *f, const uint8_t *bits, struct wire_writer *answer)
{
	struct ppp_link *l = f->link;
	struct ccp *c = &l->ccp;
	uint8_t allowed = bits_of(l->grant.mppe_strengths), offered = 0, pick = 0;
	bool stateless = c->rx_stateless, exact = false;

	if (bits != NULL) {
		offered = bits[3] & MPPE_BITS_STRENGTH;
		c->peer_offers |= offered;
		pick = strongest(offered & allowed);
		/* RFC 3078 section 2.1: one strength, and nothing that we do not know. */
		exact = pick != 0 && bits[3] == pick && (bits[0] & ~MPPE_BIT_STATELESS) == 0 &&
			bits[1] == 0 && bits[2] == 0;
		stateless = bits[0] & MPPE_BIT_STATELESS;
	}
	if (exact && mode_agreed(l, stateless)) {
		c->tx_bits = pick;
		c->tx_stateless = stateless;
		c->hold = ack_is_early(l);
		return c->hold ? FSM_NO_ANSWER : FSM_CONFIGURE_ACK;
	}
	if (c->hold)
		return FSM_NO_ANSWER;
	c->objected |= pick == 0;
	if (fsm_nak_limit(f)) {
		give_up(l, ccp_refusal(l), "the client agrees to no MPPE that is allowed");
		return FSM_NO_ANSWER;
	}
	put_mppe(answer, pick != 0 ? pick : strongest(c->rx_bits), c->rx_stateless);
	return FSM_CONFIGURE_NAK;
}

static uint8_t
judge(struct fsm *f, struct wire_reader options, struct wire_writer *answer)
{
	struct ppp_link *l = f->link;
	const uint8_t *bits = NULL;
	struct wire_option o;

	if (l->ccp.up) {
		/* The same keys would start over (T2): the peer gets new ones from a new
		 * authentication. */
		fsm_renegotiate(&l->lcp.fsm);
		return FSM_NO_ANSWER;
	}
	while (wire_next_option(&options, &o)) {
		if (o.type == CCP_MPPE && o.len == CCP_MPPE_LEN && bits == NULL)
			bits = o.data;
		else
			wire_put_option(answer, o.type, o.data, o.len);
	}
	if (answer->len > 0)
		return FSM_CONFIGURE_REJECT;
	return judge_mppe(f, bits, answer);
}

static bool
acked(struct fsm *f)
{
	struct ccp *c = &f->link->ccp;
	bool one = c->rx_bits == strongest(c->rx_bits);

	/* RFC 3078 section 2.1: a choice can't be acknowledged; ask for one. */
	c->rx_bits = strongest(c->rx_bits);
	return one;
}

static void
naked(struct fsm *f, struct wire_reader options)
{
	struct ppp_link *l = f->link;
	struct ccp *c = &l->ccp;
	uint8_t allowed = bits_of(l->grant.mppe_strengths), pick = 0;
	struct wire_option o;

	while (wire_next_option(&options, &o)) {
		if (o.type != CCP_MPPE || o.len != CCP_MPPE_LEN)
			continue;
		c->peer_offers |= o.data[3] & MPPE_BITS_STRENGTH;
		pick = strongest(o.data[3] & allowed);
		if (o.data[0] & MPPE_BIT_STATELESS)
			c->rx_stateless = true;
		else if (l->grant.mppe_mode != PPP_MPPE_STATELESS_ONLY && c->rx_stateless &&
			 c->mode_naks++ > 0)
			c->rx_stateless = false;
	}
	if (pick != 0)
		c->rx_bits = pick;
	else
		c->objected = true;
	if (f->objections > l->cfg.max_failure)
		give_up(l, ccp_refusal(l), "the client Naks every MPPE that is allowed");
}

static void
rejected(struct fsm *f, struct wire_reader options)
{
	struct ppp_link *l = f->link;
	struct wire_option o;

	while (wire_next_option(&options, &o)) {
		if (o.type != CCP_MPPE)
			continue;
		if (!l->ccp.rx_stateless) {
			l->ccp.rx_stateless = true; /* pppd without mppe-stateful */
			continue;
		}
		l->ccp.objected = true;
		give_up(l, ccp_refusal(l), "the client rejects MPPE");
		return;
	}
}

/* RFC 3079 section 3.4: a start key of 8 octets is the beginning of the one of 16. */
static void
take_key(struct mppe_params *p, const uint8_t key[MPPE_KEY_MAX])
{
	memcpy(p->start_key, key, p->strength == MPPE_128 ? MPPE_KEY_MAX : 8);
}

static void
up(struct fsm *f)
{
	struct ppp_link *l = f->link;
	struct ccp *c = &l->ccp;
	struct ppp_mppe_result keys = {
		.tx = {.strength = strength_of(c->tx_bits), .stateless = c->tx_stateless},
		.rx = {.strength = strength_of(c->rx_bits), .stateless = c->rx_stateless},
	};

	c->up = true;
	c->give_up_at = FSM_NEVER;
	take_key(&keys.tx, l->secret.send);
	take_key(&keys.rx, l->secret.recv);
	explicit_bzero(&l->secret, sizeof(l->secret));
	l->ops->mppe_up(l->user, &keys);
	explicit_bzero(&keys, sizeof(keys));
	ppp_begin_ipcp(l);
}

/* Never from cipher to clear: CCP is not authenticated, anyone could end it. */
static void
down(struct fsm *f)
{
	struct ppp_link *l = f->link;

	if (!l->ccp.up)
		return;
	l->ccp.up = false;
	l->ops->mppe_down(l->user);
	if (l->lcp.fsm.state == FSM_OPENED)
		ppp_fail(l, REFUSAL_NO_COMMON_ENCRYPTION, "CCP ended while MPPE was in use");
}

static void
finished(struct fsm *f, enum fsm_event why)
{
	struct ppp_link *l = f->link;
	/* A client that speaks, but not CCP, has an opinion on it. */
	bool alive = why != FSM_TO_BAD ||
		     l->now - l->heard_at < 3 * (uint64_t)rtt_patience(l, l->cfg.restart_ms);

	if (alive)
		give_up(l, ccp_refusal(l), "CCP did not converge");
	else
		give_up(l, REFUSAL_SETUP_TIMEOUT, "no answer to CCP");
}

static void
terminated(struct fsm *f, enum fsm_state was)
{
	if (was >= FSM_REQ_SENT && was != FSM_OPENED)
		give_up(f->link, ccp_refusal(f->link), "the client gave up CCP");
}

static void
input_reset_request(struct ppp_link *l, uint8_t id)
{
	struct ccp *c = &l->ccp;

	if (!c->up || c->tx_stateless || l->now - c->last_reset_in < RESET_INTERVAL_MS)
		return;
	c->last_reset_in = l->now;
	l->ops->mppe_reset_request(l->user);
	/* RFC 3078 has no Reset-Ack; pppd sends and awaits one (RFC 1962), npppd answers it with a
	 * Code-Reject, which ends nothing. */
	fsm_send(&c->fsm, CCP_RESET_ACK, id, NULL, 0);
}

static bool
code(struct fsm *f, uint8_t what, uint8_t id, struct wire_reader body)
{
	(void)body;
	if (what == CCP_RESET_REQUEST)
		input_reset_request(f->link, id);
	return what == CCP_RESET_REQUEST || what == CCP_RESET_ACK;
}

static const struct fsm_ops ccp_ops = {
	.protocol = PPP_PROTO_CCP,
	.request = request,
	.judge = judge,
	.acked = acked,
	.naked = naked,
	.rejected = rejected,
	.up = up,
	.down = down,
	.finished = finished,
	.terminated = terminated,
	.code = code,
};

void
ccp_init(struct ppp_link *l)
{
	fsm_init(&l->ccp.fsm, &ccp_ops, l);
	l->ccp.give_up_at = FSM_NEVER;
}

void
ccp_begin(struct ppp_link *l)
{
	struct ccp *c = &l->ccp;
	struct fsm fsm = c->fsm;

	memset(c, 0, sizeof(*c));
	c->fsm = fsm;
	c->rx_bits = bits_of(l->grant.mppe_strengths);
	c->rx_stateless = l->grant.mppe_mode != PPP_MPPE_PREFER_STATEFUL;
	c->give_up_at = required(l) ? FSM_NEVER : l->now + ALLOW_WAIT_MS + 3 * l->rtt_ms;
	fsm_begin(&c->fsm);
}

static void
input_one(struct ppp_link *l, const uint8_t *packet, size_t len)
{
	l->ccp.hold = false;
	fsm_input(&l->ccp.fsm, packet, len);
	if (l->ccp.hold)
		ppp_hold(&l->ccp.held, packet, len);
	l->ccp.hold = false;
}

void
ccp_input(struct ppp_link *l, const uint8_t *packet, size_t len)
{
	struct held held;

	input_one(l, packet, len);
	held = l->ccp.held;
	if (held.len > 0 && packet[0] >= FSM_CONFIGURE_ACK && packet[0] <= FSM_CONFIGURE_REJECT) {
		l->ccp.held.len = 0;
		input_one(l, held.packet, held.len);
	}
}

void
ccp_timer(struct ppp_link *l)
{
	fsm_timer(&l->ccp.fsm);
	if (l->ccp.give_up_at <= l->now)
		give_up(l, REFUSAL_NO_COMMON_ENCRYPTION, "CCP took too long");
}

void
ccp_unknown(struct ppp_link *l)
{
	struct ccp *c = &l->ccp;

	if (c->up) {
		down(&c->fsm);
		return;
	}
	if (c->fsm.state >= FSM_REQ_SENT) {
		c->objected = true;
		give_up(l, ccp_refusal(l), "the client does not know CCP");
	}
}

void
ppp_mppe_lost_sync(struct ppp_link *l, uint64_t now_ms)
{
	struct ccp *c = &l->ccp;

	if (l->over || !c->up || c->rx_stateless)
		return;
	l->now = now_ms;
	if (c->last_reset_out != 0 && now_ms - c->last_reset_out < RESET_INTERVAL_MS)
		return;
	c->last_reset_out = now_ms;
	fsm_send(&c->fsm, CCP_RESET_REQUEST, ++c->fsm.other_id, NULL, 0);
}
