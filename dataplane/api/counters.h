/* SPDX-License-Identifier: BSD-3-Clause */
/* What the data plane counts, in the shared segment.  Written by the data plane only; control reads
 * without asking. */
#ifndef ADIT_DATAPLANE_API_COUNTERS_H
#define ADIT_DATAPLANE_API_COUNTERS_H

#include <assert.h>
#include <stdint.h>

#define SEGMENT_MAX_WORKERS 32
#define SEGMENT_MAX_NODES   192 /* of one worker's graph */

/*
 * Every reason for which a packet is dropped.  Each one is a graph node "drop_<name>" and so an
 * edge of the node that drops. X(name, "what happened").  Order is layout: append only.
 */
#define DROP_REASONS(X)                                                                         \
	X(eth_not_ours, "Ethernet frame for another station")                                   \
	X(eth_malformed, "frame too short for Ethernet and IPv4")                               \
	X(edge_filter, "nothing that control lets in at the edge (R12)")                        \
	X(edge_ipv6, "IPv6: not carried")                                                       \
	X(ip_malformed, "IPv4 version, header length or total length wrong")                    \
	X(ip_checksum, "IPv4 header checksum wrong")                                            \
	X(ip_fragment, "outer fragment of no tunnel, or too large when whole")                  \
	X(ip_options, "IPv4 options in an outer packet")                                        \
	X(ip_ttl, "time to live exceeded")                                                      \
	X(ip_no_route, "no route to the destination")                                           \
	X(ip_martian, "source or destination address can't be forwarded")                       \
	X(ip_neighbour, "the next hop's hardware address is not known")                         \
	X(gre_malformed, "enhanced GRE header wrong or truncated (RFC 2637 section 4.1)")       \
	X(gre_unknown_call, "no session with this call ID")                                     \
	X(gre_wrong_peer, "the call belongs to another address (T5)")                           \
	X(gre_ack_only, "acknowledgement without payload (consumed, not an error)")             \
	X(gre_duplicate, "GRE sequence number seen before")                                     \
	X(gre_late, "GRE sequence number too old")                                              \
	X(gre_window, "GRE sequence number implausibly far ahead (T5)")                         \
	X(ppp_malformed, "PPP frame truncated")                                                 \
	X(ppp_protocol, "PPP protocol number not valid")                                        \
	X(mppe_plaintext, "clear-text data where encryption is required (T3)")                  \
	X(mppe_not_negotiated, "MPPE frame on a session without MPPE")                          \
	X(mppe_malformed, "MPPE header truncated or the encrypted bit clear")                   \
	X(mppe_late, "coherency count behind")                                                  \
	X(mppe_rekey_bound, "coherency count too far ahead (T4)")                               \
	X(mppe_lost_sync, "stateful MPPE lost synchronisation")                                 \
	X(mppe_bad_plaintext, "no PPP data protocol after decryption")                          \
	X(session_closed, "data before the link is up, or after its end")                       \
	X(session_source, "inner source address is not the session's (T18)")                    \
	X(session_mtu, "larger than the link's MTU, must not be fragmented")                    \
	X(frag_failed, "fragmentation failed: no buffers")                                      \
	X(punt_full, "no room towards control: back-pressure")                                  \
	X(tap_full, "no room towards the kernel")                                               \
	X(handoff_full, "no room in another worker's ring")                                     \
	X(tx_full, "the port did not take the packet")                                          \
	X(icmp_rate, "ICMP error not sent: rate limit")                                         \
	X(no_buffer, "packet buffer pool empty")                                                \
	X(punt_rate, "more control frames than one session may send (D8)")                      \
	X(fragment_crowded, "outer fragments which had to make room for newer fragments (T17)") \
	X(esp_keepalive, "NAT keepalive (consumed, not an error)")                              \
	X(esp_malformed, "too short for ESP, or longer than a packet can be")                   \
	X(esp_icv_length, "not whole blocks: the peer's ICV has another length than ours (D3)") \
	X(esp_unknown_spi, "no pair of SAs with this SPI")                                      \
	X(esp_wrong_peer, "the SPI belongs to other addresses, or to the other encapsulation")  \
	X(esp_auth_failed, "ESP integrity check failed")                                        \
	X(esp_replayed, "ESP sequence number seen before")                                      \
	X(esp_late, "ESP sequence number left of the replay window")                            \
	X(esp_padding, "ESP padding wrong after decryption")                                    \
	X(esp_not_l2tp, "ESP carries something else than L2TP over UDP")                        \
	X(esp_dummy, "ESP dummy packet (RFC 4303 section 2.6; consumed, not an error)")         \
	X(esp_expired, "the SA's hard lifetime has passed")                                     \
	X(esp_sequence_end, "the outbound SA has no sequence number left (T14)")                \
	X(esp_no_sa, "no SA to send through: gone, or not there yet")                           \
	X(l2tp_clear, "L2TP in clear: see aditctl explain ipsec-required (T20)")                \
	X(l2tp_malformed, "UDP or L2TP header wrong or truncated (RFC 2661 section 3.1)")       \
	X(l2tp_unknown_session, "no session with these L2TP tunnel and session IDs")            \
	X(l2tp_wrong_peer, "the L2TP session belongs to another peer (D1)")                     \
	X(l2tp_no_sequence, "L2TP data without the sequence number that was asked for")         \
	X(l2tp_duplicate, "L2TP sequence number seen before")                                   \
	X(l2tp_late, "L2TP sequence number too old")                                            \
	X(l2tp_window, "L2TP sequence number implausibly far ahead")                            \
	X(l2tp_punt_rate, "more L2TP control messages than one peer may send (T13)")            \
	X(fragment_malformed, "outer fragment whose length or offset can't be, or too small")   \
	X(fragment_overlap, "outer fragments that overlap, or one of them twice (T17)")         \
	X(fragment_timeout, "outer fragments whose others did not come in time (T17)")          \
	X(ike_rate, "more IKE than one address may send (T13)")                                 \
	X(ike_flood, "more IKE than all strangers together may send (T13)")                     \
	X(pmtu_taken, "ICMP about a tunnel's path MTU (consumed, not an error)")                \
	X(pmtu_unknown, "ICMP about a tunnel's packet that we can't have sent")                 \
	X(pmtu_rate, "more ICMP about tunnels' path MTU than is looked into")                   \
	X(eth_vlan, "frame with a VLAN tag: ports carry none")                                  \
	X(ip_source_route, "source route in a packet to forward (RFC 7126 section 4.3, 4.4)")   \
	X(lan_source, "from the LAN with the gateway's or a client's address as source (T25)")  \
	X(inside_service, "from inside a tunnel to the gateway, not in inside.services (T25)")  \
	X(inside_rate, "from inside a tunnel to the gateway, more than is allowed (T25)")       \
	X(tcp_rate, "more TCP to port 1723 than one stranger may send (T13)")                   \
	X(tcp_flood, "more TCP to port 1723 than all strangers together may send (T13)")        \
	X(eth_oversized, "larger than the port's MTU, and not to be split: see Ports")          \
	X(answer_rate, "more answers to the gateway's kernel than one host, or all, may send")  \
	X(icmp_quote, "ICMP error that quotes nothing which the gateway has sent")

enum drop_reason {
#define X(name, text) DROP_##name,
	DROP_REASONS(X)
#undef X
		DROP_COUNT
};

/* One session, two cache lines, written by its owner only.  Packets and octets of inner IPv4
 * packets. */
struct session_counters {
	_Alignas(64) uint64_t up_packets; /* client to gateway, delivered */
	uint64_t up_bytes;
	uint64_t up_drops;
	uint64_t
		up_last_seen_us; /* data plane's monotonic clock, set when anything valid arrives */
	uint64_t gre_lost;       /* gaps in the peer's sequence numbers, GRE's or L2TP's */
	uint64_t mppe_rx_resets; /* times synchronisation was lost */
	uint64_t up_ppp_packets; /* every PPP frame received, control included */
	uint64_t handoffs;       /* packets that came to another worker first */
	_Alignas(64) uint64_t down_packets;
	uint64_t down_bytes;
	uint64_t down_drops;
	uint64_t mppe_tx_resets;
	uint64_t down_ppp_packets; /* every PPP frame sent, control included */
	uint64_t reserved[3];
};
static_assert(sizeof(struct session_counters) == 128, "two cache lines");

#define NODE_NAME_LEN 32

/* One graph node on one worker: rte_graph's own statistics, copied by the main lcore about once a
 * second. */
struct node_counters {
	char name[NODE_NAME_LEN];
	uint64_t calls, objs, cycles;
	uint64_t reserved;
};

/* One worker. */
struct worker_counters {
	_Alignas(64) uint64_t drops[DROP_COUNT]; /* written by the worker */
	_Alignas(64) uint64_t iterations, idle_iterations, sleeps;
	uint64_t punted, punt_lost;
	uint64_t lcore;
	/* What neighbours of software ports leave to their interfaces (node soft_input) */
	uint64_t checksums_finished, frames_split;
};

#endif
