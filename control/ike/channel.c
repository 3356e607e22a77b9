/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ike/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/core/log.h"
#include "control/ike/check.h"

#define READ_BURST   64   /* records taken in one turn of the loop */
#define BAD_MAX      1000 /* then the plugin is sent away */
#define GREETING_MS  1000 /* for a plugin to say who it is before another may take its place */
#define SOCKET_BYTES (4 << 20)

struct channel {
	uv_loop_t *loop;
	const struct channel_ops *ops;
	void *user;
	char path[108];
	int listener, fd;
	uid_t allowed;
	bool greeted;
	uint64_t bad_here, accepted_ms;
	uv_poll_t listen_poll, client_poll;
	unsigned int n_handles;
	bool closing;
	void (*closed)(void *user);
	struct channel_stats stats;
};

static void
handle_closed(uv_handle_t *h)
{
	struct channel *c = h->data;
	if (--c->n_handles > 0 || !c->closing)
		return;
	void (*closed)(void *user) = c->closed;
	void *user = c->user;
	free(c);
	if (closed)
		closed(user);
}

static void
drop_client(struct channel *c, const char *why)
{
	bool was_greeted = c->greeted;
	if (c->fd < 0)
		return;
	uv_close((uv_handle_t *)&c->client_poll, handle_closed);
	close(c->fd);
	c->fd = -1;
	c->greeted = false;
	if (c->closing)
		return;
	log_event(LOG_WARNING, "ike-lost", "reason=\"%s\"", why);
	if (was_greeted)
		c->ops->lost(c->user);
}

/* ------------------------------------------------------------------ records */

bool
channel_send(struct channel *c, struct ike_message *m)
{
	if (!c->greeted)
		return false;
	m->magic = IKE_MESSAGE_MAGIC;
	m->version = IKE_MESSAGE_VERSION;
	if (send(c->fd, m, sizeof(*m), MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(*m))
		return true;
	c->stats.send_failed++;
	return false;
}

void
channel_answer(struct channel *c, uint64_t id, int error, const struct ike_message *body)
{
	struct ike_message m = {.type = IKE_ANSWER};
	if (body)
		m.answer = body->answer;
	m.id = id;
	m.answer.error = error;
	channel_send(c, &m);
}

static void
take_hello(struct channel *c, const struct ike_message *m)
{
	int error = c->greeted ? -EPROTO : c->ops->hello(c->user, m);
	c->greeted = true;
	channel_answer(c, m->id, error, NULL);
	if (error) {
		drop_client(c, "its greeting was refused");
		return;
	}
	char version[64];
	log_event(LOG_NOTICE, "ike-connected", "strongswan=%s instance=%016llx",
		log_quote(version, sizeof(version), m->hello.strongswan),
		(unsigned long long)m->hello.instance);
}

static void
take(struct channel *c, const void *bytes, size_t len)
{
	struct ike_message m;
	const char *why = ike_message_check(bytes, len, &m);
	if (!why && !c->greeted && m.type != IKE_HELLO)
		why = "no greeting before";
	if (why) {
		if (c->stats.bad_records++ == 0)
			log_event(LOG_ERR, "ike-bad-record", "text=\"%s\"", why);
		if (len == sizeof(m) && m.id && m.type < IKE_LIST)
			channel_answer(c, m.id, -EBADMSG, NULL);
		if (++c->bad_here >= BAD_MAX)
			drop_client(c, "too many invalid records");
	} else if (m.type == IKE_HELLO) {
		take_hello(c, &m);
	} else {
		c->ops->record(c->user, &m);
	}
	explicit_bzero(&m, sizeof(m));
}

static void
client_ready(uv_poll_t *p, int status, int events)
{
	struct channel *c = p->data;
	_Alignas(8) uint8_t bytes[sizeof(struct ike_message) + 1];
	(void)events;
	if (status < 0) {
		drop_client(c, uv_strerror(status));
		return;
	}
	for (unsigned int i = 0; i < READ_BURST && c->fd >= 0; i++) {
		ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			drop_client(c, "charon's plugin hung up");
			break;
		}
		take(c, bytes, (size_t)n);
	}
	explicit_bzero(bytes, sizeof(bytes));
}

/* ------------------------------------------------------------------ connections */

static bool
may_connect(const struct channel *c, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid() || peer.uid == c->allowed);
}

static void
listen_ready(uv_poll_t *p, int status, int events)
{
	struct channel *c = p->data;
	int size = SOCKET_BYTES;
	(void)events;
	if (status < 0)
		return;
	int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (!may_connect(c, fd)) {
		c->stats.refused_credentials++;
		log_event(LOG_WARNING, "ike-refused", "text=\"this user may not be the plugin\"");
		close(fd);
		return;
	}
	if (c->fd >= 0 && !c->greeted && uv_now(c->loop) - c->accepted_ms >= GREETING_MS)
		drop_client(c, "no greeting, and another has come");
	/* Or the handle of the last one is still closing: the plugin comes again. */
	if (c->fd >= 0 || c->n_handles > 1) {
		c->stats.refused_busy += c->fd >= 0;
		close(fd);
		return;
	}
	/* A large table is listed in one go. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (uv_poll_init(c->loop, &c->client_poll, fd) != 0) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->client_poll.data = c;
	c->n_handles++;
	c->bad_here = 0;
	c->accepted_ms = uv_now(c->loop);
	c->stats.accepted++;
	uv_poll_start(&c->client_poll, UV_READABLE, client_ready);
}

/* A listening socket at path; -1 with errno set. */
static int
listen_at(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(sa.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	unlink(path);
	mode_t mask = umask(0177);
	int rc = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	umask(mask);
	if (rc != 0 || listen(fd, 4) != 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

struct channel *
channel_open(uv_loop_t *loop, const char *path, const struct channel_ops *ops, void *user,
	char *err, size_t errlen)
{
	struct channel *c = calloc(1, sizeof(*c));
	if (!c) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	c->loop = loop;
	c->ops = ops;
	c->user = user;
	c->fd = -1;
	c->allowed = geteuid();
	c->listener = listen_at(path);
	if (c->listener < 0 || uv_poll_init(loop, &c->listen_poll, c->listener) != 0) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		if (c->listener >= 0)
			close(c->listener);
		free(c);
		return NULL;
	}
	snprintf(c->path, sizeof(c->path), "%s", path);
	c->listen_poll.data = c;
	c->n_handles = 1;
	uv_poll_start(&c->listen_poll, UV_READABLE, listen_ready);
	return c;
}

void
channel_close(struct channel *c, void (*closed)(void *user))
{
	c->closing = true;
	c->closed = closed;
	drop_client(c, "stopping");
	uv_close((uv_handle_t *)&c->listen_poll, handle_closed);
	close(c->listener);
	unlink(c->path);
}

bool
channel_allow(struct channel *c, uid_t uid)
{
	c->allowed = uid;
	/* Whoever may not write to the socket's file does not get as far as our question. */
	return uid == geteuid() || chown(c->path, uid, (gid_t)-1) == 0;
}

bool
channel_connected(const struct channel *c)
{
	return c->greeted;
}

void
channel_stats(const struct channel *c, struct channel_stats *out)
{
	*out = c->stats;
	out->connected = c->greeted;
}
