/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/pptp/call.h"

#include <stdlib.h>

#include "control/pptp/conn.h"
#include "control/pptp/result.h"

#define RECV_WINDOW 64 /* GRE packets that we take unacknowledged; advisory, section 4 */
#define PHONE_MAX   64

struct pptp_call *
pptp_call_by_our_id(const struct pptp_calls *calls, uint16_t our_id)
{
	struct pptp_call *call = calls->first;

	while (call && call->our_id != our_id)
		call = call->next;
	return call;
}

struct pptp_call *
pptp_call_by_peer_id(const struct pptp_calls *calls, uint16_t peer_id)
{
	struct pptp_call *call = calls->first;

	while (call && call->peer_id != peer_id)
		call = call->next;
	return call;
}

struct pptp_call *
pptp_call_by_user(const struct pptp_calls *calls, const void *user)
{
	struct pptp_call *call = calls->first;

	while (call && call->user != user)
		call = call->next;
	return call;
}

void
pptp_call_add(struct pptp_calls *calls, struct pptp_call *call)
{
	call->next = calls->first;
	calls->first = call;
	calls->count++;
}

void
pptp_call_remove(struct pptp_calls *calls, struct pptp_call *call)
{
	struct pptp_call **p = &calls->first;

	while (*p && *p != call)
		p = &(*p)->next;
	if (!*p)
		return;
	*p = call->next;
	call->next = NULL;
	calls->count--;
}

void
pptp_calls_free(struct pptp_calls *calls)
{
	struct pptp_call *call;

	while ((call = calls->first)) {
		calls->first = call->next;
		free(call);
	}
	calls->count = 0;
}

/* The call goes off the list before the callback, so whatever that does, it is told of it once. */
void
pptp_call_end(struct pptp_conn *c, struct pptp_call *call, enum refusal_code why, const char *text)
{
	void *user = call->user;

	pptp_call_remove(&c->calls, call);
	free(call);
	if (c->calls.count == 0 && c->state == ESTABLISHED)
		c->idle_at = pptp_deadline(c->now, c->cfg.start_timeout_ms);
	c->ops.call_down(c->user, user, why, text);
}

void
pptp_call_disconnect(
	struct pptp_conn *c, struct pptp_call *call, enum refusal_code why, const char *text)
{
	struct pptp_result r = pptp_cdn_result(why);
	struct pptp_message m = {
		.type = PPTP_CDN, .call_id = call->our_id, .result = r.result, .error = r.error};
	uint16_t our_id = call->our_id;

	pptp_transmit(c, &m);
	call = pptp_call_by_our_id(&c->calls, our_id); /* the callback may have ended it */
	if (call)
		pptp_call_end(c, call, why, text);
}

static void
send_ocrp(
	struct pptp_conn *c, const struct pptp_message *ocrq, uint16_t our_id, struct pptp_result r)
{
	struct pptp_message m = {
		.type = PPTP_OCRP,
		.call_id = our_id,
		.peer_call_id = ocrq->call_id,
		.result = r.result,
		.error = r.error,
	};

	if (r.result == PPTP_RESULT_OK) {
		m.speed = ocrq->max_bps;
		m.recv_window = RECV_WINDOW;
	} else {
		c->stats.refused_calls++;
	}
	pptp_transmit(c, &m);
}

static void
tell_refused(const struct pptp_conn *c, enum refusal_code why, const char *text)
{
	if (c->ops.call_refused)
		c->ops.call_refused(c->user, why, text);
}

/* Refuses a request before the gateway is asked; result 1 when it does not. */
static struct pptp_result
judge_ocrq(const struct pptp_conn *c, const struct pptp_message *m)
{
	struct pptp_result r = {PPTP_RESULT_GENERAL_ERROR, PPTP_ERROR_BAD_CALL_ID};
	enum refusal_code why = REFUSAL_PROTOCOL_ERROR;
	const char *text = "a call with the identifier of another one";

	if (!pptp_call_by_peer_id(&c->calls, m->call_id)) {
		if (m->phone_len > PHONE_MAX) {
			r.error = PPTP_ERROR_BAD_VALUE;
			text = "bad length of a phone number";
		} else if (c->calls.count >= c->cfg.max_calls) {
			r = pptp_ocrp_result(why = REFUSAL_CALL_LIMIT);
			text = "pptp.max_calls_per_connection is reached";
		} else {
			return pptp_ocrp_result(REFUSAL_NONE);
		}
	}
	tell_refused(c, why, text);
	return r;
}

void
pptp_on_ocrq(struct pptp_conn *c, const struct pptp_message *m)
{
	struct pptp_call_request req = {
		.peer_call_id = m->call_id,
		.min_bps = m->min_bps,
		.max_bps = m->max_bps,
		.recv_window = m->recv_window,
	};
	struct pptp_result r = judge_ocrq(c, m);
	struct pptp_call *call;
	enum refusal_code why;
	void *user = NULL;
	uint16_t our_id = 0;

	if (r.result != PPTP_RESULT_OK) {
		send_ocrp(c, m, 0, r);
		return;
	}
	call = calloc(1, sizeof(*call));
	if (!call) {
		send_ocrp(c, m, 0, pptp_ocrp_result(REFUSAL_NO_RESOURCES));
		return;
	}
	why = c->ops.call_request(c->user, &req, &our_id, &user);
	if (c->freed) {
		free(call);
		return;
	}
	/* The connection ended, or the gateway broke the contract: the accepted call goes down
	 * unseen by the peer. */
	if (why == REFUSAL_NONE && (c->state != ESTABLISHED || our_id == 0 ||
					   pptp_call_by_our_id(&c->calls, our_id))) {
		why = REFUSAL_NO_RESOURCES;
		c->ops.call_down(c->user, user, why, "no call identifier");
	}
	if (why != REFUSAL_NONE) {
		free(call);
		if (c->state == ESTABLISHED)
			send_ocrp(c, m, 0, pptp_ocrp_result(why));
		return;
	}
	*call = (struct pptp_call){.user = user, .our_id = our_id, .peer_id = m->call_id};
	pptp_call_add(&c->calls, call);
	c->had_call = true;
	c->idle_at = PPTP_NEVER;
	send_ocrp(c, m, our_id, r);
	if (pptp_call_by_our_id(&c->calls, our_id) == call)
		c->ops.call_up(c->user, user);
}

void
pptp_on_icrq(struct pptp_conn *c, const struct pptp_message *m)
{
	struct pptp_message reply = {
		.type = PPTP_ICRP, .peer_call_id = m->call_id, .result = PPTP_ICRP_DO_NOT_ACCEPT};

	c->stats.refused_calls++;
	pptp_transmit(c, &reply);
	tell_refused(c, REFUSAL_CALL_REFUSED, pptp_message_name(m->type));
}

/*
 * Call-Clear-Request and Call-Disconnect-Notify name the call by the identifier that their sender
 * assigned, sections 2.12 and 2.13.  One for a call that is gone already crosses ours and is
 * harmless.
 */
void
pptp_on_clear(struct pptp_conn *c, const struct pptp_message *m)
{
	struct pptp_call *call = pptp_call_by_peer_id(&c->calls, m->call_id);

	if (!call)
		c->stats.ignored++;
	else if (m->type == PPTP_CCRQ)
		pptp_call_disconnect(c, call, REFUSAL_PEER_CLOSED, pptp_message_name(m->type));
	else
		pptp_call_end(c, call, REFUSAL_PEER_CLOSED, pptp_message_name(m->type));
}

void
pptp_on_sli(struct pptp_conn *c, const struct pptp_message *m)
{
	struct pptp_call *call = pptp_call_by_our_id(&c->calls, m->peer_call_id);

	if (!call) {
		/* pptp-linux and Windows may send one that crosses the end of the call. */
		c->stats.ignored++;
		c->stats.unknown_call_info++;
		return;
	}
	c->ops.call_link_info(c->user, call->user, m->send_accm, m->recv_accm);
}
