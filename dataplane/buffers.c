/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/buffers.h"

#include <stdio.h>

#include "dataplane/port_xdp.h"

#define BURSTS 256 /* on their way through one worker's graph */

uint64_t
buffers_needed(const struct config *c, unsigned int workers)
{
	/* A cache is flushed at one and a half times its size. */
	uint64_t n = (uint64_t)(workers + 1) * MEMPOOL_CACHE * 3 / 2 + (uint64_t)workers * BURSTS;
	for (unsigned int i = 0; i < c->n_ports; i++) {
		const struct config_port *p = &c->ports[i];
		/* A NIC has a transmit queue for each worker, a device of software one for each
		 * receive queue. */
		unsigned int tx = p->pci || workers < p->queues ? workers : p->queues;
		bool xdp = xdp_is(p->device);
		n += (uint64_t)p->queues * (xdp ? XDP_RX_BUFFERS : PORT_DESCRIPTORS) +
		     (uint64_t)tx * (xdp ? XDP_TX_BUFFERS : PORT_DESCRIPTORS);
	}
	return n;
}

bool
buffers_suffice(const struct config *c, unsigned int workers, char *err, size_t err_len)
{
	uint64_t needed = buffers_needed(c, workers);
	unsigned int queues = 0;
	if (c->mbufs >= needed)
		return true;
	for (unsigned int i = 0; i < c->n_ports; i++)
		queues += c->ports[i].queues;
	snprintf(err, err_len,
		"mempool.mbufs = %u is too small: %u receive queues of %u ports and %u workers "
		"need "
		"%llu packet buffers",
		c->mbufs, queues, c->n_ports, workers, (unsigned long long)needed);
	return false;
}
