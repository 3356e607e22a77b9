/* SPDX-License-Identifier: BSD-3-Clause */
/* A recorded session pushed through the real decoding code. */
#ifndef ADIT_TESTS_REPLAY_REPLAY_H
#define ADIT_TESTS_REPLAY_REPLAY_H

#include <jansson.h>
#include <openssl/evp.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>

enum direction { C2S, S2C, DIRECTIONS };

/* Name in the JSON of the captures: "c>s", "s>c". */
extern const char *const direction_name[DIRECTIONS];

/* What came out. */
struct result {
	unsigned int decrypted;
	json_t *failed;     /* count by reason, owned */
	json_t *ppp_frames; /* count by "c>s 0021", owned */
	json_t *unreset;    /* packets dropped until a reset, by direction, owned */
	json_t *l2tp;       /* counts of ESP packets and of L2TP messages, owned */
	json_t *mppe;       /* negotiated bits and mode, by direction, owned */
	EVP_MD_CTX *sha256[DIRECTIONS];
	pcap_dumper_t *out; /* PPP frames (LINKTYPE_PPP), or NULL; not owned */
};

/* Adds one to a counter of a JSON object. */
void count_up(json_t *counters, const char *name);
/* A decoded PPP frame, protocol field uncompressed. */
void result_frame(struct result *r, enum direction dir, uint16_t protocol, const uint8_t *payload,
	uint32_t len, const struct timeval *when);
/* The same, from the PPP frame's first octet: address and control, protocol compressed or not. */
void result_ppp(struct result *r, enum direction dir, const uint8_t *ppp, uint32_t len,
	const struct timeval *when);

/* The PPTP calls of an Ethernet capture, of one user or of several.  Returns 0, or -1 with one line
 * in err. */
int replay_pptp(pcap_t *in, const json_t *session, struct result *r, char *err, size_t err_len);
/* The L2TP sessions of an Ethernet capture: in ESP, keys from the JSON, or, if it has none, in
 * clear. The same. */
int replay_l2tp(pcap_t *in, const json_t *session, struct result *r, char *err, size_t err_len);

#endif
