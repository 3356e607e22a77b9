/* SPDX-License-Identifier: BSD-3-Clause */
/* What is refreshed in the segment about once a second.  Main lcore. */
#ifndef ADIT_DATAPLANE_STATS_H
#define ADIT_DATAPLANE_STATS_H

#include <rte_mempool.h>

/* Nodes' statistics, ports, buffers, kernels of the ciphers. */
void stats_report(struct rte_mempool *mbufs);

#endif
