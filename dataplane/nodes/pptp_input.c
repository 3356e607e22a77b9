/* SPDX-License-Identifier: BSD-3-Clause */
/* pptp_input.  In: IPv4 packets with PPTP's GRE.  Out: at the GRE header with meta->session, to the
 * owner's pptp_sequence. */
#include "dataplane/api/session.h"
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

/* Everything that can be known from the packet, and where its call stands. */
static inline rte_edge_t
pptp_input_locate(struct rte_mbuf *m, const _Atomic uint32_t **entry)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const struct gre_hdr *g = (const struct gre_hdr *)(ip + 1);

	if (unlikely(!gre_valid(g, m->data_len - sizeof(*ip))))
		return EDGE_GRE_MALFORMED;
	*entry = session_id_entry(TUNNEL_PPTP, ip->dst_addr, g->call_id);
	if (unlikely(*entry == NULL))
		return EDGE_GRE_UNKNOWN_CALL;
	return NODE_FOUND;
}

static inline rte_edge_t
pptp_input_find(struct rte_mbuf *m, const _Atomic uint32_t *entry)
{
	struct session *s = session_of_entry(entry);

	if (unlikely(s == NULL))
		return EDGE_GRE_UNKNOWN_CALL;
	rte_prefetch0(&s->cfg);
	rte_prefetch0(&s->up);
	pkt_meta(m)->session = s;
	return NODE_FOUND;
}

/* T5: nothing of the session is changed here, and nothing spent, before the peer's
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

/* Each step for the whole burst, so that memory is waited for once a step. */
static uint16_t
pptp_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	const _Atomic uint32_t *entries[NODE_CHUNK];
	struct worker *w = node_worker(node);
	rte_edge_t next[NODE_CHUNK];

	for (uint16_t at = 0; at < n; at += NODE_CHUNK) {
		uint16_t k = RTE_MIN(n - at, NODE_CHUNK);
		void **o = objs + at;
		for (uint16_t i = 0; i < k; i++)
			next[i] = pptp_input_locate(o[i], &entries[i]);
		for (uint16_t i = 0; i < k; i++)
			if (likely(next[i] == NODE_FOUND))
				rte_prefetch0((const void *)entries[i]);
		for (uint16_t i = 0; i < k; i++)
			if (likely(next[i] == NODE_FOUND))
				next[i] = pptp_input_find(o[i], entries[i]);
		for (uint16_t i = 0; i < k; i++)
			if (likely(next[i] == NODE_FOUND))
				next[i] = pptp_input_one(w, o[i]);
		node_dispatch(graph, node, o, next, k);
	}
	return n;
}

NODE_REGISTER_INTERMEDIATE(pptp_input, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PPTP_SEQUENCE] = "pptp_sequence",
		[EDGE_HANDOFF] = "handoff",
		[EDGE_GRE_MALFORMED] = "drop_gre_malformed",
		[EDGE_GRE_UNKNOWN_CALL] = "drop_gre_unknown_call",
		[EDGE_GRE_WRONG_PEER] = "drop_gre_wrong_peer",
	});
