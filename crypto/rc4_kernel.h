/* SPDX-License-Identifier: BSD-3-Clause */
/* What rc4.c asks of a kernel.  Private to crypto/. */
#ifndef ADIT_CRYPTO_RC4_KERNEL_H
#define ADIT_CRYPTO_RC4_KERNEL_H

#include <stdbool.h>

#include "crypto/rc4.h"

struct rc4_kernel {
	const char *name;
	unsigned int lanes; /* streams that run beside each other */
	unsigned int least; /* with fewer streams than this, the scalar kernel is better */
	bool (*supported)(void);
	/* n is 1..lanes.  Streams with a key come before those without. */
	void (*crypt)(const struct rc4_stream *const *streams, unsigned int n);
};

extern const struct rc4_kernel rc4_portable;
#ifdef __x86_64__
extern const struct rc4_kernel rc4_scalar, rc4_avx512;

/* The scalar kernel's way with RC4_ROWS streams that fit: all new, none to be kept, all of one
 * length but for some octets.  Needs SSE 4.1. */
#define RC4_ROWS 4
bool rc4_rows_fit(const struct rc4_stream *const *streams);
void rc4_rows_crypt(const struct rc4_stream *const *streams);
#endif

/* The tables before a key schedule. */
extern const uint8_t rc4_identity[256];

#endif
