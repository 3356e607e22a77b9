/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/pptp/server.h"

#include <stdlib.h>
#include <string.h>

#include "control/pptp/conn.h"
#include "control/pptp/result.h"

/* A client sends about ten messages to set up a call and hardly any later. */
#define RATE_BURST      64
#define RATE_PER_SECOND 16

uint64_t
pptp_deadline(uint64_t now, uint32_t ms)
{
	return ms ? now + ms : PPTP_NEVER;
}

static bool
over(const struct pptp_conn *c)
{
	return c->state == CLOSED;
}

static void
enter(struct pptp_conn *c, uint64_t now)
{
	c->depth++;
	if (now > c->now)
		c->now = now;
}

static void
leave(struct pptp_conn *c)
{
	if (--c->depth == 0 && c->freed)
		free(c);
}

void
pptp_transmit(struct pptp_conn *c, const struct pptp_message *m)
{
	uint8_t bytes[PPTP_MESSAGE_MAX];
	size_t len = pptp_message_encode(m, bytes);

	if (over(c))
		return;
	c->stats.sent++;
	c->ops.send(c->user, bytes, len);
}

/* --- Ends ---------------------------------------------------------------------- */

static void
calls_end(struct pptp_conn *c, enum refusal_code why, const char *text)
{
	while (c->calls.first)
		pptp_call_end(c, c->calls.first, why, text);
}

static void
finish(struct pptp_conn *c, enum refusal_code why, const char *text)
{
	if (over(c))
		return;
	c->state = CLOSED;
	calls_end(c, why, text);
	if (!c->freed)
		c->ops.closed(c->user, why, text);
}

static void
protocol_error(struct pptp_conn *c, const char *text)
{
	/* Section 1.4: after a loss of synchronisation the TCP connection is closed, no message is
	 * of use. */
	finish(c, REFUSAL_PROTOCOL_ERROR, text);
}

static void
stop(struct pptp_conn *c, enum refusal_code why, const char *text)
{
	struct pptp_message m = {.type = PPTP_STOPCCRQ, .result = pptp_stop_reason(why)};

	if (c->state == WAIT_START) {
		finish(c, why, text);
		return;
	}
	if (c->state != ESTABLISHED)
		return;
	c->state = WAIT_STOP_REPLY;
	c->stop_why = why;
	c->stop_at = c->now + c->cfg.stop_timeout_ms;
	while (c->calls.first)
		pptp_call_disconnect(c, c->calls.first, why, text);
	pptp_transmit(c, &m);
}

/* --- Messages ------------------------------------------------------------------ */

static void
send_sccrp(struct pptp_conn *c, uint8_t result)
{
	struct pptp_message m = {
		.type = PPTP_SCCRP,
		.version = PPTP_VERSION,
		.result = result,
		.framing = PPTP_FRAMING_ASYNC | PPTP_FRAMING_SYNC,
		.bearer = PPTP_BEARER_ANALOG | PPTP_BEARER_DIGITAL,
		.max_channels = c->cfg.max_channels,
		.firmware = 1,
	};

	memcpy(m.host_name, c->cfg.host_name, sizeof(c->cfg.host_name));
	memcpy(m.vendor, c->cfg.vendor, sizeof(c->cfg.vendor));
	pptp_transmit(c, &m);
}

static void
on_sccrq(struct pptp_conn *c, const struct pptp_message *m)
{
	if (c->state == ESTABLISHED) {
		/* A repeated request changes nothing.  Section 2.2, result 3: the channel exists
		 * already. */
		c->stats.ignored++;
		send_sccrp(c, c->calls.count || c->had_call ? PPTP_SCCRP_EXISTS : PPTP_RESULT_OK);
		return;
	}
	/* Section 2.1: the high octet is the version, the low one the revision. */
	if (m->version >> 8 != PPTP_VERSION >> 8) {
		send_sccrp(c, PPTP_SCCRP_BAD_VERSION);
		finish(c, REFUSAL_PROTOCOL_ERROR, "PPTP version is not 1");
		return;
	}
	c->state = ESTABLISHED;
	c->idle_at = pptp_deadline(c->now, c->cfg.start_timeout_ms);
	send_sccrp(c, PPTP_RESULT_OK);
}

static void
on_stopccrq(struct pptp_conn *c)
{
	struct pptp_message reply = {.type = PPTP_STOPCCRP, .result = PPTP_RESULT_OK};
	bool ours = c->state == WAIT_STOP_REPLY;

	pptp_transmit(c, &reply);
	finish(c, ours ? c->stop_why : REFUSAL_PEER_CLOSED, "Stop-Control-Connection-Request");
}

static void
on_echorq(struct pptp_conn *c, const struct pptp_message *m)
{
	struct pptp_message reply = {
		.type = PPTP_ECHORP, .identifier = m->identifier, .result = PPTP_RESULT_OK};

	pptp_transmit(c, &reply);
}

static void
on_echorp(struct pptp_conn *c, const struct pptp_message *m)
{
	if (c->echo_dead_at == PPTP_NEVER || m->identifier != c->echo_id) {
		c->stats.ignored++;
		return;
	}
	c->echo_dead_at = PPTP_NEVER;
}

static void
on_established(struct pptp_conn *c, const struct pptp_message *m)
{
	switch (m->type) {
	case PPTP_SCCRQ:
		on_sccrq(c, m);
		break;
	case PPTP_STOPCCRQ:
		on_stopccrq(c);
		break;
	case PPTP_ECHORQ:
		on_echorq(c, m);
		break;
	case PPTP_ECHORP:
		on_echorp(c, m);
		break;
	case PPTP_OCRQ:
		pptp_on_ocrq(c, m);
		break;
	case PPTP_ICRQ:
		pptp_on_icrq(c, m);
		break;
	case PPTP_CCRQ:
	case PPTP_CDN:
		pptp_on_clear(c, m);
		break;
	case PPTP_WEN:
		c->stats.wan_errors++;
		break;
	case PPTP_SLI:
		pptp_on_sli(c, m);
		break;
	default:
		/* Replies to, or the completion of, what we never ask for. */
		protocol_error(c, "unexpected reply");
		break;
	}
}

static bool
rate_exceeded(struct pptp_conn *c)
{
	uint64_t ms = c->now - c->tokens_at;
	uint64_t tokens =
		ms > RATE_BURST * 1000 ? RATE_BURST * 1000 : c->tokens + ms * RATE_PER_SECOND;

	c->tokens_at = c->now;
	c->tokens = (uint32_t)(tokens > RATE_BURST * 1000 ? RATE_BURST * 1000 : tokens);
	if (c->tokens < 1000)
		return true;
	c->tokens -= 1000;
	return false;
}

static void
on_message(struct pptp_conn *c, const struct pptp_message *m)
{
	c->stats.received++;
	if (rate_exceeded(c)) {
		protocol_error(c, "flood of control messages");
		return;
	}
	c->echo_at = pptp_deadline(c->now, c->cfg.echo_interval_ms);
	switch (c->state) {
	case WAIT_START:
		if (m->type == PPTP_SCCRQ)
			on_sccrq(c, m);
		else
			protocol_error(c, "message before Start-Control-Connection-Request");
		break;
	case ESTABLISHED:
		on_established(c, m);
		break;
	case WAIT_STOP_REPLY:
		if (m->type == PPTP_STOPCCRP)
			finish(c, c->stop_why, "Stop-Control-Connection-Reply");
		else if (m->type == PPTP_STOPCCRQ)
			on_stopccrq(c);
		else
			c->stats.ignored++; /* sent before the peer saw our request */
		break;
	case CLOSED:
		break;
	}
}

/* --- Entry points -------------------------------------------------------------- */

struct pptp_conn *
pptp_new(const struct pptp_config *cfg, const struct pptp_ops *ops, void *user, uint64_t now_ms)
{
	struct pptp_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->cfg = *cfg;
	c->cfg.host_name[sizeof(c->cfg.host_name) - 1] = '\0';
	c->cfg.vendor[sizeof(c->cfg.vendor) - 1] = '\0';
	c->ops = *ops;
	c->user = user;
	c->now = c->tokens_at = now_ms;
	c->tokens = RATE_BURST * 1000;
	c->idle_at = pptp_deadline(now_ms, cfg->start_timeout_ms);
	c->echo_at = c->echo_dead_at = c->stop_at = PPTP_NEVER;
	return c;
}

void
pptp_free(struct pptp_conn *c)
{
	if (!c)
		return;
	c->state = CLOSED;
	c->freed = true;
	pptp_calls_free(&c->calls);
	if (c->depth == 0)
		free(c);
}

void
pptp_input(struct pptp_conn *c, const uint8_t *bytes, size_t len, uint64_t now_ms)
{
	enter(c, now_ms);
	while (len && !over(c)) {
		struct pptp_message m;
		uint16_t length = 0;
		size_t want = PPTP_HEADER_LEN, n;

		if (c->have >= PPTP_HEADER_LEN &&
			pptp_header_check(c->buf, c->have, &length) == PPTP_CHECK_OK)
			want = length;
		n = want - c->have < len ? want - c->have : len;
		memcpy(c->buf + c->have, bytes, n);
		c->have += n;
		bytes += n;
		len -= n;
		if (pptp_header_check(c->buf, c->have, &length) == PPTP_CHECK_BAD) {
			protocol_error(c, "bad length, type or magic cookie");
			break;
		}
		if (c->have < PPTP_HEADER_LEN || c->have < length)
			continue;
		c->have = 0;
		if (pptp_message_decode(&m, c->buf, length) == 0)
			on_message(c, &m);
	}
	leave(c);
}

void
pptp_eof(struct pptp_conn *c, uint64_t now_ms)
{
	enter(c, now_ms);
	if (c->state == WAIT_STOP_REPLY)
		finish(c, c->stop_why, "TCP connection closed");
	else
		finish(c, c->calls.first ? REFUSAL_CONTROL_LOST : REFUSAL_PEER_CLOSED,
			"TCP connection closed by the peer");
	leave(c);
}

void
pptp_call_close(struct pptp_conn *c, void *call_user, enum refusal_code why, uint64_t now_ms)
{
	struct pptp_call *call;

	enter(c, now_ms);
	call = over(c) ? NULL : pptp_call_by_user(&c->calls, call_user);
	if (call)
		pptp_call_disconnect(c, call, why, "ended by this gateway");
	leave(c);
}

void
pptp_close(struct pptp_conn *c, enum refusal_code why, uint64_t now_ms)
{
	enter(c, now_ms);
	stop(c, why, "ended by this gateway");
	leave(c);
}

uint64_t
pptp_next_timer(const struct pptp_conn *c)
{
	uint64_t t;

	switch (c->state) {
	case WAIT_START:
		return c->idle_at;
	case ESTABLISHED:
		t = c->echo_dead_at < c->echo_at ? c->echo_dead_at : c->echo_at;
		return c->idle_at < t ? c->idle_at : t;
	case WAIT_STOP_REPLY:
		return c->stop_at;
	default:
		return PPTP_NEVER;
	}
}

static void
established_timer(struct pptp_conn *c)
{
	struct pptp_message m = {.type = PPTP_ECHORQ};

	if (c->now >= c->echo_dead_at) {
		/* Section 3.1.4. A dead peer answers no Stop-Control-Connection-Request either. */
		finish(c, REFUSAL_PEER_DEAD, "no Echo-Reply");
	} else if (c->now >= c->idle_at) {
		stop(c, c->had_call ? REFUSAL_PEER_CLOSED : REFUSAL_SETUP_TIMEOUT,
			c->had_call ? "no call left" : "no call was requested");
	} else if (c->now >= c->echo_at) {
		c->echo_at = pptp_deadline(c->now, c->cfg.echo_interval_ms);
		if (c->echo_dead_at == PPTP_NEVER) {
			c->echo_dead_at = pptp_deadline(c->now, c->cfg.echo_timeout_ms);
			m.identifier = ++c->echo_id;
			pptp_transmit(c, &m);
		}
	}
}

void
pptp_timer(struct pptp_conn *c, uint64_t now_ms)
{
	enter(c, now_ms);
	if (c->state == WAIT_START && c->now >= c->idle_at)
		finish(c, REFUSAL_SETUP_TIMEOUT, "no Start-Control-Connection-Request");
	else if (c->state == ESTABLISHED)
		established_timer(c);
	else if (c->state == WAIT_STOP_REPLY && c->now >= c->stop_at)
		finish(c, c->stop_why, "no Stop-Control-Connection-Reply");
	leave(c);
}

const struct pptp_stats *
pptp_stats(const struct pptp_conn *c)
{
	return &c->stats;
}
