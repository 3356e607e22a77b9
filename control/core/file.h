/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that somebody else may have put there.  Calling context: any process of control's. */
#ifndef ADIT_CONTROL_CORE_FILE_H
#define ADIT_CONTROL_CORE_FILE_H

#include <stddef.h>

/* All that a regular file of at most max octets holds, with a 0 behind it, and its length: the
 * caller's, free() it.  NULL with errno: EISDIR, EFBIG (also for what is no regular file), or as of
 * fstat(), read() and malloc(); nothing of it is left in memory then. */
char *file_read(int fd, size_t max, size_t *len);

#endif
