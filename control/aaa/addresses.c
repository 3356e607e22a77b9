/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/addresses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Index of the first address that is not below this one. */
static size_t
position(const struct addresses *a, uint32_t address)
{
	size_t low = 0, high = a->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->sorted[middle] < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int
addresses_add(struct addresses *a, uint32_t address)
{
	size_t i = position(a, address);

	if (i < a->count && a->sorted[i] == address)
		return -EEXIST;
	if (a->count == a->room) {
		size_t room = a->room ? 2 * a->room : 16;
		uint32_t *sorted = reallocarray(a->sorted, room, sizeof(*sorted));

		if (!sorted)
			return -ENOMEM;
		a->sorted = sorted;
		a->room = room;
	}
	memmove(&a->sorted[i + 1], &a->sorted[i], (a->count - i) * sizeof(*a->sorted));
	a->sorted[i] = address;
	a->count++;
	return 0;
}

void
addresses_remove(struct addresses *a, uint32_t address)
{
	size_t i = position(a, address);

	if (i == a->count || a->sorted[i] != address)
		return;
	a->count--;
	memmove(&a->sorted[i], &a->sorted[i + 1], (a->count - i) * sizeof(*a->sorted));
}

void
addresses_free(struct addresses *a)
{
	free(a->sorted);
	*a = (struct addresses){0};
}
