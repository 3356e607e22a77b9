/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by gateway.c, session/ and carrier/. */
#ifndef ADIT_CONTROL_GATEWAY_INTERNAL_H
#define ADIT_CONTROL_GATEWAY_INTERNAL_H

#include <sys/queue.h>

#include "control/aaa/decide.h"
#include "control/aaa/pool.h"
#include "control/carrier/callid.h"
#include "control/carrier/ipsec.h"
#include "control/core/log.h"
#include "control/core/refusal_log.h"
#include "control/core/strangers.h"
#include "control/gateway.h"
#include "control/l2tp/server.h"
#include "control/link/link.h"

#define CONN_BUCKETS   1024
#define PEER_BUCKETS   1024
#define PROBE_BUCKETS  256
#define CONN_WRITE_MAX 65536 /* octets waiting for a slow reader */
#define OUTBOX_FRAMES  8
#define READ_BUFFER    16384

struct conn;
struct session;
struct session_origin;
struct l2tp_header;
struct probe;
LIST_HEAD(probe_bucket, probe);

/* What carries a session's PPP: a PPTP call or an L2TP session. */
struct carrier {
	const char *name;
	uint8_t protocol; /* enum tunnel_protocol */
	/* Takes its part of the origin. */
	void (*attach)(struct session *s, const struct session_origin *origin);
	/* The protocol's part of COMMAND_SESSION_ADD; what is common is filled in. */
	void (*add)(const struct session *s, struct command *cmd);
	/* This side ends the call: tell the peer. */
	void (*close)(struct session *s, enum refusal_code why);
	/* Nothing is left of the session: give back what the protocol took for it but the call
	 * ID. */
	void (*release)(struct session *s);
	void (*describe)(const struct session *s, struct gateway_session *out);
	/* Its user has authenticated. */
	void (*authenticated)(struct session *s);
};

/* What a call that a client asks for is made of. */
struct session_origin {
	const struct carrier *carrier;
	const struct ppp_config *ppp;
	struct conn *conn;            /* PPTP */
	const struct l2tp_path *path; /* L2TP */
	uint16_t tunnel_id, peer_tunnel_id;
	uint32_t peer_ip, server_ip;
	uint16_t peer_call_id;
	uint64_t begun_ms; /* the client's first octet */
	bool authentic;    /* its PPP frames are authenticated: nobody can forge them */
};

/* One call from its request until the data plane has confirmed its end. */
struct session {
	TAILQ_ENTRY(session) next;
	LIST_ENTRY(session) by_peer; /* when l2tp.peer is not 0 */
	LIST_ENTRY(session) by_user, by_address;
	struct gateway *g;
	struct stranger stranger; /* until it has authenticated */
	const struct carrier *carrier;
	bool attached; /* false: the call is over on its control connection */
	union {
		struct conn *conn;
		struct {
			uint16_t tunnel_id, peer_tunnel_id;
			uint16_t server_port, peer_port;
			uint32_t peer; /* behind IPsec; 0: in clear */
			uint32_t sa;   /* that the data plane sends through */
			bool has_user; /* as IPsec was told */
		} l2tp;
	};
	struct ppp_link *ppp;
	struct probe_bucket probes; /* questions to its client that are not answered yet */
	uv_timer_t timer;
	uint64_t timer_due; /* UINT64_MAX: not running */
	uint64_t started_ms, up_ms;
	uint64_t ppp_seen; /* received PPP frames when the timer last looked */
	uint32_t id, handle;
	uint32_t peer_ip, server_ip, inner_ip;
	uint16_t call_id, peer_call_id; /* L2TP: the session IDs */
	uint16_t mtu;                   /* largest packet to the client, whatever it takes */
	uint8_t state;                  /* enum gateway_session_state */
	bool opened;                    /* COMMAND_SESSION_OPEN was sent */
	bool orphan;                    /* of an earlier process */
	bool address_taken;
	bool saved; /* in the journal: a successor may go on with it */
	bool ppp_down, doomed;
	enum refusal_code code; /* why it ends */
	char text[96];
	char user[64]; /* as configured; "": the client names nobody, or has not yet */
	char *claimed; /* what the client says, NULL: the same */
	bool known;    /* and has proved */
	bool in_user_index, in_address_index;
	struct late *late;         /* verdict that is given later, NULL: none */
	struct session *successor; /* waits for this one's address, NULL: nobody */
	enum ppp_auth auth;
	enum refusal_code
		auth_refusal; /* of the last attempt; REFUSAL_NONE: it succeeded, or none yet */
	uint8_t mppe_policy;
	struct ppp_framing framing;
	uint8_t mppe_tx, mppe_rx;
	bool mppe_tx_stateless, mppe_rx_stateless;
	struct session_counters last;
};

/* One PPTP control connection. */
struct conn {
	TAILQ_ENTRY(conn) next;
	LIST_ENTRY(conn) bucket;
	struct stranger stranger; /* until one of its calls has authenticated */
	uint64_t begun_ms;
	struct gateway *g;
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

TAILQ_HEAD(session_list, session);
LIST_HEAD(session_bucket, session);
struct session_index {
	uint32_t n; /* buckets, a power of 2 */
	struct session_bucket *by_user, *by_address;
};
TAILQ_HEAD(conn_list, conn);

/* Cells of the journal for tunnels, and what their head says. */
struct tunnel_places {
	uint32_t *free, n_free; /* the last one is taken first; NULL: none are given out */
	uint32_t used;          /* the highest one that ever was */
	uint32_t last_session;  /* the highest number of a session that was ever saved */
};

struct listener {
	uv_tcp_t tcp;
	bool open;
};

struct gateway {
	uv_loop_t *loop;
	const struct config *cfg;
	struct pool *pool;
	struct aaa *aaa;
	struct link *link;
	struct ike *ike;             /* NULL: IPsec is off */
	struct call_ids call_ids[2]; /* by enum tunnel_protocol */
	struct listener listeners[CONFIG_MAX_LISTEN];
	uv_timer_t stop_timer;
	unsigned int n_handles; /* of listeners, connections, sessions, link, ike, timer: open or
				   closing */

	struct session_list sessions; /* in order of id */
	struct session_index index;
	struct session_bucket peer_buckets[PEER_BUCKETS]; /* sessions behind IPsec */
	uint32_t n_sessions, n_active, n_up, n_weak, next_id;
	uint32_t n_active_by[2];                       /* of n_active, by enum tunnel_protocol */
	struct strangers strangers[2], conn_strangers; /* of n_active_by, of n_conns */
	struct conn_list conns;
	LIST_HEAD(, conn) buckets[CONN_BUCKETS];
	uint32_t n_conns;

	struct l2tp_server *l2tp; /* NULL: L2TP is off */
	uv_timer_t l2tp_timer;
	uint64_t l2tp_due;
	uint64_t l2tp_in_clear, l2tp_strange_sa, l2tp_unsent; /* messages dropped */
	struct tunnel_places places;
	struct gateway_adoption adoption;
	struct {
		struct probe_bucket by_sa[PROBE_BUCKETS];
		uint32_t n, in_second;
		uint64_t second_ms, unasked; /* unasked: answers to nothing, or wrong ones */
		/* While not NULL, what L2TP sends through this pair goes there. */
		const struct sa_outer *divert_to;
		uint32_t divert_sa;
	} probes;
	const struct gateway_ipsec *ipsec; /* NULL: no IPsec */
	void *ipsec_user;

	uint64_t started_ms, calls_total[2]; /* by enum tunnel_protocol */
	uint64_t refusals[REFUSAL_COUNT];
	uint64_t forged_frames; /* of PPP, ignored (T27) */
	/* Limit on log lines that unauthenticated peers cause. */
	struct refusal_log refusal_log;

	bool stopping, closing;
	bool handing_over; /* stopping, and what is saved stays */
	uint64_t stop_ms;
	void (*stopped)(void *user);
	void *stopped_user;

	/* What the PPP machine sends during one call, so that commands go first. */
	struct {
		struct session *session;
		unsigned int n;
		uint16_t len[OUTBOX_FRAMES];
		uint8_t frame[OUTBOX_FRAMES][FRAME_MAX];
	} outbox;
	char read_buffer[READ_BUFFER];
};

/* gateway.c */
void gateway_handle_closed(struct gateway *g); /* one uv handle fewer */
/* Counts, and says whether a line about an unauthenticated peer may be logged now. */
bool gateway_may_log(struct gateway *g, enum refusal_code code, uint32_t peer_ip);
void gateway_refusal(struct gateway *g, enum refusal_code code);

/* carrier/conn.c */
bool gateway_listen(struct gateway *g, char *err, size_t errlen);
void gateway_unlisten(struct gateway *g);
void conn_settle(struct conn *c);
void conn_close(struct conn *c, enum refusal_code why);
void conn_abort(struct conn *c); /* at once, the peer learns it from TCP */

/* carrier/ipsec.c */
extern const struct ike_ops gateway_ike_ops;
extern const struct gateway_ipsec gateway_ike_answers; /* user: the gateway */

/* carrier/conn.c */
extern const struct carrier pptp_carrier;

/* carrier/l2tp.c */
extern const struct carrier l2tp_carrier;
bool l2tp_start(struct gateway *g, char *err, size_t errlen);
/* Sessions of this peer behind IPsec that have not authenticated; the oldest of them. */
unsigned int l2tp_strangers(const struct gateway *g, uint32_t peer, struct session **oldest);
/* StopCCN to every tunnel. */
void l2tp_stop(struct gateway *g);
/* Tunnels that have not acknowledged it yet. */
unsigned int l2tp_stopping(const struct gateway *g);
void l2tp_teardown(struct gateway *g);
/* The data plane is gone, and with it every tunnel. */
void l2tp_link_down(struct gateway *g);
void l2tp_frame(void *user, uint32_t sa, const struct sa_outer *inner, const struct sa_outer *from,
	const uint8_t *message, size_t len);
/* After each call into the machine. */
void l2tp_arm(struct gateway *g);
/* The bucket with the sessions of this peer. */
struct session_bucket *gateway_peer_bucket(struct gateway *g, uint32_t peer);
/* IPsec is told that the session has a user who has proven himself, or none any more. */
void l2tp_session_user(struct session *s, bool has);

/* May go on after a restart as settings and SAs are now?  peer 0: in clear. */
bool l2tp_path_allowed(const struct gateway *g, uint32_t peer);
bool l2tp_restore_tunnel(struct gateway *g, const struct l2tp_tunnel_image *image, uint32_t place);
/* False: its tunnel is not there. */
bool l2tp_restore_session(struct session *s, const struct session_entry *e);
/* After all were restored: its timer, and the pair of SAs that is current now. */
void l2tp_resume_session(struct session *s);
void l2tp_reject_session(struct gateway *g, const struct session_entry *e);

/* session/adopt.c */
/* Before the data plane opens it. */
void session_save(struct session *s);
/* It is going to end. */
void session_unsave(struct session *s);
/* Of struct l2tp_ops. */
void tunnel_saved(void *user, const struct l2tp_tunnel_image *image, uint32_t *place);
void tunnel_forgotten(void *user, uint32_t place);
/* Goes on with what an earlier process left, as far as it can. */
void gateway_adopt(void *user);
void adopt_link_down(struct gateway *g);

/* session/auth.c */
/* Of struct ppp_ops. */
void session_auth(void *user, const struct ppp_credentials *cred);
/* A verdict that is given later: when, UINT64_MAX for never; give it if it is due; forget it. */
uint64_t session_auth_due(const struct session *s);
void session_auth_timer(struct session *s);
void session_auth_stop(struct session *s);
/* Its address is free: who waits for it may have it. */
void session_auth_freed(struct session *s);
/* user=..., and claimed=... where that differs, for a line of the log.  Returns buf. */
#define SESSION_WHO_MAX 400
const char *session_who(const struct session *s, char buf[SESSION_WHO_MAX]);

/* session/index.c */
bool index_init(struct gateway *g, uint32_t sessions);
void index_free(struct gateway *g);
/* Under s->user and s->inner_ip, which stay as they are until it is removed. */
void index_add_user(struct session *s);
void index_remove_user(struct session *s);
void index_add_address(struct session *s);
void index_remove_address(struct session *s);
struct session *index_first_of_user(const struct gateway *g, const char *user);
struct session *index_next_of_user(const struct session *s);
/* The one to which the address belongs, until the data plane has confirmed its end; NULL: none. */
struct session *index_of_address(const struct gateway *g, uint32_t address);

/* carrier/probe.c; asking: carrier/ipsec.h */
void gateway_probes_end(struct session *s);
void gateway_probes_free(struct gateway *g);
/* An L2TP data message that control has to judge. */
void gateway_probe_data(struct gateway *g, uint32_t sa, uint32_t server_ip,
	const struct sa_outer *from, const uint8_t *message, size_t len);
/* True: the session's frame is the answer to a question. */
bool gateway_probe_frame(struct session *s, const uint8_t *frame, size_t len);
/* A control message, perhaps the acknowledgement of a HELLO. */
void gateway_probe_control(struct gateway *g, uint32_t sa, const struct sa_outer *from,
	const struct l2tp_header *h, uint32_t server_ip);

/* session/dataplane.c */
extern const struct link_ops gateway_link_ops;

/* session/session.c */
extern const struct ppp_ops session_ppp_ops;
void gateway_random(uint8_t *buf, size_t len);
struct session *session_new(struct gateway *g);
/* After each call into s->ppp: what the machine asked for in its callbacks is done now. */
void session_settle(struct session *s);
/* The data plane holds nothing of it any more: its address and call ID may be given to others.  s
 * is gone then. */
void session_release(struct session *s);
/* A call is asked for: REFUSAL_NONE and the session, or why not. */
enum refusal_code session_request(
	struct gateway *g, const struct session_origin *origin, struct session **out);
/* Ports that authenticated clients leave (T24). */
uint32_t session_left(const struct gateway *g, uint8_t protocol);
/* Sessions that the protocol may have (R4); 0: it is off. */
uint32_t session_limit(const struct gateway *g, uint8_t protocol);
/* Counts and logs a call that is refused; text NULL: what session_refusal_text() says. */
void session_refused(struct gateway *g, const struct carrier *carrier, uint32_t peer_ip,
	enum refusal_code why, const char *text);
/* What happened, with the limit's setting where there is one; maybe in out. */
const char *session_refusal_text(
	const struct gateway *g, uint8_t protocol, enum refusal_code why, char out[static 96]);
void session_start(struct session *s);
/* Orderly: the client is told over PPP first. */
void session_close(struct session *s, enum refusal_code code, const char *text);
/* At once: PPP is dropped, the call closed, the data plane told. */
void session_end(struct session *s, enum refusal_code code, const char *text);
/* Without the data plane's confirmation. */
void session_forget(struct session *s);
/* It has authenticated. */
void session_known(struct session *s);
/* Leaves it to a successor: nobody is told anything. */
void session_leave(struct session *s);
bool session_weak(const struct session *s);
const char *session_auth_name(const struct session *s); /* "" before authentication */

#endif
