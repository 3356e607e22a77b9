/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/rc4.h"

void
rc4_init(struct rc4_state *st, const uint8_t *key, size_t key_len)
{
	uint8_t *s = st->s;
	uint8_t j = 0;
	size_t k = 0;

	for (unsigned int i = 0; i < 256; i++)
		s[i] = (uint8_t)i;
	for (unsigned int i = 0; i < 256; i++) {
		uint8_t a = s[i];

		j = (uint8_t)(j + a + key[k]);
		s[i] = s[j];
		s[j] = a;
		if (++k == key_len)
			k = 0;
	}
	st->i = 0;
	st->j = 0;
}

void
rc4_crypt(struct rc4_state *st, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint8_t *s = st->s;
	uint8_t i = st->i, j = st->j;

	for (size_t n = 0; n < len; n++) {
		uint8_t a, b;

		a = s[++i];
		j = (uint8_t)(j + a);
		b = s[j];
		s[i] = b;
		s[j] = a;
		dst[n] = src[n] ^ s[(uint8_t)(a + b)];
	}
	st->i = i;
	st->j = j;
}
