/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which slots of a table have a key: a hash table whose chains lead through the slots themselves,
 * so that nothing is allocated after the start and a slot's entry leaves without a search.
 *
 * Peers choose what keys are made of; who shares a chain depends on a secret.  Writer: the main
 * lcore.  Other lcores may ask index_has(): an entry that moves at that moment may be missed.
 */
#ifndef ADIT_DATAPLANE_INDEX_H
#define ADIT_DATAPLANE_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define INDEX_NONE UINT32_MAX

/* How many entries index_first() and index_after() looked at, of all indexes. */
extern uint64_t index_visits;

struct index {
	uint32_t slots;
	unsigned int shift;     /* of the product that is the hash */
	uint64_t factor;        /* odd and secret */
	_Atomic uint32_t *head; /* slot + 1; 0: empty */
	struct index_entry {
		_Atomic uint64_t key;  /* 0: the slot has none */
		_Atomic uint32_t next; /* slot + 1; 0: the last */
		uint32_t prev;         /* the same; 0: the first.  Writer */
	} * entry;                     /* by slot */
};

/* At the start.  0, -ENOMEM or -EIO. */
int index_init(struct index *ix, uint32_t slots);
void index_free(struct index *ix);

/* --- main lcore */

/* Give a slot its key, in place of the one it had; 0: none. */
void index_put(struct index *ix, uint32_t slot, uint64_t key);
/* The slots of a key, the latest first; INDEX_NONE behind the last. */
uint32_t index_first(const struct index *ix, uint64_t key);
uint32_t index_after(const struct index *ix, uint32_t slot);

/* --- any lcore */

/* Has a slot this key?  Looks at a bounded number of slots. */
bool index_has(const struct index *ix, uint64_t key);

#endif
