/* SPDX-License-Identifier: BSD-3-Clause */
/* port_tx.  In: Ethernet frames for meta->port.  Out: the port in bursts, on this worker's tx queue
 * or through a worker that has one. */
#include <rte_ethdev.h>

#include "dataplane/nodes/node.h"
#include "dataplane/port_table.h"

enum { EDGE_TX_FULL, EDGE_HANDOFF_FULL, EDGE_COUNT };

/* A run of frames for one port.  What isn't sent stays behind, for the edge that is named in
 * why. */
static uint16_t
transmit(const struct worker *w, uint8_t port, struct rte_mbuf **pkts, uint16_t n, rte_edge_t *why)
{
	*why = EDGE_TX_FULL;
	if (unlikely(port >= n_ports))
		return 0;
	if (likely(w->tx_queues[port] != NO_TX_QUEUE)) {
		uint16_t queue = w->tx_queues[port];
		uint16_t sent = rte_eth_tx_burst(ports[port].ethdev, queue, pkts, n), more = sent;
		/* A ring of a packet socket is empty again after each call. */
		while (unlikely(sent < n) && more > 0) {
			more = rte_eth_tx_burst(ports[port].ethdev, queue, pkts + sent, n - sent);
			sent += more;
		}
		return sent;
	}
	*why = EDGE_HANDOFF_FULL;
	for (uint16_t i = 0; i < n; i++)
		pkt_meta(pkts[i])->stage = STAGE_PORT;
	return rte_ring_mp_enqueue_burst(workers[w->tx_worker[port]].rx, (void **)pkts, n, NULL);
}

static uint16_t
port_tx_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	const struct worker *w = node_worker(node);
	struct rte_mbuf **pkts = (struct rte_mbuf **)objs;

	for (uint16_t i = 0, j; i < n; i = j) {
		uint8_t port = pkt_meta(pkts[i])->port;
		for (j = i + 1; j < n && pkt_meta(pkts[j])->port == port; j++)
			;
		rte_edge_t why;
		uint16_t sent = i + transmit(w, port, pkts + i, j - i, &why);
		if (unlikely(sent < j))
			rte_node_enqueue(graph, node, why, objs + sent, j - sent);
	}
	return n;
}

NODE_REGISTER_INTERMEDIATE(port_tx, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_TX_FULL] = "drop_tx_full",
		[EDGE_HANDOFF_FULL] = "drop_handoff_full",
	});
