/* SPDX-License-Identifier: BSD-3-Clause */
/* One tunnel from the inside: what server.c, tunnel.c and session.c share. */
#ifndef ADIT_CONTROL_L2TP_TUNNEL_H
#define ADIT_CONTROL_L2TP_TUNNEL_H

#include <sys/queue.h>

#include "control/l2tp/message.h"
#include "control/l2tp/server.h"

/* RFC 2661 section 7.2, as the responder sees it; "idle" is no tunnel at all. */
enum l2tp_tunnel_state {
	TUNNEL_HALF_OPEN, /* wait-ctl-conn: SCCRP was sent */
	TUNNEL_ESTABLISHED,
	TUNNEL_STOPPING,  /* our StopCCN is not acknowledged yet */
	TUNNEL_LINGERING, /* the peer's StopCCN came: only acknowledge it again (section 5.7) */
	TUNNEL_DEAD       /* to be freed */
};

struct l2tp_call;

struct l2tp_tunnel {
	LIST_ENTRY(l2tp_tunnel) by_id, by_peer;
	TAILQ_ENTRY(l2tp_tunnel) next;
	struct l2tp_server *server;
	enum l2tp_tunnel_state state;
	struct l2tp_path path;
	uint16_t id, peer_id;
	char host[65];
	struct l2tp_delivery delivery;
	TAILQ_HEAD(, l2tp_call) sessions;
	unsigned int n_sessions, n_waiting; /* waiting for ICCN */
	uint8_t challenge[16];              /* ours */
	/* Deadlines. */
	uint64_t over_at; /* half open, idle, or lingering until then */
	uint64_t hello_at;
	uint64_t opened_at, established_at;
	bool had_session;
	enum refusal_code stop_why; /* while TUNNEL_STOPPING */
	/* Token bucket in thousandths of a message. */
	uint64_t tokens, tokens_at;
	uint64_t due;      /* its place in the server's timers */
	unsigned int slot; /* there; UINT_MAX: none */
	uint32_t place;    /* of its image, the user's number; 0: none */
};

struct l2tp_tunnel_list;
TAILQ_HEAD(l2tp_tunnel_list, l2tp_tunnel);
LIST_HEAD(l2tp_tunnel_bucket, l2tp_tunnel);

struct l2tp_server {
	struct l2tp_config cfg;
	struct l2tp_ops ops;
	void *user;
	uint64_t now;
	unsigned int depth; /* nesting of calls from outside: tunnels are freed at 1 only */
	bool stopping;
	struct l2tp_tunnel_list tunnels;
	unsigned int n_buckets; /* a power of two */
	struct l2tp_tunnel_bucket *by_id, *by_peer;
	unsigned int n_all, n_tunnels, n_lingering, n_stopping; /* n_tunnels: live ones */
	unsigned int half_open[2];                              /* in clear, behind IPsec */
	/* Token bucket of refusals that are answered, in thousandths. */
	uint64_t tokens, tokens_at;
	struct l2tp_tunnel **heap; /* by due */
	unsigned int n_heap, heap_size;
	struct l2tp_stats stats;
};

/* D1: behind IPsec it is the SA that tells who it is, whatever its address is by now. */
static inline bool
tunnel_same_peer(const struct l2tp_path *a, const struct l2tp_path *b)
{
	if (a->server_ip != b->server_ip || a->peer != b->peer)
		return false;
	return a->peer != 0 || (a->peer_ip == b->peer_ip && a->peer_port == b->peer_port);
}

static inline bool
tunnel_is_live(const struct l2tp_tunnel *t)
{
	return t->state == TUNNEL_HALF_OPEN || t->state == TUNNEL_ESTABLISHED;
}

/* timers.c: a binary heap.  due L2TP_NEVER takes it out. */
bool l2tp_timers_room(struct l2tp_server *s); /* for one more tunnel */
void l2tp_timers_set(struct l2tp_server *s, struct l2tp_tunnel *t, uint64_t due);

/* tunnel.c */
/* now + ms, or never when ms is 0. */
uint64_t l2tp_deadline(uint64_t now, uint32_t ms);
/* One message of the tunnel's own peer. */
void tunnel_input(struct l2tp_tunnel *t, const struct l2tp_header *h, const uint8_t *bytes);
/* SCCRQ was accepted: SCCRP. */
void tunnel_begin(struct l2tp_tunnel *t, const struct l2tp_message *sccrq);
void tunnel_timer(struct l2tp_tunnel *t);
uint64_t tunnel_next_timer(const struct l2tp_tunnel *t);
/* Queues m with the tunnel's peer ID. */
void tunnel_post(struct l2tp_tunnel *t, struct l2tp_message *m);
/* Ends it with a StopCCN. error: general error code, or 0. */
void tunnel_stop(struct l2tp_tunnel *t, enum refusal_code why, uint16_t result, uint16_t error,
	const char *text);
/* Messages that may wait for the peer. */
unsigned int tunnel_queue_max(const struct l2tp_server *s);
/* Ends it without a word. */
void tunnel_drop(struct l2tp_tunnel *t, enum refusal_code why, const char *text);

/* server.c */
struct l2tp_tunnel *server_tunnel_find(
	const struct l2tp_server *s, uint32_t server_ip, uint16_t id);
/* A half-open tunnel of an ID that is free; NULL: no memory. */
struct l2tp_tunnel *server_tunnel_insert(
	struct l2tp_server *s, const struct l2tp_path *path, uint16_t id, uint16_t peer_id);
/* Those of a path's peer, and others of the same bucket. */
struct l2tp_tunnel_bucket *server_peers(const struct l2tp_server *s, const struct l2tp_path *p);
/* Around each call into a tunnel from outside of all callbacks; depth is counted down again. */
void server_enter(struct l2tp_server *s, uint64_t now);
void server_settle(struct l2tp_tunnel *t);
/* The state changes, and with it the counts that depend on it. */
void server_tunnel_state(struct l2tp_tunnel *t, enum l2tp_tunnel_state state);
/* The same peer's earlier tunnels: with the same ID of his they end, for he began anew; others are
 * asked by HELLO whether they live. */
void server_replace(struct l2tp_tunnel *t);

/* opening.c: a message to tunnel ID 0. */
void server_first_message(struct l2tp_server *s, const struct l2tp_path *from,
	const struct l2tp_header *h, const uint8_t *bytes);

/* image.c: what outlives us of an established tunnel, and that nothing does any more. */
void tunnel_save(struct l2tp_tunnel *t);
void tunnel_forget(struct l2tp_tunnel *t);

/* session.c: the messages of sessions, RFC 2661 sections 6.6 to 6.14 and 7.4. */
void sessions_message(struct l2tp_tunnel *t, const struct l2tp_message *m);
/* A message of a session can't be served: the session ends. */
void sessions_bad_message(
	struct l2tp_tunnel *t, const struct l2tp_message *m, uint16_t error, const char *text);
void sessions_timer(struct l2tp_tunnel *t);
uint64_t sessions_next_timer(const struct l2tp_tunnel *t);
/* All of them end, without a word to the peer. */
void sessions_end(struct l2tp_tunnel *t, enum refusal_code why, const char *text);
void sessions_free(struct l2tp_tunnel *t); /* tells nobody */
/* By our ID; with CDN. */
void session_close_by_us(struct l2tp_tunnel *t, uint16_t our_id, enum refusal_code why);
/* A connected one of an earlier process; false: an ID is 0 or in use, or no memory. */
bool sessions_restore(struct l2tp_tunnel *t, uint16_t our_id, uint16_t peer_id, void *user);
/* CDN for one that is not there. */
void sessions_reject(
	struct l2tp_tunnel *t, uint16_t our_id, uint16_t peer_id, enum refusal_code why);

#endif
