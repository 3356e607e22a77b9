/* SPDX-License-Identifier: BSD-3-Clause */
/* Link Control Protocol, RFC 1661 section 6, RFC 1570. */
#include "control/ppp/link.h"

static const struct {
	uint8_t method; /* enum ppp_auth */
	uint8_t len;    /* of the option's data */
	uint8_t data[3];
} methods[] = {
	{PPP_AUTH_MSCHAPV2, 3, {0xc2, 0x23, 0x81}},
	{PPP_AUTH_CHAP_MD5, 3, {0xc2, 0x23, 0x05}},
	{PPP_AUTH_MSCHAPV1, 3, {0xc2, 0x23, 0x80}},
	{PPP_AUTH_PAP, 2, {0xc0, 0x23}},
};
#define METHODS (sizeof(methods) / sizeof(methods[0]))

static struct lcp *
lcp_of(struct fsm *f)
{
	return &f->link->lcp;
}

static uint32_t
new_magic(struct ppp_link *l)
{
	uint32_t magic = ppp_random32(l);

	return magic != 0 ? magic : 1; /* 0 would mean "none" */
}

/* The strongest method that is allowed and not refused; false: none. */
static bool
choose_auth(struct ppp_link *l)
{
	for (size_t i = 0; i < METHODS; i++) {
		if (l->cfg.auth & ~(unsigned int)l->lcp.auth_refused & methods[i].method) {
			l->lcp.auth = methods[i].method;
			return true;
		}
	}
	l->lcp.auth = 0;
	return false;
}

bool
lcp_reset(struct ppp_link *l)
{
	l->lcp.auth_refused = 0;
	l->lcp.loops = 0;
	l->lcp.mru = l->cfg.mru;
	l->lcp.ask_acfc = l->cfg.acfc;
	l->lcp.ask_pfc = l->cfg.pfc;
	l->lcp.magic = new_magic(l);
	return choose_auth(l);
}

static void
request(struct fsm *f, struct wire_writer *w)
{
	const struct lcp *lcp = lcp_of(f);

	if (lcp->mru != PPP_DEFAULT_MRU)
		wire_put_option16(w, LCP_MRU, lcp->mru);
	for (size_t i = 0; i < METHODS; i++)
		if (methods[i].method == lcp->auth)
			wire_put_option(w, LCP_AUTH, methods[i].data, methods[i].len);
	if (lcp->magic != 0)
		wire_put_option32(w, LCP_MAGIC, lcp->magic);
	if (lcp->ask_pfc)
		wire_put_option(w, LCP_PFC, NULL, 0);
	if (lcp->ask_acfc)
		wire_put_option(w, LCP_ACFC, NULL, 0);
}

/* Our magic number came from the peer: a loop, or one chance in 2^32 (RFC 1661 section 6.4). */
static bool
is_looped(const struct ppp_link *l, struct wire_reader options)
{
	struct wire_option o;

	while (wire_next_option(&options, &o))
		if (o.type == LCP_MAGIC && o.len == 4 && l->lcp.magic != 0 &&
			wire_be32(o.data) == l->lcp.magic)
			return true;
	return false;
}

static uint8_t
answer_loop(struct ppp_link *l, struct wire_writer *nak)
{
	if (++l->lcp.loops > l->cfg.max_failure) {
		ppp_fail(l, REFUSAL_LCP_FAILED, "the link is looped back");
		return FSM_NO_ANSWER;
	}
	wire_put_option32(nak, LCP_MAGIC, new_magic(l));
	return FSM_CONFIGURE_NAK;
}

/* One option of the peer; true: reject it. */
static bool
judge_option(struct fsm *f, const struct wire_option *o, struct wire_writer *nak)
{
	struct ppp_link *l = f->link;
	struct lcp *lcp = &l->lcp;

	switch (o->type) {
	case LCP_MRU:
		if (o->len != 2)
			return true;
		if (wire_be16(o->data) < l->cfg.min_peer_mru) {
			if (fsm_nak_limit(f))
				return true;
			wire_put_option16(nak, LCP_MRU, l->cfg.min_peer_mru);
		} else {
			lcp->peer_mru = wire_be16(o->data);
		}
		return false;
	case LCP_ASYNCMAP: /* pppd sends it on every kind of link; without meaning here */
		return o->len != 4;
	case LCP_MAGIC:
		if (o->len != 4)
			return true;
		lcp->peer_magic = wire_be32(o->data);
		if (lcp->peer_magic == 0 && !fsm_nak_limit(f))
			wire_put_option32(nak, LCP_MAGIC, new_magic(l));
		return false;
	case LCP_PFC:
		lcp->peer_pfc = l->cfg.pfc;
		return o->len != 0 || !l->cfg.pfc;
	case LCP_ACFC:
		lcp->peer_acfc = l->cfg.acfc;
		return o->len != 0 || !l->cfg.acfc;
	default: /* authentication of us, multilink, BAP, callback, link quality (R28) */
		return true;
	}
}

static uint8_t
judge(struct fsm *f, struct wire_reader options, struct wire_writer *answer)
{
	struct lcp *lcp = lcp_of(f);

	lcp->peer_mru = PPP_DEFAULT_MRU;
	lcp->peer_magic = 0;
	lcp->peer_acfc = lcp->peer_pfc = false;
	if (is_looped(f->link, options))
		return answer_loop(f->link, answer);
	return fsm_judge_each(f, options, answer, judge_option);
}

/* The peer will not do our method; it may have named one (NULL: it has not). */
static void
auth_objection(struct ppp_link *l, const struct wire_option *o)
{
	l->lcp.auth_refused |= l->lcp.auth;
	for (size_t i = 0; o != NULL && i < METHODS; i++) {
		if (o->len == methods[i].len && memcmp(o->data, methods[i].data, o->len) == 0 &&
			(l->cfg.auth & ~(unsigned int)l->lcp.auth_refused & methods[i].method)) {
			l->lcp.auth = methods[i].method;
			return;
		}
	}
	if (!choose_auth(l))
		ppp_fail(l, REFUSAL_NO_COMMON_AUTH, "the client refused every allowed method");
}

static void
naked(struct fsm *f, struct wire_reader options)
{
	struct ppp_link *l = f->link;
	struct lcp *lcp = &l->lcp;
	struct wire_option o;

	while (wire_next_option(&options, &o)) {
		if (o.type == LCP_MRU && o.len == 2 && wire_be16(o.data) < lcp->mru &&
			wire_be16(o.data) >= l->cfg.min_peer_mru)
			lcp->mru = wire_be16(o.data);
		else if (o.type == LCP_AUTH)
			auth_objection(l, &o);
		else if (o.type == LCP_MAGIC && lcp->magic != 0)
			lcp->magic = new_magic(l);
	}
}

static void
rejected(struct fsm *f, struct wire_reader options)
{
	struct ppp_link *l = f->link;
	struct wire_option o;

	while (wire_next_option(&options, &o)) {
		if (o.type == LCP_MRU)
			l->lcp.mru = PPP_DEFAULT_MRU;
		else if (o.type == LCP_AUTH)
			auth_objection(l, NULL);
		else if (o.type == LCP_MAGIC)
			l->lcp.magic = 0;
		else if (o.type == LCP_PFC)
			l->lcp.ask_pfc = false;
		else if (o.type == LCP_ACFC)
			l->lcp.ask_acfc = false;
	}
}

static void
up(struct fsm *f)
{
	struct ppp_link *l = f->link;

	l->echo_lost = 0;
	l->echo_due = l->cfg.echo_interval_ms ? l->now + l->cfg.echo_interval_ms : FSM_NEVER;
	ppp_lcp_opened(l);
}

static void
down(struct fsm *f)
{
	f->link->echo_due = FSM_NEVER;
	ppp_lcp_lost(f->link);
}

static void
finished(struct fsm *f, enum fsm_event why)
{
	if (why == FSM_TO_BAD)
		ppp_finish(f->link, REFUSAL_SETUP_TIMEOUT, "no answer to LCP");
	else
		ppp_finish(f->link, REFUSAL_LCP_FAILED, "LCP did not converge");
}

static void
terminated(struct fsm *f, enum fsm_state was)
{
	struct ppp_link *l = f->link;
	enum refusal_code code = REFUSAL_PEER_CLOSED;

	/* pppd and Windows name no cause when they give up: what was being negotiated tells. */
	if (was < FSM_OPENED && l->lcp.auth_refused != 0)
		code = REFUSAL_NO_COMMON_AUTH;
	else if (was == FSM_OPENED && ccp_disputed(l))
		code = ccp_refusal(l);
	ppp_finish(l, code, "Terminate-Request from the client");
}

/* Does an echo with this magic number come from the peer? */
static bool
is_life(const struct ppp_link *l, uint32_t magic)
{
	return l->cfg.authentic_path || l->lcp.peer_magic == 0 || magic == l->lcp.peer_magic;
}

static void
input_echo_reply(struct ppp_link *l, uint8_t id, struct wire_reader body)
{
	if (l->echo_at != 0 && probe_fits(l, &l->echo, id, body)) {
		rtt_measured(l, l->echo_at);
		l->echo_at = 0; /* each answer measures once */
	}
	guard_answered(l, id, body);
}

static void
input_echo(struct fsm *f, uint8_t code, uint8_t id, struct wire_reader body)
{
	struct ppp_link *l = f->link;
	uint8_t buf[PPP_FRAME_MAX];
	struct wire_writer w = wire_write(buf, sizeof(buf) - 6);
	struct wire_reader whole = body;
	uint32_t magic = wire_get32(&body), most = l->lcp.peer_mru;

	/* RFC 1661 section 5.8: only in Opened; our own number back is a loop, not a sign of
	 * life. */
	if (body.bad || f->state != FSM_OPENED || (magic != 0 && magic == l->lcp.magic))
		return;
	if (is_life(l, magic))
		l->echo_lost = 0;
	if (code == LCP_ECHO_REPLY) {
		input_echo_reply(l, id, whole);
		return;
	}
	/* More than the peer takes is cut: it asks whether we live, not for its data. */
	if (most > sizeof(buf) - 6)
		most = sizeof(buf) - 6;
	wire_put32(&w, l->lcp.magic);
	wire_put(&w, body.at, body.left + 8 > most ? most - 8 : body.left);
	fsm_send(f, LCP_ECHO_REPLY, id, buf, w.len);
}

static bool
code(struct fsm *f, uint8_t what, uint8_t id, struct wire_reader body)
{
	uint16_t protocol;

	switch (what) {
	case LCP_PROTOCOL_REJECT:
		protocol = wire_get16(&body);
		if (!body.bad && f->state == FSM_OPENED)
			ppp_peer_rejects(f->link, protocol);
		return true;
	case LCP_ECHO_REQUEST:
	case LCP_ECHO_REPLY:
		input_echo(f, what, id, body);
		return true;
	case LCP_DISCARD_REQUEST:
	case LCP_IDENTIFICATION: /* Windows: "MSRASV5.20" and the machine's name */
	case LCP_TIME_REMAINING:
		return true;
	default:
		return false;
	}
}

/* A peer that does not know echoes lives, too: it says so. */
static void
code_rejected(struct fsm *f, uint8_t what, struct wire_reader rest)
{
	struct ppp_link *l = f->link;

	if (what != LCP_ECHO_REQUEST)
		return;
	if (probe_rejected(l, &l->echo, rest))
		l->echo_lost = 0;
	guard_rejected(l, rest);
}

static const struct fsm_ops lcp_ops = {
	.protocol = PPP_PROTO_LCP,
	.request = request,
	.judge = judge,
	.naked = naked,
	.rejected = rejected,
	.up = up,
	.down = down,
	.finished = finished,
	.terminated = terminated,
	.code = code,
	.code_rejected = code_rejected,
};

void
lcp_init(struct ppp_link *l)
{
	fsm_init(&l->lcp.fsm, &lcp_ops, l);
	l->lcp.peer_mru = PPP_DEFAULT_MRU;
}

void
lcp_echo_timer(struct ppp_link *l)
{
	uint8_t frame[PPP_PROBE_FRAME];

	if (l->lcp.fsm.state != FSM_OPENED) {
		l->echo_due = FSM_NEVER;
		return;
	}
	if (l->echo_lost >= l->cfg.echo_failures) {
		/* No use in waiting for a Terminate-Ack. */
		fsm_send(&l->lcp.fsm, FSM_TERMINATE_REQUEST, ++l->lcp.fsm.other_id, NULL, 0);
		ppp_finish(l, REFUSAL_PEER_DEAD, "no answer to LCP Echo-Requests");
		return;
	}
	l->echo_lost++;
	l->echo_due = l->now + l->cfg.echo_interval_ms;
	l->echo_at = l->now;
	l->ops->send(l->user, frame, ppp_probe_make(l, &l->echo, frame, sizeof(frame)));
}

void
lcp_reject_protocol(struct ppp_link *l, const uint8_t *frame, size_t len)
{
	size_t most = l->lcp.peer_mru < PPP_FRAME_MAX - 2 ? l->lcp.peer_mru : PPP_FRAME_MAX - 2;

	/* RFC 1661 section 5.7: cut to the peer's MRU. */
	if (len > most - 4)
		len = most - 4;
	fsm_send(&l->lcp.fsm, LCP_PROTOCOL_REJECT, ++l->lcp.fsm.other_id, frame, len);
}
