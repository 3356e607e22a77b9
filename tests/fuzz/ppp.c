/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One PPP link, stateful: the input is a configuration and then records that bring frames, time,
 * verdicts and answers to what the link sent last.  Corpus: the client's frames of recorded
 * sessions.
 */
#include <assert.h>
#include <string.h>

#include "control/ppp/ppp.h"
#include "control/ppp/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	OP_FRAME, /* length, octets */
	OP_TIME,  /* tens of milliseconds */
	OP_VERDICT,
	OP_REFUSE,
	OP_ANSWER, /* Configure-Ack, -Nak or -Reject of the last Configure-Request */
	OP_RESPOND,
	OP_LOST_SYNC,
	OP_TRAFFIC,
	OP_PEER_SEEN,
	OP_CLOSE,
	OP_TIMER, /* when it is due */
	OP_COUNT
};

struct world {
	struct ppp_link *link;
	struct ppp_grant grant;
	uint64_t now;
	uint8_t request[3][PPP_FRAME_MAX]; /* last Configure-Request of LCP, CCP, IPCP */
	size_t request_len[3];
	uint8_t challenge_id, rng;
	unsigned int auths, verdicts, sent;
	bool mppe, down;
};

static void
on_send(void *user, const uint8_t *frame, size_t len)
{
	struct world *w = user;
	unsigned int which, protocol = wire_be16(frame);

	assert(len >= 6 && len <= PPP_FRAME_MAX && !w->down);
	assert(wire_be16(frame + 4) == len - 2);
	w->sent++;
	if (protocol == 0xc223 && frame[2] == 1)
		w->challenge_id = frame[3];
	which = protocol == 0xc021 ? 0 : protocol == 0x80fd ? 1 : 2;
	if (frame[2] == 1 && protocol != 0xc223) {
		memcpy(w->request[which], frame, len);
		w->request_len[which] = len;
	}
}

static void
on_lcp_up(void *user, const struct ppp_framing *framing)
{
	assert(!((struct world *)user)->down && framing->peer_mru >= 128);
}

static void
on_auth(void *user, const struct ppp_credentials *cred)
{
	struct world *w = user;

	assert(!w->down && cred->user[0] != '\0');
	assert(strnlen(cred->user, sizeof(cred->user)) <= PPP_NAME_MAX);
	w->auths++;
	assert(w->auths - w->verdicts == 1); /* never two questions at once */
}

static void
on_mppe_up(void *user, const struct ppp_mppe_result *keys)
{
	struct world *w = user;
	unsigned int bits[] = {keys->tx.strength, keys->rx.strength};

	assert(!w->down && !w->mppe && w->grant.mppe_policy != PPP_MPPE_FORBID);
	for (int i = 0; i < 2; i++)
		assert((bits[i] == 40 && (w->grant.mppe_strengths & PPP_MPPE_40)) ||
			(bits[i] == 56 && (w->grant.mppe_strengths & PPP_MPPE_56)) ||
			(bits[i] == 128 && (w->grant.mppe_strengths & PPP_MPPE_128)));
	assert(w->grant.mppe_mode != PPP_MPPE_STATELESS_ONLY ||
		(keys->tx.stateless && keys->rx.stateless));
	w->mppe = true;
}

static void
on_mppe_down(void *user)
{
	struct world *w = user;

	assert(!w->down && w->mppe);
	w->mppe = false;
}

static void
on_reset(void *user)
{
	assert(((struct world *)user)->mppe);
}

static void
on_ip_up(void *user, uint32_t local, uint32_t peer)
{
	struct world *w = user;

	assert(!w->down && w->verdicts > 0 && local == w->grant.local_ip &&
		peer == w->grant.peer_ip);
	assert(w->mppe || w->grant.mppe_policy != PPP_MPPE_REQUIRE);
}

static void
on_down(void *user, enum refusal_code code, const char *text)
{
	struct world *w = user;

	assert(!w->down && !w->mppe && code < REFUSAL_COUNT && text != NULL);
	w->down = true;
}

static void
on_random(void *user, uint8_t *buf, size_t len)
{
	struct world *w = user;

	while (len-- > 0)
		*buf++ = w->rng = (uint8_t)(w->rng * 5 + 1);
}

static const struct ppp_ops ops = {
	.send = on_send,
	.lcp_up = on_lcp_up,
	.auth = on_auth,
	.mppe_up = on_mppe_up,
	.mppe_down = on_mppe_down,
	.mppe_reset_request = on_reset,
	.ip_up = on_ip_up,
	.down = on_down,
	.random = on_random,
};

static void
input(struct world *w, const uint8_t *frame, size_t len)
{
	unsigned int before = w->sent;

	ppp_input(w->link, frame, len, w->now);
	assert(w->sent - before <= 8); /* no amplifier, no loop */
}

static void
answer(struct world *w, uint8_t how)
{
	uint8_t frame[PPP_FRAME_MAX];
	unsigned int which = how / 4 % 3;
	size_t len = w->request_len[which];

	if (len == 0)
		return;
	memcpy(frame, w->request[which], len);
	frame[2] = 2 + how % 4 % 3;
	input(w, frame, len);
}

static void
respond(struct world *w, uint8_t how)
{
	uint8_t frame[61] = {0xc2, 0x23, 2, w->challenge_id, 0, 59, 49};

	if (how & 1) { /* CHAP-MD5 */
		frame[5] = 26;
		frame[6] = 16;
	}
	memset(frame + 7, how, 49);
	memcpy(frame + 56, "alice", 5);
	input(w, frame, frame[5] + 2u);
}

static void
verdict(struct world *w, bool ok, uint8_t how)
{
	struct ppp_verdict v = {
		.ok = ok, .refusal = 1 + how % (REFUSAL_COUNT - 1), .grant = w->grant};

	if (w->verdicts == w->auths)
		return;
	v.have_keys = how & 1;
	v.retry = how & 2;
	v.challenge_len = how & 4 ? 16 : 0;
	memset(v.authenticator_response, 'A', 40);
	w->verdicts++;
	ppp_auth_result(w->link, &v, w->now);
}

static void
frame_record(struct world *w, struct wire_reader *r, uint8_t len)
{
	uint8_t frame[256];
	const uint8_t *p = wire_take(r, len);

	if (p == NULL)
		return;
	memcpy(frame, p, len);
	input(w, frame, len);
}

static void
record(struct world *w, struct wire_reader *r)
{
	uint8_t op = wire_get8(r) % OP_COUNT, arg = wire_get8(r);
	uint64_t next;

	switch (op) {
	case OP_FRAME:
		frame_record(w, r, arg);
		break;
	case OP_TIME:
		w->now += 10u * arg;
		ppp_timer(w->link, w->now);
		break;
	case OP_VERDICT:
	case OP_REFUSE:
		verdict(w, op == OP_VERDICT, arg);
		break;
	case OP_ANSWER:
		answer(w, arg);
		break;
	case OP_RESPOND:
		respond(w, arg);
		break;
	case OP_LOST_SYNC:
		ppp_mppe_lost_sync(w->link, w->now);
		break;
	case OP_TRAFFIC:
		ppp_traffic_seen(w->link, w->now);
		break;
	case OP_PEER_SEEN:
		ppp_peer_seen(w->link, w->now);
		break;
	case OP_CLOSE:
		ppp_close(w->link, arg % REFUSAL_COUNT, "fuzz", w->now);
		break;
	case OP_TIMER:
		next = ppp_next_timer(w->link);
		assert(w->down == (next == UINT64_MAX) || next > 0);
		if (next != UINT64_MAX) {
			w->now = next > w->now ? next : w->now;
			ppp_timer(w->link, w->now);
			assert(w->down || ppp_next_timer(w->link) > w->now);
		}
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_reader r = wire_read(data, size);
	struct world w = {.now = 1000, .rng = 1};
	uint8_t auth = wire_get8(&r), policy = wire_get8(&r), strengths = wire_get8(&r),
		retries = wire_get8(&r);
	struct ppp_config cfg = {.mru = 1400,
		.min_peer_mru = 576,
		.auth = auth & 15,
		.acfc = true,
		.pfc = true,
		.server_name = "vpn",
		.echo_interval_ms = 10000,
		.echo_failures = 3,
		.restart_first_ms = 1000,
		.restart_ms = 3000,
		.auth_timeout_ms = 30000,
		.setup_timeout_ms = 60000,
		.auth_retries = retries % 4};

	w.grant = (struct ppp_grant){.local_ip = 0x0a630001,
		.peer_ip = 0x0a63000a,
		.dns = {0x0a000035},
		.mppe_policy = policy % 3,
		.mppe_mode = policy / 4 % 3,
		.mppe_strengths = strengths & 7,
		.mppe_refused_weak = ~strengths & 3};
	w.link = ppp_new(&cfg, &ops, &w);
	if (w.link == NULL)
		return 0;
	ppp_start(w.link, w.now);
	while (!r.bad && r.left > 0)
		record(&w, &r);
	/* Silence ends every link that has not opened, and echoes end the others. */
	for (int i = 0; i < 200 && !w.down; i++) {
		w.now = ppp_next_timer(w.link);
		assert(w.now != UINT64_MAX);
		ppp_timer(w.link, w.now);
	}
	assert(w.down);
	ppp_free(w.link);
	return 0;
}
