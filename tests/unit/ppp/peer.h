/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PPP client written apart from control/ppp: a plain request-and-answer loop for each protocol,
 * with the habits of pppd and Windows as switches.  Virtual time, no sockets.
 */
#ifndef ADIT_TESTS_PPP_PEER_H
#define ADIT_TESTS_PPP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/ppp/ppp.h"

enum { P_LCP, P_CCP, P_IPCP, P_COUNT };
#define H_STATELESS 0x01
#define L_40        0x20
#define M_56        0x80
#define S_128       0x40

struct peer_config {
	unsigned int auth; /* enum ppp_auth that the client does */
	bool auth_rejects; /* Configure-Reject instead of Nak */
	const char *user, *password;
	const char *second_password; /* for the retry after E=691 R=1 */
	uint16_t mru;
	bool identify;  /* LCP Identification, as Windows */
	bool multilink; /* asks for MRRU and callback */
	bool no_magic;
	bool no_echo;      /* Code-Reject of Echo-Request */
	bool no_ccp;       /* Protocol-Reject of CCP */
	bool no_mppe;      /* rejects option 18 */
	bool asks_no_mppe; /* CCP with an empty request */
	bool deflate;      /* asks for deflate besides */
	uint8_t mppe;      /* strengths that the client does */
	uint8_t mppe_ask;  /* strengths of its request; 0: mppe */
	bool ask_stateful, insist_mode, refuse_stateful;
	bool late_ccp_ack; /* no answer to ours before its own is acknowledged */
	bool ignores_ccp;  /* no answer at all */
	bool pppd;        /* repeats no Response, hears no CCP and IPCP before the Success, and ends
			   * the link when CCP is requested after it has opened */
	bool acks_choice; /* acknowledges several strengths */
	bool stubborn;    /* repeats its own strengths after a Nak */
	uint32_t restart_ms; /* of its requests; 0: 3 s */
	uint32_t ip;         /* asked for */
	bool ip_insist, no_ip_option, dns, wins, vj, reject_server_ip, early_ipcp;
};

struct negotiation {
	uint16_t protocol;
	bool started, ours, theirs; /* acknowledged */
	uint8_t id;
	uint64_t due;
	unsigned int tries;
};

struct peer {
	struct peer_config cfg;
	void (*send)(void *user, const uint8_t *frame, size_t len);
	void *user;
	uint64_t now;
	struct negotiation n[P_COUNT];
	unsigned int method; /* acknowledged authentication */
	bool authenticated, failed, mute, closed;
	unsigned int error; /* E= */
	bool multilink_rejected, vj_rejected, deflate_rejected, asks_vj;
	uint32_t magic;
	uint8_t tx_bits, rx_bits; /* as in option 18's last octet */
	bool tx_stateless, rx_stateless, mppe_wanted, tried_second;
	uint32_t ip, dns[2], wins[2];
	bool ip_asks_dns, ip_asks_wins;
	uint8_t nt_hash[16], nt_response[24];
	uint8_t last_response[300];
	size_t last_response_len;
	uint64_t response_due;
	unsigned int protocol_rejects, echo_replies, resets, reset_acks, sent;
	uint8_t chap_id;
};

void peer_init(struct peer *p, const struct peer_config *cfg,
	void (*send)(void *user, const uint8_t *frame, size_t len), void *user);
void peer_start(struct peer *p, uint64_t now);
void peer_input(struct peer *p, const uint8_t *frame, size_t len, uint64_t now);
uint64_t peer_next_timer(const struct peer *p);
void peer_timer(struct peer *p, uint64_t now);
/* Send one packet of any protocol. */
void peer_packet(
	struct peer *p, uint16_t protocol, uint8_t code, uint8_t id, const void *body, size_t len);
bool peer_is_open(const struct peer *p);
/* LCP Terminate-Request: it has left Opened. */
void peer_hang_up(struct peer *p, uint8_t id, uint64_t now);
/* Send a new Configure-Request of this protocol, as when renegotiating. */
void peer_renegotiate(struct peer *p, int which, uint64_t now);

#endif
