/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory that adit-dataplane shares with adit-control: DESIGN section 4.
 *
 * The data plane creates one memfd, seals its size and passes it with SCM_RIGHTS over a
 * SOCK_SEQPACKET unix socket to a process whose peer credentials it accepts; one at a time.  The
 * socket stays open: its end tells either side that the other is gone. All numbers are in host byte
 * order except where a name ends in _be.  Both sides treat what they read as hostile.
 */
#ifndef ADIT_DATAPLANE_API_SEGMENT_H
#define ADIT_DATAPLANE_API_SEGMENT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/api/counters.h"
#include "dataplane/api/journal.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/sa.h"

#define SEGMENT_MAGIC        0x41444954u /* "ADIT" */
#define SEGMENT_VERSION      7
#define SEGMENT_MAX_WORKERS  32
#define SEGMENT_MAX_NODES    192
#define SEGMENT_MAX_SESSIONS (1u << 20)
#define SEGMENT_MAX_PORTS    8

#define FRAME_MAX 1984 /* PPP protocol and payload that a frame record carries */

#define COMMAND_RING_CAPACITY 1024
#define EVENT_RING_CAPACITY   4096
#define INJECT_RING_CAPACITY  1024
#define PUNT_RING_CAPACITY    512

/* First message on the socket, data plane to control, with three descriptors in SCM_RIGHTS: the
 * memfd, an eventfd that wakes control (punts, events), an eventfd that wakes the data plane
 * (commands, injects). */
struct segment_hello {
	uint32_t magic, version;
	uint64_t size; /* octets of the memfd */
};
/* What the data plane sends instead, without descriptors, before it closes the socket. */
enum segment_refusal { SEGMENT_REFUSED_CREDENTIALS = 1, SEGMENT_REFUSED_BUSY = 2 };
struct segment_refused {
	uint32_t magic, reason;
};

/* A session in the segment's own terms: slot in the low 20 bits, generation above.  0 is never a
 * session. */
#define SESSION_SLOT_BITS 20
#define SESSION_SLOT(h)   ((h) & (SEGMENT_MAX_SESSIONS - 1))
#define SESSION_GEN(h)    ((h) >> SESSION_SLOT_BITS)
static inline uint32_t
session_handle(uint32_t slot, uint32_t gen)
{
	return slot | gen << SESSION_SLOT_BITS;
}

/* The only port on which the gateway speaks L2TP (RFC 2661 section 8.1). */
#define L2TP_PORT 1701

enum tunnel_protocol { TUNNEL_PPTP, TUNNEL_L2TP, TUNNEL_PROTOCOLS };

/* Live sessions, as a restarted control finds them. Written by the data plane's main lcore. */
struct session_entry {
	uint32_t handle;    /* 0: slot free */
	uint32_t server_ip; /* outer addresses, host byte order */
	uint32_t peer_ip;
	uint16_t call_id; /* ours: in packets to us.  L2TP: session IDs */
	uint16_t peer_call_id;
	uint32_t inner_ip;        /* client's address, 0 before IP is up */
	uint8_t state;            /* enum session_state */
	uint8_t owner;            /* worker index */
	uint8_t mppe_tx, mppe_rx; /* strength in bits, 0 = clear */
	uint8_t mppe_stateful;    /* bit 0: tx, bit 1: rx */
	uint8_t protocol;         /* enum tunnel_protocol */
	uint16_t tunnel_id, peer_tunnel_id;
	uint16_t reserved;
	uint32_t sa, peer;
	char user[64];      /* NUL-terminated, from SESSION_OPEN */
	uint64_t opened_us; /* data plane's monotonic clock */
};
enum session_state { SESSION_FREE, SESSION_NEGOTIATING, SESSION_OPEN, SESSION_CLOSING };

struct segment_port {
	char name[16];
	uint8_t role; /* enum port_role */
	uint8_t link_up;
	uint8_t reserved[6];
	uint64_t rx_packets, rx_bytes, rx_missed, rx_errors, tx_packets, tx_bytes, tx_errors;
};
enum port_role { PORT_WAN, PORT_LAN };

/* What packets are encrypted with, and what pages memory is on. */
struct segment_kernel {
	char use[16];    /* "rc4-on-4", "esp", "memory" */
	char kernel[32]; /* "scalar", "avx2" */
	uint32_t from;   /* octets of a packet; shorter ones take the plainest kernel */
};
#define SEGMENT_MAX_KERNELS 12

struct segment_header {
	uint32_t magic, version;
	uint64_t size;
	uint32_t n_workers, n_nodes, n_ports, max_sessions, max_sas;
	/* Offsets of the parts from the start of the segment; a reader checks them against
	 * segment_layout(). */
	uint64_t command_ring, event_ring, inject_ring;
	uint64_t punt_rings[SEGMENT_MAX_WORKERS];
	uint64_t worker_counters, node_counters, session_counters, sessions, sa_counters, sas;
	uint64_t journal_sessions, journal_tunnels;
	uint64_t tsc_hz;
	_Atomic uint64_t now_us; /* data plane's monotonic clock, about every millisecond */
	uint64_t started_us;     /* CLOCK_MONOTONIC */
	uint64_t bad_records;    /* records of control that the data plane refused (T21) */
	uint64_t mbufs_total;
	_Atomic uint64_t mbufs_free; /* refreshed about once a second */
	_Atomic uint64_t sessions_live;
	uint64_t
		main_drops[DROP_COUNT]; /* written by the main lcore; to be added to the workers' */
	struct segment_port ports[SEGMENT_MAX_PORTS];
	uint32_t n_kernels;
	struct segment_kernel kernels[SEGMENT_MAX_KERNELS];
};

/* ------------------------------------------------------------------ control -> data plane: command
 * ring */
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
	COMMAND_SA_ADD,        /* handles of COMMAND_SA_*: dataplane/api/sa.h */
	COMMAND_SA_OUT,
	COMMAND_SA_UPDATE,
	COMMAND_SA_CLOSE,
	COMMAND_SA_RESERVE, /* an SPI was given to a peer: what comes early may wait */
	COMMAND_SA_RELEASE, /* no pair will come to it */
};

#define RECORD_VERSION 2

struct command_mppe_dir {
	uint8_t start_key[16];
	uint8_t strength;  /* 40, 56, 128; 0 = this direction in clear */
	uint8_t stateless; /* 0 or 1 */
	uint8_t reserved[6];
};

struct command {
	uint8_t version, type;
	uint16_t length; /* sizeof(struct command) */
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

/* ------------------------------------------------------------------ data plane -> control: event
 * ring */
enum event_type {
	EVENT_ACK = 1,      /* answer to a command: status 0 or a negative errno */
	EVENT_SESSION_GONE, /* last stage of removal; final counters in the session's slot stay
			       until it is re-used */
	EVENT_LOST_SYNC, /* stateful MPPE: a CCP Reset-Request is due.  Rate-limited per session */
	EVENT_PEER_SEEN, /* first valid packet of the session */
	/* Of a pair of SAs; handle is the pair's. */
	EVENT_SA_GONE,    /* last stage of removal; sa holds the final counters */
	EVENT_SA_EXPIRE,  /* status: enum sa_expiry.  Once for each */
	EVENT_SA_MAPPING, /* an authentic packet came from elsewhere: mapping.  Rate-limited */
};
enum sa_expiry { SA_EXPIRE_SOFT_IN, SA_EXPIRE_HARD_IN, SA_EXPIRE_SOFT_OUT, SA_EXPIRE_HARD_OUT };

struct event {
	uint8_t version, type;
	uint16_t length;
	uint32_t handle;
	uint64_t cookie;
	int32_t status;
	uint32_t reserved;
	union {
		struct session_counters final; /* EVENT_SESSION_GONE */
		struct sa_counters sa;         /* EVENT_SA_GONE */
		struct sa_outer mapping;       /* EVENT_SA_MAPPING: what the packet came from */
	};
};

/* ------------------------------------------------------------------ frames: punt rings (to
 * control), inject ring (to data plane) */
enum frame_kind {
	FRAME_PPP, /* handle: session.  PPP protocol number (2 octets, network order) and payload */
	FRAME_L2TP, /* handle: pair of SAs, 0 in clear.  struct sa_outer with the addresses and UDP
		       ports of the inner datagram, then an L2TP message (RFC 2661 section 3.1): a
		       control message, or a data message with an LCP Echo-Request (inject), or an
		       Echo-Reply (punt) that came from elsewhere than its pair's peer, or through a
		       pair that is not its session's.  Whose it is, control decides. */
};
struct frame_record {
	uint8_t version, kind; /* enum frame_kind */
	uint16_t length;       /* octets used of data */
	uint32_t handle;
	/* FRAME_L2TP through a pair with ESP in UDP: from where else than the pair's peer it came,
	 * or where ESP goes for once.  All 0: as the pair says.  FRAME_PPP: 0. */
	struct sa_outer outer;
	uint8_t data[FRAME_MAX];
};

/* Size of a segment, and with h not NULL its offsets, for these dimensions (max_sas may be 0: no
 * IPsec).  0 if a dimension is out of bounds. Both sides compute it; a header that differs is
 * refused. */
static inline uint64_t
segment_layout(
	struct segment_header *h, uint32_t n_workers, uint32_t max_sessions, uint32_t max_sas)
{
	if (n_workers == 0 || n_workers > SEGMENT_MAX_WORKERS || max_sessions == 0 ||
		max_sessions > SEGMENT_MAX_SESSIONS || max_sas > SEGMENT_MAX_SAS)
		return 0;
	uint64_t at = (sizeof(struct segment_header) + 4095) & ~4095ull;
#define SEGMENT_PART(field, bytes)                     \
	do {                                           \
		if (h)                                 \
			h->field = at;                 \
		at = (at + (bytes) + 4095) & ~4095ull; \
	} while (0)
	SEGMENT_PART(command_ring, RING_BYTES(COMMAND_RING_CAPACITY, sizeof(struct command)));
	SEGMENT_PART(event_ring, RING_BYTES(EVENT_RING_CAPACITY, sizeof(struct event)));
	SEGMENT_PART(inject_ring, RING_BYTES(INJECT_RING_CAPACITY, sizeof(struct frame_record)));
	for (uint32_t i = 0; i < n_workers; i++)
		SEGMENT_PART(
			punt_rings[i], RING_BYTES(PUNT_RING_CAPACITY, sizeof(struct frame_record)));
	SEGMENT_PART(worker_counters, (uint64_t)n_workers * sizeof(struct worker_counters));
	SEGMENT_PART(node_counters,
		(uint64_t)n_workers * SEGMENT_MAX_NODES * sizeof(struct node_counters));
	SEGMENT_PART(session_counters, (uint64_t)max_sessions * sizeof(struct session_counters));
	SEGMENT_PART(sessions, (uint64_t)max_sessions * sizeof(struct session_entry));
	SEGMENT_PART(sa_counters, (uint64_t)max_sas * sizeof(struct sa_counters));
	SEGMENT_PART(sas, (uint64_t)max_sas * sizeof(struct sa_entry));
	SEGMENT_PART(journal_sessions, (uint64_t)max_sessions * JOURNAL_CELL);
	SEGMENT_PART(journal_tunnels, JOURNAL_TUNNEL_CELLS(max_sessions) * JOURNAL_CELL);
#undef SEGMENT_PART
	return at;
}

#endif
