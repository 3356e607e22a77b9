/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs of SAs: from a reserved SPI to the data plane's word that it is gone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/core/log.h"
#include "control/ike/internal.h"

#define WIDOW_OVERLAP_MS 30000 /* after its peer has a new pair */
#define ENDING_MS        3000  /* for charon to delete what it was told has expired */
#define RIPE_MS          1000  /* for charon's last message, after which a peer has the pair */
#define FORGED_FEW       3     /* packets that fail their check before the first good one */

uint64_t
ike_now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
ike_refused(struct ike *k, enum refusal_code code, uint32_t peer_ip)
{
	k->ops->refused(k->user, code, peer_ip);
}

struct ike_pair *
pair_find(const struct ike *k, uint32_t spi)
{
	return k->link ? link_sa_owner(k->link, spi) : NULL;
}

bool
pair_is_weak(const struct ike_pair *s)
{
	return s->encryption && suite_weaker(s->encryption, s->integrity) == SUITE_WEAK;
}

/* ------------------------------------------------------------------ life */

struct ike_pair *
pair_new(struct ike *k, uint8_t state)
{
	struct ike_pair *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->ike = k;
	s->state = PAIR_RESERVED;
	s->opened_us = ike_now_us();
	TAILQ_INSERT_TAIL(&k->pairs, s, next);
	k->n_pairs++;
	pair_set_state(s, state);
	return s;
}

/* What operators count: pairs with an inbound SA. */
static bool
is_sa(uint8_t state)
{
	return state == PAIR_IN || state == PAIR_UP;
}

void
pair_unreserve(struct ike_pair *s)
{
	if (s->state == PAIR_RESERVED && s->peer_ip)
		half_open_remove(&s->ike->peers, s->peer_ip);
	s->peer_ip = 0;
}

void
pair_set_state(struct ike_pair *s, uint8_t state)
{
	struct ike *k = s->ike;
	int change = (int)is_sa(state) - (int)is_sa(s->state);
	k->n_sas += (uint32_t)change;
	if (pair_is_weak(s))
		k->n_weak += (uint32_t)change;
	pair_unreserve(s);
	s->state = state;
}

void
pair_count(struct ike_pair *s)
{
	struct peers *ps = &s->ike->peers;
	bool counts = s->state != PAIR_CLOSING && s->peer && s->peer->users == 0;
	if (s->counted_ip && !counts) {
		stranger_remove(ps, s->counted_ip);
		s->counted_ip = 0;
	} else if (!s->counted_ip && counts && stranger_add(ps, s->peer->outer.peer_ip)) {
		s->counted_ip = s->peer->outer.peer_ip;
	}
}

void
pair_join(struct ike_pair *s, struct ike_peer *p)
{
	struct ike_pair *at;
	peer_console(p);
	s->peer = p;
	p->n_pairs++;
	pair_count(s);
	/* Orphans come in the order of their slots. */
	TAILQ_FOREACH (at, &p->pairs, peer_next) {
		if (at->opened_us > s->opened_us) {
			TAILQ_INSERT_BEFORE(at, s, peer_next);
			return;
		}
	}
	TAILQ_INSERT_TAIL(&p->pairs, s, peer_next);
}

/* When the gateway began the exchange, the peer installs the pair only after charon's last message,
 * which comes after this end has it: what is sent through it before is lost (D4). */
static bool
is_ripe(struct ike_pair *s)
{
	struct sa_counters c;
	if (s->ripe_ms == 0)
		return true;
	link_sa_counters(s->ike->link, s->spi, &c);
	if (c.in_packets > 0 || uv_now(s->ike->loop) >= s->ripe_ms)
		s->ripe_ms = 0;
	return s->ripe_ms == 0;
}

/* What is to end, or of which charon took back the outbound half, serves as long as there is no
 * other: better than silence. */
static unsigned int
rank(struct ike_pair *s)
{
	if (s->state != PAIR_UP)
		return 0;
	if (s->out_deleted)
		return 1;
	if (s->ending || s->widow)
		return 2;
	return is_ripe(s) ? 4 : 3;
}

/* The newest of the best. */
void
peer_elect(struct ike *k, struct ike_peer *p)
{
	struct ike_pair *s, *best = NULL;
	unsigned int highest = 0;
	TAILQ_FOREACH_REVERSE(s, &p->pairs, pair_list, peer_next)
	{
		unsigned int r = rank(s);
		if (r > highest) {
			highest = r;
			best = s;
		}
	}
	/* One that serves goes on while a newer one ripens. */
	if (best)
		best->ripe_ms = 0;
	uint32_t spi = best ? best->spi : 0;
	if (spi == p->current)
		return;
	p->current = spi;
	k->ops->current(k->user, p, spi);
}

void
pair_ripen(struct ike_pair *s)
{
	if (s->state == PAIR_UP && s->ripe_ms && is_ripe(s))
		peer_elect(s->ike, s->peer);
}

static void
pair_leave(struct ike_pair *s)
{
	struct ike *k = s->ike;
	struct ike_peer *p = s->peer;
	if (!p)
		return;
	TAILQ_REMOVE(&p->pairs, s, peer_next);
	s->peer = NULL;
	if (--p->n_pairs > 0) {
		peer_elect(k, p);
		return;
	}
	if (peer_is_awaited(k, p)) {
		peer_elect(k, p);
		peer_bereave(k, p);
		return;
	}
	p->current = 0;
	peer_end(k, p);
}

void
pair_answer(struct ike_pair *s, uint64_t *ask, int error)
{
	if (*ask && s->ike->channel)
		channel_answer(s->ike->channel, *ask, error, NULL);
	*ask = 0;
}

static void
pair_free(struct ike_pair *s)
{
	pair_set_state(s, PAIR_CLOSING);
	pair_count(s);
	pair_answer(s, &s->ask_in, -ECANCELED);
	pair_answer(s, &s->ask_out, -ECANCELED);
	pair_answer(s, &s->ask_update, -ECANCELED);
	pair_leave(s);
	TAILQ_REMOVE(&s->ike->pairs, s, next);
	s->ike->n_pairs--;
	free(s);
}

void
pair_close(struct ike_pair *s)
{
	struct ike *k = s->ike;
	if (s->state == PAIR_CLOSING)
		return;
	if (s->state == PAIR_RESERVED) {
		link_sa_untake(k->link, s->spi);
		pair_free(s);
		return;
	}
	pair_set_state(s, PAIR_CLOSING);
	pair_count(s);
	pair_answer(s, &s->ask_in, -ECANCELED);
	pair_answer(s, &s->ask_out, -ECANCELED);
	pair_answer(s, &s->ask_update, -ECANCELED);
	link_sa_close(k->link, s->spi);
	pair_leave(s);
}

/* D2: IKE works and ESP does not get through.  D3: it does, and fails its check: the peer cuts
 * HMAC-SHA2-256 to another length. */
void
pair_judge(struct ike_pair *s, bool last)
{
	struct sa_counters c;
	if (s->judged || s->state != PAIR_UP)
		return;
	link_sa_counters(s->ike->link, s->spi, &c);
	s->judged = c.in_packets > 0;
	if (s->judged)
		return;
	s->judged = c.in_auth_failed >= (last ? 1 : FORGED_FEW);
	if (s->judged)
		ike_refused(s->ike, REFUSAL_ESP_AUTH_FAILED, s->peer->outer.peer_ip);
	else if (last && s->peer->n_pairs == 1)
		ike_refused(s->ike, REFUSAL_IPSEC_NO_ESP, s->peer->outer.peer_ip);
}

void
pair_widow(struct ike_pair *s)
{
	uint64_t age_ms = (ike_now_us() - s->opened_us) / 1000;
	uint64_t life_ms = (uint64_t)s->ike->cfg->sa_lifetime_s * 1000;
	s->widow = true;
	s->deadline_ms = uv_now(s->ike->loop) + (life_ms > age_ms ? life_ms - age_ms : 0);
}

void
peer_trim(struct ike_peer *p)
{
	struct ike_pair *s, *after;
	uint32_t alive = 0;
	TAILQ_FOREACH (s, &p->pairs, peer_next)
		alive += !s->ending;
	for (s = TAILQ_FIRST(&p->pairs); s && alive > PAIRS_PER_PEER; s = after) {
		after = TAILQ_NEXT(s, peer_next);
		if (s->ending || s->spi == p->current)
			continue;
		alive--;
		pair_expire(s, IKE_INBOUND, true);
	}
}

void
pair_expire(struct ike_pair *s, enum ike_direction direction, bool hard)
{
	struct ike_message m = {.type = IKE_EXPIRE, .spi = s->spi};
	struct ike *k = s->ike;
	m.expire.direction = (uint8_t)direction;
	m.expire.hard = hard;
	s->ending |= hard;
	/* Nobody else would end it; nor does a charon that knows only half of it. */
	if (hard && (s->widow || !k->channel || !channel_send(k->channel, &m))) {
		pair_close(s);
	} else if (hard) {
		s->deadline_ms = uv_now(k->loop) + ENDING_MS;
		peer_elect(k, s->peer);
	} else if (!s->widow && k->channel) {
		channel_send(k->channel, &m);
	}
}

/* ------------------------------------------------------------------ the data plane's word */

void
ike_sa_done(void *owner, enum command_type type, int error)
{
	struct ike_pair *s = owner;
	struct ike *k = s->ike;
	if (s->state == PAIR_CLOSING || s->state == PAIR_RESERVED)
		return;
	if (error)
		log_event(LOG_ERR, "ike-dataplane-refused", "spi=%08x command=%u error=\"%s\"",
			s->spi, (unsigned int)type, strerror(-error));
	if (type == COMMAND_SA_UPDATE) {
		pair_answer(s, &s->ask_update, error);
		return;
	}
	uint64_t *ask = type == COMMAND_SA_ADD ? &s->ask_in : &s->ask_out;
	pair_answer(s, ask, error);
	if (error) {
		ike_refused(k, REFUSAL_NO_RESOURCES, s->peer ? s->peer->outer.peer_ip : 0);
		if (type == COMMAND_SA_ADD)
			pair_close(s);
		return;
	}
	if (type == COMMAND_SA_ADD) {
		pair_set_state(s, PAIR_IN);
		return;
	}
	pair_set_state(s, PAIR_UP);
	struct ike_pair *other;
	uint64_t soon = uv_now(k->loop) + WIDOW_OVERLAP_MS;
	s->ripe_ms = uv_now(k->loop) + RIPE_MS;
	TAILQ_FOREACH (other, &s->peer->pairs, peer_next)
		if (other->widow && other->deadline_ms > soon)
			other->deadline_ms = soon;
	peer_elect(k, s->peer);
	heir_try(k, s->peer);
}

void
ike_sa_expire(void *owner, enum sa_expiry which)
{
	struct ike_pair *s = owner;
	if (!is_sa(s->state))
		return;
	pair_expire(s, which <= SA_EXPIRE_HARD_IN ? IKE_INBOUND : IKE_OUTBOUND,
		which == SA_EXPIRE_HARD_IN || which == SA_EXPIRE_HARD_OUT);
}

/* An authentic packet came from elsewhere.  Whoever saw it can have sent it from there (T23): the
 * peer is asked.  charon is not told before: its own check of a mapping is skipped while ESP
 * comes. */
void
ike_sa_mapping(void *owner, const struct sa_outer *from)
{
	struct ike_pair *s = owner;
	if (!s->peer || !is_sa(s->state))
		return;
	if (memcmp(from, &s->peer->outer, sizeof(*from)) == 0)
		link_sa_update(s->ike->link, s->spi, from, 0);
	else
		peer_claim(s, from);
}

void
ike_sa_gone(void *owner, const struct sa_counters *last)
{
	struct ike_pair *s = owner;
	log_event(LOG_DEBUG, "ike-sa-gone", "spi=%08x in_packets=%llu out_packets=%llu", s->spi,
		(unsigned long long)last->in_packets, (unsigned long long)last->out_packets);
	/* The data plane ended it by itself, at a hard limit: charon has it still. */
	if (s->state != PAIR_CLOSING && !s->widow && s->ike->channel) {
		struct ike_message m = {.type = IKE_EXPIRE, .spi = s->spi};
		m.expire.hard = 1;
		channel_send(s->ike->channel, &m);
	}
	pair_free(s);
}

/* ------------------------------------------------------------------ control, charon, data plane
 * restart */

void *
ike_sa_orphan(struct ike *k, const struct sa_entry *e)
{
	const struct suite *enc = suite_at(e->encryption), *integ = NULL;
	if (e->integrity)
		integ = suite_at(e->integrity);
	if (e->peer == 0 || !enc || enc->kind != SUITE_ENCRYPTION || !e->outer.peer_ip)
		return NULL;
	struct ike_pair *s = pair_new(k, PAIR_RESERVED);
	struct ike_peer *p = s ? peers_by_id(&k->peers, e->peer) : NULL;
	if (s && !p)
		p = peers_add(&k->peers, &e->outer, e->peer);
	if (!p) {
		if (s)
			pair_free(s);
		return NULL;
	}
	s->spi = e->handle;
	s->out_spi = e->out_spi;
	s->encryption = enc;
	s->integrity = integ;
	/* The data plane's clock began elsewhere, but it runs as fast. */
	uint64_t now = link_now_us(k->link);
	s->opened_us -=
		now > e->opened_us && now - e->opened_us < s->opened_us ? now - e->opened_us : 0;
	pair_join(s, p);
	pair_set_state(s, e->out_spi ? PAIR_UP : PAIR_IN);
	peer_elect(k, p);
	return s;
}

void
ike_reconcile(struct ike *k)
{
	struct ike_pair *s, *after;
	uint32_t widows = 0, closed = 0;
	for (s = TAILQ_FIRST(&k->pairs); s; s = after) {
		after = TAILQ_NEXT(s, next);
		if (s->listed || !is_sa(s->state))
			continue;
		if (s->opened_us < k->charon_started_us && s->state == PAIR_UP) {
			/* Of a charon that died: its traffic goes on for as long as it would have
			 * (T19). */
			pair_widow(s);
			widows++;
		} else {
			/* charon deleted it while control was away, or died in the middle. */
			pair_close(s);
			closed++;
		}
	}
	log_event(LOG_INFO, "ike-reconciled", "sas=%u without_charon=%u closed=%u", k->n_sas,
		widows, closed);
}

/* charon keeps what it has until the peers can be told (F11). */
void
ike_link_down(struct ike *k)
{
	struct ike_pair *s;
	while ((s = TAILQ_FIRST(&k->pairs))) {
		k->untold |= s->state != PAIR_RESERVED && !s->widow;
		pair_free(s);
	}
	while (!LIST_EMPTY(&k->bereft))
		peer_end(k, LIST_FIRST(&k->bereft));
}

void
ike_sweep_pairs(struct ike *k)
{
	struct ike_pair *s, *after;
	uint64_t now = uv_now(k->loop);
	identity_sweep(k);
	for (s = TAILQ_FIRST(&k->pairs); s; s = after) {
		after = TAILQ_NEXT(s, next);
		pair_judge(s, false);
		pair_ripen(s);
		if (s->disowned && s->peer && s->peer->users == 0) {
			pair_close(s);
			continue;
		}
		if (s->deadline_ms == 0 || now < s->deadline_ms || s->state == PAIR_CLOSING)
			continue;
		s->deadline_ms = 0;
		if (s->state == PAIR_RESERVED || s->widow || s->ending)
			pair_close(s);
		else
			pair_expire(s, IKE_INBOUND, true);
	}
}
