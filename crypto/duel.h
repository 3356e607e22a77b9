/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which of two ways to do the same is the faster, on this CPU: for the choices that are made at
 * start.  One way holds the place; what is to take it must be clearly faster in two rounds, so that
 * a machine makes the same choice at every start.
 */
#ifndef ADIT_CRYPTO_DUEL_H
#define ADIT_CRYPTO_DUEL_H

#include <stdbool.h>
#include <stdint.h>

enum { DUEL_HOLDER, DUEL_CHALLENGER };

struct duel {
	/* Ticks that the work took; who: one of the two above. */
	uint64_t (*run)(const void *user, unsigned int who);
	const void *user;
};

/* Whether the challenger won.  Where neighbours disturbed all tries it has not, and *calm becomes
 * false. */
bool duel_won(const struct duel *duel, bool *calm);

#endif
