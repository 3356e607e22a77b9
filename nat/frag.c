/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat/frag.h"

#include <rte_ip.h>
#include <rte_ip_frag.h>

unsigned int
frag_ipv4(struct rte_mbuf *m, uint16_t mtu, struct rte_mempool *pool, struct rte_mbuf **out)
{
	if (mtu < 68) /* RFC 791: every link carries 68 octets */
		return 0;
	int n = rte_ipv4_fragment_copy_nonseg_packet(m, out, FRAG_MAX, mtu, pool);
	if (n <= 0)
		return 0;
	for (int i = 0; i < n; i++) {
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(out[i], struct rte_ipv4_hdr *);
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
	}
	rte_pktmbuf_free(m);
	return n;
}
