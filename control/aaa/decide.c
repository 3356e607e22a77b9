/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/decide.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/aaa/addresses.h"
#include "control/aaa/local.h"
#include "crypto/mschap.h"

#define WEAK_STRENGTHS (PPP_MPPE_40 | PPP_MPPE_56)

struct aaa {
	struct users *users;
	struct pool *pool;
	struct aaa_settings settings;
	struct guard *guard;
	struct requests *requests;
	struct local local;
	const struct aaa_provider *provider;
	void *self;               /* provider's */
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
	a->requests = requests_new();
	if (!a->guard || !a->requests) {
		aaa_free(a);
		return NULL;
	}
	a->local = (struct local){users, a->guard, &a->settings, a};
	aaa_set_provider(a, NULL, NULL);
	users_each(users, reserve, pool);
	return a;
}

void
aaa_free(struct aaa *a)
{
	if (!a)
		return;
	requests_free(a->requests);
	guard_free(a->guard);
	addresses_free(&a->outside);
	free(a);
}

struct replacing {
	struct pool *pool;
	void (*each)(void *arg, const struct user *was, const struct user *is);
	void *arg;
};

static void
replace_one(void *arg, const struct user *was, const struct user *is)
{
	const struct replacing *r = arg;

	if (was && was->static_ip && (!is || is->static_ip != was->static_ip))
		pool_unreserve(r->pool, was->static_ip);
	r->each(r->arg, was, is);
}

void
aaa_replace_users(struct aaa *a, struct users *next,
	void (*each)(void *arg, const struct user *was, const struct user *is), void *arg)
{
	struct replacing r = {a->pool, each, arg};

	users_replace(a->users, next, replace_one, &r);
	users_each(a->users, reserve, a->pool);
	guard_forget_gone(a->guard);
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

void
aaa_set_provider(struct aaa *a, const struct aaa_provider *p, void *self)
{
	a->provider = p ? p : &local_provider;
	a->self = p ? self : &a->local;
}

/* --- Requests ------------------------------------------------------------------ */

bool
aaa_ask(struct aaa *a, const struct aaa_asker *asker, struct aaa_question *q, uint64_t now_ms)
{
	return requests_ask(a->requests, a->provider, a->self, asker, q, now_ms);
}

void
aaa_cancel(struct aaa *a, uint64_t *id)
{
	requests_cancel(a->requests, id);
}

uint64_t
aaa_due(const struct aaa *a, uint64_t id)
{
	return requests_due(a->requests, id);
}

void
aaa_timer(struct aaa *a, uint64_t id, uint64_t now_ms)
{
	requests_timer(a->requests, id, now_ms);
}

void
aaa_counts(const struct aaa *a, struct aaa_counts *out)
{
	requests_counts(a->requests, out);
}

/* --- What the gateway allows of a grant ------------------------------------------ */

/* Whoever limits a client relies on it: rather no session than one without the limit. */
static enum refusal_code
enforceable(struct aaa_verdict *v)
{
	const char *what = v->n_routes                       ? "routes behind the client"
			   : *v->filter_in || *v->filter_out ? "a filter"
			   : v->session_s || v->idle_s       ? "a limit of time"
			   : v->interim_s                    ? "interim accounting"
			   : v->mtu                          ? "an MTU"
							     : NULL;

	if (!what)
		return REFUSAL_NONE;
	snprintf(v->why, sizeof(v->why), "the verdict on the user brings %s", what);
	return REFUSAL_GRANT_UNSUPPORTED;
}

/* R2, T16: the weak switch is read here, and what is decided here is what CCP may negotiate. */
static enum refusal_code
limit_encryption(const struct aaa *a, const struct aaa_asked *asked, struct aaa_verdict *v)
{
	struct ppp_grant *g = &v->grant;
	uint8_t configured = g->mppe_strengths;
	bool weak = a->settings.allow_weak_crypto;
	bool required = g->mppe_policy == PPP_MPPE_REQUIRE && !asked->encrypted;

	g->mppe_strengths = g->mppe_refused_weak = 0;
	if (asked->encrypted || v->keys.len < MPPE_KEY_MAX)
		g->mppe_policy = PPP_MPPE_FORBID;
	if (g->mppe_policy == PPP_MPPE_FORBID)
		return required ? REFUSAL_ENCRYPTION_NEEDS_MSCHAP : REFUSAL_NONE;
	g->mppe_strengths = weak ? configured : configured & ~WEAK_STRENGTHS;
	g->mppe_refused_weak = weak ? 0 : WEAK_STRENGTHS;
	if (g->mppe_strengths)
		return REFUSAL_NONE;
	if (required)
		return !weak && configured & WEAK_STRENGTHS ? REFUSAL_WEAK_CRYPTO_OFF
							    : REFUSAL_NO_COMMON_ENCRYPTION;
	g->mppe_policy = PPP_MPPE_FORBID;
	return REFUSAL_NONE;
}

static enum refusal_code
limit(const struct aaa *a, const struct aaa_asked *asked, struct aaa_verdict *v)
{
	enum refusal_code why;

	if (asked->method == PPP_AUTH_MSCHAPV1) {
		/* R11: it exists behind the weak switch only; T2: both directions would have one
		 * key. */
		if (!a->settings.allow_weak_crypto)
			return REFUSAL_NO_COMMON_AUTH;
		explicit_bzero(&v->keys, sizeof(v->keys));
	}
	why = enforceable(v);
	return why != REFUSAL_NONE ? why : limit_encryption(a, asked, v);
}

static void
overrule(struct aaa_verdict *v, enum refusal_code why)
{
	struct aaa_verdict refused = {.refusal = why, .delay_ms = v->delay_ms};

	memcpy(refused.why, v->why, sizeof(refused.why));
	explicit_bzero(v, sizeof(*v));
	*v = refused;
}

void
aaa_answer(struct aaa *a, uint64_t id, const struct aaa_verdict *verdict)
{
	struct aaa_verdict v = *verdict;
	struct aaa_asked asked;
	enum refusal_code why = REFUSAL_NONE;

	if (requests_awaits(a->requests, id, &asked)) {
		if (v.outcome == AAA_ACCEPT)
			why = limit(a, &asked, &v);
		if (why != REFUSAL_NONE)
			overrule(&v, why);
		requests_answer(a->requests, id, &v);
	}
	explicit_bzero(&v, sizeof(v));
}

/* --- Addresses ------------------------------------------------------------------ */

enum refusal_code
aaa_lease(struct aaa *a, struct ppp_grant *g)
{
	int rc;

	g->local_ip = pool_server_address(a->pool);
	if (g->peer_ip == 0) {
		g->peer_ip = pool_take(a->pool);
		return g->peer_ip ? REFUSAL_NONE : REFUSAL_POOL_EMPTY;
	}
	if (g->peer_ip == g->local_ip)
		return REFUSAL_ADDRESS_IN_USE;
	rc = aaa_take(a, g->peer_ip);
	if (rc == -ENOMEM)
		return REFUSAL_NO_RESOURCES;
	return rc ? REFUSAL_ADDRESS_IN_USE : REFUSAL_NONE;
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
