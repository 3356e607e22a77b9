/* SPDX-License-Identifier: BSD-3-Clause */
/* What client.c, client_lcp.c, client_options.c and client_auth.c share. */
#ifndef ADIT_CONTROL_PPP_CLIENT_INTERNAL_H
#define ADIT_CONTROL_PPP_CLIENT_INTERNAL_H

#include "control/ppp/client.h"
#include "control/ppp/fsm.h"
#include "control/ppp/number.h"

#define CLIENT_NEVER      UINT64_MAX
#define CLIENT_RESTART_MS 3000 /* RFC 1661 section 4.6 */
#define CLIENT_TRIES      10   /* the same, Max-Configure */

/* client.c */
bool client_lcp_is_open(const struct ppp_client *p);
bool client_ccp_is_open(const struct ppp_client *p);
/* Does what comes next: CCP, IPCP, or tells that the link is up. */
void client_advance(struct ppp_client *p);
/* down(), once, and nothing is asked any more; the server is told if it should know. */
void client_give_up(struct ppp_client *p, enum refusal_code code, const char *text, bool tell);

/* client_lcp.c */
void client_lcp_input(
	struct ppp_client *p, uint8_t code, uint8_t id, const uint8_t *body, size_t len);
void client_echo_timer(struct ppp_client *p);

/* client_options.c: what it asks for, and what it makes of the server's questions and answers. */
void client_options_reset(struct ppp_client *p); /* above LCP */
void client_options_write(
	const struct ppp_client *p, enum ppp_client_protocol which, struct wire_writer *w);
/* Fills what is to be Naked and Rejected. */
void client_judge(struct ppp_client *p, enum ppp_client_protocol which, struct wire_reader options,
	struct wire_writer *nak, struct wire_writer *reject);
void client_naked(struct ppp_client *p, enum ppp_client_protocol which, struct wire_reader options);
void client_rejected(
	struct ppp_client *p, enum ppp_client_protocol which, struct wire_reader options);
/* Tells the keys of what CCP has agreed upon; false: none can be had. */
bool client_keys(struct ppp_client *p);

/* client_auth.c */
void client_chap_input(
	struct ppp_client *p, uint8_t code, uint8_t id, const uint8_t *body, size_t len);
void client_pap_input(struct ppp_client *p, uint8_t code, uint8_t id);
void client_pap_request(struct ppp_client *p);
void client_auth_timer(struct ppp_client *p);

#endif
