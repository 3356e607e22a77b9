/* SPDX-License-Identifier: BSD-3-Clause */
/* What an earlier control left is read as if a stranger had written it (T21). */
#include "dataplane/api/journal.h"
#include "dataplane/api/session.h"
#include "fake/call.h"

#include <stdlib.h>
#include <string.h>

static struct caller *victim, *bystander;

static uint8_t *
session_cells(void)
{
	return (uint8_t *)fake.seg + fake.seg->journal_sessions;
}

static uint8_t *
session_cell(const struct caller *c)
{
	uint32_t handle = fake_handle_of(&fake, TUNNEL_L2TP, c->session->peer_id);
	return session_cells() + (size_t)SESSION_SLOT(handle) * JOURNAL_CELL;
}

static uint8_t *
tunnel_cell(uint32_t place)
{
	return (uint8_t *)fake.seg + fake.seg->journal_tunnels + (size_t)place * JOURNAL_CELL;
}

static struct session_entry *
entry(const struct caller *c)
{
	return fake_entry(
		&fake, SESSION_SLOT(fake_handle_of(&fake, TUNNEL_L2TP, c->session->peer_id)));
}

/* The record, and its length: the least that holds it. */
static size_t
record_of(const struct journal *j, uint32_t slot, uint8_t record[JOURNAL_RECORD_MAX])
{
	size_t len = 0;
	while (len < JOURNAL_RECORD_MAX && journal_read(j, slot, record, len) != JOURNAL_GOOD)
		len++;
	return len;
}

/* Changes one octet of the record, with checksum and all. */
static void
rewrite(uint32_t slot, unsigned int at, uint8_t value)
{
	const struct journal j = {session_cells(), fake.max_sessions};
	uint8_t record[JOURNAL_RECORD_MAX];
	size_t len = record_of(&j, slot, record);
	assert_true(len > at);
	record[at] = value;
	journal_write(&j, slot, record, len);
}

static void
torn(void)
{
	session_cell(victim)[JOURNAL_CELL / 2 + 60] ^= 1;
}
static void
wiped(void)
{
	memset(session_cell(victim), 0, JOURNAL_CELL);
}
static void
truncated(void)
{
	memset(session_cell(victim) + JOURNAL_CELL / 2 + 80, 0, JOURNAL_CELL / 2 - 80);
}
/* Of another slot. */
static void
misplaced(void)
{
	memcpy(session_cell(victim), session_cell(bystander), JOURNAL_CELL);
}
static void
other_session(void)
{
	entry(victim)->peer_call_id++;
}
static void
other_address(void)
{
	entry(victim)->inner_ip += 100;
}
static void
same_address(void)
{
	entry(bystander)->inner_ip = entry(victim)->inner_ip;
}
static void
has_mppe(void)
{
	entry(victim)->mppe_rx = 128;
}
static void
not_open(void)
{
	entry(victim)->state = SESSION_CLOSING;
}
static void
no_number(void)
{
	for (unsigned int i = 20; i < 24; i++)
		rewrite(SESSION_SLOT(entry(victim)->handle), i, 0);
}
static void
large_number(void)
{
	for (unsigned int i = 20; i < 24; i++)
		rewrite(SESSION_SLOT(entry(victim)->handle), i, 0xff);
}
/* As a later release leaves it, before control goes back to this one. */
static void
grown(void)
{
	const struct journal j = {session_cells(), fake.max_sessions};
	uint32_t slot = SESSION_SLOT(entry(victim)->handle);
	uint8_t record[JOURNAL_RECORD_MAX];
	size_t len = record_of(&j, slot, record);
	journal_write(&j, slot, record, len + 8);
}
static void
no_tunnel(void)
{
	memset(tunnel_cell(1), 0, JOURNAL_CELL);
}
static void
torn_tunnel(void)
{
	tunnel_cell(1)[40] ^= 1;
	tunnel_cell(1)[JOURNAL_CELL / 2 + 40] ^= 1;
}
static void
no_head(void)
{
	memset(tunnel_cell(0), 0xa5, JOURNAL_CELL);
}

static const struct {
	const char *name;
	void (*damage)(void);
	enum adopt_fault fault;
	unsigned int sessions; /* that go on, of two */
} cases[] = {
	{"torn", torn, ADOPT_TORN, 1},
	{"wiped", wiped, ADOPT_NO_RECORD, 1},
	{"truncated", truncated, ADOPT_TORN, 1},
	{"of a newer release (T19)", grown, ADOPT_NEWER, 1},
	{"misplaced", misplaced, ADOPT_TORN, 1},
	{"other session", other_session, ADOPT_MISMATCH, 1},
	{"other address", other_address, ADOPT_MISMATCH, 1},
	{"MPPE", has_mppe, ADOPT_MPPE, 1},
	{"not open", not_open, ADOPT_NOT_OPEN, 1},
	{"no number", no_number, ADOPT_INVALID, 1},
	{"large number", large_number, ADOPT_INVALID, 1},
	{"no tunnel", no_tunnel, ADOPT_TUNNEL, 1},
	{"torn tunnel", torn_tunnel, ADOPT_TUNNEL, 1},
	{"no head", no_head, ADOPT_TUNNEL, 0},
};

static bool
only_bystander(void *user)
{
	unsigned int want = *(unsigned int *)user;
	return fake_live(&fake) == want && carrier("l2tp").sessions == want;
}

static void
test_damaged(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int want = cases[i].sessions;
		print_message("%s\n", cases[i].name);
		call_stage("", "");
		victim = call_plain(0, 1);
		bystander = call_plain(1, 2);
		call_hand_over();
		cases[i].damage();
		call_configure("", "");
		call_begin();
		assert_int_equal(status().adoption.sessions, want);
		assert_true(status().adoption.refused[cases[i].fault] >= 1);
		assert_true(loop_until(&loop, only_bystander, &want, 3000));
		assert_int_equal(status().pool_used, want);
		assert_true(logged("code=control-lost"));
		if (want)
			assert_true(caller_is_up(bystander));
		call_teardown(NULL);
	}
}

/* One address, two sessions: the first of them has it. */
static void
test_same_address(void **state)
{
	unsigned int want = 0;
	(void)state;
	call_stage("", "");
	victim = call_plain(0, 1);
	bystander = call_plain(1, 2);
	call_hand_over();
	same_address();
	call_configure("", "");
	call_begin();
	want = status().adoption.sessions;
	assert_true(want <= 1);
	assert_true(loop_until(&loop, only_bystander, &want, 3000));
	assert_int_equal(status().pool_used, want);
	call_teardown(NULL);
}

static bool
numbers(void *user, const struct session_info *s)
{
	uint32_t *list = user;
	while (*list)
		list++;
	*list = s->id;
	return true;
}

/* One number, two sessions: either has one of its own. */
static void
test_same_number(void **state)
{
	uint32_t list[4] = {0};
	(void)state;
	call_stage("", "");
	victim = call_plain(0, 1);
	bystander = call_plain(1, 2);
	call_hand_over();
	rewrite(SESSION_SLOT(entry(bystander)->handle), 20, 1);
	call_configure("", "");
	call_begin();
	assert_int_equal(status().adoption.sessions, 2);
	sessions_each(gateway_sessions(gw), numbers, list);
	assert_int_equal(list[0], 1);
	assert_true(list[1] > 1);
	assert_int_equal(list[2], 0);
	call_teardown(NULL);
}

static bool
names(void *user, const struct session_info *s)
{
	struct session_info *list = user;
	while (list->id)
		list++;
	*list = *s;
	return true;
}

#define ACCT_AT 104 /* of struct session_record: what older releases do not have */

/* One Acct-Session-Id, two sessions; and one that an older release left without (T19, T21): either
 * has one of its own. */
static void
test_same_acct(void **state)
{
	struct session_info list[4] = {{0}};
	(void)state;
	call_stage("", "");
	victim = call_plain(0, 1);
	bystander = call_plain(1, 2);
	call_plain(2, 3);
	call_hand_over();
	const struct journal j = {session_cells(), fake.max_sessions};
	uint32_t one = SESSION_SLOT(entry(victim)->handle);
	uint32_t two = SESSION_SLOT(entry(bystander)->handle);
	uint8_t a[JOURNAL_RECORD_MAX], b[JOURNAL_RECORD_MAX];
	size_t len = record_of(&j, one, a);
	assert_int_equal(record_of(&j, two, b), len);
	journal_write(&j, one, a, ACCT_AT);
	for (uint32_t slot = 0; slot < fake.max_sessions; slot++)
		if (slot != one && slot != two && record_of(&j, slot, a) == len) {
			memcpy(b + ACCT_AT, a + ACCT_AT, len - ACCT_AT);
			journal_write(&j, two, b, len);
		}
	call_configure("", "");
	call_begin();
	assert_int_equal(status().adoption.sessions, 3);
	sessions_each(gateway_sessions(gw), names, list);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(strlen(list[i].acct), ACCT_ID_TEXT - 1);
		assert_string_not_equal(list[i].acct, list[(i + 1) % 3].acct);
	}
	call_teardown(NULL);
}

/* One bit of what is kept in this slot. */
static void
flip(uint32_t slot)
{
	uint8_t *where = (uint8_t *)fake_entry(&fake, slot) + sizeof(uint32_t);
	size_t size = sizeof(struct session_entry) - sizeof(uint32_t);
	if (rand() % 3) {
		where = rand() % 2 ? tunnel_cell(slot) : session_cells() + slot * JOURNAL_CELL;
		size = JOURNAL_CELL;
	}
	where[(size_t)rand() % size] ^= (uint8_t)(1 << rand() % 8);
}

/* Anything at all stands there. */
static void
test_garbage(void **state)
{
	(void)state;
	srand(1);
	for (unsigned int round = 0; round < 40; round++) {
		call_stage("", "");
		for (unsigned int i = 0; i < 4; i++)
			call_plain(i, i + 1);
		call_hand_over();
		for (unsigned int n = 1 + (unsigned int)rand() % 200; n > 0; n--)
			flip((uint32_t)rand() % 8);
		call_configure("", "");
		call_begin();
		loop_for(&loop, 20);
		assert_true(status().adoption.sessions <= 4);
		call_teardown(NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_same_address),
		cmocka_unit_test(test_same_number),
		cmocka_unit_test(test_same_acct),
		cmocka_unit_test(test_garbage),
	};
	return STAGE_RUN(tests);
}
