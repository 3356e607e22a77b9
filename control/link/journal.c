/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/link/journal.h"

#include <assert.h>
#include <string.h>

#include "control/core/fnv.h"

#define MAGIC 0x4a524e4cu /* "JRNL" */

struct copy {
	uint32_t magic;
	uint16_t version, length;
	uint64_t sequence; /* the higher one is the newer */
	uint64_t checksum;
	uint8_t record[JOURNAL_RECORD_MAX];
};
static_assert(2 * sizeof(struct copy) == JOURNAL_CELL, "two copies in a cell");

static struct copy *
copies_of(const struct journal *j, uint32_t cell)
{
	return cell < j->n ? (struct copy *)j->cells + 2 * (size_t)cell : NULL;
}

static uint64_t
checksum(const struct copy *c, uint32_t cell)
{
	uint64_t h = fnv(FNV_BEGIN, &cell, sizeof(cell));
	h = fnv(h, c, offsetof(struct copy, checksum));
	return fnv(h, c->record, c->length);
}

/* c is a private copy. */
static enum journal_verdict
judge(const struct copy *c, uint32_t cell)
{
	static const struct copy none;
	if (memcmp(c, &none, offsetof(struct copy, record)) == 0)
		return JOURNAL_EMPTY;
	if (c->magic != MAGIC || c->length > sizeof(c->record) || c->checksum != checksum(c, cell))
		return JOURNAL_TORN;
	return c->version == JOURNAL_VERSION ? JOURNAL_GOOD : JOURNAL_OTHER_VERSION;
}

/* The newest whole copy is left in out, its place returned: 0 or 1. */
static enum journal_verdict
newest(const struct copy *cell_copies, uint32_t cell, struct copy *out, unsigned int *place)
{
	struct copy c[2];
	enum journal_verdict v[2];
	memcpy(c, cell_copies, sizeof(c));
	v[0] = judge(&c[0], cell);
	v[1] = judge(&c[1], cell);
	*place = v[1] == JOURNAL_GOOD && (v[0] != JOURNAL_GOOD || c[1].sequence > c[0].sequence);
	*out = c[*place];
	if (v[*place] == JOURNAL_GOOD)
		return JOURNAL_GOOD;
	/* What is to be said of a cell without a whole record of ours. */
	if (v[0] == JOURNAL_OTHER_VERSION || v[1] == JOURNAL_OTHER_VERSION)
		return JOURNAL_OTHER_VERSION;
	return v[0] == JOURNAL_EMPTY && v[1] == JOURNAL_EMPTY ? JOURNAL_EMPTY : JOURNAL_TORN;
}

void
journal_write(const struct journal *j, uint32_t cell, const void *record, size_t len)
{
	struct copy *at = copies_of(j, cell), last,
		    c = {.magic = MAGIC, .version = JOURNAL_VERSION};
	unsigned int place;
	if (!at || len > sizeof(c.record))
		return;
	if (newest(at, cell, &last, &place) == JOURNAL_GOOD)
		c.sequence = last.sequence;
	c.sequence++;
	c.length = (uint16_t)len;
	memcpy(c.record, record, len);
	c.checksum = checksum(&c, cell);
	memcpy(&at[1 - place], &c, sizeof(c));
	/* In the order of the program: who reads after our death finds whole stores only. */
	__asm__ volatile("" ::: "memory");
}

enum journal_verdict
journal_read(const struct journal *j, uint32_t cell, void *record, size_t len)
{
	struct copy *at = copies_of(j, cell), c;
	unsigned int place;
	memset(record, 0, len);
	if (!at)
		return JOURNAL_EMPTY;
	enum journal_verdict v = newest(at, cell, &c, &place);
	if (v == JOURNAL_GOOD && c.length > len)
		v = JOURNAL_NEWER;
	if (v == JOURNAL_GOOD)
		memcpy(record, c.record, c.length);
	return v;
}

void
journal_wipe(const struct journal *j, uint32_t cell)
{
	struct copy *at = copies_of(j, cell);
	if (!at)
		return;
	/* Neither of them is whole from here on. */
	at[0].checksum ^= 1;
	at[1].checksum ^= 1;
	__asm__ volatile("" ::: "memory");
	explicit_bzero(at, 2 * sizeof(*at));
}
