/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Workers: what a graph node may reach, and the rings that lead from and to a worker lcore.
 * Calling context is named at each field.
 */
#ifndef ADIT_DATAPLANE_WORKER_H
#define ADIT_DATAPLANE_WORKER_H

#include <stddef.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_graph.h>
#include <rte_graph_worker.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/api/command.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/event.h"
#include "dataplane/api/port.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/sa.h"
#include "dataplane/inside.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"

/* Where a packet that crosses a ring goes on. */
enum stage {
	STAGE_PPTP_SEQUENCE, /* uplink GRE of another worker's session; data at the GRE header */
	STAGE_DOWNLINK,      /* inner IPv4 packet for a session; data at the IPv4 header */
	STAGE_PPP_OUT,       /* control frame from control: data at the 2-octet PPP protocol */
	STAGE_IP,      /* IPv4 packet from the kernel's inner TUN device: data at the IPv4 header */
	STAGE_PORT,    /* whole Ethernet frame from a TAP twin, or released by neighbour resolution,
			  for meta->port */
	STAGE_ESP,     /* uplink ESP of another worker's SA; data at the outer IPv4 header */
	STAGE_ESP_OUT, /* UDP datagram to send through a pair of SAs; data at its UDP header */
	STAGE_L2TP_SEQUENCE, /* uplink data of another worker's session; data at the L2TP header */
	STAGE_COUNT
};

/* Ways to the main lcore.  Each has a ring of its own, and the main lcore serves them in turn: a
 * flood of one kind (ARP, ping, addresses that don't exist) takes no room and little time from the
 * others (D8). */
enum punt_kind {
	PUNT_TCP,     /* PPTP control connection: Ethernet frame for the TAP twin of meta->port */
	PUNT_TCP_NEW, /* the same from who has none yet */
	PUNT_ARP,     /* the same with ARP */
	PUNT_IKE,     /* the same with IKE, whole or in fragments */
	PUNT_TAP,     /* the same with anything else */
	PUNT_INNER,   /* IPv4 packet for the inner TUN device */
	PUNT_PMTU,    /* Ethernet frame with an ICMP error about a tunnel's packet */
	PUNT_GLEAN,   /* IPv4 packet whose next hop meta->nh has no hardware address yet */
	PUNT_ANSWER,  /* answer to what the kernel has begun: as PUNT_TCP, served last */
	PUNT_COUNT
};

/* A packet's companion in its mbuf, at a fixed dynamic field: 32 octets in the mbuf's second cache
 * line. */
struct pkt_meta {
	union { /* valid inside of a burst, or after its handle was compared */
		struct session *session;
		struct sa *sa; /* in ESP's nodes and stages */
	};
	uint32_t handle; /* of session or sa */
	union {
		uint32_t nh;   /* FIB value, fib.h */
		uint32_t peer; /* L2TP from the network: the peer of pair, 0 in clear */
	};
	union {
		uint16_t ppp_proto; /* host byte order */
		rte_be16_t port_be; /* with PKT_ELSEWHERE, PKT_DIVERTED */
	};
	uint8_t stage; /* enum stage, across rings */
	uint8_t kind;  /* enum punt_kind, across rings */
	uint8_t port;  /* index in ports[]: where it came in, or where it goes out */
	uint8_t flags;
	uint8_t owner; /* for node handoff: the worker that goes on with it */
	uint8_t reserved;
	uint32_t pair; /* L2TP from the network: the pair of SAs that it came in on, 0 in clear */
	union {
		uint32_t icmp;    /* node icmp_error: type, code, next-hop MTU (8, 8, 16 bits) */
		uint32_t seq;     /* uplink, up to mppe_decrypt: the tunnel's sequence number */
		rte_be32_t ip_be; /* with PKT_DIVERTED */
	};
};
static_assert(sizeof(struct pkt_meta) == 32, "fits the mbuf's dynamic fields");
#define PKT_META_OFFSET 96

/* Bits of pkt_meta.flags. */
#define PKT_DECRYPTED 0x01 /* came out of mppe_decrypt */
#define PKT_LOCAL     0x02 /* made by the gateway itself: its time to live isn't decremented */
#define PKT_PPP_OUT   0x04 /* control's frame: data at the 2-octet PPP protocol */
#define PKT_ACK_ONLY  0x08 /* GRE acknowledgement without payload */
#define PKT_INSIDE    0x10 /* a client's, out of its tunnel: its source is the session's (T18) */
#define PKT_NUMBERED  0x20 /* meta->seq is for the window when MPPE has proved the packet */
#define PKT_ELSEWHERE 0x40 /* ESP came from meta->port_be, not where its SA says */
#define PKT_DIVERTED  0x80 /* ESP goes to meta->ip_be and meta->port_be, by meta->nh */

static inline struct pkt_meta *
pkt_meta(struct rte_mbuf *m)
{
	return RTE_PTR_ADD(m, PKT_META_OFFSET);
}
/* Reserve the dynamic field.  Main lcore, before any port starts.  0 or a negative errno. */
int pkt_meta_register(void);

/* A command for the owner of a session or of a pair of SAs; from worker_msg_pool, given back by the
 * worker. */
struct worker_msg {
	union {
		void *target;
		struct session *session;
		struct sa *sa; /* COMMAND_SA_* */
	};
	uint32_t handle;
	uint32_t path_mtu; /* WORKER_PATH_MTU: 0 = that of the port */
	struct command cmd;
};
/* cmd.type of what doesn't come from control: the path MTU of session has changed. */
#define WORKER_PATH_MTU 0xf0

#define NO_TX_QUEUE 0xffff

struct worker {
	uint8_t index;
	unsigned int lcore;
	struct rte_graph *graph;
	struct worker_counters *counters; /* shared segment */
	struct ring punt;                 /* shared segment: producer side, this worker only */
	struct rte_ring *rx;        /* MP/SC, mbufs from other workers; consumer: node worker_rx */
	struct rte_ring *from_main; /* SP/SC, mbufs from main: control's frames, the kernel's. Apart
				       from rx, so that data does not crowd them out (D8) */
	struct rte_ring *to_main[PUNT_COUNT]; /* SP/SC, mbufs by pkt_meta.kind */
	struct rte_ring *msgs;                /* SP/SC, struct worker_msg * from main */
	struct rte_ring *events; /* SP/SC, struct worker_event elements to main (rte_ring_*_elem) */
	struct rte_mempool *mbuf_pool;
	struct esp_engine *esp; /* NULL without IPsec */
	uint64_t now;           /* TSC at the start of this graph walk */
	uint64_t now_us;        /* the same in microseconds of the data plane's clock */
	unsigned int n_queues;  /* rx queues served: (port, queue) pairs */
	struct {
		uint8_t port; /* index in ports[] */
		uint16_t queue;
	} queues[64];
	/* By port index.  This worker's tx queue, or NO_TX_QUEUE where the device has fewer than
	 * there are workers: then the frame goes to worker tx_worker[port] with STAGE_PORT.
	 * tx_worker[port] is this worker where it has a queue. */
	uint16_t tx_queues[SEGMENT_MAX_PORTS];
	uint8_t tx_worker[SEGMENT_MAX_PORTS];
} __rte_cache_aligned;

/* Worker -> main, forwarded as an event record to control. */
struct worker_event {
	uint32_t handle;
	uint32_t type; /* enum event_type: LOST_SYNC, PEER_SEEN, SA_EXPIRE, SA_MAPPING */
	int32_t status;
	struct sa_outer mapping;
};
static_assert(sizeof(struct worker_event) % 4 == 0, "an element of rte_ring");

/* Name of the graphs' source node: "port_rx", but benchmarks and fuzzers have their own. */
extern const char *worker_source;
extern struct worker workers[SEGMENT_MAX_WORKERS];
extern unsigned int n_workers;
extern struct rte_mempool *worker_msg_pool;

#define EDGE_ALLOW_PPTP       1u /* GRE, TCP 1723 */
#define EDGE_ALLOW_IPSEC      2u /* ESP, UDP 500 and 4500 */
#define EDGE_ALLOW_CLEAR_L2TP 4u /* UDP 1701 (T20) */

/* The data plane's settings that nodes read.  Written before workers start, but for the atomic
 * ones.
 */
struct dataplane_settings {
	uint32_t max_rekeys; /* T4 */
	bool edge_ping;      /* R12 */
	bool inside_ping;    /* T25: what clients may reach of the gateway itself */
	uint8_t n_inside;
	struct inside_service inside[INSIDE_SERVICES];
	bool outer_fragmentation;
	_Atomic uint32_t
		server_inner_ip_be; /* source of ICMP errors towards clients; 0 = none yet */
	_Atomic uint32_t control;   /* counts the processes that connected */
	_Atomic uint32_t edge; /* R3, R12: EDGE_ALLOW_*, as control says; nothing before it does */
};
extern struct dataplane_settings settings;

/* Every node's init callback: remembers the worker whose graph is being created. */
int node_init(const struct rte_graph *graph, struct rte_node *node);
static inline struct worker *
node_worker(const struct rte_node *node)
{
	struct worker *w;
	__builtin_memcpy(&w, node->ctx, sizeof(w));
	return w;
}

/* Tell main about a session or SA (bounded ring; false when full: the caller tries again later). */
bool worker_event_send(struct worker *w, uint32_t handle, enum event_type type);
bool worker_event_post(struct worker *w, const struct worker_event *e);

/*
 * Is what came across a ring, or waited, still the session or pair that it names, and this
 * worker's? The owner is compared too, for a hostile control can give a slot the same handle again
 * with another owner.  w's thread, inside of one burst.
 */
static inline bool
worker_owns_session(const struct worker *w, const struct session *s, uint32_t handle)
{
	return s != NULL && handle != 0 && session_handle_of(s) == handle &&
	       s->cfg.owner == w->index;
}

static inline bool
worker_owns_sa(const struct worker *w, const struct sa *sa, uint32_t handle)
{
	return sa != NULL && handle != 0 && sa_handle_of(sa) == handle && sa->cfg.owner == w->index;
}

/* Rings and graphs of workers[0..n_workers-1], whose index, lcore, queues and counters are set;
 * then their loops; then the end of both.  Main lcore.  0 or a negative errno. */
int workers_init(void);
int workers_launch(void);
/* One turn of a worker's loop, on its thread, which is online for RCU: what the main lcore says, a
 * walk of the graph, and nothing is held any more.  Returns how many messages there were. */
unsigned int worker_turn(struct worker *w);
void workers_stop(void);
/* The worker on which the outer packets of (peer -> server) arrive, as far as RSS lets us compute
 * it. Main lcore. */
uint8_t worker_for_outer(rte_be32_t peer_ip_be, rte_be32_t server_ip_be);

#endif
