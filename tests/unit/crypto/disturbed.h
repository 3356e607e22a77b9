/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of a processor that is not there, as its neighbours let them be. */
#ifndef ADIT_TESTS_DISTURBED_H
#define ADIT_TESTS_DISTURBED_H

#include <stdint.h>

struct disturbance {
	double jitter;        /* of each run, upwards */
	unsigned int steal;   /* of so many runs one is interrupted; 0: none */
	unsigned int rampage; /* so many runs, from the first, that take anything */
};

static uint32_t seed;
static uint64_t runs; /* until now */

static double
draw(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed / 4294967296.0;
}

/* What a run takes that would take t ticks alone, and how much more when it is interrupted. */
static uint64_t
disturbed(const struct disturbance *by, double t, double interruption)
{
	t *= 1 + by->jitter * draw();
	if (runs++ < by->rampage)
		t *= 1 + 9 * draw();
	if (by->steal && draw() * by->steal < 1)
		t += interruption;
	return (uint64_t)t;
}

#endif
