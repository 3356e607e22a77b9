/* SPDX-License-Identifier: BSD-3-Clause */
/* l2tp_sequence, on the owner.  In: valid L2TP data messages of meta->session.  Out: PPP payloads
 * with meta->ppp_proto, in sequence. */
#include "dataplane/nodes/l2tp.h"
#include "dataplane/nodes/ppp.h"
#include "dataplane/nodes/sequence.h"

enum {
	EDGE_PPP_INPUT,
	EDGE_MPPE_DECRYPT,
	EDGE_L2TP_MALFORMED,
	EDGE_L2TP_NO_SEQUENCE,
	EDGE_L2TP_DUPLICATE,
	EDGE_L2TP_LATE,
	EDGE_L2TP_WINDOW,
	EDGE_PPP_MALFORMED,
	EDGE_PPP_PROTOCOL,
	EDGE_COUNT
};

static const rte_edge_t edge_of_verdict[] = {
	[SEQUENCE_DUPLICATE] = EDGE_L2TP_DUPLICATE,
	[SEQUENCE_LATE] = EDGE_L2TP_LATE,
	[SEQUENCE_FAR] = EDGE_L2TP_WINDOW,
};

static inline rte_edge_t
l2tp_sequence_one(struct worker *w, struct rte_mbuf *m)
{
	struct pkt_meta *meta = pkt_meta(m);
	struct session *s = meta->session;
	struct l2tp_message msg;

	/* Again, for it may have come through a ring; l2tp_input has cut it to its length. */
	if (unlikely(!l2tp_parse(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &msg)))
		return session_up_drop(s, EDGE_L2TP_MALFORMED);
	if (unlikely(s->cfg.require_sequence && !(msg.flags & L2TP_SEQUENCE)))
		return session_up_drop(s, EDGE_L2TP_NO_SEQUENCE);
	rte_pktmbuf_adj(m, msg.hlen);
	switch (ppp_take_header(m, &meta->ppp_proto)) {
	case PPP_TRUNCATED:
		return session_up_drop(s, EDGE_PPP_MALFORMED);
	case PPP_BAD_PROTOCOL:
		return session_up_drop(s, EDGE_PPP_PROTOCOL);
	default:
		break;
	}
	if (unlikely(msg.flags & L2TP_SEQUENCE)) {
		const struct sequence n = sequence_of(s, msg.ns);
		enum sequence_verdict verdict = sequence_check(w, s, meta->ppp_proto, &n);
		if (unlikely(verdict != SEQUENCE_NEW))
			return session_up_drop(s, edge_of_verdict[verdict]);
		meta->seq = msg.ns;
		meta->flags |= s->cfg.peer == 0 ? PKT_NUMBERED : 0;
	}
	if (unlikely(meta->ppp_proto == PPP_MPPE))
		return EDGE_MPPE_DECRYPT;
	session_heard(w, s, meta->handle);
	return EDGE_PPP_INPUT;
}

static inline void
l2tp_sequence_request(struct rte_mbuf *m)
{
	rte_prefetch0(pkt_meta(m)->session->cfg.counters);
}

static uint16_t
l2tp_sequence_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, l2tp_sequence_request, l2tp_sequence_one);
}

NODE_REGISTER_INTERMEDIATE(l2tp_sequence, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PPP_INPUT] = "ppp_input",
		[EDGE_MPPE_DECRYPT] = "mppe_decrypt",
		[EDGE_L2TP_MALFORMED] = "drop_l2tp_malformed",
		[EDGE_L2TP_NO_SEQUENCE] = "drop_l2tp_no_sequence",
		[EDGE_L2TP_DUPLICATE] = "drop_l2tp_duplicate",
		[EDGE_L2TP_LATE] = "drop_l2tp_late",
		[EDGE_L2TP_WINDOW] = "drop_l2tp_window",
		[EDGE_PPP_MALFORMED] = "drop_ppp_malformed",
		[EDGE_PPP_PROTOCOL] = "drop_ppp_protocol",
	});
