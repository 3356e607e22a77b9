/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server under test, clients, and a network between them that loses, repeats and reorders;
 * virtual time.  Clients are told apart by their path.
 */
#ifndef ADIT_TESTS_L2TP_LAB_H
#define ADIT_TESTS_L2TP_LAB_H

#include "control/l2tp/client.h"
#include "control/l2tp/image.h"

#define LAB_LACS     64
#define LAB_QUEUE    1024
#define LAB_SESSIONS 4096
#define LAB_IMAGES   256
#define LAB_MESSAGES 64 /* of a client: that wait, its sessions, and what is noted */
#define LAB_STEPS    256

struct lab_session {
	uint16_t tunnel_id, our_id, peer_id;
	uint32_t server_ip;
	struct l2tp_path path;
	unsigned int up, down;
	struct l2tp_connected how;
	enum refusal_code why;
	char text[64];
};

struct lab {
	struct l2tp_config cfg;
	struct l2tp_server *server;
	struct l2tp_client lacs[LAB_LACS];
	struct lab_port {
		struct lab *lab;
		unsigned int lac;
		struct l2tp_client_message queue[LAB_MESSAGES];
		struct l2tp_client_session sessions[LAB_MESSAGES];
		/* "> SCCRQ 0/0": the client's; "< ...": the server's; Ns/Nr. */
		char steps[LAB_STEPS][32];
		unsigned int n_steps;
	} ports[LAB_LACS];
	struct l2tp_path paths[LAB_LACS];
	unsigned int n_lacs;
	uint64_t now, rng;
	unsigned int loss, dup, reorder; /* per cent */
	struct {
		uint64_t at;
		unsigned int lac;
		bool to_server;
		size_t len;
		uint8_t bytes[512];
	} queue[LAB_QUEUE];
	unsigned int n_queue;
	/* What the server does. */
	enum refusal_code answer, tunnel_answer;
	uint16_t next_session_id;
	struct lab_session sessions[LAB_SESSIONS];
	unsigned int n_sessions;
	unsigned int tunnels_over, tunnels_stopped;
	enum refusal_code why, stopped_why; /* of the last one */
	char text[96];
	uint64_t octets_in, octets_out, stray; /* stray: sent to nobody we know */
	uint8_t last[512];                     /* message of the server */
	size_t last_len;
	struct l2tp_path last_to;
	bool close_on_request, close_on_down; /* the gateway calls back */
	/* What outlives the server: established tunnels, and calls if keep_sessions. */
	struct l2tp_tunnel_image images[LAB_IMAGES]; /* id 0: none */
	unsigned int n_images;
	bool keep_sessions,
		noted_first; /* the latter: abort when a message says more than they do */
};

void lab_init(struct lab *lab); /* defaults in cfg; the server is made by lab_start() */
void lab_start(struct lab *lab);
void lab_end(struct lab *lab);
/* The server's process dies without a word; another one goes on with what outlives it. */
void lab_restart(struct lab *lab);
/* A client on its own path: behind IPsec when peer is not 0. */
struct l2tp_client *lab_lac(struct lab *lab, const struct l2tp_client_config *cfg, uint32_t peer);
void lab_run(struct lab *lab, uint64_t until);
/* A message from this path, at once. */
void lab_inject(struct lab *lab, const struct l2tp_path *from, const void *bytes, size_t len);
struct l2tp_stats lab_stats(const struct lab *lab);
/* A client with an established tunnel. */
struct l2tp_client *lab_tunnel(struct lab *lab, uint32_t peer);

#endif
