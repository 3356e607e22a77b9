/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/oper/host.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/oper/fake_gateway.h"
#include "tests/unit/temp.h"

static struct oper *served;

static void
on_signal(uv_signal_t *signal, int number)
{
	(void)number;
	oper_stop(served);
	uv_close((uv_handle_t *)signal, NULL);
}

/* The child: serve until SIGTERM; 0 if everything was given back. */
static int
serve(const struct host *h, unsigned int sessions, const struct oper_groups *groups,
	const char *problem, const struct oper_limits *limits, int ready)
{
	static const struct oper_groups none;
	struct gateway *g = fake_gateway_new(sessions);
	uv_signal_t term;
	uv_loop_t loop;
	char err[256];

	fake_gateway_problem(g, problem);
	uv_loop_init(&loop);
	served = oper_start(&loop, g, h->path, groups != NULL ? groups : &none, err, sizeof(err));
	if (served == NULL) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	if (limits != NULL)
		oper_set_limits(served, limits);
	uv_signal_init(&loop, &term);
	uv_signal_start(&term, on_signal, SIGTERM);
	close(ready);
	uv_run(&loop, UV_RUN_DEFAULT);
	fake_gateway_free(g);
	return uv_loop_close(&loop) == 0 ? 0 : 2;
}

void
host_start(struct host *h, unsigned int sessions, const struct oper_groups *groups,
	const char *problem, const struct oper_limits *limits)
{
	int ready[2];
	char c;

	assert_non_null(mkdtemp(temp_name(h->dir, sizeof(h->dir), "oper")));
	assert_int_equal(chmod(h->dir, 0755), 0);
	snprintf(h->path, sizeof(h->path), "%s/socket", h->dir);
	snprintf(h->log, sizeof(h->log), "%s/log", h->dir);
	assert_int_equal(pipe(ready), 0);
	h->pid = fork();
	assert_true(h->pid >= 0);
	if (h->pid == 0) {
		close(ready[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
		if (freopen(h->log, "w", stderr) == NULL)
			_exit(3);
		exit(serve(h, sessions, groups, problem, limits, ready[1]));
	}
	close(ready[1]);
	/* End of file: the child listens, or is gone. */
	assert_int_equal(read(ready[0], &c, 1), 0);
	close(ready[0]);
}

void
host_stop(struct host *h)
{
	struct stat st;
	int status;

	assert_int_equal(kill(h->pid, SIGTERM), 0);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_not_equal(stat(h->path, &st), 0);
	unlink(h->log);
	rmdir(h->dir);
}

bool
host_logged(const struct host *h, const char *text)
{
	char buf[8192];
	FILE *f = fopen(h->log, "r");

	assert_non_null(f);
	buf[fread(buf, 1, sizeof(buf) - 1, f)] = '\0';
	fclose(f);
	return strstr(buf, text) != NULL;
}

int
host_connect(const struct host *h)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const struct timeval timeout = {.tv_sec = 20};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, h->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return fd;
}

void
host_send(int fd, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

json_t *
host_receive(int fd)
{
	static char buf[4 * 1024 * 1024];
	json_error_t why;
	size_t n = 0;

	while (n < sizeof(buf) && recv(fd, buf + n, 1, 0) == 1)
		if (buf[n++] == '\n') {
			json_t *j = json_loadb(buf, n, 0, &why);
			assert_non_null(j);
			return j;
		}
	return NULL;
}

int
error_code(const json_t *response)
{
	return (int)json_integer_value(json_object_get(json_object_get(response, "error"), "code"));
}
