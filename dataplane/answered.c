/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/answered.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include <rte_ether.h>
#include <rte_udp.h>

#include "dataplane/api/sa.h"
#include "dataplane/api/session.h"

#define BEGUN       65536 /* a minute's at a thousand a second */
#define ROWS        16384
#define WAYS        4
#define IKE_HDR_LEN 28 /* RFC 2408 section 3.1 */

static _Atomic uint64_t begun[BEGUN];
static _Atomic uint64_t established[ROWS][WAYS]; /* connections: {address, port} */
static _Atomic uint64_t n_established;           /* ever */
static uint8_t turn[ROWS];                       /* the one to go.  Main lcore */
static uint64_t secret[2];

int
answered_init(void)
{
	for (unsigned int i = 0; i < BEGUN; i++)
		atomic_store_explicit(&begun[i], 0, memory_order_relaxed);
	for (unsigned int i = 0; i < ROWS * WAYS; i++)
		atomic_store_explicit(&established[i / WAYS][i % WAYS], 0, memory_order_relaxed);
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return -EIO;
	secret[0] |= 1;
	secret[1] |= 1;
	return 0;
}

/* Never 0. */
static uint64_t
mix(uint64_t a, uint64_t b)
{
	uint64_t x = (a ^ a >> 31) * secret[0];

	x = ((x ^ x >> 32) + b) * secret[1];
	x = (x ^ x >> 29) * secret[0];
	return (x ^ x >> 32) | 1;
}

static void
note_begun(uint64_t what)
{
	atomic_store_explicit(&begun[what >> 48], what, memory_order_relaxed);
}

static bool
is_begun(uint64_t what)
{
	return atomic_load_explicit(&begun[what >> 48], memory_order_relaxed) == what;
}

static bool
is_established(uint64_t what)
{
	for (unsigned int i = 0; i < WAYS; i++)
		if (atomic_load_explicit(&established[what >> 50][i], memory_order_relaxed) == what)
			return true;
	return false;
}

static void
note_established(uint64_t what)
{
	uint32_t row = what >> 50;

	if (is_established(what))
		return;
	atomic_store_explicit(&established[row][turn[row]++ % WAYS], what, memory_order_relaxed);
	atomic_fetch_add_explicit(&n_established, 1, memory_order_relaxed);
}

static uint64_t
ike_key(rte_be32_t peer, const uint8_t *cookies)
{
	uint64_t c[2];

	memcpy(c, cookies, sizeof(c));
	return mix(mix(peer, c[0]), c[1]);
}

static uint64_t
connection_key(rte_be32_t peer, rte_be16_t port)
{
	return mix((uint64_t)peer << 16 | port, 1);
}

static uint64_t
syn_key(rte_be32_t peer, rte_be16_t port, uint32_t ack)
{
	return mix((uint64_t)peer << 16 | port, (uint64_t)ack << 8 | 2);
}

/* charon as the responder says its cookie; as the initiator it has none to note before the peer
 * has answered. */
static void
note_udp(const struct rte_ipv4_hdr *ip, const struct rte_udp_hdr *udp, uint32_t len)
{
	const uint8_t *ike = (const uint8_t *)(udp + 1);
	uint64_t responder;

	if (udp->src_port == RTE_BE16(NAT_T_PORT)) {
		ike += 4; /* the non-ESP marker */
		len -= RTE_MIN(len, 4u);
	} else if (udp->src_port != RTE_BE16(IKE_PORT)) {
		return;
	}
	if (len < sizeof(*udp) + IKE_HDR_LEN)
		return;
	memcpy(&responder, ike + 8, sizeof(responder));
	if (responder != 0)
		note_begun(ike_key(ip->dst_addr, ike));
}

static void
note_tcp(const struct rte_ipv4_hdr *ip, const struct rte_tcp_hdr *tcp, uint32_t len)
{
	if (len < sizeof(*tcp) || tcp->src_port != RTE_BE16(PPTP_PORT) ||
		tcp->tcp_flags & RTE_TCP_RST_FLAG)
		return;
	if (tcp->tcp_flags & RTE_TCP_SYN_FLAG)
		note_begun(
			syn_key(ip->dst_addr, tcp->dst_port, rte_be_to_cpu_32(tcp->sent_seq) + 1));
	else
		note_established(connection_key(ip->dst_addr, tcp->dst_port));
}

void
answered_note(const uint8_t *frame, uint32_t len)
{
	const struct rte_ether_hdr *eth = (const struct rte_ether_hdr *)frame;
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);

	if (len < sizeof(*eth) + sizeof(*ip) || eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
		ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return;
	uint32_t hlen = rte_ipv4_hdr_len(ip);
	len -= sizeof(*eth);
	if (hlen < sizeof(*ip) || len < hlen + sizeof(struct rte_udp_hdr))
		return;
	const uint8_t *l4 = (const uint8_t *)ip + hlen;
	if (ip->next_proto_id == IPPROTO_UDP)
		note_udp(ip, (const struct rte_udp_hdr *)l4, len - hlen);
	else if (ip->next_proto_id == IPPROTO_TCP)
		note_tcp(ip, (const struct rte_tcp_hdr *)l4, len - hlen);
}

bool
answered_ike(rte_be32_t peer, const uint8_t *cookies)
{
	return is_begun(ike_key(peer, cookies));
}

uint64_t
answered_established(void)
{
	return atomic_load_explicit(&n_established, memory_order_relaxed);
}

bool
answered_connection(rte_be32_t peer, rte_be16_t port)
{
	return is_established(connection_key(peer, port));
}

bool
answered_tcp(rte_be32_t peer, const struct rte_tcp_hdr *tcp)
{
	if (tcp->tcp_flags & RTE_TCP_SYN_FLAG)
		return false;
	if (is_established(connection_key(peer, tcp->src_port)))
		return true;
	return tcp->tcp_flags & RTE_TCP_ACK_FLAG &&
	       is_begun(syn_key(peer, tcp->src_port, rte_be_to_cpu_32(tcp->recv_ack)));
}
