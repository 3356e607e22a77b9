/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket under good, clumsy and hostile clients (T11), and its file (R25). */
#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/oper/listen.h"
#include "tests/unit/oper/fake_gateway.h"
#include "tests/unit/oper/host.h"
#include "tests/unit/temp.h"

#define STATUS "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n"
#define PAGE   "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"sessions\",\"params\":{\"limit\":500}}\n"

static const struct oper_limits quick = {.max_clients = 4,
	.max_others = 3,
	.garbage = 3,
	.write_timeout_ms = 500,
	.idle_timeout_ms = 60000};

/* A counter of `status`'s control_socket object, asked for on a connection of its own. */
static json_int_t
counter(const struct host *h, const char *name)
{
	int fd = host_connect(h);

	host_send(fd, STATUS);
	json_t *r = host_receive(fd);
	json_int_t n = json_integer_value(json_object_get(
		json_object_get(json_object_get(r, "result"), "control_socket"), name));
	json_decref(r);
	close(fd);
	return n;
}

static void
expect_error(int fd, int code)
{
	json_t *r = host_receive(fd);

	assert_non_null(r);
	assert_int_equal(error_code(r), code);
	assert_true(json_is_null(json_object_get(r, "id")));
	json_decref(r);
}

static void
expect_result(int fd)
{
	json_t *r = host_receive(fd);

	assert_non_null(r);
	assert_non_null(json_object_get(r, "result"));
	json_decref(r);
}

static void
expect_closed(int fd)
{
	assert_null(host_receive(fd));
	close(fd);
}

static void
test_lines_in_any_split(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, 2, NULL, "", NULL);
	int fd = host_connect(&h);
	for (const char *c = STATUS; *c != '\0'; c++)
		assert_int_equal(send(fd, c, 1, MSG_NOSIGNAL), 1);
	expect_result(fd);
	host_send(fd, "\n  \r\n" STATUS STATUS);
	expect_result(fd);
	expect_result(fd);
	/* The last line may lack its newline; its answer comes before the end. */
	host_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"version\"}");
	shutdown(fd, SHUT_WR);
	expect_result(fd);
	expect_closed(fd);
	host_stop(&h);
}

static void
test_half_a_line_then_gone(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, 2, NULL, "", NULL);
	int fd = host_connect(&h);
	host_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":9,\"met");
	close(fd);
	fd = host_connect(&h);
	host_send(fd, STATUS);
	close(fd); /* before the answer */
	assert_true(counter(&h, "accepted") == 3);
	host_stop(&h);
}

static void
test_garbage(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, 2, NULL, "", &quick);
	int fd = host_connect(&h);
	host_send(fd, "GET / HTTP/1.1\n");
	expect_error(fd, RPC_PARSE_ERROR);
	host_send(fd, "\xff\xfe\x01\n");
	expect_error(fd, RPC_PARSE_ERROR);
	host_send(fd, STATUS); /* one good request: counting begins anew */
	expect_result(fd);
	for (int i = 0; i < 3; i++) {
		host_send(fd, "17\n");
		expect_error(fd, RPC_INVALID_REQUEST);
	}
	expect_closed(fd);
	assert_int_equal(counter(&h, "bad_requests"), 5);
	assert_int_equal(counter(&h, "dropped_garbage"), 1);
	host_stop(&h);
}

static void
test_nul_octets(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, 2, NULL, "", NULL);
	int fd = host_connect(&h);
	assert_int_equal(send(fd, "\0\0\0\n", 4, MSG_NOSIGNAL), 4);
	expect_error(fd, RPC_PARSE_ERROR);
	host_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"explain\",\"params\":{\"code\":"
		      "\"no\\u0000ne\"}}\n");
	json_t *r = host_receive(fd);
	assert_int_not_equal(error_code(r), 0);
	json_decref(r);
	close(fd);
	host_stop(&h);
}

static void
test_giant_line(void **state)
{
	struct host h;
	char *big = malloc(RPC_REQUEST_MAX + 2);

	(void)state;
	host_start(&h, 2, NULL, "", NULL);
	/* The longest line that is taken: a request and blanks. */
	memset(big, ' ', RPC_REQUEST_MAX);
	memcpy(big, STATUS, strlen(STATUS) - 1);
	big[RPC_REQUEST_MAX] = '\n';
	big[RPC_REQUEST_MAX + 1] = '\0';
	int fd = host_connect(&h);
	host_send(fd, big);
	expect_result(fd);
	close(fd);
	big[RPC_REQUEST_MAX] = 'x';
	fd = host_connect(&h);
	host_send(fd, big);
	expect_error(fd, RPC_LIMIT);
	expect_closed(fd);
	assert_int_equal(counter(&h, "oversized"), 1);
	free(big);
	host_stop(&h);
}

static void
test_client_that_never_reads(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, FAKE_SESSIONS_MAX, NULL, "", &quick);
	int lazy = host_connect(&h), small = 1024;
	setsockopt(lazy, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (int i = 0; i < 100; i++)
		host_send(lazy, PAGE);
	/* Others are served meanwhile. */
	int fd = host_connect(&h);
	host_send(fd, STATUS);
	expect_result(fd);
	close(fd);
	for (int i = 0; i < 40 && counter(&h, "dropped_slow") == 0; i++)
		usleep(100000);
	assert_int_equal(counter(&h, "dropped_slow"), 1);
	close(lazy);
	host_stop(&h);
}

static void
test_idle_client(void **state)
{
	struct oper_limits limits = quick;
	struct host h;

	(void)state;
	limits.idle_timeout_ms = 300;
	host_start(&h, 2, NULL, "", &limits);
	expect_closed(host_connect(&h));
	assert_int_equal(counter(&h, "dropped_idle"), 1);
	host_stop(&h);
}

static void
test_many_clients(void **state)
{
	struct host h;
	int fds[4];

	(void)state;
	host_start(&h, 2, NULL, "", &quick);
	for (int i = 0; i < 4; i++) {
		fds[i] = host_connect(&h);
		host_send(fds[i], STATUS);
		expect_result(fds[i]);
	}
	int fd = host_connect(&h);
	expect_error(fd, RPC_LIMIT);
	expect_closed(fd);
	close(fds[0]);
	usleep(200000);
	assert_int_equal(counter(&h, "refused_full"), 1);
	for (int i = 1; i < 4; i++)
		close(fds[i]);
	host_stop(&h);
}

static void
test_stop_with_clients(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, FAKE_SESSIONS_MAX, NULL, "", NULL);
	int idle = host_connect(&h), busy = host_connect(&h);
	for (int i = 0; i < 20; i++)
		host_send(busy, PAGE);
	expect_result(busy);
	host_stop(&h);
	expect_closed(idle);
	close(busy);
}

static void
test_roles(void **state)
{
	const struct oper_gids both = {200, 300}, read = {200, (gid_t)-1}, none = {-1, -1};
	const gid_t reads[] = {100, 200}, operates[] = {100, 200, 300}, out[] = {100};

	(void)state;
	assert_int_equal(oper_role_of(0, out, 1, 55, &both), OPER_ADMIN);
	assert_int_equal(oper_role_of(55, out, 1, 55, &both), OPER_ADMIN);
	assert_int_equal(oper_role_of(56, reads, 2, 55, &both), OPER_READ);
	assert_int_equal(oper_role_of(56, operates, 3, 55, &both), OPER_OPERATE);
	assert_int_equal(oper_role_of(56, operates, 3, 55, &read), OPER_READ);
	assert_int_equal(oper_role_of(56, out, 1, 55, &both), OPER_NONE);
	assert_int_equal(oper_role_of(56, operates, 3, 55, &none), OPER_NONE);
}

/* In a child: become uid and gid, ask, and exit with 0 if the answer has this error code. */
static int
ask_as(const struct host *h, uid_t uid, gid_t gid, gid_t extra, const char *request, int code)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgroups(1, &extra) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
			_exit(1);
		int fd = host_connect(h);
		send(fd, request, strlen(request), MSG_NOSIGNAL);
		json_t *r = host_receive(fd);
		_exit(r != NULL && error_code(r) == code ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

#define DISCONNECT \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"disconnect\",\"params\":{\"id\":1}}\n"
#define WEAK                                                        \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"weak-crypto\"," \
	"\"params\":{\"protocol\":\"pptp\",\"allow\":true}}\n"

static void
test_credentials(void **state)
{
	const struct group *tty = getgrnam("tty");
	struct stat st;
	struct host h;

	(void)state;
	if (geteuid() != 0 || tty == NULL)
		skip();
	host_start(&h, 2, &(struct oper_groups){.read = "tty"}, "", NULL);
	assert_int_equal(stat(h.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, tty->gr_gid);
	assert_int_equal(ask_as(&h, 65534, 65534, tty->gr_gid, STATUS, 0), 0);
	assert_int_equal(ask_as(&h, 65534, 65534, tty->gr_gid, DISCONNECT, RPC_DENIED), 0);
	assert_int_equal(ask_as(&h, 65534, tty->gr_gid, 65534, DISCONNECT, RPC_DENIED), 0);
	/* Were the file's mode wider, the peer's credentials would still be asked for. */
	assert_int_equal(chmod(h.path, 0666), 0);
	assert_int_equal(ask_as(&h, 65534, 65534, 65534, STATUS, RPC_DENIED), 0);
	assert_int_equal(counter(&h, "refused_credentials"), 1);
	host_stop(&h);
}

static gid_t
gid_of(const char *name)
{
	const struct group *g = getgrnam(name);
	return g != NULL ? g->gr_gid : (gid_t)-1;
}

/* R25: ends sessions, does not change how the gateway works. */
static void
test_operators_credentials(void **state)
{
	gid_t tty = gid_of("tty"), mail = gid_of("mail");
	struct stat st;
	struct host h;

	(void)state;
	if (geteuid() != 0 || tty == (gid_t)-1 || mail == (gid_t)-1)
		skip();
	host_start(&h, 2, &(struct oper_groups){.operate = "tty"}, "", NULL);
	assert_int_equal(stat(h.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, tty);
	assert_int_equal(ask_as(&h, 65534, 65534, tty, STATUS, 0), 0);
	assert_int_equal(ask_as(&h, 65534, 65534, tty, WEAK, RPC_DENIED), 0);
	assert_int_equal(ask_as(&h, 65534, 65534, tty, DISCONNECT, 0), 0);
	assert_true(host_logged(&h, "action=disconnect session=1 who=\"uid 65534 pid "));
	host_stop(&h);

	/* With a group that reads, the file is its: the others have to be in both. */
	host_start(&h, 2, &(struct oper_groups){.read = "mail", .operate = "tty"}, "", NULL);
	assert_int_equal(stat(h.path, &st), 0);
	assert_int_equal(st.st_gid, mail);
	assert_int_equal(ask_as(&h, 65534, 65534, mail, STATUS, 0), 0);
	assert_int_equal(ask_as(&h, 65534, 65534, mail, DISCONNECT, RPC_DENIED), 0);
	assert_int_equal(ask_as(&h, 65534, mail, tty, DISCONNECT, 0), 0);
	host_stop(&h);
}

static void
test_no_group_means_owner_only(void **state)
{
	struct stat st;
	struct host h;

	(void)state;
	host_start(&h, 2, NULL, "", NULL);
	assert_int_equal(stat(h.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	host_stop(&h);
}

static void
test_socket_file(void **state)
{
	char err[256] = "", dir[64], path[96], longer[200];

	(void)state;
	assert_non_null(mkdtemp(temp_name(dir, sizeof(dir), "oper")));
	snprintf(path, sizeof(path), "%s/socket", dir);
	int first = oper_listen(path, (gid_t)-1, err, sizeof(err));
	assert_true(first >= 0);
	assert_int_equal(oper_listen(path, (gid_t)-1, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "already running"));
	close(first); /* the file stays: stale */
	int second = oper_listen(path, (gid_t)-1, err, sizeof(err));
	assert_true(second >= 0);
	close(second);
	unlink(path);
	fclose(fopen(path, "w"));
	assert_int_equal(oper_listen(path, (gid_t)-1, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "not a socket"));
	unlink(path);
	rmdir(dir);
	assert_int_equal(oper_listen(path, (gid_t)-1, err, sizeof(err)), -1);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(oper_listen(longer, (gid_t)-1, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "1 to 107 octets"));
	assert_int_equal(oper_listen("", (gid_t)-1, err, sizeof(err)), -1);
}

static void
test_unknown_group(void **state)
{
	uv_loop_t loop;
	char err[256] = "";

	(void)state;
	uv_loop_init(&loop);
	assert_null(oper_start(&loop, NULL, "/tmp/adit-oper-none",
		&(struct oper_groups){.read = "no-such-group"}, err, sizeof(err)));
	assert_string_equal(err, "control.socket_group: there is no group \"no-such-group\"");
	assert_null(oper_start(&loop, NULL, "/tmp/adit-oper-none",
		&(struct oper_groups){.read = "", .operate = "nor-this"}, err, sizeof(err)));
	assert_string_equal(err, "control.operate_group: there is no group \"nor-this\"");
	assert_int_equal(uv_loop_close(&loop), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_in_any_split),
		cmocka_unit_test(test_half_a_line_then_gone),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_nul_octets),
		cmocka_unit_test(test_giant_line),
		cmocka_unit_test(test_client_that_never_reads),
		cmocka_unit_test(test_idle_client),
		cmocka_unit_test(test_many_clients),
		cmocka_unit_test(test_stop_with_clients),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_operators_credentials),
		cmocka_unit_test(test_no_group_means_owner_only),
		cmocka_unit_test(test_socket_file),
		cmocka_unit_test(test_unknown_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
