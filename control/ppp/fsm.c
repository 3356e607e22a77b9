/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ppp/fsm.h"

#include "control/ppp/link.h"

/* A peer whose identical request comes again this soon after we opened has missed our Ack. */
#define REPEAT_WINDOW_MS  15000
#define REPEAT_MAX        3
/* ... where anything else that it can do is taken for forged (guard.c). */
#define GUARDED_WINDOW_MS 60000
#define GUARDED_MAX       10

/* Actions, RFC 1661 section 4.4, in the order in which they are carried out. */
enum {
	TLD = 1 << 0,
	IRC = 1 << 1,
	ZRC = 1 << 2,
	SCR = 1 << 3,
	SCA = 1 << 4,
	SCN = 1 << 5,
	STR = 1 << 6,
	STA = 1 << 7,
	SCJ = 1 << 8,
	TLU = 1 << 9,
	TLF = 1 << 10,
};

struct transition {
	uint16_t actions;
	uint8_t next;
};

/* "-" of the RFC: cannot happen, nothing changes. */
#define NONE(state)      \
	{                \
		0, state \
	}
#define GO(acts, state)     \
	{                   \
		acts, state \
	}

/* RFC 1661 section 4.1; columns are the states 0 to 9.  This-Layer-Started has no use here;
 * Send-Echo-Reply is the business of code(). */
static const struct transition table[FSM_EVENTS][FSM_STATES] = {
	[FSM_UP] = {GO(0, 2), GO(IRC | SCR, 6), NONE(2), NONE(3), NONE(4), NONE(5), NONE(6),
		NONE(7), NONE(8), NONE(9)},
	[FSM_DOWN] = {NONE(0), NONE(1), GO(0, 0), GO(0, 1), GO(0, 0), GO(0, 1), GO(0, 1), GO(0, 1),
		GO(0, 1), GO(TLD, 1)},
	[FSM_OPEN] = {GO(0, 1), GO(0, 1), GO(IRC | SCR, 6), GO(0, 3), GO(0, 5), GO(0, 5), GO(0, 6),
		GO(0, 7), GO(0, 8), GO(0, 9)},
	[FSM_CLOSE] = {GO(0, 0), GO(TLF, 0), GO(0, 2), GO(0, 2), GO(0, 4), GO(0, 4),
		GO(IRC | STR, 4), GO(IRC | STR, 4), GO(IRC | STR, 4), GO(TLD | IRC | STR, 4)},
	[FSM_TO_GOOD] = {NONE(0), NONE(1), NONE(2), NONE(3), GO(STR, 4), GO(STR, 5), GO(SCR, 6),
		GO(SCR, 6), GO(SCR, 8), NONE(9)},
	[FSM_TO_BAD] = {NONE(0), NONE(1), NONE(2), NONE(3), GO(TLF, 2), GO(TLF, 3), GO(TLF, 3),
		GO(TLF, 3), GO(TLF, 3), NONE(9)},
	[FSM_RCR_GOOD] = {NONE(0), NONE(1), GO(STA, 2), GO(IRC | SCR | SCA, 8), GO(0, 4), GO(0, 5),
		GO(SCA, 8), GO(SCA | TLU, 9), GO(SCA, 8), GO(TLD | SCR | SCA, 8)},
	[FSM_RCR_BAD] = {NONE(0), NONE(1), GO(STA, 2), GO(IRC | SCR | SCN, 6), GO(0, 4), GO(0, 5),
		GO(SCN, 6), GO(SCN, 7), GO(SCN, 6), GO(TLD | SCR | SCN, 6)},
	[FSM_RCA] = {NONE(0), NONE(1), GO(STA, 2), GO(STA, 3), GO(0, 4), GO(0, 5), GO(IRC, 7),
		GO(SCR, 6), GO(IRC | TLU, 9), GO(TLD | SCR, 6)},
	[FSM_RCN] = {NONE(0), NONE(1), GO(STA, 2), GO(STA, 3), GO(0, 4), GO(0, 5), GO(IRC | SCR, 6),
		GO(SCR, 6), GO(IRC | SCR, 8), GO(TLD | SCR, 6)},
	[FSM_RTR] = {NONE(0), NONE(1), GO(STA, 2), GO(STA, 3), GO(STA, 4), GO(STA, 5), GO(STA, 6),
		GO(STA, 6), GO(STA, 6), GO(TLD | ZRC | STA, 5)},
	[FSM_RTA] = {NONE(0), NONE(1), GO(0, 2), GO(0, 3), GO(TLF, 2), GO(TLF, 3), GO(0, 6),
		GO(0, 6), GO(0, 8), GO(TLD | SCR, 6)},
	[FSM_RUC] = {NONE(0), NONE(1), GO(SCJ, 2), GO(SCJ, 3), GO(SCJ, 4), GO(SCJ, 5), GO(SCJ, 6),
		GO(SCJ, 7), GO(SCJ, 8), GO(SCJ, 9)},
	[FSM_RXJ_GOOD] = {NONE(0), NONE(1), GO(0, 2), GO(0, 3), GO(0, 4), GO(0, 5), GO(0, 6),
		GO(0, 6), GO(0, 8), GO(0, 9)},
	[FSM_RXJ_BAD] = {NONE(0), NONE(1), GO(TLF, 2), GO(TLF, 3), GO(TLF, 2), GO(TLF, 3),
		GO(TLF, 3), GO(TLF, 3), GO(TLF, 3), GO(TLD | IRC | STR, 5)},
	[FSM_RXR] = {NONE(0), NONE(1), GO(0, 2), GO(0, 3), GO(0, 4), GO(0, 5), GO(0, 6), GO(0, 7),
		GO(0, 8), GO(0, 9)},
};

/* What an event was about. */
struct cause {
	uint8_t code, id; /* of the packet received; for SCA and SCN: of the answer */
	const uint8_t *body;
	size_t len;
};

void
fsm_init(struct fsm *f, const struct fsm_ops *ops, struct ppp_link *link)
{
	memset(f, 0, sizeof(*f));
	f->ops = ops;
	f->link = link;
	f->due = FSM_NEVER;
}

void
fsm_send(struct fsm *f, uint8_t code, uint8_t id, const uint8_t *body, size_t len)
{
	uint8_t buf[PPP_FRAME_MAX];
	struct wire_writer w = wire_write(buf, sizeof(buf) - 2);

	wire_put8(&w, code);
	wire_put8(&w, id);
	wire_put16(&w, (uint16_t)(len + 4));
	wire_put(&w, body, len);
	if (!w.full)
		ppp_send(f->link, f->ops->protocol, buf, w.len);
}

static void
send_request(struct fsm *f, bool again)
{
	const struct ppp_config *cfg = &f->link->cfg;
	uint8_t buf[256];
	struct wire_writer w = wire_write(buf, sizeof(buf));

	f->ops->request(f, &w);
	f->answered = false;
	f->asked_again = again;
	if (!again)
		f->asked_at = f->link->now;
	if (f->restarts > 0)
		f->restarts--;
	f->due = f->link->now +
		 rtt_patience(f->link, f->fresh ? cfg->restart_first_ms : cfg->restart_ms);
	fsm_send(f, FSM_CONFIGURE_REQUEST, f->id, buf, w.len);
}

static void
send_terminate(struct fsm *f)
{
	if (f->restarts > 0)
		f->restarts--;
	f->due = f->link->now + f->link->cfg.restart_ms;
	fsm_send(f, FSM_TERMINATE_REQUEST, ++f->other_id, NULL, 0);
}

/* RFC 1661 section 5.6: as much of the packet as fits the peer's MRU. */
static void
send_code_reject(struct fsm *f, const struct cause *c)
{
	size_t len = c->len, most = f->link->lcp.peer_mru;

	if (most > PPP_FRAME_MAX - 2)
		most = PPP_FRAME_MAX - 2;
	if (len > most - 4)
		len = most - 4;
	fsm_send(f, FSM_CODE_REJECT, ++f->other_id, c->body, len);
}

static void
send_packets(struct fsm *f, unsigned int actions, const struct cause *c, bool retransmit)
{
	if (actions & SCR) {
		if (!retransmit)
			f->id++;
		send_request(f, retransmit);
	}
	if (actions & (SCA | SCN))
		fsm_send(f, c->code, c->id, c->body, c->len);
	if (actions & STR)
		send_terminate(f);
	if (actions & STA)
		fsm_send(f, FSM_TERMINATE_ACK, c->id, NULL, 0);
	if (actions & SCJ)
		send_code_reject(f, c);
}

static void
run(struct fsm *f, enum fsm_event event, const struct cause *c)
{
	const struct ppp_config *cfg = &f->link->cfg;
	const struct transition *t = &table[event][f->state];
	unsigned int actions = t->actions;

	f->state = t->next;
	if (f->state < FSM_CLOSING || f->state == FSM_OPENED)
		f->due = FSM_NEVER;
	if (event == FSM_UP)
		f->fresh = true;
	if (event == FSM_TO_GOOD)
		f->fresh = false;
	/* A callback can end the link, and then this automaton is not where it was. */
	if (actions & TLD) {
		f->ops->down(f);
		if (f->state != t->next)
			return;
		f->restarts = (uint8_t)cfg->max_configure;
	}
	if (actions & IRC)
		f->restarts = (uint8_t)(actions & STR ? cfg->max_terminate : cfg->max_configure);
	if (actions & ZRC) {
		f->restarts = 0;
		f->due = f->link->now + cfg->restart_ms;
	}
	send_packets(f, actions, c, event == FSM_TO_GOOD);
	if (actions & TLU) {
		f->naks_sent = 0;
		f->objections = 0;
		f->repeats = 0;
		f->opened_at = f->link->now;
		f->ops->up(f);
	}
	if (actions & TLF)
		f->ops->finished(f, event);
}

void
fsm_event(struct fsm *f, enum fsm_event event)
{
	run(f, event, &(struct cause){0});
}

void
fsm_begin(struct fsm *f)
{
	f->state = FSM_INITIAL;
	f->due = FSM_NEVER;
	f->naks_sent = 0;
	f->objections = 0;
	fsm_event(f, FSM_OPEN);
	fsm_event(f, FSM_UP);
}

void
fsm_renegotiate(struct fsm *f)
{
	/* The row that leads from Opened to a new request. */
	if (f->state == FSM_OPENED)
		fsm_event(f, FSM_RTA);
}

void
fsm_repeat_request(struct fsm *f)
{
	if (f->state == FSM_REQ_SENT || f->state == FSM_ACK_SENT)
		send_request(f, true);
}

/* RFC 1661 section 5.4: a Reject names only what can't be negotiated; Naks wait for the next
 * request.
 */
uint8_t
fsm_judge_each(struct fsm *f, struct wire_reader options, struct wire_writer *answer,
	bool (*reject)(struct fsm *f, const struct wire_option *o, struct wire_writer *nak))
{
	uint8_t buf[PPP_FRAME_MAX];
	struct wire_writer nak = wire_write(buf, answer->cap);
	struct wire_option o;

	while (wire_next_option(&options, &o))
		if (reject(f, &o, &nak))
			wire_put_option(answer, o.type, o.data, o.len);
	if (answer->len > 0)
		return FSM_CONFIGURE_REJECT;
	if (nak.len == 0)
		return FSM_CONFIGURE_ACK;
	wire_put(answer, nak.buf, nak.len);
	return FSM_CONFIGURE_NAK;
}

bool
fsm_nak_limit(const struct fsm *f)
{
	return f->naks_sent >= f->link->cfg.max_failure;
}

void
fsm_timer(struct fsm *f)
{
	if (f->due > f->link->now)
		return;
	f->due = FSM_NEVER;
	fsm_event(f, f->restarts > 0 ? FSM_TO_GOOD : FSM_TO_BAD);
}

static uint32_t
hash(const uint8_t *p, size_t len)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	while (len-- > 0)
		h = (h ^ *p++) * 16777619u;
	return h;
}

/* In Opened, the request that we acknowledged: the peer has missed our Ack, or the network repeated
 * the packet. RFC 1661 would renegotiate; a peer that really begins anew has another magic number,
 * or goes on asking. */
bool
fsm_is_repeated(const struct fsm *f, struct wire_reader options)
{
	bool guarded = guard_is_on(f->link) && f->ops->protocol != PPP_PROTO_LCP;
	uint64_t age = f->link->now - f->opened_at;
	/* It asks again until our Ack has come all the way, each second perhaps. */
	uint32_t rtt = f->link->rtt_ms;

	return f->state == FSM_OPENED && hash(options.at, options.left) == f->acked_hash &&
	       f->repeats < (guarded ? GUARDED_MAX : REPEAT_MAX) + rtt / 1000 &&
	       age < (guarded ? GUARDED_WINDOW_MS : REPEAT_WINDOW_MS) + rtt;
}

static void
input_request(struct fsm *f, uint8_t id, struct wire_reader options)
{
	uint8_t buf[PPP_FRAME_MAX];
	struct wire_writer w = wire_write(buf, sizeof(buf) - 6);
	struct cause c = {.id = id, .body = buf};
	uint32_t h = hash(options.at, options.left);

	if (f->state == FSM_CLOSED) {
		run(f, FSM_RCR_BAD, &c);
		return;
	}
	if (f->state < FSM_REQ_SENT && f->state != FSM_STOPPED)
		return;
	if (fsm_is_repeated(f, options)) {
		f->repeats++;
		fsm_send(f, FSM_CONFIGURE_ACK, id, options.at, options.left);
		return;
	}
	c.code = f->ops->judge(f, options, &w);
	if (c.code == FSM_NO_ANSWER)
		return;
	if (c.code == FSM_CONFIGURE_ACK) {
		f->acked_hash = h;
		c.body = options.at;
		c.len = options.left;
		run(f, FSM_RCR_GOOD, &c);
		return;
	}
	if (c.code == FSM_CONFIGURE_NAK && f->naks_sent < UINT8_MAX)
		f->naks_sent++;
	c.len = w.len;
	run(f, FSM_RCR_BAD, &c);
}

/* RFC 1661 section 5.2: the Ack carries exactly our options. */
static bool
is_our_request(struct fsm *f, struct wire_reader options)
{
	uint8_t buf[256];
	struct wire_writer w = wire_write(buf, sizeof(buf));

	f->ops->request(f, &w);
	return w.len == options.left && (w.len == 0 || memcmp(buf, options.at, w.len) == 0);
}

/* CCP is not asked: there a peer may think before it answers. */
static void
measure(const struct fsm *f)
{
	if (f->ops->protocol == PPP_PROTO_CCP)
		return;
	if (f->asked_again)
		rtt_guessed(f->link, f->asked_at);
	else
		rtt_measured(f->link, f->asked_at);
}

static void
input_answer(struct fsm *f, uint8_t code, uint8_t id, struct wire_reader options)
{
	struct cause c = {.code = code, .id = id};
	bool good = code == FSM_CONFIGURE_ACK;

	if (f->state >= FSM_REQ_SENT) {
		if (id != f->id || f->answered)
			return;
		if (good && !is_our_request(f, options))
			return;
		f->answered = true;
		measure(f);
		if (good) {
			good = f->ops->acked == NULL || f->ops->acked(f);
		} else if (++f->objections > 2 * f->link->cfg.max_configure) {
			run(f, FSM_RXJ_BAD, &c); /* does not converge */
			return;
		} else if (code == FSM_CONFIGURE_NAK) {
			f->ops->naked(f, options);
		} else {
			f->ops->rejected(f, options);
		}
	}
	run(f, good ? FSM_RCA : FSM_RCN, &c);
}

static void
input_code_reject(struct fsm *f, struct wire_reader body)
{
	uint8_t code = wire_get8(&body);

	if (body.bad || code == 0)
		return;
	if (code <= FSM_CODE_REJECT) {
		fsm_event(f, FSM_RXJ_BAD);
		return;
	}
	if (f->ops->code_rejected != NULL)
		f->ops->code_rejected(f, code, body);
	fsm_event(f, FSM_RXJ_GOOD);
}

static bool
options_valid(struct wire_reader r)
{
	struct wire_option o;

	while (wire_next_option(&r, &o))
		;
	return !r.bad;
}

void
fsm_input(struct fsm *f, const uint8_t *packet, size_t len)
{
	struct wire_reader r = wire_read(packet, len), body;
	uint8_t code = wire_get8(&r), id = wire_get8(&r);
	uint16_t length = wire_get16(&r);
	enum fsm_state was = f->state;

	/* RFC 1661 section 5: octets beyond Length are padding. */
	if (r.bad || length < 4 || length > len || f->state < FSM_CLOSED)
		return;
	body = wire_read(packet + 4, length - 4u);
	if (code >= FSM_CONFIGURE_REQUEST && code <= FSM_CONFIGURE_REJECT && !options_valid(body))
		return;
	switch (code) {
	case FSM_CONFIGURE_REQUEST:
		input_request(f, id, body);
		break;
	case FSM_CONFIGURE_ACK:
	case FSM_CONFIGURE_NAK:
	case FSM_CONFIGURE_REJECT:
		input_answer(f, code, id, body);
		break;
	case FSM_TERMINATE_REQUEST:
		run(f, FSM_RTR, &(struct cause){.id = id});
		f->ops->terminated(f, was);
		break;
	case FSM_TERMINATE_ACK:
		fsm_event(f, FSM_RTA);
		break;
	case FSM_CODE_REJECT:
		input_code_reject(f, body);
		break;
	default:
		if (!f->ops->code(f, code, id, body))
			run(f, FSM_RUC, &(struct cause){.body = packet, .len = length});
	}
}
