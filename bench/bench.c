/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <time.h>

#include <intel-ipsec-mb.h>
#include <jansson.h>
#include <openssl/crypto.h>

#include "bench/bench.h"

bool bench_json;

void
bench_must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

uint64_t
bench_clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
bench_median(double *values, unsigned int n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void
cpu_model(char *out, size_t size)
{
	char line[256];
	FILE *f = fopen("/proc/cpuinfo", "r");

	snprintf(out, size, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) == 0 && colon) {
			colon[strcspn(colon, "\n")] = 0;
			snprintf(out, size, "%s", colon + 2);
			break;
		}
	}
	if (f)
		fclose(f);
}

/* The core's design, which clouds' model names don't tell. */
static const char *
processor(void)
{
	static char name[64];
	unsigned int family = 0, model = 0;
	char vendor[32] = "", line[256];
	FILE *f = name[0] ? NULL : fopen("/proc/cpuinfo", "r");

	while (f && fgets(line, sizeof(line), f) && line[0] != '\n') {
		sscanf(line, "vendor_id : %31s", vendor);
		sscanf(line, "cpu family : %u", &family);
		sscanf(line, "model : %u", &model);
	}
	if (!f)
		return name;
	fclose(f);
	if (family == 26)
		return strcpy(name, "Zen 5");
	if (family == 25)
		return strcpy(name, (model & 0xf0) == 0x10 || model >= 0x60 ? "Zen 4" : "Zen 3");
	snprintf(name, sizeof(name), "%s %u/%u", vendor, family, model);
	return name;
}

static void
print_object(json_t *o)
{
	json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(5));
	printf("\n");
	fflush(stdout);
	json_decref(o);
}

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

void
bench_machine(const char *dpdk)
{
	const time_t now = time(NULL);
	struct utsname u;
	char cpu[128], date[16];

	strftime(date, sizeof(date), "%Y-%m-%d", gmtime(&now));
	uname(&u);
	u.release[strcspn(u.release, "-")] = 0; /* the rest is the distribution's */
	cpu_model(cpu, sizeof(cpu));
	if (bench_json) {
		print_object(json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "machine", cpu,
			"processor", processor(), "date", date, "kernel", u.release, "compiler",
			COMPILER, "dpdk", dpdk, "ipsec_mb", IMB_VERSION_STR, "openssl",
			OpenSSL_version(OPENSSL_VERSION), "adit", ADIT_VERSION));
		return;
	}
	printf("%s (%s), Linux %s, %s, compiler %s\n\n", cpu, processor(), u.release, dpdk,
		COMPILER);
	printf("%-8s %-37s %6s %9s %12s %9s  %-16s %9s %7s  %s\n", "bench", "case", "bytes",
		"sessions", "value", "cycles", "peer", "value", "ratio", "kernel");
}

const char *
bench_ordinary_pages(void)
{
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	return "4k";
}

static void
print_row(const struct bench_result *r)
{
	printf("%-8s %-37s %6u %9u %7.3f %-4s %9.0f  ", r->bench, r->name, r->bytes, r->sessions,
		r->value, r->unit, r->cycles);
	if (r->peer)
		printf("%-16s %9.3f %7.2f", r->peer, r->peer_value, r->ratio);
	else
		printf("%-16s %9s %7s", "-", "-", "-");
	printf("  %s, %s, %s", processor(), r->kernel, r->pages);
	if (r->order)
		printf(", %s, %u worker%s", r->order, r->workers, r->workers == 1 ? "" : "s");
	printf("\n");
	fflush(stdout);
}

void
bench_report(const struct bench_result *r)
{
	json_t *o;

	if (!bench_json) {
		print_row(r);
		return;
	}
	o = json_pack("{s:s,s:s,s:i,s:i,s:s,s:f,s:f,s:s,s:s,s:s,s:s,s:i}", "bench", r->bench,
		"case", r->name, "bytes", (int)r->bytes, "sessions", (int)r->sessions, "unit",
		r->unit, "value", r->value, "cycles", r->cycles, "processor", processor(), "kernel",
		r->kernel, "choice", r->choice ? r->choice : r->kernel, "pages", r->pages, "runs",
		(int)r->runs);
	if (r->peer)
		json_object_update_new(o, json_pack("{s:s,s:f,s:f}", "peer", r->peer, "peer_value",
						  r->peer_value, "ratio", r->ratio));
	if (r->order)
		json_object_update_new(
			o, json_pack("{s:s,s:i}", "order", r->order, "workers", (int)r->workers));
	print_object(o);
}
