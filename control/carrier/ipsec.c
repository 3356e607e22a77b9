/* SPDX-License-Identifier: BSD-3-Clause */
/* What IPsec says, and what operators ask of it. */
#include <string.h>

#include "control/gateway_internal.h"

static void
on_current(void *user, struct ike_peer *peer, uint32_t sa)
{
	char ip[16];
	const struct sa_outer *o = ike_peer_outer(peer);
	log_event(LOG_INFO, "ipsec-current", "peer=%u address=%s port=%u spi=%08x",
		ike_peer_id(peer), log_ip(ip, o->peer_ip), o->peer_port, sa);
	gateway_sa_current(user, ike_peer_id(peer), sa);
}

static void
on_peer_gone(void *user, struct ike_peer *peer)
{
	char ip[16];
	const struct sa_outer *o = ike_peer_outer(peer);
	log_event(LOG_INFO, "ipsec-peer-gone", "peer=%u address=%s port=%u", ike_peer_id(peer),
		log_ip(ip, o->peer_ip), o->peer_port);
	gateway_sa_peer_gone(user, ike_peer_id(peer));
}

static bool
on_probe(void *user, struct ike_peer *peer, uint32_t sa, const struct sa_outer *to)
{
	return gateway_probe(user, ike_peer_id(peer), sa, to);
}

static void
on_refused(void *user, enum refusal_code code, uint32_t peer_ip)
{
	struct gateway *g = user;
	char ip[16];
	gateway_refusal(g, code);
	if (gateway_may_log(g, code, peer_ip))
		log_event(LOG_NOTICE, "ipsec-refused",
			"code=%s address=%s text=\"%s\" remedy=\"%s\"", refusal_name(code),
			log_ip(ip, peer_ip), refusal_text(code), refusal_remedy(code));
}

const struct ike_ops gateway_ike_ops = {
	.current = on_current, .peer_gone = on_peer_gone, .probe = on_probe, .refused = on_refused};

static uint32_t
peer_of(void *user, uint32_t sa)
{
	const struct gateway *g = user;
	const struct ike_peer *p = g->ike ? ike_peer_of(g->ike, sa) : NULL;
	return p ? ike_peer_id(p) : 0;
}

static uint32_t
current(void *user, uint32_t peer)
{
	const struct gateway *g = user;
	const struct ike_peer *p = g->ike ? ike_peer_by_id(g->ike, peer) : NULL;
	return p ? ike_peer_current(p) : 0;
}

static void
close_peer(void *user, uint32_t peer)
{
	struct gateway *g = user;
	struct ike_peer *p = g->ike ? ike_peer_by_id(g->ike, peer) : NULL;
	if (p)
		ike_peer_close(g->ike, p);
}

static void
answered(void *user, uint32_t peer, uint32_t sa, const struct sa_outer *from)
{
	struct gateway *g = user;
	if (g->ike)
		ike_answered(g->ike, peer, sa, from);
}

static void
users(void *user, uint32_t peer, int change)
{
	struct gateway *g = user;
	struct ike_peer *p = g->ike ? ike_peer_by_id(g->ike, peer) : NULL;
	if (p)
		ike_peer_users(g->ike, p, change);
}

const struct gateway_ipsec gateway_ike_answers = {.peer_of = peer_of,
	.current = current,
	.close = close_peer,
	.answered = answered,
	.users = users};

void
gateway_ike_status(const struct gateway *g, struct ike_status *out)
{
	memset(out, 0, sizeof(*out));
	if (g->ike)
		ike_status(g->ike, out);
}

void
gateway_sas(
	const struct gateway *g, bool (*each)(void *user, const struct ike_sa_info *sa), void *user)
{
	if (g->ike)
		ike_sas(g->ike, each, user);
}

unsigned int
gateway_weak_crypto_l2tp(struct gateway *g, bool allow, enum ike_fate fate, const char *who)
{
	static const char *const fates[] = {"keep", "rekey", "drop"};
	char name[96];
	struct ike_status s;
	unsigned int n = 0;
	gateway_ike_status(g, &s);
	if (g->ike)
		n = ike_weak_crypto(g->ike, allow, fate);
	log_audit(allow ? LOG_WARNING : LOG_NOTICE,
		"action=weak-crypto-l2tp allow=%s fate=%s who=%s weak_sas=%u acted_on=%u",
		allow ? "yes" : "no", fates[fate], log_quote(name, sizeof(name), who ? who : ""),
		s.weak_sas, n);
	return n;
}
