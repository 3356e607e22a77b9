/* SPDX-License-Identifier: BSD-3-Clause */
/* What every bench program shares: medians, the table for people and one JSON object a line for
 * programs. */
#ifndef ADIT_BENCH_BENCH_H
#define ADIT_BENCH_BENCH_H

#include <stdbool.h>

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
	/* Of whole packets alone: what memory the tables are on, the order of sessions. */
	const char *pages, *order;
	unsigned int workers;
};

extern bool bench_json;

/* Sorts values. */
double bench_median(double *values, unsigned int n);
/* The object or headline that comes first: machine, compiler, libraries. */
void bench_machine(const char *dpdk);
void bench_report(const struct bench_result *r);

#endif
