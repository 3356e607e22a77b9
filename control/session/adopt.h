/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions outlive this process (D7, T19): what a successor needs is written to the journal before
 * the peer or the data plane learn of it, and read by the successor as if a stranger had written it
 * (T21).  docs/adr/0011 says why so.
 */
#ifndef ADIT_CONTROL_SESSION_ADOPT_H
#define ADIT_CONTROL_SESSION_ADOPT_H

#include <stdint.h>

#include "control/link/journal.h"

struct session;
struct sessions;

/* Why a session or a tunnel of an earlier process was ended instead of gone on with.
 * X(enumerator, "stable-name", "what") */
#define ADOPT_FAULTS(X)                                                             \
	X(NONE, "none", "")                                                         \
	X(PROTOCOL, "protocol", "its protocol does not outlive control, or is off") \
	X(NOT_OPEN, "not-open", "it was being set up or ended")                     \
	X(NO_RECORD, "no-record", "it was being ended")                             \
	X(TORN, "torn", "its record is damaged")                                    \
	X(VERSION, "version", "its record is of another release")                   \
	X(NEWER, "newer", "its record is of a newer release")                       \
	X(INVALID, "invalid", "its record makes no sense")                          \
	X(MISMATCH, "mismatch", "its record and the data plane differ")             \
	X(MPPE, "mppe", "it has MPPE")                                              \
	X(IPSEC, "ipsec", "its IPsec SA is gone, or IPsec is required now")         \
	X(TUNNEL, "tunnel", "its tunnel does not go on")                            \
	X(IN_USE, "in-use", "its address or ID is another session's")

enum adopt_fault {
#define X(e, name, text) ADOPT_##e,
	ADOPT_FAULTS(X)
#undef X
		ADOPT_FAULT_COUNT
};

/* Of the last connection to the data plane. */
struct adoption {
	uint32_t sessions, tunnels;          /* that go on */
	uint32_t refused[ADOPT_FAULT_COUNT]; /* both */
};

/* Cell 0 of the journal's tunnels, for whoever comes next. */
struct journal_head {
	uint32_t tunnels_used; /* the highest of their cells that ever was */
	uint32_t last_session; /* numbers are not used twice while the data plane lives */
};

/* What the journal said of a cell. */
enum adopt_fault adopt_fault_of(enum journal_verdict v);
void adopt_write_head(struct sessions *all);

/* Before the data plane opens it. */
void session_save(struct session *s);
/* It is going to end. */
void session_unsave(struct session *s);

/* The beginning of going on: the head is read. */
void sessions_adopt_begin(struct sessions *all);
/* Goes on with what an earlier process left, as far as it can; ends the rest. */
void sessions_adopt(struct sessions *all);

#endif
