/* SPDX-License-Identifier: BSD-3-Clause */
/* Who a client is: the verdict on what it says, given at once or when its time has come. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/gateway_internal.h"

/* A verdict that is given later. */
struct late {
	uint64_t due;
	struct ppp_verdict verdict;
};

static uint64_t
now_ms(const struct session *s)
{
	return uv_now(s->g->loop);
}

static void
release_address(struct session *s)
{
	index_remove_address(s);
	if (s->address_taken)
		aaa_release(s->g->aaa, s->inner_ip);
	s->address_taken = false;
	s->inner_ip = 0;
}

/* ------------------------------------------------------------------ names */

const char *
session_who(const struct session *s, char buf[SESSION_WHO_MAX])
{
	char user[96], claimed[256];
	if (!s->claimed)
		snprintf(buf, SESSION_WHO_MAX, "user=%s", log_quote(user, sizeof(user), s->user));
	else
		snprintf(buf, SESSION_WHO_MAX, "user=%s claimed=%s",
			log_quote(user, sizeof(user), s->user),
			log_quote(claimed, sizeof(claimed), s->claimed));
	return buf;
}

/* T22: what a client claims is kept beside the name of the user that it means, if there is one. */
static void
set_name(struct session *s, const char *claimed)
{
	const struct user *user = users_find(s->g->cfg->users, claimed);
	index_remove_user(s);
	s->known = false;
	snprintf(s->user, sizeof(s->user), "%s", user ? user->name : "");
	free(s->claimed);
	s->claimed = strcmp(s->user, claimed) != 0 ? strdup(claimed) : NULL;
}

static void
log_auth(const struct session *s, enum refusal_code why)
{
	char peer[16], who[SESSION_WHO_MAX];
	if (why == REFUSAL_NONE || !gateway_may_log(s->g))
		return;
	log_event(LOG_NOTICE, "authentication-failed", "session=%u %s peer=%s code=%s", s->id,
		session_who(s, who), log_ip(peer, s->peer_ip), refusal_name(why));
}

/* ------------------------------------------------------------------ verdicts */

static void
answer(struct session *s, const struct ppp_verdict *v)
{
	if (v->ok) {
		s->mppe_policy = v->grant.mppe_policy;
		s->state = GW_NETWORK;
		s->known = true;
		index_add_user(s);
	}
	ppp_auth_result(s->ppp, v, now_ms(s));
}

void
session_auth_stop(struct session *s)
{
	if (s->late)
		explicit_bzero(s->late, sizeof(*s->late));
	free(s->late);
	s->late = NULL;
}

static void
answer_later(struct session *s, const struct ppp_verdict *v)
{
	s->late = calloc(1, sizeof(*s->late));
	if (!s->late) {
		answer(s, v);
		return;
	}
	s->late->verdict = *v;
	s->late->due = now_ms(s) + v->delay_ms;
}

uint64_t
session_auth_due(const struct session *s)
{
	return s->late ? s->late->due : UINT64_MAX;
}

void
session_auth_timer(struct session *s)
{
	struct late *late = s->late;
	if (!late || now_ms(s) < late->due)
		return;
	s->late = NULL;
	answer(s, &late->verdict);
	explicit_bzero(late, sizeof(*late));
	free(late);
}

static void
decide(struct session *s, const struct ppp_credentials *cred, struct ppp_verdict *v)
{
	struct gateway *g = s->g;
	bool encrypted = s->carrier->protocol == TUNNEL_L2TP && s->l2tp.peer != 0;
	aaa_decide(g->aaa, cred, g->cfg->ppp.server_name, s->peer_ip, encrypted, now_ms(s), v);
	if (v->ok) {
		s->inner_ip = v->grant.peer_ip;
		s->address_taken = true;
		index_add_address(s);
	}
	s->auth_refusal = v->ok ? REFUSAL_NONE : v->refusal;
	log_auth(s, s->auth_refusal);
}

void
session_auth(void *user, const struct ppp_credentials *cred)
{
	struct session *s = user;
	struct ppp_verdict v = {.refusal = REFUSAL_PROTOCOL_ERROR};
	if (!s->doomed && !s->opened) {
		release_address(s); /* of an earlier round of a renegotiated link */
		set_name(s, cred->user);
		s->auth = cred->method;
		decide(s, cred, &v);
	}
	if (v.delay_ms)
		answer_later(s, &v);
	else
		answer(s, &v);
	explicit_bzero(&v, sizeof(v));
}
