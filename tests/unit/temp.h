/* SPDX-License-Identifier: BSD-3-Clause */
/* Where tests keep files: in TMPDIR, which ./run makes for itself and removes, also when it is
 * interrupted. */
#ifndef ADIT_TESTS_UNIT_TEMP_H
#define ADIT_TESTS_UNIT_TEMP_H

#include <stdio.h>
#include <stdlib.h>

/* "TMPDIR/adit-NAME-XXXXXX" into out, for mkdtemp() or mkstemp().  Returns out. */
static inline char *
temp_name(char *out, size_t size, const char *name)
{
	const char *dir = getenv("TMPDIR");

	if (snprintf(out, size, "%s/adit-%s-XXXXXX", dir && *dir ? dir : "/tmp", name) >= (int)size)
		abort(); /* no test can go on */
	return out;
}

#endif
