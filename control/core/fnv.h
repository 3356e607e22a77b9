/* SPDX-License-Identifier: BSD-3-Clause */
/* FNV-1a, 64 bits: against a disk's faults and torn records, not against anybody. */
#ifndef ADIT_CONTROL_CORE_FNV_H
#define ADIT_CONTROL_CORE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_BEGIN 0xcbf29ce484222325u

/* What has been hashed so far (FNV_BEGIN: nothing), and n octets more. */
static inline uint64_t
fnv(uint64_t h, const void *octets, size_t n)
{
	const uint8_t *p = octets;
	while (n--)
		h = (h ^ *p++) * 0x100000001b3u;
	return h;
}

#endif
