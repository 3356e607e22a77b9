/* SPDX-License-Identifier: BSD-3-Clause */
/* Records that outlive their writer, whenever it dies and whoever else wrote there (T19, T21). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/link/journal.h"
#include "dataplane/api/journal.h"

#define CELLS 4
#define LEN   200

static uint8_t memory[CELLS][JOURNAL_CELL];
static const struct journal j = {memory, CELLS};
static uint8_t out[JOURNAL_RECORD_MAX];

static int
setup(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	return 0;
}

static void
put(uint32_t cell, uint8_t byte)
{
	uint8_t record[LEN];
	memset(record, byte, sizeof(record));
	journal_write(&j, cell, record, sizeof(record));
}

/* What stands in the cell: the byte that put() wrote, or minus the verdict. */
static int
get(uint32_t cell)
{
	enum journal_verdict v = journal_read(&j, cell, out, LEN);
	for (unsigned int i = 1; i < LEN; i++)
		assert_int_equal(out[i], out[0]);
	assert_true(v == JOURNAL_GOOD || out[0] == 0);
	return v == JOURNAL_GOOD ? out[0] : -(int)v;
}

static void
test_newest_counts(void **state)
{
	(void)state;
	assert_int_equal(get(1), -JOURNAL_EMPTY);
	for (int i = 1; i < 20; i++) {
		put(1, (uint8_t)i);
		assert_int_equal(get(1), i);
	}
	assert_int_equal(get(0), -JOURNAL_EMPTY);
	assert_int_equal(get(2), -JOURNAL_EMPTY);
	journal_wipe(&j, 1);
	static const uint8_t zeros[sizeof(memory)];
	assert_memory_equal(memory, zeros, sizeof(zeros));
	put(1, 7);
	assert_int_equal(get(1), 7);
}

static void
test_bounds(void **state)
{
	(void)state;
	uint8_t large[JOURNAL_CELL] = {1};
	journal_write(&j, CELLS, large, LEN);
	journal_write(&j, UINT32_MAX, large, LEN);
	journal_wipe(&j, CELLS);
	assert_int_equal(journal_read(&j, CELLS, out, LEN), JOURNAL_EMPTY);
	journal_write(&j, 0, large, JOURNAL_RECORD_MAX + 1);
	assert_int_equal(get(0), -JOURNAL_EMPTY);
	journal_write(&j, 0, large, JOURNAL_RECORD_MAX);
	assert_int_equal(journal_read(&j, 0, out, JOURNAL_RECORD_MAX), JOURNAL_GOOD);
	assert_int_equal(journal_read(&j, 0, out, JOURNAL_RECORD_MAX - 1), JOURNAL_NEWER);
	/* Without a segment there are no cells. */
	const struct journal none = {NULL, 0};
	journal_write(&none, 0, large, LEN);
	journal_wipe(&none, 0);
	assert_int_equal(journal_read(&none, 0, out, LEN), JOURNAL_EMPTY);
}

/* Each octet of a sole record is covered; with an older record behind it, that one is found. */
static void
test_corruption(void **state)
{
	uint8_t sole[JOURNAL_CELL], both[JOURNAL_CELL];
	unsigned int torn = 0, older = 0, same = 0;
	(void)state;
	put(0, 1);
	memcpy(sole, memory[0], sizeof(sole));
	put(0, 2);
	memcpy(both, memory[0], sizeof(both));
	for (unsigned int i = 0; i < JOURNAL_CELL; i++) {
		memcpy(memory[0], sole, sizeof(sole));
		memory[0][i] ^= 0x40;
		int was = get(0);
		assert_true(was == 1 || was == -JOURNAL_TORN);
		torn += was == -JOURNAL_TORN;
		memcpy(memory[0], both, sizeof(both));
		memory[0][i] ^= 0x40;
		was = get(0);
		older += was == 1;
		same += was == 2;
	}
	/* Header and record; what is behind the record in its copy is nobody's. */
	assert_int_equal(torn, 24 + LEN);
	assert_int_equal(older, 24 + LEN);
	assert_int_equal(older + same, JOURNAL_CELL);
}

/* The writer dies after any octet. */
static void
test_half_written(void **state)
{
	uint8_t before[JOURNAL_CELL], after[JOURNAL_CELL];
	(void)state;
	put(0, 1);
	put(0, 2);
	memcpy(before, memory[0], sizeof(before));
	put(0, 3);
	memcpy(after, memory[0], sizeof(after));
	for (unsigned int i = 0; i <= JOURNAL_CELL; i++) {
		memcpy(memory[0], after, i);
		memcpy(memory[0] + i, before + i, JOURNAL_CELL - i);
		int was = get(0);
		assert_true(was == 2 || was == 3);
		/* And the next one writes over the half one. */
		put(0, 4);
		assert_int_equal(get(0), 4);
	}
}

static void
test_other_place(void **state)
{
	(void)state;
	put(1, 9);
	memcpy(memory[2], memory[1], JOURNAL_CELL);
	assert_int_equal(get(1), 9);
	assert_int_equal(get(2), -JOURNAL_TORN);
}

static uint64_t
fnv(uint64_t h, const uint8_t *p, size_t len)
{
	while (len-- > 0)
		h = (h ^ *p++) * 0x100000001b3ull;
	return h;
}

/* As another release would have written it. */
static void
test_other_version(void **state)
{
	(void)state;
	put(0, 1);
	put(0, 2);
	for (unsigned int copy = 0; copy < 2; copy++) {
		uint8_t *c = memory[0] + copy * JOURNAL_CELL / 2;
		uint32_t cell = 0;
		c[4] = JOURNAL_VERSION + 1;
		uint64_t sum = fnv(0xcbf29ce484222325ull, (uint8_t *)&cell, sizeof(cell));
		sum = fnv(fnv(sum, c, 16), c + 24, LEN);
		memcpy(c + 16, &sum, sizeof(sum));
		/* The newest of ours counts, as long as there is one. */
		assert_int_equal(get(0), copy == 0 ? 1 : -JOURNAL_OTHER_VERSION);
	}
	put(0, 3);
	assert_int_equal(get(0), 3);
}

/* T19: the record has grown since, or shrunk: an update of control, and the way back. */
static void
test_other_length(void **state)
{
	(void)state;
	uint8_t grown[LEN + 16];
	put(0, 5);
	memset(grown, 0xee, sizeof(grown));
	assert_int_equal(journal_read(&j, 0, grown, sizeof(grown)), JOURNAL_GOOD);
	for (unsigned int i = 0; i < sizeof(grown); i++)
		assert_int_equal(grown[i], i < LEN ? 5 : 0);
	memset(grown, 6, sizeof(grown));
	journal_write(&j, 0, grown, sizeof(grown));
	assert_int_equal(journal_read(&j, 0, grown, sizeof(grown)), JOURNAL_GOOD);
	assert_int_equal(grown[LEN + 15], 6);
	/* What we wrote before is in the other copy: it is not the state any more. */
	assert_int_equal(get(0), -JOURNAL_NEWER);
	put(0, 7);
	assert_int_equal(get(0), 7);
}

/* A writer is killed again and again: what it left is whole. */
static void
test_killed_writer(void **state)
{
	(void)state;
	void *shared =
		mmap(NULL, JOURNAL_CELL, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	const struct journal theirs = {shared, 1};
	uint64_t last = 0;
	for (unsigned int round = 0; round < 40; round++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			uint64_t record[LEN / 8];
			for (uint64_t n = last + 1;; n++) {
				for (unsigned int i = 0; i < LEN / 8; i++)
					record[i] = n;
				journal_write(&theirs, 0, record, sizeof(record));
			}
		}
		/* It is at work; then at any moment. */
		uint64_t record[LEN / 8];
		while (journal_read(&theirs, 0, record, sizeof(record)) != JOURNAL_GOOD ||
			record[0] <= last)
			usleep(100);
		usleep(round * 37);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		assert_int_equal(journal_read(&theirs, 0, record, sizeof(record)), JOURNAL_GOOD);
		for (unsigned int i = 1; i < LEN / 8; i++)
			assert_true(record[i] == record[0]);
		assert_true(record[0] > last);
		last = record[0];
	}
	munmap(shared, JOURNAL_CELL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_newest_counts, setup),
		cmocka_unit_test_setup(test_bounds, setup),
		cmocka_unit_test_setup(test_corruption, setup),
		cmocka_unit_test_setup(test_half_written, setup),
		cmocka_unit_test_setup(test_other_place, setup),
		cmocka_unit_test_setup(test_other_version, setup),
		cmocka_unit_test_setup(test_other_length, setup),
		cmocka_unit_test_setup(test_killed_writer, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
