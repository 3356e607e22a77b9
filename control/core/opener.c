/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* What went wrong, 0: nothing, and the descriptor with it. */
static bool
answer(int to, const char *path)
{
	union control c = {.room = {0}};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int why = fd < 0 ? errno : 0;
	struct iovec iov = {&why, sizeof(why)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	if (fd >= 0) {
		m.msg_control = &c;
		m.msg_controllen = sizeof(c.room);
		c.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&c.header), &fd, sizeof(fd));
	}
	bool sent = sendmsg(to, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(why);
	if (fd >= 0)
		close(fd);
	return sent;
}

static void __attribute__((noreturn)) serve(int from, const char *path)
{
	char question;
	/* What ends adit-control is not for this one: it ends with it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "adit-opener", 0, 0, 0);
	give_up_rights();
	while (read(from, &question, sizeof(question)) == (ssize_t)sizeof(question))
		if (!answer(from, path))
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

/* A descriptor, or a negative errno. */
static int
ask(int opener)
{
	union control c;
	int why = EPIPE, fd = -1;
	struct iovec iov = {&why, sizeof(why)};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = sizeof(c.room)};
	struct pollfd p = {.fd = opener, .events = POLLIN};
	if (send(opener, "?", 1, MSG_NOSIGNAL) != 1)
		return -errno;
	if (poll(&p, 1, ANSWER_MS) != 1)
		return -ETIMEDOUT;
	if (recvmsg(opener, &m, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(why))
		return -EPIPE;
	const struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	if (why == 0 && h && h->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	return fd >= 0 ? fd : why ? -why : -EPIPE;
}

static char *
read_all(int fd)
{
	struct stat st;
	size_t n = 0;
	ssize_t got = 0;
	if (fstat(fd, &st) != 0)
		return NULL;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > TEXT_MAX) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EFBIG;
		return NULL;
	}
	char *text = malloc((size_t)st.st_size + 1);
	while (text && n < (size_t)st.st_size &&
		(got = read(fd, text + n, (size_t)st.st_size - n)) > 0)
		n += (size_t)got;
	if (text)
		text[n] = '\0';
	if (text && got < 0) {
		explicit_bzero(text, n);
		free(text);
		text = NULL;
	}
	return text;
}

char *
opener_read(int opener, char *err, size_t errlen)
{
	int fd = ask(opener);
	char *text = fd >= 0 ? read_all(fd) : NULL;
	if (!text)
		snprintf(err, errlen, "can't read: %s", strerror(fd < 0 ? -fd : errno));
	if (fd >= 0)
		close(fd);
	return text;
}
