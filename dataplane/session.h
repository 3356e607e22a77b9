/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions as the data plane knows them, and the tables that lead to them.
 *
 * One writer: the main lcore adds, publishes and removes.  Workers read under RCU (rte_rcu_qsbr); a
 * session's mutable state belongs to its owner worker alone.  Slots live in one array for the whole
 * run, so a stale pointer is never wild: whoever carries a session across a ring or a burst carries
 * its handle too and compares it on arrival. Names ending in _be are in network byte order, all
 * other numbers in host byte order.
 */
#ifndef ADIT_DATAPLANE_SESSION_H
#define ADIT_DATAPLANE_SESSION_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_rcu_qsbr.h>

#include "crypto/mppe.h"
#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"
#include "dataplane/closing.h"
#include "dataplane/index.h"

#define MPPE_STATEFUL_RX 1
#define MPPE_STATEFUL_TX 2

/* The node that a session's PPP frames leave by.  In this order the outputs are the first edges of
 * every node that sends such frames (OUTPUT_EDGES in nodes/node.h), and it knows nothing of
 * protocols: which one takes which stands in session.c. */
enum session_output { OUTPUT_PPTP, OUTPUT_L2TP, OUTPUT_COUNT };

/* Configured state: written before publication or by the owner on a worker message; read by all
 * workers. */
struct session_config {
	_Atomic uint32_t handle; /* 0: free or being removed.  Release by the writer pairs with
				    acquire on arrival.  First: what follows is cleared for a new
				    owner, while workers may be comparing this */
	rte_be32_t peer_ip_be, server_ip_be;
	rte_be16_t call_id_be, peer_call_id_be;
	rte_be32_t inner_ip_be;    /* client's address; 0 before OPEN */
	_Atomic uint32_t outer_nh; /* FIB value towards the peer, kept current by the writer */
	uint32_t sa;               /* L2TP: pair to send through, 0: in clear */
	uint32_t peer;             /* L2TP: whose pairs packets may come in on, 0: in clear */
	rte_be16_t tunnel_id_be, peer_tunnel_id_be;
	rte_be16_t server_port_be, peer_port_be;
	struct session_counters *counters; /* in the shared segment; of both directions.  Here, for
					      L2TP has nothing else to look at in the next line */
	uint16_t mtu; /* largest inner packet downlink: min(peer_mru, what the outer MTU leaves) */
	uint16_t mss; /* clamp for both directions, 0 = none (D5) */
	uint16_t peer_mru;
	uint16_t path_mtu; /* towards the peer, where it is less than the port's; 0 = unknown */
	uint8_t owner;     /* worker index */
	uint8_t state;     /* enum session_state; owner's view */
	uint8_t mppe_tx, mppe_rx; /* 0 = clear, else strength in bits */
	uint8_t mppe_stateful;    /* MPPE_STATEFUL_RX, _TX */
	uint8_t protocol;         /* enum tunnel_protocol */
	uint8_t output;           /* enum session_output: the edge to the node that its frames leave
				     by */
	uint8_t tx_acfc : 1, tx_pfc : 1;
	uint8_t require_mppe : 1;
	uint8_t peer_seen : 1;                           /* EVENT_PEER_SEEN was sent */
	uint8_t send_sequence : 1, require_sequence : 1; /* L2TP data messages */
};

/* Owner's running state, uplink. */
struct session_uplink {
	uint32_t rx_highest;   /* highest sequence number believed; L2TP: 16 bits */
	uint32_t rx_ack;       /* to acknowledge */
	uint32_t rx_stray;     /* number of the last packet that was not believed */
	uint8_t rx_any;        /* rx_highest is valid */
	uint8_t rx_agree;      /* packets that followed each other up to rx_stray */
	uint8_t rx_control;    /* control frames with numbers beyond rx_highest */
	uint8_t ack_due;       /* packets received since our last acknowledgement went out */
	uint8_t ack_queued;    /* waiting in the owner's queue of acknowledgements */
	uint32_t lost_sync_ms; /* of the last EVENT_LOST_SYNC (rate limit), plus 1; 0: none */
	uint64_t rx_window;    /* bit n: rx_highest - n was received */
	uint64_t drops_us;     /* when the drops for numbers so far were due at their rate */
	uint64_t punt_at_us;   /* when the session's control frames so far were due at their rate */
};

/* Owner's running state, downlink. */
struct session_downlink {
	uint32_t tx_seq; /* next sequence number; L2TP sends its low 16 bits */
	uint16_t ip_id;
	uint16_t reserved;
};

struct session {
	/* one line */
	struct session_config cfg __rte_cache_aligned;
	/* another: an acknowledgement is owed by the one and sent by the other */
	struct session_uplink up __rte_cache_aligned;
	struct session_downlink down;
	/* secrets: wiped on removal */
	struct mppe_tx mppe_tx __rte_cache_aligned;
	struct mppe_rx mppe_rx __rte_cache_aligned;
	/* cold: the writer's */
	struct {
		bool used;         /* the slot, from session_add() to session_reap() */
		uint32_t inner_ip; /* in the FIB when routed */
		bool routed;
		bool keyed;           /* SESSION_MPPE was passed on */
		bool host_route;      /* the kernel has a route to inner_ip alone */
		uint16_t path_mtu;    /* the last that the owner was told, 0 = none */
		uint64_t path_mtu_us; /* when */
		uint64_t opened_us;
		struct closing closing;
	} cold __rte_cache_aligned;
};
static_assert(sizeof(struct session_config) <= 64, "configured state fits one cache line");
static_assert(sizeof(struct session_uplink) + sizeof(struct session_downlink) <= 64,
	"running state fits one cache line");
static_assert(sizeof(struct session) <= 2048, "a session costs at most 2 KiB (DESIGN section 3)");

#define MAX_SERVER_ADDRESSES 16 /* of 65,535 IDs each: sessions.max has its most */

/* PPTP's call IDs and L2TP's session IDs are indexes: for each protocol one table of 65,536 slots
 * per server address (docs/adr/0001). 0 = none, else slot + 1. */
struct id_table {
	_Atomic uint32_t slot[65536];
};
struct id_tables {
	_Atomic uint32_t n;                                                /* grows only */
	rte_be32_t server_ip_be[MAX_SERVER_ADDRESSES] __rte_cache_aligned; /* one line */
	struct id_table *of[MAX_SERVER_ADDRESSES];
};

struct session_table {
	struct session *slots; /* max entries */
	uint32_t max;
	uint32_t live;
	struct id_tables ids[TUNNEL_PROTOCOLS];
	struct rte_rcu_qsbr *rcu;
	struct closing_list closing; /* writer only */
	struct index by_name;        /* session_name_key() */
	struct index by_ip;          /* the peer's address, network byte order */
};

extern struct session_table sessions;

/* What a router can quote of a packet of ours: the IDs that the peer has chosen, tunnel_id_be of 0
 * with PPTP; with IPsec nothing, there the peer's name stands for its sessions. */
static inline uint64_t
session_name_key(rte_be32_t peer_ip_be, rte_be16_t tunnel_id_be, rte_be16_t call_id_be)
{
	return (uint64_t)peer_ip_be << 32 | (uint32_t)tunnel_id_be << 16 | call_id_be;
}

/* Where it stands whose an ID on one of our addresses is, or NULL.  Worker. */
static inline const _Atomic uint32_t *
session_id_entry(enum tunnel_protocol protocol, rte_be32_t server_ip_be, rte_be16_t id_be)
{
	const struct id_tables *t = &sessions.ids[protocol];
	/* Acquire: pairs with the release in id_table_of(). */
	uint32_t n = atomic_load_explicit(&t->n, memory_order_acquire);
	uint32_t found = 0;
	if (unlikely(n == 0))
		return NULL;
	if (unlikely(t->server_ip_be[0] != server_ip_be)) {
		found = n;
		for (uint32_t i = 1; i < n; i++) /* no branch that depends on which it is */
			found = t->server_ip_be[i] == server_ip_be ? i : found;
	}
	return likely(found < n) ? &t->of[found]->slot[rte_be_to_cpu_16(id_be)] : NULL;
}

/* The session that stands there, or NULL.  Worker, inside of one burst.  The caller still has to
 * check whose it is (T5, D1). */
static inline struct session *
session_of_entry(const _Atomic uint32_t *entry)
{
	/* Acquire: pairs with the release in session_publish(). */
	uint32_t slot = atomic_load_explicit(entry, memory_order_acquire);
	return slot ? &sessions.slots[slot - 1] : NULL;
}

/* Both. */
static inline struct session *
session_by_id(enum tunnel_protocol protocol, rte_be32_t server_ip_be, rte_be16_t id_be)
{
	const _Atomic uint32_t *entry = session_id_entry(protocol, server_ip_be, id_be);
	return entry ? session_of_entry(entry) : NULL;
}

static inline uint32_t
session_handle_of(const struct session *s)
{
	return atomic_load_explicit(&s->cfg.handle, memory_order_acquire);
}

/* The session of a handle that may be stale or hostile, or NULL.  Any lcore; a worker, inside of
 * one burst. */
static inline struct session *
session_by_handle(uint32_t handle)
{
	uint32_t slot = SESSION_SLOT(handle);
	if (unlikely(handle == 0 || slot >= sessions.max))
		return NULL;
	struct session *s = &sessions.slots[slot];
	return likely(session_handle_of(s) == handle) ? s : NULL;
}

/* ------------------------------------------------------------------ main lcore only */

/* Allocate the tables.  0 or a negative errno. */
int session_table_init(uint32_t max_sessions, struct rte_rcu_qsbr *rcu);
void session_table_free(void);
/* What is known of a session when it is added; its owner was chosen by the caller.  The fields
 * below counters are L2TP's. */
struct session_params {
	uint32_t server_ip, peer_ip;
	uint16_t call_id, peer_call_id;
	uint8_t owner;
	uint8_t protocol; /* enum tunnel_protocol */
	struct session_counters *counters;
	uint16_t tunnel_id, peer_tunnel_id;
	uint16_t server_port, peer_port;
	uint32_t sa, peer;
};
/* Fill the slot of handle and publish its ID.  0, -EINVAL (handle, addresses, IDs), -EBUSY (slot
 * not free, or ID taken), -ENOSPC (server addresses). */
int session_add(uint32_t handle, const struct session_params *p);
/*
 * Staged death, stage 1: unpublish (call ID; the caller removed the route) and clear the handle.
 * session_reap() goes on when every worker has passed a quiescent state: wipes keys, frees the
 * slot, and calls gone(slot's handle) once. Who could still hold the pointer: a worker in the
 * middle of a burst (RCU); packets and messages in hand-over rings (they carry the handle, which no
 * longer matches); the LPM (route removed before).
 */
void session_remove(struct session *s, uint64_t cookie);
/* At most max of them. */
unsigned int session_reap(
	unsigned int max, void (*gone)(uint32_t handle, uint64_t cookie, struct session *s));

/* ------------------------------------------------------------------ owner worker only */

/* Apply a command of control that concerns running state (SESSION_LINK, _MPPE, _OPEN, _FLUSH,
 * _L2TP, _SA). Keys in cmd are wiped. */
void session_apply(struct session *s, struct command *cmd);
/* Outer packets of at most mtu octets reach the peer (dataplane/pmtu.h); 0: those of the port
 * do. */
void session_set_path_mtu(struct session *s, uint16_t mtu);

#endif
