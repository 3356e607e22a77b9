/* SPDX-License-Identifier: BSD-3-Clause */
/* So many a second, by one thread. */
#ifndef ADIT_DATAPLANE_RATE_H
#define ADIT_DATAPLANE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
	uint64_t second_us; /* when the second that is counted began */
	uint32_t n;
};

/* True for the first per_second calls of a second. */
static inline bool
rate_limit_take(struct rate_limit *r, uint64_t now_us, uint32_t per_second)
{
	if (now_us - r->second_us >= 1000000) {
		r->second_us = now_us;
		r->n = 0;
	}
	if (r->n >= per_second)
		return false;
	r->n++;
	return true;
}

/* So many of this second's calls have turned out not to count. */
static inline void
rate_limit_give_back(struct rate_limit *r, uint64_t n)
{
	r->n -= n < r->n ? (uint32_t)n : r->n;
}

/* A token bucket as one number, when the next one would be due had all before it kept to the rate:
 * true for a burst, and then for one in every interval.  Silence earns no more than a burst. */
static inline bool
bucket_take(uint64_t *due_us, uint64_t now_us, uint32_t burst, uint32_t interval_us)
{
	uint64_t at = *due_us > now_us ? *due_us : now_us;

	if (at - now_us > (uint64_t)(burst - 1) * interval_us)
		return false;
	*due_us = at + interval_us;
	return true;
}

#endif
