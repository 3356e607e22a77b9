/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one point of decision (T16): what a client says goes to who decides, the local users or
 * another provider, and whatever they grant is lowered here to what the gateway allows.  A decision
 * is a request (docs/adr/0013): aaa_ask(), told once a round, aaa_cancel(); request.h has the rule.
 * No clock but the time handed in, no log.  Calling context: adit-control's loop.
 */
#ifndef ADIT_CONTROL_AAA_DECIDE_H
#define ADIT_CONTROL_AAA_DECIDE_H

#include "control/aaa/guard.h"
#include "control/aaa/pool.h"
#include "control/aaa/request.h"
#include "control/aaa/users.h"

/* Gateway-wide policy.  The weak switch is read at every decision. */
struct aaa_settings {
	unsigned int auth;      /* mask of enum ppp_auth */
	uint8_t mppe_policy;    /* enum ppp_mppe_policy */
	uint8_t mppe_mode;      /* enum ppp_mppe_mode */
	uint8_t mppe_strengths; /* configured mask; 40 and 56 count only while allow_weak_crypto */
	bool allow_weak_crypto; /* RRAS: AllowPPTPWeakCrypto (R2) */
	uint32_t dns[2], wins[2]; /* host byte order */
	/* T1: failed attempts, 0 = never, see control/aaa/guard.h. */
	unsigned int lockout_failures;         /* of a user at an address */
	unsigned int lockout_user_failures;    /* of a user */
	unsigned int lockout_address_failures; /* of an address */
	uint32_t lockout_ms;
};

struct aaa;

/* users and pool are borrowed; the users' static addresses are reserved in the pool.  NULL with
 * errno ENOMEM, or ENOTSUP when OpenSSL lacks what authentication needs: call mschap_init() before
 * to be told what. */
struct aaa *aaa_new(struct users *users, struct pool *pool);
void aaa_free(struct aaa *a);
struct aaa_settings *aaa_settings(struct aaa *a);
/* users_replace() of its users, with the addresses that are reserved for them.  What was remembered
 * of those who are gone is forgotten. */
void aaa_replace_users(struct aaa *a, struct users *next,
	void (*each)(void *arg, const struct user *was, const struct user *is), void *arg);
struct guard *aaa_guard(struct aaa *a);

/* Who is asked from now on; NULL: the local users.  Borrowed, with self, until nothing asked there
 * is open any more.  What is open stays with whom it was asked. */
void aaa_set_provider(struct aaa *a, const struct aaa_provider *p, void *self);

/* request.h; false: out of memory, and asker is not told. */
bool aaa_ask(struct aaa *a, const struct aaa_asker *asker, struct aaa_question *q, uint64_t now_ms);
void aaa_cancel(struct aaa *a, uint64_t *id);
uint64_t aaa_due(const struct aaa *a, uint64_t id);
void aaa_timer(struct aaa *a, uint64_t id, uint64_t now_ms);
void aaa_counts(const struct aaa *a, struct aaa_counts *out);

/*
 * For providers: the answer.  Ignored and counted when none is awaited under this id.  What is
 * accepted is refused all the same where the gateway's settings forbid it, where MPPE is required
 * and there are no keys, and where it brings a limit that nothing here enforces.
 */
void aaa_answer(struct aaa *a, uint64_t id, const struct aaa_verdict *v);

/*
 * Takes the address that an accepted verdict grants, or one of the pool where it grants none, and
 * fills in grant's addresses.  Give it back with aaa_release().  REFUSAL_NONE, _ADDRESS_IN_USE,
 * _POOL_EMPTY or _NO_RESOURCES.
 */
enum refusal_code aaa_lease(struct aaa *a, struct ppp_grant *grant);
/* An address that is in use already, of the pool or not: 0, -EBUSY or -ENOMEM.  Given back
 * likewise. */
int aaa_take(struct aaa *a, uint32_t peer_ip);
void aaa_release(struct aaa *a, uint32_t peer_ip);
/* The name of the user whose static address it is; NULL: nobody's. */
const char *aaa_reserved_for(const struct aaa *a, uint32_t peer_ip);

#endif
