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
#include "dataplane/api/segment.h"

#define GRE_WINDOW 64 /* late packets accepted behind the highest sequence number */
#define GRE_MAX_AHEAD \
	16384 /* further ahead is not believed (T5); recovered from after GRE_RESYNC in a row */
#define GRE_RESYNC 32

/* Configured state: written before publication or by the owner on a worker message; read by all
 * workers. */
struct session_config {
	_Atomic uint32_t handle; /* 0: free or being removed.  Release by the writer pairs with
				    acquire on arrival */
	rte_be32_t peer_ip_be, server_ip_be;
	rte_be16_t call_id_be, peer_call_id_be;
	rte_be32_t inner_ip_be;    /* client's address; 0 before OPEN */
	_Atomic uint32_t outer_nh; /* FIB value towards the peer, kept current by the writer */
	uint16_t our_mru, peer_mru;
	uint16_t mtu;  /* largest inner packet downlink: min(peer_mru, what the outer MTU leaves) */
	uint16_t mss;  /* clamp for both directions, 0 = none (D5) */
	uint8_t owner; /* worker index */
	uint8_t state; /* enum session_state; owner's view */
	uint8_t tx_acfc, tx_pfc;
	uint8_t require_mppe;
	uint8_t mppe_tx, mppe_rx; /* 0 = clear, else strength in bits */
	uint8_t peer_seen;        /* EVENT_PEER_SEEN was sent */
};

/* Owner's running state, uplink. */
struct session_uplink {
	uint32_t rx_highest;   /* highest GRE sequence number accepted */
	uint8_t rx_any;        /* rx_highest is valid */
	uint8_t far_ahead;     /* consecutive packets beyond GRE_MAX_AHEAD */
	uint8_t ack_due;       /* packets received since our last acknowledgement went out */
	uint8_t ack_queued;    /* waiting in the owner's queue of acknowledgements */
	uint64_t rx_window;    /* bit n: rx_highest - n was received */
	uint64_t lost_sync_at; /* TSC of the last EVENT_LOST_SYNC (rate limit) */
	uint64_t punt_at_us;   /* when the session's control frames so far were due at their rate */
	struct session_counters *counters; /* in the shared segment */
};

/* Owner's running state, downlink.  The template is Ethernet + IPv4 + GRE with what never changes
 * filled in. */
struct session_downlink {
	uint32_t tx_seq;   /* next GRE sequence number */
	uint32_t tx_acked; /* highest acknowledged by the peer */
	uint16_t ip_id;
	uint16_t reserved;
	struct session_counters *counters;
};

struct session {
	/* one line */
	struct session_config cfg __rte_cache_aligned;
	/* one line each */
	struct session_uplink up __rte_cache_aligned;
	struct session_downlink down __rte_cache_aligned;
	/* secrets: wiped on removal */
	struct mppe_tx mppe_tx __rte_cache_aligned;
	struct mppe_rx mppe_rx __rte_cache_aligned;
	/* cold: the writer's */
	struct {
		uint32_t inner_ip; /* in the FIB when routed */
		bool routed;
		bool keyed;         /* SESSION_MPPE was passed on */
		bool host_route;    /* the kernel has a route to inner_ip alone */
		uint64_t rcu_token; /* removal: wait for this */
		uint64_t close_cookie;
		uint32_t close_handle;
		uint64_t opened_us;
		struct session *next_closing;
	} cold __rte_cache_aligned;
};
static_assert(sizeof(struct session_config) <= 64, "configured state fits one cache line");
static_assert(sizeof(struct session_uplink) <= 64, "uplink state fits one cache line");
static_assert(sizeof(struct session_downlink) <= 64, "downlink state fits one cache line");
static_assert(sizeof(struct session) <= 2048, "a session costs at most 2 KiB (DESIGN section 3)");

#define MAX_SERVER_ADDRESSES 8

/* PPTP call IDs are indexes: one table of 65,536 slots per server address (docs/adr). 0 = none,
 * else slot + 1. */
struct call_table {
	rte_be32_t server_ip_be;
	_Atomic uint32_t slot[65536];
};

struct session_table {
	struct session *slots; /* max entries */
	uint32_t max;
	uint32_t live;
	struct call_table *calls[MAX_SERVER_ADDRESSES];
	_Atomic uint32_t n_calls; /* grows only */
	struct rte_rcu_qsbr *rcu;
	struct session *closing; /* removals waiting for quiescence, writer only */
};

extern struct session_table sessions;

/* The session of a call on one of our addresses, or NULL.  Worker, inside of one burst.  The caller
 * still has to check cfg.peer_ip_be (T5). */
static inline struct session *
session_by_call(rte_be32_t server_ip_be, rte_be16_t call_id_be)
{
	/* Acquire: pairs with the release in session_publish(). */
	uint32_t n = atomic_load_explicit(&sessions.n_calls, memory_order_acquire);
	for (uint32_t i = 0; i < n; i++) {
		if (sessions.calls[i]->server_ip_be != server_ip_be)
			continue;
		uint32_t slot =
			atomic_load_explicit(&sessions.calls[i]->slot[rte_be_to_cpu_16(call_id_be)],
				memory_order_acquire);
		return slot ? &sessions.slots[slot - 1] : NULL;
	}
	return NULL;
}

static inline uint32_t
session_handle_of(const struct session *s)
{
	return atomic_load_explicit(&s->cfg.handle, memory_order_acquire);
}

/* --- main lcore only
 * -------------------------------------------------------------------------------- */

/* Allocate the tables.  0 or a negative errno. */
int session_table_init(uint32_t max_sessions, struct rte_rcu_qsbr *rcu);
void session_table_free(void);
/* Fill the slot of handle and publish its call ID.  The owner was chosen by the caller.
 * 0, -EINVAL (handle, addresses, IDs), -EBUSY (slot not free, or call ID taken), -ENOSPC (server
 * addresses). */
int session_add(uint32_t handle, uint32_t server_ip, uint32_t peer_ip, uint16_t call_id,
	uint16_t peer_call_id, uint8_t owner, struct session_counters *counters);
/* The session of a handle from control (hostile), or NULL. */
struct session *session_by_handle(uint32_t handle);
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

/* --- owner worker only
 * ------------------------------------------------------------------------------ */

/* Apply a command of control that concerns running state (SESSION_LINK, _MPPE, _OPEN, _FLUSH). Keys
 * in cmd are wiped. */
void session_apply(struct session *s, struct command *cmd);

#endif
