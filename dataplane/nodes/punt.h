/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef ADIT_DATAPLANE_NODES_PUNT_H
#define ADIT_DATAPLANE_NODES_PUNT_H

#include "dataplane/api/ring.h"
#include "dataplane/nodes/node.h"
#include "dataplane/rate.h"

/* The ring to control is for all: the fuller it is, the less of a burst is left to each, so that
 * those who flood it stop first and who has been quiet still gets in (D8). */
static inline uint32_t
punt_burst(const struct ring *punt, uint32_t burst)
{
	return 1 + (burst - 1) * ring_room(punt) / (punt->mask + 1);
}

#endif
