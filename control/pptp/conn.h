/* SPDX-License-Identifier: BSD-3-Clause */
/* One PPTP control connection from the inside: what server.c and call.c share. */
#ifndef ADIT_CONTROL_PPTP_CONN_H
#define ADIT_CONTROL_PPTP_CONN_H

#include "control/pptp/call.h"
#include "control/pptp/message.h"
#include "control/pptp/server.h"

#define PPTP_NEVER UINT64_MAX

/* RFC 2637 section 3.1; WAIT_START is its "idle" once TCP is up. */
enum pptp_state { WAIT_START, ESTABLISHED, WAIT_STOP_REPLY, CLOSED };

struct pptp_conn {
	struct pptp_config cfg;
	struct pptp_ops ops;
	void *user;
	enum pptp_state state;
	unsigned int depth; /* nesting of calls from outside; freed only at 0 */
	bool freed;
	uint64_t now;
	struct pptp_calls calls;
	bool had_call;
	/* Deadlines. */
	uint64_t idle_at;      /* no SCCRQ, or no call, by then: over */
	uint64_t echo_at;      /* silence until then: ask */
	uint64_t echo_dead_at; /* no Echo-Reply by then: dead */
	uint64_t stop_at;
	enum refusal_code stop_why;
	uint32_t echo_id;
	/* Token bucket in thousandths of a message. */
	uint32_t tokens;
	uint64_t tokens_at;
	struct pptp_stats stats;
	size_t have;
	uint8_t buf[PPTP_MESSAGE_MAX];
};

/* server.c: nothing is sent once the connection is over. */
void pptp_transmit(struct pptp_conn *c, const struct pptp_message *m);
/* now + ms, or never when ms is 0. */
uint64_t pptp_deadline(uint64_t now, uint32_t ms);

/* call.c: the messages of calls, sections 2.7 to 2.15. */
void pptp_on_ocrq(struct pptp_conn *c, const struct pptp_message *m);
void pptp_on_icrq(struct pptp_conn *c, const struct pptp_message *m);
void pptp_on_clear(struct pptp_conn *c, const struct pptp_message *m);
void pptp_on_sli(struct pptp_conn *c, const struct pptp_message *m);
/* The call ends without a word to the peer. */
void pptp_call_end(
	struct pptp_conn *c, struct pptp_call *call, enum refusal_code why, const char *text);
/* The call ends with a Call-Disconnect-Notify. */
void pptp_call_disconnect(
	struct pptp_conn *c, struct pptp_call *call, enum refusal_code why, const char *text);

#endif
