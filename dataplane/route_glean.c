/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that wait for their next hop's hardware address. */
#include <rte_cycles.h>
#include <rte_ip.h>

#include "dataplane/clock.h"
#include "dataplane/neigh.h"
#include "dataplane/route.h"
#include "dataplane/segment.h"
#include "dataplane/worker.h"

/* Who wants to know: a client's source is its own (T18), a LAN host's may be anybody's. */
static struct neigh_asker
asker_of(struct rte_mbuf *m, rte_be32_t source)
{
	if (pkt_meta(m)->flags & PKT_INSIDE)
		return (struct neigh_asker){NEIGH_CLIENTS, source};
	if (pkt_meta(m)->flags & PKT_LOCAL || FIB_TYPE(fib_lookup(source)) == FIB_LOCAL)
		return (struct neigh_asker){NEIGH_OURS, 0};
	return (struct neigh_asker){NEIGH_OTHERS, source};
}

void
route_glean(struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	if (rte_pktmbuf_data_len(m) < sizeof(*ip)) {
		main_drop(m, DROP_ip_malformed);
		return;
	}
	/* Looked up again: the tables may have moved on since the worker did. */
	uint32_t v = fib_lookup(ip->dst_addr), index = FIB_INDEX(v);
	if (FIB_TYPE(v) != FIB_NEXTHOP) {
		main_drop(m, DROP_ip_no_route);
		return;
	}
	if (NEIGH_IS_LINK(index))
		index = neigh_get((uint8_t)(index - 1), rte_be_to_cpu_32(ip->dst_addr));
	neigh_send(index, m, asker_of(m, ip->src_addr), clock_us(rte_rdtsc()));
}
