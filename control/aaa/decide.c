/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/decide.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/aaa/addresses.h"
#include "control/aaa/verify.h"
#include "crypto/mschap.h"

#define WEAK_STRENGTHS (PPP_MPPE_40 | PPP_MPPE_56)

/* What an unknown user's credentials are verified against, for its time only. */
static const char dummy_password[] = "no user has it";

struct aaa {
	struct users *users;
	struct pool *pool;
	struct aaa_settings settings;
	struct guard *guard;
	struct addresses outside; /* static addresses in use that are not the pool's */
};

/* What is promised to one user is not given to another. */
static void
reserve(void *arg, const struct user *user)
{
	if (user->static_ip)
		pool_reserve(arg, user->static_ip); /* not the pool's: nothing to keep */
}

struct aaa *
aaa_new(struct users *users, struct pool *pool)
{
	struct aaa *a;
	char err[128];

	if (mschap_init(err, sizeof(err))) {
		errno = ENOTSUP;
		return NULL;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->users = users;
	a->pool = pool;
	a->guard = guard_new(users);
	if (!a->guard) {
		free(a);
		return NULL;
	}
	users_each(users, reserve, pool);
	return a;
}

void
aaa_free(struct aaa *a)
{
	if (!a)
		return;
	guard_free(a->guard);
	addresses_free(&a->outside);
	free(a);
}

struct aaa_settings *
aaa_settings(struct aaa *a)
{
	return &a->settings;
}

struct guard *
aaa_guard(struct aaa *a)
{
	return a->guard;
}

/* --- Who it is ----------------------------------------------------------------- */

static struct guard_limits
limits_of(const struct aaa_settings *s)
{
	return (struct guard_limits){s->lockout_failures, s->lockout_user_failures,
		s->lockout_address_failures, s->lockout_ms};
}

/* Every path does the same cryptographic work, and what takes longer is told by nothing that the
 * client does not know. */
static enum refusal_code
identify(struct aaa *a, const struct ppp_credentials *cred, uint32_t peer_addr, uint64_t now_ms,
	const struct user **found, struct ppp_verdict *verdict)
{
	const struct guard_limits limits = limits_of(&a->settings);
	const struct user *user = users_find(a->users, cred->user);
	bool right = aaa_verify(cred, user ? user->password : dummy_password, verdict);
	bool slow = guard_slow(a->guard, &limits, peer_addr, now_ms);

	verdict->delay_ms = slow ? GUARD_DELAY_MS : 0;
	if (guard_locked(a->guard, &limits, user, peer_addr, now_ms))
		return REFUSAL_LOCKED_OUT;
	if (!user || !right) {
		guard_failed(a->guard, &limits, user, peer_addr, now_ms);
		return user ? REFUSAL_WRONG_PASSWORD : REFUSAL_UNKNOWN_USER;
	}
	/* Only where the password is right, else it would tell who is known. */
	if (guard_known(a->guard, user, peer_addr))
		verdict->delay_ms = 0;
	guard_passed(a->guard, user, peer_addr);
	*found = user;
	return REFUSAL_NONE;
}

/* --- What it may --------------------------------------------------------------- */

static enum refusal_code
method_allowed(const struct aaa *a, const struct user *user, enum ppp_auth method)
{
	unsigned int allowed = user->auth >= 0 ? (unsigned int)user->auth : a->settings.auth;

	/* R11: MS-CHAPv1 exists behind the weak switch only. */
	if (!a->settings.allow_weak_crypto)
		allowed &= ~(unsigned int)PPP_AUTH_MSCHAPV1;
	return allowed & method ? REFUSAL_NONE : REFUSAL_NO_COMMON_AUTH;
}

static uint8_t
inherit(int user_value, uint8_t gateway_value)
{
	return user_value >= 0 ? (uint8_t)user_value : gateway_value;
}

/* R2, T16: the weak switch is read here, and what is decided here is what CCP may negotiate. */
static enum refusal_code
grant_encryption(
	const struct aaa *a, const struct user *user, bool encrypted, struct ppp_verdict *verdict)
{
	struct ppp_grant *g = &verdict->grant;
	uint8_t configured = inherit(user->mppe_strengths, a->settings.mppe_strengths);
	bool weak = a->settings.allow_weak_crypto;

	g->mppe_policy =
		encrypted ? PPP_MPPE_FORBID : inherit(user->mppe_policy, a->settings.mppe_policy);
	g->mppe_mode = inherit(user->mppe_mode, a->settings.mppe_mode);
	if (g->mppe_policy == PPP_MPPE_FORBID)
		return REFUSAL_NONE;
	if (!verdict->have_keys) {
		if (g->mppe_policy == PPP_MPPE_REQUIRE)
			return REFUSAL_ENCRYPTION_NEEDS_MSCHAP;
		g->mppe_policy = PPP_MPPE_FORBID;
		return REFUSAL_NONE;
	}
	g->mppe_strengths = weak ? configured : configured & ~WEAK_STRENGTHS;
	g->mppe_refused_weak = weak ? 0 : WEAK_STRENGTHS;
	if (g->mppe_strengths)
		return REFUSAL_NONE;
	if (g->mppe_policy == PPP_MPPE_REQUIRE)
		return !weak && configured & WEAK_STRENGTHS ? REFUSAL_WEAK_CRYPTO_OFF
							    : REFUSAL_NO_COMMON_ENCRYPTION;
	g->mppe_policy = PPP_MPPE_FORBID;
	return REFUSAL_NONE;
}

static enum refusal_code
grant_address(struct aaa *a, const struct user *user, struct ppp_grant *g)
{
	int rc;

	g->local_ip = pool_server_address(a->pool);
	if (user->static_ip == 0) {
		g->peer_ip = pool_take(a->pool);
		return g->peer_ip ? REFUSAL_NONE : REFUSAL_POOL_EMPTY;
	}
	if (user->static_ip == g->local_ip)
		return REFUSAL_ADDRESS_IN_USE;
	rc = aaa_take(a, user->static_ip);
	if (rc == -ENOMEM)
		return REFUSAL_NO_RESOURCES;
	if (rc)
		return REFUSAL_ADDRESS_IN_USE;
	g->peer_ip = user->static_ip;
	return REFUSAL_NONE;
}

static enum refusal_code
authorize(struct aaa *a, const struct user *user, enum ppp_auth method, bool encrypted,
	struct ppp_verdict *verdict)
{
	enum refusal_code why;

	if (user->dialin != DIALIN_ALLOW)
		return REFUSAL_DIALIN_DENIED;
	why = method_allowed(a, user, method);
	if (why == REFUSAL_NONE)
		why = grant_encryption(a, user, encrypted, verdict);
	if (why == REFUSAL_NONE)
		why = grant_address(a, user, &verdict->grant);
	return why;
}

void
aaa_decide(struct aaa *a, const struct ppp_credentials *cred, const char *server_name,
	uint32_t peer_addr, bool encrypted, uint64_t now_ms, struct ppp_verdict *verdict)
{
	const struct user *user = NULL;
	enum refusal_code why;

	(void)server_name; /* no local method hashes it; RADIUS will carry it as NAS-Identifier */
	memset(verdict, 0, sizeof(*verdict));
	why = identify(a, cred, peer_addr, now_ms, &user, verdict);
	if (why == REFUSAL_NONE)
		why = authorize(a, user, cred->method, encrypted, verdict);
	if (why != REFUSAL_NONE) {
		uint32_t delay_ms = verdict->delay_ms;

		explicit_bzero(verdict, sizeof(*verdict));
		verdict->refusal = why;
		verdict->delay_ms = delay_ms;
		return;
	}
	snprintf(verdict->user, sizeof(verdict->user), "%s", user->name);
	memcpy(verdict->grant.dns, a->settings.dns, sizeof(verdict->grant.dns));
	memcpy(verdict->grant.wins, a->settings.wins, sizeof(verdict->grant.wins));
	verdict->ok = true;
}

int
aaa_take(struct aaa *a, uint32_t peer_ip)
{
	int rc = pool_take_address(a->pool, peer_ip);
	if (rc == -ERANGE)
		rc = addresses_add(&a->outside, peer_ip);
	return rc == -EEXIST ? -EBUSY : rc;
}

const char *
aaa_reserved_for(const struct aaa *a, uint32_t peer_ip)
{
	const struct user *owner = users_find_address(a->users, peer_ip);

	return owner ? owner->name : NULL;
}

void
aaa_release(struct aaa *a, uint32_t peer_ip)
{
	pool_release(a->pool, peer_ip);
	addresses_remove(&a->outside, peer_ip);
}
