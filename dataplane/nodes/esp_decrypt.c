/* SPDX-License-Identifier: BSD-3-Clause */
/* esp_decrypt, on the owner.  In: IPv4 packets with ESP of meta->sa.  Out: authentic ones with the
 * L2TP datagram that they protected, meta->pair and meta->peer. */
#include "dataplane/api/event.h"
#include "dataplane/api/session.h"
#include "dataplane/nodes/esp.h"

enum {
	EDGE_ESP_MALFORMED = SA_EXIT_COUNT, /* before it: by pair */
	EDGE_ESP_ICV_LENGTH,
	EDGE_ESP_UNKNOWN_SPI,
	EDGE_ESP_LATE,
	EDGE_ESP_REPLAYED,
	EDGE_ESP_AUTH_FAILED,
	EDGE_ESP_PADDING,
	EDGE_ESP_EXPIRED,
	EDGE_ESP_NOT_L2TP,
	EDGE_ESP_DUMMY,
	EDGE_COUNT
};

static const rte_edge_t edge_of_status[ESP_STATUS_COUNT] = {
	[ESP_SHORT] = EDGE_ESP_MALFORMED,
	[ESP_TOO_LONG] = EDGE_ESP_MALFORMED,
	[ESP_UNALIGNED] = EDGE_ESP_ICV_LENGTH,
	[ESP_WRONG_SPI] = EDGE_ESP_UNKNOWN_SPI,
	[ESP_SEQUENCE_ZERO] = EDGE_ESP_REPLAYED,
	[ESP_REPLAY_OLD] = EDGE_ESP_LATE,
	[ESP_REPLAYED] = EDGE_ESP_REPLAYED,
	[ESP_BAD_ICV] = EDGE_ESP_AUTH_FAILED,
	[ESP_BAD_PADDING] = EDGE_ESP_PADDING,
	[ESP_BYTE_LIMIT] = EDGE_ESP_EXPIRED,
	[ESP_PACKET_LIMIT] = EDGE_ESP_EXPIRED,
};

#define MAPPING_INTERVAL_US 1000000 /* between two EVENT_SA_MAPPING of one pair */
#define NO_NEXT_HEADER      59      /* RFC 4303 section 2.6 */

static inline uint32_t
esp_offset(const struct rte_ipv4_hdr *ip)
{
	return sizeof(*ip) + (ip->next_proto_id == IPPROTO_UDP ? sizeof(struct rte_udp_hdr) : 0);
}

/* RFC 3948 section 4: an authentic packet from elsewhere says that the NAT's mapping has changed.
 * Control decides; our packets go on to the old place until then. */
static void
tell_mapping(struct worker *w, struct sa *sa, uint32_t handle, const struct rte_ipv4_hdr *ip)
{
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);

	if (sa->run.mapping_told_us != 0 &&
		w->now_us - sa->run.mapping_told_us < MAPPING_INTERVAL_US)
		return;
	const struct worker_event e = {.handle = handle,
		.type = EVENT_SA_MAPPING,
		.mapping = {.server_ip = rte_be_to_cpu_32(ip->dst_addr),
			.peer_ip = rte_be_to_cpu_32(ip->src_addr),
			.server_port = rte_be_to_cpu_16(udp->dst_port),
			.peer_port = rte_be_to_cpu_16(udp->src_port)}};
	if (worker_event_post(w, &e))
		sa->run.mapping_told_us = w->now_us;
}

static inline void
check_mapping(struct worker *w, const struct rte_ipv4_hdr *ip, struct pkt_meta *meta)
{
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);
	struct sa *sa = meta->sa;

	if (likely(ip->next_proto_id != IPPROTO_UDP ||
		    (ip->src_addr == atomic_load_explicit(
					     &sa->cfg.peer_ip_be, memory_order_relaxed) &&
			    udp->src_port == sa->cfg.peer_port_be)))
		return;
	meta->flags |= PKT_ELSEWHERE;
	meta->port_be = udp->src_port;
	tell_mapping(w, sa, meta->handle, ip);
}

/* What was protected must be L2TP to us: the policy that IKE negotiated (RFC 3193 section 3), which
 * nobody but we enforce (RFC 4301 section 5.2). */
static inline rte_edge_t
check_payload(const struct sa *sa, const struct esp_job *job)
{
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)job->data;

	if (unlikely(job->next_header != IPPROTO_UDP || job->len < sizeof(*udp) ||
		     udp->dst_port != RTE_BE16(L2TP_PORT)))
		return job->next_header == NO_NEXT_HEADER ? EDGE_ESP_DUMMY : EDGE_ESP_NOT_L2TP;
	return sa->cfg.exit;
}

/* The outer IPv4 header moves to the datagram: transport mode has no other. */
static inline void
join_header(struct rte_mbuf *m, const struct esp_job *job)
{
	struct rte_ipv4_hdr ip = *rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t len = (uint16_t)(sizeof(ip) + job->len);

	ip.next_proto_id = IPPROTO_UDP;
	ip.total_length = rte_cpu_to_be_16(len);
	m->data_off = (uint16_t)(job->data - sizeof(ip) - (uint8_t *)m->buf_addr);
	m->data_len = len;
	m->pkt_len = len;
	memcpy(rte_pktmbuf_mtod(m, void *), &ip, sizeof(ip));
}

/* Octets of the ESP payload with its padding, which is what lifetimes count. */
static inline uint32_t
ciphertext_len(struct rte_mbuf *m, const struct esp_sa *e)
{
	return m->data_len - esp_offset(rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *)) -
	       e->header_len - e->icv_len;
}

static inline rte_edge_t
accept_one(struct worker *w, const struct esp_job *job)
{
	struct rte_mbuf *m = job->user;
	struct pkt_meta *meta = pkt_meta(m);
	struct sa *sa = meta->sa;
	struct sa_counters *c = sa->cfg.counters;

	c->in_packets++;
	c->in_bytes += ciphertext_len(m, job->sa);
	c->in_last_seen_us = w->now_us;
	check_mapping(w, rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *), meta);
	esp_check_life(w, sa, job->sa, meta->handle, SA_EXPIRE_SOFT_IN);
	rte_edge_t edge = check_payload(sa, job);
	if (unlikely(edge >= SA_EXIT_COUNT)) {
		c->in_dropped++;
		return edge;
	}
	join_header(m, job);
	meta->pair = meta->handle;
	meta->peer = sa->cfg.peer;
	return edge;
}

static rte_edge_t
refuse(struct worker *w, const struct esp_job *job)
{
	const struct pkt_meta *meta = pkt_meta((struct rte_mbuf *)job->user);
	rte_edge_t edge = edge_of_status[job->status];

	switch (edge) {
	case EDGE_ESP_ICV_LENGTH:
	case EDGE_ESP_AUTH_FAILED:
		meta->sa->cfg.counters->in_auth_failed++;
		break;
	case EDGE_ESP_LATE:
	case EDGE_ESP_REPLAYED:
		meta->sa->cfg.counters->in_replayed++;
		break;
	case EDGE_ESP_EXPIRED:
		esp_tell_expiry(w, meta->sa, meta->handle, SA_EXPIRE_HARD_IN);
		/* fall through */
	default:
		meta->sa->cfg.counters->in_dropped++;
	}
	return edge;
}

static void
esp_decrypt_chunk(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct esp_job jobs[NODE_CHUNK];
	rte_edge_t next[NODE_CHUNK];
	void *out[NODE_CHUNK];

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];
		uint32_t at = esp_offset(rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *));
		const struct sa *sa = pkt_meta(m)->sa;
		jobs[i].sa = sa->cfg.in;
		jobs[i].data = rte_pktmbuf_mtod_offset(m, uint8_t *, at);
		jobs[i].len = m->data_len - at;
		jobs[i].user = m;
	}
	unsigned int good = esp_decapsulate_burst(w->esp, jobs, n);
	for (uint16_t i = 0; i < n; i++) {
		out[i] = jobs[i].user;
		next[i] = likely(i < good) ? accept_one(w, &jobs[i]) : refuse(w, &jobs[i]);
	}
	node_enqueue_runs(graph, node, out, next, n);
}

static uint16_t
esp_decrypt_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	for (uint16_t at = 0; at < n; at += NODE_CHUNK)
		esp_decrypt_chunk(graph, node, objs + at, RTE_MIN(n - at, NODE_CHUNK));
	return n;
}

NODE_REGISTER_INTERMEDIATE(esp_decrypt, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		EXIT_EDGES,
		[EDGE_ESP_MALFORMED] = "drop_esp_malformed",
		[EDGE_ESP_ICV_LENGTH] = "drop_esp_icv_length",
		[EDGE_ESP_UNKNOWN_SPI] = "drop_esp_unknown_spi",
		[EDGE_ESP_LATE] = "drop_esp_late",
		[EDGE_ESP_REPLAYED] = "drop_esp_replayed",
		[EDGE_ESP_AUTH_FAILED] = "drop_esp_auth_failed",
		[EDGE_ESP_PADDING] = "drop_esp_padding",
		[EDGE_ESP_EXPIRED] = "drop_esp_expired",
		[EDGE_ESP_NOT_L2TP] = "drop_esp_not_l2tp",
		[EDGE_ESP_DUMMY] = "drop_esp_dummy",
	});
