/* SPDX-License-Identifier: BSD-3-Clause */
/* esp_encrypt, on the owner of meta->sa.  In: UDP datagrams to protect.  Out: ESP packets. */
#include "dataplane/api/event.h"
#include "dataplane/nodes/esp.h"

enum {
	EDGE_ESP_OUTPUT,
	EDGE_ESP_NO_SA,
	EDGE_ESP_SEQUENCE_END,
	EDGE_ESP_EXPIRED,
	EDGE_SESSION_MTU,
	EDGE_COUNT
};

static const rte_edge_t edge_of_status[ESP_STATUS_COUNT] = {
	[ESP_OK] = EDGE_ESP_OUTPUT,
	[ESP_SHORT] = EDGE_SESSION_MTU,
	[ESP_TOO_LONG] = EDGE_SESSION_MTU,
	[ESP_NO_ROOM] = EDGE_SESSION_MTU,
	[ESP_SEQUENCE_EXHAUSTED] = EDGE_ESP_SEQUENCE_END,
	[ESP_BYTE_LIMIT] = EDGE_ESP_EXPIRED,
	[ESP_PACKET_LIMIT] = EDGE_ESP_EXPIRED,
};

/* A packet of a port with the usual MTU has room for padding and ICV behind it. */
static_assert(
	RTE_MBUF_DEFAULT_DATAROOM >= 1500 + 14 + ESP_TRAILER_MAX, "our trailer fits the buffer");

static inline rte_edge_t
sent(struct worker *w, const struct esp_job *job)
{
	struct rte_mbuf *m = job->user;
	struct pkt_meta *meta = pkt_meta(m);
	struct sa *sa = meta->sa;

	sa->cfg.counters->out_packets++;
	sa->cfg.counters->out_bytes += job->len - job->sa->header_len - job->sa->icv_len;
	esp_check_life(w, sa, job->sa, meta->handle, SA_EXPIRE_SOFT_OUT);
	m->data_len = m->pkt_len = (uint16_t)job->len;
	return EDGE_ESP_OUTPUT;
}

static rte_edge_t
refuse(struct worker *w, const struct esp_job *job)
{
	const struct pkt_meta *meta = pkt_meta((struct rte_mbuf *)job->user);
	rte_edge_t edge = edge_of_status[job->status];

	meta->sa->cfg.counters->out_dropped++;
	if (edge != EDGE_SESSION_MTU)
		esp_tell_expiry(w, meta->sa, meta->handle, SA_EXPIRE_HARD_OUT);
	return edge;
}

static void
esp_encrypt_chunk(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct esp_job jobs[NODE_CHUNK];
	rte_edge_t next[NODE_CHUNK];
	void *out[NODE_CHUNK];
	uint16_t k = 0, none = n;

	/* Pairs without an outbound SA go to the end of out[]. */
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];
		struct sa *sa = pkt_meta(m)->sa;
		struct esp_sa *e = sa_outbound(sa);
		if (unlikely(e == NULL)) {
			sa->cfg.counters->out_dropped++;
			out[--none] = m;
			next[none] = EDGE_ESP_NO_SA;
			continue;
		}
		struct esp_job *job = &jobs[k++];
		job->sa = e;
		job->data = (uint8_t *)rte_pktmbuf_prepend(m, e->header_len);
		job->len = m->data_len;
		job->room = rte_pktmbuf_tailroom(m);
		job->next_header = IPPROTO_UDP;
		job->user = m;
	}
	unsigned int good = k > 0 ? esp_encapsulate_burst(w->esp, jobs, k) : 0;
	for (uint16_t i = 0; i < k; i++) {
		out[i] = jobs[i].user;
		next[i] = likely(i < good) ? sent(w, &jobs[i]) : refuse(w, &jobs[i]);
	}
	node_enqueue_runs(graph, node, out, next, n);
}

static uint16_t
esp_encrypt_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	for (uint16_t at = 0; at < n; at += NODE_CHUNK)
		esp_encrypt_chunk(graph, node, objs + at, RTE_MIN(n - at, NODE_CHUNK));
	return n;
}

NODE_REGISTER_INTERMEDIATE(esp_encrypt, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_ESP_OUTPUT] = "esp_output",
		[EDGE_ESP_NO_SA] = "drop_esp_no_sa",
		[EDGE_ESP_SEQUENCE_END] = "drop_esp_sequence_end",
		[EDGE_ESP_EXPIRED] = "drop_esp_expired",
		[EDGE_SESSION_MTU] = "drop_session_mtu",
	});
