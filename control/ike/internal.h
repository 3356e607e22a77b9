/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by ike.c (life, operators), sa.c (pairs), identity.c (who and where peers are) and
 * request.c (what the plugin asks). */
#ifndef ADIT_CONTROL_IKE_INTERNAL_H
#define ADIT_CONTROL_IKE_INTERNAL_H

#include <sys/queue.h>

#include "control/ike/channel.h"
#include "control/ike/charon.h"
#include "control/ike/ike.h"
#include "control/ike/peer.h"

/* Pairs that one peer may have at once: one that re-keys every second gains nothing. */
#define PAIRS_PER_PEER 8

enum pair_state {
	PAIR_RESERVED, /* an SPI that was given out; no peer yet */
	PAIR_ADDING,   /* the data plane is to have it */
	PAIR_IN,       /* the inbound SA works */
	PAIR_UP,       /* and the outbound one */
	PAIR_CLOSING,  /* waits for the data plane's confirmation; no peer any more */
};

struct ike_pair {
	TAILQ_ENTRY(ike_pair) next;      /* of struct ike, in order of age */
	TAILQ_ENTRY(ike_pair) peer_next; /* of the peer */
	struct ike *ike;
	struct ike_peer *peer;
	uint32_t spi, out_spi;
	uint32_t peer_ip;    /* half-open count, while reserved */
	uint32_t counted_ip; /* among strangers' pairs; 0: its peer has a user */
	uint32_t ike_sa;     /* that made it; 0: not known yet */
	uint8_t state;       /* enum pair_state */
	bool out_deleted;    /* charon sends through another one */
	bool listed;         /* charon named it since the plugin connected, or made it since */
	bool widow;          /* charon does not know it any more */
	bool disowned;       /* an IKE SA that is not its peer's deleted it */
	bool ending;         /* charon was told that it has expired */
	bool judged;         /* ESP has come through, or was said not to */
	const struct suite *encryption, *integrity;
	uint64_t opened_us;   /* CLOCK_MONOTONIC */
	uint64_t deadline_ms; /* of a reserved SPI, of a widow, of one to go; 0: none */
	uint64_t ripe_ms;     /* when the peer surely has it; 0: it has, or there was no choice */
	uint64_t ask_in, ask_out,
		ask_update; /* the plugin's requests that wait for the data plane */
};

struct ike {
	uv_loop_t *loop;
	const struct ike_config *cfg;
	const struct ike_ops *ops;
	void *user;
	struct link *link;
	struct channel *channel;
	struct charon *charon;
	uv_timer_t sweep;
	unsigned int n_handles;
	bool freeing;
	void (*closed)(void *user);

	struct peers peers;
	struct pair_list pairs;
	uint32_t n_pairs;       /* reserved and closing ones, too */
	uint32_t n_sas, n_weak; /* with an inbound SA */
	bool allow_weak;
	bool untold; /* peers of charon's lost their SAs with the data plane */
	uint64_t instance, charon_started_us;
	uint64_t unknown_pairs;       /* requests about pairs that are not there */
	uint64_t moves_refused;       /* onto places of clients that answer there */
	LIST_HEAD(, ike_peer) bereft; /* peers without pairs, whose heir has a moment */
};

/* sa.c */
uint64_t ike_now_us(void);
/* NULL: none, or it is being closed. */
struct ike_pair *pair_find(const struct ike *k, uint32_t spi);
struct ike_pair *pair_new(struct ike *k, uint8_t state);
bool pair_is_weak(const struct ike_pair *s);
/* The peer gets the pair; it is not its current one yet. */
void pair_join(struct ike_pair *s, struct ike_peer *p);
void pair_set_state(struct ike_pair *s, uint8_t state);
/* Its exchange is no half-open one any more. */
void pair_unreserve(struct ike_pair *s);
/* Chooses the peer's current pair anew, and tells. */
void peer_elect(struct ike *k, struct ike_peer *p);
/* When the peer has the pair by now, it may become the current one. */
void pair_ripen(struct ike_pair *s);
/* Gone for everybody but the data plane, which is told. */
void pair_close(struct ike_pair *s);
/* Says why no ESP comes through, once; last: nothing more will. */
void pair_judge(struct ike_pair *s, bool last);
/* charon is to re-key (soft) or delete (hard) it. */
void pair_expire(struct ike_pair *s, enum ike_direction direction, bool hard);
/* Answers the request, if one waits there, once. */
void pair_answer(struct ike_pair *s, uint64_t *ask, int error);
void ike_refused(struct ike *k, enum refusal_code code, uint32_t peer_ip);
void ike_sweep_pairs(struct ike *k);
/* The plugin said all that charon has. */
void ike_reconcile(struct ike *k);

/* Counted among strangers' pairs, or not, as its peer is now. */
void pair_count(struct ike_pair *s);
/* charon does not know it any more: it serves for as long as it would have. */
void pair_widow(struct ike_pair *s);
/* The oldest ones go when there are too many: their successors are there. */
void peer_trim(struct ike_peer *p);

/* identity.c */
/* Something says that the pair's peer is there: it is asked. */
void peer_claim(struct ike_pair *s, const struct sa_outer *at);
/* A new peer, of this IKE SA: perhaps somebody who is known. */
void heir_begin(struct ike *k, struct ike_peer *q, uint32_t ike_sa);
void heir_try(struct ike *k, struct ike_peer *q);
/* Its last pair is gone: is there anybody it may have become? */
bool peer_is_awaited(const struct ike *k, const struct ike_peer *p);
void peer_bereave(struct ike *k, struct ike_peer *p);
/* It has a pair again. */
void peer_console(struct ike_peer *p);
/* Tells, and frees it. */
void peer_end(struct ike *k, struct ike_peer *p);
void identity_sweep(struct ike *k);

/* request.c */
void ike_request(struct ike *k, const struct ike_message *m);

#endif
