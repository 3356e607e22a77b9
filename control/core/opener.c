/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control/core/file.h"

#define ANSWER_MS 1000
#define TEXT_MAX  (256u << 20)

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

/* Of what root may, it may read. */
static void
give_up_rights(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	if (syscall(SYS_capget, &head, data) == 0) {
		uint32_t keep = data[0].permitted & 1u << CAP_DAC_READ_SEARCH;
		data[0] = (struct __user_cap_data_struct){.effective = keep, .permitted = keep};
		data[1] = (struct __user_cap_data_struct){0};
		syscall(SYS_capset, &head, data);
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* The path had no link in it: what has one by now was put there by somebody who may be less than
 * root, for a file that he may not read. */
static int
open_no_link(const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW,
		.resolve = RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	/* An old kernel, or a filter of system calls that does not know it. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = open(path, (int)how.flags);
	return fd;
}

/* With it comes the descriptor, when nothing went wrong. */
struct answer {
	uint32_t number; /* of the question */
	int why;         /* errno, 0: nothing went wrong */
};

static bool
answer(int to, const char *path, uint32_t number)
{
	union control c = {.room = {0}};
	int fd = open_no_link(path);
	struct answer a = {number, fd < 0 ? errno : 0};
	struct iovec iov = {&a, sizeof(a)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	if (fd >= 0) {
		m.msg_control = &c;
		m.msg_controllen = sizeof(c.room);
		c.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&c.header), &fd, sizeof(fd));
	}
	bool sent = sendmsg(to, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(a);
	if (fd >= 0)
		close(fd);
	return sent;
}

static void __attribute__((noreturn)) serve(int from, const char *path)
{
	uint32_t question;
	/* What ends adit-control is not for this one: it ends with it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "adit-opener", 0, 0, 0);
	give_up_rights();
	while (read(from, &question, sizeof(question)) == (ssize_t)sizeof(question))
		if (!answer(from, path, question))
			break;
	_exit(0);
}

int
opener_start(const char *path)
{
	int pair[2];
	char whole[PATH_MAX];
	if (!realpath(path, whole))
		snprintf(whole, sizeof(whole), "%s", path);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		close(pair[0]);
		serve(pair[1], whole);
	}
	close(pair[1]);
	if (child > 0)
		return pair[0];
	close(pair[0]);
	return -1;
}

/* One that has come, with its descriptor or -1; false: none, or no more will come. */
static bool
receive(int opener, struct answer *a, int *fd)
{
	union control c;
	struct iovec iov = {a, sizeof(*a)};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = sizeof(c.room)};
	*fd = -1;
	if (recvmsg(opener, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != (ssize_t)sizeof(*a))
		return false;
	const struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	if (h && h->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(h), sizeof(*fd));
	return true;
}

/* A descriptor, or a negative errno. */
static int
ask(int opener)
{
	static uint32_t number;
	struct pollfd p = {.fd = opener, .events = POLLIN};
	struct answer a;
	int fd;
	/* Earlier ones, for which nobody waits: the file as it was then. */
	while (receive(opener, &a, &fd))
		if (fd >= 0)
			close(fd);
	number++;
	if (send(opener, &number, sizeof(number), MSG_NOSIGNAL | MSG_DONTWAIT) !=
		(ssize_t)sizeof(number))
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	for (;;) {
		if (poll(&p, 1, ANSWER_MS) != 1)
			return -ETIMEDOUT;
		if (!receive(opener, &a, &fd))
			return -EPIPE;
		if (a.number == number)
			return fd >= 0 ? fd : a.why ? -a.why : -EPIPE;
		if (fd >= 0)
			close(fd);
	}
}

static char *
read_text(int fd)
{
	size_t n;
	char *text = file_read(fd, TEXT_MAX, &n);
	/* What stands behind it would be lost. */
	if (text && memchr(text, '\0', n)) {
		explicit_bzero(text, n);
		free(text);
		errno = EILSEQ;
		return NULL;
	}
	return text;
}

static const char *
reason(int why)
{
	return why == EPIPE || why == ECONNRESET
		       ? "the process that opens it has ended: start adit-control again"
	       : why == ETIMEDOUT ? "the process that opens it does not answer"
	       : why == EILSEQ    ? "it holds an octet 0, which is no text"
	       : why == ELOOP ? "a symbolic link is in its place by now: start adit-control again"
			      : strerror(why);
}

char *
opener_read(int opener, char *err, size_t errlen)
{
	int fd = ask(opener);
	char *text = fd >= 0 ? read_text(fd) : NULL;
	if (!text)
		snprintf(err, errlen, "can't read: %s", reason(fd < 0 ? -fd : errno));
	if (fd >= 0)
		close(fd);
	return text;
}
