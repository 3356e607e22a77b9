/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of one control connection, RFC 2637 section 3.2.3 as the PAC of outgoing calls sees it.
 * A request is answered at once, so a call on the list is established; its end takes it off the
 * list.
 */
#ifndef ADIT_CONTROL_PPTP_CALL_H
#define ADIT_CONTROL_PPTP_CALL_H

#include <stdint.h>

struct pptp_call {
	struct pptp_call *next;
	void *user;       /* the gateway's; NULL is allowed */
	uint16_t our_id;  /* assigned by us, not 0 */
	uint16_t peer_id; /* assigned by the peer, unique in the connection while the call lives */
};

/* Zero-initialised. */
struct pptp_calls {
	struct pptp_call *first;
	unsigned int count;
};

struct pptp_call *pptp_call_by_our_id(const struct pptp_calls *calls, uint16_t our_id);
struct pptp_call *pptp_call_by_peer_id(const struct pptp_calls *calls, uint16_t peer_id);
struct pptp_call *pptp_call_by_user(const struct pptp_calls *calls, const void *user);
/* The list owns the call from now on. */
void pptp_call_add(struct pptp_calls *calls, struct pptp_call *call);
/* The caller owns it again. */
void pptp_call_remove(struct pptp_calls *calls, struct pptp_call *call);
void pptp_calls_free(struct pptp_calls *calls);

#endif
