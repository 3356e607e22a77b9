/* SPDX-License-Identifier: BSD-3-Clause */
/* port_tx.  In: Ethernet frames for meta->port.  Out: the ports, in bursts on this worker's tx
 * queue. */
#include <rte_ethdev.h>

#include "dataplane/nodes/node.h"
#include "dataplane/port.h"

enum { EDGE_TX_FULL, EDGE_COUNT };

static uint16_t
port_tx_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	const struct worker *w = node_worker(node);
	struct rte_mbuf **pkts = (struct rte_mbuf **)objs;

	for (uint16_t i = 0, j; i < n; i = j) {
		uint8_t port = pkt_meta(pkts[i])->port;
		for (j = i + 1; j < n && pkt_meta(pkts[j])->port == port; j++)
			;
		uint16_t sent = i;
		if (likely(port < n_ports))
			sent += rte_eth_tx_burst(ports[port].ethdev, w->tx_queue, pkts + i, j - i);
		if (unlikely(sent < j))
			rte_node_enqueue(graph, node, EDGE_TX_FULL, objs + sent, j - sent);
	}
	return n;
}

NODE_REGISTER_INTERMEDIATE(
	port_tx, .nb_edges = EDGE_COUNT, .next_nodes = {[EDGE_TX_FULL] = "drop_tx_full"});
