/* SPDX-License-Identifier: BSD-3-Clause */
/* What operators ask of sessions, and change.  Addresses in host byte order. */
#ifndef ADIT_CONTROL_SESSION_QUERY_H
#define ADIT_CONTROL_SESSION_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "control/aaa/guard.h"
#include "control/aaa/request.h"
#include "control/session/table.h"
#include "dataplane/api/counters.h"

struct sessions;

enum session_phase {
	PHASE_CALL,
	PHASE_LCP,
	PHASE_AUTH,
	PHASE_NETWORK,
	PHASE_UP,
	PHASE_CLOSING /* until the data plane has confirmed its end */
};

/* A session as operators see it. */
struct session_info {
	uint32_t id;             /* stable for the session's life; what operators name */
	char acct[ACCT_ID_TEXT]; /* Acct-Session-Id; "": none */
	uint32_t handle;         /* data plane's */
	const char *protocol;    /* its carrier's name */
	uint8_t state;           /* enum session_phase */
	char user[64];           /* as configured; "" before authentication */
	char claimed[256];       /* what the client calls itself; "": the same, or nothing yet */
	char auth[16];           /* "mschapv2", ... */
	uint32_t peer_ip, server_ip, inner_ip;
	uint16_t local_id, remote_id; /* PPTP: call IDs; L2TP: session IDs */
	/* Of carriers that have them. */
	uint16_t tunnel_id, peer_tunnel_id, peer_port;
	uint32_t sa, ipsec_peer; /* pair that the data plane sends through; 0: in clear */
	uint16_t our_mru, peer_mru;
	uint8_t mppe_tx, mppe_rx; /* bits, 0 = clear */
	bool mppe_tx_stateless, mppe_rx_stateless;
	uint64_t age_ms;
	uint8_t owner;                    /* worker */
	struct session_counters counters; /* copied from the segment */
};

/* Calls each() for every session in order of id until it returns false. */
void sessions_each(const struct sessions *all,
	bool (*each)(void *user, const struct session_info *s), void *user);
/* The same for those of one user, named as for user_name_same(). */
void sessions_of_user(struct sessions *all, const char *user_name,
	bool (*each)(void *user, const struct session_info *s), void *user);
/* 0 or -ENOENT. */
int sessions_get(struct sessions *all, uint32_t id, struct session_info *out);

/* 0 or -ENOENT.  The client is told; the session is gone a little later. */
int sessions_disconnect(struct sessions *all, uint32_t id);
/* All of that user, named as for user_name_same(); the count. */
unsigned int sessions_disconnect_user(struct sessions *all, const char *user);

/* What failed logins led to and is in effect now, in no order. */
void sessions_lockouts(const struct sessions *all,
	void (*each)(void *user, const struct guard_lockout *l), void *user);
/* Forgets failed logins of this user, from this address, or of the user there; NULL and 0: all.
 * Returns the lock-outs that ended, or -ENOENT: no such user. */
int sessions_unlock(struct sessions *all, const char *user, uint32_t address);
/* What became of decisions about users. */
void sessions_decisions(const struct sessions *all, struct aaa_counts *out);

#endif
