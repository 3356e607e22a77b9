/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oper/audit.h"

#include <stdarg.h>
#include <stdio.h>

void
audit(const struct rpc_context *ctx, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	for (char *c = text; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	/* <5>: notice, as the journal reads it from standard error. */
	fprintf(stderr, "<5>audit: uid %u pid %d: %s\n", (unsigned int)ctx->uid, (int)ctx->pid,
		text);
}
