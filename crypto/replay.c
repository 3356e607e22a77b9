/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/replay.h"

#include <string.h>

static uint32_t
ring_words(unsigned int window)
{
	uint32_t n = 1;

	while (n < (window + 63) / 64 + 1)
		n *= 2;
	return n;
}

size_t
replay_size(unsigned int window)
{
	if (window < REPLAY_WINDOW_MIN || window > REPLAY_WINDOW_MAX)
		return 0;
	return sizeof(struct replay) + ring_words(window) * sizeof(uint64_t);
}

bool
replay_init(struct replay *r, unsigned int window)
{
	size_t size = replay_size(window);

	if (size == 0)
		return false;
	memset(r, 0, size);
	r->window = window;
	r->mask = ring_words(window) - 1;
	return true;
}

uint64_t
replay_esn(const struct replay *r, uint32_t low)
{
	uint32_t top_low = (uint32_t)r->top, high = (uint32_t)(r->top >> 32);
	uint32_t left = top_low - r->window + 1; /* of the window, in its own subspace */

	if (top_low >= r->window - 1) { /* case A: the window lies in one subspace */
		if (low < left && high++ == UINT32_MAX)
			return 0;
	} else if (low >= left && high-- == 0) { /* case B: it spans two */
		return 0;
	}
	return (uint64_t)high << 32 | low;
}
