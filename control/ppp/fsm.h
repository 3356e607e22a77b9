/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The option negotiation automaton of RFC 1661 section 4, shared by LCP, CCP and IPCP.  The
 * protocol supplies one table of callbacks; the automaton owns identifiers, counters and the
 * restart timer.
 */
#ifndef ADIT_CONTROL_PPP_FSM_H
#define ADIT_CONTROL_PPP_FSM_H

#include "control/ppp/wire.h"

#define FSM_NEVER UINT64_MAX

/* Packet codes, RFC 1661 section 5. */
enum fsm_code {
	FSM_CONFIGURE_REQUEST = 1,
	FSM_CONFIGURE_ACK,
	FSM_CONFIGURE_NAK,
	FSM_CONFIGURE_REJECT,
	FSM_TERMINATE_REQUEST,
	FSM_TERMINATE_ACK,
	FSM_CODE_REJECT,
};

/* RFC 1661 section 4.2. */
enum fsm_state {
	FSM_INITIAL,
	FSM_STARTING,
	FSM_CLOSED,
	FSM_STOPPED,
	FSM_CLOSING,
	FSM_STOPPING,
	FSM_REQ_SENT,
	FSM_ACK_RCVD,
	FSM_ACK_SENT,
	FSM_OPENED,
	FSM_STATES
};

/* RFC 1661 section 4.3; _GOOD is "+", _BAD is "-" there. */
enum fsm_event {
	FSM_UP,
	FSM_DOWN,
	FSM_OPEN,
	FSM_CLOSE,
	FSM_TO_GOOD,
	FSM_TO_BAD,
	FSM_RCR_GOOD,
	FSM_RCR_BAD,
	FSM_RCA,
	FSM_RCN,
	FSM_RTR,
	FSM_RTA,
	FSM_RUC,
	FSM_RXJ_GOOD,
	FSM_RXJ_BAD,
	FSM_RXR,
	FSM_EVENTS
};

/* What judge() may return besides FSM_CONFIGURE_ACK, _NAK and _REJECT: no answer, no event. */
#define FSM_NO_ANSWER 0

struct fsm;
struct ppp_link;

/* Options given to judge(), naked() and rejected() are well formed: iterating them never goes
 * bad. */
struct fsm_ops {
	uint16_t protocol;
	/* Write the options of our Configure-Request; the same until naked() or rejected() changes
	 * them. */
	void (*request)(struct fsm *f, struct wire_writer *options);
	/* Judge the peer's whole request; write the options of the answer. */
	uint8_t (*judge)(struct fsm *f, struct wire_reader options, struct wire_writer *answer);
	/* Our request was acknowledged; false: ask again.  May be NULL. */
	bool (*acked)(struct fsm *f);
	void (*naked)(struct fsm *f, struct wire_reader options);
	void (*rejected)(struct fsm *f, struct wire_reader options);
	void (*up)(struct fsm *f);                           /* This-Layer-Up */
	void (*down)(struct fsm *f);                         /* This-Layer-Down */
	void (*finished)(struct fsm *f, enum fsm_event why); /* This-Layer-Finished */
	/* The peer's Terminate-Request was acknowledged; was: the state in which it came. */
	void (*terminated)(struct fsm *f, enum fsm_state was);
	/* A code above 7: false if unknown. */
	bool (*code)(struct fsm *f, uint8_t code, uint8_t id, struct wire_reader body);
	/* The peer does not know this code of ours (above 7); rest: of our packet, after the code.
	 * May be NULL. */
	void (*code_rejected)(struct fsm *f, uint8_t code, struct wire_reader rest);
};

struct fsm {
	const struct fsm_ops *ops;
	struct ppp_link *link;
	uint64_t due;        /* restart timer */
	uint64_t asked_at;   /* our last Configure-Request, the first time */
	uint64_t opened_at;  /* for repeated requests of a peer that missed our Ack */
	uint32_t acked_hash; /* the peer's request that we acknowledged last */
	uint8_t state;       /* enum fsm_state */
	uint8_t id;          /* of our last Configure-Request */
	uint8_t other_id;    /* of our last other packet */
	uint8_t restarts;    /* restart counter */
	uint8_t naks_sent;   /* in a row: at the limit a Nak becomes a Reject */
	uint8_t objections;  /* Naks and Rejects received without opening */
	uint8_t repeats;     /* of acked_hash in Opened */
	bool answered;       /* the last Configure-Request was */
	bool asked_again;    /* it was repeated */
	bool fresh;          /* first restart timer is the short one */
};

void fsm_init(struct fsm *f, const struct fsm_ops *ops, struct ppp_link *link);
/* Open and Up from anew; identifiers go on, so that late answers do not match. */
void fsm_begin(struct fsm *f);
void fsm_event(struct fsm *f, enum fsm_event event);
/* From Opened back to negotiation, at our wish. */
void fsm_renegotiate(struct fsm *f);
/* One packet of this protocol, without the protocol number.  Hostile. */
void fsm_input(struct fsm *f, const uint8_t *packet, size_t len);
void fsm_timer(struct fsm *f);
/* The Configure-Request once more, same identifier. */
void fsm_repeat_request(struct fsm *f);
/* The peer's request option by option, for judge(): reject() says true to reject one, or writes
 * into nak what the peer should ask for instead, or agrees.  Returns what judge() is to return,
 * with the answer's options written. */
uint8_t fsm_judge_each(struct fsm *f, struct wire_reader options, struct wire_writer *answer,
	bool (*reject)(struct fsm *f, const struct wire_option *o, struct wire_writer *nak));
/* In Opened, the request that we acknowledged once more: see fsm.c. */
bool fsm_is_repeated(const struct fsm *f, struct wire_reader options);
/* Enough Naks were sent: judge() should reject or fail instead. */
bool fsm_nak_limit(const struct fsm *f);
/* Send code, identifier, length and body. */
void fsm_send(struct fsm *f, uint8_t code, uint8_t id, const uint8_t *body, size_t len);

#endif
