/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/api/session.h"

#include "client.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

static uint64_t
now(const struct client *c)
{
	return uv_now(c->loop);
}

struct ppp_client_config
client_config(const char *user, const char *password)
{
	return (struct ppp_client_config){.auth = PPP_AUTH_MSCHAPV2,
		.user = user,
		.password = password,
		.mru = 1400,
		.mppe = PPP_MPPE_128};
}

static void client_timer(uv_timer_t *t);

static void
arm(struct client *c)
{
	uint64_t due = ppp_client_next_timer(&c->peer);
	if (c->closed || due == UINT64_MAX)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, client_timer, due > now(c) ? due - now(c) : 0, 0);
}

static void
client_timer(uv_timer_t *t)
{
	struct client *c = t->data;
	ppp_client_timer(&c->peer, now(c));
	arm(c);
}

static void
ppp_out(void *user, const uint8_t *frame, size_t len)
{
	struct client *c = user;
	/* A real packet takes longer than the command. */
	fake_pump(c->fake);
	uint32_t handle = fake_handle_of(c->fake, TUNNEL_PPTP, c->server_call);
	if (handle)
		fake_punt(c->fake, handle, frame, len);
}

void
client_random(void *user, uint8_t *buf, size_t len)
{
	static uint32_t state = 1;
	(void)user;
	while (len-- > 0) {
		state = state * 1664525 + 1013904223;
		*buf++ = (uint8_t)(state >> 24);
	}
}

static const struct ppp_client_ops ppp_ops = {.send = ppp_out, .random = client_random};

void
client_frame(struct client *c, const uint8_t *frame, size_t len)
{
	if (c->closed)
		return;
	ppp_client_input(&c->peer, frame, len, now(c));
	arm(c);
}

static void
handle_closed(uv_handle_t *h)
{
	((struct client *)h->data)->n_handles--;
}

void
client_hangup(struct client *c)
{
	if (c->closed)
		return;
	c->closed = true;
	c->connected = false;
	uv_timer_stop(&c->timer);
	/* A reset leaves no TIME_WAIT behind. */
	if (uv_tcp_close_reset(&c->tcp, handle_closed) != 0)
		uv_close((uv_handle_t *)&c->tcp, handle_closed);
	uv_close((uv_handle_t *)&c->timer, handle_closed);
}

static void
pptp_out(void *user, const uint8_t *bytes, size_t len)
{
	struct client *c = user;
	uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned int)len);
	if (!c->closed)
		uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
}

void
client_send(struct client *c, const struct pptp_message *m)
{
	pptp_client_send(&c->pptp, m);
}

void
client_clear(struct client *c)
{
	pptp_client_clear(&c->pptp, now(c));
}

bool
client_is_up(const struct client *c)
{
	return c->server_call && ppp_client_is_open(&c->peer) && !c->closed;
}

static void
message(void *user, const struct pptp_message *m)
{
	struct client *c = user;
	c->established |= m->type == PPTP_SCCRP;
	if (m->type == PPTP_OCRP)
		c->ocrp_result = m->result;
}

static void
call_up(void *user, const struct pptp_client *pptp)
{
	struct client *c = user;
	c->server_call = pptp->peer_call_id;
	ppp_client_start(&c->peer, now(c));
	arm(c);
}

static const struct pptp_client_ops pptp_ops = {
	.send = pptp_out, .call_up = call_up, .message = message};

static void
alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	struct client *c = h->data;
	(void)suggested;
	*buf = uv_buf_init((char *)c->rx, sizeof(c->rx));
}

static void
received(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = s->data;
	(void)buf;
	if (n < 0) {
		client_hangup(c);
		return;
	}
	pptp_client_input(&c->pptp, c->rx, (size_t)n, now(c));
}

static void
connected(uv_connect_t *req, int status)
{
	struct client *c = req->data;
	if (status < 0) {
		client_hangup(c);
		return;
	}
	c->connected = true;
	uv_read_start((uv_stream_t *)&c->tcp, alloc, received);
	pptp_client_start(&c->pptp, now(c));
}

void
client_start(struct client *c, struct fake *f, const struct ppp_client_config *pc, uint16_t port,
	uint8_t source)
{
	struct sockaddr_in from, to;
	memset(c, 0, sizeof(*c));
	c->fake = f;
	c->loop = f->loop;
	c->pc = *pc;
	pptp_client_init(&c->pptp,
		&(struct pptp_client_config){
			.host_name = "client", .call_id = 1, .recv_window = 64},
		&pptp_ops, c);
	ppp_client_init(&c->peer, &c->pc, &ppp_ops, c);
	uv_tcp_init(c->loop, &c->tcp);
	uv_timer_init(c->loop, &c->timer);
	c->tcp.data = c->timer.data = c->connecting.data = c;
	c->n_handles = 2;
	uv_ip4_addr("127.0.0.1", port, &to);
	uv_ip4_addr("127.0.0.1", 0, &from);
	from.sin_addr.s_addr = htonl(0x7f000000u | source);
	if (uv_tcp_bind(&c->tcp, (struct sockaddr *)&from, 0) != 0 ||
		uv_tcp_connect(&c->connecting, &c->tcp, (struct sockaddr *)&to, connected) != 0)
		abort();
}

static bool
ended(void *user)
{
	return ((struct client *)user)->n_handles == 0;
}

void
client_end(struct client *c)
{
	client_hangup(c);
	if (!loop_until(c->loop, ended, c, 2000))
		abort();
}
