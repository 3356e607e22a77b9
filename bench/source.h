/* SPDX-License-Identifier: BSD-3-Clause */
/* What feeds the graph in port_rx's place: a worker's packets, and whose they are. */
#ifndef ADIT_BENCH_SOURCE_H
#define ADIT_BENCH_SOURCE_H

#include "bench/harness.h"

#define MAX_WORKERS 4

/* A worker's packets: built once, copied into fresh mbufs on each round. */
struct source {
	uint8_t *data;
	uint32_t stride, count, next;
	uint32_t distinct; /* in data, taken in turn */
	uint16_t len;
	uint8_t port;
} __rte_cache_aligned;
extern struct source sources[MAX_WORKERS];

/* Whose the packets of a case are, in their order, and how many each session has. */
struct plan {
	uint32_t *session, *touched, *packets;
	uint32_t count, n_touched;
};
extern struct plan plan;

/* Where bench_rx sends them. */
enum { TO_CLASSIFY, TO_TX };
extern int source_edge;

/* The packets of a case, all of them those of so many sessions if hot isn't 0; sessions take turns or
 * come at random. */
void source_build(const struct graph_case *c, unsigned int hot, bool round_robin);
void source_free(void);

#endif
