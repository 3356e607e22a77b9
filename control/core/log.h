/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: one event a line, `key=value` pairs, on standard error.  Never put a password or key
 * into it.  Nothing here waits for who reads it (T11): what can't be written at once waits in
 * memory, audit lines in a queue of their own and first; what finds its queue full is lost,
 * counted, and reported as event=log-lost when there is room again.  Calling context:
 * adit-control's only thread.
 */
#ifndef ADIT_CONTROL_CORE_LOG_H
#define ADIT_CONTROL_CORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h> /* LOG_ERR .. LOG_DEBUG */

/* Lines above this level are not written.  Under systemd (JOURNAL_STREAM is set) lines begin with
 * "<level>" as sd-daemon(3) has it, and without a time; that needs no library, which libsystemd's
 * sd_journal_send() would. */
void log_setup(int level);
/* `event` becomes event=...; fmt gives the further pairs, values with blanks or from outside
 * through log_quote().  Whatever is in them, it stays one line of printable ASCII (T22). */
void log_event(int level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* event=audit: who changed, or tried to change, what (R25).  Written at every log level. */
void log_audit(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line as it is. */
void log_plain(const char *line);
/* text in double quotes; quotes, backslashes, control characters and octets above 126 as \xNN, cut
 * to fit. Returns buf.  size at least 3. */
const char *log_quote(char *buf, size_t size, const char *text);
/* Dotted decimal of an address in host byte order.  Returns buf. */
const char *log_ip(char buf[16], uint32_t ip);

/* Write what waits, as far as it goes at once; true: nothing waits any more.  To be called now and
 * then while the loop runs. */
bool log_flush(void);
/* At the end: the same, but wait up to ms for the reader. */
void log_end(unsigned int ms);

struct log_counters {
	uint64_t waiting;    /* lines, now */
	uint64_t lost;       /* since start, of them ... */
	uint64_t lost_audit; /* ... the trail of who changed what */
};
const struct log_counters *log_counters(void);

/* For tests.  Lines go to sink instead, NULL: standard error again; to another descriptor,
 * borrowed, and everything that waits is forgotten. */
void log_redirect(void (*sink)(void *user, int level, const char *line), void *user);
void log_descriptor(int fd);

#endif
