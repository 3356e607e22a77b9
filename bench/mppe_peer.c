/* SPDX-License-Identifier: BSD-3-Clause */
#define OPENSSL_API_COMPAT 10101

#include "bench/mppe_peer.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

void
peer_new_key(uint8_t out[16], const uint8_t master[16], const uint8_t session[16])
{
	uint8_t m[128] = {0};
	SHA_CTX ctx;

	memcpy(m, master, 16);
	memcpy(m + 56, session, 16);
	memset(m + 72, 0xf2, 40);
	m[112] = 0x80;
	m[126] = 0x03;
	m[127] = 0x80;
	SHA1_Init(&ctx);
	SHA1_Transform(&ctx, m);
	SHA1_Transform(&ctx, m + 64);
	for (unsigned int i = 0; i < 4; i++) {
		uint32_t word[] = {ctx.h0, ctx.h1, ctx.h2, ctx.h3};

		word[i] = __builtin_bswap32(word[i]);
		memcpy(out + 4 * i, &word[i], 4);
	}
}

void
peer_next_key(struct peer *p)
{
	uint8_t interim[16];

	peer_new_key(interim, p->master, p->session);
	RC4_set_key(&p->rc4, 16, interim);
	RC4(&p->rc4, 16, interim, p->session);
}

static void
peer_rekey(struct peer *p)
{
	peer_next_key(p);
	RC4_set_key(&p->rc4, 16, p->session);
}

void
peer_start(struct peer *p, const struct mppe_params *params)
{
	memcpy(p->master, params->start_key, 16);
	peer_new_key(p->session, p->master, p->master);
	RC4_set_key(&p->rc4, 16, p->session);
	p->count = 0;
	p->stateless = params->stateless;
}

void
peer_encrypt(struct peer *p, uint8_t *data, uint32_t len)
{
	uint16_t header = MPPE_BIT_ENCRYPTED | p->count;

	if (p->stateless || (p->count & 0xff) == 0xff) {
		peer_rekey(p);
		header |= MPPE_BIT_FLUSHED;
	}
	data[0] = (uint8_t)(header >> 8);
	data[1] = (uint8_t)header;
	RC4(&p->rc4, len - 2, data + 2, data + 2);
	p->count = (p->count + 1) & MPPE_COUNT_MASK;
}

void
peer_decrypt(struct peer *p, uint8_t *data, uint32_t len)
{
	uint16_t header = (uint16_t)(data[0] << 8 | data[1]);

	if (!(header & MPPE_BIT_ENCRYPTED) || (header & MPPE_COUNT_MASK) != p->count)
		abort();
	if (p->stateless || header & MPPE_BIT_FLUSHED)
		peer_rekey(p);
	RC4(&p->rc4, len - 2, data + 2, data + 2);
	p->count = (p->count + 1) & MPPE_COUNT_MASK;
}
