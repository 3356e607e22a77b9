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

struct peer_config
client_config(const char *user, const char *password)
{
	return (struct peer_config){.auth = PPP_AUTH_MSCHAPV2,
		.user = user,
		.password = password,
		.mru = 1400,
		.mppe = S_128};
}

static void client_timer(uv_timer_t *t);

static void
arm(struct client *c)
{
	uint64_t due = peer_next_timer(&c->peer);
	if (c->closed || due == UINT64_MAX)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, client_timer, due > now(c) ? due - now(c) : 0, 0);
}

static void
client_timer(uv_timer_t *t)
{
	struct client *c = t->data;
	peer_timer(&c->peer, now(c));
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
client_frame(struct client *c, const uint8_t *frame, size_t len)
{
	if (c->closed)
		return;
	peer_input(&c->peer, frame, len, now(c));
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

void
client_send(struct client *c, const struct pptp_message *m)
{
	uint8_t bytes[PPTP_MESSAGE_MAX];
	size_t len = pptp_message_encode(m, bytes);
	uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned int)len);
	if (!c->closed)
		uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
}

void
client_clear(struct client *c)
{
	client_send(c, &(struct pptp_message){.type = PPTP_CCRQ, .call_id = c->our_call});
}

bool
client_is_up(const struct client *c)
{
	return c->server_call && peer_is_open(&c->peer) && !c->closed;
}

static void
message(struct client *c, const struct pptp_message *m)
{
	switch (m->type) {
	case PPTP_SCCRP:
		c->established = true;
		if (!c->no_call)
			client_send(c, &(struct pptp_message){.type = PPTP_OCRQ,
					       .call_id = c->our_call,
					       .serial = 1,
					       .min_bps = 300,
					       .max_bps = 100000000,
					       .bearer = 3,
					       .framing = 3,
					       .recv_window = 64});
		break;
	case PPTP_OCRP:
		c->ocrp_result = m->result;
		if (m->result != PPTP_RESULT_OK)
			break;
		c->server_call = m->call_id;
		peer_start(&c->peer, now(c));
		arm(c);
		break;
	case PPTP_CDN:
		c->cdns++;
		c->cdn_result = m->result;
		break;
	case PPTP_STOPCCRQ:
		c->stops++;
		c->stop_reason = m->result;
		client_send(c, &(struct pptp_message){.type = PPTP_STOPCCRP, .result = 1});
		break;
	case PPTP_ECHORQ:
		client_send(
			c, &(struct pptp_message){
				   .type = PPTP_ECHORP, .identifier = m->identifier, .result = 1});
		break;
	default:
		break;
	}
}

static void
alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	struct client *c = h->data;
	(void)suggested;
	*buf = uv_buf_init((char *)c->rx + c->rx_len, (unsigned int)(sizeof(c->rx) - c->rx_len));
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
	c->rx_len += (size_t)n;
	uint16_t len;
	while (pptp_header_check(c->rx, c->rx_len, &len) == PPTP_CHECK_OK && len <= c->rx_len) {
		struct pptp_message m;
		if (pptp_message_decode(&m, c->rx, len) != 0)
			abort();
		c->rx_len -= len;
		memmove(c->rx, c->rx + len, c->rx_len);
		message(c, &m);
	}
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
	struct pptp_message m = {.type = PPTP_SCCRQ, .version = 0x100, .framing = 3, .bearer = 3};
	strcpy(m.host_name, "client");
	client_send(c, &m);
}

void
client_start(struct client *c, struct fake *f, const struct peer_config *pc, uint16_t port,
	uint8_t source)
{
	struct sockaddr_in from, to;
	memset(c, 0, sizeof(*c));
	c->fake = f;
	c->loop = f->loop;
	c->pc = *pc;
	c->our_call = 1;
	peer_init(&c->peer, &c->pc, ppp_out, c);
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
