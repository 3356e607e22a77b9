/* SPDX-License-Identifier: BSD-3-Clause */
/* Where lines of the log go, without ever waiting for their reader.  Used by log.c only. */
#ifndef ADIT_CONTROL_CORE_LOG_OUTPUT_H
#define ADIT_CONTROL_CORE_LOG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct log_output {
	int fd;
	bool is_socket, own, open;
};

/* The next write finds out how fd can be written without waiting; closes what it opened before. */
void log_output_set(struct log_output *o, int fd);
/* As write(2): -1 with EAGAIN when nothing goes at once. */
ssize_t log_output_write(struct log_output *o, const char *line, size_t len);

#endif
