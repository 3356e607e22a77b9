/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * So many packets a second from each source address, in fixed memory, by one thread.
 *
 * A sketch instead of a table, so there is nothing to fill or to evict: an address has one cell in
 * each row, at a place that nobody outside can compute, and may send while either allows it.  Who
 * shares a cell with a flood still has the other; to share both is one chance in millions.
 */
#ifndef ADIT_DATAPLANE_SOURCE_RATE_H
#define ADIT_DATAPLANE_SOURCE_RATE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_malloc.h>

#include "dataplane/rate.h"

#define SOURCE_RATE_ROWS 2
#define SOURCE_RATE_BITS 12

struct source_rate {
	uint64_t factor[SOURCE_RATE_ROWS]; /* odd and secret */
	/* Buckets. */
	uint64_t due_us[SOURCE_RATE_ROWS][1 << SOURCE_RATE_BITS];
};

/* At the start, not per packet.  0 or -1. */
static inline int
source_rate_init(struct source_rate *s)
{
	memset(s, 0, sizeof(*s));
	if (getrandom(s->factor, sizeof(s->factor), 0) != (ssize_t)sizeof(s->factor))
		return -1;
	for (unsigned int row = 0; row < SOURCE_RATE_ROWS; row++)
		s->factor[row] |= 1;
	return 0;
}

/* True for a burst of so many packets, and then for one in every interval. */
static inline bool
source_rate_take(struct source_rate *s, rte_be32_t source, uint64_t now_us, uint32_t burst,
	uint32_t interval_us)
{
	bool any = false;

	for (unsigned int row = 0; row < SOURCE_RATE_ROWS; row++) {
		/* Multiply-shift hashing: a random odd factor, the product's high bits. */
		uint32_t at = (uint32_t)((source * s->factor[row]) >> (64 - SOURCE_RATE_BITS));
		any |= bucket_take(&s->due_us[row][at], now_us, burst, interval_us);
	}
	return any;
}

/* A worker's limits on what comes from strangers: for each of them, and for all together. */
struct source_limits {
	struct source_rate source;
	struct rate_limit all;
};

/* At the start: 0, -ENOMEM or -EIO. */
static inline int
source_limits_start(struct source_limits **l)
{
	*l = rte_zmalloc("source_limits", sizeof(**l), RTE_CACHE_LINE_SIZE);
	return *l == NULL ? -ENOMEM : source_rate_init(&(*l)->source) != 0 ? -EIO : 0;
}

/* When the graph is gone. */
static inline void
source_limits_end(struct source_limits **l)
{
	rte_free(*l);
	*l = NULL;
}

#endif
