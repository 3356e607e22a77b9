/* SPDX-License-Identifier: BSD-3-Clause */
/* What test_threads.c drives the data plane with. */
#ifndef ADIT_TESTS_UNIT_DATAPLANE_THREADS_H
#define ADIT_TESTS_UNIT_DATAPLANE_THREADS_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "dataplane/api/command.h"
#include "dataplane/api/frame.h"

/* xorshift; *x is not 0. */
uint64_t traffic_random(uint64_t *x);
/* A frame for a worker's classify, or NULL when no more should come for now.  The worker's
 * thread. */
struct rte_mbuf *traffic_next(unsigned int worker);
/* A record of control: mostly one that makes sense, sometimes noise.  to: in the segment. */
void traffic_command(struct command *to, uint64_t *x);
void traffic_frame(struct frame_record *to, uint64_t *x);
/* Tells ThreadSanitizer what it can't see: that who gets an object from a mempool comes after who
 * put it there.  Before threads start; without the sanitizer nothing happens. */
void traffic_tell_sanitizer(void);

#endif
