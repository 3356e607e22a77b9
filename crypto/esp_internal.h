/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the rooms of ESP: esp.c (batches), esp_gcm.c, esp_cbc.c, esp_des.c, esp_sa.c,
 * esp_engine.c. */
#ifndef ADIT_CRYPTO_ESP_INTERNAL_H
#define ADIT_CRYPTO_ESP_INTERNAL_H

#include <intel-ipsec-mb.h>
#include <openssl/des.h>
#include <stdatomic.h>
#include <string.h>

#include "crypto/esp.h"
#include "crypto/esp_des_wide.h"
#include "crypto/esp_hmac_wide.h"
#include "crypto/replay.h"

/* Batches are worked on in pieces of this many packets: several rounds of the widest lanes (16). */
#define ESP_CHUNK 64
#define ESP_LANES 16

/* What tests/unit/crypto/test_esp_secret.c declares public, having marked all keys as secret. */
#ifdef ADIT_SECRET_CHECK
#include <valgrind/memcheck.h>
#define ESP_PUBLIC(p, n) ((void)VALGRIND_MAKE_MEM_DEFINED(p, n))
#else
#define ESP_PUBLIC(p, n) ((void)0)
#endif

enum esp_cipher {
	ESP_GCM_128,
	ESP_GCM_192,
	ESP_GCM_256,
	ESP_CBC_128,
	ESP_CBC_192,
	ESP_CBC_256,
	ESP_3DES,
	ESP_DES,
	ESP_NULL,
	ESP_CIPHERS
};
#define ESP_CIPHER_IS_GCM(c) ((c) <= ESP_GCM_256)

enum esp_hash { ESP_SHA1, ESP_SHA256, ESP_SHA384, ESP_SHA512, ESP_MD5, ESP_HASHES };

/* What follows struct esp_sa.  Expanded keys are of the SA's one direction. */
struct esp_hmac_keys {
	_Alignas(64) uint8_t
		states[2 * 64]; /* after the key's block: ipad at 0, opad at esp_opad_at() */
};
/* Only as much of it as the library uses on this CPU: see gcm_keys_size of the engine. */
struct esp_gcm_keys {
	_Alignas(64) struct gcm_key_data gcm;
};
struct esp_cbc_keys {
	struct esp_hmac_keys hmac; /* first in all but GCM */
	_Alignas(64) uint8_t round[15 * 16];
};
struct esp_des_keys {
	struct esp_hmac_keys hmac;
	union {
		_Alignas(64) uint64_t schedule[3][IMB_DES_KEY_SCHED_SIZE / 8]; /* IPsec-MB's */
		esp_des_schedule wide; /* where the engine says so */
	};
	_Alignas(64) DES_key_schedule scalar[3]; /* the same in OpenSSL's form */
	const void *three[3];                    /* of schedule, as IPsec-MB takes 3DES keys */
};
_Static_assert(sizeof(struct esp_gcm_keys) == 1024, "expanded keys of GCM");
_Static_assert(sizeof(struct esp_cbc_keys) == 384, "expanded keys of CBC");
_Static_assert(sizeof(struct esp_des_keys) == 960, "expanded keys of DES and 3DES");

/* In the same cache line, but for the two hashes whose state is a line. */
static inline unsigned int
esp_opad_at(enum esp_hash hash)
{
	return hash == ESP_SHA384 || hash == ESP_SHA512 ? 64 : 32;
}

/* Work whose best manager depends on how many packets there are of it. */
enum esp_work { ESP_WORK_CBC_128, ESP_WORK_CBC_192, ESP_WORK_CBC_256, ESP_WORK_HASH };
#define ESP_WORKS (ESP_WORK_HASH + ESP_HASHES)
/* Classes by the average length of the packets: to 112 octets (a short payload or an
 * acknowledgement), to 480, and beyond. */
enum { ESP_SIZES = 3, ESP_SMALL = 112, ESP_MIDDLE = 480 };

/* DES and 3DES: what a block costs in the lanes, and from where on they are worth it. */
#define ESP_DES_SCALAR_COST 64 /* a block by OpenSSL, the unit of costs */
struct esp_des_costs {
	uint32_t round;        /* encryption of one block in each lane; UINT32_MAX: never */
	uint32_t start;        /* before the first block */
	uint32_t least_blocks; /* decryption, all packets together; UINT32_MAX: never */
};
/* A packet is cut where one lane's share ends and the next begins. */
#define ESP_PIECES (ESP_CHUNK + ESP_LANES)

/* Indexes of the chunk's jobs that need the same work. */
struct esp_list {
	unsigned int n;
	uint8_t at[ESP_CHUNK];
};

/* What a packet needs beside its job. */
struct esp_scratch {
	uint8_t nonce[16]; /* GCM: salt and IV */
	uint8_t aad[16];   /* GCM: SPI and sequence number */
	uint8_t tag[32];   /* computed ICV */
	uint8_t icv[32];   /* received ICV, of HMACs */
};

/* IVs of CBC, made in advance: AES-128 in counter mode under a random key of the engine. */
#define ESP_IVS 256
struct esp_ivs {
	uint8_t iv[ESP_IVS][16];
	_Alignas(16) uint8_t round[15 * 16];
	uint64_t counter[2]; /* of the block that comes next, big-endian on use */
	unsigned int left;
};

struct esp_engine {
	IMB_MGR *wide, *narrow; /* narrow may be wide */
	/* As many jobs, of the last round of ESP_LANES, go to the wide manager, fewer to the narrow
	 * one; above ESP_LANES: never wide. */
	uint8_t least_wide[ESP_WORKS][ESP_SIZES];
	struct esp_des_costs des[2]; /* of ESP_3DES and ESP_DES */
	bool undecided;              /* takes what is settled later: see esp_settle() */
	/* Wide hashes are those of esp_hmac_wide.c; only of three hashes. */
	bool own_hash[ESP_HASHES][ESP_SIZES];
	bool des_wide;          /* DES's lanes are those of esp_des_wide.c, not IPsec-MB's */
	uint16_t gcm_keys_size; /* octets of struct esp_gcm_keys that are used: whole lines */
	char kernel[32];
	struct gcm_context_data gcm;
	struct esp_list cipher[ESP_CIPHERS], hash[ESP_HASHES];
	struct esp_ivs ivs;
	_Alignas(64) IMB_JOB imb[ESP_CHUNK]; /* offsets stay 0 */
	_Alignas(64) struct esp_scratch scratch[ESP_CHUNK];
	struct esp_des_wide_keys des_keys; /* of a batch; wiped with it */
};

static inline void
esp_list_add(struct esp_list *l, unsigned int i)
{
	l->at[l->n++] = (uint8_t)i;
}

/* Packets, or pieces of packets, to be submitted longest first, so that lanes that run together are
 * about as long.  Lengths are above indexes, and these inverted: of equals the first comes first.
 */
struct esp_order {
	unsigned int n;
	uint32_t at[ESP_PIECES];
};

/* len: in units of the caller's choice, below 2^24. */
static inline void
esp_order_add(struct esp_order *o, uint32_t len)
{
	o->at[o->n] = len << 8 | (0xff - o->n);
	o->n++;
}

static inline uint32_t
esp_order_len(const struct esp_order *o, unsigned int k)
{
	return o->at[k] >> 8;
}

static inline unsigned int
esp_order_index(const struct esp_order *o, unsigned int k)
{
	return 0xff - (o->at[k] & 0xff);
}

/* By insertion: in most batches most are equal. */
static inline void
esp_order_sort(struct esp_order *o)
{
	for (unsigned int i = 1; i < o->n; i++) {
		const uint32_t v = o->at[i];
		unsigned int k = i;

		for (; k > 0 && o->at[k - 1] < v; k--)
			o->at[k] = o->at[k - 1];
		o->at[k] = v;
	}
}

static inline struct replay *
esp_sa_replay(const struct esp_sa *sa)
{
	return (struct replay *)((uint8_t *)(uintptr_t)sa + sa->replay_at);
}

/* Not __builtin_prefetch(): gcc takes a function that does nothing else for one without effect, and
 * leaves its calls out. */
static inline void
esp_request(const void *p)
{
	__asm__ volatile("prefetcht0 %0" : : "m"(*(const uint8_t *)p));
}

static inline void
esp_request_lines(const uint8_t *p, unsigned int n)
{
	for (unsigned int line = 0; line < n; line++)
		esp_request(p + line * 64);
}

/* Lines of keys that a packet needs which is not GCM's. */
static inline unsigned int
esp_cbc_lines(const struct esp_sa *sa)
{
	return sa->cipher == ESP_NULL      ? 1
	       : sa->cipher <= ESP_CBC_256 ? sizeof(struct esp_cbc_keys) / 64
					   : sizeof(struct esp_des_keys) / 64;
}

static inline uint64_t
esp_load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

/* Not 0 if a and b differ.  len: 8 to 32, public.  Time depends on len alone. */
static inline uint64_t
esp_icv_differs(const uint8_t *a, const uint8_t *b, unsigned int len)
{
	uint64_t differ = esp_load64(a) ^ esp_load64(b);

	differ |= esp_load64(a + len - 8) ^ esp_load64(b + len - 8);
	if (len > 16) {
		differ |= esp_load64(a + 8) ^ esp_load64(b + 8);
		differ |= esp_load64(a + len - 16) ^ esp_load64(b + len - 16);
	}
	return differ;
}

static inline void
esp_copy_icv(uint8_t *to, const uint8_t *from, unsigned int len)
{
	const uint64_t last = esp_load64(from + len - 8);

	memcpy(to, from, 8);
	if (len > 16)
		memcpy(to + 8, from + 8, 16);
	memcpy(to + len - 8, &last, 8);
}

/* Not 0 unless the pad octets before end are 1, 2, 3...  pad is public; eight octets before end can
 * be read in any case.  Time depends on pad alone. */
static inline uint64_t
esp_padding_differs(const uint8_t *end, uint32_t pad)
{
	const uint64_t first = UINT64_C(0x0807060504030201), ones = UINT64_C(0x0101010101010101);
	uint64_t differ = 0;

	if (pad == 0)
		return 0;
	if (pad < 8) { /* little-endian: the last octet is the highest */
		const unsigned int unused = 64 - 8 * pad;

		return (esp_load64(end - 8) >> unused) ^ (first << unused >> unused);
	}
	for (uint32_t i = 0; i + 8 < pad; i += 8)
		differ |= esp_load64(end - pad + i) ^ (first + ones * i);
	return differ | (esp_load64(end - 8) ^ (first + ones * (pad - 8)));
}

/*
 * Passes over one chunk.  While they run, a job's data and len are those of the whole ESP packet.
 */
/* esp_gcm.c: in place; seal writes the ICV into the packet, open into scratch.tag. */
void esp_gcm_seal(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher);
void esp_gcm_open(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher);
/* esp_iv.c: the next IV; all 16 octets are unpredictable and used once. */
void esp_iv_refill(struct esp_engine *e);
static inline const uint8_t *
esp_iv_next(struct esp_engine *e)
{
	if (e->ivs.left == 0)
		esp_iv_refill(e);
	return e->ivs.iv[--e->ivs.left];
}
/* -1: no random numbers. */
int esp_iv_init(struct esp_engine *e);

/* esp_cbc.c: e->cipher[cipher], of AES. */
void esp_cbc_encrypt(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher);
void esp_cbc_decrypt(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher);
/* esp_des.c: what functions that have returned left below the caller's frame. */
void esp_wipe_stack(void);
/* esp_des.c: as above. */
void esp_des_encrypt(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher);
void esp_des_decrypt(struct esp_engine *e, const struct esp_job *jobs, enum esp_cipher cipher);
/* key: 8 or 24 octets. */
void esp_des_expand(const struct esp_engine *e, struct esp_sa *sa, const uint8_t *key);
/* esp_des_lanes.c: blocks of one SA behind each other, in place. */
struct esp_des_piece {
	const struct esp_sa *sa;
	uint8_t *text;
	uint64_t chain;  /* the block before: an IV at first */
	uint32_t blocks; /* 1 and up */
};
/* n: 1 to ESP_DES_WIDE, the longest first; they are used up. */
void esp_des_pieces(struct esp_engine *e, struct esp_des_piece *pieces, unsigned int n,
	enum esp_cipher cipher, bool encrypt);
/* Measures e->des; -1: out of memory. */
int esp_des_tune(struct esp_engine *e);
/* esp_cbc.c: ICVs of e->hash[hash] into scratch.tag; with ESN the high 32 bits take the ICV's place
 * in the packet meanwhile. */
void esp_hash_compute(struct esp_engine *e, const struct esp_job *jobs, enum esp_hash hash);

/* --- The choice ------------------------------------------------------------------------------ */

/* By the managers of these names, or in lanes of our own. */
enum esp_way { ESP_NARROW, ESP_WIDE, ESP_OWN };
static inline bool
esp_hash_has_lanes(enum esp_hash hash)
{
	return hash == ESP_SHA1 || hash == ESP_SHA256 || hash == ESP_MD5;
}

/* How the trial times n jobs of some work; tests have a clock of their own. */
struct esp_clock {
	uint64_t (*run)(
		void *user, unsigned int work, unsigned int size, unsigned int n, enum esp_way way);
	bool has_own; /* lanes of our own */
	void *user;
};
/* What of struct esp_engine is found out by measuring. */
struct esp_plan {
	uint8_t least_wide[ESP_WORKS][ESP_SIZES];
	bool own_hash[ESP_HASHES][ESP_SIZES];
	struct esp_des_costs des[2];
};
/* Fills in least_wide and own_hash.  False: it was disturbed; what was has its default, full rounds only. */
bool esp_trial(const struct esp_clock *clock, struct esp_plan *plan);
static inline bool
esp_has_own(const struct esp_engine *e)
{
	return e->wide->used_arch == IMB_ARCH_AVX512 && esp_hmac_wide_supported();
}
/* An engine with two managers gets the process' plan; the first makes it.  -1: out of memory. */
int esp_plan_start(struct esp_engine *e);
/* NULL until a trial that was disturbed at start has been repeated.  Pairs with esp_settle(). */
extern const struct esp_plan *_Atomic esp_settled;
void esp_plan_take(struct esp_engine *e, const struct esp_plan *plan);
/* Before each batch: the choice never changes within one. */
static inline void
esp_plan_renew(struct esp_engine *e)
{
	const struct esp_plan *plan;

	if (__builtin_expect(!e->undecided, 1))
		return;
	plan = atomic_load_explicit(&esp_settled, memory_order_acquire);
	if (plan)
		esp_plan_take(e, plan);
}

/* esp_trial.c measures with these: the first n jobs of e->imb by one manager. */
void esp_cbc_submit(IMB_MGR *m, IMB_JOB *jobs, unsigned int n);
void esp_hash_submit(struct esp_engine *e, enum esp_way way, const IMB_JOB *jobs, unsigned int n,
	enum esp_hash hash);
IMB_HASH_ALG esp_hash_alg(enum esp_hash hash);

#endif
