/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Local users.  Denied unless dial-in is allowed (R7).  Names compare without case (as RRAS's do);
 * a leading "DOMAIN\" is ignored for the look-up, and left out of MS-CHAPv2's hash (RFC 2759
 * section 4).  Calling context: adit-control's loop.
 */
#ifndef ADIT_CONTROL_AAA_USERS_H
#define ADIT_CONTROL_AAA_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/aaa/lockout.h"
#include "control/aaa/name.h"

enum dialin { DIALIN_DENY, DIALIN_ALLOW };

struct user {
	char *name;
	char *password;     /* UTF-8; secret */
	uint8_t dialin;     /* enum dialin */
	uint32_t static_ip; /* host byte order, 0 = from the pool */
	/* Overrides of the gateway's ppp/mppe policy; -1 = inherit.  Values: control/ppp/ppp.h. */
	int auth;           /* mask of enum ppp_auth */
	int mppe_policy;    /* enum ppp_mppe_policy */
	int mppe_mode;      /* enum ppp_mppe_mode */
	int mppe_strengths; /* mask of PPP_MPPE_* */
};

struct users;

struct users *users_new(void);
void users_free(struct users *u); /* wipes passwords */
/* Takes a copy.  0, -EEXIST, -EINVAL (name empty, longer than 255 octets, or with a backslash or
 * control characters; empty password), -EADDRINUSE (static_ip is another user's), -ENOMEM. */
int users_add(struct users *u, const struct user *user);
const struct user *users_find(const struct users *u, const char *name);
/* Whose static_ip it is; NULL: nobody's. */
const struct user *users_find_address(const struct users *u, uint32_t static_ip);
unsigned int users_count(const struct users *u);
/* Everybody, in no order. */
void users_each(const struct users *u, void (*each)(void *arg, const struct user *user), void *arg);
/*
 * u becomes what next is, and next what u was, less those who stay: they are the same objects as
 * before, with what next says of them, and what is remembered of them.  Calls each() before that
 * for everybody whom it concerns: was NULL: new, is NULL: no longer there, both: changed.
 */
void users_replace(struct users *u, struct users *next,
	void (*each)(void *arg, const struct user *was, const struct user *is), void *arg);
/* What is remembered of a user (of this list) while he is one. */
#define USER_ADDRESSES 4
struct user_record {
	struct lockout lockout;             /* failures from wherever */
	uint32_t addresses[USER_ADDRESSES]; /* of the last clients that were let in, the latest
					       first; 0: none */
	uint64_t replaced_ms;               /* one of his sessions made room for another one, */
	uint32_t replaced;                  /* that often in a row */
};
struct user_record *users_record(const struct users *u, const struct user *user);

#endif
