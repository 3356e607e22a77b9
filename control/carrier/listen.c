/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/carrier/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/core/log.h"

#define LISTEN_BACKLOG 1024
#define LISTEN_TRIES   10
#define LISTEN_WAIT_MS 200
#define KEEP_IDLE_S    60 /* of silence, then ten questions, one a second */

/* Linux gives them to what is accepted, which saves five system calls a connection. */
static bool
set_inherited(int fd)
{
	int on = 1, idle = KEEP_IDLE_S, interval = 1, count = 10;
	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == 0 &&
	       setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)) == 0 &&
	       setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval)) == 0 &&
	       setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count)) == 0;
}

struct listener {
	uv_tcp_t tcp; /* first */
	struct listeners *all;
	uint32_t ip;
};

/* A bound socket, or a negative errno. IP_FREEBIND: the address may come later, with the data
 * plane's TAP. */
static int
listener_socket(uint32_t ip, uint16_t port)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
	int on = 1, err;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) == 0 &&
		bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && set_inherited(fd) &&
		listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

/* A predecessor may still be about to end. */
static int
patient_socket(uint32_t ip, uint16_t port, int tries)
{
	int fd = -EADDRINUSE;
	for (int i = 0; i < tries && fd == -EADDRINUSE; i++) {
		if (i > 0)
			usleep(LISTEN_WAIT_MS * 1000);
		fd = listener_socket(ip, port);
	}
	return fd;
}

static void
listener_closed(uv_handle_t *h)
{
	struct listener *one = (struct listener *)h;
	struct listeners *l = one->all;
	free(one);
	handles_closed(l->handles);
}

static void
listener_ready(uv_stream_t *server, int status)
{
	struct listeners *l = ((struct listener *)server)->all;
	if (status >= 0)
		l->ready(l->user, server);
	else if (refuse_may_log(l->refusals, REFUSAL_NO_RESOURCES, 0))
		log_event(LOG_ERR, "accept-failed", "error=\"%s\"", uv_strerror(status));
}

uint32_t
listener_address(const uv_stream_t *listener)
{
	return ((const struct listener *)listener)->ip;
}

/* Takes the descriptor. */
static int
begin(struct listeners *l, uint32_t ip, uint16_t port, int fd)
{
	char text[16];
	struct listener *one = calloc(1, sizeof(*one));
	if (!one) {
		close(fd);
		return UV_ENOMEM;
	}
	one->all = l;
	one->ip = ip;
	uv_tcp_init(l->loop, &one->tcp);
	handles_add(l->handles, 1);
	l->open[l->n++] = one;
	int rc = uv_tcp_open(&one->tcp, fd);
	if (rc != 0) {
		close(fd);
		return rc;
	}
	rc = uv_listen((uv_stream_t *)&one->tcp, LISTEN_BACKLOG, listener_ready);
	if (rc == 0)
		log_event(LOG_INFO, "listening", "protocol=%s address=%s port=%u", l->protocol,
			log_ip(text, ip), port);
	return rc;
}

static bool
is_open(const struct listeners *l, uint32_t ip)
{
	for (unsigned int i = 0; i < l->n; i++)
		if (l->open[i]->ip == ip)
			return true;
	return false;
}

static bool
cannot(uint32_t ip, uint16_t port, const char *why, const char *more, char *err, size_t errlen)
{
	char text[16];
	snprintf(
		err, errlen, "can't listen on %s port %u: %s%s", log_ip(text, ip), port, why, more);
	return false;
}

/* What is not open yet, into l->next. */
static bool
bind_new(struct listeners *l, const uint32_t *addresses, unsigned int n, uint16_t port, int tries,
	const char *in_use, char *err, size_t errlen)
{
	l->next.n = 0;
	l->next.due = true;
	for (unsigned int i = 0; i < n; i++) {
		int fd = is_open(l, addresses[i]) ? -1 : patient_socket(addresses[i], port, tries);
		if (fd < -1) {
			listeners_abort(l);
			return cannot(addresses[i], port, strerror(-fd),
				fd == -EADDRINUSE ? in_use : "", err, errlen);
		}
		l->next.ip[i] = addresses[i];
		l->next.fd[i] = fd;
		l->next.n++;
	}
	return true;
}

/* Every descriptor is taken, also after a failure. */
static bool
begin_new(struct listeners *l, uint16_t port, char *err, size_t errlen)
{
	bool ok = true;
	for (unsigned int i = 0; i < l->next.n; i++) {
		int rc = l->next.fd[i] < 0 ? 0 : begin(l, l->next.ip[i], port, l->next.fd[i]);
		if (rc != 0)
			ok = cannot(l->next.ip[i], port, uv_strerror(rc), "", err, errlen);
	}
	l->next.due = false;
	return ok;
}

bool
listeners_open(struct listeners *l, const uint32_t *addresses, unsigned int n, uint16_t port,
	char *err, size_t errlen)
{
	return bind_new(l, addresses, n, port, LISTEN_TRIES, " (does another PPTP server run?)",
		       err, errlen) &&
	       begin_new(l, port, err, errlen);
}

bool
listeners_prepare(struct listeners *l, const uint32_t *addresses, unsigned int n, uint16_t port,
	char *err, size_t errlen)
{
	return bind_new(l, addresses, n, port, 1,
		" (from 0.0.0.0 to one address, or back, adit-control has to be started again)",
		err, errlen);
}

static void
close_one(struct listeners *l, unsigned int i)
{
	struct listener *one = l->open[i];
	l->open[i] = l->open[--l->n];
	uv_close((uv_handle_t *)&one->tcp, listener_closed);
}

static bool
is_wanted(const struct listeners *l, uint32_t ip)
{
	for (unsigned int i = 0; i < l->next.n; i++)
		if (l->next.ip[i] == ip)
			return true;
	return false;
}

void
listeners_change(struct listeners *l, uint16_t port)
{
	char err[160], ip[16];
	if (!l->next.due)
		return;
	for (unsigned int i = l->n; i-- > 0;) {
		if (is_wanted(l, l->open[i]->ip))
			continue;
		log_event(LOG_INFO, "not-listening", "protocol=%s address=%s port=%u", l->protocol,
			log_ip(ip, l->open[i]->ip), port);
		close_one(l, i);
	}
	if (!begin_new(l, port, err, sizeof(err)))
		log_event(LOG_ERR, "listen-failed", "text=\"%s\"", err);
}

void
listeners_abort(struct listeners *l)
{
	for (unsigned int i = 0; i < l->next.n; i++)
		if (l->next.fd[i] >= 0)
			close(l->next.fd[i]);
	l->next.n = 0;
	l->next.due = false;
}

void
listeners_close(struct listeners *l)
{
	while (l->n > 0)
		close_one(l, l->n - 1);
}
