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
	rte_prefetch0(&meta->sa->cfg);
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
	rte_prefetch0(sa->cfg.in);
	rte_prefetch0(&sa->run);
	if (likely(sa->cfg.owner == w->index))
		return EDGE_ESP_DECRYPT;
	meta->stage = STAGE_ESP;
	meta->owner = sa->cfg.owner;
	return EDGE_HANDOFF;
}

static uint16_t
esp_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_each_found(graph, node, objs, n, esp_input_lookup, esp_input_one);
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
