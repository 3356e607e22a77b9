/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions that only one client can answer, sent by the path that is to be proved (T23): an LCP
 * Echo-Request, whose answer has random octets and the magic number that this client negotiated; to
 * a client whose LCP is not open yet, where it is, by L2TP's HELLO.
 */
#include <stdlib.h>
#include <string.h>

#include "control/carrier/l2tp.h"
#include "control/l2tp/message.h"

#define PROBE_MS    3000
#define WRONG_MAX   3 /* answers, then whoever guesses is asked no more */
#define PROBES_MAX  4096
#define PROBES_RATE 1000 /* a second: forged packets make no more */

#define DATA_HEADER    6 /* RFC 2661 section 3.1: flags, tunnel and session ID */
#define ADDRESS_LENGTH 2 /* RFC 1662 section 3.1: ff 03 before LCP */

struct probe {
	LIST_ENTRY(probe) by_sa, of_session;
	struct l2tp_session *session; /* NULL: HELLO */
	uint32_t peer, sa;
	struct sa_outer to; /* 0: where sa sends to */
	uint64_t until_ms;
	unsigned int wrong;
	struct ppp_probe ppp;
	struct l2tp_asked hello;
};

static struct l2tp_carrier *
carrier_of(const struct l2tp_session *s)
{
	return (struct l2tp_carrier *)s->s.carrier;
}

static struct probe_bucket *
bucket_of(struct l2tp_carrier *l, uint32_t sa)
{
	return &l->probes.by_sa[(sa * 2654435761u) >> 24 & (PROBE_BUCKETS - 1)];
}

static void
probe_free(struct l2tp_carrier *l, struct probe *p)
{
	LIST_REMOVE(p, by_sa);
	if (p->session)
		LIST_REMOVE(p, of_session);
	free(p);
	l->probes.n--;
}

static bool
rate_allows(struct l2tp_carrier *l)
{
	uint64_t now = l2tp_now(l);
	if (now - l->probes.second_ms >= 1000) {
		l->probes.second_ms = now;
		l->probes.in_second = 0;
	}
	return l->probes.in_second++ < PROBES_RATE;
}

static struct probe *
probe_new(struct l2tp_carrier *l, uint32_t peer, uint32_t sa, const struct sa_outer *to)
{
	struct probe *p, *after;
	uint64_t now = l2tp_now(l);
	for (p = LIST_FIRST(bucket_of(l, sa)); p; p = after) {
		after = LIST_NEXT(p, by_sa);
		if (now >= p->until_ms)
			probe_free(l, p);
	}
	if (l->probes.n >= PROBES_MAX || !rate_allows(l) || !(p = calloc(1, sizeof(*p))))
		return NULL;
	p->peer = peer;
	p->sa = sa;
	if (to)
		p->to = *to;
	p->until_ms = now + PROBE_MS;
	LIST_INSERT_HEAD(bucket_of(l, sa), p, by_sa);
	l->probes.n++;
	return p;
}

/* ------------------------------------------------------------------ asking */

static bool
send_echo(struct l2tp_carrier *l, const struct l2tp_session *s, struct probe *p,
	const struct sa_outer *to)
{
	const struct sa_outer inner = {s->s.server_ip, s->s.peer_ip, s->server_port, s->peer_port};
	uint8_t m[DATA_HEADER + ADDRESS_LENGTH + PPP_PROBE_FRAME] = {0, 2,
		(uint8_t)(s->peer_tunnel_id >> 8), (uint8_t)s->peer_tunnel_id,
		(uint8_t)(s->s.remote_id >> 8), (uint8_t)s->s.remote_id, 0xff, 0x03};
	size_t at = DATA_HEADER + ADDRESS_LENGTH;
	size_t n = ppp_probe_make(s->s.ppp, &p->ppp, m + at, sizeof(m) - at);
	return n && link_l2tp_inject(l->c.all->env.link, p->sa, &inner, to, m, at + n) == 0;
}

/* A session of this peer that can be asked. */
static struct l2tp_session *
asked_session(const struct l2tp_carrier *l, uint32_t peer, bool own)
{
	struct l2tp_session *s;
	LIST_FOREACH (s, l2tp_of_peer(l, peer), by_peer)
		if (s->peer == peer && s->s.state != PHASE_CLOSING && s->s.state != PHASE_LCP &&
			!s->s.doomed && s->s.ppp &&
			/* Whoever is asked through another's pair must know more than what he is
			 * told. */
			(own || ppp_has_peer_magic(s->s.ppp)))
			return s;
	return NULL;
}

/* The first copy of a HELLO goes there, and for less time than the second one waits, only who is
 * there can acknowledge it. */
static bool
ask_by_hello(struct l2tp_carrier *l, struct probe *p, const struct sa_outer *to)
{
	uint64_t now = l2tp_now(l);
	l->probes.divert_to = to;
	l->probes.divert_sa = p->sa;
	bool asked = l2tp_server_hello(l->server, p->peer, &p->hello, now);
	l->probes.divert_to = NULL;
	p->until_ms = now + l->c.all->env.cfg->l2tp.delivery.retransmit_ms * 3 / 4;
	l2tp_arm(l);
	return asked;
}

bool
l2tp_probe(struct l2tp_carrier *l, uint32_t peer, uint32_t sa, const struct sa_outer *to)
{
	bool own = l->ipsec && l->ipsec->peer_of(l->ipsec_user, sa) == peer;
	struct l2tp_session *s = asked_session(l, peer, own);
	if (!l->server || (!own && !s))
		return false;
	if (own && !to)
		l2tp_server_hasten(l->server, peer, l2tp_now(l));
	if (own && !to && !s)
		return false;
	struct probe *p = probe_new(l, peer, sa, to);
	if (!p)
		return false;
	if (s) {
		p->session = s;
		LIST_INSERT_HEAD(&s->probes, p, of_session);
	}
	if (s ? send_echo(l, s, p, to) : ask_by_hello(l, p, to))
		return true;
	probe_free(l, p);
	return false;
}

void
probes_end(struct l2tp_session *s)
{
	while (!LIST_EMPTY(&s->probes))
		probe_free(carrier_of(s), LIST_FIRST(&s->probes));
}

void
probes_free(struct l2tp_carrier *l)
{
	for (unsigned int i = 0; i < PROBE_BUCKETS; i++)
		while (!LIST_EMPTY(&l->probes.by_sa[i]))
			probe_free(l, LIST_FIRST(&l->probes.by_sa[i]));
}

/* ------------------------------------------------------------------ answers */

static bool
from_where_asked(const struct probe *p, const struct sa_outer *from)
{
	static const struct sa_outer as_ever;
	return memcmp(&p->to, from ? from : &as_ever, sizeof(p->to)) == 0;
}

static void
answered(struct l2tp_carrier *l, struct probe *p)
{
	const struct sa_outer to = p->to;
	uint32_t peer = p->peer, sa = p->sa;
	probe_free(l, p);
	if (l->ipsec->answered)
		l->ipsec->answered(l->ipsec_user, peer, sa, to.peer_ip ? &to : NULL);
}

static uint16_t
word(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Where PPP begins in an L2TP data message (hostile); 0: nowhere.  RFC 2661 section 3.1. */
static size_t
data_header(const uint8_t *m, size_t len, uint16_t *tunnel, uint16_t *session)
{
	uint16_t flags = len >= DATA_HEADER ? word(m) : 0;
	size_t at = 2 + (flags & 0x4000 ? 2 : 0);
	size_t need = at + 4 + (flags & 0x0800 ? 4 : 0) + (flags & 0x0200 ? 2 : 0);
	if ((flags & 0x000f) != 2 || need > len)
		return 0;
	*tunnel = word(m + at);
	*session = word(m + at + 2);
	if (flags & 0x0200)
		need += word(m + need - 2);
	if (need + 2 <= len && word(m + need) == 0xff03)
		need += ADDRESS_LENGTH;
	return need < len ? need : 0;
}

void
probe_data(struct l2tp_carrier *l, uint32_t sa, uint32_t server_ip, const struct sa_outer *from,
	const uint8_t *message, size_t len)
{
	uint16_t tunnel, session;
	size_t at = data_header(message, len, &tunnel, &session);
	struct probe *p, *after;
	uint64_t now = l2tp_now(l);
	for (p = at ? LIST_FIRST(bucket_of(l, sa)) : NULL; p; p = after) {
		const struct l2tp_session *s = p->session;
		after = LIST_NEXT(p, by_sa);
		if (p->sa != sa || !s || now >= p->until_ms || s->s.local_id != session ||
			s->tunnel_id != tunnel || s->s.server_ip != server_ip ||
			!from_where_asked(p, from))
			continue;
		if (ppp_probe_answered(s->s.ppp, &p->ppp, message + at, len - at)) {
			answered(l, p);
			return;
		}
		if (++p->wrong >= WRONG_MAX)
			probe_free(l, p);
	}
	l->probes.unasked++;
}

bool
probe_frame(struct session *session, const uint8_t *frame, size_t len)
{
	struct l2tp_session *s = (struct l2tp_session *)session;
	struct l2tp_carrier *l = carrier_of(s);
	struct probe *p;
	LIST_FOREACH (p, &s->probes, of_session) {
		if (p->to.peer_ip || l2tp_now(l) >= p->until_ms ||
			!ppp_probe_answered(s->s.ppp, &p->ppp, frame, len))
			continue;
		/* What was asked through another's pair is not proved by its own. */
		if (l->ipsec->peer_of(l->ipsec_user, p->sa) != s->peer)
			return true;
		answered(l, p);
		return true;
	}
	return false;
}

void
probe_control(struct l2tp_carrier *l, uint32_t sa, const struct sa_outer *from,
	const struct l2tp_header *h, uint32_t server_ip)
{
	struct probe *p;
	LIST_FOREACH (p, bucket_of(l, sa), by_sa) {
		if (p->sa != sa || p->session || l2tp_now(l) >= p->until_ms ||
			p->hello.server_ip != server_ip || p->hello.tunnel_id != h->tunnel_id ||
			p->hello.nr != h->nr || !from_where_asked(p, from))
			continue;
		answered(l, p);
		return;
	}
}
