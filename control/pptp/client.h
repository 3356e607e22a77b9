/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PPTP control connection, RFC 2637 section 2, from the side that dials (a PNS), with one call.
 * A pure machine: bytes of one TCP connection and the time go in; bytes, the call and one timer come
 * out.  No socket, clock, log or allocation inside; the struct is its user's to place.  What it
 * receives is hostile.  IDs are in host byte order, time is monotonic milliseconds.
 */
#ifndef ADIT_CONTROL_PPTP_CLIENT_H
#define ADIT_CONTROL_PPTP_CLIENT_H

#include <stdbool.h>

#include "control/core/refusal.h"
#include "control/pptp/message.h"

struct pptp_client_config {
	char host_name[64], vendor[64]; /* in SCCRQ; "": not told */
	uint16_t call_id;               /* of its call, not 0 */
	bool no_call;                   /* asks for none by itself: pptp_client_call() */
	uint16_t recv_window;           /* packets, in OCRQ, section 2.7 */
	uint32_t reply_timeout_ms;      /* for SCCRP and OCRP; 0: for ever */
	uint32_t echo_interval_ms;      /* of silence, until an Echo-Request; 0: never */
	uint32_t echo_timeout_ms;       /* for its reply */
};

enum pptp_client_state {
	PPTP_CLIENT_IDLE,
	PPTP_CLIENT_STARTING,    /* SCCRQ was sent */
	PPTP_CLIENT_ESTABLISHED, /* SCCRP came: no call */
	PPTP_CLIENT_CALLING,     /* OCRQ was sent */
	PPTP_CLIENT_CALL_UP,
	PPTP_CLIENT_CLOSED
};

struct pptp_client;

/* All calls come from within a pptp_client_*() call on the same client and may call back.  All but
 * send may be NULL. */
struct pptp_client_ops {
	void (*send)(void *user, const uint8_t *bytes, size_t len);
	/* The server has agreed: c->peer_call_id goes into GRE, PPP may start. */
	void (*call_up)(void *user, const struct pptp_client *c);
	/* The call was refused, or has ended; the connection has not. */
	void (*call_down)(void *user, enum refusal_code why, const char *text);
	/* The connection is over (its call, too): close the socket.  Once. */
	void (*closed)(void *user, enum refusal_code why, const char *text);
	/* Each well formed message, before it is obeyed. */
	void (*message)(void *user, const struct pptp_message *m);
};

/* Read by its user, changed by none but the functions below. */
struct pptp_client {
	struct pptp_client_config cfg;
	const struct pptp_client_ops *ops;
	void *user;
	enum pptp_client_state state;
	uint64_t now, reply_at, echo_at; /* deadlines */
	bool echo_waits;
	uint32_t echo_id;
	uint16_t peer_call_id; /* 0: none */
	/* As the server said last: result codes of OCRP, CDN and StopCCRQ. */
	uint8_t ocrp_result, cdn_result, stop_reason;
	unsigned int cdns, stops, ignored;
	uint8_t rx[PPTP_MESSAGE_MAX];
	size_t rx_len;
};

/* cfg is copied. */
void pptp_client_init(struct pptp_client *c, const struct pptp_client_config *cfg,
	const struct pptp_client_ops *ops, void *user);
/* TCP is connected: SCCRQ, and, when it is answered, OCRQ. */
void pptp_client_start(struct pptp_client *c, uint64_t now_ms);
/* OCRQ.  False: not established, or there is a call. */
bool pptp_client_call(struct pptp_client *c, uint64_t now_ms);
/* Bytes of the stream, any split.  Hostile. */
void pptp_client_input(struct pptp_client *c, const uint8_t *bytes, size_t len, uint64_t now_ms);
/* TCP was closed or reset. */
void pptp_client_eof(struct pptp_client *c, uint64_t now_ms);
/* Call-Clear-Request; call_down() follows when the server's notification has come. */
void pptp_client_clear(struct pptp_client *c, uint64_t now_ms);
/* Stop-Control-Connection-Request; closed() follows when it is answered. */
void pptp_client_stop(struct pptp_client *c, uint64_t now_ms);
/* Sends any message, true or not. */
void pptp_client_send(struct pptp_client *c, const struct pptp_message *m);
/* When pptp_client_timer() is due (UINT64_MAX: never), and to be called then. */
uint64_t pptp_client_next_timer(const struct pptp_client *c);
void pptp_client_timer(struct pptp_client *c, uint64_t now_ms);

#endif
