/* SPDX-License-Identifier: BSD-3-Clause */
/* esp_early.  In: ESP to an SPI that is reserved.  Out: none but what has no place; worker_rx
 * fetches the others when their SA has come, or they have waited in vain. */
#include <string.h>

#include "dataplane/api/counters.h"
#include "dataplane/nodes/esp.h"

enum { EDGE_ESP_UNKNOWN_SPI, EDGE_COUNT };

/*
 * Whoever begins IKEv1's quick mode sends through the new SA as soon as it has sent its last
 * message (RFC 2409 section 5.5); we install ours when charon has read it.  What comes in between
 * waits here, or each rekey could lose packets (D4).  Only what comes to an SPI that IKE has given
 * out, from who has got it, so who guesses takes no room (T24); of the room one source has a share.
 */
#define EARLY_MAX        512
#define EARLY_PER_SOURCE 64
#define EARLY_WAIT_US    500000
#define EARLY_CHECK_US   1000

static struct early {
	uint32_t n;
	uint64_t check_us;
	rte_be32_t source[EARLY_MAX];
	uint64_t until_us[EARLY_MAX];
	struct rte_mbuf *held[EARLY_MAX]; /* in order of arrival */
} __rte_cache_aligned early_of[SEGMENT_MAX_WORKERS];

bool
esp_early_hold(struct worker *w, struct rte_mbuf *m)
{
	struct early *e = &early_of[w->index];
	rte_be32_t source = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *)->src_addr;
	uint32_t same = 0;

	if (e->n == EARLY_MAX)
		return false;
	for (uint32_t i = 0; i < e->n; i++)
		same += e->source[i] == source;
	if (same >= EARLY_PER_SOURCE)
		return false;
	e->source[e->n] = source;
	e->until_us[e->n] = w->now_us + EARLY_WAIT_US;
	e->held[e->n++] = m;
	return true;
}

unsigned int
esp_early_due(struct worker *w, struct rte_mbuf **out, unsigned int max)
{
	struct early *e = &early_of[w->index];
	unsigned int k = 0, left = 0;

	if (likely(e->n == 0) || w->now_us < e->check_us)
		return 0;
	e->check_us = w->now_us + EARLY_CHECK_US;
	for (uint32_t i = 0; i < e->n; i++) {
		struct pkt_meta *meta = pkt_meta(e->held[i]);
		bool there = sa_handle_of(meta->sa) == meta->handle;
		if (k < max && (there || w->now_us >= e->until_us[i])) {
			if (!there)
				meta->sa = NULL;
			out[k++] = e->held[i];
			continue;
		}
		e->source[left] = e->source[i];
		e->until_us[left] = e->until_us[i];
		e->held[left++] = e->held[i];
	}
	e->n = left;
	return k;
}

static uint16_t
esp_early_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);

	for (uint16_t i = 0; i < n; i++)
		if (!esp_early_hold(w, objs[i]))
			rte_node_enqueue_x1(graph, node, EDGE_ESP_UNKNOWN_SPI, objs[i]);
	return n;
}

static void
esp_early_fini(const struct rte_graph *graph, struct rte_node *node)
{
	struct early *e = &early_of[node_worker(node)->index];

	(void)graph;
	rte_pktmbuf_free_bulk(e->held, e->n); /* not per packet: the graph is gone */
	memset(e, 0, sizeof(*e));
}

static struct rte_node_register esp_early_node = {
	.name = "esp_early",
	.process = esp_early_process,
	.init = node_init,
	.fini = esp_early_fini,
	.nb_edges = EDGE_COUNT,
	.next_nodes = {[EDGE_ESP_UNKNOWN_SPI] = "drop_esp_unknown_spi"},
};
RTE_NODE_REGISTER(esp_early_node)
