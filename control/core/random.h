/* SPDX-License-Identifier: BSD-3-Clause */
/* Octets that nobody can guess: challenges, keys and identifiers depend on them. */
#ifndef ADIT_CONTROL_CORE_RANDOM_H
#define ADIT_CONTROL_CORE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Aborts when the kernel has none: without randomness there is no service.  A set-up draws four
 * times a few octets, so they are fetched 1,024 at once; what was given out is wiped here.  One
 * thread; a process that was forked must not draw.
 */
void random_octets(uint8_t *buf, size_t len);

#endif
