/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/core/log_output.h"

#define LINE_MAX_LEN 1024 /* below PIPE_BUF: a pipe takes all of a line or nothing */
#define QUEUE_SIZE   (512u << 10)
#define AUDIT_SIZE   (128u << 10)

/* Lines with their newlines, each behind its length; head and tail run on for ever. */
struct queue {
	char *buf;
	size_t size, head, tail;
	uint64_t lines;
};

static int log_level = LOG_INFO;
static bool log_journal;
static void (*log_sink)(void *user, int level, const char *line);
static void *log_sink_user;
static struct log_output output = {.fd = STDERR_FILENO};
static char queue_buf[QUEUE_SIZE], audit_buf[AUDIT_SIZE];
static struct queue queue = {.buf = queue_buf, .size = QUEUE_SIZE},
		    audit_queue = {.buf = audit_buf, .size = AUDIT_SIZE};
static char rest[LINE_MAX_LEN]; /* of a line of which a part was written */
static size_t rest_at, rest_len;
static struct log_counters counters;
static uint64_t told_lost, told_audit; /* of them reported */

void
log_setup(int level)
{
	log_level = level;
	log_journal = getenv("JOURNAL_STREAM") != NULL;
}

void
log_redirect(void (*sink)(void *user, int level, const char *line), void *user)
{
	log_sink = sink;
	log_sink_user = user;
}

void
log_descriptor(int fd)
{
	log_output_set(&output, fd);
	queue.head = queue.tail = audit_queue.head = audit_queue.tail = rest_at = rest_len = 0;
	queue.lines = audit_queue.lines = told_lost = told_audit = 0;
	memset(&counters, 0, sizeof(counters));
}

static size_t
log_prefix(char *line, size_t size, int level)
{
	static const char *const names[] = {
		"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};
	int n;
	if (log_journal) {
		n = snprintf(line, size, "<%d>", level & 7);
	} else {
		struct timespec ts;
		struct tm tm;
		char when[32];
		clock_gettime(CLOCK_REALTIME, &ts);
		gmtime_r(&ts.tv_sec, &tm);
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
		n = snprintf(line, size, "time=%s.%03ldZ level=%s ", when, ts.tv_nsec / 1000000,
			names[level & 7]);
	}
	return n < 0 ? 0 : (size_t)n;
}

/* ------------------------------------------------------------------ queues and the descriptor */

static void
queue_copy(struct queue *q, size_t at, char *in, const char *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char *c = &q->buf[(at + i) % q->size];
		if (out)
			*c = out[i];
		else
			in[i] = *c;
	}
}

static bool
queue_put(struct queue *q, const char *line, size_t len)
{
	uint16_t n = (uint16_t)len;
	if (q->size - (q->tail - q->head) < len + sizeof(n))
		return false;
	queue_copy(q, q->tail, NULL, (const char *)&n, sizeof(n));
	queue_copy(q, q->tail + sizeof(n), NULL, line, len);
	q->tail += len + sizeof(n);
	q->lines++;
	return true;
}

static size_t
queue_first(struct queue *q, char line[LINE_MAX_LEN])
{
	uint16_t n = 0;
	if (q->head == q->tail)
		return 0;
	queue_copy(q, q->head, (char *)&n, NULL, sizeof(n));
	queue_copy(q, q->head + sizeof(n), line, NULL, n);
	return n;
}

static void
queue_drop_first(struct queue *q, size_t len)
{
	q->head += len + sizeof(uint16_t);
	q->lines--;
}

static void
count_lost(bool audit)
{
	counters.lost++;
	counters.lost_audit += audit;
}

/* False: it has to wait.  A descriptor that takes no lines at all loses them. */
static bool
put_out(const char *line, size_t len, bool audit)
{
	ssize_t n = log_output_write(&output, line, len);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0) {
		count_lost(audit);
	} else if ((size_t)n < len) {
		rest_at = 0;
		rest_len = len - (size_t)n;
		memcpy(rest, line + n, rest_len);
	}
	return true;
}

static bool
flush_rest(void)
{
	while (rest_at < rest_len) {
		ssize_t n = log_output_write(&output, rest + rest_at, rest_len - rest_at);
		if (n < 0 && errno == EAGAIN)
			return false;
		rest_at = n < 0 ? rest_len : rest_at + (size_t)n;
	}
	return true;
}

static bool
flush_queue(struct queue *q, bool audit)
{
	char line[LINE_MAX_LEN];
	size_t len;
	while (flush_rest() && (len = queue_first(q, line)) != 0) {
		if (!put_out(line, len, audit))
			return false;
		queue_drop_first(q, len);
	}
	return rest_at == rest_len && q->head == q->tail;
}

static size_t
lost_line(char line[LINE_MAX_LEN])
{
	size_t at = log_prefix(line, LINE_MAX_LEN, LOG_ERR);
	int n = snprintf(line + at, LINE_MAX_LEN - at,
		"event=log-lost lines=%llu audit=%llu text=\"nobody read the log, and no more "
		"room was left for it\"\n",
		(unsigned long long)(counters.lost - told_lost),
		(unsigned long long)(counters.lost_audit - told_audit));
	return at + (size_t)n;
}

static void
told(void)
{
	told_lost = counters.lost;
	told_audit = counters.lost_audit;
}

bool
log_flush(void)
{
	char line[LINE_MAX_LEN];
	if (!flush_queue(&audit_queue, true) || !flush_queue(&queue, false))
		return false;
	uint64_t lost = counters.lost;
	if (lost != told_lost) {
		if (!put_out(line, lost_line(line), false))
			return false;
		if (counters.lost == lost) /* it was not lost itself */
			told();
	}
	return rest_at == rest_len;
}

void
log_end(unsigned int ms)
{
	while (!log_flush() && ms > 0) {
		struct pollfd p = {.fd = output.fd, .events = POLLOUT};
		unsigned int step = ms < 20 ? ms : 20;
		poll(&p, 1, (int)step);
		ms -= step;
	}
}

const struct log_counters *
log_counters(void)
{
	counters.waiting = queue.lines + audit_queue.lines;
	return &counters;
}

static void
send_line(const char *line, size_t len, bool audit)
{
	struct queue *q = audit ? &audit_queue : &queue;
	char lost[LINE_MAX_LEN];
	if (log_flush() && put_out(line, len, audit))
		return;
	/* What is missing is missing here. */
	if (!audit && counters.lost != told_lost &&
		q->size - (q->tail - q->head) >= 2 * LINE_MAX_LEN &&
		queue_put(q, lost, lost_line(lost)))
		told();
	if (!queue_put(q, line, len))
		count_lost(audit);
}

/* ------------------------------------------------------------------ lines */

/* One line, of printable ASCII, and no open quote at its end when it was cut. */
static size_t
make_harmless(char *line, size_t from, size_t at, bool cut)
{
	bool open = false;
	for (size_t i = from; i < at; i++) {
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
		open ^= line[i] == '"';
	}
	if (cut && open)
		line[at - 1] = '"';
	return at;
}

static void __attribute__((format(printf, 4, 0)))
write_event(int level, const char *event, bool audit, const char *fmt, va_list ap)
{
	char line[LINE_MAX_LEN];
	size_t from = log_sink ? 0 : log_prefix(line, sizeof(line), level), at = from;
	int n = snprintf(line + at, sizeof(line) - at, "event=%s%s", event, *fmt ? " " : "");
	at += n < 0 ? 0 : (size_t)n;
	if (at < sizeof(line) - 1) {
		n = vsnprintf(line + at, sizeof(line) - at, fmt, ap);
		at += n < 0 ? 0 : (size_t)n;
	}
	bool cut = at > sizeof(line) - 2;
	at = make_harmless(line, from, cut ? sizeof(line) - 2 : at, cut);
	if (log_sink) {
		line[at] = '\0';
		log_sink(log_sink_user, level, line);
		return;
	}
	line[at++] = '\n';
	send_line(line, at, audit);
}

void
log_event(int level, const char *event, const char *fmt, ...)
{
	va_list ap;
	if (level > log_level)
		return;
	va_start(ap, fmt);
	write_event(level, event, false, fmt, ap);
	va_end(ap);
}

void
log_audit(int level, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	write_event(level, "audit", true, fmt, ap);
	va_end(ap);
}

void
log_plain(const char *line)
{
	char copy[LINE_MAX_LEN];
	int n = snprintf(copy, sizeof(copy), "%s\n", line);
	if (n > 0 && (size_t)n < sizeof(copy))
		send_line(copy, (size_t)n, false);
}

const char *
log_quote(char *buf, size_t size, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;
	buf[at++] = '"';
	for (; *text; text++) {
		unsigned char ch = (unsigned char)*text;
		bool plain = ch >= 0x20 && ch < 0x7f && ch != '"' && ch != '\\';
		if (at + (plain ? 1 : 4) + 2 > size)
			break;
		if (plain) {
			buf[at++] = (char)ch;
		} else {
			buf[at++] = '\\';
			buf[at++] = 'x';
			buf[at++] = hex[ch >> 4];
			buf[at++] = hex[ch & 15];
		}
	}
	buf[at++] = '"';
	buf[at] = '\0';
	return buf;
}

const char *
log_ip(char buf[16], uint32_t ip)
{
	snprintf(buf, 16, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
	return buf;
}
