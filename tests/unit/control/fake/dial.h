/* SPDX-License-Identifier: BSD-3-Clause */
/* PPTP clients that dial in to the whole gateway. */
#ifndef ADIT_TESTS_CONTROL_FAKE_DIAL_H
#define ADIT_TESTS_CONTROL_FAKE_DIAL_H

#include "client.h"
#include "gateway.h"

#define CLIENTS_MAX 2304

extern struct client clients[CLIENTS_MAX];

/* Start the gateway for PPTP on the loopback, with these settings besides; change, which may be
 * NULL, sees cfg before. */
void dial_stage(const char *settings, void (*change)(struct config *c));
/* Its parts: the stage with the fake data plane; a port that is free.  The rest is gateway.h's. */
void dial_open(void);
uint16_t dial_port(void);
int dial_setup(void **state); /* without either */
int dial_teardown(void **state);

/* A frame goes to the client whose call the session carries: fake.frame; user is the fake. */
void dial_frame(void *user, uint32_t handle, const uint8_t *frame, size_t len);

/* Client i begins to dial. */
struct client *dial(unsigned int i, const char *user, const char *password);
struct client *dial_from(unsigned int i, uint8_t source, const char *user,
	const char *password); /* 127.0.0.source */
/* The same, and waits until it is up. */
struct client *dial_up(unsigned int i, const char *user, const char *password);
/* Client 0 dials, is refused, and its session is gone. */
void dial_refused(const char *user, const char *password, enum refusal_code code);

/* For loop_until(): user is a client. */
bool client_up(void *user);
bool client_over(void *user);

#endif
