/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Huge pages without hugetlbfs: what the kernel puts together for us (transparent huge pages,
 * Linux's Documentation/admin-guide/mm/transhuge.rst).  All of it is best effort: memory stays as
 * it was where the kernel has none, and it may take them away again.  Main lcore.
 */
#ifndef ADIT_DATAPLANE_PAGES_H
#define ADIT_DATAPLANE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ask for huge pages under the range and, as far as memory is plenty, have them made at once: what
 * was not yet touched is then taken from the system.  Contents stay. */
void pages_ask(void *start, size_t octets);
/* EAL's memory of ordinary pages moves to memory that the kernel backs with huge pages as it is
 * touched.  Right after rte_eal_init(), before anything else has threads; not where a device or
 * another process has EAL's memory too (VFIO, vhost-user).  False: it stays where it was. */
bool pages_replace_eal(void);
/* A place for a mapping of so many octets at which huge pages fit; NULL: none. */
void *pages_place(size_t octets);
/* How much of this process is on transparent huge pages, KiB. */
uint64_t pages_huge_kb(void);

#endif
