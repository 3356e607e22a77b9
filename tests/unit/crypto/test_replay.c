/* SPDX-License-Identifier: BSD-3-Clause */
/* T14: the window's corners, and a slow model beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/replay.h"

#define W REPLAY_WINDOW_DEFAULT

static struct replay *
new_window(unsigned int window)
{
	struct replay *r = malloc(replay_size(window));

	assert_non_null(r);
	assert_true(replay_init(r, window));
	return r;
}

/* Each row: a number, and what the window says to it. */
struct corner {
	uint64_t seq;
	enum replay_verdict verdict;
};

static void
walk(unsigned int window, uint64_t base, const struct corner *c, size_t n)
{
	struct replay *r = new_window(window);

	r->top = base;
	for (size_t i = 0; i < n; i++) {
		struct replay *before = malloc(replay_size(window));

		memcpy(before, r, replay_size(window));
		if (replay_check(r, c[i].seq) != c[i].verdict)
			fail_msg("row %zu: number %llx", i, (unsigned long long)c[i].seq);
		assert_memory_equal(before, r, replay_size(window)); /* checking changes nothing */
		assert_int_equal(replay_update(r, c[i].seq), c[i].verdict);
		if (c[i].verdict != REPLAY_NEW) /* nor does a refusal */
			assert_memory_equal(before, r, replay_size(window));
		free(before);
	}
	free(r);
}
#define WALK(base, corners) walk(W, base, corners, sizeof(corners) / sizeof(corners[0]))

static void
test_corners(void **state)
{
	static const struct corner start[] = {
		{0, REPLAY_ZERO},
		{1, REPLAY_NEW},
		{1, REPLAY_SEEN},
		{0, REPLAY_ZERO},
		{9, REPLAY_NEW},
		{8, REPLAY_NEW},
		{7, REPLAY_NEW},
		{7, REPLAY_SEEN},
		{63, REPLAY_NEW},
		{64, REPLAY_NEW},
		{65, REPLAY_NEW},
		{64, REPLAY_SEEN},
		{63, REPLAY_SEEN},
		{W, REPLAY_NEW},
		{2, REPLAY_NEW}, /* still inside */
		{1, REPLAY_SEEN},
		{W + 1, REPLAY_NEW},
		{1, REPLAY_OLD}, /* just left of it */
		{2, REPLAY_SEEN},
		{W + 2, REPLAY_NEW},
		{2, REPLAY_OLD},
		{3, REPLAY_NEW},
	};
	static const struct corner jumps[] = {
		{1, REPLAY_NEW},
		{W * 2 + 1, REPLAY_NEW}, /* as far as the ring is long */
		{1, REPLAY_OLD},
		{W + 1, REPLAY_OLD},
		{W + 2, REPLAY_NEW},
		{W * 2, REPLAY_NEW},
		{W * 2, REPLAY_SEEN},
		{W * 1000, REPLAY_NEW}, /* everything forgotten */
		{W * 999, REPLAY_OLD},
		{W * 999 + 1, REPLAY_NEW},
		{W * 1000 - 1, REPLAY_NEW},
		{UINT64_C(1) << 40, REPLAY_NEW},
		{W * 1000, REPLAY_OLD},
		{(UINT64_C(1) << 40) - 5, REPLAY_NEW},
	};

	(void)state;
	WALK(0, start);
	WALK(0, jumps);
}

/* The last numbers: what follows them is refused, never taken for new (RFC 4303 section 3.3.3). */
static void
test_wrap_is_refused(void **state)
{
	static const struct corner last64[] = {
		{UINT64_MAX - 1, REPLAY_NEW},
		{UINT64_MAX, REPLAY_NEW},
		{UINT64_MAX, REPLAY_SEEN},
		{0, REPLAY_ZERO},
		{1, REPLAY_OLD},
		{UINT64_MAX - 1, REPLAY_SEEN},
		{UINT64_MAX - W + 1, REPLAY_NEW},
		{UINT64_MAX - W, REPLAY_OLD},
	};
	static const struct corner last32[] = {
		{UINT32_MAX, REPLAY_NEW},
		{0, REPLAY_ZERO}, /* the wrapped counter of a peer without ESN */
		{1, REPLAY_OLD},
		{2, REPLAY_OLD},
		{UINT32_MAX, REPLAY_SEEN},
		{UINT32_MAX - 1, REPLAY_NEW},
	};

	(void)state;
	WALK(UINT64_MAX - 2, last64);
	WALK(UINT32_MAX - 2, last32);
}

static void
test_sizes(void **state)
{
	(void)state;
	assert_int_equal(replay_size(0), 0);
	assert_int_equal(replay_size(REPLAY_WINDOW_MIN - 1), 0);
	assert_int_equal(replay_size(REPLAY_WINDOW_MAX + 1), 0);
	assert_false(replay_init(NULL, REPLAY_WINDOW_MAX + 1));
	assert_int_equal(replay_size(W), sizeof(struct replay) + 256);
	for (unsigned int w = REPLAY_WINDOW_MIN; w <= REPLAY_WINDOW_MAX; w += 33) {
		struct replay *r = new_window(w);

		/* All of the window is told apart, whatever top's place in its word. */
		for (uint64_t top = 3 * w; top < 3 * w + 64; top++) {
			assert_int_equal(replay_update(r, top), REPLAY_NEW);
			assert_int_equal(replay_check(r, top - w), REPLAY_OLD);
			assert_int_not_equal(replay_check(r, top - w + 1), REPLAY_OLD);
		}
		for (uint64_t seq = 3 * w + 63; seq > 2 * w + 63; seq--)
			assert_int_equal(
				replay_update(r, seq), seq < 3 * w ? REPLAY_NEW : REPLAY_SEEN);
		free(r);
	}
}

/* The window against a list of every number accepted. */
static void
test_model(void **state)
{
	enum { SPAN = 20000 };
	static const unsigned int windows[] = {32, 64, 65, 1000, 1024, 2048, 4096};
	uint64_t rng = 88172645463325252u;

	(void)state;
	for (size_t k = 0; k < sizeof(windows) / sizeof(windows[0]); k++) {
		const uint64_t base = (UINT64_C(7) << 32) - SPAN / 2;
		struct replay *r = new_window(windows[k]);
		static bool seen[SPAN];
		uint64_t top = base - 1;

		memset(seen, 0, sizeof(seen));
		r->top = top;
		for (int i = 0; i < 100000; i++) {
			uint64_t seq, around = top > base ? top - base : 0;
			enum replay_verdict want = REPLAY_NEW;

			rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
			seq = base +
			      (around + rng % (windows[k] * 2) + 4 + SPAN - windows[k] * 2) % SPAN;
			if (top >= windows[k] && seq <= top - windows[k])
				want = REPLAY_OLD;
			else if (seen[seq - base])
				want = REPLAY_SEEN;
			assert_int_equal(replay_update(r, seq), want);
			if (want == REPLAY_NEW)
				seen[seq - base] = true;
			if (seq > top)
				top = seq;
			assert_true(r->top == top);
		}
		free(r);
	}
}

/* RFC 4303 appendix A2.1, and its corners. */
static void
test_esn(void **state)
{
	static const struct {
		uint64_t top;
		uint32_t low;
		uint64_t seq;
	} rows[] = {
		{0, 1, 1},
		{0, 0, 0},
		{0, UINT32_MAX, 0}, /* before the first subspace: no such number */
		{0, UINT32_MAX - W, UINT32_MAX - W},
		{5, UINT32_MAX, 0},
		{W - 1, 0, 0},
		{W - 1, 1, 1},
		{W + 10, 9, (UINT64_C(1) << 32) + 9}, /* left of the window: the next subspace */
		{W + 10, 11, 11},
		{0xfffffffe, 0xffffffff, 0xffffffff},
		{0xffffffff, 0, UINT64_C(0x100000000)},
		{0xffffffff, 0xffffffff, 0xffffffff},
		{0xffffffff, 0xffffffff - W + 1, 0xffffffff - W + 1},
		{0xffffffff, 0xffffffff - W, UINT64_C(0x1fffffbff)},
		{UINT64_C(0x100000000), 0xffffffff, 0xffffffff}, /* case B: the window spans two */
		{UINT64_C(0x100000000), 0, UINT64_C(0x100000000)},
		{UINT64_C(0x100000000), 7, UINT64_C(0x100000007)},
		{UINT64_C(0x100000000), 0xfffffc01, 0xfffffc01},
		{UINT64_C(0x100000000), 0xfffffc00, UINT64_C(0x1fffffc00)},
		{UINT64_C(0x7000000ff), 0xffffffff, UINT64_C(0x6ffffffff)},
		{UINT64_C(0x700000000) + W, 5, UINT64_C(0x700000005)},
		{UINT64_C(0x700000000) + W, 0, UINT64_C(0x800000000)},
		{UINT64_MAX, 0xffffffff, UINT64_MAX},
		{UINT64_MAX, 0, 0}, /* after the last subspace: no such number */
		{UINT64_MAX, 0xffffffff - W, 0},
		{UINT64_MAX - 3, 0xfffffffe, UINT64_MAX - 1},
	};
	struct replay *r = new_window(W);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r->top = rows[i].top;
		if (replay_esn(r, rows[i].low) != rows[i].seq)
			fail_msg(
				"row %zu: %llx", i, (unsigned long long)replay_esn(r, rows[i].low));
	}
	/* A sender that counts on, with losses, over two wraps. */
	replay_init(r, W);
	for (uint64_t seq = 1; seq < UINT64_C(0x280000000); seq += 7 + (seq & 0xfffff)) {
		assert_true(replay_esn(r, (uint32_t)seq) == seq);
		assert_int_equal(replay_update(r, seq), REPLAY_NEW);
	}
	assert_true(r->top > UINT64_C(0x200000000));
	free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corners),
		cmocka_unit_test(test_wrap_is_refused),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_esn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
