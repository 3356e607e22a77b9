/* SPDX-License-Identifier: BSD-3-Clause */
/* A PPTP client over TCP on the loopback, its PPP in frames of the fake data plane. */
#ifndef ADIT_TESTS_CONTROL_FAKE_CLIENT_H
#define ADIT_TESTS_CONTROL_FAKE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "control/ppp/client.h"
#include "control/pptp/client.h"
#include "dataplane.h"

struct client {
	struct fake *fake;
	uv_loop_t *loop;
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_connect_t connecting;
	unsigned int n_handles;
	struct ppp_client peer;
	struct ppp_client_config pc;
	struct pptp_client pptp;
	uint8_t rx[512];
	uint16_t server_call; /* the gateway's ID, 0 before; kept when the call is over */
	bool connected, established, closed;
	uint8_t ocrp_result; /* of any call */
};

/* What its PPP draws: the same in each run. */
void client_random(void *user, uint8_t *buf, size_t len);
/* MS-CHAPv2 with MPPE-128 stateless. */
struct ppp_client_config client_config(const char *user, const char *password);
/* From 127.0.0.source; begins at once.  The struct must live until client_end() has run. */
void client_start(struct client *c, struct fake *f, const struct ppp_client_config *pc,
	uint16_t port, uint8_t source);
void client_send(struct client *c, const struct pptp_message *m);
void client_hangup(struct client *c); /* closes TCP, says nothing */
void client_clear(struct client *c);  /* Call-Clear-Request */
bool client_is_up(const struct client *c);
/* The gateway sent a frame of this session. */
void client_frame(struct client *c, const uint8_t *frame, size_t len);
void client_end(struct client *c); /* closes and waits */

#endif
