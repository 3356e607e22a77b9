/* SPDX-License-Identifier: BSD-3-Clause */
/* The audit trail: every change an operator makes, with who made it (R25). */
#ifndef ADIT_CONTROL_OPER_AUDIT_H
#define ADIT_CONTROL_OPER_AUDIT_H

#include "control/oper/rpc.h"

/* Who, as it stands there. */
#define AUDIT_WHO_MAX 48
const char *audit_who(const struct rpc_context *ctx, char who[AUDIT_WHO_MAX]);

/* One line at syslog's notice level on standard error: "audit: uid U pid P: ...".  Unprintable
 * octets become '?'. */
void audit(const struct rpc_context *ctx, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
