/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a set-up costs adit-control alone, and what a session that stands: the program itself, with
 * clients that dial in over the loopback and a data plane that is played beside them.
 *
 *   bench-setups [--json] [--protocol pptp|l2tp] [--clients N] [--rate N] [--at-once N] [--runs N]
 *                CONTROL
 *   bench-setups --through ADDRESS ...: through a whole gateway (bench/through)
 *
 * PPTP: MS-CHAPv2 and MPPE-128.  L2TP: in clear, MS-CHAPv2.  --rate: so many begin in a second;
 * else a new one as soon as one is up.  Control has the machine's first CPU, the clients have the
 * second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/dialer.h"
#include "crypto/mschap.h"

#define PASSWORD "Wonder-Land7"
#define RUNS_MAX 15

static struct options {
	unsigned int clients, at_once, runs;
	double rate;
	bool one;
	uint32_t through; /* a gateway that runs; 0: control is started here */
	enum dialer_protocol protocol;
	const char *control;
} opt = {.clients = 5000, .at_once = 64, .runs = 3};

/* adit-control as a child. */
struct subject {
	pid_t pid;
	int log; /* our end of its standard error, a socket as the journal's is */
	char directory[64], config[96], socket[96];
	uint16_t port;
};

struct usage {
	double user_s, kernel_s, total_s; /* user and kernel by ticks, the total exact */
	double rss_kib, heap_kib;
};

struct figures {
	double per_s, user_us, kernel_us, cpu_us, rss_kib, heap_kib, median_ms, p99_ms;
};

static uint16_t
free_port(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
		getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		bench_must(false, "port");
	close(fd);
	return ntohs(sa.sin_port);
}

static void
write_config(const struct subject *s)
{
	bool pptp = opt.protocol == DIALER_PPTP;
	FILE *f = fopen(s->config, "w");

	if (!f)
		bench_must(false, s->config);
	fprintf(f,
		"control: { socket = \"%s/ctl.sock\"; dataplane = \"%s\"; user = \"\"; };\n"
		"pool: { first = \"10.64.0.1\"; last = \"10.65.255.254\"; };\n"
		"mppe: { policy = \"%s\"; mode = \"stateless-only\"; strengths = [ 128 ]; };\n"
		"pptp: { enabled = %s; listen = [ \"127.0.0.1\" ]; port = %u; max_sessions = %u; "
		"};\n"
		"l2tp: { enabled = %s; require_ipsec = false; max_sessions = %u;\n"
		"  max_half_open = 10000; max_tunnels = %u; };\n"
		"dns = [ \"198.51.100.53\" ];\nusers: (\n",
		s->directory, s->socket, pptp ? "require" : "forbid", pptp ? "true" : "false",
		s->port, pptp ? opt.clients + 64 : 0, pptp ? "false" : "true",
		pptp ? 0 : opt.clients + 64, opt.clients + 64);
	for (unsigned int i = 0; i < opt.clients; i++)
		fprintf(f,
			"  { name = \"u%u\"; password = \"" PASSWORD
			"\"; dial_in = \"allow\"; }%s\n",
			i, i + 1 < opt.clients ? "," : "");
	fprintf(f, ");\n");
	fclose(f);
}

static void
run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void
begin(struct subject *s)
{
	struct rlimit files = {.rlim_cur = 200000, .rlim_max = 200000};
	int pair[2];

	setrlimit(RLIMIT_NOFILE, &files);
	snprintf(s->directory, sizeof(s->directory), "/tmp/adit-bench.XXXXXX");
	if (!mkdtemp(s->directory) ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		bench_must(false, "directory");
	snprintf(s->config, sizeof(s->config), "%s/control.conf", s->directory);
	snprintf(s->socket, sizeof(s->socket), "%s/dp.sock", s->directory);
	s->port = free_port();
	write_config(s);
	s->log = pair[0];
	fcntl(s->log, F_SETFD, FD_CLOEXEC);
	s->pid = fork();
	if (s->pid < 0)
		bench_must(false, "fork");
	if (s->pid > 0) {
		close(pair[1]);
		return;
	}
	run_on(0);
	dup2(pair[1], STDERR_FILENO);
	dup2(pair[1], STDOUT_FILENO);
	close(pair[1]);
	execl(opt.control, opt.control, "-c", s->config, (char *)NULL);
	_exit(127);
}

/* The log's reader: what the journal would be. */
static void
drain(struct subject *s, FILE *copy)
{
	char buf[65536];
	ssize_t n;

	while ((n = recv(s->log, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		if (copy)
			fwrite(buf, 1, (size_t)n, copy);
}

static void
end(struct subject *s)
{
	char path[128];

	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	close(s->log);
	unlink(s->config);
	unlink(s->socket);
	snprintf(path, sizeof(path), "%s/ctl.sock", s->directory);
	unlink(path);
	rmdir(s->directory);
}

static void
read_times(const struct subject *s, struct usage *u)
{
	clockid_t id;
	struct timespec t;
	char path[64];
	unsigned long user = 0, kernel = 0;
	FILE *f;

	if (clock_getcpuclockid(s->pid, &id) != 0 || clock_gettime(id, &t) != 0)
		bench_must(false, "CPU clock");
	u->total_s = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)s->pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			  &user, &kernel) != 2)
		bench_must(false, path);
	fclose(f);
	u->user_s = (double)user / (double)sysconf(_SC_CLK_TCK);
	u->kernel_s = (double)kernel / (double)sysconf(_SC_CLK_TCK);
}

/* Private memory of control: all of it, and the heap. */
static void
read_memory(const struct subject *s, struct usage *u)
{
	char path[64], line[512];
	bool heap = false;
	double kib;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)s->pid);
	f = fopen(path, "r");
	if (!f)
		bench_must(false, path);
	u->rss_kib = u->heap_kib = 0;
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "[heap]"))
			heap = true;
		else if (strchr(line, '-') && strchr(line, '-') < strchr(line, ' '))
			heap = false;
		if (sscanf(line, "Private_Dirty: %lf", &kib) == 1) {
			u->rss_kib += kib;
			u->heap_kib += heap ? kib : 0;
		}
	}
	fclose(f);
}

static void
await_listener(struct subject *s, struct played *p)
{
	struct timespec pause = {.tv_nsec = 20000000};

	if (!played_accept(p, 20000)) {
		drain(s, stderr);
		errno = ETIMEDOUT;
		bench_must(false, "control does not come");
	}
	for (unsigned int i = 0; i < 25; i++) { /* what it says at its start */
		played_pump(p);
		drain(s, NULL);
		nanosleep(&pause, NULL);
	}
}

/* The journal reads beside us: another process, so that the clients don't wait for it. */
static pid_t
begin_reader(struct subject *s)
{
	struct pollfd p = {.fd = s->log, .events = POLLIN};
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	while (poll(&p, 1, -1) > 0 && !(p.revents & POLLHUP))
		drain(s, NULL);
	_exit(0);
}

static void
measure(struct figures *out)
{
	struct subject s = {0};
	struct played p = {0};
	struct usage before, after;
	struct dialer_result r;
	struct dialer_config cfg = {.protocol = opt.protocol,
		.clients = opt.clients,
		.at_once = opt.at_once,
		.rate = opt.rate,
		.password = PASSWORD};
	struct dialer *d;
	pid_t reader;
	double n, ticks;

	begin(&s);
	cfg.port = s.port;
	played_listen(&p, s.socket, opt.clients + 64);
	await_listener(&s, &p);
	reader = begin_reader(&s);
	d = dialer_new(&cfg, &p);
	read_memory(&s, &before);
	read_times(&s, &before);
	dialer_run(d, &r);
	read_times(&s, &after);
	read_memory(&s, &after);
	n = r.up ? r.up : 1;
	*out = (struct figures){.per_s = n / r.seconds,
		.cpu_us = (after.total_s - before.total_s) / n * 1e6,
		.rss_kib = (after.rss_kib - before.rss_kib) / n,
		.heap_kib = (after.heap_kib - before.heap_kib) / n,
		.median_ms = r.median_ms,
		.p99_ms = r.p99_ms};
	ticks = after.kernel_s - before.kernel_s + after.user_s - before.user_s;
	out->kernel_us = ticks > 0 ? out->cpu_us * (after.kernel_s - before.kernel_s) / ticks : 0;
	out->user_us = out->cpu_us - out->kernel_us;
	fprintf(stderr,
		"bench: %u up, %u not, %.0f a second, %.1f us of CPU, %.1f of them in the "
		"kernel, %llu repeats, woken %.2f times a set-up\n",
		r.up, r.failed, out->per_s, out->cpu_us, out->kernel_us,
		(unsigned long long)r.repeats, (double)p.wakes / n);
	end(&s);
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	dialer_free(d);
	played_end(&p);
	if (r.failed)
		exit(1);
}

/* What comes through a whole gateway, which somebody else has started. */
static int
run_through(void)
{
	struct dialer_config cfg = {.protocol = DIALER_PPTP,
		.clients = opt.clients,
		.at_once = opt.at_once,
		.rate = opt.rate,
		.password = PASSWORD,
		.port = 1723,
		.through = opt.through};
	struct rlimit files = {.rlim_cur = 200000, .rlim_max = 200000};
	struct dialer_result r;
	struct dialer *d;

	setrlimit(RLIMIT_NOFILE, &files);
	d = dialer_new(&cfg, NULL);
	dialer_run(d, &r);
	printf("%u up, %u not, %.0f a second, waits: median %.1f ms, 99 of 100 below %.1f ms, "
	       "%llu repeats\n",
		r.up, r.failed, r.up / r.seconds, r.median_ms, r.p99_ms,
		(unsigned long long)r.repeats);
	dialer_free(d);
	return r.failed != 0;
}

static void
report(const char *what, const char *unit, const struct figures *f, size_t field)
{
	double values[RUNS_MAX];
	char name[64];

	for (unsigned int i = 0; i < opt.runs; i++)
		memcpy(&values[i], (const char *)&f[i] + field, sizeof(double));
	snprintf(name, sizeof(name), "%s%s", opt.protocol == DIALER_PPTP ? "pptp" : "l2tp-clear",
		what);
	bench_report(&(struct bench_result){.bench = "setups",
		.name = name,
		.sessions = opt.clients,
		.unit = unit,
		.value = bench_median(values, opt.runs),
		.kernel = "adit-control",
		.pages = "4k",
		.runs = opt.runs});
}

static void
run(enum dialer_protocol protocol)
{
	struct figures f[RUNS_MAX];

	opt.protocol = protocol;
	for (unsigned int i = 0; i < opt.runs; i++)
		measure(&f[i]);
	report("", "1/s", f, offsetof(struct figures, per_s));
	report("-cpu", "us", f, offsetof(struct figures, cpu_us));
	report("-cpu-user", "us", f, offsetof(struct figures, user_us));
	report("-cpu-kernel", "us", f, offsetof(struct figures, kernel_us));
	report("-wait-median", "ms", f, offsetof(struct figures, median_ms));
	report("-wait-p99", "ms", f, offsetof(struct figures, p99_ms));
	report("-memory", "KiB", f, offsetof(struct figures, rss_kib));
	report("-memory-heap", "KiB", f, offsetof(struct figures, heap_kib));
}

static int
usage(void)
{
	fprintf(stderr, "usage: bench-setups [--json] [--protocol pptp|l2tp] [--clients N] "
			"[--rate N] [--at-once N] [--runs N] CONTROL\n");
	return 2;
}

static bool
parse(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
		{"protocol", required_argument, NULL, 'p'},
		{"clients", required_argument, NULL, 'c'}, {"rate", required_argument, NULL, 'r'},
		{"at-once", required_argument, NULL, 'a'}, {"runs", required_argument, NULL, 'n'},
		{"through", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'j') {
			bench_json = true;
		} else if (c == 'p') {
			opt.one = true;
			opt.protocol = strcmp(optarg, "l2tp") == 0 ? DIALER_L2TP : DIALER_PPTP;
			if (strcmp(optarg, "l2tp") != 0 && strcmp(optarg, "pptp") != 0)
				return false;
		} else if (c == 'c') {
			opt.clients = (unsigned int)atoi(optarg);
		} else if (c == 'r') {
			opt.rate = atof(optarg);
		} else if (c == 'a') {
			opt.at_once = (unsigned int)atoi(optarg);
		} else if (c == 't') {
			opt.through = ntohl(inet_addr(optarg));
		} else if (c == 'n') {
			opt.runs = (unsigned int)atoi(optarg);
		} else {
			return false;
		}
	}
	opt.control = argv[optind];
	return optind + (opt.through == 0) == argc && opt.clients > 0 &&
	       opt.clients <= DIALER_MAX && opt.runs > 0 && opt.runs <= RUNS_MAX && opt.at_once > 0;
}

int
main(int argc, char **argv)
{
	char err[128];

	if (!parse(argc, argv))
		return usage();
	if (mschap_init(err, sizeof(err)) != 0) {
		fprintf(stderr, "bench: %s\n", err);
		return 1;
	}
	if (opt.through)
		return run_through();
	run_on(1);
	bench_machine("no DPDK");
	if (!opt.one || opt.protocol == DIALER_PPTP)
		run(DIALER_PPTP);
	if (!opt.one || opt.protocol == DIALER_L2TP)
		run(DIALER_L2TP);
	return 0;
}
