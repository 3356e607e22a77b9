/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many lines about refusals the log gets (T24): each cause has a share of its own, and each
 * address a share of a cause, so that what a stranger provokes for nothing hides no wrong password,
 * and one who guesses passwords hides nobody else who does.  What is left out is counted and
 * reported.  Pure: no log, no clock.
 */
#ifndef ADIT_CONTROL_CORE_REFUSAL_LOG_H
#define ADIT_CONTROL_CORE_REFUSAL_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "control/core/refusal.h"

#define REFUSAL_LOG_CAUSE   20 /* lines a second of one cause */
#define REFUSAL_LOG_ADDRESS 6  /* of them about one address */

struct refusal_log {
	uint64_t window_ms; /* when the present second began */
	struct {
		unsigned int lines, suppressed, n_addresses;
		struct {
			uint32_t ip;
			unsigned int lines;
		} address[REFUSAL_LOG_CAUSE];
	} cause[REFUSAL_COUNT];
};

/* May a line about this cause and address (host byte order; 0: none) be written now? */
bool refusal_log_may(struct refusal_log *l, enum refusal_code code, uint32_t ip);
/* To be called before refusal_log_may() and now and then: when a second is over, a new one begins,
 * and each(user, code, lines) is told what was left out of the old one. */
void refusal_log_turn(struct refusal_log *l, uint64_t now_ms,
	void (*each)(void *user, enum refusal_code code, unsigned int lines), void *user);

#endif
