/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A refusal is counted (R17), and logged with its remedy as far as core/refusal_log.h allows.
 * Calling context: adit-control's loop.  Addresses in host byte order.
 */
#ifndef ADIT_CONTROL_CORE_REFUSE_H
#define ADIT_CONTROL_CORE_REFUSE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "control/core/refusal.h"
#include "control/core/refusal_log.h"

struct refusals {
	uv_loop_t *loop;                /* its clock */
	uint64_t counts[REFUSAL_COUNT]; /* since start */
	struct refusal_log log;
};

/* Counts it, and logs it if that is allowed now: event=EVENT, what the format says (with the
 * address), code, text and remedy.  text NULL or "": what the code says. */
void refuse(struct refusals *r, enum refusal_code why, uint32_t peer_ip, const char *event,
	const char *text, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Its halves, where they are apart. */
void refuse_count(struct refusals *r, enum refusal_code why);
void refuse_log(struct refusals *r, enum refusal_code why, uint32_t peer_ip, const char *event,
	const char *text, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* May a line that an unauthenticated peer causes be written now? */
bool refuse_may_log(struct refusals *r, enum refusal_code why, uint32_t peer_ip);
/* Once a second: reports what the log left out (event=log-suppressed). */
void refuse_turn(struct refusals *r);

#endif
