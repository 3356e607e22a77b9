/* SPDX-License-Identifier: BSD-3-Clause */
/* How the fake data plane is reached: its socket, the greeting, and its death. */
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/api/layout.h"

#include "dataplane.h"
#include "loop.h"

static void
handle_closed(uv_handle_t *h)
{
	((struct fake *)h->data)->n_handles--;
}

static void
wake_ready(uv_poll_t *p, int status, int events)
{
	struct fake *f = p->data;
	uint64_t n;
	(void)events;
	if (status == 0 && read(f->wake_fd, &n, sizeof(n)) > 0)
		fake_pump(f);
}

static void
tick(uv_timer_t *t)
{
	fake_pump(t->data);
}

static void
drop_client(struct fake *f)
{
	if (!f->connected)
		return;
	f->connected = false;
	uv_close((uv_handle_t *)&f->wake_poll, handle_closed);
	uv_close((uv_handle_t *)&f->client_poll, handle_closed);
	uv_close((uv_handle_t *)&f->tick, handle_closed);
	close(f->client);
	close(f->event_fd);
	close(f->wake_fd);
	f->client = f->event_fd = f->wake_fd = -1;
}

static void
client_ready(uv_poll_t *p, int status, int events)
{
	struct fake *f = p->data;
	char c;
	(void)events;
	if (status < 0 || recv(f->client, &c, 1, MSG_DONTWAIT) == 0)
		drop_client(f);
}

static void
greet(struct fake *f)
{
	struct segment_hello hello = {SEGMENT_MAGIC, f->hello_version, f->size + f->size_lie};
	struct segment_refused refused = {SEGMENT_MAGIC, SEGMENT_REFUSED_BUSY};
	int fds[3] = {f->memfd, f->event_fd, f->wake_fd};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = {0};
	struct iovec iov = {&hello, sizeof(hello)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (f->silent)
		return;
	if (f->busy) {
		send(f->client, &refused, sizeof(refused), 0);
		return;
	}
	if (!f->no_fds) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fds));
		memcpy(CMSG_DATA(c), fds, sizeof(fds));
	}
	must(sendmsg(f->client, &msg, 0) == sizeof(hello), "hello");
}

static void
listen_ready(uv_poll_t *p, int status, int events)
{
	struct fake *f = p->data;
	(void)status;
	(void)events;
	int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	/* The handles of the last client are still closing: control comes again. */
	if (f->connected || f->n_handles > 1) {
		close(fd);
		return;
	}
	f->accepted++;
	f->client = fd;
	fake_make_segment(f);
	f->seg->event_ring += f->offset_lie;
	if (f->truncated)
		must(ftruncate(f->memfd, 4096) == 0, "ftruncate");
	if (!f->unsealed)
		fcntl(f->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	f->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->connected = true;
	uv_poll_init(f->loop, &f->wake_poll, f->wake_fd);
	uv_poll_init(f->loop, &f->client_poll, f->client);
	uv_timer_init(f->loop, &f->tick);
	f->wake_poll.data = f->client_poll.data = f->tick.data = f;
	f->n_handles += 3;
	uv_poll_start(&f->wake_poll, UV_READABLE, wake_ready);
	uv_poll_start(&f->client_poll, UV_READABLE, client_ready);
	uv_timer_start(&f->tick, tick, 5, 5);
	greet(f);
}

void
fake_listen(struct fake *f)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	strcpy(sa.sun_path, f->path);
	unlink(f->path);
	f->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(f->listener >= 0 && bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
			listen(f->listener, 8) == 0,
		"listen");
	uv_poll_init(f->loop, &f->listen_poll, f->listener);
	f->listen_poll.data = f;
	f->n_handles++;
	uv_poll_start(&f->listen_poll, UV_READABLE, listen_ready);
	f->listening = true;
}

static bool
no_handles(void *user)
{
	return ((struct fake *)user)->n_handles == 0;
}

void
fake_die(struct fake *f, bool keep_segment)
{
	drop_client(f);
	if (f->listening)
		uv_close((uv_handle_t *)&f->listen_poll, handle_closed);
	f->listening = false;
	if (f->listener >= 0)
		close(f->listener);
	f->listener = -1;
	unlink(f->path);
	must(loop_until(f->loop, no_handles, f, 1000), "closing handles");
	if (keep_segment || !f->seg)
		return;
	munmap(f->seg, f->size);
	close(f->memfd);
	f->seg = NULL;
	f->memfd = -1;
}
