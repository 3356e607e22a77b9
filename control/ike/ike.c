/* SPDX-License-Identifier: BSD-3-Clause */
/* IPsec's life, and what operators ask and change. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/core/log.h"
#include "control/ike/internal.h"

#define SWEEP_MS 1000
#define FATE_MS  60000 /* for IKE to find another suite before a weak SA ends */

/* ------------------------------------------------------------------ the plugin */

static int
on_hello(void *user, const struct ike_message *m)
{
	struct ike *k = user;
	struct ike_pair *s;
	/* Without the data plane's table all that charon lists would look unknown. */
	if (!k->link || !link_connected(k->link))
		return -EAGAIN;
	k->instance = m->hello.instance;
	k->charon_started_us = m->hello.started_us;
	TAILQ_FOREACH (s, &k->pairs, next)
		s->listed = false;
	peers_unbind_all(&k->peers);
	return 0;
}

static void
on_record(void *user, const struct ike_message *m)
{
	ike_request(user, m);
}

/* What was half built can't go on: its exchange has failed, for charon has had no answer.  One that
 * can be sent through stays (T19). */
static void
on_lost(void *user)
{
	struct ike *k = user;
	struct ike_pair *s, *after;
	for (s = TAILQ_FIRST(&k->pairs); s; s = after) {
		after = TAILQ_NEXT(s, next);
		s->ask_in = s->ask_out = s->ask_update = 0;
		if (s->state != PAIR_UP)
			pair_close(s);
	}
}

static const struct channel_ops channel_ops = {
	.hello = on_hello, .record = on_record, .lost = on_lost};

/* ------------------------------------------------------------------ life */

static void
part_closed(void *user)
{
	struct ike *k = user;
	if (--k->n_handles > 0 || !k->freeing)
		return;
	void (*closed)(void *u) = k->closed;
	void *u = k->user;
	free(k);
	if (closed)
		closed(u);
}

static void
timer_closed(uv_handle_t *h)
{
	part_closed(h->data);
}

/* While the data plane is away, what charon sends goes nowhere; and it would answer its peers' DPD
 * afterwards, as if all were well. */
static void
tell_peers(struct ike *k)
{
	if (!k->untold || !k->link || !link_connected(k->link))
		return;
	k->untold = false;
	log_event(LOG_NOTICE, "ipsec-ends",
		"text=\"the data plane has come back without its SAs: clients are told\"");
	charon_end_all(k->charon);
}

static void
on_sweep(uv_timer_t *t)
{
	tell_peers(t->data);
	ike_sweep_pairs(t->data);
}

static void
allow_user(struct ike *k)
{
	const struct passwd *pw = *k->cfg->charon_user ? getpwnam(k->cfg->charon_user) : NULL;
	if (!*k->cfg->charon_user)
		return;
	if (!pw)
		log_event(LOG_ERR, "config", "text=\"ipsec.charon_user: no such user\"");
	else if (!channel_allow(k->channel, pw->pw_uid) || !charon_give_directory(k->cfg))
		log_event(LOG_ERR, "config", "text=\"ipsec.charon_user: socket and directory: %s\"",
			strerror(errno));
}

struct ike *
ike_new(uv_loop_t *loop, const struct ike_config *cfg, const struct ike_ops *ops, void *user,
	char *err, size_t errlen)
{
	char path[108];
	struct ike *k = calloc(1, sizeof(*k));
	if (!k) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	k->loop = loop;
	k->cfg = cfg;
	k->ops = ops;
	k->user = user;
	k->allow_weak = cfg->allow_weak_crypto;
	peers_init(&k->peers);
	TAILQ_INIT(&k->pairs);
	snprintf(path, sizeof(path), "%s/ike.sock", cfg->directory);
	k->channel = channel_open(loop, path, &channel_ops, k, err, errlen);
	if (!k->channel) {
		free(k);
		return NULL;
	}
	k->charon = charon_new(loop, cfg, err, errlen);
	k->n_handles = k->charon ? 3 : 2;
	uv_timer_init(loop, &k->sweep);
	k->sweep.data = k;
	if (!k->charon) {
		k->freeing = true;
		channel_close(k->channel, part_closed);
		uv_close((uv_handle_t *)&k->sweep, timer_closed);
		return NULL;
	}
	allow_user(k);
	uv_timer_start(&k->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	return k;
}

void
ike_set_link(struct ike *k, struct link *l)
{
	k->link = l;
}

void
ike_free(struct ike *k, void (*closed)(void *user))
{
	struct ike_pair *s;
	struct ike_peer *p;
	k->freeing = true;
	k->closed = closed;
	while ((s = TAILQ_FIRST(&k->pairs))) {
		TAILQ_REMOVE(&k->pairs, s, next);
		if (s->state == PAIR_RESERVED && s->peer_ip)
			half_open_remove(&k->peers, s->peer_ip);
		if (s->counted_ip)
			stranger_remove(&k->peers, s->counted_ip);
		p = s->peer;
		if (p && --p->n_pairs == 0)
			peers_remove(&k->peers, p);
		free(s);
	}
	while ((p = LIST_FIRST(&k->bereft))) {
		LIST_REMOVE(p, bereft);
		peers_remove(&k->peers, p);
	}
	peers_unbind_all(&k->peers);
	channel_close(k->channel, part_closed);
	charon_free(k->charon, part_closed, k);
	uv_close((uv_handle_t *)&k->sweep, timer_closed);
}

/* ------------------------------------------------------------------ peers */

struct ike_peer *
ike_peer_of(const struct ike *k, uint32_t sa)
{
	struct ike_pair *s = pair_find(k, sa);
	/* The answer leaves through it: a client that comes again has the old one no more. */
	if (s)
		pair_ripen(s);
	return s ? s->peer : NULL;
}

struct ike_peer *
ike_peer_by_id(const struct ike *k, uint32_t id)
{
	return peers_by_id(&k->peers, id);
}

uint32_t
ike_peer_id(const struct ike_peer *p)
{
	return p->id;
}

uint32_t
ike_peer_current(const struct ike_peer *p)
{
	return p->current;
}

const struct sa_outer *
ike_peer_outer(const struct ike_peer *p)
{
	return &p->outer;
}

void
ike_peer_close(struct ike *k, struct ike_peer *p)
{
	uint32_t spis[64], n = 0;
	struct ike_pair *s;
	/* Without a pair nobody is to be told. */
	if (p->over_ms)
		p->over_ms = 1;
	/* The peer goes with its last pair: first the names. */
	TAILQ_FOREACH (s, &p->pairs, peer_next)
		if (n < sizeof(spis) / sizeof(spis[0]))
			spis[n++] = s->spi;
	for (uint32_t i = 0; i < n; i++)
		if ((s = pair_find(k, spis[i])))
			pair_expire(s, IKE_INBOUND, true);
}

/* ------------------------------------------------------------------ operators */

void
ike_sas(const struct ike *k, bool (*each)(void *user, const struct ike_sa_info *sa), void *user)
{
	const struct ike_pair *s;
	uint64_t now = ike_now_us();
	if (!k)
		return;
	TAILQ_FOREACH (s, &k->pairs, next) {
		struct sa_entry e;
		if (!s->peer || (s->state != PAIR_IN && s->state != PAIR_UP))
			continue;
		struct ike_sa_info info = {.spi = s->spi,
			.out_spi = s->out_spi,
			.peer = s->peer->id,
			.outer = s->peer->outer,
			.encryption = s->encryption->name,
			.integrity = s->integrity ? s->integrity->name : "",
			.strength = suite_class_name(suite_weaker(s->encryption, s->integrity)),
			.current = s->peer->current == s->spi,
			.weak = pair_is_weak(s),
			.orphan = s->widow,
			.age_ms = now > s->opened_us ? (now - s->opened_us) / 1000 : 0};
		if (link_sa_entry(k->link, s->spi, &e))
			info.worker = e.owner;
		link_sa_counters(k->link, s->spi, &info.counters);
		if (!each(user, &info))
			return;
	}
}

void
ike_status(const struct ike *k, struct ike_status *out)
{
	struct channel_stats cs;
	*out = (struct ike_status){0};
	if (!k)
		return;
	channel_stats(k->channel, &cs);
	*out = (struct ike_status){.enabled = true,
		.plugin_connected = cs.connected,
		.configured = charon_configured(k->charon),
		.allow_weak_crypto = k->allow_weak,
		.peers = k->peers.n,
		.sas = k->n_sas,
		.weak_sas = k->n_weak,
		.bad_records = cs.bad_records,
		.moves_refused = k->moves_refused};
	if (!out->configured)
		snprintf(out->problem, sizeof(out->problem), "%.100s; %s",
			charon_problem(k->charon), "start Adit's charon and look at its log");
	else if (!cs.connected)
		snprintf(out->problem, sizeof(out->problem),
			"charon's plugin kernel-adit is not connected; %s",
			"run ./run setup and restart charon");
}

void
ike_settings_changed(struct ike *k)
{
	charon_settings_changed(k->charon);
}

unsigned int
ike_weak_crypto(struct ike *k, bool allow, enum fate fate)
{
	struct ike_pair *s, *after;
	unsigned int n = 0;
	/* First the decision, then the proposals: an exchange between the two is refused (T16). */
	k->allow_weak = allow;
	charon_set_weak(k->charon, allow);
	if (allow || fate == FATE_KEEP)
		return 0;
	for (s = TAILQ_FIRST(&k->pairs); s; s = after) {
		after = TAILQ_NEXT(s, next);
		if (!pair_is_weak(s) || !s->peer || s->state == PAIR_RESERVED)
			continue;
		n++;
		if (fate == FATE_REKEY && !s->widow && channel_connected(k->channel)) {
			s->deadline_ms = uv_now(k->loop) + FATE_MS;
			pair_expire(s, IKE_INBOUND, false);
		} else {
			pair_expire(s, IKE_INBOUND, true);
		}
	}
	return n;
}
