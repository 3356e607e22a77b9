/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: one event a line, `key=value` pairs, on standard error.  Never put a password or key
 * into it. Calling context: adit-control's only thread.
 */
#ifndef ADIT_CONTROL_LOG_H
#define ADIT_CONTROL_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <syslog.h> /* LOG_ERR .. LOG_DEBUG */

/* Lines above this level are not written.  Under systemd (JOURNAL_STREAM is set) lines begin with
 * "<level>" as sd-daemon(3) has it, and without a time; that needs no library, which libsystemd's
 * sd_journal_send() would. */
void log_setup(int level);
/* `event` becomes event=...; fmt gives the further pairs, values with blanks or from outside
 * through log_quote(). */
void log_event(int level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* text in double quotes; quotes, backslashes, control characters and octets above 126 as \xNN, cut
 * to fit. Returns buf.  size at least 3. */
const char *log_quote(char *buf, size_t size, const char *text);
/* Dotted decimal of an address in host byte order.  Returns buf. */
const char *log_ip(char buf[16], uint32_t ip);
/* Lines go to sink instead (for tests); NULL: standard error again. */
void log_redirect(void (*sink)(void *user, int level, const char *line), void *user);

#endif
