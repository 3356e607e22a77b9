/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RC4 and MPPE beside the same work done with OpenSSL (bench/mppe_peer.h).  Both work on the same
 * packets in turn, and their results are compared.  The cases stage-... are the parts of a
 * stateless packet, each alone: stage-sha1, stage-key-change (with SHA-1, a key schedule and 16
 * octets), stage-body (a key schedule and the packet's octets).
 */
#define OPENSSL_API_COMPAT 10101

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef __x86_64__
#include <x86intrin.h>
#endif

#include "bench/bench.h"
#include "bench/mppe_peer.h"
#include "crypto/mppe_chain.h"
#include "crypto/sha1.h"

#define SESSIONS   64
#define MAX_REKEYS 256
#define ROOM       1472 /* octets between packets */
#define ROUNDS_MAX 128
#define RUNS_MAX   64

enum what { BULK, SCHEDULE, SHA, KEY_CHANGE, BODY, ENCRYPT, DECRYPT };
enum mode { STATELESS, STATEFUL, MIXED };

struct mppe_case {
	const char *name;
	enum what what;
	enum mode mode;
	uint16_t bytes;    /* inner packet; 0: sizes as the Internet has them */
	uint16_t sessions; /* round robin */
	uint16_t burst;    /* packets a call */
};

static const char *only = "", *choice = "auto", *pages;
static double hz;
static struct mppe_tx tx[SESSIONS];
static struct mppe_rx rx[SESSIONS];
static struct peer peers[SESSIONS] __attribute__((aligned(64)));
static uint8_t clear[SESSIONS][ROOM];
static uint8_t mine[SESSIONS][ROOM] __attribute__((aligned(64)));
static uint8_t theirs[SESSIONS][ROOM] __attribute__((aligned(64)));
static uint32_t length[SESSIONS];
static uint8_t new_keys[SESSIONS][MPPE_KEY_MAX], their_new_keys[SESSIONS][MPPE_KEY_MAX];
/* Decrypting: what the peers' senders sent, round after round. */
static uint8_t sent[ROUNDS_MAX][SESSIONS][ROOM];

static uint64_t
ticks(void)
{
#ifdef __x86_64__
	unsigned int aux;
	uint64_t t = __rdtscp(&aux);

	_mm_lfence();
	return t;
#else
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
#endif
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
ticks_a_second(void)
{
	double start = seconds(), now;
	uint64_t from = ticks();

	do
		now = seconds();
	while (now < start + 0.05);
	return (double)(ticks() - from) / (now - start);
}

/* ------------------------------------------------------------------ one run */

static void
params_of(const struct mppe_case *c, unsigned int i, struct mppe_params *p)
{
	p->strength = MPPE_128;
	p->stateless = c->mode == STATELESS || (c->mode == MIXED && i % 2);
	for (unsigned int k = 0; k < sizeof(p->start_key); k++)
		p->start_key[k] = (uint8_t)(i * 29 + k * 13 + 1);
}

static void
restart(const struct mppe_case *c)
{
	for (unsigned int i = 0; i < SESSIONS; i++) {
		struct mppe_params p;

		params_of(c, i, &p);
		mppe_tx_init(&tx[i], &p);
		mppe_rx_init(&rx[i], &p);
		peer_start(&peers[i], &p);
	}
}

static void
fill(const struct mppe_case *c)
{
	static const uint16_t mix[] = {40, 1400, 40, 576, 1400, 100, 40, 1400};

	for (unsigned int i = 0; i < SESSIONS; i++) {
		length[i] = MPPE_HDR_LEN + 1u + (c->bytes ? c->bytes : mix[i * 5 / 3 % 8]);
		memset(clear[i], 0x5a, ROOM);
		memcpy(clear[i] + MPPE_HDR_LEN, "\x21\x45\0\0\x14", 5); /* of 20 octets */
		clear[i][10] = (uint8_t)i;
	}
}

/* Packets as they are before the timed work; packet k belongs to session k % sessions. */
static void
prepare(const struct mppe_case *c, unsigned int round)
{
	memcpy(mine, c->what == DECRYPT ? sent[round] : clear, sizeof(mine));
	memcpy(theirs, mine, sizeof(theirs));
}

static void
record(const struct mppe_case *c, unsigned int rounds)
{
	restart(c);
	for (unsigned int r = 0; r < rounds; r++) {
		memcpy(sent[r], clear, sizeof(clear));
		for (unsigned int k = 0; k < SESSIONS; k++)
			peer_encrypt(&peers[k % c->sessions], sent[r][k], length[k]);
	}
	restart(c);
}

static void
our_streams(const struct mppe_case *c)
{
	struct rc4_stream streams[SESSIONS];

	for (unsigned int k = 0; k < SESSIONS; k++) {
		streams[k] = (struct rc4_stream){.data = mine[k], .len = c->bytes};
		if (c->what == BODY) {
			streams[k].data += MPPE_HDR_LEN;
			streams[k].len = length[k] - MPPE_HDR_LEN;
		}
		if (c->what == BULK)
			streams[k].state = &tx[k].rc4;
		else
			streams[k].key = tx[k].session;
	}
	for (unsigned int k = 0; k < SESSIONS; k += c->burst)
		rc4_burst(streams + k, c->burst);
}

static void
our_keys(const struct mppe_case *c)
{
	struct mppe_key_change changes[SESSIONS];

	for (unsigned int k = 0; k < SESSIONS; k++)
		changes[k] = (struct mppe_key_change){
			tx[k].master, tx[k].session, MPPE_KEY_MAX, MPPE_128};
	if (c->what == SHA)
		mppe_new_keys_from_sha(changes, SESSIONS, new_keys);
	else
		mppe_next_keys(changes, SESSIONS);
}

static void
our_packets(const struct mppe_case *c)
{
	struct mppe_job jobs[SESSIONS];

	for (unsigned int k = 0; k < SESSIONS; k++) {
		jobs[k] = (struct mppe_job){.data = mine[k], .len = length[k]};
		if (c->what == DECRYPT)
			jobs[k].rx = &rx[k % c->sessions];
		else
			jobs[k].tx = &tx[k % c->sessions];
	}
	for (unsigned int k = 0; k < SESSIONS; k += c->burst) {
		unsigned int good = c->what == DECRYPT
					    ? mppe_decrypt_burst(jobs + k, c->burst, MAX_REKEYS)
					    : mppe_encrypt_burst(jobs + k, c->burst);

		if (good != c->burst)
			abort();
	}
}

static void
ours(const struct mppe_case *c)
{
	if (c->what == ENCRYPT || c->what == DECRYPT)
		our_packets(c);
	else if (c->what == SHA || c->what == KEY_CHANGE)
		our_keys(c);
	else
		our_streams(c);
}

static void
peer(const struct mppe_case *c)
{
	for (unsigned int k = 0; k < SESSIONS; k++) {
		struct peer *p = &peers[k % c->sessions];

		switch (c->what) {
		case BULK: /* one stream, which stays in the nearest cache */
			RC4(&peers[0].rc4, c->bytes, theirs[k], theirs[k]);
			break;
		case SCHEDULE:
			RC4_set_key(&p->rc4, 16, p->session);
			break;
		case SHA:
			peer_new_key(their_new_keys[k], p->master, p->session);
			break;
		case KEY_CHANGE:
			peer_next_key(p);
			break;
		case BODY:
			RC4_set_key(&p->rc4, 16, p->session);
			RC4(&p->rc4, length[k] - MPPE_HDR_LEN, theirs[k] + MPPE_HDR_LEN,
				theirs[k] + MPPE_HDR_LEN);
			break;
		case ENCRYPT:
			peer_encrypt(p, theirs[k], length[k]);
			break;
		case DECRYPT:
			peer_decrypt(p, theirs[k], length[k]);
			break;
		}
	}
}

static void
compare(const struct mppe_case *c, const char *kernel)
{
	bool same = true;

	if (c->what == BULK || c->what == SCHEDULE)
		return; /* crypto-rc4 tests them */
	for (unsigned int k = 0; k < SESSIONS; k++) {
		if (c->what == SHA)
			same = same && memcmp(new_keys[k], their_new_keys[k], MPPE_KEY_MAX) == 0;
		if (c->what == KEY_CHANGE)
			same = same && memcmp(tx[k].session, peers[k].session, MPPE_KEY_MAX) == 0;
		same = same && memcmp(mine[k], theirs[k], length[k]) == 0;
		if (c->what == DECRYPT)
			same = same && memcmp(mine[k] + 2, clear[k] + 2, length[k] - 2) == 0;
	}
	if (!same) {
		fprintf(stderr, "bench mppe: %s with %s differs from the peer\n", c->name, kernel);
		exit(1);
	}
}

/* ------------------------------------------------------------------ measuring */

/* What this case's first burst of streams takes. */
static const char *
kernel_of(const struct mppe_case *c)
{
	struct rc4_stream streams[SESSIONS] = {0};
	const bool fresh = c->mode == STATELESS && c->what != BULK;
	/* Stateful packets of one session come one after the other. */
	const unsigned int n = c->sessions == 1 && !fresh ? 1 : c->burst;

	for (unsigned int k = 0; k < n; k++)
		streams[k] = (struct rc4_stream){.key = fresh ? clear[0] : NULL, .len = length[k]};
	if (c->what == SHA)
		return sha1_selected();
	return rc4_kernel_for(streams, n);
}

static void
report(const struct mppe_case *c, double cycles, double peer_cycles, double ratio,
	unsigned int runs)
{
	bool bulk = c->what == BULK;
	double per = bulk ? (double)c->bytes * hz / 1e9 : hz / 1e6;

	bench_report(&(struct bench_result){.bench = "mppe",
		.name = c->name,
		.bytes = c->bytes,
		.sessions = c->sessions,
		.unit = bulk ? "GB/s" : "Mpps",
		.value = per / cycles,
		.cycles = cycles,
		.peer = "openssl",
		.peer_value = per / peer_cycles,
		.ratio = ratio,
		.kernel = kernel_of(c),
		.choice = choice,
		.pages = pages,
		.runs = runs});
}

static void
measure(const struct mppe_case *c, unsigned int runs)
{
	unsigned int rounds = c->bytes > 256 || c->bytes == 0 ? 32 : ROUNDS_MAX;
	static double a[ROUNDS_MAX], b[ROUNDS_MAX];
	double us[RUNS_MAX], them[RUNS_MAX], ratio[RUNS_MAX];

	if (!strstr(c->name, only))
		return;
	fill(c);
	if (c->what == DECRYPT)
		record(c, rounds);
	for (unsigned int r = 0; r < runs + 1; r++) {
		restart(c);
		for (unsigned int k = 0; k < rounds; k++) {
			uint64_t t0, t1, t2;

			prepare(c, k);
			t0 = ticks();
			ours(c);
			t1 = ticks();
			peer(c);
			t2 = ticks();
			a[k] = (double)(t1 - t0) / SESSIONS;
			b[k] = (double)(t2 - t1) / SESSIONS;
			compare(c, choice);
		}
		if (r == 0)
			continue; /* warm-up */
		/* Medians here too: a round that was interrupted says nothing. */
		us[r - 1] = bench_median(a, rounds);
		them[r - 1] = bench_median(b, rounds);
		ratio[r - 1] = them[r - 1] / us[r - 1];
	}
	report(c, bench_median(us, runs), bench_median(them, runs), bench_median(ratio, runs),
		runs);
}

static const struct mppe_case cases[] = {
	{"rc4-bulk", BULK, STATEFUL, 1400, 64, 64},
	{"rc4-bulk", BULK, STATEFUL, 1400, 16, 16},
	{"rc4-key-schedule", SCHEDULE, STATELESS, 0, 64, 64},
	{"stage-sha1", SHA, STATELESS, 0, 64, 64},
	{"stage-key-change", KEY_CHANGE, STATELESS, 0, 64, 64},
	{"stage-body", BODY, STATELESS, 64, 64, 64},
	{"stage-body", BODY, STATELESS, 1400, 64, 64},
	{"stateless-128-encrypt", ENCRYPT, STATELESS, 64, 64, 64},
	{"stateless-128-encrypt", ENCRYPT, STATELESS, 1400, 64, 64},
	{"stateless-128-decrypt", DECRYPT, STATELESS, 64, 64, 64},
	{"stateless-128-decrypt", DECRYPT, STATELESS, 1400, 64, 64},
	{"stateful-128-encrypt", ENCRYPT, STATEFUL, 64, 64, 64},
	{"stateful-128-encrypt", ENCRYPT, STATEFUL, 1400, 64, 64},
	{"stateful-128-decrypt", DECRYPT, STATEFUL, 64, 64, 64},
	{"stateful-128-decrypt", DECRYPT, STATEFUL, 1400, 64, 64},
	{"mixed-128-encrypt", ENCRYPT, MIXED, 0, 64, 64},
	{"mixed-128-decrypt", DECRYPT, MIXED, 0, 64, 64},
};

/* One session: the packets come one a call, or as the run of a busy session. */
static const struct mppe_case lonely[] = {
	{"alone-stateless-encrypt", ENCRYPT, STATELESS, 64, 1, 1},
	{"alone-stateless-encrypt", ENCRYPT, STATELESS, 1400, 1, 1},
	{"alone-stateless-decrypt", DECRYPT, STATELESS, 64, 1, 1},
	{"alone-stateless-decrypt", DECRYPT, STATELESS, 1400, 1, 1},
	{"alone-stateful-encrypt", ENCRYPT, STATEFUL, 64, 1, 1},
	{"alone-stateful-encrypt", ENCRYPT, STATEFUL, 1400, 1, 1},
	{"alone-stateful-decrypt", DECRYPT, STATEFUL, 64, 1, 1},
	{"alone-stateful-decrypt", DECRYPT, STATEFUL, 1400, 1, 1},
	{"busy-stateless-encrypt", ENCRYPT, STATELESS, 1400, 1, 64},
	{"busy-stateless-decrypt", DECRYPT, STATELESS, 1400, 1, 64},
	{"busy-stateful-decrypt", DECRYPT, STATEFUL, 1400, 1, 64},
};

/* The choice over everything, then each kernel over what fills its lanes. */
static void
measure_all(const char *kernel, unsigned int runs)
{
	const char *other;

	if (rc4_select(kernel) != 0) {
		fprintf(stderr, "bench mppe: this CPU has no kernel %s\n", kernel);
		exit(1);
	}
	choice = kernel;
	for (unsigned int k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
		measure(&cases[k], runs);
	for (unsigned int k = 0; k < sizeof(lonely) / sizeof(lonely[0]); k++)
		measure(&lonely[k], runs);
	for (unsigned int i = 0; (other = rc4_kernel_name(i)) != NULL; i++) {
		if (strcmp(kernel, "auto") != 0)
			continue;
		rc4_select(other);
		choice = other;
		for (unsigned int k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
			measure(&cases[k], runs);
	}
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
		{"runs", required_argument, NULL, 'r'}, {"only", required_argument, NULL, 'o'},
		{"kernel", required_argument, NULL, 'k'}, {0}};
	const char *kernel = "auto";
	unsigned int runs = 7;
	int o;

	while ((o = getopt_long(argc, argv, "jr:o:k:", options, NULL)) != -1) {
		if (o == 'j')
			bench_json = true;
		else if (o == 'r' && atoi(optarg) >= 1 && atoi(optarg) <= RUNS_MAX)
			runs = (unsigned int)atoi(optarg);
		else if (o == 'o')
			only = optarg;
		else if (o == 'k')
			kernel = optarg;
		else {
			fprintf(stderr, "usage: bench-mppe [--json] [--runs 1..64] [--only CASE] "
					"[--kernel auto|NAME]\n");
			return 2;
		}
	}
	pages = bench_ordinary_pages();
	hz = ticks_a_second();
	bench_machine("no DPDK");
	measure_all(kernel, runs);
	return 0;
}
