/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pairs of IPsec SAs as the data plane knows them, and the table that leads to them: the SPI of an
 * inbound SA is ours to choose, so it is an index (dataplane/api/sa.h).
 *
 * As with sessions, one writer: the main lcore adds, publishes and removes; workers read under RCU;
 * a pair's mutable state belongs to its owner worker alone.  Slots live in one array for the whole
 * run; keys and replay windows, whose size depends on the suite, are allocated with a pair and
 * freed after it.  Names ending in _be are in network byte order, all other numbers in host byte
 * order.
 */
#ifndef ADIT_DATAPLANE_SA_H
#define ADIT_DATAPLANE_SA_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_rcu_qsbr.h>

#include "crypto/esp.h"
#include "dataplane/api/command.h"
#include "dataplane/api/sa.h"
#include "dataplane/closing.h"
#include "dataplane/index.h"

enum sa_state { SA_FREE, SA_LIVE, SA_CLOSING };

/* The node that takes what a pair's ESP carried: esp_decrypt's first edges (EXIT_EDGES in
 * nodes/node.h). */
enum sa_exit { SA_EXIT_L2TP, SA_EXIT_COUNT };

/* Configured state: written before publication, but for where the peer is, and whose it is, which
 * the owner changes on COMMAND_SA_UPDATE; read by all workers. */
struct sa_config {
	/* These three are not cleared with the rest: workers compare them at any time. */
	_Atomic uint32_t handle; /* the inbound SPI; 0: free or being removed.  Release by the
				    writer pairs with acquire on arrival */
	_Atomic uint32_t
		reserved; /* while the slot is free: the SPI that IKE gave to a peer, 0: none.
			     Release by the writer pairs with acquire in sa_is_early() */
	_Atomic rte_be32_t reserved_ip_be; /* that peer's address */
	uint32_t peer;                     /* control's name for the host behind it; owner only */
	_Atomic uint32_t outer_nh; /* FIB value towards the peer, kept current by the writer */
	_Atomic rte_be32_t peer_ip_be;
	rte_be32_t server_ip_be;
	rte_be16_t server_port_be, peer_port_be; /* 0: native ESP; peer_port_be: owner only */
	struct sa_counters *counters;            /* in the shared segment */
	struct esp_sa *in;
	_Atomic(struct esp_sa *) out; /* NULL: none yet.  Release by the writer pairs with
					 acquire in sa_outbound() */
	uint32_t session;   /* slot + 1 of the L2TP session that its packets led to last, 0: none; a
			       hint, owner only */
	uint8_t keys_lines; /* of *in, up to what follows its keys, the replay window */
	uint8_t owner;      /* worker index */
	uint8_t state;      /* enum sa_state; the writer's */
	uint8_t exit;       /* enum sa_exit: the edge of esp_decrypt */
};

/* Owner's running state, beside that in the two struct esp_sa.  No packet in order needs it. */
struct sa_running {
	uint64_t mapping_told_us; /* rate limit of EVENT_SA_MAPPING */
	uint64_t punt_at_us;      /* when its L2TP control messages so far were due (T13) */
	uint8_t expiry_told;      /* bit for each enum sa_expiry whose event was sent */
	uint32_t told_to;         /* settings.control then: a new control process is told again */
};

struct sa {
	struct sa_config cfg __rte_cache_aligned;
	struct sa_running run __rte_cache_aligned;
	/* cold: the writer's */
	struct {
		uint64_t opened_us;
		rte_be32_t peer_ip_be; /* the last that cfg.peer_ip_be was told to be */
		uint32_t peer;         /* the last that cfg.peer was told to be */
		struct closing closing;
	} cold __rte_cache_aligned;
};
static_assert(sizeof(struct sa_config) <= 64, "configured state fits one cache line");
static_assert(sizeof(struct sa_running) <= 64, "running state fits one cache line");
static_assert(sizeof(struct sa) == 192, "three cache lines and the keys");

struct sa_table {
	struct sa *slots; /* max entries */
	uint32_t max;     /* 0: no IPsec */
	uint32_t live;
	struct rte_rcu_qsbr *rcu;
	struct esp_engine *engine; /* the main lcore's, for set-up */
	struct closing_list closing;
	struct index by_peer; /* sa_peer_key(): whom pairs lead to */
	struct index by_spi;  /* sa_spi_key(): the outbound SPI */
	struct index by_ip;   /* the peer's address, network byte order */
};

extern struct sa_table sas;

/* The place from which a peer's IKE comes: native ESP has no port, its IKE keeps to 500. */
static inline uint64_t
sa_peer_key(rte_be32_t peer_ip_be, rte_be16_t peer_port_be)
{
	return (uint64_t)peer_ip_be << 16 | (peer_port_be ? peer_port_be : RTE_BE16(500));
}

static inline uint64_t
sa_spi_key(rte_be32_t peer_ip_be, rte_be32_t spi_be)
{
	return (uint64_t)peer_ip_be << 32 | spi_be;
}

/* Is there a pair whose peer sends IKE from this address and port?  Any lcore. */
static inline bool
sa_leads_to(rte_be32_t peer_ip_be, rte_be16_t peer_port_be)
{
	return index_has(&sas.by_peer, sa_peer_key(peer_ip_be, peer_port_be));
}

static inline uint32_t
sa_handle_of(const struct sa *sa)
{
	return atomic_load_explicit(&sa->cfg.handle, memory_order_acquire);
}

/* The slot of an SPI or a handle, whoever has it now; NULL when it is none of ours.  The caller
 * still has to compare sa_handle_of(). */
static inline struct sa *
sa_slot(uint32_t handle)
{
	uint32_t slot = SA_SLOT(handle);
	return likely(slot < sas.max && SA_GEN(handle) != 0) ? &sas.slots[slot] : NULL;
}

/* The pair of a handle that may be stale or hostile, or NULL.  Any lcore; a worker, inside of one
 * burst. */
static inline struct sa *
sa_by_handle(uint32_t handle)
{
	struct sa *sa = sa_slot(handle);
	return likely(sa && sa_handle_of(sa) == handle) ? sa : NULL;
}

/* Is it for a pair that isn't there yet, from who was given its SPI?  Any lcore. */
static inline bool
sa_is_early(const struct sa *sa, uint32_t handle, rte_be32_t source)
{
	return atomic_load_explicit(&sa->cfg.reserved, memory_order_acquire) == handle &&
	       atomic_load_explicit(&sa->cfg.reserved_ip_be, memory_order_relaxed) == source;
}

/* What packets to the peer are protected with; NULL: not there yet. */
static inline struct esp_sa *
sa_outbound(const struct sa *sa)
{
	return atomic_load_explicit(&sa->cfg.out, memory_order_acquire);
}

static inline bool
sa_in_udp(const struct sa *sa)
{
	return sa->cfg.server_port_be != 0;
}

/* Largest payload of an ESP packet of this pair, whose handle was compared, when its outer IPv4
 * packet may have mtu octets.  What any suite leaves while the outbound SA isn't there; with NULL,
 * for a pair that is gone, in either encapsulation. */
uint32_t sa_payload_room(const struct sa *sa, uint32_t mtu);

/* ------------------------------------------------------------------ main lcore only */

/* Allocate the table; max_sas may be 0.  0 or a negative errno. */
int sa_table_init(uint32_t max_sas, struct rte_rcu_qsbr *rcu);
void sa_table_free(void);
/* COMMAND_SA_RESERVE: a pair is about to come to the slot of handle.  0, -EINVAL (handle), -EBUSY
 * (slot not free). */
int sa_reserve(uint32_t handle, rte_be32_t peer_ip_be);
/* COMMAND_SA_RELEASE: none is, if it was this one that was reserved. */
void sa_release(uint32_t handle);
/* Fill the slot of handle and publish it; the owner was chosen by the caller.  0, -EINVAL (handle,
 * algorithms, keys, window), -EBUSY (slot not free), -ENOMEM. */
int sa_add(uint32_t handle, const struct command_sa_add *c, uint8_t owner,
	struct sa_counters *counters);
/* Give a pair its outbound SA.  0, -EINVAL, -ENOMEM, -EALREADY: a second one would begin to count
 * anew with the same key (T14). */
int sa_set_outbound(struct sa *sa, const struct command_sa_out *c);
/* The peer is there from now on (COMMAND_SA_UPDATE, which the owner has still to hear). */
void sa_move(struct sa *sa, rte_be32_t peer_ip_be, rte_be16_t peer_port_be);
/*
 * Staged death, stage 1: clear the handle.  sa_reap() goes on when every worker has passed a
 * quiescent state: wipes keys, frees the slot, and calls gone() once.  Who could still hold the
 * pointer: a worker in the middle of a burst (RCU; what IPsec-MB was given it has given back before
 * the burst ends); packets and messages in hand-over rings, and sessions that send through the pair
 * (they carry the handle, which no longer matches).
 */
void sa_remove(struct sa *sa, uint64_t cookie);
/* At most max of them. */
unsigned int sa_reap(
	unsigned int max, void (*gone)(uint32_t handle, uint64_t cookie, struct sa *sa));

/* ------------------------------------------------------------------ owner worker only */

/* COMMAND_SA_UPDATE. */
void sa_apply(struct sa *sa, const struct command *cmd);

#endif
