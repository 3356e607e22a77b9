/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports as control sees them in the segment's header. */
#ifndef ADIT_DATAPLANE_API_PORT_H
#define ADIT_DATAPLANE_API_PORT_H

#include <stdint.h>

#define SEGMENT_MAX_PORTS 8

enum port_role { PORT_WAN, PORT_LAN };

/* Written by the data plane's main lcore: name and role before control is let in, the rest about
 * once a second.  Packets and octets are those of Ethernet frames, since the port was started. */
struct segment_port {
	char name[16]; /* NUL-terminated; also its TAP twin's in the kernel */
	uint8_t role;  /* enum port_role */
	uint8_t link_up;
	uint8_t reserved[6];
	uint64_t rx_packets, rx_bytes, rx_missed, rx_errors, tx_packets, tx_bytes, tx_errors;
};

#endif
