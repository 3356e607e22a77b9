/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lock-out after failed attempts (T1).  Users carry their record; addresses share a table of fixed
 * size, in which a new address displaces the record that matters least.  Host byte order, monotonic
 * milliseconds.
 */
#ifndef ADIT_CONTROL_AAA_LOCKOUT_H
#define ADIT_CONTROL_AAA_LOCKOUT_H

#include <stdbool.h>
#include <stdint.h>

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
/* NULL when the address has no record. */
struct lockout *lockout_table_find(struct lockout_table *t, uint32_t address);
/* Never NULL; valid until the next call. */
struct lockout *lockout_table_get(struct lockout_table *t, uint32_t address, uint64_t now_ms);

#endif
