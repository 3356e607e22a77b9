/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/played.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"

static void
make_segment(struct played *p, uint32_t max_sessions)
{
	struct segment_header *h;
	uint8_t *base;

	p->size = segment_layout(NULL, 1, max_sessions, 0);
	p->memfd = memfd_create("played", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bench_must(p->size && p->memfd >= 0 && ftruncate(p->memfd, (off_t)p->size) == 0, "memfd");
	h = mmap(NULL, p->size, PROT_READ | PROT_WRITE, MAP_SHARED, p->memfd, 0);
	bench_must(h != MAP_FAILED, "mmap");
	base = (uint8_t *)h;
	segment_layout(h, 1, max_sessions, 0);
	command_ring_attach(&p->command_ring, base + h->command_ring, false);
	ring_attach(&p->injects, base + h->inject_ring, INJECT_RING_CAPACITY,
		sizeof(struct frame_record), false);
	ring_attach(
		&p->events, base + h->event_ring, EVENT_RING_CAPACITY, sizeof(struct event), true);
	ring_attach(&p->punts, base + h->punt_rings[0], PUNT_RING_CAPACITY,
		sizeof(struct frame_record), true);
	p->entries = (struct session_entry *)(base + h->sessions);
	p->seen = calloc(max_sessions, 1);
	bench_must(p->seen != NULL, "memory");
	h->magic = SEGMENT_MAGIC;
	h->version = SEGMENT_VERSION;
	h->size = p->size;
	h->n_workers = 1;
	h->max_sessions = max_sessions;
	h->now_us = h->started_us = bench_clock_ns() / 1000;
	p->seg = h;
	fcntl(p->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

void
played_listen(struct played *p, const char *path, uint32_t max_sessions)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	make_segment(p, max_sessions);
	p->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->client = -1;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	p->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bench_must(p->listener >= 0 && bind(p->listener, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
			   listen(p->listener, 8) == 0,
		path);
}

bool
played_accept(struct played *p, int ms)
{
	struct segment_hello hello = {SEGMENT_MAGIC, SEGMENT_VERSION, p->size};
	int fds[3] = {p->memfd, p->event_fd, p->wake_fd};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = {0};
	struct iovec iov = {&hello, sizeof(hello)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct pollfd poll_fd = {.fd = p->listener, .events = POLLIN};

	if (poll(&poll_fd, 1, ms) != 1)
		return false;
	p->client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	bench_must(p->client >= 0 && sendmsg(p->client, &msg, 0) == sizeof(hello), "hello");
	return true;
}

void
played_end(struct played *p)
{
	munmap(p->seg, p->size);
	free(p->seen);
	close(p->listener);
	close(p->client);
	close(p->memfd);
	close(p->event_fd);
	close(p->wake_fd);
}

void
played_wake(struct played *p)
{
	uint64_t one = 1;

	if (!p->produced)
		return;
	p->produced = false;
	p->wakes++;
	bench_must(write(p->event_fd, &one, sizeof(one)) == sizeof(one), "eventfd");
}

/* ------------------------------------------------------------------ to control */

static void
say(struct played *p, uint8_t type, uint32_t handle, uint64_t cookie, int status)
{
	struct event *at = ring_produce(&p->events);

	bench_must(at != NULL, "event ring is full");
	*at = (struct event){.version = RECORD_VERSION,
		.type = type,
		.length = sizeof(*at),
		.handle = handle,
		.cookie = cookie,
		.status = status};
	ring_produced(&p->events);
	p->produced = true;
}

static struct frame_record *
begin_frame(struct played *p, uint8_t kind, uint32_t handle, size_t len)
{
	struct frame_record *r = ring_produce(&p->punts);

	if (!r || len > FRAME_MAX)
		return NULL;
	memset(r, 0, offsetof(struct frame_record, data));
	r->version = RECORD_VERSION;
	r->kind = kind;
	r->length = (uint16_t)len;
	r->handle = handle;
	return r;
}

static void
end_frame(struct played *p)
{
	ring_produced(&p->punts);
	p->produced = true;
}

bool
played_punt(struct played *p, uint32_t handle, const uint8_t *frame, size_t len)
{
	struct frame_record *r = begin_frame(p, FRAME_PPP, handle, len);

	if (!r)
		return false;
	memcpy(r->data, frame, len);
	if (!p->seen[SESSION_SLOT(handle)]) {
		p->seen[SESSION_SLOT(handle)] = 1;
		say(p, EVENT_PEER_SEEN, handle, 0, 0);
	}
	end_frame(p);
	return true;
}

bool
played_punt_l2tp(struct played *p, const struct sa_outer *inner, const uint8_t *message, size_t len)
{
	struct frame_record *r = begin_frame(p, FRAME_L2TP, 0, sizeof(*inner) + len);

	if (!r)
		return false;
	memcpy(r->data, inner, sizeof(*inner));
	memcpy(r->data + sizeof(*inner), message, len);
	end_frame(p);
	return true;
}

/* ------------------------------------------------------------------ from control */

static void
add(struct played *p, const struct command *c)
{
	p->entries[SESSION_SLOT(c->handle)] = (struct session_entry){.handle = c->handle,
		.server_ip = c->add.server_ip,
		.peer_ip = c->add.peer_ip,
		.call_id = c->add.call_id,
		.peer_call_id = c->add.peer_call_id,
		.protocol = c->add.protocol,
		.state = SESSION_NEGOTIATING,
		.opened_us = p->seg->now_us};
	p->seen[SESSION_SLOT(c->handle)] = 0;
	p->added(p->user, c);
}

static void
obey(struct played *p, const struct command *c)
{
	struct session_entry *e = &p->entries[SESSION_SLOT(c->handle)];

	p->commands++;
	if (c->type == COMMAND_SESSION_ADD) {
		add(p, c);
	} else if (c->type == COMMAND_SESSION_OPEN) {
		e->state = SESSION_OPEN;
		e->inner_ip = c->open.inner_ip;
		memcpy(e->user, c->open.user, sizeof(e->user));
	}
	say(p, EVENT_ACK, c->handle, c->cookie, 0);
	if (c->type == COMMAND_SESSION_CLOSE) {
		e->handle = 0;
		say(p, EVENT_SESSION_GONE, c->handle, c->cookie, 0);
	}
}

static void
pump_commands(struct played *p)
{
	union command_record r;
	uint32_t cells;

	while (command_take(&p->command_ring, &r, &cells) == COMMAND_WHOLE) {
		command_taken(&p->command_ring, cells);
		bench_must(SESSION_SLOT(r.cmd.handle) < p->seg->max_sessions, "slot");
		obey(p, &r.cmd);
	}
	bench_must(cells == 0, "command record");
}

static void
take(struct played *p, const struct frame_record *r)
{
	struct sa_outer inner;

	p->frames++;
	if (r->kind == FRAME_PPP) {
		p->frame(p->user, r->handle, r->data, r->length);
		return;
	}
	bench_must(r->length > sizeof(inner), "L2TP frame");
	memcpy(&inner, r->data, sizeof(inner));
	p->l2tp(p->user, &inner, r->data + sizeof(inner), r->length - sizeof(inner));
}

/* Commands are drained before each frame, as the real one does. */
void
played_pump(struct played *p)
{
	uint64_t n;
	const void *shared;
	struct frame_record r;

	(void)!read(p->wake_fd, &n, sizeof(n));
	p->seg->now_us = bench_clock_ns() / 1000;
	pump_commands(p);
	while ((shared = ring_consume(&p->injects))) {
		memcpy(&r, shared, offsetof(struct frame_record, data));
		bench_must(r.length <= FRAME_MAX, "frame");
		memcpy(r.data, ((const struct frame_record *)shared)->data, r.length);
		ring_consumed(&p->injects);
		pump_commands(p);
		take(p, &r);
	}
	played_wake(p);
}
