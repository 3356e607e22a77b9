/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How commands of different sizes lie in one ring: a record takes as many cells of 64 octets as it
 * needs, one behind the other, and all of them are published at once.  Each cell says where in the
 * ring it was written, so that what an earlier lap left there is told from what was written now,
 * and which cell of its record it is, so that after a record that is refused the next one is found.
 * When there is no room for all cells, none is written, and the record waits with its sender.
 *
 * Calling context: as ring.h: one thread per side, no call blocks.
 */
#ifndef ADIT_DATAPLANE_API_COMMAND_RING_H
#define ADIT_DATAPLANE_API_COMMAND_RING_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/api/command.h"
#include "dataplane/api/ring.h"

#define COMMAND_RING_CELLS 4096
#define COMMAND_CELL_DATA  56
#define COMMAND_CELLS_MAX  256 /* of one record */
#define COMMAND_RECORD_MAX (COMMAND_CELLS_MAX * COMMAND_CELL_DATA)

struct command_cell {
	uint32_t at;    /* the ring's counter of this cell */
	uint16_t index; /* in its record; 0: begins with the head */
	uint16_t reserved;
	uint8_t data[COMMAND_CELL_DATA];
};
static_assert(sizeof(struct command_cell) == 64, "a cache line");
static_assert(COMMAND_RECORD_MAX <= UINT16_MAX, "struct command's length");

/* A private copy of a record. */
union command_record {
	struct command cmd;
	uint8_t data[COMMAND_RECORD_MAX];
};

static inline void
command_ring_attach(struct ring *r, void *shared, bool producer)
{
	ring_attach(r, shared, COMMAND_RING_CELLS, sizeof(struct command_cell), producer);
}

static inline uint32_t
command_cells(size_t length)
{
	return (uint32_t)((length + COMMAND_CELL_DATA - 1) / COMMAND_CELL_DATA);
}

/* Control: write a record of length octets, of which a head is the beginning.  False: no room now,
 * or no record has such a length. */
static inline bool
command_put(struct ring *r, const void *record, size_t length)
{
	uint32_t n = command_cells(length);
	const uint8_t *from = record;
	if (length < COMMAND_HEAD || length > COMMAND_RECORD_MAX || n > ring_room(r))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct command_cell *c = ring_element(r, i);
		size_t part = length < COMMAND_CELL_DATA ? length : COMMAND_CELL_DATA;
		c->at = ring_pos(r) + i;
		c->index = (uint16_t)i;
		c->reserved = 0;
		memcpy(c->data, from, part);
		memset(c->data + part, 0, sizeof(c->data) - part);
		from += part;
		length -= part;
	}
	ring_produced_many(r, n);
	return true;
}

/* How far the cells reach that are no record's first, from the n-th on. */
static inline uint32_t
command_strays(const struct ring *r, uint32_t n, uint32_t there)
{
	struct command_cell c;
	for (; n < there && n < COMMAND_CELLS_MAX; n++) {
		memcpy(&c, ring_element(r, n), sizeof(c));
		if (c.index == 0)
			break;
	}
	return n;
}

enum command_verdict {
	COMMAND_NONE,  /* the ring is empty */
	COMMAND_WHOLE, /* out holds the record, as long as its head says; what is in it is for the
			  caller to check.  Behind a shorter one zeros, up to struct command */
	COMMAND_TORN,  /* refused: RECORD_torn */
	COMMAND_LENGTH /* refused: RECORD_size.  In out no more than the head */
};

/* Data plane: copy the oldest record out.  It stays in the ring until command_taken() with *cells,
 * also when it is refused. */
static inline enum command_verdict
command_take(struct ring *r, union command_record *out, uint32_t *cells)
{
	uint32_t there = ring_count(r), n = 1;
	memset(&out->cmd, 0, sizeof(out->cmd));
	*cells = 0;
	if (there == 0)
		return COMMAND_NONE;
	for (uint32_t i = 0; i < n; i++) {
		struct command_cell c = {.index = UINT16_MAX};
		if (i < there)
			memcpy(&c, ring_element(r, i), sizeof(c));
		if (c.at != ring_pos(r) + i || c.index != i) {
			*cells = command_strays(r, i ? i : 1, there);
			return COMMAND_TORN;
		}
		memcpy(out->data + (size_t)i * COMMAND_CELL_DATA, c.data, sizeof(c.data));
		if (i > 0)
			continue;
		uint16_t length = out->cmd.length;
		n = command_cells(length);
		if (length < COMMAND_HEAD || length > COMMAND_RECORD_MAX) {
			*cells = command_strays(r, 1, there);
			return COMMAND_LENGTH;
		}
	}
	*cells = n;
	return COMMAND_WHOLE;
}

/* Data plane: done with it.  Its cells are wiped, for they may hold keys. */
static inline void
command_taken(struct ring *r, uint32_t cells)
{
	for (uint32_t i = 0; i < cells; i++)
		explicit_bzero(ring_element(r, i), sizeof(struct command_cell));
	ring_consumed_many(r, cells);
}

#endif
