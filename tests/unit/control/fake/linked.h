/* SPDX-License-Identifier: BSD-3-Clause */
/* Control's side of the segment alone, against the fake data plane. */
#ifndef ADIT_TESTS_CONTROL_FAKE_LINKED_H
#define ADIT_TESTS_CONTROL_FAKE_LINKED_H

#include "control/link/link.h"
#include "dataplane/api/counters.h"
#include "stage.h"

extern struct link *lnk;

/* What the link said. */
struct link_said {
	unsigned int ups, downs, orphans, frames, refused, seen, lost, gone;
	void *last_owner;
	int error;
	struct session_counters counters;
	size_t frame_len;
};
extern struct link_said got;
/* Callbacks that keep it: all that concern sessions, none of pairs of SAs. */
extern const struct link_ops got_ops;

int link_setup(void **state);
int link_teardown(void **state);
/* Make the link. */
void begin(const struct link_ops *ops);
/* The fake data plane listens; make the link and wait until it is connected. */
void begin_connected(const struct link_ops *ops);
struct link_stats stats(void);

/* For link_free() and loop_until(). */
void link_closed(void *user);
bool link_is_closed(void *user);
bool link_is_connected(void *user);
bool link_is_down(void *user);

/* A session that the data plane knows. */
uint32_t add_session(void *owner);

#endif
