/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gateway: ties protocol machines, decisions and the data plane together.  What the operators'
 * room (oper/) may ask and change stands here.  Calling context: adit-control's only thread, inside
 * its libuv loop. Addresses are in host byte order.
 */
#ifndef ADIT_CONTROL_GATEWAY_H
#define ADIT_CONTROL_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "control/core/refusal.h"
#include "control/ike/ike.h"
#include "control/l2tp/server.h"
#include "control/link/link.h"
#include "control/settings/config.h"

struct gateway;

/* Starts listening (R3: only what is enabled), connects to the data plane and keeps trying.  cfg is
 * borrowed. NULL and a message in err when it can't start; nothing is left half started then. */
struct gateway *gateway_start(uv_loop_t *loop, const struct config *cfg, char *err, size_t errlen);
/* Orderly end: every client is told, then done(user) is called (within 5 s); gateway_free() after
 * that. */
void gateway_stop(struct gateway *g, void (*done)(void *user), void *user);
/* An end after which a successor goes on: clients of L2TP are told nothing, their sessions stay in
 * the data plane as they are (D7, T19).  Others are told, as by gateway_stop(). */
void gateway_hand_over(struct gateway *g, void (*done)(void *user), void *user);
void gateway_free(struct gateway *g);
/* Once a second: reports what the log left out of refusals (event=log-suppressed). */
void gateway_log_turn(struct gateway *g);

/* ------------------------------------------------------------------ questions */

/* Why a session or a tunnel of an earlier process was ended instead of gone on with.
 * X(enumerator, "stable-name", "what") */
#define ADOPT_FAULTS(X)                                                             \
	X(NONE, "none", "")                                                         \
	X(PROTOCOL, "protocol", "its protocol does not outlive control, or is off") \
	X(NOT_OPEN, "not-open", "it was being set up or ended")                     \
	X(NO_RECORD, "no-record", "it was being ended")                             \
	X(TORN, "torn", "its record is damaged")                                    \
	X(VERSION, "version", "its record is of another release")                   \
	X(NEWER, "newer", "its record is of a newer release")                       \
	X(INVALID, "invalid", "its record makes no sense")                          \
	X(MISMATCH, "mismatch", "its record and the data plane differ")             \
	X(MPPE, "mppe", "it has MPPE")                                              \
	X(IPSEC, "ipsec", "its IPsec SA is gone, or IPsec is required now")         \
	X(TUNNEL, "tunnel", "its tunnel does not go on")                            \
	X(IN_USE, "in-use", "its address or ID is another session's")

enum adopt_fault {
#define X(e, name, text) ADOPT_##e,
	ADOPT_FAULTS(X)
#undef X
		ADOPT_FAULT_COUNT
};

/* Of the last connection to the data plane. */
struct gateway_adoption {
	uint32_t sessions, tunnels;          /* that go on */
	uint32_t refused[ADOPT_FAULT_COUNT]; /* both */
};

struct gateway_status {
	bool dataplane_connected;
	uint64_t uptime_ms;
	uint32_t pptp_sessions, pptp_max_sessions; /* max 0: protocol off (R4) */
	uint32_t pptp_connections;                 /* TCP control connections */
	uint64_t pptp_calls_total;
	uint32_t l2tp_sessions, l2tp_max_sessions; /* max 0: protocol off (R4) */
	bool l2tp_requires_ipsec;
	struct l2tp_stats l2tp;
	uint64_t l2tp_in_clear;   /* messages dropped: came in clear, IPsec is required (T20) */
	uint64_t l2tp_strange_sa; /* came through an SA of nobody known */
	uint64_t l2tp_unsent;     /* could not be sent: no outbound SA, or the data plane is full */
	uint32_t weak_sessions;   /* sessions on 40- or 56-bit MPPE (R2) */
	bool allow_pptp_weak_crypto;
	uint32_t pool_size, pool_used, pool_reserved;
	char pool_name[32];
	uint32_t pool_first, pool_last;
	struct gateway_adoption adoption;
	uint64_t forged_frames; /* of PPP, in a client's name, ignored since start (T27) */
	uint64_t refusals[REFUSAL_COUNT]; /* since start, by code (R17) */
	/* What is wrong with the gateway now, "" when healthy: one sentence with its remedy. */
	char problem[400];
};
void gateway_status(const struct gateway *g, struct gateway_status *out);

enum gateway_session_state { GW_CALL, GW_LCP, GW_AUTH, GW_NETWORK, GW_UP, GW_CLOSING };

struct gateway_session {
	uint32_t id;          /* stable for the session's life; what operators name */
	uint32_t handle;      /* data plane's */
	const char *protocol; /* "pptp" or "l2tp" */
	uint8_t state;        /* enum gateway_session_state */
	char user[64];        /* as configured; "" before authentication */
	char claimed[256];    /* what the client calls itself; "": the same, or nothing yet */
	char auth[16];        /* "mschapv2", ... */
	uint32_t peer_ip, server_ip, inner_ip;
	uint16_t call_id, peer_call_id; /* L2TP: the session IDs */
	/* L2TP only. */
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
void gateway_sessions(const struct gateway *g,
	bool (*each)(void *user, const struct gateway_session *s), void *user);
/* 0 or -ENOENT. */
int gateway_session(const struct gateway *g, uint32_t id, struct gateway_session *out);

/* IPsec: enabled is false, and all else 0, when it is off. */
void gateway_ike_status(const struct gateway *g, struct ike_status *out);
void gateway_sas(const struct gateway *g, bool (*each)(void *user, const struct ike_sa_info *sa),
	void *user);
/* L2TP tunnels in order of age, those of an earlier process in any order before them, until each()
 * returns false. */
void gateway_tunnels(const struct gateway *g,
	bool (*each)(void *user, const struct l2tp_tunnel_info *t), void *user);

/* What failed logins led to and is in effect now, in no order. */
void gateway_lockouts(const struct gateway *g,
	void (*each)(void *user, const struct guard_lockout *l), void *user);

/* The shared segment's counters, during the caller's callback only; false while no data plane is
 * connected. */
bool gateway_segment(const struct gateway *g, struct link_view *out);
/* What went over the shared segment, and what went wrong with it. */
void gateway_link_stats(const struct gateway *g, struct link_stats *out);

/* ------------------------------------------------------------------ changes */

/* 0 or -ENOENT.  The client is told; the session is gone a little later. */
int gateway_disconnect(struct gateway *g, uint32_t id);
/* All sessions of that user, named as for user_name_same(); the count. */
unsigned int gateway_disconnect_user(struct gateway *g, const char *user);

/* Forgets failed logins of this user, from this address, or of the user there; NULL and 0: all.
 * Returns the lock-outs that ended, or -ENOENT: no such user. */
int gateway_unlock(struct gateway *g, const char *user, uint32_t address);

/* What happens to running weak sessions when the switch goes off (R2). */
enum weak_fate { WEAK_KEEP, WEAK_DROP };
/* Turn 40- and 56-bit MPPE on or off for PPTP (RRAS: AllowPPTPWeakCrypto).  Returns how many
 * sessions were dropped. `who` goes to the audit log. */
unsigned int gateway_weak_crypto_pptp(
	struct gateway *g, bool allow, enum weak_fate fate, const char *who);
/* The same for DES and MD5 in L2TP/IPsec (AllowL2TPWeakCrypto).  Returns how many SAs are re-keyed
 * or dropped. */
unsigned int gateway_weak_crypto_l2tp(
	struct gateway *g, bool allow, enum ike_fate fate, const char *who);

#endif
