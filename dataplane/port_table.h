/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: DPDK devices with their role and their TAP twin in the kernel, as workers know them. */
#ifndef ADIT_DATAPLANE_PORT_TABLE_H
#define ADIT_DATAPLANE_PORT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_ether.h>

#include "dataplane/api/port.h"
#include "dataplane/fib.h"

/* Read by workers; written by the main lcore before they start. */
struct port {
	char name[16];   /* also the TAP twin's */
	uint16_t ethdev; /* DPDK port id */
	uint8_t role;    /* enum port_role */
	uint8_t index;   /* in ports[] */
	uint16_t mtu;
	uint16_t n_queues;         /* rx */
	struct rte_ether_addr mac; /* shared with the TAP twin */
	int tap_fd;                /* main lcore */
	int ifindex;               /* of the TAP twin */
	bool soft; /* frames come from an ordinary interface of the kernel's: node soft_input */
	uint64_t tx_offloads, rx_offloads;
};

/* Frames that a worker takes at a time from one queue of such a port: each may become 45. */
#define PORT_SOFT_BURST 32

extern struct port ports[SEGMENT_MAX_PORTS];
extern unsigned int n_ports;

/* Is this address carried by a WAN port's TAP twin?  Any lcore. */
static inline bool
is_wan_address(rte_be32_t ip_be)
{
	uint32_t v = fib_lookup(ip_be);
	return FIB_TYPE(v) == FIB_LOCAL && FIB_INDEX(v) < n_ports &&
	       ports[FIB_INDEX(v)].role == PORT_WAN;
}

#endif
