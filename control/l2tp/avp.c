/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/l2tp/avp.h"

#include <openssl/evp.h>
#include <string.h>

#define BIT_MANDATORY 0x8000
#define BIT_HIDDEN    0x4000
#define BITS_RESERVED 0x3c00
#define LENGTH_MASK   0x03ff
#define MD5_LEN       16

/* One block of the key stream: MD5 over at most three parts. */
static bool
md5(uint8_t out[MD5_LEN], const void *a, size_t a_len, const char *secret, const void *c,
	size_t c_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) &&
		    (a_len == 0 || EVP_DigestUpdate(ctx, a, a_len)) &&
		    EVP_DigestUpdate(ctx, secret, strlen(secret)) &&
		    EVP_DigestUpdate(ctx, c, c_len) && EVP_DigestFinal_ex(ctx, out, NULL);

	EVP_MD_CTX_free(ctx);
	return good;
}

/* Section 4.3: the key stream depends on the ciphertext before. */
static bool
hide(bool decipher, uint16_t type, const char *secret, const uint8_t *random, size_t random_len,
	const uint8_t *in, uint8_t *out, size_t len)
{
	const uint8_t attribute[2] = {(uint8_t)(type >> 8), (uint8_t)type};
	const uint8_t *cipher = decipher ? in : out;
	uint8_t key[MD5_LEN];
	bool good = md5(key, attribute, sizeof(attribute), secret, random, random_len);

	for (size_t at = 0; good && at < len; at++) {
		if (at > 0 && at % MD5_LEN == 0)
			good = md5(key, NULL, 0, secret, cipher + at - MD5_LEN, MD5_LEN);
		out[at] = in[at] ^ key[at % MD5_LEN];
	}
	explicit_bzero(key, sizeof(key));
	return good;
}

/* T7 (CVE-2020-15173): the deciphered length is as hostile as any other. */
static bool
unhide(struct l2tp_avp_reader *a, struct l2tp_avp *avp)
{
	size_t len;

	if (!a->secret || !*a->secret || !a->random || avp->len < 2)
		return false;
	if (!hide(true, avp->type, a->secret, a->random, a->random_len, avp->value, a->clear,
		    avp->len))
		return false;
	len = wire_be16(a->clear);
	if (len > avp->len - 2)
		return false;
	avp->value = a->clear + 2;
	avp->len = len;
	return true;
}

void
l2tp_avp_begin(struct l2tp_avp_reader *a, const uint8_t *bytes, size_t len, const char *secret)
{
	a->r = wire_read(bytes, len);
	a->secret = secret;
	a->random = NULL;
	a->random_len = 0;
}

enum l2tp_avp_next
l2tp_avp_read(struct l2tp_avp_reader *a, struct l2tp_avp *avp)
{
	uint16_t head;
	size_t len;
	bool vector;

	if (a->r.left == 0 && !a->r.bad)
		return L2TP_AVP_END;
	head = wire_get16(&a->r);
	avp->vendor = wire_get16(&a->r);
	avp->type = wire_get16(&a->r);
	len = head & LENGTH_MASK;
	if (a->r.bad || len < L2TP_AVP_HEADER) {
		a->r.bad = true;
		return L2TP_AVP_BAD;
	}
	avp->mandatory = head & BIT_MANDATORY;
	avp->len = len - L2TP_AVP_HEADER;
	avp->value = wire_take(&a->r, avp->len);
	if (!avp->value)
		return L2TP_AVP_BAD;
	if (head & BITS_RESERVED)
		return L2TP_AVP_UNREADABLE;
	/* Sections 4.4.1 and 4.3: what the others depend on can't be hidden. */
	vector = avp->vendor == 0 && avp->type == L2TP_RANDOM_VECTOR;
	if (head & BIT_HIDDEN) {
		if (vector || (avp->vendor == 0 && avp->type == L2TP_MESSAGE_TYPE) ||
			!unhide(a, avp))
			return L2TP_AVP_UNREADABLE;
	} else if (vector) {
		a->random = avp->value;
		a->random_len = avp->len;
	}
	return L2TP_AVP_TAKEN;
}

void
l2tp_avp_end(struct l2tp_avp_reader *a)
{
	explicit_bzero(a->clear, sizeof(a->clear));
}

/* ------------------------------------------------------------------ writing */

static bool
put_header(struct wire_writer *w, uint16_t bits, uint16_t type, size_t len)
{
	if (len > L2TP_AVP_VALUE_MAX || w->full || len + L2TP_AVP_HEADER > w->cap - w->len) {
		w->full = true;
		return false;
	}
	wire_put16(w, (uint16_t)(bits | (len + L2TP_AVP_HEADER)));
	wire_put16(w, 0);
	wire_put16(w, type);
	return true;
}

void
l2tp_avp_put(struct wire_writer *w, bool mandatory, uint16_t type, const void *value, size_t len)
{
	if (put_header(w, mandatory ? BIT_MANDATORY : 0, type, len))
		wire_put(w, value, len);
}

void
l2tp_avp_put16(struct wire_writer *w, bool mandatory, uint16_t type, uint16_t v)
{
	l2tp_avp_put(w, mandatory, type, (const uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

void
l2tp_avp_put_hidden(struct wire_writer *w, bool mandatory, uint16_t type, const void *value,
	size_t len, size_t padding, const char *secret, const uint8_t *random, size_t random_len)
{
	uint8_t clear[L2TP_AVP_VALUE_MAX] = {0}, cipher[L2TP_AVP_VALUE_MAX];
	size_t all = 2 + len + padding;

	if (all > sizeof(clear) ||
		!put_header(w, BIT_HIDDEN | (mandatory ? BIT_MANDATORY : 0), type, all)) {
		w->full = true;
		return;
	}
	clear[0] = (uint8_t)(len >> 8);
	clear[1] = (uint8_t)len;
	if (len > 0)
		memcpy(clear + 2, value, len);
	if (hide(false, type, secret, random, random_len, clear, cipher, all))
		wire_put(w, cipher, all);
	else
		w->full = true;
	explicit_bzero(clear, sizeof(clear));
}
