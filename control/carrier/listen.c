/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/carrier/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
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
patient_socket(uint32_t ip, uint16_t port)
{
	int fd = -EADDRINUSE;
	for (int i = 0; i < LISTEN_TRIES && fd == -EADDRINUSE; i++) {
		if (i > 0)
			usleep(LISTEN_WAIT_MS * 1000);
		fd = listener_socket(ip, port);
	}
	return fd;
}

static void
listener_closed(uv_handle_t *h)
{
	struct listeners *l = h->data;
	handles_closed(l->handles);
}

static void
listener_ready(uv_stream_t *server, int status)
{
	struct listeners *l = server->data;
	if (status >= 0)
		l->ready(l->user, server);
	else if (refuse_may_log(l->refusals, REFUSAL_NO_RESOURCES, 0))
		log_event(LOG_ERR, "accept-failed", "error=\"%s\"", uv_strerror(status));
}

uint32_t
listener_address(const uv_stream_t *listener)
{
	const struct listeners *l = listener->data;
	return l->addresses[(const uv_tcp_t *)listener - l->tcp];
}

/* Takes the descriptor. */
static int
begin(struct listeners *l, int fd, uint32_t address)
{
	l->addresses[l->n] = address;
	uv_tcp_t *tcp = &l->tcp[l->n++];
	uv_tcp_init(l->loop, tcp);
	tcp->data = l;
	handles_add(l->handles, 1);
	int rc = uv_tcp_open(tcp, fd);
	if (rc != 0) {
		close(fd);
		return rc;
	}
	return uv_listen((uv_stream_t *)tcp, LISTEN_BACKLOG, listener_ready);
}

static bool
bind_all(const uint32_t *addresses, unsigned int n, uint16_t port, int *fds, char *err,
	size_t errlen)
{
	char ip[16];
	for (unsigned int i = 0; i < n; i++) {
		fds[i] = patient_socket(addresses[i], port);
		if (fds[i] >= 0)
			continue;
		snprintf(err, errlen, "can't listen on %s port %u: %s%s", log_ip(ip, addresses[i]),
			port, strerror(-fds[i]),
			fds[i] == -EADDRINUSE ? " (does another PPTP server run?)" : "");
		while (i-- > 0)
			close(fds[i]);
		return false;
	}
	return true;
}

bool
listeners_open(struct listeners *l, const uint32_t *addresses, unsigned int n, uint16_t port,
	const char *protocol, char *err, size_t errlen)
{
	int fds[CONFIG_MAX_LISTEN];
	char ip[16];
	if (!bind_all(addresses, n, port, fds, err, errlen))
		return false;
	for (unsigned int i = 0; i < n; i++) {
		int rc = begin(l, fds[i], addresses[i]);
		if (rc != 0) {
			snprintf(err, errlen, "can't listen on %s port %u: %s",
				log_ip(ip, addresses[i]), port, uv_strerror(rc));
			while (++i < n)
				close(fds[i]);
			return false;
		}
		log_event(LOG_INFO, "listening", "protocol=%s address=%s port=%u", protocol,
			log_ip(ip, addresses[i]), port);
	}
	return true;
}

void
listeners_close(struct listeners *l)
{
	while (l->n > 0)
		uv_close((uv_handle_t *)&l->tcp[--l->n], listener_closed);
}
