/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ESP (RFC 4303) in batches over Intel's IPsec-MB: jobs of many SAs and suites together, so that
 * the library's lanes are full.  This header knows buffers and keys, not mbufs, IP or UDP.
 *
 * One contract: a batch of jobs goes in, the good ones are moved to the front in their order, the
 * bad ones behind them (in any order) with their status, and the count of good ones is returned.
 * Several packets of one SA may be in one batch.
 *
 * Calling context: an engine belongs to one thread; so does an SA, between esp_sa_init() and
 * esp_sa_wipe() (in Adit, the worker lcore that owns the session).  The burst functions do not
 * lock, allocate, log or make a system call.
 *
 * Buffers are contiguous and worked on in place.  A packet in several segments is for the caller to
 * make contiguous first (and to count: it is rare on Adit's paths).
 */
#ifndef ADIT_CRYPTO_ESP_H
#define ADIT_CRYPTO_ESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/suite.h"

#define ESP_HDR_LEN     8     /* SPI and sequence number, RFC 4303 section 2 */
#define ESP_HEADER_MAX  24    /* with the longest IV */
#define ESP_PACKET_MAX  65515 /* what an IPv4 packet can hold */
/* Room behind the payload: padding to 16, pad length, next header, longest ICV. */
#define ESP_TRAILER_MAX (15 + 2 + SUITE_ICV_MAX)
#define ESP_SPI_MIN     256 /* 1 to 255 are reserved, RFC 4303 section 2.1 */
#define ESP_SA_ALIGN    64

enum esp_status {
	ESP_OK = 0,
	/* Decapsulation, before authentication. */
	ESP_SHORT,     /* shorter than header, one block and ICV; encapsulation: than its header */
	ESP_TOO_LONG,  /* longer than ESP_PACKET_MAX */
	ESP_UNALIGNED, /* ciphertext is not whole blocks, or not a multiple of 4 */
	ESP_WRONG_SPI, /* the packet names another SA */
	ESP_SEQUENCE_ZERO, /* a number that is never sent */
	ESP_REPLAY_OLD,    /* left of the window */
	ESP_REPLAYED,      /* seen before, in this batch or earlier */
	/* Authentication failed: nothing of the SA has changed. */
	ESP_BAD_ICV,
	/* After it: an authentic peer that is in error. */
	ESP_BAD_PADDING, /* length that lies, or octets other than 1, 2, 3... (section 2.4) */
	/* Encapsulation. */
	ESP_NO_ROOM,            /* fewer than ESP_TRAILER_MAX octets behind the payload */
	ESP_SEQUENCE_EXHAUSTED, /* never two packets with one number (T14) */
	/* Both: limits of the SA, for Sweet32 (T15) and by configuration. */
	ESP_BYTE_LIMIT,
	ESP_PACKET_LIMIT,
	ESP_STATUS_COUNT
};

/* "ok", "bad-icv", ...: stable, for counters and logs; never NULL. */
const char *esp_status_name(uint32_t status);

/* Why an SA was refused at set-up. */
enum esp_setup {
	ESP_SETUP_OK = 0,
	ESP_SETUP_NO_PAIR,         /* see suite_pair_is_valid() */
	ESP_SETUP_ENCRYPTION_KEY,  /* not as long as the suite says */
	ESP_SETUP_INTEGRITY_KEY,   /* the same */
	ESP_SETUP_3DES_DEGENERATE, /* two equal keys make it DES: refused by RFC 2451 section 2.3 */
	ESP_SETUP_SPI,             /* below ESP_SPI_MIN */
	ESP_SETUP_WINDOW,          /* replay window out of bounds */
	ESP_SETUP_COUNT
};
/* "ok", "encryption-key-size", ...: stable; never NULL. */
const char *esp_setup_name(uint32_t setup);

/* --- Engines --------------------------------------------------------------------------------- */

/* Instruction sets, to force one in tests.  AUTO takes the widest, and beside it, for batches too
 * small for its lanes, a narrower one where that measures faster at start. */
enum esp_arch {
	ESP_ARCH_AUTO,
	ESP_ARCH_SSE,
	ESP_ARCH_AVX,
	ESP_ARCH_AVX2,
	ESP_ARCH_AVX512,
	/* AUTO as on CPUs that lack the instructions for SHA, and those for AES: ENOTSUP. */
	ESP_ARCH_NO_SHA,
	ESP_ARCH_NO_AES
};

struct esp_engine;

/* NULL: out of memory (ENOMEM), the CPU lacks it (ENOTSUP), no random numbers (EIO), in errno.
 * Takes a few ms. */
struct esp_engine *esp_engine_create(enum esp_arch arch);
/* Wipes and frees.  NULL is ignored. */
void esp_engine_destroy(struct esp_engine *e);
/* What it runs on: "avx512-vaes", "avx2", ...; never NULL. */
const char *esp_engine_kernel(const struct esp_engine *e);

/* Which work goes to which instructions is measured once in a process, by the first engine of
 * ESP_ARCH_AUTO (some 10 ms).  Where others disturbed that, call this from time to time while there
 * is nothing to do, on the same thread with an engine of its own: it measures again, more and more
 * rarely.  Then all engines take the choice, each with its next batch.  False: still undecided. */
bool esp_settle(struct esp_engine *e);

/* Where DES and 3DES run, to force one in tests, before there are SAs; by default in lanes or not as
 * measured at start.  IPSEC_MB: in the lanes of that library, as on CPUs without AVX-512 VBMI. */
enum esp_des { ESP_DES_LANES, ESP_DES_IPSEC_MB, ESP_DES_SCALAR };
void esp_engine_force_des(struct esp_engine *e, enum esp_des how);

/* --- Security associations ------------------------------------------------------------------- */

/* Configured state of one direction.  Keys are secrets: wipe after use. */
struct esp_sa_config {
	const struct suite *encryption, *integrity; /* integrity: NULL with an AEAD */
	const uint8_t *encryption_key;              /* salt at the end, as IKE derives it */
	const uint8_t *integrity_key;
	size_t encryption_key_len, integrity_key_len;
	uint32_t spi; /* host order */
	bool inbound;
	bool esn;               /* extended sequence numbers, RFC 4303 section 2.2.1 */
	uint16_t replay_window; /* inbound; 0: REPLAY_WINDOW_DEFAULT */
	uint64_t first_seq;     /* outbound: number of the first packet; 0: 1 */
	/* Limits, 0: none but what the suite and the sequence numbers impose.  A soft limit is due
	 * for a rekey (default: three quarters of the hard one); a hard one stops the SA. */
	uint64_t soft_bytes, hard_bytes;
	uint64_t soft_packets, hard_packets;
};

/* Running state; the keys, expanded, and the replay window follow it in the same memory. */
struct esp_sa {
	uint32_t spi;         /* network order */
	uint8_t cipher, hash; /* of crypto/esp_internal.h */
	uint8_t header_len;   /* ESP header and IV */
	uint8_t iv_len, icv_len;
	uint8_t align; /* of the ciphertext: a power of two, at least 4 */
	bool esn, inbound;
	uint8_t salt[4];
	uint16_t replay_at; /* inbound: offset of the window in this memory */
	uint64_t seq;       /* outbound: last number used */
	uint64_t bytes;     /* octets run through the cipher */
	uint64_t packets;
	uint64_t due_bytes, due_packets; /* the soft or the hard limit, whichever comes first */
	/* --- second line: not read before one of them is reached */
	uint64_t soft_bytes, soft_packets;
	uint64_t hard_bytes, hard_packets; /* UINT64_MAX: none */
	const struct suite *encryption, *integrity;
	uint32_t size; /* of all the memory */
	_Alignas(64) uint8_t keys[];
};
_Static_assert(sizeof(struct esp_sa) == 128, "two cache lines before the keys");

/* Octets of memory for an SA, aligned to ESP_SA_ALIGN: CBC and GCM about 0.5 KiB (GCM with VAES and
 * AVX-512, and DES: 1.1), and inbound the replay window (272 octets by default).  engine: as for
 * esp_sa_init(). */
size_t esp_sa_size(const struct esp_engine *engine, const struct esp_sa_config *c);
/* memory: esp_sa_size(engine, c) octets.  engine: any of the process that was made with the same arch; GCM
 * keys are in its form.  The SA must stay where it is.  Anything but ESP_SETUP_OK leaves nothing
 * secret behind. */
enum esp_setup esp_sa_init(
	struct esp_sa *sa, const struct esp_engine *engine, const struct esp_sa_config *c);
/* Wipes all of the SA, keys, HMAC states and window. */
void esp_sa_wipe(struct esp_sa *sa);

enum esp_life { ESP_LIFE_OK, ESP_LIFE_SOFT, ESP_LIFE_HARD };
/* Neither limit is reached.  Looks at the first line alone. */
static inline bool
esp_sa_in_life(const struct esp_sa *sa)
{
	return sa->bytes < sa->due_bytes && sa->packets < sa->due_packets;
}
/* Where the SA stands with its limits (sequence numbers included): soft means rekey, hard that it
 * is of no use any more.  By the owner. */
enum esp_life esp_sa_life(const struct esp_sa *sa);

/* --- Packets --------------------------------------------------------------------------------- */

/* One packet.  A bad one's buffer holds no one knows what, and must not be delivered. */
struct esp_job {
	struct esp_sa *sa;
	/*
	 * Encapsulation.  In: data points at room for the ESP header and IV (sa->header_len
	 * octets), the payload follows; len covers both; room counts the writable octets behind
	 * them.  Out: data unchanged, len is the whole ESP packet's, seq the number used.
	 *
	 * Decapsulation.  In: the whole ESP packet, from its SPI.  Out: data and len are the
	 * payload's, next_header and seq (64 bits with ESN) the packet's.  A next header of 59 is a
	 * dummy packet to be dropped silently (RFC 4303 section 2.6): that is left to the caller.
	 */
	uint8_t *data;
	uint32_t len;
	uint16_t room;
	uint8_t next_header;
	uint8_t status; /* out, enum esp_status */
	uint64_t seq;
	void *user; /* carried along when jobs are reordered */
};

/*
 * Outbound SAs.  IVs: GCM has the sequence number (RFC 4106 section 3.1); CBC takes them from the
 * engine's keystream of random numbers.
 */
unsigned int esp_encapsulate_burst(struct esp_engine *e, struct esp_job *jobs, unsigned int n);

/*
 * Inbound SAs.  For each packet: lengths, SPI, look at the replay window, authenticate (compared in
 * constant time), update the window, decrypt, padding; GCM decrypts while it authenticates. Nothing
 * of the SA changes before a packet is authentic.
 */
unsigned int esp_decapsulate_burst(struct esp_engine *e, struct esp_job *jobs, unsigned int n);

#endif
