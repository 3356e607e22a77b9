/* SPDX-License-Identifier: BSD-3-Clause */
/* RC4: the plain stream, the choice of a kernel, and the sorting of streams into its lanes. */
#include "crypto/rc4.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "crypto/rc4_kernel.h"

#define ROW_(n)  n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define ROWS_(n) ROW_(n), ROW_(n + 8), ROW_(n + 16), ROW_(n + 24)

const uint8_t rc4_identity[256] __attribute__((aligned(64))) = {
	ROWS_(0), ROWS_(32), ROWS_(64), ROWS_(96), ROWS_(128), ROWS_(160), ROWS_(192), ROWS_(224)};

static const struct rc4_kernel *const kernels[RC4_KERNELS] = {
#ifdef __x86_64__
	[RC4_SCALAR] = &rc4_scalar,
	[RC4_WIDE] = &rc4_wide,
	[RC4_OPENSSL] = &rc4_openssl,
	[RC4_AVX512] = &rc4_avx512,
#endif
	[RC4_PORTABLE] = &rc4_portable,
};

/* What every burst begins with: the plan, 0 before there is one.  All kernels keep states in one
 * form, so it may change between two bursts. */
#define NO_PLAN UINT64_C(0)
static _Atomic uint64_t current = NO_PLAN;
static _Atomic bool settled;

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

const struct rc4_kernel *
rc4_kernel_at(enum rc4_kernel_id id)
{
	return kernels[id] && kernels[id]->supported() ? kernels[id] : NULL;
}

uint64_t
rc4_plan_of(enum rc4_kernel_id id)
{
	uint64_t plan = 0;

	for (enum rc4_case c = 0; c < RC4_CASES; c++) {
		enum rc4_kernel_id of = id;

		if (id == RC4_AVX512 && c < RC4_MANY_NEW)
			of = RC4_SCALAR;
		if (id != RC4_AVX512 && c >= RC4_MANY_NEW)
			of = RC4_NONE;
		plan |= rc4_plan_entry(c, of, 0);
	}
	return plan;
}

void
rc4_set_plan(uint64_t plan)
{
	atomic_store_explicit(&current, plan, memory_order_relaxed);
}

static void
choose(void)
{
	uint64_t plan;

	atomic_store_explicit(&settled, rc4_trial_here(&plan), memory_order_relaxed);
	rc4_set_plan(plan);
}

uint64_t
rc4_plan(void)
{
	uint64_t plan = atomic_load_explicit(&current, memory_order_relaxed);

	if (__builtin_expect(plan == NO_PLAN, 0)) {
		choose();
		plan = atomic_load_explicit(&current, memory_order_relaxed);
	}
	return plan;
}

int
rc4_select(const char *name)
{
	if (strcmp(name, "auto") == 0) {
		choose();
		return 0;
	}
	for (enum rc4_kernel_id id = 0; id < RC4_KERNELS; id++) {
		if (!kernels[id] || strcmp(name, kernels[id]->name) != 0)
			continue;
		if (!kernels[id]->supported())
			return -ENOTSUP;
		atomic_store_explicit(&settled, true, memory_order_relaxed);
		rc4_set_plan(rc4_plan_of(id));
		return 0;
	}
	return -EINVAL;
}

bool
rc4_settle(void)
{
	static uint32_t calls; /* the main thread's */

	if (atomic_load_explicit(&settled, memory_order_relaxed))
		return true;
	calls++;
	if (calls & (calls - 1)) /* more and more rarely */
		return false;
	choose();
	return atomic_load_explicit(&settled, memory_order_relaxed);
}

const char *
rc4_kernel_name(unsigned int index)
{
	for (enum rc4_kernel_id id = 0; id < RC4_KERNELS; id++)
		if (rc4_kernel_at(id) && index-- == 0)
			return kernels[id]->name;
	return NULL;
}

const char *
rc4_selected(void)
{
	const uint64_t plan = rc4_plan();
	enum rc4_kernel_id id = rc4_plan_kernel(plan, RC4_MANY_ON);

	if (id == RC4_NONE)
		id = rc4_plan_kernel(plan, RC4_FOUR_ON);
	return kernels[id]->name;
}

unsigned int
rc4_choices(struct rc4_choice out[RC4_CHOICES])
{
	static const char *const names[RC4_CASES] = {
		[RC4_LONE_NEW] = "rc4-new-1",
		[RC4_LONE_ON] = "rc4-on-1",
		[RC4_TWO_NEW] = "rc4-new-2",
		[RC4_TWO_ON] = "rc4-on-2",
		[RC4_FOUR_NEW] = "rc4-new-4",
		[RC4_FOUR_ON] = "rc4-on-4",
		[RC4_MANY_NEW] = "rc4-new-9",
		[RC4_MANY_ON] = "rc4-on-9",
	};
	const uint64_t plan = rc4_plan();
	unsigned int n = 0;

	for (enum rc4_case c = 0; c < RC4_CASES; c++) {
		enum rc4_kernel_id id = rc4_plan_kernel(plan, c);

		if (id != RC4_NONE)
			out[n++] = (struct rc4_choice){
				names[c], kernels[id]->name, rc4_plan_from(plan, c)};
	}
	return n;
}

/* Streams with a key first, so that key schedules fill lanes; then the longest. */
static bool
goes_before(const struct rc4_stream *a, const struct rc4_stream *b)
{
	if (!a->key != !b->key)
		return a->key != NULL;
	return a->len > b->len;
}

/* Insertion: most bursts have few lengths, and many come sorted. */
static inline void
sort(const struct rc4_stream *streams, unsigned int n, const struct rc4_stream **order)
{
	for (unsigned int k = 0; k < n; k++) {
		unsigned int m = k;

		for (; m > 0 && goes_before(&streams[k], order[m - 1]); m--)
			order[m] = order[m - 1];
		order[m] = &streams[k];
	}
}

/* What the plan says of a case, for n streams of this mean length; NULL: nothing. */
static inline const struct rc4_kernel *
kernel_in(uint64_t plan, enum rc4_case c, const struct rc4_stream *const *streams, unsigned int n)
{
	const enum rc4_kernel_id id = rc4_plan_kernel(plan, c);
	const uint32_t from = rc4_plan_from(plan, c);
	uint32_t len = 0;

	if (from == 0)
		return id == RC4_NONE ? NULL : kernels[id];
	for (unsigned int k = 0; k < n; k++)
		len += streams[k]->len;
	if (len >= from * n)
		return kernels[id];
	return c < RC4_MANY_NEW ? kernels[RC4_SCALAR] : NULL;
}

/* Streams with a key come first: if the last has one, all have. */
static inline const struct rc4_kernel *
kernel_for(uint64_t plan, const struct rc4_stream *const *streams, unsigned int n)
{
	const unsigned int four = n < 4 ? n : 4, many = n < 16 ? n : 16;
	const struct rc4_kernel *kernel;

	if (n >= RC4_MANY) {
		kernel = kernel_in(plan, RC4_MANY_NEW + !streams[many - 1]->key, streams, many);
		if (kernel)
			return kernel;
	}
	return kernel_in(
		plan, 2 * (four > 2 ? 2 : four - 1) + !streams[four - 1]->key, streams, four);
}

const char *
rc4_kernel_for(const struct rc4_stream *streams, unsigned int n)
{
	const struct rc4_stream *order[RC4_BURST_MAX];

	sort(streams, n, order);
	return kernel_for(rc4_plan(), order, n)->name;
}

void
rc4_burst(const struct rc4_stream *streams, unsigned int n)
{
	const struct rc4_stream *order[RC4_BURST_MAX];
	const uint64_t plan = rc4_plan();

	if (n == 1) {
		const struct rc4_stream *lone = streams;

		kernel_in(plan, streams->key ? RC4_LONE_NEW : RC4_LONE_ON, &lone, 1)
			->crypt(&lone, 1);
		return;
	}
	sort(streams, n, order);
	for (unsigned int at = 0, lanes; at < n; at += lanes) {
		const struct rc4_kernel *kernel = kernel_for(plan, order + at, n - at);

		lanes = n - at < kernel->lanes ? n - at : kernel->lanes;
		kernel->crypt(order + at, lanes);
	}
}
