/* SPDX-License-Identifier: BSD-3-Clause */
/* The shared segment's server side: creation, the socket, wake-ups.  Main lcore. */
#ifndef ADIT_DATAPLANE_SEGMENT_H
#define ADIT_DATAPLANE_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "dataplane/api/counters.h"
#include "dataplane/api/layout.h"

/* Mapped for the whole run.  Control can write all of it (T21): nothing is read back from here. */
extern struct segment_header *segment;

static inline void *
segment_part(uint64_t offset)
{
	return (uint8_t *)segment + offset;
}

/* Our own copy of the offsets. */
extern struct segment_header segment_offsets;

/* Drop on the main lcore, counted. */
static inline void
main_drop(struct rte_mbuf *m, enum drop_reason reason)
{
	segment->main_drops[reason]++;
	rte_pktmbuf_free(m);
}

/* 0 or a negative errno. */
int segment_create(uint32_t n_workers, uint32_t max_sessions, uint32_t max_sas);
void segment_free(void);

/* Listen on config.socket; -EADDRINUSE if another data plane answers there.  Adds its descriptors
 * to epoll_fd.  connected() is called before a control process is let in. */
int segment_listen(int epoll_fd, void (*connected)(void));
void segment_close(void);
/* Handle an event of this descriptor; false if it isn't the segment's. */
bool segment_event(int fd);
bool segment_connected(void);
/* Wake control if there is something new for it. */
void segment_wake(void);

#endif
