/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What carries sessions' PPP: PPTP's calls, L2TP's sessions.  This is what a carrier looks like to
 * sessions, which ask nothing else of it, and to the gateway, which starts and stops all of them
 * alike; control/carrier/ holds one file and more for each.  A carrier's struct begins with struct
 * carrier, its session's with struct session.  Calling context: adit-control's loop.
 */
#ifndef ADIT_CONTROL_SESSION_CARRIER_H
#define ADIT_CONTROL_SESSION_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/core/ids.h"
#include "control/core/refusal.h"
#include "control/core/strangers.h"
#include "control/ppp/ppp.h"
#include "dataplane/api/command.h"
#include "dataplane/api/session.h"

struct carrier;
struct config;
struct session;
struct session_info;
struct sessions;

/* A figure of a carrier's own for `status`. */
struct carrier_figure {
	const char *group, *name; /* group NULL: beside the common ones */
	uint64_t value;
	bool flag; /* value is yes or no */
};

#define CARRIER_FIGURES_MAX 24
struct carrier_status {
	const char *name;
	uint32_t sessions, max_sessions; /* max 0: off (R4) */
	unsigned int n_figures;
	struct carrier_figure figures[CARRIER_FIGURES_MAX];
};

/* Those of a session are required unless it says otherwise; all others may be NULL: nothing to
 * do. */
struct carrier_ops {
	/* --- one session */

	/* It comes into being; `own` is the origin's. */
	void (*attach)(struct session *s, const void *own);
	/* The carrier's part of COMMAND_SESSION_ADD; what is common is filled in.  May be NULL. */
	void (*add)(const struct session *s, struct command *cmd);
	/* Its user has authenticated. */
	void (*authenticated)(struct session *s);
	/* A PPP frame of the client.  True: it was the carrier's, for a purpose of its own.  May be
	 * NULL. */
	bool (*frame)(struct session *s, const uint8_t *frame, size_t len);
	/* It ends.  tell: the call is not over yet, the peer is to hear why. */
	void (*ended)(struct session *s, bool tell, enum refusal_code why);
	/* Nothing will be left of it: give back what attach() took. */
	void (*detach)(struct session *s);
	/* May be NULL. */
	void (*describe)(const struct session *s, struct session_info *out);

	/* T24: a share that one client has besides its address's: may it have one more that has
	 * not authenticated?  REFUSAL_NONE; *out is then NULL, or who has to go for it. */
	enum refusal_code (*room)(const struct carrier *c, const void *own, struct session **out);

	/* --- what an earlier process left (D7); NULL: its sessions end with control */

	/* Reads what the carrier itself has in the journal, before its sessions are restored. */
	void (*adopt)(struct carrier *c);
	/* May this one go on as settings and SAs are now? */
	bool (*allowed)(const struct carrier *c, const struct session_entry *e);
	/* attach() for a session that goes on.  False: what carried it is not there. */
	bool (*restore)(struct session *s, const struct session_entry *e);
	/* After all were restored. */
	void (*resume)(struct session *s);
	/* It doesn't go on: its peer is told, if it can be. */
	void (*reject)(struct carrier *c, const struct session_entry *e);

	/* --- life, in this order */

	/* Begins to serve.  Only called when its limit is above 0 (R3, R4).  False: err says why. */
	bool (*start)(struct carrier *c, char *err, size_t errlen);
	/* Its settings are going to change: what may fail, for how they will be.  False: err says
	 * why, and nothing is to change; otherwise one of the next two follows. */
	bool (*prepare)(struct carrier *c, const struct config *next, char *err, size_t errlen);
	void (*changed)(struct carrier *c); /* they have */
	void (*unchanged)(struct carrier *c);
	/* The data plane has come, or settings have changed: what its edge is to let in (R12), for
	 * COMMAND_GATEWAY. */
	void (*edge)(const struct carrier *c, struct command *cmd);
	/* It has gone; every session has ended already. */
	void (*link_down)(struct carrier *c);
	/* No new client. */
	void (*unlisten)(struct carrier *c);
	/* Ends what control connections there are, in order.  hand_over: but those that a successor
	 * goes on with.  May be repeated. */
	void (*stop)(struct carrier *c, bool hand_over);
	/* Those that are not over yet. */
	uint32_t (*unfinished)(const struct carrier *c);
	/* At once and without a word; sessions may be left. */
	void (*abort)(struct carrier *c);
	/* No session is left: close every handle. */
	void (*shut)(struct carrier *c);
	void (*free)(struct carrier *c); /* required; may be called without start() */

	/* Adds its figures. */
	void (*status)(const struct carrier *c, struct carrier_status *out);
};

struct carrier {
	const struct carrier_ops *ops;
	const char *name;  /* in logs, RPC and settings: "pptp" */
	const char *label; /* in a sentence: "PPTP" */
	struct sessions *all;
	uint8_t tunnel; /* the data plane's name for it, enum tunnel_protocol */
	size_t session_size;
	const struct ppp_config *ppp;
	uint8_t part; /* enum setting_part: whose change it is told */
	/* Its settings, as they are now. */
	const bool *enabled;
	const unsigned int *max_sessions;

	struct ids ids; /* local ones of its sessions */
	uint32_t n_active;
	uint64_t calls_total;
	struct strangers strangers; /* of n_active */
};

/* For the maker of one: what is its own is set, the rest initialized. */
void carrier_init(struct carrier *c);
void carrier_free(struct carrier *c); /* no session is left */
/* Sessions that it may have (R4); 0: it is off. */
uint32_t carrier_limit(const struct carrier *c);
bool carrier_full(const struct carrier *c);
/* Ports that authenticated clients leave (T24). */
uint32_t carrier_left(const struct carrier *c);
/* Counts and logs a call that is refused; text NULL: what happened, see below. */
void carrier_refuse(struct carrier *c, uint32_t peer_ip, enum refusal_code why, const char *text);
/* What happened, with the limit's setting where there is one; maybe in out. */
const char *carrier_refusal_text(
	const struct carrier *c, enum refusal_code why, char out[static 96]);
void carrier_status(const struct carrier *c, struct carrier_status *out);
/* For ops->status: no effect beyond CARRIER_FIGURES_MAX. */
void carrier_figures(
	struct carrier_status *st, const struct carrier_figure *figures, unsigned int n);

#endif
