/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A session: one call from its request until the data plane has confirmed its end: its PPP link,
 * its decisions, and its counterpart in the data plane.  Calling context: adit-control's loop.
 * Addresses in host byte order, time in milliseconds of the loop's clock.
 *
 * How it ends.  There are four verbs, and each goes through the next:
 *
 *   session_doom    its end is decided, nothing has happened yet.  May be said anywhere, also while
 *                   the PPP machine is calling; the first reason counts.
 *   session_close   doom, and the client is told over PPP: LCP Terminate-Request.  In order.
 *   session_end     PPP is over: the call is closed, the data plane told.  At once.  What a dead
 *                   session still holds (address, local ID, slot) stays its own, so that nobody
 *                   gets what the data plane still has for it.
 *   session_free    the data plane holds nothing of it: all of that is given back, and the memory.
 *
 * session_gone() is the last one with the line in the log.  Who has called into s->ppp calls
 * session_settle(): it alone does what the machine asked for in the meantime.
 */
#ifndef ADIT_CONTROL_SESSION_SESSION_H
#define ADIT_CONTROL_SESSION_SESSION_H

#include <uv.h>

#include "control/core/handles.h"
#include "control/core/refuse.h"
#include "control/core/strangers.h"
#include "control/link/link.h"
#include "control/ppp/ppp.h"
#include "control/session/adopt.h"
#include "control/session/carrier.h"
#include "control/session/query.h"
#include "control/session/table.h"
#include "control/settings/config.h"
#include "dataplane/api/frame.h"

/* What sessions need of the rest, borrowed. */
struct session_env {
	uv_loop_t *loop;
	const struct config *cfg;
	struct aaa *aaa;
	struct link *link;
	struct refusals *refusals;
	struct handles *handles;
	/* What is served has changed: the data plane's edge is told.  NULL: it does not change. */
	void (*edge)(void *user);
	void *user;
};

/* What the PPP machine sends during one call into it, so that commands go first. */
#define OUTBOX_FRAMES 8
struct outbox {
	struct session *session;
	unsigned int n;
	uint16_t len[OUTBOX_FRAMES];
	uint8_t frame[OUTBOX_FRAMES][FRAME_MAX];
};

/* All sessions. */
struct sessions {
	struct session_env env;
	struct session_table table;
	uint32_t n_active, n_up, n_weak; /* not ended; of them, up; of those, on weak MPPE */
	struct acct_id last_acct;
	uint64_t forged_frames; /* of PPP, ignored (T27) */
	bool stopping;          /* no new ones */
	bool handing_over;      /* stopping, and what is saved stays */
	struct journal_head head;
	struct adoption adoption;
	struct outbox outbox;
};

struct aaa_verdict;
struct late;

struct session {
	TAILQ_ENTRY(session) next;
	struct session_place places[SESSION_INDEXES];
	struct sessions *all;
	const struct session_env *env; /* of all */
	struct carrier *carrier;
	struct stranger stranger; /* until it has authenticated */
	struct ppp_link *ppp;
	uv_timer_t timer;
	uint64_t timer_due; /* UINT64_MAX: not running */
	uint64_t started_ms, up_ms;
	uint64_t ppp_seen; /* received PPP frames when the timer last looked */
	uint64_t request;  /* about its user, that is not over; 0: none */
	struct acct_id acct;
	uint32_t id, handle;
	uint32_t peer_ip, server_ip, inner_ip;
	/* PPTP: call IDs; L2TP: session IDs.  local_id is ours, in what the client sends. */
	uint16_t local_id, remote_id;
	uint16_t mtu;  /* largest packet to the client, whatever it takes; 0: what it takes */
	uint8_t state; /* enum session_phase */
	bool attached; /* false: the call is over on its control connection */
	bool ipsec;    /* nobody else reads or forges its frames */
	bool opened;   /* COMMAND_SESSION_OPEN was sent */
	bool orphan;   /* of an earlier process */
	bool address_taken;
	bool saved; /* in the journal: a successor may go on with it */
	bool ppp_down, doomed;
	bool known;             /* its client has proved to be its user */
	bool in_auth;           /* who is told of a verdict settles */
	enum refusal_code code; /* why it ends */
	char text[96];
	char user[64];             /* as configured; "": the client names nobody, or has not yet */
	char *claimed;             /* what the client says, NULL: the same */
	struct late *late;         /* verdict that is given later, NULL: none */
	struct session *successor; /* waits for this one's address, NULL: nobody */
	enum ppp_auth auth;
	enum refusal_code
		auth_refusal; /* of the last attempt; REFUSAL_NONE: it succeeded, or none yet */
	uint8_t mppe_policy;
	struct ppp_framing framing;
	uint8_t mppe_tx, mppe_rx;
	bool mppe_tx_stateless, mppe_rx_stateless;
};

static inline uint64_t
session_now(const struct session *s)
{
	return uv_now(s->env->loop);
}

/* ------------------------------------------------------------------ all of them */

/* env is copied.  table_init() is due, then sessions_discard(). */
void sessions_init(struct sessions *all, const struct session_env *env);
void sessions_discard(struct sessions *all);
/* The gateway stops. */
void sessions_refuse_new(struct sessions *all, bool hand_over);
/* Closes those that do not stay. */
void sessions_close_all(struct sessions *all);
/* Those that stay for a successor. */
uint32_t sessions_staying(const struct sessions *all);
/* Whatever is left, at once: those that stay are left to a successor, of which nobody is told. */
void sessions_teardown(struct sessions *all);
/* The data plane has gone: every session has ended, then (sessions_bury()) they are freed. */
void sessions_end_all(struct sessions *all);
void sessions_bury(struct sessions *all);
/* Closes those that are up with weak MPPE (R2); the count. */
unsigned int sessions_close_weak(struct sessions *all);

/* ------------------------------------------------------------------ the beginning */

/* What a call that a client asks for is made of. */
struct session_origin {
	struct carrier *carrier;
	const void *own; /* the carrier's, for its attach() and room() */
	uint32_t peer_ip, server_ip;
	uint16_t remote_id;
	uint64_t begun_ms; /* the client's first octet */
	bool ipsec;
};

/* A call is asked for: REFUSAL_NONE and the session, or why not. */
enum refusal_code session_request(const struct session_origin *origin, struct session **out);
/* The call stands: PPP may begin. */
void session_start(struct session *s);
/* Of an earlier control process, by the data plane's checked entry: sessions_adopt() goes on with
 * it, or ends it.  Its address and ID are taken until the data plane has confirmed its end.  NULL:
 * no memory. */
struct session *session_orphan(struct carrier *c, const struct session_entry *e);
struct acct_id session_next_acct(struct sessions *all);
/* It has authenticated. */
void session_known(struct session *s);

/* ------------------------------------------------------------------ the end, see above */

void session_doom(struct session *s, enum refusal_code code, const char *text);
void session_close(struct session *s, enum refusal_code code, const char *text);
void session_end(struct session *s, enum refusal_code code, const char *text);
/* last: what the data plane counted for it. */
void session_gone(struct session *s, const struct session_counters *last);
void session_free(struct session *s);
/* Its call is over on its control connection: nobody is to be told. */
void session_call_over(struct session *s, enum refusal_code code, const char *text);

void session_settle(struct session *s);

/* ------------------------------------------------------------------ what the data plane says: the
 * session's part of struct link_ops */

void session_on_frame(void *session, const uint8_t *frame, size_t len);
void session_on_refused(void *session, enum command_type type, int error);
void session_on_peer_seen(void *session);
void session_on_lost_sync(void *session);
void session_on_gone(void *session, const struct session_counters *last);

/* ------------------------------------------------------------------ PPP: bearer.c */

extern const struct ppp_ops session_ppp_ops;
/* Puts its frames behind the commands that were given before. */
void session_flush(struct sessions *all);
/* A command of the session; the session is doomed when it can't be given.  Wipes cmd. */
void session_command(struct session *s, enum command_type type, struct command *cmd);
/* What was said about the client's credentials, for the PPP machine to tell it. */
void bearer_told(struct session *s, const struct aaa_verdict *v);

/* ------------------------------------------------------------------ up: open.c */

/* Its user is let in and it has its address, keys if need be: the data plane may pass its packets.
 * No effect on a session that is open or to end. */
void session_open(struct session *s);
bool session_weak(const struct session *s);
/* T16: would these strengths be weak, and the switch is off?  It may have been turned since the
 * decision. */
bool session_weak_is_off(const struct session *s, uint8_t tx, uint8_t rx);
const char *session_auth_name(const struct session *s); /* "" before authentication */

/* ------------------------------------------------------------------ who it is: auth.c */

/* Who it is, and whether it may come in: bearer_told() once, at once or later.  From inside a call
 * into what bears it. */
void session_ask(struct session *s, const struct ppp_credentials *cred);
/* A verdict that is given later: when, UINT64_MAX for never; give it if it is due; forget it. */
uint64_t session_auth_due(const struct session *s);
void session_auth_timer(struct session *s);
void session_auth_stop(struct session *s);
/* Its address is free: who waits for it may have it. */
void session_auth_freed(struct session *s);
/* user=..., and claimed=... where that differs, for a line of the log.  Returns buf. */
#define SESSION_WHO_MAX 400
const char *session_who(const struct session *s, char buf[SESSION_WHO_MAX]);

#endif
