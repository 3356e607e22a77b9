/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process that stays root and opens one file, which was named before anybody else was heard: so
 * adit-control, which is root no more, can read its configuration again though only root may read
 * it.  It has no other way to be asked for anything, and ends with adit-control.
 */
#ifndef ADIT_CONTROL_CORE_OPENER_H
#define ADIT_CONTROL_CORE_OPENER_H

#include <stddef.h>

/* Before secrets are read and threads are made.  Where to ask, or -1 with errno. */
int opener_start(const char *path);
/* The file as it is now, as a string of malloc(); NULL and why not in err.  Takes a second at
 * most. */
char *opener_read(int opener, char *err, size_t errlen);

#endif
