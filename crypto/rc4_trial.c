/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which RC4 kernel is the fastest for which case, on this CPU: not in its flags.  Gathers are slow
 * on AMD's up to Zen 4, and mitigations in microcode made some of Intel's slow after they were
 * sold; an octet that is forwarded from a store to a load costs Zen 3 seven times what a word does.
 * The scalar kernel is the default, which others must beat in duels.
 */
#include "crypto/duel.h"
#include "crypto/rc4_kernel.h"

#ifdef __x86_64__
#include <x86intrin.h>
#endif

const uint32_t rc4_lengths[RC4_LENGTHS] = {0, 64, 256, 512};

struct pair {
	const struct rc4_clock *clock;
	const struct rc4_kernel *kernel[2];
	enum rc4_case c;
	uint32_t len;
};

static uint64_t
run(const void *user, unsigned int who)
{
	const struct pair *p = user;

	return p->clock->run(p->clock->user, p->kernel[who], p->c, p->len);
}

static bool
wins(const struct rc4_clock *clock, const struct rc4_kernel *holder,
	const struct rc4_kernel *challenger, enum rc4_case c, unsigned int length, bool *calm)
{
	const struct pair p = {clock, {holder, challenger}, c, rc4_lengths[length]};

	return duel_won(&(struct duel){run, &p}, calm);
}

static bool
takes_part(enum rc4_kernel_id id, enum rc4_case c)
{
	if (!rc4_kernel_at(id))
		return false;
	if (id == RC4_OPENSSL)
		return c <= RC4_LONE_ON;
	return (id == RC4_AVX512) == (c >= RC4_MANY_NEW);
}

/* The case's entry in the plan. */
static uint64_t
choose(const struct rc4_clock *clock, enum rc4_case c, uint64_t four, bool *calm)
{
	static const enum rc4_kernel_id challengers[] = {RC4_WIDE, RC4_OPENSSL, RC4_AVX512};
	enum rc4_kernel_id best = RC4_SCALAR;
	unsigned int from = RC4_LENGTHS - 1;

	if (c >= RC4_MANY_NEW) /* who is to be beaten */
		best = rc4_plan_kernel(four, c - RC4_MANY_NEW + RC4_FOUR_NEW);
	const enum rc4_kernel_id holder = best;
	for (unsigned int k = 0; k < sizeof(challengers) / sizeof(challengers[0]); k++)
		if (takes_part(challengers[k], c) &&
			wins(clock, rc4_kernel_at(best), rc4_kernel_at(challengers[k]), c, from,
				calm))
			best = challengers[k];
	if (best == holder)
		return c < RC4_MANY_NEW ? rc4_plan_entry(c, holder, 0)
					: rc4_plan_entry(c, RC4_NONE, 0);
	while (from > 1 &&
		wins(clock, rc4_kernel_at(RC4_SCALAR), rc4_kernel_at(best), c, from - 1, calm))
		from--;
	return rc4_plan_entry(c, best, from);
}

bool
rc4_trial(const struct rc4_clock *clock, uint64_t *plan)
{
	bool calm = true;

	*plan = 0;
	if (!rc4_kernel_at(RC4_SCALAR)) {
		*plan = rc4_plan_of(RC4_PORTABLE);
		return true;
	}
	for (enum rc4_case c = 0; c < RC4_CASES; c++)
		*plan |= choose(clock, c, *plan, &calm);
	return calm;
}

#ifdef __x86_64__
#define STREAMS 16
#define LEN_MAX 512

struct bench {
	uint8_t data[STREAMS][LEN_MAX];
	struct rc4_state state[STREAMS];
};

static uint64_t
run_here(void *user, const struct rc4_kernel *kernel, enum rc4_case c, uint32_t len)
{
	static const uint8_t count[] = {1, 2, 4, STREAMS};
	const bool fresh = c % 2 == 0;
	const unsigned int n = count[c / 2];
	struct rc4_stream streams[STREAMS];
	const struct rc4_stream *order[STREAMS];
	struct bench *b = user;
	uint64_t ticks;

	for (unsigned int k = 0; k < n; k++) {
		streams[k] = (struct rc4_stream){.key = fresh ? rc4_identity + k : NULL,
			.state = fresh ? NULL : &b->state[k],
			.data = b->data[k],
			.len = len};
		order[k] = &streams[k];
	}
	ticks = __rdtsc();
	/* As much work in all cases: that of one short call is too uneven. */
	for (unsigned int call = 0; call < STREAMS / n; call++)
		for (unsigned int at = 0; at < n; at += kernel->lanes)
			kernel->crypt(order + at, n - at < kernel->lanes ? n - at : kernel->lanes);
	return __rdtsc() - ticks;
}

bool
rc4_trial_here(uint64_t *plan)
{
	struct bench b = {0};

	for (unsigned int k = 0; k < STREAMS; k++)
		rc4_init(&b.state[k], rc4_identity + 15 * k, RC4_KEY_LEN - 1);
	return rc4_trial(&(struct rc4_clock){run_here, &b}, plan);
}
#else
bool
rc4_trial_here(uint64_t *plan)
{
	*plan = rc4_plan_of(RC4_PORTABLE);
	return true;
}
#endif
