/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of control on their way to the workers.  Main lcore. */
#ifndef ADIT_DATAPLANE_INJECT_H
#define ADIT_DATAPLANE_INJECT_H

#include <rte_mbuf.h>

#include "dataplane/api/frame.h"

enum inject_result {
	INJECT_DONE, /* given to a worker, or dropped for a reason that isn't control's fault */
	INJECT_WAIT, /* the worker's ring is full: the same record again later */
	INJECT_BAD,  /* refused (T21) */
};

/* rec: in the segment, hostile; read once.  Buffers come from pool. */
enum inject_result inject_frame(const struct frame_record *rec, struct rte_mempool *pool);

#endif
