/* SPDX-License-Identifier: BSD-3-Clause */
/* reassemble.  In: Ethernet frames with fragments to one of our addresses.  Out: whole packets, to
 * classify once more; IKE too large for one buffer to ike_input, such answers to answer_input. */
#include <errno.h>
#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_udp.h>

#include "dataplane/api/counters.h"
#include "dataplane/flow.h"
#include "dataplane/nodes/node.h"
#include "nat/reassembly.h"

enum {
	EDGE_CLASSIFY,
	EDGE_IKE_INPUT,
	EDGE_ANSWER_INPUT,
	EDGE_IP_FRAGMENT,
	EDGE_FRAGMENT_MALFORMED,
	EDGE_FRAGMENT_OVERLAP,
	EDGE_FRAGMENT_CROWDED,
	EDGE_FRAGMENT_TIMEOUT,
	EDGE_COUNT
};

static const rte_edge_t edge_of_end[] = {
	[REASSEMBLY_MALFORMED] = EDGE_FRAGMENT_MALFORMED,
	[REASSEMBLY_OVERLAP] = EDGE_FRAGMENT_OVERLAP,
	[REASSEMBLY_CROWDED] = EDGE_FRAGMENT_CROWDED,
	[REASSEMBLY_TIMEOUT] = EDGE_FRAGMENT_TIMEOUT,
};

static struct reassembly *tables[SEGMENT_MAX_WORKERS];

struct context {
	struct rte_graph *graph;
	struct rte_node *node;
};

static void
drop(void *user, struct rte_mbuf *m, enum reassembly_end why)
{
	struct context *c = user;

	rte_node_enqueue_x1(c->graph, c->node, edge_of_end[why], m);
}

/* The ports and the non-ESP marker are in the first fragment: REASSEMBLY_FIRST_MIN. */
static bool
is_ike(const struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(
		m, const struct rte_ipv4_hdr *, sizeof(struct rte_ether_hdr));
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);
	uint32_t spi;

	memcpy(&spi, udp + 1, sizeof(spi));
	return ip->next_proto_id == IPPROTO_UDP &&
	       (udp->dst_port == RTE_BE16(500) || (udp->dst_port == RTE_BE16(4500) && spi == 0));
}

/* The Ethernet header in front of the first fragment is still there. */
static rte_edge_t
whole_one(const struct worker *w, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	bool answer = flow_answers(ip, m->data_len, false, w->now_us);

	rte_pktmbuf_prepend(m, sizeof(struct rte_ether_hdr));
	if (rte_pktmbuf_linearize(m) == 0)
		return EDGE_CLASSIFY;
	if (is_ike(m))
		return EDGE_IKE_INPUT;
	return answer ? EDGE_ANSWER_INPUT : EDGE_IP_FRAGMENT;
}

static uint16_t
reassemble_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct context c = {graph, node};

	for (uint16_t i = 0; i < n; i++) {
		rte_pktmbuf_adj(objs[i], sizeof(struct rte_ether_hdr));
		struct rte_mbuf *whole =
			reassembly_take(tables[w->index], objs[i], w->now_us, drop, &c);
		if (whole != NULL)
			rte_node_enqueue_x1(graph, node, whole_one(w, whole), whole);
	}
	return n;
}

static int
reassemble_init(const struct rte_graph *graph, struct rte_node *node)
{
	int rc = node_init(graph, node);
	struct reassembly **t = &tables[node_worker(node)->index];

	*t = reassembly_create();
	return *t ? rc : -ENOMEM;
}

static void
reassemble_fini(const struct rte_graph *graph, struct rte_node *node)
{
	struct reassembly **t = &tables[node_worker(node)->index];

	(void)graph;
	reassembly_free(*t);
	*t = NULL;
}

static struct rte_node_register reassemble_node = {
	.name = "reassemble",
	.process = reassemble_process,
	.init = reassemble_init,
	.fini = reassemble_fini,
	.nb_edges = EDGE_COUNT,
	.next_nodes =
		{
			[EDGE_CLASSIFY] = "classify",
			[EDGE_IKE_INPUT] = "ike_input",
			[EDGE_ANSWER_INPUT] = "answer_input",
			[EDGE_IP_FRAGMENT] = "drop_ip_fragment",
			[EDGE_FRAGMENT_MALFORMED] = "drop_fragment_malformed",
			[EDGE_FRAGMENT_OVERLAP] = "drop_fragment_overlap",
			[EDGE_FRAGMENT_CROWDED] = "drop_fragment_crowded",
			[EDGE_FRAGMENT_TIMEOUT] = "drop_fragment_timeout",
		},
};
RTE_NODE_REGISTER(reassemble_node)
