/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One PPP link as a network access server sees it: LCP, authentication, CCP/MPPE and IPCP over a
 * shared RFC 1661 automaton.  A pure machine: frames, decisions and the time go in; frames, timers
 * and results come out through struct ppp_ops.  No socket, clock, log, thread or global state
 * inside, so the same code serves the gateway, two peers in one test, a load generator and the
 * fuzzers.
 *
 * Frames are a 2-octet PPP protocol number (network order, never compressed) followed by the
 * payload; address and control fields, protocol compression and MPPE are the data plane's business.
 * Time is monotonic milliseconds.  No callback may call back into the same link, except where said.
 */
#ifndef ADIT_CONTROL_PPP_PPP_H
#define ADIT_CONTROL_PPP_PPP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/core/refusal.h"
#include "crypto/mppe.h"

#define PPP_FRAME_MAX 1984 /* protocol and payload; what a ring record carries */
#define PPP_NAME_MAX  255  /* user name octets, NUL not included */

/* Authentication methods, a bit mask.  In order of preference from strong to weak (RFC 1661
 * section 6.2). */
enum ppp_auth {
	PPP_AUTH_MSCHAPV2 = 1 << 0, /* RFC 2759 */
	PPP_AUTH_CHAP_MD5 = 1 << 1, /* RFC 1994 */
	PPP_AUTH_MSCHAPV1 = 1 << 2, /* RFC 2433: off by default */
	PPP_AUTH_PAP = 1 << 3,      /* RFC 1334: off by default */
};

enum ppp_mppe_policy { PPP_MPPE_FORBID, PPP_MPPE_ALLOW, PPP_MPPE_REQUIRE };
enum ppp_mppe_mode { PPP_MPPE_STATELESS_ONLY, PPP_MPPE_PREFER_STATELESS, PPP_MPPE_PREFER_STATEFUL };
/* Bit mask of MPPE strengths. */
enum { PPP_MPPE_40 = 1 << 0, PPP_MPPE_56 = 1 << 1, PPP_MPPE_128 = 1 << 2 };

/* Link policy before the user is known.  Addresses are in host byte order.  Copied by ppp_new(). */
struct ppp_config {
	uint16_t mru;               /* ours, offered when not 1500; 1400 usual for PPTP */
	uint16_t min_peer_mru;      /* smaller offers are Naked */
	unsigned int auth;          /* mask of enum ppp_auth, offered in order of strength */
	bool acfc, pfc;             /* offer and accept */
	char server_name[64];       /* CHAP name */
	uint32_t echo_interval_ms;  /* LCP Echo-Request when idle, 0 = never */
	unsigned int echo_failures; /* unanswered echoes until the link is dead */
	uint32_t
		restart_first_ms; /* first LCP restart (FACTS: within 1 s), later ones restart_ms */
	uint32_t restart_ms;      /* 3000, RFC 1661 section 4.6 */
	unsigned int max_configure, max_terminate, max_failure; /* 10, 2, 5 */
	uint32_t auth_timeout_ms;                               /* whole authentication phase */
	uint32_t setup_timeout_ms;                              /* from start to IP up */
	unsigned int auth_retries; /* MS-CHAPv2 failure packets with R=1; 0: one try */
	/* What carries the frames authenticates them (IPsec).  false: they may be forged, and one
	 * that would end or restart an open link counts only if the peer does not answer for two
	 * seconds or three round trips (T27). */
	bool authentic_path;
};

/* What the authenticator's decision grants.  Host byte order. */
struct ppp_grant {
	uint32_t local_ip, peer_ip;
	uint32_t dns[2], wins[2];  /* 0 = none: option rejected (RFC 1877) */
	uint8_t mppe_policy;       /* enum ppp_mppe_policy */
	uint8_t mppe_mode;         /* enum ppp_mppe_mode */
	uint8_t mppe_strengths;    /* allowed mask after the weak-crypto switch */
	uint8_t mppe_refused_weak; /* strengths that only the weak switch holds back: a peer that
				      offers no more is refused as REFUSAL_WEAK_CRYPTO_OFF */
};

/* One authentication attempt as received.  Valid during the callback only. */
struct ppp_credentials {
	enum ppp_auth method;
	bool again;                  /* it answers a verdict with retry */
	char user[PPP_NAME_MAX + 1]; /* NUL-terminated, embedded NUL refused before */
	/* CHAP: */
	uint8_t id;
	uint8_t challenge[16];
	uint8_t challenge_len;
	uint8_t peer_challenge[16]; /* MS-CHAPv2 */
	uint8_t response[49]; /* CHAP-MD5 16; MS-CHAPv1 LM 24 + NT 24 + flag; MS-CHAPv2 NT response
				 24 */
	uint8_t response_len;
	/* PAP: */
	char password[256];
};

/* The verdict, given by ppp_auth_result() (from inside or after the auth callback). */
struct ppp_verdict {
	bool ok;
	enum refusal_code refusal; /* when not ok; with retry, what holds if there is none */
	const char *text;          /* when not ok, for down(); NULL: no more than the code says */
	/* Not ok, but the client may try again, as far as the method (MS-CHAP) and auth_retries let
	 * it. */
	bool retry;
	uint8_t challenge_len; /* retry: what it is to answer; 0: the link makes it */
	uint8_t challenge[16];
	struct ppp_grant grant;          /* when ok */
	char authenticator_response[41]; /* MS-CHAPv2 "40 hex digits", RFC 2759 section 8.7 */
	/* MPPE's start keys as RFC 3079 has them for 128 bits; for 40 and 56 bits the first 8
	 * octets count.  Not from MS-CHAPv1: it has one for both directions, and the same in each
	 * session at 40 and 56 bits (T2). */
	bool have_keys;
	uint8_t send_key[MPPE_KEY_MAX], recv_key[MPPE_KEY_MAX]; /* this gateway's view */
};

/* CCP is open (RFC 3078/3079).  Direction as seen from this gateway. */
struct ppp_mppe_result {
	struct mppe_params tx, rx;
};

/* LCP results that the data plane needs. */
struct ppp_framing {
	uint16_t our_mru, peer_mru;
	bool tx_acfc, tx_pfc; /* we may compress what we send */
};

struct ppp_link;

/* All calls come from within a ppp_*() call on the same link; `user` is ppp_new()'s.  When the
 * client negotiates LCP (or CCP) anew, lcp_up, auth, mppe_up and ip_up come again: what was granted
 * before is void, and data waits for the next ip_up.  mppe_down never means to go on in clear. */
struct ppp_ops {
	void (*send)(void *user, const uint8_t *frame, size_t len); /* protocol + payload */
	void (*lcp_up)(void *user, const struct ppp_framing *framing);
	/* Decide on these credentials: call ppp_auth_result() exactly once, now or later. */
	void (*auth)(void *user, const struct ppp_credentials *cred);
	void (*mppe_up)(void *user,
		const struct ppp_mppe_result *keys); /* CCP opened; keys are wiped after */
	void (*mppe_down)(void *user);
	void (*mppe_reset_request)(void *user); /* the peer lost sync: flush our sending side */
	void (*ip_up)(void *user, uint32_t local_ip,
		uint32_t peer_ip); /* also only after mppe_up when required */
	/* The link is over, once; no call on the link but ppp_free() may follow.  code
	 * REFUSAL_NONE: orderly end; text: detail for the log. */
	void (*down)(void *user, enum refusal_code code, const char *text);
	void (*random)(void *user, uint8_t *buf, size_t len);
	/* So many frames would have ended or restarted the open link, and the peer, when asked, was
	 * still there: they are ignored.  May be NULL. */
	void (*forged)(void *user, unsigned int frames);
};

enum ppp_phase { PPP_DEAD, PPP_ESTABLISH, PPP_AUTHENTICATE, PPP_NETWORK, PPP_OPEN, PPP_TERMINATE };

/* NULL when out of memory.  The link does nothing before ppp_start(). */
struct ppp_link *ppp_new(const struct ppp_config *cfg, const struct ppp_ops *ops, void *user);
void ppp_free(struct ppp_link *link); /* wipes secrets; sends nothing */
void ppp_start(struct ppp_link *link, uint64_t now_ms);
/* The peer's first packet was seen: repeat an unanswered first LCP Configure-Request now (lost by
 * NATs without a PPTP helper, or by a pppd that was not attached yet). */
void ppp_peer_seen(struct ppp_link *link, uint64_t now_ms);
/* One received frame, hostile.  len counts the 2-octet protocol. */
void ppp_input(struct ppp_link *link, const uint8_t *frame, size_t len, uint64_t now_ms);
void ppp_auth_result(struct ppp_link *link, const struct ppp_verdict *verdict, uint64_t now_ms);
/* The data plane could not decrypt (stateful MPPE, sync lost): send a CCP Reset-Request (rate
 * limited). */
void ppp_mppe_lost_sync(struct ppp_link *link, uint64_t now_ms);
/* Data passed: postpones echo requests. */
void ppp_traffic_seen(struct ppp_link *link, uint64_t now_ms);
/* Orderly end: LCP Terminate-Request; down() follows.  */
void ppp_close(struct ppp_link *link, enum refusal_code code, const char *text, uint64_t now_ms);
/* When ppp_timer() is due (UINT64_MAX: never), and to be called then. */
uint64_t ppp_next_timer(const struct ppp_link *link);
void ppp_timer(struct ppp_link *link, uint64_t now_ms);
enum ppp_phase ppp_phase(const struct ppp_link *link);

/*
 * A question that only the peer of this link can answer, for a caller who wants to know whether a
 * path leads to it (T23), or whether it is still in the session (T27): an LCP Echo-Request with 16
 * random octets, which the answer must bring back together with the peer's magic number.
 */
#define PPP_PROBE_FRAME 26 /* octets: protocol, header, magic number, nonce */
struct ppp_probe {
	uint8_t id;
	uint8_t nonce[16];
};
/* Fills p and frame (protocol and payload; the caller sends it by the path that is to be proved).
 * Returns its length; 0, and nothing done: LCP is not open, or size is below PPP_PROBE_FRAME. */
size_t ppp_probe_make(struct ppp_link *link, struct ppp_probe *p, uint8_t *frame, size_t size);
/* Is this received frame (hostile, len counts the protocol) the Echo-Reply to p?  Identifier, nonce
 * and magic number must fit; the latter is 0 of a peer that negotiated none (RFC 1661 section 5.8),
 * so that only the nonce proves something there. */
bool ppp_probe_answered(
	const struct ppp_link *link, const struct ppp_probe *p, const uint8_t *frame, size_t len);
/* Has it negotiated a magic number, so that whoever was told the nonce can't answer for it? */
bool ppp_has_peer_magic(const struct ppp_link *link);

#endif
