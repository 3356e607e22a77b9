/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/session/carrier.h"

#include <stdio.h>
#include <string.h>

#include "control/core/log.h"
#include "control/session/session.h"

void
carrier_init(struct carrier *c)
{
	strangers_init(&c->strangers);
}

void
carrier_free(struct carrier *c)
{
	ids_free(&c->ids);
	c->ops->free(c);
}

uint32_t
carrier_limit(const struct carrier *c)
{
	return *c->enabled ? *c->max_sessions : 0;
}

bool
carrier_full(const struct carrier *c)
{
	uint32_t limit = carrier_limit(c);
	return limit && c->n_active >= limit;
}

uint32_t
carrier_left(const struct carrier *c)
{
	uint32_t limit = carrier_limit(c);
	uint32_t known = c->n_active - c->strangers.n;
	return limit > known ? limit - known : 0;
}

const char *
carrier_refusal_text(const struct carrier *c, enum refusal_code why, char out[static 96])
{
	if (why != REFUSAL_PORTS_FULL || carrier_limit(c) == 0)
		return refusal_text(why);
	snprintf(out, 96, "all %u ports of %s are in use (%s.max_sessions)", carrier_limit(c),
		c->label, c->name);
	return out;
}

void
carrier_refuse(struct carrier *c, uint32_t peer_ip, enum refusal_code why, const char *text)
{
	char peer[16], own[96];
	refuse(c->all->env.refusals, why, peer_ip, "call-refused",
		text ? text : carrier_refusal_text(c, why, own), "protocol=%s peer=%s", c->name,
		log_ip(peer, peer_ip));
}

void
carrier_status(const struct carrier *c, struct carrier_status *out)
{
	memset(out, 0, sizeof(*out));
	out->name = c->name;
	out->sessions = c->n_active;
	out->max_sessions = carrier_limit(c);
	if (c->ops->status)
		c->ops->status(c, out);
}

void
carrier_figures(struct carrier_status *st, const struct carrier_figure *figures, unsigned int n)
{
	for (unsigned int i = 0; i < n && st->n_figures < CARRIER_FIGURES_MAX; i++)
		st->figures[st->n_figures++] = figures[i];
}
