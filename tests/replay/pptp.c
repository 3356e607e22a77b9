/* SPDX-License-Identifier: BSD-3-Clause */
/* PPTP calls: GRE (RFC 2637), PPP, MS-CHAPv2, CCP, MPPE. */
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
#define CALLS_MAX  32
#define SEQ_MAX    (1u << 24) /* GRE sequence numbers start at 0, and no capture is that long */

enum { PPP_MPPE = 0x00fd, PPP_CCP = 0x80fd, PPP_CHAP = 0xc223 };
enum { IP_TCP = 6, IP_GRE = 47, PORT_PPTP = 1723 };

struct frame {
	enum direction dir;
	struct timeval when;
	uint8_t data[FRAME_MAX];
};

struct session;

struct call {
	struct session *session;
	uint32_t client;         /* network order */
	uint16_t id[DIRECTIONS]; /* in GRE's key, that way */
	bool has_id[DIRECTIONS];
	uint8_t *seen[DIRECTIONS]; /* bit map of GRE sequence numbers */
	uint8_t auth_challenge[16];
	bool have_challenge, have_keys, mode_known[DIRECTIONS], running[DIRECTIONS];
	uint8_t hash_hash[MSCHAP_HASH_LEN], nt_response[MSCHAP_RESPONSE_LEN];
	struct mppe_params params[DIRECTIONS];
	struct mppe_rx rx[DIRECTIONS];
};

/* Frames of all calls in one burst: the order of capture is kept. */
struct session {
	struct result *result;
	const json_t *json;
	uint32_t client, server; /* network order; one of them is 0 if the JSON does not name it */
	struct call *calls[CALLS_MAX];
	unsigned int n_calls;
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
flush_burst(struct session *s)
{
	unsigned int good = mppe_decrypt_burst(s->jobs, s->n_jobs, MAX_REKEYS);

	for (unsigned int i = 0; i < s->n_jobs; i++) {
		const struct mppe_job *job = &s->jobs[i];
		const struct frame *f = job->user;

		if (i < good) {
			result_ppp(s->result, f->dir, job->data + MPPE_HDR_LEN,
				job->len - MPPE_HDR_LEN, &f->when);
			continue;
		}
		count_up(s->result->failed, mppe_status_name(job->status));
		if (job->status == MPPE_LOST_SYNC || job->status == MPPE_AWAIT_RESET)
			count_up(s->result->unreset, direction_name[f->dir]);
	}
	s->n_jobs = 0;
}

/* RFC 3079: keys from the exchange and the password alone. */
static bool
start_mppe(struct call *call, enum direction dir)
{
	struct mppe_params *p = &call->params[dir];
	uint8_t *start[DIRECTIONS], other[MPPE_KEY_MAX];

	if (!call->have_keys || !call->mode_known[dir]) {
		call->session->error = "encrypted frames before MS-CHAPv2 and CCP were seen";
		return false;
	}
	start[dir] = p->start_key;
	start[!dir] = other;
	mppe_keys_mschapv2(
		call->hash_hash, call->nt_response, true, p->strength, start[S2C], start[C2S]);
	call->running[dir] = mppe_rx_init(&call->rx[dir], p) == 0;
	if (!call->running[dir])
		call->session->error = "an MPPE strength that is not 40, 56 or 128 bits";
	return call->running[dir];
}

static void
take_mppe(struct call *call, enum direction dir, const uint8_t *p, uint32_t len,
	const struct timeval *when)
{
	struct session *s = call->session;
	struct frame *f;

	if (!call->running[dir] && !start_mppe(call, dir))
		return;
	if (s->n_jobs == BURST)
		flush_burst(s);
	f = &s->frames[s->n_jobs];
	f->dir = dir;
	f->when = *when;
	memcpy(f->data, p, len);
	s->jobs[s->n_jobs++] =
		(struct mppe_job){.rx = &call->rx[dir], .data = f->data, .len = len, .user = f};
}

/* Of one user, or of this one among several; with or without a domain. */
static const char *
password_of(const struct session *s, const char *user)
{
	const json_t *users = json_object_get(s->json, "users");
	const char *bare = strrchr(user, '\\');

	if (!users)
		return json_string_value(json_object_get(s->json, "password"));
	return json_string_value(json_object_get(users, bare ? bare + 1 : user));
}

static void
take_response(struct call *call, const uint8_t *value, const char *user)
{
	const char *password = password_of(call->session, user);
	uint8_t nt_hash[MSCHAP_HASH_LEN];

	memcpy(call->nt_response, value + 24, sizeof(call->nt_response));
	if (!password)
		call->session->error = "the JSON has no password of a user";
	else if (mschap_nt_hash(password, nt_hash) < 0 ||
		 mschap_hash_hash(nt_hash, call->hash_hash) < 0)
		call->session->error = "the password cannot be hashed";
	else if (!mschapv2_verify(call->auth_challenge, value, user, nt_hash, call->nt_response))
		call->session->error =
			"the password does not match the recorded MS-CHAPv2 response";
	call->have_keys = true;
}

/* RFC 1994 section 4 with RFC 2759 sections 3 and 4. */
static void
take_chap(struct call *call, const uint8_t *p, uint32_t len)
{
	char user[256] = "";

	if (len < 5 || be16(p + 2) > len || be16(p + 2) < 5)
		return;
	len = be16(p + 2);
	if (p[0] == 1 && len >= 5 + 16 && p[4] == 16) {
		memcpy(call->auth_challenge, p + 5, 16);
		call->have_challenge = true;
	} else if (p[0] == 2 && len >= 5 + 49 && p[4] == 49 && call->have_challenge &&
		   !call->have_keys) {
		if (len - 54 < sizeof(user))
			memcpy(user, p + 54, len - 54);
		take_response(call, p + 5, user);
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
	json_object_set_new(call->session->result->mppe, direction_name[dir], mode);
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
		count_up(call->session->result->failed, "no-ppp-protocol");
		return;
	}
	if (protocol == PPP_MPPE) {
		take_mppe(call, dir, p, len, when);
		return;
	}
	flush_burst(call->session); /* keeps the order of capture */
	if (protocol == PPP_CHAP)
		take_chap(call, p, len);
	else if (protocol == PPP_CCP)
		take_ccp(call, dir, p, len);
	else if (protocol < 0x8000) /* network-layer protocol in the clear */
		result_ppp(call->session->result, dir, whole, whole_len, when);
}

static struct call *
add_call(struct session *s, uint32_t client)
{
	struct call *call = s->n_calls < CALLS_MAX ? calloc(1, sizeof(*call)) : NULL;

	if (!call) {
		s->error = "too many calls";
		return NULL;
	}
	call->session = s;
	call->client = client;
	s->calls[s->n_calls++] = call;
	for (int dir = 0; dir < DIRECTIONS; dir++) {
		call->seen[dir] = calloc(1, SEQ_MAX / 8);
		if (!call->seen[dir])
			s->error = "out of memory";
	}
	return s->error ? NULL : call;
}

/* The call of this key; without its control connection in the capture, the client's first one that
 * has none yet. */
static struct call *
call_of(struct session *s, uint32_t client, enum direction dir, uint16_t id)
{
	struct call *call = NULL;

	for (unsigned int i = s->n_calls; i-- > 0;) {
		struct call *c = s->calls[i];

		if (c->client == client && c->has_id[dir] && c->id[dir] == id)
			return c;
		if (c->client == client && !c->has_id[dir])
			call = c;
	}
	if (!call)
		call = add_call(s, client);
	if (call) {
		call->has_id[dir] = true;
		call->id[dir] = id;
	}
	return call;
}

/* RFC 2637 section 2.8: an Outgoing-Call-Reply pairs the call IDs of both ends. */
static void
take_tcp(struct session *s, uint32_t client, enum direction dir, const uint8_t *p, uint32_t len)
{
	uint32_t header = len >= 20 ? (p[12] >> 4) * 4u : 0;
	struct call *call;

	if (header < 20 || len < header + 32 || be16(p) != PORT_PPTP || dir != S2C)
		return;
	p += header;
	if (be16(p + 2) != 1 || be32(p + 4) != 0x1a2b3c4d || be16(p + 8) != 8 || p[16] != 1)
		return;
	call = call_of(s, client, C2S, be16(p + 12));
	if (call) {
		call->has_id[S2C] = true;
		call->id[S2C] = be16(p + 14);
	}
}

/* RFC 2637 section 4.1.  A repeated sequence number is taken once. */
static void
take_gre(struct session *s, uint32_t client, enum direction dir, const uint8_t *p, uint32_t len,
	const struct timeval *when)
{
	uint32_t payload, seq, header = 12;
	struct call *call;

	if (len < 8 || (be16(p) & 0x7f) != 1 || be16(p + 2) != 0x880b)
		return;
	if (!(p[0] & 0x10)) /* no sequence number: an acknowledgement only */
		return;
	if (p[1] & 0x80)
		header += 4;
	payload = be16(p + 4);
	if (len < header || payload > len - header) {
		count_up(s->result->failed, "short-gre");
		return;
	}
	seq = be32(p + 8);
	if (seq >= SEQ_MAX) {
		s->error = "a GRE sequence number that no recorded call reaches";
		return;
	}
	call = call_of(s, client, dir, be16(p + 6));
	if (!call || call->seen[dir][seq / 8] & 1u << seq % 8)
		return;
	call->seen[dir][seq / 8] |= (uint8_t)(1u << seq % 8);
	take_ppp(call, dir, p + header, payload, when);
}

static void
take_ethernet(struct session *s, const struct pcap_pkthdr *h, const uint8_t *p)
{
	uint32_t len = h->caplen, ihl, total, client;
	enum direction dir;

	if (len < 14 + 20 || be16(p + 12) != 0x0800)
		return;
	p += 14;
	len -= 14;
	ihl = (p[0] & 15u) * 4;
	total = be16(p + 2);
	if (p[0] >> 4 != 4 || (p[9] != IP_GRE && p[9] != IP_TCP) || ihl < 20 || total < ihl)
		return;
	dir = s->server                            ? memcmp(p + 12, &s->server, 4) == 0 ? S2C : C2S
	      : memcmp(p + 12, &s->client, 4) == 0 ? C2S
						   : S2C;
	memcpy(&client, dir == C2S ? p + 12 : p + 16, 4);
	if (p[9] == IP_TCP && total <= len)
		take_tcp(s, client, dir, p + ihl, total - ihl);
	if (p[9] == IP_TCP)
		return;
	if (total > len || be16(p + 6) & 0x3fff) {
		count_up(s->result->failed, total > len ? "cut-short" : "outer-fragment");
		return;
	}
	take_gre(s, client, dir, p + ihl, total - ihl, &h->ts);
}

static bool
address(const json_t *json, const char *name, uint32_t *out)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text && inet_pton(AF_INET, text, out) == 1;
}

static int
run(struct session *s, pcap_t *in, char *err, size_t err_len)
{
	struct pcap_pkthdr *h;
	const uint8_t *data;
	int ret = 0;

	if (!address(s->json, "client", &s->client) && !address(s->json, "server", &s->server))
		s->error = "the JSON names no client's or server's address";
	else if (!json_object_get(s->json, "password") && !json_object_get(s->json, "users"))
		s->error = "the JSON has no password";
	while (!s->error && (ret = pcap_next_ex(in, &h, &data)) == 1)
		take_ethernet(s, h, data);
	flush_burst(s);
	if (s->error)
		snprintf(err, err_len, "%s", s->error);
	else if (ret != PCAP_ERROR_BREAK)
		snprintf(err, err_len, "the capture cannot be read: %s", pcap_geterr(in));
	else
		return 0;
	return -1;
}

static void
free_calls(struct session *s)
{
	for (unsigned int i = 0; i < s->n_calls; i++) {
		for (int dir = 0; dir < DIRECTIONS; dir++) {
			mppe_rx_wipe(&s->calls[i]->rx[dir]);
			free(s->calls[i]->seen[dir]);
		}
		free(s->calls[i]);
	}
}

int
replay_pptp(pcap_t *in, const json_t *json, struct result *r, char *err, size_t err_len)
{
	struct session *s;
	int ret = -1;

	if (pcap_datalink(in) != DLT_EN10MB) {
		snprintf(err, err_len, "not an Ethernet capture");
		return -1;
	}
	if (mschap_init(err, err_len) < 0)
		return -1;
	s = calloc(1, sizeof(*s));
	if (s) {
		s->result = r;
		s->json = json;
		ret = run(s, in, err, err_len);
		free_calls(s);
	} else {
		snprintf(err, err_len, "out of memory");
	}
	free(s);
	mschap_fini();
	return ret;
}
