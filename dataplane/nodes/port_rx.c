/* SPDX-License-Identifier: BSD-3-Clause */
/* port_rx, a source.  In: bursts from this worker's (port, queue) pairs.  Out: Ethernet frames with
 * meta->port, to classify; those of ordinary interfaces to soft_input. */
#include <rte_ethdev.h>

#include "dataplane/nodes/node.h"
#include "dataplane/port_table.h"

enum { EDGE_CLASSIFY, EDGE_SOFT_INPUT, EDGE_COUNT };

#define PORT_BURST 64

static uint16_t
port_rx_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	uint16_t total = 0;

	(void)objs;
	(void)n;
	for (unsigned int q = 0; q < w->n_queues; q++) {
		struct rte_mbuf *pkts[PORT_BURST];
		uint8_t port = w->queues[q].port;
		bool soft = ports[port].soft;
		uint16_t k = rte_eth_rx_burst(ports[port].ethdev, w->queues[q].queue, pkts,
			soft ? PORT_SOFT_BURST : PORT_BURST);
		if (k == 0)
			continue;
		for (uint16_t i = 0; i < k; i++)
			rte_prefetch0(pkt_meta(pkts[i]));
		for (uint16_t i = 0; i < k; i++) {
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
			pkt_meta(pkts[i])->port = port;
			pkt_meta(pkts[i])->flags = 0;
		}
		rte_node_enqueue(
			graph, node, soft ? EDGE_SOFT_INPUT : EDGE_CLASSIFY, (void **)pkts, k);
		total += k;
	}
	return total;
}

static struct rte_node_register port_rx_node = {
	.name = "port_rx",
	.flags = RTE_NODE_SOURCE_F,
	.process = port_rx_process,
	.init = node_init,
	.nb_edges = EDGE_COUNT,
	.next_nodes = {[EDGE_CLASSIFY] = "classify", [EDGE_SOFT_INPUT] = "soft_input"},
};
RTE_NODE_REGISTER(port_rx_node)
