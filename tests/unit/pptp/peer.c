/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/pptp/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
on_send(void *user, const uint8_t *bytes, size_t len)
{
	struct peer *p = user;

	assert_true(p->n_sent < PEER_LOG);
	assert_int_equal(p->closed, 0);
	assert_int_equal(pptp_message_decode(&p->sent[p->n_sent++], bytes, len), 0);
}

static void
gone(struct peer *p)
{
	pptp_free(p->conn);
	p->conn = NULL;
}

static enum refusal_code
on_call_request(void *user, const struct pptp_call_request *req, uint16_t *our_call_id, void **call)
{
	struct peer *p = user;
	struct peer_call *pc = &p->calls[p->n_calls];

	p->request = *req;
	if (p->free_on_request)
		gone(p);
	else if (p->stop_on_request)
		pptp_close(p->conn, REFUSAL_SERVER_STOPPING, p->now);
	if (p->answer != REFUSAL_NONE)
		return p->answer;
	assert_true(p->n_calls < PEER_LOG);
	p->n_calls++;
	*pc = (struct peer_call){.our_id = p->next_id};
	*our_call_id = p->next_id ? p->next_id++ : 0;
	*call = pc;
	return REFUSAL_NONE;
}

static void
on_call_up(void *user, void *call)
{
	struct peer *p = user;
	struct peer_call *pc = call;

	pc->up++;
	if (p->close_on_up)
		pptp_call_close(p->conn, call, REFUSAL_NO_RESOURCES, p->now);
}

static void
on_link_info(void *user, void *call, uint32_t send_accm, uint32_t recv_accm)
{
	struct peer_call *pc = call;

	(void)user;
	(void)recv_accm;
	pc->link_info++;
	pc->send_accm = send_accm;
}

static void
on_call_down(void *user, void *call, enum refusal_code why, const char *text)
{
	struct peer *p = user;
	struct peer_call *pc = call;

	assert_non_null(text);
	assert_int_equal(p->closed, 0);
	pc->down++;
	pc->why = why;
	if (p->free_on_down)
		gone(p);
}

static void
on_closed(void *user, enum refusal_code why, const char *text)
{
	struct peer *p = user;

	assert_non_null(text);
	p->closed++;
	p->why = why;
	if (p->free_on_closed)
		gone(p);
}

static const struct pptp_ops ops = {
	.send = on_send,
	.call_request = on_call_request,
	.call_up = on_call_up,
	.call_link_info = on_link_info,
	.call_down = on_call_down,
	.closed = on_closed,
};

void
peer_start(struct peer *p)
{
	memset(p, 0, sizeof(*p));
	p->cfg = (struct pptp_config){
		.host_name = "gateway",
		.vendor = "Adit",
		.max_channels = 128,
		.max_calls = 2,
		.start_timeout_ms = 30000,
		.echo_interval_ms = 60000,
		.echo_timeout_ms = 60000,
		.stop_timeout_ms = 5000,
	};
	p->now = 1000;
	p->next_id = 100;
	p->conn = pptp_new(&p->cfg, &ops, p, p->now);
	assert_non_null(p->conn);
}

void
peer_start_quiet(struct peer *p)
{
	peer_start(p);
	pptp_free(p->conn);
	p->cfg.host_name[0] = p->cfg.vendor[0] = '\0';
	p->conn = pptp_new(&p->cfg, &ops, p, p->now);
	assert_non_null(p->conn);
}

void
peer_end(struct peer *p)
{
	pptp_free(p->conn);
	p->conn = NULL;
}

void
peer_bytes(struct peer *p, const void *bytes, size_t len)
{
	pptp_input(p->conn, bytes, len, p->now);
}

void
peer_send(struct peer *p, const struct pptp_message *m)
{
	uint8_t bytes[PPTP_MESSAGE_MAX];
	size_t len = pptp_message_encode(m, bytes);

	peer_bytes(p, bytes, len);
}

struct pptp_message
peer_next(struct peer *p)
{
	return p->n_read < p->n_sent ? p->sent[p->n_read++] : (struct pptp_message){0};
}

void
peer_at(struct peer *p, uint64_t ms)
{
	unsigned int steps = 0;

	while (p->conn && pptp_next_timer(p->conn) <= ms) {
		assert_true(++steps < 1000);
		if (pptp_next_timer(p->conn) > p->now)
			p->now = pptp_next_timer(p->conn);
		pptp_timer(p->conn, p->now);
	}
	p->now = ms;
}

void
peer_sccrq(struct peer *p)
{
	struct pptp_message m = {
		.type = PPTP_SCCRQ, .version = PPTP_VERSION, .framing = 3, .bearer = 3};

	peer_send(p, &m);
	m = peer_next(p);
	assert_int_equal(m.type, PPTP_SCCRP);
	assert_int_equal(m.result, PPTP_RESULT_OK);
}

void
peer_ocrq(struct peer *p, uint16_t call_id)
{
	struct pptp_message m = {.type = PPTP_OCRQ,
		.call_id = call_id,
		.serial = 1,
		.min_bps = 300,
		.max_bps = 100000000,
		.bearer = 3,
		.framing = 3,
		.recv_window = 50};

	peer_send(p, &m);
}

void
peer_call(struct peer *p)
{
	struct pptp_message m;

	peer_start(p);
	peer_sccrq(p);
	peer_ocrq(p, 7);
	m = peer_next(p);
	assert_int_equal(m.type, PPTP_OCRP);
	assert_int_equal(m.result, PPTP_RESULT_OK);
}
