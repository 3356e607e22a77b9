/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands: control to the data plane, which applies them in their order and answers each with
 * EVENT_ACK.  They hold keys: control wipes its copy when it is written, the data plane wipes the
 * record in the segment and its own copy when it is applied.  All numbers are in host byte order.
 *
 * A record is a head of 16 octets and a body whose size depends on the type; how it lies in the
 * ring: command_ring.h.
 */
#ifndef ADIT_DATAPLANE_API_COMMAND_H
#define ADIT_DATAPLANE_API_COMMAND_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/api/record.h"
#include "dataplane/api/sa.h"

enum command_type {
	COMMAND_GATEWAY = 1,   /* server's inner address and pool */
	COMMAND_SESSION_ADD,   /* call accepted: punt its PPP frames */
	COMMAND_SESSION_LINK,  /* LCP is up */
	COMMAND_SESSION_MPPE,  /* CCP is open: keys */
	COMMAND_SESSION_OPEN,  /* IPCP is open: forward */
	COMMAND_SESSION_FLUSH, /* the peer sent a CCP Reset-Request */
	COMMAND_SESSION_CLOSE, /* staged removal; answered by EVENT_SESSION_GONE */
	COMMAND_SESSION_L2TP,  /* how an L2TP session's data messages look */
	COMMAND_SESSION_SA,    /* send through this pair of SAs from now on */
	COMMAND_SA_ADD,        /* handle of COMMAND_SA_*: the pair's */
	COMMAND_SA_OUT,
	COMMAND_SA_UPDATE,
	COMMAND_SA_CLOSE,
	COMMAND_SA_RESERVE, /* an SPI was given to a peer: what comes early may wait */
	COMMAND_SA_RELEASE, /* no pair will come to it */
};

/* Keys of one direction (RFC 3078): secret, wiped after use. */
struct command_mppe_dir {
	uint8_t start_key[16];
	uint8_t strength;  /* 40, 56, 128; 0 = this direction in clear */
	uint8_t stateless; /* 0 or 1 */
	uint8_t reserved[6];
};

/*
 * COMMAND_SA_ADD, handle: the pair's.  The inbound SA works from its acknowledgement on.
 * `peer` is control's name for the host behind outer.peer_*: sessions accept packets from every
 * pair with the same peer, so that old and new SA overlap while IKE re-keys (D4), and from no other
 * (D1).
 */
struct command_sa_add {
	struct sa_outer outer;
	uint32_t peer;          /* not 0 */
	uint16_t replay_window; /* packets, 64 to 4096 */
	uint8_t esn;            /* 64-bit sequence numbers, RFC 4303 section 2.2.1 */
	uint8_t reserved;
	struct sa_keys keys;
	struct sa_lifetime lifetime;
};

/* COMMAND_SA_OUT: the outbound SA of a pair that was added. */
struct command_sa_out {
	uint32_t spi; /* the peer's */
	uint8_t esn;
	uint8_t reserved[3];
	struct sa_keys keys;
	struct sa_lifetime lifetime;
};

/* COMMAND_SA_UPDATE: the peer's NAT mapping changed (RFC 3948 section 4), or the pair's peer has
 * turned out to be another one. */
struct command_sa_update {
	struct sa_outer outer;
	uint32_t peer; /* 0: as before */
};

/*
 * COMMAND_SA_RESERVE: IKE has given the handle's SPI to the peer, whose first ESP may come before
 * COMMAND_SA_ADD: it waits for that, when it comes from there.  What comes for another SPI that has
 * no pair is dropped.  COMMAND_SA_ADD and COMMAND_SA_RELEASE end it.
 */
struct command_sa_reserve {
	uint32_t peer_ip;
};

/* COMMAND_SA_CLOSE: staged removal, answered by EVENT_SA_GONE.  Sessions that send through the pair
 * fall silent until COMMAND_SESSION_SA gives them another. */

/* Any of the present types; a new one that is larger has a struct of its own with the same head. */
struct command {
	uint8_t version, type;
	uint16_t length; /* octets of head and body: command_size() */
	uint32_t handle; /* session; 0 for COMMAND_GATEWAY */
	uint64_t cookie; /* returned in the acknowledgement */
	union {
		struct {
			uint32_t server_ip; /* inner: carried by the inner TUN device */
			uint32_t pool_first, pool_last;
			/* What the WAN edge lets in besides ICMP (R3, R12): 0 or 1. */
			uint8_t pptp;
			uint8_t ipsec;      /* ESP and IKE */
			uint8_t clear_l2tp; /* UDP 1701 outside of ESP (T20) */
			uint8_t reserved;
		} gateway;
		struct {
			uint32_t server_ip, peer_ip;    /* outer, host byte order */
			uint16_t call_id, peer_call_id; /* L2TP: the session IDs */
			uint8_t protocol;               /* enum tunnel_protocol */
			uint8_t reserved[3];
			/* L2TP only. */
			uint16_t tunnel_id, peer_tunnel_id;
			uint16_t server_port, peer_port; /* of its UDP */
			uint32_t sa;                     /* pair to send through; 0: in clear */
			uint32_t peer;                   /* as in command_sa_add; 0: in clear */
		} add;
		struct {
			uint8_t send_sequence;    /* number what we send (RFC 2661 section 5.4) */
			uint8_t require_sequence; /* drop what comes without a number */
		} l2tp;
		struct {
			uint32_t sa;
		} session_sa;
		struct command_sa_add sa_add;
		struct command_sa_out sa_out;
		struct command_sa_update sa_update;
		struct command_sa_reserve sa_reserve;
		struct {
			uint16_t our_mru, peer_mru;
			uint8_t tx_acfc, tx_pfc;
		} link;
		struct {
			struct command_mppe_dir tx, rx;
		} mppe;
		struct {
			uint32_t inner_ip;    /* the client's */
			uint8_t require_mppe; /* clear-text data is dropped both ways (T3) */
			uint8_t clamp_mss;
			uint8_t reserved[2];
			char user[64];
		} open;
		uint8_t raw[176];
	};
};
static_assert(sizeof(struct command) == 192, "command record");

#define COMMAND_HEAD offsetof(struct command, raw)
static_assert(COMMAND_HEAD == 16, "head of a command");

/* Octets of a type's record, head included, from least to most; both 0: no such type. */
struct command_size {
	uint16_t least, most;
};
static inline struct command_size
command_size(uint8_t type)
{
	uint16_t n;
	switch (type) {
#define COMMAND_BODY(type, field)                                              \
	case type:                                                             \
		n = COMMAND_HEAD + sizeof(((const struct command *)0)->field); \
		break
		COMMAND_BODY(COMMAND_GATEWAY, gateway);
		COMMAND_BODY(COMMAND_SESSION_ADD, add);
		COMMAND_BODY(COMMAND_SESSION_LINK, link);
		COMMAND_BODY(COMMAND_SESSION_MPPE, mppe);
		COMMAND_BODY(COMMAND_SESSION_OPEN, open);
		COMMAND_BODY(COMMAND_SESSION_L2TP, l2tp);
		COMMAND_BODY(COMMAND_SESSION_SA, session_sa);
		COMMAND_BODY(COMMAND_SA_ADD, sa_add);
		COMMAND_BODY(COMMAND_SA_OUT, sa_out);
		COMMAND_BODY(COMMAND_SA_UPDATE, sa_update);
		COMMAND_BODY(COMMAND_SA_RESERVE, sa_reserve);
#undef COMMAND_BODY
	case COMMAND_SESSION_FLUSH:
	case COMMAND_SESSION_CLOSE:
	case COMMAND_SA_CLOSE:
	case COMMAND_SA_RELEASE:
		n = COMMAND_HEAD;
		break;
	default:
		n = 0;
	}
	return (struct command_size){n, n};
}

#endif
