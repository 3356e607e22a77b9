/* SPDX-License-Identifier: BSD-3-Clause */
/* Who asks what the local users may, on the test's own clock. */
#ifndef ADIT_TESTS_UNIT_AAA_ASKER_H
#define ADIT_TESTS_UNIT_AAA_ASKER_H

#include "control/aaa/decide.h"

#define FIRST 0x0a000001u
#define PEER  0xc0000201u
#define ALL   (PPP_MPPE_40 | PPP_MPPE_56 | PPP_MPPE_128)

extern struct users *users;
extern struct pool *pool;
extern struct aaa *aaa;
extern struct aaa_verdict v; /* of who asked last */
extern uint64_t now;

/* A user whose password is "clientPass", and nothing else is said of it. */
struct user base(const char *name);

int set_up(void **state);       /* 63 addresses */
int set_up_small(void **state); /* three */
int tear_down(void **state);

/* What a client that knows this password sends. */
struct ppp_credentials credentials(enum ppp_auth method, const char *user, const char *password);
/* Fills v. */
void ask(const struct ppp_credentials *c, uint32_t peer, bool encrypted);
/* The same, all of it; of what is not let in, the verdict says nothing more. */
enum refusal_code decide_from(
	uint32_t peer, enum ppp_auth method, const char *user, const char *password);
enum refusal_code decide(enum ppp_auth method, const char *user, const char *password);

#endif
