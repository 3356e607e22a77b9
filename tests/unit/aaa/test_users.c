/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/aaa/users.h"

static int
add(struct users *u, const char *name, const char *password)
{
	char n[512], p[64];
	struct user user = {.auth = -1, .mppe_policy = -1, .mppe_mode = -1, .mppe_strengths = -1};

	/* The users keep copies, so what they are given may change. */
	snprintf(n, sizeof(n), "%s", name);
	snprintf(p, sizeof(p), "%s", password);
	user.name = n;
	user.password = p;
	return users_add(u, &user);
}

static void
names(void **state)
{
	struct users *u = users_new();
	char name[258];

	(void)state;
	assert_int_equal(add(u, "Alice", "secret"), 0);
	assert_int_equal(add(u, "aLICE", "other"), -EEXIST);
	assert_int_equal(add(u, "", "secret"), -EINVAL);
	assert_int_equal(add(u, "a\nb", "secret"), -EINVAL);
	assert_int_equal(add(u, "DOM\\bob", "secret"), -EINVAL);
	assert_int_equal(add(u, "bob", ""), -EINVAL);
	assert_int_equal(users_add(u, &(struct user){.name = (char[]){"bob"}}), -EINVAL);
	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	assert_int_equal(add(u, name, "secret"), -EINVAL);
	name[255] = '\0';
	assert_int_equal(add(u, name, "secret"), 0);
	assert_int_equal(users_count(u), 2);
	assert_string_equal(users_find(u, "ALICE")->password, "secret");
	assert_ptr_equal(users_find(u, "alice"), users_find(u, "CORP\\Alice"));
	assert_null(users_find(u, ""));
	assert_null(users_find(u, "CORP\\"));
	assert_null(users_find(u, "CORP\\sub\\alice"));
	assert_null(users_find(u, "alic"));
	assert_null(users_find(u, "alicee"));
	/* Letters beyond ASCII are distinct: no locale decides who somebody is. */
	assert_int_equal(add(u, "J\xc3\xb6rg", "secret"), 0);
	assert_non_null(users_find(u, "j\xc3\xb6RG"));
	assert_null(users_find(u, "j\xc3\x96rg"));
	users_free(u);
}

static void
many(void **state)
{
	struct users *u = users_new();
	char name[32];
	const struct user *first;
	unsigned int i;

	(void)state;
	assert_int_equal(add(u, "user0", "p"), 0);
	first = users_find(u, "user0");
	for (i = 1; i < 20000; i++) {
		snprintf(name, sizeof(name), "user%u", i);
		assert_int_equal(add(u, name, "p"), 0);
	}
	for (i = 0; i < 20000; i += 7) {
		snprintf(name, sizeof(name), "USER%u", i);
		assert_non_null(users_find(u, name));
		assert_int_equal(users_record(u, users_find(u, name))->addresses[0], 0);
	}
	assert_ptr_equal(users_find(u, "user0"), first); /* stable while the table grows */
	assert_int_equal(users_count(u), 20000);
	users_free(u);
}

/* Who has a static address is found as fast as who has a name: a search through all would take
 * this test beyond its time. */
static void
static_addresses(void **state)
{
	enum { N = 100000 };
	struct users *u = users_new();
	char name[32], password[] = "p";
	struct user user = {.name = name, .password = password};
	unsigned int i;

	(void)state;
	for (i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "user%u", i);
		user.static_ip = 0x0a000002 + i;
		assert_int_equal(users_add(u, &user), 0);
	}
	strcpy(name, "another");
	for (i = 0; i < N; i++) {
		user.static_ip = 0x0a000002 + i;
		assert_int_equal(users_add(u, &user), -EADDRINUSE);
	}
	snprintf(name, sizeof(name), "user%u", N - 1);
	assert_string_equal(users_find_address(u, 0x0a000002 + N - 1)->name, name);
	assert_null(users_find_address(u, 0x0a000001));
	assert_null(users_find_address(u, 0));
	assert_int_equal(users_count(u), N);
	users_free(u);
}

struct seen {
	unsigned int new, gone, changed;
};

static void
see(void *arg, const struct user *was, const struct user *is)
{
	struct seen *s = arg;
	s->new += !was;
	s->gone += !is;
	s->changed += was && is;
}

static void
add_at(struct users *u, const char *name, const char *password, uint32_t ip)
{
	char n[16], p[16];
	snprintf(n, sizeof(n), "%s", name);
	snprintf(p, sizeof(p), "%s", password);
	assert_int_equal(
		users_add(u, &(struct user){.name = n, .password = p, .static_ip = ip}), 0);
}

/* Who stays is who he was, with what is remembered of him (T1). */
static void
replacing(void **state)
{
	struct users *u = users_new(), *next = users_new();
	struct seen s = {0};
	(void)state;
	add_at(u, "stays", "p", 0x0a000002);
	add_at(u, "goes", "p", 0x0a000003);
	add_at(u, "changes", "p", 0x0a000004);
	const struct user *stays = users_find(u, "stays"), *changes = users_find(u, "changes");
	users_record(u, changes)->lockout.failures = 7;
	add_at(next, "comes", "p", 0x0a000003);
	add_at(next, "Changes", "q", 0x0a000005);
	add_at(next, "stays", "p", 0x0a000002);
	users_replace(u, next, see, &s);
	assert_int_equal(s.new, 1);
	assert_int_equal(s.gone, 1);
	assert_int_equal(s.changed, 1);
	assert_ptr_equal(users_find(u, "stays"), stays);
	assert_ptr_equal(users_find(u, "CHANGES"), changes);
	assert_string_equal(changes->password, "q");
	assert_string_equal(changes->name, "Changes");
	assert_int_equal(users_record(u, changes)->lockout.failures, 7);
	assert_null(users_find(u, "goes"));
	assert_int_equal(users_count(u), 3);
	assert_string_equal(users_find_address(u, 0x0a000003)->name, "comes");
	assert_ptr_equal(users_find_address(u, 0x0a000005), changes);
	assert_null(users_find_address(u, 0x0a000004));
	assert_non_null(users_find(next, "goes"));
	assert_int_equal(users_count(next), 1);
	users_free(next);
	users_free(u);
}

static void
comparing(void **state)
{
	(void)state;
	assert_true(user_name_same("Alice", "DOM\\aLICE"));
	assert_true(user_name_same("", "DOM\\"));
	assert_false(user_name_same("alice", "alice "));
	assert_false(user_name_same("alice", "alice\\DOM"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(many),
		cmocka_unit_test(static_addresses),
		cmocka_unit_test(replacing),
		cmocka_unit_test(comparing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
