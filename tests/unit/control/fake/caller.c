/* SPDX-License-Identifier: BSD-3-Clause */
#include "caller.h"

#include <stdlib.h>
#include <string.h>

#include "loop.h"

static uint64_t
now(const struct caller *c)
{
	return uv_now(c->loop);
}

static void caller_timer(uv_timer_t *t);

static void
arm(struct caller *c)
{
	uint64_t due = ppp_client_next_timer(&c->peer);
	if (l2tp_client_next_timer(&c->lac) < due)
		due = l2tp_client_next_timer(&c->lac);
	if (c->closed || due == UINT64_MAX)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, caller_timer, due > now(c) ? due - now(c) : 0, 0);
}

static void
caller_timer(uv_timer_t *t)
{
	struct caller *c = t->data;
	l2tp_client_timer(&c->lac, now(c));
	if (ppp_client_next_timer(&c->peer) <= now(c))
		ppp_client_timer(&c->peer, now(c));
	arm(c);
}

static void
l2tp_out(void *user, const uint8_t *bytes, size_t len)
{
	struct caller *c = user;
	fake_punt_l2tp(c->fake, c->sa, &c->inner, bytes, len);
}

static void
ppp_out(void *user, const uint8_t *frame, size_t len)
{
	struct caller *c = user;
	/* A real packet takes longer than the command. */
	fake_pump(c->fake);
	uint32_t handle = fake_handle_of(c->fake, TUNNEL_L2TP, c->session->peer_id);
	if (handle)
		fake_punt(c->fake, handle, frame, len);
}

static const struct ppp_client_ops ppp_ops = {.send = ppp_out, .random = client_random};

static void
session_up(void *user, struct l2tp_client_session *s)
{
	struct caller *c = user;
	(void)s;
	if (!c->no_ppp)
		ppp_client_start(&c->peer, now(c));
}

static const struct l2tp_client_ops l2tp_ops = {
	.send = l2tp_out, .random = client_random, .session_up = session_up};

/* What this client makes of an LCP echo that came in an L2TP message of its own session. */
static void
keep_answer(void *user, const uint8_t *frame, size_t len)
{
	struct caller *c = user;
	c->answer_len = len < sizeof(c->answer) ? len : 0;
	memcpy(c->answer, frame, c->answer_len);
}

/* Answers through the pair that it came by, from where that was sent to. */
static bool
probed(struct caller *c, uint32_t sa, const uint8_t *bytes, size_t len)
{
	struct sa_outer to = c->fake->to;
	uint8_t m[6 + 2 + sizeof(c->answer)] = {0, 2};
	if (c->closed || !c->session || len < 10 || bytes[0] & 0x80 ||
		(bytes[2] << 8 | bytes[3]) != c->lac.cfg.id ||
		(bytes[4] << 8 | bytes[5]) != c->session->id)
		return false;
	c->n_probes++;
	c->probed_sa = sa;
	c->probed_to = to;
	c->probe_len = len < sizeof(c->probe) ? len : 0;
	memcpy(c->probe, bytes, c->probe_len);
	if (c->deaf)
		return true;
	static const struct ppp_client_ops aside = {keep_answer, client_random, NULL, NULL, NULL};
	const struct ppp_client_ops *usual = c->peer.ops;
	c->answer_len = 0;
	c->peer.ops = &aside;
	ppp_client_input(&c->peer, bytes + 8, len - 8, now(c));
	c->peer.ops = usual;
	if (c->answer_len == 0)
		return true;
	m[2] = (uint8_t)(c->lac.peer_id >> 8);
	m[3] = (uint8_t)c->lac.peer_id;
	m[4] = (uint8_t)(c->session->peer_id >> 8);
	m[5] = (uint8_t)c->session->peer_id;
	m[6] = 0xff;
	m[7] = 0x03;
	memcpy(m + 8, c->answer, c->answer_len);
	fake_punt_l2tp_from(c->fake, sa, &c->inner, to.peer_ip ? &to : NULL, m, 8 + c->answer_len);
	return true;
}

bool
caller_message(struct caller *c, uint32_t sa, const struct sa_outer *inner, const uint8_t *bytes,
	size_t len)
{
	struct l2tp_header h;
	if (probed(c, sa, bytes, len))
		return true;
	if (c->closed || memcmp(inner, &c->inner, sizeof(*inner)) != 0 ||
		l2tp_header_decode(&h, bytes, len) != 0 || h.tunnel_id != c->lac.cfg.id)
		return false;
	c->last_sa = sa;
	l2tp_client_input(&c->lac, bytes, len, now(c));
	if (c->lac.up && !c->no_call && !c->session)
		c->session = l2tp_client_call(&c->lac, 77);
	arm(c);
	return true;
}

bool
caller_frame(struct caller *c, const struct session_entry *e, const uint8_t *frame, size_t len)
{
	if (c->closed || !c->session || c->session->peer_id != e->call_id ||
		e->protocol != TUNNEL_L2TP)
		return false;
	/* A client whose pppd is not attached yet loses it. */
	if (c->session->up)
		ppp_client_input(&c->peer, frame, len, now(c));
	arm(c);
	return true;
}

bool
caller_is_up(const struct caller *c)
{
	return c->session && c->session->up && !c->session->over && ppp_client_is_open(&c->peer) &&
	       !c->closed;
}

void
caller_start(struct caller *c, struct fake *f, const struct l2tp_client_config *lc,
	const struct ppp_client_config *pc, uint32_t sa, const struct sa_outer *inner)
{
	memset(c, 0, sizeof(*c));
	c->fake = f;
	c->loop = f->loop;
	c->pc = *pc;
	c->sa = sa;
	c->inner = *inner;
	ppp_client_init(&c->peer, &c->pc, &ppp_ops, c);
	uv_timer_init(c->loop, &c->timer);
	c->timer.data = c;
	c->n_handles = 1;
	l2tp_client_init(&c->lac, lc, &(struct l2tp_client_room){c->queue, 32, c->sessions, 32},
		&l2tp_ops, c);
	l2tp_client_start(&c->lac, now(c));
	arm(c);
}

static void
handle_closed(uv_handle_t *h)
{
	((struct caller *)h->data)->n_handles--;
}

static bool
ended(void *user)
{
	return ((struct caller *)user)->n_handles == 0;
}

void
caller_end(struct caller *c)
{
	if (c->closed)
		return;
	c->closed = true;
	uv_close((uv_handle_t *)&c->timer, handle_closed);
	if (!loop_until(c->loop, ended, c, 2000))
		abort();
}
