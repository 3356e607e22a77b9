/* SPDX-License-Identifier: BSD-3-Clause */
/* The one writer of the tables: applies control's records, answers with events.  Main lcore. */
#ifndef ADIT_DATAPLANE_WRITER_H
#define ADIT_DATAPLANE_WRITER_H

#include <stdint.h>

#include <rte_mbuf.h>

/* Attach to the segment's rings; mbufs for injected frames come from pool. */
void writer_init(struct rte_mempool *pool);
/* Before a new control process is let in: what its predecessor left in the rings is forgotten. */
void writer_control_connected(void);
/* One turn: events out, commands and frames in, removals carried on.  Returns how much there was to
 * do. */
unsigned int writer_turn(uint64_t now_us);
/* The commands alone, as many as a turn takes.  Returns how many there were. */
unsigned int writer_commands(uint64_t now_us);
/* Take routes and addresses of the inner TUN device back. */
void writer_close(void);

#endif
