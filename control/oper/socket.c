/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each client has at most one answer under way: the next request is looked at when the answer was
 * taken by the kernel, and reading stops meanwhile.  So one client holds one request buffer and one
 * answer, and clients take turns.
 */
#include "control/oper/socket.h"

#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/oper/audit.h"
#include "control/oper/listen.h"

#define TICK_MS 250

struct client {
	TAILQ_ENTRY(client) entry;
	struct oper *oper;
	uv_pipe_t pipe;
	uv_write_t write;
	struct rpc_context context;
	char *answer;          /* being written, or NULL */
	uint64_t answer_since; /* loop time */
	uint64_t last_request;
	unsigned int garbage; /* bad requests in a row */
	bool eof;             /* the peer sends no more */
	bool last;            /* close after the answer */
	size_t len;
	char buf[RPC_REQUEST_MAX + 1]; /* a line and its newline */
};

struct oper {
	uv_loop_t *loop;
	struct gateway *gateway;
	struct oper_gids groups;
	uid_t starter;
	uv_pipe_t listener;
	uv_timer_t timer;
	unsigned int handles; /* listener and timer still open */
	bool stopping;
	dev_t dev; /* of the socket file, to remove no other */
	ino_t ino;
	struct oper_limits limits;
	struct oper_counters counters;
	unsigned int others; /* clients that are no admins */
	TAILQ_HEAD(, client) clients;
	char path[128];
};

static bool
is_member(const gid_t *gids, size_t n_gids, gid_t group)
{
	for (size_t i = 0; i < n_gids && group != (gid_t)-1; i++)
		if (gids[i] == group)
			return true;
	return false;
}

enum oper_role
oper_role_of(
	uid_t uid, const gid_t *gids, size_t n_gids, uid_t starter, const struct oper_gids *groups)
{
	if (uid == 0 || uid == starter)
		return OPER_ADMIN;
	if (is_member(gids, n_gids, groups->operate))
		return OPER_OPERATE;
	return is_member(gids, n_gids, groups->read) ? OPER_READ : OPER_NONE;
}

/* Its place counts against max_others. */
static bool
is_other(const struct client *c)
{
	return c->context.role == OPER_READ || c->context.role == OPER_OPERATE;
}

static void
free_when_empty(struct oper *o)
{
	if (o->stopping && o->handles == 0 && TAILQ_EMPTY(&o->clients))
		free(o);
}

static void
on_client_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;
	struct oper *o = c->oper;

	TAILQ_REMOVE(&o->clients, c, entry);
	o->counters.clients--;
	if (is_other(c))
		o->others--;
	free(c->answer);
	free(c);
	free_when_empty(o);
}

static void
close_client(struct client *c)
{
	if (!uv_is_closing((uv_handle_t *)&c->pipe))
		uv_close((uv_handle_t *)&c->pipe, on_client_closed);
}

static void serve(struct client *c);

static void
on_written(uv_write_t *req, int status)
{
	struct client *c = req->data;

	free(c->answer);
	c->answer = NULL;
	if (status != 0 || c->last)
		close_client(c);
	else if (!uv_is_closing((uv_handle_t *)&c->pipe))
		serve(c);
}

/* Takes over answer; NULL (out of memory) ends the connection. */
static void
send_answer(struct client *c, char *answer, size_t len)
{
	uv_buf_t buf = uv_buf_init(answer, (unsigned int)len);

	c->answer = answer;
	c->answer_since = uv_now(c->oper->loop);
	c->write.data = c;
	uv_read_stop((uv_stream_t *)&c->pipe);
	if (answer == NULL ||
		uv_write(&c->write, (uv_stream_t *)&c->pipe, &buf, 1, on_written) != 0)
		close_client(c);
}

/* Say why, then close. */
static void
send_last(struct client *c, enum rpc_code code, const char *message)
{
	size_t len = 0;
	char *line = rpc_error_line(code, message, &len);

	c->last = true;
	send_answer(c, line, len);
}

/* The length of the next line and how much to consume; false when there is none yet. */
static bool
next_line(const struct client *c, size_t *len, size_t *consumed)
{
	const char *end = memchr(c->buf, '\n', c->len);

	if (end == NULL && !(c->eof && c->len > 0))
		return false;
	*len = end != NULL ? (size_t)(end - c->buf) : c->len;
	*consumed = end != NULL ? *len + 1 : c->len;
	return true;
}

static bool
is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static void
handle_line(struct client *c, size_t len, size_t consumed)
{
	struct oper *o = c->oper;
	size_t answer_len = 0;
	char *answer = NULL;
	bool bad = false;

	if (!is_blank(c->buf, len)) {
		o->counters.requests++;
		answer = rpc_handle(&c->context, c->buf, len, &answer_len, &bad);
		o->counters.bad_requests += bad;
		c->garbage = bad ? c->garbage + 1 : 0;
	}
	c->len -= consumed;
	memmove(c->buf, c->buf + consumed, c->len);
	if (c->garbage >= o->limits.garbage) {
		o->counters.dropped_garbage++;
		c->last = true;
	}
	if (answer != NULL)
		send_answer(c, answer, answer_len);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

/* Answer what is in the buffer, until an answer is under way; then read on. */
static void
serve(struct client *c)
{
	size_t len, consumed;

	while (c->answer == NULL && next_line(c, &len, &consumed))
		handle_line(c, len, consumed);
	if (c->answer != NULL || uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	if (c->eof) {
		close_client(c);
	} else if (c->len == sizeof(c->buf)) {
		c->oper->counters.oversized++;
		send_last(c, RPC_LIMIT, "a request has at most 65536 octets");
	} else {
		uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
	}
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *c = handle->data;

	(void)suggested;
	*buf = uv_buf_init(c->buf + c->len, (unsigned int)(sizeof(c->buf) - c->len));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = stream->data;

	(void)buf;
	if (n == 0)
		return;
	if (n < 0 && n != UV_EOF) {
		close_client(c);
		return;
	}
	uv_read_stop(stream);
	if (n == UV_EOF)
		c->eof = true;
	else
		c->len += (size_t)n;
	c->last_request = uv_now(c->oper->loop);
	serve(c);
}

/* Who is it, and is there room?  Sets the role; false after a refusal was sent. */
static bool
admit(struct client *c)
{
	struct oper *o = c->oper;
	struct oper_peer peer;
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&c->pipe, &fd) == 0 && oper_peer(fd, &peer)) {
		c->context.uid = peer.uid;
		c->context.pid = peer.pid;
		c->context.role =
			oper_role_of(peer.uid, peer.gids, peer.n_gids, o->starter, &o->groups);
	}
	if (is_other(c))
		o->others++;
	if (c->context.role == OPER_NONE) {
		o->counters.refused_credentials++;
		audit_denied(&c->context, "connect", "neither root nor of the socket's groups");
		send_last(c, RPC_DENIED,
			"only root, the user who started adit-control and members of its socket "
			"groups are served");
	} else if (o->counters.clients > o->limits.max_clients ||
		   (is_other(c) && o->others > o->limits.max_others)) {
		o->counters.refused_full++;
		send_last(c, RPC_LIMIT,
			"too many clients on this socket: close one, or try again later");
	} else {
		return true;
	}
	return false;
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct oper *o = listener->data;
	struct client *c;

	if (status != 0 || (c = calloc(1, sizeof(*c))) == NULL)
		return;
	c->oper = o;
	c->pipe.data = c;
	c->last_request = uv_now(o->loop);
	c->context.gateway = o->gateway;
	c->context.counters = &o->counters;
	uv_pipe_init(o->loop, &c->pipe, 0);
	TAILQ_INSERT_TAIL(&o->clients, c, entry);
	o->counters.clients++;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) != 0) {
		close_client(c);
		return;
	}
	o->counters.accepted++;
	if (admit(c))
		serve(c);
}

static void
on_tick(uv_timer_t *timer)
{
	struct oper *o = timer->data;
	uint64_t now = uv_now(o->loop);
	struct client *c;

	audit_turn();
	TAILQ_FOREACH (c, &o->clients, entry) {
		if (uv_is_closing((uv_handle_t *)&c->pipe))
			continue;
		if (c->answer != NULL && now - c->answer_since >= o->limits.write_timeout_ms) {
			o->counters.dropped_slow++;
			close_client(c);
		} else if (c->answer == NULL &&
			   now - c->last_request >= o->limits.idle_timeout_ms) {
			o->counters.dropped_idle++;
			close_client(c);
		}
	}
}

static bool
find_group(const char *setting, const char *group, gid_t *gid, char *err, size_t errlen)
{
	*gid = (gid_t)-1;
	if (group == NULL || group[0] == '\0')
		return true;
	const struct group *g = getgrnam(group);
	if (g != NULL)
		*gid = g->gr_gid;
	else
		snprintf(err, errlen, "control.%s: there is no group \"%s\"", setting, group);
	return g != NULL;
}

static void
init_handles(struct oper *o)
{
	uv_pipe_init(o->loop, &o->listener, 0);
	uv_timer_init(o->loop, &o->timer);
	o->listener.data = o;
	o->timer.data = o;
	o->handles = 2;
}

struct oper *
oper_start(uv_loop_t *loop, struct gateway *g, const char *path, const struct oper_groups *groups,
	char *err, size_t errlen)
{
	static const struct oper_limits defaults = {.max_clients = 32,
		.max_others = 24,
		.garbage = 16,
		.write_timeout_ms = 10000,
		.idle_timeout_ms = 600000};
	struct oper_gids gids;
	struct stat st;

	if (!find_group("socket_group", groups->read, &gids.read, err, errlen) ||
		!find_group("operate_group", groups->operate, &gids.operate, err, errlen))
		return NULL;
	struct oper *o = calloc(1, sizeof(*o));
	if (o == NULL) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	int fd = oper_listen(path, gids.read != (gid_t)-1 ? gids.read : gids.operate, err, errlen);
	if (fd < 0) {
		free(o);
		return NULL;
	}
	/* A client that leaves before its answer: libuv's writes would raise it. */
	signal(SIGPIPE, SIG_IGN);
	o->loop = loop;
	o->gateway = g;
	o->groups = gids;
	o->starter = geteuid();
	o->limits = defaults;
	TAILQ_INIT(&o->clients);
	snprintf(o->path, sizeof(o->path), "%s", path);
	if (stat(path, &st) == 0) {
		o->dev = st.st_dev;
		o->ino = st.st_ino;
	}
	init_handles(o);
	int r = uv_pipe_open(&o->listener, fd);
	if (r == 0)
		r = uv_listen((uv_stream_t *)&o->listener, 16, on_connection);
	if (r != 0) {
		snprintf(err, errlen, "%s: %s", path, uv_strerror(r));
		oper_stop(o);
		return NULL;
	}
	uv_timer_start(&o->timer, on_tick, TICK_MS, TICK_MS);
	return o;
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct oper *o = handle->data;

	o->handles--;
	free_when_empty(o);
}

void
oper_stop(struct oper *o)
{
	struct client *c;
	struct stat st;

	if (o == NULL || o->stopping)
		return;
	o->stopping = true;
	if (stat(o->path, &st) == 0 && st.st_dev == o->dev && st.st_ino == o->ino)
		unlink(o->path);
	TAILQ_FOREACH (c, &o->clients, entry)
		close_client(c);
	uv_close((uv_handle_t *)&o->listener, on_handle_closed);
	uv_close((uv_handle_t *)&o->timer, on_handle_closed);
}

void
oper_set_limits(struct oper *o, const struct oper_limits *limits)
{
	o->limits = *limits;
}

const struct oper_counters *
oper_counters(const struct oper *o)
{
	return &o->counters;
}
