/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/log_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void
log_output_set(struct log_output *o, int fd)
{
	if (o->own)
		close(o->fd);
	*o = (struct log_output){.fd = fd};
}

/* O_NONBLOCK belongs to the open file, which a shell or another program may share with us: so we
 * open the pipe or terminal once more for ourselves. */
static void
open_for_us(struct log_output *o)
{
	struct stat st;
	char path[32];
	o->open = true;
	if (fstat(o->fd, &st) != 0)
		return;
	o->is_socket = S_ISSOCK(st.st_mode);
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", o->fd);
	int fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	o->fd = fd;
	o->own = true;
}

ssize_t
log_output_write(struct log_output *o, const char *line, size_t len)
{
	ssize_t n;
	if (!o->open)
		open_for_us(o);
	/* Without an open file of our own: a pipe that is ready takes one line, which is shorter
	 * than PIPE_BUF. */
	struct pollfd p = {.fd = o->fd, .events = POLLOUT};
	if (!o->own && !o->is_socket && poll(&p, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	do
		n = o->is_socket ? send(o->fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL)
				 : write(o->fd, line, len);
	while (n < 0 && errno == EINTR);
	return n;
}
