/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/refuse.h"

#include <stdarg.h>
#include <stdio.h>

#include "control/core/log.h"

#define SUBJECT_MAX 640 /* whose refusal it is, as a line has it */
#define TEXT_MAX    320

void
refuse_count(struct refusals *r, enum refusal_code why)
{
	if ((unsigned int)why < REFUSAL_COUNT)
		r->counts[why]++;
}

static void
log_suppressed(void *user, enum refusal_code code, unsigned int lines)
{
	(void)user;
	log_event(LOG_WARNING, "log-suppressed", "code=%s lines=%u", refusal_name(code), lines);
}

void
refuse_turn(struct refusals *r)
{
	refusal_log_turn(&r->log, uv_now(r->loop), log_suppressed, NULL);
}

bool
refuse_may_log(struct refusals *r, enum refusal_code why, uint32_t peer_ip)
{
	refuse_turn(r);
	return refusal_log_may(&r->log, why, peer_ip);
}

static void __attribute__((format(printf, 6, 0)))
write_line(struct refusals *r, enum refusal_code why, uint32_t peer_ip, const char *event,
	const char *text, const char *format, va_list args)
{
	char subject[SUBJECT_MAX], quoted[TEXT_MAX];
	if (!refuse_may_log(r, why, peer_ip))
		return;
	vsnprintf(subject, sizeof(subject), format, args);
	log_event(LOG_NOTICE, event, "%s code=%s text=%s remedy=\"%s\"", subject, refusal_name(why),
		log_quote(quoted, sizeof(quoted), text && *text ? text : refusal_text(why)),
		refusal_remedy(why));
}

void
refuse_log(struct refusals *r, enum refusal_code why, uint32_t peer_ip, const char *event,
	const char *text, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	write_line(r, why, peer_ip, event, text, format, args);
	va_end(args);
}

void
refuse(struct refusals *r, enum refusal_code why, uint32_t peer_ip, const char *event,
	const char *text, const char *format, ...)
{
	va_list args;
	refuse_count(r, why);
	va_start(args, format);
	write_line(r, why, peer_ip, event, text, format, args);
	va_end(args);
}
