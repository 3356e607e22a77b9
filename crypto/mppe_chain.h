/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two directions of MPPE share.  Private to crypto/. */
#ifndef ADIT_CRYPTO_MPPE_CHAIN_H
#define ADIT_CRYPTO_MPPE_CHAIN_H

#include "crypto/mppe.h"

/* RFC 3078 section 7.3: replaces session by the key that follows it. */
void mppe_next_key(const uint8_t *master, uint8_t *session, uint8_t key_len, uint8_t strength);

/* RFC 3078 section 7.2. */
static inline bool
mppe_is_flag(uint16_t count)
{
	return (count & 0xff) == 0xff;
}

static inline uint16_t
mppe_count_after(uint16_t count, unsigned int n)
{
	return (uint16_t)((count + n) & MPPE_COUNT_MASK);
}

#endif
