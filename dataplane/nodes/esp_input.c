/* SPDX-License-Identifier: BSD-3-Clause */
/* esp_input.  In: IPv4 packets with ESP, native or behind a UDP header.  Out: the same with
 * meta->sa, to its owner's esp_decrypt; those that are too early. */
#include "dataplane/nodes/esp.h"

enum {
	EDGE_ESP_DECRYPT,
	EDGE_HANDOFF,
	EDGE_ESP_EARLY,
	EDGE_ESP_MALFORMED,
	EDGE_ESP_UNKNOWN_SPI,
	EDGE_ESP_WRONG_PEER,
	EDGE_COUNT
};

/* Everything that can be known from the packet; the SPI is the index of its slot. */
static inline rte_edge_t
esp_input_lookup(struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const uint8_t *esp = (const uint8_t *)(ip + 1);
	struct pkt_meta *meta = pkt_meta(m);
	uint32_t len = m->data_len - sizeof(*ip);
	rte_be32_t spi_be;

	if (ip->next_proto_id == IPPROTO_UDP) {
		/* classify has seen that the header is there. */
		const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)esp;
		uint32_t dgram = rte_be_to_cpu_16(udp->dgram_len);
		if (unlikely(dgram < sizeof(*udp) || dgram > len))
			return EDGE_ESP_MALFORMED;
		rte_pktmbuf_trim(m, len - dgram);
		esp += sizeof(*udp);
		len = dgram - sizeof(*udp);
	}
	if (unlikely(len < ESP_HDR_LEN))
		return EDGE_ESP_MALFORMED;
	memcpy(&spi_be, esp, sizeof(spi_be));
	meta->handle = rte_be_to_cpu_32(spi_be);
	meta->sa = sa_slot(meta->handle);
	if (unlikely(meta->sa == NULL))
		return EDGE_ESP_UNKNOWN_SPI;
	return NODE_FOUND;
}

/* Nothing is spent on a packet for another address of ours, in the other
 * encapsulation or, when native, from another host.  In UDP the sender's address is not compared: a
 * NAT's mapping may change, and who it is only the integrity check can tell (RFC 3948 section 4).
 */
static inline rte_edge_t
esp_input_one(struct worker *w, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct pkt_meta *meta = pkt_meta(m);
	const struct sa *sa = meta->sa;
	bool in_udp = ip->next_proto_id == IPPROTO_UDP;

	uint32_t handle = sa_handle_of(sa);

	if (unlikely(handle != meta->handle))
		return handle == 0 && sa_is_early(sa, meta->handle, ip->src_addr)
			       ? EDGE_ESP_EARLY
			       : EDGE_ESP_UNKNOWN_SPI;
	if (unlikely(sa->cfg.server_ip_be != ip->dst_addr || sa_in_udp(sa) != in_udp))
		return EDGE_ESP_WRONG_PEER;
	if (unlikely(!in_udp && atomic_load_explicit(&sa->cfg.peer_ip_be, memory_order_relaxed) !=
					ip->src_addr))
		return EDGE_ESP_WRONG_PEER;
	if (unlikely(sa->cfg.owner != w->index)) {
		meta->stage = STAGE_ESP;
		meta->owner = sa->cfg.owner;
		return EDGE_HANDOFF;
	}
	return EDGE_ESP_DECRYPT;
}

static inline void
request_pairs(void **objs, const rte_edge_t *next, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		if (likely(next[i] == NODE_FOUND))
			rte_prefetch0(pkt_meta((struct rte_mbuf *)objs[i])->sa);
}

/* What esp_decrypt and l2tp_input look at first; the window, which is likely on another page than
 * the first line. */
static inline void
request_keys(void **objs, const rte_edge_t *next, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		if (unlikely(next[i] != EDGE_ESP_DECRYPT))
			continue;
		const struct sa_config *cfg = &pkt_meta((struct rte_mbuf *)objs[i])->sa->cfg;
		rte_prefetch0(cfg->in);
		rte_prefetch0((const uint8_t *)cfg->in + cfg->keys_lines * RTE_CACHE_LINE_SIZE);
		rte_prefetch0(cfg->counters);
		if (likely(cfg->session != 0))
			rte_prefetch0(&sessions.slots[cfg->session - 1].cfg);
	}
}

static uint16_t
esp_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	rte_edge_t next[NODE_CHUNK];

	for (uint16_t at = 0; at < n; at += NODE_CHUNK) {
		uint16_t k = RTE_MIN(n - at, NODE_CHUNK);
		void **o = objs + at;
		for (uint16_t i = 0; i < k; i++)
			next[i] = esp_input_lookup(o[i]);
		request_pairs(o, next, k);
		for (uint16_t i = 0; i < k; i++)
			if (likely(next[i] == NODE_FOUND))
				next[i] = esp_input_one(w, o[i]);
		request_keys(o, next, k);
		node_dispatch(graph, node, o, next, k);
	}
	return n;
}

NODE_REGISTER_INTERMEDIATE(esp_input, .nb_edges = EDGE_COUNT,
	.next_nodes = {
		[EDGE_ESP_DECRYPT] = "esp_decrypt",
		[EDGE_HANDOFF] = "handoff",
		[EDGE_ESP_EARLY] = "esp_early",
		[EDGE_ESP_MALFORMED] = "drop_esp_malformed",
		[EDGE_ESP_UNKNOWN_SPI] = "drop_esp_unknown_spi",
		[EDGE_ESP_WRONG_PEER] = "drop_esp_wrong_peer",
	});
