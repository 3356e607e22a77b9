/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is where, and who is who (D1, T23).  An address is believed when the client's answer to what
 * was sent there has come from there; that a new IKE SA is a client who has a tunnel already, when
 * the answer to what only that client can answer has come through it.  docs/adr/0010 says why.
 */
#include <errno.h>
#include <string.h>

#include "control/core/log.h"
#include "control/ike/internal.h"

#define ASK_MS     900  /* between two questions about one peer: what is forged costs no more */
#define ANSWER_MS  3000 /* for the answer */
#define HOLD_MS    1000 /* for those who hold a place to say so */
#define HEIR_TRIES 8
#define HEIR_MS    1000
#define ASKED_MAX  4    /* peers that one question is about */
#define BEREFT_MS  3000 /* for the proof of an heir, when the last pair has gone before */

static bool
same_outer(const struct sa_outer *a, const struct sa_outer *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool
probe(struct ike *k, struct ike_peer *p, uint32_t sa, const struct sa_outer *to)
{
	return sa && k->ops->probe && k->ops->probe(k->user, p, sa, to);
}

/* ------------------------------------------------------------------ where it is */

/* Is it where we send to? */
static void
ask_where(struct ike *k, struct ike_peer *p)
{
	uint64_t now = uv_now(k->loop);
	if (p->asked_ms && now - p->asked_ms < ASK_MS)
		return;
	if (probe(k, p, p->current, NULL))
		p->asked_ms = now;
}

/* Whoever has a tunnel there is asked, too: a NAT that was restarted has dealt its ports anew. */
static void
ask_holders(struct ike *k, const struct ike_peer *p, const struct sa_outer *at)
{
	unsigned int n = 0;
	for (struct ike_peer *h = peers_at(&k->peers, at, NULL); h && n < ASKED_MAX;
		h = peers_at(&k->peers, at, h)) {
		if (h == p || h->users == 0)
			continue;
		ask_where(k, h);
		n++;
	}
}

enum holding { NOT_HELD, HELD_PERHAPS, HELD };

static enum holding
is_held(const struct ike *k, const struct ike_peer *p, const struct sa_outer *at)
{
	uint64_t now = uv_now(k->loop);
	enum holding is = NOT_HELD;
	unsigned int n = 0;
	for (const struct ike_peer *h = peers_at(&k->peers, at, NULL); h && n < ASKED_MAX;
		h = peers_at(&k->peers, at, h)) {
		if (h == p || h->users == 0)
			continue;
		n++;
		if (h->held_ms && now - h->held_ms < ANSWER_MS)
			return HELD;
		if (h->asked_ms && now - h->asked_ms < HOLD_MS)
			is = HELD_PERHAPS;
	}
	return is;
}

static void
move(struct ike *k, struct ike_peer *p, const struct sa_outer *to)
{
	struct ike_pair *s;
	char old[16], new[16];
	log_event(LOG_INFO, "ipsec-moved", "peer=%u address=%s port=%u from=%s from_port=%u", p->id,
		log_ip(new, to->peer_ip), to->peer_port, log_ip(old, p->outer.peer_ip),
		p->outer.peer_port);
	peers_move(&k->peers, p, to);
	TAILQ_FOREACH (s, &p->pairs, peer_next) {
		struct ike_message m = {.type = IKE_MAPPING, .spi = s->spi};
		m.mapping = (struct ike_outer){
			to->server_ip, to->peer_ip, to->server_port, to->peer_port};
		link_sa_update(k->link, s->spi, to, 0);
		if (!s->widow && k->channel)
			channel_send(k->channel, &m);
	}
}

/* Its answer has come from there. */
static void
decide(struct ike *k, struct ike_peer *p)
{
	char ip[16];
	enum holding is = is_held(k, p, &p->claim);
	if (is == HELD_PERHAPS)
		return;
	if (is == NOT_HELD) {
		move(k, p, &p->claim);
	} else {
		k->moves_refused++;
		log_event(LOG_NOTICE, "ipsec-move-refused",
			"peer=%u address=%s port=%u text=\"another client answers there\"", p->id,
			log_ip(ip, p->claim.peer_ip), p->claim.peer_port);
	}
	p->claim_ms = p->proven_ms = 0;
}

void
peer_claim(struct ike_pair *s, const struct sa_outer *at)
{
	struct ike *k = s->ike;
	struct ike_peer *p = s->peer;
	uint64_t now = uv_now(k->loop);
	if (p->claim_ms && now - p->claim_ms < ASK_MS)
		return;
	if (p->claim_ms && p->proven_ms && same_outer(&p->claim, at))
		return;
	if (!probe(k, p, s->spi, at))
		return;
	p->claim = *at;
	p->claim_ms = now;
	p->proven_ms = 0;
	ask_holders(k, p, at);
}

/* ------------------------------------------------------------------ who it is */

static bool
may_be_heir(const struct ike_peer *q)
{
	return q->tries > 0 && q->users == 0;
}

/* Asks for the client of p through q's pair; and through its own whether it lives: a client that
 * began anew shall not wait for what is left of it. */
static void
ask_heir(struct ike *k, struct ike_peer *q, struct ike_peer *p)
{
	probe(k, p, q->current, NULL);
	ask_where(k, p);
}

void
heir_try(struct ike *k, struct ike_peer *q)
{
	uint64_t now = uv_now(k->loop);
	struct ike_peer *p = q->heir_of ? peers_by_id(&k->peers, q->heir_of) : NULL;
	unsigned int n = 0;
	if (!may_be_heir(q) || !q->current || now < q->try_ms)
		return;
	q->tries--;
	q->try_ms = now + HEIR_MS;
	if (p && p != q && p->users > 0) {
		ask_heir(k, q, p);
		n++;
	}
	for (p = peers_at(&k->peers, &q->outer, NULL); p && n < ASKED_MAX;
		p = peers_at(&k->peers, &q->outer, p)) {
		if (p == q || p->users == 0 || p->id == q->heir_of)
			continue;
		ask_heir(k, q, p);
		n++;
	}
	if (n == 0)
		q->tries = 0;
}

void
heir_begin(struct ike *k, struct ike_peer *q, uint32_t ike_sa)
{
	q->heir_of = peers_heir_of(&k->peers, ike_sa);
	q->tries = HEIR_TRIES;
}

/* q is the client of p: what is q's is p's. */
static void
inherit(struct ike *k, struct ike_peer *q, struct ike_peer *p)
{
	struct ike_pair *s;
	log_event(LOG_INFO, "ipsec-followed", "peer=%u was=%u", p->id, q->id);
	if (!same_outer(&p->outer, &q->outer))
		peers_move(&k->peers, p, &q->outer);
	while ((s = TAILQ_FIRST(&q->pairs))) {
		TAILQ_REMOVE(&q->pairs, s, peer_next);
		q->n_pairs--;
		pair_join(s, p);
		link_sa_update(k->link, s->spi, &q->outer, p->id);
	}
	/* What it has begun besides ends. */
	k->ops->peer_gone(k->user, q);
	peers_inherit(&k->peers, q, p);
	peers_remove(&k->peers, q);
	peer_elect(k, p);
	peer_trim(p);
}

void
ike_answered(struct ike *k, uint32_t peer, uint32_t sa, const struct sa_outer *from)
{
	struct ike_peer *p = peers_by_id(&k->peers, peer);
	struct ike_pair *s = pair_find(k, sa);
	uint64_t now = uv_now(k->loop);
	if (!p || !s || !s->peer)
		return;
	if (s->peer != p) {
		if (s->peer->users == 0)
			inherit(k, s->peer, p);
	} else if (!from) {
		p->held_ms = now;
	} else if (p->claim_ms && now - p->claim_ms < ANSWER_MS && same_outer(from, &p->claim)) {
		p->proven_ms = now;
		decide(k, p);
	}
}

/* ------------------------------------------------------------------ users */

void
ike_peer_users(struct ike *k, struct ike_peer *p, int change)
{
	struct ike_pair *s;
	(void)k;
	if (change < 0 && p->users < (uint32_t)-change)
		return;
	p->users += (uint32_t)change;
	TAILQ_FOREACH (s, &p->pairs, peer_next)
		pair_count(s);
}

/* ------------------------------------------------------------------ peers without pairs */

bool
peer_is_awaited(const struct ike *k, const struct ike_peer *p)
{
	for (const struct ike_peer *q = peers_at(&k->peers, &p->outer, NULL); q && p->users;
		q = peers_at(&k->peers, &p->outer, q))
		if (q != p && may_be_heir(q) && q->n_pairs > 0)
			return true;
	return false;
}

void
peer_bereave(struct ike *k, struct ike_peer *p)
{
	p->over_ms = uv_now(k->loop) + BEREFT_MS;
	LIST_INSERT_HEAD(&k->bereft, p, bereft);
}

void
peer_console(struct ike_peer *p)
{
	if (p->over_ms)
		LIST_REMOVE(p, bereft);
	p->over_ms = 0;
}

void
peer_end(struct ike *k, struct ike_peer *p)
{
	peer_console(p);
	k->ops->peer_gone(k->user, p);
	peers_remove(&k->peers, p);
}

void
identity_sweep(struct ike *k)
{
	struct ike_peer *p, *after;
	struct ike_pair *s;
	uint64_t now = uv_now(k->loop);
	for (p = LIST_FIRST(&k->bereft); p; p = after) {
		after = LIST_NEXT(p, bereft);
		if (now >= p->over_ms)
			peer_end(k, p);
	}
	TAILQ_FOREACH (s, &k->pairs, next) {
		if (!s->peer)
			continue;
		heir_try(k, s->peer);
		if (s->peer->proven_ms)
			decide(k, s->peer);
	}
}
