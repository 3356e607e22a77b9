/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who holds something that is short (a port, a control connection) without having authenticated:
 * by address, in order of age.  As long as there is room everybody gets in, also many at once from
 * behind one NAT.  Beyond a share, in all or for an address, whoever takes long gives way to
 * newcomers; and when there is no room, a newcomer takes the place of the oldest of the address
 * that holds most: nobody can hold what others want (T24).
 *
 * Borrowed entries, no clock.  Addresses in host byte order, time in milliseconds.  Calling
 * context: one thread.
 */
#ifndef ADIT_CONTROL_CORE_STRANGERS_H
#define ADIT_CONTROL_CORE_STRANGERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define STRANGERS_BUCKETS  1024
#define STRANGERS_GRACE_MS 5000 /* who needs longer takes long */

struct stranger_address;

/* In the struct of who holds something.  of NULL: it is none. */
struct stranger {
	TAILQ_ENTRY(stranger) in_all, in_address; /* oldest first */
	struct stranger_address *of;
	uint64_t since;
};
TAILQ_HEAD(stranger_list, stranger);

struct strangers {
	struct stranger_list all;
	LIST_HEAD(, stranger_address) buckets[STRANGERS_BUCKETS];
	LIST_HEAD(, stranger_address) addresses;
	uint32_t n;
};

/* Shares in per cent, 1 to 100, of what the known leave. */
struct stranger_shares {
	unsigned int all, address;
};

void strangers_init(struct strangers *t);
/* False: no memory. */
bool strangers_add(struct strangers *t, struct stranger *s, uint32_t address, uint64_t now_ms);
/* It has authenticated, or is gone.  No effect on who is none. */
void strangers_remove(struct strangers *t, struct stranger *s);

/*
 * May one more from this address come, when the known leave so much?  True: yes; *out is then NULL,
 * or who has to go for it, chosen but not removed.
 */
bool strangers_admit(const struct strangers *t, const struct stranger_shares *shares, uint32_t left,
	uint32_t address, uint64_t now_ms, struct stranger **out);

#endif
