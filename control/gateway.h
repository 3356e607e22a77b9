/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gateway: sessions, what carries them, decisions and the link to the data plane, started and
 * stopped together.  Operators (oper/) ask its parts: session/query.h, carrier/query.h, ike/ike.h,
 * link/link.h.
 * Calling context: adit-control's only thread, inside its libuv loop.  Addresses are in host byte
 * order.
 */
#ifndef ADIT_CONTROL_GATEWAY_H
#define ADIT_CONTROL_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "control/carrier/query.h"
#include "control/core/refusal.h"
#include "control/ike/ike.h"
#include "control/link/link.h"
#include "control/session/adopt.h"
#include "control/session/carrier.h"
#include "control/session/query.h"
#include "control/settings/config.h"

struct gateway;
struct settings;

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

/* ------------------------------------------------------------------ its parts */

struct sessions *gateway_sessions(struct gateway *g);
struct link *gateway_link(struct gateway *g);
struct l2tp_carrier *gateway_l2tp(struct gateway *g);
struct ike *gateway_ike(struct gateway *g); /* NULL: IPsec is off */

/* ------------------------------------------------------------------ questions */

#define GATEWAY_CARRIERS_MAX 8
struct gateway_status {
	bool dataplane_connected;
	uint64_t uptime_ms;
	unsigned int n_carriers;
	struct carrier_status carriers[GATEWAY_CARRIERS_MAX];
	uint32_t weak_sessions; /* sessions on 40- or 56-bit MPPE (R2) */
	bool allow_pptp_weak_crypto;
	uint32_t pool_size, pool_used, pool_reserved;
	char pool_name[32];
	uint32_t pool_first, pool_last;
	struct adoption adoption;
	uint64_t forged_frames; /* of PPP, in a client's name, ignored since start (T27) */
	uint64_t refusals[REFUSAL_COUNT]; /* since start, by code (R17) */
	/* What is wrong with the gateway now, "" when healthy: one sentence with its remedy. */
	char problem[400];
};
void gateway_status(const struct gateway *g, struct gateway_status *out);

/* ------------------------------------------------------------------ changes */

/* Settings may change from now on.  s is borrowed. */
void gateway_use_settings(struct gateway *g, struct settings *s);
/* NULL: they stay as they are. */
struct settings *gateway_settings(struct gateway *g);

#endif
