/* SPDX-License-Identifier: BSD-3-Clause */
/* mppe_encrypt, on the owner.  In: room for the MPPE header, inner protocol, IPv4 packet.  Out: PPP
 * frames with protocol 0x00FD. */
#include "dataplane/nodes/mppe.h"
#include "dataplane/nodes/ppp.h"

static void
mppe_encrypt_chunk(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	rte_edge_t next[NODE_CHUNK];
	struct mppe_job jobs[NODE_CHUNK];

	for (uint16_t i = 0; i < n; i++)
		mppe_request_tx(pkt_meta((struct rte_mbuf *)objs[i])->session);
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];
		jobs[i] = (struct mppe_job){.tx = &pkt_meta(m)->session->mppe_tx,
			.data = rte_pktmbuf_mtod(m, uint8_t *),
			.len = m->data_len};
	}
	mppe_encrypt_burst(jobs, n);
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];
		const struct session *s = pkt_meta(m)->session;
		ppp_put_header(m, PPP_MPPE, s->cfg.tx_acfc, s->cfg.tx_pfc);
		next[i] = s->cfg.output;
	}
	node_dispatch(graph, node, objs, next, n);
}

static uint16_t
mppe_encrypt_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	for (uint16_t at = 0; at < n; at += NODE_CHUNK)
		mppe_encrypt_chunk(graph, node, objs + at, RTE_MIN(n - at, NODE_CHUNK));
	return n;
}

NODE_REGISTER_INTERMEDIATE(mppe_encrypt, .nb_edges = OUTPUT_COUNT, .next_nodes = {OUTPUT_EDGES});
