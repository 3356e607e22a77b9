/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports are opened, started and closed.  Main lcore. */
#ifndef ADIT_DATAPLANE_PORT_H
#define ADIT_DATAPLANE_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "dataplane/api/layout.h"
#include "dataplane/port_table.h"

/* Take the devices for this process, before EAL opens them: a second data plane is refused by name.
 * 0 or a negative errno; says why on stderr. */
int ports_claim(void);
/* Configure the devices and spread their queues over workers[0..n_workers-1].  0 or a negative
 * errno; says why on stderr. */
int ports_open(struct rte_mempool *pool);
int ports_start(void);
/* Stop and close, and give back what ports_claim() changed. */
void ports_close(void);
/* Link status and statistics into the segment. */
void ports_report(struct segment_header *h);

#endif
