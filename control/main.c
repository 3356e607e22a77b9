/* SPDX-License-Identifier: BSD-3-Clause */
/* adit-control: negotiation, policy, users. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <uv.h>

#include "control/core/log.h"
#include "control/core/opener.h"
#include "control/gateway.h"
#include "control/ike/charon.h"
#include "control/oper/socket.h"
#include "control/settings/change.h"
#include "control/settings/check.h"
#include "dataplane/api/notify.h"

#define DEFAULT_CONFIG "/etc/adit/adit-control.conf"
#define WATCHDOG_MS    1000
#define LOG_MS         50  /* between tries to write what waits of the log */
#define LOG_END_MS     500 /* that its reader has at the end */

struct program {
	uv_loop_t loop;
	uv_signal_t sigterm, sigint, sigusr1, sighup;
	uv_timer_t watchdog, log;
	struct gateway *gateway;
	struct oper *oper;
	struct settings *settings;
	bool stopping;
};

static void
usage(FILE *out)
{
	fputs("usage: adit-control [-c FILE] [-t [-d FILE]]\n"
	      "  -c, --config FILE  configuration (default " DEFAULT_CONFIG ")\n"
	      "  -t, --test         check the configuration and exit\n"
	      "  -d, --dataplane FILE  with -t: does it fit this adit-dataplane.conf?\n"
	      "      --version      print the version and exit\n"
	      "  -h, --help         print this and exit\n"
	      "SIGHUP reads the configuration again (aditctl reload says more).\n"
	      "SIGTERM ends every session; SIGUSR1 leaves those of L2TP to the next "
	      "adit-control.\n",
		out);
}

/* What an operator should know about the settings (T1, R2, R11). */
static void
warn_about(const struct config *c)
{
	if (c->pptp_enabled)
		log_event(LOG_WARNING, "weak-protocol",
			"text=\"PPTP is not secure: whoever records an MS-CHAPv2 exchange finds "
			"the "
			"password's hash with one DES search, and MPPE does not authenticate "
			"data\" "
			"remedy=\"use it for old clients only\"");
	if (c->aaa.allow_weak_crypto)
		log_event(LOG_WARNING, "weak-crypto",
			"text=\"mppe.allow_weak_crypto is on: 40- and 56-bit MPPE is accepted\"");
	if (c->ike.allow_weak_crypto)
		log_event(LOG_WARNING, "weak-crypto",
			"text=\"ipsec.allow_weak_crypto is on: DES and MD5 are accepted\"");
	if (c->l2tp_enabled && c->l2tp_max_sessions && !c->l2tp_require_ipsec)
		log_event(LOG_WARNING, "l2tp-in-clear",
			"text=\"l2tp.require_ipsec is off: L2TP is also served without IPsec\"");
	if (c->aaa.auth & PPP_AUTH_PAP)
		log_event(LOG_WARNING, "weak-authentication",
			"text=\"PAP is on: passwords cross the network in clear\"");
	if (c->aaa.auth & PPP_AUTH_MSCHAPV1)
		log_event(LOG_WARNING, "weak-authentication",
			"text=\"ppp.authentication names mschapv1: it can be guessed even faster "
			"than mschapv2, and gives no keys for MPPE; it is used only while "
			"mppe.allow_weak_crypto is on\"");
	if (c->aaa.mppe_policy == PPP_MPPE_FORBID)
		log_event(LOG_WARNING, "no-encryption",
			"text=\"mppe.policy is forbid: sessions are not encrypted\"");
	if (c->aaa.mppe_policy == PPP_MPPE_REQUIRE && !(c->aaa.auth & PPP_AUTH_MSCHAPV2))
		log_event(LOG_WARNING, "config",
			"text=\"mppe.policy is require, but no method of ppp.authentication yields "
			"keys\"");
	if (c->aaa.mppe_policy == PPP_MPPE_REQUIRE && !c->aaa.allow_weak_crypto &&
		!(c->aaa.mppe_strengths & PPP_MPPE_128))
		log_event(LOG_WARNING, "config",
			"text=\"mppe.strengths holds weak ones only, and mppe.allow_weak_crypto is "
			"off\"");
}

/* After everything is bound.  False with a logged reason. */
static bool
drop_privileges(const char *user)
{
	umask(077);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		log_event(LOG_WARNING, "privileges", "text=\"no_new_privs: %s\"", strerror(errno));
	if (geteuid() != 0 || *user == '\0') {
		if (geteuid() == 0)
			log_event(LOG_WARNING, "privileges",
				"text=\"stays root\" remedy=\"set control.user\"");
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		return true;
	}
	errno = 0;
	const struct passwd *pw = getpwnam(user);
	if (!pw || pw->pw_uid == 0) {
		log_event(LOG_ERR, "privileges", "text=\"control.user: %s\"",
			pw ? "is root" : "no such user: systemd-sysusers makes adit");
		return false;
	}
	if (setgroups(0, NULL) != 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
		setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0) {
		log_event(LOG_ERR, "privileges", "text=\"%s\"", strerror(errno));
		return false;
	}
	if (setuid(0) == 0 || geteuid() != pw->pw_uid) {
		log_event(LOG_ERR, "privileges", "text=\"root could be regained\"");
		return false;
	}
	/* Passwords and keys are in memory. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return true;
}

/* A descriptor for each control connection. */
static void
raise_descriptor_limit(const struct config *c)
{
	struct rlimit rl;
	rlim_t want = (rlim_t)c->pptp_max_connections + 256;
	if (getrlimit(RLIMIT_NOFILE, &rl) != 0 || rl.rlim_cur >= want)
		return;
	rl.rlim_cur = want;
	if (rl.rlim_max < want)
		rl.rlim_max = want;
	if (setrlimit(RLIMIT_NOFILE, &rl) == 0)
		return;
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	log_event(LOG_WARNING, "limits",
		"text=\"fewer descriptors than pptp.max_connections\" limit=%llu",
		(unsigned long long)rl.rlim_cur);
}

static void
gateway_stopped(void *user)
{
	struct program *p = user;
	uv_close((uv_handle_t *)&p->sigterm, NULL);
	uv_close((uv_handle_t *)&p->sigint, NULL);
	uv_close((uv_handle_t *)&p->sigusr1, NULL);
	uv_close((uv_handle_t *)&p->sighup, NULL);
	uv_close((uv_handle_t *)&p->watchdog, NULL);
	uv_close((uv_handle_t *)&p->log, NULL);
}

static void
on_signal(uv_signal_t *h, int signum)
{
	struct program *p = h->data;
	if (p->stopping)
		_exit(128 + signum);
	p->stopping = true;
	notify("STOPPING=1");
	oper_stop(p->oper);
	p->oper = NULL;
	if (signum == SIGUSR1)
		gateway_hand_over(p->gateway, gateway_stopped, p);
	else
		gateway_stop(p->gateway, gateway_stopped, p);
}

/* As `aditctl reload`, for who has no aditctl. */
static void
on_reload(uv_signal_t *h, int signum)
{
	struct program *p = h->data;
	static struct settings_result r;
	char text[1000];
	(void)signum;
	if (p->stopping)
		return;
	bool ok = settings_reload(p->settings, FATE_KEEP, &r);
	if (ok)
		log_audit(LOG_NOTICE, "action=reload revision=%llu who=\"SIGHUP\"",
			(unsigned long long)r.revision);
	else
		log_audit(LOG_ERR, "action=reload result=refused text=%s who=\"SIGHUP\"",
			log_quote(text, sizeof(text), r.why));
}

static void
on_watchdog(uv_timer_t *t)
{
	(void)t;
	notify("WATCHDOG=1");
}

static void
on_log(uv_timer_t *t)
{
	struct program *p = t->data;
	log_flush();
	gateway_log_turn(p->gateway);
}

/* The group that may use charon's VICI socket: that of the user we become. */
static gid_t
own_group(const struct config *c)
{
	const struct passwd *pw = geteuid() == 0 && *c->user ? getpwnam(c->user) : NULL;
	return pw ? pw->pw_gid : (gid_t)-1;
}

static bool
failed(const char *why)
{
	char text[320];
	log_event(LOG_ERR, "start-failed", "text=%s", log_quote(text, sizeof(text), why));
	return false;
}

static unsigned int
log_changed(void *user, const struct config *next, enum fate fate)
{
	(void)user;
	(void)fate;
	log_setup(next->log_level);
	return 0;
}

static const struct settings_hook log_hook = {.apply = log_changed};

/* Everything bound, or false with a logged reason. */
static bool
start(struct program *p, const struct config *c)
{
	char err[256] = "";
	if (c->ike.enabled && !charon_write_conf(&c->ike, own_group(c), err, sizeof(err)))
		return failed(err);
	p->gateway = gateway_start(&p->loop, c, err, sizeof(err));
	if (!p->gateway)
		return failed(err);
	const struct oper_groups groups = {.read = c->socket_group, .operate = c->operate_group};
	gateway_use_settings(p->gateway, p->settings);
	settings_set_hook(p->settings, PART_LOG, &log_hook, NULL);
	p->oper = oper_start(&p->loop, p->gateway, c->socket_path, &groups, err, sizeof(err));
	if (!p->oper)
		return failed(err);
	return drop_privileges(c->user);
}

static int
serve(const struct config *c, struct settings *settings)
{
	static struct program p;
	p.settings = settings;
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit(c);
	if (uv_loop_init(&p.loop) != 0) {
		log_event(LOG_ERR, "start-failed", "text=\"no event loop\"");
		return EXIT_FAILURE;
	}
	if (!start(&p, c)) {
		log_end(LOG_END_MS);
		return EXIT_FAILURE; /* the process ends, and with it all that is bound */
	}
	uv_signal_init(&p.loop, &p.sigterm);
	uv_signal_init(&p.loop, &p.sigint);
	uv_signal_init(&p.loop, &p.sigusr1);
	uv_signal_init(&p.loop, &p.sighup);
	p.sigterm.data = p.sigint.data = p.sigusr1.data = p.sighup.data = &p;
	uv_signal_start(&p.sigterm, on_signal, SIGTERM);
	uv_signal_start(&p.sigint, on_signal, SIGINT);
	uv_signal_start(&p.sigusr1, on_signal, SIGUSR1);
	uv_signal_start(&p.sighup, on_reload, SIGHUP);
	uv_timer_init(&p.loop, &p.watchdog);
	if (getenv("NOTIFY_SOCKET"))
		uv_timer_start(&p.watchdog, on_watchdog, 0, WATCHDOG_MS);
	uv_timer_init(&p.loop, &p.log);
	p.log.data = &p;
	uv_timer_start(&p.log, on_log, LOG_MS, LOG_MS);
	log_plain("adit-control: ready");
	notify("READY=1");
	uv_run(&p.loop, UV_RUN_DEFAULT);
	gateway_free(p.gateway);
	uv_loop_close(&p.loop);
	log_event(LOG_NOTICE, "stopped", "%s", "");
	log_end(LOG_END_MS);
	return EXIT_SUCCESS;
}

/* A directory that is not there yet, for what operators set live.  Its parent's is there. */
static void
make_state_directory(const struct config *c)
{
	char copy[sizeof(c->overlay_path)];
	const struct passwd *pw = *c->user ? getpwnam(c->user) : NULL;
	snprintf(copy, sizeof(copy), "%s", c->overlay_path);
	const char *directory = dirname(copy);
	if (*c->overlay_path && geteuid() == 0 && mkdir(directory, 0755) == 0 && pw &&
		chown(directory, pw->pw_uid, pw->pw_gid) != 0)
		log_event(LOG_WARNING, "config", "text=\"control.overlay: %s\"", strerror(errno));
}

static int
run(struct config *c, const char *path, int opener)
{
	char err[800];
	make_state_directory(c);
	struct settings *settings = settings_new(c, path, err, sizeof(err));
	if (!settings) {
		fprintf(stderr, "adit-control: %s\n", err);
		log_end(LOG_END_MS);
		return EX_CONFIG;
	}
	if (opener >= 0 && *c->user)
		settings_set_reader(settings, opener_read, opener);
	log_setup(c->log_level);
	warn_about(c);
	int rc = serve(c, settings);
	settings_free(settings);
	return rc;
}

struct findings {
	bool test, no_certificates;
	unsigned int errors, fatal;
};

static void
found(void *user, enum check_weight weight, const char *text)
{
	struct findings *f = user;
	char quoted[1000];
	f->errors += weight != CHECK_WARNING;
	f->fatal += weight == CHECK_FATAL;
	f->no_certificates |= weight == CHECK_CERTIFICATE;
	if (f->test || weight == CHECK_FATAL)
		fprintf(stderr, "adit-control: %s%s\n", weight == CHECK_WARNING ? "warning: " : "",
			text);
	else
		log_event(weight == CHECK_WARNING ? LOG_WARNING : LOG_ERR, "config", "text=%s",
			log_quote(quoted, sizeof(quoted), text));
}

/* PPTP and pre-shared keys don't need them. */
static void
leave_certificates(struct config *c)
{
	struct ike_config *k = &c->ike;
	*k->certificate = *k->key = *k->pkcs12 = *k->ca = *k->crl = '\0';
	if (k->n_psk > 0)
		return;
	k->enabled = false;
	log_event(LOG_ERR, "config",
		"text=\"without a certificate that can be used IPsec stays off; the rest starts\"");
}

static void
print_faults(char *faults)
{
	for (char *line; (line = strsep(&faults, "\n"));)
		fprintf(stderr, "adit-control: %s\n", line);
}

struct arguments {
	const char *path, *dataplane;
	bool test;
};

/* -1, or what to end with at once. */
static int
read_arguments(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"test", no_argument, NULL, 't'}, {"dataplane", required_argument, NULL, 'd'},
		{"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	int opt;
	while ((opt = getopt_long(argc, argv, "c:d:th", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			a->path = optarg;
			break;
		case 'd':
			a->dataplane = optarg;
			break;
		case 't':
			a->test = true;
			break;
		case 'V':
			puts("adit-control " ADIT_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return 2;
	}
	return -1;
}

int
main(int argc, char **argv)
{
	struct arguments a = {.path = DEFAULT_CONFIG};
	int rc = read_arguments(argc, argv, &a);
	if (rc >= 0)
		return rc;
	static char err[32768];
	/* Who is not root can read what he could read. */
	int opener = a.test || geteuid() != 0 ? -1 : opener_start(a.path);
	struct config *c = config_load_all(a.path, err, sizeof(err));
	bool faulty = *err != '\0';
	if (faulty)
		print_faults(err);
	if (!c || (faulty && !a.test)) {
		config_free(c);
		return EX_CONFIG;
	}
	log_setup(c->log_level);
	struct findings f = {.test = a.test};
	config_check(c, a.path, a.dataplane, found, &f);
	if (faulty || f.fatal || (a.test && f.errors)) {
		log_end(LOG_END_MS);
		config_free(c);
		return EX_CONFIG;
	}
	rc = EXIT_SUCCESS;
	if (a.test) {
		warn_about(c);
		printf("%s: good, %u users\n", a.path, users_count(c->users));
	} else {
		if (f.no_certificates)
			leave_certificates(c);
		rc = run(c, a.path, opener);
	}
	config_free(c);
	return rc;
}
