/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oper/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "control/core/log.h"

#define DENIED_UIDS  16 /* that are told apart within a second */
#define DENIED_LINES 5  /* a second of each */

/* Refused requests cost their sender nothing: they must not push out of the trail what others
 * change. */
static struct {
	time_t second;
	unsigned int n;
	struct {
		uid_t uid;
		unsigned int lines, suppressed;
	} of[DENIED_UIDS + 1]; /* the last: everybody else's */
} denied;

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
	log_audit(LOG_NOTICE, "%s who=\"%s\"", pairs, audit_who(ctx, who));
}

static void
new_second(time_t now)
{
	for (unsigned int i = 0; i <= DENIED_UIDS; i++) {
		if (denied.of[i].suppressed == 0)
			continue;
		if (i < DENIED_UIDS)
			log_audit(LOG_NOTICE, "result=denied more=%u who=\"uid %u\"",
				denied.of[i].suppressed, (unsigned int)denied.of[i].uid);
		else
			log_audit(LOG_NOTICE, "result=denied more=%u who=\"others\"",
				denied.of[i].suppressed);
	}
	memset(&denied, 0, sizeof(denied));
	denied.second = now;
}

void
audit_turn(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != denied.second)
		new_second(now.tv_sec);
}

void
audit_denied(const struct rpc_context *ctx, const char *action, const char *why)
{
	char name[80], text[200], who[AUDIT_WHO_MAX];
	unsigned int i = 0;

	audit_turn();
	while (i < denied.n && denied.of[i].uid != ctx->uid)
		i++;
	if (i == denied.n && denied.n < DENIED_UIDS)
		denied.of[denied.n++].uid = ctx->uid;
	if (denied.of[i].lines == DENIED_LINES) {
		denied.of[i].suppressed++;
		return;
	}
	denied.of[i].lines++;
	log_audit(LOG_NOTICE, "action=%s result=denied text=%s who=\"%s\"",
		log_quote(name, sizeof(name), action), log_quote(text, sizeof(text), why),
		audit_who(ctx, who));
}
