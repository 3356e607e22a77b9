/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oper/listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int
fail(int fd, char *err, size_t errlen, const char *what, const char *path)
{
	int e = errno;

	if (fd >= 0)
		close(fd);
	snprintf(err, errlen, "%s: %s: %s", path, what, strerror(e));
	return -1;
}

/* Remove a socket file that nobody listens on.  False with err filled if the path can't be used. */
static bool
clear_stale(const struct sockaddr_un *addr, char *err, size_t errlen)
{
	const char *path = addr->sun_path;
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return true;
		fail(-1, err, errlen, "can't look at it", path);
		return false;
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, errlen,
			"%s: exists and is not a socket: remove it, or choose another path", path);
		return false;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool refused = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0 &&
		       errno == ECONNREFUSED;
	close(fd);
	if (!refused) {
		snprintf(err, errlen,
			"%s: another process listens on it: is adit-control already running?",
			path);
		return false;
	}
	if (unlink(path) == 0)
		return true;
	fail(-1, err, errlen, "can't remove the stale socket", path);
	return false;
}

int
oper_listen(const char *path, gid_t gid, char *err, size_t errlen)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	bool shared = gid != (gid_t)-1;

	if (path[0] == '\0' || strlen(path) >= sizeof(addr.sun_path)) {
		snprintf(err, errlen, "%s: a socket path has 1 to %zu octets", path,
			sizeof(addr.sun_path) - 1);
		return -1;
	}
	strcpy(addr.sun_path, path);
	if (!clear_stale(&addr, err, errlen))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(fd, err, errlen, "can't create a socket", addr.sun_path);
	/* Nobody but the owner can connect before the group is set. */
	mode_t old = umask(0177);
	int bound = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
	umask(old);
	if (bound != 0)
		return fail(fd, err, errlen, "can't create the socket file", addr.sun_path);
	if ((shared && (chown(path, (uid_t)-1, gid) != 0 || chmod(path, 0660) != 0)) ||
		listen(fd, 16) != 0) {
		fail(fd, err, errlen, "can't give the socket file to its group, or listen",
			addr.sun_path);
		unlink(path);
		return -1;
	}
	return fd;
}

bool
oper_peer(int fd, struct oper_peer *p)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return false;
	p->uid = cred.uid;
	p->pid = cred.pid;
	p->gids[0] = cred.gid;
	p->n_gids = 1;
	/* Somebody in more groups than fit is judged by the primary one. */
	len = (OPER_MAX_GIDS - 1) * sizeof(gid_t);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, &p->gids[1], &len) == 0)
		p->n_gids += len / sizeof(gid_t);
	return true;
}
