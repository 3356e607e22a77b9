/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/pptp/client.h"

#include <stdio.h>
#include <string.h>

#define NEVER UINT64_MAX

static uint64_t
deadline(const struct pptp_client *c, uint32_t ms)
{
	return ms ? c->now + ms : NEVER;
}

static void
close_now(struct pptp_client *c, enum refusal_code why, const char *text)
{
	if (c->state == PPTP_CLIENT_CLOSED)
		return;
	c->state = PPTP_CLIENT_CLOSED;
	c->reply_at = c->echo_at = NEVER;
	if (c->ops->closed)
		c->ops->closed(c->user, why, text);
}

static void
call_ended(struct pptp_client *c, enum refusal_code why, const char *text)
{
	c->state = PPTP_CLIENT_ESTABLISHED;
	c->reply_at = NEVER;
	c->peer_call_id = 0;
	if (c->ops->call_down)
		c->ops->call_down(c->user, why, text);
}

void
pptp_client_send(struct pptp_client *c, const struct pptp_message *m)
{
	uint8_t bytes[PPTP_MESSAGE_MAX];
	size_t len = pptp_message_encode(m, bytes);

	if (len > 0 && c->state != PPTP_CLIENT_CLOSED)
		c->ops->send(c->user, bytes, len);
}

void
pptp_client_init(struct pptp_client *c, const struct pptp_client_config *cfg,
	const struct pptp_client_ops *ops, void *user)
{
	memset(c, 0, sizeof(*c));
	c->cfg = *cfg;
	c->ops = ops;
	c->user = user;
	c->reply_at = c->echo_at = NEVER;
}

void
pptp_client_start(struct pptp_client *c, uint64_t now_ms)
{
	struct pptp_message m = {.type = PPTP_SCCRQ,
		.version = PPTP_VERSION,
		.framing = PPTP_FRAMING_ASYNC | PPTP_FRAMING_SYNC,
		.bearer = PPTP_BEARER_ANALOG | PPTP_BEARER_DIGITAL};

	c->now = now_ms;
	if (c->state != PPTP_CLIENT_IDLE)
		return;
	snprintf(m.host_name, sizeof(m.host_name), "%s", c->cfg.host_name);
	snprintf(m.vendor, sizeof(m.vendor), "%s", c->cfg.vendor);
	c->state = PPTP_CLIENT_STARTING;
	c->reply_at = deadline(c, c->cfg.reply_timeout_ms);
	pptp_client_send(c, &m);
}

bool
pptp_client_call(struct pptp_client *c, uint64_t now_ms)
{
	c->now = now_ms;
	if (c->state != PPTP_CLIENT_ESTABLISHED)
		return false;
	c->state = PPTP_CLIENT_CALLING;
	c->reply_at = deadline(c, c->cfg.reply_timeout_ms);
	pptp_client_send(c, &(struct pptp_message){.type = PPTP_OCRQ,
				    .call_id = c->cfg.call_id,
				    .serial = 1,
				    .min_bps = 300,
				    .max_bps = 100000000,
				    .bearer = PPTP_BEARER_ANALOG | PPTP_BEARER_DIGITAL,
				    .framing = PPTP_FRAMING_ASYNC | PPTP_FRAMING_SYNC,
				    .recv_window = c->cfg.recv_window});
	return true;
}

void
pptp_client_clear(struct pptp_client *c, uint64_t now_ms)
{
	c->now = now_ms;
	pptp_client_send(c, &(struct pptp_message){.type = PPTP_CCRQ, .call_id = c->cfg.call_id});
}

void
pptp_client_stop(struct pptp_client *c, uint64_t now_ms)
{
	c->now = now_ms;
	c->reply_at = deadline(c, c->cfg.reply_timeout_ms);
	pptp_client_send(
		c, &(struct pptp_message){.type = PPTP_STOPCCRQ, .result = PPTP_STOP_NONE});
}

/* ------------------------------------------------------------------ the server's messages */

static void
on_sccrp(struct pptp_client *c, const struct pptp_message *m)
{
	if (c->state != PPTP_CLIENT_STARTING) {
		c->ignored++;
		return;
	}
	if (m->result != PPTP_RESULT_OK) {
		close_now(c, REFUSAL_CALL_REFUSED, "the server refuses the connection");
		return;
	}
	c->state = PPTP_CLIENT_ESTABLISHED;
	c->reply_at = NEVER;
	if (!c->cfg.no_call)
		pptp_client_call(c, c->now);
}

static void
on_ocrp(struct pptp_client *c, const struct pptp_message *m)
{
	if (c->state != PPTP_CLIENT_CALLING || m->peer_call_id != c->cfg.call_id) {
		c->ignored++;
		return;
	}
	c->ocrp_result = m->result;
	if (m->result != PPTP_RESULT_OK || m->call_id == 0) {
		call_ended(c, REFUSAL_CALL_REFUSED, "the server refuses the call");
		return;
	}
	c->state = PPTP_CLIENT_CALL_UP;
	c->reply_at = NEVER;
	c->peer_call_id = m->call_id;
	if (c->ops->call_up)
		c->ops->call_up(c->user, c);
}

static void
on_cdn(struct pptp_client *c, const struct pptp_message *m)
{
	c->cdns++;
	c->cdn_result = m->result;
	/* Section 2.12: the call ID is the sender's. */
	if (c->state == PPTP_CLIENT_CALL_UP && m->call_id == c->peer_call_id)
		call_ended(c, REFUSAL_NONE, "the server has ended the call");
	else
		c->ignored++;
}

static void
on_echo_request(struct pptp_client *c, const struct pptp_message *m)
{
	pptp_client_send(c, &(struct pptp_message){.type = PPTP_ECHORP,
				    .identifier = m->identifier,
				    .result = PPTP_RESULT_OK});
}

static void
on_message(struct pptp_client *c, const struct pptp_message *m)
{
	if (c->ops->message)
		c->ops->message(c->user, m);
	switch (m->type) {
	case PPTP_SCCRP:
		on_sccrp(c, m);
		break;
	case PPTP_OCRP:
		on_ocrp(c, m);
		break;
	case PPTP_CDN:
		on_cdn(c, m);
		break;
	case PPTP_STOPCCRQ:
		c->stops++;
		c->stop_reason = m->result;
		pptp_client_send(
			c, &(struct pptp_message){.type = PPTP_STOPCCRP, .result = PPTP_RESULT_OK});
		close_now(c, REFUSAL_NONE, "the server has ended the connection");
		break;
	case PPTP_STOPCCRP:
		close_now(c, REFUSAL_NONE, "the connection has ended");
		break;
	case PPTP_ECHORQ:
		on_echo_request(c, m);
		break;
	case PPTP_ICRQ:
		pptp_client_send(c, &(struct pptp_message){.type = PPTP_ICRP,
					    .peer_call_id = m->call_id,
					    .result = PPTP_ICRP_DO_NOT_ACCEPT});
		break;
	case PPTP_ECHORP:
	case PPTP_SLI:
		break;
	default:
		c->ignored++;
	}
}

/* Takes octets until a message is whole; returns how many. */
static size_t
collect(struct pptp_client *c, const uint8_t *bytes, size_t len, uint16_t *length)
{
	size_t want = PPTP_HEADER_LEN, n;

	if (c->rx_len >= PPTP_HEADER_LEN &&
		pptp_header_check(c->rx, c->rx_len, length) == PPTP_CHECK_OK)
		want = *length;
	n = want - c->rx_len < len ? want - c->rx_len : len;
	memcpy(c->rx + c->rx_len, bytes, n);
	c->rx_len += n;
	return n;
}

void
pptp_client_input(struct pptp_client *c, const uint8_t *bytes, size_t len, uint64_t now_ms)
{
	struct pptp_message m;
	uint16_t length = 0;

	c->now = now_ms;
	if (c->state == PPTP_CLIENT_CLOSED)
		return;
	c->echo_waits = false;
	c->echo_at = deadline(c, c->cfg.echo_interval_ms);
	while (len > 0 && c->state != PPTP_CLIENT_CLOSED) {
		size_t n = collect(c, bytes, len, &length);

		bytes += n;
		len -= n;
		if (pptp_header_check(c->rx, c->rx_len, &length) == PPTP_CHECK_BAD) {
			close_now(c, REFUSAL_PROTOCOL_ERROR, "bad length, type or magic cookie");
			return;
		}
		if (c->rx_len < PPTP_HEADER_LEN || c->rx_len < length)
			continue;
		c->rx_len = 0;
		if (pptp_message_decode(&m, c->rx, length) == 0)
			on_message(c, &m);
	}
}

void
pptp_client_eof(struct pptp_client *c, uint64_t now_ms)
{
	c->now = now_ms;
	close_now(c, REFUSAL_CONTROL_LOST, "the TCP connection was closed");
}

/* ------------------------------------------------------------------ time */

uint64_t
pptp_client_next_timer(const struct pptp_client *c)
{
	return c->reply_at < c->echo_at ? c->reply_at : c->echo_at;
}

void
pptp_client_timer(struct pptp_client *c, uint64_t now_ms)
{
	c->now = now_ms;
	if (c->reply_at <= now_ms) {
		close_now(c, REFUSAL_SETUP_TIMEOUT, "no reply of the server");
		return;
	}
	if (c->echo_at > now_ms)
		return;
	if (c->echo_waits) {
		close_now(c, REFUSAL_PEER_DEAD, "the server does not answer");
		return;
	}
	c->echo_waits = true;
	c->echo_at = deadline(c, c->cfg.echo_timeout_ms);
	pptp_client_send(
		c, &(struct pptp_message){.type = PPTP_ECHORQ, .identifier = ++c->echo_id});
}
