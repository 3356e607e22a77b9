/* SPDX-License-Identifier: BSD-3-Clause */
/* L2TP sessions: in ESP in transport mode, native (RFC 4303) or in UDP (RFC 3948), or in clear. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/esp.h"
#include "tests/replay/l2tp.h"
#include "tests/replay/replay.h"

#define BURST     32
#define FRAME_MAX 65536
#define SAS_MAX   16

enum { IP_ICMP = 1, IP_UDP = 17, IP_ESP = 50, PORT_L2TP = 1701, PORT_NATT = 4500 };

struct sa {
	struct esp_sa *esp;
	uint32_t src, dst; /* network order */
	uint32_t spi;
	enum direction dir;
};

struct frame {
	const struct sa *sa;
	struct timeval when;
	uint8_t data[FRAME_MAX];
};

struct session {
	struct result *result;
	struct esp_engine *engine;
	uint32_t server; /* network order */
	struct sa sas[SAS_MAX];
	unsigned int n_sas;
	struct esp_job jobs[BURST];
	unsigned int n_jobs;
	struct frame frames[BURST];
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

/* --- Keys ------------------------------------------------------------------------------------ */

/* By Wireshark's names, as in the captures' JSON, or by the suite table's own; AES comes with its
 * key's length, GCM's with a salt. */
static const struct suite *
encryption_of(const char *name, size_t key_len)
{
	unsigned int icv;
	char row[32];

	if (strncmp(name, "NULL", 4) == 0)
		return suite_by_name("null");
	if (strncmp(name, "TripleDES-CBC", 13) == 0)
		return suite_by_name("3des-cbc");
	if (strncmp(name, "DES-CBC", 7) == 0)
		return suite_by_name("des-cbc");
	if (sscanf(name, "AES-GCM with %u octet ICV", &icv) == 1 && key_len > 4)
		snprintf(row, sizeof(row), "aes%zu-gcm%u", key_len * 8 - 32, icv);
	else if (strncmp(name, "AES-CBC", 7) == 0)
		snprintf(row, sizeof(row), "aes%zu-cbc", key_len * 8);
	else
		return suite_by_name(name);
	return suite_by_name(row);
}

static const struct suite *
integrity_of(const char *name)
{
	static const char *const names[][2] = {
		{"HMAC-MD5-96", "hmac-md5-96"},
		{"HMAC-SHA-1-96", "hmac-sha1-96"},
		{"HMAC-SHA-256-128", "hmac-sha2-256-128"},
		{"HMAC-SHA-256-96", "hmac-sha2-256-96"},
		{"HMAC-SHA-384-192", "hmac-sha2-384-192"},
		{"HMAC-SHA-512-256", "hmac-sha2-512-256"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(name, names[i][0], strlen(names[i][0])) == 0)
			return suite_by_name(names[i][1]);
	}
	return suite_by_name(name);
}

static const char *
text(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s ? s : "";
}

/* Octets of "0x...", at most max. */
static size_t
unhex(const char *s, uint8_t *out, size_t max)
{
	size_t n = 0;
	unsigned int v;

	if (strncmp(s, "0x", 2) == 0)
		s += 2;
	for (; n < max && s[2 * n] && s[2 * n + 1] && sscanf(s + 2 * n, "%2x", &v) == 1; n++)
		out[n] = (uint8_t)v;
	return n;
}

static enum direction
direction_from(const struct session *s, uint32_t src)
{
	return src == s->server ? S2C : C2S;
}

static const char *
add_sa(struct session *s, const json_t *json)
{
	uint8_t encryption_key[SUITE_KEY_MAX], integrity_key[SUITE_KEY_MAX];
	struct esp_sa_config c = {.inbound = true,
		.encryption_key = encryption_key,
		.integrity_key = integrity_key,
		.spi = (uint32_t)strtoul(text(json, "spi"), NULL, 0)};
	struct sa *sa = &s->sas[s->n_sas];
	enum esp_setup setup;

	c.encryption_key_len = unhex(text(json, "encryption_key"), encryption_key, SUITE_KEY_MAX);
	c.integrity_key_len = unhex(text(json, "authentication_key"), integrity_key, SUITE_KEY_MAX);
	c.encryption = encryption_of(text(json, "encryption"), c.encryption_key_len);
	c.integrity = integrity_of(text(json, "authentication"));
	if (!suite_pair_is_valid(c.encryption, c.integrity))
		return "no such pair of suites";
	if (s->n_sas >= SAS_MAX)
		return "too many SAs";
	if (inet_pton(AF_INET, text(json, "src"), &sa->src) != 1 ||
		inet_pton(AF_INET, text(json, "dst"), &sa->dst) != 1)
		return "an SA without addresses";
	sa->spi = c.spi;
	sa->dir = direction_from(s, sa->src);
	sa->esp = aligned_alloc(ESP_SA_ALIGN, esp_sa_size(s->engine, &c));
	if (!sa->esp)
		return "out of memory";
	s->n_sas++;
	memset(sa->esp, 0, esp_sa_size(s->engine, &c));
	setup = esp_sa_init(sa->esp, s->engine, &c);
	return setup == ESP_SETUP_OK ? NULL : esp_setup_name(setup);
}

/* --- Packets --------------------------------------------------------------------------------- */

static void
take_l2tp(struct session *s, enum direction dir, const uint8_t *p, uint32_t len,
	const struct timeval *when)
{
	struct l2tp_message m;

	if (!l2tp_decode(p, len, &m)) {
		count_up(s->result->failed, "not-l2tp");
		return;
	}
	count_up(s->result->l2tp, m.control ? "l2tp_control" : "l2tp_data");
	if (!m.control)
		result_ppp(s->result, dir, m.payload, m.len, when);
}

static void
flush_burst(struct session *s)
{
	unsigned int good = esp_decapsulate_burst(s->engine, s->jobs, s->n_jobs);

	for (unsigned int i = 0; i < s->n_jobs; i++) {
		const struct esp_job *job = &s->jobs[i];
		const struct frame *f = job->user;

		if (i >= good) {
			count_up(s->result->failed, esp_status_name(job->status));
			continue;
		}
		count_up(s->result->l2tp, "esp_frames");
		if (job->next_header == IP_UDP)
			take_l2tp(s, f->sa->dir, job->data, job->len, &f->when);
		else
			count_up(s->result->failed, "not-udp");
	}
	s->n_jobs = 0;
}

static void
take_esp(struct session *s, uint32_t src, uint32_t dst, const uint8_t *p, uint32_t len,
	const struct timeval *when)
{
	struct sa *sa = NULL;
	struct frame *f;

	for (unsigned int i = 0; i < s->n_sas && len >= ESP_HDR_LEN; i++) {
		if (s->sas[i].spi == be32(p) && s->sas[i].src == src && s->sas[i].dst == dst)
			sa = &s->sas[i];
	}
	if (!sa) {
		count_up(s->result->failed, "no-sa");
		return;
	}
	if (s->n_jobs == BURST)
		flush_burst(s);
	f = &s->frames[s->n_jobs];
	f->sa = sa;
	f->when = *when;
	memcpy(f->data, p, len);
	s->jobs[s->n_jobs++] =
		(struct esp_job){.sa = sa->esp, .data = f->data, .len = len, .user = f};
}

/* RFC 3948 section 2: ESP, or IKE behind four octets of zero, or a keepalive of one octet. */
static void
take_natt(struct session *s, uint32_t src, uint32_t dst, const uint8_t *p, uint32_t len,
	const struct timeval *when)
{
	if (be16(p + 4) < 8 || be16(p + 4) > len) {
		count_up(s->result->failed, "bad-udp-length");
		return;
	}
	len = (uint32_t)be16(p + 4) - 8;
	p += 8;
	if (len > 4 && be32(p) != 0)
		take_esp(s, src, dst, p, len, when);
}

static void
take_udp(struct session *s, uint32_t src, uint32_t dst, const uint8_t *p, uint32_t len,
	const struct timeval *when)
{
	if (len < 8)
		return;
	if (be16(p) == PORT_NATT || be16(p + 2) == PORT_NATT)
		take_natt(s, src, dst, p, len, when);
	else if (s->n_sas == 0 && (be16(p) == PORT_L2TP || be16(p + 2) == PORT_L2TP))
		take_l2tp(s, direction_from(s, src), p, len, when);
}

/* A kernel that has just removed its SA answers its peer's last message in the clear, quoting
 * it. */
static void
take_icmp(struct session *s, const uint8_t *p, uint32_t len)
{
	struct l2tp_message m;
	uint32_t ihl = len >= 8 + 20 ? (p[8] & 15u) * 4 : 0;

	if (ihl >= 20 && p[0] == 3 && p[8 + 9] == IP_UDP && len >= 8 + ihl &&
		l2tp_decode(p + 8 + ihl, len - 8 - ihl, &m))
		count_up(s->result->l2tp, "l2tp_quoted");
}

static void
take_ethernet(struct session *s, const struct pcap_pkthdr *h, const uint8_t *data)
{
	const uint8_t *p = data + 14;
	uint32_t len, total, ihl, src, dst;

	if (h->caplen < 34 || be16(data + 12) != 0x0800)
		return;
	len = h->caplen - 14;
	ihl = (p[0] & 15u) * 4;
	total = be16(p + 2);
	if (p[0] >> 4 != 4 || ihl < 20 || total < ihl)
		return;
	if (total > len || be16(p + 6) & 0x3fff) {
		count_up(s->result->failed, total > len ? "cut-short" : "outer-fragment");
		return;
	}
	memcpy(&src, p + 12, 4);
	memcpy(&dst, p + 16, 4);
	if (p[9] == IP_ESP)
		take_esp(s, src, dst, p + ihl, total - ihl, &h->ts);
	else if (p[9] == IP_UDP)
		take_udp(s, src, dst, p + ihl, total - ihl, &h->ts);
	else if (p[9] == IP_ICMP)
		take_icmp(s, p + ihl, total - ihl);
}

static int
run(struct session *s, pcap_t *in, const json_t *json, char *err, size_t err_len)
{
	const json_t *sas = json_object_get(json, "sas"), *sa;
	struct pcap_pkthdr *h;
	const char *why = NULL;
	const uint8_t *data;
	size_t i;
	int ret;

	if (inet_pton(AF_INET, text(json, "server"), &s->server) != 1)
		why = "the JSON names no server";
	json_array_foreach(sas, i, sa)
	{
		if (!why)
			why = add_sa(s, sa);
	}
	if (why) {
		snprintf(err, err_len, "%s", why);
		return -1;
	}
	while ((ret = pcap_next_ex(in, &h, &data)) == 1)
		take_ethernet(s, h, data);
	flush_burst(s);
	if (ret == PCAP_ERROR_BREAK)
		return 0;
	snprintf(err, err_len, "the capture cannot be read: %s", pcap_geterr(in));
	return -1;
}

int
replay_l2tp(pcap_t *in, const json_t *json, struct result *r, char *err, size_t err_len)
{
	struct session *s;
	int ret = -1;

	if (pcap_datalink(in) != DLT_EN10MB) {
		snprintf(err, err_len, "not an Ethernet capture");
		return -1;
	}
	s = calloc(1, sizeof(*s));
	if (s)
		s->engine = esp_engine_create(ESP_ARCH_AUTO);
	if (!s || !s->engine) {
		snprintf(err, err_len, "no engine for ESP");
	} else {
		s->result = r;
		ret = run(s, in, json, err, err_len);
	}
	for (unsigned int i = 0; s && i < s->n_sas; i++) {
		if (s->sas[i].esp->size)
			esp_sa_wipe(s->sas[i].esp);
		free(s->sas[i].esp);
	}
	if (s)
		esp_engine_destroy(s->engine);
	free(s);
	return ret;
}
