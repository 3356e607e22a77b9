/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An L2TP access concentrator (LAC), RFC 2661, as a client is one: the side that opens a tunnel and
 * calls.  A pure machine: control messages and time go in; messages, sessions and one timer come
 * out.  No socket, clock, log or allocation inside; the struct and its room are its user's to place.
 *
 * It is written apart from the server's tunnels (tunnel.h, delivery.h): one message under way at a
 * time, early ones dropped, as simple clients do, so that two of ours that meet do not agree in the
 * same mistake.  What it receives is hostile.  IDs are in host byte order, time is monotonic
 * milliseconds.  For a secret mschap_init() (crypto/mschap.h) must have been called.
 */
#ifndef ADIT_CONTROL_L2TP_CLIENT_H
#define ADIT_CONTROL_L2TP_CLIENT_H

#include "control/core/refusal.h"
#include "control/l2tp/message.h"

#define L2TP_CLIENT_MESSAGE_MAX 512 /* octets of one of its own */

/* How clients in the field differ; all off: as here described. */
struct l2tp_client_habits {
	bool stops_at_challenge; /* ends a tunnel whose server wants a secret, as xl2tpd without one */
	bool bare_iccn;          /* ICCN without Tx Connect Speed and Framing Type */
	bool mute;               /* answers nothing */
};

struct l2tp_client_config {
	uint16_t id;        /* of its tunnel, not 0 */
	const char *secret; /* shared with the server, RFC 2661 section 5.1.1; NULL: none; outlives
			       the client */
	bool challenges;    /* the server is to prove the secret, or the tunnel ends */
	bool hides;         /* Assigned Tunnel and Session IDs are hidden, section 4.3 */
	bool sequencing;    /* data messages are to carry numbers */
	uint16_t window;    /* Receive Window Size; 0: not said */
	uint32_t hello_ms;  /* of silence, until it asks whether the server lives; 0: never */
	struct l2tp_client_habits habits;
};

struct l2tp_client_session {
	uint16_t id, peer_id; /* peer_id 0: no ICRP yet */
	bool up, over;
	uint16_t result, error; /* of CDN, section 4.4.2 */
};

struct l2tp_client_message {
	size_t len;
	uint8_t bytes[L2TP_CLIENT_MESSAGE_MAX];
};

/* Memory of its user's; outlives the client. */
struct l2tp_client_room {
	struct l2tp_client_message *queue; /* not acknowledged yet: four are enough for a call */
	unsigned int queue_max;
	struct l2tp_client_session *sessions; /* all that it ever called for */
	unsigned int sessions_max;
};

/* All calls come from within an l2tp_client_*() call on the same client and may call back.  All but
 * send and random may be NULL. */
struct l2tp_client_ops {
	void (*send)(void *user, const uint8_t *bytes, size_t len);
	void (*random)(void *user, uint8_t *buf, size_t len); /* unpredictable */
	void (*tunnel_up)(void *user); /* SCCRP came and was answered: it may call */
	/* ICRP came and was answered: PPP may start. */
	void (*session_up)(void *user, struct l2tp_client_session *s);
	/* CDN came; sessions of a tunnel that ends are not told apart. */
	void (*session_down)(void *user, struct l2tp_client_session *s);
	/* The tunnel is over, once. */
	void (*over)(void *user, enum refusal_code why, const char *text);
	/* Each message as it is sent ('>') and received ('<'). */
	void (*trace)(void *user, char direction, unsigned int type, uint16_t ns, uint16_t nr);
};

/* Read by its user, changed by none but the functions below. */
struct l2tp_client {
	struct l2tp_client_config cfg;
	const struct l2tp_client_ops *ops;
	void *user;
	struct l2tp_client_room room;
	uint64_t now, due, hello_at;
	uint16_t ns, nr, peer_id;
	unsigned int n_queued, tries, n_sessions;
	bool up, stopped, dead; /* SCCRP came; StopCCN came; no acknowledgement */
	bool is_over;           /* over() was called */
	bool proven;            /* the server's response was right */
	uint16_t result, error; /* of StopCCN */
	uint8_t challenge[16];
	unsigned int n_sent, n_received, hellos, repeats, malformed;
};

void l2tp_client_init(struct l2tp_client *l, const struct l2tp_client_config *cfg,
	const struct l2tp_client_room *room, const struct l2tp_client_ops *ops, void *user);
/* SCCRQ. */
void l2tp_client_start(struct l2tp_client *l, uint64_t now_ms);
/* Queues any message of this tunnel; header and hiding are filled in.  False: no room, or too
 * long. */
bool l2tp_client_post(struct l2tp_client *l, struct l2tp_message *m);
/* ICRQ.  NULL: no room. */
struct l2tp_client_session *l2tp_client_call(struct l2tp_client *l, uint16_t session_id);
void l2tp_client_hang_up(struct l2tp_client *l, struct l2tp_client_session *s); /* CDN */
/* StopCCN with this result, section 4.4.2.  over() has come when the server has acknowledged it. */
void l2tp_client_stop(struct l2tp_client *l, uint16_t result, const char *text);
/* One control message, hostile. */
void l2tp_client_input(struct l2tp_client *l, const uint8_t *bytes, size_t len, uint64_t now_ms);
/* When l2tp_client_timer() is due (UINT64_MAX: never), and to be called then. */
uint64_t l2tp_client_next_timer(const struct l2tp_client *l);
void l2tp_client_timer(struct l2tp_client *l, uint64_t now_ms);

#endif
