/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/local.h"

#include <stdio.h>
#include <string.h>

#include "control/aaa/verify.h"

/* What the credentials of who is unknown or locked out are verified against, for its time only. */
static const char dummy_password[] = "no user has it";

static struct guard_limits
limits_of(const struct aaa_settings *s)
{
	return (struct guard_limits){s->lockout_failures, s->lockout_user_failures,
		s->lockout_address_failures, s->lockout_ms};
}

static uint8_t
inherit(int user_value, uint8_t gateway_value)
{
	return user_value >= 0 ? (uint8_t)user_value : gateway_value;
}

/* Keys of a session that can't have MPPE are not made. */
static bool
may_have_mppe(const struct local *l, const struct aaa_question *q, const struct user *user)
{
	return !q->link->encrypted &&
	       inherit(user->mppe_policy, l->settings->mppe_policy) != PPP_MPPE_FORBID;
}

/* Every path does the same cryptographic work, and what takes longer is told by nothing that the
 * client does not know. */
static enum refusal_code
identify(const struct local *l, const struct aaa_question *q, uint64_t now_ms,
	const struct user **found, struct aaa_verdict *v)
{
	const struct guard_limits limits = limits_of(l->settings);
	uint32_t peer = q->link->peer_ip;
	const struct user *user = users_find(l->users, q->cred->user);
	bool locked = guard_locked(l->guard, &limits, user, peer, now_ms);
	bool keys = user && may_have_mppe(l, q, user);
	bool right =
		aaa_verify(q->cred, user && !locked ? user->password : dummy_password, keys, v);
	bool slow = guard_slow(l->guard, &limits, peer, now_ms);

	v->delay_ms = slow ? GUARD_DELAY_MS : 0;
	if (locked)
		return REFUSAL_LOCKED_OUT;
	if (!user || !right) {
		guard_failed(l->guard, &limits, user, peer, now_ms);
		return user ? REFUSAL_WRONG_PASSWORD : REFUSAL_UNKNOWN_USER;
	}
	/* Only where the password is right, else it would tell who is known. */
	if (guard_known(l->guard, user, peer))
		v->delay_ms = 0;
	guard_passed(l->guard, user, peer);
	*found = user;
	return REFUSAL_NONE;
}

static enum refusal_code
permit(const struct local *l, const struct user *user, enum ppp_auth method)
{
	unsigned int allowed = user->auth >= 0 ? (unsigned int)user->auth : l->settings->auth;

	if (user->dialin != DIALIN_ALLOW)
		return REFUSAL_DIALIN_DENIED;
	return allowed & method ? REFUSAL_NONE : REFUSAL_NO_COMMON_AUTH;
}

static void
accept(const struct local *l, const struct user *user, struct aaa_verdict *v)
{
	const struct aaa_settings *s = l->settings;

	v->outcome = AAA_ACCEPT;
	snprintf(v->user, sizeof(v->user), "%s", user->name);
	v->grant.peer_ip = user->static_ip;
	memcpy(v->grant.dns, s->dns, sizeof(v->grant.dns));
	memcpy(v->grant.wins, s->wins, sizeof(v->grant.wins));
	v->grant.mppe_policy = inherit(user->mppe_policy, s->mppe_policy);
	v->grant.mppe_mode = inherit(user->mppe_mode, s->mppe_mode);
	v->grant.mppe_strengths = inherit(user->mppe_strengths, s->mppe_strengths);
}

/* T1: who has not proved that he knows the password hears the same, and may try again. */
static void
refuse(enum refusal_code why, enum ppp_auth method, struct aaa_verdict *v)
{
	uint32_t delay_ms = v->delay_ms;
	bool ms = method & (PPP_AUTH_MSCHAPV1 | PPP_AUTH_MSCHAPV2);
	bool again = why == REFUSAL_WRONG_PASSWORD || why == REFUSAL_UNKNOWN_USER ||
		     why == REFUSAL_LOCKED_OUT;

	explicit_bzero(v, sizeof(*v));
	v->outcome = ms && again ? AAA_CONTINUE : AAA_REFUSE;
	v->next = AAA_NEXT_PROOF;
	v->refusal = why;
	v->delay_ms = delay_ms;
}

static void
local_ask(void *self, uint64_t id, const struct aaa_question *q, uint64_t now_ms)
{
	const struct local *l = self;
	const struct user *user = NULL;
	struct aaa_verdict v = {.outcome = AAA_REFUSE};
	enum refusal_code why = REFUSAL_NO_COMMON_AUTH;

	if (q->said == AAA_SAID_PROOF)
		why = identify(l, q, now_ms, &user, &v);
	if (why == REFUSAL_NONE)
		why = permit(l, user, q->cred->method);
	if (why == REFUSAL_NONE)
		accept(l, user, &v);
	else
		refuse(why, q->cred->method, &v);
	aaa_answer(l->aaa, id, &v);
	explicit_bzero(&v, sizeof(v));
}

/* Between two rounds it remembers nothing. */
static void
local_cancel(void *self, uint64_t id)
{
	(void)self;
	(void)id;
}

const struct aaa_provider local_provider = {local_ask, local_cancel};
