/* SPDX-License-Identifier: BSD-3-Clause */
/* pptp_sequence, on the owner.  In: GRE packets of meta->session.  Out: PPP payloads with
 * meta->ppp_proto, in sequence. */
#include "dataplane/nodes/gre.h"
#include "dataplane/nodes/ppp.h"
#include "dataplane/nodes/sequence.h"

enum {
	EDGE_PPP_INPUT,
	EDGE_MPPE_DECRYPT,
	EDGE_PPTP_OUTPUT, /* acknowledgements alone */
	EDGE_GRE_ACK_ONLY,
	EDGE_GRE_DUPLICATE,
	EDGE_GRE_LATE,
	EDGE_GRE_WINDOW,
	EDGE_PPP_MALFORMED,
	EDGE_PPP_PROTOCOL,
	EDGE_COUNT
};

static const rte_edge_t edge_of_verdict[] = {
	[SEQUENCE_DUPLICATE] = EDGE_GRE_DUPLICATE,
	[SEQUENCE_LATE] = EDGE_GRE_LATE,
	[SEQUENCE_FAR] = EDGE_GRE_WINDOW,
};

/* Acknowledgement numbers (RFC 2637 section 4.2) are not believed: nothing waits for them. */
static inline rte_edge_t
pptp_sequence_one(struct worker *w, struct rte_mbuf *m)
{
	const struct gre_hdr *g = rte_pktmbuf_mtod(m, const struct gre_hdr *);
	struct pkt_meta *meta = pkt_meta(m);
	struct session *s = meta->session;
	bool has_seq = g->flags & GRE_SEQ;

	if (!has_seq) {
		s->cfg.counters->up_last_seen_us = w->now_us;
		return EDGE_GRE_ACK_ONLY;
	}
	meta->seq = rte_be_to_cpu_32(g->words[0]);
	rte_pktmbuf_adj(m, gre_hdr_len(g));
	switch (ppp_take_header(m, &meta->ppp_proto)) {
	case PPP_TRUNCATED:
		return session_up_drop(s, EDGE_PPP_MALFORMED);
	case PPP_BAD_PROTOCOL:
		return session_up_drop(s, EDGE_PPP_PROTOCOL);
	default:
		break;
	}
	const struct sequence n = sequence_of(s, meta->seq);
	enum sequence_verdict verdict = sequence_check(w, s, meta->ppp_proto, &n);
	if (unlikely(verdict != SEQUENCE_NEW))
		return session_up_drop(s, edge_of_verdict[verdict]);
	if (meta->ppp_proto == PPP_MPPE) {
		meta->flags |= PKT_NUMBERED;
		return EDGE_MPPE_DECRYPT;
	}
	session_heard(w, s, meta->handle);
	ack_owe(w, s);
	return EDGE_PPP_INPUT;
}

static inline void
pptp_sequence_request(struct rte_mbuf *m)
{
	rte_prefetch0(pkt_meta(m)->session->cfg.counters);
}

/* Sessions of this chunk that owe so many acknowledgements that they can't wait. */
static uint16_t
acknowledge_alone(struct worker *w, void **objs, uint16_t n, struct rte_mbuf **acks)
{
	uint16_t k = 0;
	for (uint16_t i = 0; i < n; i++) {
		struct session *s = pkt_meta((struct rte_mbuf *)objs[i])->session;
		if (likely(s->up.ack_due < ACK_EVERY))
			continue;
		if ((acks[k] = ack_make(w, s)) == NULL)
			break;
		s->up.ack_due = 0;
		k++;
	}
	return k;
}

static uint16_t
pptp_sequence_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct rte_mbuf *acks[NODE_CHUNK];
	rte_edge_t next[NODE_CHUNK];

	for (uint16_t at = 0; at < n; at += NODE_CHUNK) {
		uint16_t k = RTE_MIN(n - at, NODE_CHUNK);
		void **o = objs + at;
		node_request(o, k, pptp_sequence_request);
		for (uint16_t i = 0; i < k; i++)
			next[i] = pptp_sequence_one(w, o[i]);
		uint16_t n_acks = acknowledge_alone(w, o, k, acks);
		node_dispatch(graph, node, o, next, k);
		if (n_acks > 0)
			rte_node_enqueue(graph, node, EDGE_PPTP_OUTPUT, (void **)acks, n_acks);
	}
	return n;
}

NODE_REGISTER_INTERMEDIATE(pptp_sequence, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PPP_INPUT] = "ppp_input",
		[EDGE_MPPE_DECRYPT] = "mppe_decrypt",
		[EDGE_PPTP_OUTPUT] = "pptp_output",
		[EDGE_GRE_ACK_ONLY] = "drop_gre_ack_only",
		[EDGE_GRE_DUPLICATE] = "drop_gre_duplicate",
		[EDGE_GRE_LATE] = "drop_gre_late",
		[EDGE_GRE_WINDOW] = "drop_gre_window",
		[EDGE_PPP_MALFORMED] = "drop_ppp_malformed",
		[EDGE_PPP_PROTOCOL] = "drop_ppp_protocol",
	});
