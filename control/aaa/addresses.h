/* SPDX-License-Identifier: BSD-3-Clause */
/* A set of IPv4 addresses in host byte order: static addresses in use that belong to no pool. */
#ifndef ADIT_CONTROL_AAA_ADDRESSES_H
#define ADIT_CONTROL_AAA_ADDRESSES_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialised: empty. */
struct addresses {
	uint32_t *sorted;
	size_t count, room;
};

/* 0, -EEXIST or -ENOMEM. */
int addresses_add(struct addresses *a, uint32_t address);
void addresses_remove(struct addresses *a, uint32_t address); /* an absent one: no effect */
void addresses_free(struct addresses *a);

#endif
