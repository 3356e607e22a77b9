/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * L2TP clients that call the whole gateway, all of them from one NAT address; IKE's part, pairs of
 * SAs, is played here.
 */
#ifndef ADIT_TESTS_CONTROL_FAKE_CALL_H
#define ADIT_TESTS_CONTROL_FAKE_CALL_H

#include "caller.h"
#include "control/carrier/l2tp.h"
#include "dataplane/api/sa.h"
#include "gateway.h"

#define CALLERS_MAX 64
#define SERVER_IP   0xc0000201
#define NAT_IP      0xc6336401

extern struct caller callers[CALLERS_MAX];
extern unsigned int strays;              /* messages of the gateway to nobody */
extern uint32_t current_of[CALLERS_MAX]; /* a peer's pair to send through, by peer */
extern uint32_t closed_peer;             /* that the gateway closed last */
extern int users_of[CALLERS_MAX];        /* as the gateway says, by peer */
/* Whose answer has come last, through which pair and from where else. */
extern struct call_answered {
	unsigned int n;
	uint32_t peer, sa;
	struct sa_outer from;
} call_answer;

/* Start the gateway for L2TP, with these settings in l2tp and besides. */
void call_stage(const char *l2tp, const char *settings);
/* Its parts: the stage with the fake data plane; cfg; the gateway. */
void call_open(void);
void call_configure(const char *l2tp, const char *settings);
void call_begin(void);
void call_close(void); /* after the gateway's end */
/* The gateway leaves its sessions to the next one: call_configure() and call_begin(). */
void call_hand_over(void);
/* It has stopped: it and cfg are freed, and the data plane is alone. */
void gateway_over(void);
bool fake_is_alone(void *user);     /* for loop_until() */
int call_setup(void **state);       /* without either */
int call_setup_clear(void **state); /* L2TP in clear is served, too */
int call_teardown(void **state);

/* IKE: a pair for this peer, known to the data plane. */
uint32_t make_pair(uint32_t peer, uint16_t port);
void forget_pairs(void);

struct ppp_client_config ppp_client(const char *user, const char *password);
/* Caller i begins to call as this peer, with a new pair; peer 0: in clear. */
struct caller *call_as(unsigned int i, uint32_t peer, const struct ppp_client_config *pc);
/* The same as alice, and waits until it is up. */
struct caller *call_up(unsigned int i, uint32_t peer);
/* The same for a client without MPPE. */
struct caller *call_plain(unsigned int i, uint32_t peer);

/* For loop_until(): user is a caller. */
bool caller_up(void *user);
bool caller_over(void *user);

#endif
