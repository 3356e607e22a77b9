/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/core/log.h"
#include "tests/unit/temp.h"

uv_loop_t loop;
struct fake fake;
char stage_directory[64];
static char log_text[1 << 20];
static size_t log_len;

static void
log_line(void *user, int level, const char *line)
{
	(void)user;
	(void)level;
	size_t n = strlen(line);
	if (log_len + n + 2 > sizeof(log_text))
		log_len = 0;
	memcpy(log_text + log_len, line, n);
	log_text[log_len + n] = '\n';
	log_len += n + 1;
	log_text[log_len] = '\0';
}

bool
logged(const char *text)
{
	return strstr(log_text, text) != NULL;
}

void
stage_log_again(void)
{
	log_setup(LOG_DEBUG);
	log_redirect(log_line, NULL);
}

const char *
stage_log(void)
{
	return log_text;
}

const char *
stage_path(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", stage_directory, name);
	return path;
}

void
stage_open(void)
{
	log_len = 0;
	log_text[0] = '\0';
	assert_int_equal(uv_loop_init(&loop), 0);
	fake_init(&fake, &loop, stage_path("dp.sock"));
}

void
stage_close(void)
{
	fake_die(&fake, false);
	loop_for(&loop, 5);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void
own_network(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
		return;
	struct ifreq ifr = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ioctl(fd, SIOCGIFFLAGS, &ifr);
	ifr.ifr_flags |= IFF_UP;
	must(ioctl(fd, SIOCSIFFLAGS, &ifr) == 0, "loopback");
	close(fd);
}

int
stage_run(const struct CMUnitTest *tests, size_t n)
{
	must(mkdtemp(temp_name(stage_directory, sizeof(stage_directory), "test")) != NULL,
		"mkdtemp");
	own_network();
	stage_log_again();
	/* tests/mutation: these tests run in real time, and one of them is meant. */
	if (getenv("ADIT_TEST_ONLY"))
		cmocka_set_test_filter(getenv("ADIT_TEST_ONLY"));
	int rc = _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
	must(rmdir(stage_directory) == 0, stage_directory);
	return rc;
}
