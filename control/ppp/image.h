/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An open link as plain data, for a process that goes on with it after this one (D7, T19).  No
 * secret is in it: links with MPPE, whose keys would be needed to negotiate anew, are not exported.
 * Host byte order.  The struct is kept where it outlives its writer, and grows at its end only
 * (JOURNAL_VERSION).
 */
#ifndef ADIT_CONTROL_PPP_IMAGE_H
#define ADIT_CONTROL_PPP_IMAGE_H

#include <assert.h>

#include "control/ppp/ppp.h"

struct ppp_image {
	uint32_t local_ip, peer_ip, dns[2], wins[2]; /* as granted */
	uint32_t magic, peer_magic;                  /* 0: none */
	uint32_t rtt_ms;                             /* as echoes measured it; 0: not known */
	uint32_t lcp_acked, ipcp_acked;              /* hashes of the peer's requests */
	uint16_t our_mru, peer_mru;
	uint8_t auth; /* one of enum ppp_auth */
	uint8_t lcp_id, lcp_other_id, ipcp_id, ipcp_other_id;
	uint8_t echo_id;
	/* 0 or 1. */
	uint8_t ask_acfc, ask_pfc, peer_acfc, peer_pfc;
	uint8_t no_address; /* the peer rejected our IP-Address option */
	uint8_t zero;
};
static_assert(sizeof(struct ppp_image) == 60, "no padding: all of it is shared");

/* False: the link is not open, or has MPPE. */
bool ppp_export(const struct ppp_link *link, struct ppp_image *out);
/*
 * A link that is open as the image says, with the settings of today; image may be hostile.  Only
 * ops->random is called.  Echoes begin within one interval, spread at random, so that many adopted
 * links do not ask at once.  NULL: not a valid image, or out of memory.
 */
struct ppp_link *ppp_import(const struct ppp_config *cfg, const struct ppp_ops *ops, void *user,
	const struct ppp_image *image, uint64_t now_ms);

#endif
