/* SPDX-License-Identifier: BSD-3-Clause */
/* A gateway for tests of the operators' room: control/gateway.h without protocols or data plane. */
#ifndef ADIT_TESTS_FAKE_GATEWAY_H
#define ADIT_TESTS_FAKE_GATEWAY_H

#include "control/gateway.h"
#include "dataplane/api/layout.h"

#define FAKE_SESSIONS_MAX 2000

/* Sessions with ids from 1: alice (128 bits), bob (40 bits), then user-3 and so on. */
/* Or with the names of this list, which ends with NULL. */
extern const char *const *fake_gateway_names;
struct gateway *fake_gateway_new(unsigned int n_sessions);
void fake_gateway_free(struct gateway *g);
/* "": healthy */
void fake_gateway_problem(struct gateway *g, const char *problem);
void fake_gateway_dataplane(struct gateway *g, bool connected);
/* The segment, to be spoilt. */
struct segment_header *fake_gateway_segment(struct gateway *g);

#endif
