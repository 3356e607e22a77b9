/* SPDX-License-Identifier: BSD-3-Clause */
/* What a service manager wants to hear: sd_notify(3)'s protocol, without its library. */
#ifndef ADIT_DATAPLANE_API_NOTIFY_H
#define ADIT_DATAPLANE_API_NOTIFY_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * Send state ("READY=1", "WATCHDOG=1", "STOPPING=1") to the socket that $NOTIFY_SOCKET names;
 * without one nothing happens.  For a process's main thread, a few times a second at most; whether
 * somebody listens makes no difference to the caller.
 */
static inline void
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;
	if (len < 2 || len >= sizeof(sa.sun_path))
		return;
	memcpy(sa.sun_path, path, len);
	if (*path == '@') /* abstract, see unix(7) */
		sa.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&sa,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

#endif
