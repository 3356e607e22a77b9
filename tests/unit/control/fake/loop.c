/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <stdio.h>
#include <stdlib.h>

static void
nothing(uv_timer_t *t)
{
	(void)t;
}

bool
loop_until(uv_loop_t *loop, bool (*done)(void *user), void *user, unsigned int ms)
{
	uv_timer_t beat;
	uint64_t end = uv_hrtime() + ms * 1000000ull;
	uv_timer_init(loop, &beat);
	uv_timer_start(&beat, nothing, 1, 1);
	bool good;
	while (!(good = done && done(user)) && uv_hrtime() < end)
		uv_run(loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&beat, NULL);
	uv_run(loop, UV_RUN_NOWAIT);
	return good;
}

void
loop_for(uv_loop_t *loop, unsigned int ms)
{
	loop_until(loop, NULL, NULL, ms);
}

void
set_true(void *user)
{
	*(bool *)user = true;
}

bool
is_true(void *user)
{
	return *(bool *)user;
}

void
must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}
