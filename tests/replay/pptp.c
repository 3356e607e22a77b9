/* SPDX-License-Identifier: BSD-3-Clause */
/* One PPTP call: GRE (RFC 2637), PPP, MS-CHAPv2, CCP, MPPE. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/mppe.h"
#include "crypto/mschap.h"
#include "tests/replay/replay.h"

#define BURST      16
#define FRAME_MAX  65536
#define MAX_REKEYS 256
#define SEQ_MAX    (1u << 24) /* GRE sequence numbers start at 0, and no capture is that long */

enum { PPP_MPPE = 0x00fd, PPP_CCP = 0x80fd, PPP_CHAP = 0xc223 };

struct frame {
	enum direction dir;
	struct timeval when;
	uint8_t data[FRAME_MAX];
};

struct call {
	struct result *result;
	const char *password;
	uint32_t client;           /* network order */
	uint8_t *seen[DIRECTIONS]; /* bit map of GRE sequence numbers */
	uint8_t auth_challenge[16];
	bool have_challenge, have_keys, mode_known[DIRECTIONS], running[DIRECTIONS];
	uint8_t hash_hash[MSCHAP_HASH_LEN], nt_response[MSCHAP_RESPONSE_LEN];
	struct mppe_params params[DIRECTIONS];
	struct mppe_rx rx[DIRECTIONS];
	struct mppe_job jobs[BURST];
	unsigned int n_jobs;
	struct frame frames[BURST];
	const char *error;
};

static uint16_t
be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static void
flush_burst(struct call *call)
{
	unsigned int good = mppe_decrypt_burst(call->jobs, call->n_jobs, MAX_REKEYS);

	for (unsigned int i = 0; i < call->n_jobs; i++) {
		const struct mppe_job *job = &call->jobs[i];
		const struct frame *f = job->user;

		if (i < good) {
			result_ppp(call->result, f->dir, job->data + MPPE_HDR_LEN,
				job->len - MPPE_HDR_LEN, &f->when);
			continue;
		}
		count_up(call->result->failed, mppe_status_name(job->status));
		if (job->status == MPPE_LOST_SYNC || job->status == MPPE_AWAIT_RESET)
			count_up(call->result->unreset, direction_name[f->dir]);
	}
	call->n_jobs = 0;
}

/* RFC 3079: keys from the exchange and the password alone. */
static bool
start_mppe(struct call *call, enum direction dir)
{
	struct mppe_params *p = &call->params[dir];
	uint8_t *start[DIRECTIONS], other[MPPE_KEY_MAX];

	if (!call->have_keys || !call->mode_known[dir]) {
		call->error = "encrypted frames before MS-CHAPv2 and CCP were seen";
		return false;
	}
	start[dir] = p->start_key;
	start[!dir] = other;
	mppe_keys_mschapv2(
		call->hash_hash, call->nt_response, true, p->strength, start[S2C], start[C2S]);
	call->running[dir] = mppe_rx_init(&call->rx[dir], p) == 0;
	if (!call->running[dir])
		call->error = "an MPPE strength that is not 40, 56 or 128 bits";
	return call->running[dir];
}

static void
take_mppe(struct call *call, enum direction dir, const uint8_t *p, uint32_t len,
	const struct timeval *when)
{
	struct frame *f;

	if (!call->running[dir] && !start_mppe(call, dir))
		return;
	if (call->n_jobs == BURST)
		flush_burst(call);
	f = &call->frames[call->n_jobs];
	f->dir = dir;
	f->when = *when;
	memcpy(f->data, p, len);
	call->jobs[call->n_jobs++] =
		(struct mppe_job){.rx = &call->rx[dir], .data = f->data, .len = len, .user = f};
}

/* RFC 1994 section 4 with RFC 2759 sections 3 and 4. */
static void
take_chap(struct call *call, const uint8_t *p, uint32_t len)
{
	uint8_t nt_hash[MSCHAP_HASH_LEN];
	char user[256] = "";

	if (len < 5 || be16(p + 2) > len || be16(p + 2) < 5)
		return;
	len = be16(p + 2);
	if (p[0] == 1 && len >= 5 + 16 && p[4] == 16) {
		memcpy(call->auth_challenge, p + 5, 16);
		call->have_challenge = true;
	} else if (p[0] == 2 && len >= 5 + 49 && p[4] == 49 && call->have_challenge &&
		   !call->have_keys) {
		memcpy(call->nt_response, p + 5 + 24, sizeof(call->nt_response));
		if (len - 54 < sizeof(user))
			memcpy(user, p + 54, len - 54);
		if (mschap_nt_hash(call->password, nt_hash) < 0 ||
			mschap_hash_hash(nt_hash, call->hash_hash) < 0)
			call->error = "the password cannot be hashed";
		else if (!mschapv2_verify(
				 call->auth_challenge, p + 5, user, nt_hash, call->nt_response))
			call->error = "the password does not match the recorded MS-CHAPv2 response";
		call->have_keys = true;
	}
}

/* RFC 3078 section 2: who acknowledges an option sends with it. */
static void
take_ccp(struct call *call, enum direction dir, const uint8_t *p, uint32_t len)
{
	struct mppe_params *params = &call->params[dir];
	uint32_t bits;
	json_t *mode;

	if (len < 10 || p[0] != 2 || p[4] != 18 || p[5] != 6)
		return;
	bits = be32(p + 6);
	params->strength = bits & 0x40   ? MPPE_128
			   : bits & 0x80 ? MPPE_56
			   : bits & 0x20 ? MPPE_40
					 : 0;
	params->stateless = bits & 0x01000000;
	call->mode_known[dir] = true;
	mode = json_pack("{s:i, s:b}", "bits", params->strength, "stateful", !params->stateless);
	json_object_set_new(call->result->mppe, direction_name[dir], mode);
}

static void
take_ppp(struct call *call, enum direction dir, const uint8_t *p, uint32_t len,
	const struct timeval *when)
{
	const uint8_t *whole = p;
	uint32_t whole_len = len;
	uint16_t protocol;

	if (len >= 2 && p[0] == 0xff && p[1] == 0x03) {
		p += 2;
		len -= 2;
	}
	if (len >= 1 && p[0] & 1) {
		protocol = p[0];
		p++;
		len--;
	} else if (len >= 2) {
		protocol = be16(p);
		p += 2;
		len -= 2;
	} else {
		count_up(call->result->failed, "no-ppp-protocol");
		return;
	}
	if (protocol == PPP_MPPE) {
		take_mppe(call, dir, p, len, when);
		return;
	}
	flush_burst(call); /* keeps the order of capture */
	if (protocol == PPP_CHAP)
		take_chap(call, p, len);
	else if (protocol == PPP_CCP)
		take_ccp(call, dir, p, len);
	else if (protocol < 0x8000) /* network-layer protocol in the clear */
		result_ppp(call->result, dir, whole, whole_len, when);
}

/* RFC 2637 section 4.1.  A repeated sequence number is taken once. */
static void
take_gre(struct call *call, enum direction dir, const uint8_t *p, uint32_t len,
	const struct timeval *when)
{
	uint32_t payload, seq, header = 12;

	if (len < 8 || (be16(p) & 0x7f) != 1 || be16(p + 2) != 0x880b)
		return;
	if (!(p[0] & 0x10)) /* no sequence number: an acknowledgement only */
		return;
	if (p[1] & 0x80)
		header += 4;
	payload = be16(p + 4);
	if (len < header || payload > len - header) {
		count_up(call->result->failed, "short-gre");
		return;
	}
	seq = be32(p + 8);
	if (seq >= SEQ_MAX) {
		call->error = "a GRE sequence number that no recorded call reaches";
		return;
	}
	if (call->seen[dir][seq / 8] & 1u << seq % 8)
		return;
	call->seen[dir][seq / 8] |= (uint8_t)(1u << seq % 8);
	take_ppp(call, dir, p + header, payload, when);
}

static void
take_ethernet(struct call *call, const struct pcap_pkthdr *h, const uint8_t *p)
{
	uint32_t len = h->caplen, ihl, total;
	enum direction dir;

	if (len < 14 + 20 || be16(p + 12) != 0x0800)
		return;
	p += 14;
	len -= 14;
	ihl = (p[0] & 15u) * 4;
	total = be16(p + 2);
	if (p[0] >> 4 != 4 || p[9] != 47 || ihl < 20 || total < ihl)
		return;
	if (total > len || be16(p + 6) & 0x3fff) {
		count_up(call->result->failed, total > len ? "cut-short" : "outer-fragment");
		return;
	}
	dir = memcmp(p + 12, &call->client, 4) == 0 ? C2S : S2C;
	take_gre(call, dir, p + ihl, total - ihl, &h->ts);
}

static int
run(struct call *call, pcap_t *in, char *err, size_t err_len)
{
	struct pcap_pkthdr *h;
	const uint8_t *data;
	int ret;

	while ((ret = pcap_next_ex(in, &h, &data)) == 1 && !call->error)
		take_ethernet(call, h, data);
	flush_burst(call);
	if (call->error)
		snprintf(err, err_len, "%s", call->error);
	else if (ret != PCAP_ERROR_BREAK)
		snprintf(err, err_len, "the capture cannot be read: %s", pcap_geterr(in));
	else
		return 0;
	return -1;
}

int
replay_pptp(pcap_t *in, const json_t *session, struct result *r, char *err, size_t err_len)
{
	const char *password = json_string_value(json_object_get(session, "password"));
	const char *client = json_string_value(json_object_get(session, "client"));
	struct call *call;
	int ret = -1;

	if (pcap_datalink(in) != DLT_EN10MB) {
		snprintf(err, err_len, "not an Ethernet capture");
		return -1;
	}
	if (mschap_init(err, err_len) < 0)
		return -1;
	call = calloc(1, sizeof(*call));
	if (call) {
		call->result = r;
		call->password = password;
		for (int dir = 0; dir < DIRECTIONS; dir++)
			call->seen[dir] = calloc(1, SEQ_MAX / 8);
	}
	if (!call || !call->seen[C2S] || !call->seen[S2C])
		snprintf(err, err_len, "out of memory");
	else if (!password || !client || inet_pton(AF_INET, client, &call->client) != 1)
		snprintf(err, err_len, "the JSON names no client address or password");
	else
		ret = run(call, in, err, err_len);
	for (int dir = 0; call && dir < DIRECTIONS; dir++) {
		mppe_rx_wipe(&call->rx[dir]);
		free(call->seen[dir]);
	}
	free(call);
	mschap_fini();
	return ret;
}
