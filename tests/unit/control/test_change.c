/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings that change while adit-control runs: live, kept, and from the file again. */
/* Long because everything needs the one laboratory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/core/log.h"
#include "control/settings/change.h"
#include "tests/unit/temp.h"

#define POOL "pool: { first = \"10.0.0.1\"; last = \"10.0.0.9\"; };\n"

/* A gateway's settings, with hooks that tell what they were asked. */
struct lab {
	char dir[64], conf[96], overlay[96], err[2048];
	struct config *c;
	struct settings *s;
	struct settings_result r;
	unsigned int asked, prepared, aborted;
	bool refuse;
	enum fate fate;
	unsigned int users; /* of the file that was read again */
};

static bool
on_prepare(void *user, const struct config *next, char *err, size_t errlen)
{
	struct lab *l = user;
	(void)next;
	l->prepared++;
	if (l->refuse)
		snprintf(err, errlen, "the port is taken");
	return !l->refuse;
}

static unsigned int
on_apply(void *user, const struct config *next, enum fate fate)
{
	struct lab *l = user;
	l->asked++;
	l->fate = fate;
	l->users = next->users ? users_count(next->users) : 0;
	return 3;
}

static void
on_abort(void *user)
{
	((struct lab *)user)->aborted++;
}

static const struct settings_hook hook = {on_prepare, on_apply, on_abort};

static void
write_file(const char *path, const char *text, const char *more)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fputs(more, f);
	fclose(f);
	chmod(path, 0600);
}

static void
write_conf(struct lab *l, const char *text)
{
	char control[256];
	snprintf(control, sizeof(control), "control: { overlay = \"%s\"; user = \"\"; };\n" POOL,
		l->overlay);
	write_file(l->conf, control, text);
}

static void
open_settings(struct lab *l)
{
	l->c = config_load(l->conf, l->err, sizeof(l->err));
	if (!l->c)
		fail_msg("%s", l->err);
	l->s = settings_new(l->c, l->conf, l->err, sizeof(l->err));
	for (enum setting_part p = PART_NONE + 1; l->s && p < PART_COUNT; p++)
		settings_set_hook(l->s, p, &hook, l);
}

static void
close_settings(struct lab *l)
{
	settings_free(l->s);
	config_free(l->c);
}

static struct lab *
lab_new(const char *text)
{
	struct lab *l = calloc(1, sizeof(*l));
	assert_non_null(l);
	assert_non_null(mkdtemp(temp_name(l->dir, sizeof(l->dir), "change")));
	snprintf(l->conf, sizeof(l->conf), "%s/control.conf", l->dir);
	snprintf(l->overlay, sizeof(l->overlay), "%s/overlay", l->dir);
	write_conf(l, text);
	open_settings(l);
	assert_non_null(l->s);
	return l;
}

static void
lab_free(struct lab *l)
{
	char name[128];
	close_settings(l);
	unlink(l->conf);
	unlink(l->overlay);
	snprintf(name, sizeof(name), "%s.new", l->overlay);
	unlink(name);
	rmdir(l->dir);
	free(l);
}

/* Pairs of names and values, up to NULL; a value "-" unsets. */
static bool
change(struct lab *l, struct settings_change c, ...)
{
	struct settings_value v[8];
	va_list ap;
	va_start(ap, c);
	for (c.n = 0; (v[c.n].name = va_arg(ap, const char *)); c.n++) {
		v[c.n].text = va_arg(ap, const char *);
		if (strcmp(v[c.n].text, "-") == 0)
			v[c.n].text = NULL;
	}
	va_end(ap);
	c.values = v;
	c.who = c.who ? c.who : "uid 0 pid 1";
	return settings_change(l->s, &c, &l->r);
}
#define set(l, ...)         change(l, (struct settings_change){0}, __VA_ARGS__, NULL)
#define set_with(l, o, ...) change(l, (struct settings_change)o, __VA_ARGS__, NULL)
#define WITH(...)           \
	{                   \
		__VA_ARGS__ \
	}

static bool
refused(const struct lab *l, enum settings_refusal why, const char *text)
{
	if (l->r.refusal == why && strstr(l->r.why, text))
		return true;
	print_error("refused as %d: %s\n", l->r.refusal, l->r.why);
	return false;
}

static const char *
from(const struct lab *l, const char *name)
{
	static struct settings_view v;
	settings_view(l->s, setting_find(name), &v);
	return v.from;
}

static const char *
value(const struct lab *l, const char *name)
{
	static struct settings_view v;
	settings_view(l->s, setting_find(name), &v);
	return v.value;
}

static bool
applied(const struct lab *l, const char *name)
{
	return l->r.applied[setting_number(setting_find(name))];
}

static bool
waits(const struct lab *l, const char *name)
{
	return l->r.after_restart[setting_number(setting_find(name))];
}

/* ------------------------------------------------------------------ set */

static void
test_set(void **state)
{
	struct lab *l = lab_new("ppp: { mru = 1300; };\n");
	(void)state;
	assert_string_equal(from(l, "ppp.echo_interval"), "default");
	assert_non_null(strstr(from(l, "ppp.mru"), "control.conf:3"));
	assert_true(set(l, "ppp.mru", "1350", "ppp.echo_interval", "7"));
	assert_int_equal(l->c->ppp.mru, 1350);
	assert_int_equal(l->c->ppp.echo_interval_ms, 7000);
	/* L2TP's copy, too. */
	assert_int_equal(l->c->l2tp_ppp.echo_interval_ms, 7000);
	assert_int_equal(l->c->l2tp_ppp.mru, 1398);
	assert_true(applied(l, "ppp.mru") && !applied(l, "ppp.auth_retries"));
	assert_int_equal(l->r.revision, 1);
	assert_non_null(strstr(from(l, "ppp.mru"), "set by uid 0 pid 1 at 20"));
	/* The next adit-control has it, too. */
	close_settings(l);
	open_settings(l);
	assert_int_equal(l->c->ppp.mru, 1350);
	assert_int_equal(settings_revision(l->s), 1);
	assert_non_null(strstr(from(l, "ppp.mru"), "set by uid 0 pid 1 at 20"));
	/* Back to the file, and to the default. */
	assert_true(set(l, "ppp.mru", "-", "ppp.echo_interval", "-"));
	assert_int_equal(l->c->ppp.mru, 1300);
	assert_int_equal(l->c->ppp.echo_interval_ms, 30000);
	assert_non_null(strstr(from(l, "ppp.mru"), "control.conf:3"));
	lab_free(l);
}

/* Nothing of a change with a fault happens. */
static void
test_all_or_nothing(void **state)
{
	struct lab *l = lab_new("");
	(void)state;
	assert_false(set(l, "ppp.mru", "1350", "ppp.min_peer_mru", "5"));
	assert_true(refused(l, SETTINGS_BAD, "ppp.min_peer_mru: 5 is not within 128 to 1400"));
	assert_false(set(l, "ppp.mru", "1350", "ppp.mrru", "5"));
	assert_true(refused(l, SETTINGS_UNKNOWN, "did you mean \"ppp.mru\""));
	assert_false(set(l, "ppp.mru", "1350", "users[].name", "x"));
	assert_true(refused(l, SETTINGS_UNKNOWN, "no setting"));
	assert_false(set(l, "ppp.mru", "1350", "ppp.mru", "1351"));
	assert_true(refused(l, SETTINGS_BAD, "given twice"));
	/* What belongs together. */
	assert_false(set(l, "mppe.strengths", ""));
	assert_true(refused(l, SETTINGS_BAD, "mppe.strengths: empty, but policy is \"require\""));
	assert_true(set(l, "mppe.strengths", "", "mppe.policy", "allow"));
	assert_false(set(l, "mppe.policy", "-"));
	assert_true(refused(l, SETTINGS_BAD, "mppe.strengths: empty"));
	assert_false(set(l, "sessions.same_user", "replace", "sessions.max_per_user", "0"));
	assert_true(refused(l, SETTINGS_BAD, "0 goes with"));
	assert_int_equal(l->c->max_per_user, 0);
	assert_true(set(l, "sessions.same_user", "replace"));
	assert_int_equal(l->c->max_per_user, 1); /* the default that depends on it */
	assert_int_equal(l->c->ppp.mru, 1400);
	/* With it adit-control would not start again. */
	assert_false(set(l, "pptp.listen", "192.0.2.1,192.0.2.1"));
	assert_true(refused(l, SETTINGS_BAD, "pptp.listen: an address stands here twice"));
	/* A part that can't: those before it take theirs back. */
	l->refuse = true;
	l->asked = 0;
	assert_false(set(l, "pptp.enabled", "true", "ppp.mru", "1350"));
	assert_true(refused(l, SETTINGS_FAILED, "the port is taken"));
	assert_false(l->c->pptp_enabled);
	assert_int_equal(l->c->ppp.mru, 1400);
	assert_int_equal(l->asked, 0);
	lab_free(l);
}

/* What root acts on, and secrets, stand in the file only: who writes the overlay is not root. */
static void
test_file_only(void **state)
{
	struct lab *l = lab_new("");
	(void)state;
	for (const struct setting *row = settings_table; row->name; row++) {
		if (setting_settable(row) || setting_nested(row))
			continue;
		assert_false(set(l, row->name, "root"));
		assert_true(refused(l, SETTINGS_DENIED, "write it into the file"));
	}
	/* Not by the overlay, either. */
	close_settings(l);
	write_file(l->overlay, "adit-overlay 1 1\ncontrol.user\t1\tx\troot\n", "end 0\n");
	open_settings(l);
	assert_null(l->s);
	assert_non_null(strstr(l->err, "overlay:2: that stands in the configuration file only"));
	lab_free(l);
}

/* R25: whoever may look or operate now would be out. */
static void
test_lock_out(void **state)
{
	const struct group *g = getgrgid(getgid());
	(void)state;
	if (!g)
		skip();
	char name[64], text[200];
	snprintf(name, sizeof(name), "%s", g->gr_name);
	struct lab *l = lab_new("");
	assert_false(set(l, "control.operate_group", "no-such-group-here"));
	assert_true(refused(l, SETTINGS_BAD, "there is no group"));
	assert_true(set(l, "control.operate_group", name)); /* nobody had it */
	assert_true(waits(l, "control.operate_group"));
	assert_string_equal(value(l, "control.operate_group"), name);
	assert_string_equal(l->c->operate_group, "");
	assert_false(set(l, "control.operate_group", ""));
	snprintf(text, sizeof(text), "lock out the operators of the group \"%s\"", name);
	assert_true(refused(l, SETTINGS_DENIED, text));
	assert_false(set(l, "control.operate_group", "-"));
	assert_true(refused(l, SETTINGS_DENIED, "--force"));
	/* Others are not held up by what waits. */
	assert_true(set(l, "ppp.mru", "1350"));
	assert_true(set_with(l, WITH(.force = true), "control.operate_group", ""));
	assert_string_equal(value(l, "control.operate_group"), "");
	lab_free(l);
}

/* The last one wins, unless he says what he has seen. */
static void
test_two_operators(void **state)
{
	struct lab *l = lab_new("");
	(void)state;
	assert_true(
		set_with(l, WITH(.who = "uid 1 pid 1", .if_revision = true), "ppp.mru", "1350"));
	assert_false(
		set_with(l, WITH(.who = "uid 2 pid 2", .if_revision = true), "ppp.mru", "1360"));
	assert_true(refused(l, SETTINGS_CHANGED, "have revision 1 by now, not 0"));
	assert_int_equal(l->c->ppp.mru, 1350);
	assert_int_equal(l->r.revision, 1);
	assert_true(set_with(l, WITH(.who = "uid 2 pid 2"), "ppp.mru", "1360"));
	assert_int_equal(l->c->ppp.mru, 1360);
	assert_non_null(strstr(from(l, "ppp.mru"), "uid 2"));
	lab_free(l);
}

/* R2: one path for both switches, with what becomes of the weak ones. */
static void
test_fate(void **state)
{
	struct lab *l = lab_new("");
	(void)state;
	assert_true(set_with(l, WITH(.temporary = true), "mppe.allow_weak_crypto", "true"));
	assert_true(l->c->aaa.allow_weak_crypto);
	assert_int_equal(l->asked, 1);
	assert_non_null(strstr(from(l, "mppe.allow_weak_crypto"), "until adit-control ends"));
	assert_int_equal(access(l->overlay, F_OK), -1);
	assert_true(set_with(l, WITH(.temporary = true), "mppe.allow_weak_crypto", "false"));
	assert_int_equal(l->fate, FATE_KEEP);
	/* It is off already: those that were kept end now. */
	l->asked = 0;
	assert_true(set_with(
		l, WITH(.temporary = true, .fate = FATE_DROP), "mppe.allow_weak_crypto", "false"));
	assert_int_equal(l->asked, 1);
	assert_int_equal(l->fate, FATE_DROP);
	assert_int_equal(l->r.concerned, 3);
	/* What is kept stays kept. */
	assert_true(set(l, "ipsec.allow_weak_crypto", "true"));
	assert_true(set_with(l, WITH(.temporary = true), "ipsec.allow_weak_crypto", "false"));
	close_settings(l);
	open_settings(l);
	assert_string_equal(from(l, "mppe.allow_weak_crypto"), "default");
	assert_non_null(strstr(from(l, "ipsec.allow_weak_crypto"), "set by"));
	assert_false(l->c->ike.allow_weak_crypto);
	lab_free(l);
}

/* ------------------------------------------------------------------ kept */

static void
test_not_kept(void **state)
{
	struct lab *l = lab_new("");
	(void)state;
	/* A directory in its place: root could write anywhere. */
	assert_int_equal(mkdir(l->overlay, 0700), 0);
	assert_false(set(l, "ppp.mru", "1350"));
	assert_true(refused(l, SETTINGS_FAILED, "can't be kept in"));
	assert_int_equal(l->c->ppp.mru, 1400);
	assert_int_equal(settings_revision(l->s), 0);
	assert_true(set_with(l, WITH(.temporary = true), "ppp.mru", "1350"));
	assert_int_equal(rmdir(l->overlay), 0);
	lab_free(l);
}

static size_t
read_file(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
	return n;
}

/* Cut anywhere, or with any octet changed, it is known to be damaged: nothing is made of it. */
static void
test_damaged(void **state)
{
	static struct overlay o;
	struct lab *l = lab_new("");
	char text[4096], err[300];
	(void)state;
	assert_true(set(l, "ppp.mru", "1350", "pptp.host_name", "two words"));
	size_t n = read_file(l->overlay, text, sizeof(text));
	assert_true(overlay_parse(&o, text, n, err, sizeof(err)));
	for (size_t i = 0; i < n; i++) {
		if (overlay_parse(&o, text, i, err, sizeof(err)))
			fail_msg("%zu of %zu octets are enough", i, n);
		text[i] ^= 1;
		if (overlay_parse(&o, text, n, err, sizeof(err)))
			fail_msg("octet %zu does not matter", i);
		text[i] ^= 1;
	}
	text[n] = 'x';
	assert_false(overlay_parse(&o, text, n + 1, err, sizeof(err)));
	/* A start with it says which file, which line, and what to do. */
	close_settings(l);
	text[n] = '\0';
	*strstr(text, "1350") = '9';
	write_file(l->overlay, text, "");
	open_settings(l);
	assert_null(l->s);
	assert_non_null(strstr(l->err, "overlay:4: damaged"));
	assert_non_null(strstr(l->err, "mend or remove it"));
	lab_free(l);
}

/* A kill at any point of a change: the next one has all of it or nothing.  The child dies by its
 * limit on the file's size after each number of octets, and by a signal at any time. */
static void
test_killed(void **state)
{
	struct lab *l = lab_new("");
	char text[4096];
	(void)state;
	assert_true(set(l, "ppp.mru", "1350", "ppp.echo_interval", "11"));
	size_t n = read_file(l->overlay, text, sizeof(text));
	unsigned int old = 0, new = 0;
	for (size_t i = 0; i < n + 64; i += i < n ? 9 : 1) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct rlimit size = {i < n ? i : RLIM_INFINITY, RLIM_INFINITY};
			struct itimerval soon = {
				.it_value = {.tv_usec = (suseconds_t)(1 + (i - n) * 20)}};
			setrlimit(RLIMIT_FSIZE, &size); /* SIGXFSZ ends it */
			signal(SIGALRM, SIG_DFL);
			if (i >= n && i < n + 63) /* the last one lives */
				setitimer(ITIMER_REAL, &soon, NULL);
			for (unsigned int k = 0; i >= n && k < 100; k++)
				set(l, "ppp.mru", k % 2 ? "1350" : "1360", "ppp.echo_interval",
					k % 2 ? "11" : "12");
			_exit(set(l, "ppp.mru", "1360", "ppp.echo_interval", "12") ? 0 : 1);
		}
		assert_int_equal(waitpid(child, NULL, 0), child);
		close_settings(l);
		open_settings(l);
		if (!l->s)
			fail_msg("after %zu: %s", i, l->err);
		assert_int_equal(l->c->ppp.echo_interval_ms, l->c->ppp.mru == 1350 ? 11000 : 12000);
		old += l->c->ppp.mru == 1350;
		new += l->c->ppp.mru != 1350;
	}
	assert_true(old > 0 && new > 0);
	lab_free(l);
}

/* Two that write at once: what is in place is at any time what one of them wrote. */
static void
test_two_writers(void **state)
{
	static struct overlay o;
	struct lab *l = lab_new("");
	char err[400];
	pid_t writers[2];
	unsigned int seen = 0;
	(void)state;
	assert_true(set(l, "pptp.host_name", "begin"));
	for (unsigned int k = 0; k < 2; k++) {
		writers[k] = fork();
		assert_true(writers[k] >= 0);
		if (writers[k])
			continue;
		/* Whoever finds the other writing is refused, and told why. */
		alarm(30);
		for (unsigned int i = 0; i < 200;) {
			if (set(l, "pptp.host_name", k ? "one" : "two", "ppp.server_name",
				    k ? "of-one" : "of-two-who-writes-more"))
				i++;
			else if (!strstr(l->r.why, "another adit-control"))
				_exit(1);
			else
				usleep(200);
		}
		_exit(0);
	}
	for (int left = 2, status; left > 0; seen++) {
		if (!overlay_load(&o, l->overlay, err, sizeof(err)))
			fail_msg("%s", err);
		if (waitpid(-1, &status, WNOHANG) > 0) {
			assert_int_equal(status, 0);
			left--;
		}
	}
	assert_true(seen > 10);
	close_settings(l);
	open_settings(l);
	assert_non_null(l->s);
	assert_int_equal(strlen(value(l, "pptp.host_name")), 3);
	lab_free(l);
}

/* What stands beside, left over or put there, is not written into. */
static void
test_beside(void **state)
{
	struct lab *l = lab_new("");
	char beside[128], victim[128], text[64];
	struct stat st;
	(void)state;
	snprintf(beside, sizeof(beside), "%s.new", l->overlay);
	snprintf(victim, sizeof(victim), "%s.victim", l->overlay);
	write_file(victim, "precious", "");
	assert_int_equal(symlink(victim, beside), 0);
	assert_true(set(l, "ppp.mru", "1350"));
	assert_int_equal(link(victim, beside), 0);
	assert_true(set(l, "ppp.mru", "1351"));
	assert_int_equal(mkfifo(beside, 0600), 0);
	assert_true(set(l, "ppp.mru", "1352"));
	write_file(beside,
		"left over by one that was killed, and longer than what comes: ....."
		"..............................................................",
		"");
	assert_true(set(l, "ppp.mru", "1353"));
	assert_int_equal(stat(l->overlay, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	read_file(victim, text, sizeof(text));
	assert_string_equal(text, "precious");
	unlink(victim);
	close_settings(l);
	open_settings(l);
	assert_int_equal(l->c->ppp.mru, 1353);
	lab_free(l);
}

/* ------------------------------------------------------------------ reload */

static void
test_reload(void **state)
{
	struct lab *l = lab_new("ppp: { mru = 1300; auth_retries = 1; };\n");
	(void)state;
	assert_true(set(l, "ppp.mru", "1350"));
	write_conf(l,
		"ppp: { mru = 1310; auth_retries = 3; };\npptp: { port = 1724; };\n"
		"users: ( { name = \"a\"; password = \"pass-Word1\"; dial_in = \"allow\"; } );\n");
	assert_true(settings_reload(l->s, FATE_KEEP, &l->r));
	/* What an operator set wins. */
	assert_int_equal(l->c->ppp.mru, 1350);
	assert_false(applied(l, "ppp.mru"));
	assert_int_equal(l->c->ppp.auth_retries, 3);
	assert_true(applied(l, "ppp.auth_retries"));
	assert_false(applied(l, "ppp.echo_interval"));
	/* Only a start can. */
	assert_true(waits(l, "pptp.port"));
	assert_int_equal(l->c->pptp_port, 1723);
	assert_int_equal(l->users, 1);
	assert_true(set(l, "ppp.mru", "-"));
	assert_int_equal(l->c->ppp.mru, 1310);
	lab_free(l);
}

/* An error in any line: nothing changes, and every line is named. */
static void
test_bad_reload(void **state)
{
	struct lab *l = lab_new("ppp: { mru = 1300; };\n");
	(void)state;
	write_conf(
		l, "ppp: { mru = 1310; };\nmppe: { policy = \"maybe\"; };\npptp: { port = 0; };\n");
	assert_false(settings_reload(l->s, FATE_KEEP, &l->r));
	assert_true(refused(l, SETTINGS_BAD, "control.conf:4: policy: \"maybe\" is none of"));
	assert_true(refused(l, SETTINGS_BAD, "control.conf:5: port: 0 is not within"));
	assert_int_equal(l->c->ppp.mru, 1300);
	assert_int_equal(l->asked, 0);
	/* A later set does not bring in what was refused. */
	assert_true(set(l, "ppp.echo_interval", "7"));
	assert_int_equal(l->c->ppp.mru, 1300);
	/* What would not start: a secret that stands in examples. */
	write_conf(l, "ppp: { mru = 1310; };\nusers: ( { name = \"a\"; password = \"change-me\"; "
		      "dial_in = \"allow\"; } );\n");
	assert_false(settings_reload(l->s, FATE_KEEP, &l->r));
	assert_true(refused(l, SETTINGS_BAD, "published examples"));
	/* What does not go with what operators set. */
	write_conf(l, "mppe: { policy = \"allow\"; strengths = [ ]; };\n");
	assert_true(set(l, "mppe.policy", "require"));
	assert_false(settings_reload(l->s, FATE_KEEP, &l->r));
	assert_true(refused(l, SETTINGS_BAD, "what operators have set"));
	unlink(l->conf);
	assert_false(settings_reload(l->s, FATE_KEEP, &l->r));
	assert_true(refused(l, SETTINGS_BAD, "can't read: No such file"));
	assert_int_equal(l->c->ppp.mru, 1300);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_file_only),
		cmocka_unit_test(test_lock_out),
		cmocka_unit_test(test_two_operators),
		cmocka_unit_test(test_fate),
		cmocka_unit_test(test_not_kept),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_two_writers),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_bad_reload),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
