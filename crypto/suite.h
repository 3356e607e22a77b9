/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The suite table: the single place that lists an algorithm with its key size and strength class.
 * Policy, the weak-crypto switches (R2) and aditctl read it.  Constant data: any thread, any
 * process.
 */
#ifndef ADIT_CRYPTO_SUITE_H
#define ADIT_CRYPTO_SUITE_H

#include <stddef.h>
#include <stdint.h>

enum suite_kind {
	SUITE_MPPE, /* PPTP: RFC 3078 */
};

/* weak: only behind a weak-crypto switch; legacy: broken or ageing, allowed by default; strong. */
enum suite_class { SUITE_WEAK, SUITE_LEGACY, SUITE_STRONG };

struct suite {
	const char *name;  /* stable: configuration, control socket, metrics */
	uint8_t kind;      /* enum suite_kind */
	uint8_t strength;  /* enum suite_class */
	uint16_t key_bits; /* effective bits: 40, 56, 128 */
	uint16_t key_len;  /* octets of key material held, salt included */
};

/* Row i, in order of kind, then from strong to weak; NULL past the end. */
const struct suite *suite_at(size_t i);
/* NULL when unknown. */
const struct suite *suite_by_name(const char *name);
/* NULL when no such suite. */
const struct suite *suite_by_bits(enum suite_kind kind, unsigned int key_bits);
/* "weak", "legacy", "strong"; never NULL. */
const char *suite_class_name(enum suite_class strength);

#endif
