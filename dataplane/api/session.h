/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions as control and the data plane speak of them: a PPP link in a PPTP call or an L2TP
 * session.  All numbers are in host byte order.
 */
#ifndef ADIT_DATAPLANE_API_SESSION_H
#define ADIT_DATAPLANE_API_SESSION_H

#include <stdint.h>

#define SEGMENT_MAX_SESSIONS (1u << 20)

/* A session's handle: slot in the low 20 bits, generation (1 to 4095) above, so 0 is never a
 * session.  Control takes slots and generations; a handle of an earlier generation means nothing. */
#define SESSION_SLOT_BITS 20
#define SESSION_SLOT(h)   ((h) & (SEGMENT_MAX_SESSIONS - 1))
#define SESSION_GEN(h)    ((h) >> SESSION_SLOT_BITS)
static inline uint32_t
session_handle(uint32_t slot, uint32_t gen)
{
	return slot | gen << SESSION_SLOT_BITS;
}

#define PPTP_PORT 1723 /* of its control connection, RFC 2637 section 2 */
#define L2TP_PORT 1701 /* the only one on which the gateway speaks it, RFC 2661 section 8.1 */

enum tunnel_protocol { TUNNEL_PPTP, TUNNEL_L2TP, TUNNEL_PROTOCOLS };

enum session_state { SESSION_FREE, SESSION_NEGOTIATING, SESSION_OPEN, SESSION_CLOSING };

/* A live session, as a restarted control finds it.  Written by the data plane's main lcore. */
struct session_entry {
	uint32_t handle;    /* 0: slot free */
	uint32_t server_ip; /* outer addresses */
	uint32_t peer_ip;
	uint16_t call_id; /* ours: in packets to us.  L2TP: session IDs (RFC 2661 section 3.1) */
	uint16_t peer_call_id;
	uint32_t inner_ip;                  /* client's address, 0 before IP is up */
	uint8_t state;                      /* enum session_state */
	uint8_t owner;                      /* worker index */
	uint8_t mppe_tx, mppe_rx;           /* strength in bits, 0 = clear */
	uint8_t mppe_stateful;              /* bit 0: tx, bit 1: rx */
	uint8_t protocol;                   /* enum tunnel_protocol */
	uint16_t tunnel_id, peer_tunnel_id; /* L2TP */
	uint16_t reserved;
	uint32_t sa, peer;  /* L2TP: as in COMMAND_SESSION_ADD, the pair as of the last change */
	char user[64];      /* NUL-terminated, from COMMAND_SESSION_OPEN */
	uint64_t opened_us; /* data plane's monotonic clock */
};

#endif
