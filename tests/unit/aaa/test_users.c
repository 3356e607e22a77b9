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
		assert_non_null(users_lockout(u, users_find(u, name)));
	}
	assert_ptr_equal(users_find(u, "user0"), first); /* stable while the table grows */
	assert_int_equal(users_count(u), 20000);
	users_free(u);
}

static void
printable(void **state)
{
	char out[16];

	(void)state;
	user_name_printable("alice", out, sizeof(out));
	assert_string_equal(out, "alice");
	user_name_printable("", out, sizeof(out));
	assert_string_equal(out, "");
	user_name_printable("a\n\x1b\"", out, sizeof(out));
	assert_string_equal(out, "a\\x0a\\x1b...");
	user_name_printable("D\\a", out, sizeof(out));
	assert_string_equal(out, "D\\x5ca");
	user_name_printable("0123456789abcdefgh", out, sizeof(out));
	assert_string_equal(out, "0123456789ab...");
	user_name_printable("\xff\xff\xff", out, 8);
	assert_string_equal(out, "\\xff...");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(many),
		cmocka_unit_test(printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
