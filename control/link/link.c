/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/link/link.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/core/log.h"
#include "control/link/internal.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/journal.h"
#include "dataplane/api/ring.h"

#define TICK_MS          20 /* safety net under the event descriptor; retries full rings */
#define RECONNECT_MS     500
#define HELLO_TIMEOUT_MS 5000

static void link_tick(uv_timer_t *t);

/* ------------------------------------------------------------------ life */

static void
handle_closed(uv_handle_t *h)
{
	struct link *l = h->data;
	if (--l->conn.n_handles == 0 && l->conn.freeing) {
		void (*closed)(void *user) = l->conn.closed;
		void *user = l->user;
		free(l);
		if (closed)
			closed(user);
	}
}

struct link *
link_new(uv_loop_t *loop, const char *path, const struct link_ops *ops, void *user)
{
	struct link *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->loop = loop;
	l->ops = ops;
	l->user = user;
	l->conn.path = path;
	l->conn.sock = l->conn.event_fd = l->conn.wake_fd = -1;
	STAILQ_INIT(&l->rec.queue);
	uv_timer_init(loop, &l->conn.tick);
	uv_prepare_init(loop, &l->conn.prepare);
	l->conn.tick.data = l->conn.prepare.data = l->conn.sock_poll.data =
		l->conn.event_poll.data = l;
	l->conn.n_handles = 2;
	uv_timer_start(&l->conn.tick, link_tick, 0, TICK_MS);
	uv_prepare_start(&l->conn.prepare, link_flush_wake);
	return l;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Back to "not connected"; tells nobody. */
static void
link_reset(struct link *l)
{
	if (l->conn.sock_polled) {
		uv_close((uv_handle_t *)&l->conn.sock_poll, handle_closed);
		l->conn.sock_polled = false;
	}
	if (l->conn.event_polled) {
		uv_close((uv_handle_t *)&l->conn.event_poll, handle_closed);
		l->conn.event_polled = false;
	}
	close_fd(&l->conn.sock);
	close_fd(&l->conn.event_fd);
	close_fd(&l->conn.wake_fd);
	if (l->map.header)
		munmap(l->map.header, l->map.size);
	l->map.header = NULL;
	slots_clear(&l->sessions);
	slots_clear(&l->sas);
	l->map.n_workers = 0;
	l->stats.unconfirmed = 0;
	link_queue_clear(l);
	l->connected = false;
	l->conn.next_try_ms = uv_now(l->loop) + RECONNECT_MS;
}

void
link_free(struct link *l, void (*closed)(void *user))
{
	l->conn.freeing = true;
	l->conn.closed = closed;
	link_reset(l);
	uv_close((uv_handle_t *)&l->conn.tick, handle_closed);
	uv_close((uv_handle_t *)&l->conn.prepare, handle_closed);
}

/* The connection failed or ended: say so (once per series of failures), and try again later. */
void
link_fail(struct link *l, const char *why)
{
	char path[160], reason[256];
	bool was_connected = l->connected;
	snprintf(l->conn.error, sizeof(l->conn.error), "%s", why);
	l->connected = false;
	if (was_connected) {
		log_event(LOG_ERR, "dataplane-lost", "reason=%s",
			log_quote(reason, sizeof(reason), why));
		l->ops->down(l->user, why);
	} else if (!l->conn.error_logged) {
		log_event(LOG_WARNING, "dataplane-unreachable", "socket=%s reason=%s",
			log_quote(path, sizeof(path), l->conn.path),
			log_quote(reason, sizeof(reason), why));
	}
	l->conn.error_logged = true;
	link_reset(l);
}

static void
event_ready(uv_poll_t *p, int status, int events)
{
	struct link *l = p->data;
	uint64_t count;
	(void)events;
	if (status < 0) {
		link_fail(l, uv_strerror(status));
		return;
	}
	ssize_t n = read(l->conn.event_fd, &count, sizeof(count));
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		link_fail(l, "the event descriptor broke");
		return;
	}
	uint64_t one = 1;
	if (link_drain(l) && write(l->conn.event_fd, &one, sizeof(one)) < 0)
		return; /* the tick goes on with it */
}

/* ------------------------------------------------------------------ connecting */

static void
link_fail_errno(struct link *l, const char *what, int err)
{
	char why[128];
	snprintf(why, sizeof(why), "%s: %s", what, strerror(err));
	link_fail(l, why);
}

static const char *
user_name(uid_t uid, char out[static 40])
{
	const struct passwd *pw = getpwuid(uid);
	if (pw)
		snprintf(out, 40, "%.32s", pw->pw_name);
	else
		snprintf(out, 40, "no. %u", (unsigned int)uid);
	return out;
}

/* Whose socket is it, and who are we? */
static void
link_fail_denied(struct link *l)
{
	char why[160], ours[40], theirs[40];
	struct stat st;
	if (stat(l->conn.path, &st) != 0 || st.st_uid == geteuid())
		snprintf(why, sizeof(why), "user %s may not connect", user_name(geteuid(), ours));
	else
		snprintf(why, sizeof(why), "control.user is %s here, but %s for the data plane",
			user_name(geteuid(), ours), user_name(st.st_uid, theirs));
	link_fail(l, why);
}

/* Checks the descriptor and the header, maps.  NULL, or what is wrong. */
static const char *
link_map(struct link *l, int fd, const struct segment_hello *hello)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) != (F_SEAL_SHRINK | F_SEAL_GROW))
		return "the segment's size is not sealed";
	if (fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof(struct segment_header) ||
		(uint64_t)st.st_size != hello->size)
		return "the segment's size is not what was announced";
	void *map = mmap(NULL, hello->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return "the segment can't be mapped";
	l->map.header = map;
	l->map.size = hello->size;
	/* One copy; only that is looked at, for the shared one may change. */
	struct segment_header h;
	memcpy(&h, l->map.header, sizeof(h));
	if (h.magic != SEGMENT_MAGIC)
		return "the segment has no header";
	if (h.version != SEGMENT_VERSION)
		return "the segment's version is another one";
	struct segment_header *lay = &l->map.offsets;
	memset(lay, 0, sizeof(*lay));
	if (segment_layout(lay, h.n_workers, h.max_sessions, h.max_sas) != hello->size ||
		h.size != hello->size)
		return "the segment's dimensions are not valid";
	if (h.command_ring != lay->command_ring || h.event_ring != lay->event_ring ||
		h.inject_ring != lay->inject_ring || h.worker_counters != lay->worker_counters ||
		h.node_counters != lay->node_counters ||
		h.session_counters != lay->session_counters || h.sessions != lay->sessions ||
		h.sa_counters != lay->sa_counters || h.sas != lay->sas ||
		h.journal_sessions != lay->journal_sessions ||
		h.journal_tunnels != lay->journal_tunnels ||
		memcmp(h.punt_rings, lay->punt_rings, h.n_workers * sizeof(h.punt_rings[0])) != 0)
		return "the segment's layout is another one";
	l->map.n_workers = h.n_workers;
	if (!slots_init(&l->sessions, h.max_sessions, COMMAND_SESSION_CLOSE) ||
		!slots_init(&l->sas, h.max_sas, COMMAND_SA_CLOSE))
		return "out of memory";
	return NULL;
}

void *
link_part(const struct link *l, uint64_t offset)
{
	return (uint8_t *)l->map.header + offset;
}

static void
link_attach(struct link *l)
{
	const struct segment_header *lay = &l->map.offsets;
	command_ring_attach(&l->rec.commands, link_part(l, lay->command_ring), true);
	ring_attach(&l->rec.injects, link_part(l, lay->inject_ring), INJECT_RING_CAPACITY,
		sizeof(struct frame_record), true);
	ring_attach(&l->rec.events, link_part(l, lay->event_ring), EVENT_RING_CAPACITY,
		sizeof(struct event), false);
	for (uint32_t i = 0; i < l->map.n_workers; i++) {
		ring_attach(&l->rec.punts[i], link_part(l, lay->punt_rings[i]), PUNT_RING_CAPACITY,
			sizeof(struct frame_record), false);
		/* Frames for an earlier control process. */
		for (uint32_t n = 0; n < PUNT_RING_CAPACITY && ring_consume(&l->rec.punts[i]); n++)
			ring_consumed(&l->rec.punts[i]);
	}
}

static void
link_hello(struct link *l, const struct segment_hello *hello, int fds[3])
{
	const char *why = link_map(l, fds[0], hello);
	if (!why)
		link_attach(l);
	l->conn.event_fd = fds[1];
	l->conn.wake_fd = fds[2];
	close(fds[0]);
	fds[0] = fds[1] = fds[2] = -1;
	if (!why && fcntl(l->conn.wake_fd, F_SETFL, O_NONBLOCK) != 0)
		why = "the wake descriptor can't be used";
	if (!why) {
		if (uv_poll_init(l->loop, &l->conn.event_poll, l->conn.event_fd) != 0) {
			why = "the event descriptor can't be polled";
		} else {
			l->conn.n_handles++;
			l->conn.event_polled = true;
			uv_poll_start(&l->conn.event_poll, UV_READABLE, event_ready);
		}
	}
	if (why) {
		link_fail(l, why);
		return;
	}
	l->connected = true;
	l->conn.error_logged = false;
	l->conn.error[0] = '\0';
	l->stats.connects++;
	char path[160];
	log_event(LOG_NOTICE, "dataplane-connected",
		"socket=%s workers=%u max_sessions=%u max_sas=%u",
		log_quote(path, sizeof(path), l->conn.path), l->map.n_workers, l->sessions.size,
		l->sas.size);
	l->ops->up(l->user);
	link_adopt_slots(l);
}

static void
link_receive(struct link *l)
{
	union {
		struct segment_hello hello;
		struct segment_refused refused;
	} m;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = &m, .iov_len = sizeof(m)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(l->conn.sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	int fds[3] = {-1, -1, -1};
	unsigned int n_fds = 0;
	for (struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&msg) : NULL; c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (n_fds < 3 && !l->connected)
				fds[n_fds] = fd;
			else
				close(fd);
			n_fds++;
		}
	}
	if (n < 0)
		link_fail_errno(l, "receive", errno);
	else if (n == 0)
		link_fail(l,
			l->connected ? "the data plane ended" : "the data plane closed the socket");
	else if (l->connected)
		l->stats.bad_records++; /* nothing is to come after the hello */
	else if (n == sizeof(m.refused) && m.refused.magic == SEGMENT_MAGIC &&
		 m.refused.reason == SEGMENT_REFUSED_CREDENTIALS)
		link_fail_denied(l);
	else if (n == sizeof(m.refused) && m.refused.magic == SEGMENT_MAGIC)
		link_fail(l, "refused: another adit-control is connected");
	else if (n != sizeof(m.hello) || m.hello.magic != SEGMENT_MAGIC || n_fds != 3 ||
		 (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		link_fail(l, "not a greeting of adit-dataplane");
	else if (m.hello.version != SEGMENT_VERSION)
		link_fail(l, "the data plane speaks another version: install both of one release");
	else
		link_hello(l, &m.hello, fds);
	for (unsigned int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void
sock_ready(uv_poll_t *p, int status, int events)
{
	struct link *l = p->data;
	(void)events;
	if (status < 0)
		link_fail(l, uv_strerror(status));
	else
		link_receive(l);
}

static void
link_connect(struct link *l)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	/* The previous attempt's handles are still closing. */
	if (l->conn.n_handles > 2)
		return;
	l->conn.next_try_ms = uv_now(l->loop) + RECONNECT_MS;
	if (strlen(l->conn.path) >= sizeof(sa.sun_path)) {
		link_fail(l, "the socket's path is too long");
		return;
	}
	strcpy(sa.sun_path, l->conn.path);
	l->conn.sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->conn.sock < 0 || connect(l->conn.sock, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		if (errno == EACCES)
			link_fail_denied(l);
		else
			link_fail_errno(l, "connect", errno);
		return;
	}
	if (uv_poll_init(l->loop, &l->conn.sock_poll, l->conn.sock) != 0) {
		link_fail(l, "the socket can't be polled");
		return;
	}
	l->conn.n_handles++;
	l->conn.sock_polled = true;
	l->conn.hello_deadline_ms = uv_now(l->loop) + HELLO_TIMEOUT_MS;
	uv_poll_start(&l->conn.sock_poll, UV_READABLE, sock_ready);
}

static void
link_tick(uv_timer_t *t)
{
	struct link *l = t->data;
	uint64_t now = uv_now(l->loop);
	if (l->connected) {
		link_queue_retry(l);
		link_drain(l);
		link_sweep(l);
	} else if (l->conn.sock >= 0) {
		if (now >= l->conn.hello_deadline_ms)
			link_fail(l, "the data plane does not answer");
	} else if (now >= l->conn.next_try_ms) {
		link_connect(l);
	}
}

/* ------------------------------------------------------------------ questions */

bool
link_connected(const struct link *l)
{
	return l->connected;
}

const char *
link_error(const struct link *l)
{
	return l->conn.error;
}

uint32_t
link_max_sessions(const struct link *l)
{
	return l->connected ? l->sessions.size : 0;
}

bool
link_view(const struct link *l, struct link_view *out)
{
	if (!l->connected)
		return false;
	*out = (struct link_view){.header = l->map.header,
		.workers = link_part(l, l->map.offsets.worker_counters),
		.nodes = link_part(l, l->map.offsets.node_counters),
		.n_workers = l->map.n_workers,
		.max_sessions = l->sessions.size};
	return true;
}

void
link_stats(const struct link *l, struct link_stats *out)
{
	*out = l->stats;
	out->queued = l->rec.n_queued;
}

void
link_counters(const struct link *l, uint32_t handle, struct session_counters *out)
{
	memset(out, 0, sizeof(*out));
	/* Also during down(), when nothing is "connected" any more. */
	if (!l->map.header || SESSION_SLOT(handle) >= l->sessions.size)
		return;
	const struct session_counters *all = link_part(l, l->map.offsets.session_counters);
	memcpy(out, &all[SESSION_SLOT(handle)], sizeof(*out));
}

bool
link_session_entry(const struct link *l, uint32_t handle, struct session_entry *out)
{
	memset(out, 0, sizeof(*out));
	if (!l->map.header || SESSION_SLOT(handle) >= l->sessions.size)
		return false;
	const struct session_entry *all = link_part(l, l->map.offsets.sessions);
	memcpy(out, &all[SESSION_SLOT(handle)], sizeof(*out));
	out->user[sizeof(out->user) - 1] = '\0';
	return handle != 0 && out->handle == handle;
}

struct journal
link_session_journal(const struct link *l)
{
	return l->map.header ? (struct journal){link_part(l, l->map.offsets.journal_sessions),
				       l->sessions.size}
			     : (struct journal){0};
}

struct journal
link_tunnel_journal(const struct link *l)
{
	return l->map.header ? (struct journal){link_part(l, l->map.offsets.journal_tunnels),
				       (uint32_t)JOURNAL_TUNNEL_CELLS(l->sessions.size)}
			     : (struct journal){0};
}

uint8_t
link_owner_worker(const struct link *l, uint32_t handle)
{
	if (!l->map.header || SESSION_SLOT(handle) >= l->sessions.size)
		return 0;
	const struct session_entry *table = link_part(l, l->map.offsets.sessions);
	uint8_t owner = table[SESSION_SLOT(handle)].owner;
	return owner < l->map.n_workers ? owner : 0;
}
