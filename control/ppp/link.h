/* SPDX-License-Identifier: BSD-3-Clause */
/* The link as its protocols see it: private to control/ppp. */
#ifndef ADIT_CONTROL_PPP_LINK_H
#define ADIT_CONTROL_PPP_LINK_H

#include "control/ppp/fsm.h"
#include "control/ppp/number.h"
#include "control/ppp/ppp.h"

#define PPP_DEFAULT_MRU 1500
#define PPP_RTT_MAX_MS  30000
#define PPP_HELD_MAX    96 /* a Windows IPCP Configure-Request has 40 octets */

struct lcp {
	struct fsm fsm;
	uint32_t magic;      /* ours, 0 = none */
	uint32_t peer_magic; /* of its request, 0 = none */
	uint16_t mru;        /* what we ask for */
	uint16_t peer_mru;
	uint8_t auth;         /* the method asked for, enum ppp_auth */
	uint8_t auth_refused; /* mask of what the peer would not do */
	bool ask_acfc, ask_pfc;
	bool peer_acfc, peer_pfc;
	uint8_t loops; /* times our own magic number came back */
};

enum chap_state { CHAP_IDLE, CHAP_CHALLENGED, CHAP_PENDING, CHAP_RETRY, CHAP_DONE };

#define CHAP_KEPT      4   /* Challenges whose answer counts; a power of two */
#define CHAP_EARLY_MAX 309 /* Value-Size, MS-CHAPv2's value, the longest name */

struct chap_asked {
	uint64_t at;
	bool open; /* not answered */
	uint8_t id;
	uint8_t value[16];
};

struct chap {
	uint64_t due;
	struct chap_asked asked[CHAP_KEPT]; /* by identifier */
	/* The body of an answer to an earlier Challenge than the last, while that one is open. */
	uint8_t early[CHAP_EARLY_MAX];
	uint16_t early_len;
	uint8_t early_id;
	bool early_waits; /* a further Challenge was sent since */
	uint8_t state;    /* enum chap_state */
	uint8_t id;
	uint8_t tries;   /* Challenges, or repeated answers, left to send */
	uint8_t retries; /* failures with R=1 sent on this link */
	uint8_t challenge_len;
	uint8_t challenge[16]; /* the last, or the one that was answered */
	uint8_t response_id;   /* the last Response, to know a repeated one */
	uint8_t response_len;
	uint8_t response[49];
	uint16_t error; /* E= of the last failure */
	char authenticator_response[41];
};

struct pap {
	uint8_t id;
	bool done;
};

/* MPPE's start keys, as the verdict brought them, until CCP is open. */
struct mppe_secret {
	bool valid;
	uint8_t send[MPPE_KEY_MAX], recv[MPPE_KEY_MAX];
};

/* A request that came before its time, to be judged later. */
struct held {
	uint8_t len;
	uint8_t packet[PPP_HELD_MAX];
};

struct ccp {
	struct fsm fsm;
	struct held held;
	uint64_t give_up_at; /* MPPE allowed, not required: when to go on in clear */
	uint64_t last_reset_in, last_reset_out;
	uint8_t rx_bits; /* strengths asked of the peer, as in the wire octet */
	uint8_t tx_bits; /* acknowledged by us: one strength */
	bool rx_stateless, tx_stateless;
	bool mode_tried;     /* we Naked the peer's mode once */
	uint8_t peer_offers; /* every strength that the peer named */
	uint8_t mode_naks;   /* times the peer Naked our mode */
	bool objected;       /* MPPE options were Naked or Rejected by either side */
	bool hold;           /* judge() asks to keep the request for later */
	bool up;             /* mppe_up() was called */
	bool off;            /* CCP is refused from now on */
};

struct ipcp {
	struct fsm fsm;
	struct held held;
	bool no_address;                /* the peer rejected our IP-Address option */
	bool address_good, address_bad; /* of the request that is being judged */
	bool up;                        /* ip_up() was called for this grant */
};

/* What may be forged, and the question that tells. */
struct guard {
	uint64_t begun;      /* the last round of questions; 0: none yet */
	uint64_t until;      /* then what is held is believed */
	uint64_t next;       /* the next question */
	unsigned int frames; /* of this round */
	uint16_t protocol;
	struct held held; /* the last one */
	struct ppp_probe probe;
	uint8_t frame[PPP_PROBE_FRAME];
	size_t frame_len; /* 0: not asked yet */
};

struct ppp_link {
	struct ppp_config cfg;
	const struct ppp_ops *ops;
	void *user;
	uint64_t now;
	uint64_t setup_due, auth_due, echo_due;
	uint64_t heard_at; /* last frame */
	enum ppp_phase phase;
	enum refusal_code code; /* why the link ends */
	char text[96];
	bool over;          /* down() was called */
	bool heard;         /* a frame has come */
	bool peer_seen;     /* ppp_peer_seen() had its effect */
	bool verdict_owed;  /* auth() was called, ppp_auth_result() has not come */
	bool verdict_stale; /* ... and is for an exchange that is over */
	uint8_t echo_id;
	unsigned int echo_lost;
	struct ppp_probe echo; /* the last that was sent, at echo_at */
	uint64_t echo_at;
	uint32_t rtt_ms; /* 0: not known */
	bool rtt_rough;  /* no more than that: question or answer may have been repeated */
	struct ppp_grant grant;
	struct mppe_secret secret;
	struct guard guard;
	struct lcp lcp;
	struct chap chap;
	struct pap pap;
	struct ccp ccp;
	struct ipcp ipcp;
};

/* ppp.c */
void ppp_send(struct ppp_link *l, uint16_t protocol, const uint8_t *payload, size_t len);
/* End the link: LCP Terminate, then down(code, text).  The first reason stands. */
void ppp_fail(struct ppp_link *l, enum refusal_code code, const char *text);
/* down() now. */
void ppp_finish(struct ppp_link *l, enum refusal_code code, const char *text);
void ppp_lcp_opened(struct ppp_link *l);
void ppp_lcp_lost(struct ppp_link *l);
/* The peer's credentials are complete. */
void ppp_ask_verdict(struct ppp_link *l, const struct ppp_credentials *cred);
void ppp_peer_rejects(struct ppp_link *l, uint16_t protocol);
/* CCP has come to its end, one way or the other: IPCP may begin. */
void ppp_begin_ipcp(struct ppp_link *l);
void ppp_opened(struct ppp_link *l);
void ppp_hold(struct held *h, const uint8_t *packet, size_t len);
void ppp_forget_secret(struct ppp_link *l); /* that MPPE's keys are made of */
uint32_t ppp_random32(struct ppp_link *l);
/* A packet of LCP, CCP or IPCP that is not forged. */
void ppp_input_trusted(struct ppp_link *l, uint16_t protocol, const uint8_t *packet, size_t len);

/* lcp.c */
void lcp_init(struct ppp_link *l);
/* Our options as they are before anything is refused; false: no authentication method allowed. */
bool lcp_reset(struct ppp_link *l);
void lcp_echo_timer(struct ppp_link *l);
void lcp_reject_protocol(struct ppp_link *l, const uint8_t *frame, size_t len);

/* probe.c */
bool probe_fits(
	const struct ppp_link *l, const struct ppp_probe *p, uint8_t id, struct wire_reader body);
/* A Code-Reject of it, from the identifier on. */
bool probe_rejected(const struct ppp_link *l, const struct ppp_probe *p, struct wire_reader rest);
/* The answer came just now.  guessed: no longer than that, the question or the answer may have been
 * repeated meanwhile; outgrown: it came later than what was known let expect. */
void rtt_guessed(struct ppp_link *l, uint64_t sent_at);
void rtt_outgrown(struct ppp_link *l, uint64_t sent_at);
void rtt_measured(struct ppp_link *l, uint64_t sent_at);
/* How long a question waits for its answer until it is asked again: so long, and on a slow path
 * half as long again as the round trip. */
uint32_t rtt_patience(const struct ppp_link *l, uint32_t ms);

/* guard.c */
void guard_init(struct ppp_link *l);
/* Nothing is suspected any more. */
void guard_stop(struct ppp_link *l);
/* The link is open, and its path authenticates nothing. */
bool guard_is_on(const struct ppp_link *l);
/* True: this packet of LCP, CCP or IPCP is kept until it is known to be the peer's. */
bool guard_suspects(struct ppp_link *l, uint16_t protocol, const uint8_t *packet, size_t len);
/* An Echo-Reply, perhaps to its question. */
void guard_answered(struct ppp_link *l, uint8_t id, struct wire_reader body);
/* A Code-Reject of an Echo-Request, after the code: an answer, too. */
void guard_rejected(struct ppp_link *l, struct wire_reader rest);
uint64_t guard_due(const struct ppp_link *l);
void guard_timer(struct ppp_link *l);

/* chap.c */
void chap_begin(struct ppp_link *l);
void chap_stop(struct ppp_link *l);
void chap_input(struct ppp_link *l, const uint8_t *packet, size_t len);
void chap_timer(struct ppp_link *l);
/* The Success is repeated until chap_seen_through(). */
void chap_success(struct ppp_link *l, const char *authenticator_response);
/* The peer has gone on to the network phase: it knows that it is authenticated. */
void chap_seen_through(struct ppp_link *l);
/* The verdict is not ok.  True when the peer may try again. */
bool chap_failure(struct ppp_link *l, const struct ppp_verdict *v);

/* pap.c */
void pap_begin(struct ppp_link *l);
void pap_input(struct ppp_link *l, const uint8_t *packet, size_t len);
void pap_answer(struct ppp_link *l, bool ok);

/* ccp.c */
void ccp_init(struct ppp_link *l);
void ccp_begin(struct ppp_link *l);
void ccp_input(struct ppp_link *l, const uint8_t *packet, size_t len);
void ccp_timer(struct ppp_link *l);
/* The peer knows no CCP. */
void ccp_unknown(struct ppp_link *l);
/* MPPE is required, and the peers were still at odds about it. */
bool ccp_disputed(const struct ppp_link *l);
/* The code that names a failure of CCP. */
enum refusal_code ccp_refusal(const struct ppp_link *l);

/* ipcp.c */
void ipcp_init(struct ppp_link *l);
void ipcp_begin(struct ppp_link *l);

#endif
