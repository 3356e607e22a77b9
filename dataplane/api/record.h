/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every record between adit-control and adit-dataplane has in common: commands, events and
 * frames.  A record begins with its version, its type or kind and its length in octets; all numbers
 * are in host byte order except where a name ends in _be.  Whoever takes a record copies it out of
 * the segment first and checks the copy: the other process is hostile, and may write at any time
 * (T21).
 */
#ifndef ADIT_DATAPLANE_API_RECORD_H
#define ADIT_DATAPLANE_API_RECORD_H

/* Of the layout of all records.  One of another version is refused and counted. */
#define RECORD_VERSION 3

/* Why the data plane refused a record of control; counted by name in the segment's header.  X(name,
 * "what was wrong").  Order is layout: append only. */
#define RECORD_REFUSALS(X)                                                               \
	X(torn, "cells of a command missing, out of order, or left from an earlier lap") \
	X(size, "a length that no record, or not one of its type, can have")             \
	X(version, "of another version")                                                 \
	X(type, "no such command")                                                       \
	X(field, "a value that can't be")                                                \
	X(frame, "a frame to send that can't be")

enum record_refusal {
#define X(name, text) RECORD_##name,
	RECORD_REFUSALS(X)
#undef X
		RECORD_REFUSAL_COUNT
};

#endif
