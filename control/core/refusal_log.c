/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/refusal_log.h"

#include <string.h>

void
refusal_log_turn(struct refusal_log *l, uint64_t now_ms,
	void (*each)(void *user, enum refusal_code code, unsigned int lines), void *user)
{
	if (now_ms - l->window_ms < 1000)
		return;
	for (unsigned int i = 0; i < REFUSAL_COUNT; i++)
		if (l->cause[i].suppressed)
			each(user, (enum refusal_code)i, l->cause[i].suppressed);
	memset(l->cause, 0, sizeof(l->cause));
	l->window_ms = now_ms;
}

bool
refusal_log_may(struct refusal_log *l, enum refusal_code code, uint32_t ip)
{
	unsigned int c = (unsigned int)code < REFUSAL_COUNT ? code : REFUSAL_NONE, i = 0;
	/* An address has a line at least before it stands here: there is room for all of them. */
	while (i < l->cause[c].n_addresses && l->cause[c].address[i].ip != ip)
		i++;
	if (l->cause[c].lines == REFUSAL_LOG_CAUSE ||
		(i < l->cause[c].n_addresses &&
			l->cause[c].address[i].lines == REFUSAL_LOG_ADDRESS)) {
		l->cause[c].suppressed++;
		return false;
	}
	l->cause[c].lines++;
	l->cause[c].n_addresses += i == l->cause[c].n_addresses;
	l->cause[c].address[i].ip = ip;
	l->cause[c].address[i].lines++;
	return true;
}
