/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/dialer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/gre.h"
#include "control/l2tp/client.h"
#include "control/ppp/client.h"
#include "control/pptp/client.h"

#define PPTP_BASE 0x7f010001u /* 127.1.0.1: the first client's address */
#define TEST_BASE 0xc6120001u /* 198.18.0.1, RFC 2544: others' */
#define SERVER_IP 0xc0000201u
#define TICK_MS   50 /* timers of those who dial are looked at */
#define PATIENCE  10000
#define EVENTS    256

enum dial_state { DIAL_IDLE, DIAL_CONNECTING, DIAL_DIALLING, DIAL_UP, DIAL_FAILED };

struct dial {
	TAILQ_ENTRY(dial) next; /* of those who dial */
	struct dialer *dialer;
	enum dial_state state;
	unsigned int index;
	int fd;
	uint32_t handle; /* 0: not known yet */
	bool called;     /* PPP may start as soon as the handle is known */
	uint64_t began_ns;
	double took_ms;
	char user[16];
	struct ppp_client ppp;
	struct gre_call gre; /* through a whole gateway */
	union {
		struct pptp_client pptp;
		struct {
			struct l2tp_client client;
			struct l2tp_client_message queue[4];
			struct l2tp_client_session session;
		} l2tp;
	};
};

struct dialer {
	struct dialer_config cfg;
	struct played *played;
	struct dial *dials;
	uint32_t *by_slot; /* index + 1 */
	TAILQ_HEAD(, dial) active;
	unsigned int n_active, n_begun, n_up, n_failed;
	int epoll, gre;
	uint64_t now_ns, first_ns, last_ns, ticked_ms;
	uint64_t frames, repeats;
};

static uint64_t
ms(const struct dialer *d)
{
	return d->now_ns / 1000000;
}

static void
settle(struct dial *c, enum dial_state state)
{
	struct dialer *d = c->dialer;

	if (c->state == DIAL_UP || c->state == DIAL_FAILED)
		return;
	c->state = state;
	d->last_ns = bench_clock_ns();
	c->took_ms = (double)(d->last_ns - c->began_ns) / 1e6;
	if (state == DIAL_UP)
		d->n_up++;
	else
		d->n_failed++;
	TAILQ_REMOVE(&d->active, c, next);
	d->n_active--;
}

/* ------------------------------------------------------------------ PPP */

static void
ppp_out(void *user, const uint8_t *frame, size_t len)
{
	struct dial *c = user;

	c->dialer->frames++;
	if (c->dialer->cfg.through)
		gre_send(c->dialer->gre, &c->gre, frame, len);
	else
		played_punt(c->dialer->played, c->handle, frame, len);
}

static void
ppp_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	bench_must(getrandom(buf, len, 0) == (ssize_t)len, "getrandom");
}

static void
ppp_up(void *user, const struct ppp_client *p)
{
	(void)p;
	settle(user, DIAL_UP);
}

static void
ppp_down(void *user, enum refusal_code code, const char *text)
{
	struct dial *c = user;

	if (c->dialer->n_failed == 0)
		fprintf(stderr, "bench: the first that fails, %s: %s (%s)\n", c->user,
			refusal_name(code), text);
	settle(c, DIAL_FAILED);
}

static const struct ppp_client_ops ppp_ops = {
	.send = ppp_out, .random = ppp_random, .up = ppp_up, .down = ppp_down};

static void
ppp_begin(struct dial *c)
{
	if (c->called && c->handle && c->state == DIAL_DIALLING)
		ppp_client_start(&c->ppp, ms(c->dialer));
}

/* ------------------------------------------------------------------ PPTP */

static void
pptp_out(void *user, const uint8_t *bytes, size_t len)
{
	struct dial *c = user;

	if (send(c->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
		settle(c, DIAL_FAILED);
}

static void
pptp_up(void *user, const struct pptp_client *p)
{
	struct dial *c = user;

	c->called = true;
	c->gre.peer_call_id = p->peer_call_id;
	if (c->dialer->cfg.through)
		c->handle = 1;
	ppp_begin(c);
}

static const struct pptp_client_ops pptp_ops = {
	.send = pptp_out, .call_up = pptp_up, .call_down = ppp_down, .closed = ppp_down};

static uint32_t
address_of(const struct dial *c)
{
	const struct dialer_config *cfg = &c->dialer->cfg;

	return (cfg->protocol == DIALER_PPTP && !cfg->through ? PPTP_BASE : TEST_BASE) + c->index;
}

static void
pptp_dial(struct dial *c)
{
	uint32_t through = c->dialer->cfg.through;
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address_of(c))},
			   to = {.sin_family = AF_INET,
				   .sin_port = htons(c->dialer->cfg.port),
				   .sin_addr.s_addr = htonl(through ? through : INADDR_LOOPBACK)};
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bench_must(c->fd >= 0, "socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	bench_must(bind(c->fd, (struct sockaddr *)&from, sizeof(from)) == 0, "bind");
	bench_must(connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS,
		"connect");
	bench_must(epoll_ctl(c->dialer->epoll, EPOLL_CTL_ADD, c->fd, &e) == 0, "epoll");
	c->state = DIAL_CONNECTING;
}

static void
tcp_ready(struct dial *c, uint32_t events)
{
	uint8_t bytes[1024];
	ssize_t n;

	if (c->state == DIAL_CONNECTING && events & EPOLLOUT) {
		c->state = DIAL_DIALLING;
		pptp_client_start(&c->pptp, ms(c->dialer));
	}
	if (!(events & EPOLLIN))
		return;
	while ((n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		pptp_client_input(&c->pptp, bytes, (size_t)n, ms(c->dialer));
	if (n == 0 || errno != EAGAIN)
		pptp_client_eof(&c->pptp, ms(c->dialer));
}

/* ------------------------------------------------------------------ L2TP */

static void
l2tp_out(void *user, const uint8_t *bytes, size_t len)
{
	struct dial *c = user;
	struct sa_outer inner = {SERVER_IP, address_of(c), L2TP_PORT, L2TP_PORT};

	c->dialer->frames++;
	played_punt_l2tp(c->dialer->played, &inner, bytes, len);
}

static void
l2tp_tunnel(void *user)
{
	struct dial *c = user;

	l2tp_client_call(&c->l2tp.client, 1);
}

static void
l2tp_session(void *user, struct l2tp_client_session *s)
{
	struct dial *c = user;

	(void)s;
	c->called = true;
	ppp_begin(c);
}

static void
l2tp_session_down(void *user, struct l2tp_client_session *s)
{
	(void)s;
	ppp_down(user, REFUSAL_NONE, "CDN");
}

static const struct l2tp_client_ops l2tp_ops = {.send = l2tp_out,
	.random = ppp_random,
	.tunnel_up = l2tp_tunnel,
	.session_up = l2tp_session,
	.session_down = l2tp_session_down,
	.over = ppp_down};

/* ------------------------------------------------------------------ what control says */

static struct dial *
of_address(struct dialer *d, uint32_t ip)
{
	uint32_t i = ip - address_of(&d->dials[0]);

	return i < d->cfg.clients ? &d->dials[i] : NULL;
}

static void
on_added(void *user, const struct command *cmd)
{
	struct dialer *d = user;
	struct dial *c = of_address(d, cmd->add.peer_ip);

	if (!c)
		return;
	c->handle = cmd->handle;
	d->by_slot[SESSION_SLOT(cmd->handle)] = c->index + 1;
	ppp_begin(c);
}

static void
on_frame(void *user, uint32_t handle, const uint8_t *frame, size_t len)
{
	struct dialer *d = user;
	uint32_t i = d->by_slot[SESSION_SLOT(handle)];

	if (i != 0 && d->dials[i - 1].handle == handle)
		ppp_client_input(&d->dials[i - 1].ppp, frame, len, ms(d));
}

static void
on_l2tp(void *user, const struct sa_outer *inner, const uint8_t *message, size_t len)
{
	struct dialer *d = user;
	struct dial *c = of_address(d, inner->peer_ip);

	if (c)
		l2tp_client_input(&c->l2tp.client, message, len, ms(d));
}

/* Through a whole gateway: packets, not records. */
static void
hear_gre(struct dialer *d)
{
	uint8_t buf[2048];
	struct gre_packet p;
	struct dial *c;

	while (gre_receive(d->gre, buf, sizeof(buf), &p)) {
		c = of_address(d, p.to);
		if (!c || !c->called || p.len < 2 || p.call_id != c->pptp.cfg.call_id)
			continue;
		c->gre.heard = true;
		c->gre.received = p.sequence;
		ppp_client_input(&c->ppp, p.frame, p.len, ms(d));
	}
}

/* ------------------------------------------------------------------ dialling */

static void
prepare(struct dialer *d, struct dial *c)
{
	struct ppp_client_config pc = {.auth = PPP_AUTH_MSCHAPV2,
		.user = c->user,
		.password = d->cfg.password,
		.mru = 1400,
		.dns = true,
		.mppe = d->cfg.protocol == DIALER_PPTP ? PPP_MPPE_128 : 0,
		.mppe_required = d->cfg.protocol == DIALER_PPTP};

	c->gre.client_ip = address_of(c);
	c->gre.gateway_ip = d->cfg.through;
	ppp_client_init(&c->ppp, &pc, &ppp_ops, c);
	if (d->cfg.protocol == DIALER_PPTP)
		pptp_client_init(&c->pptp,
			&(struct pptp_client_config){
				.host_name = "client", .call_id = 1, .recv_window = 64},
			&pptp_ops, c);
	else
		l2tp_client_init(&c->l2tp.client,
			&(struct l2tp_client_config){.id = (uint16_t)(c->index + 1)},
			&(struct l2tp_client_room){c->l2tp.queue, 4, &c->l2tp.session, 1},
			&l2tp_ops, c);
}

static void
dial(struct dialer *d)
{
	struct dial *c = &d->dials[d->n_begun++];

	TAILQ_INSERT_TAIL(&d->active, c, next);
	d->n_active++;
	c->began_ns = bench_clock_ns();
	if (d->cfg.protocol == DIALER_PPTP) {
		pptp_dial(c);
		return;
	}
	c->state = DIAL_DIALLING;
	l2tp_client_start(&c->l2tp.client, ms(d));
}

static void
dial_some(struct dialer *d)
{
	double due = d->cfg.rate > 0 ? d->cfg.rate * (double)(d->now_ns - d->first_ns) / 1e9
				     : (double)d->cfg.clients;

	while (d->n_begun < d->cfg.clients && d->n_active < d->cfg.at_once && d->n_begun < due)
		dial(d);
}

static void
run_timers(struct dialer *d)
{
	struct dial *c, *after;

	if (ms(d) < d->ticked_ms + TICK_MS)
		return;
	d->ticked_ms = ms(d);
	for (c = TAILQ_FIRST(&d->active); c; c = after) {
		after = TAILQ_NEXT(c, next);
		if (c->handle && ppp_client_next_timer(&c->ppp) <= ms(d)) {
			d->repeats++;
			ppp_client_timer(&c->ppp, ms(d));
		}
		if (d->cfg.protocol == DIALER_L2TP &&
			l2tp_client_next_timer(&c->l2tp.client) <= ms(d)) {
			d->repeats++;
			l2tp_client_timer(&c->l2tp.client, ms(d));
		}
	}
}

static void
turn(struct dialer *d)
{
	struct epoll_event e[EVENTS];
	int n;

	d->now_ns = bench_clock_ns();
	dial_some(d);
	if (d->played)
		played_wake(d->played);
	n = epoll_wait(d->epoll, e, EVENTS, d->cfg.rate > 0 ? 1 : TICK_MS);
	d->now_ns = bench_clock_ns();
	for (int i = 0; i < n; i++)
		if (e[i].data.ptr)
			tcp_ready(e[i].data.ptr, e[i].events);
	if (d->played)
		played_pump(d->played);
	else
		hear_gre(d);
	run_timers(d);
}

void
dialer_run(struct dialer *d, struct dialer_result *r)
{
	double *took = calloc(d->cfg.clients, sizeof(*took));
	unsigned int n = 0;

	bench_must(took != NULL, "memory");
	d->now_ns = d->first_ns = d->last_ns = bench_clock_ns();
	while (d->n_up + d->n_failed < d->cfg.clients &&
		d->now_ns < d->last_ns + PATIENCE * 1000000ull)
		turn(d);
	for (unsigned int i = 0; i < d->cfg.clients; i++)
		if (d->dials[i].state == DIAL_UP)
			took[n++] = d->dials[i].took_ms;
	*r = (struct dialer_result){.up = d->n_up,
		.failed = d->cfg.clients - d->n_up,
		.seconds = (double)(d->last_ns - d->first_ns) / 1e9,
		.median_ms = n ? bench_median(took, n) : 0,
		.p99_ms = n ? took[n - 1 - n / 100] : 0, /* sorted by now */
		.frames = d->frames,
		.repeats = d->repeats};
	free(took);
}

static void
attach(struct dialer *d, struct played *p)
{
	d->by_slot = calloc(p->seg->max_sessions, sizeof(*d->by_slot));
	bench_must(d->by_slot != NULL, "memory");
	p->added = on_added;
	p->frame = on_frame;
	p->l2tp = on_l2tp;
	p->user = d;
}

struct dialer *
dialer_new(const struct dialer_config *cfg, struct played *p)
{
	struct dialer *d = calloc(1, sizeof(*d));
	struct epoll_event e = {.events = EPOLLIN};

	bench_must(d != NULL, "memory");
	d->cfg = *cfg;
	d->played = p;
	d->dials = calloc(cfg->clients, sizeof(*d->dials));
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	bench_must(d->dials && d->epoll >= 0, "memory");
	TAILQ_INIT(&d->active);
	if (p)
		attach(d, p);
	else
		d->gre = gre_open();
	bench_must(epoll_ctl(d->epoll, EPOLL_CTL_ADD, p ? p->wake_fd : d->gre, &e) == 0, "epoll");
	for (unsigned int i = 0; i < cfg->clients; i++) {
		d->dials[i].dialer = d;
		d->dials[i].index = i;
		d->dials[i].fd = -1;
		snprintf(d->dials[i].user, sizeof(d->dials[i].user), "u%u", i);
		prepare(d, &d->dials[i]);
	}
	return d;
}

void
dialer_free(struct dialer *d)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};

	for (unsigned int i = 0; i < d->cfg.clients; i++) {
		if (d->dials[i].fd < 0)
			continue;
		setsockopt(d->dials[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(d->dials[i].fd);
	}
	close(d->epoll);
	free(d->by_slot);
	free(d->dials);
	free(d);
}
