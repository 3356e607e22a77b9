/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's --lcores, read before EAL starts: eal.lcores of the configuration. */
#ifndef ADIT_DATAPLANE_LCORES_H
#define ADIT_DATAPLANE_LCORES_H

/* How many lcores text means, the main lcore among them: sets with commas between, each with "@"
 * and the set of its CPUs, or run on CPUs of the same numbers.  0: it is none of that.
 * cpu(user, number) is called for each CPU that is named, perhaps several times; may be NULL. */
unsigned int lcores_read(
	const char *text, void (*cpu)(void *user, unsigned long number), void *user);

#endif
