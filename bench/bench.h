/* SPDX-License-Identifier: BSD-3-Clause */
/* What every bench program shares: medians, the table for people and one JSON object a line for
 * programs. */
#ifndef ADIT_BENCH_BENCH_H
#define ADIT_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

/* One figure beside its peer, both from the same run.  ratio above 1 means that Adit is faster. */
struct bench_result {
	const char *bench, *name;
	unsigned int bytes, sessions;
	const char *unit;
	double value;             /* median, in unit */
	double cycles;            /* TSC cycles per packet, median */
	const char *peer;         /* NULL: a stage of what another row measures, beside nothing */
	double peer_value, ratio; /* medians */
	const char *kernel;
	const char *choice; /* "auto", or the kernel that was forced; NULL: as kernel */
	unsigned int runs;
	const char *pages; /* that keys and tables are on: "4k", "thp", "hugetlb" */
	const char *order; /* of sessions, of whole packets; NULL: as they stand */
	unsigned int workers;
};

extern bool bench_json;

/* Ends the program with errno's text, unless good. */
void bench_must(bool good, const char *what);
/* CLOCK_MONOTONIC. */
uint64_t bench_clock_ns(void);
/* Sorts values. */
double bench_median(double *values, unsigned int n);
/* The object or headline that comes first: machine, compiler, libraries. */
void bench_machine(const char *dpdk);
/* Until the end no memory is on transparent huge pages, of peers that are started neither; "4k". */
const char *bench_ordinary_pages(void);
void bench_report(const struct bench_result *r);

#endif
