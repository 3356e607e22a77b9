/* SPDX-License-Identifier: BSD-3-Clause */
/* The link under test, a client and a network between them that loses, repeats and reorders;
 * virtual time. */
#ifndef ADIT_TESTS_PPP_LAB_H
#define ADIT_TESTS_PPP_LAB_H

#include "control/ppp/client.h"

#define LAB_QUEUE 256
#define LAB_STEPS 512

struct lab_frame {
	uint64_t at;
	bool to_server;
	size_t len;
	uint8_t data[512];
};

struct lab {
	struct ppp_config cfg;
	struct ppp_grant grant;
	struct ppp_link *link;
	struct ppp_client peer;
	unsigned int client_draws; /* of its random octets, which are always the same */
	uint64_t now, rng;
	unsigned int loss, dup, reorder; /* per cent */
	uint32_t delay_ms;
	bool reflect;             /* the server hears itself */
	unsigned int vanish_step; /* the client falls silent after so many frames */
	unsigned int lose_step;   /* lose the n-th frame (from 1) */
	struct lab_frame queue[LAB_QUEUE];
	unsigned int queued;
	/* What the ops were told. */
	struct ppp_framing framing;
	struct ppp_credentials cred;
	struct ppp_mppe_result keys;
	bool keys_known;          /* NAS can derive MPPE keys */
	bool defer;               /* verdicts come only through lab_verdict() */
	enum refusal_code refuse; /* instead of looking at the password */
	const char *password;
	unsigned int forged;
	unsigned int lcp_ups, auths, mppe_ups, mppe_downs, flushes, ip_ups, downs;
	bool mppe_on;
	bool clear_leak; /* ip_up without MPPE though required */
	enum refusal_code code;
	char text[128];
	/* Every frame, one line each. */
	char steps[LAB_STEPS][72];
	unsigned int nsteps;
	unsigned int server_frames;
};

/* The server's callbacks; user: the lab. */
extern const struct ppp_ops *const lab_ops;

/* Defaults: MS-CHAPv2, MPPE-128 stateless required, alice. */
void lab_init(struct lab *lab, struct ppp_client_config *pc);
/* Create both ends; start the server, and the client when client_starts. */
void lab_start(struct lab *lab, const struct ppp_client_config *pc, bool client_starts);
void lab_run(struct lab *lab, uint64_t until);
/* Run until the client is open and the server told ip_up, or the link is down, or the time is
 * over. */
void lab_settle(struct lab *lab, uint64_t until);
void lab_verdict(struct lab *lab);
/* The n-th (from 0) step that contains text, or -1. */
int lab_step(const struct lab *lab, const char *text, int n);
unsigned int lab_count(const struct lab *lab, const char *text);
void lab_print(const struct lab *lab);
void lab_end(struct lab *lab);
/* Raw frame to the server, now. */
void lab_inject(struct lab *lab, const void *frame, size_t len);

#endif
