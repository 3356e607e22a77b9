/* SPDX-License-Identifier: BSD-3-Clause */
/* charon's configuration over VICI, against a charon that answers, refuses, is silent and dies. */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/ike/channel.h"
#include "control/ike/charon.h"
#include "control/ike/vici.h"
#include "tests/unit/control/fake/stage.h"

static struct charon *charon;
static struct ike_config cfg;
static int listener = -1, conn = -1;
static bool is_closed;

static struct {
	unsigned int requests, connections, with_des, ends;
	const char *refuse; /* the answer to everything */
	bool silent, garbage;
} vici;

static void
charon_listen(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	strcpy(sa.sun_path, stage_path("vici.sock"));
	unlink(sa.sun_path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(listener, 4), 0);
}

static void
charon_die(void)
{
	if (conn >= 0)
		close(conn);
	if (listener >= 0)
		close(listener);
	conn = listener = -1;
}

static void
reply(const char *body, size_t len)
{
	uint8_t head[4] = {0, 0, 0, (uint8_t)len};
	/* In two pieces, as a stream may. */
	assert_int_equal(send(conn, head, 3, MSG_NOSIGNAL), 3);
	assert_int_equal(send(conn, head + 3, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(send(conn, body, len, MSG_NOSIGNAL), len);
}

static void
serve(void)
{
	static uint8_t in[65536];
	if (conn < 0 && listener >= 0)
		conn = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (conn < 0 || recv(conn, in, 4, MSG_PEEK) != 4)
		return;
	size_t len = (size_t)in[2] << 8 | in[3];
	if (recv(conn, in, 4 + len, MSG_PEEK) != (ssize_t)(4 + len))
		return;
	assert_int_equal(recv(conn, in, 4 + len, 0), 4 + len);
	assert_int_equal(in[4], VICI_REQUEST);
	vici.requests++;
	if (memmem(in + 4, len, "load-conn", 9)) {
		vici.connections++;
		vici.with_des += memmem(in + 4, len, "des-md5", 7) != NULL;
	}
	vici.ends += memmem(in + 4, len, "terminate", 9) != NULL;
	if (vici.silent)
		return;
	if (vici.garbage)
		reply("\1\3\7succ", 7);
	else if (vici.refuse)
		reply("\1\3\7success\0\2no\3\6errmsg\0\6no way", 30);
	else
		reply("\1\3\7success\0\3yes", 15);
}

static bool
configured(void *user)
{
	(void)user;
	serve();
	return charon_configured(charon);
}

static bool
problem(void *user)
{
	serve();
	return strstr(charon_problem(charon), user) != NULL;
}

static int
setup(void **state)
{
	char err[128];
	(void)state;
	memset(&vici, 0, sizeof(vici));
	cfg = (struct ike_config){.enabled = true,
		.n_psk = 1,
		.min_strength = SUITE_LEGACY,
		.ike_lifetime_s = 86400,
		.sa_lifetime_s = 3600,
		.dpd_s = 30,
		.replay_window = 64,
		.max_half_open = 100,
		.max_half_open_per_address = 10};
	strcpy(cfg.directory, stage_directory);
	strcpy(cfg.psk[0].secret, "lab-Secret-psk-01");
	stage_open();
	charon = charon_new(&loop, &cfg, err, sizeof(err));
	assert_non_null(charon);
	is_closed = false;
	return 0;
}

static void
on_closed(void *user)
{
	(void)user;
	is_closed = true;
}

static bool
closed(void *user)
{
	(void)user;
	return is_closed;
}

static int
teardown(void **state)
{
	(void)state;
	charon_free(charon, on_closed, NULL);
	assert_true(loop_until(&loop, closed, NULL, 1000));
	charon_die();
	unlink(stage_path("vici.sock"));
	stage_close();
	return 0;
}

static void
test_configures(void **state)
{
	(void)state;
	loop_for(&loop, 50);
	assert_false(charon_configured(charon));
	assert_true(strstr(charon_problem(charon), "no such file") != NULL);
	charon_listen();
	assert_true(loop_until(&loop, configured, NULL, 2000));
	assert_int_equal(vici.requests, 6); /* the key, the connection, four lists */
	assert_string_equal(charon_problem(charon), "");
	/* It dies and comes back: all again (T19). */
	charon_die();
	assert_true(loop_until(&loop, problem, (void *)(uintptr_t) "not reachable", 2000));
	charon_listen();
	assert_true(loop_until(&loop, configured, NULL, 3000));
	assert_int_equal(vici.requests, 12);
	assert_int_equal(vici.with_des, 0);
}

static void
test_switch(void **state)
{
	(void)state;
	charon_listen();
	assert_true(loop_until(&loop, configured, NULL, 2000));
	charon_set_weak(charon, true);
	for (unsigned int i = 0; i < 20; i++) {
		loop_for(&loop, 5);
		serve();
	}
	assert_int_equal(vici.requests, 7); /* secrets are not sent again */
	assert_int_equal(vici.with_des, 1);
	/* In the middle of a round: the last word counts. */
	vici.silent = true;
	charon_set_weak(charon, false);
	loop_for(&loop, 20);
	serve();
	charon_set_weak(charon, true);
	vici.silent = false;
	reply("\1\3\7success\0\3yes", 15);
	for (unsigned int i = 0; i < 20; i++) {
		loop_for(&loop, 5);
		serve();
	}
	assert_int_equal(vici.connections, 4);
	assert_int_equal(vici.with_des, 2);
}

/* F11: once all is configured, or at once. */
static void
test_end_all(void **state)
{
	(void)state;
	charon_end_all(charon);
	charon_listen();
	assert_true(loop_until(&loop, configured, NULL, 2000));
	for (unsigned int i = 0; i < 20; i++) {
		loop_for(&loop, 5);
		serve();
	}
	assert_int_equal(vici.requests, 10);
	assert_int_equal(vici.ends, 4); /* of each connection that there may be */
	charon_end_all(charon);
	for (unsigned int i = 0; i < 20; i++) {
		loop_for(&loop, 5);
		serve();
	}
	assert_int_equal(vici.ends, 8);
	assert_int_equal(vici.connections, 1);
	assert_true(charon_configured(charon));
}

static void
test_refusals(void **state)
{
	(void)state;
	vici.refuse = "no way";
	charon_listen();
	assert_true(loop_until(&loop, problem, (void *)(uintptr_t) "no way", 2000));
	assert_false(charon_configured(charon));
}

static void
test_garbage(void **state)
{
	(void)state;
	vici.garbage = true;
	charon_listen();
	assert_true(loop_until(&loop, problem, (void *)(uintptr_t) "another language", 2000));
	close(conn);
	conn = -1;
	vici.garbage = false;
	assert_true(loop_until(&loop, configured, NULL, 3000));
}

static void
test_files(void **state)
{
	char err[128];
	struct stat st;
	(void)state;
	/* charon's group gets in, also when a service manager's umask would keep it out. */
	strcpy(cfg.directory, stage_path("made"));
	mode_t mask = umask(077);
	assert_true(charon_write_conf(&cfg, (gid_t)-1, err, sizeof(err)));
	umask(mask);
	assert_int_equal(stat(cfg.directory, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	unlink(stage_path("made/strongswan.conf"));
	assert_int_equal(rmdir(cfg.directory), 0);
	strcpy(cfg.directory, stage_directory);
	const char *path = stage_path("strongswan.conf");
	assert_true(charon_write_conf(&cfg, (gid_t)-1, err, sizeof(err)));
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 100);
	unlink(path);
	strcpy(cfg.directory, "/proc/none");
	assert_false(charon_write_conf(&cfg, (gid_t)-1, err, sizeof(err)));
	assert_true(strstr(err, "/proc/none") != NULL);
	strcpy(cfg.directory, stage_directory);
}

/* T26: ipsec.charon_user gets at control's socket and makes its own, and nobody else does. */
static bool
can_connect(uid_t uid, const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int wstatus = 0;
	strcpy(sa.sun_path, path);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		if (setgroups(0, NULL) != 0 || setgid(uid) != 0 || setuid(uid) != 0)
			_exit(2);
		_exit(connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0);
	}
	assert_int_equal(waitpid(pid, &wstatus, 0), pid);
	assert_true(WIFEXITED(wstatus) && WEXITSTATUS(wstatus) < 2);
	return WEXITSTATUS(wstatus) == 0;
}

static bool
twice(void)
{
	char err[128];
	return charon_write_conf(&cfg, 0, err, sizeof(err)) && charon_give_directory(&cfg) &&
	       charon_write_conf(&cfg, 0, err, sizeof(err)) && charon_give_directory(&cfg);
}

/* What it says in a process that has CAP_CHOWN and no power over others' files. */
static bool
as_the_unit(bool (*say)(void))
{
	int wstatus = 0;
	pid_t pid = fork();
	if (pid == 0) {
		struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
		struct __user_cap_data_struct d[2] = {
			{.effective = 1u << CAP_CHOWN, .permitted = 1u << CAP_CHOWN}, {0}};
		_exit(syscall(SYS_capset, &h, d) != 0 || !say());
	}
	assert_int_equal(waitpid(pid, &wstatus, 0), pid);
	return WIFEXITED(wstatus) && WEXITSTATUS(wstatus) == 0;
}

static void
test_charon_user(void **state)
{
	static const struct channel_ops ops;
	char err[128], path[108];
	struct stat st;
	const struct passwd *pw = getpwnam("nobody");
	(void)state;
	if (geteuid() != 0 || !pw)
		skip();
	uid_t uid = pw->pw_uid;
	gid_t gid = pw->pw_gid;
	chmod(stage_directory, 0711);
	strcpy(cfg.directory, stage_path("made"));
	strcpy(cfg.charon_user, "no-such-user");
	assert_false(charon_write_conf(&cfg, 0, err, sizeof(err)));
	assert_non_null(strstr(err, "no such user"));
	strcpy(cfg.charon_user, "nobody");
	/* Also with the capabilities that the unit leaves to root, and when it is not the first
	 * time. */
	assert_true(as_the_unit(twice));
	assert_int_equal(stat(cfg.directory, &st), 0);
	assert_true(st.st_uid == uid && st.st_gid == 0 && (st.st_mode & 0777) == 0750);
	snprintf(path, sizeof(path), "%s/ike.sock", cfg.directory);
	struct channel *c = channel_open(&loop, path, &ops, NULL, err, sizeof(err));
	assert_non_null(c);
	bool before = can_connect(uid, path), allowed = channel_allow(c, uid),
	     after = can_connect(uid, path), another = can_connect(1, path);
	bool seen = stat(path, &st) == 0;
	channel_close(c, on_closed);
	assert_true(loop_until(&loop, closed, NULL, 1000));
	is_closed = false;
	unlink(stage_path("made/strongswan.conf"));
	assert_int_equal(rmdir(cfg.directory), 0);
	assert_true(allowed && after && seen);
	assert_false(before || another);
	assert_int_equal(st.st_mode & 077, 0);
	chmod(stage_directory, 0700);
	/* Everybody's group. */
	strcpy(cfg.directory, stage_directory);
	cfg.charon_user[0] = '\0';
	assert_true(charon_write_conf(&cfg, gid, err, sizeof(err)));
	assert_true(logged("open to nogroup"));
	unlink(stage_path("strongswan.conf"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_configures),
		T(test_switch),
		T(test_end_all),
		T(test_refusals),
		T(test_garbage),
		T(test_files),
		T(test_charon_user),
	};
	return STAGE_RUN(tests);
}
