/* SPDX-License-Identifier: BSD-3-Clause */
/* What the writer's files share: writer.c has the rings, writer_session.c the sessions, writer_sa.c
 * the SAs.  Main lcore. */
#ifndef ADIT_DATAPLANE_WRITER_INTERNAL_H
#define ADIT_DATAPLANE_WRITER_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/api/command.h"
#include "dataplane/api/event.h"

/* To a session's or a pair's owner.  -EAGAIN: its ring is full, the command stays where it is. */
int writer_pass_on(uint8_t owner, void *target, const struct command *cmd);
/* The callers see to it that there is room: one event for each command, and what
 * writer_session_reap() and writer_sa_reap() were allowed. */
void writer_send_event(const struct event *e);
bool is_unicast(uint32_t ip);

void writer_session_init(void);
/* COMMAND_SESSION_*, or what no other part knows, copied out of the segment.  0 or a negative errno,
 * as apply() in writer.c. */
int writer_session_apply(const struct command *cmd, uint64_t now_us);
/* Carry removals on, at most max of them. */
unsigned int writer_session_reap(unsigned int max);

void writer_sa_init(void);
/* COMMAND_SA_*, copied out of the segment.  0 or a negative errno, as apply() in writer.c. */
int writer_sa_apply(const struct command *cmd, uint64_t now_us);
/* Carry removals on, at most max of them. */
unsigned int writer_sa_reap(unsigned int max);

#endif
