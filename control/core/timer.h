/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers of machines that say when they are due next.  Calling context: adit-control's loop. */
#ifndef ADIT_CONTROL_CORE_TIMER_H
#define ADIT_CONTROL_CORE_TIMER_H

#include <stdint.h>
#include <uv.h>

/* Calls callback at due (milliseconds of the loop's clock; UINT64_MAX: never), and not at what was
 * due before.  *armed is what the timer is set to: UINT64_MAX when it does not run, also in the
 * callback, which says so.  Costs nothing when due is what it was. */
void timer_arm(uv_timer_t *timer, uint64_t *armed, uint64_t due, uv_timer_cb callback);

#endif
