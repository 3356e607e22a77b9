/* SPDX-License-Identifier: BSD-3-Clause */
/* The data plane's monotonic clock: CLOCK_MONOTONIC at its start, carried on by the TSC. */
#ifndef ADIT_DATAPLANE_CLOCK_H
#define ADIT_DATAPLANE_CLOCK_H

#include <stdint.h>
#include <time.h>

#include <rte_cycles.h>

struct dataplane_clock {
	uint64_t tsc0, us0; /* the same moment */
	uint64_t hz;
};
/* Written by clock_init() before workers start. */
extern struct dataplane_clock dp_clock;

static inline void
clock_init(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	dp_clock.us0 = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	dp_clock.tsc0 = rte_rdtsc();
	dp_clock.hz = rte_get_tsc_hz();
}

/* Microseconds for a TSC value that is not before the start. */
static inline uint64_t
clock_us(uint64_t tsc)
{
	uint64_t d = tsc - dp_clock.tsc0;
	return dp_clock.us0 + d / dp_clock.hz * 1000000 + d % dp_clock.hz * 1000000 / dp_clock.hz;
}

#endif
