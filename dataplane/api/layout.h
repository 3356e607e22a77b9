/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory that adit-dataplane shares with adit-control: DESIGN section 4.
 *
 * The data plane creates one memfd, seals its size and passes it with SCM_RIGHTS over a
 * SOCK_SEQPACKET unix socket to a process whose peer credentials it accepts; one at a time.  The
 * socket stays open: its end tells either side that the other is gone. All numbers are in host byte
 * order except where a name ends in _be.  Both sides treat what they read as hostile.
 */
#ifndef ADIT_DATAPLANE_API_LAYOUT_H
#define ADIT_DATAPLANE_API_LAYOUT_H

#include <stdint.h>

#include "dataplane/api/command_ring.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/journal.h"
#include "dataplane/api/port.h"
#include "dataplane/api/record.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/sa.h"
#include "dataplane/api/session.h"

#define SEGMENT_MAGIC   0x41444954u /* "ADIT" */
#define SEGMENT_VERSION 8

/* First message on the socket, data plane to control, with three descriptors in SCM_RIGHTS: the
 * memfd, an eventfd that wakes control (punts, events), an eventfd that wakes the data plane
 * (commands, injects). */
struct segment_hello {
	uint32_t magic, version;
	uint64_t size; /* octets of the memfd */
};
/* What the data plane sends instead, without descriptors, before it closes the socket. */
enum segment_refusal { SEGMENT_REFUSED_CREDENTIALS = 1, SEGMENT_REFUSED_BUSY = 2 };
struct segment_refused {
	uint32_t magic, reason;
};

/* What packets are encrypted with, and what pages memory is on. */
struct segment_kernel {
	char use[16];    /* "rc4-on-4", "esp", "memory" */
	char kernel[32]; /* "scalar", "avx2" */
	uint32_t from;   /* octets of a packet; shorter ones take the plainest kernel */
};
#define SEGMENT_MAX_KERNELS 12

struct segment_header {
	uint32_t magic, version;
	uint64_t size;
	uint32_t n_workers, n_nodes, n_ports, max_sessions, max_sas;
	/* Offsets of the parts from the start of the segment; a reader checks them against
	 * segment_layout(). */
	uint64_t command_ring, event_ring, inject_ring;
	uint64_t punt_rings[SEGMENT_MAX_WORKERS];
	uint64_t worker_counters, node_counters, session_counters, sessions, sa_counters, sas;
	uint64_t journal_sessions, journal_tunnels;
	uint64_t tsc_hz;
	_Atomic uint64_t now_us; /* data plane's monotonic clock, about every millisecond */
	uint64_t started_us;     /* CLOCK_MONOTONIC */
	uint64_t bad_records;    /* records of control that the data plane refused (T21) */
	uint64_t refused[RECORD_REFUSAL_COUNT]; /* the same, by enum record_refusal */
	uint64_t mbufs_total;
	_Atomic uint64_t mbufs_free; /* refreshed about once a second */
	_Atomic uint64_t sessions_live;
	uint64_t
		main_drops[DROP_COUNT]; /* written by the main lcore; to be added to the workers' */
	struct segment_port ports[SEGMENT_MAX_PORTS];
	uint32_t n_kernels;
	struct segment_kernel kernels[SEGMENT_MAX_KERNELS];
};

/* Size of a segment, and with h not NULL its offsets, for these dimensions (max_sas may be 0: no
 * IPsec).  0 if a dimension is out of bounds.  Both sides compute it; a header that differs is
 * refused. */
static inline uint64_t
segment_layout(
	struct segment_header *h, uint32_t worker_count, uint32_t max_sessions, uint32_t max_sas)
{
	if (worker_count == 0 || worker_count > SEGMENT_MAX_WORKERS || max_sessions == 0 ||
		max_sessions > SEGMENT_MAX_SESSIONS || max_sas > SEGMENT_MAX_SAS)
		return 0;
	uint64_t at = (sizeof(struct segment_header) + 4095) & ~4095ull;
#define SEGMENT_PART(field, bytes)                     \
	do {                                           \
		if (h)                                 \
			h->field = at;                 \
		at = (at + (bytes) + 4095) & ~4095ull; \
	} while (0)
	SEGMENT_PART(command_ring, RING_BYTES(COMMAND_RING_CELLS, sizeof(struct command_cell)));
	SEGMENT_PART(event_ring, RING_BYTES(EVENT_RING_CAPACITY, sizeof(struct event)));
	SEGMENT_PART(inject_ring, RING_BYTES(INJECT_RING_CAPACITY, sizeof(struct frame_record)));
	for (uint32_t i = 0; i < worker_count; i++)
		SEGMENT_PART(
			punt_rings[i], RING_BYTES(PUNT_RING_CAPACITY, sizeof(struct frame_record)));
	SEGMENT_PART(worker_counters, (uint64_t)worker_count * sizeof(struct worker_counters));
	SEGMENT_PART(node_counters,
		(uint64_t)worker_count * SEGMENT_MAX_NODES * sizeof(struct node_counters));
	SEGMENT_PART(session_counters, (uint64_t)max_sessions * sizeof(struct session_counters));
	SEGMENT_PART(sessions, (uint64_t)max_sessions * sizeof(struct session_entry));
	SEGMENT_PART(sa_counters, (uint64_t)max_sas * sizeof(struct sa_counters));
	SEGMENT_PART(sas, (uint64_t)max_sas * sizeof(struct sa_entry));
	SEGMENT_PART(journal_sessions, (uint64_t)max_sessions * JOURNAL_CELL);
	SEGMENT_PART(journal_tunnels, JOURNAL_TUNNEL_CELLS(max_sessions) * JOURNAL_CELL);
#undef SEGMENT_PART
	return at;
}

#endif
