/* SPDX-License-Identifier: BSD-3-Clause */
/* pptp_input.  In: IPv4 packets with PPTP's GRE.  Out: at the GRE header with meta->session, to the
 * owner's pptp_sequence. */
#include "dataplane/nodes/gre.h"

enum {
	EDGE_PPTP_SEQUENCE,
	EDGE_HANDOFF,
	EDGE_GRE_MALFORMED,
	EDGE_GRE_UNKNOWN_CALL,
	EDGE_GRE_WRONG_PEER,
	EDGE_COUNT
};

/* RFC 2637 section 4.1: K set, C, R, s, Recur and the reserved flags clear; data has a sequence
 * number; something is carried. */
static inline bool
gre_valid(const struct gre_hdr *g, uint32_t len)
{
	if (len < sizeof(*g) || (g->flags & ~GRE_SEQ) != GRE_KEY ||
		(g->version & ~GRE_ACK) != GRE_VERSION ||
		g->protocol != RTE_BE16(GRE_PPTP_PROTOCOL))
		return false;
	uint32_t payload = rte_be_to_cpu_16(g->payload_len);
	if (!(g->flags & GRE_SEQ) && (payload > 0 || !(g->version & GRE_ACK)))
		return false;
	return gre_hdr_len(g) + payload <= len;
}

/* First pass: everything that can be known from the packet; the call's slot is looked up and its
 * lines are requested. */
static inline rte_edge_t
pptp_input_lookup(struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const struct gre_hdr *g = (const struct gre_hdr *)(ip + 1);
	struct pkt_meta *meta = pkt_meta(m);

	if (unlikely(!gre_valid(g, m->data_len - sizeof(*ip))))
		return EDGE_GRE_MALFORMED;
	struct session *s = session_by_id(TUNNEL_PPTP, ip->dst_addr, g->call_id);
	if (unlikely(s == NULL))
		return EDGE_GRE_UNKNOWN_CALL;
	rte_prefetch0(&s->cfg);
	rte_prefetch0(&s->up);
	meta->session = s;
	return NODE_FOUND;
}

/* Second pass.  T5: nothing of the session is changed here, and nothing spent, before the peer's
 * address was compared. */
static inline rte_edge_t
pptp_input_one(struct worker *w, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const struct gre_hdr *g = (const struct gre_hdr *)(ip + 1);
	struct pkt_meta *meta = pkt_meta(m);
	const struct session *s = meta->session;

	meta->handle = session_handle_of(s);
	if (unlikely(meta->handle == 0))
		return EDGE_GRE_UNKNOWN_CALL;
	if (unlikely(s->cfg.peer_ip_be != ip->src_addr || s->cfg.server_ip_be != ip->dst_addr ||
		     s->cfg.call_id_be != g->call_id))
		return EDGE_GRE_WRONG_PEER;
	uint32_t gre_len = gre_hdr_len(g) + rte_be_to_cpu_16(g->payload_len);
	rte_pktmbuf_adj(m, sizeof(*ip));
	rte_pktmbuf_trim(m, m->data_len - gre_len);
	if (likely(s->cfg.owner == w->index))
		return EDGE_PPTP_SEQUENCE;
	meta->stage = STAGE_PPTP_SEQUENCE;
	meta->owner = s->cfg.owner;
	return EDGE_HANDOFF;
}

static uint16_t
pptp_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each_found(graph, node, objs, n, pptp_input_lookup, pptp_input_one);
}

NODE_REGISTER_INTERMEDIATE(pptp_input, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PPTP_SEQUENCE] = "pptp_sequence",
		[EDGE_HANDOFF] = "handoff",
		[EDGE_GRE_MALFORMED] = "drop_gre_malformed",
		[EDGE_GRE_UNKNOWN_CALL] = "drop_gre_unknown_call",
		[EDGE_GRE_WRONG_PEER] = "drop_gre_wrong_peer",
	});
