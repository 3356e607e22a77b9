/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Against guessing (T1), so that guessers pay and not those beside them.  Failures count three
 * times:
 *  - for a user at an address: the user is locked out there, and nowhere else;
 *  - for a user, slower: he is locked out everywhere but at the addresses where he was let in last;
 *  - for an address, slower: answers to it are late, so that trying many users takes long.  Nobody
 *    is refused for his neighbours' failures behind the same NAT.
 * Names that are nobody's count for the address only: they can't fill a table.
 *
 * Calling context: adit-control's loop.  Addresses in host byte order, monotonic milliseconds.
 */
#ifndef ADIT_CONTROL_AAA_GUARD_H
#define ADIT_CONTROL_AAA_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "control/aaa/users.h"

#define GUARD_DELAY_MS 3000 /* of late answers */

struct guard;

/* Limits; 0: never. */
struct guard_limits {
	unsigned int pair, user, address; /* failures */
	uint32_t ms; /* how long, and the pause after which failures are forgotten */
};

/* users are borrowed.  NULL when out of memory. */
struct guard *guard_new(struct users *users);
void guard_free(struct guard *g);

/* user: NULL for a name that is nobody's. */
bool guard_locked(struct guard *g, const struct guard_limits *limits, const struct user *user,
	uint32_t address, uint64_t now_ms);
/* Late answers: to ask before guard_failed() and guard_passed(). */
bool guard_slow(
	struct guard *g, const struct guard_limits *limits, uint32_t address, uint64_t now_ms);
/* He was let in from there not long ago. */
bool guard_known(const struct guard *g, const struct user *user, uint32_t address);
/* Attempts that were refused because of a lock-out are not to be counted, so that it ends. */
void guard_failed(struct guard *g, const struct guard_limits *limits, const struct user *user,
	uint32_t address, uint64_t now_ms);
/* Forgives what the user failed at this address; nothing else: a guesser with an account of his own
 * could go on for ever. */
void guard_passed(struct guard *g, const struct user *user, uint32_t address);

struct guard_lockout {
	const char *user; /* NULL: the address alone (late answers) */
	uint32_t address; /* 0: the user alone */
	uint64_t left_ms;
};
/* What is in effect now, in no order. */
void guard_list(struct guard *g, uint64_t now_ms,
	void (*each)(void *arg, const struct guard_lockout *l), void *arg);
/* Forgets all failures of this user, of this address, or of the user there; NULL and 0: of
 * everybody.  Returns how many were in effect, or -ENOENT: no such user. */
int guard_unlock(struct guard *g, const char *user, uint32_t address, uint64_t now_ms);

/* What is remembered of users who are no longer in the list goes, before they do. */
void guard_forget_gone(struct guard *g);

#endif
