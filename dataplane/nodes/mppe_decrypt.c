/* SPDX-License-Identifier: BSD-3-Clause */
/* mppe_decrypt, on the owner.  In: MPPE packets at their MPPE header.  Out: clear PPP payloads with
 * meta->ppp_proto. */
#include "dataplane/api/event.h"
#include "dataplane/api/session.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/nodes/mppe.h"
#include "dataplane/nodes/ppp.h"
#include "dataplane/nodes/sequence.h"

enum {
	EDGE_PPP_INPUT,
	EDGE_MPPE_NOT_NEGOTIATED,
	EDGE_MPPE_MALFORMED,
	EDGE_MPPE_LATE,
	EDGE_MPPE_REKEY_BOUND,
	EDGE_MPPE_LOST_SYNC,
	EDGE_MPPE_BAD_PLAINTEXT,
	EDGE_COUNT
};

static const rte_edge_t edge_of_status[MPPE_STATUS_COUNT] = {
	[MPPE_OK] = EDGE_PPP_INPUT,
	[MPPE_SHORT] = EDGE_MPPE_MALFORMED,
	[MPPE_NOT_ENCRYPTED] = EDGE_MPPE_MALFORMED,
	[MPPE_LATE] = EDGE_MPPE_LATE,
	[MPPE_REKEY_BOUND] = EDGE_MPPE_REKEY_BOUND,
	[MPPE_LOST_SYNC] = EDGE_MPPE_LOST_SYNC,
	[MPPE_AWAIT_RESET] = EDGE_MPPE_LOST_SYNC,
};

#define LOST_SYNC_MS 100

/* A Reset-Request is due, and again while its answer doesn't come: ten times a second at most. */
static void
tell_lost_sync(struct worker *w, struct session *s)
{
	uint32_t now_ms = (uint32_t)(w->now_us / 1000) + 1;

	if (s->up.lost_sync_ms != 0 && now_ms - s->up.lost_sync_ms < LOST_SYNC_MS)
		return;
	if (worker_event_send(w, session_handle_of(s), EVENT_LOST_SYNC))
		s->up.lost_sync_ms = now_ms;
}

/*
 * RFC 3078 section 3: only protocols 0x0021 to 0x00fa are encrypted.  Anything else, LCP included,
 * is a packet that was decrypted with a wrong key, or an attempt to pass control frames off.
 */
static inline rte_edge_t
take_plaintext(struct session *s, struct rte_mbuf *m)
{
	struct pkt_meta *meta = pkt_meta(m);

	rte_pktmbuf_adj(m, MPPE_HDR_LEN);
	if (unlikely(ppp_take_protocol(m, &meta->ppp_proto) != PPP_PARSED ||
		     meta->ppp_proto < 0x0021 || meta->ppp_proto > 0x00fa))
		return session_up_drop(s, EDGE_MPPE_BAD_PLAINTEXT);
	meta->flags |= PKT_DECRYPTED;
	return EDGE_PPP_INPUT;
}

/* T27: the first that is believed of a packet's header, now that its plaintext is the peer's. */
static inline void
take_proof(struct worker *w, struct session *s, const struct pkt_meta *meta)
{
	if (meta->flags & PKT_NUMBERED) {
		const struct sequence n = sequence_of(s, meta->seq);
		sequence_proven(s, &n);
		if (likely(s->cfg.protocol == TUNNEL_PPTP))
			ack_owe(w, s);
	}
	session_heard(w, s, meta->handle);
}

static rte_edge_t
refuse(struct worker *w, struct session *s, uint32_t status)
{
	if (status == MPPE_LOST_SYNC)
		s->cfg.counters->mppe_rx_resets++;
	if (status == MPPE_LOST_SYNC || status == MPPE_AWAIT_RESET)
		tell_lost_sync(w, s);
	return session_up_drop(s, edge_of_status[status]);
}

static uint16_t
mppe_decrypt_chunk(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct mppe_job jobs[NODE_CHUNK];
	void *out[NODE_CHUNK];
	rte_edge_t next[NODE_CHUNK];
	uint16_t k = 0, clear = n;

	for (uint16_t i = 0; i < n; i++)
		mppe_request_rx(pkt_meta((struct rte_mbuf *)objs[i])->session);
	/* Sessions without MPPE go to the end of out[]. */
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];
		struct session *s = pkt_meta(m)->session;
		if (unlikely(s->cfg.mppe_rx == 0)) {
			out[--clear] = m;
			next[clear] = session_up_drop(s, EDGE_MPPE_NOT_NEGOTIATED);
			continue;
		}
		jobs[k++] = (struct mppe_job){.rx = &s->mppe_rx,
			.data = rte_pktmbuf_mtod(m, uint8_t *),
			.len = m->data_len,
			.user = m};
	}
	mppe_tick((uint32_t)(w->now_us / 1000));
	unsigned int good = k > 0 ? mppe_decrypt_burst(jobs, k, settings.max_rekeys) : 0;
	for (uint16_t i = 0; i < k; i++) {
		struct rte_mbuf *m = jobs[i].user;
		struct session *s = pkt_meta(m)->session;
		out[i] = m;
		if (likely(jobs[i].proven))
			take_proof(w, s, pkt_meta(m));
		next[i] = i < good ? take_plaintext(s, m) : refuse(w, s, jobs[i].status);
	}
	node_enqueue_runs(graph, node, out, next, n);
	return n;
}

static uint16_t
mppe_decrypt_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	for (uint16_t at = 0; at < n; at += NODE_CHUNK)
		mppe_decrypt_chunk(graph, node, objs + at, RTE_MIN(n - at, NODE_CHUNK));
	return n;
}

NODE_REGISTER_INTERMEDIATE(mppe_decrypt, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_PPP_INPUT] = "ppp_input",
		[EDGE_MPPE_NOT_NEGOTIATED] = "drop_mppe_not_negotiated",
		[EDGE_MPPE_MALFORMED] = "drop_mppe_malformed",
		[EDGE_MPPE_LATE] = "drop_mppe_late",
		[EDGE_MPPE_REKEY_BOUND] = "drop_mppe_rekey_bound",
		[EDGE_MPPE_LOST_SYNC] = "drop_mppe_lost_sync",
		[EDGE_MPPE_BAD_PLAINTEXT] = "drop_mppe_bad_plaintext",
	});
