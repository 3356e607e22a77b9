/* SPDX-License-Identifier: BSD-3-Clause */
/* What a service manager hears, and that a wrong or missing one does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "dataplane/api/notify.h"
#include "tests/unit/temp.h"

/* Listens at a name as $NOTIFY_SOCKET gives it. */
static int
manager(const char *name)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	memcpy(sa.sun_path, name, len);
	if (*name == '@')
		sa.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void
heard(int fd, const char *want)
{
	char got[64] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
	assert_int_equal(n, strlen(want));
	assert_string_equal(got, want);
}

static void
test_sockets(void **state)
{
	char directory[64], name[96];
	(void)state;
	assert_non_null(mkdtemp(temp_name(directory, sizeof(directory), "notify")));
	for (int abstract = 0; abstract < 2; abstract++) {
		snprintf(name, sizeof(name), "%s%s/sock", abstract ? "@" : "", directory);
		int fd = manager(name);
		notify("READY=1");
		notify("WATCHDOG=1");
		heard(fd, "READY=1");
		heard(fd, "WATCHDOG=1");
		/* A manager that does not read: nobody waits for it. */
		for (int i = 0; i < 5000; i++)
			notify("WATCHDOG=1");
		close(fd);
		notify("STOPPING=1"); /* gone */
	}
	snprintf(name, sizeof(name), "%s/sock", directory);
	unlink(name);
	rmdir(directory);
}

static void
test_no_manager(void **state)
{
	char name[300];
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	notify("READY=1");
	setenv("NOTIFY_SOCKET", "", 1);
	notify("READY=1");
	setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	notify("READY=1");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1); /* longer than a socket's name may be */
	notify("READY=1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_no_manager),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
