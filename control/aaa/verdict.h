/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is asked about a client, and what can be answered: by the local users, by a RADIUS server,
 * over PPP or (IKEv2) without it.  Addresses in host byte order; what is secret is wiped by whoever
 * made it.
 */
#ifndef ADIT_CONTROL_AAA_VERDICT_H
#define ADIT_CONTROL_AAA_VERDICT_H

#include "control/ppp/ppp.h"

/* Over what the client came. */
struct aaa_link {
	uint32_t peer_ip, server_ip;
	const char *carrier;       /* "pptp", "l2tp" */
	const char *nas_name;      /* what this gateway calls itself */
	bool encrypted;            /* inside IPsec: MPPE is neither needed nor granted */
	const char *accounting_id; /* Acct-Session-Id; NULL: none */
};

/* What the client says in this round. */
enum aaa_said {
	AAA_SAID_PROOF,        /* cred's response or password */
	AAA_SAID_NEW_PASSWORD, /* message: MS-CHAP2-CPW's value, RFC 2759 section 7 */
	AAA_SAID_EAP,          /* message: an EAP packet, RFC 3748 */
};

#define AAA_MESSAGE_MAX 4096 /* octets */

/* Valid while the question is asked. */
struct aaa_question {
	enum aaa_said said;
	const struct ppp_credentials *cred; /* always: its name, and its method but for EAP */
	const uint8_t *message;
	size_t message_len; /* at most AAA_MESSAGE_MAX */
	const struct aaa_link *link;
	unsigned int round; /* from 0; set by aaa_ask() */
};

enum aaa_outcome { AAA_REFUSE, AAA_ACCEPT, AAA_CONTINUE };

/* What the client is to say next. */
enum aaa_next {
	AAA_NEXT_PROOF,    /* MS-CHAP's retry: E= R=1 C= */
	AAA_NEXT_PASSWORD, /* MS-CHAP's change of password: E=648 R=1 C= */
	AAA_NEXT_EAP,      /* an answer to message */
};

/* MPPE's or an EAP method's keys as this gateway sends and receives, RFC 2548 sections 2.4.2 and
 * 2.4.3.  MPPE takes the first 16 octets, or 8. */
#define AAA_KEY_MAX 32
struct aaa_keys {
	uint8_t len; /* of each; 0: none */
	uint8_t send[AAA_KEY_MAX], recv[AAA_KEY_MAX];
};

#define AAA_ROUTES 8
struct aaa_route {
	uint32_t prefix;
	uint8_t len;
};

struct aaa_verdict {
	enum aaa_outcome outcome;
	/* Why not; of AAA_CONTINUE: why the client is refused that can't go on. */
	enum refusal_code refusal;
	char why[96];      /* in words, where there is more to say than the code does; else "" */
	uint32_t delay_ms; /* for whoever passes it on: not before that */

	/* AAA_CONTINUE. */
	enum aaa_next next;
	uint8_t challenge_len; /* MS-CHAP: C=; 0: the asker makes one */
	uint8_t challenge[16];
	const uint8_t *message; /* EAP; borrowed for the call */
	size_t message_len;

	/* AAA_ACCEPT. */
	char user[PPP_NAME_MAX + 1]; /* his name as configured, never what the client claims */
	/* peer_ip 0: one of the pool.  Of MPPE what the user is allowed: aaa_answer() lowers it to
	 * what the gateway allows. */
	struct ppp_grant grant;
	char authenticator_response[41]; /* MS-CHAPv2: the Success's S= */
	struct aaa_keys keys;
	/* Limits and timers, 0: none. */
	uint32_t session_s, idle_s, interim_s;
	uint16_t mtu;
	uint8_t n_routes;
	struct aaa_route routes[AAA_ROUTES]; /* behind the client */
	char filter_in[64], filter_out[64];  /* by name; "": none */
};

#endif
