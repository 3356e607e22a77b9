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
#define RECORD_VERSION 2

#endif
