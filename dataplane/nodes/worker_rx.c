/* SPDX-License-Identifier: BSD-3-Clause */
/* worker_rx, a source.  In: packets from other workers and from the main lcore, acknowledgements
 * that are due, ESP that came before its SA.  Out: by stage, where each was heading. */
#include "dataplane/nodes/esp.h"
#include "dataplane/nodes/gre.h"

enum {
	EDGE_PPTP_SEQUENCE = OUTPUT_COUNT, /* before it: by session */
	EDGE_L2TP_SEQUENCE,
	EDGE_SESSION_DOWNLINK,
	EDGE_ESP_INPUT,
	EDGE_ESP_DECRYPT,
	EDGE_ESP_ENCRYPT,
	EDGE_ESP_UNKNOWN_SPI,
	EDGE_ESP_NO_SA,
	EDGE_IP_FORWARD,
	EDGE_PORT_TX,
	EDGE_SESSION_CLOSED,
	EDGE_COUNT
};

#define RX_BURST      64
#define RX_BURST_MAIN 32 /* of them, at most */

static const rte_edge_t edge_of_stage[STAGE_COUNT] = {
	[STAGE_PPTP_SEQUENCE] = EDGE_PPTP_SEQUENCE,
	[STAGE_L2TP_SEQUENCE] = EDGE_L2TP_SEQUENCE,
	[STAGE_DOWNLINK] = EDGE_SESSION_DOWNLINK,
};

/* Who brings a session or a pair across a ring brings its handle: the slot may have a new owner by
 * now. */
static rte_edge_t
worker_rx_one(const struct worker *w, struct rte_mbuf *m)
{
	struct pkt_meta *meta = pkt_meta(m);

	switch (meta->stage) {
	case STAGE_IP:
		meta->flags = PKT_LOCAL;
		return EDGE_IP_FORWARD;
	case STAGE_PORT:
		return EDGE_PORT_TX;
	case STAGE_PPP_OUT:
		meta->flags = PKT_PPP_OUT;
		return worker_owns_session(w, meta->session, meta->handle)
			       ? meta->session->cfg.output
			       : EDGE_SESSION_CLOSED;
	case STAGE_PPTP_SEQUENCE:
	case STAGE_L2TP_SEQUENCE:
	case STAGE_DOWNLINK:
		if (!worker_owns_session(w, meta->session, meta->handle))
			return EDGE_SESSION_CLOSED;
		meta->session->cfg.counters->handoffs++;
		return edge_of_stage[meta->stage];
	case STAGE_ESP:
		if (!worker_owns_sa(w, meta->sa, meta->handle))
			return EDGE_ESP_UNKNOWN_SPI;
		meta->sa->cfg.counters->handoffs++;
		return EDGE_ESP_DECRYPT;
	case STAGE_ESP_OUT:
		return worker_owns_sa(w, meta->sa, meta->handle) ? EDGE_ESP_ENCRYPT
								 : EDGE_ESP_NO_SA;
	default:
		return EDGE_SESSION_CLOSED;
	}
}

static uint16_t
worker_rx_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct rte_mbuf *pkts[RX_BURST];
	rte_edge_t next[RX_BURST];

	(void)objs;
	(void)n;
	unsigned int k =
		rte_ring_sc_dequeue_burst(w->from_main, (void **)pkts, RX_BURST_MAIN, NULL);
	k += rte_ring_sc_dequeue_burst(w->rx, (void **)pkts + k, RX_BURST - k, NULL);
	for (unsigned int i = 0; i < k; i++)
		rte_prefetch0(pkt_meta(pkts[i]));
	for (unsigned int i = 0; i < k; i++)
		next[i] = worker_rx_one(w, pkts[i]);
	if (k > 0)
		node_enqueue_runs(graph, node, (void **)pkts, next, k);

	unsigned int acks = ack_due(w, pkts, RX_BURST);
	if (acks > 0)
		rte_node_enqueue(graph, node, OUTPUT_PPTP, (void **)pkts, acks);

	unsigned int early = esp_early_due(w, pkts, RX_BURST);
	for (unsigned int i = 0; i < early; i++)
		rte_node_enqueue_x1(graph, node,
			pkt_meta(pkts[i])->sa ? EDGE_ESP_INPUT : EDGE_ESP_UNKNOWN_SPI, pkts[i]);
	return k + acks + early;
}

static int
worker_rx_init(const struct rte_graph *graph, struct rte_node *node)
{
	int rc = node_init(graph, node);
	return rc < 0 ? rc : ack_init(node_worker(node), sessions.max);
}

static void
worker_rx_fini(const struct rte_graph *graph, struct rte_node *node)
{
	(void)graph;
	ack_free(node_worker(node));
}

static struct rte_node_register worker_rx_node = {
	.name = "worker_rx",
	.flags = RTE_NODE_SOURCE_F,
	.process = worker_rx_process,
	.init = worker_rx_init,
	.fini = worker_rx_fini,
	.nb_edges = EDGE_COUNT,
	.next_nodes =
		{
			OUTPUT_EDGES,
			[EDGE_PPTP_SEQUENCE] = "pptp_sequence",
			[EDGE_L2TP_SEQUENCE] = "l2tp_sequence",
			[EDGE_SESSION_DOWNLINK] = "session_downlink",
			[EDGE_ESP_INPUT] = "esp_input",
			[EDGE_ESP_DECRYPT] = "esp_decrypt",
			[EDGE_ESP_ENCRYPT] = "esp_encrypt",
			[EDGE_ESP_UNKNOWN_SPI] = "drop_esp_unknown_spi",
			[EDGE_ESP_NO_SA] = "drop_esp_no_sa",
			[EDGE_IP_FORWARD] = "ip_forward",
			[EDGE_PORT_TX] = "port_tx",
			[EDGE_SESSION_CLOSED] = "drop_session_closed",
		},
};
RTE_NODE_REGISTER(worker_rx_node)
