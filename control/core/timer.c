/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/timer.h"

void
timer_arm(uv_timer_t *timer, uint64_t *armed, uint64_t due, uv_timer_cb callback)
{
	uint64_t now = uv_now(timer->loop);
	if (due == *armed)
		return;
	*armed = due;
	if (due == UINT64_MAX)
		uv_timer_stop(timer);
	else
		uv_timer_start(timer, callback, due > now ? due - now : 0, 0);
}
