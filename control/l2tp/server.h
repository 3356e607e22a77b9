/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An L2TP network server (LNS), RFC 2661: control connections, here called tunnels, and their
 * sessions, from the side that clients call.  A pure machine: control messages with where they came
 * from, decisions and the time go in; messages, sessions and one timer come out.  No socket, clock
 * or log inside.  Addresses, ports and IDs are in host byte order.  Time is monotonic milliseconds.
 *
 * A tunnel belongs to whom its SCCRQ came from (D1): a peer behind IPsec, whatever its address is
 * by now, or in clear an address and port.  Messages for it from elsewhere are dropped and counted.
 */
#ifndef ADIT_CONTROL_L2TP_SERVER_H
#define ADIT_CONTROL_L2TP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/core/refusal.h"
#include "control/l2tp/delivery.h"

struct l2tp_config {
	char host_name[64], vendor[64]; /* in SCCRP; "": not told */
	/* Shared by both sides, RFC 2661 section 5.1.1; "": none, tunnels are not authenticated. */
	char secret[129];
	struct l2tp_delivery_config delivery;
	uint32_t half_open_ms;      /* from SCCRQ to SCCCN */
	uint32_t idle_ms;           /* without a session; 0: for ever */
	uint32_t connect_ms;        /* from ICRQ to ICCN */
	uint32_t hello_interval_ms; /* of silence, RFC 2661 section 5.5; 0: never */
	unsigned int max_tunnels;   /* all together */
	unsigned int max_tunnels_per_peer;
	/* T13: tunnels without SCCCN, those in clear and those behind IPsec counted apart. */
	unsigned int max_half_open, max_half_open_per_peer;
	unsigned int max_sessions_per_tunnel;
};

/* Between which ends messages go. */
struct l2tp_path {
	uint32_t peer; /* the host behind an IPsec SA; 0: in clear */
	uint32_t server_ip, peer_ip;
	uint16_t server_port, peer_port;
};

/* A call that the peer asks for (ICRQ).  Valid during the callback. */
struct l2tp_session_request {
	const struct l2tp_path *path;
	uint16_t tunnel_id, peer_tunnel_id;
	uint16_t peer_session_id;
	uint32_t serial;
	const char *peer_host; /* printable */
};

/* What ICCN said. */
struct l2tp_connected {
	uint32_t tx_speed; /* bits per second, 0: not said */
	bool sequencing_required;
};

struct l2tp_stats {
	uint32_t tunnels, sessions; /* now; tunnels that only acknowledge their end not counted */
	uint32_t half_open;
	uint64_t received, sent, repeated; /* messages, ZLB included */
	uint64_t malformed;                /* dropped: header, or an SCCRQ that makes no sense */
	uint64_t unknown_tunnel;           /* dropped: no such tunnel */
	uint64_t wrong_peer;               /* dropped: a tunnel of somebody else (D1) */
	uint64_t bad_nr;                   /* dropped: acknowledges what was never sent */
	uint64_t duplicates, outside;      /* outside: beyond the window */
	uint64_t flooded;                  /* dropped: more messages than a tunnel may send */
	uint64_t tunnels_total, tunnels_refused;
	uint64_t sessions_total, sessions_refused;
	uint64_t wan_errors; /* WAN-Error-Notify messages */
};

struct l2tp_server;
struct l2tp_tunnel_image;

/*
 * All calls come from within an l2tp_*() call on the same server; `user` is l2tp_server_new()'s.
 * Callbacks may call l2tp_session_close() and l2tp_tunnel_close_idle(), nothing else.
 */
struct l2tp_ops {
	void (*send)(void *user, const struct l2tp_path *to, const uint8_t *bytes, size_t len);
	/* May this peer have a tunnel? REFUSAL_NONE: yes. */
	enum refusal_code (*tunnel_request)(void *user, const struct l2tp_path *from);
	/* A tunnel ended, or was refused; id 0: it never was one.  had_session: its sessions were
	 * told, or tell, the same. */
	void (*tunnel_over)(void *user, const struct l2tp_path *path, uint16_t id, bool had_session,
		enum refusal_code why, const char *text);
	/* The peer has acknowledged a StopCCN of ours for this reason, or will never. */
	void (*tunnel_stopped)(void *user, const struct l2tp_path *path, enum refusal_code why);
	/* Accept or refuse a session.  On REFUSAL_NONE *our_id (not 0, unique for the server
	 * address) goes into ICRP, and *session to the other session_* callbacks. */
	enum refusal_code (*session_request)(void *user, const struct l2tp_session_request *req,
		uint16_t *our_id, void **session);
	/* ICCN came: PPP may start. */
	void (*session_up)(void *user, void *session, const struct l2tp_connected *how);
	/* The session ended; once per accepted one.  It is not to be used here again. */
	void (*session_down)(void *user, void *session, enum refusal_code why, const char *text);
	void (*random)(void *user, uint8_t *buf, size_t len);
	/* What is to be known of an established tunnel by whoever goes on after this process
	 * (control/l2tp/image.h): before each message that the peer is sent.  *place is 0 at first
	 * and the user's to set.  Both may be NULL. */
	void (*tunnel_save)(void *user, const struct l2tp_tunnel_image *image, uint32_t *place);
	/* It is not to be gone on with any more; place is not 0. */
	void (*tunnel_forget)(void *user, uint32_t place);
	/* A session was refused without session_request(). May be NULL. */
	void (*session_refused)(
		void *user, const struct l2tp_path *path, enum refusal_code why, const char *text);
};

/* cfg and ops are copied.  NULL when out of memory. */
/* From now on; tunnels that there are keep their windows and repetitions. */
void l2tp_server_change(struct l2tp_server *s, const struct l2tp_config *cfg);
struct l2tp_server *l2tp_server_new(
	const struct l2tp_config *cfg, const struct l2tp_ops *ops, void *user);
/* Sends nothing, calls nothing.  Not from within a callback. */
void l2tp_server_free(struct l2tp_server *s);
/* One control message, hostile. */
void l2tp_server_input(struct l2tp_server *s, const struct l2tp_path *from, const uint8_t *bytes,
	size_t len, uint64_t now_ms);
/* Nothing can be sent to this IPsec peer any more: its tunnels end without a word. */
void l2tp_server_peer_gone(
	struct l2tp_server *s, uint32_t peer, enum refusal_code why, uint64_t now_ms);
/* Sends HELLO to an established tunnel of this peer that waits for no acknowledgement.  False:
 * there is none.  `asked`: the message that acknowledges it is for this tunnel, with this Nr. */
struct l2tp_asked {
	uint32_t server_ip;
	uint16_t tunnel_id, nr;
};
bool l2tp_server_hello(
	struct l2tp_server *s, uint32_t peer, struct l2tp_asked *asked, uint64_t now_ms);
/* The peer's tunnels are asked by HELLO whether they live, as soon as the timer is called. */
void l2tp_server_hasten(struct l2tp_server *s, uint32_t peer, uint64_t now_ms);
/* Ends all tunnels: StopCCN to each.  New ones are refused from then on. */
void l2tp_server_stop(struct l2tp_server *s, enum refusal_code why, uint64_t now_ms);
/* All at once, without a word. */
void l2tp_server_abandon(struct l2tp_server *s, enum refusal_code why, uint64_t now_ms);
/* A session is ended by us: CDN.  session_down() follows, unless the session is over already. */
void l2tp_session_close(struct l2tp_server *s, uint32_t server_ip, uint16_t tunnel_id,
	uint16_t our_id, enum refusal_code why, uint64_t now_ms);
/* A tunnel without sessions is ended by us: StopCCN.  Nothing happens when it has some. */
void l2tp_tunnel_close_idle(struct l2tp_server *s, uint32_t server_ip, uint16_t tunnel_id,
	enum refusal_code why, uint64_t now_ms);
uint64_t l2tp_server_next_timer(const struct l2tp_server *s); /* UINT64_MAX: never */
void l2tp_server_timer(struct l2tp_server *s, uint64_t now_ms);
void l2tp_server_stats(const struct l2tp_server *s, struct l2tp_stats *out);

struct l2tp_tunnel_info {
	struct l2tp_path path;
	uint16_t id, peer_id;
	const char *peer_host; /* as the client calls itself, printable */
	bool established;
	unsigned int sessions;
	uint64_t age_ms;
	uint64_t sent, repeated; /* messages */
};
/* Every live tunnel in order of age, restored ones in any order before them, until each() returns
 * false. */
void l2tp_server_tunnels(const struct l2tp_server *s, uint64_t now_ms,
	bool (*each)(void *user, const struct l2tp_tunnel_info *t), void *user);
/* Tunnels that still wait for the peer to acknowledge StopCCN. */
unsigned int l2tp_server_stopping(const struct l2tp_server *s);

#endif
