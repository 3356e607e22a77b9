/* SPDX-License-Identifier: BSD-3-Clause */
/* A child process that serves the operators' socket on a fake gateway, and a blocking client of
 * it. */
#ifndef ADIT_TESTS_OPER_HOST_H
#define ADIT_TESTS_OPER_HOST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "control/oper/socket.h"

struct host {
	pid_t pid;
	char dir[64];
	char path[96]; /* of the socket */
	char log[96];  /* the child's standard error */
};

/* Serve in a new directory below the temporary one, until host_stop().  groups NULL: none,
 * limits NULL: defaults. */
void host_start(struct host *h, unsigned int sessions, const struct oper_groups *groups,
	const char *problem, const struct oper_limits *limits);
/* Ends the child orderly and asserts that it left no socket file.  Removes the directory. */
void host_stop(struct host *h);
/* The child's standard error holds text. */
bool host_logged(const struct host *h, const char *text);

int host_connect(const struct host *h);
void host_send(int fd, const char *text);
/* The next line as JSON, or NULL when the server closed the connection. */
json_t *host_receive(int fd);
/* Error code of a response, 0 if it has a result. */
int error_code(const json_t *response);

#endif
