/* SPDX-License-Identifier: BSD-3-Clause */
/* What route.c tells route_ways.c.  Main lcore. */
#ifndef ADIT_DATAPLANE_ROUTE_INTERNAL_H
#define ADIT_DATAPLANE_ROUTE_INTERNAL_H

#include <stdint.h>

/* What wins for this prefix has changed, so may have ways to peers; depth 0: all of them. */
void ways_change(uint32_t ip, uint8_t depth);
/* Looks the ways of a bounded number of sessions and pairs up again. */
void ways_turn(void);
void ways_forget(void);

#endif
