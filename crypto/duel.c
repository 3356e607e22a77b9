/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/duel.h"

#define RUNS   8 /* of each of the two, taking turns */
#define FEW    4 /* enough to see that there is nothing to win */
#define ROUNDS 2
#define TRIES  3 /* of a duel that was disturbed */

/* Best of the runs, and whether half of them agree with it: a neighbour disturbs some, or none. */
struct times {
	uint64_t run[RUNS], best;
};

static bool
is_calm(const struct times *t, unsigned int runs)
{
	unsigned int near = 0;

	for (unsigned int r = 0; r < runs; r++)
		near += t->run[r] <= t->best + t->best / 4;
	return near >= runs / 2;
}

static void
run(const struct duel *duel, unsigned int who, struct times *t, unsigned int r)
{
	t->run[r] = duel->run(duel->user, who);
	if (t->run[r] < t->best)
		t->best = t->run[r];
}

enum outcome { LOST, WON, DISTURBED };

/* Challengers must be faster by a sixteenth. */
static enum outcome
fight_once(const struct duel *duel)
{
	struct times a = {.best = UINT64_MAX}, b = a;

	for (unsigned int r = 0; r < RUNS; r++) {
		run(duel, DUEL_HOLDER, &a, r);
		run(duel, DUEL_CHALLENGER, &b, r);
		if (r + 1 == FEW && b.best > a.best && is_calm(&a, FEW) && is_calm(&b, FEW))
			return LOST;
	}
	if (!is_calm(&a, RUNS) || !is_calm(&b, RUNS))
		return DISTURBED;
	return b.best < a.best - a.best / 16 ? WON : LOST;
}

static bool
fight(const struct duel *duel, bool *calm)
{
	for (unsigned int try = 0; try < TRIES; try++) {
		enum outcome o = fight_once(duel);

		if (o != DISTURBED)
			return o == WON;
	}
	*calm = false;
	return false;
}

bool
duel_won(const struct duel *duel, bool *calm)
{
	for (unsigned int round = 0; round < ROUNDS; round++)
		if (!fight(duel, calm))
			return false;
	return true;
}
