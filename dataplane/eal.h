/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's environment, from the configuration. */
#ifndef ADIT_DATAPLANE_EAL_H
#define ADIT_DATAPLANE_EAL_H

/* 0 or a negative errno; says why on stderr. */
int eal_start(void);
void eal_end(void);

#endif
