/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One PPP link from the side that dials: LCP, authentication as the one who is asked (CHAP with
 * MD5, MS-CHAPv1 and v2, PAP), CCP for MPPE, and IPCP asking for an address.  A pure machine:
 * frames and time go in; frames, keys, addresses and one timer come out.  No socket, clock, log,
 * allocation or global state inside; the struct is its user's to place.
 *
 * It is written apart from the server's automaton (fsm.h): a plain loop of question and answer for
 * each protocol, so that two of ours that meet do not agree in the same mistake.  What it receives
 * is hostile.  Frames are a 2-octet protocol number in network byte order and the payload, as in
 * ppp.h; addresses are in host byte order, time is monotonic milliseconds.  mschap_init()
 * (crypto/mschap.h) must have been called.
 */
#ifndef ADIT_CONTROL_PPP_CLIENT_H
#define ADIT_CONTROL_PPP_CLIENT_H

#include "control/ppp/ppp.h"

enum ppp_client_protocol { PPP_CLIENT_LCP, PPP_CLIENT_CCP, PPP_CLIENT_IPCP, PPP_CLIENT_PROTOCOLS };

/*
 * How clients in the field differ from each other, and from the RFCs; all off: as here described.
 * For whoever plays many of them (bench/setups, the tests).
 */
struct ppp_client_habits {
	bool auth_rejects;    /* Configure-Reject instead of Nak of a method that it does not do */
	bool identify;        /* LCP Identification, as Windows */
	bool multilink;       /* asks for MRRU and callback, as Windows */
	bool no_magic;        /* neither asks for a magic number nor takes the server's */
	bool no_echo;         /* Code-Reject of Echo-Request */
	bool no_ccp;          /* Protocol-Reject of CCP */
	bool no_mppe;         /* rejects option 18 */
	bool asks_no_mppe;    /* CCP with an empty request */
	bool deflate;         /* asks for deflate besides, as pppd */
	uint8_t mppe_ask;     /* option 18's last octet in its first request; 0: cfg.mppe's */
	bool ask_stateful;    /* key changes every 256 packets */
	bool insist_mode;     /* Naks the other mode */
	bool refuse_stateful; /* rejects it */
	bool late_ccp_ack;    /* no answer to the server's CCP before its own is acknowledged */
	bool ignores_ccp;     /* no answer at all */
	/* Repeats no Response, hears no CCP and IPCP before the Success, and ends the link when CCP
	 * is requested after it has opened (pppd 2.4.9). */
	bool pppd;
	bool acks_choice;      /* acknowledges several strengths */
	bool stubborn;         /* repeats its own strengths after a Nak */
	bool ip_insist;        /* ... and its own address */
	bool no_ip_option;     /* asks for no address */
	bool vj;               /* asks for header compression, as pppd */
	bool reject_server_ip; /* rejects the server's IP-Address option */
	bool early_ipcp;       /* begins IPCP beside CCP */
	bool mute;             /* neither hears nor says anything */
};

struct ppp_client_config {
	unsigned int auth;           /* mask of enum ppp_auth that it does */
	const char *user, *password; /* at most PPP_NAME_MAX octets; outlive the client */
	/* For one more try when the server lets it (RFC 2759 section 6, R=1); NULL: none. */
	const char *second_password;
	uint16_t mru;        /* octets; 0: not said, 1500 */
	uint8_t mppe;        /* mask of PPP_MPPE_*; 0: none */
	bool mppe_required;  /* it opens with MPPE, or not at all */
	uint32_t restart_ms; /* of its requests; 0: 3000, RFC 1661 section 4.6 */
	uint32_t
		echo_interval_ms; /* of silence, until it asks whether the server lives; 0: never */
	unsigned int echo_failures; /* unanswered in a row, until it is dead */
	uint32_t ip;                /* asked for; 0: whatever the server gives */
	bool dns, wins;             /* asks for name servers, RFC 1877 */
	struct ppp_client_habits habits;
};

/* MPPE is agreed upon.  As seen from this side; wiped after the call. */
struct ppp_client_keys {
	struct mppe_params tx, rx;
};

struct ppp_client;

/* All calls come from within a ppp_client_*() call on the same client; of these none may be called
 * back but ppp_client_packet().  Those that may be NULL are not called then. */
struct ppp_client_ops {
	void (*send)(void *user, const uint8_t *frame, size_t len); /* protocol and payload */
	/* For magic number and challenge: unpredictable. */
	void (*random)(void *user, uint8_t *buf, size_t len);
	/* CCP has opened.  Comes again after the server has negotiated LCP anew.  May be NULL. */
	void (*mppe_up)(void *user, const struct ppp_client_keys *keys);
	/* IPCP has opened: p->ip, p->server_ip, p->dns and p->wins hold.  May be NULL. */
	void (*up)(void *user, const struct ppp_client *p);
	/* The link is over, once; REFUSAL_NONE: the server ended it.  May be NULL. */
	void (*down)(void *user, enum refusal_code code, const char *text);
};

/* One protocol's negotiation. */
struct ppp_client_negotiation {
	bool started;
	bool ours, theirs; /* request acknowledged */
	uint8_t id;
	unsigned int tries;  /* of the last request */
	unsigned int rounds; /* requests, since LCP began */
	uint64_t due;
};

/* Read by its user, changed by none but the functions below. */
struct ppp_client {
	struct ppp_client_config cfg;
	const struct ppp_client_ops *ops;
	void *user;
	uint64_t now;
	struct ppp_client_negotiation n[PPP_CLIENT_PROTOCOLS];
	unsigned int method;   /* enum ppp_auth, agreed upon; 0: none yet */
	bool authenticated;    /* ... and with MS-CHAPv2 the server, too */
	bool failed;           /* it has given up */
	bool closed;           /* the server has ended the link */
	bool over;             /* down() was called */
	bool was_up;           /* up() was called for what is negotiated now */
	bool keyed;            /* mppe_up() was, or would have been */
	unsigned int error;    /* E= of the last CHAP Failure, RFC 2759 section 6 */
	uint32_t magic;        /* 0: none */
	uint32_t server_magic; /* the same */
	uint16_t server_mru;
	uint32_t ip, server_ip, dns[2], wins[2];
	/* MPPE: masks of PPP_MPPE_*, one each when CCP has opened. */
	uint8_t tx_strengths, rx_strengths;
	uint8_t rx_ask; /* option 18's last octet */
	bool tx_stateless, rx_stateless;
	bool asks_mppe, asks_vj, asks_dns, asks_wins, tried_second;
	bool multilink_rejected, vj_rejected, deflate_rejected;
	uint8_t nt_hash[16], nt_response[24];      /* secrets */
	uint8_t challenge[16], peer_challenge[16]; /* that nt_response is to */
	uint8_t chap_id;
	uint8_t response[1 + 49 + PPP_NAME_MAX]; /* the last: Value-Size, value, name */
	size_t response_len;
	uint64_t response_due; /* then it is said again, or PAP's request is; UINT64_MAX: never */
	unsigned int response_tries;
	uint8_t pap_id, echo_id;
	uint64_t echo_due;
	unsigned int echo_lost;
	/* What was heard and said. */
	unsigned int protocol_rejects, echo_replies, resets, reset_acks, sent;
};

/* cfg is copied, its strings are not.  Nothing is sent before ppp_client_start(), or the server's
 * first request. */
void ppp_client_init(struct ppp_client *p, const struct ppp_client_config *cfg,
	const struct ppp_client_ops *ops, void *user);
void ppp_client_wipe(struct ppp_client *p); /* secrets; nothing else may follow but _init() */
/* Nothing happens when the server has already made it begin. */
void ppp_client_start(struct ppp_client *p, uint64_t now_ms);
/* One received frame, hostile; len counts the protocol. */
void ppp_client_input(struct ppp_client *p, const uint8_t *frame, size_t len, uint64_t now_ms);
/* When ppp_client_timer() is due (UINT64_MAX: never), and to be called then. */
uint64_t ppp_client_next_timer(const struct ppp_client *p);
void ppp_client_timer(struct ppp_client *p, uint64_t now_ms);
/* It has an address, and MPPE if it was to have it. */
bool ppp_client_is_open(const struct ppp_client *p);
/* LCP Terminate-Request: it has left Opened and answers no echoes. */
void ppp_client_hang_up(struct ppp_client *p, uint8_t id, uint64_t now_ms);
/* A new Configure-Request of this protocol, as when negotiating anew. */
void ppp_client_renegotiate(struct ppp_client *p, enum ppp_client_protocol which, uint64_t now_ms);
/* Sends any packet, true or not: code, identifier, length and this body. */
void ppp_client_packet(struct ppp_client *p, uint16_t protocol, uint8_t code, uint8_t id,
	const void *body, size_t len);

#endif
