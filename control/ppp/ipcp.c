/* SPDX-License-Identifier: BSD-3-Clause */
/* IP Control Protocol, RFC 1332; name servers, RFC 1877.  IP-Addresses, option 1, and
 * IP-Compression-Protocol (VJ) are rejected. */
#include "control/ppp/link.h"

static void
request(struct fsm *f, struct wire_writer *w)
{
	if (!f->link->ipcp.no_address)
		wire_put_option32(w, IPCP_ADDRESS, f->link->grant.local_ip);
}

static uint32_t
name_server(const struct ppp_grant *g, uint8_t type)
{
	switch (type) {
	case IPCP_DNS1:
		return g->dns[0];
	case IPCP_DNS2:
		return g->dns[1];
	case IPCP_WINS1:
		return g->wins[0];
	case IPCP_WINS2:
		return g->wins[1];
	default:
		return 0;
	}
}

/* One option of the peer; true: reject it. */
static bool
judge_option(struct fsm *f, const struct wire_option *o, struct wire_writer *nak)
{
	const struct ppp_grant *g = &f->link->grant;
	struct ipcp *ipcp = &f->link->ipcp;
	bool is_address = o->type == IPCP_ADDRESS;
	uint32_t ours = is_address ? g->peer_ip : name_server(g, o->type);

	if (ours == 0 || o->len != 4)
		return true;
	if (wire_be32(o->data) == ours) {
		ipcp->address_good |= is_address;
		return false;
	}
	if (!is_address && fsm_nak_limit(f))
		return true;
	ipcp->address_bad |= is_address;
	wire_put_option32(nak, o->type, ours);
	return false;
}

static uint8_t
judge(struct fsm *f, struct wire_reader options, struct wire_writer *answer)
{
	struct ppp_link *l = f->link;

	l->ipcp.address_good = l->ipcp.address_bad = false;
	uint8_t verdict = fsm_judge_each(f, options, answer, judge_option);
	if (verdict == FSM_CONFIGURE_REJECT || (l->ipcp.address_good && !l->ipcp.address_bad))
		return verdict;
	if (fsm_nak_limit(f)) {
		ppp_fail(l, REFUSAL_NO_IP, "the client insists on another address, or on none");
		return FSM_NO_ANSWER;
	}
	if (!l->ipcp.address_bad) /* it named none */
		wire_put_option32(answer, IPCP_ADDRESS, l->grant.peer_ip);
	return FSM_CONFIGURE_NAK;
}

/* Our address is not for the peer to choose: it is asked for again, and left out in the end. */
static void
naked(struct fsm *f, struct wire_reader options)
{
	(void)options;
	if (f->objections > f->link->cfg.max_failure)
		f->link->ipcp.no_address = true;
}

static void
rejected(struct fsm *f, struct wire_reader options)
{
	struct wire_option o;

	while (wire_next_option(&options, &o))
		if (o.type == IPCP_ADDRESS)
			f->link->ipcp.no_address = true;
}

static void
up(struct fsm *f)
{
	ppp_opened(f->link);
}

static void
down(struct fsm *f)
{
	if (f->link->phase == PPP_OPEN)
		f->link->phase = PPP_NETWORK;
}

static void
finished(struct fsm *f, enum fsm_event why)
{
	if (why == FSM_TO_BAD)
		ppp_fail(f->link, REFUSAL_SETUP_TIMEOUT, "no answer to IPCP");
	else
		ppp_fail(f->link, REFUSAL_NO_IP, "IPCP did not converge");
}

static void
terminated(struct fsm *f, enum fsm_state was)
{
	if (was == FSM_OPENED)
		ppp_fail(f->link, REFUSAL_PEER_CLOSED, "the client ended IPCP");
	else if (was >= FSM_REQ_SENT)
		ppp_fail(f->link, REFUSAL_NO_IP, "the client gave up IPCP");
}

static bool
code(struct fsm *f, uint8_t what, uint8_t id, struct wire_reader body)
{
	(void)f, (void)what, (void)id, (void)body;
	return false;
}

static const struct fsm_ops ipcp_ops = {
	.protocol = PPP_PROTO_IPCP,
	.request = request,
	.judge = judge,
	.naked = naked,
	.rejected = rejected,
	.up = up,
	.down = down,
	.finished = finished,
	.terminated = terminated,
	.code = code,
};

void
ipcp_init(struct ppp_link *l)
{
	fsm_init(&l->ipcp.fsm, &ipcp_ops, l);
}

void
ipcp_begin(struct ppp_link *l)
{
	struct held held = l->ipcp.held;

	l->ipcp.held.len = 0;
	l->ipcp.no_address = false;
	l->ipcp.up = false;
	fsm_begin(&l->ipcp.fsm);
	if (held.len > 0)
		fsm_input(&l->ipcp.fsm, held.packet, held.len);
}
