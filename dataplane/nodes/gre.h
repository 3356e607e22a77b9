/* SPDX-License-Identifier: BSD-3-Clause */
/* The enhanced GRE header of RFC 2637 section 4.1, and when a worker owes an acknowledgement. */
#ifndef ADIT_DATAPLANE_NODES_GRE_H
#define ADIT_DATAPLANE_NODES_GRE_H

#include <rte_byteorder.h>

#include "dataplane/nodes/node.h"

struct gre_hdr {
	uint8_t flags;   /* C R K S s Recur */
	uint8_t version; /* A, flags, Ver */
	rte_be16_t protocol;
	rte_be16_t payload_len;
	rte_be16_t call_id;
	rte_be32_t words[]; /* sequence number if S, then acknowledgement number if A */
} __rte_packed;

#define GRE_PPTP_PROTOCOL 0x880b
#define GRE_KEY           0x20 /* in flags */
#define GRE_SEQ           0x10
#define GRE_ACK           0x80 /* in version */
#define GRE_VERSION       0x01

static inline uint32_t
gre_hdr_len(const struct gre_hdr *g)
{
	return sizeof(*g) + (g->flags & GRE_SEQ ? 4 : 0) + (g->version & GRE_ACK ? 4 : 0);
}

/*
 * Acknowledgements (RFC 2637 section 4.2) ride on the next packet to the client.  Without one, they
 * go alone: after ACK_EVERY packets, or ACK_DELAY_US after the first unacknowledged one, so that
 * neither a client's send window nor its time-out (RFC 2637 section 4.4, at least half a second in
 * practice) is ever waited for.
 */
#define ACK_EVERY    16
#define ACK_DELAY_US 20000

/* A session received a packet: remember its acknowledgement.  Owner. */
void ack_owe(struct worker *w, struct session *s);
/* Acknowledgement packets, for pptp_output, of sessions whose time has come.  Returns their count,
 * at most n. */
unsigned int ack_due(struct worker *w, struct rte_mbuf **out, unsigned int n);
/* An acknowledgement packet for one session, or NULL when buffers are out. */
struct rte_mbuf *ack_make(struct worker *w, struct session *s);
/* Memory for max_sessions on one worker.  When its graph is created.  0 or a negative errno. */
int ack_init(struct worker *w, uint32_t max_sessions);
void ack_free(struct worker *w);

#endif
