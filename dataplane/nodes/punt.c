/* SPDX-License-Identifier: BSD-3-Clause */
/* punt, on the owner.  In: PPP payloads with meta->ppp_proto that are not data.  Out: frame records
 * in the worker's punt ring, for control. */
#include "dataplane/nodes/punt.h"
#include "dataplane/api/frame.h"

enum { EDGE_PUNT_FULL, EDGE_PPP_MALFORMED, EDGE_PUNT_RATE, EDGE_COUNT };

/*
 * What one session may send to control (D8): a burst far above any negotiation, then a rate far
 * above echoes and Reset-Requests.
 */
#define PUNT_BURST       64
#define PUNT_INTERVAL_US 10000

/* EDGE_COUNT: copied. */
static rte_edge_t
punt_one(struct worker *w, const struct rte_mbuf *m)
{
	const struct pkt_meta *meta = pkt_meta((struct rte_mbuf *)(uintptr_t)m);

	if (m->data_len > FRAME_MAX - 2)
		return session_up_drop(meta->session, EDGE_PPP_MALFORMED);
	if (!bucket_take(&meta->session->up.punt_at_us, w->now_us, punt_burst(&w->punt, PUNT_BURST),
		    PUNT_INTERVAL_US))
		return session_up_drop(meta->session, EDGE_PUNT_RATE);
	struct frame_record *r = ring_produce(&w->punt);
	if (r == NULL) {
		w->counters->punt_lost++;
		return session_up_drop(meta->session, EDGE_PUNT_FULL);
	}
	r->version = RECORD_VERSION;
	r->kind = FRAME_PPP;
	r->length = m->data_len + 2;
	r->handle = meta->handle;
	r->outer = (struct sa_outer){0};
	r->data[0] = meta->ppp_proto >> 8;
	r->data[1] = meta->ppp_proto & 0xff;
	memcpy(r->data + 2, rte_pktmbuf_mtod(m, const void *), m->data_len);
	ring_produced(&w->punt);
	w->counters->punted++;
	return EDGE_COUNT;
}

static uint16_t
punt_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);

	for (uint16_t i = 0; i < n; i++) {
		rte_edge_t edge = punt_one(w, objs[i]);
		if (edge == EDGE_COUNT)
			rte_pktmbuf_free(objs[i]);
		else
			rte_node_enqueue_x1(graph, node, edge, objs[i]);
	}
	return n;
}

NODE_REGISTER_INTERMEDIATE(punt, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PUNT_FULL] = "drop_punt_full",
		[EDGE_PPP_MALFORMED] = "drop_ppp_malformed",
		[EDGE_PUNT_RATE] = "drop_punt_rate",
	});
