/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PPTP as a carrier: listeners, control connections, and the calls on them.  The protocol itself is
 * control/pptp.  Calling context: adit-control's loop.
 */
#ifndef ADIT_CONTROL_CARRIER_PPTP_H
#define ADIT_CONTROL_CARRIER_PPTP_H

#include "control/carrier/listen.h"
#include "control/pptp/server.h"
#include "control/session/session.h"

#define CONN_BUCKETS     1024
#define CONN_READ_BUFFER 16384

/* One control connection. */
struct conn {
	TAILQ_ENTRY(conn) next;
	LIST_ENTRY(conn) bucket;
	struct stranger stranger; /* until one of its calls has authenticated */
	uint64_t begun_ms;
	struct pptp_carrier *carrier;
	struct pptp_conn *pptp; /* NULL: over */
	uv_tcp_t tcp;
	uv_timer_t timer;
	uint64_t timer_due;
	uv_shutdown_t shutdown;
	unsigned int n_handles;
	uint32_t peer_ip, server_ip;
	bool over;   /* pptp said closed() */
	bool broken; /* writing failed: nothing can be sent */
	bool had_call;
};

TAILQ_HEAD(conn_list, conn);

struct pptp_session {
	struct session s;
	struct conn *conn;
};

struct pptp_carrier {
	struct carrier c;
	struct listeners listeners;
	struct conn_list conns;
	LIST_HEAD(, conn) buckets[CONN_BUCKETS]; /* by peer's address */
	uint32_t n_conns;
	struct strangers strangers; /* of n_conns */
	char read_buffer[CONN_READ_BUFFER];
};

/* The carrier, not started.  NULL: no memory. */
struct carrier *pptp_carrier_new(struct sessions *all);

/* conn.c: a client has connected; tcp is a listener's. */
void conn_accept(void *carrier, uv_stream_t *listener);
/* After each call into the machine: it may be over now, or have another timer. */
void conn_settle(struct conn *c);
void conn_close(struct conn *c, enum refusal_code why);
void conn_abort(struct conn *c); /* at once, the peer learns it from TCP */

/* pptp.c: what the machine says of calls.  user: the connection. */
extern const struct pptp_ops conn_ops;
/* conn.c: its part of that. */
void conn_send(void *user, const uint8_t *bytes, size_t len);
void conn_closed(void *user, enum refusal_code why, const char *text);

#endif
