/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "channel.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <daemon.h>
#include <library.h>
#include <threading/condvar.h>
#include <threading/mutex.h>
#include <threading/thread.h>

#define RETRY_MS 250

/* A thread of charon that waits for its answer. */
struct waiter {
	struct waiter *next;
	uint64_t id;
	bool done;
	struct ike_message *m;
};

struct channel {
	const struct channel_ops *ops;
	void *user;
	char *path;
	thread_t *thread;
	mutex_t *lock;
	condvar_t *answered;
	struct waiter *waiters;
	uint64_t next_id, instance, started_us;
	int fd, wake_fd; /* fd: guarded by lock where it is not the channel's own thread */
	bool ready, stop, complained;
	uint64_t bad_records;
};

static void
fill(struct ike_message *m, uint64_t id)
{
	m->magic = IKE_MESSAGE_MAGIC;
	m->version = IKE_MESSAGE_VERSION;
	m->id = id;
}

/* With the lock held. */
static bool
put(struct channel *c, const struct ike_message *m)
{
	return c->fd >= 0 && send(c->fd, m, sizeof(*m), MSG_NOSIGNAL) == (ssize_t)sizeof(*m);
}

int
channel_ask(struct channel *c, struct ike_message *m)
{
	struct waiter w = {.m = m}, **at;
	timeval_t deadline;
	int rc;

	c->lock->lock(c->lock);
	w.id = ++c->next_id;
	fill(m, w.id);
	if (!c->ready || !put(c, m)) {
		c->lock->unlock(c->lock);
		return -ENOTCONN;
	}
	w.next = c->waiters;
	c->waiters = &w;
	time_monotonic(&deadline);
	deadline.tv_sec += CHANNEL_TIMEOUT_MS / 1000;
	while (!w.done && c->ready && !c->answered->timed_wait_abs(c->answered, c->lock, deadline))
		continue;
	for (at = &c->waiters; *at != &w; at = &(*at)->next)
		continue;
	*at = w.next;
	rc = w.done ? m->answer.error : c->ready ? -ETIMEDOUT : -ENOTCONN;
	c->lock->unlock(c->lock);
	return rc;
}

bool
channel_tell(struct channel *c, struct ike_message *m)
{
	fill(m, 0);
	c->lock->lock(c->lock);
	bool told = c->ready && put(c, m);
	c->lock->unlock(c->lock);
	return told;
}

/* ------------------------------------------------------------------ the channel's thread */

static void
hang_up(struct channel *c, const char *why)
{
	c->lock->lock(c->lock);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->ready = false;
	c->answered->broadcast(c->answered);
	c->lock->unlock(c->lock);
	if (!c->complained && !c->stop)
		DBG1(DBG_KNL, "kernel-adit: no connection to adit-control at %s: %s", c->path, why);
	c->complained = true;
}

static bool
good(const struct ike_message *m, ssize_t n)
{
	return n == (ssize_t)sizeof(*m) && m->magic == IKE_MESSAGE_MAGIC &&
	       m->version == IKE_MESSAGE_VERSION &&
	       (m->type == IKE_ANSWER
			       ? m->id != 0 && m->answer.error <= 0
			       : (m->type == IKE_EXPIRE || m->type == IKE_MAPPING) && m->spi);
}

static void
deliver(struct channel *c, const struct ike_message *m)
{
	struct waiter *w;

	c->lock->lock(c->lock);
	for (w = c->waiters; w && w->id != m->id; w = w->next)
		continue;
	if (w && !w->done) {
		*w->m = *m;
		w->done = true;
		c->answered->broadcast(c->answered);
	}
	c->lock->unlock(c->lock);
}

/* False: the connection is over. */
static bool
read_one(struct channel *c)
{
	struct ike_message m;
	ssize_t n = recv(c->fd, &m, sizeof(m), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	if (!good(&m, n)) {
		if (c->bad_records++ == 0)
			DBG1(DBG_KNL, "kernel-adit: ignoring invalid records of adit-control");
		return true;
	}
	if (m.type == IKE_ANSWER)
		deliver(c, &m);
	else
		c->ops->event(c->user, &m);
	memwipe(&m, sizeof(m));
	return true;
}

static void
list_one(void *arg, uint32_t spi, uint32_t ike_sa, const struct ike_outer *outer)
{
	struct channel *c = arg;
	struct ike_message m = {.type = IKE_LIST, .spi = spi, .ike_sa = ike_sa, .update = *outer};

	fill(&m, 0);
	put(c, &m);
}

/* Whoever asks from now on asks after the list. */
static void
list_ready(void *arg)
{
	struct channel *c = arg;
	struct ike_message m = {.type = IKE_LIST_END};

	c->lock->lock(c->lock);
	fill(&m, ++c->next_id);
	c->ready = put(c, &m);
	c->lock->unlock(c->lock);
}

/* Control answers the hello, or closes. */
static const char *
greet(struct channel *c)
{
	struct ike_message m = {
		.type = IKE_HELLO, .hello = {.instance = c->instance, .started_us = c->started_us}};
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	strncpy(m.hello.strongswan, ADIT_STRONGSWAN, sizeof(m.hello.strongswan) - 1);
	fill(&m, 1);
	if (!put(c, &m))
		return strerror(errno);
	if (poll(&p, 1, CHANNEL_TIMEOUT_MS) != 1)
		return "it does not answer";
	ssize_t n = recv(c->fd, &m, sizeof(m), MSG_DONTWAIT | MSG_TRUNC);
	if (n == 0)
		return "it hangs up: another charon is connected, or this user may not";
	if (!good(&m, n) || m.type != IKE_ANSWER)
		return "it speaks another version: install both of one release";
	return m.answer.error ? strerror(-m.answer.error) : NULL;
}

/* Only root, or whoever runs charon, may answer for the data plane. */
static bool
may_be_control(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void
connect_once(struct channel *c)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	const char *why = NULL;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strncpy(sa.sun_path, c->path, sizeof(sa.sun_path) - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0)
		why = strerror(errno);
	else if (!may_be_control(fd))
		why = "a stranger listens there";
	c->fd = fd;
	if (!why)
		why = greet(c);
	if (why) {
		hang_up(c, why);
		return;
	}
	c->complained = false;
	DBG1(DBG_KNL, "kernel-adit: connected to adit-control");
	c->ops->list(c->user, list_one, list_ready, c);
}

static void *
channel_main(struct channel *c)
{
	while (!c->stop) {
		if (c->fd < 0)
			connect_once(c);
		struct pollfd p[2] = {
			{.fd = c->wake_fd, .events = POLLIN}, {.fd = c->fd, .events = POLLIN}};
		if (poll(p, 2, c->fd < 0 ? RETRY_MS : -1) < 0 && errno != EINTR)
			break;
		if (c->fd >= 0 && p[1].revents && !read_one(c))
			hang_up(c, "it is gone");
	}
	hang_up(c, "stopping");
	return NULL;
}

struct channel *
channel_create(const char *path, const struct channel_ops *ops, void *user)
{
	struct channel *c = calloc(1, sizeof(*c));
	struct timespec now;

	if (!c)
		return NULL;
	clock_gettime(CLOCK_MONOTONIC, &now);
	c->started_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	rng_t *rng = lib->crypto->create_rng(lib->crypto, RNG_WEAK);
	if (!rng || !rng->get_bytes(rng, sizeof(c->instance), (uint8_t *)&c->instance))
		c->instance = c->started_us ^ (uint64_t)getpid() << 48;
	DESTROY_IF(rng);
	c->instance |= 1;
	c->ops = ops;
	c->user = user;
	c->path = strdup(path);
	c->fd = -1;
	c->next_id = 1;
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->lock = mutex_create(MUTEX_TYPE_DEFAULT);
	c->answered = condvar_create(CONDVAR_TYPE_DEFAULT);
	c->thread = thread_create((thread_main_t)channel_main, c);
	return c;
}

void
channel_destroy(struct channel *c)
{
	uint64_t one = 1;

	if (!c)
		return;
	c->stop = true;
	if (c->thread && write(c->wake_fd, &one, sizeof(one)) == sizeof(one))
		c->thread->join(c->thread);
	close(c->wake_fd);
	c->answered->destroy(c->answered);
	c->lock->destroy(c->lock);
	free(c->path);
	free(c);
}
