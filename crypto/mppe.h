/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Microsoft Point-to-Point Encryption in batches: RFC 3078 (packets, coherency count), RFC 3079
 * (keys).  This header knows buffers and keys, not PPP sessions or mbufs.
 *
 * Calling context: a struct mppe_tx or mppe_rx belongs to one thread (in Adit, the worker lcore
 * that owns the session); nothing here locks, allocates, logs or makes a system call.
 */
#ifndef ADIT_CRYPTO_MPPE_H
#define ADIT_CRYPTO_MPPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/rc4.h"

#define MPPE_KEY_MAX   16
#define MPPE_HDR_LEN   2    /* flags and coherency count, RFC 3078 section 3.1 */
#define MPPE_COUNT_MOD 4096 /* the coherency count has 12 bits */
#define MPPE_CHAIN     12   /* stateful: keys ahead that are kept at hand */
#define MPPE_NEAR      16   /* stateless: how far behind, and ahead, keys are at hand */

/* Bits of the first header octet as a host-order 16-bit word, RFC 3078 section 3.1. */
#define MPPE_BIT_FLUSHED   0x8000 /* A: tables (re)initialised with this packet */
#define MPPE_BIT_ENCRYPTED 0x1000 /* D */
#define MPPE_COUNT_MASK    0x0fff

enum mppe_strength { MPPE_40 = 40, MPPE_56 = 56, MPPE_128 = 128 };

/* What one direction of a session was negotiated to use.  Keys are secrets: wipe after use. */
struct mppe_params {
	uint8_t start_key[MPPE_KEY_MAX]; /* RFC 3079 initial session key's *master* ("StartKey"):
					    8 octets are used for 40 and 56 bits, 16 for 128 */
	uint8_t strength;                /* enum mppe_strength */
	bool stateless;                  /* key change on every packet (RFC 3078 section 7.3) */
};

/* A session's packets in the batch at hand; zero between bursts. */
struct mppe_turns {
	uint8_t changes; /* of the key */
	uint8_t rounds;  /* packets that wait for each other */
	uint8_t pending; /* packets, receiving side */
	bool deferred;   /* receiving side: the next packets wait for what the batch shows */
	bool doubted;    /* receiving side: the batch was not as it was taken to be */
};

/* Sending side of one direction. */
struct mppe_tx {
	struct rc4_state rc4;
	uint8_t master[MPPE_KEY_MAX];  /* start key, never changes */
	uint8_t session[MPPE_KEY_MAX]; /* current session key */
	uint16_t count;                /* coherency count of the next packet */
	uint8_t key_len;               /* 8 or 16 octets */
	uint8_t strength;
	bool stateless;
	bool flush; /* set by mppe_tx_flush() */
	struct mppe_turns turns;
};

/* How a stateful peer treats the FLUSHED bit outside of flag packets (count & 0xff == 0xff). */
enum mppe_flush_reading {
	MPPE_FLUSH_UNKNOWN, /* no evidence yet: both are tried on the next flushed packet */
	MPPE_FLUSH_REKEY,   /* Linux ppp_mppe: the session key changes */
	MPPE_FLUSH_REINIT,  /* RFC 3078 section 7.2/8: tables re-initialised with the current key */
};

/* Where a receiver may have to go on, beside where it is (docs/adr/0012). */
enum mppe_other {
	MPPE_OTHER_NONE,
	MPPE_OTHER_CHASING, /* stateless: a chain runs after packets out of reach */
	MPPE_OTHER_WEAK,    /* stateful: behind a packet in sequence that proved nothing */
	MPPE_OTHER_STRONG,  /* behind a packet out of sequence that proved its key */
};

/* Receiving side of one direction. */
struct mppe_rx {
	struct rc4_state rc4;
	uint8_t master[MPPE_KEY_MAX];
	uint8_t session[MPPE_KEY_MAX];
	uint16_t count; /* coherency count expected next */
	uint8_t key_len;
	uint8_t strength;
	bool stateless;
	struct mppe_turns turns;
	bool discarding;       /* stateful: sync lost, waiting for a FLUSHED packet */
	uint8_t flush_reading; /* enum mppe_flush_reading */
	uint8_t garbled;       /* stateful: garbled packets since the last likely plaintext */
	uint8_t bad_resyncs;   /* stateful: resynchronisations that failed in a row */
	/* The other place: the key, and the count expected there. */
	uint8_t other;        /* enum mppe_other */
	uint8_t stray_run;    /* packets out of reach that followed each other */
	uint8_t weak_run;     /* stateful: packets in sequence, none impossible, none proven */
	uint16_t stray_count; /* of the last of them */
	uint16_t other_count;
	uint16_t budget;    /* key changes that may be spent on a search */
	uint32_t budget_ms; /* mppe_tick() when it was last filled up */
	uint32_t chase;     /* stateless: key changes from other_key to the key of stray_count;
			       stateful: how far beyond count the peer seems to be */
	uint8_t other_key[MPPE_KEY_MAX];
	union {
		struct { /* stateless: keys of packets by their count modulo 2 * MPPE_NEAR */
			uint32_t known; /* slots: those of skipped packets, and of n_ahead more */
			uint8_t n_ahead;
			uint8_t key[2 * MPPE_NEAR][MPPE_KEY_MAX];
		} near;
		struct { /* stateful */
			struct rc4_state other;
			uint8_t n_chain; /* keys that follow session */
			uint8_t chain[MPPE_CHAIN][MPPE_KEY_MAX];
		} full;
	};
};

enum mppe_status {
	MPPE_OK = 0,
	MPPE_SHORT,         /* no room for header and one octet */
	MPPE_NOT_ENCRYPTED, /* D bit clear (T3) */
	MPPE_LATE,          /* count behind, and its key is gone or was used */
	MPPE_REKEY_BOUND,   /* count too far ahead: more re-keys than `max_rekeys`, or than the
			       session has left; or its plaintext proves nothing (T4) */
	MPPE_LOST_SYNC,     /* stateful: a loss was just seen; a CCP Reset-Request is due */
	MPPE_AWAIT_RESET,   /* stateful: still waiting for a FLUSHED packet */
	MPPE_STATUS_COUNT
};

/* "ok", "lost-sync", ...: stable, for counters and logs; never NULL. */
const char *mppe_status_name(uint32_t status);

/* One packet.  data/len cover the MPPE header (2 octets) and what follows it. */
struct mppe_job {
	union {
		struct mppe_tx *tx;
		struct mppe_rx *rx;
	};
	uint8_t *data;   /* encrypt: 2 octets of room for the header, then the clear protocol field
			    and payload; decrypt: as received.  Processed in place. */
	uint32_t len;    /* octets at data, header included */
	uint32_t status; /* out, enum mppe_status */
	bool proven;     /* out, decrypt: ok, and the plaintext proves the key */
	void *user;      /* carried along when jobs are reordered */
};

/*
 * Start one direction.  Returns 0, or -EINVAL for an unknown strength.
 * RFC 3078 section 7.1, RFC 3079 section 2.4 / 3.4: the initial session key is derived from the
 * start key.
 */
int mppe_tx_init(struct mppe_tx *tx, const struct mppe_params *p);
int mppe_rx_init(struct mppe_rx *rx, const struct mppe_params *p);

/* Wipe all key material. */
void mppe_tx_wipe(struct mppe_tx *tx);
void mppe_rx_wipe(struct mppe_rx *rx);

/*
 * The peer asked for a reset (CCP Reset-Request).  Stateful: the next packet takes the next count
 * whose low octet is 0xff, so it is a flag packet: both readings of the FLUSHED bit then agree on
 * exactly one key change, and no keystream is sent twice (T2; docs/adr).  Stateless: no effect.
 */
void mppe_tx_flush(struct mppe_tx *tx);

/*
 * Encrypt n packets in place, in order, several of one session allowed; writes the MPPE header.
 * Returns n (encryption can't fail); header included, each packet's length is unchanged.
 */
unsigned int mppe_encrypt_burst(struct mppe_job *jobs, unsigned int n);

/*
 * Decrypt n packets in place, in order, several of one session allowed.  The good jobs are moved to
 * the front in their order, the bad ones behind them with their status; the count of good ones is
 * returned.  A bad packet leaves the session able to decrypt the next good one.
 *
 * A good packet's plaintext may still be nonsense (a wrong key, altered bits: T3): the caller drops
 * what is not PPP protocol 0x0021 to 0x00fa, and lets nothing else follow from a packet without
 * `proven`: it may be forged.
 *
 * Evidence (T4, T27; docs/adr/0012): only a plaintext that looks like an IP packet of its length
 * moves the session on, and two of them where packets are missing that could not all be read later.
 * Anything else is decrypted and leaves the session as it was, so that forged packets cost the
 * peer's own packets nothing.
 *
 * Work (T4): up to MPPE_NEAR - 1 skipped packets ahead, keys are derived once and kept, whoever
 * asks for them.  Beyond, a packet may cost max_rekeys key changes (2..4095), and all of them come
 * out of the session's own budget: MPPE_BUDGET at once, 4 more each millisecond and 1 with each
 * proven packet; and of the thread's.  A session's budget is nobody else's; of the thread's, the
 * second half is for sessions that have half of theirs left.
 *
 * Outages: the count has 12 bits, so after a long one the peer looks too far ahead, late, or (a
 * whole wrap) in place with the wrong key.  Only when 16 such packets follow each other, with no
 * proven one between them, are they believed.
 *
 * Stateless: a second key chain then runs after them, as the budget allows, and takes the live
 * one's place once it has turned two packets into IP packets.  It goes around the count as often as
 * needed.
 *
 * Stateful: sync is lost, and each answer to a reset that can't be read widens the search by one
 * wrap of 16 flag packets, up to 4.
 */
unsigned int mppe_decrypt_burst(struct mppe_job *jobs, unsigned int n, unsigned int max_rekeys);

/* Key changes of searches: what a session may spend at once. */
#define MPPE_BUDGET 1024
/* Tell this thread's budgets the time, in milliseconds that may wrap.  Cheap; before a burst. */
void mppe_tick(uint32_t now_ms);

/* ------------------------------------------------------------------ Keys from MS-CHAP, RFC 3079 */

/* RFC 3079 section 3.3/3.4: start keys of both directions from an MS-CHAPv2 exchange.
 * is_server: true when the caller is the authenticator.  nt_hash_hash: MD4(MD4(unicode password)).
 * Those of 40 and 56 bits are the first 8 octets of those of 128, the rest zero.
 */
void mppe_keys_mschapv2(const uint8_t nt_hash_hash[16], const uint8_t nt_response[24],
	bool is_server, enum mppe_strength strength, uint8_t send_start[MPPE_KEY_MAX],
	uint8_t recv_start[MPPE_KEY_MAX]);

/* RFC 3079 GetNewKeyFromSHA: the key that follows `session` (the first one when session is the
 * start key), before the RC4 step of key changes and before the reduction to 40 or 56 bits. Exposed
 * for test vectors. */
void mppe_new_key_from_sha(
	const uint8_t *start, const uint8_t *session, unsigned int key_len, uint8_t *out);

#endif
