/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPsec as the rest of control sees it: peers, and the pairs of SAs that IKE (strongSwan's charon
 * with our plugin) makes for them.
 *
 * A peer is who holds the keys of an IKE SA, wherever its packets come from: each IKE SA is a peer
 * of its own, until it has proven through a pair of its own that it is another one's client
 * (docs/adr/0010).  It lives as long as it has a pair.  While IKE re-keys
 * it has several; the newest with an outbound SA is the current one, through which to send (D4).
 *
 * Calling context: adit-control's loop.  Addresses are in host byte order.
 */
#ifndef ADIT_CONTROL_IKE_IKE_H
#define ADIT_CONTROL_IKE_IKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "control/core/fate.h"
#include "control/core/refusal.h"
#include "control/ike/config.h"
#include "control/link/link.h"

struct ike;
struct ike_peer;

struct ike_ops {
	/* Send through sa from now on; 0: the peer has no outbound SA any more, for now. */
	void (*current)(void *user, struct ike_peer *peer, uint32_t sa);
	/* The peer's last pair is gone, and it with this call. */
	void (*peer_gone)(void *user, struct ike_peer *peer);
	/* Ask this peer's client through sa for what only it can answer, and have ESP of that one
	 * packet go to `to`, or NULL: where sa sends to.  sa is the peer's own pair, or one of whom
	 * it may be.  ike_answered() says that the answer has come.  False: there is nothing to ask
	 * for.  May be NULL. */
	bool (*probe)(void *user, struct ike_peer *peer, uint32_t sa, const struct sa_outer *to);
	/* Something was refused, or failed, for this reason (R17).  peer_ip may be 0. */
	void (*refused)(void *user, enum refusal_code code, uint32_t peer_ip);
};

/* Listens for charon's plugin and keeps a connection to charon's VICI socket.  cfg, link and ops
 * are borrowed; the link may be set later, before the loop runs.  NULL and a message in err. */
struct ike *ike_new(uv_loop_t *loop, const struct ike_config *cfg, const struct ike_ops *ops,
	void *user, char *err, size_t errlen);
void ike_set_link(struct ike *k, struct link *l);
/* Nothing is closed in the data plane: its pairs go on (T19).  closed(user) comes from the loop. */
void ike_free(struct ike *k, void (*closed)(void *user));

/* --- what the link reports: for link_ops.  owner is what sa_orphan() or the take gave. */
void *ike_sa_orphan(struct ike *k, const struct sa_entry *e);
void ike_link_down(struct ike *k);
void ike_sa_done(void *owner, enum command_type type, int error);
void ike_sa_expire(void *owner, enum sa_expiry which);
void ike_sa_mapping(void *owner, const struct sa_outer *from);
void ike_sa_gone(void *owner, const struct sa_counters *last);

/* ------------------------------------------------------------------ peers and pairs */

/* Whose pair this is, through which something came; NULL: unknown, or being closed. */
struct ike_peer *ike_peer_of(const struct ike *k, uint32_t sa);
/* By its number in struct session_entry; NULL: unknown. */
struct ike_peer *ike_peer_by_id(const struct ike *k, uint32_t id);
uint32_t ike_peer_id(const struct ike_peer *p);
/* The pair to send through; 0: none now. */
uint32_t ike_peer_current(const struct ike_peer *p);
/* Where its ESP comes from; changes with its NAT mapping. */
const struct sa_outer *ike_peer_outer(const struct ike_peer *p);
/* What ops->probe() asked for has come through sa, from its own place (NULL) or from another. */
void ike_answered(struct ike *k, uint32_t peer, uint32_t sa, const struct sa_outer *from);
/* So many more, or fewer, sessions of this peer have a user who has proven himself. */
void ike_peer_users(struct ike *k, struct ike_peer *p, int change);
/* Ends all its pairs by IKE, which tells the peer; peer_gone() follows.  Without charon they end in
 * the data plane only. */
void ike_peer_close(struct ike *k, struct ike_peer *p);

/* ------------------------------------------------------------------ operators */

struct ike_sa_info {
	uint32_t spi, out_spi; /* out_spi 0: none yet */
	uint32_t peer;
	struct sa_outer outer;
	const char *encryption, *integrity; /* names of the suite table; "" with an AEAD */
	const char *strength;
	bool current, weak;
	bool orphan; /* charon does not know it any more: it was restarted */
	uint64_t age_ms;
	uint8_t worker;
	struct sa_counters counters;
};
/* Every pair with an inbound SA, in order of age, until each() returns false.  k NULL: IPsec is off,
 * there are none. */
void ike_sas(
	const struct ike *k, bool (*each)(void *user, const struct ike_sa_info *sa), void *user);

struct ike_status {
	bool enabled;
	bool plugin_connected; /* charon runs and its plugin is connected */
	bool configured;       /* charon has taken connections and secrets */
	bool allow_weak_crypto;
	uint32_t peers, sas, weak_sas;
	uint64_t bad_records;   /* of the plugin */
	uint64_t moves_refused; /* onto places of clients that answer there */
	/* What is wrong now, "" when healthy: one sentence with its remedy. */
	char problem[160];
};
/* k NULL: IPsec is off, all is 0. */
void ike_status(const struct ike *k, struct ike_status *out);

/* The settings of ike_new() have changed in place: charon gets its connections again. */
void ike_settings_changed(struct ike *k);
/* DES, MD5 and the like in L2TP/IPsec (RRAS: AllowL2TPWeakCrypto).  Returns how many SAs are acted
 * on. */
unsigned int ike_weak_crypto(struct ike *k, bool allow, enum fate fate);

#endif
