/* SPDX-License-Identifier: BSD-3-Clause */
/* T21, R25: the process that stays root opens the one file, whoever asks it for whatever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control/core/opener.h"
#include "tests/unit/temp.h"

#define NOBODY 65534

struct lab {
	char dir[64], file[96], other[96];
	char err[300];
	int opener;
	pid_t pid;
};

static void
write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static pid_t
only_child(void)
{
	char path[64];
	int pid = 0;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

static int
enter(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));
	assert_non_null(l);
	assert_non_null(mkdtemp(temp_name(l->dir, sizeof(l->dir), "opener")));
	snprintf(l->file, sizeof(l->file), "%s/file", l->dir);
	snprintf(l->other, sizeof(l->other), "%s/other", l->dir);
	write_file(l->file, "right", 5);
	write_file(l->other, "secret of another", 17);
	l->opener = opener_start(l->file);
	assert_true(l->opener >= 0);
	l->pid = only_child();
	*state = l;
	return 0;
}

/* It ends with whom it serves. */
static int
leave(void **state)
{
	struct lab *l = *state;
	int status = 0;
	close(l->opener);
	if (l->pid)
		kill(l->pid, SIGCONT);
	for (unsigned int i = 0; l->pid && waitpid(l->pid, &status, WNOHANG) == 0; i++) {
		if (i == 500) {
			kill(l->pid, SIGKILL);
			fail_msg("the opener is left over");
		}
		usleep(10000);
	}
	unlink(l->file);
	unlink(l->other);
	rmdir(l->dir);
	free(l);
	return 0;
}

static bool
reads(struct lab *l, const char *text)
{
	char *got = opener_read(l->opener, l->err, sizeof(l->err));
	bool same = got && strcmp(got, text) == 0;
	if (!same)
		print_error("read: %s\n", got ? got : l->err);
	free(got);
	return same;
}

static bool
fails(struct lab *l, const char *why)
{
	char *got = opener_read(l->opener, l->err, sizeof(l->err));
	bool ok = !got && strstr(l->err, why);
	if (!ok)
		print_error("read: %s\n", got ? got : l->err);
	free(got);
	return ok;
}

static bool
answers(struct lab *l)
{
	char *got = opener_read(l->opener, l->err, sizeof(l->err));
	free(got);
	return got != NULL;
}

static uint64_t
millis(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What comes back to octets that are sent, as text; "": nothing. */
static const char *
raw(struct lab *l, const void *octets, size_t len)
{
	static char text[64];
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} c;
	char answer[64];
	struct timeval wait = {.tv_usec = 300000};
	struct iovec iov = {answer, sizeof(answer)};
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
	int fd;
	*text = '\0';
	setsockopt(l->opener, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	assert_int_equal(send(l->opener, octets, len, MSG_NOSIGNAL), (ssize_t)len);
	if (recvmsg(l->opener, &m, 0) <= 0 || m.msg_controllen == 0)
		return text;
	assert_int_equal(m.msg_controllen, CMSG_SPACE(sizeof(int)));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	/* To look at, not to write. */
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return text;
}

/* ------------------------------------------------------------------ what it gives */

static void
test_the_file_as_it_is_now(void **state)
{
	struct lab *l = *state;
	assert_true(reads(l, "right"));
	write_file(l->file, "changed", 7);
	assert_true(reads(l, "changed"));
	/* Another one in its place, as editors do. */
	char beside[128];
	snprintf(beside, sizeof(beside), "%s.new", l->file);
	write_file(beside, "replaced", 8);
	assert_int_equal(rename(beside, l->file), 0);
	assert_true(reads(l, "replaced"));
	unlink(l->file);
	assert_true(fails(l, "No such file"));
	write_file(l->file, "", 0);
	assert_true(reads(l, ""));
}

/* Whoever asks is root no more, and may not read it himself. */
static void
test_r25_asked_by_somebody_else(void **state)
{
	struct lab *l = *state;
	int status;
	if (geteuid() != 0) {
		print_message("not root: nobody else to ask\n");
		skip();
	}
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
			setresuid(NOBODY, NOBODY, NOBODY) != 0)
			_exit(3);
		_exit(open(l->file, O_RDONLY) >= 0 ? 1 : reads(l, "right") ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Of root's rights there is one left, and there will not be more. */
static void
test_r25_rights_given_up(void **state)
{
	struct lab *l = *state;
	char path[64], line[256];
	unsigned long long rights = ~0ull;
	unsigned int seen = 0;
	assert_true(reads(l, "right"));
	snprintf(path, sizeof(path), "/proc/%d/status", (int)l->pid);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "CapEff: %llx", &rights) == 1 ||
			sscanf(line, "CapPrm: %llx", &rights) == 1) {
			assert_int_equal(rights & ~(1ull << 2), 0); /* CAP_DAC_READ_SEARCH */
			seen++;
		}
		if (strncmp(line, "NoNewPrivs:", 11) == 0) {
			assert_int_equal(atoi(line + 11), 1);
			seen++;
		}
	}
	fclose(f);
	assert_int_equal(seen, 3);
}

/* ------------------------------------------------------------------ hostile questions */

static void
test_r25_no_other_file(void **state)
{
	struct lab *l = *state;
	char big[60000];
	assert_string_equal(raw(l, l->other, strlen(l->other) + 1), "right");
	assert_string_equal(raw(l, "/etc/shadow", 12), "right");
	assert_string_equal(raw(l, "\0\0\0\0", 4), "right");
	memset(big, '/', sizeof(big));
	assert_string_equal(raw(l, big, sizeof(big)), "right");
	/* Descriptors that it is given do not stay with it. */
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} c = {.room = {0}};
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	struct iovec iov = {(char[]){"????"}, 4};
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
	c.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&c.header), &pair[1], sizeof(int));
	assert_int_equal(sendmsg(l->opener, &m, MSG_NOSIGNAL), 4);
	close(pair[1]);
	assert_true(reads(l, "right"));
	assert_int_equal(read(pair[0], big, 1), 0); /* nobody has the other end */
	close(pair[0]);
	/* What is no question ends it. */
	assert_string_equal(raw(l, "?", 1), "");
	assert_true(fails(l, "has ended"));
}

/* Who may write in the directory, but not read the other file, gets it opened by a link. */
static void
test_r25_link_in_its_place(void **state)
{
	struct lab *l = *state;
	char moved[96];
	assert_int_equal(unlink(l->file), 0);
	assert_int_equal(symlink(l->other, l->file), 0);
	assert_true(fails(l, "symbolic link"));
	unlink(l->file);
	/* A link on the way to it. */
	snprintf(moved, sizeof(moved), "%s.moved", l->dir);
	write_file(l->file, "right", 5);
	assert_int_equal(rename(l->dir, moved), 0);
	assert_int_equal(symlink(moved, l->dir), 0);
	bool refused = fails(l, "symbolic link");
	unlink(l->dir);
	assert_int_equal(rename(moved, l->dir), 0);
	assert_true(refused);
	assert_true(reads(l, "right"));
}

static void
test_no_ordinary_file(void **state)
{
	struct lab *l = *state;
	unlink(l->file);
	assert_int_equal(mkfifo(l->file, 0600), 0);
	uint64_t begin = millis();
	assert_true(fails(l, "can't read"));
	assert_true(millis() - begin < 1000);
	unlink(l->file);
	assert_int_equal(mkdir(l->file, 0700), 0);
	assert_true(fails(l, "Is a directory"));
	rmdir(l->file);
	/* Too large, without room for it. */
	write_file(l->file, "x", 1);
	assert_int_equal(truncate(l->file, (off_t)1 << 40), 0);
	assert_true(fails(l, "too large"));
	/* What a string ends with: the rest, perhaps all users, would be lost. */
	write_file(l->file, "a = 1;\0b = 2;", 13);
	assert_true(fails(l, "octet 0"));
}

/* ------------------------------------------------------------------ it is not there */

static void
test_opener_is_killed(void **state)
{
	struct lab *l = *state;
	kill(l->pid, SIGKILL);
	assert_int_equal(waitpid(l->pid, NULL, 0), l->pid);
	l->pid = 0;
	assert_true(fails(l, "has ended: start adit-control again"));
	assert_true(fails(l, "has ended"));
}

/* What ends adit-control does not end it before. */
static void
test_signals_are_not_for_it(void **state)
{
	struct lab *l = *state;
	const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	assert_true(reads(l, "right")); /* it has begun */
	for (unsigned int i = 0; i < 4; i++)
		kill(l->pid, signals[i]);
	assert_true(reads(l, "right"));
}

/* A system call ends. */
static void
wake(int number)
{
	(void)number;
}

/* It hangs: whoever asks waits a second at most, also when nothing more fits in; and what it says
 * later is no answer to the next question. */
static void
test_opener_hangs(void **state)
{
	struct lab *l = *state;
	uint32_t old = 0x80000000;
	unsigned int n = 0;
	assert_true(reads(l, "right"));
	kill(l->pid, SIGSTOP);
	uint64_t begin = millis();
	assert_true(fails(l, "does not answer"));
	assert_in_range(millis() - begin, 900, 3000);
	/* It answers the old question, and only then the file changes. */
	kill(l->pid, SIGCONT);
	usleep(100000);
	write_file(l->other, "new", 3);
	assert_int_equal(rename(l->other, l->file), 0);
	assert_true(reads(l, "new"));
	kill(l->pid, SIGSTOP);
	while (send(l->opener, &old, sizeof(old), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(old))
		n++;
	assert_true(n > 0);
	begin = millis();
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = wake}, NULL);
	alarm(3);
	assert_true(fails(l, "does not answer"));
	alarm(0);
	assert_true(millis() - begin < 2500);
	/* It comes back, and so do answers. */
	kill(l->pid, SIGCONT);
	for (unsigned int i = 0; i < 100 && !answers(l); i++)
		usleep(20000);
	assert_true(reads(l, "new"));
}

static pid_t stopped;

static void
go_on(int number)
{
	(void)number;
	kill(stopped, SIGCONT);
}

/* The answer to an earlier question, on its way while the next one is asked, is none to that. */
static void
test_answers_belong_to_questions(void **state)
{
	struct lab *l = *state;
	uint32_t old = 0x80000000;
	struct itimerval soon = {.it_value = {.tv_usec = 200000}};
	char octets[64];
	assert_true(reads(l, "right"));
	kill(l->pid, SIGSTOP);
	assert_int_equal(send(l->opener, &old, sizeof(old), MSG_NOSIGNAL), sizeof(old));
	stopped = l->pid;
	signal(SIGALRM, go_on);
	setitimer(ITIMER_REAL, &soon, NULL);
	/* poll() is interrupted: asked by somebody else, who is not. */
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(reads(l, "right") ? 0 : 1);
	int status;
	while (waitpid(child, &status, 0) != child)
		;
	assert_int_equal(status, 0);
	usleep(100000);
	assert_int_equal(recv(l->opener, octets, sizeof(octets), MSG_DONTWAIT), -1);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, enter, leave)
	const struct CMUnitTest tests[] = {
		TEST(test_the_file_as_it_is_now),
		TEST(test_r25_asked_by_somebody_else),
		TEST(test_r25_rights_given_up),
		TEST(test_r25_no_other_file),
		TEST(test_r25_link_in_its_place),
		TEST(test_no_ordinary_file),
		TEST(test_opener_is_killed),
		TEST(test_signals_are_not_for_it),
		TEST(test_opener_hangs),
		TEST(test_answers_belong_to_questions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
