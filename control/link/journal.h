/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records that outlive this process: cells of shared memory with room for two copies, of which the
 * older one is overwritten, so that whenever a writer dies the last whole record can be read.  A
 * copy carries version, sequence number, length and a checksum that covers them and the cell's
 * number: what is torn, of another version or in another's place is told apart and refused (T21).
 * The checksum is against accidents; a record's meaning is for the reader to validate.
 *
 * Calling context: any; one writer.
 */
#ifndef ADIT_CONTROL_LINK_JOURNAL_H
#define ADIT_CONTROL_LINK_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane/api/journal.h"

/*
 * Of what the records hold.  A struct grows at its end, with fields whose 0 says that nothing is
 * known: then a record that an older release left is read with zeros there, and one that a newer
 * release left is refused as such.  For any other change this number is raised, and nothing of
 * another number is read.
 */
#define JOURNAL_VERSION    2
#define JOURNAL_RECORD_MAX 232 /* octets */

struct journal {
	void *cells; /* [n], JOURNAL_CELL octets each; borrowed */
	uint32_t n;
};

enum journal_verdict {
	JOURNAL_GOOD,
	JOURNAL_EMPTY,
	JOURNAL_TORN,          /* checksum, length or place wrong */
	JOURNAL_OTHER_VERSION, /* whole, but of another JOURNAL_VERSION */
	JOURNAL_NEWER          /* whole, but longer than the reader's */
};

/* len: at most JOURNAL_RECORD_MAX.  A cell beyond n: no effect. */
void journal_write(const struct journal *j, uint32_t cell, const void *record, size_t len);
/* Copies the newest whole record out, with zeros up to len where it is shorter.  Without one, all
 * is zeros. */
enum journal_verdict journal_read(const struct journal *j, uint32_t cell, void *record, size_t len);
void journal_wipe(const struct journal *j, uint32_t cell);

#endif
