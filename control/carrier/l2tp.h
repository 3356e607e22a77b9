/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * L2TP as a carrier, in clear and behind IPsec.  The protocol itself is control/l2tp.  Control
 * messages come through the data plane, with the pair of SAs that they arrived on, and leave
 * through the peer's current pair (D1).  Calling context: adit-control's loop.
 */
#ifndef ADIT_CONTROL_CARRIER_L2TP_H
#define ADIT_CONTROL_CARRIER_L2TP_H

#include "control/carrier/ipsec.h"
#include "control/carrier/query.h"
#include "control/l2tp/image.h"
#include "control/l2tp/server.h"
#include "control/session/session.h"

#define PROBE_BUCKETS 256

struct l2tp_header;
struct probe;
LIST_HEAD(probe_bucket, probe);

struct l2tp_session {
	struct session s;
	LIST_ENTRY(l2tp_session) by_peer; /* when peer is not 0 */
	struct probe_bucket probes;       /* questions to its client that are not answered yet */
	uint16_t tunnel_id, peer_tunnel_id;
	uint16_t server_port, peer_port;
	uint32_t peer; /* behind IPsec; 0: in clear */
	uint32_t sa;   /* that the data plane sends through */
	bool has_user; /* as IPsec was told */
};
LIST_HEAD(l2tp_bucket, l2tp_session);

/* Cells of the journal for tunnels. */
struct tunnel_places {
	uint32_t *free, n_free; /* the last one is taken first; NULL: none are given out */
};

/* Questions of all sessions. */
struct probes {
	struct probe_bucket by_sa[PROBE_BUCKETS];
	uint32_t n, in_second;
	uint64_t second_ms, unasked; /* unasked: answers to nothing, or wrong ones */
	/* While not NULL, what the machine sends through this pair goes there. */
	const struct sa_outer *divert_to;
	uint32_t divert_sa;
};

struct l2tp_carrier {
	struct carrier c;
	struct l2tp_server *server; /* NULL: off */
	uv_timer_t timer;
	uint64_t timer_due;
	uint64_t in_clear;   /* messages dropped: came in clear, IPsec is required (T20) */
	uint64_t strange_sa; /* came through an SA of nobody known */
	uint64_t unsent;     /* could not be sent: no outbound SA, or the data plane is full */
	struct tunnel_places places;
	struct probes probes;
	struct l2tp_bucket *by_peer;    /* sessions behind IPsec, by peer */
	uint32_t n_buckets;             /* a power of 2 */
	const struct l2tp_ipsec *ipsec; /* NULL: no IPsec */
	void *ipsec_user;
};

/* The carrier, not started.  NULL: no memory. */
struct carrier *l2tp_carrier_new(struct sessions *all);

/* An L2TP message: of struct link_ops. */
void l2tp_frame(struct l2tp_carrier *l, uint32_t sa, const struct sa_outer *inner,
	const struct sa_outer *from, const uint8_t *message, size_t len);

/* ------------------------------------------------------------------ inside this carrier */

static inline uint64_t
l2tp_now(const struct l2tp_carrier *l)
{
	return uv_now(l->c.all->env.loop);
}

/* After each call into the machine. */
void l2tp_arm(struct l2tp_carrier *l);
/* The pair to send through to this peer; 0: none now, or in clear. */
uint32_t l2tp_current_sa(const struct l2tp_carrier *l, uint32_t peer);
/* The bucket with the sessions of this peer. */
struct l2tp_bucket *l2tp_of_peer(const struct l2tp_carrier *l, uint32_t peer);
/* What the machine says. */
extern const struct l2tp_ops l2tp_machine_ops; /* user: the carrier */

/* l2tp_session.c: this carrier's part of struct carrier_ops for one session. */
void l2tp_session_attach(struct session *s, const void *own);
void l2tp_session_add(const struct session *s, struct command *cmd);
void l2tp_session_authenticated(struct session *s);
void l2tp_session_ended(struct session *s, bool tell, enum refusal_code why);
void l2tp_session_detach(struct session *s);
void l2tp_session_describe(const struct session *s, struct session_info *out);
enum refusal_code l2tp_session_room(const struct carrier *c, const void *own, struct session **out);

/* l2tp_adopt.c: what outlives control. */
void l2tp_tunnel_saved(void *user, const struct l2tp_tunnel_image *image, uint32_t *place);
void l2tp_tunnel_forgotten(void *user, uint32_t place);
void l2tp_adopt(struct carrier *c);
bool l2tp_adoption_allowed(const struct carrier *c, const struct session_entry *e);
bool l2tp_adopt_session(struct session *s, const struct session_entry *e);
void l2tp_resume_session(struct session *s);
void l2tp_reject_session(struct carrier *c, const struct session_entry *e);
void l2tp_places_free(struct l2tp_carrier *l);

/* probe.c; asking: ipsec.h */
void probes_end(struct l2tp_session *s);
void probes_free(struct l2tp_carrier *l);
/* An L2TP data message that control has to judge. */
void probe_data(struct l2tp_carrier *l, uint32_t sa, uint32_t server_ip,
	const struct sa_outer *from, const uint8_t *message, size_t len);
/* True: the session's frame is the answer to a question. */
bool probe_frame(struct session *s, const uint8_t *frame, size_t len);
/* A control message, perhaps the acknowledgement of a HELLO. */
void probe_control(struct l2tp_carrier *l, uint32_t sa, const struct sa_outer *from,
	const struct l2tp_header *h, uint32_t server_ip);

#endif
