/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/handles.h"

void
handles_add(struct handles *h, unsigned int n)
{
	h->n += n;
}

void
handles_closed(struct handles *h)
{
	if (--h->n == 0 && h->ending)
		h->none(h->user);
}

void
handles_end(struct handles *h, void (*none)(void *user), void *user)
{
	h->none = none;
	h->user = user;
	h->ending = true;
}
