/* SPDX-License-Identifier: BSD-3-Clause */
/* Are there enough packet buffers (mempool.mbufs) for what the configuration asks for?  Before EAL
 * starts. */
#ifndef ADIT_DATAPLANE_BUFFERS_H
#define ADIT_DATAPLANE_BUFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/config.h"

#define PORT_DESCRIPTORS 1024 /* of each receive and each transmit queue */
#define MEMPOOL_CACHE    256  /* of each lcore */

/* What descriptors, caches and bursts can hold at one time: with less, a port can stand still for
 * good. */
uint64_t buffers_needed(const struct config *c, unsigned int workers);
/* False: too few, with the reason and the number needed in err. */
bool buffers_suffice(const struct config *c, unsigned int workers, char *err, size_t err_len);

#endif
