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
 * control characters; empty password), -ENOMEM. */
int users_add(struct users *u, const struct user *user);
const struct user *users_find(const struct users *u, const char *name);
unsigned int users_count(const struct users *u);
/* The user's record of failed attempts (T1), which lives as long as the user. */
struct lockout;
struct lockout *users_lockout(struct users *u, const struct user *user);
/* The part of a name behind a leading "DOMAIN\"; points into name. */
const char *user_name_without_domain(const char *name);
/* A name as received, made fit for a log line: printable ASCII but for quote and backslash stays,
 * any other octet becomes \xHH. Cut with "..." when len does not suffice; len is at least 8. */
void user_name_printable(const char *name, char *out, size_t len);

#endif
