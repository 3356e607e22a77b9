/* SPDX-License-Identifier: BSD-3-Clause */
/* One JSON-RPC request at a time to adit-control's socket; blocking. */
#ifndef ADIT_CONTROL_CLI_CLIENT_H
#define ADIT_CONTROL_CLI_CLIENT_H

#include <jansson.h>

#define CLIENT_DEFAULT_SOCKET "/run/adit/control.sock"

/* aditctl's exit codes (R3), see docs/operators.md. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_REQUEST_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
	EXIT_UNHEALTHY = 4,
};

/* Connect to path.  The descriptor, or -1 after a message on standard error. */
int client_connect(const char *path);
/*
 * Ask and wait.  Takes over params (NULL: none).  The result (a new reference), or NULL after a
 * message on standard error; *code is then EXIT_REQUEST_FAILED or EXIT_UNREACHABLE.
 */
json_t *client_request(int fd, const char *method, json_t *params, enum exit_code *code);

#endif
