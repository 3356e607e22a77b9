/* SPDX-License-Identifier: BSD-3-Clause */
/* RC4: the plain stream, the choice of a kernel, and the sorting of streams into its lanes. */
#include "crypto/rc4.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

#include "crypto/rc4_kernel.h"

#define ROW_(n)  n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define ROWS_(n) ROW_(n), ROW_(n + 8), ROW_(n + 16), ROW_(n + 24)

const uint8_t rc4_identity[256] __attribute__((aligned(64))) = {
	ROWS_(0), ROWS_(32), ROWS_(64), ROWS_(96), ROWS_(128), ROWS_(160), ROWS_(192), ROWS_(224)};

static const struct rc4_kernel *const kernels[] = {
#ifdef __x86_64__
	&rc4_avx512,
	&rc4_scalar,
#endif
	&rc4_portable,
};
#define KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static _Atomic(const struct rc4_kernel *) selected;

void
rc4_init(struct rc4_state *st, const uint8_t *key, size_t key_len)
{
	uint8_t *s = st->s;
	unsigned int j = 0;
	size_t k = 0;

	memcpy(s, rc4_identity, sizeof(st->s));
	for (unsigned int i = 0; i < 256; i++) {
		unsigned int a = s[i];

		j = (j + a + key[k]) & 0xff;
		s[i] = s[j];
		s[j] = (uint8_t)a;
		if (++k == key_len)
			k = 0;
	}
	st->i = 0;
	st->j = 0;
}

void
rc4_rewind(struct rc4_state *st, size_t len)
{
	uint8_t *s = st->s;

	for (; len > 0; len--) {
		uint8_t a = s[st->i];

		s[st->i] = s[st->j];
		s[st->j] = a;
		st->j = (uint8_t)(st->j - s[st->i]);
		st->i--;
	}
}

void
rc4_crypt(struct rc4_state *st, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint8_t *s = st->s;
	unsigned int i = st->i, j = st->j;

	for (size_t n = 0; n < len; n++) {
		unsigned int a, b;

		i = (i + 1) & 0xff;
		a = s[i];
		j = (j + a) & 0xff;
		b = s[j];
		s[i] = (uint8_t)b;
		s[j] = (uint8_t)a;
		dst[n] = src[n] ^ s[(a + b) & 0xff];
	}
	st->i = (uint8_t)i;
	st->j = (uint8_t)j;
}

#ifdef __x86_64__
/* Ticks of the best of a few runs over full lanes. */
static uint64_t
trial(const struct rc4_kernel *kernel)
{
	enum { STREAMS = 16, LEN = 256 };
	uint8_t data[STREAMS][LEN] = {{0}};
	struct rc4_stream streams[STREAMS];
	const struct rc4_stream *order[STREAMS];
	uint64_t best = UINT64_MAX;

	for (unsigned int k = 0; k < STREAMS; k++) {
		streams[k] =
			(struct rc4_stream){.key = rc4_identity + k, .data = data[k], .len = LEN};
		order[k] = &streams[k];
	}
	for (unsigned int run = 0; run < 4; run++) {
		uint64_t ticks = __rdtsc();

		for (unsigned int at = 0; at < STREAMS; at += kernel->lanes)
			kernel->crypt(order + at, kernel->lanes);
		ticks = __rdtsc() - ticks;
		if (ticks < best)
			best = ticks;
	}
	return best;
}
#endif

/*
 * Whether gathers and scatters are worth it is not in the flags: AMD's are slow up to Zen 4, and
 * mitigations in microcode made some of Intel's slow after they were sold.  A trial of some 50
 * microseconds tells.
 */
static const struct rc4_kernel *
best_kernel(void)
{
#ifdef __x86_64__
	if (rc4_scalar.supported() && rc4_avx512.supported())
		return trial(&rc4_avx512) < trial(&rc4_scalar) ? &rc4_avx512 : &rc4_scalar;
	if (rc4_scalar.supported())
		return &rc4_scalar;
#endif
	return &rc4_portable;
}

static const struct rc4_kernel *
kernel_in_use(void)
{
	const struct rc4_kernel *k = atomic_load_explicit(&selected, memory_order_relaxed);

	if (__builtin_expect(k == NULL, 0)) {
		k = best_kernel();
		atomic_store_explicit(&selected, k, memory_order_relaxed);
	}
	return k;
}

int
rc4_select(const char *name)
{
	const struct rc4_kernel *chosen = NULL;

	if (strcmp(name, "auto") == 0)
		chosen = best_kernel();
	for (unsigned int k = 0; !chosen && k < KERNELS; k++) {
		if (strcmp(name, kernels[k]->name) != 0)
			continue;
		if (!kernels[k]->supported())
			return -ENOTSUP;
		chosen = kernels[k];
	}
	if (!chosen)
		return -EINVAL;
	atomic_store_explicit(&selected, chosen, memory_order_relaxed);
	return 0;
}

const char *
rc4_kernel_name(unsigned int index)
{
	for (unsigned int k = 0; k < KERNELS; k++)
		if (kernels[k]->supported() && index-- == 0)
			return kernels[k]->name;
	return NULL;
}

const char *
rc4_selected(void)
{
	return kernel_in_use()->name;
}

/* Streams with a key first, so that key schedules fill lanes; then the longest. */
static bool
goes_before(const struct rc4_stream *a, const struct rc4_stream *b)
{
	if (!a->key != !b->key)
		return a->key != NULL;
	return a->len > b->len;
}

/* Fewer streams than a wide kernel wants are better off with the scalar one. */
static const struct rc4_kernel *
kernel_for(unsigned int streams)
{
	const struct rc4_kernel *kernel = kernel_in_use();

#ifdef __x86_64__
	if (streams < kernel->least)
		return &rc4_scalar;
#endif
	(void)streams;
	return kernel;
}

void
rc4_burst(const struct rc4_stream *streams, unsigned int n)
{
	const struct rc4_stream *order[RC4_BURST_MAX];

	if (n == 1) {
		kernel_for(1)->crypt(&streams, 1);
		return;
	}
	/* Insertion: most bursts have few lengths, and many come sorted. */
	for (unsigned int k = 0; k < n; k++) {
		unsigned int m = k;

		for (; m > 0 && goes_before(&streams[k], order[m - 1]); m--)
			order[m] = order[m - 1];
		order[m] = &streams[k];
	}
	for (unsigned int at = 0, lanes; at < n; at += lanes) {
		const struct rc4_kernel *kernel = kernel_for(n - at);

		lanes = n - at < kernel->lanes ? n - at : kernel->lanes;
		kernel->crypt(order + at, lanes);
	}
}
