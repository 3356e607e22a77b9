/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An L2TP client (LAC) written apart from control/l2tp's tunnels: one message under way at a time,
 * early ones dropped, as simple clients do.  Virtual time, no sockets.
 */
#ifndef ADIT_TESTS_L2TP_LAC_H
#define ADIT_TESTS_L2TP_LAC_H

#include "control/l2tp/message.h"

#define LAC_QUEUE    64
#define LAC_SESSIONS 64
#define LAC_STEPS    256

struct lac_config {
	uint16_t id;        /* of its tunnel */
	const char *secret; /* NULL: none */
	bool challenges;    /* wants the server to prove the secret */
	bool hides;         /* Assigned Tunnel and Session IDs are hidden */
	bool wrong_response;
	bool stops_at_challenge; /* as xl2tpd does when it has no secret */
	bool bare_iccn;          /* without Tx Connect Speed and Framing Type */
	bool sequencing;         /* ICCN carries Sequencing Required */
	bool mute;               /* answers nothing */
	uint16_t window;         /* 0: not said */
};

struct lac_session {
	uint16_t id, peer_id; /* peer_id 0: no ICRP yet */
	bool up, over;
	uint16_t result, error; /* of CDN */
};

struct lac {
	struct lac_config cfg;
	void (*send)(void *user, const uint8_t *bytes, size_t len);
	void *user;
	uint64_t now, due;
	uint16_t ns, nr, peer_id;
	struct {
		uint8_t bytes[512];
		size_t len;
	} queue[LAC_QUEUE];
	unsigned int n_queued, tries;
	bool up, stopped, dead; /* SCCRP came; StopCCN came; no acknowledgement */
	uint16_t result, error;
	uint8_t challenge[16];
	bool proven; /* the server's response was right */
	struct lac_session sessions[LAC_SESSIONS];
	unsigned int n_sessions, n_sent, n_received, hellos, repeats;
	/* A session's ICRP came and ICCN was sent. */
	void (*connected)(void *user, struct lac_session *s);
	char steps[LAC_STEPS][32];
	unsigned int n_steps;
};

void lac_init(struct lac *l, const struct lac_config *cfg,
	void (*send)(void *user, const uint8_t *bytes, size_t len), void *user);
void lac_start(struct lac *l, uint64_t now);
/* Queues any message of this tunnel; header and hiding are filled in. */
void lac_post(struct lac *l, struct l2tp_message *m);
struct lac_session *lac_call(struct lac *l, uint16_t session_id);
void lac_hang_up(struct lac *l, struct lac_session *s);
void lac_stop(struct lac *l);
void lac_input(struct lac *l, const uint8_t *bytes, size_t len, uint64_t now);
uint64_t lac_next_timer(const struct lac *l);
void lac_timer(struct lac *l, uint64_t now);

#endif
