/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The journal: memory of the segment in which control keeps what its successor needs to go on with
 * sessions and tunnels (DESIGN section 4).  Opaque to the data plane, which never reads it: it
 * gives the memory its own life, and wipes a session's cell when that session is gone.  What stands
 * in a cell is control/link/journal.h's.
 */
#ifndef ADIT_DATAPLANE_API_JOURNAL_H
#define ADIT_DATAPLANE_API_JOURNAL_H

#define JOURNAL_CELL 512 /* octets */

/* Cells of sessions: one for each slot.  Cells of tunnels: number 0 is the head, 1 to max_sessions
 * are control's to give out. */
#define JOURNAL_TUNNEL_CELLS(max_sessions) ((uint64_t)(max_sessions) + 1)

#endif
