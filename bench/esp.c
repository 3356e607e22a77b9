/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ESP beside DPDK's own measuring program, dpdk-test-crypto-perf, with its IPsec-MB devices.
 *
 * Ours: payloads of so many octets become ESP packets and payloads again, in bursts of 32 ("lone":
 * one by one): headers, padding, replay check, limits and the filling in of jobs are all in the
 * figure.  The peer: bare cipher and hash operations on buffers of the same length (for CBC the
 * next multiple of the block), one session, the same burst.  Both use the same few buffers over and
 * over, run on the same CPU and take turns.  Ours is the median of the runs, each the median of its
 * bursts; the peer can't leave interruptions out, so its fastest run counts.
 *
 * Rows stage-... are parts of ours, with one SA: the cipher's and the hash's pass, repeated alone,
 * and what is left of the whole: numbers, headers, IVs and padding, or replay window, comparison of
 * ICVs and trailers.
 */
#include <getopt.h>
#include <rte_version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench/bench.h"
#include "bench/esp_peer.h"
#include "crypto/esp_internal.h"

#define SAS_MAX    1000
#define RUNS_MAX   64
#define RUN_NS     3000000.0 /* of each direction: shorter than a scheduler's slice */
#define BURSTS_MAX 4096
#define FRAME_MAX  2240 /* like mbufs, no power of two: lanes would share a few cache sets */

#define PEER_3DES_ENCRYPT                                                              \
	"--optype cipher-then-auth --cipher-algo 3des-cbc --cipher-op encrypt "        \
	"--cipher-key-sz 24 --cipher-iv-sz 8 --auth-algo md5-hmac --auth-op generate " \
	"--auth-key-sz 16 --digest-sz 12"
#define PEER_3DES_DECRYPT                                                            \
	"--optype auth-then-cipher --cipher-algo 3des-cbc --cipher-op decrypt "      \
	"--cipher-key-sz 24 --cipher-iv-sz 8 --auth-algo md5-hmac --auth-op verify " \
	"--auth-key-sz 16 --digest-sz 12"

static const struct esp_case cases[] = {
	{"aes128-gcm", "aes128-gcm16", NULL, BURST_MAX, 4, 16, 0, 16, "crypto_aesni_gcm",
		"--optype aead --aead-algo aes-gcm --aead-op encrypt --aead-key-sz 16 "
		"--aead-iv-sz 12 --aead-aad-sz 8 --digest-sz 16",
		"--optype aead --aead-algo aes-gcm --aead-op decrypt --aead-key-sz 16 "
		"--aead-iv-sz 12 --aead-aad-sz 8 --digest-sz 16"},
	{"aes128-cbc-sha1", "aes128-cbc", "hmac-sha1-96", BURST_MAX, 16, 16, 20, 12,
		"crypto_aesni_mb",
		"--optype cipher-then-auth --cipher-algo aes-cbc --cipher-op encrypt "
		"--cipher-key-sz 16 --cipher-iv-sz 16 --auth-algo sha1-hmac --auth-op generate "
		"--auth-key-sz 20 --digest-sz 12",
		"--optype auth-then-cipher --cipher-algo aes-cbc --cipher-op decrypt "
		"--cipher-key-sz 16 --cipher-iv-sz 16 --auth-algo sha1-hmac --auth-op verify "
		"--auth-key-sz 20 --digest-sz 12"},
	{"aes256-cbc-sha256", "aes256-cbc", "hmac-sha2-256-128", BURST_MAX, 16, 32, 32, 16,
		"crypto_aesni_mb",
		"--optype cipher-then-auth --cipher-algo aes-cbc --cipher-op encrypt "
		"--cipher-key-sz 32 --cipher-iv-sz 16 --auth-algo sha2-256-hmac --auth-op generate "
		"--auth-key-sz 32 --digest-sz 16",
		"--optype auth-then-cipher --cipher-algo aes-cbc --cipher-op decrypt "
		"--cipher-key-sz 32 --cipher-iv-sz 16 --auth-algo sha2-256-hmac --auth-op verify "
		"--auth-key-sz 32 --digest-sz 16"},
	{"3des-cbc-md5", "3des-cbc", "hmac-md5-96", BURST_MAX, 8, 24, 16, 12, "crypto_aesni_mb",
		PEER_3DES_ENCRYPT, PEER_3DES_DECRYPT},
	/* One old client: packets come alone. */
	{"lone-3des-cbc-md5", "3des-cbc", "hmac-md5-96", 1, 8, 24, 16, 12, "crypto_aesni_mb",
		PEER_3DES_ENCRYPT, PEER_3DES_DECRYPT},
};
#define N_CASES (sizeof(cases) / sizeof(cases[0]))

enum { ENCAPSULATE, DECAPSULATE, DIRECTIONS };

static const char *only, *choice = "auto", *pages;
static struct esp_engine *engine;
static struct esp_sa *sas[DIRECTIONS][SAS_MAX];
static _Alignas(64) uint8_t frames[BURST_MAX][FRAME_MAX];
static double tsc_mhz;

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
measure_tsc(void)
{
	double t = now_ns();
	uint64_t c = __rdtsc();

	while (now_ns() - t < 5e7)
		;
	tsc_mhz = (double)(__rdtsc() - c) * 1e3 / (now_ns() - t);
}

/* Memory for SAs, on transparent huge pages as the data plane's where the kernel has them. */
#define HUGE  ((size_t)2 << 20)
#define ARENA ((size_t)8 << 20)
static uint8_t *arena;

static unsigned long
huge_kib(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	unsigned long kib = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "AnonHugePages: %lu", &kib);
	if (f)
		fclose(f);
	return kib;
}

static void
make_arena(bool huge)
{
	uint8_t *at = mmap(
		NULL, ARENA + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		esp_die("no memory");
	arena = at + (-(uintptr_t)at & (HUGE - 1));
	if (!huge) {
		pages = bench_ordinary_pages();
		return;
	}
	madvise(arena, ARENA, MADV_HUGEPAGE);
	memset(arena, 0, ARENA);
	pages = huge_kib() >= ARENA >> 10 ? "thp" : "4k";
}

/* Fresh SAs, so that no run comes near a limit. */
static void
start_sas(const struct esp_case *c, unsigned int n)
{
	static const uint8_t key[3 * SUITE_KEY_MAX] = "not all of the DES keys are the same";
	struct esp_sa_config config = {.encryption = suite_by_name(c->encryption),
		.integrity = c->integrity ? suite_by_name(c->integrity) : NULL,
		.encryption_key = key,
		.integrity_key = key};

	uint8_t *at = arena;

	config.encryption_key_len = config.encryption->key_len;
	config.integrity_key_len = config.integrity ? config.integrity->key_len : 0;
	for (unsigned int dir = 0; dir < DIRECTIONS; dir++) {
		config.inbound = dir == DECAPSULATE;
		for (unsigned int i = 0; i < n; i++) {
			config.spi = ESP_SPI_MIN + i;
			sas[dir][i] = (struct esp_sa *)at;
			at += esp_sa_size(engine, &config);
			if (at > arena + ARENA || esp_sa_init(sas[dir][i], engine, &config))
				esp_die("an SA of %s can't be set up", c->name);
		}
	}
}

static void
end_sas(unsigned int n)
{
	for (unsigned int dir = 0; dir < DIRECTIONS; dir++)
		for (unsigned int i = 0; i < n; i++)
			esp_sa_wipe(sas[dir][i]);
}

/* Payloads for the SAs from *next on. */
static void
set_payloads(struct esp_job *jobs, unsigned int burst, unsigned int bytes, unsigned int *next,
	unsigned int n)
{
	for (unsigned int i = 0; i < burst; i++) {
		struct esp_sa *sa = sas[ENCAPSULATE][*next];

		*next = *next + 1 < n ? *next + 1 : 0;
		jobs[i] = (struct esp_job){.sa = sa,
			.data = frames[i],
			.len = sa->header_len + bytes,
			.room = FRAME_MAX - ESP_HEADER_MAX - bytes,
			.next_header = 17};
	}
}

/* What was encapsulated, to the other ends. */
static void
set_packets(struct esp_job *jobs, unsigned int burst, unsigned int first, unsigned int n)
{
	for (unsigned int i = 0; i < burst; i++) {
		jobs[i] = (struct esp_job){
			.sa = sas[DECAPSULATE][first], .data = frames[i], .len = jobs[i].len};
		first = first + 1 < n ? first + 1 : 0;
	}
}

/* One burst there and back; the cycles of each. */
static void
one_burst(unsigned int burst, unsigned int bytes, unsigned int *next, unsigned int n,
	double cycles[DIRECTIONS])
{
	struct esp_job jobs[BURST_MAX];
	unsigned int first = *next;
	uint64_t t = __rdtsc();

	set_payloads(jobs, burst, bytes, next, n);
	if (esp_encapsulate_burst(engine, jobs, burst) != burst)
		esp_die("encapsulation failed");
	cycles[ENCAPSULATE] = (double)(__rdtsc() - t) / burst;
	t = __rdtsc();
	set_packets(jobs, burst, first, n);
	if (esp_decapsulate_burst(engine, jobs, burst) != burst)
		esp_die("decapsulation failed");
	cycles[DECAPSULATE] = (double)(__rdtsc() - t) / burst;
}

/* The median burst: one that is interrupted does not count. */
static void
measure_ours(const struct esp_case *c, unsigned int bytes, unsigned int n, double out[DIRECTIONS])
{
	static double cycles[DIRECTIONS][BURSTS_MAX];
	double start, took[DIRECTIONS];
	unsigned int bursts = 0, next = 0;

	start_sas(c, n);
	for (unsigned int i = 0; i < 2 * n / c->burst + 8; i++) /* warm up */
		one_burst(c->burst, bytes, &next, n, took);
	start = now_ns();
	while (bursts < BURSTS_MAX && now_ns() - start < DIRECTIONS * RUN_NS) {
		one_burst(c->burst, bytes, &next, n, took);
		for (unsigned int dir = 0; dir < DIRECTIONS; dir++)
			cycles[dir][bursts] = took[dir];
		bursts++;
	}
	for (unsigned int dir = 0; dir < DIRECTIONS; dir++)
		out[dir] = bench_median(cycles[dir], bursts);
	end_sas(n);
}

enum { STAGE_CIPHER, STAGE_HASH, STAGES };

/* The passes of the batch that the engine has just done, again. */
static void
time_passes(const struct esp_job *jobs, unsigned int dir, unsigned int burst, double cycles[STAGES])
{
	bool out = dir == ENCAPSULATE;
	enum esp_cipher cipher = jobs[0].sa->cipher;
	uint64_t t = __rdtsc();

	if (ESP_CIPHER_IS_GCM(cipher))
		(out ? esp_gcm_seal : esp_gcm_open)(engine, jobs, cipher);
	else if (cipher == ESP_3DES || cipher == ESP_DES)
		(out ? esp_des_encrypt : esp_des_decrypt)(engine, jobs, cipher);
	else
		(out ? esp_cbc_encrypt : esp_cbc_decrypt)(engine, jobs, cipher);
	cycles[STAGE_CIPHER] = (double)(__rdtsc() - t) / burst;
	t = __rdtsc();
	if (!ESP_CIPHER_IS_GCM(cipher))
		esp_hash_compute(engine, jobs, jobs[0].sa->hash);
	cycles[STAGE_HASH] = (double)(__rdtsc() - t) / burst;
}

static void
one_burst_of_stages(unsigned int burst, unsigned int bytes, double cycles[DIRECTIONS][STAGES])
{
	struct esp_job jobs[BURST_MAX];
	unsigned int next = 0;
	uint32_t len;

	for (unsigned int dir = 0; dir < DIRECTIONS; dir++) {
		set_payloads(jobs, burst, bytes, &next, 1);
		esp_encapsulate_burst(engine, jobs, burst);
		len = jobs[0].len;
		if (dir == DECAPSULATE) {
			set_packets(jobs, burst, 0, 1);
			esp_decapsulate_burst(engine, jobs, burst);
			for (unsigned int i = 0; i < burst; i++) {
				jobs[i].data = frames[i];
				jobs[i].len = len;
			}
		}
		time_passes(jobs, dir, burst, cycles[dir]);
	}
}

/* Medians of the bursts. */
static void
measure_stages(const struct esp_case *c, unsigned int bytes, double out[DIRECTIONS][STAGES])
{
	static double cycles[DIRECTIONS][STAGES][BURSTS_MAX];
	double start = now_ns(), took[DIRECTIONS][STAGES];
	unsigned int bursts = 0;

	start_sas(c, 1);
	while (bursts < BURSTS_MAX && now_ns() - start < 2 * DIRECTIONS * RUN_NS) {
		one_burst_of_stages(c->burst, bytes, took);
		for (unsigned int k = 0; k < DIRECTIONS * STAGES; k++)
			cycles[k / STAGES][k % STAGES][bursts] = took[k / STAGES][k % STAGES];
		bursts++;
	}
	for (unsigned int k = 0; k < DIRECTIONS * STAGES; k++)
		out[k / STAGES][k % STAGES] = bench_median(cycles[k / STAGES][k % STAGES], bursts);
	end_sas(1);
}

static const char *const directions[DIRECTIONS] = {"encapsulate", "decapsulate"};

static void
report(const struct esp_case *c, unsigned int dir, unsigned int bytes, unsigned int n, double *ours,
	double peer, unsigned int runs)
{
	char name[64];
	double cycles = bench_median(ours, runs);

	snprintf(name, sizeof(name), "%s %s", c->name, directions[dir]);
	bench_report(&(struct bench_result){.bench = "esp",
		.name = name,
		.bytes = bytes,
		.sessions = n,
		.unit = "Mpps",
		.value = tsc_mhz / cycles,
		.cycles = cycles,
		.peer = "crypto-perf",
		.peer_value = tsc_mhz / peer,
		.ratio = peer / cycles,
		.kernel = esp_engine_kernel(engine),
		.choice = choice,
		.pages = pages,
		.runs = runs});
}

static void
report_stage(const char *stage, const struct esp_case *c, unsigned int dir, unsigned int bytes,
	double cycles, unsigned int runs)
{
	char name[64];

	if (cycles <= 0)
		return;
	snprintf(name, sizeof(name), "stage-%s %s %s", stage, c->name, directions[dir]);
	bench_report(&(struct bench_result){.bench = "esp",
		.name = name,
		.bytes = bytes,
		.sessions = 1,
		.unit = "Mpps",
		.value = tsc_mhz / cycles,
		.cycles = cycles,
		.kernel = esp_engine_kernel(engine),
		.choice = choice,
		.pages = pages,
		.runs = runs});
}

/* whole: cycles with one SA. */
static void
report_stages(const struct esp_case *c, unsigned int dir, unsigned int bytes,
	double stages[DIRECTIONS][STAGES][RUNS_MAX], double whole, unsigned int runs)
{
	double cipher = bench_median(stages[dir][STAGE_CIPHER], runs);
	double hash = c->integrity ? bench_median(stages[dir][STAGE_HASH], runs) : 0;

	report_stage("cipher", c, dir, bytes, cipher, runs);
	report_stage("hash", c, dir, bytes, hash, runs);
	report_stage("frame", c, dir, bytes, whole - cipher - hash, runs);
}

static void
measure(const struct esp_case *c, unsigned int bytes, unsigned int runs)
{
	static const unsigned int counts[] = {1, SAS_MAX};
	static double ours[2][DIRECTIONS][RUNS_MAX], stages[DIRECTIONS][STAGES][RUNS_MAX];
	double peer[DIRECTIONS] = {0};

	for (unsigned int r = 0; r < runs; r++) {
		for (unsigned int k = 0; k < 2; k++) {
			double out[DIRECTIONS];

			measure_ours(c, bytes, counts[k], out);
			for (unsigned int dir = 0; dir < DIRECTIONS; dir++)
				ours[k][dir][r] = out[dir];
		}
		double parts[DIRECTIONS][STAGES];
		measure_stages(c, bytes, parts);
		for (unsigned int k = 0; k < DIRECTIONS * STAGES; k++)
			stages[k / STAGES][k % STAGES][r] = parts[k / STAGES][k % STAGES];
		for (unsigned int dir = 0; dir < DIRECTIONS; dir++) {
			double once = esp_peer_cycles(c, dir == DECAPSULATE, bytes,
				(unsigned int)(RUN_NS * tsc_mhz / 1e3 / ours[0][dir][r]));

			if (r == 0 || once < peer[dir])
				peer[dir] = once;
		}
	}
	for (unsigned int dir = 0; dir < DIRECTIONS; dir++) {
		for (unsigned int k = 0; k < 2; k++)
			report(c, dir, bytes, counts[k], ours[k][dir], peer[dir], runs);
		report_stages(c, dir, bytes, stages, bench_median(ours[0][dir], runs), runs);
	}
}

static bool
arch_named(const char *name, enum esp_arch *arch)
{
	static const char *const names[] = {"auto", "sse", "avx", "avx2", "avx512", "no-sha"};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			*arch = (enum esp_arch)i;
			return true;
		}
	}
	return false;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
		{"runs", required_argument, NULL, 'r'}, {"only", required_argument, NULL, 'o'},
		{"kernel", required_argument, NULL, 'k'},
		{"ordinary-pages", no_argument, NULL, '4'}, {0}};
	static const unsigned int sizes[] = {62, 64, 1400};
	enum esp_arch arch = ESP_ARCH_AUTO;
	unsigned int runs = 7;
	bool huge = true;
	int o;

	while ((o = getopt_long(argc, argv, "jr:o:k:", options, NULL)) != -1) {
		if (o == 'j')
			bench_json = true;
		else if (o == '4')
			huge = false;
		else if (o == 'r' && atoi(optarg) >= 1 && atoi(optarg) <= RUNS_MAX)
			runs = (unsigned int)atoi(optarg);
		else if (o == 'o')
			only = optarg;
		else if (o == 'k' && arch_named(optarg, &arch))
			choice = optarg;
		else {
			fprintf(stderr,
				"usage: bench-esp [--json] [--runs 1..%d] [--only CASE] [--kernel "
				"auto|sse|avx|avx2|avx512|no-sha] [--ordinary-pages]\n",
				RUNS_MAX);
			return 2;
		}
	}
	make_arena(huge);
	esp_peer_choose_cpus();
	measure_tsc();
	engine = esp_engine_create(arch);
	if (!engine)
		esp_die("no engine");
	bench_machine(rte_version());
	for (unsigned int i = 0; i < N_CASES; i++) {
		for (unsigned int s = 0; s < 3; s++) {
			if (!only || strcmp(only, cases[i].name) == 0)
				measure(&cases[i], sizes[s], runs);
		}
	}
	esp_engine_destroy(engine);
	return 0;
}
