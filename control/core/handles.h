/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libuv gives a handle's memory back from its loop, some time after uv_close(): whoever ends counts
 * what is still open, and is told when nothing is any more.
 */
#ifndef ADIT_CONTROL_CORE_HANDLES_H
#define ADIT_CONTROL_CORE_HANDLES_H

#include <stdbool.h>

struct handles {
	unsigned int n; /* open or closing */
	bool ending;    /* none will be added that matters */
	void (*none)(void *user);
	void *user;
};

void handles_add(struct handles *h, unsigned int n);
/* One has closed.  After handles_end(), none(user) follows the last one; h may be gone then. */
void handles_closed(struct handles *h);
/* While at least one is open: none(user) is called when the last one has closed. */
void handles_end(struct handles *h, void (*none)(void *user), void *user);

#endif
