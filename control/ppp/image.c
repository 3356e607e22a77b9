/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ppp/image.h"

#include "control/ppp/link.h"

bool
ppp_export(const struct ppp_link *l, struct ppp_image *out)
{
	const struct ppp_grant *g = &l->grant;

	memset(out, 0, sizeof(*out));
	if (l->over || l->phase != PPP_OPEN || l->ccp.up || !l->ccp.off)
		return false;
	*out = (struct ppp_image){.local_ip = g->local_ip,
		.peer_ip = g->peer_ip,
		.dns = {g->dns[0], g->dns[1]},
		.wins = {g->wins[0], g->wins[1]},
		.magic = l->lcp.magic,
		.peer_magic = l->lcp.peer_magic,
		.rtt_ms = l->rtt_ms,
		.lcp_acked = l->lcp.fsm.acked_hash,
		.ipcp_acked = l->ipcp.fsm.acked_hash,
		.our_mru = l->lcp.mru,
		.peer_mru = l->lcp.peer_mru,
		.auth = l->lcp.auth,
		.lcp_id = l->lcp.fsm.id,
		.lcp_other_id = l->lcp.fsm.other_id,
		.ipcp_id = l->ipcp.fsm.id,
		.ipcp_other_id = l->ipcp.fsm.other_id,
		.echo_id = l->echo_id,
		.ask_acfc = l->lcp.ask_acfc,
		.ask_pfc = l->lcp.ask_pfc,
		.peer_acfc = l->lcp.peer_acfc,
		.peer_pfc = l->lcp.peer_pfc,
		.no_address = l->ipcp.no_address};
	return true;
}

static bool
is_one_method(uint8_t auth)
{
	const uint8_t all =
		PPP_AUTH_MSCHAPV2 | PPP_AUTH_CHAP_MD5 | PPP_AUTH_MSCHAPV1 | PPP_AUTH_PAP;

	return auth != 0 && (auth & (auth - 1)) == 0 && (auth & ~all) == 0;
}

static bool
is_valid(const struct ppp_image *i)
{
	return i->peer_ip != 0 && i->our_mru >= 128 && i->peer_mru >= 128 &&
	       is_one_method(i->auth) && i->ask_acfc <= 1 && i->ask_pfc <= 1 && i->peer_acfc <= 1 &&
	       i->rtt_ms <= PPP_RTT_MAX_MS && i->peer_pfc <= 1 && i->zero == 0 &&
	       i->no_address <= 1;
}

/* As fsm.c leaves an automaton that has opened. */
static void
open_fsm(struct fsm *f, uint8_t id, uint8_t other_id, uint32_t acked)
{
	f->state = FSM_OPENED;
	f->id = id;
	f->other_id = other_id;
	f->acked_hash = acked;
	f->answered = true;
	f->opened_at = f->link->now;
}

struct ppp_link *
ppp_import(const struct ppp_config *cfg, const struct ppp_ops *ops, void *user,
	const struct ppp_image *image, uint64_t now_ms)
{
	struct ppp_link *l = is_valid(image) ? ppp_new(cfg, ops, user) : NULL;

	if (l == NULL)
		return NULL;
	l->now = l->heard_at = now_ms;
	l->heard = l->peer_seen = true;
	l->phase = PPP_OPEN;
	l->grant = (struct ppp_grant){.local_ip = image->local_ip,
		.peer_ip = image->peer_ip,
		.dns = {image->dns[0], image->dns[1]},
		.wins = {image->wins[0], image->wins[1]},
		.mppe_policy = PPP_MPPE_FORBID};
	open_fsm(&l->lcp.fsm, image->lcp_id, image->lcp_other_id, image->lcp_acked);
	l->lcp.magic = image->magic;
	l->lcp.peer_magic = image->peer_magic;
	l->rtt_ms = image->rtt_ms;
	l->lcp.mru = image->our_mru;
	l->lcp.peer_mru = image->peer_mru;
	l->lcp.auth = image->auth;
	l->lcp.ask_acfc = image->ask_acfc;
	l->lcp.ask_pfc = image->ask_pfc;
	l->lcp.peer_acfc = image->peer_acfc;
	l->lcp.peer_pfc = image->peer_pfc;
	l->pap.done = image->auth == PPP_AUTH_PAP;
	l->ccp.off = true;
	open_fsm(&l->ipcp.fsm, image->ipcp_id, image->ipcp_other_id, image->ipcp_acked);
	l->ipcp.no_address = image->no_address;
	l->ipcp.up = true;
	l->echo_id = image->echo_id;
	if (l->cfg.echo_interval_ms != 0)
		l->echo_due = now_ms + 1 + ppp_random32(l) % l->cfg.echo_interval_ms;
	return l;
}
