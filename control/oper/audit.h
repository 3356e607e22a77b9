/* SPDX-License-Identifier: BSD-3-Clause */
/* The audit trail: every change an operator makes or is denied, with who asked for it (R25). */
#ifndef ADIT_CONTROL_OPER_AUDIT_H
#define ADIT_CONTROL_OPER_AUDIT_H

#include "control/oper/rpc.h"

/* Who, as it stands there. */
#define AUDIT_WHO_MAX 48
const char *audit_who(const struct rpc_context *ctx, char who[AUDIT_WHO_MAX]);

/* event=audit with these pairs and who=, at every log level. */
void audit(const struct rpc_context *ctx, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A request, or a connection, that the caller's role does not allow.  Each user has a few lines a
 * second; the others are counted, and reported a second later. */
void audit_denied(const struct rpc_context *ctx, const char *action, const char *why);
/* Once a second: reports what was counted. */
void audit_turn(void);

#endif
