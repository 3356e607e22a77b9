/* SPDX-License-Identifier: BSD-3-Clause */
/* The operators' methods asked without a socket, on a fake gateway. */
#ifndef ADIT_TESTS_OPER_ASK_H
#define ADIT_TESTS_OPER_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "control/oper/rpc.h"

/* Root, on a gateway with so many sessions, which is the caller's: fake_gateway_free(). */
struct rpc_context ask_context(unsigned int sessions);
/* The response to n octets, one line of JSON, or NULL when none is due.  bad as of rpc_handle(). */
json_t *ask(struct rpc_context *ctx, const char *line, size_t n, bool *bad);

#endif
