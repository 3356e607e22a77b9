/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oper/audit.h"

#include <stdarg.h>
#include <stdio.h>

#include "control/log.h"

const char *
audit_who(const struct rpc_context *ctx, char who[AUDIT_WHO_MAX])
{
	snprintf(who, AUDIT_WHO_MAX, "uid %u pid %d", (unsigned int)ctx->uid, (int)ctx->pid);
	return who;
}

void
audit(const struct rpc_context *ctx, const char *format, ...)
{
	char pairs[512], who[AUDIT_WHO_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(pairs, sizeof(pairs), format, ap);
	va_end(ap);
	log_event(LOG_NOTICE, "audit", "%s who=\"%s\"", pairs, audit_who(ctx, who));
}
