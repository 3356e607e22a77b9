/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/mppe.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

/* A burst may skip as many keys as this many packets: n packets of one session cannot cost n *
 * max_rekeys. */
#define BURST_SKIP_PACKETS 4
/* Answers to Reset-Requests that may have been lost since the last good packet (Linux re-keys with
 * each). */
#define LOST_FLUSHES       3
/* Octets of plaintext that evidence() looks at. */
#define PEEK_LEN           8

/* How much the first octets of a plaintext look like what a peer sends. */
enum evidence {
	EVIDENCE_IMPOSSIBLE, /* RFC 3078 section 3: only protocols 0x0021 to 0x00fa are encrypted */
	EVIDENCE_POSSIBLE,
	EVIDENCE_LIKELY, /* a protocol in use */
	EVIDENCE_STRONG, /* and an IP header behind it */
};

const char *
mppe_status_name(uint32_t status)
{
	static const char *const names[MPPE_STATUS_COUNT] = {
		[MPPE_OK] = "ok",
		[MPPE_SHORT] = "short",
		[MPPE_NOT_ENCRYPTED] = "not-encrypted",
		[MPPE_LATE] = "late",
		[MPPE_REKEY_BOUND] = "rekey-bound",
		[MPPE_LOST_SYNC] = "lost-sync",
		[MPPE_AWAIT_RESET] = "await-reset",
	};

	return status < MPPE_STATUS_COUNT ? names[status] : "unknown";
}

static bool
is_flag(uint16_t count)
{
	return (count & 0xff) == 0xff;
}

static uint16_t
count_after(uint16_t count, unsigned int n)
{
	return (uint16_t)((count + n) & MPPE_COUNT_MASK);
}

/* RFC 3079 sections 2.1 and 2.2: the octets that reduce a key's strength. */
static void
reduce_strength(uint8_t *key, uint8_t strength)
{
	if (strength == MPPE_128)
		return;
	key[0] = 0xd1;
	if (strength == MPPE_40) {
		key[1] = 0x26;
		key[2] = 0x9e;
	}
}

/* RFC 3078 section 7.3. */
static void
next_key(const uint8_t *master, uint8_t *session, uint8_t key_len, uint8_t strength)
{
	uint8_t interim[MPPE_KEY_MAX];
	struct rc4_state rc4;

	mppe_new_key_from_sha(master, session, key_len, interim);
	rc4_init(&rc4, interim, key_len);
	rc4_crypt(&rc4, session, interim, key_len);
	reduce_strength(session, strength);
	OPENSSL_cleanse(interim, sizeof(interim));
	OPENSSL_cleanse(&rc4, sizeof(rc4));
}

static int
first_key(const struct mppe_params *p, uint8_t *master, uint8_t *session, uint8_t *key_len)
{
	if (p->strength != MPPE_40 && p->strength != MPPE_56 && p->strength != MPPE_128)
		return -EINVAL;
	*key_len = p->strength == MPPE_128 ? 16 : 8;
	memcpy(master, p->start_key, *key_len);
	mppe_new_key_from_sha(master, master, *key_len, session);
	reduce_strength(session, p->strength);
	return 0;
}

int
mppe_tx_init(struct mppe_tx *tx, const struct mppe_params *p)
{
	memset(tx, 0, sizeof(*tx));
	if (first_key(p, tx->master, tx->session, &tx->key_len) < 0)
		return -EINVAL;
	tx->strength = p->strength;
	tx->stateless = p->stateless;
	rc4_init(&tx->rc4, tx->session, tx->key_len);
	return 0;
}

int
mppe_rx_init(struct mppe_rx *rx, const struct mppe_params *p)
{
	memset(rx, 0, sizeof(*rx));
	if (first_key(p, rx->master, rx->session, &rx->key_len) < 0)
		return -EINVAL;
	rx->strength = p->strength;
	rx->stateless = p->stateless;
	rc4_init(&rx->rc4, rx->session, rx->key_len);
	return 0;
}

void
mppe_tx_wipe(struct mppe_tx *tx)
{
	OPENSSL_cleanse(tx, sizeof(*tx));
}

void
mppe_rx_wipe(struct mppe_rx *rx)
{
	OPENSSL_cleanse(rx, sizeof(*rx));
}

void
mppe_tx_flush(struct mppe_tx *tx)
{
	tx->flush = !tx->stateless;
}

static void
encrypt_one(struct mppe_tx *tx, uint8_t *data, uint32_t len)
{
	uint16_t header = MPPE_BIT_ENCRYPTED;

	if (tx->flush) {
		tx->count |= 0xff;
		tx->flush = false;
	}
	/* RFC 3078 section 7: the key changes for every packet, or for the flag packet.  The first
	 * stateful packet goes without FLUSHED, whatever section 3.1 says: Linux would change its
	 * key, and sends none itself. */
	if (tx->stateless || is_flag(tx->count)) {
		next_key(tx->master, tx->session, tx->key_len, tx->strength);
		rc4_init(&tx->rc4, tx->session, tx->key_len);
		header |= MPPE_BIT_FLUSHED;
	}
	header |= tx->count;
	data[0] = (uint8_t)(header >> 8);
	data[1] = (uint8_t)header;
	rc4_crypt(&tx->rc4, data + MPPE_HDR_LEN, data + MPPE_HDR_LEN, len - MPPE_HDR_LEN);
	tx->count = count_after(tx->count, 1);
}

unsigned int
mppe_encrypt_burst(struct mppe_job *jobs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		encrypt_one(jobs[i].tx, jobs[i].data, jobs[i].len);
		jobs[i].status = MPPE_OK;
	}
	return n;
}

/* --- Receiving
 * ------------------------------------------------------------------------------------ */

/* One received packet, and what it may cost. */
struct packet {
	uint8_t *body; /* behind the header */
	uint32_t len;
	uint16_t count;
	bool flushed;
	unsigned int max_rekeys;
	unsigned int *skip_budget; /* of the burst */
};

static void
advance_key(struct mppe_rx *rx, unsigned int n)
{
	while (n-- > 0)
		next_key(rx->master, rx->session, rx->key_len, rx->strength);
}

static void
decrypt_body(struct rc4_state *rc4, const struct packet *pkt)
{
	rc4_crypt(rc4, pkt->body, pkt->body, pkt->len);
}

static enum evidence
ip_evidence(const uint8_t *ip, uint32_t len, unsigned int version)
{
	if (len == 0 || ip[0] >> 4 != version)
		return EVIDENCE_LIKELY;
	return version == 6 || (ip[0] & 0x0f) >= 5 ? EVIDENCE_STRONG : EVIDENCE_LIKELY;
}

/* What does key make of the packet's first octets? */
static enum evidence
evidence(const uint8_t *key, uint8_t key_len, const struct packet *pkt)
{
	uint8_t clear[PEEK_LEN], *p = clear;
	uint32_t len = pkt->len < PEEK_LEN ? pkt->len : PEEK_LEN;
	struct rc4_state rc4;
	enum evidence ret;

	rc4_init(&rc4, key, key_len);
	rc4_crypt(&rc4, clear, pkt->body, len);
	OPENSSL_cleanse(&rc4, sizeof(rc4));
	/* RFC 1661 section 2: the last octet of a protocol number is odd, the one before it even; a
	 * leading 0 may be compressed away. */
	if (p[0] == 0 && len > 1) {
		p++;
		len--;
	}
	switch (p[0]) {
	case 0x21: /* IPv4 */
	case 0x2f: /* VJ uncompressed TCP: an IPv4 header */
		ret = ip_evidence(p + 1, len - 1, 4);
		break;
	case 0x57: /* IPv6 */
		ret = ip_evidence(p + 1, len - 1, 6);
		break;
	case 0x2d: /* VJ compressed TCP */
	case 0x2b: /* IPX */
	case 0x3f: /* NetBIOS frames */
		ret = EVIDENCE_LIKELY;
		break;
	default:
		ret = p[0] & 1 && p[0] >= 0x21 && p[0] <= 0xfa ? EVIDENCE_POSSIBLE
							       : EVIDENCE_IMPOSSIBLE;
	}
	OPENSSL_cleanse(clear, sizeof(clear));
	return ret;
}

/* The key of a skipped packet is kept for its late arrival, and used once. */
static void
keep_skipped(struct mppe_rx *rx)
{
	unsigned int slot = rx->count % MPPE_SKIPPED;

	memcpy(rx->skipped[slot], rx->session, MPPE_KEY_MAX);
	rx->skipped_count[slot] = rx->count;
	rx->skipped_mask |= (uint16_t)(1u << slot);
}

static void
forget_skipped(struct mppe_rx *rx, unsigned int slot)
{
	OPENSSL_cleanse(rx->skipped[slot], MPPE_KEY_MAX);
	rx->skipped_mask &= (uint16_t) ~(1u << slot);
}

static enum mppe_status
decrypt_late(struct mppe_rx *rx, const struct packet *pkt)
{
	unsigned int slot = pkt->count % MPPE_SKIPPED;
	struct rc4_state rc4;

	if (!(rx->skipped_mask & 1u << slot) || rx->skipped_count[slot] != pkt->count)
		return MPPE_LATE;
	rc4_init(&rc4, rx->skipped[slot], rx->key_len);
	decrypt_body(&rc4, pkt);
	OPENSSL_cleanse(&rc4, sizeof(rc4));
	forget_skipped(rx, slot);
	return MPPE_OK;
}

static enum mppe_status
decrypt_stateless(struct mppe_rx *rx, const struct packet *pkt)
{
	unsigned int ahead = (unsigned int)(pkt->count - rx->count) & MPPE_COUNT_MASK;

	if (ahead >= MPPE_COUNT_MOD / 2)
		return decrypt_late(rx, pkt);
	if (ahead + 1 > pkt->max_rekeys || ahead > *pkt->skip_budget)
		return MPPE_REKEY_BOUND;
	*pkt->skip_budget -= ahead;
	for (; ahead > 0; ahead--) {
		advance_key(rx, 1);
		keep_skipped(rx);
		rx->count = count_after(rx->count, 1);
	}
	advance_key(rx, 1);
	if (rx->skipped_count[rx->count % MPPE_SKIPPED] == rx->count) /* one wrap ago */
		forget_skipped(rx, rx->count % MPPE_SKIPPED);
	rx->count = count_after(rx->count, 1);
	rc4_init(&rx->rc4, rx->session, rx->key_len);
	decrypt_body(&rx->rc4, pkt);
	return MPPE_OK;
}

/*
 * A FLUSHED packet: find the session key.  Outside of flag packets the two readings differ by one
 * key change, and a Linux peer has changed its key with every FLUSHED packet that was lost besides.
 * The plaintext tells. Returns false when no key fits.
 */
static bool
flushed_key(struct mppe_rx *rx, const struct packet *pkt, bool resync)
{
	unsigned int least = is_flag(pkt->count) || rx->flush_reading == MPPE_FLUSH_REKEY;
	unsigned int most = is_flag(pkt->count) || rx->flush_reading != MPPE_FLUSH_REINIT;
	enum evidence best = EVIDENCE_IMPOSSIBLE, second = EVIDENCE_IMPOSSIBLE;
	uint8_t key[MPPE_KEY_MAX], best_key[MPPE_KEY_MAX];
	unsigned int best_n = least;

	if (resync && rx->flush_reading != MPPE_FLUSH_REINIT)
		most += LOST_FLUSHES;
	memcpy(key, rx->session, sizeof(key));
	for (unsigned int n = 0; n <= most && best < EVIDENCE_STRONG; n++) {
		enum evidence e;

		if (n > 0)
			next_key(rx->master, key, rx->key_len, rx->strength);
		if (n < least)
			continue;
		e = evidence(key, rx->key_len, pkt);
		if (n == least || e > best) {
			second = n == least ? EVIDENCE_IMPOSSIBLE : best;
			best = e;
			best_n = n;
			memcpy(best_key, key, sizeof(key));
		} else if (e > second) {
			second = e;
		}
	}
	memcpy(rx->session, best_key, sizeof(best_key));
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(best_key, sizeof(best_key));
	if (best < EVIDENCE_LIKELY) /* nothing proved, and what was believed may be wrong */
		rx->flush_reading = MPPE_FLUSH_UNKNOWN;
	else if (!is_flag(pkt->count) && best > second)
		rx->flush_reading = best_n == 0 ? MPPE_FLUSH_REINIT : MPPE_FLUSH_REKEY;
	return best != EVIDENCE_IMPOSSIBLE;
}

static enum mppe_status
decrypt_stateful(struct mppe_rx *rx, const struct packet *pkt)
{
	unsigned int ahead = (unsigned int)(pkt->count - rx->count) & MPPE_COUNT_MASK;
	unsigned int missed = ((rx->count & 0xff) + ahead) >> 8; /* flag packets */
	bool flag = is_flag(pkt->count);
	bool lost = rx->discarding || ahead > 0;
	bool was_discarding = rx->discarding;

	if (ahead >= MPPE_COUNT_MOD / 2)
		return MPPE_LATE;
	if (missed + flag > pkt->max_rekeys || missed > *pkt->skip_budget)
		return MPPE_REKEY_BOUND;
	*pkt->skip_budget -= missed;

	/* RFC 3078 section 7.2: one key change for each flag packet, seen or not. */
	advance_key(rx, missed);
	rx->count = count_after(pkt->count, 1);
	if (lost && !flag && !pkt->flushed) {
		rx->discarding = true;
		return was_discarding ? MPPE_AWAIT_RESET : MPPE_LOST_SYNC;
	}
	if (flag && !lost) {
		advance_key(rx, 1);
		rc4_init(&rx->rc4, rx->session, rx->key_len);
	} else if (flag || pkt->flushed) {
		rx->discarding = !flushed_key(rx, pkt, lost);
		if (rx->discarding)
			return MPPE_LOST_SYNC;
		rc4_init(&rx->rc4, rx->session, rx->key_len);
	}
	decrypt_body(&rx->rc4, pkt);
	return MPPE_OK;
}

static enum mppe_status
decrypt_one(const struct mppe_job *job, unsigned int max_rekeys, unsigned int *skip_budget)
{
	struct packet pkt;
	uint16_t header;

	if (job->len < MPPE_HDR_LEN + 1)
		return MPPE_SHORT;
	header = (uint16_t)(job->data[0] << 8 | job->data[1]);
	if (!(header & MPPE_BIT_ENCRYPTED))
		return MPPE_NOT_ENCRYPTED;
	pkt = (struct packet){
		.body = job->data + MPPE_HDR_LEN,
		.len = job->len - MPPE_HDR_LEN,
		.count = header & MPPE_COUNT_MASK,
		.flushed = header & MPPE_BIT_FLUSHED,
		.max_rekeys = max_rekeys,
		.skip_budget = skip_budget,
	};
	return job->rx->stateless ? decrypt_stateless(job->rx, &pkt)
				  : decrypt_stateful(job->rx, &pkt);
}

/* Stable partition by swapping out chunks: no allocation, and bursts are small. */
static unsigned int
good_first(struct mppe_job *jobs, unsigned int n)
{
	unsigned int good = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct mppe_job job = jobs[i];

		if (job.status != MPPE_OK)
			continue;
		memmove(&jobs[good + 1], &jobs[good], (i - good) * sizeof(job));
		jobs[good++] = job;
	}
	return good;
}

unsigned int
mppe_decrypt_burst(struct mppe_job *jobs, unsigned int n, unsigned int max_rekeys)
{
	unsigned int skip_budget = BURST_SKIP_PACKETS * max_rekeys;

	for (unsigned int i = 0; i < n; i++)
		jobs[i].status = decrypt_one(&jobs[i], max_rekeys, &skip_budget);
	return good_first(jobs, n);
}
