/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's environment, from the configuration. */
#ifndef ADIT_DATAPLANE_EAL_H
#define ADIT_DATAPLANE_EAL_H

#include <stddef.h>

/* 0 or a negative errno; says why on stderr. */
int eal_start(void);
void eal_end(void);
/* What pages memory is on, in words of at most size octets, looked at once a minute; says so on
 * stderr when the kernel has taken half of them away.  Main lcore. */
void eal_pages(char *out, size_t size);

#endif
