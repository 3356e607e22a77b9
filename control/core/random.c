/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void
random_octets(uint8_t *buf, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = getrandom(buf + at, len - at, 0);
		if (n < 0 && errno != EINTR)
			abort();
		at += n > 0 ? (size_t)n : 0;
	}
}
