/* SPDX-License-Identifier: BSD-3-Clause */
/* An L2TP client whose control messages and PPP go through the fake data plane: in clear, or
 * through a pair of SAs. */
#ifndef ADIT_TESTS_CONTROL_FAKE_CALLER_H
#define ADIT_TESTS_CONTROL_FAKE_CALLER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "client.h"
#include "control/l2tp/client.h"
#include "control/ppp/client.h"
#include "dataplane.h"
#include "dataplane/api/sa.h"
#include "dataplane/api/session.h"

struct caller {
	struct fake *fake;
	uv_loop_t *loop;
	uv_timer_t timer;
	unsigned int n_handles;
	struct l2tp_client lac;
	struct l2tp_client_message queue[32];
	struct l2tp_client_session sessions[32];
	struct l2tp_client_session *session;
	struct ppp_client peer;
	struct ppp_client_config pc;
	uint32_t sa; /* that it sends through, 0: in clear */
	struct sa_outer inner;
	uint32_t last_sa; /* that the gateway's last message came through */
	bool no_call, closed;
	bool no_ppp; /* calls, and says nothing */
	/* Echoes that came outside of its session's way, which it answers unless it is deaf. */
	bool deaf;
	unsigned int n_probes;
	uint32_t probed_sa;
	struct sa_outer probed_to;     /* 0: where the pair sends */
	uint8_t probe[64], answer[64]; /* L2TP message; frame */
	size_t probe_len, answer_len;
};

/* Begins at once; calls as soon as its tunnel is up.  The struct must live until caller_end(). */
void caller_start(struct caller *c, struct fake *f, const struct l2tp_client_config *lc,
	const struct ppp_client_config *pc, uint32_t sa, const struct sa_outer *inner);
/* The gateway sent an L2TP message, or a PPP frame of this session: true when it is for this
 * one. */
bool caller_message(struct caller *c, uint32_t sa, const struct sa_outer *inner,
	const uint8_t *bytes, size_t len);
bool caller_frame(
	struct caller *c, const struct session_entry *e, const uint8_t *frame, size_t len);
bool caller_is_up(const struct caller *c);
void caller_end(struct caller *c); /* says nothing; waits */

#endif
