/* SPDX-License-Identifier: BSD-3-Clause */
/* What the gateway's kernel sends by a WAN port or to a client, and what comes to it, through the
 * graph in memory. */
#ifndef ADIT_TESTS_UNIT_DATAPLANE_KERNEL_H
#define ADIT_TESTS_UNIT_DATAPLANE_KERNEL_H

#include <rte_tcp.h>
#include <rte_udp.h>

#include "client.h"

#define SYN RTE_TCP_SYN_FLAG
#define ACK RTE_TCP_ACK_FLAG
#define RST RTE_TCP_RST_FLAG
#define FIN RTE_TCP_FIN_FLAG

static inline void
put_ports(void *l4, uint16_t from, uint16_t to)
{
	uint8_t *p = l4;
	p[0] = (uint8_t)(from >> 8);
	p[1] = (uint8_t)from;
	p[2] = (uint8_t)(to >> 8);
	p[3] = (uint8_t)to;
}

/* The packet that was made last is one of the kernel's. */
static inline void
kernel_has_sent(void)
{
	struct rte_mbuf *m = pending[--n_pending];
	flow_note_port(0, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, workers[0].now_us);
	answered_note(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
	rte_pktmbuf_free(m);
}

static inline void
kernel_sends_to_client(void)
{
	struct rte_mbuf *m = pending[--n_pending];
	rte_pktmbuf_adj(m, sizeof(struct rte_ether_hdr));
	flow_note_inner(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, workers[0].now_us);
	rte_pktmbuf_free(m);
}

static inline void
make_tcp(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, uint8_t flags)
{
	struct rte_tcp_hdr *tcp =
		(struct rte_tcp_hdr *)(ipv4_on(0, src, dst, IPPROTO_TCP, sizeof(*tcp)) + 1);
	tcp->tcp_flags = flags;
	tcp->data_off = 0x50;
	put_ports(tcp, sport, dport);
}

static inline void
make_udp(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	put_ports(ipv4_on(0, src, dst, IPPROTO_UDP, 16) + 1, sport, dport);
}

static inline void
make_icmp(uint32_t src, uint32_t dst, uint8_t type, uint16_t id)
{
	uint8_t *icmp = (uint8_t *)(ipv4_on(0, src, dst, IPPROTO_ICMP, 16) + 1);
	icmp[0] = type;
	put_ports(icmp + 4, id, 1);
}

static inline void
kernel_tcp(uint16_t sport, uint32_t dst, uint16_t dport, uint8_t flags)
{
	make_tcp(SERVER_IP, sport, dst, dport, flags);
	kernel_has_sent();
}

static inline void
kernel_udp(uint16_t sport, uint32_t dst, uint16_t dport)
{
	make_udp(SERVER_IP, sport, dst, dport);
	kernel_has_sent();
}

static inline void
kernel_ping(uint32_t dst, uint16_t id)
{
	make_icmp(SERVER_IP, dst, 8, id);
	kernel_has_sent();
}

/* Answers that come to the kernel of all that waits for the graph. */
static inline unsigned int
come_in(void)
{
	walk();
	return given(PUNT_ANSWER);
}

static inline unsigned int
tcp_comes_in(uint32_t src, uint16_t sport, uint16_t dport, uint8_t flags)
{
	make_tcp(src, sport, SERVER_IP, dport, flags);
	return come_in();
}

static inline unsigned int
udp_comes_in(uint32_t src, uint16_t sport, uint16_t dport)
{
	make_udp(src, sport, SERVER_IP, dport);
	return come_in();
}

static inline unsigned int
icmp_comes_in(uint32_t src, uint8_t type, uint16_t id)
{
	make_icmp(src, SERVER_IP, type, id);
	return come_in();
}

static inline void
seconds_pass(uint32_t s)
{
	workers[0].now_us += s * 1000000ull;
}

#endif
