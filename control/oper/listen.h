/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket file and the credentials of who connects to it. */
#ifndef ADIT_CONTROL_OPER_LISTEN_H
#define ADIT_CONTROL_OPER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A listening non-blocking unix socket at path, mode 0660 and group gid; gid (gid_t)-1: mode 0600.
 * Replaces a socket file that nobody listens on.  The descriptor, or -1 with a sentence in err. */
int oper_listen(const char *path, gid_t gid, char *err, size_t errlen);

#define OPER_MAX_GIDS 256

struct oper_peer {
	uid_t uid;
	pid_t pid;
	gid_t gids[OPER_MAX_GIDS]; /* primary, then supplementary, as they were at connect() */
	size_t n_gids;
};
/* False if the kernel doesn't say. */
bool oper_peer(int fd, struct oper_peer *p);

#endif
