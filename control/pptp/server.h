/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PPTP control connections, RFC 2637 section 2, from the side of a PAC/PNS that clients call
 * (RRAS's "PPTP server"). A pure machine: bytes of one TCP connection, decisions and the time go
 * in; bytes, calls and timers come out. No socket, clock or log inside.  Addresses and IDs are in
 * host byte order.  Time is monotonic milliseconds.
 */
#ifndef ADIT_CONTROL_PPTP_SERVER_H
#define ADIT_CONTROL_PPTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/core/refusal.h"

struct pptp_config {
	char host_name[64], vendor[64]; /* in SCCRP, RFC 2637 section 2.2; "": not told */
	uint16_t max_channels;          /* reported in SCCRP */
	unsigned int max_calls;         /* calls per control connection */
	uint32_t start_timeout_ms;      /* until SCCRQ and, after it, until the first call */
	uint32_t echo_interval_ms;      /* 60000, RFC 2637 section 3.1.4 */
	uint32_t echo_timeout_ms;       /* 60000: no Echo-Reply: the connection is dead */
	uint32_t stop_timeout_ms;       /* for StopCCRP / CDN */
};

struct pptp_conn; /* one control connection */

/* A call that the peer asks for (Outgoing-Call-Request, section 2.7). */
struct pptp_call_request {
	uint16_t peer_call_id;
	uint32_t min_bps, max_bps;
	uint16_t recv_window;
};

/* What was seen on a connection, for logs and metrics. */
struct pptp_stats {
	uint32_t received, sent;    /* messages */
	uint32_t ignored;           /* well formed, but of no call or to no purpose */
	uint32_t refused_calls;     /* call requests answered with a refusal, ICRQ included */
	uint32_t wan_errors;        /* WAN-Error-Notify messages, section 2.14 */
	uint32_t unknown_call_info; /* Set-Link-Info for a call that is not ours; among ignored */
};

/*
 * All calls come from within a pptp_*() call on the same connection; `user` is pptp_new()'s.
 * Callbacks may call back into the connection; pptp_free() from within one takes effect when the
 * outermost call returns.
 */
struct pptp_ops {
	void (*send)(void *user, const uint8_t *bytes, size_t len);
	/* Accept or refuse a call.  On REFUSAL_NONE *our_call_id is the identifier (not 0) that the
	 * reply carries and *call is handed to the other call_* callbacks. Otherwise the reply
	 * carries a fitting result code. */
	enum refusal_code (*call_request)(void *user, const struct pptp_call_request *req,
		uint16_t *our_call_id, void **call);
	/* After the reply was sent: the GRE session may start. */
	void (*call_up)(void *user, void *call);
	/* Set-Link-Info (section 2.15): what the peer may send and receive unescaped. */
	void (*call_link_info)(void *user, void *call, uint32_t send_accm, uint32_t recv_accm);
	/* The call ended; once per accepted call.  The caller must not use `call` on this
	 * connection again. */
	void (*call_down)(void *user, void *call, enum refusal_code why, const char *text);
	/* The connection is over (all its calls went down before): send what is queued, close the
	 * socket, pptp_free(). Once.  */
	void (*closed)(void *user, enum refusal_code why, const char *text);
	/* A call was refused without call_request(). May be NULL. */
	void (*call_refused)(void *user, enum refusal_code why, const char *text);
};

/* NULL when out of memory.  cfg and ops are copied.  A timeout of 0 in cfg means never, but for
 * stop_timeout_ms. */
struct pptp_conn *pptp_new(
	const struct pptp_config *cfg, const struct pptp_ops *ops, void *user, uint64_t now_ms);
void pptp_free(struct pptp_conn *c); /* sends nothing, calls nothing */
/* Bytes of the stream, any split.  Hostile.  May end in closed(); the rest is then ignored. */
void pptp_input(struct pptp_conn *c, const uint8_t *bytes, size_t len, uint64_t now_ms);
/* The TCP connection was closed or reset by the peer. */
void pptp_eof(struct pptp_conn *c, uint64_t now_ms);
/* End one call from our side: Call-Disconnect-Notify (section 2.12); call_down() follows. */
void pptp_call_close(struct pptp_conn *c, void *call, enum refusal_code why, uint64_t now_ms);
/* End the connection from our side: calls, then Stop-Control-Connection-Request. */
void pptp_close(struct pptp_conn *c, enum refusal_code why, uint64_t now_ms);
uint64_t pptp_next_timer(const struct pptp_conn *c); /* UINT64_MAX: never */
void pptp_timer(struct pptp_conn *c, uint64_t now_ms);
const struct pptp_stats *pptp_stats(const struct pptp_conn *c);

#endif
