/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define POOL_LEN 1024

/* What the kernel gave and nobody has had yet: the last of it. */
static uint8_t pool[POOL_LEN];
static size_t pool_left;

static void
from_kernel(uint8_t *buf, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = getrandom(buf + at, len - at, 0);
		if (n < 0 && errno != EINTR)
			abort();
		at += n > 0 ? (size_t)n : 0;
	}
}

void
random_octets(uint8_t *buf, size_t len)
{
	if (len > sizeof(pool) / 4) {
		from_kernel(buf, len);
		return;
	}
	if (pool_left < len) {
		from_kernel(pool, sizeof(pool));
		pool_left = sizeof(pool);
	}
	pool_left -= len;
	memcpy(buf, pool + pool_left, len);
	explicit_bzero(pool + pool_left, len);
}
