/* SPDX-License-Identifier: BSD-3-Clause */
/* The other side of a PPTP control connection: feeds a machine and records what comes out of it. */
#ifndef ADIT_TESTS_PPTP_PEER_H
#define ADIT_TESTS_PPTP_PEER_H

#include "control/pptp/message.h"
#include "control/pptp/server.h"

#define PEER_LOG 256

struct peer_call {
	uint16_t our_id;
	unsigned int up, down, link_info;
	uint32_t send_accm;
	enum refusal_code why;
};

struct peer {
	struct pptp_config cfg;
	struct pptp_conn *conn;
	uint64_t now;
	struct pptp_message sent[PEER_LOG]; /* by the machine, oldest first */
	unsigned int n_sent, n_read;
	struct peer_call calls[PEER_LOG];
	unsigned int n_calls;
	enum refusal_code answer; /* to the next call requests */
	uint16_t next_id;         /* 0: the gateway breaks its contract */
	struct pptp_call_request request;
	unsigned int closed;
	enum refusal_code why;
	/* What the gateway does inside a callback. */
	bool free_on_request, free_on_down, free_on_closed, close_on_up, stop_on_request;
};

void peer_start(struct peer *p);       /* a new connection at time 1000 */
void peer_start_quiet(struct peer *p); /* one without host name and vendor */
void peer_end(struct peer *p);
void peer_bytes(struct peer *p, const void *bytes, size_t len);
void peer_send(struct peer *p, const struct pptp_message *m);
/* The oldest message not looked at yet; type 0 when there is none. */
struct pptp_message peer_next(struct peer *p);
void peer_at(struct peer *p, uint64_t ms); /* runs every timer that is due on the way */
void peer_sccrq(struct peer *p);           /* and takes its reply */
void peer_ocrq(struct peer *p, uint16_t call_id);
/* A connection with one call, whose messages are read. */
void peer_call(struct peer *p);

#endif
