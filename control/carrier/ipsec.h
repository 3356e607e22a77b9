/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What L2TP asks IPsec about peers and their pairs of SAs, and what it is told (D1, D4).
 * control/ike answers; tests have their own.  A peer is a number, not 0: the host behind an SA, as
 * in struct command_sa_add.  Calling context: adit-control's loop.
 */
#ifndef ADIT_CONTROL_CARRIER_IPSEC_H
#define ADIT_CONTROL_CARRIER_IPSEC_H

#include <stdbool.h>
#include <stdint.h>

#include "control/ike/ike.h"
#include "dataplane/api/sa.h"

struct l2tp_carrier;

struct l2tp_ipsec {
	/* Whose pair this is; 0: nobody's that is known. */
	uint32_t (*peer_of)(void *user, uint32_t sa);
	/* The pair to send through to this peer; 0: none now. */
	uint32_t (*current)(void *user, uint32_t peer);
	/* An operator ended the last tunnel of this peer: end its SAs, too. */
	void (*close)(void *user, uint32_t peer);
	/* Each may be NULL. */

	/* What l2tp_probe() asked for has come through sa, from its own place (NULL) or from
	 * another. */
	void (*answered)(void *user, uint32_t peer, uint32_t sa, const struct sa_outer *from);
	/* One more (1), or one fewer (-1), of the peer's sessions has a user who has proven
	 * himself. */
	void (*users)(void *user, uint32_t peer, int change);
};

/* Both are borrowed until the carrier's end; NULL: no IPsec. */
void l2tp_set_ipsec(struct l2tp_carrier *l, const struct l2tp_ipsec *ipsec, void *user);
/* Send through sa from now on; 0: the peer has no outbound SA for now. */
void l2tp_sa_current(struct l2tp_carrier *l, uint32_t peer, uint32_t sa);
/* The peer's last pair is gone. */
void l2tp_sa_peer_gone(struct l2tp_carrier *l, uint32_t peer);

/* Asks this peer's client through sa, its own pair or another's, for what only it can answer; `to`:
 * ESP of that one packet goes there, NULL: where sa sends to.  False: there is nothing to ask for.
 */
bool l2tp_probe(struct l2tp_carrier *l, uint32_t peer, uint32_t sa, const struct sa_outer *to);

/* The two as they are when control/ike answers.  Users: of the answers, struct ike; of what IKE
 * says, the carrier. */
extern const struct l2tp_ipsec l2tp_ike_answers;
extern const struct ike_ops l2tp_ike_ops;
void l2tp_ike_closed(void *carrier); /* for ike_free(): one handle fewer */

#endif
