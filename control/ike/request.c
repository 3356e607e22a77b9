/* SPDX-License-Identifier: BSD-3-Clause */
/* What charon's plugin asks: each request is answered once, at once or when the data plane has
 * spoken. */
#include <errno.h>
#include <string.h>

#include "control/core/log.h"
#include "control/ike/internal.h"

#define RESERVED_MS  60000 /* an SPI that no SA came for */
#define RETURNED_MS  3000  /* one that was given back */
#define SHARE        8
#define RESERVE      16
#define REPLAY_MIN   64
#define REPLAY_MAX   4096
/* T14: without 64-bit numbers a successor is due long before the last one. */
#define SOFT_PACKETS 0xf0000000u
#define HARD_PACKETS 0xfffffff0u

static void
answer(struct ike *k, const struct ike_message *m, int error)
{
	channel_answer(k->channel, m->id, error, NULL);
}

static struct sa_outer
outer_from(const struct ike_outer *o)
{
	return (struct sa_outer){o->server_ip, o->peer_ip, o->server_port, o->peer_port};
}

/* ------------------------------------------------------------------ an SPI */

/* Of a client whose user has proven himself. */
static bool
is_known(const struct ike *k, const struct ike_message *m)
{
	const struct ike_peer *p = peers_by_ike(&k->peers, m->ike_sa);
	return p && p->users > 0;
}

/*
 * T13: strangers of one address may have an eighth of what is free, so however many come, there is
 * room for the next one; and the last sixteenth of all is for those who are known, who have to
 * re-key.
 */
static bool
has_share(const struct ike *k, const struct ike_message *m)
{
	const struct ike_peer *p = peers_by_ike(&k->peers, m->ike_sa);
	uint32_t max = link_max_sas(k->link), used = k->n_pairs;
	uint32_t free = max > used ? max - used : 0;
	if (p && p->n_pairs >= 2 * PAIRS_PER_PEER)
		return false;
	if (p && p->users > 0)
		return true;
	return free > max / RESERVE &&
	       strangers_of_address(&k->peers, m->get_spi.peer_ip) < (free + SHARE - 1) / SHARE;
}

static int
reserve(struct ike *k, const struct ike_message *m, uint32_t *spi)
{
	uint32_t ip = m->get_spi.peer_ip;
	if (!link_connected(k->link)) {
		ike_refused(k, REFUSAL_DATAPLANE_DOWN, ip);
		return -ENOTCONN;
	}
	if (half_open_of_address(&k->peers, ip) >= k->cfg->max_half_open_per_address) {
		ike_refused(k, REFUSAL_IPSEC_ADDRESS_LIMIT, ip);
		return -EDQUOT;
	}
	if (!has_share(k, m)) {
		ike_refused(k, REFUSAL_IPSEC_SHARE, ip);
		return -EDQUOT;
	}
	struct ike_pair *s = pair_new(k, PAIR_RESERVED);
	if (!s)
		return -ENOMEM;
	s->ike_sa = m->ike_sa;
	s->spi = link_sa_take(k->link, s);
	s->deadline_ms = uv_now(k->loop) + RESERVED_MS;
	if (s->spi == 0 || !half_open_add(&k->peers, ip)) {
		ike_refused(k, s->spi ? REFUSAL_NO_RESOURCES : REFUSAL_IPSEC_FULL, ip);
		pair_close(s);
		return -ENOSPC;
	}
	s->peer_ip = ip;
	link_sa_reserve(k->link, s->spi, ip);
	if (!is_known(k, m) && stranger_add(&k->peers, ip))
		s->counted_ip = ip;
	*spi = s->spi;
	return 0;
}

static void
get_spi(struct ike *k, const struct ike_message *m)
{
	struct ike_message body = {0};
	int error = reserve(k, m, &body.answer.spi);
	channel_answer(k->channel, m->id, error, &body);
}

/* ------------------------------------------------------------------ SAs */

/*
 * The one place where the algorithms of an SA are decided (T16).  IKE's proposals leave out what is
 * off, but an exchange may have begun before the switch.  0 or a negative errno.
 */
static int
decide_suites(struct ike *k, const struct ike_keys *keys, uint32_t peer_ip,
	const struct suite **enc, const struct suite **integ)
{
	unsigned int bits = keys->encryption_len * 8u;
	*integ = NULL;
	*enc = suite_by_ikev2(SUITE_ENCRYPTION, keys->encryption, bits);
	/* An AEAD's key has its salt behind it. */
	if (!*enc && keys->encryption_len > 4)
		*enc = suite_by_ikev2(SUITE_ENCRYPTION, keys->encryption, bits - 32);
	if (keys->integrity)
		*integ = suite_by_ikev2(SUITE_INTEGRITY, keys->integrity, 0);
	if (!*enc || (keys->integrity && !*integ) || !suite_pair_is_valid(*enc, *integ) ||
		keys->encryption_len != (*enc)->key_len ||
		(*integ && keys->integrity_len != (*integ)->key_len)) {
		log_event(LOG_ERR, "ike-suite",
			"encryption=%u/%u integrity=%u/%u text=\"not of the "
			"suite table\"",
			keys->encryption, keys->encryption_len, keys->integrity,
			keys->integrity_len);
		return -EOPNOTSUPP;
	}
	if (suite_weaker(*enc, *integ) == SUITE_WEAK && !k->allow_weak) {
		ike_refused(k, REFUSAL_IPSEC_WEAK_CRYPTO_OFF, peer_ip);
		return -EACCES;
	}
	return 0;
}

static struct sa_keys
keys_from(const struct ike_keys *k, const struct suite *enc, const struct suite *integ)
{
	struct sa_keys out = {.encryption = (uint8_t)(enc - suite_at(0)),
		.integrity = integ ? (uint8_t)(integ - suite_at(0)) : 0,
		.encryption_len = k->encryption_len,
		.integrity_len = k->integrity_len};
	static_assert(sizeof(out.encryption_key) <= IKE_KEY_MAX, "keys fit");
	memcpy(out.encryption_key, k->encryption_key, sizeof(out.encryption_key));
	memcpy(out.integrity_key, k->integrity_key, sizeof(out.integrity_key));
	return out;
}

/* The lesser of two limits of which 0 is none. */
static uint64_t
lesser(uint64_t a, uint64_t b)
{
	return a == 0 ? b : b == 0 ? a : a < b ? a : b;
}

/* T15: a 64-bit block cipher has its own limit of octets; T14: so have sequence numbers. */
static struct sa_lifetime
lifetime_from(const struct ike_message *m, const struct suite *enc)
{
	struct sa_lifetime l = {
		m->add.soft_bytes, m->add.hard_bytes, m->add.soft_packets, m->add.hard_packets};
	if (enc->max_bytes) {
		l.hard_bytes = lesser(l.hard_bytes, enc->max_bytes);
		l.soft_bytes = lesser(l.soft_bytes, enc->max_bytes / 4 * 3);
	}
	if (!m->add.esn) {
		l.hard_packets = lesser(l.hard_packets, HARD_PACKETS);
		l.soft_packets = lesser(l.soft_packets, SOFT_PACKETS);
	}
	return l;
}

/* The peer of a new pair: whose IKE SA asks for it, and nobody else, wherever it is (D1). */
static int
peer_for(struct ike *k, const struct ike_message *m, const struct sa_outer *outer,
	struct ike_peer **peer)
{
	*peer = peers_by_ike(&k->peers, m->ike_sa);
	if (*peer)
		return 0;
	if (peers_of_address(&k->peers, outer->peer_ip) >= k->cfg->max_peers_per_address) {
		ike_refused(k, REFUSAL_IPSEC_ADDRESS_LIMIT, outer->peer_ip);
		return -EDQUOT;
	}
	*peer = peers_add(&k->peers, outer, 0);
	if (!*peer)
		return -ENOMEM;
	heir_begin(k, *peer, m->ike_sa);
	if (!peers_bind(&k->peers, *peer, m->ike_sa)) {
		peers_remove(&k->peers, *peer);
		return -ENOMEM;
	}
	return 0;
}

static int
add_in(struct ike *k, const struct ike_message *m, struct ike_pair *s)
{
	struct sa_outer outer = outer_from(&m->add.outer);
	const struct suite *enc, *integ;
	struct ike_peer *peer;
	if (s->state != PAIR_RESERVED)
		return -EEXIST;
	if (!m->add.transport)
		return -EOPNOTSUPP;
	if (s->ike_sa != m->ike_sa)
		return -EPERM;
	int error = decide_suites(k, &m->add.keys, outer.peer_ip, &enc, &integ);
	if (!error)
		error = peer_for(k, m, &outer, &peer);
	if (error)
		return error;
	uint32_t window = m->add.replay_window > k->cfg->replay_window ? m->add.replay_window
								       : k->cfg->replay_window;
	struct command_sa_add add = {.outer = outer,
		.peer = peer->id,
		.replay_window = (uint16_t)(window < REPLAY_MIN   ? REPLAY_MIN
					    : window > REPLAY_MAX ? REPLAY_MAX
								  : window),
		.esn = m->add.esn,
		.keys = keys_from(&m->add.keys, enc, integ),
		.lifetime = lifetime_from(m, enc)};
	s->encryption = enc;
	s->integrity = integ;
	s->listed = true;
	s->deadline_ms = 0;
	pair_join(s, peer);
	pair_set_state(s, PAIR_ADDING);
	error = link_sa_add(k->link, s->spi, &add);
	explicit_bzero(&add, sizeof(add));
	if (error) {
		pair_close(s);
		return error;
	}
	s->ask_in = m->id;
	peer_trim(peer);
	return 0;
}

static int
add_out(struct ike *k, const struct ike_message *m, struct ike_pair *s)
{
	const struct suite *enc, *integ;
	if (s->state != PAIR_IN || s->out_spi)
		return s->state == PAIR_UP || s->out_spi ? -EEXIST : -ENOENT;
	if (s->ike_sa != m->ike_sa)
		return -EPERM;
	int error = decide_suites(k, &m->add.keys, s->peer->outer.peer_ip, &enc, &integ);
	if (error)
		return error;
	if (enc != s->encryption || integ != s->integrity)
		return -EINVAL;
	struct command_sa_out out = {.spi = m->add.out_spi,
		.esn = m->add.esn,
		.keys = keys_from(&m->add.keys, enc, integ),
		.lifetime = lifetime_from(m, enc)};
	error = link_sa_out(k->link, s->spi, &out);
	explicit_bzero(&out, sizeof(out));
	if (error)
		return error;
	s->out_spi = m->add.out_spi;
	s->ask_out = m->id;
	return 0;
}

/* charon has moved its IKE SA: because we said so, or because a message of IKE came from there,
 * which anybody may have sent on.  Then the peer is asked first. */
static int
update(struct ike *k, const struct ike_message *m, struct ike_pair *s)
{
	struct sa_outer outer = outer_from(&m->update);
	struct sa_entry now;
	if (!s->peer)
		return -ENOENT;
	if (outer.server_ip != s->peer->outer.server_ip ||
		outer.server_port != s->peer->outer.server_port)
		return -EINVAL;
	if (memcmp(&outer, &s->peer->outer, sizeof(outer)) != 0) {
		peer_claim(s, &outer);
		answer(k, m, 0);
		return 0;
	}
	/* The second half of a pair comes with what the first has said. */
	if (link_sa_entry(k->link, s->spi, &now) &&
		memcmp(&outer, &now.outer, sizeof(outer)) == 0) {
		answer(k, m, 0);
		return 0;
	}
	int error = link_sa_update(k->link, s->spi, &outer, 0);
	if (error)
		return error;
	pair_answer(s, &s->ask_update, 0);
	s->ask_update = m->id;
	return 0;
}

/* ------------------------------------------------------------------ usage, deletion */

static void
query(struct ike *k, const struct ike_message *m, const struct ike_pair *s)
{
	struct ike_message body = {0};
	struct sa_counters c;
	uint64_t now = link_now_us(k->link);
	link_sa_counters(k->link, s->spi, &c);
	body.answer.idle_ms = UINT64_MAX;
	if (m->query.direction == IKE_INBOUND) {
		body.answer.bytes = c.in_bytes;
		body.answer.packets = c.in_packets;
		if (c.in_packets)
			body.answer.idle_ms =
				now > c.in_last_seen_us ? (now - c.in_last_seen_us) / 1000 : 0;
	} else {
		body.answer.bytes = c.out_bytes;
		body.answer.packets = c.out_packets;
	}
	channel_answer(k->channel, m->id, 0, &body);
}

/* IKE SAs may take over what another one had by its identity alone, and delete it then: it stays
 * with its peer, who can't be told, until that one has no user or its time is over (D1). */
static bool
may_delete(const struct ike *k, const struct ike_message *m, const struct ike_pair *s)
{
	return !m->ike_sa || m->ike_sa == s->ike_sa || !s->peer || s->ending ||
	       peers_by_ike(&k->peers, m->ike_sa) == s->peer;
}

static void
delete_in(struct ike *k, const struct ike_message *m, struct ike_pair *s)
{
	/* charon gives an SPI back and uses it all the same when its IKE SA takes CHILD_SAs over in
	 * the middle of the exchange. */
	if (s->state == PAIR_RESERVED) {
		pair_unreserve(s);
		s->deadline_ms = uv_now(k->loop) + RETURNED_MS;
		return;
	}
	if (may_delete(k, m, s)) {
		pair_judge(s, true);
		pair_close(s);
		return;
	}
	log_event(LOG_NOTICE, "ipsec-delete-unproven", "peer=%u spi=%08x", s->peer->id, s->spi);
	s->disowned = true;
	pair_widow(s);
}

static void
delete_out(struct ike *k, const struct ike_message *m, struct ike_pair *s)
{
	if (!may_delete(k, m, s))
		return;
	s->out_deleted = true;
	if (s->peer)
		peer_elect(k, s->peer);
}

/* ------------------------------------------------------------------ dispatch */

/* The plugin lists what charon has. */
static void
listed(struct ike *k, const struct ike_message *m)
{
	struct ike_pair *s = pair_find(k, m->spi);
	struct sa_outer outer = outer_from(&m->update);
	struct ike_message say = {.type = IKE_EXPIRE, .spi = m->spi};
	if (!s || s->state == PAIR_RESERVED) {
		/* The data plane does not have it: nor should charon. */
		k->unknown_pairs++;
		say.expire.hard = 1;
		channel_send(k->channel, &say);
		return;
	}
	s->listed = true;
	s->widow = false;
	s->deadline_ms = 0;
	s->ike_sa = m->ike_sa;
	if (s->peer)
		peers_bind(&k->peers, s->peer, m->ike_sa);
	if (s->peer && memcmp(&outer, &s->peer->outer, sizeof(outer)) != 0) {
		const struct sa_outer *o = &s->peer->outer;
		say.type = IKE_MAPPING;
		say.mapping =
			(struct ike_outer){o->server_ip, o->peer_ip, o->server_port, o->peer_port};
		channel_send(k->channel, &say);
	}
}

static void
migrate(struct ike *k, const struct ike_message *m)
{
	struct ike_peer *p = peers_by_ike(&k->peers, m->migrate.from);
	uint32_t heir_of = p ? p->id : peers_heir_of(&k->peers, m->migrate.from);
	if (p && m->migrate.proven)
		peers_bind(&k->peers, p, m->ike_sa);
	else if (heir_of)
		peers_claim(&k->peers, m->ike_sa, heir_of);
}

static const enum refusal_code alert_codes[IKE_ALERT_COUNT] = {
	[IKE_ALERT_NO_IKE_PROPOSAL] = REFUSAL_IKE_NO_PROPOSAL,
	[IKE_ALERT_NO_ESP_PROPOSAL] = REFUSAL_ESP_NO_PROPOSAL,
	[IKE_ALERT_SELECTORS] = REFUSAL_IPSEC_SELECTORS,
	[IKE_ALERT_AUTH] = REFUSAL_IKE_AUTH_FAILED,
	[IKE_ALERT_PSK] = REFUSAL_IKE_PSK_MISMATCH,
	[IKE_ALERT_MALFORMED] = REFUSAL_IKE_MALFORMED,
	[IKE_ALERT_HALF_OPEN] = REFUSAL_IKE_HALF_OPEN,
	[IKE_ALERT_UNANSWERED] = REFUSAL_IKE_PEER_DEAD,
	[IKE_ALERT_INSTALL] = REFUSAL_IPSEC_INSTALL,
	[IKE_ALERT_AGGRESSIVE] = REFUSAL_IKE_AGGRESSIVE,
	[IKE_ALERT_NO_CERTIFICATE] = REFUSAL_IKE_NO_CERTIFICATE,
	[IKE_ALERT_REVOKED] = REFUSAL_IKE_REVOKED,
};

static void
of_pair(struct ike *k, const struct ike_message *m)
{
	struct ike_pair *s = pair_find(k, m->spi);
	int error = 0;
	if (!s) {
		k->unknown_pairs++;
		answer(k, m, -ENOENT);
		return;
	}
	switch (m->type) {
	case IKE_ADD_IN:
		error = add_in(k, m, s);
		break;
	case IKE_ADD_OUT:
		error = add_out(k, m, s);
		break;
	case IKE_UPDATE:
		error = update(k, m, s);
		break;
	case IKE_QUERY:
		query(k, m, s);
		break;
	case IKE_DELETE_OUT:
		delete_out(k, m, s);
		answer(k, m, 0);
		break;
	default: /* IKE_DELETE_IN */
		delete_in(k, m, s);
		answer(k, m, 0);
		break;
	}
	if (error)
		answer(k, m, error);
}

void
ike_request(struct ike *k, const struct ike_message *m)
{
	switch (m->type) {
	case IKE_GET_SPI:
		get_spi(k, m);
		break;
	case IKE_LIST:
		listed(k, m);
		break;
	case IKE_LIST_END:
		ike_reconcile(k);
		answer(k, m, 0);
		break;
	case IKE_MIGRATE:
		migrate(k, m);
		break;
	case IKE_DOWN:
		peers_unclaim(&k->peers, m->ike_sa);
		break;
	case IKE_ALERT:
		ike_refused(k, alert_codes[m->alert.code], m->alert.peer_ip);
		break;
	default:
		of_pair(k, m);
		break;
	}
}
