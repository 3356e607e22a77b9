/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one point of decision (T16): credentials and the gateway's settings go in, a verdict comes
 * out. Pure: no clock but the time handed in, no log.  Calling context: adit-control's loop.
 */
#ifndef ADIT_CONTROL_AAA_DECIDE_H
#define ADIT_CONTROL_AAA_DECIDE_H

#include "control/aaa/guard.h"
#include "control/aaa/pool.h"
#include "control/aaa/users.h"
#include "control/ppp/ppp.h"

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
struct guard *aaa_guard(struct aaa *a);

/*
 * Decide on credentials from the peer at peer_addr (host byte order).  verdict is filled wholly.
 * When it is ok, the address in grant.peer_ip has been taken: give it back with aaa_release().
 * Order of checks: lock-out, known user, password, dial-in permission, method allowed for the user,
 * encryption possible with the method, address.  A refusal before the password is verified must
 * take the same time and look (to the peer) like a wrong password; verdict.delay_ms is for it, too.
 * encrypted: the link is inside IPsec, so MPPE is neither needed nor granted, whatever policy says.
 */
void aaa_decide(struct aaa *a, const struct ppp_credentials *cred, const char *server_name,
	uint32_t peer_addr, bool encrypted, uint64_t now_ms, struct ppp_verdict *verdict);
/* An address that is in use already, of the pool or not: 0, -EBUSY or -ENOMEM.  Given back
 * likewise. */
int aaa_take(struct aaa *a, uint32_t peer_ip);
void aaa_release(struct aaa *a, uint32_t peer_ip);
/* The name of the user whose static address it is; NULL: nobody's. */
const char *aaa_reserved_for(const struct aaa *a, uint32_t peer_ip);

#endif
