/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_LEN 1024

static int log_level = LOG_INFO;
static bool log_journal;
static void (*log_sink)(void *user, int level, const char *line);
static void *log_sink_user;

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

void
log_event(int level, const char *event, const char *fmt, ...)
{
	if (level > log_level)
		return;
	char line[LINE_MAX_LEN];
	size_t at = log_sink ? 0 : log_prefix(line, sizeof(line), level);
	int n = snprintf(line + at, sizeof(line) - at, "event=%s%s", event, *fmt ? " " : "");
	at += n < 0 ? 0 : (size_t)n;
	if (at < sizeof(line) - 1) {
		va_list ap;
		va_start(ap, fmt);
		n = vsnprintf(line + at, sizeof(line) - at, fmt, ap);
		va_end(ap);
		at += n < 0 ? 0 : (size_t)n;
	}
	if (at > sizeof(line) - 2)
		at = sizeof(line) - 2;
	if (log_sink) {
		line[at] = '\0';
		log_sink(log_sink_user, level, line);
		return;
	}
	line[at++] = '\n';
	while (write(STDERR_FILENO, line, at) < 0 && errno == EINTR)
		;
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
