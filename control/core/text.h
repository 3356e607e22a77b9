/* SPDX-License-Identifier: BSD-3-Clause */
/* Text of strangers, made fit to be shown (T22): names that clients claim, host names, messages. */
#ifndef ADIT_CONTROL_CORE_TEXT_H
#define ADIT_CONTROL_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * At most len octets of in, up to a NUL, into out, which gets a NUL.  Printable characters of
 * well-formed UTF-8 stay; each octet of anything else becomes \xHH: control characters (ESC and the
 * C1 set, which terminals obey), malformed UTF-8, what changes the direction of writing, what is
 * invisible or looks like a blank.  ascii: what is beyond ASCII becomes \xHH, too.  What comes out
 * stays as it is when it goes through here again.  Cut between two characters when size does not
 * suffice.  Returns the octets written; size at least 1.
 */
size_t text_printable(char *out, size_t size, const char *in, size_t len, bool ascii);

/* text_printable() would leave it as it is. */
bool text_is_printable(const char *text);

/* Well-formed UTF-8 (RFC 3629). */
bool text_is_utf8(const char *text);

/* Columns that printable text takes on a terminal. */
size_t text_width(const char *text);

#endif
