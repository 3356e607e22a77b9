/* SPDX-License-Identifier: BSD-3-Clause */
/* Refusals are counted, and logged in measure. */
#include <stdio.h>

#include "control/gateway_internal.h"

void
gateway_refusal(struct gateway *g, enum refusal_code code)
{
	if ((unsigned int)code < REFUSAL_COUNT)
		g->refusals[code]++;
}

static void
log_suppressed(void *user, enum refusal_code code, unsigned int lines)
{
	(void)user;
	log_event(LOG_WARNING, "log-suppressed", "code=%s lines=%u", refusal_name(code), lines);
}

void
gateway_log_turn(struct gateway *g)
{
	refusal_log_turn(&g->refusal_log, uv_now(g->loop), log_suppressed, NULL);
}

bool
gateway_may_log(struct gateway *g, enum refusal_code code, uint32_t peer_ip)
{
	gateway_log_turn(g);
	return refusal_log_may(&g->refusal_log, code, peer_ip);
}

const char *
session_refusal_text(
	const struct gateway *g, uint8_t protocol, enum refusal_code why, char out[static 96])
{
	if (why != REFUSAL_PORTS_FULL || session_limit(g, protocol) == 0)
		return refusal_text(why);
	snprintf(out, 96, "all %u ports of %s are in use (%s.max_sessions)",
		session_limit(g, protocol), protocol == TUNNEL_PPTP ? "PPTP" : "L2TP",
		protocol == TUNNEL_PPTP ? "pptp" : "l2tp");
	return out;
}

void
session_refused(struct gateway *g, const struct carrier *carrier, uint32_t peer_ip,
	enum refusal_code why, const char *text)
{
	char peer[16], own[96];
	gateway_refusal(g, why);
	if (gateway_may_log(g, why, peer_ip))
		log_event(LOG_NOTICE, "call-refused",
			"protocol=%s peer=%s code=%s text=\"%s\" remedy=\"%s\"", carrier->name,
			log_ip(peer, peer_ip), refusal_name(why),
			text ? text : session_refusal_text(g, carrier->protocol, why, own),
			refusal_remedy(why));
}
