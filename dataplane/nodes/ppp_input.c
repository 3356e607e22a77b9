/* SPDX-License-Identifier: BSD-3-Clause */
/* ppp_input, on the owner.  In: PPP payloads with meta->ppp_proto.  Out: IPv4 of open sessions;
 * other protocols to control. */
#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"
#include "dataplane/nodes/node.h"
#include "dataplane/nodes/ppp.h"

enum {
	EDGE_SESSION_UPLINK,
	EDGE_PUNT,
	EDGE_SESSION_CLOSED,
	EDGE_MPPE_PLAINTEXT,
	EDGE_PPP_PROTOCOL,
	EDGE_COUNT
};

/* Frames that control answers with a Protocol-Reject (RFC 1661 section 5.7): so many a second and
 * worker, the others are dropped, so that they can't crowd out negotiation. */
#define REJECTS_PER_SECOND 100
static struct {
	uint64_t second_us;
	uint32_t n;
} __rte_cache_aligned rejects[SEGMENT_MAX_WORKERS];

static bool
reject_allowed(const struct worker *w)
{
	if (w->now_us - rejects[w->index].second_us >= 1000000) {
		rejects[w->index].second_us = w->now_us;
		rejects[w->index].n = 0;
	}
	return rejects[w->index].n++ < REJECTS_PER_SECOND;
}

static rte_edge_t
not_ip(const struct worker *w, struct session *s, uint16_t proto)
{
	switch (proto) {
	case PPP_LCP:
	case PPP_PAP:
	case PPP_CHAP:
	case PPP_EAP:
	case PPP_CCP:
	case PPP_IPCP:
		return EDGE_PUNT;
	default:
		return reject_allowed(w) ? EDGE_PUNT : session_up_drop(s, EDGE_PPP_PROTOCOL);
	}
}

static inline rte_edge_t
ppp_input_one(struct worker *w, struct rte_mbuf *m)
{
	const struct pkt_meta *meta = pkt_meta(m);
	struct session *s = meta->session;

	/* T3: data protocols (RFC 1661 section 2: 0x0001 to 0x3fff) in clear where encryption is
	 * required */
	if (unlikely(s->cfg.require_mppe && !(meta->flags & PKT_DECRYPTED) &&
		     meta->ppp_proto < 0x4000))
		return session_up_drop(s, EDGE_MPPE_PLAINTEXT);
	if (unlikely(meta->ppp_proto != PPP_IP))
		return not_ip(w, s, meta->ppp_proto);
	if (unlikely(s->cfg.state != SESSION_OPEN))
		return session_up_drop(s, EDGE_SESSION_CLOSED);
	return EDGE_SESSION_UPLINK;
}

static uint16_t
ppp_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each(graph, node, objs, n, prefetch_nothing, ppp_input_one);
}

NODE_REGISTER_INTERMEDIATE(ppp_input, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_SESSION_UPLINK] = "session_uplink",
		[EDGE_PUNT] = "punt",
		[EDGE_SESSION_CLOSED] = "drop_session_closed",
		[EDGE_MPPE_PLAINTEXT] = "drop_mppe_plaintext",
		[EDGE_PPP_PROTOCOL] = "drop_ppp_protocol",
	});
