/* SPDX-License-Identifier: BSD-3-Clause */
/* What rc4.c asks of a kernel, and of the trial that chooses among them.  Private to crypto/ and
 * its tests. */
#ifndef ADIT_CRYPTO_RC4_KERNEL_H
#define ADIT_CRYPTO_RC4_KERNEL_H

#include <stdbool.h>

#include "crypto/rc4.h"

struct rc4_kernel {
	const char *name;
	unsigned int lanes; /* streams that run beside each other */
	bool (*supported)(void);
	/* n is 1..lanes.  Streams with a key come before those without. */
	void (*crypt)(const struct rc4_stream *const *streams, unsigned int n);
};

enum rc4_kernel_id {
	RC4_SCALAR, /* tables of octets, in place */
	RC4_WIDE,   /* of words, widened and packed again */
	RC4_OPENSSL,
	RC4_AVX512,
	RC4_PORTABLE,
	RC4_KERNELS,
	RC4_NONE = 0xf
};

extern const struct rc4_kernel rc4_portable;
#ifdef __x86_64__
extern const struct rc4_kernel rc4_scalar, rc4_wide, rc4_openssl, rc4_avx512;

/* The scalar kernel's way with RC4_ROWS streams that fit: all new, none to be kept, all of one
 * length but for some octets.  Needs SSE 4.1. */
#define RC4_ROWS 4
bool rc4_rows_fit(const struct rc4_stream *const *streams);
void rc4_rows_crypt(const struct rc4_stream *const *streams);
#endif

/* The tables before a key schedule. */
extern const uint8_t rc4_identity[256];
/* NULL: this CPU has it not. */
const struct rc4_kernel *rc4_kernel_at(enum rc4_kernel_id id);

/* --- The choice ------------------------------------------------------------------------------ */

/* Streams beside each other, and whether all of them are new. */
enum rc4_case {
	RC4_LONE_NEW,
	RC4_LONE_ON,
	RC4_TWO_NEW,
	RC4_TWO_ON,
	RC4_FOUR_NEW, /* three, too */
	RC4_FOUR_ON,
	RC4_MANY_NEW, /* RC4_MANY and more */
	RC4_MANY_ON,
	RC4_CASES
};
#define RC4_MANY 9 /* with fewer, lanes of AVX-512 run too empty */

/*
 * A kernel for each case, an octet a case, the first one lowest: the kernel's id above, and below
 * the index in rc4_lengths of the mean length in octets from where on it is used (0: any).  Shorter
 * ones take the scalar kernel; RC4_NONE, for many: as if they were four.
 */
#define RC4_LENGTHS 4
extern const uint32_t rc4_lengths[RC4_LENGTHS];

static inline uint64_t
rc4_plan_entry(enum rc4_case c, enum rc4_kernel_id id, unsigned int from)
{
	return (uint64_t)((unsigned int)id << 4 | from) << (8 * c);
}

static inline enum rc4_kernel_id
rc4_plan_kernel(uint64_t plan, enum rc4_case c)
{
	return (plan >> (8 * c)) >> 4 & 0xf;
}

static inline uint32_t
rc4_plan_from(uint64_t plan, enum rc4_case c)
{
	return rc4_lengths[plan >> (8 * c) & 0xf];
}

/* The same kernel for all. */
uint64_t rc4_plan_of(enum rc4_kernel_id id);
uint64_t rc4_plan(void);
void rc4_set_plan(uint64_t plan);

/* How the trial times one call of a kernel; tests have a clock of their own. */
struct rc4_clock {
	uint64_t (*run)(void *user, const struct rc4_kernel *kernel, enum rc4_case c, uint32_t len);
	void *user;
};
/* false: it was disturbed; a case that was has its default, the scalar kernel. */
bool rc4_trial(const struct rc4_clock *clock, uint64_t *plan);
/* With the time-stamp counter. */
bool rc4_trial_here(uint64_t *plan);

#endif
