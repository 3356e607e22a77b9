/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole gateway in one process and one loop:
 *
 *   clients (dial.h, call.h)      --- listener, PPTP, L2TP, PPP, decisions --- link --- fake data
 * plane |                                                                                    |
 *      +----------------------------- PPP frames, L2TP control messages --------------------+
 */
#ifndef ADIT_TESTS_CONTROL_FAKE_GATEWAY_H
#define ADIT_TESTS_CONTROL_FAKE_GATEWAY_H

#include "control/gateway.h"
#include "control/settings/change.h"
#include "stage.h"

extern struct config *cfg;
extern struct gateway *gw;
extern struct settings *live; /* cfg's, while the gateway runs */

/* A configuration: alice may dial in, bob not, carol has the address 10.9.0.77; these settings
 * besides. */
struct config *make_config(const char *settings);
/* Start with cfg; the fake data plane listens. */
void gateway_begin(void);
void gateway_await_dataplane(void);
/* As an operator: until the gateway ends.  What the fate concerned. */
unsigned int set_live(const char *name, const char *value, enum fate fate);
/* The file again, as make_config() writes it, or with other users.  False: refused. */
bool reload_with(const char *settings, const char *users, enum fate fate);
/* Stop it and free it and cfg; passwords must not have been logged. */
void gateway_end(void);
/* What is left of one that has stopped. */
void gateway_gone(void);

struct gateway_status status(void);
/* Of the carrier of this name, and a figure of its own, in whatever group. */
struct carrier_status carrier(const char *name);
uint64_t figure(const char *name, const char *what);
/* The session with the lowest number; id 0 when there is none. */
struct session_info first_session(void);
/* For loop_until(). */
bool no_sessions(void *user);
bool dataplane_is(void *user); /* connected, or if user is NULL, not */

#endif
