/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of sessions, with as many as a gateway may ever have.  Steps are counted, not timed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "control/session/session.h"

#define N         100000u
#define MANY      4u /* sessions of each user, and from each outer address */
/* A look-up meets its own session and, by chance, a few others of its bucket. */
#define STEPS_MAX (3 * N)

static struct session *sessions;
static struct session_table table;

static void
name_of(unsigned int i, char name[64])
{
	snprintf(name, 64, "user%u", i / MANY);
}

static int
setup(void **state)
{
	(void)state;
	sessions = calloc(N, sizeof(*sessions));
	assert_non_null(sessions);
	table = (struct session_table){0};
	assert_true(table_init(&table, N));
	for (unsigned int i = 0; i < N; i++) {
		struct session *s = &sessions[i];
		s->peer_ip = 0xc6330000 + i / MANY;
		s->inner_ip = 0x0a000000 + i;
		s->acct = (struct acct_id){7, 1000 + i % 2, i + 1};
		name_of(i, s->user);
		table_add(&table, s);
		table_index(&table, s, BY_USER);
		table_index(&table, s, BY_ADDRESS);
	}
	assert_int_equal(table.n, N);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	table_free(&table);
	free(sessions);
	return 0;
}

static uint64_t
steps_since(uint64_t *mark)
{
	uint64_t n = table.steps - *mark;
	*mark = table.steps;
	return n;
}

/* Every look-up by itself, so that one long chain is found, too. */
#define FEW 32
#define at_once(found)                                   \
	do {                                             \
		uint64_t mark_ = table.steps;            \
		assert_ptr_equal(found, &sessions[i]);   \
		assert_true(steps_since(&mark_) <= FEW); \
	} while (0)

static void
test_found_at_once(void **state)
{
	uint64_t mark = table.steps;
	(void)state;
	for (unsigned int i = 0; i < N; i++)
		at_once(table_of_id(&table, i + 1));
	assert_true(steps_since(&mark) <= STEPS_MAX);
	for (unsigned int i = 0; i < N; i++)
		at_once(table_of_address(&table, 0x0a000000 + i));
	assert_true(steps_since(&mark) <= STEPS_MAX);
	for (unsigned int i = 0; i < N; i++)
		at_once(table_of_acct(&table, &sessions[i].acct));
	assert_true(steps_since(&mark) <= STEPS_MAX);
	assert_null(table_of_id(&table, N + 1));
	assert_null(table_of_address(&table, 0x0a000000 + N));
	assert_null(table_of_acct(&table, &(struct acct_id){8, 1000, 1}));
}

/* All of one user, and all of one outer address: no more steps than there are, and few others. */
static void
test_several_of_one(void **state)
{
	uint64_t mark = table.steps;
	unsigned int n = 0;
	char name[64];
	struct session *s;
	(void)state;
	for (unsigned int i = 0; i < N; i += MANY) {
		name_of(i, name);
		for (s = table_first_of_user(&table, name); s; s = table_next_of_user(&table, s))
			n += s >= &sessions[i] && s < &sessions[i + MANY];
		assert_true(steps_since(&mark) <= MANY + FEW);
		for (s = table_first_of_outer(&table, sessions[i].peer_ip); s;
			s = table_next_of_outer(&table, s))
			n += s >= &sessions[i] && s < &sessions[i + MANY];
		assert_true(steps_since(&mark) <= MANY + FEW);
	}
	assert_int_equal(n, 2 * N);
	/* Names are compared as they are everywhere else. */
	assert_non_null(table_first_of_user(&table, "CORP\\User17"));
	assert_null(table_first_of_user(&table, "user"));
}

static void
test_removed(void **state)
{
	struct session *s = &sessions[N / 2], *next;
	(void)state;
	table_unindex(&table, s, BY_USER);
	table_unindex(&table, s, BY_USER); /* twice does no harm */
	assert_ptr_equal(table_of_id(&table, s->id), s);
	assert_ptr_equal(table_of_address(&table, s->inner_ip), s);
	for (next = table_first_of_user(&table, s->user); next;
		next = table_next_of_user(&table, next))
		assert_ptr_not_equal(next, s);
	table_remove(&table, s);
	assert_int_equal(table.n, N - 1);
	assert_null(table_of_id(&table, s->id));
	assert_null(table_of_address(&table, s->inner_ip));
	assert_null(table_of_acct(&table, &s->acct));
	for (next = table_first_of_outer(&table, s->peer_ip); next;
		next = table_next_of_outer(&table, next))
		assert_ptr_not_equal(next, s);
	/* It comes back as somebody new, at the list's end. */
	table_add(&table, s);
	assert_int_equal(s->id, N + 1);
	assert_ptr_equal(TAILQ_LAST(&table.list, session_list), s);
	table_renumber(&table, s, 5 * N);
	assert_null(table_of_id(&table, N + 1));
	assert_ptr_equal(table_of_id(&table, 5 * N), s);
}

static void
test_acct_text(void **state)
{
	char text[ACCT_ID_TEXT];
	(void)state;
	assert_string_equal(acct_id_text(&(struct acct_id){0xc0ffee, 0x69291a2b, 42}, text),
		"00c0ffee-69291a2b-0000002a");
}

/* A gateway has as many as it may have: what one is bigger by counts so often. */
static void
test_size(void **state)
{
	(void)state;
	assert_true(sizeof(struct session_place) <= 2 * sizeof(void *));
	assert_true(sizeof(struct session) <= sizeof(uv_timer_t) + 480);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_found_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_several_of_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
		cmocka_unit_test(test_acct_text),
		cmocka_unit_test(test_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
