/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where sessions are found: their list in order of number, and an index for each name that somebody
 * may ask by.  Adding, removing and finding take the same time whatever their number; only several
 * sessions of one user or of one outer address are met one after the other.  Borrows what it holds.
 * Pure: no clock, no log.  Addresses in host byte order.
 */
#ifndef ADIT_CONTROL_SESSION_TABLE_H
#define ADIT_CONTROL_SESSION_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct session;

/* By what a session is found, and the field of struct session that holds it. */
enum session_index {
	BY_ID,      /* id */
	BY_USER,    /* user: while it has proved to be him */
	BY_ADDRESS, /* inner_ip: until the data plane has let go of it */
	BY_OUTER,   /* peer_ip */
	BY_ACCT,    /* acct */
	SESSION_INDEXES
};

/* Acct-Session-Id (RFC 2866 section 5.5), never used twice: which host, when its adit-control began
 * (seconds since 1970), the how-manieth session since.  counter 0: none. */
struct acct_id {
	uint32_t node, boot, counter;
};
#define ACCT_ID_TEXT 27 /* octets, with the NUL */
/* "00c0ffee-69291a2b-0000002a".  Returns buf. */
const char *acct_id_text(const struct acct_id *id, char buf[ACCT_ID_TEXT]);

/* In struct session, one for each index.  beside.le_prev NULL: it is not in it. */
struct session_place {
	LIST_ENTRY(session_place) beside;
};

TAILQ_HEAD(session_list, session);
LIST_HEAD(session_bucket, session_place);

struct session_table {
	struct session_list list; /* in order of id */
	uint32_t n, last_id;
	uint32_t n_buckets; /* of each index, a power of 2 */
	struct session_bucket *buckets[SESSION_INDEXES];
	uint64_t steps; /* sessions that look-ups compared */
};

/* For about so many sessions.  False: no memory; table_free() is due all the same. */
bool table_init(struct session_table *t, uint32_t sessions);
void table_free(struct session_table *t);

/* Gives it the next number, and its place at the end of the list.  peer_ip and acct, unless 0, are
 * set before; they stay as they are. */
void table_add(struct session_table *t, struct session *s);
/* From the list and from every index. */
void table_remove(struct session_table *t, struct session *s);
/* By what it has been found from now on.  No effect when it is in that index already.  The field
 * stays as it is until table_unindex(). */
void table_index(struct session_table *t, struct session *s, enum session_index by);
void table_unindex(struct session_table *t, struct session *s, enum session_index by);
/* Another number, greater than that of the one before it in the list and less than the next's. */
void table_renumber(struct session_table *t, struct session *s, uint32_t id);

/* NULL: none. */
struct session *table_of_id(struct session_table *t, uint32_t id);
struct session *table_of_address(struct session_table *t, uint32_t inner_ip);
struct session *table_of_acct(struct session_table *t, const struct acct_id *id);
/* Of one user, as user_name_same() has it, and from one outer address: one after the other. */
struct session *table_first_of_user(struct session_table *t, const char *user);
struct session *table_next_of_user(struct session_table *t, const struct session *s);
struct session *table_first_of_outer(struct session_table *t, uint32_t peer_ip);
struct session *table_next_of_outer(struct session_table *t, const struct session *s);

#endif
