/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counts of failed attempts (T1), and a table of fixed size for those that strangers cause.  A
 * record belongs to an address, or to a user at an address; all records of one address compete for
 * the same few places, which a stranger can't choose, so that whoever fills the table fills his own
 * share (T24).  What is lost there is a count of failures: nobody is locked out by it.  Addresses
 * in host byte order, monotonic milliseconds.
 */
#ifndef ADIT_CONTROL_AAA_LOCKOUT_H
#define ADIT_CONTROL_AAA_LOCKOUT_H

#include <stdbool.h>
#include <stdint.h>

struct user;

/* Zero-initialised: no failures. */
struct lockout {
	uint32_t failures;
	uint64_t last_ms;  /* of the last failure */
	uint64_t until_ms; /* locked before this time */
};

struct lockout_table;

bool lockout_active(const struct lockout *l, uint64_t now_ms);
/* `limit` failures, of which none is older than lockout_ms before the next, lock for lockout_ms;
 * limit 0: never. */
void lockout_failure(struct lockout *l, unsigned int limit, uint32_t lockout_ms, uint64_t now_ms);

/* NULL when out of memory. */
struct lockout_table *lockout_table_new(void);
void lockout_table_free(struct lockout_table *t);
/* Of this user (only compared, never followed; NULL: the address alone) at this address, which is
 * not 0.  NULL when there is no record. */
struct lockout *lockout_table_find(
	struct lockout_table *t, uint32_t address, const struct user *user);
/* The same, made when there is none: it displaces the record of that share that matters least,
 * which is the one with the fewest failures that count still.  Never NULL; valid until the next
 * call. */
struct lockout *lockout_table_get(struct lockout_table *t, uint32_t address,
	const struct user *user, uint32_t lockout_ms, uint64_t now_ms);
/* Every record, also without effect any more, in no order; each() may change it. */
void lockout_table_each(struct lockout_table *t,
	void (*each)(void *arg, uint32_t address, const struct user *user, struct lockout *l),
	void *arg);

#endif
