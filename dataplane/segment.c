/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/api/sa.h"
#include "dataplane/clock.h"
#include "dataplane/config.h"
#include "dataplane/pages.h"

struct segment_header *segment;
struct segment_header segment_offsets;

static int mem_fd = -1, listen_fd = -1, control_fd = -1;
static int wake_control_fd = -1, wake_us_fd = -1;
static int epoll;
static void (*on_connected)(void);
/* Where the rings stood when control was last woken. */
static uint32_t events_seen, punts_seen[SEGMENT_MAX_WORKERS];

int
segment_create(uint32_t workers_wanted, uint32_t max_sessions, uint32_t max_sas)
{
	struct segment_header h = {.magic = SEGMENT_MAGIC, .version = SEGMENT_VERSION};
	h.size = segment_layout(&h, workers_wanted, max_sessions, max_sas);
	if (h.size == 0)
		return -EINVAL;
	h.n_workers = workers_wanted;
	h.max_sessions = max_sessions;
	h.max_sas = max_sas;
	h.n_ports = config.n_ports;
	h.tsc_hz = dp_clock.hz;
	h.started_us = dp_clock.us0;

	mem_fd = memfd_create("adit-dataplane", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (mem_fd < 0 || ftruncate(mem_fd, (off_t)h.size) < 0 ||
		fcntl(mem_fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	void *map =
		mmap(pages_place(h.size), h.size, PROT_READ | PROT_WRITE, MAP_SHARED, mem_fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	segment = map;
	segment_offsets = h;
	memcpy(segment, &h, sizeof(h));
	if (config.hugepages != HUGEPAGES_NO) { /* what packets touch */
		pages_ask(segment_part(h.session_counters),
			(size_t)max_sessions * sizeof(struct session_counters));
		pages_ask(
			segment_part(h.sa_counters), (size_t)max_sas * sizeof(struct sa_counters));
	}
	wake_control_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	wake_us_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return wake_control_fd < 0 || wake_us_fd < 0 ? -errno : 0;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
segment_free(void)
{
	if (segment)
		munmap(segment, segment_offsets.size);
	segment = NULL;
	close_fd(&mem_fd);
	close_fd(&wake_control_fd);
	close_fd(&wake_us_fd);
}

static int
watch(int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* A socket that nobody answers on is left from a data plane that was killed. */
static bool
is_answered(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool yes = fd >= 0 &&
		   (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN);
	close_fd(&fd);
	return yes;
}

/* The directory of the socket, if only that is missing. */
static void
make_directory(const char *path)
{
	char dir[sizeof(config.socket)];
	snprintf(dir, sizeof(dir), "%s", path);
	char *slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = '\0';
		mkdir(dir, 0755);
	}
}

int
segment_listen(int epoll_fd, void (*connected)(void))
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", config.socket);
	epoll = epoll_fd;
	on_connected = connected;
	make_directory(config.socket);
	if (is_answered(&sa))
		return -EADDRINUSE;
	unlink(config.socket);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0177);
	int rc = fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	umask(mask);
	if (rc == 0 && config.control_uid != 0 &&
		chown(config.socket, config.control_uid, (gid_t)-1))
		rc = -errno;
	if (rc == 0 && listen(fd, 4) < 0)
		rc = -errno;
	if (rc) {
		close_fd(&fd);
		return rc;
	}
	listen_fd = fd;
	rc = watch(listen_fd);
	return rc ? rc : watch(wake_us_fd);
}

void
segment_close(void)
{
	if (listen_fd >= 0)
		unlink(config.socket);
	close_fd(&control_fd);
	close_fd(&listen_fd);
}

bool
segment_connected(void)
{
	return control_fd >= 0;
}

static void
refuse(int fd, enum segment_refusal reason)
{
	struct segment_refused r = {.magic = SEGMENT_MAGIC, .reason = reason};
	send(fd, &r, sizeof(r), MSG_NOSIGNAL);
	close(fd);
}

static int
send_hello(int fd)
{
	struct segment_hello hello = {
		.magic = SEGMENT_MAGIC, .version = SEGMENT_VERSION, .size = segment_offsets.size};
	int fds[3] = {mem_fd, wake_control_fd, wake_us_fd};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(fds))];
	} control = {0};
	struct iovec iov = {.iov_base = &hello, .iov_len = sizeof(hello)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	return sendmsg(fd, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(hello) ? 0 : -errno;
}

static void
accept_control(void)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ||
		(cred.uid != 0 && cred.uid != config.control_uid)) {
		refuse(fd, SEGMENT_REFUSED_CREDENTIALS);
		return;
	}
	if (control_fd >= 0) {
		refuse(fd, SEGMENT_REFUSED_BUSY);
		return;
	}
	/* The header is restored: its last owner could write it. */
	struct segment_header h = segment_offsets;
	memcpy(segment, &h, offsetof(struct segment_header, now_us));
	on_connected();
	if (send_hello(fd) != 0 || watch(fd) != 0) {
		close(fd);
		return;
	}
	control_fd = fd;
	fprintf(stderr, "adit-dataplane: control connected (pid %d)\n", (int)cred.pid);
}

/* Nothing is ever said on this socket by control: its end is the message (T19: sessions stay). */
static void
read_control(void)
{
	char buf[64];
	ssize_t n = recv(control_fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	close_fd(&control_fd);
	fprintf(stderr, "adit-dataplane: control is gone, sessions stay\n");
}

bool
segment_event(int fd)
{
	uint64_t n;
	if (fd == listen_fd)
		accept_control();
	else if (fd == control_fd)
		read_control();
	else if (fd == wake_us_fd)
		return read(fd, &n, sizeof(n)) >= 0 || errno == EAGAIN;
	else
		return false;
	return true;
}

static bool
moved(uint64_t ring_offset, uint32_t *seen)
{
	const struct ring_shared *r = segment_part(ring_offset);
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	bool yes = head != *seen;
	*seen = head;
	return yes;
}

void
segment_wake(void)
{
	bool any = moved(segment_offsets.event_ring, &events_seen);
	for (uint32_t i = 0; i < segment_offsets.n_workers; i++)
		any |= moved(segment_offsets.punt_rings[i], &punts_seen[i]);
	uint64_t one = 1;
	if (any && control_fd >= 0 && write(wake_control_fd, &one, sizeof(one)) < 0 &&
		errno != EAGAIN)
		close_fd(&control_fd);
}
