/* SPDX-License-Identifier: BSD-3-Clause */
/* RC4, one to four streams beside each other, in place on their tables of octets. */
#ifdef __x86_64__
#define RC4_TABLE   struct rc4_state
#define RC4_SCALE   ""
#define RC4_LOAD    "movzbl "
#define RC4_STORE_A "movb %%al"
#define RC4_STORE_B "movb %%cl"
#include "crypto/rc4_lanes.h"

/* Lane k takes stream s; its key schedule, if it has one, is still to come. */
static void
load(struct lanes *l, unsigned int k, const struct rc4_stream *s)
{
	l->data[k] = s->data;
	l->left[k] = s->len;
	l->st[k] = s->state ? s->state : &l->own[k]; /* own: nobody needs it */
	if (!s->key)
		return;
	for (unsigned int n = 0; n < sizeof(rc4_identity); n += sizeof(__m128i))
		_mm_storeu_si128((__m128i *)(l->st[k]->s + n),
			_mm_load_si128((const __m128i *)(rc4_identity + n)));
	l->st[k]->i = l->st[k]->j = 0;
	memcpy(l->key[k], s->key, sizeof(l->key[k]));
}

/* Not inlined: its frame and registers are too much for one stream that goes on. */
static __attribute__((noinline)) void
crypt_any(const struct rc4_stream *const *streams, unsigned int n)
{
	unsigned int keyed = 0, own = 0;
	struct lanes l;

	if (n == RC4_ROWS && rc4_rows_fit(streams)) {
		rc4_rows_crypt(streams);
		return;
	}
	for (unsigned int k = 0; k < n; k++) {
		load(&l, k, streams[k]);
		keyed += streams[k]->key != NULL;
		own += streams[k]->state == NULL;
	}
	schedule_lanes(&l, keyed);
	run_lanes(&l, n);
	if (own > 0)
		explicit_bzero(l.own, keyed * sizeof(l.own[0])); /* they have keys, so are first */
	if (keyed > 0)
		explicit_bzero(l.key, keyed * sizeof(l.key[0]));
}

static void
crypt(const struct rc4_stream *const *streams, unsigned int n)
{
	if (n == 1 && !streams[0]->key)
		crypt_1(streams[0]->state, streams[0]->data, streams[0]->len);
	else
		crypt_any(streams, n);
}

static bool
supported(void)
{
	return __builtin_cpu_supports("sse4.1");
}

const struct rc4_kernel rc4_scalar = {
	.name = "scalar", .lanes = LANES, .supported = supported, .crypt = crypt};
#endif
