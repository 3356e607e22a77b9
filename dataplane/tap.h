/* SPDX-License-Identifier: BSD-3-Clause */
/* TAP twins of the ports and the inner TUN device: the way to and from the host kernel.  Main
 * lcore. */
#ifndef ADIT_DATAPLANE_TAP_H
#define ADIT_DATAPLANE_TAP_H

#include <stdbool.h>

#include <rte_mbuf.h>

#include "dataplane/port_table.h"

/* Create the devices.  0 or a negative errno; says why on stderr. */
int taps_open(struct rte_mempool *pool);
/* Addresses and gateways of the configuration; descriptors into epoll.  before: called for each
 * frame that was read, before it goes anywhere. */
int taps_configure(int epoll_fd, void (*before)(void));
void taps_close(void);
/* Frames from the kernel; false if the descriptor is none of ours. */
bool tap_event(int fd, unsigned int *n);
/* To the kernel.  Both take m. */
void tap_write(uint8_t port, struct rte_mbuf *m);
void inner_write(struct rte_mbuf *m);

#endif
