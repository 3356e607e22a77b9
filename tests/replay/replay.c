/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * adit-replay CAPTURE.pcap CAPTURE.json [--out PLAIN.pcap]
 *
 * Decodes recorded sessions with the gateway's own code, PPTP from the accounts' passwords alone,
 * L2TP/IPsec with the keys of its SAs, L2TP in clear, and compares the outcome with `expect` of the
 * JSON.  The last line of standard output is one JSON object.  Exit status: 0 as expected, 1
 * different, 2 cannot be decoded at all.
 */
#include "tests/replay/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const direction_name[DIRECTIONS] = {[C2S] = "c>s", [S2C] = "s>c"};

void
count_up(json_t *counters, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(counters, name));

	json_object_set_new(counters, name, json_integer(n + 1));
}

void
result_frame(struct result *r, enum direction dir, uint16_t protocol, const uint8_t *payload,
	uint32_t len, const struct timeval *when)
{
	uint8_t frame[4 + 65536] = {0xff, 0x03, (uint8_t)(protocol >> 8), (uint8_t)protocol};
	struct pcap_pkthdr h = {.ts = *when, .caplen = 4 + len, .len = 4 + len};
	char name[16];

	memcpy(frame + 4, payload, len);
	snprintf(name, sizeof(name), "%s %04x", direction_name[dir], protocol);
	count_up(r->ppp_frames, name);
	r->decrypted++;
	EVP_DigestUpdate(r->sha256[dir], frame + 2, 2 + len);
	if (r->out)
		pcap_dump((u_char *)r->out, &h, frame);
}

void
result_ppp(struct result *r, enum direction dir, const uint8_t *ppp, uint32_t len,
	const struct timeval *when)
{
	if (len >= 2 && ppp[0] == 0xff && ppp[1] == 0x03) {
		ppp += 2;
		len -= 2;
	}
	if (len >= 1 && ppp[0] & 1)
		result_frame(r, dir, ppp[0], ppp + 1, len - 1, when);
	else if (len >= 2)
		result_frame(r, dir, (uint16_t)(ppp[0] << 8 | ppp[1]), ppp + 2, len - 2, when);
	else
		count_up(r->failed, "no-ppp-protocol");
}

static json_t *
hex_digests(struct result *r)
{
	json_t *all = json_object();

	for (int dir = 0; dir < DIRECTIONS; dir++) {
		uint8_t sha[EVP_MAX_MD_SIZE];
		char hex[2 * EVP_MAX_MD_SIZE + 1];
		unsigned int len = 0;

		EVP_DigestFinal_ex(r->sha256[dir], sha, &len);
		for (unsigned int i = 0; i < len; i++)
			snprintf(hex + 2 * i, 3, "%02x", sha[i]);
		json_object_set_new(all, direction_name[dir], json_string(hex));
	}
	return all;
}

/* Appends what to `mismatches` when two values differ. */
static void
compare(json_t *mismatches, const char *what, const json_t *got, const json_t *want)
{
	if (!json_equal(got, want))
		json_array_append_new(mismatches, json_string(what));
}

/* PPP frames of a protocol, both ways. */
static json_int_t
frames_of(const struct result *r, const char *protocol)
{
	json_int_t n = 0;
	json_t *count;
	const char *name;

	json_object_foreach(r->ppp_frames, name, count)
	{
		if (strcmp(name + 4, protocol) == 0)
			n += json_integer_value(count);
	}
	return n;
}

/* The report on L2TP, with or without IPsec, compared with what the JSON expects. */
static json_t *
report_l2tp(struct result *r, const json_t *session)
{
	static const char *const names[] = {"esp_frames", "l2tp_control", "inner_ip", "vj"};
	const json_t *expect = json_object_get(session, "expect");
	json_t *mismatches = json_array();

	json_object_set_new(r->l2tp, "inner_ip", json_integer(frames_of(r, "0021")));
	json_object_set_new(
		r->l2tp, "vj", json_integer(frames_of(r, "002d") + frames_of(r, "002f")));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_integer_value(json_object_get(r->l2tp, names[i])) !=
			json_integer_value(json_object_get(expect, names[i])))
			json_array_append_new(mismatches, json_string(names[i]));
	/* Wireshark also counts what an ICMP error quotes. */
	if (json_integer_value(json_object_get(r->l2tp, "l2tp_data")) +
			json_integer_value(json_object_get(r->l2tp, "l2tp_quoted")) !=
		json_integer_value(json_object_get(expect, "l2tp_data")))
		json_array_append_new(mismatches, json_string("l2tp_data"));
	if (json_object_size(r->failed) > 0)
		json_array_append_new(mismatches, json_string("failed"));
	return json_pack("{s:i, s:O, s:O, s:O, s:o, s:o}", "decrypted", (int)r->decrypted, "failed",
		r->failed, "l2tp", r->l2tp, "ppp_frames", r->ppp_frames, "sha256_of_ppp_frames",
		hex_digests(r), "mismatches", mismatches);
}

/* The report on PPTP, compared with what the JSON expects. */
static json_t *
report_pptp(struct result *r, const json_t *session)
{
	const json_t *expect = json_object_get(session, "expect");
	json_t *mismatches = json_array(), *other = json_deep_copy(r->failed),
	       *sha = hex_digests(r);

	compare(mismatches, "mppe", r->mppe, json_object_get(session, "mppe"));
	compare(mismatches, "ppp_frames", r->ppp_frames, json_object_get(expect, "ppp_frames"));
	compare(mismatches, "sha256_of_ppp_frames", sha,
		json_object_get(expect, "sha256_of_ppp_frames"));
	compare(mismatches, "undecryptable_until_reset", r->unreset,
		json_object_get(expect, "undecryptable_until_reset"));
	if (r->decrypted < json_integer_value(json_object_get(expect, "min_inner_packets")))
		json_array_append_new(mismatches, json_string("min_inner_packets"));
	json_object_del(other, "lost-sync");
	json_object_del(other, "await-reset");
	if (json_object_size(other) > 0)
		json_array_append_new(mismatches, json_string("failed"));
	json_decref(other);
	return json_pack("{s:i, s:O, s:O, s:o, s:O, s:O, s:o}", "decrypted", (int)r->decrypted,
		"failed", r->failed, "ppp_frames", r->ppp_frames, "sha256_of_ppp_frames", sha,
		"undecryptable_until_reset", r->unreset, "mppe", r->mppe, "mismatches", mismatches);
}

static const struct protocol {
	const char *name;
	int (*replay)(
		pcap_t *in, const json_t *session, struct result *r, char *err, size_t err_len);
	json_t *(*report)(struct result *r, const json_t *session);
} protocols[] = {
	{"pptp", replay_pptp, report_pptp},
	{"l2tp-ipsec", replay_l2tp, report_l2tp},
	{"l2tp", replay_l2tp, report_l2tp},
};

static const struct protocol *
protocol_of(const json_t *session)
{
	const char *name = json_string_value(json_object_get(session, "protocol"));

	for (size_t i = 0; name && i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (strcmp(name, protocols[i].name) == 0)
			return &protocols[i];
	}
	fprintf(stderr,
		"adit-replay: protocol %s is not supported, only pptp, l2tp-ipsec and l2tp\n",
		name ? name : "(none)");
	return NULL;
}

static int
replay(pcap_t *in, const json_t *session, pcap_dumper_t *out)
{
	const struct protocol *protocol = protocol_of(session);
	struct result r = {.failed = json_object(),
		.ppp_frames = json_object(),
		.unreset = json_object(),
		.l2tp = json_object(),
		.mppe = json_object(),
		.out = out};
	char err[256];
	int ret = 2;

	for (int dir = 0; dir < DIRECTIONS; dir++) {
		r.sha256[dir] = EVP_MD_CTX_new();
		EVP_DigestInit_ex(r.sha256[dir], EVP_sha256(), NULL);
	}
	if (protocol && protocol->replay(in, session, &r, err, sizeof(err)) < 0) {
		fprintf(stderr, "adit-replay: %s\n", err);
	} else if (protocol) {
		json_t *object = protocol->report(&r, session);

		json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
		putchar('\n');
		ret = json_array_size(json_object_get(object, "mismatches")) > 0;
		json_decref(object);
	}
	for (int dir = 0; dir < DIRECTIONS; dir++)
		EVP_MD_CTX_free(r.sha256[dir]);
	json_decref(r.failed);
	json_decref(r.ppp_frames);
	json_decref(r.unreset);
	json_decref(r.l2tp);
	json_decref(r.mppe);
	return ret;
}

int
main(int argc, char **argv)
{
	char err[PCAP_ERRBUF_SIZE];
	pcap_dumper_t *out = NULL;
	pcap_t *in, *format = NULL;
	json_error_t json_err;
	json_t *session;
	int ret = 2;

	if (argc != 3 && !(argc == 5 && strcmp(argv[3], "--out") == 0)) {
		fprintf(stderr,
			"usage: adit-replay CAPTURE.pcap CAPTURE.json [--out PLAIN.pcap]\n");
		return 2;
	}
	session = json_load_file(argv[2], JSON_REJECT_DUPLICATES, &json_err);
	in = pcap_open_offline(argv[1], err);
	if (argc == 5) {
		format = pcap_open_dead(DLT_PPP, 65540);
		out = pcap_dump_open(format, argv[4]);
	}
	if (!session)
		fprintf(stderr, "adit-replay: %s: %s\n", argv[2], json_err.text);
	else if (!in)
		fprintf(stderr, "adit-replay: %s\n", err);
	else if (argc == 5 && !out)
		fprintf(stderr, "adit-replay: %s\n", pcap_geterr(format));
	else
		ret = replay(in, session, out);
	if (out)
		pcap_dump_close(out);
	if (format)
		pcap_close(format);
	if (in)
		pcap_close(in);
	json_decref(session);
	return ret;
}
