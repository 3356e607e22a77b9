/* SPDX-License-Identifier: BSD-3-Clause */
/* RC4, two streams beside each other in plain C: for CPUs that have no kernel of their own. */

#include <string.h>

#include "crypto/rc4_kernel.h"

#define LANES 2

/* Words for indexes, and a group at a time: octets in C cost a zero extension at each use. */
#define STEP(s, i, j, out)                 \
	do {                               \
		unsigned int a_, b_;       \
		i = (i + 1) & 0xff;        \
		a_ = s[i];                 \
		j = (j + a_) & 0xff;       \
		b_ = s[j];                 \
		s[i] = (uint8_t)b_;        \
		s[j] = (uint8_t)a_;        \
		out = s[(a_ + b_) & 0xff]; \
	} while (0)

static void
crypt_two(struct rc4_state st[LANES], uint8_t *d0, uint8_t *d1, uint32_t len)
{
	unsigned int i0 = st[0].i, j0 = st[0].j, i1 = st[1].i, j1 = st[1].j;
	uint8_t *s0 = st[0].s, *s1 = st[1].s;

	for (uint32_t at = 0; at < len; at++) {
		uint8_t out0, out1;

		STEP(s0, i0, j0, out0);
		STEP(s1, i1, j1, out1);
		d0[at] ^= out0;
		d1[at] ^= out1;
	}
	st[0].i = (uint8_t)i0;
	st[0].j = (uint8_t)j0;
	st[1].i = (uint8_t)i1;
	st[1].j = (uint8_t)j1;
}

static void
crypt(const struct rc4_stream *const *streams, unsigned int n)
{
	struct rc4_state st[LANES];
	uint32_t common = 0;

	for (unsigned int k = 0; k < n; k++) {
		if (streams[k]->key)
			rc4_init(&st[k], streams[k]->key, RC4_KEY_LEN);
		else
			st[k] = *streams[k]->state;
	}
	if (n == LANES) {
		common = streams[0]->len < streams[1]->len ? streams[0]->len : streams[1]->len;
		crypt_two(st, streams[0]->data, streams[1]->data, common);
	}
	for (unsigned int k = 0; k < n; k++) {
		uint8_t *rest = streams[k]->data + common;

		rc4_crypt(&st[k], rest, rest, streams[k]->len - common);
		if (streams[k]->state)
			*streams[k]->state = st[k];
	}
	explicit_bzero(st, sizeof(st));
}

static bool
supported(void)
{
	return true;
}

const struct rc4_kernel rc4_portable = {
	.name = "portable", .lanes = LANES, .supported = supported, .crypt = crypt};
