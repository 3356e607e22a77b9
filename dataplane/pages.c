/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_common.h>
#include <rte_memory.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1; older kernels refuse it */
#endif
#define HUGE_PAGE ((size_t)2 << 20)
#define PAGE      ((size_t)4096)

/* The number behind a name in a file of lines; 0: there is none. */
static uint64_t
sum_in(const char *path, const char *const *names)
{
	char line[256];
	uint64_t sum = 0;
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f)) {
		char name[64];
		unsigned long kb;
		if (sscanf(line, "%63[^:]: %lu", name, &kb) != 2)
			continue;
		for (const char *const *n = names; *n; n++)
			sum += strcmp(*n, name) == 0 ? kb : 0;
	}
	if (f)
		fclose(f);
	return sum;
}

uint64_t
pages_huge_kb(void)
{
	static const char *const names[] = {"AnonHugePages", "ShmemPmdMapped", NULL};

	return sum_in("/proc/self/smaps_rollup", names);
}

/* Untouched memory costs nothing until it is collapsed: only where a quarter more is there. */
static bool
is_plenty(size_t octets)
{
	static const char *const names[] = {"MemAvailable", NULL};

	return sum_in("/proc/meminfo", names) * 1024 >= octets + octets / 4;
}

void
pages_ask(void *start, size_t octets)
{
	uint8_t *from = RTE_PTR_ALIGN_CEIL(start, HUGE_PAGE);
	uint8_t *to = RTE_PTR_ALIGN_FLOOR((uint8_t *)start + octets, HUGE_PAGE);

	if (from >= to || madvise(from, (size_t)(to - from), MADV_HUGEPAGE) != 0 ||
		!is_plenty((size_t)(to - from)))
		return;
	/* Page by page: one that can't be had is left out.  Where nothing is yet, there is nothing
	 * to collapse (EINVAL). */
	for (uint8_t *at = from; at < to; at += HUGE_PAGE) {
		__atomic_fetch_add(at, 0, __ATOMIC_RELAXED);
		if (madvise(at, HUGE_PAGE, MADV_COLLAPSE) != 0 && at == from)
			return;
	}
}

/* What EAL has written so far goes along. */
static void
copy_resident(uint8_t *to, uint8_t *from, size_t octets, const uint8_t *resident)
{
	for (size_t page = 0; page < octets / PAGE; page++)
		if (resident[page] & 1)
			memcpy(to + page * PAGE, from + page * PAGE, PAGE);
}

/* The list's memory, which is a file of EAL's in ordinary pages at an address that doesn't fit huge
 * ones, becomes anonymous memory at the same address. */
static bool
replace(uint8_t *start, size_t octets)
{
	const size_t room = octets + 2 * HUGE_PAGE;
	uint8_t *resident = malloc(octets / PAGE + 1);
	uint8_t *all = mmap(NULL, room, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bool ok = false;

	if (resident && all != MAP_FAILED) {
		uint8_t *at = (uint8_t *)RTE_PTR_ALIGN_CEIL(all, HUGE_PAGE) +
			      (uintptr_t)start % HUGE_PAGE;
		ok = madvise(at, octets, MADV_HUGEPAGE) == 0 &&
		     madvise(at, octets, MADV_DONTDUMP) == 0 && /* as EAL's */
		     mincore(start, octets, resident) == 0;
		if (ok) {
			copy_resident(at, start, octets, resident);
			ok = mremap(at, octets, octets, MREMAP_MAYMOVE | MREMAP_FIXED, start) !=
			     MAP_FAILED;
		}
		munmap(all, (size_t)(at - all));
		if (!ok)
			munmap(at, octets);
		munmap(at + octets, room - octets - (size_t)(at - all));
	}
	free(resident);
	return ok;
}

static int
replace_list(const struct rte_memseg_list *list, void *arg)
{
	bool *replaced = arg;

	if (!list->external && list->page_sz == PAGE && list->len > 0 && list->base_va != NULL &&
		list->memseg_arr.count > 0)
		*replaced |= replace(list->base_va, list->len);
	return 0;
}

bool
pages_replace_eal(void)
{
	static const char *const off = "/sys/kernel/mm/transparent_hugepage/enabled";
	char line[64] = "";
	FILE *f = fopen(off, "r");
	bool replaced = false;

	if (!f || !fgets(line, sizeof(line), f) || strstr(line, "[never]"))
		line[0] = '\0';
	if (f)
		fclose(f);
	if (line[0])
		rte_memseg_list_walk(replace_list, &replaced);
	return replaced;
}

void *
pages_place(size_t octets)
{
	uint8_t *at = mmap(NULL, octets + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	/* Given back: the mapping that follows takes it as a hint. */
	munmap(at, octets + HUGE_PAGE);
	return RTE_PTR_ALIGN_CEIL(at, HUGE_PAGE);
}
